"""Embedding in bulk, on several machines, with Ray Data.

What the workers compute is put into the index folder's `staging.sqlite`, where a build that was interrupted leaves its vectors: the
next `build_index` of the same folder finds them there and embeds nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.documents.chunker import Chunker
from rag.documents.load import MAX_BYTES, Loader, document_paths
from rag.errors import BulkFailed, DocumentError, ExtraMissing, IndexMismatch, IndexMissing
from rag.files import writing
from rag.models.embedder import Embedder
from rag.storage.database import DATABASE, Store
from rag.storage.staging import BLOCK, Embedded, Staging, Text, embed_texts, key_of
from rag.storage.writer import STAGING, texts_of

Factory = Callable[[], Embedder]
"""Opens the embedder, on each worker for itself; what it refers to is sent there, so let it name no secret."""
Counter = Callable[[int], None]
"""Called with the number of texts that are embedded."""


@dataclass(frozen=True, slots=True)
class BulkReport:
    """How many texts (passages and sentences) were embedded, by how many workers, and in how many seconds."""

    texts: int
    workers: int
    seconds: float


def embed_folder(
    folder: str | Path,
    out: str | Path,
    factory: Factory,
    chunker: Chunker | None = None,
    *,
    workers: int = 2,
    max_bytes: int = MAX_BYTES,
    ocr: bool = False,
    progress: Counter | None = None,
) -> BulkReport:
    """Embed what the index in `out` lacks of a folder, on the Ray cluster this process is connected to, or on this machine.

    The workers read and split the files, and must see the folder under the same path. Documents whose file is already in the index, and
    texts that were embedded before an interruption, are skipped. Files that cannot be read are left to the build, which names them. Each
    worker takes one CPU: let `factory` open the embedder with one thread. Raises ExtraMissing, NothingToIndex, IndexBusy, BulkFailed,
    DiskFull.
    """
    try:
        import ray.data
        import ray.exceptions
    except ImportError as error:
        raise ExtraMissing("error.bulk_extra", command="pip install 'ray[data]>=2.50'") from error
    started = time.perf_counter()
    folder, out, chunker = Path(folder), Path(out), chunker or Chunker()
    embedder = factory()
    files = [{"id": id, "path": str(path.absolute())} for id, path in document_paths(folder)]
    done = 0
    with writing(out), Staging(out / STAGING, embedder) as staging:
        reading = _Reading(chunker.settings(), embedder.fingerprint, frozenset(_hashes(out)), frozenset(staging.keys()), max_bytes, ocr)
        try:
            if not files:
                return BulkReport(0, workers, time.perf_counter() - started)
            texts = ray.data.from_items(files, override_num_blocks=min(len(files), 4 * workers)).flat_map(reading.rows)
            vectors = texts.map_batches(
                _Embedding, fn_constructor_args=(factory, embedder.fingerprint), batch_size=BLOCK, concurrency=workers, num_cpus=1
            )
            for batch in vectors.iter_batches(batch_size=None, batch_format="numpy"):
                rows = zip(batch["key"], batch["vector"], batch["with_tokens"], batch["tokens"], strict=True)
                staging.put({bytes.fromhex(key): Embedded(vector, tokens if wanted else None) for key, vector, wanted, tokens in rows})
                done += len(batch["key"])
                if progress:
                    progress(done)
        except ray.exceptions.RayError as error:
            raise BulkFailed("error.bulk", reason=_cause(str(error))) from error
    return BulkReport(done, workers, time.perf_counter() - started)


def _cause(trace: str) -> str:
    """Return the cause of a worker's failure: Ray reports a trace, the first failure first."""
    named = re.search(r"^[\w.]+(?:Error|Exception): .+", trace, re.MULTILINE)
    return (named[0] if named else " ".join(trace.split()))[:300]


def _hashes(out: Path) -> Iterator[str]:
    """Yield the files that the index holds, by SHA-256."""
    try:
        store = Store(out / DATABASE)
    except (IndexMissing, IndexMismatch):
        return
    try:
        yield from (known.sha256 for known in store.known().values())
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class _Reading:
    """From a file to the texts of it that are to be embedded; runs on the workers."""

    chunker: Mapping[str, int]
    fingerprint: str
    indexed: frozenset[str]
    staged: frozenset[bytes]
    max_bytes: int
    ocr: bool

    def rows(self, file: Mapping[str, str]) -> list[dict[str, str | bool]]:
        with Loader(self.max_bytes, ocr=self.ocr) as loader:
            try:
                documents, _ = loader.read(Path(file["path"]), file["id"])
            except DocumentError:
                return []
        chunker = Chunker(**self.chunker)
        found: dict[bytes, Text] = {}
        for passage in (one for document in documents if document.sha256 not in self.indexed for one in chunker.cut(document)):
            for one in texts_of(passage):
                key = key_of(self.fingerprint, one.text, one.title)
                if one.tokens or key not in found:
                    found[key] = one
        rows: list[dict[str, str | bool]] = [
            {"key": key.hex(), "text": one.text, "title": one.title, "with_tokens": one.tokens}
            for key, one in found.items()
            if key not in self.staged
        ]
        return sorted(rows, key=lambda row: -len(str(row["text"])))  # long with long: little padding


class _Embedding:
    """The embedder of one worker."""

    def __init__(self, factory: Factory, fingerprint: str) -> None:
        self._embedder = factory()
        if self._embedder.fingerprint != fingerprint:
            raise ValueError("the embedder of a worker has other weights than that of the driver")

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        wanted = zip(batch["text"], batch["title"], batch["with_tokens"], strict=True)
        rows = embed_texts(self._embedder, [Text(str(text), str(title), bool(tokens)) for text, title, tokens in wanted])
        return {
            "key": batch["key"],
            "with_tokens": batch["with_tokens"],
            "vector": np.stack([row.vector for row in rows]),
            "tokens": np.array([row.tokens or b"" for row in rows], dtype=object),
        }
