"""The tables of the database, and its rows as records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rag.documents.filter_values import day_limits, facts, metadata_conditions
from rag.documents.serialization import unpack_blocks
from rag.errors import InvalidRecord
from rag.schema import Document, Filter, Mark, Passage, Span
from rag.storage.codec import unpack_sentences

SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, language TEXT NOT NULL, sha256 TEXT NOT NULL, added TEXT NOT NULL,
  characters INTEGER NOT NULL, passages INTEGER NOT NULL, collection TEXT NOT NULL, first_day TEXT, last_day TEXT,
  metadata TEXT NOT NULL, crc INTEGER NOT NULL, origin TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
  marks TEXT NOT NULL, blocks TEXT NOT NULL, content_crc INTEGER NOT NULL, pages_crc INTEGER NOT NULL, text TEXT NOT NULL,
  pages BLOB NOT NULL
);
CREATE INDEX documents_by_collection ON documents (collection);
CREATE INDEX documents_by_day ON documents (first_day);
CREATE TABLE facts (
  key TEXT NOT NULL, value TEXT NOT NULL, document_id TEXT NOT NULL REFERENCES documents (id),
  PRIMARY KEY (key, value, document_id)
) WITHOUT ROWID;
CREATE INDEX facts_by_document ON facts (document_id);
CREATE TABLE passages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL REFERENCES documents (id), start INTEGER NOT NULL,
  end INTEGER NOT NULL, language TEXT NOT NULL, locator TEXT NOT NULL, path TEXT NOT NULL, lead TEXT NOT NULL, context TEXT NOT NULL,
  sentences TEXT NOT NULL, crc INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE INDEX passages_by_document ON passages (document_id);
CREATE INDEX passages_by_language ON passages (language);
CREATE TABLE vectors (
  passage_id INTEGER PRIMARY KEY REFERENCES passages (id), passage_crc INTEGER NOT NULL, sentences_crc INTEGER NOT NULL,
  tokens_crc INTEGER NOT NULL, passage BLOB NOT NULL, sentences BLOB NOT NULL, tokens BLOB NOT NULL
);
CREATE TABLE removed (passage_id INTEGER PRIMARY KEY, erased INTEGER NOT NULL);
"""
INFO_COLUMNS = "id, title, language, sha256, added, characters, passages, collection, first_day, last_day, metadata"
"""What `documents.crc` is the check value of, in this order."""
CONTENT_COLUMNS = "id, marks, blocks, text"
"""What `documents.content_crc` is the check value of, in this order."""
PASSAGE_COLUMNS = "id, document_id, start, end, language, locator, path, lead, context, sentences, text"
"""What `passages.crc` is the check value of, in this order. The check values of a passage's vectors are of its id and the blob each."""
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, InvalidRecord)
"""What a row raises that is not what was written, where its check value was not compared."""
SENTENCE_COUNT = "CASE WHEN json_valid(sentences) THEN json_array_length(sentences) ELSE 0 END"
FOLDER, ADDED = "folder", "added"
"""Where a document came from: from the folder that the index mirrors, or by itself."""


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """One line of a list of documents."""

    id: str
    title: str
    language: str
    sha256: str
    characters: int
    passages: int
    added: str
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Known:
    """The file attributes by which a document is recognised as unchanged.

    `modified` is in nanoseconds, 0 if it is not conclusive; `unread` means that OCR might read pages that were left out. `container` is
    the id of the file that the document stands in, "" for a file of its own; `inside` is the number of documents that stand in it.
    """

    sha256: str
    size: int
    modified: int
    origin: str
    unread: bool = False
    container: str = ""
    inside: int = 0


def column_counts(db: sqlite3.Connection) -> dict[str, int]:
    """Return the number of columns of each table of a database, without the keyword index and SQLite's own tables."""
    query = """SELECT tables.name, count(*) FROM sqlite_master tables JOIN pragma_table_info(tables.name) columns
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'keywords%' AND tables.name NOT LIKE 'sqlite%' GROUP BY tables.name"""
    return dict(db.execute(query))


@cache
def expected_column_counts() -> dict[str, int]:
    """Return what `column_counts` returns for an index of this version."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(SCHEMA)
        return column_counts(db)
    finally:
        db.close()


def as_text(value: object) -> str:
    """Return a text as it was read; one that a flipped bit has made bytes of, as far as it can be read."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def conditions_of(where: Filter) -> tuple[list[str], list[Any]]:
    """Return a filter in SQL, over `passages`."""
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, *given: Any) -> None:
        conditions.append(condition)
        values.extend(json.dumps(value) if isinstance(value, (list, tuple)) else value for value in given)

    def of_documents(condition: str, *given: Any) -> None:
        add(f"document_id IN (SELECT id FROM documents WHERE {condition})", *given)

    if where.documents is not None:
        add("document_id IN (SELECT value FROM json_each(?))", where.documents)
    if where.languages:
        add("language IN (SELECT value FROM json_each(?))", where.languages)
    if where.collections:
        # "0" follows "/": between the two lies whatever is inside the folder.
        inside = "(SELECT value FROM json_each(?) WHERE collection = value OR (collection >= value || '/' AND collection < value || '0'))"
        of_documents(f"EXISTS {inside}", [name.strip("/") for name in where.collections])
    since, until = day_limits(where.since, where.until)
    if since:
        of_documents("last_day >= ?", since)
    if until:
        of_documents("first_day <= ?", until)
    for key, found in metadata_conditions(where.metadata):
        add("document_id IN (SELECT document_id FROM facts WHERE key = ? AND value IN (SELECT value FROM json_each(?)))", key, found)
    return conditions, values


def meets(info: Sequence[Any], where: Filter) -> bool:
    """Return whether the document in a row's INFO_COLUMNS meets what a filter says of documents. Raises what UNREADABLE names."""
    id, *_, collection, first_day, last_day, metadata = info
    if where.documents is not None and id not in where.documents:
        return False
    names = [name.strip("/") for name in where.collections]
    if names and not any(collection == name or collection.startswith(f"{name}/") for name in names):
        return False
    since, until = day_limits(where.since, where.until)
    if (since and (last_day or "") < since) or (until and (first_day or "~") > until):
        return False
    conditions = metadata_conditions(where.metadata)
    known = set(facts(json.loads(metadata))) if conditions else set()
    return all(any((key, value) in known for value in values) for key, values in conditions)


def read_document_row(info: Sequence[Any], content: Sequence[Any]) -> Document:
    """Return the document in a row's INFO_COLUMNS and CONTENT_COLUMNS, without its page layouts. Raises what UNREADABLE names."""
    id, title, language, sha256 = info[:4]
    _, marks, blocks, text = content
    places = tuple(Mark(offset, label) for offset, label in json.loads(marks))
    return Document(id, text, title, language, sha256, places, json.loads(info[10]), *unpack_blocks(blocks))


def read_passage_row(row: Sequence[Any], title: str) -> Passage:
    """Return the passage in a row's PASSAGE_COLUMNS. Raises what UNREADABLE names."""
    id, document_id, start, end, language, locator, path, lead, _, sentences, text = row
    spans, leads, locators = unpack_sentences(sentences, locator)
    return Passage(id, document_id, Span(start, end), text, title, language, locator, spans, tuple(json.loads(path)), lead, leads, locators)


def read_info_row(row: Sequence[Any]) -> DocumentInfo:
    """Return the line of a list of documents for a row's INFO_COLUMNS. Raises what UNREADABLE names."""
    id, title, language, sha256, added, characters, passages, *_, metadata = row
    return DocumentInfo(id, title, language, sha256, characters, passages, added, json.loads(metadata))
