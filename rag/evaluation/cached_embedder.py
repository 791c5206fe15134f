"""Cached question vectors for the duration of a command: an ablation asks each question once per variant."""

from __future__ import annotations

from collections.abc import Sequence

from rag.arrays import Vectors
from rag.models.embedder import Embedder, Progress, passage_tokens, query_tokens
from rag.models.token_vectors import Tokens


class CachedEmbedder:
    """An embedder that computes a question's vector once. Not for measuring time: a remembered vector costs none."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._questions: dict[str, tuple[Vectors, Tokens]] = {}

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
        return self.embed_query_tokens(text)[0]

    def embed_query_tokens(self, text: str) -> tuple[Vectors, Tokens]:
        if text not in self._questions:
            self._questions[text] = query_tokens(self._embedder, text)
        return self._questions[text]

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        return self._embedder.embed_passages(texts, titles, progress)

    def embed_passage_tokens(self, texts: Sequence[str], titles: Sequence[str] = ()) -> tuple[Vectors, list[Tokens]]:
        return passage_tokens(self._embedder, texts, titles)
