"""Nearest vectors, with FAISS. The index file is derived: what it holds is also in the store, and can be rebuilt from it.

Up to `CLUSTERED_FROM` vectors every one of them is compared with the question. A larger collection has a second file beside the
first: its vectors in clusters, as 8-bit codes. The clusters nearest to the question are read, and the best of them compared
exactly. Clusters, not a graph: a filter or a language costs nothing there and loses nothing, the file is written in minutes and
searched where it lies on disk. What is published by `rag.segments` does not go through clusters yet.
"""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.embed import Vectors
from rag.errors import DiskFull, IndexCorrupt

if TYPE_CHECKING:
    import faiss

Ids = npt.NDArray[np.int64]

CLUSTERED_FROM = 50_000
"""Vectors from which a collection is searched through clusters: an estimate, not yet measured."""
_PER_LIST = 0.5
"""Clusters for a collection of n: √n divided by this. More make a search read less and the file take longer to write."""
_READ_SHARE, _READ_LEAST = 0.03, 8_000
"""Of the vectors that a search may return, how many it reads: chosen for a recall@10 of 0.98, not yet measured on real text."""
_COMPARED = 4_000
"""Up to so many vectors to choose from, all are compared exactly."""
_CANDIDATES = 4
"""For each result so many are compared exactly: 8-bit codes confuse neighbours, not strangers."""
_TRAINED_ON = 40
"""Vectors for each cluster that its centre is computed from."""
_BLOCK = 65_536


class VectorIndex(Protocol):
    """Vectors under integer ids, searched by inner product."""

    def __len__(self) -> int: ...

    def vectors(self, ids: Ids) -> Vectors:
        """The vectors under the given ids, shape (len(ids), dimension)."""
        ...

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """The ids and scores of the `k` nearest vectors, best first; fewer when fewer exist. `among` restricts the search."""
        ...


def _write(index: Any, path: Path) -> None:
    """Write to a temporary name, flush to disk, and rename into place. Raises DiskFull."""
    import faiss

    partial = path.with_suffix(".partial")
    try:
        faiss.write_index(index, str(partial))
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except (RuntimeError, OSError) as error:
        partial.unlink(missing_ok=True)
        raise DiskFull("error.disk_full", path=path.parent) from error


class FlatIndex:
    """Exact search over all vectors."""

    def __init__(self, index: faiss.IndexIDMap2, path: Path | None = None) -> None:
        self._index = index
        self._path = path

    @classmethod
    def of(cls, ids: Sequence[int] | Ids, vectors: Vectors, dimension: int) -> FlatIndex:
        """An index over `vectors`, shape (len(ids), dimension)."""
        import faiss

        index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        if len(ids):
            index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(ids, dtype=np.int64))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> FlatIndex:
        """Raises IndexCorrupt when the file is missing or damaged."""
        import faiss

        # FAISS makes whatever kind of index a file names, some of which open further files that it names too.
        try:
            with path.open("rb") as file:
                head = file.read(41)
        except OSError as error:
            raise IndexCorrupt("error.index_damaged", path=path, reason=error.strerror or error) from error
        if (head[:4], head[37:]) != (b"IxM2", b"IxFI"):
            raise IndexCorrupt("error.index_damaged", path=path, reason="it is no flat FAISS index of inner products")
        try:
            index = faiss.read_index(str(path))
        except (RuntimeError, MemoryError) as error:  # a damaged header may ask for more memory than there is
            raise IndexCorrupt("error.index_damaged", path=path, reason="FAISS can't read it") from error
        if not isinstance(index, faiss.IndexIDMap2):
            raise IndexCorrupt("error.index_damaged", path=path, reason=f"{type(index).__name__} instead of IndexIDMap2")
        if index.metric_type != faiss.METRIC_INNER_PRODUCT or index.index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise IndexCorrupt("error.index_damaged", path=path, reason="vectors are not compared by inner product")
        return cls(index, path)

    def save(self, path: Path) -> None:
        """Write to a temporary name, flush to disk, and rename into place. Raises DiskFull."""
        _write(self._index, path)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def code_size(self) -> int:
        """Bytes that one vector takes in the file."""
        return int(self._index.index.sa_code_size())

    def encode(self, vectors: Vectors) -> npt.NDArray[np.uint8]:
        """Vectors as they stand in the file, shape (n, code_size)."""
        return np.asarray(self._index.index.sa_encode(np.atleast_2d(vectors).astype(np.float32)), dtype=np.uint8)

    def ids(self) -> Ids:
        """Every id, in the order of the vectors, shape (n,)."""
        import faiss

        return np.asarray(faiss.vector_to_array(self._index.id_map), dtype=np.int64)

    def vectors(self, ids: Ids) -> Vectors:
        """The vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt when one of them is not there."""
        if len(ids) == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        try:
            return np.asarray(self._index.reconstruct_batch(ids), dtype=np.float32)
        except RuntimeError as error:
            raise IndexCorrupt("error.index_damaged", path=self._path, reason="a passage has no vector") from error

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        import faiss

        k = min(k, len(self) if among is None else len(among))
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        parameters = None if among is None else faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))  # type: ignore[call-arg]
        scores, ids = self._index.search(query[None, :], k, params=parameters)
        kept = ids[0] >= 0
        return ids[0][kept], scores[0][kept]


