"""The vectors of one generation: rarely written files, plus what was added since, less what was removed since.

`dense.<generation>.faiss` holds the vectors of all passages up to some id, and for a large collection `dense.<generation>.clusters` the
same in clusters (`rag.storage.clusters`): the two are written, opened and removed together. Passage ids ascend and are never reused, so
later additions have greater ids, and their vectors are read from the database; removals are listed in the table `removed`. A change costs
as much as what changed; when both together outgrow a tenth of the file, it is rewritten (`is_due`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag.arrays import Ids, Vectors, products
from rag.errors import IndexCorrupt
from rag.files import PARTIAL
from rag.storage.clusters import ClusteredIndex, clusters_path, is_worth_it
from rag.storage.database import Store
from rag.storage.faiss_layout import ClusterFile, FlatFile, write_flat
from rag.storage.flat_index import FlatIndex, MakeVectorIndex, VectorIndex
from rag.storage.manifest import Base, Manifest

_SHARE = 0.1
"""The share of the file's vectors that may be added or removed before it is rewritten.

In the long run each change is then written ten times over, and a search compares a tenth of the vectors one by one.
"""
_LEAST = 2000
"""Changes that are never worth a new file."""
_GREATEST = 1.02
"""The greatest inner product of two unit vectors, with room for rounding: one flipped bit of an exponent makes it enormous."""
_NOTHING = np.empty(0, dtype=np.int64)


def dense_path(folder: Path, generation: int) -> Path:
    """Return the path of the vector file written with that generation."""
    return folder / f"dense.{generation}.faiss"


def is_due(base: Base, added: int, removed: int) -> bool:
    """Return whether the vector file should be rewritten."""
    return added + removed > max(_LEAST, _SHARE * base.count)


def write_base(folder: Path, generation: int, count: int, dimension: int, blocks: Iterable[tuple[Ids, Vectors]]) -> Base:
    """Write the files of a generation's `count` vectors, given in blocks in order of their ids. Raises DiskFull, DiskFailed."""
    path = dense_path(folder, generation)
    write_flat(path, count, dimension, blocks)
    file = FlatFile(path, dimension)
    last = int(file.ids()[-1]) if count else 0
    base = Base(generation, last, count, 4 * dimension, path.stat().st_size, file.crc())
    return _write_clusters(file, clusters_path(path), base) if is_worth_it(count) else base


def _write_clusters(vectors: FlatFile, path: Path, base: Base) -> Base:
    made = ClusteredIndex.of(vectors)
    made.save(path)
    file: ClusterFile | None = None
    with suppress(IndexCorrupt):
        file = ClusterFile(path, base.count, vectors.dimension, made.count)
    if file is None:  # more than half of the clusters are empty, as of texts that are all the same: FAISS writes it otherwise
        path.unlink()  # after the error is gone, with whose frames the file was still mapped: Windows removes no such file
        return base
    return replace(base, clusters=made.count, clusters_size=path.stat().st_size, clusters_crc=file.crc())


def open_base(folder: Path, base: Base, dimension: int) -> FlatIndex | ClusteredIndex:
    """Open the vectors in files. Raises IndexCorrupt when one is missing, damaged, or not the one that the manifest describes."""
    path = dense_path(folder, base.generation)
    _check_size(path, base.size)
    try:
        index: FlatIndex | ClusteredIndex
        if base.clusters:
            _check_size(clusters_path(path), base.clusters_size)
            if open_clusters(folder, base).crc() != base.clusters_crc:
                raise IndexCorrupt("error.vectors_damaged", path=path, reason="the check value of its clusters differs")
            index = ClusteredIndex.load(FlatFile(path, dimension), clusters_path(path))
        else:
            index = FlatIndex.load(path)
    except IndexCorrupt as error:
        raise IndexCorrupt("error.vectors_damaged", path=path, reason=error.fields["reason"]) from error
    if (len(index), index.dimension) != (base.count, dimension):
        raise IndexCorrupt("error.vectors_damaged", path=path, reason=f"{len(index)} vectors of dimension {index.dimension}")
    ids = index.ids()
    if base.count and (ids[-1] != base.last or ids[0] < 1 or not np.all(ids[1:] > ids[:-1])):
        raise IndexCorrupt("error.vectors_damaged", path=path, reason="its ids are not in order")
    return index


