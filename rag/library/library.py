"""The document collections behind the window, as each person may see and change them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from rag.answering.chatbot import Chatbot
from rag.documents.filter_values import UNREAD
from rag.documents.formats.readers import NESTED
from rag.documents.load import MAX_BYTES, document_path, document_paths
from rag.documents.web import WebPage, fetch_page
from rag.errors import IndexBusy, IndexMissing
from rag.files import folder_bytes
from rag.library import ocr_files, trash, uploads
from rag.library.collections import FIRST, BadName, Collection, Collections, NotYours
from rag.library.feedback import feedback_bytes, feedback_count, forget_feedback, question_set
from rag.library.identity import OPERATOR, is_same
from rag.library.jobs import Indexing, Job
from rag.library.originals import Original, Originals
from rag.library.views import View, about_view, error_view
from rag.library.watching import Watching
from rag.models.embedder import Embedder
from rag.retrieval.index import Index
from rag.storage.build import BuildReport, build_index, remove_folder_documents

_FETCHED_AT_ONCE = 2
"""Web pages fetched at the same time, for all people together; the others wait."""


_PICTURES = ("error.pages_pictures", "error.pages_garbled")


class Library:
    """The collections under one folder, and the one that the settings name. Access is through a person's `Shelf`."""

    def __init__(
        self,
        home: Path,
        documents: Path,
        index: Path,
        *,
        max_bytes: int = MAX_BYTES,
        quota: int = 0,
        total_quota: int = 0,
        feedback: Path | None = None,
        ocr: bool = False,
        published: Callable[[Path], object] = lambda index: None,
    ) -> None:
        """`quota` limits the bytes of a person's files and of their feedback in the folder `feedback`; `total_quota` those of all people
        together (0: no limit; the operator has none). `published` is called with the folder of an index after each change of it."""
        self.home = home
        self.quota = quota
        self.total_quota = total_quota
        self.feedback = feedback
        self.published = published
        self.max_bytes = max_bytes
        self.ocr = ocr
        self.originals = Originals(max_bytes)
        self.watching = Watching(home / "watched.json")
        self.fetchers = ThreadPoolExecutor(_FETCHED_AT_ONCE, thread_name_prefix="web-page")
        self._collections = Collections(home, documents, index)
        self._indexing = Indexing()
        self._chatbots: dict[str, Chatbot] = {}
        self._lock = threading.Lock()

    def of(self, person: str) -> Shelf:
        """Return one person's view of the library."""
        return Shelf(self, person, self._collections, self._indexing)

    def adopt(self, person: str, by: str) -> bool:
        """Transfer everything one person owns to another; return False if that other person owns no collection. Raises DiskFull."""
        if not self.owns(by):
            return False
        self.transfer(person, by)
        return True

    def transfer(self, person: str, by: str) -> None:
        """Transfer everything one person owns to another, known or not. Raises DiskFull."""
        self._collections.transfer(person, by)
        self._indexing.adopt(person, by)

    def owns(self, person: str) -> bool:
        """Return whether a person owns a collection."""
        return bool(self._collections.own(person))

    def _forget(self, id: str) -> None:
        """Drop an index that was deleted. Work that still reads it ends by itself: open files stay readable until then."""
        with self._lock:
            self._chatbots.pop(id, None)

    def _chatbot(self, collection: Collection, base: Chatbot) -> Chatbot:
        if collection.id == FIRST:
            return base
        with self._lock:
            known = self._chatbots.get(collection.id)
            if known is None or known.generator is not base.generator:
                try:
                    index = known.index if known else Index.open(collection.index, base.index.embedder)
                except IndexMissing as error:  # also where the first indexing was cancelled
                    raise BadName("ui.error_collection_empty", name=collection.name) from error
                known = self._chatbots[collection.id] = base.over(index)
            return known


