"""Files that hold documents: archives, and e-mail with attachments. Each document inside is one of its own, named after the file."""

from __future__ import annotations

import contextlib
import unicodedata
import zipfile
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from rag.documents.formats.html import read_html
from rag.documents.formats.readers import NESTED, PACKED, SUFFIXES, kinds
from rag.documents.formats.safe_zip import is_encrypted, member, open_zip
from rag.documents.tree import Content, InnerFile, Limits, TreeWriter
from rag.errors import DocumentError
from rag.text.folding import nfc

_MOST_DOCUMENTS = 500
_MOST_COMPRESSED = 200
"""The highest accepted compression ratio of a member: texts reach 10 to 50, ZIP bombs a thousand."""
_SMALL = 2**20
"""Bytes up to which any compression ratio is accepted."""
_PACKED_SHARE = 4
"""How many times larger than a text a member with pictures may be."""
_LONGEST_NAME = 200
_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_KEPT_FORMAT = "\u200c"
"""The zero-width non-joiner, which Persian words are spelled with."""


def read_zip(data: bytes, name: str, limits: Limits) -> Content:
    """Return a content without text that says how many documents an archive holds. Raises DocumentError if it is damaged or too large, or
    holds none."""
    with open_zip(data, name, limits) as archive:
        inside = len(_entries(archive, name))
    if not inside:
        raise DocumentError("error.empty_file", name=name)
    return Content("", inside=inside)


def unpack_zip(data: bytes, name: str, limits: Limits) -> Iterator[InnerFile | DocumentError]:
    """Yield the documents of an archive in the order of their names, and an error for each that cannot be had. Raises DocumentError."""
    left = limits.unpacked
    with open_zip(data, name, limits) as archive:
        entries = sorted(_entries(archive, name), key=lambda entry: (_readable_name(entry), entry.filename))  # two may have one name
        for id, entry in zip(_ids(name, [_readable_name(entry) for entry in entries]), entries, strict=True):
            try:
                _refuse_member(entry, id, min(left, _largest(id, limits)))
                content = member(archive, entry, id)
            except DocumentError as error:
                yield error
            else:
                left -= len(content)
                yield InnerFile(id, content)


