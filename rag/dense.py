"""Nearest vectors, with FAISS. The index file is derived: what it holds is also in the store, and can be rebuilt from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from rag.embed import Vectors
from rag.errors import DiskFull, IndexCorrupt

if TYPE_CHECKING:
    import faiss

Ids = npt.NDArray[np.int64]


class VectorIndex(Protocol):
    """Vectors under integer ids, searched by inner product."""

    def __len__(self) -> int: ...

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        """The ids and scores of the `k` nearest vectors, best first; fewer when fewer exist. `among` restricts the search."""
        ...


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

        try:
            index = faiss.read_index(str(path))
        except (RuntimeError, MemoryError) as error:  # a damaged header may ask for more memory than there is
            raise IndexCorrupt("error.index_damaged", path=path, reason="FAISS can't read it") from error
        if not isinstance(index, faiss.IndexIDMap2):
            raise IndexCorrupt("error.index_damaged", path=path, reason=f"{type(index).__name__} instead of IndexIDMap2")
        return cls(index, path)

    def save(self, path: Path) -> None:
        """Write to a temporary name, flush to disk, and rename into place. Raises DiskFull."""
        import faiss

        partial = path.with_suffix(".partial")
        try:
            faiss.write_index(self._index, str(partial))
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(path)
        except (RuntimeError, OSError) as error:
            partial.unlink(missing_ok=True)
            raise DiskFull("error.disk_full", path=path.parent) from error

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
        parameters = None if among is None else faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))  # type: ignore[call-arg]
        scores, ids = self._index.search(query[None, :], k, params=parameters)
        kept = ids[0] >= 0
        return ids[0][kept], scores[0][kept]
