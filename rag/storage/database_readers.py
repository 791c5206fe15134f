"""Reading the database: the manifest, documents and passages."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rag.arrays import Ids
from rag.documents.filter_values import CONTAINER, INSIDE, UNREAD, is_inside
from rag.documents.serialization import unpack_layouts
from rag.errors import IndexMismatch, IndexMissing
from rag.schema import Document, Filter, PageLayout, Passage
from rag.storage.checked_rows import CheckedRows, chunks, marks
from rag.storage.codec import manifest_crc
from rag.storage.manifest import FORMAT, Manifest
from rag.storage.sql_schema import (
    CONTENT_COLUMNS,
    INFO_COLUMNS,
    PASSAGE_COLUMNS,
    SENTENCE_COUNT,
    UNREADABLE,
    DocumentInfo,
    Known,
    as_text,
    column_counts,
    conditions_of,
    expected_column_counts,
    meets,
    read_document_row,
    read_info_row,
    read_passage_row,
)

_LAST_ID = 2**62
_NEW = frozenset({"format", "born"})
"""What the manifest of an index holds that was only just made."""


class ManifestReader(CheckedRows):
    """Reads what the index records about itself."""

    def structural_faults(self) -> list[str]:
        """Return the faults that SQLite finds in the file, in its words: in pages, rows and indexes, not in their contents."""
        with self.snapshot():
            return [row[0] for row in self.connection().execute("PRAGMA integrity_check") if row[0] != "ok"]

    def check_format(self, connection: sqlite3.Connection) -> None:
        """Raise IndexMissing when there are no tables yet, IndexMismatch when they are of another format."""
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'manifest'").fetchone():
            raise IndexMissing("error.index_missing", path=self.path.parent)
        values = dict(connection.execute("SELECT key, value FROM manifest"))
        found = values.get("format")
        if found == str(FORMAT):
            # Versions under development may differ in their columns alone. Only counts are compared: a flipped bit in a name is damage.
            counts = column_counts(connection)
            if any(counts.get(table, count) != count for table, count in expected_column_counts().items()):
                raise IndexMismatch("error.index_columns", path=self.path.parent)
            return
        check = values.pop("crc", None)  # of every format so far
        if found is None or (check is not None and check != manifest_crc(values)):
            raise self.damaged("manifest: its check value differs")
        raise IndexMismatch("error.index_format", path=self.path.parent, found=found, expected=FORMAT)

    def manifest(self) -> Manifest | None:
        """Return the manifest; None before the first publication."""
        values = self.manifest_values()
        if _NEW.issuperset(values):
            return None
        if self.is_checked and values.pop("crc", "") != manifest_crc(values):
            raise self.damaged("manifest: its check value differs")
        if "generation" not in values:  # cleared, and nothing published since
            return None
        try:
            return Manifest.of(values)
        except (KeyError, ValueError, TypeError) as error:
            raise self.damaged(f"manifest: {error}") from error

    def manifest_values(self) -> dict[str, Any]:
        """Return the rows of the manifest, as they are. Raises IndexCorrupt if one of them is no text."""
        with self.snapshot():
            values = dict(self.connection().execute("SELECT key, value FROM manifest"))
        if not all(isinstance(part, str) for row in values.items() for part in row):
            raise self.damaged("manifest: a row is no text")
        return values

    def is_new(self) -> bool:
        """Return whether nothing was ever published."""
        return _NEW.issuperset(self.manifest_values())

    def existing_manifest(self) -> Manifest:
        """Return the manifest. Raises IndexMissing before the first publication."""
        manifest = self.manifest()
        if manifest is None:
            raise IndexMissing("error.index_missing", path=self.path.parent)
        return manifest

    def published(self) -> tuple[str, int]:
        """Return the identity of the published generation: the database's name, and a number (0 before the first)."""
        with self.snapshot():
            values = dict(self.connection().execute("SELECT key, value FROM manifest WHERE key IN ('born', 'generation')"))
        return str(values.get("born", "")), self._number(values.get("generation", 0))

    def generation(self) -> int:
        """Return the number of the published generation; 0 before the first."""
        return self.published()[1]

    def next_passage_id(self) -> int:
        """Return an id that no passage has ever had."""
        with self.snapshot():
            row = self.connection().execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
            said = self.connection().execute("SELECT value FROM manifest WHERE key = 'next_passage'").fetchone()
        return max(self._number(row[0]) + 1 if row else 1, self._number(said[0]) if said else 1)

    def _number(self, value: object) -> int:
        try:
            return int(str(value))
        except ValueError as error:
            raise self.damaged(f"manifest: {error}") from error

    def languages(self) -> dict[str, int]:
        """Return the number of passages in each language."""
        manifest = self.manifest()
        return dict(manifest.languages) if manifest else {}


