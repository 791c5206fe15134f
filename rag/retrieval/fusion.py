"""Several judgements of the same passages into one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each judgement counts. `passage` and `sentence` weigh cosine similarities; `keyword` is the part of the spread
    between the best and the median candidate that the best keyword match may add. `match` weighs the match of the best sentence,
    token by token (`rag.retrieval.late_interaction`), which is added for the best candidates.

    Tuned on 612 development questions in each of four language directions: docs/notes/fusion.md.
    """

    passage: float = 0.35
    sentence: float = 0.65
    keyword: float = 0.2
    match: float = 0.6


_FEWEST = 10
_HOME = 0.1
"""The part of the spread by which the question's own language comes first in a mixed collection: of two copies, one's own."""


def balance_languages(scores: Mapping[int, float], languages: Mapping[int, str], home: str) -> dict[int, float]:
    """Return the scores with every other language's raised or lowered so that its candidates' median is that of `home`'s.

    An embedder finds two texts in one language more alike than the same texts in two, so in a mixed collection the wrong passage in the
    question's language outranks the right one in the other. Most candidates of either language are no answer; bringing their medians
    together lets what stands out of its own list stand out of both. `home` is the question's language; a list of fewer than 10 candidates
    has no median worth the name, and is left as it is.
    """
    groups: dict[str, list[float]] = {}
    for id, score in scores.items():
        groups.setdefault(languages[id], []).append(score)
    if len(groups.get(home, ())) < _FEWEST:
        return dict(scores)
    level = median(groups[home])
    shift = {language: level - median(found) for language, found in groups.items() if len(found) >= _FEWEST}
    return {id: score + shift.get(languages[id], 0.0) for id, score in scores.items()}


def convex_combination(
    passages: Mapping[int, float],
    sentences: Mapping[int, float],
    keywords: Mapping[int, float],
    weights: Weights,
    languages: Mapping[int, str] | None = None,
    home: str = "",
) -> list[tuple[int, float]]:
    """Ids with their fused score, best first; ties by id.

    `passages` holds every candidate's similarity as a whole, `sentences` that of its best sentence (missing: the passage's own),
    `keywords` the positive BM25 scores of those that share words with the question. `languages`, the language of each, and
    `home`, that of the question, balance the languages of a mixed collection. Combining scores beats combining ranks
    (Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023): a rank says that one passage is
    before another, not that it is far ahead. Keyword scores have no common scale with cosine; they are brought to it by the
    spread of this question's candidates, so the same weights serve embedders whose similarities lie close together.
    """
    if not passages:
        return []
    base = {id: weights.passage * score + weights.sentence * sentences.get(id, score) for id, score in passages.items()}
    if languages is not None:
        base = balance_languages(base, languages, home)
    spread = max(base.values()) - median(base.values()) if len(base) > 1 else 1.0
    highest = max(keywords.values(), default=0.0)
    fused = {id: score + (weights.keyword * spread * keywords.get(id, 0.0) / highest if highest > 0 else 0.0) for id, score in base.items()}
    if languages is not None and len(set(languages.values())) > 1:
        fused = base | _reorder_home(fused, base, [id for id in base if languages[id] == home], _HOME * spread)
    return sorted(fused.items(), key=lambda item: (-item[1], item[0]))


def _reorder_home(fused: Mapping[int, float], base: Mapping[int, float], home: Sequence[int], more: float) -> dict[int, float]:
    """Return the passages of the question's language in the order of their fused scores, with the scores that they have without keywords
    plus a little `more`.

    A question shares words only with passages of its own language: keywords distinguish these from each other, and say nothing about
    whether the other language's passages answer it better.
    """
    order = sorted(home, key=lambda id: (-fused[id], id))
    levels = sorted((base[id] for id in home), reverse=True)
    return {id: level + more for id, level in zip(order, levels, strict=True)}
