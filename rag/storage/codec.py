"""How vectors are stored, and the check values that detect a flipped bit."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.arrays import Vectors
from rag.schema import Document, Passage, Span


@dataclass(frozen=True, slots=True, eq=False)
class PassageVectors:
    """The vectors of one passage: its own, shape (dimension,); its sentences', shape (sentences, dimension); and its tokens, as
    `rag.models.token_vectors.pack_tokens` makes them (empty: the embedder has no vectors of tokens)."""

    passage: Vectors
    sentences: npt.NDArray[Any]
    tokens: bytes = b""


def marks_json(document: Document) -> str:
    return json.dumps([[mark.offset, mark.label] for mark in document.marks], ensure_ascii=False)


def metadata_json(document: Document) -> str:
    return json.dumps(dict(document.metadata), ensure_ascii=False)


def pack_sentences(passage: Passage) -> str:
    """Return the sentences of a passage as JSON: [start, end], with the index of its lead (-1: none) and its locator where it has them."""
    rows: list[list[Any]] = []
    for number, span in enumerate(passage.sentences):
        row: list[Any] = [span.start, span.end]
        lead = passage.leads[number] if passage.leads else -1
        locator = passage.locators[number] if passage.locators else passage.locator
        if lead >= 0 or locator != passage.locator:
            row.append(lead)
        if locator != passage.locator:
            row.append(locator)
        rows.append(row)
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def unpack_sentences(text: str, locator: str) -> tuple[tuple[Span, ...], tuple[int, ...], tuple[str, ...]]:
    """Return spans, leads and locators as `pack_sentences` wrote them for a passage at `locator`."""
    rows = json.loads(text)
    spans = tuple(Span(row[0], row[1]) for row in rows)
    leads = tuple(row[2] if len(row) > 2 else -1 for row in rows)
    locators = tuple(row[3] if len(row) > 3 else locator for row in rows)
    return spans, leads if any(lead >= 0 for lead in leads) else (), locators if any(found != locator for found in locators) else ()


def crc(*values: object) -> int:
    """CRC-32 of values in UTF-8, each ended by a zero byte and its type: one flipped bit gives another."""
    # One bit makes a text of bytes, or a number of a text. Joined, because a search has hundreds of rows checked.
    return zlib.crc32(b"".join([_BYTES[type(value)](value) for value in values]))


_BYTES: dict[type, Callable[[Any], bytes]] = {
    bytes: lambda value: value + b"\0b",
    str: lambda value: value.encode("utf-8", "surrogatepass") + b"\0t",
    int: lambda value: b"%d\0i" % value,
    float: lambda value: repr(value).encode() + b"\0f",
    type(None): lambda value: b"None\0n",
}


def manifest_crc(values: Mapping[str, str]) -> str:
    """Return the check value of the manifest: its other keys, in order, each with its value."""
    return str(crc(*(part for key in sorted(values, key=str) for part in (key, values[key]))))


def pack(vectors: npt.NDArray[Any]) -> bytes:
    """Vectors, shape (n, dimension), as they are stored: for each its scale in float32, then a signed byte for each number.

    A quarter of float32; the largest number of a vector is 127 times the scale.
    """
    exact = np.asarray(vectors, dtype=np.float32)
    rows = np.empty(len(exact), dtype=packed_dtype(exact.shape[1] if exact.ndim == 2 else 0))
    if len(exact):
        rows["scale"] = np.maximum(np.abs(exact).max(axis=1) / 127, np.float32(1e-12))
        rows["codes"] = np.rint(exact / rows["scale"][:, None])
    return rows.tobytes()


def unpack(blob: bytes, dimension: int) -> Vectors:
    """Return the vectors that `pack` stored, shape (n, dimension). Raises ValueError for a blob of another size."""
    rows = np.frombuffer(blob, dtype=packed_dtype(dimension))
    return np.asarray(rows["codes"].astype(np.float32) * rows["scale"][:, None], dtype=np.float32)


def packed_dtype(dimension: int) -> np.dtype[Any]:
    """One packed vector."""
    return np.dtype([("scale", "<f4"), ("codes", "i1", (dimension,))])


def float32_bytes(vector: npt.NDArray[Any]) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()
