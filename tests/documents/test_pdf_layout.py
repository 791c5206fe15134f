"""PDF pages as a person reads them: columns, tables, forms, lists, notes, what is printed on every page, sentences over pages."""

from __future__ import annotations

import struct
import sys
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents.chunker import Chunker
from rag.documents.formats.pdf import arabic
from rag.documents.formats.pdf.bidi import reading_order
from rag.documents.formats.pdf.font_files import Drawn, TrueType, digits_of_shapes, letters_of_codes, read_digits, wrong_digits
from rag.documents.formats.pdf.glyphs import Glyph
from rag.documents.formats.pdf.reader import read_pdf
from rag.documents.tree import Content, Limits, TreeWriter, heading_paths
from rag.schema import BlockKind, Document
from tests.pdfs import Ground, Stroke, Text, blank, ruled, sheets

LINES = (
    "The office at the northern gate opens at seven",
    "in the morning and lorries wait there for two",
    "hours on average while the drivers hand in all",
    "their papers at the window and wait for a call",
    "because the queue is longest on Sundays, which",
    "the director said would change before winter.",
)
OTHER = (
    "The southern gate is closed at night and scales",
    "were repaired in June so that they weigh eighty",
    "tonnes, although carriers complain about it and",
    "no animals are admitted on days other than this",
    "one, when the only doctor visits from the city",
    "and looks at what has arrived since last week.",
)
ARABIC = (
    "يفتح المكتب عند البوابة الشمالية في السابعة صباحا",
    "وتنتظر الشاحنات هناك ساعتين في المتوسط ريثما ينتهي",
    "السائقون من تسليم أوراقهم عند الشباك ثم ينتظرون رقما",
    "لأن الطابور أطول ما يكون أيام الآحاد وهو ما قال المدير",
    "إنه سيتغير قبل حلول الشتاء القادم في المدينة كلها.",
)


def read(*pages: Sequence[Text | Stroke | Ground], size: tuple[float, float] = (595, 842)) -> Content:
    return read_pdf(sheets(*pages, size=size), "sheet.pdf", Limits())


def blocks(content: Content, kind: BlockKind | None = None) -> list[str]:
    return [block.span.of(content.text) for block in content.blocks if kind in (None, block.kind)]


def document(content: Content) -> Document:
    return Document("d", content.text, "", "en", "0", content.marks, blocks=content.blocks, tables=content.tables, pages=content.pages)


# --- columns --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_a_narrow_gutter_is_seen_also_where_lines_of_the_columns_stand_at_other_heights(shift: float) -> None:
    left = [Text(50, 700 - 13 * n, line) for n, line in enumerate(LINES)]
    right = [Text(308, 700 - shift - 13 * n, line) for n, line in enumerate(OTHER)]  # the longest line on the left ends at 299
    content = read([*left, *right])
    assert blocks(content) == [" ".join(LINES), " ".join(OTHER)]


def test_three_columns_below_a_line_over_all_of_them() -> None:
    head = Text(50, 740, "A line that goes over all of the columns, as the title of an article does now and then.", 16)
    columns = [Text(x, 700 - 9 * n, line, 7) for x, lines in ((50, LINES), (230, OTHER), (410, LINES)) for n, line in enumerate(lines)]
    content = read([head, *columns])
    assert blocks(content) == [head.text, " ".join(LINES), " ".join(OTHER), " ".join(LINES)]


def test_arabic_columns_with_a_narrow_gutter() -> None:
    right = [Text(545, 700 - 15 * n, line, 7.5) for n, line in enumerate(ARABIC)]
    left = [Text(317, 700 - 15 * n, line, 7.5) for n, line in enumerate(ARABIC[::-1])]
    content = read([*left, *right])
    words = content.text.split()
    assert words == " ".join([*ARABIC, *ARABIC[::-1]]).split()


# --- tables and forms -----------------------------------------------------------------------------------------------------


def table(rows: list[list[str]], xs: list[float], top: float = 700, step: float = 20, rtl: bool = False) -> list[Text]:
    """The texts of a table, a row each `step`; Arabic cells end at their place."""
    return [Text(x, top - step * n, cell) for n, row in enumerate(rows) for x, cell in zip(xs, row, strict=True) if cell]


def test_an_open_table_keeps_its_names_and_its_holes() -> None:
    rows = [
        ["Country", "2019", "2020", "2021"],
        ["Jordan", "812", "", "905"],
        ["Morocco", "1,204", "36.6", "44.0"],
        ["Oman", "7", "8", "9"],
    ]
    content = read([Text(50, 740, "Table 2. Exports in millions"), *table(rows, [50, 200, 300, 400])])
    assert blocks(content, BlockKind.ROW) == [
        "Country: Jordan · 2019: 812 · 2021: 905",
        "Country: Morocco · 2019: 1,204 · 2020: 36.6 · 2021: 44.0",
        "Country: Oman · 2019: 7 · 2020: 8 · 2021: 9",
    ]
    row = content.blocks[1]
    assert [cell.span.of(content.text) for cell in row.cells] == ["Jordan", "812", "905"]
    assert [cell.column for cell in row.cells] == [0, 1, 3]
    assert content.tables[0].columns == ("Country", "2019", "2020", "2021")
    assert row.lead is not None
    assert row.lead.of(content.text) == "Table 2. Exports in millions"


def test_an_arabic_ruled_table_is_read_from_the_right_with_groups_of_digits_as_they_stand() -> None:
    rows = [["القائمة", "الشمال", "المجموع"], ["قائمة السنبلة", "280", "3 001"], ["قائمة الجسر", "10 102", "68 795"]]
    # Digits are drawn from the left at the place where they stand in a right-to-left table.
    texts = [
        Text(x if not cell[0].isdigit() else x - 60, 704 - 20 * n, cell)
        for n, row in enumerate(rows)
        for x, cell in zip((540, 400, 300), row, strict=True)
    ]
    content = read([*texts, *ruled([210, 310, 410, 545], [720, 699, 679, 659])])
    assert blocks(content, BlockKind.ROW) == [
        "القائمة: قائمة السنبلة · الشمال: 280 · المجموع: 3 001",
        "القائمة: قائمة الجسر · الشمال: 10 102 · المجموع: 68 795",
    ]


