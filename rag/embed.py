"""Text into unit vectors, with sentence-transformers."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.errors import ModelCorrupt, ModelMissing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with (done, total)."""

BLOCK = 256
"""Texts handed over at once: enough to fill batches of equal length, few enough to show progress and stop early."""


class Embedder(Protocol):
    """What turns text into vectors. `fingerprint` changes whenever vectors would no longer compare."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dimension(self) -> int: ...

    def embed_query(self, text: str) -> Vectors:
        """One unit vector, shape (dimension,), float32."""
        ...

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        """One unit vector per text, shape (len(texts), dimension), float32, in order."""
        ...


def weights_fingerprint(folder: Path) -> str:
    """A short hash of a model folder's weights and settings: sizes, and 64 blocks spread over each weights file, so that a
    gigabyte is told apart in milliseconds. Verification against the catalogue reads every byte; this only names a model."""
    digest = hashlib.sha256()
    settings = ("modules.json", "config.json", "config_sentence_transformers.json")
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".safetensors", ".bin", ".onnx"} or p.name in settings):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}:{size}".encode())
        with path.open("rb") as file:
            for block in range(64):
                file.seek(size * block // 64)
                digest.update(file.read(4096))
    return digest.hexdigest()[:16]


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """The vectors as float32 of length 1; low-precision weights leave them a few thousandths off."""
    exact = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(exact, axis=-1, keepdims=True)
    return np.asarray(exact / np.maximum(lengths, 1e-12), dtype=np.float32)


class SentenceTransformerEmbedder:
    """A sentence-transformers folder on disk. Loaded at first use; safe to share between threads.

    `query_prefix` goes before every question. `passage_prefix` goes before every passage; `{title}` in it is the document's
    title, or "none". Computes in bfloat16 where the processor has instructions for it (twice as fast, cosine to float32
    0.9997), else in float32.
    """

    def __init__(self, folder: Path, name: str, query_prefix: str = "", passage_prefix: str = "", threads: int | None = None) -> None:
        if not (folder / "modules.json").is_file():
            raise ModelMissing("error.embedder_folder", name=name, path=folder)
        self._folder = folder
        self._name = name
        self._query_prefix = query_prefix
        self._passage_prefix = passage_prefix
        self._threads = threads
        self._fingerprint = weights_fingerprint(folder)
        self._model: SentenceTransformer | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def fingerprint(self) -> str:
        prefixes = hashlib.sha256(f"{self._query_prefix}\0{self._passage_prefix}".encode()).hexdigest()[:8]
        return f"{self._fingerprint}-{prefixes}"

    @property
    def dimension(self) -> int:
        size = self.load().get_embedding_dimension()
        if size is None:
            raise ModelCorrupt("error.embedder_broken", name=self._name, path=self._folder, reason="no embedding dimension")
        return int(size)

    def load(self) -> SentenceTransformer:
        """The model, read from disk the first time. Raises ModelCorrupt when its files can't be read."""
        with self._lock:
            if self._model is None:
                self._model = self._read()
            return self._model

    def _read(self) -> SentenceTransformer:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        import transformers
        from sentence_transformers import SentenceTransformer

        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        if self._threads:
            torch.set_num_threads(self._threads)
        native_bf16 = torch.cpu._is_avx512_bf16_supported()
        try:
            return SentenceTransformer(
                str(self._folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": torch.bfloat16 if native_bf16 else torch.float32},
            )
        except Exception as error:  # whatever a broken file raises in three libraries; our one word for it follows
            raise ModelCorrupt("error.embedder_broken", name=self._name, path=self._folder, reason=error) from error

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self._encode([self._query_prefix + text])[0], dtype=np.float32)

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        named = [self._passage_prefix.replace("{title}", (titles[n] if titles else "") or "none") + text for n, text in enumerate(texts)]
        # Longest first over the whole list: batches of equal length waste nothing on padding, and memory peaks at once.
        order = sorted(range(len(named)), key=lambda n: -len(named[n]))
        vectors: Vectors | None = None
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            encoded = self._encode([named[n] for n in block])
            if vectors is None:
                vectors = np.empty((len(named), encoded.shape[1]), dtype=np.float32)
            vectors[block] = encoded
            if progress:
                progress(min(start + BLOCK, len(order)), len(order))
        assert vectors is not None
        return vectors

    def _encode(self, texts: list[str]) -> Vectors:
        model = self.load()
        with self._lock:  # two threads in one model only slow each other down
            encoded = model.encode(texts, prompt="", batch_size=16, show_progress_bar=False, convert_to_numpy=True)
        return unit(encoded)
