"""Embedders: texts to unit vectors."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from rag.arguments import as_path
from rag.arrays import Vectors, unit
from rag.errors import BadSetting, ModelCorrupt, ModelMissing
from rag.extras import require
from rag.models.device import Device, chosen_device
from rag.models.encoder import Encoder, read_layout
from rag.models.token_vectors import Tokens
from rag.models.torch_import import whole_torch

Progress = Callable[[int, int], None]
"""Called with (done, total)."""

EMBEDDER_MEMBERS = ("fingerprint", "embed_query", "embed_passages")
"""What every embedder has, besides properties that may load its weights."""

log = logging.getLogger(__name__)

BLOCK = 256
"""Texts per call: enough to fill batches of equal length, few enough to show progress and stop early."""


class Embedder(Protocol):
    """An object that embeds texts. `fingerprint` changes whenever its vectors are no longer comparable with earlier ones."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dimension(self) -> int: ...

    def embed_query(self, text: str) -> Vectors:
        """Return one unit vector, shape (dimension,), float32."""
        ...

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimension), float32, in order."""
        ...


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that also returns token vectors from the same pass, so that sentences are ranked by late interaction.

    See `rag.retrieval.late_interaction`. An embedder without token vectors returns empty `Tokens`.
    """

    def embed_query_tokens(self, text: str) -> tuple[Vectors, Tokens]:
        """Return the result of `embed_query` and the tokens of the question's words."""
        ...

    def embed_passage_tokens(self, texts: Sequence[str], titles: Sequence[str] = ()) -> tuple[Vectors, list[Tokens]]:
        """Return the result of `embed_passages` and the tokens of each text."""
        ...


def query_tokens(embedder: Embedder, text: str) -> tuple[Vectors, Tokens]:
    """Return a question's vector and its tokens, which are empty if the embedder provides none."""
    if isinstance(embedder, TokenEmbedder):
        return embedder.embed_query_tokens(text)
    return embedder.embed_query(text), Tokens.none()


