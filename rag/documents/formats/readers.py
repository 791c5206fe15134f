"""The reader for each kind of file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from rag.documents.formats.page_pictures import PICTURES, RENDERED, PagePicture, render_page
from rag.documents.tree import Content, InnerFile, Limits
from rag.errors import DocumentError

FormatReader = Callable[[bytes, str, Limits], Content]
"""Takes the bytes of a file, its name for messages, and the limits. Raises DocumentError."""
Unpacker = Callable[[bytes, str, Limits], Iterator[InnerFile | DocumentError]]
"""Takes the same, and yields the files inside the file. Raises DocumentError."""

_READERS = {
    ".txt": "plain_text:read_text",
    ".md": "markdown:read_markdown",
    ".csv": "csv:read_csv",
    ".tsv": "csv:read_csv",
    ".json": "json:read_json",
    ".jsonl": "json:read_lines",
    ".html": "html:read_html",
    ".htm": "html:read_html",
    ".xhtml": "html:read_html",
    ".epub": "epub:read_epub",
    ".docx": "docx:read_docx",
    ".pdf": "pdf.reader:read_pdf",
    ".xlsx": "xlsx:read_xlsx",
    ".xlsm": "xlsx:read_xlsx",
    ".ods": "opendocument:read_ods",
    ".odt": "opendocument:read_odt",
    ".pptx": "pptx:read_pptx",
    ".rtf": "rtf:read_rtf",
    ".eml": "zip_and_eml:read_eml",
    ".zip": "zip_and_eml:read_zip",
    **dict.fromkeys(PICTURES, "picture:read_picture"),
}
_UNPACKERS = {".eml": "zip_and_eml:unpack_eml", ".zip": "zip_and_eml:unpack_zip"}
_WITH_OCR = {"pdf.reader:read_pdf": "pdf.reader:read_pdf_with_ocr", "picture:read_picture": "picture:read_picture_with_ocr"}
NESTED = frozenset(_UNPACKERS)
"""Files that hold documents, which are not read inside of one another."""
SUFFIXES = frozenset(_READERS)
"""The kinds of files that are read, as lower-case suffixes."""
PACKED = SUFFIXES - frozenset((".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".html", ".htm", ".xhtml"))
"""Formats that hold pictures and fonts in addition to text, and may be larger than others."""


def reader(suffix: str, ocr: bool = False) -> FormatReader:
    """Return the reader for a lower-case suffix. The modules and the libraries behind them are imported here, at first use."""
    place = _READERS[suffix]
    found: FormatReader = _imported(_WITH_OCR.get(place, place) if ocr else place)
    return found


def _imported(place: str) -> Any:
    module, _, function = place.partition(":")
    return getattr(import_module(f"rag.documents.formats.{module}"), function)


def kinds() -> str:
    """Return the kinds of files that are read, for a message: "CSV, DOCX, …"."""
    return ", ".join(sorted(suffix.lstrip(".").upper() for suffix in SUFFIXES))


def read(data: bytes, suffix: str, name: str, limits: Limits, ocr: bool = False) -> Content:
    """Return the content of a file. Any exception of a library becomes a DocumentError that names the file."""
    if suffix not in SUFFIXES:
        raise DocumentError("error.unknown_kind", name=name, kinds=kinds())
    with _library_errors(name, limits):
        return reader(suffix, ocr)(data, name, limits)


def unpack(data: bytes, suffix: str, name: str, limits: Limits) -> Iterator[InnerFile | DocumentError]:
    """Yield the files inside a file, and for one that cannot be had the error that names it. Raises DocumentError as `read` does."""
    with _library_errors(name, limits):
        unpacker: Unpacker = _imported(_UNPACKERS[suffix])
        yield from unpacker(data, name, limits)


def render(data: bytes, suffix: str, name: str, number: int, width: int, limits: Limits) -> PagePicture:
    """Return a page of a file as `render_page` does. Raises DocumentError as `read` does."""
    if suffix not in RENDERED:
        raise DocumentError("error.no_pages", name=name)
    with _library_errors(name, limits):
        return render_page(data, suffix, name, number, width)


@contextmanager
def _library_errors(name: str, limits: Limits) -> Iterator[None]:
    """Raise whatever a library raises as a DocumentError that names the file."""
    try:
        yield
    except DocumentError:
        raise
    except MemoryError as error:
        raise DocumentError("error.too_much_memory", name=name, limit=f"{limits.memory / 2**20:.0f}") from error
    except RecursionError as error:
        raise DocumentError("error.too_nested", name=name) from error
    except Exception as error:  # a library met something it was not made for
        raise DocumentError("error.damaged", name=name, reason=f"{type(error).__name__}: {error}"[:200]) from error
