"""What an index says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

FORMAT = 4
ANALYSIS = "fold+snowball-2"
"""Names how keywords are analysed; another analysis needs another index."""


@dataclass(frozen=True, slots=True)
class Base:
    """The file of vectors: the generation in its name, the highest passage id in it, how many vectors, the bytes of each, the
    size of the file, and the check value of all of it but the vectors; of the file of clusters next to it how many there are (0: there
    is none), its size, and such a check value. What was added later is in the database only; what was removed is listed there."""

    generation: int = 0
    last: int = 0
    count: int = 0
    code: int = 0
    size: int = 0
    crc: int = 0
    clusters: int = 0
    clusters_size: int = 0
    clusters_crc: int = 0

    @property
    def tier(self) -> str:
        """How it is searched: "flat", every vector compared, or "clustered"."""
        return "clustered" if self.clusters else "flat"


BASE_FIELDS = tuple(field.name for field in fields(Base))
BASE_KEYS = tuple(f"base_{name}" for name in BASE_FIELDS)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says of itself. `embedder`, `chunker` and `analysis` are what a reader must agree with."""

    embedder: str
    fingerprint: str
    dimension: int
    chunker: Mapping[str, int]
    generation: int
    next_passage: int
    documents: int
    passages: int
    sentences: int
    published: str
    languages: Mapping[str, int]
    base: Base
    born: str
    unpurged: int = 0
    format: int = FORMAT
    analysis: str = ANALYSIS

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Return the manifest in the rows of its table. Raises KeyError, ValueError, TypeError."""
        return cls(
            embedder=values["embedder"],
            fingerprint=values["fingerprint"],
            dimension=int(values["dimension"]),
            chunker=json.loads(values["chunker"]),
            generation=int(values["generation"]),
            next_passage=int(values["next_passage"]),
            documents=int(values["documents"]),
            passages=int(values["passages"]),
            sentences=int(values["sentences"]),
            published=values["published"],
            languages=json.loads(values["languages"]),
            base=Base(*(int(values[name]) for name in BASE_KEYS)),
            born=values["born"],
            unpurged=int(values["unpurged"]),
            format=int(values["format"]),
            analysis=values["analysis"],
        )