def test_a_form_gives_each_value_with_its_label() -> None:
    rows = [["Name of the project", "Western plant"], ["Date of approval", "4 December 2024"], ["Amount", "470,000"]]
    content = read([*table(rows, [55, 255]), *ruled([50, 250, 500], [716, 694, 674, 654])])
    assert blocks(content) == ["Name of the project: Western plant", "Date of approval: 4 December 2024", "Amount: 470,000"]


def test_an_arabic_form_has_its_labels_on_the_right() -> None:
    rows = [["اسم المشروع", "توسعة محطة التنقية"], ["تاريخ موافقة المجلس", "4 كانون الأول 2024"], ["مدة التنفيذ", "ثمانية عشر شهرا"]]
    content = read([*table(rows, [540, 290]), *ruled([100, 300, 545], [716, 694, 674, 654])])
    assert blocks(content) == [
        "اسم المشروع: توسعة محطة التنقية",
        "تاريخ موافقة المجلس: 4 كانون الأول 2024",
        "مدة التنفيذ: ثمانية عشر شهرا",
    ]


@pytest.mark.parametrize("arabic_", [False, True])
def test_a_form_with_labels_above_their_values(arabic_: bool) -> None:
    english = [("Name", "Susan Reed", "Place", "Southgate"), ("Number", "460121", "Capital", "8,716 JOD")]
    right = [("الاسم", "سوزان ريد", "المكان", "البوابة"), ("الرقم", "قيد", "الغرض", "تجديد الترخيص")]
    lines = []
    for n, (label, value, other, value_of_other) in enumerate(right if arabic_ else english):
        x, y, top = (545, 300, 700 - 50 * n) if arabic_ else (50, 300, 700 - 50 * n)
        lines += [Text(x, top, label, 9), Text(y, top, other, 9), Text(x, top - 15, value), Text(y, top - 15, value_of_other)]
    expected = [f"{form[n]}: {form[n + 1]}" for form in (right if arabic_ else english) for n in (0, 2)]
    assert blocks(read(lines), BlockKind.ROW) == expected


def test_small_lines_beside_large_ones_are_lines_of_their_own() -> None:
    large = [Text(200, 700 - 14 * n, line, 10) for n, line in enumerate(LINES)]
    aside = ("Richard Henderson is an economist", "in the division of projections, and", "writes about employment.")
    small = [Text(50, 701 - 7 * n, line, 6) for n, line in enumerate(aside)]
    content = read([*large, *small])
    assert " ".join(LINES) in content.text
    assert " ".join(aside) in " ".join(content.text.split())


def test_dots_that_lead_to_a_value_are_no_text() -> None:
    content = read(
        [Text(50, 700 - 16 * n, f"{name} {'.' * 40} {page}") for n, (name, page) in enumerate((("Harbour", 12), ("Market", 40)))]
    )
    assert "...." not in content.text
    assert content.text.split() == ["Harbour", "12", "Market", "40"]


def test_lines_of_nothing_but_dots_are_no_text() -> None:
    content = read([Text(50, 700, "Signed"), *[Text(50, 680 - 20 * n, "." * 60) for n in range(4)]])
    assert content.text == "Signed"


def test_two_rows_of_names_are_one_name_for_each_column() -> None:
    grid = ruled([50, 200, 300, 400, 500], [720])
    lines = [
        *grid,
        *[Stroke(x, 720, x, 640) for x in (50, 200, 500)],
        *[Stroke(x, 700, x, 640) for x in (300, 400)],
        Stroke(400, 720, 400, 700),
    ]
    lines += [Stroke(200, 700, 500, 700), *[Stroke(50, y, 500, y) for y in (680, 660, 640)]]
    texts = [Text(55, 685, "Country"), Text(230, 706, "Imports"), Text(420, 706, "Exports")]
    texts += [Text(x, 686, name) for x, name in ((205, "2020"), (305, "2021"), (405, "2021"))]
    texts += table([["Jordan", "1", "2", "3"], ["Oman", "4", "5", "6"]], [55, 205, 305, 405], 666)
    content = read([*texts, *lines])
    assert blocks(content, BlockKind.ROW) == [
        "Country: Jordan · Imports 2020: 1 · Imports 2021: 2 · Exports 2021: 3",
        "Country: Oman · Imports 2020: 4 · Imports 2021: 5 · Exports 2021: 6",
    ]


def test_the_names_of_groups_over_the_middle_of_their_columns_are_those_of_each() -> None:
    xs = [200, 250, 300, 360, 410, 460]
    texts = [Text(248, 726, "Men"), Text(402, 726, "Women"), Text(50, 712, "Crime")]
    texts += [Text(x, 712, name) for x, name in zip(xs, ["All", "Boys", "Grown", "All", "Girls", "Grown"], strict=True)]
    texts += table([["Fraud", *"123456"], ["Arson", *"234567"], ["Theft", *"345678"]], [50, *xs], 698)
    assert blocks(read(texts), BlockKind.ROW)[0] == (
        "Crime: Fraud · Men All: 1 · Men Boys: 2 · Men Grown: 3 · Women All: 4 · Women Girls: 5 · Women Grown: 6"
    )


def test_a_table_in_two_languages_is_read_from_the_side_of_its_names() -> None:
    heads = ["النشاط Activity", "2025", "القيمة Value", "العدد Number"]
    rows = [["النقل Transport", "777", "6.1", "30"], ["الطيران Airlines", "336", "1.5", "40"], ["الصحة Health", "579", "2.2", "50"]]
    at = (150, 200, 330, 470)
    texts = [Text(x, 704, cell) for x, cell in zip(at, heads, strict=True)]
    texts += [Text(x, 684 - 20 * n, cell) for n, row in enumerate(rows) for x, cell in zip(at, row, strict=True)]
    content = read([*texts, *ruled([40, 160, 250, 350, 480], [720, 699, 679, 659, 639])])
    first = blocks(content, BlockKind.ROW)[0]
    assert first.index("Transport") < first.index("777") < first.index("6.1") < first.index("30")


