"""The documents behind the window: named collections, files added and removed, and the indexing that follows.

Nothing is destroyed here. A removed file, or one that another of the same name takes the place of, goes into a hidden folder
beside the others, where the index does not see it and its owner can find it.
"""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rag.build import BuildReport, build_index
from rag.chatbot import Chatbot
from rag.embed import Embedder
from rag.errors import DiskFull, DocumentError, IndexBusy, IsnadError, as_ours
from rag.index import Index
from rag.load import MAX_BYTES, SUFFIXES, document_paths, largest
from rag.ui.render import View, error_view

HIDDEN = ".removed"
_NAME = re.compile(r"[\w][\w .()\-]{0,39}")
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]')


class BadName(IsnadError):
    """A name that can't be given to a collection or a file."""

    exit_code = 2
    http_status = 400


class _Cancelled(Exception):
    """The reader stopped the indexing."""


@dataclass(slots=True)
class Job:
    """One run of indexing. `state`: running | done | cancelled | error; counts are of what `step` does."""

    collection: str
    state: str = "running"
    step: str = "load"
    done: int = 0
    total: int = 0
    report: BuildReport | None = None
    error: IsnadError | None = None
    cancel: threading.Event = field(default_factory=threading.Event)

    def view(self) -> View:
        """The job as the page shows it."""
        report = self.report
        return {
            "collection": self.collection,
            "state": self.state,
            "step": self.step,
            "done": self.done,
            "total": self.total,
            "added": report.added + report.updated if report else 0,
            "removed": report.removed if report else 0,
            "skipped": [{"name": item.id, "error": error_view(item.error)} for item in report.skipped] if report else [],
            "error": error_view(self.error) if self.error else None,
        }


