"""The sentences of the passages found that most likely hold the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from rag.retrieval.fusion import balance_languages
from rag.retrieval.late_interaction import stored_matches
from rag.retrieval.query import Query
from rag.schema import Evidence, Hit, Match
from rag.storage.database import Store
from rag.text.words import content_stems

_MATCH_SHARE, _PASSAGE_SHARE, _WORD_SHARE = 0.4, 0.4, 0.3  # tuned as in docs/notes/late-interaction.md


def ranked_sentences(store: Store, query: Query, hits: Sequence[Hit]) -> list[Evidence]:
    """Return all sentences of the hits, best first; `score` is the similarity to the question.

    A sentence is ranked by its own similarity, by how well it matches the question's tokens (late interaction, where the index has tokens),
    by its passage's score, and, in the question's language, by the share of the question's words in it. Passages that were removed since
    the search are left out. Call it within a snapshot of the store. Raises IndexCorrupt.
    """
    scores = store.sentence_scores([hit.passage.id for hit in hits], query.vector)
    matched = stored_matches(store, query.tokens, [hit.passage for hit in hits])
    asked = set(query.stems)
    found: list[Evidence] = []
    near, shares = list[float](), list[float]()  # to the question, and of its words
    for hit in hits:
        similarities = scores.get(hit.passage.id)
        if similarities is None or len(similarities) != len(hit.passage.sentences):
            continue
        of_sentences: Sequence[Match | None] = matched.get(hit.passage.id) or [None] * len(similarities)
        for span, similarity, match in zip(hit.passage.sentences, similarities.tolist(), of_sentences, strict=True):
            text = hit.passage.quote(span)
            if text.startswith("#") and len(hit.passage.sentences) > 1:
                continue  # a heading names what is said below it and proves nothing
            item = Evidence(hit.passage, span, text, similarity, _PASSAGE_SHARE * hit.score, match)
            shared = len(asked.intersection(content_stems(text))) if query.shares_language(item) else 0
            near.append(similarity + (_MATCH_SHARE * match.sentence if match else 0.0))
            shares.append(shared / max(len(asked), 1))
            found.append(item)
    if not found:
        return []
    languages = {number: item.passage.language for number, item in enumerate(found)}
    level = balance_languages(dict(enumerate(near)), languages, query.language)
    spread = max(level.values()) - median(level.values())
    ranked = [replace(item, worth=item.worth + level[number] + _WORD_SHARE * spread * shares[number]) for number, item in enumerate(found)]
    ranked.sort(key=lambda item: (-item.worth, item.passage.id, item.span.start))
    return ranked
