"""Pages drawn as images in the reading process, and where words stand that OCR has seen."""

from __future__ import annotations

import io
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from rag.documents.formats.readers import read
from rag.documents.load import document_path
from rag.documents.sandbox import ParserProcess
from rag.documents.tree import Limits
from rag.errors import DocumentError
from tests import pdfs

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    with ParserProcess(Limits(seconds=20)) as running:
        yield running


def drawn(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


def two_pages() -> bytes:
    """An A4 page with a black box at its upper left, and one in landscape."""
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out, pagesize=(600, 800))
    canvas.rect(60, 640, 120, 80, fill=1)
    canvas.showPage()
    canvas.setPageSize((800, 400))
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def picture(kind: str, *frames: Image.Image) -> bytes:
    out = BytesIO()
    frames[0].save(out, kind, save_all=len(frames) > 1, append_images=frames[1:]) if kind == "TIFF" else frames[0].save(out, kind)
    return out.getvalue()


def test_a_page_of_a_pdf_is_drawn_as_wide_as_asked_with_what_stands_on_it_in_its_place(parser: ParserProcess) -> None:
    page = parser.render(two_pages(), ".pdf", "a.pdf", 1, 900)
    assert (page.width, page.height, page.pages) == (900, 1200, 2)
    image = drawn(page.data)
    assert image.size == (900, 1200)
    assert image.getpixel((180, 180)) < 30  # points (120, 680) from below are 120 from above
    assert image.getpixel((30, 30)) > 225
    assert (parser.render(two_pages(), ".pdf", "a.pdf", 2, 900).height) == 450


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_page_that_is_not_there_is_named(parser: ParserProcess, number: int) -> None:
    with pytest.raises(DocumentError) as raised:
        parser.render(two_pages(), ".pdf", "a.pdf", number, 900)
    assert (raised.value.key, raised.value.fields["page"]) == ("error.no_such_page", number)


def test_pictures_are_shown_upright_page_by_page_and_never_enlarged(parser: ParserProcess) -> None:
    turned = Image.new("RGB", (40, 20), "white")
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    out = BytesIO()
    turned.save(out, "JPEG", exif=exif)
    shown = parser.render(out.getvalue(), ".jpg", "a.jpg", 1, 900)
    assert (shown.width, shown.height, shown.pages) == (20, 40, 1)
    frames = picture("TIFF", Image.new("L", (2000, 1000), 255), Image.new("1", (2000, 1000), 0))
    second = parser.render(frames, ".tif", "a.tif", 2, 500)
    assert (second.width, second.height, second.pages) == (500, 250, 2)
    assert drawn(second.data).getpixel((250, 125)) < 30
    seen_through = parser.render(picture("PNG", Image.new("RGBA", (30, 30), (0, 0, 0, 0))), ".png", "a.png", 1, 900)
    assert drawn(seen_through.data).getpixel((15, 15)) > 225


def test_what_has_no_pages_or_is_no_file_of_its_kind_is_refused_and_the_process_goes_on(parser: ParserProcess) -> None:
    for data, suffix, key in ((b"text", ".txt", "error.no_pages"), (b"text", ".pdf", "error.damaged"), (b"text", ".png", "error.damaged")):
        with pytest.raises(DocumentError) as raised:
            parser.render(data, suffix, f"a{suffix}", 1, 900)
        assert raised.value.key == key
    assert parser.render(two_pages(), ".pdf", "a.pdf", 1, 600).width == 600


def test_a_page_of_enormous_size_is_drawn_within_the_limit_of_pixels(parser: ParserProcess) -> None:
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out, pagesize=(100, 14_000))
    canvas.showPage()
    canvas.save()
    page = parser.render(out.getvalue(), ".pdf", "a.pdf", 1, 2200)
    assert page.width * page.height <= 8_000_000
    assert max(page.width, page.height) <= 10_000


@pytest.mark.parametrize(("one", "other"), [("Ferry", "sank"), ("العبارة", "غرقت")])
def test_the_words_that_ocr_saw_keep_their_places(one: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = HEAD + f"5\t1\t1\t1\t1\t1\t100\t50\t300\t40\t91\t{one}\n" + f"5\t1\t1\t1\t1\t2\t450\t50\t100\t40\t93\t{other}\n"
    (tmp_path / "table").write_text(table, encoding="utf-8")
    program = tmp_path / "tesseract"
    program.write_text(f'#!/bin/sh\n[ "$1" = --list-langs ] && echo ara && echo eng && exit\ncat > /dev/null; cat {tmp_path}/table\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    content = read(picture("PNG", Image.new("L", (1000, 500), 255)), ".png", "a.png", Limits(), ocr=True)
    assert content.text == f"{one} {other}"
    (page,) = content.pages
    assert (page.number, page.width, page.height) == (1, 1000, 500)
    length = len(one)
    assert page.words == ((0, length, 100, 50, 400, 90), (length + 1, length + 1 + len(other), 450, 50, 550, 90))
    # The same on a page of a PDF, in points: 300 dots are 72.
    scanned = read(pdfs.blank("picture"), ".pdf", "a.pdf", Limits(), ocr=True)
    (page,) = scanned.pages
    assert scanned.text == f"{one} {other}"
    assert [tuple(round(side) for side in word[2:]) for word in page.words] == [(24, 12, 96, 22), (108, 12, 132, 22)]


def test_a_document_is_found_by_its_id_and_nothing_outside_its_folder_is(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    (folder / "a" / ".hidden").mkdir(parents=True)
    for name in ("a/b.txt", "a/.hidden/c.txt", "d.exe", "تقرير.md"):
        (folder / name).write_text("x")
    (tmp_path / "secret.txt").write_text("x")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert document_path(folder, "a/b.txt") == folder / "a" / "b.txt"
    assert document_path(folder, "تقرير.md") == folder / "تقرير.md"
    for id in (
        "../secret.txt",
        "a/../../secret.txt",
        "link.txt",
        "a/.hidden/c.txt",
        "d.exe",
        "",
        "a",
        "a//b.txt",
        "/etc/passwd",
        "a/b.txt\0",
    ):
        assert document_path(folder, id) is None, id
    assert document_path(tmp_path / "missing", "a.txt") is None
