"""The document collections behind the window, as each person may see and change them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from rag.answering.chatbot import Chatbot
from rag.documents.formats.readers import NESTED
from rag.documents.load import MAX_BYTES, document_path, document_paths
from rag.documents.web import WebPage, fetch_page
from rag.errors import IndexMissing
from rag.files import folder_bytes
from rag.library import trash, uploads
from rag.library.collections import FIRST, BadName, Collection, Collections
from rag.library.feedback import feedback_bytes
from rag.library.identity import OPERATOR, is_same
from rag.library.jobs import Indexing, Job
from rag.library.originals import Original, Originals
from rag.library.views import View, about_view, error_view
from rag.models.embedder import Embedder
from rag.retrieval.index import Index
from rag.storage.build import BuildReport, build_index

_FETCHED_AT_ONCE = 2
"""Web pages fetched at the same time, for all people together; the others wait."""


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
                **about_view(info.id, info.metadata),
            }
            for info in infos
        }
        problems = self._indexing.problems(self._person, id)
        for document, _ in document_paths(collection.documents) if collection.documents.is_dir() else ():
            problem = error_view(problems[document]) if document in problems else None
            blank = {"id": document, "title": "", "language": "", "characters": None, "passages": None, "added": "", "problem": problem}
            rows.setdefault(document, blank | about_view(document, {}))
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

    def room(self, id: str) -> View | None:
        """Return the megabytes that this person's collections hold, their limit, and the size of removed files in one of them.

        Returns None if there is no limit.
        """
        if self._person == OPERATOR:
            return None
        collection = self._collections.readable(id, self._person)
        return {
            "held": uploads.megabytes(self._held()),
            "most": uploads.megabytes(self._library.quota) if self._library.quota else "",
            "aside": uploads.megabytes(trash.trash_bytes(collection.documents)) if self.owns(collection) else "0",
        }

    def empty_trash(self, id: str) -> None:
        """Delete a collection's removed or replaced files for good. Raises BadName, NotYours, DiskFull."""
        trash.empty_trash(self._collections.changeable(id, self._person).documents)

    def _held(self) -> int:
        files = sum(folder_bytes(each.documents) for each in self._collections.own(self._person))
        return files + feedback_bytes(self._library.feedback, self._person)

    def _held_by_all(self) -> int:
        files = sum(folder_bytes(each.documents) for each in self._collections.of_readers())
        return files + feedback_bytes(self._library.feedback)

    def remove(self, id: str, file: str) -> None:
        """Remove a file from a collection; the next build updates the index. Raises BadName if it is the last one."""
        trash.remove(self._collections.changeable(id, self._person).documents, file)

    # --- indexing ---------------------------------------------------------------------------------------------------------

    def build(self, id: str, embedder: Embedder) -> Job:
        """Bring a collection's index up to date in a thread. Raises IndexBusy if it is being indexed."""
        collection, library = self._collections.changeable(id, self._person), self._library

        def build(progress: Any) -> BuildReport:
            return build_index(
                collection.documents, collection.index, embedder, max_bytes=library.max_bytes, ocr=library.ocr, progress=progress
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
