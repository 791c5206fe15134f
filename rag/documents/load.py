"""Read files into `Document`s: find those of a folder and read each with the reader for its kind. One bad file stops nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from rag.documents.formats.json import is_question_set
from rag.documents.formats.readers import PACKED, SUFFIXES
from rag.documents.sandbox import ParserProcess
from rag.documents.source_notes import read_source_note
from rag.documents.tree import Content, Limits
from rag.errors import DocumentError, NothingToIndex
from rag.schema import Document
from rag.text.folding import nfc
from rag.text.language import detect

__all__ = ["MAX_BYTES", "SUFFIXES", "Loader", "Skipped", "document_paths", "largest", "load_folder", "read_document"]

MAX_BYTES = 16 * 2**20
"""The largest accepted file: 16 MiB of text are some 20,000 passages, more than an hour of embedding on two cores."""
_PACKED_SHARE = 4
_LONGEST_TITLE = 120
_FIRST_LINE = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or pages of a file, that was left out, and why."""

    id: str
    error: DocumentError


def largest(suffix: str, max_bytes: int = MAX_BYTES) -> int:
    """Return the largest accepted file of a kind, in bytes: PDF, DOCX and EPUB also hold pictures and may be four times as large."""
    return max_bytes * _PACKED_SHARE if suffix.lower() in PACKED else max_bytes


class Loader:
    """Reads files one after the other. They are parsed in one separate process, which ends with the `with`.

    `ocr` reads pages that are pictures, or whose text is garbled, with Tesseract; that takes seconds a page.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> None:
        self._max_bytes = max_bytes
        self._limits = Limits(text=max_bytes)
        self._ocr = ocr
        self._parser = ParserProcess(self._limits, ocr)

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self._parser.close()

    def read(self, path: Path, id: str) -> tuple[Document, tuple[DocumentError, ...]]:
        """Return a file as a document with the given id, and what was left out of it, such as pages without text.

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
        sha256 = hashlib.sha256(data).hexdigest()
        return self._document(data, sha256, suffix, id, read_source_note(path, sha256))

    def read_bytes(self, data: bytes, id: str, metadata: Mapping[str, str]) -> tuple[Document, tuple[DocumentError, ...]]:
        """Return data that was received as `read` returns a file of the name `id`, with metadata that outdoes its own."""
        return self._document(data, hashlib.sha256(data).hexdigest(), PurePosixPath(id).suffix.lower(), id, metadata)

    def _document(
        self, data: bytes, sha256: str, suffix: str, id: str, metadata: Mapping[str, str]
    ) -> tuple[Document, tuple[DocumentError, ...]]:
        content = self._parser.read(data, suffix, id)
        if not content.text.strip():
            raise content.notes[0] if content.notes else DocumentError("error.empty_file", name=id)
        return _document(id, suffix, replace(content, metadata={**content.metadata, **metadata}), sha256), content.notes


def read_document(path: Path, id: str, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> Document:
    """Return a file as a document with the given id. Raises DocumentError, naming the file and the reason.

    Use a `Loader` for several files, or to learn which pages were left out.
    """
    with Loader(max_bytes, ocr=ocr) as loader:
        return loader.read(path, id)[0]


def load_folder(folder: Path, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> Iterator[Document | Skipped]:
    """Yield every document of a folder in order of id, and a `Skipped` for each file, or part of one, that cannot be read."""
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
    """Return a short first line that is set apart from the body; "" if there is none."""
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    if rest.strip() and len(first) <= _LONGEST_TITLE and first[-1:] not in ".!?؟؛:،,":
        return first
    return ""


def document_paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """Return the files of a folder that may be documents, as (id, path) in order of id.

    Leaves out hidden files, links that lead out of the folder, and question sets (`shawahid eval`). Raises NothingToIndex if the folder is
    missing.
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
    """Return whether a path is a file in the folder itself, not one behind a link that leads out of it."""
    try:
        return path.is_file() and path.resolve().is_relative_to(root)
    except OSError:  # a folder that may be listed but not entered: reading the file will say so
        return True


def _id(name: str) -> str:
    # A name in Windows-1256 from an old archive is no UTF-8; its bytes are written out, so that it can be stored and printed.
    return nfc(name.encode("utf-8", "backslashreplace").decode("utf-8"))
