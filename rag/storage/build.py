"""Add documents to an index and remove them: load → chunk → embed → store."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.arguments import (
    as_path,
    require_callable,
    require_collection,
    require_members,
    require_seconds,
    require_type,
    require_whole,
)
from rag.documents.chunker import Chunker
from rag.documents.filter_values import UNREAD
from rag.documents.load import MAX_BYTES, Loader, Skipped, document_paths, other_kinds, skipped
from rag.errors import DocumentError, DocumentExists, DocumentMissing, IndexMissing, NothingToIndex
from rag.files import writing
from rag.models.embedder import EMBEDDER_MEMBERS, Embedder
from rag.schema import Document
from rag.storage.database import DATABASE, Store
from rag.storage.entering import entered
from rag.storage.sql_schema import FOLDER, Known
from rag.storage.staging import Staging
from rag.storage.writer import STAGING, Incoming, Step, Writer

_SETTLED = 2 * 10**9
"""Nanoseconds after which a file's time proves that it was not written again: clocks of file systems are coarse."""
WAIT = 10.0
"""Seconds that a change waits for another writer before it gives up."""


@dataclass(frozen=True, slots=True)
class RepeatedText:
    """A document that was indexed although another one, `of`, has the same text; a search returns passages of only one of them."""

    id: str
    of: str

    @property
    def note(self) -> DocumentError:
        """What to say of it; it is no failure."""
        return DocumentError("error.same_text", name=self.id, other=self.of)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The result of a build, in documents. `documents`, `passages` and `sentences` are what the index now holds; `repeated` names those
    of the new and changed documents whose text another one has.

    `visible` is the time in seconds until readers saw the change (0.0: there was none); `seconds` includes erasing what was removed.
    """

    added: int
    updated: int
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    passages: int
    sentences: int
    generation: int
    seconds: float
    visible: float = 0.0
    documents: int = 0
    repeated: tuple[RepeatedText, ...] = ()


def build_index(
    folder: str | Path,
    out: str | Path,
    embedder: Embedder,
    chunker: Chunker | None = None,
    *,
    rebuild: bool = False,
    max_bytes: int = MAX_BYTES,
    ocr: bool | Collection[str] = False,
    wait: float = 0.0,
    progress: Step | None = None,
) -> BuildReport:
    """Bring the index in `out` up to date with a folder. Only new and changed texts are embedded.

    Files are recognised as unchanged by size and time, else by content. Documents added with `add_documents` stay. The previous index
    answers until the new one is published by one commit; a build that is killed loses nothing, and the next one reuses the vectors already
    computed. An index built with another embedder, chunker or analysis is refused, unless `rebuild` replaces it. `ocr` reads pages that are
    pictures with Tesseract, of all files or of those with the given ids, also those of unchanged files that were left out without it.
    Waits up to `wait` seconds for another writer. Raises NothingToIndex, IndexBusy, IndexMismatch, IndexCorrupt, DiskFull.
    """
    started = time.perf_counter()
    folder, out, chunker = as_path("folder", folder), as_path("out", out), chunker or Chunker()
    report = _checked(embedder, chunker, wait, progress)
    require_whole("max_bytes", max_bytes, 1)
    known = {} if rebuild else _known(out)
    read = _read(folder, known, max_bytes, ocr, report)
    others = other_kinds(folder, out)
    _refuse_nothing(folder, read, others)
    with writing(out, wait), Writer.open(out, rebuild=rebuild) as writer:
        if not rebuild:
            writer.check(embedder, chunker)
            if (now := writer.store.known()) != known:  # somebody wrote in the meantime
                known, read = now, _read(folder, now, max_bytes, ocr, report)
        if read.settled:  # before anything is published: an error after it would say that nothing was
            with writer.store.transaction():
                writer.store.note_unchanged(read.settled)
        # A file that can't be read now is not a file that was removed: what was indexed of it stays.
        present = read.unchanged | read.unread | {item.document.id for item in read.changed} | {item.id for item in read.skipped}
        gone = [id for id, of in known.items() if of.origin == FOLDER and id not in present]
        if read.changed or gone or rebuild or writer.store.manifest() is None:
            writer.change(read.changed, gone, embedder, chunker, report, everything=rebuild)
        elif writer.has_staged() or not writer.is_finished():  # a build was killed after its commit
            with Staging(out / STAGING, embedder) as staging:
                writer.finish(staging)
        return _report(writer, read.changed, known, gone, len(read.unchanged), [*read.skipped, *others], started)


def remove_folder_documents(out: str | Path, *, wait: float = 0.0) -> BuildReport:
    """Remove every document that was read from a folder, with every trace of it, as `remove_documents` does: for a folder that was emptied
    on purpose. Without an index there is nothing to remove."""
    started = time.perf_counter()
    out = Path(out)
    known = _known(out)
    if not known:
        return BuildReport(0, 0, 0, 0, (), 0, 0, 0, time.perf_counter() - started, 0.0)
    return remove_documents(out, [id for id, of in known.items() if of.origin == FOLDER], wait=wait)


def add_documents(
    out: str | Path,
    documents: Sequence[Document],
    embedder: Embedder,
    chunker: Chunker | None = None,
    *,
    wait: float = WAIT,
    progress: Step | None = None,
) -> BuildReport:
    """Add documents that are not in the index yet, creating it if there is none, as one generation.

    Raises DocumentExists before anything is written if the index already has one of the ids, and the errors of `build_index`.
    """
    return _put(out, documents, embedder, chunker, wait, progress, replace=False)


def update_documents(
    out: str | Path,
    documents: Sequence[Document],
    embedder: Embedder,
    chunker: Chunker | None = None,
    *,
    wait: float = WAIT,
    progress: Step | None = None,
) -> BuildReport:
    """Replace the documents with the same ids, and add new ones, as one generation.

    What the index has from inside a file that is replaced, and is not among the documents, is removed: it is no longer there. Unchanged
    documents, and unchanged passages and sentences of changed ones, are not embedded again. Raises the errors of `build_index`.
    """
    return _put(out, documents, embedder, chunker, wait, progress, replace=True)


def remove_documents(out: str | Path, ids: Sequence[str], *, wait: float = WAIT) -> BuildReport:
    """Remove documents with every trace of them: text, keyword rows and vectors are gone from the files when this returns.

    With a file that holds others, such as a message with attachments, these are removed too. Needs no embedder. Raises DocumentMissing
    before anything is written if one of the ids is not in the index, IndexMissing, IndexBusy, IndexCorrupt, DiskFull.
    """
    started = time.perf_counter()
    require_collection("ids", ids, "Sequence[str]")
    require_seconds("wait", wait)
    out, ids = as_path("out", out), list(dict.fromkeys(ids))
    with writing(out, wait), Writer.open(out, must_exist=True) as writer:
        known = writer.store.known()
        for id in ids:
            if id not in known:
                raise DocumentMissing("error.document_missing", name=id, path=out)
        inside = _by_container(known)
        ids = list(dict.fromkeys(one for id in ids for one in (id, *inside.get(id, ()))))
        if ids:
            writer.remove(ids)
        elif not writer.is_finished():
            writer.finish()
        return _report(writer, (), known, ids, len(known) - len(ids), (), started)


def _checked(embedder: Embedder, chunker: Chunker, wait: float, progress: Step | None) -> Step:
    """Return what progress is reported to. Raises BadSetting for an argument that would fail later, in the middle of the work."""
    require_members("embedder", embedder, *EMBEDDER_MEMBERS)
    require_type("chunker", chunker, Chunker)
    require_seconds("wait", wait)
    require_callable("progress", progress, "Callable[[str, int, int], None]")
    return progress or _silent


def _known(out: Path) -> dict[str, Known]:
    """What an index knows of its documents; nothing when there is no index. Raises IndexCorrupt, IndexMismatch."""
    try:
        store = Store(out / DATABASE)
    except IndexMissing:
        return {}
    try:
        return store.known()
    finally:
        store.close()


def _put(
    out: str | Path,
    documents: Sequence[Document],
    embedder: Embedder,
    chunker: Chunker | None,
    wait: float,
    progress: Step | None,
    *,
    replace: bool,
) -> BuildReport:
    started = time.perf_counter()
    out, chunker = as_path("out", out), chunker or Chunker()
    report = _checked(embedder, chunker, wait, progress)
    last = {document.id: document for document in entered(documents)}  # of two with one id the later
    with writing(out, wait), Writer.open(out) as writer:
        writer.check(embedder, chunker)
        known = writer.store.known()
        if not replace and (taken := next((id for id in last if id in known), None)) is not None:
            raise DocumentExists("error.document_exists", name=taken, path=out)
        changed = [
            Incoming(document) for id, document in last.items() if id not in known or writer.store.document_with_pages(id) != document
        ]
        inside = _by_container(known)
        gone = [one for id in last for one in inside.get(id, ()) if one not in last]
        if changed or gone or writer.store.manifest() is None:
            writer.change(changed, gone, embedder, chunker, report)
        elif not writer.is_finished():
            writer.finish()
        return _report(writer, changed, known, gone, len(last) - len(changed), (), started)


# --- the folder -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Read:
    """A folder, compared with what the index knows of it. `settled`: what lets a file be recognised by its time from now on."""

    changed: list[Incoming] = field(default_factory=list)
    unchanged: set[str] = field(default_factory=set)
    skipped: list[Skipped] = field(default_factory=list)
    settled: dict[str, tuple[int, int]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    """What the index has of files that could not be read now."""


def _read(folder: Path, known: dict[str, Known], max_bytes: int, ocr: bool | Collection[str], report: Step) -> _Read:
    """Read those files of a folder that are new or changed."""
    read, inside = _Read(), _by_container(known)
    seen: set[str] = set()
    with Loader(max_bytes) as plain, Loader(max_bytes, ocr=True) as seeing:  # each starts its process for its first file
        for done, (id, path) in enumerate(document_paths(folder), start=1):
            own = {id, *inside.get(id, ())}
            sees = ocr if isinstance(ocr, bool) else id in ocr
            try:
                if id in seen:
                    raise DocumentError("error.same_name", name=id)
                seen.add(id)
                size, modified = _signature(path)
                before = known.get(id)
                timed = before is not None and (before.size, before.modified) == (size, modified) and bool(modified)
                same = timed or (before is not None and before.sha256 == _sha256(path))
                if same and not timed and before is not None and (modified or before.origin != FOLDER):
                    read.settled |= dict.fromkeys(own, (size, modified))
                whole = before is not None and len(own) > before.inside  # else something of it was removed or lost
                if same and whole and not (sees and any(known[one].unread for one in own)):
                    read.unchanged |= own
                else:
                    documents, notes = (seeing if sees else plain).read(path, id)
                    read.skipped.extend(skipped(id, notes))
                    unread = any(UNREAD in document.metadata for document in documents)
                    if same and whole and unread:  # OCR was asked for and is not installed
                        read.unchanged |= own
                    else:
                        for one in own:
                            read.settled.pop(one, None)
                        read.changed += [Incoming(document, FOLDER, size, modified) for document in documents]
            except DocumentError as error:
                read.skipped.append(Skipped(id, error))
                read.unread |= own & known.keys()
            report("load", done, 0)
    return read


def _by_container(known: Mapping[str, Known]) -> dict[str, list[str]]:
    """Return the ids of the documents that stand in a file with others, by the id of the file."""
    found: dict[str, list[str]] = {}
    for id, of in known.items():
        if of.container:
            found.setdefault(of.container, []).append(id)
    return found


def _signature(path: Path) -> tuple[int, int]:
    """Return a file's size and time in nanoseconds; 0 for the time when it is so recent that a later change might bear the same."""
    try:
        found = path.stat()
    except OSError:  # reading it will say what is wrong
        return 0, 0
    settled = time.time_ns() - found.st_mtime_ns > _SETTLED
    return found.st_size, found.st_mtime_ns if settled else 0


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _refuse_nothing(folder: Path, read: _Read, others: Sequence[Skipped]) -> None:
    """An index is not emptied by a folder that was not mounted."""
    if not read.changed and not read.unchanged:
        reasons = " ".join(str(item.error) for item in [*read.skipped, *others][:5])
        raise NothingToIndex("error.nothing_to_index", folder=folder, reasons=reasons)


def _report(
    writer: Writer,
    changed: Sequence[Incoming],
    known: dict[str, Known],
    gone: Sequence[str],
    unchanged: int,
    skipped: Sequence[Skipped],
    started: float,
) -> BuildReport:
    manifest = writer.manifest()
    repeated = writer.store.repeated({item.document.id for item in changed}) if changed else {}
    return BuildReport(
        added=sum(item.document.id not in known for item in changed),
        updated=sum(item.document.id in known for item in changed),
        removed=len(gone),
        unchanged=unchanged,
        skipped=tuple(skipped),
        passages=manifest.passages,
        sentences=manifest.sentences,
        generation=manifest.generation,
        seconds=time.perf_counter() - started,
        visible=writer.visible - started if writer.visible else 0.0,
        documents=manifest.documents,
        repeated=tuple(RepeatedText(id, of) for id, of in repeated.items()),
    )


def _silent(step: str, done: int, total: int) -> None:
    return None
