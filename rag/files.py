"""Files that are written whole or not at all, locks between processes, and the folders that the system gives each user."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rag.errors import DiskFailed, DiskFull, IndexBusy, ShawahidError

PARTIAL = ".partial"
"""How the name of a file ends that is being written."""
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if os.name == "nt" else ()
"""Seconds between attempts to replace a file that is open."""
_LEAST_FREE = 32 * 2**20
"""Bytes without which a build is not begun."""
_A_LITTLE = 2**20
"""In bytes. A disk with less has no room for a database's side files or for writing a file."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FAILING = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE})


@contextmanager
def write_atomically(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a hidden temporary name next to `path` to write to; it is renamed to `path` at the end of the block, or removed where that
    raises.

    A reader of `path` finds all of the old content or all of the new. `durable` has the content and the name on disk before this
    returns; without it a power cut may undo the change. Raises OSError, which `write_error` translates.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        yield partial
        if durable:
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
        _replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def _replace(partial: Path, path: Path) -> None:
    """Rename a file over another. Windows refuses that while somebody reads the other, which is over in a moment. Raises OSError."""
    for pause in _PAUSES:
        try:
            partial.replace(path)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    partial.replace(path)


def make_private(folder: Path) -> None:
    """Create a folder, with those above it, that only this user can enter. One that exists is left as it is. Raises OSError."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def create_private(path: Path, like: Path | None = None) -> None:
    """Create an empty file that only this user can read, or those who can read the file `like`. One that exists is left as it is. Where
    there can't be one, no error is raised: writing it raises one."""
    mode = 0o600
    with suppress(OSError):
        mode = stat.S_IMODE(like.stat().st_mode) if like is not None else mode
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))


def sync_folder(folder: Path) -> None:
    """Make renames durable where the system allows a folder to be flushed."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def has_room(folder: Path) -> bool:
    """Return whether anything at all can be written to the disk under a folder."""
    try:
        return shutil.disk_usage(folder).free >= _A_LITTLE
    except OSError:
        return True


def folder_bytes(folder: Path) -> int:
    """Return the size in bytes of all files in a folder, hidden ones and those that are being written included."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # it was moved while we looked
                total += (Path(parent) / name).lstat().st_size
    return total


def write_error(folder: Path, error: OSError) -> DiskFull | DiskFailed:
    """Return the project's error for a failure to write in `folder`."""
    reason = error.strerror or error
    if error.errno in _NO_ROOM:
        return DiskFull("error.disk_full", path=folder)
    if error.errno in _FAILING:
        return DiskFailed("error.disk_failed", path=folder, reason=reason)
    return DiskFull("error.folder_unwritable", path=folder, reason=reason)


# --- locks ----------------------------------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path, wait: float | None, busy: ShawahidError) -> Iterator[None]:
    """Hold a lock file, which goes with the process that holds it. Raises `busy` when another process or thread still holds it after
    `wait` seconds (None: wait for as long as it takes), OSError when there can't be one."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait is None else wait)
    except Timeout as error:
        raise busy from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(out: Path, wait: float = 0.0, name: str = ".lock") -> Iterator[None]:
    """Hold a lock of the index folder, by default that of its writer. Raises IndexBusy when another process or thread still does
    after `wait` seconds, DiskFull when there is hardly any room, DiskFailed."""
    try:
        make_private(out)
        if shutil.disk_usage(out).free < _LEAST_FREE:
            raise DiskFull("error.disk_full", path=out)
        with locked(out / name, wait, IndexBusy("error.index_busy", path=out)):
            yield
    except OSError as error:
        raise write_error(out, error) from error


# --- the user's folders ---------------------------------------------------------------------------------------------------


def user_cache() -> Path:
    """Return the folder where this user's programs keep what can be rebuilt or downloaded again."""
    from platformdirs import user_cache_path

    return user_cache_path("shawahid", appauthor=False)


def user_data() -> Path:
    """Return the folder where this user's programs keep what cannot be rebuilt."""
    from platformdirs import user_data_path

    return user_data_path("shawahid", appauthor=False)


def user_settings() -> Path:
    """Return the folder where this user's programs keep their settings."""
    from platformdirs import user_config_path

    return user_config_path("shawahid", appauthor=False)


def blank(path: Path) -> None:
    """Overwrite a file with blanks in place: one that is only removed or replaced stays on the disk for a while. Raises OSError."""
    with path.open("r+b") as file:
        file.write(b" " * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())
