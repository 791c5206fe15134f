"""The texts and metadata in the SQLite file of a Chroma database. Its vectors are not read: each embedder has its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import pathname2url

from rag.errors import BadSetting

NAME = "chroma.sqlite3"
_OF_COLLECTION = """SELECT e.id, e.embedding_id, m.key, coalesce(m.string_value, m.int_value, m.float_value), m.bool_value
FROM collections c JOIN segments s ON s.collection = c.id AND s.scope = 'METADATA' JOIN embeddings e ON e.segment_id = s.id
JOIN {table} m ON m.id = e.id WHERE c.name = ? ORDER BY e.id"""


def read_chroma(path: Path, collection: str) -> tuple[str, Iterator[dict[str, Any]]]:
    """Return the name of a collection and its records, each with `id`, `chroma:document` and its metadata, in the order they were added.

    `path` is the folder of the database or its file, which is opened for reading only. Raises BadSetting for a file that is none, and if
    the collection is missing, or none is named and there are several.
    """
    file = path / NAME if path.is_dir() else path
    try:
        with closing(_open(file)) as db:
            names = [name for (name,) in db.execute("SELECT name FROM collections ORDER BY name")]
    except sqlite3.Error as error:
        raise BadSetting("error.store_unreadable", path=file, reason=error) from error
    if collection not in names and (collection or len(names) != 1):
        raise BadSetting("error.store_collection", path=file, names=", ".join(names) or "–")
    chosen = collection or names[0]
    return chosen, _records(file, chosen)


def _records(file: Path, collection: str) -> Iterator[dict[str, Any]]:
    try:
        with closing(_open(file)) as db:
            lists: dict[int, dict[str, list[Any]]] = {}
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'embedding_metadata_array'").fetchone():  # of newer versions
                for id, _, key, value in _rows(db, "embedding_metadata_array", collection):
                    lists.setdefault(id, {}).setdefault(key, []).append(value)
            record: dict[str, Any] = {}
            last = 0
            for id, name, key, value in _rows(db, "embedding_metadata", collection):
                if id != last and record:
                    yield record
                if id != last:
                    last, record = id, {"id": name, **lists.get(id, {})}
                record[key] = value
            if record:
                yield record
    except sqlite3.Error as error:
        raise BadSetting("error.store_unreadable", path=file, reason=error) from error


def _rows(db: sqlite3.Connection, table: str, collection: str) -> Iterator[tuple[int, str, str, Any]]:
    """Yield the number and name of a record, and a field of it with its value."""
    for id, name, key, value, flag in db.execute(_OF_COLLECTION.format(table=table), (collection,)):
        yield id, name, key, value if flag is None else bool(flag)


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{pathname2url(str(file.absolute()))}?mode=ro", uri=True)