def test_small_print_beside_a_large_line_keeps_its_lines() -> None:
    small = [Text(50, 644.4, "Francis Borg,", 7), Text(50, 635.4, "of the university,", 7), Text(50, 626.4, "Arabia", 7)]
    content = read([*small, Text(180, 643.7, "disorder genetics", 21), Text(180, 618.9, "special emphasis", 21)])
    assert all(text.text in content.text for text in small)


def test_bold_lines_just_above_a_ruled_table_name_its_columns() -> None:
    names = [Text(105, 745, "Max", bold=True), Text(52, 738, "Code", bold=True), Text(105, 732, "term", bold=True)]
    names += [Text(205, 738, "Fine", bold=True), Text(305, 738, "Court", bold=True)]
    rows = [["1-1", "5Y", "", "high"], ["1-2", "3Y", "", "low"]]
    content = read([*names, *table(rows, [52, 105, 205, 305], 704), *ruled([50, 100, 200, 300, 400], [720, 699, 679])])
    assert blocks(content) == ["Code: 1-1 · Max term: 5Y · Court: high", "Code: 1-2 · Max term: 3Y · Court: low"]


@pytest.mark.parametrize("arabic_", [False, True])
def test_columns_in_a_frame_are_read_one_after_the_other(arabic_: bool) -> None:
    """A list of results in three ruled columns without lines between the rows."""
    names = ["الحاكم", "المدير", "القاضي"] if arabic_ else ["GOVERNOR", "SHERIFF", "JUDGE"]
    yes, no = ("نعم", "لا") if arabic_ else ("YES", "NO")
    texts = []
    for n, name in enumerate(reversed(names) if arabic_ else names):
        name_at, number_at = ((55 + 150 * n + 130), (55 + 150 * n)) if arabic_ else (55 + 150 * n, 55 + 150 * n + 120)
        at = 2 - n if arabic_ else n
        texts += [Text(name_at, 700, name), Text(name_at, 686, yes), Text(number_at, 686, f"{at}7"), Text(name_at, 672, no)]
        texts += [Text(number_at, 672, f"{at}9"), Text(name_at, 650, f"{name} 2"), Text(name_at, 636, yes), Text(number_at, 636, f"{at}3")]
        texts += [Text(name_at, 622, no), Text(number_at, 622, f"{at}5")]
    frame = [*ruled([50, 500], [715, 610]), Stroke(200, 610, 200, 715), Stroke(350, 610, 350, 715)]
    words = " ".join(read([*texts, *frame]).text.replace("·", " ").replace(":", " ").split())
    sought = [
        part for at, name in enumerate(names) for part in (name, f"{yes} {at}7", f"{no} {at}9", f"{name} 2", f"{yes} {at}3", f"{no} {at}5")
    ]
    at = 0
    for part in sought:
        at = words.index(part, at) + len(part)


def test_a_table_goes_on_on_the_next_page_under_its_names() -> None:
    first = [["City", "Men", "Women"], ["Acre", "10", "11"], ["Homs", "12", "13"]]
    second = [["Aden", "14", "15"], ["Fez", "16", "17"]]
    xs, edges = [55.0, 205.0, 305.0], [50.0, 200.0, 300.0, 400.0]
    content = read(
        [*table(first, xs, 106), *ruled(edges, [120, 100, 80, 60])],
        [*table(second, xs, 786), *ruled(edges, [800, 780, 760])],
    )
    assert blocks(content, BlockKind.ROW)[-1] == "City: Fez · Men: 16 · Women: 17"
    assert [mark.label for mark in content.marks] == ["p. 1", "p. 2"]


# --- paragraphs, headings, lists ------------------------------------------------------------------------------------------


def test_headings_have_the_level_of_their_size_and_lists_their_introduction() -> None:
    lines = [
        Text(50, 780, "Emergency numbers", 20),
        Text(50, 740, "Jordan", 15),
        Text(50, 715, "Numbers that work from every telephone:"),
        Text(60, 699, "• Police 911"),
        Text(60, 683, "• Water 117116"),
        Text(50, 640, "Oman", 15),
        Text(50, 615, "The police have the number 9999 there."),
    ]
    content = read(lines)
    found = document(content)
    assert [(block.kind, block.level) for block in content.blocks if block.kind is BlockKind.HEADING] == [
        (BlockKind.HEADING, 1),
        (BlockKind.HEADING, 2),
        (BlockKind.HEADING, 2),
    ]
    assert blocks(content, BlockKind.ITEM) == ["Police 911", "Water 117116"]
    items = [block for block in content.blocks if block.kind is BlockKind.ITEM]
    assert [item.lead.of(content.text) for item in items if item.lead] == ["Numbers that work from every telephone:"] * 2
    assert heading_paths(found)[-1] == ("Emergency numbers", "Oman")
    assert [passage.path for passage in Chunker().cut(found)] == [("Emergency numbers", "Jordan"), ("Emergency numbers", "Oman")]


@pytest.mark.parametrize(("first", "second", "x"), [("Guidelines for", "Grocery Stores", 50), ("اللائحة الداخلية في", "كلية الهندسة", 545)])
def test_a_heading_of_two_lines_is_one(first: str, second: str, x: float) -> None:
    lines = [Text(x, 780, first, 20), Text(x, 730, second, 20), *[Text(50, 690 - 13 * n, line) for n, line in enumerate(LINES)]]
    assert blocks(read(lines), BlockKind.HEADING) == [f"{first} {second}"]


def test_items_and_the_rest_of_a_sentence_in_large_type_are_no_headings() -> None:
    body = [Text(50, 600 - 13 * n, line) for n, line in enumerate(LINES)]
    content = read([Text(50, 780, "• Tools and services", 20), Text(50, 700, "which the government uses to its full advantage", 20), *body])
    assert blocks(content, BlockKind.HEADING) == []


