"""Word documents as they are printed: numbers of articles, notes at their sentence, merged and deleted cells, content controls."""

from __future__ import annotations

import io
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag.documents.formats.docx_numbering import Numbering
from rag.documents.formats.markup_superscripts import lower_text, raise_text
from rag.documents.formats.readers import read
from rag.documents.tree import Content, Limits

W = nsdecls("w")


def content(document: Any) -> Content:
    out = io.BytesIO()
    document.save(out)
    return read(out.getvalue(), ".docx", "a.docx", Limits())


def blocks(found: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, block.span.of(found.text)) for block in found.blocks]


def paragraph(text: str, *, number: int | None = None, level: int = 0, extra: str = "") -> Any:
    listed = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>' if number else ""
    return parse_xml(f"<w:p {W}><w:pPr>{listed}</w:pPr><w:r><w:t xml:space='preserve'>{text}</w:t></w:r>{extra}</w:p>")


def numbered(document: Any, levels: list[tuple[str, str, int]], number: int = 77) -> None:
    """Define a list whose levels have a format, a text and a start."""
    root = document.part.numbering_part.element
    rows = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (kind, text, start) in enumerate(levels)
    )
    root.insert(0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="{number}">{rows}</w:abstractNum>'))
    root.append(parse_xml(f'<w:num {W} w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>'))


def add(document: Any, *elements: Any) -> None:
    body = document.element.body
    for element in elements:
        body.insert(len(body) - 1, element)


def test_articles_have_the_numbers_they_are_printed_with() -> None:
    document = docx.Document()
    numbered(document, [("decimal", "المادة %1.", 1), ("lowerLetter", "(%2)", 1)])
    add(
        document,
        paragraph("تحدد الساعات.", number=77),
        paragraph("يمنح الموظف إجازة.", number=77),
        paragraph("سنوية", number=77, level=1),
        paragraph("مرضية", number=77, level=1),
        paragraph("يعاقب المتأخر.", number=77),
        paragraph("فرع", number=77, level=1),
    )
    assert blocks(content(document)) == [
        ("item", "المادة 1. تحدد الساعات."), ("item", "المادة 2. يمنح الموظف إجازة."), ("item", "(a) سنوية"), ("item", "(b) مرضية"),
        ("item", "المادة 3. يعاقب المتأخر."), ("item", "(a) فرع"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("decimal", ["4", "5", "6"]), ("decimalZero", ["04", "05", "06"]), ("lowerLetter", ["d", "e", "f"]),
        ("upperLetter", ["D", "E", "F"]),
        ("lowerRoman", ["iv", "v", "vi"]), ("upperRoman", ["IV", "V", "VI"]), ("arabicAbjad", ["د", "ه", "و"]),
        ("arabicAlpha", ["ث", "ج", "ح"]),
        ("hindiNumbers", ["٤", "٥", "٦"]), ("unheardOf", ["4", "5", "6"]),
    ],
)  # fmt: skip
def test_numbers_in_every_form(kind: str, expected: list[str]) -> None:
    document = docx.Document()
    numbered(document, [(kind, "%1)", 4)])
    add(document, *(paragraph("نص", number=77) for _ in range(3)))
    assert [text for _, text in blocks(content(document))] == [f"{label}) نص" for label in expected]


def test_bullets_are_items_without_a_number_and_nothing_is_numbered_without_a_list() -> None:
    document = docx.Document()
    numbered(document, [("bullet", "•", 1)])
    add(document, paragraph("first", number=77), paragraph("no list", number=999), paragraph("none", number=0))
    assert blocks(content(document)) == [("item", "first"), ("paragraph", "no list"), ("paragraph", "none")]
    assert Numbering.of(None, None).label(paragraph("x", number=1)) is None


@pytest.mark.parametrize(("over", "names"), [("Key terms", ("Term", "Notice")), ("الشروط الأساسية", ("المدة", "الإشعار"))])
def test_a_cell_over_the_whole_row_is_a_line_over_the_rows_below(over: str, names: tuple[str, str]) -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    table.cell(0, 0).merge(table.cell(0, 1)).text = over
    for row, name, value in ((1, names[0], "3"), (2, names[1], "30")):
        table.cell(row, 0).text, table.cell(row, 1).text = f"{name}:", value
    found = content(document)
    assert found.text == f"{over}\n{names[0]}: 3\n{names[1]}: 30"
    assert {block.lead.of(found.text) for block in found.blocks if block.lead is not None} == {over}


@pytest.mark.parametrize(("bold", "expected"), [(True, ["Part: Notes · Owner: Ana", "Part: Plans · Owner: Sami"]),
                                                (False, ["Part · Owner", "Notes · Ana", "Plans · Sami"])])  # fmt: skip
def test_a_first_row_in_bold_names_the_columns_and_one_like_the_others_does_not(bold: bool, expected: list[str]) -> None:
    document = docx.Document()
    table = document.add_table(3, 2)
    for at, row in enumerate((("Part", "Owner"), ("Notes", "Ana"), ("Plans", "Sami"))):
        for column, text in enumerate(row):
            table.cell(at, column).paragraphs[0].add_run(text).bold = bold and at == 0
    assert [text for _, text in blocks(content(document))] == expected


@pytest.mark.parametrize(
    ("written", "displayed"),
    [
        ("لكل 000 1 حالة", "لكل 1 000 حالة"), ("570 147 كيلومترا", "147 570 كيلومترا"), ("000 200 3", "3 200 000"), ("٠٨١ ٣", "٣ ٠٨١"),
        ("079\u00a02 شخصا", "2\u00a0079 شخصا"), ("555 123 456", "555 123 456"), ("عام 2010 و24.9", "عام 2010 و24.9"),
        ("3 081", "3 081"), ("15/200 1", "15/200 1"), ("", ""),
    ],
)  # fmt: skip
def test_groups_of_digits_in_a_right_to_left_run_are_read_as_displayed(written: str, displayed: str) -> None:
    document = docx.Document()
    run = document.add_paragraph().add_run(written)
    run._r.get_or_add_rPr().append(parse_xml(f"<w:rtl {W}/>"))
    document.add_paragraph("081 3")
    assert content(document).text == "\n\n".join(part for part in (displayed.strip(), "081 3") if part)


def test_a_blank_row_that_is_marked_as_a_header_names_nothing() -> None:
    document = docx.Document()
    table = document.add_table(4, 3)
    for at, row in enumerate((("السنة", "القضايا", "الإدانات"), ("", "", ""), ("2004", "134", "37"), ("2005", "164", "40"))):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
        if at < 2:
            table.rows[at]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {W}/>"))
    assert [text for _, text in blocks(content(document))] == [
        "السنة: 2004 · القضايا: 134 · الإدانات: 37",
        "السنة: 2005 · القضايا: 164 · الإدانات: 40",
    ]


def test_the_table_of_contents_is_left_out() -> None:
    document = docx.Document()
    document.styles.add_style("TOC 1", 1)
    document.add_paragraph("Introduction\t3", style="TOC 1")
    document.add_paragraph("Lorries wait here.")
    assert content(document).text == "Lorries wait here."


def test_merged_cells_are_said_in_every_row() -> None:
    document = docx.Document()
    table = document.add_table(4, 4)
    for at, row in enumerate(
        (["المستودع", "الصنف", "الكمية", ""], ["عمّان", "إسمنت", "410", "5"], ["", "حديد", "", "6"], ["الزرقاء", "رمل", "95", "7"])
    ):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(0, 2).merge(table.cell(0, 3))
    assert [text for _, text in blocks(content(document))] == [
        "المستودع: عمّان · الصنف: إسمنت · الكمية: 410 · الكمية: 5",
        "المستودع: عمّان · الصنف: حديد · الكمية: 6",
        "المستودع: الزرقاء · الصنف: رمل · الكمية: 95 · الكمية: 7",
    ]


def test_controls_are_read_and_what_was_deleted_is_not() -> None:
    def row(*cells: str, properties: str = "") -> str:
        return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"

    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    def control(inner: str) -> str:
        return f"<w:sdt><w:sdtContent>{inner}</w:sdtContent></w:sdt>"

    rows = [
        row(cell("Name"), cell("Date")),
        row(cell("Anna"), control(cell("2024-05-02"))),
        control(row(cell("Omar"), cell("2024-05-09"))),
        row(cell("Gone"), cell("2024-01-01"), properties='<w:del w:id="1" w:author="x"/>'),
        row(cell("Lina"), cell("old", '<w:cellDel w:id="2" w:author="x"/>'), cell("2024-05-20")),
    ]
    document = docx.Document()
    add(document, parse_xml(f"<w:tbl {W}>{''.join(rows)}</w:tbl>"))
    assert [text for _, text in blocks(content(document))] == [
        "Name: Anna · Date: 2024-05-02", "Name: Omar · Date: 2024-05-09", "Name: Lina · Date: 2024-05-20",
    ]  # fmt: skip


def test_raised_characters_in_runs() -> None:
    document = docx.Document()
    added = document.add_paragraph("بلغ العدد 4800")
    added.add_run("3").font.superscript = True
    added.add_run(" على 12 كم")
    added.add_run("2").font.superscript = True
    added.add_run(" و CO")
    added.add_run("2").font.subscript = True
    assert content(document).text == "بلغ العدد 4800 [3] على 12 كم² و CO₂"


@pytest.mark.parametrize(
    ("before", "raised", "written"),
    [
        ("4800", "3", " [3]"), ("in 1844", "12", " [12]"), ("شخص", "٧", " [٧]"), ("612", "(7)", " [7]"), ("x", "[4]", " [4]"),
        ("12 km", "2", "²"), ("12 كم", "2", "²"), ("5 m", "-1", "⁻¹"), ("10", "6", "⁶"), ("١٠", "6", "⁶"), ("3 × 10", "-3", "⁻³"),
        ("1", "st", "st"), ("", "", ""), ("word", "*", "*"),
    ],
)  # fmt: skip
def test_a_note_mark_is_no_digit_and_a_power_no_note(before: str, raised: str, written: str) -> None:
    assert raise_text(before, raised) == written
    assert lower_text("2") == "₂"


def test_headers_are_named_and_comments_are_left_out_and_said_so() -> None:
    document = docx.Document()
    document.add_paragraph("The text.")
    document.sections[0].header.paragraphs[0].text = "Ministry of Works"
    document.add_comment(document.paragraphs[0].runs, text="secret thought", author="A", initials="A")
    found = content(document)
    assert found.text == "The text.\n\nMinistry of Works"
    assert found.marks[-1].label == "header"
    assert [note.key for note in found.notes] == ["error.comments_left_out"]
    assert "1" in found.notes[0].text("ar")
