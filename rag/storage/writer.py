"""Write an index: one writer at a time, one commit for each generation, then erasure (`erasure`).

A generation is visible when its transaction is committed. What follows (a new vector file if changes have outgrown the last, overwriting
what was removed) changes nothing that a reader finds; a writer killed in between leaves it to the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from rag.documents.chunker import Chunker
from rag.errors import DiskFailed, DiskFull, IndexCorrupt, IndexMismatch, IndexMissing
from rag.files import write_error
from rag.models.embedder import Embedder
from rag.schema import Document, Passage
from rag.storage.codec import PassageVectors
from rag.storage.database import DATABASE, Store
from rag.storage.erasure import erase_keywords, erase_vectors, is_erased
from rag.storage.generations import base_is_whole, files, is_due, remove_files, write_base
from rag.storage.kept_overview import erase_overview, is_outdated_overview, state_of
from rag.storage.manifest import ANALYSIS, Base, Manifest
from rag.storage.sql_schema import ADDED
from rag.storage.staging import BLOCK, Embedded, Staging, Text
from rag.storage.suggestions import erase_suggestions, outdated

Step = Callable[[str, int, int], None]
"""Called with (what is being done: "load" | "embed" | "store", done, total)."""

STAGING = "staging.sqlite"
_WINDOW = 4096
"""Texts whose vectors are held in memory at once."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A document to be put into the index, where it came from, and by what its file will be recognised as unchanged."""

    document: Document
    origin: str = ADDED
    size: int = 0
    modified: int = 0


@dataclass(slots=True)
class _Cut:
    incoming: Incoming
    passages: list[Passage]
    texts: list[Text] = field(default_factory=list)