def test_numbered_clauses_in_two_columns_are_items_and_no_form() -> None:
    rows = [
        ("0.2.1.", "The committee shall only consider candidates who were named by a member of the society"),
        ("", "before the first day of March."),
        ("0.2.2.", "Nominations are kept confidential."),
        ("0.2.3.", "The chair counts the votes and reads the result aloud."),
    ]
    text = [Text(x, 740 - 14 * n, said) for n, row in enumerate(rows) for x, said in zip((50, 120), row, strict=True) if said]
    content = read(text)
    assert content.tables == ()
    assert blocks(content) == [
        "0.2.1. The committee shall only consider candidates who were named by a member of the society before the first day of March.",
        "0.2.2. Nominations are kept confidential.",
        "0.2.3. The chair counts the votes and reads the result aloud.",
    ]


def test_a_running_footer_between_lines_is_no_table() -> None:
    def page(n: int) -> list[Text | Stroke]:
        lines = [Stroke(50, y, 545, y) for y in (20, 40)] + [Stroke(x, 20, x, 40) for x in (50, 300, 545)]
        text = [Text(50, 740 - 13 * at, f"{line} {n}") for at, line in enumerate(LINES)]
        return [*lines, Text(60, 26, "agency.example"), Text(310, 26, str(n)), *text]

    content = read(*(page(n) for n in (1, 2, 3)))
    assert content.tables == ()
    assert "agency.example" not in content.text


def test_bold_lines_are_headings_unless_all_is_bold() -> None:
    lines = [Text(50, 760, "The second article", bold=True), *[Text(50, 740 - 13 * n, line) for n, line in enumerate(LINES)]]
    assert blocks(read(lines), BlockKind.HEADING) == ["The second article"]
    assert blocks(read([Text(50, 760 - 40 * n, line, bold=True) for n, line in enumerate(LINES)]), BlockKind.HEADING) == []


def test_words_cut_at_the_end_of_a_line() -> None:
    lines = [
        "The recommendations of the inde-",
        "pendent commission on well-",
        "being and of the long-",
        "term plan, which is long and has a term.",
    ]
    assert read([Text(50, 700 - 13 * n, line) for n, line in enumerate(lines)]).text == (
        "The recommendations of the independent commission on well-being and of the long-term plan, which is long and has a term."
    )


# --- what is printed on every page ----------------------------------------------------------------------------------------


def pages_of_a_contract(count: int) -> list[list[Text | Stroke]]:
    return [
        [
            Text(200, 810, "Contract of services, final"),
            Text(50, 760, f"The part with the number {n} begins here and it says that the supplier delivers all of the"),
            Text(50, 747, f"sixty devices of kind {n} within a time that is not longer than forty-five days from the day on which"),
            Text(280, 30, f"Page {n} of {count}"),
        ]
        for n in range(1, count + 1)
    ]


def test_a_sentence_over_pages_is_whole_without_header_and_footer() -> None:
    content = read(*pages_of_a_contract(3))
    assert "final" not in content.text
    assert "Page" not in content.text
    assert len(content.blocks) == 1
    assert "from the day on which The part with the number 2" in content.text
    assert document(content).locator_of(content.blocks[0].span) == "p. 1–3"


def test_an_arabic_sentence_over_a_page_with_a_note_between() -> None:
    first: list[Text | Stroke] = [
        Text(545, 810, "اتفاقية الخدمات، نسخة نهائية", 8),
        Text(545, 760, "يلتزم الطرف الأول بتوريد ستين جهازا من أجهزة الحاسوب المحمول خلال مدة لا تتجاوز"),
        Text(545, 60, "¹ يقصد بالجهاز الحاسوب المحمول.", 7),
        Text(545, 30, "صفحة 1 من 2", 8),
    ]
    second: list[Text | Stroke] = [
        Text(545, 810, "اتفاقية الخدمات، نسخة نهائية", 8),
        Text(545, 760, "خمسة وأربعين يوما من تاريخ استلام الدفعة."),
        Text(545, 30, "صفحة 2 من 2", 8),
    ]
    content = read(first, second)
    assert blocks(content) == [
        "يلتزم الطرف الأول بتوريد ستين جهازا من أجهزة الحاسوب المحمول خلال مدة لا تتجاوز خمسة وأربعين يوما من تاريخ استلام الدفعة.",
        "[1] يقصد بالجهاز الحاسوب المحمول.",
    ]
    assert document(content).locator_of(content.blocks[0].span) == "p. 1–2"


def test_rows_of_values_at_the_top_of_pages_are_kept() -> None:
    content = read(*[[Text(50, 810, f"Total {n} {n + 40}"), Text(50, 700, f"Text of the page {n}.")] for n in (1, 2, 3)])
    assert [f"{n} {n + 40}" in content.text for n in (1, 2, 3)] == [True, True, True]


@pytest.mark.parametrize("every", [1, 5])
def test_numbers_of_lines_in_the_margin_are_no_text(every: int) -> None:
    lines = [*LINES, *OTHER]
    text = [Text(80, 760 - 13 * n, line) for n, line in enumerate(lines)]
    numbers = [Text(50, 760 - 13 * n, str(n + 1)) for n in range(len(lines)) if (n + 1) % every == 0]
    if every == 5:  # two numbers prove nothing
        assert "5" in read([*text, *numbers]).text
    else:
        assert read([*text, *numbers]).text.split() == " ".join(lines).split()


# --- raised digits --------------------------------------------------------------------------------------------------------


def test_a_raised_number_is_a_note_and_not_a_digit() -> None:
    content = read([Text(50, 700, "The army had 4800"), Text(143.5, 704, "3", 6), Text(150, 700, "men in 1844"), Text(207.5, 704, "12", 6)])
    assert content.text == "The army had 4800 [3] men in 1844 [12]"


def test_a_raised_number_after_a_unit_is_a_power() -> None:
    content = read([Text(50, 700, "It covers 612 km"), Text(132.2, 704, "2", 6), Text(140, 700, "of land.")])
    assert content.text == "It covers 612 km² of land."


