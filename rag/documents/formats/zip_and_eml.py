"""Files that hold documents: archives, and e-mail with attachments. Each document inside becomes a section under its name."""

from __future__ import annotations

import contextlib
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from rag.documents.formats.html import read_html
from rag.documents.formats.safe_zip import member, open_archive
from rag.documents.tree import Content, Limits, TreeWriter
from rag.errors import DocumentError
from rag.text.folding import nfc

NESTED = frozenset((".zip", ".eml"))
"""Files that hold documents, which are not read inside of one another."""
_MOST_DOCUMENTS = 500
_HEADERS = ("From", "To", "Cc", "Date", "Subject")


def read_zip(data: bytes, name: str, limits: Limits) -> Content:
    """Return the documents of an archive, each under its name. What cannot be read is noted, and the others are read.

    Raises DocumentError for an archive that is damaged, encrypted or too large, and for one without a document.
    """
    writer, notes = TreeWriter(name, limits), list[DocumentError]()
    with open_archive(data, name, limits) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_hidden(entry.filename)]
        if len(entries) > _MOST_DOCUMENTS:
            raise DocumentError("error.too_many_documents", name=name, count=len(entries), limit=_MOST_DOCUMENTS)
        for entry in sorted(entries, key=lambda entry: entry.filename):
            path = nfc(entry.filename)
            try:
                _insert(writer, member(archive, entry.filename, f"{name}/{path}"), path, name, limits, notes)
            except DocumentError as error:
                if error.key == "error.too_much_text":
                    raise
                notes.append(error)
    return writer.content(notes=tuple(notes))


def read_eml(data: bytes, name: str, limits: Limits) -> Content:
    """Return a message: its headers as fields, its text, and its attachments under their names. Raises DocumentError."""
    message = BytesParser(policy=policy.default).parsebytes(data)
    if not isinstance(message, EmailMessage) or not any(message[header] for header in ("From", "Date", "Subject", "To")):
        raise DocumentError("error.damaged", name=name, reason="no headers of a message")
    writer, notes = TreeWriter(name, limits), list[DocumentError]()
    subject = str(message["Subject"] or "").strip()
    writer.fields([(header, str(message[header])) for header in _HEADERS if message[header]])
    body = message.get_body(("plain", "html"))
    if isinstance(body, EmailMessage):
        _write_body(writer, body, name, limits)
    for number, part in enumerate(message.iter_attachments(), start=1):
        attached = part.get_filename() or f"attachment {number}"
        try:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and not part.is_multipart():
                _insert(writer, content, attached, name, limits, notes)
            else:
                notes.append(DocumentError("error.nested_container", name=f"{name}/{attached}"))
        except DocumentError as error:
            if error.key == "error.too_much_text":
                raise
            notes.append(error)
    return writer.content(title=subject, metadata=_metadata(message), notes=tuple(notes))


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


def _insert(writer: TreeWriter, data: bytes, path: str, name: str, limits: Limits, notes: list[DocumentError]) -> None:
    """Append a document under its path. Raises DocumentError, naming it, if it cannot be read."""
    from rag.documents.formats.readers import read

    suffix, inner = PurePosixPath(path).suffix.lower(), f"{name}/{path}"
    if suffix in NESTED:
        raise DocumentError("error.nested_container", name=inner)
    content = read(data, suffix, inner, limits)
    notes += content.notes
    if content.text.strip():
        writer.insert(content, path)


def _is_hidden(path: str) -> bool:
    """Return whether a member is one that systems add to archives, which nobody packed."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(path).parts)
