"""Read files into `Document`s: find those of a folder and read each with the reader for its kind. One bad file stops nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath

from rag.arguments import as_path, require_type
from rag.documents.filter_values import CONTAINER, INSIDE, is_inside
from rag.documents.formats.json import is_question_set
from rag.documents.formats.readers import PACKED, SUFFIXES, kinds
from rag.documents.sandbox import ParserProcess
from rag.documents.source_notes import read_source_note
from rag.documents.titles import guessed_title, is_made_by_program, names_nothing, title_of
from rag.documents.tree import CELL_SEPARATOR, Content, Limits
from rag.errors import DocumentError, NothingToIndex
from rag.schema import Document
from rag.text.folding import nfc
from rag.text.language import detect

__all__ = [
    "MAX_BYTES",
    "SUFFIXES",
    "Loader",
    "Skipped",
    "document_path",
    "document_paths",
    "largest",
    "load_folder",
    "other_kinds",
    "read_document",
    "read_documents",
    "skipped",
]

MAX_BYTES = 16 * 2**20
"""The largest accepted file: 16 MiB of text are some 20,000 passages, more than an hour of embedding on two cores."""
_PACKED_SHARE = 4
_RECORDS = (".csv", ".tsv", ".json", ".jsonl", ".xlsx", ".xlsm", ".ods")
"""Kinds of files whose first line is no title."""
_LONGEST_TITLE = 120
_LIST = 6
"""Fewest lines below the first one that show that it is the first of a list."""
_ENDS_SENTENCE = frozenset(".!?…؟؛:،,")
_NO_TITLE = re.compile(rf"@|://|^#!|{CELL_SEPARATOR}")
"""What the first line of a message, a program or a table has, and no title."""
_FIRST_LINE = 64 * 2**10
_NAMED = 5
"""Files of a kind that is not read that are named; the others are counted."""


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
        self._unpacker = ParserProcess(self._limits)  # started for the first file that holds others

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self._parser.close()
        self._unpacker.close()

    def read(self, path: Path, id: str) -> tuple[tuple[Document, ...], tuple[DocumentError, ...]]:
        """Return a file as a document with the given id, and after it the documents inside it, whose ids begin with `id` and "/"; and what
        was left out, such as pages without text.

        Raises DocumentError, naming the file and the reason.
        """
        path = as_path("path", path)
        require_type("id", id, str)
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
        return self._documents(data, sha256, suffix, id, read_source_note(path, sha256))

    def read_bytes(self, data: bytes, id: str, metadata: Mapping[str, str]) -> tuple[tuple[Document, ...], tuple[DocumentError, ...]]:
        """Return data that was received as `read` returns a file of the name `id`, with metadata that overrides its own."""
        return self._documents(data, hashlib.sha256(data).hexdigest(), PurePosixPath(id).suffix.lower(), id, metadata)

    def _documents(
        self, data: bytes, sha256: str, suffix: str, id: str, metadata: Mapping[str, str]
    ) -> tuple[tuple[Document, ...], tuple[DocumentError, ...]]:
        content = self._parser.read(data, suffix, id)
        notes = list(content.notes)
        inside = list(self._inside(data, suffix, id, metadata, notes)) if content.inside else []
        if not content.text.strip() and not inside:
            raise notes[0] if notes else DocumentError("error.empty_file", name=id)
        fields = {**metadata, INSIDE: str(len(inside))} if inside else metadata
        return (_document(id, suffix, content, fields, sha256), *inside), tuple(notes)

    def _inside(self, data: bytes, suffix: str, id: str, metadata: Mapping[str, str], notes: list[DocumentError]) -> Iterator[Document]:
        """Yield the documents inside a file. What cannot be read is noted, and the others are read."""
        length = 0
        try:
            for found in self._unpacker.unpack(data, suffix, id):
                try:
                    if isinstance(found, DocumentError):
                        raise found
                    if not is_inside(found.id, id):  # a process that a file took over must not replace other documents
                        raise DocumentError("error.damaged", name=id, reason="a name inside it leads out of it")
                    kind = PurePosixPath(found.id).suffix.lower()
                    content = self._parser.read(found.data, kind, found.id)
                    length += len(content.text)
                    if length > self._limits.text:
                        raise DocumentError("error.too_much_text", name=id, limit=f"{self._limits.text / 1e6:.0f}")
                except DocumentError as error:
                    notes.append(error)
                    if length > self._limits.text:
                        return
                    continue
                notes += content.notes
                if content.text.strip():
                    sha256 = hashlib.sha256(found.data).hexdigest()
                    yield _document(found.id, kind, content, {**metadata, CONTAINER: id}, sha256)
                elif not content.notes:
                    notes.append(DocumentError("error.empty_file", name=found.id))
        except DocumentError as error:
            notes.append(error)


def skipped(id: str, notes: Iterable[DocumentError]) -> Iterator[Skipped]:
    """Yield what was left out of a file, each under the id of the document that it was left out of."""
    for note in notes:
        name = note.fields.get("name")
        yield Skipped(str(name) if is_inside(str(name), id) else id, note)


def read_document(path: Path, id: str, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> Document:
    """Return a file as a document with the given id. Raises DocumentError, naming the file and the reason.

    Use `read_documents` for a file that holds others, and a `Loader` for several files, or to learn which pages were left out.
    """
    return read_documents(path, id, max_bytes, ocr=ocr)[0]


def read_documents(path: Path, id: str, max_bytes: int = MAX_BYTES, *, ocr: bool = False) -> tuple[Document, ...]:
    """Return a file as `read_document` does, and after it the documents inside it: the attachments of a message, the files of an archive,
    which itself has no text. Their ids are that of the file, "/" and their name. Raises DocumentError."""
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
                documents, notes = loader.read(path, id)
            except DocumentError as error:
                yield Skipped(id, error)
            else:
                yield from documents
                yield from skipped(id, notes)


def _document(id: str, suffix: str, content: Content, metadata: Mapping[str, str], sha256: str) -> Document:
    own = _own_title(id, content, suffix)
    named_by_address = "source" in metadata and not names_nothing(own)  # the name of its file is made of its address
    return Document(
        id=id,
        text=content.text,
        title=own if named_by_address else title_of(id, own, content.metadata),
        language=detect(content.text),
        sha256=sha256,
        marks=content.marks,
        metadata={**content.metadata, **metadata},
        blocks=content.blocks,
        tables=content.tables,
        pages=content.pages,
    )


def _own_title(id: str, content: Content, suffix: str) -> str:
    """Return the title that a file gives, or a short first line that is set apart from the body; "" if there is none."""
    if content.title and not is_made_by_program(content.title):
        return content.title
    text = content.text
    if suffix in _RECORDS:
        return ""
    first, _, rest = text.strip().partition("\n")
    first = " ".join(first.split())
    if suffix == ".md":
        first = first.lstrip("# ")
    if suffix == ".txt" and _is_list(rest):
        return ""
    if rest.strip() and len(first) <= _LONGEST_TITLE and first[-1:] not in ".!?؟؛:،," and not _NO_TITLE.search(first):
        return first if suffix != ".pdf" else guessed_title(id, first)
    return ""


def _is_list(rest: str) -> bool:
    """Return whether the lines that follow a first one, up to a blank one, are a list of names like it."""
    lines = list(takewhile(str.strip, rest.split("\n", _LIST + 1)[:-1]))
    return len(lines) >= _LIST and all(line.rstrip()[-1:] not in _ENDS_SENTENCE for line in lines)


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


def document_path(folder: Path, id: str) -> Path | None:
    """Return the file of a folder that has an id in `document_paths`, or None."""
    parts = id.split("/")
    path = folder.joinpath(*parts)
    plain = all(part and not part.startswith(".") and "\\" not in part and "\0" not in part for part in parts)
    if plain and path.suffix.lower() in SUFFIXES and _is_inside(path, folder.resolve()) and path.is_file():
        return path if path.suffix.lower() != ".jsonl" or not _is_question_set(path) else None
    return dict(document_paths(folder)).get(id) if folder.is_dir() else None  # its name may be spelled with other characters


def other_kinds(folder: Path, apart: Path | None = None) -> list[Skipped]:
    """Return one `Skipped` for each kind of file of a folder that is not read, naming the first of them and counting all; what lies in the
    folder `apart` is not looked at."""
    root, found = folder.resolve(), dict[str, list[str]]()
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in SUFFIXES or any(part.startswith(".") for part in parts) or not _is_inside(path, root):
            continue
        if apart is None or not path.resolve().is_relative_to(apart.resolve()):
            found.setdefault(path.suffix.lower(), []).append(_id("/".join(parts)))
    return [Skipped(sorted(ids)[0], _other_kind(sorted(ids))) for _, ids in sorted(found.items())]


def _other_kind(ids: list[str]) -> DocumentError:
    names = ", ".join(ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
    if len(ids) == 1:
        return DocumentError("error.unknown_kind", name=names, kinds=kinds())
    return DocumentError("error.unknown_kinds", name=names, count=len(ids), kinds=kinds())


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
