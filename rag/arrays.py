"""Arrays of ids and vectors, and the few operations on them that every layer needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    pass

Ids = npt.NDArray[np.int64]


_ALONE = 2**22
"""Up to so many numbers are multiplied by the thread that asks: on a busy machine waiting for another core costs more than it saves."""


@contextmanager
def alone() -> Iterator[None]:
    """What FAISS does for this thread inside, it does without others: on two busy cores waiting for them made a search of a million
    vectors four times as slow (docs/notes/large-collections.md)."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def products(rows: npt.NDArray[np.float32], vector: Vectors) -> Vectors:
    """The inner product of each row with the vector, shape (len(rows),)."""
    if rows.size > _ALONE:
        return np.asarray(rows @ vector, dtype=np.float32)
    return np.asarray(np.einsum("ij,j->i", rows, vector), dtype=np.float32)  # unlike @, without threads


def bitmap(ids: Ids, size: int) -> npt.NDArray[np.uint8]:
    """The ids below `size` as bits, the lowest first."""
    allowed = np.zeros(size, dtype=bool)
    allowed[ids[ids < size]] = True
    return np.packbits(allowed, bitorder="little")


Vectors = npt.NDArray[np.float32]


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """The vectors as float32 of length 1; low-precision weights leave them a few thousandths off."""
    exact = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(exact, axis=-1, keepdims=True)
    return np.asarray(exact / np.maximum(lengths, 1e-12), dtype=np.float32)
