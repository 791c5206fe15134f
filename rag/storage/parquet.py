"""An index as a Parquet file: a row for each passage, with its metadata and its vector, for notebooks and other stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rag.arguments import as_path
from rag.errors import ExtraMissing
from rag.files import create_private, make_private, write_atomically, write_error
from rag.storage.database import DATABASE, Store
from rag.storage.manifest import Manifest

_ROWS = 4096
"""Passages that are held in memory at once."""


def export_parquet(index: str | Path, path: str | Path, *, vectors: bool = True) -> int:
    """Write the passages of an index to a Parquet file, in order of id, and return how many there are.

    `start` and `end` count code points of the document. `vector` is left out without `vectors`. The file's own metadata names the embedder,
    its fingerprint and the generation. Reads one generation, whatever is published meanwhile. Raises ExtraMissing, IndexMissing,
    IndexMismatch, IndexCorrupt, DiskFull.
    """
    index, path = as_path("index", index), as_path("path", path)
    pa, pq = arrow()
    store = Store(index / DATABASE)
    try:
        with store.snapshot():
            manifest = store.existing_manifest()
            schema = _schema(pa, manifest, vectors)
            count = 0
            make_private(path.absolute().parent)
            with write_atomically(path) as partial:
                create_private(partial)
                with pq.ParquetWriter(partial, schema) as writer:
                    for rows in _rows(store, manifest.dimension if vectors else 0):
                        count += len(rows["id"])
                        writer.write_batch(pa.record_batch(rows, schema=schema))
            return count
    except OSError as error:
        raise write_error(path.parent, error) from error
    finally:
        store.close()


def arrow() -> tuple[Any, Any]:
    """Return the modules `pyarrow` and `pyarrow.parquet`. Raises ExtraMissing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ExtraMissing("error.parquet_extra", command="pip install pyarrow") from error
    return pyarrow, pyarrow.parquet


def _schema(pa: Any, manifest: Manifest, vectors: bool) -> Any:
    columns = {
        "id": pa.int64(),
        "document_id": pa.string(),
        "title": pa.string(),
        "language": pa.string(),
        "start": pa.int64(),
        "end": pa.int64(),
        "locator": pa.string(),
        "path": pa.list_(pa.string()),
        "lead": pa.string(),
        "text": pa.string(),
        "metadata": pa.map_(pa.string(), pa.string()),
    }
    if vectors:
        columns["vector"] = pa.list_(pa.float32(), manifest.dimension)
    made = {"embedder": manifest.embedder, "fingerprint": manifest.fingerprint, "generation": str(manifest.generation)}
    return pa.schema(list(columns.items()), metadata={f"shawahid.{name}": value for name, value in made.items()})


def _rows(store: Store, dimension: int) -> Iterator[dict[str, Any]]:
    """Yield the columns of some passages at a time; without vectors if the dimension is 0."""
    ids = store.passage_ids().tolist()
    for start in range(0, len(ids), _ROWS):
        some = ids[start : start + _ROWS]
        found = store.existing_passages(some)
        passages = [found[id] for id in some]
        metadata = {id: info.metadata for id, info in store.infos({passage.document_id for passage in passages}).items()}
        columns: dict[str, Any] = {
            "id": some,
            "document_id": [passage.document_id for passage in passages],
            "title": [passage.title for passage in passages],
            "language": [passage.language for passage in passages],
            "start": [passage.span.start for passage in passages],
            "end": [passage.span.end for passage in passages],
            "locator": [passage.locator for passage in passages],
            "path": [list(passage.path) for passage in passages],
            "lead": [passage.lead for passage in passages],
            "text": [passage.text for passage in passages],
            "metadata": [list(metadata[passage.document_id].items()) for passage in passages],
        }
        if dimension:
            vectors = store.vectors_of(some)
            columns["vector"] = list(np.stack([vectors[id] for id in some]).astype(np.float32))
        yield columns
