"""A built index, open for reading: hybrid search over passages, and sentence-level evidence inside them."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from rag.arrays import Ids, Vectors, products
from rag.errors import BadQuestion, BadSetting, IndexCorrupt, IndexMismatch
from rag.models.embedder import Embedder, query_tokens
from rag.models.tokens import Tokens
from rag.retrieval.fusion import Weights, balanced, convex_combination
from rag.retrieval.late_interaction import matches
from rag.schema import Document, Evidence, Filter, Hit, Match, Passage
from rag.storage.database import DATABASE, Store
from rag.storage.generations import Segments, View, base_is_whole
from rag.storage.keywords import keyword_query, keyword_terms
from rag.storage.manifest import ANALYSIS, Manifest
from rag.storage.milvus.client import MilvusIndex
from rag.storage.milvus.sync import Mirror, MirrorView, disagreements
from rag.storage.rows import DocumentInfo
from rag.storage.verify import Fault, faults
from rag.text.language import question_language
from rag.text.words import content_stems

LONGEST_QUESTION = 2000
"""Characters; a longer text is a document, not a question."""

LEGS = ("dense", "keyword")
_MATCH_SHARE, _PASSAGE_SHARE, _WORD_SHARE = 0.4, 0.4, 0.3  # tuned as in docs/quality.md
_DENSE_POOL, _KEYWORD_POOL = 50, 30  # candidates taken from each leg
_MATCHED = 20
"""Candidates of each language that are compared with the question token by token."""
_POSTINGS = 10_000
"""Passages, each term's counted, among which the best by keyword are looked for in a large collection: the terms that most passages
have are left out first. They tell least, and would cost the most."""
_LOOKED_UP = 2_000
"""Up to so many passages that a search is restricted to are looked up one by one; of more, all matches are found and sorted out."""
_FILTERS = 16
"""Filters whose passages are remembered."""
_ATTEMPTS = 5
"""To open the vectors of a generation while a writer publishes one after another."""


@dataclass(frozen=True, slots=True)
class _Allowed:
    """The passages that a search may return, ascending, and those of them that may be returned in each language; None: all."""

    ids: Ids | None
    of_language: Mapping[str, Ids | None]

    @classmethod
    def of(cls, ids: Ids | None, view: View | MirrorView) -> _Allowed:
        """Those of a generation's passages that are among `ids`, or all of them."""
        if isinstance(view, MirrorView) or (ids is None and len(view.languages) == 1):  # Milvus knows the languages itself
            return cls(ids, dict.fromkeys(view.languages, ids))
        if ids is None:
            return cls(None, view.languages)
        return cls(ids, {language: among[_contains(ids, among)] for language, among in view.languages.items()})


def _contains(ascending: Ids, ids: Ids) -> npt.NDArray[np.bool_]:
    """For each of the ids whether it is among the ascending ones."""
    if not len(ascending):
        return np.zeros(len(ids), dtype=bool)
    at = np.minimum(np.searchsorted(ascending, ids), len(ascending) - 1)
    return np.asarray(ascending[at] == ids, dtype=bool)


def checked_question(question: str) -> str:
    """The question without the white space around it. Raises BadQuestion when it is empty or too long."""
    # Bytes of a command line that are no UTF-8 arrive as lone surrogates, which can't be stored, printed or tokenized.
    question = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not any(character.isalnum() for character in question):
        raise BadQuestion("error.question_empty")
    if len(question) > LONGEST_QUESTION:
        raise BadQuestion("error.question_long", length=len(question), limit=LONGEST_QUESTION)
    return question


