"""A folder of documents into an index: load → chunk → embed → store."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.chunk import Chunker
from rag.dense import FlatIndex
from rag.embed import Embedder, Vectors
from rag.errors import DiskFull, IndexBusy, IndexCorrupt, IndexMismatch, IndexMissing, NothingToIndex
from rag.index import DATABASE, dense_path
from rag.load import MAX_BYTES, Skipped, load_folder
from rag.schema import Document, Passage
from rag.store import ANALYSIS, Store

Step = Callable[[str, int, int], None]
"""Called with (what is being done: "load" | "embed" | "store", done, total)."""

_STAGING = "staging.sqlite"
_LEAST_FREE = 32 * 2**20  # bytes
_BLOCK = 64
"""Texts embedded between two savings: what a killed build may lose, some ten seconds of work on two cores."""
_GRACE = 60.0
"""Seconds for which vectors of an earlier generation stay, for a reader that has read its number but not yet its file."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. Counts are documents but for `passages` and `sentences`, which are what the index now holds."""

    added: int
    updated: int
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    passages: int
    sentences: int
    generation: int
    seconds: float


def build_index(
    folder: str | Path,
    out: str | Path,
    embedder: Embedder,
    chunker: Chunker | None = None,
    *,
    rebuild: bool = False,
    max_bytes: int = MAX_BYTES,
    ocr: bool = False,
    progress: Step | None = None,
) -> BuildReport:
    """Make the index in `out` hold just what the folder holds. Only new and changed documents are embedded.

    The index that was there answers until the new one is published by one commit; a build that is killed loses nothing, and
    the next one takes up the vectors already computed. An index made by another embedder, chunker or analysis is refused,
    unless `rebuild`, which makes it anew. `ocr` reads pages that are pictures with Tesseract.
    Raises NothingToIndex, IndexBusy, IndexMismatch, IndexCorrupt, DiskFull.
    """
    started = time.perf_counter()
    folder, out, chunker = Path(folder), Path(out), chunker or Chunker()
    report = progress or (lambda step, done, total: None)
    documents: dict[str, Document] = {}
    skipped: list[Skipped] = []
    for loaded in load_folder(folder, max_bytes, ocr=ocr):
        if isinstance(loaded, Skipped):
            skipped.append(loaded)
        else:
            documents[loaded.id] = loaded
        report("load", len(documents) + len(skipped), 0)
    if not documents:
        reasons = " ".join(str(item.error) for item in skipped[:5])
        raise NothingToIndex("error.nothing_to_index", folder=folder, reasons=reasons)
    with writing(out):
        store = _open_store(out, embedder, chunker, rebuild)
        try:
            known = {} if rebuild else {info.id: info.sha256 for info in store.documents()}
            changed = [document for id, document in documents.items() if known.get(id) != document.sha256]
            # A file that can't be read now is not a file that was removed: what was indexed of it stays.
            unreadable = {item.id for item in skipped}
            gone = [id for id in known if id not in documents and id not in unreadable]
            if changed or gone or rebuild or not _dense_is_whole(store, out):
                pieces = _embed(changed, store.next_passage_id(), chunker, embedder, out / _STAGING, report)
                replaced = [document.id for document in changed if document.id in known]
                _publish(store, out, embedder, chunker, [*gone, *replaced], pieces, everything=rebuild, report=report)
            (out / _STAGING).unlink(missing_ok=True)
            manifest = store.manifest()
            assert manifest is not None
        finally:
            store.close()
    return BuildReport(
        added=sum(document.id not in known for document in changed),
        updated=sum(document.id in known for document in changed),
        removed=len(gone),
        unchanged=len(documents) - len(changed),
        skipped=tuple(skipped),
        passages=manifest.passages,
        sentences=manifest.sentences,
        generation=manifest.generation,
        seconds=time.perf_counter() - started,
    )


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Hold the index folder's lock. Raises IndexBusy when another process does, DiskFull when there is hardly any room."""
    from filelock import FileLock, Timeout

    try:
        out.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(out).free < _LEAST_FREE:
            raise DiskFull("error.disk_full", path=out)
        lock = FileLock(out / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise IndexBusy("error.index_busy", path=out) from error
    except OSError as error:
        raise _write_error(out, error) from error
    try:
        yield
    except OSError as error:
        raise _write_error(out, error) from error
    finally:
        lock.release()


def _write_error(out: Path, error: OSError) -> DiskFull:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull("error.disk_full", path=out)
    return DiskFull("error.folder_unwritable", path=out, reason=error.strerror or error)


def _open_store(out: Path, embedder: Embedder, chunker: Chunker, rebuild: bool) -> Store:
    path = out / DATABASE
    if rebuild and path.exists() and not _is_sound(path):
        # What can't be read can't be brought up to date; every byte of it is derived from the documents.
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    store = Store(path, writable=True)
    manifest = store.manifest()
    if manifest is None or rebuild:
        return store
    same = (manifest.fingerprint, manifest.analysis, dict(manifest.chunker)) == (
        embedder.fingerprint,
        ANALYSIS,
        chunker.settings(),
    )
    if not same:
        store.close()
        if manifest.fingerprint != embedder.fingerprint:
            raise IndexMismatch("error.index_embedder", path=out, found=manifest.embedder, expected=embedder.name)
        raise IndexMismatch("error.index_chunker", path=out)
    return store


def _is_sound(path: Path) -> bool:
    """Whether a database can be read from end to end by this version."""
    try:
        store = Store(path)
    except (IndexCorrupt, IndexMismatch, IndexMissing):
        return False
    try:
        return not store.check()
    except IndexCorrupt:
        return False
    finally:
        store.close()


def _dense_is_whole(store: Store, out: Path) -> bool:
    """Whether there is a published generation and its vectors file is there; else it is written again from the database."""
    manifest = store.manifest()
    try:
        return manifest is not None and len(FlatIndex.load(dense_path(out, manifest.generation))) == manifest.passages
    except IndexCorrupt:
        return False


@dataclass(frozen=True, slots=True)
class _Piece:
    document: Document
    passages: list[Passage]
    vectors: Vectors
    sentence_vectors: list[Vectors]


def _embed(documents: Sequence[Document], first_id: int, chunker: Chunker, embedder: Embedder, staging: Path, report: Step) -> list[_Piece]:
    cut: list[tuple[Document, list[Passage]]] = []
    for document in documents:
        passages = chunker.cut(document, first_id)
        first_id += len(passages)
        cut.append((document, passages))
    texts: list[str] = []
    titles: list[str] = []
    for document, passages in cut:
        for passage in passages:
            units = [passage.text, *(passage.quote(span) for span in passage.sentences)]
            texts += units
            titles += [document.title] * len(units)
    rows = _Staged(staging, embedder).embed(texts, titles, lambda done, total: report("embed", done, total))
    pieces, at = [], 0
    for document, passages in cut:
        vectors: list[Any] = []
        per_sentence: list[Vectors] = []
        for passage in passages:
            vectors.append(rows[at])
            per_sentence.append(rows[at + 1 : at + 1 + len(passage.sentences)])
            at += 1 + len(passage.sentences)
        stacked = np.stack(vectors) if vectors else np.empty((0, embedder.dimension), dtype=np.float32)
        pieces.append(_Piece(document, passages, stacked, per_sentence))
    return pieces


class _Staged:
    """Vectors already computed by a build that did not finish, under the hash of what they are the vector of."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        self._path = path
        self._embedder = embedder

    def embed(self, texts: Sequence[str], titles: Sequence[str], progress: Callable[[int, int], None]) -> Vectors:
        """One unit vector per text, shape (len(texts), dimension); saved block by block as they are computed."""
        keys = [self._key(text, title) for text, title in zip(texts, titles, strict=True)]
        with self._database() as (db, staged):
            known = {key: np.frombuffer(blob, dtype="<f4") for key, blob in staged.items()}
            wanted = {key: n for n, key in enumerate(keys) if key not in known}
            missing = sorted(wanted.values(), key=lambda n: -len(texts[n]))  # long with long: little padding
            progress(len(texts) - len(missing), len(texts))
            for start in range(0, len(missing), _BLOCK):
                block = missing[start : start + _BLOCK]
                vectors = self._embedder.embed_passages([texts[n] for n in block], [titles[n] for n in block])
                fresh = {keys[n]: vector for n, vector in zip(block, vectors, strict=True)}
                known.update(fresh)
                db.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?)", [(k, v.tobytes()) for k, v in fresh.items()])
                db.commit()
                progress(len(texts) - len(missing) + start + len(block), len(texts))
        return np.stack([known[key] for key in keys]) if keys else np.empty((0, self._embedder.dimension), dtype=np.float32)

    def _key(self, text: str, title: str) -> bytes:
        return hashlib.sha256(f"{self._embedder.fingerprint}\0{title}\0{text}".encode()).digest()

    @contextmanager
    def _database(self) -> Iterator[tuple[sqlite3.Connection, dict[bytes, bytes]]]:
        """The database of staged vectors, and what is in it."""
        try:
            try:
                db, staged = self._open()
            except sqlite3.DatabaseError:
                for suffix in ("", "-journal"):  # damaged: only time is lost
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                db, staged = self._open()
            try:
                yield db, staged
            finally:
                db.close()
        except sqlite3.DatabaseError as error:
            raise DiskFull("error.disk_full", path=self._path.parent) from error

    def _open(self) -> tuple[sqlite3.Connection, dict[bytes, bytes]]:
        db = sqlite3.connect(self._path)
        try:
            db.execute("CREATE TABLE IF NOT EXISTS staged (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")
            return db, dict(db.execute("SELECT key, vector FROM staged"))
        except sqlite3.DatabaseError:
            db.close()
            raise


def _publish(
    store: Store,
    out: Path,
    embedder: Embedder,
    chunker: Chunker,
    removed: Iterable[str],
    pieces: Sequence[_Piece],
    *,
    everything: bool,
    report: Step,
) -> None:
    """Write a new generation: vectors to a new file first, then all rows and the manifest in one commit."""
    # Where the database was lost, numbers go on from those of the files: a reader still open must not take new for old.
    generation = (store.generation() or max(_generations(out), default=0)) + 1
    with store.transaction():
        if everything:
            store.clear()
        else:
            for id in removed:
                store.delete(id)
        for done, piece in enumerate(pieces, start=1):
            store.put(piece.document, piece.passages, piece.vectors, piece.sentence_vectors)
            report("store", done, len(pieces))
        ids, vectors = store.passage_vectors()
        FlatIndex.of(ids, vectors, embedder.dimension).save(dense_path(out, generation))
        store.publish(embedder.name, embedder.fingerprint, embedder.dimension, chunker.settings(), generation)
    for number, path in _generations(out).items():
        if number != generation and path.stat().st_mtime < time.time() - _GRACE:
            path.unlink(missing_ok=True)
    _sync_folder(out)


def _generations(out: Path) -> dict[int, Path]:
    """The files of vectors by generation."""
    numbered = ((path.name.split(".")[1], path) for path in out.glob("dense.*.faiss"))
    return {int(number): path for number, path in numbered if number.isdecimal()}


def _sync_folder(folder: Path) -> None:
    """Make renames durable where the system allows a folder to be flushed."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