class Library:
    """Collections under one folder, beside the one that the settings name, whose name here is ""."""

    def __init__(self, home: Path, documents: Path, index: Path, *, max_bytes: int = MAX_BYTES, ocr: bool = False) -> None:
        self.home = home
        self.max_bytes = max_bytes
        self.ocr = ocr
        self._documents = documents
        self._index = index
        self._chatbots: dict[str, Chatbot] = {}
        self._lock = threading.Lock()
        self._job: Job | None = None

    # --- collections ------------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names of all collections, the one of the settings first."""
        own = self.home / "collections"
        return ["", *sorted(path.name for path in own.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))] if own.is_dir() else [""]

    def create(self, name: str) -> str:
        """Make an empty collection; returns its name as it is kept. Raises BadName."""
        name = unicodedata.normalize("NFC", " ".join(name.split()))
        if not _NAME.fullmatch(name):
            raise BadName("ui.error_collection_name", name=name[:60])
        if name.casefold() in (known.casefold() for known in self.names()):
            raise BadName("ui.error_collection_exists", name=name)
        self.folder(name, new=True).mkdir(parents=True)
        return name

    def folder(self, name: str, *, new: bool = False) -> Path:
        """Where the files of a collection are. Raises BadName for one that does not exist."""
        return self._documents if self._known(name, new) == "" else self.home / "collections" / name / "documents"

    def index(self, name: str) -> Path:
        """Where the index of a collection is."""
        return self._index if self._known(name) == "" else self.home / "collections" / name / "index"

    def _known(self, name: str, new: bool = False) -> str:
        if not (new and _NAME.fullmatch(name)) and name not in self.names():
            raise BadName("ui.error_collection_unknown", name=name[:60])
        return name

    def chatbot(self, name: str, base: Chatbot) -> Chatbot:
        """A chatbot over a collection, with the models of `base`. Raises BadName, also when nothing is indexed in it yet."""
        path = self.index(name)
        if name == "":
            return base
        with self._lock:
            known = self._chatbots.get(name)
            if known is None or known.generator is not base.generator:
                if known is None and not any(path.glob("*.sqlite")):
                    raise BadName("ui.error_collection_empty", name=name)
                index = known.index if known else Index.open(path, base.index.embedder)
                known = self._chatbots[name] = base.over(index)
            return known

    # --- files ------------------------------------------------------------------------------------------------------------

    def documents(self, name: str, base: Chatbot) -> list[View]:
        """Every document of a collection; those that are in the folder and not yet in the index have no passages."""
        try:
            infos = self.chatbot(name, base).index.documents()
        except BadName:
            infos = []
        rows: dict[str, View] = {
            info.id: {
                "id": info.id,
                "title": info.title,
                "language": info.language,
                "characters": info.characters,
                "passages": info.passages,
                "added": info.added[:10],
            }
            for info in infos
        }
        folder = self.folder(name)
        for id, path in document_paths(folder) if folder.is_dir() else ():
            blank = {"id": id, "title": "", "language": "", "characters": path.stat().st_size, "passages": None, "added": ""}
            rows.setdefault(id, blank)
        return sorted(rows.values(), key=lambda row: str(row["id"]))

    async def receive(self, name: str, file: str, chunks: AsyncIterator[bytes]) -> str:
        """Write an uploaded file into a collection; returns its id. Raises BadName, DocumentError, DiskFull.

        It appears under its name only when it has arrived whole.
        """
        folder = self.folder(name)
        id = file_name(file)
        part = folder / f".{time.time_ns()}.part"
        size, most = 0, largest(PurePosixPath(id).suffix, self.max_bytes)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as out:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        limit = f"{most / 2**20:.0f}"
                        raise DocumentError("error.too_large", name=id, size=f"> {limit}", limit=limit)
                    out.write(chunk)
            if (folder / id).exists():
                self._set_aside(folder, id)
            part.replace(folder / id)
        except OSError as error:
            raise DiskFull("error.folder_unwritable", path=folder, reason=error.strerror or error) from error
        finally:
            part.unlink(missing_ok=True)
        return id

    def remove(self, name: str, id: str) -> None:
        """Take a file out of a collection. The index follows with the next build. Raises BadName when it is the last one."""
        folder = self.folder(name)
        paths = dict(document_paths(folder))
        if id not in paths:
            raise BadName("ui.error_document_gone", name=id[:200])
        if len(paths) == 1:
            raise BadName("ui.error_last_document", name=id)
        try:
            self._set_aside(folder, paths[id].relative_to(folder).as_posix())
        except OSError as error:
            raise DiskFull("error.folder_unwritable", path=folder, reason=error.strerror or error) from error

    def _set_aside(self, folder: Path, id: str) -> None:
        target = folder / HIDDEN / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6}" / PurePosixPath(id)
        target.parent.mkdir(parents=True)
        (folder / id).replace(target)

    # --- indexing ---------------------------------------------------------------------------------------------------------

    def build(self, name: str, embedder: Embedder) -> Job:
        """Bring the index of a collection up to date in a thread. Raises IndexBusy while another is being indexed."""
        folder, out = self.folder(name), self.index(name)
        with self._lock:
            if self._job is not None and self._job.state == "running":
                raise IndexBusy("error.index_busy", path=self.index(self._job.collection))
            job = self._job = Job(name)
        threading.Thread(target=self._work, args=(job, folder, out, embedder), name="isnad-index", daemon=True).start()
        return job

    @property
    def job(self) -> Job | None:
        """The indexing that runs, or the last one that ran."""
        return self._job

    def _work(self, job: Job, folder: Path, out: Path, embedder: Embedder) -> None:
        def progress(step: str, done: int, total: int) -> None:
            if job.cancel.is_set():
                raise _Cancelled
            job.step, job.done, job.total = step, done, total

        try:
            job.report = build_index(folder, out, embedder, max_bytes=self.max_bytes, ocr=self.ocr, progress=progress)
            job.state = "done"
        except _Cancelled:
            job.state = "cancelled"
        except Exception as error:
            job.error = as_ours(error)
            job.state = "error"


def file_name(raw: str) -> str:
    """A name for an uploaded file that is safe in a folder of any system. Raises BadName when it is no text file's."""
    name = unicodedata.normalize("NFC", raw.replace("\\", "/").rpartition("/")[2])
    name = _UNFIT.sub("_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if not dot or f".{suffix.lower()}" not in SUFFIXES or not stem.strip():
        raise BadName("ui.error_suffix", name=name[:120] or raw[:120], known=" ".join(sorted(SUFFIXES)))
    while len(f"{stem}.{suffix}".encode()) > 200:
        stem = stem[:-1]
    return f"{stem.strip()}.{suffix}"


def whole(value: Any) -> str:
    """A text the page sent, or "" for anything else."""
    return value if isinstance(value, str) else ""
