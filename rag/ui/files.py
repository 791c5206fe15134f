"""Files that readers add to a folder of documents, and take out of it.

Nothing is destroyed here. A removed file, or one that another of the same name takes the place of, goes into a hidden folder
beside the others, where the index does not see it and its owner can find it.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

from rag.errors import DiskFull, DocumentError
from rag.load import SUFFIXES, document_paths, largest
from rag.ui.collections import BadName

HIDDEN = ".removed"
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')


async def receive(folder: Path, file: str, chunks: AsyncIterator[bytes], max_bytes: int) -> str:
    """Write an uploaded file into a folder; returns its id. Raises BadName, DocumentError, DiskFull.

    It appears under its name only when it has arrived whole.
    """
    id = file_name(file)
    part = folder / f".{time.time_ns()}.part"
    size, most = 0, largest(PurePosixPath(id).suffix, max_bytes)
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


def set_aside(folder: Path, id: str) -> None:
    """Move a file into the hidden folder beside the others."""
    target = folder / HIDDEN / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6}" / PurePosixPath(id)
    target.parent.mkdir(parents=True)
    (folder / id).replace(target)


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
