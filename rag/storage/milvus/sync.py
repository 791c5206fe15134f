"""Search in Milvus: a collection kept in step with the index folder, from which everything is derived.

`mirror_index` adds the passages that a collection lacks, in order of id, and removes those that are gone. Passage ids ascend and are never
reused. So a reader of any generation finds its passages up to some id in Milvus, and ignores what belongs to another generation; passages
with greater ids, which were added a moment ago, it searches in the folder. It never waits, and sees one generation as a whole.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.arrays import Ids, Vectors
from rag.errors import IndexMismatch
from rag.files import write_atomically, writing
from rag.models.embedder import Progress
from rag.storage.database import DATABASE, Store
from rag.storage.keywords import keyword_query, keyword_terms
from rag.storage.manifest import Manifest
from rag.storage.milvus.client import MilvusIndex, field_tokens

_ROWS = 1000
"""Passages read and brought at a time."""
_SAMPLES = 256
"""Ids asked for at once when it is looked up how far a mirror has come."""
_BEHIND = 20_000
"""Passages that are searched in the folder because they are not in Milvus yet: more than that would make each search slow."""
_NOTHING = np.empty(0, dtype=np.int64)


# --- reading ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MirrorView:
    """One generation, searched in Milvus as far as it is there. Used inside a snapshot of the store, as `rag.storage.generations.View` is.

    `last` is the highest id that Milvus holds; `fresh` are the vectors of what was added since, by language.
    """

    born: str
    generation: int
    milvus: MilvusIndex
    store: Store
    last: int
    dimension: int
    languages: Mapping[str, int]
    fresh: Mapping[str, tuple[Ids, Vectors]]

    def ids(self) -> Ids:
        """Return every id, ascending."""
        return self.store.passage_ids()

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under the given ids, shape (len(ids), dimension), as the folder has them. Raises IndexCorrupt."""
        held = self.store.vectors_of(ids.tolist())
        self.store.existing_passages([id for id in ids.tolist() if id not in held])
        return np.array([held[id] for id in ids.tolist()], dtype=np.float32).reshape(len(ids), self.dimension)

    def nearest(self, query: Vectors, k: int, language: str, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """Return the ids and scores of the `k` nearest passages in one language, best first; `among` (ascending) restricts it."""

        def search(asked: int, old: Ids | None) -> list[tuple[int, float]]:
            ids, scores = self.milvus.search(query, asked, old, language)
            return list(zip(ids.tolist(), scores.tolist(), strict=True))

        found = self._found(search, k, among)
        ids, vectors = self.fresh[language]
        if len(ids):
            kept = np.ones(len(ids), dtype=bool) if among is None else np.isin(ids, among)
            found += zip(ids[kept].tolist(), (vectors[kept] @ query).tolist(), strict=True)
        found = sorted(found, key=lambda hit: (-hit[1], hit[0]))[: max(k, 0)]
        return np.array([id for id, _ in found], dtype=np.int64), np.array([score for _, score in found], dtype=np.float32)

    def search_keywords(
        self, question: str, language: str, k: int, among: Ids | None = None, *, stems: bool = True
    ) -> list[tuple[int, float]]:
        """Return the best `k` passages in one language that share words with the question, as (id, BM25 score, higher is better)."""
        terms = keyword_terms(question, stems=stems)
        found = self._found(lambda asked, old: self.milvus.search_keywords(" ".join(terms), asked, old, language), k, among)
        fresh, _ = self.fresh[language]
        if among is not None:
            fresh = np.intersect1d(fresh, among, assume_unique=True)
        if len(fresh):
            added, scores = self.store.search_keywords(keyword_query(terms, stems=stems), fresh)
            found += zip(added.tolist(), scores.tolist(), strict=True)
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[: max(k, 0)]

    def _found(self, search: Callable[[int, Ids | None], list[tuple[int, float]]], k: int, among: Ids | None) -> list[tuple[int, float]]:
        """Return the best `k` that this generation holds: what Milvus holds of others takes places, which are asked for once more."""
        if among is not None:
            return search(k, among[among <= self.last])
        asked = k
        while True:
            hits = search(asked, None)
            here = self._held([id for id, _ in hits])
            kept = [hit for hit in hits if hit[0] in here]
            if len(kept) >= k or len(hits) < asked:
                return kept[: max(k, 0)]
            asked *= 2

    def _held(self, ids: list[int]) -> set[int]:
        return self.store.ids_among(ids, self.last)


class Mirror:
    """The generations of an index, searched in Milvus. Safe to share between threads."""

    def __init__(self, milvus: MilvusIndex) -> None:
        self._milvus = milvus
        self._lock = threading.Lock()
        self._view: MirrorView | None = None

    def known(self, published: tuple[str, int]) -> MirrorView | None:
        """Return the view of a generation, if it is the last that was asked for."""
        view = self._view
        return view if view is not None and (view.born, view.generation) == published else None

    def at(self, store: Store, manifest: Manifest) -> MirrorView:
        """Return the view of a generation, called inside a snapshot of it.

        Raises IndexMissing and IndexMismatch, which name what to run, when the collection is not there, was made for another index or
        embedder, or is far behind; MilvusFailed.
        """
        with self._lock:
            view = self._view
            if view is None or (view.born, view.generation) != (manifest.born, manifest.generation):
                view = self._view = self._made(store, manifest)
            return view

    def _made(self, store: Store, manifest: Manifest) -> MirrorView:
        milvus = self._milvus
        milvus.check(manifest.fingerprint, manifest.born)
        ids = store.passage_ids()
        last = _reached(milvus, ids)
        fresh = {}
        lacking = int(len(ids) - np.searchsorted(ids, last, side="right"))
        if lacking > _BEHIND:
            where = {"collection": milvus.collection, "address": milvus.address}
            raise IndexMismatch("error.milvus_behind", **where, held=len(ids) - lacking, wanted=len(ids))
        for language in manifest.languages:
            added = store.ids_in(language, last)
            vectors = store.vectors_of(added.tolist())
            rows = np.array([vectors[id] for id in added.tolist()], dtype=np.float32).reshape(len(added), manifest.dimension)
            fresh[language] = (added, rows)
        return MirrorView(manifest.born, manifest.generation, milvus, store, last, manifest.dimension, dict(manifest.languages), fresh)


def _reached(milvus: MilvusIndex, ids: Ids) -> int:
    """Return the highest of ascending ids that Milvus holds, 0 for none: they were brought in order."""
    if len(ids) == 0 or len(milvus.held(ids[-1:])):
        return int(ids[-1]) if len(ids) else 0
    low, high = -1, len(ids) - 1  # places: of the highest known to be there, and of the lowest known to be missing
    while high - low > 1:
        places = np.unique(np.linspace(low + 1, high - 1, _SAMPLES).astype(int))
        there = np.isin(ids[places], milvus.held(ids[places]))
        if there.any():
            low = int(places[there].max())
        higher = places[(places > low) & ~there]
        high = int(higher.min()) if len(higher) else high
    return int(ids[low]) if low >= 0 else 0


# --- writing ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """What was done: passages brought and taken away, and what the collection now holds."""

    added: int
    removed: int
    passages: int
    seconds: float


def mirror_index(
    out: str | Path, milvus: MilvusIndex, *, replace: bool = False, wait: float = 10.0, progress: Progress | None = None
) -> MirrorReport:
    """Make the collection hold just the passages of an index. The cost follows the change; if interrupted, run it again to continue.

    A collection made for another index or embedder is refused, unless `replace` rebuilds it. The collection's contents are noted in the
    index folder (`mirror.*.npy`); if that note is lost, or does not agree with Milvus's count, Milvus is asked for every id. Raises
    IndexMissing, IndexMismatch, IndexBusy, MilvusFailed, DiskFull.
    """
    started = time.perf_counter()
    out = Path(out)
    store = Store(out / DATABASE)
    try:
        with writing(out, wait, ".mirror.lock"):
            manifest = store.existing_manifest()
            milvus.create(manifest.fingerprint, manifest.dimension, manifest.born, replace=replace)
            note = out / f"mirror.{hashlib.sha256(f'{milvus.address}#{milvus.collection}'.encode()).hexdigest()[:12]}.npy"
            held = _noted(note)
            if held is None or len(held) != len(milvus):
                held = milvus.ids()
            added = removed = 0
            while True:
                generation, wanted = store.existing_manifest().generation, store.passage_ids()
                missing, gone = np.setdiff1d(wanted, held, assume_unique=True), np.setdiff1d(held, wanted, assume_unique=True)
                note.unlink(missing_ok=True)
                held = np.union1d(held, _bring(store, milvus, missing, progress))
                milvus.remove(gone)
                if len(missing):
                    milvus.settle()
                held = np.setdiff1d(held, gone, assume_unique=True)
                with write_atomically(note) as part, part.open("wb") as file:
                    np.save(file, held, allow_pickle=False)
                added, removed = added + len(missing), removed + len(gone)
                if store.generation() == generation:  # else somebody has published another in the meantime
                    return MirrorReport(added, removed, len(held), time.perf_counter() - started)
    finally:
        store.close()


def _bring(store: Store, milvus: MilvusIndex, ids: Ids, progress: Progress | None) -> Ids:
    """Put passages into Milvus in order of id, and return those that were: some may have been removed in the meantime."""
    brought = []
    for start in range(0, len(ids), _ROWS):
        chunk = ids[start : start + _ROWS].tolist()
        with store.snapshot():
            passages, vectors = store.passages(chunk), store.vectors_of(chunk)
        kept = [passages[id] for id in chunk if id in passages and id in vectors]
        if kept:
            rows = np.stack([vectors[passage.id] for passage in kept])
            here = [passage.id for passage in kept]
            milvus.add(
                here, [passage.language for passage in kept], [field_tokens(passage.context, passage.text) for passage in kept], rows
            )
            brought += here
        if progress:
            progress(start + len(chunk), len(ids))
    return np.array(brought, dtype=np.int64)


def _noted(path: Path) -> Ids | None:
    """What a collection was left with; None where that is not known."""
    try:
        ids = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return ids if ids.dtype == np.int64 and ids.ndim == 1 and bool(np.all(ids[1:] > ids[:-1])) else None


# --- checking -----------------------------------------------------------------------------------------------------------------


def disagreements(store: Store, milvus: MilvusIndex) -> tuple[list[int], list[int], list[int]]:
    """Return the passages that a collection lacks, those it holds though they are gone, and those whose vector there is another, by id."""
    with store.snapshot():
        manifest = store.existing_manifest()
        milvus.check(manifest.fingerprint, manifest.born)
        wanted, held = store.passage_ids(), milvus.ids()
        both = np.intersect1d(wanted, held, assume_unique=True)
        other = []
        for start in range(0, len(both), _ROWS):
            chunk = both[start : start + _ROWS]
            ours = store.vectors_of(chunk.tolist())
            for id, theirs in zip(chunk.tolist(), milvus.vectors(chunk), strict=True):
                if id not in ours or not np.array_equal(ours[id], theirs):
                    other.append(id)
    return (
        np.setdiff1d(wanted, held, assume_unique=True).tolist(),
        np.setdiff1d(held, wanted, assume_unique=True).tolist(),
        other,
    )