def _check_size(path: Path, size: int) -> None:
    try:
        found = path.stat().st_size
    except OSError as error:
        raise IndexCorrupt("error.vectors_damaged", path=path, reason=error.strerror or error) from error
    if found != size:
        raise IndexCorrupt("error.vectors_damaged", path=path, reason=f"{found} bytes instead of {size}")


def open_flat(folder: Path, base: Base) -> FlatFile:
    """Return the file of a base's vectors. Raises IndexCorrupt."""
    return FlatFile(dense_path(folder, base.generation), base.code // 4)


def open_clusters(folder: Path, base: Base) -> ClusterFile:
    """Return the file of clusters of a base that has one. Raises IndexCorrupt."""
    return ClusterFile(clusters_path(dense_path(folder, base.generation)), base.count, base.code // 4, base.clusters)


def base_is_whole(folder: Path, base: Base) -> bool:
    """Return whether the files of vectors are there in their full length; their content is for `verify`."""
    path = dense_path(folder, base.generation)
    try:
        return path.stat().st_size == base.size and (not base.clusters or clusters_path(path).stat().st_size == base.clusters_size)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class IndexView:
    """The vectors of one generation, for search. It never changes, so threads may share it."""

    path: Path
    born: str
    generation: int
    base: VectorIndex
    base_generation: int
    last: int
    removed: Ids
    fresh_ids: Ids
    fresh: Vectors
    languages: dict[str, Ids]

    def __len__(self) -> int:
        return len(self.base) - len(self.removed) + len(self.fresh_ids)

    def ids(self) -> Ids:
        """Return every id, ascending."""
        return np.sort(np.concatenate([*self.languages.values(), _NOTHING]))

    def nearest(self, query: Vectors, k: int, language: str, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """Return the ids and scores of the `k` nearest passages among those of a language (None: all are in that one), best first."""
        return self.search(query, k, among)

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """Return the ids and scores of the `k` nearest vectors, best first; fewer when fewer exist. `among` (ascending) restricts it."""
        ids, scores = self._in_base(query, k, among)
        if not np.all(np.abs(scores) <= _GREATEST):  # nor for what is no number
            raise IndexCorrupt("error.vectors_damaged", path=self.path, reason="a vector is longer than 1")
        fresh = np.ones(len(self.fresh_ids), dtype=bool) if among is None else np.isin(self.fresh_ids, among[among > self.last])
        if fresh.any():
            ids = np.concatenate([ids, self.fresh_ids[fresh]])
            scores = np.concatenate([scores, products(self.fresh[fresh], query)])
            best = np.lexsort((ids, -scores))[:k]
            ids, scores = ids[best], scores[best]
        return ids, np.asarray(scores, dtype=np.float32)

    def _in_base(self, query: Vectors, k: int, among: Ids | None) -> tuple[Ids, Vectors]:
        if among is not None:  # ids of passages that exist: nothing removed is among them
            return self.base.search(query, k, among[: np.searchsorted(among, self.last, "right")])
        wanted = k
        while True:
            asked = min(wanted + 16, len(self.base)) if len(self.removed) else k
            ids, scores = self.base.search(query, asked)
            kept = ~np.isin(ids, self.removed)
            if kept.sum() >= k or asked >= len(self.base) or not len(self.removed):
                return ids[kept][:k], scores[kept][:k]
            wanted = 2 * asked

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt if one of them is not there."""
        ids = np.asarray(ids, dtype=np.int64)
        old = ids <= self.last
        if old.all():
            return self.base.vectors(ids)
        at = np.searchsorted(self.fresh_ids, ids[~old])
        if at.max(initial=-1) >= len(self.fresh_ids) or not np.array_equal(self.fresh_ids[at], ids[~old]):
            raise IndexCorrupt("error.index_damaged", path="vectors", reason="a passage has no vector")
        found = np.empty((len(ids), self.fresh.shape[1]), dtype=np.float32)
        found[~old] = self.fresh[at]
        if old.any():
            found[old] = self.base.vectors(ids[old])
        return found


class Segments:
    """The vectors of an index folder, followed from generation to generation. Safe to share between threads.

    A new generation costs what it added; a file of vectors is read once. With `make` its vectors are searched in what that returns.
    """

    def __init__(self, folder: Path, make: MakeVectorIndex | None = None) -> None:
        self._folder = folder
        self._make = make
        self._lock = threading.Lock()
        self._views: list[IndexView] = []  # the last two: a thread may still be in the generation before

    def known(self, published: tuple[str, int]) -> IndexView | None:
        """Return the view of a generation, if it is one of the last two that were asked for."""
        return next((view for view in self._views if (view.born, view.generation) == published), None)

    def at(self, store: Store, manifest: Manifest) -> IndexView:
        """Return the view of a generation, called inside a snapshot of it. Raises IndexCorrupt."""
        with self._lock:
            for view in self._views:
                if (view.born, view.generation) == (manifest.born, manifest.generation):
                    return view
            view = self._made(store, manifest)
            self._views = [view, *self._views[:1]]
            return view

    def _made(self, store: Store, manifest: Manifest) -> IndexView:
        base = manifest.base
        same = [view for view in self._views if (view.born, view.base_generation) == (manifest.born, base.generation)]
        index = same[0].base if same else self._opened(base, manifest.dimension)
        former = next((view for view in same if view.generation < manifest.generation), None)
        known_ids, known = _NOTHING, np.empty((0, manifest.dimension), dtype=np.float32)
        if former:
            known_ids, known = former.fresh_ids, former.fresh
        after = max(base.last, int(known_ids[-1]) if len(known_ids) else 0)
        ids, vectors = store.passage_vectors(after)
        removed = store.removed()
        languages = {language: self._ids_in(language, store, base, removed, former) for language in manifest.languages}
        for language, held in languages.items():
            if len(held) != manifest.languages[language]:
                raise store.damaged(f"{len(held)} passages in {language} instead of {manifest.languages[language]}")
            if np.any(held[1:] <= held[:-1]):
                raise store.damaged(f"the passages in {language} are not in order")
        living = np.concatenate([*languages.values(), _NOTHING])
        kept = np.isin(known_ids, living[living > base.last])
        return IndexView(
            path=dense_path(self._folder, base.generation),
            born=manifest.born,
            generation=manifest.generation,
            base=index,
            base_generation=base.generation,
            last=base.last,
            removed=removed,
            fresh_ids=np.concatenate([known_ids[kept], ids]),
            fresh=np.concatenate([known[kept], vectors.reshape(len(ids), manifest.dimension)]),
            languages=languages,
        )

    def _opened(self, base: Base, dimension: int) -> VectorIndex:
        held = open_base(self._folder, base, dimension)
        return held if self._make is None else self._make(held.ids(), held.vectors(held.ids()))

    @staticmethod
    def _ids_in(language: str, store: Store, base: Base, removed: Ids, former: IndexView | None) -> Ids:
        """Return the passages in a language: those in the file are read once, for they only become fewer."""
        if former is None or language not in former.languages:
            return store.ids_in(language)
        old = former.languages[language]
        old = old[old <= base.last]
        return np.concatenate([old[~np.isin(old, removed)], store.ids_in(language, base.last)])


def files(folder: Path) -> dict[int, list[Path]]:
    """Return the files of vectors by the generation in their names, and what a killed writer left of one under 0."""
    found: dict[int, list[Path]] = {}
    for path in folder.glob("dense.*.*"):
        _, number, kind = path.name.split(".", 2)
        if number.isdecimal() and kind in ("faiss", "clusters"):
            found.setdefault(int(number), []).append(path)
    if left := list(folder.glob(f".dense.*{PARTIAL}")):
        found[0] = left
    return found


def remove_files(folder: Path, keep: Iterable[int]) -> None:
    """Remove the files of vectors that no generation names any more. A reader that was about to open one begins again."""
    kept = set(keep)
    for number, paths in files(folder).items():
        for path in paths if number not in kept else ():
            with suppress(PermissionError):  # open in another process, where the system minds: the next writer removes it
                path.unlink(missing_ok=True)
