"""Nearest vectors, with FAISS: every one compared with the question. The file is derived: what it holds is also in the store.

Large collections have a second file beside this one, so that a search need not read all of it: `rag.storage.clusters`.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from rag.arrays import Vectors
from rag.errors import IndexCorrupt
from rag.files import has_room, write_atomically

if TYPE_CHECKING:
    import faiss
from rag.arrays import Ids, alone, bitmap

T = TypeVar("T")


class VectorIndex(Protocol):
    """Vectors under integer ids, searched by inner product."""

    def __len__(self) -> int: ...

    def vectors(self, ids: Ids) -> Vectors:
        """The vectors under the given ids, shape (len(ids), dimension)."""
        ...

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """The ids and scores of the `k` nearest vectors, best first; fewer when fewer exist. `among` restricts the search."""
        ...


class Remembered(Generic[T]):
    """What was made of the last few arrays of ids: a language's is asked for with every question. Safe to share between threads."""

    def __init__(self, size: int) -> None:
        self._made: deque[tuple[Ids, T]] = deque(maxlen=size)
        self._lock = threading.Lock()

    def of(self, ids: Ids, make: Callable[[], T]) -> T:
        """What `make` made of these ids the first time. An array is recognised by its place in memory, which is held here, so that
        no other can take it; it must not be changed."""
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
        """Write the file whole or not at all. Raises DiskFull."""
        write_index(self._index, path)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

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
        parameters = None
        if among is not None:
            bits = self._selections.of(among, lambda: bitmap(among, self._last + 1))
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))  # type: ignore[call-arg,arg-type]
        with alone():
            scores, ids = self._index.search(query[None, :], k, params=parameters)
        kept = ids[0] >= 0
        return ids[0][kept], scores[0][kept]


def write_index(index: Any, path: Path) -> None:
    """Write an index of FAISS atomically. Raises DiskFull, DiskFailed."""
    import faiss

    with write_atomically(path) as partial:
        try:
            faiss.write_index(index, str(partial))
        except RuntimeError as error:  # FAISS does not say which error of the system it was
            raise OSError(None if has_room(path.parent) else errno.ENOSPC, str(error)) from error


_HEADERS = 90
"""Bytes of a flat index's file that are neither vectors nor ids."""


def write_flat(path: Path, count: int, dimension: int, blocks: Iterable[tuple[Ids, Vectors]]) -> None:
    """Write the file that a `FlatIndex` of `count` vectors would write, from blocks of them in order of their ids, holding one
    block in memory. Raises DiskFull."""
    import faiss

    example = FlatIndex.of([1], np.zeros((1, dimension), dtype=np.float32), dimension)
    head = faiss.serialize_index(example._index)[: _HEADERS - 8]
    for place, number in ((8, count), (45, count), (74, count * dimension)):  # vectors, vectors inside, numbers
        head[place : place + 8] = np.array([number], dtype="<i8").view(np.uint8)
    written: list[Ids] = []
    with write_atomically(path) as partial, partial.open("wb") as file:
        file.write(head.tobytes())
        for ids, vectors in blocks:
            written.append(ids)
            file.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
        file.write(count.to_bytes(8, "little"))
        for ids in written:
            file.write(np.ascontiguousarray(ids, dtype="<i8").tobytes())
        file.flush()


class MappedVectors:
    """The vectors of a flat index's file, read one by one where they lie: in memory are only those that were asked for.

    FAISS would map the file too, but trusts it: a damaged one ends the process.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        """Raises IndexCorrupt when the file is missing or its vectors and ids are not where FAISS writes them: last of all the
        ids, before them the vectors, before each their number."""
        self.path = path
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
            raise IndexCorrupt("error.index_damaged", path=self.path, reason="a passage has no vector")
        return np.asarray(self._vectors[at], dtype=np.float32)
