"""Zip archives from untrusted sources: inspected before anything is unpacked, read member by member, never written to disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from rag.documents.tree import Limits
from rag.errors import DocumentError

_MOST_MEMBERS = 20_000
_ENCRYPTED = 0x1
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
"""An entry of the compound files in which Office keeps a document with a password."""


@contextmanager
def open_archive(data: bytes, name: str, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open the archive that an office document or a book is, if its declared size when unpacked is within the limit. Raises DocumentError.

    A member is never longer than the archive declares: `zipfile` reads no further. Names are only looked up, so a path that climbs out of
    the archive names nothing.
    """
    with open_zip(data, name, limits) as archive:
        members = archive.infolist()
        if sum(entry.file_size for entry in members) > limits.unpacked:
            raise DocumentError("error.unpacks_too_much", name=name, limit=f"{limits.unpacked / 2**20:.0f}")
        if any(is_encrypted(entry) for entry in members):
            raise DocumentError("error.protected", name=name)
        yield archive


@contextmanager
def open_zip(data: bytes, name: str, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open an archive whatever is in it: the caller looks at each member before it is unpacked. Raises DocumentError."""
    if data.startswith(_COMPOUND):
        if _PROTECTED in data:
            raise DocumentError("error.protected", name=name)
        raise DocumentError("error.damaged", name=name, reason="a file of Office 97-2003")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > _MOST_MEMBERS:
                raise DocumentError("error.unpacks_too_much", name=name, limit=f"{limits.unpacked / 2**20:.0f}")
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zipfile.LargeZipFile) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    """Return whether a member can be read with a password only."""
    return bool(entry.flag_bits & _ENCRYPTED)


def member(archive: zipfile.ZipFile, path: str | zipfile.ZipInfo, name: str) -> bytes:
    """Return one member's bytes. Raises DocumentError if it is missing or damaged."""
    import zlib

    try:
        return archive.read(path)
    except KeyError as error:
        raise DocumentError("error.damaged", name=name, reason=f"no {path}"[:200]) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
