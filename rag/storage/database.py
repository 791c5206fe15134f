"""Documents, passages, sentences, their vectors and the keyword index, in one SQLite file.

A writer changes rows inside one transaction and publishes them with one commit; readers in other threads and processes see
the generation before it whole, or the one after it whole, and never wait (write-ahead log).
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.arrays import Ids, Vectors, products
from rag.documents.metadata import UNREAD, collection, days, facts
from rag.documents.serialization import pack_blocks, pack_layouts, unpack_layouts
from rag.errors import DiskFull, IndexBusy, IndexClosed, IndexCorrupt, IndexMismatch, IndexMissing, InvalidRecord
from rag.schema import Document, Filter, PageLayout, Passage
from rag.storage.codec import (
    PassageVectors,
    document_crc,
    float32_bytes,
    manifest_crc,
    marks_json,
    metadata_json,
    pack_sentences,
    packed,
    packed_type,
    passage_crc,
    unpacked,
)
from rag.storage.keywords import KEYWORDS, passage_keywords
from rag.storage.manifest import ANALYSIS, BASE_FIELDS, BASE_KEYS, FORMAT, LATER_KEYS, Base, Manifest
from rag.storage.rows import (
    _LENGTH,
    ADDED,
    DOCUMENT_QUERY,
    FOLDER,
    INFO_QUERY,
    PASSAGE_QUERY,
    SCHEMA,
    DocumentInfo,
    Known,
    as_text,
    conditions_of,
    read_document_row,
    read_info_row,
    read_passage_row,
)

DATABASE = "corpus.sqlite"
_PAGE = 8192
"""Bytes of a database page. The vectors of one passage take several kilobytes."""


@contextmanager
def index_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise IndexClosed("error.index_closed", path=path.parent) from error
    except sqlite3.OperationalError as error:
        text = str(error)
        if "full" in text or "disk I/O error" in text:
            raise DiskFull("error.disk_full", path=path.parent) from error
        if "locked" in text:
            raise IndexBusy("error.index_busy", path=path.parent) from error
        if "readonly" in text:
            raise DiskFull("error.folder_unwritable", path=path.parent, reason=text) from error
        raise IndexCorrupt("error.index_damaged", path=path, reason=text) from error
    except (sqlite3.DatabaseError, InvalidRecord) as error:
        raise IndexCorrupt("error.index_damaged", path=path, reason=error) from error


class Store:
    """The database of one index. One connection per thread; a reader never blocks a writer, nor a writer a reader."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        if not writable and not path.is_file():
            raise IndexMissing("error.index_missing", path=path.parent)
        self.path = path
        self._writable = writable
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        self._closed = False
        self._change: Counter[str] = Counter()  # of the counts, by this transaction
        try:
            with index_errors(path):
                if writable:
                    self._create()
                self._check_format(self._connection())
        except BaseException:
            self.close()
            raise

    def _check_format(self, connection: sqlite3.Connection) -> None:
        try:
            found = connection.execute("SELECT value FROM manifest WHERE key = 'format'").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            raise IndexMissing("error.index_missing", path=self.path.parent) from error
        if found and found[0] != str(FORMAT):
            raise IndexMismatch("error.index_format", path=self.path.parent, found=found[0], expected=FORMAT)

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection. A reader whose file was replaced by another, as by a rebuild of a damaged index, opens that."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None and (connection.in_transaction or self._local.file == self._file()):
            return connection
        if self._closed:
            raise IndexClosed("error.index_closed", path=self.path.parent)
        file = self._file()
        if not self._writable and file is None:
            raise IndexMissing("error.index_missing", path=self.path.parent)
        replaced = connection is not None
        uri = f"{self.path.absolute().as_uri()}?{self._mode()}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10.0, check_same_thread=False)
        self._keep(connection)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        if self._writable:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten, not just forgotten
        else:
            connection.execute("PRAGMA query_only = ON")
        if replaced:
            self._check_format(connection)
        self._local.connection, self._local.file = connection, file or self._file()
        self._local.vocabulary = False
        return connection

    def _file(self) -> tuple[int, int] | None:
        """Which file lies under the path now; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _mode(self) -> str:
        """How SQLite opens the file. A reader, too, writes the shared memory of the log; where nothing can be written and
        there is no log, as on a read-only disk, the file alone is the index."""
        if self._writable:
            return "mode=rwc"
        if os.access(self.path.parent, os.W_OK):
            return "mode=rw"
        return "mode=ro" if Path(f"{self.path}-wal").exists() else "mode=ro&immutable=1"

    def _keep(self, connection: sqlite3.Connection) -> None:
        """Remember a connection of this thread, and close those that are of no use any more: of threads that have ended (a
        server starts many), and this thread's own one to a file that was replaced."""
        current = threading.current_thread()
        with self._lock:
            useless = [item for item in self._opened if not item[0].is_alive() or item[0] is current]
            self._opened = [item for item in self._opened if item not in useless]
            self._opened.append((current, connection))
        for _, old in useless:
            old.close()

    def _create(self) -> None:
        connection = self._connection()
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'manifest'").fetchone():
            connection.execute("PRAGMA journal_mode = WAL")
            return
        connection.execute(f"PRAGMA page_size = {_PAGE}")  # before anything is written
        connection.execute("PRAGMA journal_mode = WAL")
        with self.transaction():
            for statement in [*SCHEMA.split(";\n"), KEYWORDS]:
                connection.execute(statement)
            values = {"format": str(FORMAT), "born": secrets.token_hex(8)}
            connection.executemany("INSERT INTO manifest VALUES (?, ?)", values.items())
        self._local.file = self._file()

    def close(self) -> None:
        """Close every thread's connection; the last one to close folds the log into the database."""
        with self._lock:
            self._closed = True
            opened, self._opened = self._opened, []
        for _, connection in opened:
            connection.close()
        self._local = threading.local()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: everything read inside belongs to one generation."""
        connection = self._connection()
        with index_errors(self.path):
            if connection.in_transaction:  # already inside one
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end of the block, undone when it raises. Raises DiskFull, IndexBusy."""
        connection = self._connection()
        with index_errors(self.path):
            connection.execute("BEGIN IMMEDIATE")
            self._change.clear()
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    # --- reading ----------------------------------------------------------------------------------------------------------

    def manifest(self) -> Manifest | None:
        """What the index says of itself; None before the first publication."""
        with self.snapshot() as db:
            values = dict(db.execute("SELECT key, value FROM manifest"))
        if "generation" not in values:
            return None
        try:
            return Manifest(
                embedder=values["embedder"],
                fingerprint=values["fingerprint"],
                dimension=int(values["dimension"]),
                chunker=json.loads(values["chunker"]),
                generation=int(values["generation"]),
                next_passage=int(values["next_passage"]),
                documents=int(values["documents"]),
                passages=int(values["passages"]),
                sentences=int(values["sentences"]),
                published=values["published"],
                languages=json.loads(values["languages"]),
                base=Base(*(int(values[name] if name not in LATER_KEYS else values.get(name, 0)) for name in BASE_KEYS)),
                born=values["born"],
                unpurged=int(values["unpurged"]),
                format=int(values["format"]),
                analysis=values["analysis"],
            )
        except (KeyError, ValueError, TypeError) as error:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"manifest: {error}") from error

    def existing_manifest(self) -> Manifest:
        """What the index says of itself. Raises IndexMissing before the first publication."""
        manifest = self.manifest()
        if manifest is None:
            raise IndexMissing("error.index_missing", path=self.path.parent)
        return manifest

    def published(self) -> tuple[str, int]:
        """By what a published generation is told from every other: the database's name, and a number (0 before the first)."""
        with self.snapshot() as db:
            values = dict(db.execute("SELECT key, value FROM manifest WHERE key IN ('born', 'generation')"))
        return str(values.get("born", "")), int(values.get("generation", 0))

    def generation(self) -> int:
        """The number of the published generation; 0 before the first."""
        with self.snapshot() as db:
            found = db.execute("SELECT value FROM manifest WHERE key = 'generation'").fetchone()
        return int(found[0]) if found else 0

    def document(self, id: str) -> Document | None:
        """One document with its whole text."""
        with self.snapshot() as db:
            row = db.execute(f"{DOCUMENT_QUERY} WHERE id = ?", (id,)).fetchone()
            return None if row is None else read_document_row(row)

    def page_layouts(self, id: str) -> tuple[PageLayout, ...]:
        """Return where the words of a document's pages stand; empty where its format has no pages. Raises IndexCorrupt."""
        with self.snapshot() as db:
            row = db.execute("SELECT pages FROM documents WHERE id = ?", (id,)).fetchone()
        try:
            return unpack_layouts(row[0]) if row and row[0] else ()
        except (ValueError, TypeError, zlib.error) as error:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"page layouts of {id}: {error}") from error

    def documents(self) -> list[DocumentInfo]:
        """All documents in order of id, without their text."""
        with self.snapshot() as db:
            return [read_info_row(row) for row in db.execute(f"{INFO_QUERY} ORDER BY id")]

    def infos(self, ids: Sequence[str]) -> dict[str, DocumentInfo]:
        """The documents under the given ids, without their text; ids that do not exist are left out."""
        wanted = json.dumps(list(ids), ensure_ascii=False)
        with self.snapshot() as db:
            rows = db.execute(f"{INFO_QUERY} WHERE id IN (SELECT value FROM json_each(?))", (wanted,))
            return {row[0]: read_info_row(row) for row in rows}

    def known(self) -> dict[str, Known]:
        """By what each document's file is recognised as unchanged."""
        with self.snapshot() as db:
            query = "SELECT id, sha256, size, modified, origin, instr(metadata, ?) > 0 FROM documents"
            rows = db.execute(query, (f'"{UNREAD}"',)).fetchall()
        return {id: Known(sha256, size, modified, origin, bool(unread)) for id, sha256, size, modified, origin, unread in rows}

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """The passages under the given ids, each with its sentences; ids that do not exist are left out."""
        found: dict[int, Passage] = {}
        with self.snapshot() as db:
            for chunk in chunks(ids):
                for row in db.execute(f"{PASSAGE_QUERY} WHERE p.id IN ({','.join('?' * len(chunk))})", chunk):
                    found[row[0]] = read_passage_row(row)
        return found

    def passages_of(self, document_id: str) -> list[Passage]:
        """The passages of a document in order."""
        with self.snapshot() as db:
            return [
                read_passage_row(row)
                for row in db.execute(f"{PASSAGE_QUERY} WHERE p.document_id = ? ORDER BY p.start, p.id", (document_id,))
            ]

    def existing_passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """The passages under ids that the index itself gave. Raises IndexCorrupt when one of them does not exist."""
        found = self.passages(ids)
        if missing := [id for id in ids if id not in found]:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"no passage {missing[0]}")
        return found

    def passage_ids(self, where: Filter | None = None) -> Ids:
        """The ids of all passages, or of those that meet a filter, ascending. Raises BadSetting for a date that is none."""
        query = "SELECT id FROM passages"
        values: list[Any] = []
        if where:
            conditions, values = conditions_of(where)
            query += f" WHERE {' AND '.join(conditions)}"
        with self.snapshot() as db:
            rows = db.execute(query, values).fetchall()
        return np.sort(np.array([id for (id,) in rows], dtype=np.int64))

    def languages(self) -> dict[str, int]:
        """How many passages there are in each language."""
        manifest = self.manifest()
        return dict(manifest.languages) if manifest else {}

    def passage_vectors(self, after: int = 0) -> tuple[Ids, Vectors]:
        """The ids greater than `after` of all passages, and their vectors, shapes (n,) and (n, dimension), in order of id."""
        with self.snapshot() as db:
            rows = db.execute("SELECT passage_id, passage FROM vectors WHERE passage_id > ? ORDER BY passage_id", (after,)).fetchall()
        ids = np.array([id for id, _ in rows], dtype=np.int64)
        if not rows:
            return ids, np.empty((0, 0), dtype=np.float32)
        return ids, self._array((blob for _, blob in rows), "<f4", len(rows)).astype(np.float32)

    def count_vectors(self) -> int:
        """How many passages have a vector: all, in a whole index."""
        with self.snapshot() as db:
            return int(db.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def vector_blocks(self, rows: int = 16_384) -> Iterator[tuple[Ids, Vectors]]:
        """What `passage_vectors` gives, so many rows at a time."""
        with self.snapshot() as db:
            cursor = db.execute("SELECT passage_id, passage FROM vectors ORDER BY passage_id")
            while found := cursor.fetchmany(rows):
                vectors = self._array((blob for _, blob in found), "<f4", len(found))
                yield np.array([id for id, _ in found], dtype=np.int64), vectors.astype(np.float32, copy=False)

    def vectors_of(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """The vector of each passage under the given ids, shape (dimension,)."""
        found: dict[int, Vectors] = {}
        with self.snapshot() as db:
            for chunk in chunks(ids):
                query = f"SELECT passage_id, passage FROM vectors WHERE passage_id IN ({','.join('?' * len(chunk))})"
                for id, blob in db.execute(query, chunk):
                    found[id] = self._array([blob], "<f4", 1).reshape(-1)
        return found

    def count_after(self, id: int) -> int:
        """How many passages there are with greater ids."""
        with self.snapshot() as db:
            return int(db.execute("SELECT count(*) FROM passages WHERE id > ?", (id,)).fetchone()[0])

    def ids_in(self, language: str, after: int = 0, last: int | None = None) -> Ids:
        """The ids of the passages in one language, greater than `after` and at most `last`, ascending."""
        query = "SELECT id FROM passages WHERE language = ? AND id > ? AND id <= ? ORDER BY id"
        with self.snapshot() as db:
            rows = db.execute(query, (language, after, 2**62 if last is None else last)).fetchall()
        return np.array([id for (id,) in rows], dtype=np.int64)

    def removed(self) -> Ids:
        """The ids that are in the file of vectors and no longer in the index, ascending."""
        with self.snapshot() as db:
            return np.array([id for (id,) in db.execute("SELECT passage_id FROM removed ORDER BY passage_id")], dtype=np.int64)

    def unerased(self) -> Ids:
        """Those of them whose vectors have not been overwritten in the file yet."""
        with self.snapshot() as db:
            return np.array([id for (id,) in db.execute("SELECT passage_id FROM removed WHERE NOT erased ORDER BY 1")], dtype=np.int64)

    def sentence_vectors(self, passage_ids: Sequence[int]) -> dict[int, Vectors]:
        """For each passage its sentences' vectors, shape (sentences, dimension), in order; of length 1 within half a per cent."""
        found: dict[int, Vectors] = {}
        with self.snapshot() as db:
            for chunk in chunks(passage_ids):
                marks = ",".join("?" * len(chunk))
                query = f"SELECT passage_id, length(passage) / 4, sentences FROM vectors WHERE passage_id IN ({marks})"
                for passage_id, dimension, blob in db.execute(query, chunk):
                    try:
                        found[passage_id] = unpacked(blob, dimension)
                    except (TypeError, ValueError) as error:
                        raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"vectors: {error}") from error
        return found

    def tokens(self, passage_ids: Sequence[int]) -> dict[int, bytes]:
        """For each passage its tokens as `rag.models.tokens.pack_tokens` made them; empty where the embedder tells none."""
        found: dict[int, bytes] = {}
        with self.snapshot() as db:
            for chunk in chunks(passage_ids):
                query = f"SELECT passage_id, tokens FROM vectors WHERE passage_id IN ({','.join('?' * len(chunk))})"
                found.update(db.execute(query, chunk).fetchall())
        return found

    def sentence_scores(self, passage_ids: Sequence[int], vector: Vectors) -> dict[int, Vectors]:
        """For each passage the inner products of its sentences' vectors with a vector, shape (sentences,), in order."""
        kind = packed_type(len(vector))
        lengths: dict[int, int] = {}
        blobs: list[bytes] = []
        with self.snapshot() as db:
            for chunk in chunks(passage_ids):
                marks = ",".join("?" * len(chunk))
                for passage_id, blob in db.execute(f"SELECT passage_id, sentences FROM vectors WHERE passage_id IN ({marks})", chunk):
                    lengths[passage_id] = len(blob) // kind.itemsize
                    blobs.append(blob)
        try:
            rows = np.frombuffer(b"".join(blobs), dtype=kind)
        except (TypeError, ValueError) as error:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"vectors: {error}") from error
        if sum(lengths.values()) != len(rows):
            raise IndexCorrupt("error.index_damaged", path=self.path, reason="vectors: of another size")
        scores = products(rows["codes"].astype(np.float32), vector) * rows["scale"]
        found: dict[int, Vectors] = {}
        at = 0
        for passage_id, length in lengths.items():
            found[passage_id] = scores[at : at + length]
            at += length
        return found

    def _array(self, blobs: Iterable[bytes], kind: str, rows: int) -> npt.NDArray[Any]:
        try:
            return np.frombuffer(b"".join(blobs), dtype=kind).reshape(rows, -1)
        except (TypeError, ValueError) as error:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"vectors: {error}") from error

    def search_keywords(self, query: str, among: Ids | None = None) -> tuple[Ids, npt.NDArray[np.float64]]:
        """The passages for an FTS5 query and their BM25 scores (higher is better), best first; only `among` those, if given,
        which should be few: each is looked up."""
        if not query:
            return np.empty(0, dtype=np.int64), np.empty(0)
        within, values = "", [query]
        if among is not None:
            within, values = "AND rowid IN (SELECT value FROM json_each(?))", [query, json.dumps(among.tolist())]
        # The columns are the language, the words as they are written, and their stems. Sorting here is cheaper than in SQLite.
        statement = f"SELECT rowid, bm25(keywords, 0.0, 1.0, 1.0) FROM keywords WHERE keywords MATCH ? {within}"
        with self.snapshot() as db:
            rows = db.execute(statement, values).fetchall()
        if not rows:
            return np.empty(0, dtype=np.int64), np.empty(0)
        ids, scores = np.array([id for id, _ in rows], dtype=np.int64), np.array([score for _, score in rows])
        order = np.lexsort((ids, scores))
        return ids[order], -scores[order]

    def passages_with(self, term: str) -> int:
        """In how many passages a term of the keyword index occurs, by stem or as it is written."""
        with self.snapshot() as db:
            if not getattr(self._local, "vocabulary", False):
                (before,) = db.execute("PRAGMA query_only").fetchone()
                db.execute("PRAGMA query_only = OFF")  # what is made is temporary
                db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, keywords, row)")
                db.execute(f"PRAGMA query_only = {before}")
                self._local.vocabulary = True
            found = db.execute("SELECT doc FROM temp.vocabulary WHERE term = ?", (term,)).fetchone()
        return int(found[0]) if found else 0

    # --- writing (inside a transaction) -----------------------------------------------------------------------------------

    def put(
        self,
        document: Document,
        passages: Sequence[Passage],
        vectors: Sequence[PassageVectors],
        *,
        origin: str = ADDED,
        size: int = 0,
        modified: int = 0,
    ) -> None:
        """Add one document with its passages and their vectors. A document under the same id must have been deleted before.
        `size` and `modified` are those of its file, by which it is recognised as unchanged."""
        db = self._connection()
        first_day, last_day = days(document.metadata.get("date", "")) or (None, None)
        values = {
            "id": document.id,
            "title": document.title,
            "language": document.language,
            "sha256": document.sha256,
            "origin": origin,
            "size": size,
            "modified": modified,
            "characters": len(document.text),
            "passages": len(passages),
            "collection": collection(document.id, document.metadata),
            "first_day": first_day,
            "last_day": last_day,
            "crc": document_crc(document),
            "marks": marks_json(document),
            "metadata": metadata_json(document),
            "blocks": pack_blocks(document),
            "text": document.text,
            "pages": pack_layouts(document.pages) if document.pages else b"",
        }
        names = ", ".join(values)
        db.execute(
            f"INSERT INTO documents ({names}, added) VALUES ({','.join('?' * len(values))}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
            tuple(values.values()),
        )
        db.executemany("INSERT INTO facts VALUES (?, ?, ?)", [(*pair, document.id) for pair in facts(document.metadata)])
        for passage, of in zip(passages, vectors, strict=True):
            span, spans, path = passage.span, pack_sentences(passage), json.dumps(passage.path, ensure_ascii=False)
            stored = float32_bytes(of.passage), packed(of.sentences), of.tokens
            context = passage.context
            place = passage.id, document.id, span.start, span.end, passage.language, passage.locator, path, passage.lead, context
            row = (*place, spans, passage.text)
            check = passage_crc(row, *stored)
            db.execute(f"INSERT INTO passages VALUES ({', '.join('?' * 12)})", (*row[:-1], check, row[-1]))
            db.execute("INSERT INTO vectors VALUES (?, ?, ?, ?)", (passage.id, *stored))
            self._put_keywords(db, passage.id, passage.language, context, passage.text)
            self._count(passage.language, len(passage.sentences), 1)
        self._change["documents"] += 1

    @staticmethod
    def _put_keywords(db: sqlite3.Connection, id: int, language: str, context: str, text: str) -> None:
        values = (id, language, *passage_keywords(context, text))
        db.execute("INSERT INTO keywords (rowid, language, surface, stem) VALUES (?, ?, ?, ?)", values)

    def _count(self, language: str, sentences: int, sign: int) -> None:
        self._change["passages"] += sign
        self._change["sentences"] += sign * sentences
        self._change[f"language {language}"] += sign

    def delete(self, document_id: str) -> list[int]:
        """Remove a document with everything derived from it; the ids of its passages."""
        db = self._connection()
        query = f"SELECT id, language, context, text, {_LENGTH} FROM passages WHERE document_id = ?"
        rows = db.execute(query, (document_id,)).fetchall()
        for id, language, context, text, sentences in rows:
            # A contentless keyword row is deleted by naming the tokens it was made of.
            db.execute(
                "INSERT INTO keywords (keywords, rowid, language, surface, stem) VALUES ('delete', ?, ?, ?, ?)",
                (id, language, *passage_keywords(as_text(context), as_text(text))),
            )
            db.execute("DELETE FROM vectors WHERE passage_id = ?", (id,))
            self._count(language, sentences, -1)
        db.execute("DELETE FROM passages WHERE document_id = ?", (document_id,))
        db.execute("DELETE FROM facts WHERE document_id = ?", (document_id,))
        self._change["documents"] -= db.execute("DELETE FROM documents WHERE id = ?", (document_id,)).rowcount
        self._change["unpurged"] += len(rows)
        return [id for id, *_ in rows]

    def bury(self, passage_ids: Iterable[int]) -> None:
        """Note that passages whose vectors are in the file were removed."""
        self._connection().executemany("INSERT INTO removed VALUES (?, 0)", [(id,) for id in passage_ids])

    def erased(self, passage_ids: Ids) -> None:
        """Note that the vectors of removed passages have been overwritten in the file."""
        self._connection().executemany("UPDATE removed SET erased = 1 WHERE passage_id = ?", [(id,) for id in passage_ids.tolist()])

    def unbury(self) -> None:
        """Forget what was removed: the file of vectors has been written anew without it."""
        self._connection().execute("DELETE FROM removed")

    def purge_keywords(self) -> None:
        """Write the keyword index anew without what was removed: FTS5 only notes a removal beside the words it removes."""
        db = self._connection()
        db.execute("INSERT INTO keywords (keywords) VALUES ('optimize')")
        db.execute("UPDATE manifest SET value = '0' WHERE key = 'unpurged'")
        seal(db)

    def rebuild_keywords(self) -> None:
        """Make the keyword rows of every passage anew from its text."""
        db = self._connection()
        # A damaged one can't be emptied; its tables are dropped whole.
        db.execute("DROP TABLE IF EXISTS keywords")
        db.execute(KEYWORDS)
        for id, language, context, text in db.execute("SELECT id, language, context, text FROM passages ORDER BY id"):
            self._put_keywords(db, id, language, as_text(context), as_text(text))
        db.execute("UPDATE manifest SET value = '0' WHERE key = 'unpurged'")
        seal(db)

    def counts(self) -> dict[str, Any]:
        """What the manifest counts, counted: documents, passages, sentences, and languages as a mapping."""
        with self.snapshot() as db:
            return {
                "documents": db.execute("SELECT count(*) FROM documents").fetchone()[0],
                "passages": db.execute("SELECT count(*) FROM passages").fetchone()[0],
                "sentences": db.execute(f"SELECT coalesce(sum({_LENGTH}), 0) FROM passages").fetchone()[0],
                "languages": dict(db.execute("SELECT language, count(*) FROM passages GROUP BY language ORDER BY language")),
            }

    def recount(self, dimension: int) -> None:
        """Set right what the manifest counts, and the dimension of the vectors."""
        held = {**self.counts(), "dimension": dimension, "next_passage": self.next_passage_id()}
        held["languages"] = json.dumps(held["languages"])
        db = self._connection()
        db.executemany("UPDATE manifest SET value = ? WHERE key = ?", [(str(value), key) for key, value in held.items()])
        seal(db)

    @contextmanager
    def lenient(self) -> Iterator[None]:
        """Text that is no UTF-8 any more is read all the same, by this thread, for a check to find it wrong."""
        connection = self._connection()
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            yield
        finally:
            connection.text_factory = str

    def seen(self, files: Mapping[str, tuple[int, int]]) -> None:
        """Note size and time of files of the folder whose content was found unchanged. No new generation."""
        self._connection().executemany(
            "UPDATE documents SET size = ?, modified = ?, origin = ? WHERE id = ?", [(*of, FOLDER, id) for id, of in files.items()]
        )

    def clear(self) -> None:
        """Remove all documents and what is derived from them; ids go on from where they were."""
        db = self._connection()
        for table in ("removed", "vectors", "passages", "facts", "documents"):
            db.execute(f"DELETE FROM {table}")
        db.execute("INSERT INTO keywords (keywords) VALUES ('delete-all')")
        db.execute("UPDATE manifest SET value = '0' WHERE key IN ('documents', 'passages', 'sentences', 'unpurged')")
        db.execute("UPDATE manifest SET value = '{}' WHERE key = 'languages'")
        self._change.clear()

    def checkpoint(self) -> bool:
        """Fold the log into the database and empty it, so that what was removed is not in it either; whether that was possible:
        not while somebody reads an older generation."""
        db = self._connection()
        with index_errors(self.path):
            db.execute("PRAGMA busy_timeout = 1000")
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            db.execute("PRAGMA busy_timeout = 10000")
        return not busy

    def next_passage_id(self) -> int:
        """An id that no passage has ever had."""
        with self.snapshot() as db:
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
            said = db.execute("SELECT value FROM manifest WHERE key = 'next_passage'").fetchone()
        return max(int(row[0]) + 1 if row else 1, int(said[0]) if said else 1)

    def publish(
        self, embedder: str, fingerprint: str, dimension: int, chunker: Mapping[str, int], generation: int, base: Base | None = None
    ) -> None:
        """Write the manifest of a new generation; readers see it when the transaction is committed. `base` is the file of vectors
        where a new one was written; else the last one stays. Counts follow what this transaction put and deleted."""
        db = self._connection()
        old = dict(db.execute("SELECT key, value FROM manifest"))
        languages = Counter(json.loads(old.get("languages", "{}")))
        languages.update({key.removeprefix("language "): change for key, change in self._change.items() if key.startswith("language ")})
        values: dict[str, object] = {
            "format": FORMAT,
            "analysis": ANALYSIS,
            "embedder": embedder,
            "fingerprint": fingerprint,
            "dimension": dimension,
            "chunker": json.dumps(dict(chunker), sort_keys=True),
            "generation": generation,
            "next_passage": self.next_passage_id(),
            "languages": json.dumps({key: count for key, count in sorted(languages.items()) if count}),
        }
        values |= {key: int(old.get(key, 0)) + self._change[key] for key in ("documents", "passages", "sentences", "unpurged")}
        if base is not None or "base_generation" not in old:
            base = base or Base()
            values |= {key: getattr(base, name) for key, name in zip(BASE_KEYS, BASE_FIELDS, strict=True)}
        db.executemany("INSERT OR REPLACE INTO manifest VALUES (?, ?)", [(key, str(value)) for key, value in values.items()])
        db.execute("INSERT OR REPLACE INTO manifest VALUES ('published', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))")
        seal(db)
        self._change.clear()


def seal(db: sqlite3.Connection) -> None:
    values = dict(db.execute("SELECT key, value FROM manifest WHERE key != 'crc'"))
    db.execute("INSERT OR REPLACE INTO manifest VALUES ('crc', ?)", (manifest_crc(values),))


def chunks(items: Sequence[Any], size: int = 900) -> Iterator[list[Any]]:
    """Slices short enough for SQLite's limit on parameters."""
    for start in range(0, len(items), size):
        yield [item.item() if isinstance(item, np.generic) else item for item in items[start : start + size]]