class Shelf:
    """One person's view of a library. Every access to a document goes through it.

    `id` is always that of a collection. Raises BadName if it does not exist or is not visible to this person, NotYours on a change to
    someone else's shared collection.
    """

    def __init__(self, library: Library, person: str, collections: Collections, indexing: Indexing) -> None:
        self._library = library
        self._person = person
        self._collections = collections
        self._indexing = indexing

    # --- collections ------------------------------------------------------------------------------------------------------

    def collections(self) -> list[Collection]:
        """Return the collections this person may see, that of the settings first."""
        return self._collections.visible(self._person)

    def sees(self, id: str) -> bool:
        """Return whether this person may see such a collection."""
        return any(each.id == id for each in self.collections())

    def owns(self, collection: Collection) -> bool:
        """Return whether this person may change it."""
        return is_same(collection.owner, self._person)

    def rows(self) -> list[View]:
        """Return the collections as the page shows them. With a single person there is nobody to share with."""
        return [
            {
                "id": each.id,
                "name": each.name,
                "mine": self.owns(each),
                "shared": each.shared,
                "shareable": self.owns(each) and self._person != OPERATOR,
            }
            for each in self.collections()
        ]

    def create(self, name: str) -> Collection:
        """Create an empty collection, visible to nobody else."""
        return self._collections.create(name, self._person)

    def share(self, id: str, shared: bool) -> Collection:
        """Make a collection visible to everyone, or to this person only."""
        return self._collections.share(id, self._person, shared)

    def rename(self, id: str, name: str) -> Collection:
        """Give a collection another name. Raises BadName, NotYours, DiskFull."""
        return self._collections.rename(id, self._person, name)

    def empty(self, id: str) -> None:
        """Move all documents of a collection to its trash; the next build, with `emptied`, updates the index. Raises as `delete` does."""
        trash.remove_all(self._idle(id).documents)

    def delete(self, id: str) -> None:
        """Delete a collection for good, and the questions that complaints about it became. Raises IndexBusy, DiskFull."""
        collection, library = self._idle(id), self._library
        library._forget(collection.id)  # Windows refuses to move files that are open
        self._collections.delete(collection.id, self._person)
        library._forget(collection.id)  # whoever asked meanwhile has opened it again
        if library.feedback is not None:
            question_set(library.feedback, collection.id).unlink(missing_ok=True)

    def _idle(self, id: str) -> Collection:
        """Return a collection of this person that is not being indexed. Raises BadName, NotYours, IndexBusy."""
        collection = self._collections.changeable(id, self._person)
        if self._indexing.is_busy(collection.id):
            raise IndexBusy("ui.error_indexing")
        return collection

    def chatbot(self, id: str, base: Chatbot) -> Chatbot:
        """Return a chatbot over a collection, with the models of `base`. Raises BadName, also if nothing is indexed in it yet."""
        return self._library._chatbot(self._collections.readable(id, self._person), base)

    # --- files ------------------------------------------------------------------------------------------------------------

    def documents(self, id: str, base: Chatbot) -> list[View]:
        """Return every document of a collection; of files that are not indexed, only the name is known, and under "problem" why this
        person's last indexing could not read them."""
        collection = self._collections.readable(id, self._person)
        try:
            infos = self._library._chatbot(collection, base).index.documents()
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
                "unread": ocr_files.count_pages(info.metadata.get(UNREAD, "")),
                **about_view(info.id, info.metadata),
            }
            for info in infos
        }
        problems = self._indexing.problems(self._person, id)
        for document, _ in document_paths(collection.documents) if collection.documents.is_dir() else ():
            if document in rows:
                continue
            error = problems.get(document)
            rows[document] = {
                "id": document,
                "title": "",
                "language": "",
                "characters": None,
                "passages": None,
                "added": "",
                "problem": error_view(error) if error else None,
                "unread": ocr_files.count_pages(str(error.fields.get("pages", ""))) if error and error.key in _PICTURES else 0,
                **about_view(document, {}),
            }
        return sorted(rows.values(), key=lambda row: str(row["id"]))

    def original(self, id: str, document: str) -> Original:
        """Return the file that a document of a collection was read from. Raises BadName if there is none."""
        folder = self._collections.readable(id, self._person).documents
        if (path := document_path(folder, document)) is not None:
            return Original(path, document)
        outer, parts = "", document.split("/")
        for part in parts[:-1]:
            outer = f"{outer}/{part}" if outer else part
            if PurePosixPath(outer).suffix.lower() in NESTED and (path := document_path(folder, outer)) is not None:
                return Original(path, outer, document)
        raise BadName("ui.error_original_gone", name=document[:200])

    async def receive(self, id: str, file: str, chunks: AsyncIterator[bytes]) -> str:
        """Write an uploaded file into a collection and return its id. Raises BadName, NotYours, DocumentError, NoRoom, DiskFull."""
        return await self._receive(id, uploads.file_name(file), chunks)

    async def receive_at(self, id: str, path: str, chunks: AsyncIterator[bytes]) -> str:
        """Write a file into a collection, at a path with `/` between folders, and return its id. Raises as `receive` does."""
        return await self._receive(id, uploads.file_path(path), chunks)

    async def _receive(self, id: str, safe: str, chunks: AsyncIterator[bytes]) -> str:
        folder = self._collections.changeable(id, self._person).documents
        return await uploads.receive(folder, safe, chunks, self._library.max_bytes, self._rooms())

    async def receive_page(self, id: str, address: str, fetch: Callable[[str, int], WebPage] = fetch_page) -> str:
        """Fetch a web page into a collection, with its address and the date, and return its id. Raises as `receive` does."""
        folder = self._collections.changeable(id, self._person).documents
        loop, library = asyncio.get_running_loop(), self._library
        page = await loop.run_in_executor(library.fetchers, fetch, address, library.max_bytes)
        return await uploads.receive_page(folder, page, library.max_bytes, self._rooms())

    def _rooms(self) -> list[uploads.Room]:
        """Return the limits that what this person stores must keep to."""
        if self._person == OPERATOR:
            return []
        limits = [
            uploads.Room(self._library.quota, self._held),
            uploads.Room(self._library.total_quota, self._held_by_all, "ui.error_no_room_for_all"),
        ]
        return [room for room in limits if room.most]

    def admit_feedback(self, size: int) -> None:
        """Raise NoRoom if feedback of that many bytes does not fit next to what is held."""
        for room in self._rooms():
            held = room.held()
            if held + size > room.most:
                raise uploads.NoRoom("ui.error_no_room_for_feedback", limit=uploads.megabytes(room.most), held=uploads.megabytes(held))

    def room(self, id: str) -> View:
        """Return the megabytes that this person's collections hold, their limit ("" for the operator, who has none), and the size of
        removed files in one of them."""
        collection = self._collections.readable(id, self._person)
        limited = self._person != OPERATOR and bool(self._library.quota)
        return {
            "held": uploads.megabytes(self._held()) if limited else "",
            "most": uploads.megabytes(self._library.quota) if limited else "",
            "aside": uploads.megabytes(trash.trash_bytes(collection.documents)) if self.owns(collection) else "0",
        }

    def empty_trash(self, id: str) -> None:
        """Delete a collection's removed or replaced files for good. Raises BadName, NotYours, DiskFull."""
        trash.empty_trash(self._collections.changeable(id, self._person).documents)

    def stored(self) -> View:
        """Return what is stored of this person here: their collections, the files in them, removed ones included, and their feedback."""
        own, library = self._collections.own(self._person), self._library
        return {
            "collections": len(own),
            "files": sum(1 for each in own for path in each.documents.rglob("*") if path.is_file()),
            "megabytes": uploads.megabytes(sum(folder_bytes(each.documents) for each in own)),
            "feedback": feedback_count(library.feedback, self._person),
        }

    def forget_collections(self) -> None:
        """Delete all collections of this person for good. Raises IndexBusy, DiskFull."""
        for each in self._collections.own(self._person):
            self.delete(each.id)

    def forget_feedback(self) -> None:
        """Delete this person's feedback for good. Raises DiskFull."""
        forget_feedback(self._library.feedback, self._person)

    def _held(self) -> int:
        files = sum(folder_bytes(each.documents) for each in self._collections.own(self._person))
        return files + feedback_bytes(self._library.feedback, self._person)

    def _held_by_all(self) -> int:
        files = sum(folder_bytes(each.documents) for each in self._collections.of_readers())
        return files + feedback_bytes(self._library.feedback)

    def remove(self, id: str, file: str) -> None:
        """Remove a file from a collection; the next build, with `emptied`, updates the index. Raises BadName."""
        trash.remove(self._collections.changeable(id, self._person).documents, file)

    def watches(self, id: str) -> bool | None:
        """Return whether a collection's folder is watched; None if this person can't choose it."""
        return id in self._library.watching.ids() if self._person == OPERATOR else None

    def watch(self, id: str, on: bool) -> None:
        """Watch the folder of a collection, or no longer; only the operator can put files there. Raises BadName, NotYours, DiskFull."""
        collection = self._collections.changeable(id, self._person)
        if self._person != OPERATOR:
            raise NotYours("ui.error_collection_not_yours")
        self._library.watching.choose(collection.id, on)

    def watched_folder(self, id: str) -> Path | None:
        """Return the folder of a collection, or None if there is none of that id."""
        return next((each.documents for each in self.collections() if each.id == id), None)

    def read_with_ocr(self, id: str, file: str, on: bool) -> None:
        """Have a file of a collection read with OCR from the next build on, or no longer. Raises BadName, NotYours, DiskFull."""
        folder = self._collections.changeable(id, self._person).documents
        if document_path(folder, file) is None:
            raise BadName("ui.error_document_gone", name=file[:200])
        ocr_files.choose(folder, file, on)

    # --- indexing ---------------------------------------------------------------------------------------------------------

    def build(self, id: str, embedder: Embedder, *, emptied: bool = False) -> Job:
        """Bring a collection's index up to date in a thread. Raises IndexBusy if it is being indexed.

        A folder without documents is an error, for it may not be mounted, unless they were removed just now: `emptied`.
        """
        collection, library = self._collections.changeable(id, self._person), self._library

        def build(progress: Any) -> BuildReport:
            if emptied and not any(document_paths(collection.documents)):
                return remove_folder_documents(collection.index)
            return build_index(
                collection.documents,
                collection.index,
                embedder,
                max_bytes=library.max_bytes,
                ocr=library.ocr or ocr_files.chosen(collection.documents),
                progress=progress,
            )

        return self._indexing.begin(collection.id, self._person, build, lambda: library.published(collection.index))

    def wait_for_jobs(self, id: str) -> None:
        """Block until no indexing job of a collection, of any person, is running or waiting. Raises BadName, NotYours."""
        self._indexing.wait(self._collections.changeable(id, self._person).id)

    def job(self, id: str) -> Job | None:
        """Return an indexing job that this person started, by its id."""
        return self._indexing.find(id, self._person)

    def last_job(self, collection: str | None = None) -> Job | None:
        """Return this person's running indexing job, or their last one."""
        return self._indexing.last(self._person, collection)


def text_or_empty(value: Any) -> str:
    """Return a text that the page sent, or "" for anything else."""
    return value if isinstance(value, str) else ""
