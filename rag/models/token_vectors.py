"""Token vectors, and how they are stored: four bits a component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from rag.arrays import Vectors

_LEVELS = 7.5
"""The largest component in steps of its scale: sixteen values, from -7.5 to 7.5, none of them 0."""
_LONGEST = 0xFFFF
"""In characters of a text; tokens that end later are not stored."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a text: `bounds`, shape (n, 2), begin and end in characters; `vectors`, shape (n, size), float32, of length 1."""

    bounds: npt.NDArray[np.int64]
    vectors: Vectors

    @classmethod
    def none(cls) -> Self:
        """Return the empty tokens of an embedder without token vectors."""
        return cls(np.empty((0, 2), dtype=np.int64), np.empty((0, 0), dtype=np.float32))

    def __len__(self) -> int:
        return len(self.bounds)

    def after(self, prefix: int) -> Tokens:
        """Return the tokens behind a number of characters, with positions counted from there."""
        bounds = np.maximum(self.bounds - prefix, 0)
        kept = bounds[:, 1] > bounds[:, 0]
        return Tokens(bounds[kept], self.vectors[kept])

    def of_words(self, text: str) -> Tokens:
        """Return the tokens of the text that hold a letter or a digit."""
        kept = [any(character.isalnum() for character in text[start:end]) for start, end in self.bounds.tolist()]
        return Tokens(self.bounds[kept], self.vectors[kept])


def pack_tokens(tokens: Tokens) -> bytes:
    """Return tokens as they are stored: for each, the position of its last character in two bytes, then its components in four bits each.

    The scale is omitted: a vector's length is 1, so it follows from the components. Their number must be even.
    """
    kept = (tokens.bounds[:, 1] > tokens.bounds[:, 0]) & (tokens.bounds[:, 1] <= _LONGEST)
    vectors = tokens.vectors[kept]
    rows = np.empty(len(vectors), dtype=packed_token_dtype(tokens.vectors.shape[1]))
    if len(rows):
        steps = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-12) / _LEVELS
        codes = np.clip(np.floor(vectors / steps) + 8, 0, 15).astype(np.uint8)
        rows["last"] = tokens.bounds[kept, 1] - 1
        rows["codes"] = codes[:, 0::2] | codes[:, 1::2] << 4
    return rows.tobytes()


def unpack_tokens(blob: bytes, size: int) -> tuple[npt.NDArray[np.int64], Vectors]:
    """Return the position of each token's last character, shape (n,), and its vector, shape (n, size), from `pack_tokens`.

    Raises ValueError for a blob of another size.
    """
    rows = np.frombuffer(blob, dtype=packed_token_dtype(size))
    codes = rows["codes"]
    vectors = np.empty((len(rows), size), dtype=np.float32)
    vectors[:, 0::2] = codes & 15
    vectors[:, 1::2] = codes >> 4
    vectors -= _LEVELS
    vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return rows["last"].astype(np.int64), vectors


def packed_token_dtype(size: int) -> np.dtype[Any]:
    """Return one packed token of `size` components: "last" and "codes"."""
    return np.dtype([("last", "<u2"), ("codes", "u1", (size // 2,))])