class Writer:
    """An index folder open for writing, its lock held by the caller. A context manager."""

    def __init__(self, out: Path, store: Store) -> None:
        self.out = out
        self.store = store
        self.visible = 0.0
        """When the last change became visible, by `time.perf_counter`."""

    @classmethod
    def open(cls, out: Path, *, rebuild: bool = False, must_exist: bool = False) -> Writer:
        """Open what is there, or make an empty database. Raises IndexMissing when it `must_exist`, IndexCorrupt, IndexMismatch;
        `rebuild` puts an empty one in the place of a database that can't be read."""
        path = out / DATABASE
        if must_exist and not path.is_file():
            raise IndexMissing("error.index_missing", path=out)
        if rebuild and path.exists() and not _is_sound(path):
            # What can't be read can't be brought up to date; every byte of it is derived from the documents.
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
        writer = cls(out, Store(path, writable=True))
        if must_exist and writer.store.is_new():
            writer.store.close()
            raise IndexMissing("error.index_missing", path=out)
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.store.close()

    def manifest(self) -> Manifest:
        """Return the manifest. Raises IndexMissing before the first publication."""
        return self.store.existing_manifest()

    def check(self, embedder: Embedder, chunker: Chunker) -> None:
        """Raises IndexMismatch when the index was made by another embedder, analysis or chunker."""
        manifest = self.store.manifest()
        if manifest is None:
            return
        if manifest.fingerprint != embedder.fingerprint:
            raise IndexMismatch("error.index_embedder", path=self.out, found=manifest.embedder, expected=embedder.name)
        if (manifest.analysis, dict(manifest.chunker)) != (ANALYSIS, chunker.settings()):
            raise IndexMismatch("error.index_chunker", path=self.out)

    # --- changing ---------------------------------------------------------------------------------------------------------

    def change(
        self,
        incoming: Sequence[Incoming],
        removed: Sequence[str],
        embedder: Embedder,
        chunker: Chunker,
        report: Step,
        *,
        everything: bool = False,
        reuse: bool = True,
    ) -> None:
        """Publish one generation without the documents `removed` and with those `incoming`, in place of their namesakes.

        `everything` clears the index first; without `reuse` the vectors of earlier versions are not used again.
        """
        cut, texts = [], 0
        first_id = max(self.store.next_passage_id(), self._numbers().next_passage)
        for one in incoming:
            passages = chunker.cut(one.document, first_id)
            first_id += len(passages)
            texts += sum(1 + len(passage.sentences) for passage in passages)
            cut.append(_Cut(one, passages))
        done, stored = 0, 0
        with Staging(self.out / STAGING, embedder) as staging:
            with self.store.transaction():
                removed_ids: list[int] = []
                if everything:
                    self.store.clear()
                for window in _windows(cut):
                    known = self._known(window, removed, staging) if reuse and not everything else {}
                    if not everything:
                        for item in window:
                            removed_ids += self.store.delete(item.incoming.document.id)
                    rows = staging.embed(
                        [text for item in window for text in item.texts],
                        known,
                        lambda n, before=done: report("embed", before + n, texts),  # type: ignore[misc]
                        save=texts > BLOCK,
                    )
                    done += len(rows)
                    for item in window:
                        rows = self._put(item, rows)
                        stored += 1
                        report("store", stored, len(cut))
                for id in removed:
                    removed_ids += self.store.delete(id)
                self._publish(embedder.name, embedder.fingerprint, lambda: embedder.dimension, chunker.settings(), removed_ids, everything)
            self.visible = time.perf_counter()
        self.finish(staging)

    def remove(self, ids: Sequence[str]) -> None:
        """Publish one generation without these documents. Needs no embedder."""
        manifest = self.manifest()
        with self.store.transaction():
            removed_ids = [passage for id in ids for passage in self.store.delete(id)]
            self._publish(manifest.embedder, manifest.fingerprint, lambda: manifest.dimension, manifest.chunker, removed_ids, False)
        self.visible = time.perf_counter()
        self.finish()

    def _known(self, window: Sequence[_Cut], removed: Sequence[str], staging: Staging) -> dict[bytes, Embedded]:
        """Return the vectors of what earlier versions of these documents have in common with the new ones."""
        manifest = self.store.manifest()
        if manifest is None:
            return {}
        exact: dict[bytes, Embedded] = {}
        rounded: dict[bytes, Embedded] = {}
        for item in window:
            document = item.incoming.document
            before = self.store.passages_of(document.id) or self.store.passages_of(self._twin(document, removed))
            ids = [passage.id for passage in before]
            whole, tokens = self.store.vectors_of(ids), self.store.tokens(ids)
            parts = self.store.sentence_vectors(ids, manifest.dimension)
            for passage in before:
                exact[staging.key(passage.text, passage.context)] = Embedded(whole[passage.id], tokens[passage.id])
                for number, (span, vector) in enumerate(zip(passage.sentences, parts[passage.id], strict=True)):
                    rounded[staging.key(passage.quote(span), passage.context_of(number))] = Embedded(vector)
        # The stored vector of a sentence is rounded: it does for the same sentence, but not for a passage of the same words.
        for item in window:
            for passage in item.passages:
                rounded.pop(staging.key(passage.text, passage.context), None)
        return {**rounded, **exact}

    def _twin(self, document: Document, removed: Sequence[str]) -> str:
        """Return the removed document that had just this content, as when a file was renamed; "" if there is none."""
        found = self.store.documents_with(document.sha256) if removed else []
        return next((id for id in found if id in removed), "")

    def _put(self, item: _Cut, rows: list[Embedded]) -> list[Embedded]:
        """Put one document, whose passages and sentences are the first of `rows`; the rest of them."""
        vectors: list[PassageVectors] = []
        at = 0
        for passage in item.passages:
            whole, parts = rows[at], rows[at + 1 : at + 1 + len(passage.sentences)]
            vectors.append(PassageVectors(whole.vector, np.array([part.vector for part in parts], dtype=np.float32), whole.tokens or b""))
            at += 1 + len(passage.sentences)
        incoming = item.incoming
        self.store.put(incoming.document, item.passages, vectors, origin=incoming.origin, size=incoming.size, modified=incoming.modified)
        return rows[at:]

    def _publish(
        self,
        embedder: str,
        fingerprint: str,
        dimension: Callable[[], int],
        chunker: Any,
        removed_ids: Sequence[int],
        everything: bool,
    ) -> None:
        """Inside a transaction: note what was removed, and make the manifest of the next generation.

        With a first index, and where more is added than there was, the file of vectors is part of it; else it follows.
        """
        numbers = self._numbers()
        generation = numbers.generation + 1
        base = None
        if everything or numbers.manifest is None:
            base = self._write_base(generation, dimension())
        else:
            self.store.note_removed(id for id in removed_ids if id <= numbers.manifest.base.last)
            if self.store.count_after(numbers.manifest.base.last) > max(numbers.manifest.base.count, BLOCK):
                base = self._write_base(generation, numbers.manifest.dimension)
        size = numbers.manifest.dimension if numbers.manifest and not everything else dimension()
        self.store.publish(embedder, fingerprint, size, chunker, generation, base)

    def _write_base(self, generation: int, dimension: int) -> Base:
        self.store.forget_removed()
        return write_base(self.out, generation, self.store.count_vectors(), dimension, self.store.vector_blocks())

    def _numbers(self) -> _Numbers:
        """Where counting goes on from: where the database was lost, from the files, so that no reader takes new for old."""
        manifest = self.store.manifest()
        if manifest is None:
            return _Numbers(None, max(files(self.out), default=0), 1)
        return _Numbers(manifest, manifest.generation, max(manifest.next_passage, manifest.base.last + 1))

    # --- afterwards -------------------------------------------------------------------------------------------------------

    def finish(self, staging: Staging | None = None) -> None:
        """Do what a publication leaves to be done: a new file of vectors when it is due, and no trace of what was removed, nor of the
        vectors that were staged for it."""
        try:
            if staging is not None:
                staging.remove()
            manifest = self.manifest()
            base = manifest.base
            removed = self.store.removed()
            if not base_is_whole(self.out, base) or is_due(base, self.store.count_after(base.last), len(removed)):
                self.renew_base()
            else:
                erase_vectors(self.out, self.store, base)
            erase_keywords(self.store, manifest)
            erase_suggestions(self.out, self.store)
            erase_overview(self.out, state_of(self.manifest()))
            remove_files(self.out, [self.manifest().base.generation])
            if manifest.unpurged or len(removed):
                self.store.checkpoint()
        except (DiskFull, DiskFailed, OSError) as error:
            known = write_error(self.out, error) if isinstance(error, OSError) else error
            raise type(known)("error.unfinished", path=self.out, reason=error) from error

    def is_finished(self) -> bool:
        """Return whether nothing is left to be done."""
        manifest = self.manifest()
        return base_is_whole(self.out, manifest.base) and is_erased(self.store, manifest) and not self._is_anything_outdated(manifest)

    def has_staged(self) -> bool:
        """Return whether vectors that were staged for a publication are left."""
        return (self.out / STAGING).exists()

    def _is_anything_outdated(self, manifest: Manifest) -> bool:
        return bool(outdated(self.out, self.store)) or is_outdated_overview(self.out, state_of(manifest))

    def renew_base(self) -> None:
        """Rewrite the vector file and publish a generation that names it."""
        manifest = self.manifest()
        generation = manifest.generation + 1
        with self.store.transaction():
            base = self._write_base(generation, manifest.dimension)
            self.store.publish(manifest.embedder, manifest.fingerprint, manifest.dimension, manifest.chunker, generation, base)


@dataclass(frozen=True, slots=True)
class _Numbers:
    manifest: Manifest | None
    generation: int
    next_passage: int


def texts_of(passage: Passage) -> list[Text]:
    """Return the texts to embed for a passage: itself with its tokens, then its sentences."""
    parts = [Text(passage.quote(span), passage.context_of(number)) for number, span in enumerate(passage.sentences)]
    return [Text(passage.text, passage.context, tokens=True), *parts]


def _windows(cut: Sequence[_Cut]) -> Iterator[list[_Cut]]:
    """Yield the documents in groups with a limited number of texts, each with the texts to embed."""
    window: list[_Cut] = []
    size = 0
    for item in cut:
        item.texts = [text for passage in item.passages for text in texts_of(passage)]
        window.append(item)
        size += len(item.texts)
        if size >= _WINDOW:
            yield window
            for done in window:
                done.texts = []
            window, size = [], 0
    if window:
        yield window


def _is_sound(path: Path) -> bool:
    """Return whether a database can be read from end to end by this version."""
    try:
        store = Store(path)
    except (IndexCorrupt, IndexMismatch, IndexMissing):
        return False
    try:
        store.manifest()
        return not store.structural_faults()
    except IndexCorrupt:
        return False
    finally:
        store.close()
