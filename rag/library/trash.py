"""The trash of a collection: removed and replaced files.

It is a hidden folder next to the documents, where the index does not see them and their owner can find them. They leave the disk only
when the owner empties it.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath

from rag.documents.filter_values import is_inside
from rag.documents.load import document_paths
from rag.documents.source_notes import note_path
from rag.files import folder_bytes, make_private, write_error
from rag.library.collections import BadName

TRASH = ".removed"


def remove(folder: Path, id: str) -> None:
    """Move a document of a folder to the trash. Raises BadName if it is missing, DiskFull."""
    paths = dict(document_paths(folder))
    if outer := next((path for path in paths if is_inside(id, path)), ""):
        raise BadName("ui.error_inside_file", name=id[:200], file=outer)
    if id not in paths:
        raise BadName("ui.error_document_gone", name=id[:200])
    try:
        move_to_trash(folder, paths[id].relative_to(folder).as_posix())
    except OSError as error:
        raise write_error(folder, error) from error


def remove_all(folder: Path) -> None:
    """Move all documents of a folder to the trash. Raises DiskFull."""
    try:
        for _, path in list(document_paths(folder)) if folder.is_dir() else ():
            move_to_trash(folder, path.relative_to(folder).as_posix())
    except OSError as error:
        raise write_error(folder, error) from error


def move_to_trash(folder: Path, id: str) -> None:
    """Move a file of a folder to its trash, with the note of where it came from. Raises OSError."""
    target = folder / TRASH / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**6}" / PurePosixPath(id)
    make_private(target.parent)
    (folder / id).replace(target)
    with suppress(FileNotFoundError):
        note_path(folder / id).replace(note_path(target))


def trash_bytes(folder: Path) -> int:
    """Return the size in bytes of the removed or replaced files."""
    return folder_bytes(folder / TRASH)


def empty_trash(folder: Path) -> None:
    """Delete the removed or replaced files for good. Raises DiskFull."""
    try:
        if (folder / TRASH).is_dir():
            shutil.rmtree(folder / TRASH)
    except OSError as error:
        raise write_error(folder / TRASH, error) from error
