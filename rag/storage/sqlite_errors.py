"""Translate SQLite's errors, by their codes (https://sqlite.org/rescode.html), to the project's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import DiskFailed, DiskFull, IndexBusy, IndexClosed, IndexCorrupt, InvalidRecord, ShawahidError
from rag.files import has_room

_PRIMARY = 0xFF
"""The bits of an extended code that hold the primary one."""
_DAMAGE = frozenset({sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA})
"""Input errors that come from what the file holds, not from the disk under it."""
_WRITES = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMMAP,
    }
)
"""Output errors behind which there may be a full disk: SQLite says SQLITE_FULL only where a write itself fails for want of room."""


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite reports of the database at `path`, and a row that contradicts itself, as an error of the project."""
    try:
        yield
    except sqlite3.Error as error:
        raise index_error(error, path) from error
    except (InvalidRecord, UnicodeDecodeError) as error:  # what SQLite says of a damaged schema quotes it
        raise IndexCorrupt("error.index_damaged", path=path, reason=error) from error


def code_of(error: sqlite3.Error) -> int | None:
    """Return the extended result code; None where the error is of Python's module itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code


def index_error(error: sqlite3.Error, path: Path) -> ShawahidError:
    """Return the error of the project for one of SQLite's."""
    code = code_of(error)
    if code is None:  # a connection that was closed, or bytes that are no text
        if isinstance(error, sqlite3.ProgrammingError):
            return IndexClosed("error.index_closed", path=path.parent)
        return IndexCorrupt("error.index_damaged", path=path, reason=error)
    match code & _PRIMARY:
        case sqlite3.SQLITE_FULL:
            return DiskFull("error.disk_full", path=path.parent)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return IndexBusy("error.index_busy", path=path.parent)
        case sqlite3.SQLITE_READONLY:
            return DiskFull("error.folder_unwritable", path=path.parent, reason=error)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return DiskFailed("error.index_unreadable", path=path.parent, reason=error)
        case sqlite3.SQLITE_MISUSE:
            return IndexClosed("error.index_closed", path=path.parent)
        case sqlite3.SQLITE_IOERR if code not in _DAMAGE:
            if code in _WRITES and not has_room(path.parent):
                return DiskFull("error.disk_full", path=path.parent)
            return DiskFailed("error.disk_failed", path=path.parent, reason=f"{error}, {getattr(error, 'sqlite_errorname', code)}")
    return IndexCorrupt("error.index_damaged", path=path, reason=error)
