"""Approximate nearest neighbours in large collections: clusters of one-bit codes in a file next to the exact vectors.

The clusters nearest to the query are read, and the best of their vectors compared exactly. Clusters were chosen over a graph because a
filter or language costs nothing and loses nothing, the file is written in minutes and searched on disk, and removed vectors can be
overwritten in it. The file is derived from the vector file and uses its ids.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.arrays import Ids, Vectors, bitmap, products, single_threaded
from rag.errors import IndexCorrupt
from rag.storage.faiss_layout import FACTORS, Codes, FlatFile, code_size, read_index, write_index
from rag.storage.flat_index import Remembered

CLUSTERED_FROM = 100_000
"""Vectors from which a collection is searched through clusters."""
_PER_LIST = 0.5
"""Clusters for a collection of n: √n divided by this. More make a search read less and the file take longer to write."""
_READ = 100
"""Of n vectors that a search may return it reads √n times this: of few most, of many few, for the same recall."""
_COMPARED = 4_000
"""With at most this many vectors to choose from, all are compared exactly."""
_CANDIDATES, _CANDIDATES_LEAST = 8, 400
"""How many are compared exactly for each result: codes confuse neighbours, not strangers."""
_QUERY_BITS = 4
"""Of each number of a question when it is compared with codes. Eight find no more and take longer."""
_TRAINED_ON = 40
"""Vectors for each cluster that its centre is computed from."""
_BLOCK = 65_536


def clusters_path(path: Path) -> Path:
    """Return the path of a vector file's clusters, if it has any."""
    return path.with_suffix(".clusters")


def is_worth_it(count: int) -> bool:
    """Return whether a collection of this size is searched through clusters."""
    return count >= CLUSTERED_FROM


@dataclass(frozen=True, slots=True)
class _Selection:
    """The ids that a search may return, in the forms in which it needs them."""

    bits: npt.NDArray[np.uint8] | None
    sizes: npt.NDArray[np.int64]
    """How many of them each cluster holds."""


