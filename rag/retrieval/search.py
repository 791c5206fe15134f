"""Hybrid search: candidates by vector and by keyword, fused into one ranking, the best of them re-ranked by late interaction."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from rag.arrays import Ids, Vectors, products
from rag.models.token_vectors import Tokens
from rag.retrieval.fusion import Weights, balance_languages, convex_combination
from rag.retrieval.late_interaction import stored_matches
from rag.retrieval.query import Query
from rag.schema import Filter, Hit, Passage, Span
from rag.storage.database import Store
from rag.storage.generations import IndexView
from rag.storage.keywords import keyword_query, keyword_terms
from rag.storage.milvus.sync import MirrorView

AnyView = IndexView | MirrorView
"""One generation of an index with its vectors, in the index folder or in Milvus."""

_DENSE_POOL, _KEYWORD_POOL = 50, 30  # candidates taken from each leg
_MATCHED = 20
"""Candidates of each language that are compared with the question token by token."""
_POSTINGS = 10_000
"""Passages, each term's counted, among which the best by keyword are looked for in a large collection: the terms that most passages
have are left out first. They say least, and would cost the most."""
_LOOKED_UP = 2_000
"""A search restricted to at most this many passages looks them up one by one; with more, all matches are found and filtered."""
_FILTERS = 16
"""Filters whose passages are remembered."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The passages that a search may return, ascending, and those of them that may be returned in each language; None: all."""

    ids: Ids | None
    of_language: Mapping[str, Ids | None]

    @classmethod
    def of(cls, ids: Ids | None, view: AnyView) -> Allowed:
        """Return those of a generation's passages that are among `ids`, or all of them."""
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


