"""Find faults in an index: in every row, every vector, every keyword, and every trace of what was removed."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rag.documents.filter_values import facts
from rag.errors import DiskFull, IndexBusy, IndexCorrupt
from rag.files import writing
from rag.messages import say
from rag.schema import Document
from rag.storage.clusters import ClusteredIndex
from rag.storage.codec import crc, manifest_crc, unpack
from rag.storage.database import Store, info_values
from rag.storage.erasure import is_erased, left_vectors
from rag.storage.generations import open_base, open_clusters, open_flat
from rag.storage.keywords import KEYWORDS, passage_keywords
from rag.storage.manifest import Manifest
from rag.storage.sql_schema import CONTENT_COLUMNS, INFO_COLUMNS, PASSAGE_COLUMNS, UNREADABLE, as_text, read_document_row

_ROUNDING = 2e-2
"""What the length of a vector may differ from 1 by: sentences' vectors are rounded to a byte a number."""
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `key` names an entry of `strings.toml`, `fields` fill it in; `str()` is English.

    `document` is the one whose rows have to be rebuilt, "" if it concerns none; `lost` means that its own text is damaged.
    """

    key: str
    fields: dict[str, object] = field(default_factory=dict)
    document: str = ""
    lost: bool = False

    def text(self, language: str = "en") -> str:
        """Return the fault in the language of the reader."""
        return say(self.key, language, **self.fields)

    def __str__(self) -> str:
        return self.text()


def faults(folder: Path, store: Store) -> list[Fault]:
    """Everything that is wrong; empty when nothing is. Raises IndexMissing, and IndexCorrupt when it can't even be read."""
    with store.unchecked(), store.snapshot():
        db, manifest = store.connection(), store.existing_manifest()
        found = [Fault("damage.database", {"reason": reason}) for reason in store.structural_faults()]
        if found:
            return found  # nothing read from it would mean anything
        found += [Fault("damage.reference", {"table": row[0]}) for row in db.execute("PRAGMA foreign_key_check")]
        found += _count_faults(store, db, manifest)
        found += [fault for id in store.document_ids() for fault in _document_faults(db, id, manifest)]
        found += _keyword_faults(db)
        found += _vector_faults(folder, store, manifest)
    with store.unchecked():
        return found + _leftovers(folder, store)


# --- rows -----------------------------------------------------------------------------------------------------------------


def _count_faults(store: Store, db: sqlite3.Connection, manifest: Manifest) -> list[Fault]:
    """What the manifest says that is not so."""
    held = store.counts()
    said = {name: getattr(manifest, name) for name in held}
    found = [Fault("damage.count", {"name": name, "said": said[name], "held": held[name]}) for name in held if said[name] != held[name]]
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
    following = row[0] + 1 if row else 1
    if following != manifest.next_passage:
        found.append(Fault("damage.count", {"name": "next_passage", "said": manifest.next_passage, "held": following}))
    values = store.manifest_values()
    if values.pop("crc", "") != manifest_crc(values):
        found.append(Fault("damage.manifest"))
    return found


def _document_faults(db: sqlite3.Connection, id: str, manifest: Manifest) -> Iterator[Fault]:
    count = db.execute("SELECT count(*) FROM passages WHERE document_id = ?", (id,)).fetchone()[0]
    try:
        *info, check = db.execute(f"SELECT {INFO_COLUMNS}, crc FROM documents WHERE id = ?", (id,)).fetchone()
        *content, content_check = db.execute(f"SELECT {CONTENT_COLUMNS}, content_crc FROM documents WHERE id = ?", (id,)).fetchone()
        document = read_document_row(info, content)
        derived = info_values(document, count, info[4])
        pages, pages_check = db.execute("SELECT pages, pages_crc FROM documents WHERE id = ?", (id,)).fetchone()
    except UNREADABLE:
        document = None
    # What follows from the rest of the row may be damaged without the document being lost.
    whole = document is not None and crc(*content) == content_check and crc(id, pages) == pages_check
    if document is None or not whole or check not in (crc(*info), crc(*derived)):
        yield Fault("damage.document", {"name": id}, id, lost=True)
        return
    if not unicodedata.is_normalized("NFC", document.text):
        yield Fault("damage.not_nfc", {"name": id}, id, lost=True)
    known = set(db.execute("SELECT key, value FROM facts WHERE document_id = ?", (id,)))
    if derived != tuple(info) or crc(*info) != check or known != set(facts(document.metadata)):
        yield Fault("damage.derived", {"name": id}, id)
    columns = ", ".join(f"p.{name}" for name in PASSAGE_COLUMNS.split(", "))
    query = f"""SELECT {columns}, p.crc, v.passage_crc, v.sentences_crc, v.tokens_crc, v.passage, v.sentences, v.tokens
    FROM passages p LEFT JOIN vectors v ON v.passage_id = p.id WHERE p.document_id = ?"""
    for *row, check, passage_check, sentences_check, tokens_check, vector, parts, tokens in db.execute(query, (id,)):
        checks = [passage_check, sentences_check, tokens_check]
        if crc(*row) != check or not _is_passage(row, checks, [vector, parts, tokens], document, manifest.dimension):
            yield Fault("damage.passage", {"id": row[0], "name": id}, id)


