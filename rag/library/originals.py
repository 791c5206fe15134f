"""The files that documents were read from, as a reader may look at them: whole, or page by page as images."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.documents.formats.page_pictures import RENDERED, PagePicture
from rag.documents.load import MAX_BYTES, largest
from rag.documents.sandbox import ParserProcess
from rag.documents.tree import Limits
from rag.errors import DocumentError
from rag.service.fair_queue import FairQueue

WIDTHS = (600, 900, 1200, 1600, 2200)
"""Widths of a page in pixels; few, so that a page that was drawn is found again."""
_SECONDS = 20
"""Processor time for one page."""
_REMEMBERED = 48 * 2**20
"""Bytes of pages that are kept."""
_IDLE = 120.0
"""Seconds after which the process that draws ends."""
_MOST_WAITING = 40


@dataclass(frozen=True, slots=True)
class Original:
    """The file of a document: its path; `inner` is the id of the document if it stands in an archive or message, else ""."""

    path: Path
    id: str
    inner: str = ""

    @property
    def suffix(self) -> str:
        """The kind of the document itself, in lower case."""
        return PurePosixPath(self.inner or self.id).suffix.lower()

    @property
    def name(self) -> str:
        """The name of the document itself, without folders."""
        return PurePosixPath(self.inner or self.id).name

    @property
    def has_pages(self) -> bool:
        """Whether its pages can be shown."""
        return self.suffix in RENDERED

    def version(self) -> tuple[str, int, int]:
        """Return what changes when the file does. Raises DocumentError if it is gone."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise DocumentError("error.unreadable", name=self.id, reason=error.strerror or str(error)) from error
        return f"{self.path}\0{self.inner}", found.st_mtime_ns, found.st_size


class Originals:
    """Reads the files of documents and draws their pages: one page at a time for all people together, who take turns."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._parser = ParserProcess(Limits(seconds=_SECONDS))
        self._queue = FairQueue(1, most=_MOST_WAITING)
        self._pages: OrderedDict[tuple[object, ...], PagePicture] = OrderedDict()
        self._inner: tuple[tuple[str, int, int], bytes] | None = None
        self._lock = threading.Lock()  # of what is kept, held for moments
        self._working = threading.Lock()  # of the process
        self._closing: threading.Timer | None = None

    async def page(self, caller: str, original: Original, number: int, width: int) -> PagePicture:
        """Return a page, counted from 1, in the smallest of `WIDTHS` that holds `width`. Raises DocumentError, Busy if too many wait."""
        width = next((each for each in WIDTHS if each >= width), WIDTHS[-1])
        key = (*await asyncio.to_thread(original.version), number, width)
        if (known := self._known(key)) is not None:
            return known
        ticket = self._queue.join(caller)
        try:
            async with aclosing(self._queue.places_async(ticket)) as places:
                async for _ in places:
                    pass
            drawing = asyncio.ensure_future(asyncio.to_thread(self._draw, key, original, number, width))
            return await asyncio.shield(drawing)
        finally:
            self._queue.leave(ticket)

    def bytes_of(self, original: Original) -> bytes:
        """Return a document's file; one inside an archive is taken out of it. Raises DocumentError."""
        with self._working:
            return self._bytes(original)

    def _known(self, key: tuple[object, ...]) -> PagePicture | None:
        with self._lock:
            found = self._pages.get(key)
            if found is not None:
                self._pages.move_to_end(key)
            return found

    def _draw(self, key: tuple[object, ...], original: Original, number: int, width: int) -> PagePicture:
        with self._working:
            if (known := self._known(key)) is not None:
                return known
            if self._closing is not None:
                self._closing.cancel()
            try:
                page = self._parser.render(self._bytes(original), original.suffix, original.name, number, width)
            finally:
                self._closing = threading.Timer(_IDLE, self.close)
                self._closing.daemon = True
                self._closing.start()
        with self._lock:
            self._pages[key] = page
            while len(self._pages) > 1 and sum(len(each.data) for each in self._pages.values()) > _REMEMBERED:
                self._pages.popitem(last=False)
        return page

    def close(self) -> None:
        """End the process that draws; the next page starts another."""
        with self._working:
            self._parser.close()
            self._inner = None

    def _bytes(self, original: Original) -> bytes:
        version = original.version()
        limit = largest(original.path.suffix, self._max_bytes)
        if version[2] > limit:
            raise DocumentError("error.too_large", name=original.id, size=f"{version[2] / 2**20:.0f}", limit=f"{limit / 2**20:.0f}")
        if original.inner and self._inner is not None and self._inner[0] == version:
            return self._inner[1]
        try:
            data = original.path.read_bytes()
        except OSError as error:
            raise DocumentError("error.unreadable", name=original.id, reason=error.strerror or str(error)) from error
        if not original.inner:
            return data
        for found in self._parser.unpack(data, original.path.suffix.lower(), original.id):
            if not isinstance(found, DocumentError) and found.id == original.inner:
                self._inner = version, found.data
                return found.data
        raise DocumentError("error.empty_file", name=original.inner)
