"""Where vectors, codes and ids lie in the files that FAISS writes: so that they can be read, compared and overwritten one by one.

FAISS would map its files too, but trusts them: a damaged one ends the process.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.arrays import Ids, Vectors
from rag.errors import IndexCorrupt
from rag.files import create_private, has_room, write_atomically, write_error
from rag.storage.database import DATABASE

Codes = npt.NDArray[np.uint8]

_FAISS_OPENS_FILES = os.name != "nt"
"""Whether FAISS opens files under any name, and can map them. On Windows it takes a name for one in the system's old code page, and has no
mapped clusters."""

_NUMBER = 8
"""Bytes of a number of vectors, of floats or of ids, and of an id: all are little-endian integers."""

# A flat index under ids (IndexIDMap2 around IndexFlatIP): its kind, its header, the kind and header of the index inside, how many
# floats follow, the vectors, how many ids follow, the ids.
_OUTER_KIND, _INNER_KIND = b"IxM2", b"IxFI"
_HEADER = 33
"""Bytes of a header: dimension, number of vectors, and what never differs here."""
_INNER_AT = len(_OUTER_KIND) + _HEADER
_FLOATS_AT = _INNER_AT + len(_INNER_KIND) + _HEADER
_VECTORS_AT = _FLOATS_AT + _NUMBER
_COUNT_IN_HEADER = 4
"""Where the number of vectors stands in a header: after the dimension."""

# Clusters (IndexIVFRaBitQ): a head that ends with how sizes are written, their number and the sizes, then of each cluster its codes
# and its ids.
_SIZES_KIND = b"full"
FACTORS = 8
"""Bytes after the bits of a code: two numbers that make a distance of the bits that agree."""


def code_size(dimension: int) -> int:
    """Return the bytes of a vector's code in a file of clusters."""
    return (dimension + 7) // 8 + FACTORS


def is_flat(head: bytes) -> bool:
    """Return whether a file that begins so is a flat index of inner products under ids: FAISS makes whatever kind a file names."""
    return (head[: len(_OUTER_KIND)], head[_INNER_AT : _INNER_AT + len(_INNER_KIND)]) == (_OUTER_KIND, _INNER_KIND)


HEAD = _INNER_AT + len(_INNER_KIND)
"""Bytes that `is_flat` looks at."""


def write_index(index: Any, path: Path) -> None:
    """Write an index of FAISS atomically. Raises DiskFull, DiskFailed."""
    import faiss

    with _written(path) as partial, partial.open("wb") as file:
        file.write(faiss.serialize_index(index).tobytes())  # FAISS itself opens no file in a folder with an Arabic name on Windows


def read_index(path: Path, *, mapped: bool = False) -> Any:
    """Read what `write_index` wrote; `mapped` leaves the codes of clusters in the file. Raises RuntimeError, MemoryError, OSError."""
    import faiss

    if not _FAISS_OPENS_FILES:
        return faiss.deserialize_index(np.fromfile(path, dtype=np.uint8))
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP) if mapped else faiss.read_index(str(path))


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """What `write_atomically` does, with errors of the project. The file can be read by those who can read the database."""
    try:
        with write_atomically(path) as partial:
            create_private(partial, path.with_name(DATABASE))
            yield partial
    except OSError as error:
        raise write_error(path.parent, error) from error
    except RuntimeError as error:  # FAISS does not say which error of the system it was
        raise write_error(path.parent, OSError(None if has_room(path.parent) else errno.ENOSPC, str(error))) from error


def write_flat(path: Path, count: int, dimension: int, blocks: Iterable[tuple[Ids, Vectors]]) -> None:
    """Write the file that FAISS would write of `count` vectors, from blocks of them in order of their ids, holding one block in
    memory. Raises DiskFull, DiskFailed."""
    import faiss

    example = faiss.serialize_index(faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)))
    head = example[:_VECTORS_AT]
    numbers = {len(_OUTER_KIND) + _COUNT_IN_HEADER: count, HEAD + _COUNT_IN_HEADER: count, _FLOATS_AT: count * dimension}
    for place, number in numbers.items():
        head[place : place + _NUMBER] = np.array([number], dtype="<i8").view(np.uint8)
    written: list[Ids] = []
    with _written(path) as partial, partial.open("wb") as file:
        file.write(head.tobytes())
        for ids, vectors in blocks:
            written.append(ids)
            file.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
        file.write(count.to_bytes(_NUMBER, "little"))
        for ids in written:
            file.write(np.ascontiguousarray(ids, dtype="<i8").tobytes())