def test_a_note_at_the_foot_has_its_number() -> None:
    body = [Text(50, 700 - 13 * n, line) for n, line in enumerate(LINES)]
    content = read([*body, Text(50, 80, "3", 5), Text(53.5, 77, "Without the guards, who were not counted.", 8)])
    assert blocks(content, BlockKind.NOTE) == ["[3] Without the guards, who were not counted."]


def test_raised_letters_of_ordinals_stay() -> None:
    assert read([Text(50, 700, "On the 19"), Text(97.9, 704, "th", 6), Text(106, 700, "of May")]).text == "On the 19th of May"


# --- order of digits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "meant"),
    [
        ("3 001 اهددع", "عددها 3 001"),
        ("001 3 يه", "هي 3 001"),  # written without a mark of direction, and shown the wrong way round
        ("+966 50 692 0000 مقر", "رقم +966 50 692 0000"),
        ("0000 692 50 966+ مقر", "رقم +966 50 692 0000"),
        ("02-555-0199 مقر", "رقم 02-555-0199"),
        ("0199-555-02 مقر", "رقم 02-555-0199"),
        ("2024-2019 ذنم", "منذ 2019-2024"),
        ("2019-2024 ذنم", "منذ 2019-2024"),
        ("2024-05-20 موي", "يوم 2024-05-20"),
        ("%98.7 ةبسن", "نسبة 98.7%"),
        ("98.7% ةبسن", "نسبة 98.7%"),
        ("زوجي -1", "1- يجوز"),  # the number of a clause opens the line
        ("38 و 5- نيب", "بين -5 و 38"),
        ("38 و -5 نيب", "بين -5 و 38"),
        ("٩٤٨ ٩٦٥ غلبم", "مبلغ ٩٤٨ ٩٦٥"),
        ("", ""),
        ("7", "7"),
    ],
)
def test_numbers_in_right_to_left_lines_are_read_as_a_person_does(drawn: str, meant: str) -> None:
    assert "".join(drawn[n] for n in reading_order(drawn, rtl=True)) == meant


@pytest.mark.parametrize("drawn", ["+98.7%", "-78.3%", "3 001", "2024-05-20", "1,099.99", "(12)"])
def test_a_cell_of_digits_in_a_right_to_left_table_is_read_as_it_stands(drawn: str) -> None:
    assert "".join(drawn[n] for n in reading_order(drawn, rtl=True)).strip("()") == drawn.strip("()")


# --- letters --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "letters"),
    [("جل", "لج"), ("لج", "لج"), ("يف", "في"), ("ىل", "لى"), ("مب", "بم"), ("ال", "لا"), ("أل", "لأ"), ("ffi", "ffi")],
)
def test_the_letters_of_a_ligature_have_one_order(given_: str, letters: str) -> None:
    assert arabic.ligature(given_) == letters


def test_signs_of_both_scripts_become_their_letters() -> None:
    assert arabic.normalize_presentation_forms("\ufb01") == "fi"
    assert arabic.normalize_presentation_forms("\ufdfc") == "ريال"
    assert arabic.normalize_presentation_forms("\U0001d465") == "x"  # a variable in a font for mathematics


def test_persian_letters_of_an_arabic_text_are_the_arabic_ones_they_look_like() -> None:
    text = "ھي سلسلة زیادة في الطاقة المتجددة"
    assert text.translate(arabic.without_lookalikes(text)) == "هي سلسلة زيادة في الطاقة المتجددة"
    assert arabic.without_lookalikes("این یک متن فارسی است با چند کلمه و پنج حرف") == {}
    assert arabic.without_lookalikes("") == {}


def test_brackets_around_a_number_in_a_right_to_left_table_open_and_close() -> None:
    rows = [["البند", "إيضاح", "القيمة"], ["أصول ثابتة", "(4)", "(1,204)"], ["استثمارات", "(6)", "259"], ["أخرى", "(7)", "12"]]
    cells = [(n, x, cell) for n, row in enumerate(rows) for x, cell in zip((540, 400, 300), row, strict=True)]
    texts = [Text(x - 25 if cell[-1] in "0123456789)" else x, 704 - 20 * n, cell) for n, x, cell in cells]
    assert blocks(read([*texts]), BlockKind.ROW)[0] == "البند: أصول ثابتة · إيضاح: (4) · القيمة: (1,204)"


def test_strokes_that_became_letters_are_garbage_and_tatweel_is_not() -> None:
    good = "يتم الاعتراف بالأرباح والخسائر في قائمة الدخل عندما يتم استبعاد الأصل أو تعديله أو انخفاض قيمته خلال السنة المالية"
    assert not arabic.is_garbled(good)
    assert not arabic.is_garbled(" ".join(word[0] + "ـ" * 14 + word[1:] if len(word) > 4 else word for word in good.split()))
    assert arabic.is_garbled(good.replace("خ", "خيييي").replace("ع", "عااا"))


def test_digits_that_stand_for_two_shapes_are_not_believed() -> None:
    shapes = {("F", "2"): Counter({(0.3, 0.72): 26, (0.44, 0.74): 9}), ("F", "9"): Counter({(0.45, 0.74): 12})}
    assert wrong_digits(shapes) == {"F"}
    assert wrong_digits({("F", "2"): Counter({(0.3, 0.72): 500, (0.5, 0.72): 4}), ("F", "9"): Counter({(0.45, 0.74): 12})}) == frozenset()
    raised = {("F", "2"): Counter({(0.3, 0.72): 26, (0.2, 0.48): 9}), ("F", "9"): Counter({(0.45, 0.74): 12})}
    assert wrong_digits(raised) == frozenset()
    assert wrong_digits({("F", "1"): Counter({(0.2, 0.72): 26, (0.4, 0.72): 9}), ("F", "9"): Counter({(0.45, 0.74): 12})}) == frozenset()
    assert wrong_digits({}) == frozenset()