class ClusteredIndex:
    """Approximate search through clusters of one-bit codes, the best compared exactly. Safe to share between threads.

    An inverted file (Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", TPAMI 2011) of codes that store for each
    component only the side of the centre it lies on (Gao and Long, "RaBitQ", SIGMOD 2024). A search reads the nearest clusters until they
    hold a share of what it may return, so a search restricted to a language or to some documents finds as much as an unrestricted one.
    """

    def __init__(self, exact: FlatFile, clusters: Any) -> None:
        """`clusters` is a faiss.IndexIVFRaBitQ. Raises IndexCorrupt when it holds other ids than `exact`."""
        import faiss

        self._exact = exact
        self._clusters = clusters  # its stubs lack what is used here
        lists = faiss.downcast_InvertedLists(clusters.invlists)
        if isinstance(lists, faiss.OnDiskInvertedLists):
            lists.prefetch_nthread = 0  # what is in the page cache needs no threads to fetch it
        self._centres = np.asarray(faiss.downcast_index(clusters.quantizer).reconstruct_n(0, clusters.nlist), dtype=np.float32)
        self._cluster_of = self._placed()
        self._everything = _Selection(None, np.bincount(self._cluster_of[self._cluster_of >= 0], minlength=clusters.nlist))
        self._selections = Remembered[_Selection](8)
        self._last: tuple[Vectors, Vectors] | None = None

    @classmethod
    def of(cls, exact: FlatFile) -> ClusteredIndex:
        """Cluster the vectors of a file, a block of them in memory at a time."""
        import faiss

        ids, dimension = exact.ids(), exact.dimension
        centres = faiss.IndexFlatIP(dimension)
        count = min(len(ids), int(math.sqrt(len(ids)) / _PER_LIST))
        clusters = faiss.IndexIVFRaBitQ(centres, dimension, count, faiss.METRIC_INNER_PRODUCT)
        clusters.cp.niter = 8
        clusters.cp.spherical = True
        clusters.cp.max_points_per_centroid = _TRAINED_ON
        clusters.cp.min_points_per_centroid = 1
        sample = np.random.default_rng(0).permutation(len(ids))[: count * _TRAINED_ON]
        clusters.train(exact.vectors(ids[np.sort(sample)]))
        for start in range(0, len(ids), _BLOCK):
            block = ids[start : start + _BLOCK]
            clusters.add_with_ids(exact.vectors(block), block)
        return cls(exact, clusters)

    @classmethod
    def load(cls, exact: FlatFile, path: Path) -> ClusteredIndex:
        """Map the file that `save` wrote. Raises IndexCorrupt if it holds other vectors than `exact`. FAISS trusts the file: compare its
        check value first."""
        import faiss

        try:
            clusters: Any = read_index(path, mapped=True)
        except (RuntimeError, MemoryError, OSError) as error:
            raise IndexCorrupt("error.index_damaged", path=path, reason="FAISS can't read it") from error
        if not isinstance(clusters, faiss.IndexIVFRaBitQ) or (clusters.ntotal, clusters.d) != (len(exact), exact.dimension):
            raise IndexCorrupt("error.index_damaged", path=path, reason="its vectors are others")
        return cls(exact, clusters)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all. Raises DiskFull."""
        write_index(self._clusters, path)

    def _placed(self) -> npt.NDArray[np.int32]:
        """Return the cluster of each id, by id; -1 where there is no such id."""
        import faiss

        known = self._exact.ids()
        cluster_of = np.full(int(known[-1]) + 1 if len(known) else 0, -1, dtype=np.int32)
        for number in range(self._clusters.nlist):
            size = self._clusters.invlists.list_size(number)
            if size:
                held = self._clusters.invlists.get_ids(number)
                ids = faiss.rev_swig_ptr(held, size)
                if ids.min() < 0 or ids.max() >= len(cluster_of):
                    raise IndexCorrupt("error.index_damaged", path=clusters_path(self._exact.path), reason="its ids are others")
                cluster_of[ids] = number
                self._clusters.invlists.release_ids(number, held)
        if np.count_nonzero(cluster_of >= 0) != len(known) or np.any(cluster_of[known] < 0):
            raise IndexCorrupt("error.index_damaged", path=clusters_path(self._exact.path), reason="its ids are others")
        return cluster_of

    def __len__(self) -> int:
        return len(self._exact)

    @property
    def dimension(self) -> int:
        return self._exact.dimension

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return int(self._clusters.nlist)

    def ids(self) -> Ids:
        """Return every id, in the order of the vectors, shape (n,)."""
        return self._exact.ids()

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt if one of them is not there."""
        return self._exact.vectors(ids)

    def encode(self, ids: Ids, vectors: Vectors) -> Codes:
        """Return the codes of vectors as they stand in the file under these ids, shape (n, code)."""
        import faiss

        codes = np.empty((len(ids), code_size(self.dimension)), dtype=np.uint8)
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        clusters = self._cluster_of[ids].astype(np.int64)
        self._clusters.encode_vectors(len(ids), faiss.swig_ptr(rows), faiss.swig_ptr(clusters), faiss.swig_ptr(codes), False)
        return codes

    def agrees(self, codes: Codes, ids: Ids, vectors: Vectors) -> npt.NDArray[np.bool_]:
        """Return for each of some ids whether its code is that of its vector.

        Bits are compared exactly, the two sums after them up to the rounding in which processors differ.
        """
        expected = self.encode(ids, vectors)
        sums, right = (np.ascontiguousarray(found[:, -FACTORS:]).view("<f4") for found in (codes, expected))
        close = np.isclose(sums, right, rtol=1e-3, atol=1e-4).all(axis=1)
        return np.asarray((codes[:, :-FACTORS] == expected[:, :-FACTORS]).all(axis=1) & close, dtype=bool)

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """Return the ids and scores of the nearest vectors; scores are exact, but one of the nearest may be missed."""
        import faiss

        k = min(k, len(self) if among is None else len(among))
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if among is not None and len(among) <= _COMPARED:
            return self._best(among, query, k)
        selection = self._selection(among)
        near = self._nearness(query)
        order = np.argsort(-near)
        order = order[selection.sizes[order] > 0]
        held = np.cumsum(selection.sizes[order])
        wanted = max(min(_READ * math.sqrt(held[-1]), held[-1]), k)
        lists = order[: int(np.searchsorted(held, wanted)) + 1]
        selector = None if selection.bits is None else faiss.IDSelectorBitmap(selection.bits)  # type: ignore[call-arg,arg-type]
        candidates = min(max(_CANDIDATES * k, _CANDIDATES_LEAST), int(held[-1]))
        found, scores = np.empty(candidates, dtype=np.int64), np.empty(candidates, dtype=np.float32)
        point, chosen, distances = (np.ascontiguousarray(a) for a in (query, lists.astype(np.int64), near[lists]))
        with single_threaded():
            self._clusters.search_preassigned_c(  # the wrapper for arrays takes no parameters
                1,
                faiss.swig_ptr(point),
                candidates,
                faiss.swig_ptr(chosen),
                faiss.swig_ptr(distances),
                faiss.swig_ptr(scores),
                faiss.swig_ptr(found),
                False,
                faiss.IVFRaBitQSearchParameters(nprobe=len(lists), sel=selector, qb=_QUERY_BITS),  # type: ignore[call-arg]
            )
        return self._best(found[found >= 0], query, k)

    def _nearness(self, query: Vectors) -> Vectors:
        """Return the inner product of each centre with a question, which is asked for once for each language."""
        last = self._last
        if last is None or last[0] is not query:
            last = self._last = query, products(self._centres, query)
        return last[1]

    def _best(self, ids: Ids, query: Vectors, k: int) -> tuple[Ids, Vectors]:
        """Return the best of some ids, compared exactly."""
        scores = products(self._exact.vectors(ids), query)
        best = np.lexsort((ids, -scores))[:k]
        return ids[best], np.asarray(scores[best], dtype=np.float32)

    def _selection(self, among: Ids | None) -> _Selection:
        """Return the forms of `among`."""
        return self._everything if among is None else self._selections.of(among, lambda: self._made(among))

    def _made(self, among: Ids) -> _Selection:
        held = self._cluster_of[among[among < len(self._cluster_of)]]
        sizes = np.bincount(held[held >= 0], minlength=self._clusters.nlist)
        return _Selection(bitmap(among, len(self._cluster_of)), sizes)
