"""Documents, passages, sentences, their vectors and the keyword index, in one SQLite file.

A writer changes rows inside one transaction and publishes them with one commit; readers in other threads and processes see
the generation before it whole, or the one after it whole, and never wait (write-ahead log).
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.dense import Ids
from rag.embed import Vectors
from rag.errors import DiskFull, IndexBusy, IndexCorrupt, IndexMismatch, IndexMissing, InvalidRecord
from rag.schema import Document, Mark, Passage, Span
from rag.text import stem, stems, stop_stems, words

FORMAT = 1
ANALYSIS = "fold+snowball-2"
"""Names how keywords are analysed; another analysis needs another index."""

_SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, language TEXT NOT NULL, sha256 TEXT NOT NULL, text TEXT NOT NULL,
  marks TEXT NOT NULL, metadata TEXT NOT NULL, added TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
CREATE TABLE passages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL REFERENCES documents (id), start INTEGER NOT NULL,
  end INTEGER NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL, locator TEXT NOT NULL, vector BLOB NOT NULL
);
CREATE INDEX passages_by_document ON passages (document_id);
CREATE INDEX passages_by_language ON passages (language);
CREATE TABLE sentences (
  passage_id INTEGER NOT NULL REFERENCES passages (id), number INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
  vector BLOB NOT NULL, PRIMARY KEY (passage_id, number)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE keywords USING fts5 (
  language, surface, stem, content='', tokenize="unicode61 remove_diacritics 0"
);
"""
_PASSAGE = """SELECT p.id, p.document_id, p.start, p.end, p.text, d.title, p.language, p.locator
FROM passages p JOIN documents d ON d.id = p.document_id"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says of itself. `embedder`, `chunker` and `analysis` are what a reader must agree with."""

    embedder: str
    fingerprint: str
    dimension: int
    chunker: Mapping[str, int]
    generation: int
    next_passage: int
    documents: int
    passages: int
    sentences: int
    published: str
    format: int = FORMAT
    analysis: str = ANALYSIS


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


def keywords(text: str) -> tuple[str, str]:
    """The analysed tokens of a text as the keyword index holds them: surface forms, and stems; space-separated."""
    return " ".join(_token(word) for word in words(text)), " ".join(_token(form) for form in stems(text))


def _token(word: str) -> str:
    # FTS5 would split at an apostrophe.
    return word.replace("'", "")