def truetype(boxes: dict[int, tuple[int, int, int, int]], letters: dict[int, int] | None = None, glyphs: int = 64) -> bytes:
    """A TrueType file of 2,000 units an em with the given boxes of outlines by number of the glyph; all others have none. `letters` are the
    codes of its table for Unicode, with their glyphs."""
    outlines, places = b"", [0]
    for n in range(glyphs):
        outlines += struct.pack(">hhhhhh", 1, *boxes[n], 0) if n in boxes else b""
        places.append(len(outlines))
    tables = {
        b"head": b"\0" * 18 + struct.pack(">H", 2000) + b"\0" * 30 + struct.pack(">h", 1) + b"\0" * 2,
        b"hhea": b"\0" * 34 + struct.pack(">H", glyphs),
        b"maxp": struct.pack(">IH", 0x10000, glyphs),
        b"hmtx": b"".join(struct.pack(">Hh", 1000 if n in boxes else 0, 0) for n in range(glyphs)),
        b"loca": b"".join(struct.pack(">I", place) for place in places),
        b"glyf": outlines,
    }
    if letters is not None:
        codes = sorted(letters)
        parts = [codes, [0], codes, [letters[code] - code & 0xFFFF for code in codes], [0] * len(codes)]
        table = b"".join(struct.pack(f">{len(part)}H", *part) for part in parts)
        head = struct.pack(">HHHHHHH", 4, 14 + len(table), 0, 2 * len(codes), 0, 0, 0)
        tables[b"cmap"] = struct.pack(">HHHHI", 0, 1, 3, 1, 12) + head + table
    head, body = struct.pack(">IHHHH", 0x10000, len(tables), 0, 0, 0), b""
    for tag, data in tables.items():
        head += struct.pack(">4sIII", tag, 0, 12 + 16 * len(tables) + len(body), len(data))
        body += data
    return head + body


ONE, FIVE, NINE, Y = (200, 0, 800, 1400), (134, -31, 1044, 1455), (100, -35, 1033, 1416), (20, 0, 1400, 1400)
DRAWN_ONE, DRAWN_FIVE, DRAWN_NINE = (0.1, 0.0, 0.4, 0.711), (0.067, -0.015, 0.522, 0.738), (0.05, -0.017, 0.516, 0.719)


def test_digits_are_read_from_the_font_file_where_the_table_of_characters_is_wrong() -> None:
    # 1995 on the page, 9111 in the table of characters: glyphs 20, 24 and 28 of a font in the order of ASCII
    font = TrueType.read(truetype({20: ONE, 24: FIVE, 28: NINE}))
    assert font.box(24) == (0.067, -0.015, 0.522, 0.727)
    assert font.letters[20] + font.letters[24] + font.letters[28] == "159"
    shapes = {DRAWN_ONE, DRAWN_FIVE, DRAWN_NINE}
    assert digits_of_shapes(shapes, font) == {DRAWN_ONE: "1", DRAWN_FIVE: "5", DRAWN_NINE: "9"}
    # the same in another order, that the file's own table names
    named = TrueType.read(truetype({7: ONE, 8: FIVE, 9: NINE}, {ord("1"): 7, ord("5"): 8, ord("9"): 9}))
    assert digits_of_shapes(shapes, named) == {DRAWN_ONE: "1", DRAWN_FIVE: "5", DRAWN_NINE: "9"}
    assert digits_of_shapes({DRAWN_ONE, (0.3, 0.0, 0.5, 0.7)}, font) == {}  # a shape that no digit of the file has
    assert digits_of_shapes({DRAWN_NINE}, TrueType.read(truetype({25: NINE, 28: NINE}))) == {}


def test_characters_without_a_letter_are_read_from_the_font_file() -> None:
    # "15 Y", by the numbers of its glyphs, in a font without a table of characters
    font = TrueType.read(truetype({20: ONE, 24: FIVE, 60: Y}))
    codes = {(20, DRAWN_ONE), (24, DRAWN_FIVE), (3, (0.0, 0.0, 0.0, 0.0)), (60, (0.01, 0.0, 0.7, 0.711))}
    assert letters_of_codes(codes, font) == {20: "1", 24: "5", 3: " ", 60: "Y"}
    assert letters_of_codes({(20, DRAWN_FIVE), (24, DRAWN_FIVE)}, font) == {}  # codes are not the numbers of glyphs
    assert letters_of_codes(set(), font) == letters_of_codes(codes, TrueType.read(b"")) == {}


def test_a_font_file_of_another_kind_or_cut_short_names_nothing() -> None:
    whole = truetype({20: ONE, 24: FIVE}, {ord("1"): 20})
    for data in (b"", b"OTTO\0\1", *(whole[:length] for length in range(0, 200, 7))):
        assert TrueType.read(data) == TrueType({}, {})
    assert TrueType.read(truetype({3: ONE, 20: ONE, 24: FIVE})).letters == {}  # there the order of ASCII has a space


def test_digits_of_pages_without_right_to_left_text_are_left_alone() -> None:
    glyph = Glyph("7", 0, 5, 0, 10)
    counted: dict[tuple[str, str], Counter[tuple[float, float]]] = {}
    read_digits([Drawn(glyph, DRAWN_NINE, 1, "F")], {}, "page 7", counted)
    assert glyph.text == "7"
    assert counted == {("F", "7"): Counter({(0.47, 0.74): 1})}


# --- places ---------------------------------------------------------------------------------------------------------------


def test_every_word_has_its_place_on_the_page() -> None:
    content = read([Text(72, 700, "The harbour was closed"), Text(545, 650, "أغلق الميناء سنة 2024")], [Text(72, 100, "Again.")])
    assert [(page.number, page.width, page.height) for page in content.pages] == [(1, 595, 842), (2, 595, 842)]
    places = {content.text[start:end]: box for page in content.pages for start, end, *box in page.words}
    assert list(places) == ["The", "harbour", "was", "closed", "أغلق", "الميناء", "سنة", "2024", "Again."]
    left, top, right, bottom = places["The"]
    assert (left, right) == (pytest.approx(72, abs=0.5), pytest.approx(91, abs=1))  # 11 points of Helvetica: 0.611 + 0.556 + 0.556
    assert top < 842 - 700 < bottom  # its base line
    assert places["أغلق"][2] == pytest.approx(545, abs=1)
    assert places["2024"][2] < places["سنة"][0]