class DocumentReader(CheckedRows):
    """Documents, each compared with its check values."""

    def document(self, id: str) -> Document | None:
        """One document with its whole text, without its page layouts."""
        with self.snapshot():
            db = self.connection()
            row = db.execute(f"SELECT {INFO_COLUMNS}, crc FROM documents WHERE id = ?", (id,)).fetchone()
            content = db.execute(f"SELECT {CONTENT_COLUMNS}, content_crc FROM documents WHERE id = ?", (id,)).fetchone()
        if row is None or content is None:
            return None
        self.check("document", id, row[:-1], row[-1])
        self.check("document", id, content[:-1], content[-1])
        try:
            return read_document_row(row[:-1], content[:-1])
        except UNREADABLE as error:
            raise self.damaged(f"document {id}: {error}") from error

    def page_layouts(self, id: str) -> tuple[PageLayout, ...]:
        """Return where the words of a document's pages stand; empty where its format has no pages. Raises IndexCorrupt."""
        with self.snapshot():
            row = self.connection().execute("SELECT id, pages, pages_crc FROM documents WHERE id = ?", (id,)).fetchone()
        if row is None:
            return ()
        self.check("pages of document", id, row[:2], row[2])
        try:
            return unpack_layouts(row[1]) if row[1] else ()
        except (*UNREADABLE, zlib.error) as error:
            raise self.damaged(f"pages of document {id}: {error}") from error

    def document_with_pages(self, id: str) -> Document | None:
        """One document as it was put, its page layouts included."""
        with self.snapshot():
            document = self.document(id)
            return None if document is None else replace(document, pages=self.page_layouts(id))

    def documents(self) -> list[DocumentInfo]:
        """Return all documents in order of id, without their text."""
        return self._infos(self._rows("ORDER BY id"))

    def document_ids(self) -> list[str]:
        """Return the ids of all documents, ascending."""
        with self.snapshot():
            return [id for (id,) in self.connection().execute("SELECT id FROM documents ORDER BY id")]

    def infos(self, ids: Iterable[str]) -> dict[str, DocumentInfo]:
        """Return the documents under the given ids, without their text; ids that do not exist are left out."""
        return {info.id: info for info in self._infos(self._rows_of(ids))}

    def titles(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the titles of the documents under the given ids; ids that do not exist are left out."""
        return {row[0]: row[1] for row in self._rows_of(ids)}

    def _rows_of(self, ids: Iterable[str]) -> list[tuple[Any, ...]]:
        return self._rows("WHERE id IN (SELECT value FROM json_each(?))", json.dumps(list(ids), ensure_ascii=False))

    def _rows(self, which: str, *values: object) -> list[tuple[Any, ...]]:
        """The INFO_COLUMNS of documents, compared with the check value that follows them."""
        with self.snapshot():
            rows = self.connection().execute(f"SELECT {INFO_COLUMNS}, crc FROM documents {which}", values).fetchall()
        for row in rows:
            self.check("document", row[0], row[:-1], row[-1])
        return rows

    def _infos(self, rows: Iterable[tuple[Any, ...]]) -> list[DocumentInfo]:
        found = []
        for row in rows:
            try:
                found.append(read_info_row(row[:-1]))
            except UNREADABLE as error:
                raise self.damaged(f"document {row[0]}: {error}") from error
        return found

    def known(self) -> dict[str, Known]:
        """Return the attributes by which each document's file is recognised as unchanged."""
        with self.snapshot():
            query = """SELECT id, sha256, size, modified, origin, instr(metadata, ?) > 0,
            CASE WHEN json_valid(metadata) THEN json_extract(metadata, ?) END,
            CASE WHEN json_valid(metadata) THEN CAST(json_extract(metadata, ?) AS INTEGER) END FROM documents"""
            rows = self.connection().execute(query, (f'"{UNREAD}"', f"$.{CONTAINER}", f"$.{INSIDE}")).fetchall()
        return {
            id: Known(sha256, size, modified, origin, bool(unread), container if is_inside(id, container) else "", inside or 0)
            for id, sha256, size, modified, origin, unread, container, inside in rows
        }

    def text_digest(self, id: str) -> bytes:
        """Return a hash of a document's whole text, the same for documents of the same text; b"" if there is no such document."""
        with self.snapshot():
            row = self.connection().execute("SELECT text FROM documents WHERE id = ?", (id,)).fetchone()
        return hashlib.sha256(as_text(row[0]).encode("utf-8", "surrogatepass")).digest() if row else b""

    def repeated(self, ids: Collection[str]) -> dict[str, str]:
        """Return for each of the given documents the id of another one with the same whole text, if possible one that is not among them.

        Documents whose text no other one has are left out, and the first of those that are all among the given ones.
        """
        by_length: dict[int, list[str]] = {}
        found: dict[str, str] = {}
        with self.snapshot():
            for id, characters in self.connection().execute("SELECT id, characters FROM documents WHERE characters > 0 ORDER BY id"):
                by_length.setdefault(characters, []).append(id)
            for alike in by_length.values():
                if len(alike) == 1 or not any(id in ids for id in alike):
                    continue
                by_text: dict[bytes, list[str]] = {}
                for id in sorted(alike, key=lambda id: (id in ids, id)):
                    by_text.setdefault(self.text_digest(id), []).append(id)
                found |= {id: first for first, *others in by_text.values() for id in others if id in ids}
        return dict(sorted(found.items()))

    def documents_with(self, sha256: str) -> list[str]:
        """Return the ids of the documents whose files have that hash."""
        with self.snapshot():
            return [id for (id,) in self.connection().execute("SELECT id FROM documents WHERE sha256 = ?", (sha256,))]


class PassageReader(DocumentReader):
    """Passages, each compared with its check value, with the title of its document."""

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Return the passages under the given ids, each with its sentences; ids that do not exist are left out."""
        rows: list[tuple[Any, ...]] = []
        with self.snapshot():
            for chunk in chunks(ids):
                query = f"SELECT {PASSAGE_COLUMNS}, crc FROM passages WHERE id IN ({marks(chunk)})"
                rows += self.connection().execute(query, chunk)
            return {passage.id: passage for passage in self._passages(rows)}

    def existing_passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Return the passages under ids that the index itself gave. Raises IndexCorrupt if one of them does not exist."""
        found = self.passages(ids)
        if missing := [id for id in ids if id not in found]:
            raise self.damaged(f"no passage {missing[0]}")
        return found

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return the passages of a document in order."""
        query = f"SELECT {PASSAGE_COLUMNS}, crc FROM passages WHERE document_id = ? ORDER BY start, id"
        with self.snapshot():
            return self._passages(self.connection().execute(query, (document_id,)).fetchall())

    def _passages(self, rows: Sequence[tuple[Any, ...]]) -> list[Passage]:
        for row in rows:
            self.check("passage", row[0], row[:-1], row[-1])
        titles = self.titles({str(row[1]) for row in rows})
        found = []
        for *columns, _ in rows:
            if columns[1] not in titles:
                raise self.damaged(f"passage {columns[0]}: no document")
            try:
                found.append(read_passage_row(columns, titles[columns[1]]))
            except UNREADABLE as error:
                raise self.damaged(f"passage {columns[0]}: {error}") from error
        return found

    def passage_ids(self, where: Filter | None = None) -> Ids:
        """Return the ids of all passages, or of those that meet a filter, ascending. Raises BadSetting for a date that is none."""
        query = "SELECT id FROM passages"
        values: list[Any] = []
        if where:
            conditions, values = conditions_of(where)
            query += f" WHERE {' AND '.join(conditions)}"
        return np.sort(self._ids(query, values))

    def check_filter(self, passages: Iterable[Passage], where: Filter) -> None:
        """Raise IndexCorrupt if one of the passages that a filter found does not meet it: what a filter looks up has no check value of
        its own, but follows from rows that have one."""
        passages = list(passages)
        if where.languages and any(passage.language not in where.languages for passage in passages):
            raise self.damaged("a filter found a passage in another language")
        for *info, _ in self._rows_of({passage.document_id for passage in passages}):
            try:
                met = meets(info, where)
            except UNREADABLE as error:
                raise self.damaged(f"document {info[0]}: {error}") from error
            if not met:
                raise self.damaged(f"document {info[0]}: a filter found it that it does not meet")

    def ids_in(self, language: str, after: int = 0, last: int = _LAST_ID) -> Ids:
        """Return the ids of the passages in one language, greater than `after` and at most `last`, ascending."""
        return self._ids("SELECT id FROM passages WHERE language = ? AND id > ? AND id <= ? ORDER BY id", (language, after, last))

    def ids_among(self, ids: Sequence[int], last: int = _LAST_ID) -> set[int]:
        """Return those of some ids that are passages', at most `last`."""
        query = "SELECT id FROM passages WHERE id <= ? AND id IN (SELECT value FROM json_each(?))"
        return set(self._ids(query, (last, json.dumps(list(ids)))).tolist())

    def count_after(self, id: int) -> int:
        """Return the number of passages with greater ids."""
        with self.snapshot():
            return int(self.connection().execute("SELECT count(*) FROM passages WHERE id > ?", (id,)).fetchone()[0])

    def counts(self) -> dict[str, Any]:
        """Return the counts of the manifest, counted again: documents, passages, sentences, and languages as a mapping."""
        with self.snapshot():
            db = self.connection()
            return {
                "documents": db.execute("SELECT count(*) FROM documents").fetchone()[0],
                "passages": db.execute("SELECT count(*) FROM passages").fetchone()[0],
                "sentences": db.execute(f"SELECT coalesce(sum({SENTENCE_COUNT}), 0) FROM passages").fetchone()[0],
                "languages": dict(db.execute("SELECT language, count(*) FROM passages GROUP BY language ORDER BY language")),
            }

    def removed(self) -> Ids:
        """Return the ids that are in the file of vectors and no longer in the index, ascending."""
        return self._ids("SELECT passage_id FROM removed ORDER BY passage_id")

    def unerased(self) -> Ids:
        """Return those of them whose vectors have not been overwritten in the file yet."""
        return self._ids("SELECT passage_id FROM removed WHERE NOT erased ORDER BY passage_id")

    def _ids(self, query: str, values: Sequence[object] = ()) -> Ids:
        with self.snapshot():
            found = np.array([id for (id,) in self.connection().execute(query, values)], dtype=np.int64)
        if found.min(initial=1) < 1:
            raise self.damaged(f"no passage has the id {found.min()}")
        return found