_HEADERS = 90
"""Bytes of a flat index's file that are neither vectors nor ids."""


class MappedVectors:
    """The vectors of a flat index's file, read one by one where they lie: in memory are only those that were asked for.

    FAISS would map the file too, but trusts it: a damaged one ends the process.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        """Raises IndexCorrupt when the file is missing or its vectors and ids are not where FAISS writes them: last of all the
        ids, before them the vectors, before each their number."""
        self._path = path
        self.dimension = dimension
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                count, rest = divmod(size - _HEADERS, 8 + 4 * dimension)
                vectors, ids = size - 8 - count * (8 + 4 * dimension), size - 8 * count
                file.seek(max(0, vectors - 8))
                numbers = int.from_bytes(file.read(8), "little")
                file.seek(max(0, ids - 8))
                if rest or count < 0 or (numbers, int.from_bytes(file.read(8), "little")) != (count * dimension, count):
                    raise IndexCorrupt("error.index_damaged", path=path, reason="the vectors are not where they should be")
            self._ids = np.memmap(path, "<i8", "r", ids, (count,)) if count else np.empty(0, dtype=np.int64)
            self._vectors = np.memmap(path, "<f4", "r", vectors, (count, dimension))
        except (OSError, ValueError) as error:
            raise IndexCorrupt("error.index_damaged", path=path, reason=error) from error
        if not np.all(self._ids[1:] > self._ids[:-1]):
            raise IndexCorrupt("error.index_damaged", path=path, reason="its ids are not in order")

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> Ids:
        """Every id, ascending, shape (n,)."""
        return np.asarray(self._ids, dtype=np.int64)

    def vectors(self, ids: Ids) -> Vectors:
        """The vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt when one of them is not there."""
        at = np.searchsorted(self._ids, ids)
        if len(ids) and (at.max() >= len(self._ids) or not np.array_equal(self._ids[at], ids)):
            raise IndexCorrupt("error.index_damaged", path=self._path, reason="a passage has no vector")
        return np.asarray(self._vectors[at], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Selection:
    """The ids that a search may return, in the forms in which it needs them."""

    among: Ids | None
    bits: npt.NDArray[np.uint8] | None
    sizes: npt.NDArray[np.int64]
    """How many of them each cluster holds."""


class ClusteredIndex:
    """Approximate search through clusters of 8-bit codes (an inverted file, Jégou, Douze and Schmid, "Product Quantization for
    Nearest Neighbor Search", TPAMI 2011), the best compared exactly. Safe to share between threads.

    A search reads the clusters nearest to the question until they hold a fixed share of what it may return, so that one that is
    restricted to a language or to some documents finds as much as one that is not.
    """

    def __init__(self, exact: FlatIndex | MappedVectors, clusters: Any) -> None:
        import faiss

        self._exact = exact
        self._clusters = clusters  # a faiss.IndexIVFScalarQuantizer, whose stubs lack what is used here
        self._clusters.parallel_mode = 1  # a single question is shared out over the cores by clusters
        lists = faiss.downcast_InvertedLists(clusters.invlists)
        if isinstance(lists, faiss.OnDiskInvertedLists):
            lists.prefetch_nthread = 0  # what is in the page cache needs no threads to fetch it
        self._centres = np.asarray(faiss.downcast_index(clusters.quantizer).reconstruct_n(0, clusters.nlist), dtype=np.float32)
        self._cluster_of = self._placed()
        self._everything = _Selection(None, None, np.bincount(self._cluster_of[self._cluster_of >= 0], minlength=clusters.nlist))
        self._selections: deque[_Selection] = deque(maxlen=8)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, exact: FlatIndex | MappedVectors, ids: Ids, vectors: Vectors) -> ClusteredIndex:
        """Cluster the vectors of `exact`, which are `vectors` under `ids`."""
        import faiss

        dimension = vectors.shape[1]
        centres = faiss.IndexFlatIP(dimension)
        count = max(1, int(math.sqrt(len(ids)) / _PER_LIST))
        clusters = faiss.IndexIVFScalarQuantizer(centres, dimension, count, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        clusters.cp.niter = 8
        clusters.cp.spherical = True
        clusters.cp.max_points_per_centroid = _TRAINED_ON
        clusters.cp.min_points_per_centroid = 1
        sample = np.random.default_rng(0).permutation(len(ids))[: count * _TRAINED_ON]
        clusters.train(np.ascontiguousarray(vectors[np.sort(sample)]))
        for start in range(0, len(ids), _BLOCK):
            clusters.add_with_ids(np.ascontiguousarray(vectors[start : start + _BLOCK]), ids[start : start + _BLOCK])
        return cls(exact, clusters)

    @classmethod
    def load(cls, exact: FlatIndex | MappedVectors, path: Path) -> ClusteredIndex:
        """Raises IndexCorrupt when the file is missing, damaged, or holds other vectors than `exact`."""
        import faiss

        try:
            clusters: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        except (RuntimeError, MemoryError) as error:
            raise IndexCorrupt("error.index_damaged", path=path, reason="FAISS can't read it") from error
        if not isinstance(clusters, faiss.IndexIVFScalarQuantizer) or (clusters.ntotal, clusters.d) != (len(exact), exact.dimension):
            raise IndexCorrupt("error.index_damaged", path=path, reason="its vectors are others")
        lists: Any = faiss.downcast_InvertedLists(clusters.invlists)  # type: ignore[arg-type]
        places = [lists.lists.at(number) for number in range(lists.nlist)]
        end = max((place.offset + place.capacity * (lists.code_size + 8) for place in places if place.size), default=0)
        if end > path.stat().st_size:  # reading past the end of a mapped file ends the process
            raise IndexCorrupt("error.index_damaged", path=path, reason="it is too short")
        return cls(exact, clusters)

    def save(self, path: Path) -> None:
        """Write to a temporary name, flush to disk, and rename into place. Raises DiskFull."""
        _write(self._clusters, path)

    def _lists(self) -> Iterator[tuple[int, Ids]]:
        """Each cluster's number and the ids of its vectors."""
        import faiss

        for number in range(self._clusters.nlist):
            size = self._clusters.invlists.list_size(number)
            if size:
                held = self._clusters.invlists.get_ids(number)
                yield number, faiss.rev_swig_ptr(held, size).copy()
                self._clusters.invlists.release_ids(number, held)

    def _placed(self) -> npt.NDArray[np.int32]:
        """The cluster of each id, by id; -1 where there is no such id."""
        lists = list(self._lists())
        last = max((int(ids.max()) for _, ids in lists), default=-1)
        cluster_of = np.full(last + 1, -1, dtype=np.int32)
        for number, ids in lists:
            cluster_of[ids] = number
        return cluster_of

    def __len__(self) -> int:
        return len(self._exact)

    @property
    def dimension(self) -> int:
        return self._exact.dimension

    def ids(self) -> Ids:
        """Every id, in the order of the vectors, shape (n,)."""
        return self._exact.ids()

    def vectors(self, ids: Ids) -> Vectors:
        """The vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt when one of them is not there."""
        return self._exact.vectors(ids)

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """The ids and scores of the nearest vectors; scores are exact, but one of the nearest may be missed."""
        import faiss

        k = min(k, len(self) if among is None else len(among))
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if among is not None and len(among) <= _COMPARED:
            return self._best(among, query, k)
        selection = self._selection(among)
        near = self._centres @ query
        order = np.argsort(-near)
        order = order[selection.sizes[order] > 0]
        held = np.cumsum(selection.sizes[order])
        wanted = max(_READ_SHARE * held[-1], min(_READ_LEAST, held[-1]), k)
        lists = order[: int(np.searchsorted(held, wanted)) + 1]
        selector = None if selection.bits is None else faiss.IDSelectorBitmap(selection.bits)  # type: ignore[call-arg,arg-type]
        candidates = min(max(_CANDIDATES * k, 100), int(held[-1]))
        found, scores = np.empty(candidates, dtype=np.int64), np.empty(candidates, dtype=np.float32)
        point, chosen, distances = (np.ascontiguousarray(a) for a in (query, lists.astype(np.int64), near[lists]))
        self._clusters.search_preassigned_c(  # the wrapper for arrays takes no parameters
            1,
            faiss.swig_ptr(point),
            candidates,
            faiss.swig_ptr(chosen),
            faiss.swig_ptr(distances),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(found),
            False,
            faiss.SearchParametersIVF(nprobe=len(lists), sel=selector),  # type: ignore[call-arg]
        )
        return self._best(found[found >= 0], query, k)

    def _best(self, ids: Ids, query: Vectors, k: int) -> tuple[Ids, Vectors]:
        """The best of some ids, compared exactly."""
        scores = self._exact.vectors(ids) @ query
        best = np.lexsort((ids, -scores))[:k]
        return ids[best], np.asarray(scores[best], dtype=np.float32)

    def _selection(self, among: Ids | None) -> _Selection:
        """The forms of `among`; those of the last few arrays are kept, because a language's is asked for with every question."""
        if among is None:
            return self._everything
        with self._lock:
            for known in self._selections:
                if known.among is among:
                    return known
        allowed = np.zeros(len(self._cluster_of), dtype=bool)
        allowed[among[among < len(allowed)]] = True
        sizes = np.bincount(self._cluster_of[allowed & (self._cluster_of >= 0)], minlength=self._clusters.nlist)
        made = _Selection(among, np.packbits(allowed, bitorder="little"), sizes)
        with self._lock:
            self._selections.appendleft(made)
        return made


def clusters_path(path: Path) -> Path:
    """Where the clusters of a file of vectors are, if it has any."""
    return path.with_suffix(".clusters")


def write_index(path: Path, ids: Ids, vectors: Vectors, dimension: int) -> None:
    """Write the vectors, shape (len(ids), dimension), under ascending ids, and clusters beside them where there are enough to be
    worth it. Raises DiskFull."""
    flat = FlatIndex.of(ids, vectors, dimension)
    flat.save(path)
    if len(ids) >= CLUSTERED_FROM:
        ClusteredIndex.of(flat, ids, vectors).save(clusters_path(path))
    else:
        clusters_path(path).unlink(missing_ok=True)


def open_index(path: Path, dimension: int) -> FlatIndex | ClusteredIndex:
    """What `write_index` wrote. Raises IndexCorrupt when a file is missing or damaged."""
    clusters = clusters_path(path)
    if clusters.exists():
        return ClusteredIndex.load(MappedVectors(path, dimension), clusters)
    return FlatIndex.load(path)