def test_a_page_that_is_turned_has_its_places_as_it_is_shown() -> None:
    from io import BytesIO

    import pypdfium2

    whole = pypdfium2.PdfDocument(sheets([Text(72, 700, "Sideways")]))
    whole[0].set_rotation(90)
    out = BytesIO()
    whole.save(out)
    (page,) = read_pdf(out.getvalue(), "turned.pdf", Limits()).pages
    assert (page.width, page.height) == (842, 595)
    (_, _, left, top, right, bottom) = page.words[0]
    assert left < 700 < right  # what was the height from the bottom is the distance from the left now
    assert top == pytest.approx(72, abs=0.5)
    assert bottom > top + 30


# --- the tree -------------------------------------------------------------------------------------------------------------


def test_a_paragraph_is_resumed_over_a_mark() -> None:
    tree = TreeWriter("x", Limits())
    assert tree.resume("nothing to go on from") is None
    tree.mark("p. 1")
    tree.paragraph("Begins here and")
    tree.mark("p. 2")
    assert tree.resume("   ") is None
    span = tree.resume("ends there.")
    content = tree.content()
    assert content.text == "Begins here and ends there."
    assert span is not None
    assert span.of(content.text) == "ends there."
    assert [(mark.offset, mark.label) for mark in content.marks] == [(0, "p. 1"), (16, "p. 2")]
    assert blocks(content) == [content.text]


# --- work -----------------------------------------------------------------------------------------------------------------


def work(data: bytes) -> int:
    """How many functions are called to read a file: work that no clock and no other program changes."""
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        read_pdf(data, "x.pdf", Limits())
    finally:
        sys.setprofile(None)
    return calls


def test_work_grows_as_the_number_of_pages() -> None:
    few, many = (work(sheets(*pages_of_a_contract(count))) for count in (6, 24))
    assert many < 5 * few


