"""From a file on disk to a `Document`: decode, compose, find title, headings and language. One bad file stops nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.errors import DocumentError, NothingToIndex
from rag.language import detect
from rag.schema import Document, Mark
from rag.text import nfc

SUFFIXES = frozenset({".txt", ".md"})
MAX_BYTES = 16 * 2**20
"""The largest file taken: 16 MiB of text are some 20,000 passages, more than an hour of embedding on two cores."""

# Encodings that Arabic and English text files are found in; a closed list, so that a short text is not taken for Big5.
_ENCODINGS = ["utf_8", "utf_16_le", "utf_16_be", "cp1256", "cp1252"]
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_LONGEST_TITLE = 120


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and why."""

    id: str
    error: DocumentError


def decode(data: bytes, name: str) -> str:
    """The text of a file in UTF-8, UTF-8 with BOM, UTF-16 or Windows-1256. Raises DocumentError when it is no text."""
    for bom, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(bom):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise DocumentError("error.not_text", name=name) from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if "\0" not in text:
            return text
    from charset_normalizer import from_bytes  # decides by which decoding reads as language

    best = from_bytes(data, cp_isolation=_ENCODINGS, threshold=0.3).best()
    if best is None:
        raise DocumentError("error.not_text", name=name)
    text = str(best)
    letters = sum(character.isalpha() or character.isspace() for character in text)
    controls = sum(character < " " and character not in "\t\n\r\f" for character in text)
    if "\0" in text or controls > len(text) // 100 or letters < len(text) // 2:
        raise DocumentError("error.not_text", name=name)
    return text


def _title(text: str, suffix: str) -> str:
    """The first heading of a Markdown file, or a short first line that stands apart from a body; "" where there is neither."""
    if suffix == ".md" and (heading := _HEADING.search(text)):
        return heading.group(2)
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    if rest.strip() and len(first) <= _LONGEST_TITLE and first[-1:] not in ".!?؟؛:،,":
        return first
    return ""


def read_document(path: Path, id: str, max_bytes: int = MAX_BYTES) -> Document:
    """Read one file as a document under the given id. Raises DocumentError, naming the file and the reason."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise DocumentError("error.too_large", name=id, size=f"{size / 2**20:.0f}", limit=f"{max_bytes / 2**20:.0f}")
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError("error.unreadable", name=id, reason=error.strerror or str(error)) from error
    text = nfc(decode(data, id))
    if not text.strip():
        raise DocumentError("error.empty_file", name=id)
    suffix = path.suffix.lower()
    marks = tuple(Mark(m.start(), f"§ {m.group(2)}") for m in _HEADING.finditer(text)) if suffix == ".md" else ()
    return Document(
        id=id,
        text=text,
        title=_title(text, suffix),
        language=detect(text),
        sha256=hashlib.sha256(data).hexdigest(),
        marks=marks,
    )


def document_paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder that may be documents, as (id, path) in order of id; hidden ones and links that lead out of the
    folder are passed over. Raises NothingToIndex when the folder is missing."""
    if not folder.is_dir():
        raise NothingToIndex("error.folder_missing", folder=folder)
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        id = nfc(PurePosixPath(path.relative_to(folder)).as_posix())
        if path.suffix.lower() not in SUFFIXES or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if path.is_file() and path.resolve().is_relative_to(root):
            yield id, path


def load_folder(folder: Path, max_bytes: int = MAX_BYTES) -> Iterator[Document | Skipped]:
    """Every document of a folder in order of id, and a `Skipped` for each file that can't be read."""
    for id, path in document_paths(folder):
        try:
            yield read_document(path, id, max_bytes)
        except DocumentError as error:
            yield Skipped(id, error)