class PassageSearch:
    """The ranking of one index's passages. Safe to share between threads.

    Every method takes the view of one generation, and is called within the store's snapshot of the same generation.
    """

    def __init__(self, store: Store, weights: Weights) -> None:
        self._store = store
        self._weights = weights
        self._filters: tuple[tuple[str, int], dict[Filter, Allowed]] = ("", 0), {}
        # Of the store, not of this object: it would refer to itself, and the files of an index that is dropped would stay open for a while.
        self._passages_with = lru_cache(maxsize=16_384)(partial(_read_count, store))
        self._digest = lru_cache(maxsize=16_384)(partial(_read_digest, store))

    def hits(
        self,
        view: AnyView,
        query: Query,
        k: int,
        offset: int,
        *,
        filter: Filter | None,
        exclude: Container[int],
        legs: Container[str],
        stems: bool,
    ) -> list[Hit]:
        """Return the `k` best passages after the first `offset`: see `Index.search`. Raises IndexCorrupt, MilvusFailed."""
        wanted = offset + k
        allowed = self._allowed(view, filter, exclude)
        pool = _KEYWORD_POOL if "dense" in legs else max(_KEYWORD_POOL, wanted)
        matches = self._keyword_matches(query, stems, view, allowed, pool) if "keyword" in legs else {}
        lexical_ranks = {id: rank for found in matches.values() for rank, id in enumerate(found, start=1)}
        dense_ranks: dict[int, int] = {}
        if "dense" in legs:
            near, languages = _nearest(view, query.vector, _DENSE_POOL, allowed)
            dense_ranks = {id: rank for rank, id in enumerate(sorted(near, key=lambda id: -near[id]), start=1)}
            far = np.array([id for id in lexical_ranks if id not in near], dtype=np.int64)
            near.update(zip(far.tolist(), products(view.vectors(far), query.vector).tolist(), strict=True))
            languages.update({id: of for of, found in matches.items() for id in found})
            sentences = self._best_sentences(list(near), query.vector)
            fused = convex_combination(near, sentences, matches.get(query.language, {}), self._weights, languages, query.language)
            fused = self._reranked(fused, query.tokens, languages, query.language)
            kept = self._distinct(fused, wanted, view)
            if len(kept) < wanted:
                kept = self._extended(fused, query.vector, wanted, allowed, view)
        else:
            fused = sorted(((id, score) for found in matches.values() for id, score in found.items()), key=lambda x: -x[1])
            kept = self._distinct(fused, wanted, view)
        kept = kept[offset:]
        if filter:
            self._store.check_filter([passage for passage, _ in kept], filter)
        return [
            Hit(passage, rank, score, dense_ranks.get(passage.id), lexical_ranks.get(passage.id))
            for rank, (passage, score) in enumerate(kept, start=offset + 1)
        ]

    # --- the same text under several names --------------------------------------------------------------------------------

    def _distinct(self, ranked: Sequence[tuple[int, float]], wanted: int, view: AnyView) -> list[tuple[Passage, float]]:
        """Return the first `wanted` passages of a ranking with their scores. Of documents with the same text only one passage of each
        place is returned, the one that comes first."""
        kept: list[tuple[Passage, float]] = []
        places: dict[tuple[Span, str], list[str]] = {}
        for start in range(0, len(ranked), wanted):
            some = ranked[start : start + wanted]
            passages = self._store.existing_passages([id for id, _ in some])
            for id, score in some:
                passage = passages[id]
                others = places.setdefault((passage.span, passage.text), [])
                if not any(self._have_same_text(passage.document_id, other, view) for other in others):
                    others.append(passage.document_id)
                    kept.append((passage, score))
            if len(kept) >= wanted:
                return kept[:wanted]
        return kept

    def _extended(
        self, ranked: Sequence[tuple[int, float]], vector: Vectors, wanted: int, allowed: Allowed, view: AnyView
    ) -> list[tuple[Passage, float]]:
        """Return what `_distinct` returns of a ranking and of what comes after it, until there are enough or no more."""
        most = len(view.ids() if allowed.ids is None else allowed.ids)
        ranked, reach = list(ranked), wanted
        while True:
            ranked += _further(view, vector, reach, allowed, ranked)
            kept = self._distinct(ranked, wanted, view)
            if len(kept) == wanted or reach >= most:
                return kept
            reach *= 2

    def _have_same_text(self, one: str, other: str, view: AnyView) -> bool:
        generation = view.born, view.generation
        return self._digest(one, generation) == self._digest(other, generation)

    # --- which passages may be returned -----------------------------------------------------------------------------------

    def _allowed(self, view: AnyView, filter: Filter | None, exclude: Container[int]) -> Allowed:
        """What a search may return."""
        allowed = self._by_filter(filter, view) if filter else Allowed.of(None, view)
        if exclude == ():
            return allowed
        ids = view.ids() if allowed.ids is None else allowed.ids
        if isinstance(exclude, Collection):
            ids = ids[~np.isin(ids, np.array(list(exclude), dtype=np.int64))]
        else:
            ids = np.array([id for id in ids.tolist() if id not in exclude], dtype=np.int64)
        return Allowed.of(ids, view)

    def _by_filter(self, filter: Filter, view: AnyView) -> Allowed:
        """Return the passages that meet a filter; those of the last filters of a generation are remembered."""
        generation = view.born, view.generation
        if self._filters[0] != generation:
            self._filters = generation, {}
        known = self._filters[1]
        allowed = known.get(filter)
        if allowed is None:
            allowed = Allowed.of(self._store.passage_ids(filter), view)
            if len(known) >= _FILTERS:
                known.clear()
            known[filter] = allowed
        return allowed

    # --- candidates by keyword --------------------------------------------------------------------------------------------

    def _keyword_matches(self, query: Query, stems: bool, view: AnyView, allowed: Allowed, pool: int) -> dict[str, dict[int, float]]:
        """For each language of the index its passages that share words with the question, with BM25 scores, best first."""
        if isinstance(view, MirrorView):
            return {
                language: dict(view.search_keywords(query.text, language, pool, among, stems=stems))
                for language, among in allowed.of_language.items()
            }
        terms = keyword_terms(query.text, stems=stems)
        few = allowed.ids is not None and len(allowed.ids) <= _LOOKED_UP
        if not few and len(view) * len(terms) > _POSTINGS:
            terms = self._rarest(terms, (view.born, view.generation))
        ids, scores = self._store.search_keywords(keyword_query(terms, stems=stems), allowed.ids if few else None)
        found: dict[str, dict[int, float]] = {}
        for language, among in allowed.of_language.items():
            best = (np.arange(len(ids)) if among is None else np.flatnonzero(_contains(among, ids)))[:pool]
            found[language] = dict(zip(ids[best].tolist(), scores[best].tolist(), strict=True))
        return found

    def _rarest(self, terms: Sequence[str], generation: tuple[str, int]) -> list[str]:
        """Return the rarest of the terms: as many as together occur in `_POSTINGS` passages, and one at least."""
        held = sorted((self._passages_with(term, generation), term) for term in terms)
        held = [(count, term) for count, term in held if count]
        total, kept = 0, list[str]()
        for count, term in held:
            total += count
            if kept and total > _POSTINGS:
                break
            kept.append(term)
        return kept

    # --- the order of the candidates --------------------------------------------------------------------------------------

    def _best_sentences(self, ids: Sequence[int], vector: Vectors) -> dict[int, float]:
        """For each passage the similarity of its nearest sentence."""
        return {id: float(scores.max()) for id, scores in self._store.sentence_scores(ids, vector).items() if len(scores)}

    def _reranked(
        self, fused: list[tuple[int, float]], question: Tokens, languages: Mapping[int, str], home: str
    ) -> list[tuple[int, float]]:
        """Return the candidates with the best of each language judged by the question's tokens as well; where there are none, as they
        were."""
        if not len(question):
            return fused
        groups: dict[str, list[int]] = {}
        for id, _ in fused:
            groups.setdefault(languages[id], []).append(id)
        passages = self._store.existing_passages([id for group in groups.values() for id in group[:_MATCHED]])
        found = stored_matches(self._store, question, list(passages.values()))
        level = balance_languages({id: max(match.sentence for match in of) for id, of in found.items()}, languages, home)
        judged = [(id, score + self._weights.match * level.get(id, 0.0)) for id, score in fused]
        return sorted(judged, key=lambda item: (-item[1], item[0]))