@pytest.mark.parametrize("kind", ["text", "table"])
def test_work_grows_as_what_stands_on_a_page(kind: str) -> None:
    def page(count: int) -> list[Text | Stroke]:
        if kind == "text":
            return [Text(50, 12 * count - 12 * n, LINES[n % 6]) for n in range(count)]
        return [Text(x, 12 * count - 12 * n, str(n * x)) for n in range(count) for x in (50, 150, 250)]

    few, many = (work(sheets(page(count), size=(595, 12 * count + 40))) for count in (40, 160))
    assert many < 5 * few


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(20, 560), st.integers(20, 820), st.sampled_from(["Acre 12", "سنة 2024", "3", "•", "x-"])), max_size=12)
)
def test_whatever_stands_where_it_stands_every_letter_is_read_once(items: list[tuple[int, int, str]]) -> None:
    distinct = {(x // 60, y // 30): Text(x // 60 * 60 + 55, y // 30 * 30 + 5, text) for x, y, text in items}
    content = read(list(distinct.values()))
    want = Counter(c for item in distinct.values() for c in item.text if c.isalpha())
    got = Counter(
        c for start, end, *_ in (word for page in content.pages for word in page.words) for c in content.text[start:end] if c.isalpha()
    )
    assert got <= want
    assert all(block.span.of(content.text).strip() for block in content.blocks)


def test_nothing_is_nothing() -> None:
    content = read_pdf(blank("empty"), "none.pdf", Limits())
    assert (content.text, content.blocks, content.tables) == ("", (), ())
    assert read([Text(50, 700, "x")]).text == "x"
    assert read([Text(50, 700, "س")]).text == "س"


def test_bullets_that_stand_apart_are_a_list_also_with_a_line_between_them() -> None:
    page: list[Text | Stroke] = [
        Text(60, 700, "•"), Text(90, 700, "Boats cross from anywhere"), Text(60, 686, "There are three kinds of ferry here:"),
        Text(60, 672, "•"), Text(90, 672, "Fast ones"), Text(60, 658, "•"), Text(90, 658, "Slow ones"),
        Text(60, 644, "•"), Text(90, 644, "Old ones"),
    ]  # fmt: skip
    found = read(page)
    assert blocks(found, BlockKind.ROW) == []
    assert blocks(found, BlockKind.ITEM)[1:] == ["Fast ones", "Slow ones", "Old ones"]


def test_the_second_line_of_an_item_with_a_large_bullet_belongs_to_it() -> None:
    page = [
        Text(60, 700, "\u2022", size=14), Text(75, 700, "Removing any guard, stake, bag or other material that protects the trees of our"),
        Text(75, 686, "town without a permit;"),
        Text(60, 672, "\u2022", size=14), Text(75, 672, "Paving over the strip along the road."),
    ]  # fmt: skip
    assert blocks(read(page), BlockKind.ITEM) == [
        "Removing any guard, stake, bag or other material that protects the trees of our town without a permit;",
        "Paving over the strip along the road.",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("-Harmetz said that he thought that the two members would work well together and said that", "Pearlman is the second nominee."),
        ("-Dahle said that there was one more appointment scheduled for this meeting and that it was", "the one of the secretary."),
    ],
)
def test_a_line_that_stands_further_in_than_the_first_goes_on_with_its_sentence(first: str, second: str) -> None:
    page = [Text(60, 700, first), Text(90, 686, second), Text(60, 672, "-Lam moved to close the meeting at nine in the evening, which was")]
    page.append(Text(90, 658, "agreed to by all."))
    found = blocks(read(page), BlockKind.PARAGRAPH)
    assert found[0] == f"{first} {second}"


def test_names_apart_from_their_rows_name_the_columns_of_every_section() -> None:
    rows = [("Income", "", ""), ("Dues", "10,882.46", "10,950.00"), ("Fees", "90.00", "75.00"),
            ("Expense", "", ""), ("Mowing", "5,250.00", "5,100.00"), ("Repairs", "800.00", "640.00")]  # fmt: skip
    page: list[Text | Stroke | Ground] = [
        *ruled((56, 290, 390, 480), (760, 740)),
        Text(60, 745, "Account", bold=True), Text(300, 745, "2025", bold=True), Text(400, 745, "2024", bold=True),
    ]  # fmt: skip
    for at, row in enumerate(rows):
        page += [Text(x, 690 - 14 * at, text, bold=not row[1]) for x, text in zip((60, 300, 400), row, strict=True) if text]
    found = read(page)
    assert blocks(found, BlockKind.ROW) == [
        "Account: Dues · 2025: 10,882.46 · 2024: 10,950.00", "Account: Fees · 2025: 90.00 · 2024: 75.00",
        "Account: Mowing · 2025: 5,250.00 · 2024: 5,100.00", "Account: Repairs · 2025: 800.00 · 2024: 640.00",
    ]  # fmt: skip
    assert blocks(found, BlockKind.PARAGRAPH) == ["Income", "Expense"]


def test_numbers_and_bullets_apart_from_the_text_of_a_list_in_a_list_are_no_table() -> None:
    lines = (
        ("5.", "", "Gardens: each owner is responsible for keeping the garden of"), ("", "", ""),
        ("", "\u2022", "Lawns are mowed as required."), ("", "\u2022", "Fences are kept in good repair."),
        ("6.", "", "Cars: repair of any kind is not allowed in the street at any"), ("", "\u2022", "Short repairs are allowed in a drive."),
    )  # fmt: skip
    page = [Text(x, 700 - 14 * at, part) for at, line in enumerate(lines) for x, part in zip((60, 85, 110), line, strict=True) if part]
    page.append(Text(85, 686, "the house as the others of the street are kept."))
    found = read(page)
    assert blocks(found, BlockKind.ROW) == []
    assert "\u2022 Lawns are mowed as required." in found.text


@pytest.mark.parametrize(
    ("word", "first", "second"),
    [
        ("Mission", "To make the harbour one that sailors of every land are glad to call at in all", "weathers and at every hour."),
        ("رؤيتنا", "أن يكون الميناء مقصدا يسر البحارة من كل البلاد أن يرسوا فيه في كل", "الأحوال وفي كل ساعة."),
    ],
)
def test_one_large_word_makes_no_heading_of_its_line(word: str, first: str, second: str) -> None:
    lines = [Text(135, 700, first), Text(135, 686, second)] if word.isascii() else [Text(460, 700, first), Text(460, 686, second)]
    found = read([Text(60 if word.isascii() else 540, 700, word, size=17), *lines])
    assert blocks(found, BlockKind.HEADING) == []
    assert f"{word} {first}" in found.text


def test_names_that_run_upward_belong_to_their_own_table_of_two() -> None:
    xs = (60, 160, 220, 280)
    page: list[Text | Stroke | Ground] = []
    for top in (720, 480):
        page += ruled(xs, (top, top - 80, top - 100, top - 120))
        page += [Text(65, top - 40, "Course"), Text(195, top - 70, "Credits", upward=True), Text(255, top - 70, "Hours", upward=True)]
        for at, row in enumerate((("Law", "3", "150"), ("Optics", "2", "125"))):
            page += [Text(x + 5, top - 95 - 20 * at, text) for x, text in zip(xs, row, strict=False)]
    page.append(Text(60, 580, "The courses of the second term are these and no others in that year."))
    found = read(page)
    assert blocks(found, BlockKind.ROW) == ["Course: Law · Credits: 3 · Hours: 150", "Course: Optics · Credits: 2 · Hours: 125"] * 2


def test_arabic_lines_laid_out_from_the_left_end_with_the_marks_that_end_them() -> None:
    said = ["يستحق الموظف المزايا التالية:", "إجازة سنوية مدفوعة قدرها 21 يوما.", "تأمين طبي خاص له ولأسرته."]
    lines = [Text(540, 700 - 40 * at, text, base="L") for at, text in enumerate(said)]
    assert blocks(read(lines)) == said
    assert blocks(read([Text(540, 700 - 40 * at, text) for at, text in enumerate(said)])) == said


def test_the_white_grounds_of_lines_are_no_cells() -> None:
    lines = [
        "You agreed to accept what the neighbours know",
        "about the evidence that is needed to decide,",
        "and will know the guidance on this point",
        "which says that it is reasonable to do so.",
    ]
    page: list[Text | Stroke | Ground] = []
    for at, line in enumerate(lines):
        y = 700 - 14 * at
        page += [Ground(60, y - 4, 150 + 20 * at, y + 10), Ground(150 + 20 * at, y - 4, 330, y + 10), Text(60, y, line)]
    assert blocks(read(page)) == [" ".join(lines)]


# --- statements of account ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ar"])
def test_an_income_statement_whose_lines_stand_around_its_numbers_alone(language: str) -> None:
    """Sums are between lines, rows stand apart in groups, and one of the numbers could be a year."""
    english = ["Interest income", "Interest cost", "Net interest", "Dividends", "Other", "Net profit"]
    arabic = ["عائد القروض", "تكلفة الودائع", "صافي العائد", "توزيعات أرباح", "إيرادات أخرى", "صافي الأرباح"]
    values = [
        ("948 965", "605 181"), ("(670 950)", "(427 240)"), ("278 015", "177 941"), ("1 735", "2 038"), ("7 086", "17 000"),
        ("133 268", "70 686"),
    ]  # fmt: skip
    tops = [700, 685, 670, 630, 615, 575]
    names = english if language == "en" else arabic
    page: list[Text | Stroke] = [Text(330, 716, "2024"), Text(430, 716, "2023")]
    for top, name, (first, second) in zip(tops, names, values, strict=True):
        page += [Text(60, top, name), Text(330, top, first), Text(430, top, second)]
    found = read(page)
    rows = blocks(found, BlockKind.ROW)
    assert len(rows) == 6
    for row, name, (first, second) in zip(rows, names, values, strict=True):
        assert name in row
        assert f"2024: {first}" in row
        assert f"2023: {second}" in row