class FlatFile:
    """The vectors of a flat index's file, read one by one where they lie: in memory are only those that were asked for."""

    def __init__(self, path: Path, dimension: int) -> None:
        """Raises IndexCorrupt when the file is missing or its vectors and ids are not where FAISS writes them."""
        self.path = path
        self.dimension = dimension
        self._code = 4 * dimension
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                count, rest = divmod(size - _VECTORS_AT - _NUMBER, self._code + _NUMBER)
                self._ids_at = _VECTORS_AT + max(count, 0) * self._code + _NUMBER
                numbers = [self._number(file, place) for place in (_FLOATS_AT, self._ids_at - _NUMBER)]
            if rest or count < 0 or numbers != [count * dimension, count]:
                raise self._damaged("the vectors are not where they should be")
            self._ids = np.memmap(path, "<i8", "r", self._ids_at, (count,)) if count else np.empty(0, dtype=np.int64)
            self._vectors = np.memmap(path, "<f4", "r", _VECTORS_AT, (count, dimension)) if count else np.empty((0, dimension), np.float32)
        except (OSError, ValueError) as error:
            raise self._damaged(error) from error
        if not np.all(self._ids[1:] > self._ids[:-1]):
            raise self._damaged("its ids are not in order")

    @staticmethod
    def _number(file: Any, place: int) -> int:
        file.seek(place)
        return int.from_bytes(file.read(_NUMBER), "little")

    def _damaged(self, reason: object) -> IndexCorrupt:
        return IndexCorrupt("error.vectors_damaged", path=self.path, reason=reason)

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> Ids:
        """Return every id, ascending, shape (n,)."""
        return np.asarray(self._ids, dtype=np.int64)

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt if one of them is not there."""
        return np.asarray(self._vectors[self._rows(ids)], dtype=np.float32)

    def codes(self, ids: Ids) -> Codes:
        """Return the bytes of some vectors as they stand in the file, shape (len(ids), 4 * dimension). Raises IndexCorrupt."""
        return np.ascontiguousarray(self._vectors[self._rows(ids)]).view(np.uint8).reshape(len(ids), self._code)

    def _rows(self, ids: Ids) -> npt.NDArray[np.int64]:
        at = np.searchsorted(self._ids, ids)
        if len(ids) and (at.max() >= len(self._ids) or not np.array_equal(self._ids[at], ids)):
            raise self._damaged("a passage has no vector")
        return at

    def crc(self) -> int:
        """Return the check value of all of the file but its vectors, which are compared with those of the database."""
        with self.path.open("rb") as file:
            found = zlib.crc32(file.read(_VECTORS_AT))
            file.seek(self._ids_at - _NUMBER)
            while block := file.read(2**20):
                found = zlib.crc32(block, found)
        return found

    def erase(self, ids: Ids) -> None:
        """Overwrite vectors with zeros, on disk when this returns; ids that are not there are passed over. Raises OSError."""
        places = _VECTORS_AT + np.flatnonzero(np.isin(self._ids, ids)) * self._code
        _overwrite(self.path, places, self._code)


class ClusterFile:
    """The codes in a file of clusters, mapped."""

    def __init__(self, path: Path, count: int, dimension: int, clusters: int) -> None:
        """The file of `count` vectors in that many clusters. Raises IndexCorrupt when they are not where FAISS writes them."""
        self._path = path
        self._code = code_size(dimension)
        try:
            content = np.memmap(path, np.uint8, "r")
        except (OSError, ValueError) as error:
            raise self._damaged(error) from error
        head = len(content) - count * (self._code + _NUMBER)
        sizes_at = head - _NUMBER * clusters
        kind_at = sizes_at - _NUMBER - len(_SIZES_KIND)
        sizes = np.empty(0, dtype=np.int64) if kind_at < 0 else np.frombuffer(content[sizes_at:head].tobytes(), dtype="<i8")
        kind = content[max(kind_at, 0) : max(kind_at, 0) + len(_SIZES_KIND)].tobytes()
        if kind_at < 0 or kind != _SIZES_KIND or sizes.min(initial=0) < 0 or sizes.sum() != count:
            raise self._damaged("the vectors are not where they should be")
        self._content = content
        self._head = head
        self._sizes: list[int] = sizes.tolist()

    def _damaged(self, reason: object) -> IndexCorrupt:
        return IndexCorrupt("error.vectors_damaged", path=self._path, reason=reason)

    def _starts(self) -> Iterator[tuple[int, int]]:
        """Where the codes of each cluster begin, and how many they are."""
        at = self._head
        for size in self._sizes:
            yield at, size
            at += size * (self._code + _NUMBER)

    @cached_property
    def ids(self) -> Ids:
        """Every id, in the order of the codes."""
        parts = [self._content[at + size * self._code : at + size * (self._code + _NUMBER)] for at, size in self._starts()]
        return np.frombuffer(np.concatenate(parts).tobytes(), dtype="<i8").astype(np.int64)

    def crc(self) -> int:
        """Return the check value of all of the file but the codes, which are compared with the vectors of the database."""
        return zlib.crc32(self.ids.astype("<i8").tobytes(), zlib.crc32(self._content[: self._head].tobytes()))

    @cached_property
    def _sorted(self) -> tuple[Ids, npt.NDArray[np.int64]]:
        """The ids, ascending, and where the codes of each begin."""
        places = np.concatenate([at + self._code * np.arange(size, dtype=np.int64) for at, size in self._starts()])
        order = np.argsort(self.ids)
        return self.ids[order], places[order]

    def places(self, ids: Ids) -> npt.NDArray[np.int64]:
        """Return where the codes of some ids begin, in their order. Raises IndexCorrupt if one of them is not there."""
        held, places = self._sorted
        at = np.searchsorted(held, ids)
        if len(ids) and (at.max() >= len(held) or not np.array_equal(held[at], ids)):
            raise self._damaged("a passage has no vector")
        return places[at]

    def codes(self, ids: Ids) -> Codes:
        """Return the codes of some ids, shape (len(ids), code). Raises IndexCorrupt if one of them is not there."""
        return np.asarray(self._content[self.places(ids)[:, None] + np.arange(self._code)], dtype=np.uint8)

    def erase(self, ids: Ids) -> None:
        """Overwrite the codes of some ids with zeros, on disk when this returns. Raises IndexCorrupt, OSError for a full disk."""
        _overwrite(self._path, self.places(ids), self._code)


def _overwrite(path: Path, places: npt.NDArray[np.int64], size: int) -> None:
    """Put zeros over what lies at some places of a file."""
    with path.open("rb+") as file:
        for place in places.tolist():
            file.seek(place)
            file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