def _is_passage(columns: Sequence[Any], checks: Sequence[int], vectors: Sequence[Any], document: Document, dimension: int) -> bool:
    """Return whether a passage is what was written, stands in its document, and has unit vectors of the right number and size."""
    id, _, start, end, *_, sentences, text = columns
    if not all(isinstance(blob, bytes) for blob in vectors) or [crc(id, blob) for blob in vectors] != checks:
        return False
    vector, parts, _ = vectors
    spans = json.loads(sentences)  # as it was written, or the check value would not agree
    inside = all(start <= first <= last <= end for first, last, *_ in spans)
    if document.text[start:end] != text or not inside or len(vector) != 4 * dimension or len(parts) != len(spans) * (4 + dimension):
        return False
    lengths = np.linalg.norm(np.concatenate([np.frombuffer(vector, dtype="<f4")[None, :], unpack(parts, dimension)]), axis=1)
    return bool(np.all(np.abs(lengths - 1) < _ROUNDING))  # false for what is no number as well


# --- keywords -------------------------------------------------------------------------------------------------------------


def _keyword_faults(db: sqlite3.Connection) -> list[Fault]:
    """Return the faults of the keyword index, found by rebuilding it elsewhere and comparing both: sizes, and every word's frequency and
    positions."""
    other = sqlite3.connect("", isolation_level=None)  # a temporary file, which SQLite removes
    try:
        other.execute(KEYWORDS)
        other.execute("BEGIN")
        for id, language, context, text in db.execute("SELECT id, language, context, text FROM passages ORDER BY id"):
            values = (id, language, *passage_keywords(as_text(context), as_text(text)))
            other.execute("INSERT INTO keywords (rowid, language, surface, stem) VALUES (?, ?, ?, ?)", values)
        other.execute("COMMIT")
        try:
            held = dict(db.execute("SELECT id, sz FROM keywords_docsize"))
            expected = dict(other.execute("SELECT id, sz FROM keywords_docsize"))
            found = [Fault("damage.no_keywords", {"id": id}) for id in sorted(expected.keys() - held.keys())]
            found += [Fault("damage.stray_keywords", {"id": id}) for id in sorted(held.keys() - expected.keys())]
            if found:
                return found
            if held != expected or any(one != another for one, another in zip(_words(db), _words(other), strict=True)):
                return [Fault("damage.keywords")]
        except (sqlite3.DatabaseError, ValueError):
            return [Fault("damage.keywords")]
        return []
    finally:
        other.close()


def _words(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Of a keyword index: its totals, then every word of every column with how many passages have it, how often, and the sum of
    their ids."""
    # One that was emptied counts nothing in three zeros, one that never held anything in no bytes at all.
    if db.execute("SELECT 1 FROM keywords_docsize LIMIT 1").fetchone():
        yield tuple(db.execute("SELECT hex(block) FROM keywords_data WHERE id = 1").fetchone() or ())
    (before,) = db.execute("PRAGMA query_only").fetchone()
    db.execute("PRAGMA query_only = OFF")  # what is made is temporary
    try:
        db.execute("DROP TABLE IF EXISTS temp.words")
        db.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, keywords, col)")
    finally:
        db.execute(f"PRAGMA query_only = {before}")
    for term, column, passages, times in db.execute("SELECT term, col, doc, cnt FROM temp.words ORDER BY term, col"):
        among = db.execute("SELECT sum(rowid) FROM keywords WHERE keywords MATCH ?", (f'{column} : "{term}"',)).fetchone()
        yield term, column, passages, times, *among


# --- vectors --------------------------------------------------------------------------------------------------------------


def _vector_faults(folder: Path, store: Store, manifest: Manifest) -> list[Fault]:
    """Return whether the files of vectors hold those of the database, and of what was removed nothing."""
    base = manifest.base
    try:
        index = open_base(folder, base, manifest.dimension)
        flat = open_flat(folder, base)
        if flat.crc() != base.crc:
            return [Fault("damage.vectors", {"reason": "its check value differs"})]
        clusters = open_clusters(folder, base) if base.clusters else None
        removed = store.removed()
        erased = np.setdiff1d(removed, store.unerased())
        living = store.passage_ids()
        old = living[living <= base.last]
        if not np.array_equal(np.union1d(old, removed), index.ids()) or len(np.intersect1d(old, removed)):
            return [Fault("damage.vector_ids")]
        found = [Fault("damage.unerased", {"id": id}) for id in left_vectors(folder, base, erased)]
        for start in range(0, len(old), _CHUNK):
            ids = old[start : start + _CHUNK]
            vectors = store.vectors_of(ids.tolist())
            known = [id for id in ids.tolist() if id in vectors and len(vectors[id]) == manifest.dimension]
            wrong = set(ids.tolist()) - set(known)
            if known:
                found_ids, expected = np.array(known, dtype=np.int64), np.stack([vectors[id] for id in known])
                same = (flat.codes(found_ids) == expected.astype("<f4").view(np.uint8)).all(axis=1)
                if clusters is not None and isinstance(index, ClusteredIndex):
                    same &= index.agrees(clusters.codes(found_ids), found_ids, expected)
                wrong |= set(found_ids[~same].tolist())
            found += [Fault("damage.vector", {"id": id}) for id in sorted(wrong)]
        return found
    except IndexCorrupt as error:
        return [Fault(error.key, dict(error.fields))]


def _leftovers(folder: Path, store: Store) -> list[Fault]:
    """Traces of what was removed, that a writer which was killed left behind; one that is at work will see to them itself."""
    manifest = store.manifest()
    if manifest is None or is_erased(store, manifest):
        return []
    try:
        with writing(folder):
            manifest = store.manifest()
            left = manifest is not None and not is_erased(store, manifest)
    except (IndexBusy, DiskFull):
        return []
    return [Fault("damage.leftovers")] if left else []
