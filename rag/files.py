"""One writer at a time."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import DiskFull, IndexBusy

_LEAST_FREE = 32 * 2**20  # bytes


@contextmanager
def writing(out: Path, wait: float = 0.0, name: str = ".lock") -> Iterator[None]:
    """Hold a lock of the index folder, by default that of its writer. Raises IndexBusy when another process or thread still does
    after `wait` seconds, DiskFull when there is hardly any room."""
    from filelock import FileLock, Timeout

    try:
        out.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(out).free < _LEAST_FREE:
            raise DiskFull("error.disk_full", path=out)
        lock = FileLock(out / name, timeout=wait)
        lock.acquire()
    except Timeout as error:
        raise IndexBusy("error.index_busy", path=out) from error
    except OSError as error:
        raise _write_error(out, error) from error
    try:
        yield
    except OSError as error:
        raise _write_error(out, error) from error
    finally:
        lock.release()


def _write_error(out: Path, error: OSError) -> DiskFull:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull("error.disk_full", path=out)
    return DiskFull("error.folder_unwritable", path=out, reason=error.strerror or error)
