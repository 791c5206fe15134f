"""From a file on disk to a `Document`: decode, compose, find title, headings and language. One bad file stops nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.errors import DocumentError, NothingToIndex
from rag.language import detect
from rag.schema import Document, Mark
from rag.text import nfc, script

SUFFIXES = frozenset({".txt", ".md"})
MAX_BYTES = 16 * 2**20
"""The largest file taken: 16 MiB of text are some 20,000 passages, more than an hour of embedding on two cores."""

# Encodings that Arabic and English text files are found in; a closed list, so that a short text is not taken for Big5.
_ENCODINGS = ["utf_8", "utf_16_le", "utf_16_be", "cp1256", "cp1252"]
_HEADING = re.compile(r"^#{1,6}[ \t]+(?P<label>[^\s#].*)$", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
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
                text = data.decode(encoding)
            except UnicodeDecodeError as error:
                raise DocumentError("error.not_text", name=name) from error
            if "\0" in text:
                raise DocumentError("error.not_text", name=name)
            return text
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # UTF-16 of a few Arabic words is valid UTF-8 as well: every second character of it is a control character.
        if _controls(text) <= len(text) // 10 and "\0" not in text:
            return text
    from charset_normalizer import from_bytes  # decides by which decoding reads as language

    best = from_bytes(data, cp_isolation=_ENCODINGS, threshold=0.3).best()
    if best is None:
        raise DocumentError("error.not_text", name=name)
    text = str(best)
    letters = [character for character in text if character.isalpha()]
    # Almost any pair of bytes, read as UTF-16, is a letter of some script.
    strange = sum(script(letter) == "und" for letter in letters)
    readable = len(letters) + sum(character.isspace() for character in text)
    if "\0" in text or _controls(text) > len(text) // 100 or readable < len(text) // 2 or strange > len(letters) // 4:
        raise DocumentError("error.not_text", name=name)
    return text


def _controls(text: str) -> int:
    return len(_CONTROL.findall(text))


def _label(heading: re.Match[str]) -> str:
    """What a Markdown heading says, without the #s that may close it."""
    label = heading["label"].rstrip()
    bare = label.rstrip("#")
    return bare.rstrip() if bare != label and bare[-1:].isspace() else label


def _title(text: str, suffix: str) -> str:
    """The first heading of a Markdown file, or a short first line that stands apart from a body; "" where there is neither."""
    if suffix == ".md" and (heading := _HEADING.search(text)):
        return _label(heading)
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
    marks = tuple(Mark(m.start(), f"§ {_label(m)}") for m in _HEADING.finditer(text)) if suffix == ".md" else ()
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
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in parts) and _is_inside(path, root):
            found.append((_id("/".join(parts)), path))
    yield from sorted(found)


def _is_inside(path: Path, root: Path) -> bool:
    """Whether a path is a file that stands in the folder itself, not behind a link that leads out of it."""
    try:
        return path.is_file() and path.resolve().is_relative_to(root)
    except OSError:  # a folder that may be listed but not entered: reading the file will say so
        return True


def _id(name: str) -> str:
    # A name in Windows-1256 from an old archive is no UTF-8; its bytes are written out, so that it can be stored and printed.
    return nfc(name.encode("utf-8", "backslashreplace").decode("utf-8"))


def load_folder(folder: Path, max_bytes: int = MAX_BYTES) -> Iterator[Document | Skipped]:
    """Every document of a folder in order of id, and a `Skipped` for each file that can't be read."""
    seen: set[str] = set()
    for id, path in document_paths(folder):
        try:
            if id in seen:
                raise DocumentError("error.same_name", name=id)
            seen.add(id)
            yield read_document(path, id, max_bytes)
        except DocumentError as error:
            yield Skipped(id, error)
