"""Workbooks, OpenDocument, presentations, RTF, e-mail, archives and pictures, and one sentence for what cannot be read."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from rag.documents.formats import picture, readers
from rag.documents.formats.ocr import OcrParagraph
from rag.documents.formats.xlsx import shown_value
from rag.documents.load import Skipped, load_folder
from rag.documents.sandbox import ParserProcess
from rag.documents.tree import Content, Limits
from rag.errors import DocumentError
from rag.schema import BlockKind, Document
from tests.helpers import ROOT


def read(data: bytes, suffix: str, ocr: bool = False) -> Content:
    return readers.read(data, suffix, f"file{suffix}", Limits(), ocr)


def lines(content: Content) -> list[str]:
    return [line for line in content.text.split("\n") if line]


def archive(**members: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for path, data in members.items():
            packed.writestr(path, data)
    return buffer.getvalue()


def workbook(fill: Callable[[Any], None]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    fill(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


# --- XLSX -----------------------------------------------------------------------------------------------------------------


def test_a_workbook_keeps_sheets_titles_merged_cells_and_shown_values() -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.title = "الصادرات"
        sheet["A1"] = "الصادرات حسب البلد"
        sheet.merge_cells("A1:C1")
        for row in (["البلد", "السنة", "القيمة"], ["الأردن", 2020, 0.125], [None, 2021, 1234.5]):
            sheet.append(row)
        sheet.merge_cells("A3:A4")
        sheet["C3"].number_format = "0.0%"
        sheet["C4"].number_format = "#,##0.00"
        other = book.create_sheet("Staff")
        for row in (["Name", "Joined"], ["Salim", date(2019, 3, 12)]):
            other.append(row)

    content = read(workbook(fill), ".xlsx")
    assert lines(content) == [
        "الصادرات",
        "الصادرات حسب البلد",
        "البلد: الأردن · السنة: 2020 · القيمة: 12.5%",
        "البلد: الأردن · السنة: 2021 · القيمة: 1,234.50",
        "Staff",
        "Name: Salim · Joined: 2019-03-12",
    ]
    rows = [block for block in content.blocks if block.kind is BlockKind.ROW]
    assert [cell.span.of(content.text) for cell in rows[1].cells] == ["الأردن", "2021", "1,234.50"]
    assert content.notes == ()


def test_hidden_sheets_and_formulas_without_values_are_named() -> None:
    def fill(book: Any) -> None:
        book.active.append(["Total", "=1+1"])
        hidden = book.create_sheet("Secret")
        hidden.append(["x"])
        hidden.sheet_state = "hidden"

    content = read(workbook(fill), ".xlsx")
    assert [(note.key, note.fields.get("count"), note.fields.get("sheet")) for note in content.notes] == [
        ("error.formulas_without_values", 1, None),
        ("error.sheet_hidden", None, "Secret"),
    ]
    assert "x" not in lines(content)


@pytest.mark.parametrize("mark", ["bold", "filter"])
def test_a_marked_row_names_the_columns_of_words(mark: str) -> None:
    rows = [("Priority", "الموضوع", "Owner"), ("High", "سوق العمل", "Team of labour"), ("Low", "الأسعار", "Team of prices")]

    def fill(book: Any) -> None:
        from openpyxl.styles import Font

        for row in rows:
            book.active.append(row)
        if mark == "filter":
            book.active.auto_filter.ref = "A1:C3"
        else:
            for cell in book.active[1]:
                cell.font = Font(bold=True)

    assert lines(read(workbook(fill), ".xlsx")) == [
        "Priority: High · الموضوع: سوق العمل · Owner: Team of labour",
        "Priority: Low · الموضوع: الأسعار · Owner: Team of prices",
    ]


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (0.1 + 0.2, "General", "0.3"),
        (1500, "General", "1500"),
        (1500, "#,##0", "1,500"),
        (0.07, "0%", "7%"),
        (2.5, "0.00", "2.50"),
        (99, '"$"#,##0', "$ 99"),
        (99, "$#,##0", "$99"),
        (12, '0" kg"', "12 kg"),
        (5, "#,##0.00 [$د.أ-ar-JO]", "5.00 د.أ"),
        (True, "General", "TRUE"),
        (datetime(2024, 5, 2), "yyyy-mm-dd", "2024-05-02"),
        (datetime(2024, 5, 2, 9, 30), "yyyy-mm-dd hh:mm", "2024-05-02 09:30"),
        (None, "General", ""),
        (" نص ", "@", "نص"),
    ],
)
def test_values_are_shown_as_in_the_sheet(value: object, number_format: str, expected: str) -> None:
    assert shown_value(value, number_format) == expected


def test_a_format_far_from_the_cells_costs_nothing() -> None:
    def fill(book: Any) -> None:
        book.active.append(["المادة", "Price"])
        book.active.append(["رمل", 95])
        book.active["XFD1048576"].number_format = "0.00"

    assert "المادة: رمل · Price: 95" in lines(read(workbook(fill), ".xlsx"))


def test_a_range_merged_over_a_whole_sheet_is_refused() -> None:
    data = workbook(lambda book: book.active.append(["x"]))
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        members = {path: packed.read(path) for path in packed.namelist()}
    merged = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", merged)
    with pytest.raises(DocumentError) as raised:
        read(archive(**members), ".xlsx")
    assert raised.value.key == "error.too_much_text"


@pytest.mark.parametrize("suffix", [".xlsx", ".docx", ".pptx"])
@pytest.mark.parametrize(("entry", "key"), [("EncryptedPackage", "error.protected"), ("Workbook", "error.damaged")])
def test_an_office_file_with_a_password_says_so(suffix: str, entry: str, key: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + entry.encode("utf-16-le") + bytes(100), suffix)
    assert raised.value.key == key
    assert all(f"file{suffix}" in raised.value.text(language) for language in ("en", "ar"))


# --- OpenDocument ---------------------------------------------------------------------------------------------------------

_HEAD = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"><office:body>'
)


def opendocument(body: str) -> bytes:
    return archive(**{"content.xml": f"{_HEAD}{body}</office:body></office:document-content>"})


def test_a_text_keeps_headings_lists_tables_and_notes() -> None:
    body = (
        "<office:text><text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">السكان</text:h>'
        "<text:p>بلغ العدد<text:s text:c='1'/>5200<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>دون اللاجئين</text:p></text:note-body></text:note> نسمة.</text:p>"
        "<text:p>The board decided:</text:p><text:list><text:list-item><text:p>a branch in Irbid</text:p></text:list-item>"
        "<text:list-item><text:p>a new contract</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>Item</text:p></table:table-cell>"
        "<table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:table-cell><text:p>Olive oil</text:p></table:table-cell>"
        "<table:table-cell><text:p>7,50</text:p></table:table-cell></table:table-row></table:table></office:text>"
    )
    content = read(opendocument(body), ".odt")
    assert lines(content) == [
        "السكان",
        "بلغ العدد 5200[1] نسمة.",
        "[1] دون اللاجئين",
        "The board decided:",
        "- a branch in Irbid",
        "- a new contract",
        "Item: Olive oil · Price: 7,50",
    ]
    item = next(block for block in content.blocks if block.kind is BlockKind.ITEM)
    assert item.lead is not None
    assert item.lead.of(content.text) == "The board decided:"


def test_a_spreadsheet_keeps_repeated_and_merged_cells() -> None:
    cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
    body = (
        '<office:spreadsheet><table:table table:name="أسعار"><table:table-row>'
        + cell.format("", "المادة") + cell.format("", "عمان") + cell.format("", "إربد") + "</table:table-row>"
        "<table:table-row>" + cell.format("", "رمل") + cell.format(' table:number-columns-repeated="2"', "95") + "</table:table-row>"
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
        "</table:table></office:spreadsheet>"
    )  # fmt: skip
    assert lines(read(opendocument(body), ".ods")) == ["أسعار", "المادة: رمل · عمان: 95 · إربد: 95"]


def test_an_encrypted_document_says_so() -> None:
    data = archive(**{"content.xml": "x", "META-INF/manifest.xml": "<manifest:encryption-data/>"})
    with pytest.raises(DocumentError) as raised:
        read(data, ".odt")
    assert raised.value.key == "error.protected"


# --- PPTX -----------------------------------------------------------------------------------------------------------------


def test_slides_are_places_with_their_titles_lists_tables_and_notes() -> None:
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Results 2024"
    slide.placeholders[1].text = "Sales rose\nCosts fell"
    slide.notes_slide.notes_text_frame.text = "Say this slowly."
    for place in slide.slide_layout.placeholders:  # the number of the slide, the date and the line at the foot
        if place.placeholder_format.type.name in ("SLIDE_NUMBER", "DATE", "FOOTER"):
            slide.shapes.clone_placeholder(place)
            slide.placeholders[place.placeholder_format.idx].text = "17"
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "الأسعار"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for at, text in enumerate(["المادة", "السعر", "رمل", "95"]):
        table.cell(at // 2, at % 2).text = text
    buffer = io.BytesIO()
    deck.save(buffer)
    content = read(buffer.getvalue(), ".pptx")
    expected = ["Results 2024", "- Sales rose", "- Costs fell", "Say this slowly.", "الأسعار", "المادة: رمل · السعر: 95"]
    assert lines(content) == expected
    assert [mark.label for mark in content.marks if mark.label.startswith("slide")][:2] == ["slide 1", "slide 2"]


# --- RTF ------------------------------------------------------------------------------------------------------------------


def test_a_link_of_rich_text_is_its_words_without_the_address() -> None:
    link = rb'{\field{\*\fldinst{HYPERLINK "https://example.org/a"}}{\fldrslt{our page}}}'
    inner = rb'{\field{\*\fldinst{HYPERLINK "%5Cl%20h.1"}}{\fldrslt{Part 1}}}'
    content = read(rb"{\rtf1 See " + link + rb" and " + inner + rb". It says (\'93yes\'94) and f(\"x\").\par}", ".rtf")
    assert "our page" in content.text
    assert "Part 1" in content.text
    assert "example.org" not in content.text
    assert "%5C" not in content.text
    assert "yes" in content.text


def test_rich_text_in_both_languages_with_a_table() -> None:
    data = (
        rb"{\rtf1\ansi\ansicpg1256 The meeting is on 4 May.\par \'c7\'e1\'e3\'cf\'ed\'d1 \u1587?\u1604?\u1610?\u1605?\par "
        rb"\trowd\cellx1000\cellx2000 Item\cell Price\cell\row \trowd\cellx1000\cellx2000 Olive oil\cell 7.50\cell\row \pard After.\par}"
    )
    content = read(data, ".rtf")
    assert "The meeting is on 4 May." in content.text
    assert "المدير سليم" in content.text
    assert "Item: Olive oil · Price: 7.50" in lines(content)
    with pytest.raises(DocumentError, match=r"file\.rtf"):
        read(b"plain", ".rtf")


# --- files that hold documents --------------------------------------------------------------------------------------------


def message(**attached: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", "موعد الاجتماع"
    mail["Date"] = "Wed, 21 Dec 2022 10:28:53 +0000"
    mail.set_content("The meeting is on Sunday.\n")
    for name, data in attached.items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def inside(data: bytes, suffix: str, limits: Limits | None = None) -> list[tuple[str, bytes | str]]:
    """What a file holds: the id of each file in it with its bytes, or the key of the error that names it."""
    found = readers.unpack(data, suffix, f"file{suffix}", limits or Limits())
    return [(str(one.fields["name"]), one.key) if isinstance(one, DocumentError) else (one.id, one.data) for one in found]


def test_a_message_and_its_attachments() -> None:
    prices = "المادة,السعر\nرمل,95\n".encode()
    data = message(**{"prices.csv": prices, "again.zip": b"x", "run.exe": b"x"})
    content = read(data, ".eml")
    assert lines(content) == [
        "From: a@example.org",
        "To: b@example.org",
        "Date: Wed, 21 Dec 2022 10:28:53 +0000",
        "Subject: موعد الاجتماع",
        "The meeting is on Sunday.",
    ]
    assert content.title == "موعد الاجتماع"
    assert content.metadata == {"author": "a@example.org", "date": "2022-12-21"}
    assert content.inside == 3
    assert inside(data, ".eml") == [
        ("file.eml/prices.csv", prices), ("file.eml/again.zip", "error.nested_container"), ("file.eml/run.exe", "error.unknown_kind"),
    ]  # fmt: skip


def test_an_archive_yields_what_it_can_and_names_the_rest() -> None:
    data = archive(**{
        "b/note.txt": "The depot opened in 1962.", "a.md": "# Title", "inner.zip": b"x", "__MACOSX/a.md": b"x", "tool.exe": b"x",
    })  # fmt: skip
    assert read(data, ".zip").inside == 4
    assert inside(data, ".zip") == [
        ("file.zip/a.md", b"# Title"), ("file.zip/b/note.txt", b"The depot opened in 1962."),
        ("file.zip/inner.zip", "error.nested_container"), ("file.zip/tool.exe", "error.unknown_kind"),
    ]  # fmt: skip


def test_names_inside_a_file_are_clean_and_different() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for path in ("../up.txt", "C:\\tmp\\disk.txt", "عقد\u202e\u0007.txt", "Same.txt", "same.txt", "sub/./same.txt"):
            packed.writestr(path, path)
    assert sorted(id for id, _ in inside(buffer.getvalue(), ".zip")) == sorted(
        f"file.zip/{path}" for path in ("up.txt", "tmp/disk.txt", "عقد.txt", "Same.txt", "same (2).txt", "sub/same.txt")
    )
    same = EmailMessage()
    same["From"] = "a@example.org"
    same.set_content("Two offers.")
    for number in (b"1", b"2"):
        same.add_attachment(number, maintype="text", subtype="plain", filename="عرض.txt")
    assert inside(same.as_bytes(), ".eml") == [("file.eml/عرض.txt", b"1"), ("file.eml/عرض (2).txt", b"2")]


@pytest.mark.parametrize("encoding", ["utf-8", "cp720", "cp1256"])
def test_arabic_names_of_archives_that_do_not_say_their_encoding(encoding: str) -> None:
    raw = "عقد الايجار".encode(encoding)
    plain = archive(**{"N" * len(raw) + ".txt": "نص"}).replace(b"N" * len(raw), raw)
    (found,) = inside(plain, ".zip")
    assert found[0] == "file.zip/عقد الايجار.txt"


def test_a_member_made_to_fill_up_a_computer_is_named_and_the_rest_is_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", "The depot opened in 1962.")
        packed.writestr("zeros.txt", b"0" * (2 * 2**20))
        packed.writestr("big.txt", bytes(range(33, 127)) * 50, compress_type=zipfile.ZIP_STORED)
    assert inside(buffer.getvalue(), ".zip", Limits(text=1000)) == [
        ("file.zip/a.txt", b"The depot opened in 1962."),
        ("file.zip/big.txt", "error.too_large"),
        ("file.zip/zeros.txt", "error.compressed_too_much"),
    ]


def test_a_damaged_or_protected_member_is_named_and_the_rest_is_read() -> None:
    data = bytearray(archive(**{"a.txt": "Text one.", "b.txt": "Text two.", "c.txt": "Text three."}))
    at = data.index(b"Text two.")
    data[at : at + 4] = b"Tuxt"
    directory = data.index(b"c.txt", data.index(b"PK\x01\x02")) - 46
    data[directory + 8] |= 1  # encrypted
    assert inside(bytes(data), ".zip") == [
        ("file.zip/a.txt", b"Text one."), ("file.zip/b.txt", "error.damaged"), ("file.zip/c.txt", "error.protected"),
    ]  # fmt: skip


def test_documents_inside_files_are_documents(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(message(**{"prices.csv": "المادة,السعر\nرمل,95\n".encode(), "bad.docx": b"x", "blank.txt": b" "}))
    (tmp_path / "pack.zip").write_bytes(archive(**{"a.txt": "The depot opened in 1962.", "تقرير.md": "# عنوان\n\nنص."}))
    loaded = list(load_folder(tmp_path))
    documents = {item.id: item for item in loaded if isinstance(item, Document)}
    assert list(documents) == ["mail.eml", "mail.eml/prices.csv", "pack.zip", "pack.zip/a.txt", "pack.zip/تقرير.md"]
    assert documents["mail.eml/prices.csv"].text == "المادة: رمل · السعر: 95"
    assert documents["mail.eml/prices.csv"].metadata == {"container": "mail.eml"}
    assert documents["mail.eml"].metadata["documents"] == "1"
    assert (documents["pack.zip"].text, documents["pack.zip"].metadata) == ("", {"documents": "2"})
    assert documents["pack.zip/تقرير.md"].language == "ar"
    assert [(item.id, item.error.key) for item in loaded if isinstance(item, Skipped)] == [
        ("mail.eml/bad.docx", "error.damaged"), ("mail.eml/blank.txt", "error.empty_file"),
    ]  # fmt: skip


def test_an_archive_without_a_readable_document_is_refused(tmp_path: Path) -> None:
    for name, data in (("bad.zip", archive(**{"a.docx": b"x"})), ("empty.zip", archive()), ("no.zip", b"PK")):
        (tmp_path / name).write_bytes(data)
    found = [(item.id, item.error.key) for item in load_folder(tmp_path) if isinstance(item, Skipped)]
    assert found == [("bad.zip", "error.damaged"), ("empty.zip", "error.empty_file"), ("no.zip", "error.damaged")]


def test_a_member_that_crashes_its_reader_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = ParserProcess.read

    def crash(self: ParserProcess, data: bytes, suffix: str, name: str) -> Content:
        if name.endswith("b.txt"):
            self.close()
            raise DocumentError("error.too_slow", name=name, seconds=1)
        return read(self, data, suffix, name)

    monkeypatch.setattr(ParserProcess, "read", crash)
    (tmp_path / "pack.zip").write_bytes(archive(**{"a.txt": "One.", "b.txt": "Two.", "c.txt": "Three."}))
    loaded = list(load_folder(tmp_path))
    assert [item.id for item in loaded] == ["pack.zip", "pack.zip/a.txt", "pack.zip/c.txt", "pack.zip/b.txt"]


# --- pictures, and what is no document ------------------------------------------------------------------------------------


def tiff(pages: int) -> bytes:
    from PIL import Image

    frames = [Image.new("L", (40, 20), 255) for _ in range(pages)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def test_a_picture_without_ocr_says_how_it_is_read() -> None:
    with pytest.raises(DocumentError) as raised:
        read(tiff(3), ".tiff")
    assert (raised.value.key, raised.value.fields["pages"]) == ("error.pages_pictures", "1-3")


def test_a_picture_is_read_page_by_page_and_weak_pages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Seen:
        missing = None

        def __init__(self, name: str, limits: Limits) -> None:
            texts: list[list[str]] = [["Chapter one"], [], ["الفصل الثالث"]]
            places = (1.0, 2.0, 3.0, 4.0)
            self._found = iter([[OcrParagraph(tuple((word, *places) for word in one.split())) for one in page] for page in texts])

        def recognise(self, picture: bytes) -> list[OcrParagraph]:
            assert picture.startswith(b"P5 40 20 255\n")
            return next(self._found)

    monkeypatch.setattr(picture, "Ocr", Seen)
    content = read(tiff(3), ".tiff", ocr=True)
    assert lines(content) == ["Chapter one", "الفصل الثالث"]
    assert content.metadata == {"ocr_pages": "1, 3", "illegible_pages": "2"}
    assert [note.fields["pages"] for note in content.notes] == ["2"]


def test_every_kind_through_the_process(tmp_path: Path) -> None:
    from pptx import Presentation

    deck, slides = Presentation(), io.BytesIO()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "Results"
    deck.save(slides)
    sheet = workbook(lambda book: book.active.append(["Total", 5]))
    text = opendocument("<office:text><text:p>نص</text:p></office:text>")
    cells = opendocument(
        "<office:spreadsheet><table:table><table:table-row><table:table-cell><text:p>5</text:p></table:table-cell></table:table-row>"
        "</table:table></office:spreadsheet>"
    )
    files = {
        "a.eml": message(), "b.ods": cells, "c.odt": text, "d.pptx": slides.getvalue(), "e.rtf": rb"{\rtf1 Text.}", "f.xlsm": sheet,
        "g.xlsx": sheet, "h.zip": archive(**{"a.txt": "Text."}),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    pictures = [name + suffix for name, suffix in zip("ijklmn", (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"), strict=True)]
    for name in pictures:
        (tmp_path / name).write_bytes(tiff(1))
    loaded = list(load_folder(tmp_path))
    assert [item.id for item in loaded if isinstance(item, Document) and item.text.strip()] == [
        *list(files)[:-1], "h.zip/a.txt",
    ]  # fmt: skip
    assert [(item.id, item.error.key) for item in loaded if isinstance(item, Skipped)] == [(n, "error.pages_pictures") for n in pictures]


@pytest.mark.parametrize("suffix", sorted(readers.PACKED - {".eml", ".zip"}))
def test_a_wrong_file_under_a_name_is_refused_with_the_name(suffix: str) -> None:
    with pytest.raises(DocumentError, match=rf"file\{suffix}"):
        read(b"not what the name says", suffix)


def test_an_unknown_kind_lists_those_that_are_read() -> None:
    with pytest.raises(DocumentError) as raised:
        read(b"MZ", ".exe")
    assert raised.value.key == "error.unknown_kind"
    assert "XLSX" in raised.value.fields["kinds"]


def test_the_window_and_the_documents_name_every_kind() -> None:
    window = (ROOT / "rag/ui/static/library.js").read_text(encoding="utf-8")
    accepted = re.search(r'accept: "([^"]*)"', window)
    assert accepted is not None
    assert {name for name in accepted[1].split(",") if name.startswith(".")} == readers.SUFFIXES
    table = (ROOT / "docs/documents.md").read_text(encoding="utf-8")
    assert [suffix for suffix in sorted(readers.SUFFIXES) if f"`{suffix}`" not in table] == []
