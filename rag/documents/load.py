"""From a file on disk to a `Document`: find the files of a folder and read each with the reader of its kind. One bad file stops nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.documents.formats.content import Content, Limits
from rag.documents.formats.readers import APART, PACKED, SUFFIXES, read
from rag.documents.formats.records import is_question_set
from rag.documents.sandbox import Apart
from rag.errors import DocumentError, NothingToIndex
from rag.schema import Document
from rag.text.folding import nfc
from rag.text.language import detect

__all__ = ["MAX_BYTES", "SUFFIXES", "Loader", "Skipped", "document_paths", "largest", "load_folder", "read_document"]

MAX_BYTES = 16 * 2**20
"""The largest file taken: 16 MiB of text are some 20,000 passages, more than an hour of embedding on two cores."""
_PACKED_SHARE = 4
_LONGEST_TITLE = 120
_FIRST_LINE = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, or of a file that was read the pages that were, and why."""

    id: str
    error: DocumentError


def largest(suffix: str, max_bytes: int = MAX_BYTES) -> int:
    """The largest file of a kind that is taken, in bytes: PDF, DOCX and EPUB hold pictures too, and may be four times as large."""
    return max_bytes * _PACKED_SHARE if suffix.lower() in PACKED else max_bytes


class Loader:
    """Reads files one after the other. Those of kinds with large parsers share a process apart, which ends with the `with`.

    `ocr` reads pages that are pictures, or whose text is garbled, with Tesseract; that takes seconds a page.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> None:
        self._max_bytes = max_bytes
        self._limits = Limits(text=max_bytes)
        self._ocr = ocr
        self._apart = Apart(self._limits, ocr)

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self._apart.close()

    def read(self, path: Path, id: str) -> tuple[Document, tuple[DocumentError, ...]]:
        """One file as a document under the given id, and what of it was left out: pages without text, say.

        Raises DocumentError, naming the file and the reason.
        """
        suffix = path.suffix.lower()
        limit = largest(suffix, self._max_bytes)
        try:
            size = path.stat().st_size
            if size > limit:
                raise DocumentError("error.too_large", name=id, size=f"{size / 2**20:.0f}", limit=f"{limit / 2**20:.0f}")
            data = path.read_bytes()
        except OSError as error:
            raise DocumentError("error.unreadable", name=id, reason=error.strerror or str(error)) from error
        content = self._apart.read(data, suffix, id) if suffix in APART else read(data, suffix, id, self._limits)
        if not content.text.strip():
            raise content.notes[0] if content.notes else DocumentError("error.empty_file", name=id)
        return _document(id, suffix, content, hashlib.sha256(data).hexdigest()), content.notes


def read_document(path: Path, id: str, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> Document:
    """Read one file as a document under the given id. Raises DocumentError, naming the file and the reason.

    For several files, and to learn of pages that were left out, use a `Loader`.
    """
    with Loader(max_bytes, ocr=ocr) as loader:
        return loader.read(path, id)[0]


def load_folder(folder: Path, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> Iterator[Document | Skipped]:
    """Every document of a folder in order of id, and a `Skipped` for each file, or part of one, that can't be read."""
    seen: set[str] = set()
    with Loader(max_bytes, ocr=ocr) as loader:
        for id, path in document_paths(folder):
            try:
                if id in seen:
                    raise DocumentError("error.same_name", name=id)
                seen.add(id)
                document, notes = loader.read(path, id)
            except DocumentError as error:
                yield Skipped(id, error)
            else:
                yield document
                yield from (Skipped(id, note) for note in notes)


def _document(id: str, suffix: str, content: Content, sha256: str) -> Document:
    return Document(
        id=id,
        text=content.text,
        title=content.title or ("" if suffix in (".csv", ".tsv", ".json", ".jsonl") else _title(content.text)),
        language=detect(content.text),
        sha256=sha256,
        marks=content.marks,
        metadata=content.metadata,
        blocks=content.blocks,
        tables=content.tables,
        pages=content.pages,
    )


def _title(text: str) -> str:
    """A short first line that stands apart from a body; "" where there is none."""
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    if rest.strip() and len(first) <= _LONGEST_TITLE and first[-1:] not in ".!?؟؛:،,":
        return first
    return ""


def document_paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder that may be documents, as (id, path) in order of id.

    Hidden ones, links that lead out of the folder, and question sets (`shawahid eval`) are passed over. Raises NothingToIndex
    when the folder is missing.
    """
    if not folder.is_dir():
        raise NothingToIndex("error.folder_missing", folder=folder)
    root = folder.resolve()
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in parts) and _is_inside(path, root):
            if path.suffix.lower() == ".jsonl" and _is_question_set(path):
                continue
            found.append((_id("/".join(parts)), path))
    yield from sorted(found)


def _is_question_set(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_question_set(file.readline(_FIRST_LINE))
    except OSError:
        return False


def _is_inside(path: Path, root: Path) -> bool:
    """Whether a path is a file that stands in the folder itself, not behind a link that leads out of it."""
    try:
        return path.is_file() and path.resolve().is_relative_to(root)
    except OSError:  # a folder that may be listed but not entered: reading the file will say so
        return True


def _id(name: str) -> str:
    # A name in Windows-1256 from an old archive is no UTF-8; its bytes are written out, so that it can be stored and printed.
    return nfc(name.encode("utf-8", "backslashreplace").decode("utf-8"))