def keyword_query(question: str, language: str | None = None) -> str:
    """The FTS5 query for a question: any of its content words, by surface or stem; "" when it has none.

    `language` restricts it to passages in that language.
    """
    meaning = [word for word in words(question) if stem(word) not in stop_stems()]
    wanted = dict.fromkeys(_token(form) for word in meaning for form in (stem(word), word))
    terms = [term for term in wanted if re.fullmatch(r"\w+", term)]
    if not terms:
        return ""
    anything = "{surface stem} : (" + " OR ".join(f'"{term}"' for term in terms) + ")"
    return f'language : "{language}" AND {anything}' if language else anything


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
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
        try:
            with _our_errors(path):
                if writable:
                    self._create()
                self._check_format()
        except BaseException:
            self.close()
            raise

    def _check_format(self) -> None:
        try:
            found = self._connection().execute("SELECT value FROM manifest WHERE key = 'format'").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            raise IndexMissing("error.index_missing", path=self.path.parent) from error
        if found and found[0] != str(FORMAT):
            raise IndexMismatch("error.index_format", path=self.path.parent, found=found[0], expected=FORMAT)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            uri = f"{self.path.absolute().as_uri()}?{self._mode()}"
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10.0, check_same_thread=False)
            self._keep(connection)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA synchronous = FULL" if self._writable else "PRAGMA query_only = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    def _mode(self) -> str:
        """How SQLite opens the file. A reader, too, writes the shared memory of the log; where nothing can be written and
        there is no log, as on a read-only disk, the file alone is the index."""
        if self._writable:
            return "mode=rwc"
        if os.access(self.path.parent, os.W_OK):
            return "mode=rw"
        return "mode=ro" if Path(f"{self.path}-wal").exists() else "mode=ro&immutable=1"

    def _keep(self, connection: sqlite3.Connection) -> None:
        """Remember a connection of this thread, and close those of threads that have ended: a server starts many."""
        with self._lock:
            ended = [(thread, old) for thread, old in self._opened if not thread.is_alive()]
            self._opened = [item for item in self._opened if item not in ended]
            self._opened.append((threading.current_thread(), connection))
        for _, old in ended:
            old.close()

    def _create(self) -> None:
        connection = self._connection()
        connection.execute("PRAGMA journal_mode = WAL")
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'manifest'").fetchone():
            return
        with self.transaction():
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute("INSERT INTO manifest VALUES ('format', ?)", (str(FORMAT),))

    def close(self) -> None:
        """Close every thread's connection; the last one to close folds the log into the database."""
        for _, connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: everything read inside belongs to one generation."""
        connection = self._connection()
        with _our_errors(self.path):
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
        with _our_errors(self.path):
            connection.execute("BEGIN IMMEDIATE")
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
                format=int(values["format"]),
                analysis=values["analysis"],
            )
        except (KeyError, ValueError) as error:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"manifest: {error}") from error

    def generation(self) -> int:
        """The number of the published generation; 0 before the first."""
        with self.snapshot() as db:
            found = db.execute("SELECT value FROM manifest WHERE key = 'generation'").fetchone()
        return int(found[0]) if found else 0

    def document(self, id: str) -> Document | None:
        """One document with its whole text."""
        with self.snapshot() as db:
            row = db.execute("SELECT id, text, title, language, sha256, marks, metadata FROM documents WHERE id = ?", (id,)).fetchone()
        if row is None:
            return None
        marks = tuple(Mark(offset, label) for offset, label in json.loads(row[5]))
        return Document(row[0], row[1], row[2], row[3], row[4], marks, json.loads(row[6]))

    def documents(self) -> list[DocumentInfo]:
        """All documents in order of id, without their text."""
        with self.snapshot() as db:
            rows = db.execute(
                """SELECT d.id, d.title, d.language, d.sha256, length(d.text),
                (SELECT count(*) FROM passages p WHERE p.document_id = d.id), d.added FROM documents d ORDER BY d.id"""
            ).fetchall()
        return [DocumentInfo(*row) for row in rows]

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """The passages under the given ids, each with its sentences; ids that do not exist are left out."""
        found: dict[int, Passage] = {}
        with self.snapshot() as db:
            for chunk in _chunks(ids):
                marks = ",".join("?" * len(chunk))
                spans: dict[int, list[Span]] = {}
                query = f"SELECT passage_id, start, end FROM sentences WHERE passage_id IN ({marks}) ORDER BY passage_id, number"
                for passage_id, start, end in db.execute(query, chunk):
                    spans.setdefault(passage_id, []).append(Span(start, end))
                for row in db.execute(f"{_PASSAGE} WHERE p.id IN ({marks})", chunk):
                    id, document_id, start, end, text, title, language, locator = row
                    span = Span(start, end)
                    found[id] = Passage(id, document_id, span, text, title, language, locator, tuple(spans.get(id, ())))
        return found

    def existing_passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """The passages under ids that the index itself gave. Raises IndexCorrupt when one of them does not exist."""
        found = self.passages(ids)
        if missing := [id for id in ids if id not in found]:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"no passage {missing[0]}")
        return found

    def passage_ids(self, document_ids: Iterable[str] | None = None, language: str | None = None) -> Ids:
        """The ids of all passages, or of those of some documents, or in one language, ascending."""
        with self.snapshot() as db:
            if document_ids is not None:
                rows: list[tuple[int]] = []
                for chunk in _chunks(list(document_ids)):
                    marks = ",".join("?" * len(chunk))
                    rows += db.execute(f"SELECT id FROM passages WHERE document_id IN ({marks})", chunk).fetchall()
            elif language is not None:
                rows = db.execute("SELECT id FROM passages WHERE language = ?", (language,)).fetchall()
            else:
                rows = db.execute("SELECT id FROM passages").fetchall()
        return np.sort(np.array([id for (id,) in rows], dtype=np.int64))

    def languages(self) -> dict[str, int]:
        """How many passages there are in each language."""
        with self.snapshot() as db:
            return dict(db.execute("SELECT language, count(*) FROM passages GROUP BY language"))

    def passage_vectors(self) -> tuple[Ids, Vectors]:
        """All passage ids and their vectors, shapes (n,) and (n, dimension), in order of id."""
        with self.snapshot() as db:
            rows = db.execute("SELECT id, vector FROM passages ORDER BY id").fetchall()
        ids = np.array([id for id, _ in rows], dtype=np.int64)
        if not rows:
            return ids, np.empty((0, 0), dtype=np.float32)
        return ids, self._array((blob for _, blob in rows), "<f4", len(rows)).astype(np.float32)

    def sentence_vectors(self, passage_ids: Sequence[int]) -> dict[int, npt.NDArray[np.float16]]:
        """For each passage its sentences' unit vectors, shape (sentences, dimension), float16, in order."""
        blobs: dict[int, list[bytes]] = {}
        with self.snapshot() as db:
            for chunk in _chunks(passage_ids):
                marks = ",".join("?" * len(chunk))
                query = f"SELECT passage_id, vector FROM sentences WHERE passage_id IN ({marks}) ORDER BY passage_id, number"
                for passage_id, blob in db.execute(query, chunk):
                    blobs.setdefault(passage_id, []).append(blob)
        return {id: self._array(rows, "<f2", len(rows)) for id, rows in blobs.items()}

    def _array(self, blobs: Iterable[bytes], kind: str, rows: int) -> npt.NDArray[Any]:
        try:
            return np.frombuffer(b"".join(blobs), dtype=kind).reshape(rows, -1)
        except ValueError as error:
            raise IndexCorrupt("error.index_damaged", path=self.path, reason=f"vectors: {error}") from error

    def search_keywords(self, query: str, k: int) -> list[tuple[int, float]]:
        """The best `k` passages for an FTS5 query as (id, BM25 score, higher is better), best first."""
        if not query or k <= 0:
            return []
        with self.snapshot() as db:
            rows = db.execute(
                "SELECT rowid, bm25(keywords, 0.0, 1.0, 1.0) AS s FROM keywords WHERE keywords MATCH ? ORDER BY s, rowid LIMIT ?",
                (query, k),
            ).fetchall()
        return [(id, -score) for id, score in rows]

    # --- writing (inside a transaction) -----------------------------------------------------------------------------------

    def put(
        self,
        document: Document,
        passages: Sequence[Passage],
        vectors: Vectors,
        sentence_vectors: Sequence[npt.NDArray[Any]],
    ) -> None:
        """Add one document with its passages and their vectors, shape (len(passages), dimension); `sentence_vectors` holds,
        per passage, an array of shape (sentences, dimension). A document under the same id must have been deleted before."""
        db = self._connection()
        db.execute(
            "INSERT INTO documents (id, title, language, sha256, text, marks, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                document.id,
                document.title,
                document.language,
                document.sha256,
                document.text,
                json.dumps([[mark.offset, mark.label] for mark in document.marks], ensure_ascii=False),
                json.dumps(dict(document.metadata), ensure_ascii=False),
            ),
        )
        for passage, vector, per_sentence in zip(passages, vectors, sentence_vectors, strict=True):
            span = passage.span
            db.execute(
                "INSERT INTO passages (id, document_id, start, end, text, language, locator, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (passage.id, document.id, span.start, span.end, passage.text, passage.language, passage.locator, _f4(vector)),
            )
            db.executemany(
                "INSERT INTO sentences VALUES (?, ?, ?, ?, ?)",
                [
                    (passage.id, number, sentence.start, sentence.end, _f2(row))
                    for number, (sentence, row) in enumerate(zip(passage.sentences, per_sentence, strict=True))
                ],
            )
            db.execute(
                "INSERT INTO keywords (rowid, language, surface, stem) VALUES (?, ?, ?, ?)",
                (passage.id, passage.language, *keywords(passage.text)),
            )

    def delete(self, document_id: str) -> list[int]:
        """Remove a document with everything derived from it; the ids of its passages."""
        db = self._connection()
        rows = db.execute("SELECT id, language, text FROM passages WHERE document_id = ?", (document_id,)).fetchall()
        for id, language, text in rows:
            # A contentless keyword row is deleted by naming the tokens it was made of.
            db.execute(
                "INSERT INTO keywords (keywords, rowid, language, surface, stem) VALUES ('delete', ?, ?, ?, ?)",
                (id, language, *keywords(text)),
            )
            db.execute("DELETE FROM sentences WHERE passage_id = ?", (id,))
        db.execute("DELETE FROM passages WHERE document_id = ?", (document_id,))
        db.execute("DELETE FROM documents WHERE id = ?", (document_id,))
        return [id for id, _, _ in rows]

    def clear(self) -> None:
        """Remove all documents and what is derived from them; ids go on from where they were."""
        db = self._connection()
        for table in ("sentences", "passages", "documents"):
            db.execute(f"DELETE FROM {table}")
        db.execute("INSERT INTO keywords (keywords) VALUES ('delete-all')")

    def next_passage_id(self) -> int:
        """An id that no passage has ever had."""
        with self.snapshot() as db:
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
        return int(row[0]) + 1 if row else 1

    def publish(self, embedder: str, fingerprint: str, dimension: int, chunker: Mapping[str, int], generation: int) -> None:
        """Write the manifest of a new generation; readers see it when the transaction is committed."""
        db = self._connection()

        def count(table: str) -> int:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

        values = {
            "format": FORMAT,
            "analysis": ANALYSIS,
            "embedder": embedder,
            "fingerprint": fingerprint,
            "dimension": dimension,
            "chunker": json.dumps(dict(chunker), sort_keys=True),
            "generation": generation,
            "next_passage": self.next_passage_id(),
            "documents": count("documents"),
            "passages": count("passages"),
            "sentences": count("sentences"),
        }
        db.executemany("INSERT OR REPLACE INTO manifest VALUES (?, ?)", [(key, str(value)) for key, value in values.items()])
        db.execute("INSERT OR REPLACE INTO manifest VALUES ('published', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))")

    def check(self) -> list[str]:
        """What is wrong with the rows, in words; empty when nothing is. Reads everything."""
        faults: list[str] = []
        with self.snapshot() as db:
            faults += [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
            faults += [f"{row[0]}: a row refers to what is not there" for row in db.execute("PRAGMA foreign_key_check")]
            cut = """SELECT p.id FROM passages p JOIN documents d ON d.id = p.document_id
            WHERE p.text != substr(d.text, p.start + 1, p.end - p.start)"""
            faults += [f"passage {id}: its text is not what stands in the document" for (id,) in db.execute(cut)]
            outside = """SELECT DISTINCT s.passage_id FROM sentences s LEFT JOIN passages p ON p.id = s.passage_id
            WHERE p.id IS NULL OR s.start < p.start OR s.end > p.end"""
            faults += [f"passage {id}: a sentence lies outside it" for (id,) in db.execute(outside)]
            faults += self._keyword_faults(db)
            faults += self._size_faults(db) or self._sentence_faults(db)
        return faults

    def _size_faults(self, db: sqlite3.Connection) -> list[str]:
        """Vectors that are not of the manifest's dimension: 4 bytes a number for passages, 2 for sentences."""
        row = db.execute("SELECT value FROM manifest WHERE key = 'dimension'").fetchone()
        if row is None:
            return []
        passages = db.execute("SELECT id FROM passages WHERE length(vector) != ? * 4", row)
        sentences = db.execute("SELECT DISTINCT passage_id FROM sentences WHERE length(vector) != ? * 2", row)
        return [f"passage {id}: its vector has the wrong size" for (id,) in passages] + [
            f"passage {id}: a sentence's vector has the wrong size" for (id,) in sentences
        ]

    def _sentence_faults(self, db: sqlite3.Connection) -> list[str]:
        ids = [id for (id,) in db.execute("SELECT id FROM passages ORDER BY id")]
        faults = []
        for chunk in _chunks(ids):
            for id, rows in self.sentence_vectors(chunk).items():
                lengths = np.linalg.norm(rows.astype(np.float32), axis=1)
                if not np.all(np.abs(lengths - 1) < 1e-2):  # half precision; not a number fails as well
                    faults.append(f"passage {id}: a sentence's vector is not of length 1")
        return faults

    def _keyword_faults(self, db: sqlite3.Connection) -> list[str]:
        expected = {id for (id,) in db.execute("SELECT id FROM passages")}
        # The keyword index keeps no text; the sizes of its rows say which passages it knows.
        indexed = {id for (id,) in db.execute("SELECT id FROM keywords_docsize")}
        return [f"passage {id}: no keywords" for id in sorted(expected - indexed)] + [
            f"passage {id}: keywords of a removed passage" for id in sorted(indexed - expected)
        ]


def _chunks(items: Sequence[Any], size: int = 900) -> Iterator[list[Any]]:
    """Slices short enough for SQLite's limit on parameters."""
    for start in range(0, len(items), size):
        yield [item.item() if isinstance(item, np.generic) else item for item in items[start : start + size]]


def _f4(vector: npt.NDArray[Any]) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()


def _f2(vector: npt.NDArray[Any]) -> bytes:
    return np.asarray(vector, dtype="<f2").tobytes()