def _entries(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Return the members that somebody packed: no folders, and no files that systems add. Raises DocumentError if they are too many."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_hidden(entry.filename)]
    if len(entries) > _MOST_DOCUMENTS:
        raise DocumentError("error.too_many_documents", name=name, count=len(entries), limit=_MOST_DOCUMENTS)
    return entries


def _refuse_member(entry: zipfile.ZipInfo, id: str, largest: int) -> None:
    """Raise DocumentError for a member that is not to be unpacked."""
    _refuse_kind(id)
    if is_encrypted(entry):
        raise DocumentError("error.protected", name=id)
    if entry.file_size > _SMALL and entry.file_size > _MOST_COMPRESSED * entry.compress_size:
        raise DocumentError("error.compressed_too_much", name=id, limit=_MOST_COMPRESSED)
    if entry.file_size > largest:
        raise DocumentError("error.too_large", name=id, size=f"{entry.file_size / 2**20:.0f}", limit=f"{largest / 2**20:.0f}")


def _refuse_kind(id: str) -> None:
    """Raise DocumentError for a file that is not read inside another one."""
    suffix = PurePosixPath(id).suffix.lower()
    if suffix in NESTED:
        raise DocumentError("error.nested_container", name=id)
    if suffix not in SUFFIXES:
        raise DocumentError("error.unknown_kind", name=id, kinds=kinds())


def _largest(id: str, limits: Limits) -> int:
    return limits.text * (_PACKED_SHARE if PurePosixPath(id).suffix.lower() in PACKED else 1)


def _is_hidden(path: str) -> bool:
    """Return whether a member is one that systems add to archives, which nobody packed."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(path).parts if part != "..")


# --- names ----------------------------------------------------------------------------------------------------------------


def _readable_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of a member. One that does not say that it is in UTF-8 was read as code page 437, but may be in UTF-8 all the same,
    or in one of the Arabic code pages of DOS and Windows."""
    if entry.flag_bits & 0x800 or entry.filename.isascii():
        return entry.filename
    with contextlib.suppress(UnicodeEncodeError):
        raw = entry.filename.encode("cp437")
        for encoding in ("utf-8", "cp720", "cp1256"):
            with contextlib.suppress(UnicodeDecodeError):
                name = raw.decode(encoding)
                foreign = [character for character in name if not character.isascii()]
                if encoding == "utf-8" or all("\u0600" <= character <= "\u06ff" for character in foreign):
                    return name
    return entry.filename


def _clean_name(name: str) -> str:
    """Return a name as a relative path of one line, without characters that control direction or are not seen, and without climbing."""
    seen = "".join(c for c in nfc(name) if c == _KEPT_FORMAT or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    parts = [part.strip() for part in seen.replace("\\", "/").split("/")]
    parts = [part for part in parts if part not in ("", ".", "..")]
    if parts and len(parts[0]) == 2 and parts[0][1] == ":":  # a drive of Windows
        parts = parts[1:]
    path = PurePosixPath(*parts)
    return str(path)[: _LONGEST_NAME - len(path.suffix)].removesuffix(path.suffix) + path.suffix if parts else ""


def _ids(container: str, names: list[str]) -> list[str]:
    """Return an id for each name, all different: of several with one name all but the first are numbered."""
    taken: set[str] = set()
    ids = []
    for number, name in enumerate(names, start=1):
        path = PurePosixPath(_clean_name(name) or f"attachment {number}")
        wanted, count = path, 1
        while str(path).casefold() in taken:
            count += 1
            path = wanted.with_name(f"{wanted.stem} ({count}){wanted.suffix}")
        taken.add(str(path).casefold())
        ids.append(f"{container}/{path}")
    return ids


# --- e-mail ---------------------------------------------------------------------------------------------------------------


def read_eml(data: bytes, name: str, limits: Limits) -> Content:
    """Return a message: its headers as fields, and its text. Raises DocumentError."""
    message = _message(data, name)
    writer = TreeWriter(name, limits)
    subject = str(message["Subject"] or "").strip()
    writer.fields([(header, str(message[header])) for header in _HEADERS if message[header]])
    body = message.get_body(("plain", "html"))
    if isinstance(body, EmailMessage):
        _write_body(writer, body, name, limits)
    inside = sum(1 for _ in message.iter_attachments())
    return writer.content(title=subject, metadata=_metadata(message), inside=inside)


def unpack_eml(data: bytes, name: str, limits: Limits) -> Iterator[InnerFile | DocumentError]:
    """Yield the attachments of a message, and an error for each that cannot be had. Raises DocumentError."""
    attached = list(_message(data, name).iter_attachments())
    for id, part in zip(_ids(name, [part.get_filename() or "" for part in attached]), attached, strict=True):
        try:
            if part.is_multipart():  # a message in the message
                raise DocumentError("error.nested_container", name=id)
            _refuse_kind(id)
            content = part.get_payload(decode=True)
            if not isinstance(content, bytes):
                raise DocumentError("error.damaged", name=id, reason=str(part["Content-Transfer-Encoding"]))
            if len(content) > (largest := _largest(id, limits)):
                raise DocumentError("error.too_large", name=id, size=f"{len(content) / 2**20:.0f}", limit=f"{largest / 2**20:.0f}")
        except DocumentError as error:
            yield error
        else:
            yield InnerFile(id, content)


def _message(data: bytes, name: str) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(data)
    if not isinstance(message, EmailMessage) or not any(message[header] for header in ("From", "Date", "Subject", "To")):
        raise DocumentError("error.damaged", name=name, reason="no headers of a message")
    return message


def _write_body(writer: TreeWriter, body: EmailMessage, name: str, limits: Limits) -> None:
    raw = body.get_payload(decode=True)
    data = raw if isinstance(raw, bytes) else b""
    if body.get_content_type() == "text/html":
        writer.insert(read_html(data, name, limits))
        return
    try:
        text = data.decode(body.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        from rag.documents.formats.decoding import decode

        text = decode(data, name)
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        writer.paragraph(paragraph)


def _metadata(message: EmailMessage) -> dict[str, str]:
    found = {"author": str(message["From"])} if message["From"] else {}
    with contextlib.suppress(TypeError, ValueError):  # no date, or none that says anything
        found["date"] = parsedate_to_datetime(str(message["Date"])).date().isoformat()
    return found
