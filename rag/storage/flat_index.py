"""Exact nearest neighbours with FAISS. The file is derived: the database holds the same vectors.

Large collections have a second file next to this one, so that a search need not read all of it: `rag.storage.clusters`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from rag.errors import IndexCorrupt
from rag.storage.faiss_layout import HEAD, is_flat, read_index, write_index

if TYPE_CHECKING:
    import faiss
from rag.arrays import Ids, Vectors, bitmap, single_threaded

T = TypeVar("T")


class VectorIndex(Protocol):
    """Vectors under integer ids, searched by inner product."""

    def __len__(self) -> int: ...

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under the given ids, shape (len(ids), dimension)."""
        ...

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """Return the ids and scores of the `k` nearest vectors, best first; fewer when fewer exist. `among` restricts the search."""
        ...


MakeVectorIndex = Callable[[Ids, Vectors], VectorIndex]
"""Returns a store of vectors, given their ids, ascending, and the unit vectors under them, shape (len(ids), dimension), float32."""


class Remembered(Generic[T]):
    """A cache of values computed from the last few arrays of ids: a language's is needed for every question. Safe to share between
    threads."""

    def __init__(self, size: int) -> None:
        self._made: deque[tuple[Ids, T]] = deque(maxlen=size)
        self._lock = threading.Lock()

    def of(self, ids: Ids, make: Callable[[], T]) -> T:
        """Return what `make` returned for these ids the first time.

        An array is recognised by its address in memory, which is held here so that no other can take it; it must not be changed.
        """
        with self._lock:
            for known, made in self._made:
                if (known.ctypes.data, len(known)) == (ids.ctypes.data, len(ids)):
                    return made
        made = make()
        with self._lock:
            self._made.appendleft((ids, made))
        return made


class FlatIndex:
    """Exact search over all vectors."""

    def __init__(self, index: faiss.IndexIDMap2, path: Path | None = None) -> None:
        self._index = index
        self._path = path
        self._selections = Remembered[npt.NDArray[np.uint8]](8)
        self._last = int(self.ids().max(initial=-1))

    @classmethod
    def of(cls, ids: Sequence[int] | Ids, vectors: Vectors, dimension: int) -> FlatIndex:
        """Return an index over `vectors`, shape (len(ids), dimension)."""
        import faiss

        index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        if len(ids):
            index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), np.asarray(ids, dtype=np.int64))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> FlatIndex:
        """Raises IndexCorrupt when the file is missing or damaged."""
        import faiss

        # Some kinds of index that a file may name open further files that it names too.
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise IndexCorrupt("error.index_damaged", path=path, reason=error.strerror or error) from error
        if not is_flat(head):
            raise IndexCorrupt("error.index_damaged", path=path, reason="it is no flat FAISS index of inner products")
        try:
            index = read_index(path)
        except (RuntimeError, MemoryError, OSError) as error:  # a damaged header may ask for more memory than there is
            raise IndexCorrupt("error.index_damaged", path=path, reason="FAISS can't read it") from error
        if not isinstance(index, faiss.IndexIDMap2):
            raise IndexCorrupt("error.index_damaged", path=path, reason=f"{type(index).__name__} instead of IndexIDMap2")
        if index.metric_type != faiss.METRIC_INNER_PRODUCT or index.index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise IndexCorrupt("error.index_damaged", path=path, reason="vectors are not compared by inner product")
        return cls(index, path)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all. Raises DiskFull."""
        write_index(self._index, path)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    def ids(self) -> Ids:
        """Return every id, in the order of the vectors, shape (n,)."""
        import faiss

        return np.asarray(faiss.vector_to_array(self._index.id_map), dtype=np.int64)

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt if one of them is not there."""
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
        parameters = None
        if among is not None:
            bits = self._selections.of(among, lambda: bitmap(among, self._last + 1))
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))  # type: ignore[call-arg,arg-type]
        with single_threaded():
            scores, ids = self._index.search(query[None, :], k, params=parameters)
        kept = ids[0] >= 0
        return ids[0][kept], scores[0][kept]