def _read_digest(store: Store, id: str, generation: tuple[str, int]) -> bytes:
    """Return a hash of a document's text; `generation` only separates cached values."""
    return store.text_digest(id)


def _read_count(store: Store, term: str, generation: tuple[str, int]) -> int:
    """Return in how many passages a term occurs; `generation` only separates cached counts."""
    return store.passages_with(term)


def _nearest(view: AnyView, vector: Vectors, k: int, allowed: Allowed) -> tuple[dict[int, float], dict[int, str]]:
    """Return the `k` nearest passages of each language by vector, with their similarity and their language.

    One list for all would hold nothing but the question's own language in a mixed collection of some size.
    """
    near: dict[int, float] = {}
    languages: dict[int, str] = {}
    for language, among in allowed.of_language.items():
        ids, scores = view.nearest(vector, k, language, among)
        near.update(zip(ids.tolist(), scores.tolist(), strict=True))
        languages.update(dict.fromkeys(ids.tolist(), language))
    return near, languages


def _further(view: AnyView, vector: Vectors, wanted: int, allowed: Allowed, fused: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """What comes after the candidates, by similarity, with scores that are not above theirs."""
    before = {id for id, _ in fused}
    least = fused[-1][1] if fused else 1.0
    near, _ = _nearest(view, vector, wanted, allowed)
    rest = sorted(((id, score) for id, score in near.items() if id not in before), key=lambda item: (-item[1], item[0]))
    return [(id, min(score, least)) for id, score in rest]