class Index:
    """Search over one index folder. Safe to share between threads; follows new generations by itself.

    Use `Index.open`, which refuses an index that was made by another embedder, format or analysis.
    """

    def __init__(
        self, folder: Path, store: Store, embedder: Embedder, weights: Weights | None = None, milvus: MilvusIndex | None = None
    ) -> None:
        self.folder = folder
        self._milvus = milvus
        self._weights = weights or Weights()
        self.embedder = embedder
        self._store = store
        self._vectors: Segments | Mirror = Segments(folder) if milvus is None else Mirror(milvus)
        self._agreed: tuple[str, int] | None = None
        self._asked = lru_cache(maxsize=128)(self._embed_question)
        self._filters: tuple[tuple[str, int], dict[Filter, _Allowed]] = ("", 0), {}
        self._passages_with = lru_cache(maxsize=16_384)(self._read_count)

    @classmethod
    def open(cls, folder: str | Path, embedder: Embedder, milvus: MilvusIndex | None = None) -> Index:
        """Open an index for reading with the embedder it was built with.

        With `milvus` vectors and keywords are searched there; `rag.storage.milvus.sync.mirror_index` brings them there.
        Raises IndexMissing, IndexMismatch, IndexCorrupt; a search in Milvus raises MilvusFailed as well.
        """
        folder = Path(folder)
        index = cls(folder, Store(folder / DATABASE), embedder, milvus=milvus)
        try:
            index._check_agreement(index.manifest())
        except BaseException:
            index.close()
            raise
        return index

    def _check_agreement(self, manifest: Manifest) -> None:
        """Raises IndexMismatch when the published generation was made by another embedder or analysis."""
        if manifest.fingerprint != self.embedder.fingerprint:
            raise IndexMismatch("error.index_embedder", path=self.folder, found=manifest.embedder, expected=self.embedder.name)
        if manifest.analysis != ANALYSIS:
            raise IndexMismatch("error.index_format", path=self.folder, found=manifest.analysis, expected=ANALYSIS)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def manifest(self) -> Manifest:
        """What the index says of itself now."""
        return self._store.existing_manifest()

    def documents(self) -> list[DocumentInfo]:
        """All documents in order of id, without their text."""
        return self._store.documents()

    def infos(self, ids: Sequence[str]) -> dict[str, DocumentInfo]:
        """The documents under the given ids, without their text; ids that do not exist are left out."""
        return self._store.infos(ids)

    def document(self, id: str) -> Document | None:
        """One document with its whole text, or None."""
        return self._store.document(id)

    def all_passages(self) -> list[Passage]:
        """Every passage in order of document and place: for a corpus small enough to be read whole."""
        passages = self._store.passages(self._store.passage_ids().tolist())
        return sorted(passages.values(), key=lambda passage: (passage.document_id, passage.span.start))

    def query_vector(self, question: str) -> Vectors:
        """The question's unit vector, shape (dimension,); the last 128 questions are remembered."""
        return self._asked(question)[0]

    def _embed_question(self, question: str) -> tuple[Vectors, Tokens]:
        return query_tokens(self.embedder, question)

    def search(
        self,
        question: str,
        k: int = 10,
        *,
        offset: int = 0,
        filter: Filter | None = None,
        exclude: Container[int] = (),
        legs: Container[str] = LEGS,
        stems: bool = True,
    ) -> list[Hit]:
        """The `k` best passages for a question in either language, best first; fewer when fewer exist.

        `offset` leaves out so many of the best: pages of one ranking, whatever their size. `filter` restricts the search,
        `exclude` leaves out some passages. Candidates are the nearest passages by vector and the best by keyword; each is judged
        by its own vector, by its best sentence's, and, when it is in the question's language, by its keywords; the best of them by how
        well a sentence matches the question token by token, where the index has tokens, as well. Across languages
        only names and numbers can match, and such matches bring a candidate in but do not raise it. What comes after the candidates
        is ranked by its own vector alone. For measurements, `legs` switches off one of "dense" and "keyword", and without `stems`
        keywords match only as they are written.
        Raises BadQuestion, BadSetting.
        """
        question = checked_question(question)
        if k < 1:
            raise BadSetting("error.k", value=k)
        if offset < 0:
            raise BadSetting("error.offset", value=offset)
        wanted = offset + k
        vector, tokens = self._asked(question)
        language = question_language(question)
        with self._reading() as view:
            allowed = self._allowed(view, filter, exclude)
            pool = _KEYWORD_POOL if "dense" in legs else max(_KEYWORD_POOL, wanted)
            matches = self._keyword_matches(question, legs, stems, view, allowed, pool)
            lexical_ranks = {id: rank for found in matches.values() for rank, id in enumerate(found, start=1)}
            dense_ranks: dict[int, int] = {}
            if "dense" in legs:
                near, languages = self._nearest(view, vector, _DENSE_POOL, allowed)
                dense_ranks = {id: rank for rank, id in enumerate(sorted(near, key=lambda id: -near[id]), start=1)}
                far = np.array([id for id in lexical_ranks if id not in near], dtype=np.int64)
                near.update(zip(far.tolist(), products(view.vectors(far), vector).tolist(), strict=True))
                languages.update({id: of for of, found in matches.items() for id in found})
                sentences = self._best_sentences(list(near), vector)
                fused = convex_combination(near, sentences, matches.get(language, {}), self._weights, languages, language)
                fused = self._reranked(fused, tokens, languages, language)
                if wanted > len(fused):
                    fused += self._further(view, vector, wanted, allowed, fused)
            else:
                fused = sorted(((id, score) for found in matches.values() for id, score in found.items()), key=lambda x: -x[1])
            fused = fused[offset:wanted]
            passages = self._store.existing_passages([id for id, _ in fused])
        return [
            Hit(passages[id], rank, score, dense_ranks.get(id), lexical_ranks.get(id))
            for rank, (id, score) in enumerate(fused, start=offset + 1)
        ]

    @contextmanager
    def _reading(self) -> Iterator[View | MirrorView]:
        """A snapshot of one generation, with its vectors."""
        for attempt in range(_ATTEMPTS):
            with self._store.snapshot():
                published = self._store.published()
                view = self._vectors.known(published) if published == self._agreed else None
                if view is None:
                    manifest = self.manifest()
                    self._check_agreement(manifest)  # it may have been made anew by another embedder since it was opened
                    self._agreed = manifest.born, manifest.generation
                    try:
                        view = self._vectors.at(self._store, manifest)
                    except IndexCorrupt:
                        # A writer may have put another file in its place since the snapshot began.
                        if attempt == _ATTEMPTS - 1 or base_is_whole(self.folder, manifest.base):
                            raise
                        continue
                yield view
                return

    def _nearest(self, view: View | MirrorView, vector: Vectors, k: int, allowed: _Allowed) -> tuple[dict[int, float], dict[int, str]]:
        """The `k` nearest passages of each language by vector, with their similarity and their language.

        One list for all would hold nothing but the question's own language in a mixed collection of some size.
        """
        near: dict[int, float] = {}
        languages: dict[int, str] = {}
        for language, among in allowed.of_language.items():
            ids, scores = view.nearest(vector, k, language, among)
            near.update(zip(ids.tolist(), scores.tolist(), strict=True))
            languages.update(dict.fromkeys(ids.tolist(), language))
        return near, languages

    def _further(
        self, view: View | MirrorView, vector: Vectors, wanted: int, allowed: _Allowed, fused: Sequence[tuple[int, float]]
    ) -> list[tuple[int, float]]:
        """What comes after the candidates, by similarity, with scores that are not above theirs."""
        before = {id for id, _ in fused}
        least = fused[-1][1] if fused else 1.0
        near, _ = self._nearest(view, vector, wanted, allowed)
        rest = sorted(((id, score) for id, score in near.items() if id not in before), key=lambda item: (-item[1], item[0]))
        return [(id, min(score, least)) for id, score in rest]

    def _keyword_matches(
        self, question: str, legs: Container[str], stems: bool, view: View | MirrorView, allowed: _Allowed, pool: int
    ) -> dict[str, dict[int, float]]:
        """For each language of the index its passages that share words with the question, with BM25 scores, best first."""
        if "keyword" not in legs:
            return {}
        if isinstance(view, MirrorView):
            return {
                language: dict(view.search_keywords(question, language, pool, among, stems=stems))
                for language, among in allowed.of_language.items()
            }
        terms = keyword_terms(question, stems=stems)
        few = allowed.ids is not None and len(allowed.ids) <= _LOOKED_UP
        if not few and len(view) * len(terms) > _POSTINGS:
            terms = self._telling(terms, (view.born, view.generation))
        ids, scores = self._store.search_keywords(keyword_query(terms, stems=stems), allowed.ids if few else None)
        found: dict[str, dict[int, float]] = {}
        for language, among in allowed.of_language.items():
            best = (np.arange(len(ids)) if among is None else np.flatnonzero(_contains(among, ids)))[:pool]
            found[language] = dict(zip(ids[best].tolist(), scores[best].tolist(), strict=True))
        return found

    def _telling(self, terms: Sequence[str], generation: tuple[str, int]) -> list[str]:
        """The rarest of the terms: as many as together occur in `_POSTINGS` passages, and one at least."""
        held = sorted((self._passages_with(term, generation), term) for term in terms)
        held = [(count, term) for count, term in held if count]
        total, kept = 0, list[str]()
        for count, term in held:
            total += count
            if kept and total > _POSTINGS:
                break
            kept.append(term)
        return kept

    def _read_count(self, term: str, generation: tuple[str, int]) -> int:
        """In how many passages a term occurs; `generation` as below."""
        return self._store.passages_with(term)

    def _best_sentences(self, ids: Sequence[int], vector: Vectors) -> dict[int, float]:
        """For each passage the similarity of its nearest sentence."""
        return {id: float(scores.max()) for id, scores in self._store.sentence_scores(ids, vector).items() if len(scores)}

    def _allowed(self, view: View | MirrorView, filter: Filter | None, exclude: Container[int]) -> _Allowed:
        """What a search may return."""
        allowed = self._by_filter(filter, view) if filter else _Allowed.of(None, view)
        if exclude == ():
            return allowed
        ids = view.ids() if allowed.ids is None else allowed.ids
        if isinstance(exclude, Collection):
            ids = ids[~np.isin(ids, np.array(list(exclude), dtype=np.int64))]
        else:
            ids = np.array([id for id in ids.tolist() if id not in exclude], dtype=np.int64)
        return _Allowed.of(ids, view)

    def _by_filter(self, filter: Filter, view: View | MirrorView) -> _Allowed:
        """The passages that meet a filter; those of the last filters of a generation are remembered."""
        generation = view.born, view.generation
        if self._filters[0] != generation:
            self._filters = generation, {}
        known = self._filters[1]
        allowed = known.get(filter)
        if allowed is None:
            allowed = _Allowed.of(self._store.passage_ids(filter), view)
            if len(known) >= _FILTERS:
                known.clear()
            known[filter] = allowed
        return allowed

    def evidence(self, question: str, hits: Sequence[Hit], k: int = 5) -> list[Evidence]:
        """The `k` sentences of the hits that most likely hold the answer, best first; `score` is similarity to the question.

        A sentence is ranked by its own similarity, by how well it matches the question's tokens (late interaction, where the index
        has tokens), by its passage's score, and, in the question's language, by the share of the question's words in it.
        """
        if not hits:
            return []
        question = checked_question(question)
        vector, tokens = self._asked(question)
        asked, language = set(content_stems(question)), question_language(question)
        with self._store.snapshot():
            if self._store.published() != self._agreed:
                self._check_agreement(self.manifest())
            scores = self._store.sentence_scores([hit.passage.id for hit in hits], vector)
            matched = self._matches(tokens, [hit.passage for hit in hits])
        found: list[Evidence] = []
        near, shares = list[float](), list[float]()  # to the question, and of its words
        for hit in hits:
            similarities = scores.get(hit.passage.id)
            if similarities is None or len(similarities) != len(hit.passage.sentences):  # removed since the search
                continue
            of_sentences: Sequence[Match | None] = matched.get(hit.passage.id) or [None] * len(similarities)
            in_language = hit.passage.language == language
            for span, similarity, match in zip(hit.passage.sentences, similarities.tolist(), of_sentences, strict=True):
                text = hit.passage.quote(span)
                if text.startswith("#") and len(hit.passage.sentences) > 1:
                    continue  # a heading names what is said below it and proves nothing
                shared = len(asked.intersection(content_stems(text))) if in_language else 0
                near.append(similarity + (_MATCH_SHARE * match.sentence if match else 0.0))
                shares.append(shared / max(len(asked), 1))
                found.append(Evidence(hit.passage, span, text, similarity, _PASSAGE_SHARE * hit.score, match))
        if not found:
            return []
        level = balanced(dict(enumerate(near)), {number: item.passage.language for number, item in enumerate(found)}, language)
        spread = max(level.values()) - median(level.values())
        evidence = [
            replace(item, worth=item.worth + level[number] + _WORD_SHARE * spread * shares[number]) for number, item in enumerate(found)
        ]
        evidence.sort(key=lambda item: (-item.worth, item.passage.id, item.span.start))
        return evidence[:k]

    def _reranked(
        self, fused: list[tuple[int, float]], question: Tokens, languages: Mapping[int, str], home: str
    ) -> list[tuple[int, float]]:
        """The candidates with the best of each language judged by the question's tokens as well; where there are none, as they were."""
        if not len(question):
            return fused
        groups: dict[str, list[int]] = {}
        for id, _ in fused:
            groups.setdefault(languages[id], []).append(id)
        passages = self._store.existing_passages([id for group in groups.values() for id in group[:_MATCHED]])
        found = self._matches(question, list(passages.values()))
        level = balanced({id: max(match.sentence for match in of) for id, of in found.items()}, languages, home)
        judged = [(id, score + self._weights.match * level.get(id, 0.0)) for id, score in fused]
        return sorted(judged, key=lambda item: (-item[1], item[0]))

    def _matches(self, question: Tokens, passages: Sequence[Passage]) -> dict[int, list[Match]]:
        """For each passage how well its sentences match the question's tokens; passages without tokens are left out."""
        if not len(question):
            return {}
        blobs = self._store.tokens([passage.id for passage in passages])
        given = {
            passage.id: (blobs[passage.id], [span.shifted(-passage.span.start) for span in passage.sentences])
            for passage in passages
            if blobs.get(passage.id)
        }
        try:
            return matches(question, given)
        except ValueError as error:
            raise IndexCorrupt("error.index_damaged", path=self._store.path, reason=f"tokens: {error}") from error

    def verify(self) -> list[Fault]:
        """What is wrong with the index; empty when nothing is. Reads every row and vector."""
        found = faults(self.folder, self._store)
        if self._milvus is not None:
            kinds = ("damage.milvus_lacks", "damage.milvus_keeps", "damage.milvus_vector")
            for key, ids in zip(kinds, disagreements(self._store, self._milvus), strict=True):
                found += [Fault(key, {"count": len(ids), "id": ids[0], "command": "shawahid mirror"})] if ids else []
        return found
