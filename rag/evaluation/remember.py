"""Vectors of questions kept for as long as a command runs: an ablation asks each question once per variant."""

from __future__ import annotations

from collections.abc import Sequence

from rag.embed import Embedder, Progress, Vectors


class Remembering:
    """An embedder that computes a question's vector once. Not for measuring time: a remembered vector costs none."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, Vectors] = {}

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def fingerprint(self) -> str:
        return self._embedder.fingerprint

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    def embed_query(self, text: str) -> Vectors:
        if text not in self._vectors:
            self._vectors[text] = self._embedder.embed_query(text)
        return self._vectors[text]

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        return self._embedder.embed_passages(texts, titles, progress)