def passage_tokens(embedder: Embedder, texts: Sequence[str], titles: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
    """Return the vectors of texts and their tokens, which are empty if the embedder provides none."""
    if isinstance(embedder, TokenEmbedder):
        return embedder.embed_passage_tokens(texts, titles)
    return embedder.embed_passages(texts, titles), [Tokens.none()] * len(texts)


def sample_blocks(path: Path) -> Iterator[bytes]:
    """Return 64 blocks spread over a file, enough to identify a gigabyte of weights in milliseconds."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for block in range(64):
            file.seek(size * block // 64)
            yield file.read(4096)


def weights_fingerprint(folder: Path) -> str:
    """Return a short hash of a model folder's weights and settings, from the size and a sample of each file.

    This only identifies a model; verification against the catalogue reads every byte.
    """
    digest = hashlib.sha256()
    settings = ("modules.json", "config.json", "config_sentence_transformers.json")
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".safetensors", ".bin", ".onnx"} or p.name in settings):
        digest.update(f"{path.relative_to(folder).as_posix()}:{path.stat().st_size}".encode())
        for block in sample_blocks(path):
            digest.update(block)
    return digest.hexdigest()[:16]


class SentenceTransformerEmbedder:
    """A sentence-transformers folder on disk. Loaded at first use; safe to share between threads.

    `query_prefix` is put before every question and `passage_prefix` before every passage; `{title}` in it is replaced by the document's
    title, or "none". The architectures of `rag.models.encoder` are run by that module, three times as fast; any other is run by
    sentence-transformers, in bfloat16 if the processor has instructions for it, else in float32. `token_size`, an even number, is how many
    components of each token vector are kept; with 0, and for models run by sentence-transformers, there are no token vectors. `device` is
    what it computes on, "" for the best there is.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        query_prefix: str = "",
        passage_prefix: str = "",
        threads: int | None = None,
        *,
        token_size: int = 0,
        device: Device = "",
    ) -> None:
        folder = as_path("folder", folder)
        require("models")
        if not (folder / "modules.json").is_file():
            raise ModelMissing("error.embedder_folder", name=name, path=folder)
        # Before torch is imported: its threads spin while they wait for each other, and for seconds where another process keeps a core busy
        # (docs/performance.md).
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._folder = folder
        self._name = name
        self.query_prefix = query_prefix
        self._passage_prefix = passage_prefix
        self.threads = threads
        self.token_size = token_size
        self._device: Device = device
        self._fingerprint = weights_fingerprint(folder)
        self._model: _Model | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def fingerprint(self) -> str:
        prefixes = hashlib.sha256(f"{self.query_prefix}\0{self._passage_prefix}".encode()).hexdigest()[:8]
        tokens = f"-t{self.token_size}" if self.token_size else ""
        return f"{self._fingerprint}-{prefixes}{tokens}"

    @property
    def dimension(self) -> int:
        return self.load().dimension

    @property
    def folder(self) -> Path:
        """The folder of the model."""
        return self._folder

    @property
    def lock(self) -> threading.Lock:
        """Held while the model computes; a reader that shares the model holds it too."""
        return self._lock

    def load(self) -> _Model:
        """Return the model, reading it from disk the first time. Raises ModelCorrupt if its files cannot be read."""
        with self._lock:
            if self._model is None:
                try:
                    self._model = _read(self._folder, self.threads, self._device)
                except BadSetting:
                    raise
                except Exception as error:  # whatever a broken file raises in three libraries; our one word for it follows
                    raise ModelCorrupt("error.embedder_broken", name=self._name, path=self._folder, reason=error) from error
            return self._model

    def embed_query(self, text: str) -> Vectors:
        return np.asarray(self._encode([self.query_prefix + text])[0], dtype=np.float32)

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        named = self.with_prefixes(texts, titles)
        # Longest first over the whole list: batches of equal length waste nothing on padding, and memory peaks at once.
        order = sorted(range(len(named)), key=lambda n: -len(named[n]))
        vectors = np.empty((len(named), self.dimension), dtype=np.float32)
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            vectors[block] = self._encode([named[n] for n in block])
            if progress:
                progress(min(start + BLOCK, len(order)), len(order))
        return vectors

    def embed_query_tokens(self, text: str) -> tuple[Vectors, Tokens]:
        vectors, (tokens,) = self._encode_tokens([self.query_prefix], [text])
        return vectors[0], tokens.of_words(text)

    def embed_passage_tokens(self, texts: Sequence[str], titles: Sequence[str] = ()) -> tuple[Vectors, list[Tokens]]:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32), []
        return self._encode_tokens(self._prefixes(texts, titles), texts)

    def with_prefixes(self, texts: Sequence[str], titles: Sequence[str] = ()) -> list[str]:
        """Return passages as the model is given them, each behind its prefix."""
        return [prefix + text for prefix, text in zip(self._prefixes(texts, titles), texts, strict=True)]

    def _prefixes(self, texts: Sequence[str], titles: Sequence[str]) -> list[str]:
        return [self._passage_prefix.replace("{title}", (titles[n] if titles else "") or "none") for n in range(len(texts))]

    def _encode_tokens(self, prefixes: Sequence[str], texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """Return vectors and tokens. The tokens are those of the texts alone, with positions that exclude the prefix."""
        named = [prefix + text for prefix, text in zip(prefixes, texts, strict=True)]
        model = self.load()
        if not self.token_size or not isinstance(model, Encoder):
            return self._encode(named), [Tokens.none()] * len(texts)
        with self._lock:
            vectors, tokens = model.encode_tokens(named, self.token_size)
        return unit(vectors), [found.after(len(prefix)) for found, prefix in zip(tokens, prefixes, strict=True)]

    def _encode(self, texts: list[str]) -> Vectors:
        model = self.load()
        with self._lock:  # two threads in one model only slow each other down
            return unit(model.encode(texts))


class _Model(Protocol):
    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]: ...


def _read(folder: Path, threads: int | None, wanted: Device) -> _Model:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch

    if threads:
        torch.set_num_threads(threads)
    device = chosen_device(wanted)
    found = read_layout(folder)
    if device == "cpu":
        return Encoder(folder, found) if found else _SentenceTransformers(folder)
    try:
        model: _Model = Encoder(folder, found, device=device) if found else _SentenceTransformers(folder, device)
        if np.isfinite(model.encode(["probe"])).all():
            return model
        raise ValueError("not finite")
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:  # the last from a torch built for the processor
        if wanted:
            raise
        log.warning("%s can't run on %s (%s): it runs on the processor", folder.name, device, error)
    return Encoder(folder, found) if found else _SentenceTransformers(folder)


class _SentenceTransformers:
    """A folder run by sentence-transformers."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        whole_torch()
        import torch
        import transformers
        from sentence_transformers import SentenceTransformer

        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        native_bf16 = device == "cpu" and torch.cpu._is_avx512_bf16_supported()
        self._model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": torch.bfloat16 if native_bf16 else torch.float32},
        )
        size = self._model.get_embedding_dimension()
        if size is None:
            raise ValueError("no embedding dimension")
        self.dimension = int(size)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = self._model.encode(
            list(texts), prompt="", batch_size=16, show_progress_bar=False, convert_to_numpy=True
        )
        return found
