"""Documents, passages, sentences, their vectors and the keyword index, in one SQLite file.

A writer changes rows inside one transaction and publishes them with one commit; readers in other threads and processes see
the generation before it whole, or the one after it whole, and never wait (write-ahead log).
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rag.arrays import Ids
from rag.documents.filter_values import collection, days, facts
from rag.documents.serialization import pack_blocks, pack_layouts
from rag.schema import Document, Passage
from rag.storage.codec import PassageVectors, crc, float32_bytes, manifest_crc, marks_json, metadata_json, pack, pack_sentences
from rag.storage.database_readers import ManifestReader, PassageReader
from rag.storage.keywords import KEYWORDS, KeywordReader, passage_keywords
from rag.storage.manifest import ANALYSIS, BASE_FIELDS, BASE_KEYS, FORMAT, Base
from rag.storage.sql_schema import ADDED, CONTENT_COLUMNS, FOLDER, INFO_COLUMNS, PASSAGE_COLUMNS, SCHEMA, SENTENCE_COUNT, as_text
from rag.storage.sqlite_errors import sqlite_errors
from rag.storage.vector_rows import VectorReader

DATABASE = "corpus.sqlite"
_PAGE = 8192
"""Bytes of a database page. The vectors of one passage take several kilobytes."""


class Store(ManifestReader, PassageReader, VectorReader, KeywordReader):
    """The database of one index: what is read of it, and what is written, inside a transaction."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        """Raises IndexMissing, IndexMismatch, IndexCorrupt, DiskFull, DiskFailed."""
        super().__init__(path, writable=writable)
        self._change: Counter[str] = Counter()
        """What the transaction adds to the counts of the manifest."""
        try:
            with sqlite_errors(path):
                if writable:
                    self._create()
                    self.check_format(self.connection())
                self.connection()
        except BaseException:
            self.close()
            raise

    def _create(self) -> None:
        db = self.connection()
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'manifest'").fetchone():
            db.execute("PRAGMA journal_mode = WAL")
            return
        db.execute(f"PRAGMA page_size = {_PAGE}")  # before anything is written
        db.execute("PRAGMA journal_mode = WAL")
        with self.transaction():
            for statement in [*SCHEMA.split(";\n"), KEYWORDS]:
                db.execute(statement)
            values = {"format": str(FORMAT), "born": secrets.token_hex(8)}
            db.executemany("INSERT INTO manifest VALUES (?, ?)", values.items())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold a write transaction of this thread: committed at the end of the block, undone if it raises. Raises DiskFull, IndexBusy."""
        with super().transaction():
            self._change.clear()
            yield

    def checkpoint(self) -> bool:
        """Fold the log into the database and empty it, so that what was removed is not in it either; whether that was possible:
        not while somebody reads an older generation."""
        db = self.connection()
        with sqlite_errors(self.path):
            db.execute("PRAGMA busy_timeout = 1000")
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            db.execute("PRAGMA busy_timeout = 10000")
        return not busy

    # --- documents ------------------------------------------------------------------------------------------------------------

    def put(
        self,
        document: Document,
        passages: Sequence[Passage],
        vectors: Sequence[PassageVectors],
        *,
        origin: str = ADDED,
        size: int = 0,
        modified: int = 0,
        analysed: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        """Add one document with its passages and their vectors. A document under the same id must have been deleted before.

        `size` and `modified` are those of its file, by which it is recognised as unchanged. `analysed` is what
        `passage_keywords` makes of each passage, where it is known already.
        """
        self._put_document(document, len(passages), origin, size, modified)
        columns = len(PASSAGE_COLUMNS.split(","))
        rows, blobs = [], []
        for passage, of in zip(passages, vectors, strict=True):
            row = passage_values(passage)
            rows.append((*row, crc(*row)))
            stored = float32_bytes(of.passage), pack(of.sentences), of.tokens
            blobs.append((passage.id, *(crc(passage.id, blob) for blob in stored), *stored))
            self._count(passage.language, len(passage.sentences), 1)
        db = self.connection()
        db.executemany(f"INSERT INTO passages ({PASSAGE_COLUMNS}, crc) VALUES ({','.join('?' * (columns + 1))})", rows)
        db.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?, ?, ?, ?)", blobs)
        terms = analysed or [passage_keywords(passage.context, passage.text) for passage in passages]
        self._put_keywords((passage.id, passage.language, *of) for passage, of in zip(passages, terms, strict=True))

    def _put_document(self, document: Document, passages: int, origin: str, size: int, modified: int) -> None:
        added = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        content = document.id, marks_json(document), pack_blocks(document), document.text
        pages = pack_layouts(document.pages) if document.pages else b""
        values: dict[str, object] = dict(zip(INFO_COLUMNS.split(", "), info_values(document, passages, added), strict=True))
        values["crc"] = crc(*values.values())
        values |= {"origin": origin, "size": size, "modified": modified}
        values |= dict(zip(CONTENT_COLUMNS.split(", "), content, strict=True)) | {"content_crc": crc(*content)}
        values |= {"pages": pages, "pages_crc": crc(document.id, pages)}
        db = self.connection()
        db.execute(f"INSERT INTO documents ({', '.join(values)}) VALUES ({','.join('?' * len(values))})", tuple(values.values()))
        db.executemany("INSERT INTO facts VALUES (?, ?, ?)", [(*pair, document.id) for pair in facts(document.metadata)])
        self._change["documents"] += 1

    def _put_keywords(self, rows: Iterable[tuple[int, str, str, str]]) -> None:
        self.connection().executemany("INSERT INTO keywords (rowid, language, surface, stem) VALUES (?, ?, ?, ?)", rows)

    def _count(self, language: str, sentences: int, sign: int) -> None:
        self._change["passages"] += sign
        self._change["sentences"] += sign * sentences
        self._change[f"language {language}"] += sign

    def delete(self, document_id: str) -> list[int]:
        """Remove a document with everything derived from it, and return the ids of its passages."""
        db = self.connection()
        query = f"SELECT id, language, context, text, {SENTENCE_COUNT} FROM passages WHERE document_id = ?"
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

    def note_unchanged(self, files: Mapping[str, tuple[int, int]]) -> None:
        """Note size and time of files of the folder whose content was found unchanged. No new generation."""
        self.connection().executemany(
            "UPDATE documents SET size = ?, modified = ?, origin = ? WHERE id = ?", [(*of, FOLDER, id) for id, of in files.items()]
        )

    def clear(self) -> None:
        """Remove all documents and what is derived from them; ids go on from where they were."""
        db = self.connection()
        for table in ("removed", "vectors", "passages", "facts", "documents"):
            db.execute(f"DELETE FROM {table}")
        db.execute("INSERT INTO keywords (keywords) VALUES ('delete-all')")
        self._change.clear()
        self._write_manifest(dict.fromkeys(("documents", "passages", "sentences", "unpurged"), "0") | {"languages": "{}"})

    # --- the file of vectors --------------------------------------------------------------------------------------------------

    def note_removed(self, passage_ids: Iterable[int]) -> None:
        """Note that passages whose vectors are in the file were removed."""
        self.connection().executemany("INSERT INTO removed VALUES (?, 0)", [(id,) for id in passage_ids])

    def note_erased(self, passage_ids: Ids) -> None:
        """Note that the vectors of removed passages have been overwritten in the file."""
        self.connection().executemany("UPDATE removed SET erased = 1 WHERE passage_id = ?", [(id,) for id in passage_ids.tolist()])

    def forget_removed(self) -> None:
        """Forget the removed passages: the vector file has been rewritten without them."""
        self.connection().execute("DELETE FROM removed")

    # --- keywords -------------------------------------------------------------------------------------------------------------

    def purge_keywords(self) -> None:
        """Rewrite the keyword index without what was removed: FTS5 keeps the words of a removed row until then."""
        self.connection().execute("INSERT INTO keywords (keywords) VALUES ('optimize')")
        self._write_manifest({"unpurged": "0"})

    def rebuild_keywords(self) -> None:
        """Make the keyword rows of every passage again from its text."""
        db = self.connection()
        # A damaged one can't be emptied; its tables are dropped whole.
        db.execute("DROP TABLE IF EXISTS keywords")
        db.execute(KEYWORDS)
        rows = db.execute("SELECT id, language, context, text FROM passages ORDER BY id")
        self._put_keywords((id, language, *passage_keywords(as_text(context), as_text(text))) for id, language, context, text in rows)
        self._write_manifest({"unpurged": "0"})

    # --- the manifest ---------------------------------------------------------------------------------------------------------

    def recount(self, dimension: int) -> None:
        """Set right what the manifest counts, and the dimension of the vectors."""
        held = {**self.counts(), "dimension": dimension, "next_passage": self.next_passage_id()}
        held["languages"] = json.dumps(held["languages"])
        self._write_manifest({key: str(value) for key, value in held.items()})

    def publish(
        self, embedder: str, fingerprint: str, dimension: int, chunker: Mapping[str, int], generation: int, base: Base | None = None
    ) -> None:
        """Write the manifest of a new generation; readers see it when the transaction is committed. `base` is the file of vectors
        where a new one was written; else the last one stays. Counts follow what this transaction put and deleted."""
        old = self.manifest_values()
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
            "published": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        values |= {key: int(old.get(key, 0)) + self._change[key] for key in ("documents", "passages", "sentences", "unpurged")}
        if base is not None or "base_generation" not in old:
            base = base or Base()
            values |= {key: getattr(base, name) for key, name in zip(BASE_KEYS, BASE_FIELDS, strict=True)}
        self._write_manifest({key: str(value) for key, value in values.items()})
        self._change.clear()

    def _write_manifest(self, values: Mapping[str, str]) -> None:
        """Write some keys of the manifest, and its check value."""
        db = self.connection()
        db.executemany("INSERT OR REPLACE INTO manifest VALUES (?, ?)", values.items())
        found = self.manifest_values()
        found.pop("crc", None)
        db.execute("INSERT OR REPLACE INTO manifest VALUES ('crc', ?)", (manifest_crc(found),))


def info_values(document: Document, passages: int, added: str) -> tuple[object, ...]:
    """Return a document's INFO_COLUMNS."""
    first_day, last_day = days(document.metadata.get("date", "")) or (None, None)
    return (
        document.id,
        document.title,
        document.language,
        document.sha256,
        added,
        len(document.text),
        passages,
        collection(document.id, document.metadata),
        first_day,
        last_day,
        metadata_json(document),
    )


def passage_values(passage: Passage) -> tuple[object, ...]:
    """Return a passage's PASSAGE_COLUMNS."""
    return (
        passage.id,
        passage.document_id,
        passage.span.start,
        passage.span.end,
        passage.language,
        passage.locator,
        json.dumps(passage.path, ensure_ascii=False),
        passage.lead,
        passage.context,
        pack_sentences(passage),
        passage.text,
    )
