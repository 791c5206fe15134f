"""The work of every reader grows no faster than its file: four times the content costs at most about four times the calls."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress

import docx
import openpyxl
import pytest
from pptx import Presentation

from rag.documents.chunker import Chunker
from rag.documents.formats import readers
from rag.documents.tree import Limits, TreeWriter
from rag.errors import DocumentError
from rag.schema import Document
from tests.pdfs import Text, sheets

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"))
OFFICE = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
)


def packed(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def word(n: int) -> bytes:
    document = docx.Document()
    table = document.add_table(n, 2)
    for number, row in enumerate(table.rows):
        document.add_paragraph(f"The office received {number} letters. استلم المكتب الرسائل.", style="List Bullet" if number % 3 else None)
        for cell in row.cells:
            cell.text = f"رمل {number}"
    return saved(document)


def workbook(n: int) -> bytes:
    book = openpyxl.Workbook()
    for number in range(n):
        book.active.append([f"عمان {number}", number * 1.5, number, "open"])
    return saved(book)


def slides(n: int) -> bytes:
    deck = Presentation()
    for number in range(n):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = f"Part {number}", "نقطة\nPoint"
    return saved(deck)


def opendocument(body: str) -> bytes:
    return packed(**{"content.xml": f"<office:document-content {OFFICE}><office:body>{body}</office:body></office:document-content>"})


def cells(n: int) -> str:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    rows = "".join(f"<table:table-row>{cell.format(f'رمل {k}')}{cell.format(k)}</table:table-row>" for k in range(n))
    return f'<table:table table:name="x">{rows}</table:table>'


def book(n: int) -> bytes:
    text = "".join(f"<h2>فصل {k}</h2><p>The ship left <sup>{k}</sup>.</p>" for k in range(n))
    item = '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
    package = f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{item}</manifest><spine><itemref idref="a"/></spine></package>'
    root = '<rootfiles><rootfile full-path="b.opf"/></rootfiles>'
    container = f'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">{root}</container>'
    return packed(**{"META-INF/container.xml": container, "b.opf": package, "a.xhtml": f"<html><body>{text}</body></html>"})


def page(n: int) -> bytes:
    rows = "".join(f"<tr><td>{k}<td rowspan=2>{k}" for k in range(n))
    text = "".join(f"<p>The council met on day {k}.<div><a href=x>{k}</a></div>" for k in range(n))
    return f"<table>{rows}</table>{text}".encode()


def pdf(n: int) -> bytes:
    texts = [Text(x, 12 * n - 12 * k, f"{k * x} letters") for k in range(n) for x in (50, 200, 350)]
    return sheets(texts, size=(595, 12 * n + 40))


MAKERS: dict[str, Callable[[int], bytes]] = {
    ".txt": lambda n: "1. بند:\n\nThe office opens.\n\n".encode() * n,
    ".md": lambda n: "# Part\n\n* [a](b) **c**\n\n| a | b |\n|---|---|\n| 1 | نص |\n\n".encode() * n,
    ".csv": lambda n: ("name,2020,note\n" + "".join(f'x{k},{k},"a, نص"\n' for k in range(n))).encode(),
    ".json": lambda n: json.dumps([{"a": {"b": [{"c": k}, {"d": "نص"}]}} for k in range(n)]).encode(),
    ".jsonl": lambda n: "".join(json.dumps({"text": f"Line {k}. نص.", "n": k}) + "\n" for k in range(n)).encode(),
    ".html": page,
    ".epub": book,
    ".docx": word,
    ".pdf": pdf,
    ".xlsx": workbook,
    ".ods": lambda n: opendocument(f"<office:spreadsheet>{cells(n)}</office:spreadsheet>"),
    ".odt": lambda n: opendocument(
        f"<office:text>{''.join(f'<text:p>The office {k}.</text:p>' for k in range(n))}{cells(n)}</office:text>"
    ),
    ".pptx": slides,
    ".rtf": lambda n: rb"{\rtf1 " + rb"The meeting is on 4 May.\par \trowd\cellx9 Item\cell 7.50\cell\row \pard " * n + b"}",
    ".eml": lambda n: ("From: a@b.example\nSubject: نص\nContent-Type: text/plain; charset=utf-8\n\n" + "A line. سطر.\n\n" * n).encode(),
    ".zip": lambda n: packed(**{f"{k}.txt": "x" for k in range(n)}),
}
SAME = {".tsv": ".csv", ".htm": ".html", ".xhtml": ".html", ".xlsm": ".xlsx"}
"""Kinds that the reader of another one reads."""


def work(function: Callable[[], object]) -> int:
    """How many functions are called: work that no clock and no other program changes."""
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with suppress(DocumentError):
            function()
    finally:
        sys.setprofile(None)
    return calls


def test_every_kind_is_tried() -> None:
    assert {*MAKERS, *SAME, *PICTURES} == readers.SUFFIXES


@pytest.mark.parametrize("suffix", MAKERS)
def test_the_work_of_each_reader_grows_as_its_file(suffix: str) -> None:
    def reading(data: bytes) -> int:
        def read() -> None:
            readers.read(data, suffix, f"a{suffix}", Limits())
            if suffix in readers.NESTED:
                list(readers.unpack(data, suffix, f"a{suffix}", Limits()))

        read()  # imports and caches
        return work(read)

    once, four = reading(MAKERS[suffix](40)), reading(MAKERS[suffix](160))
    assert four < 5 * once


@pytest.mark.parametrize("suffix", [".md", ".csv", ".html", ".docx", ".pptx"])
def test_the_work_of_cutting_passages_grows_as_the_document(suffix: str) -> None:
    def cutting(data: bytes) -> int:
        read = readers.read(data, suffix, f"a{suffix}", Limits())
        document = Document("d", read.text, "", "en", "0", read.marks, blocks=read.blocks, tables=read.tables)
        Chunker().cut(document)
        return work(lambda: Chunker().cut(document))

    once, four = cutting(MAKERS[suffix](40)), cutting(MAKERS[suffix](160))
    assert four < 5 * once


@pytest.mark.parametrize(
    "line", ["Two words", "Now they say that it is as follows:", "He said that it was late.", "تخصيم تأجير", "والتي أصلحها كما يلي:"]
)
def test_the_work_of_cutting_lines_that_say_little_alone_grows_as_their_number(line: str) -> None:
    def cutting(n: int) -> int:
        writer = TreeWriter("a", Limits())
        for at in range(n):
            if at % 7 == 0:
                writer.heading(f"Part {at}", 1 + at % 3)
            writer.paragraph(line)
        read = writer.content()
        document = Document("d", read.text, "", "en", "0", read.marks, blocks=read.blocks)
        Chunker().cut(document)
        return work(lambda: Chunker().cut(document))

    assert cutting(600) < 5 * cutting(150)
