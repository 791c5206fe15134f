"""Files that readers add to a collection: received whole, under a safe name, within the size limit of their owner."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.documents.load import SUFFIXES, largest
from rag.documents.source_notes import write_source_note
from rag.documents.web import WebPage
from rag.errors import DocumentError, ShawahidError
from rag.files import write_atomically, write_error
from rag.library.collections import BadName
from rag.library.trash import move_to_trash

_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')


class NoRoom(ShawahidError):
    """A person's collections have reached their size limit; what was there before is unchanged."""

    http_status = 507


@dataclass(frozen=True, slots=True)
class Room:
    """The size limit of a person's collections in bytes, and a function that counts what they hold, uploads included."""

    most: int
    held: Callable[[], int]


async def receive(folder: Path, file: str, chunks: AsyncIterator[bytes], max_bytes: int, room: Room | None = None) -> str:
    """Write an uploaded file into a folder and return its id. Raises BadName, DocumentError, NoRoom, DiskFull.

    The file appears under its name only when it is complete, and nothing is moved to the trash for it before.
    """
    id = file_name(file)
    size, most = 0, largest(PurePosixPath(id).suffix, max_bytes)
    before = room.held() if room else 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(folder / id, durable=False) as part:
            with part.open("wb") as out:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        limit = f"{most / 2**20:.0f}"
                        raise DocumentError("error.too_large", name=id, size=f"> {limit}", limit=limit)
                    if room and before + size > room.most:
                        raise _no_room(id, room, before)
                    out.write(chunk)
            if room and room.held() > room.most:  # the part that has arrived included
                raise _no_room(id, room, room.held() - size)
            if (folder / id).exists():
                move_to_trash(folder, id)
    except OSError as error:
        raise write_error(folder, error) from error
    return id


async def receive_page(folder: Path, page: WebPage, max_bytes: int, room: Room | None = None) -> str:
    """Write a web page into a folder, with a note of its address and date, and return its id. Raises as `receive` does."""

    async def data() -> AsyncIterator[bytes]:
        yield page.data

    id = await receive(folder, page.name, data(), max_bytes, room)
    try:
        write_source_note(folder / id, page.sha256, page.metadata)
    except OSError as error:
        raise write_error(folder, error) from error
    return id


def megabytes(size: int) -> str:
    """Return a size in MB for display, rounded up: "0.1", "12"."""
    return f"{math.ceil(size / 2**20)}" if size >= 10 * 2**20 else f"{math.ceil(size / 2**20 * 10) / 10:g}"


def _no_room(id: str, room: Room, held: int) -> NoRoom:
    return NoRoom("ui.error_no_room", name=id, limit=megabytes(room.most), held=megabytes(held))


def file_name(raw: str) -> str:
    """Return a name for an uploaded file that is safe on any system. Raises BadName if it is not the name of a supported document."""
    name = unicodedata.normalize("NFC", raw.replace("\\", "/").rpartition("/")[2])
    name = _UNFIT.sub("_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if not dot or f".{suffix.lower()}" not in SUFFIXES or not stem.strip():
        raise BadName("ui.error_suffix", name=name[:120] or raw[:120], known=" ".join(sorted(SUFFIXES)))
    while len(f"{stem}.{suffix}".encode()) > 200:
        stem = stem[:-1]
    return f"{stem.strip()}.{suffix}"
