"""Files that readers add to a folder of documents, and take out of it.

A removed file, or one that another of the same name takes the place of, goes into a hidden folder beside the others, where the
index does not see it and its owner can find it. It is destroyed only when its owner asks for that.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.documents.load import SUFFIXES, document_paths, largest
from rag.errors import DiskFull, DocumentError, ShawahidError
from rag.library.collections import BadName

HIDDEN = ".removed"
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')


class NoRoom(ShawahidError):
    """A person's collections hold as much as they may; what was there before is untouched."""

    http_status = 507


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that a person's collections may hold, and how to count what they hold now, what is arriving included."""

    most: int
    held: Callable[[], int]


async def receive(folder: Path, file: str, chunks: AsyncIterator[bytes], max_bytes: int, room: Room | None = None) -> str:
    """Write an uploaded file into a folder; returns its id. Raises BadName, DocumentError, NoRoom, DiskFull.

    It appears under its name only when it has arrived whole, and nothing is set aside for it before.
    """
    id = file_name(file)
    part = folder / f".{time.time_ns()}.part"
    size, most = 0, largest(PurePosixPath(id).suffix, max_bytes)
    before = room.held() if room else 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    limit = f"{most / 2**20:.0f}"
                    raise DocumentError("error.too_large", name=id, size=f"> {limit}", limit=limit)
                if room and before + size > room.most:
                    raise _no_room(id, room, before)
                out.write(chunk)
        if room and room.held() > room.most:  # with what has come beside it
            raise _no_room(id, room, room.held() - size)
        if (folder / id).exists():
            set_aside(folder, id)
        part.replace(folder / id)
    except OSError as error:
        raise DiskFull("error.folder_unwritable", path=folder, reason=error.strerror or error) from error
    finally:
        part.unlink(missing_ok=True)
    return id


def remove(folder: Path, id: str) -> None:
    """Take a file out of a folder. Raises BadName when it is not there or the last one, DiskFull."""
    paths = dict(document_paths(folder))
    if id not in paths:
        raise BadName("ui.error_document_gone", name=id[:200])
    if len(paths) == 1:
        raise BadName("ui.error_last_document", name=id)
    try:
        set_aside(folder, paths[id].relative_to(folder).as_posix())
    except OSError as error:
        raise DiskFull("error.folder_unwritable", path=folder, reason=error.strerror or error) from error


def held(folder: Path) -> int:
    """Bytes of all files in a folder, those that were set aside and those that are arriving included."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # it was moved while we looked
                total += (Path(parent) / name).lstat().st_size
    return total


def aside(folder: Path) -> int:
    """Bytes of the files that were removed or replaced."""
    return held(folder / HIDDEN)


def destroy_aside(folder: Path) -> None:
    """Destroy the files that were removed or replaced. Raises DiskFull."""
    try:
        if (folder / HIDDEN).is_dir():
            shutil.rmtree(folder / HIDDEN)
    except OSError as error:
        raise DiskFull("error.folder_unwritable", path=folder / HIDDEN, reason=error.strerror or error) from error


def megabytes(size: int) -> str:
    """A size as people read it, rounded up: "0.1", "12"."""
    return f"{math.ceil(size / 2**20)}" if size >= 10 * 2**20 else f"{math.ceil(size / 2**20 * 10) / 10:g}"


def set_aside(folder: Path, id: str) -> None:
    """Move a file into the hidden folder beside the others."""
    target = folder / HIDDEN / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6}" / PurePosixPath(id)
    target.parent.mkdir(parents=True)
    (folder / id).replace(target)


def _no_room(id: str, room: Room, held: int) -> NoRoom:
    return NoRoom("ui.error_no_room", name=id, limit=megabytes(room.most), held=megabytes(held))


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
