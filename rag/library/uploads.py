"""Files that readers add to a collection: received whole, under a safe name, within the size limit of their owner."""

from __future__ import annotations

import asyncio
import math
import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.documents.load import SUFFIXES, largest
from rag.documents.source_notes import write_source_note
from rag.documents.web import WebPage
from rag.errors import DocumentError, ShawahidError
from rag.files import make_private, write_atomically, write_error
from rag.library.collections import BadName
from rag.library.trash import move_to_trash

_UNFIT = re.compile(r'[/\\:*?"<>|]')
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what a name does not show: controls, marks of direction, halves of surrogate pairs, line separators."""
_DEPTH, _LONGEST_FOLDER = 10, 600  # folders above a document, and bytes of their names
_JOINERS = "\u200c\u200d"  # invisible as well, but part of how a word is written
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:\.|$)", re.IGNORECASE)
"""Names of devices on Windows, with any ending."""


class NoRoom(ShawahidError):
    """A person's collections, or those of all together, have reached their size limit; what was there before is unchanged."""

    http_status = 507


@dataclass(frozen=True, slots=True)
class Room:
    """A size limit in bytes, a function that counts what is held, uploads included, and the message for a file that does not fit."""

    most: int
    held: Callable[[], int]
    message: str = "ui.error_no_room"

    def refuse(self, name: str, held: int) -> NoRoom:
        """Return the error for something that does not fit."""
        return NoRoom(self.message, name=name, limit=megabytes(self.most), held=megabytes(held))


async def receive(folder: Path, id: str, chunks: AsyncIterator[bytes], max_bytes: int, rooms: Sequence[Room] = ()) -> str:
    """Write an uploaded file into a folder, under an id of `file_name` or `file_path`, and return the id. Raises DocumentError, NoRoom,
    DiskFull.

    The file appears under its name only when it is complete, and nothing is moved to the trash for it before.
    """
    size, most = 0, largest(PurePosixPath(id).suffix, max_bytes)
    before = await asyncio.to_thread(lambda: [(room, room.held()) for room in rooms])
    try:
        make_private((folder / id).parent)
        with write_atomically(folder / id, durable=False) as part:
            with part.open("wb") as out:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        limit = f"{most / 2**20:.0f}"
                        raise DocumentError("error.too_large", name=id, size=f"> {limit}", limit=limit)
                    for room, held in before:
                        if held + size > room.most:
                            raise room.refuse(id, held)
                    out.write(chunk)
            for room in rooms:
                held = await asyncio.to_thread(room.held)  # the part that has arrived included
                if held > room.most:
                    raise room.refuse(id, held - size)
            if (folder / id).exists():
                move_to_trash(folder, id)
    except OSError as error:
        raise write_error(folder, error) from error
    return id


async def receive_page(folder: Path, page: WebPage, max_bytes: int, rooms: Sequence[Room] = ()) -> str:
    """Write a web page into a folder, with a note of its address and date, and return its id. Raises as `receive` does."""

    async def data() -> AsyncIterator[bytes]:
        yield page.data

    id = await receive(folder, file_name(page.name), data(), max_bytes, rooms)
    try:
        write_source_note(folder / id, page.sha256, page.metadata)
    except OSError as error:
        raise write_error(folder, error) from error
    return id


def megabytes(size: int) -> str:
    """Return a size in MB for display, rounded up: "0.1", "12"."""
    return f"{math.ceil(size / 2**20)}" if size >= 10 * 2**20 else f"{math.ceil(size / 2**20 * 10) / 10:g}"


def file_path(raw: str) -> str:
    """Return a path for a document, with `/` between folders, each part of which is safe on any system. Raises BadName."""
    *folders, name = raw.split("/")
    parts = [_safe(part) for part in folders]
    if not all(parts) or len(parts) > _DEPTH or {".", ".."} & set(folders) or len("/".join(parts).encode()) > _LONGEST_FOLDER:
        raise BadName("ui.error_path", name=raw[:120])
    return "/".join([*parts, file_name(name)])


def file_name(raw: str) -> str:
    """Return a name for an uploaded file that is safe on any system. Raises BadName if it is not the name of a supported document."""
    name = _safe(raw.replace("\\", "/").rpartition("/")[2])
    stem, dot, suffix = name.rpartition(".")
    if not dot or f".{suffix.lower()}" not in SUFFIXES or not stem.strip():
        raise BadName("ui.error_suffix", name=name[:120] or raw[:120], known=" ".join(sorted(SUFFIXES)))
    while len(f"{stem}.{suffix}".encode()) > 200:
        stem = stem[:-1]
    return f"{stem.strip()}.{suffix}"


def _safe(raw: str) -> str:
    """Return a name without what a system does not allow in one; "" if nothing is left."""
    shown = "".join("_" if _is_invisible(character) else character for character in unicodedata.normalize("NFC", raw))
    name = _UNFIT.sub("_", shown).strip(" .")
    return f"_{name}" if _RESERVED.match(name) else name


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE and character not in _JOINERS
