"""Arrays of ids and vectors, and the few operations on them that every layer needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

_SINGLE_THREADED = 2**22
"""Up to that many numbers are multiplied by the thread that asks: on a busy machine waiting for another core costs more than it saves."""


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let FAISS work with the calling thread only: on two busy cores waiting for others made a search of a million vectors four times
    as slow (docs/notes/large-collections.md)."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def products(rows: npt.NDArray[np.float32], vector: Vectors) -> Vectors:
    """Return the inner product of each row with the vector, shape (len(rows),)."""
    if rows.size > _SINGLE_THREADED:
        return np.asarray(rows @ vector, dtype=np.float32)
    return np.asarray(np.einsum("ij,j->i", rows, vector), dtype=np.float32)  # unlike @, without threads


def bitmap(ids: Ids, size: int) -> npt.NDArray[np.uint8]:
    """Return the ids below `size` as bits, the lowest first."""
    allowed = np.zeros(size, dtype=bool)
    allowed[ids[ids < size]] = True
    return np.packbits(allowed, bitorder="little")


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """Return the vectors as float32 of length 1; low-precision weights leave them a few thousandths off."""
    exact = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(exact, axis=-1, keepdims=True)
    return np.asarray(exact / np.maximum(lengths, 1e-12), dtype=np.float32)
