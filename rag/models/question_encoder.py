"""The two default embedders for a single question, in NumPy: a command that asks one thing would wait several times as long for torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from rag.arrays import Vectors, unit
from rag.models.embedder import Embedder, Progress, SentenceTransformerEmbedder
from rag.models.encoder import Layout, read_layout
from rag.models.numpy_transformers import Adapter, States, mapped_weights, transformer
from rag.models.token_vectors import Tokens
from rag.models.tokenizer import LazyTokenizer

_FEW = 16
"""The most texts that are embedded here together: the names of a table's columns, say."""
_SHORT = 2_000
"""The most characters of all of them."""


class QuestionEncoder:
    """Encodes a few texts. Not safe to share between threads."""

    def __init__(self, folder: Path, layout: Layout, threads: int | None = None) -> None:
        """Raises OSError, ValueError and KeyError for files that cannot be read, or are not in float32."""
        self._threads = threads or os.cpu_count() or 1
        self._tokenizer = LazyTokenizer(folder / "tokenizer.json", layout.longest)
        self._weights = mapped_weights(folder / "model.safetensors")
        self._config = layout.config
        self._run = transformer(layout.config)
        self._dense = [mapped_weights(path / "model.safetensors")["linear.weight"] for path in layout.dense]
        self.dimension: int = self._dense[-1].shape[0] if self._dense else int(layout.config["hidden_size"])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimension), float32, in order."""
        states = self._states([encoding.ids for encoding in self.tokenize(texts)])
        means = np.stack([own.mean(0) for own in states]) if states else np.empty((0, self.dimension), dtype=np.float32)
        return unit(self._projected(means, self.dimension)) if states else means

    def encode_tokens(self, text: str, size: int) -> tuple[Vectors, Tokens]:
        """Return a text's vector, shape (dimension,), and its tokens with the first `size` components; no tokens with a `size` of 0."""
        (encoding,) = self.tokenize([text])
        (states,) = self._states([encoding.ids])
        vector = unit(self._projected(states.mean(0), self.dimension))
        if not size:
            return vector, Tokens.none()
        return vector, Tokens(np.array(encoding.offsets, dtype=np.int64), unit(self._projected(states, size)))

    def tokenize(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return for each text an object with `ids` and `offsets`, those of the signs around it included."""
        return self._tokenizer.encode_batch(texts)

    def adapted(self, tokens: Sequence[Sequence[int]], adapter: Adapter) -> list[States]:
        """Return the hidden states of each text after as many layers as the adapter has, shape (tokens, size)."""
        return self._states(tokens, adapter)

    def _states(self, tokens: Sequence[Sequence[int]], adapter: Adapter = ()) -> list[States]:
        """Return the hidden states of each text. Each processor gets a share of the texts: two threads of the library that multiplies
        would wait for each other after every product, and for long where another program keeps a processor busy."""
        from threadpoolctl import threadpool_limits

        shares = _shares([len(ids) for ids in tokens], min(self._threads, len(tokens)))

        def run(share: Sequence[int]) -> States:
            return self._run([tokens[n] for n in share], self._weights, self._config, adapter)

        with threadpool_limits(1, "blas"):
            if len(shares) < 2:
                states = [run(share) for share in shares]
            else:
                with ThreadPoolExecutor(len(shares), "shawahid-encode") as pool:
                    states = list(pool.map(run, shares))
        found: dict[int, States] = {}
        for share, computed in zip(shares, states, strict=True):
            ends = np.cumsum([len(tokens[n]) for n in share])
            found |= zip(share, np.split(computed, ends[:-1]), strict=True)
        return [found[n] for n in range(len(tokens))]

    def _projected(self, states: States, size: int) -> Vectors:
        """Return states after the linear layers, their first `size` components."""
        for weight in self._dense[:-1]:
            states = states @ weight.T
        return states @ self._dense[-1][:size].T if self._dense else states[..., :size]


class QuestionEmbedder:
    """An embedder for a program that asks one question and ends: it computes the question itself, and leaves passages to `whole`."""

    def __init__(self, encoder: QuestionEncoder, whole: SentenceTransformerEmbedder) -> None:
        self.encoder = encoder
        self.whole = whole

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def fingerprint(self) -> str:
        return self.whole.fingerprint

    @property
    def dimension(self) -> int:
        return self.encoder.dimension

    def embed_query(self, text: str) -> Vectors:
        return self.embed_query_tokens(text)[0]

    def embed_query_tokens(self, text: str) -> tuple[Vectors, Tokens]:
        prefix = self.whole.query_prefix
        vector, tokens = self.encoder.encode_tokens(prefix + text, self.whole.token_size)
        return vector, tokens.after(len(prefix)).of_words(text)

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        if len(texts) > _FEW or sum(map(len, texts)) > _SHORT:
            return self.whole.embed_passages(texts, titles, progress)
        vectors = self.encoder.encode(self.whole.with_prefixes(texts, titles))
        if progress and len(texts):
            progress(len(texts), len(texts))
        return vectors

    def embed_passage_tokens(self, texts: Sequence[str], titles: Sequence[str] = ()) -> tuple[Vectors, list[Tokens]]:
        return self.whole.embed_passage_tokens(texts, titles)


def for_one_question(embedder: Embedder) -> Embedder:
    """Return an embedder that computes at once what `embedder` computes after loading, or that one itself if its model needs torch."""
    if not isinstance(embedder, SentenceTransformerEmbedder) or (layout := read_layout(embedder.folder)) is None:
        return embedder
    try:
        return QuestionEmbedder(QuestionEncoder(embedder.folder, layout, embedder.threads), embedder)
    except (OSError, ValueError, KeyError):  # not in float32; or damaged, which the embedder will say
        return embedder


def _shares(lengths: Sequence[int], count: int) -> list[list[int]]:
    """Return the numbers of texts in at most `count` groups of about as many tokens, none of them empty."""
    groups: list[list[int]] = [[] for _ in range(count)]
    sizes = [0] * count
    for number in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        least = sizes.index(min(sizes))
        groups[least].append(number)
        sizes[least] += lengths[number]
    return [group for group in groups if group]
