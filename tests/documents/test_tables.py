"""Tables, records and Markdown as a person reads them: every value with its row and its column."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from rag.documents.formats.readers import read
from rag.documents.table_headers import read_grid
from rag.documents.tree import Content, Limits
from rag.errors import DocumentError
from rag.schema import BlockKind


def content(text: str | bytes, suffix: str) -> Content:
    return read(text.encode() if isinstance(text, str) else text, suffix, f"a{suffix}", Limits())


def rows(found: Content) -> list[str]:
    return [block.span.of(found.text) for block in found.blocks if block.kind is BlockKind.ROW]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Excel's own line is no column.
        ("sep=;\nProduct;Price;Stock\nHoney;8,75;40\n", ["Product: Honey · Price: 8,75 · Stock: 40"]),
        ("sep=,\nالصنف,السعر\nعسل,8\n", ["الصنف: عسل · السعر: 8"]),
        # Years name columns.
        ("البلد,2019,2020\nالأردن,812,640\nلبنان,455,310\n",
         ["البلد: الأردن · 2019: 812 · 2020: 640", "البلد: لبنان · 2019: 455 · 2020: 310"]),
        ("Town,2001,2011\nIrbid,40,55\n", ["Town: Irbid · 2001: 40 · 2011: 55"]),
        # Names in two rows, the upper ones over several columns: repeated, or left empty.
        ("Town,Men,Men,Women,Women\n,2020,2021,2020,2021\nIrbid,1,2,3,4\n",
         ["Town: Irbid · Men 2020: 1 · Men 2021: 2 · Women 2020: 3 · Women 2021: 4"]),
        ("المدينة,الذكور,,الإناث,\n,2020,2021,2020,2021\nإربد,1,2,3,4\n",
         ["المدينة: إربد · الذكور 2020: 1 · الذكور 2021: 2 · الإناث 2020: 3 · الإناث 2021: 4"]),
        # The same name twice.
        ("Country,Rate,Rate\nChad,5,6\n", ["Country: Chad · Rate: 5 · Rate: 6"]),
        # No names at all: numbers over numbers, or a first record that is like the others.
        ("مدرسة النخيل,حلب,412\nمدرسة الزيتون,إدلب,388\n", ["مدرسة النخيل · حلب · 412", "مدرسة الزيتون · إدلب · 388"]),
        ("Clinic A,open\nClinic B,closed\nClinic C,open\n", ["Clinic A · open", "Clinic B · closed", "Clinic C · open"]),
        # An empty name in the corner, and an empty cell in its place.
        (",Q1,Q2\nNorth,3,\nSouth,,4\n", ["North · Q1: 3", "South · Q2: 4"]),
        ("one,column\n", ["one · column"]),
        ("", []),
    ],
)  # fmt: skip
def test_columns_keep_their_names(text: str, expected: list[str]) -> None:
    assert rows(content(text, ".csv")) == expected


def test_titles_and_remarks_stand_around_a_table() -> None:
    text = "Population of the districts\nin thousands,,\n"
    text += "District,2023,2024\nNorth,10,11\nSouth,20,21\nSource: census of the two years,,\n"
    found = content(text, ".csv")
    assert rows(found) == ["District: North · 2023: 10 · 2024: 11", "District: South · 2023: 20 · 2024: 21"]
    (table,) = found.tables
    assert (table.caption, table.columns, table.header) == ("Population of the districts — in thousands", ("District", "2023", "2024"), 0)
    assert {block.lead.of(found.text) for block in found.blocks if block.lead} == {"Population of the districts — in thousands"}
    assert found.text.endswith("Source: census of the two years")


def test_a_line_of_its_own_names_the_rows_below_it() -> None:
    found = content("Town,2020,2021\nNorth,,\nIrbid,1,2\nSouth,,\nAqaba,3,4\n", ".csv")
    assert [table.caption for table in found.tables] == ["North", "South"]
    assert rows(found) == ["Town: Irbid · 2020: 1 · 2021: 2", "Town: Aqaba · 2020: 3 · 2021: 4"]


def test_any_delimiter_and_marks_of_order() -> None:
    for delimiter in ",;\t|":
        text = "\ufeff" + "\n".join(delimiter.join(row) for row in (["الاسم", "العدد"], ["أ", "1"], ["ب", "2"]))
        assert rows(content(text, ".csv")) == ["الاسم: أ · العدد: 1", "الاسم: ب · العدد: 2"]
    assert rows(content("name;sum\nA;1,5\nB;2,5\n", ".csv")) == ["name: A · sum: 1,5", "name: B · sum: 2,5"]


TWO_ROWS_OF_NAMES = [
    (  # the groups stand over the last of their columns, and a blank row comes before the values
        [
            ["In millions", "", "", "", "Half of 2023"], ["", "Sales", "Profit (a)", "", "Costs"], [], ["North", "12,553", "7", "", "-3"],
            ["South", "9,467", "8", "", "-4"],
        ],
        ("In millions", "Half of 2023 – Sales", "Half of 2023 – Profit (a)", "", "Half of 2023 – Costs"),
    ),
    (
        [["بالمليون", "", "عام ٢٠٢٣", "", "عام ٢٠٢٢"], ["", "مبيعات", "ربح", "مبيعات", "ربح"], [], ["الشمال", "1", "2", "3", "4"]],
        ("بالمليون", "عام ٢٠٢٣ – مبيعات", "عام ٢٠٢٣ – ربح", "عام ٢٠٢٢ – مبيعات", "عام ٢٠٢٢ – ربح"),
    ),
    (  # a merged name of the first column
        [["Item", "Stock", "Stock"], ["Item", "Old", "New"], ["Sand", "left", "right"], ["Iron", "far", "near"]],
        ("Item", "Stock – Old", "Stock – New"),
    ),
    (
        [["المادة", "المبيعات", "المبيعات"], ["المادة", "القيمة", "الكمية"], ["رمل", "95", "7"], ["حديد", "5", "9"]],
        ("المادة", "المبيعات – القيمة", "المبيعات – الكمية"),
    ),
    (  # years are said as one says them
        [["Country", "Exports", "Exports"], ["", "2021", "2022"], ["Morocco", "36.6", "40"], ["Jordan", "5", "9"]],
        ("Country", "Exports 2021", "Exports 2022"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "columns"), TWO_ROWS_OF_NAMES)
def test_two_rows_of_names_give_each_column_both(grid: list[list[str]], columns: tuple[str, ...]) -> None:
    (table,) = read_grid(grid)
    assert table.columns == columns
    assert table.rows[0][0] == next(row[0] for row in grid[2:] if row)


def test_a_header_that_is_repeated_where_a_page_begins_is_said_once() -> None:
    grid = [
        ["Event id", "Name", "Description"],
        ["1", "Pass", "to a player"],
        ["Event id", "Name", "Description"],
        ["2", "Shot", "at goal"],
    ]
    (table,) = read_grid(grid)
    assert table.columns == ("Event id", "Name", "Description")
    assert table.rows == (("1", "Pass", "to a player"), ("2", "Shot", "at goal"))


@pytest.mark.parametrize(
    ("questions", "answers"),
    [
        (("Which of our offices do you visit most often, and do you go there by bus, by train or on foot?", "Is it open long enough?"),
         (("The one in town, by bus", "Yes"), ("The one at the port, on foot", "No"))),
        (("أيّ مكاتبنا تزوره أكثر من غيره، وهل تذهب إليه بالحافلة أو بالقطار أو مشيا على الأقدام في العادة؟", "هل ساعات العمل كافية؟"),
         (("مكتب المدينة بالحافلة", "نعم"), ("مكتب الميناء مشيا", "لا"))),
    ],
)  # fmt: skip
def test_long_questions_name_the_columns_of_their_answers(questions: tuple[str, str], answers: tuple[tuple[str, str], ...]) -> None:
    (table,) = read_grid([questions, *(answers * 4)])
    assert table.columns == questions
    assert len(table.rows) == 8


def test_names_that_are_wrapped_over_many_rows_are_one() -> None:
    grid = [["", "", "Combined"], ["", "Share of", "weighted"], ["", "the people", "school"], ["School", "reached", "response"]]
    (table,) = read_grid([*grid, ["Acre", "96", "93"], ["Homs", "85", "82"]])
    assert table.columns == ("School", "Share of the people reached", "Combined weighted school response")
    assert table.rows == (("Acre", "96", "93"), ("Homs", "85", "82"))


def test_names_in_four_rows_apart_name_the_columns_of_all_blocks_below() -> None:
    names = [
        ["", "Fiscal Year", "", "Fiscal Year", "", ""], ["", "2015", "", "2016", "", ""],
        ["", "Actual", "Increase/", "Estimated", "", ""], ["", "Spending", "(Decrease)", "Spending", "", ""],
    ]  # fmt: skip
    first = [["Art Museum", "", "", "", "", ""], ["Wages", "2,585", "-35", "2,550", "", ""], ["Total", "2,585", "-35", "2,550", "", "-35"]]
    second = [["متحف الآثار", "", "", "", "", ""], ["أجور", "180", "62", "243", "", ""], ["مجموع", "180", "62", "243", "", ""]]
    *_, museum, other = read_grid([["General Fund", "", "", "", "", ""], [], *names, [], *first, [], *second])
    columns = ("", "Fiscal Year 2015 Actual – Spending", "Fiscal Year 2015 Increase/ – (Decrease)", "Fiscal Year 2016 Estimated – Spending")
    assert (museum.caption, museum.columns[:4], museum.rows[0][:4]) == ("Art Museum", columns, ("Wages", "2,585", "-35", "2,550"))
    assert (other.caption, other.columns[:4], other.rows[0][:4]) == ("متحف الآثار", columns, ("أجور", "180", "62", "243"))


@pytest.mark.parametrize(("labels", "names"), [(("Chair:", "Vice Chair:", "Secretary:"), ("Jon Stride", "Tim Wait", "Mags Ratford")),
                                               (("الرئيس:", "نائبه:", "أمين السر:"), ("سامي خليل", "ليلى نصر", "هدى عمر"))])  # fmt: skip
def test_labels_with_a_colon_are_no_names_of_columns(labels: tuple[str, ...], names: tuple[str, ...]) -> None:
    grid = [[label, name, "" if at else "Tel. 833026"] for at, (label, name) in enumerate(zip(labels, names, strict=True))]
    (table,) = read_grid(grid)
    assert table.columns == ("", "", "")
    assert table.rows[1] == (labels[1], names[1], "")


def test_a_line_between_two_blocks_leaves_the_second_under_the_header_of_the_first() -> None:
    head = ["Date", "Issue", "Amount"]
    grid = [
        head,
        ["2026-07-01", "400", "12.50"],
        [],
        ["ecosystem", "", ""],
        [],
        ["2026-07-08", "402", "200.00"],
        ["2026-07-09", "423", "5.00"],
    ]
    tables = read_grid(grid)
    assert [table.columns for table in tables if len(table.columns) == 3] == [tuple(head)] * 2
    assert tables[-1].rows == (("2026-07-08", "402", "200.00"), ("2026-07-09", "423", "5.00"))


def test_labels_with_their_values_above_a_header_are_a_form() -> None:
    above = [["VAT number:", "", "BE 07"], ["VAT office:", "", "Ghent"]]
    below = [
        ["Date", "In or out", "Invoice", "VAT 12%"],
        ["2024.01.05", "In", "Rooms", "196.88 €"],
        ["2024.01.08", "In", "Books", "79.80 €"],
    ]
    form, table = read_grid([*above, *below])
    assert (form.is_form, form.rows) == (True, (("VAT number:", "BE 07"), ("VAT office:", "Ghent")))
    assert table.columns == ("Date", "In or out", "Invoice", "VAT 12%")
    assert table.rows[0] == ("2024.01.05", "In", "Rooms", "196.88 €")


def test_words_of_two_columns_have_no_header_where_the_first_row_looks_like_the_others() -> None:
    grid = [["Purpose", "a joint study"], ["Courts", "those of the capital"], ["Notice", "by letter only"]]
    assert read_grid(grid, names=-1)[0].columns == ("", "")
    assert read_grid(grid, names=1)[0].columns == ("Purpose", "a joint study")
    assert read_grid([["Country", "Capital"], *grid], names=-1)[0].columns == ("Country", "Capital")


def test_blocks_of_a_sheet_are_tables_of_their_own() -> None:
    grid = [["a", "b"], ["x", "1"], [], ["c", "d", "e"], ["y", "2", "3"], ["", "", ""], ["z", "4", "5"]]
    found = read_grid(grid)
    assert [(table.columns, table.rows, table.first) for table in found] == [
        (("a", "b"), (("x", "1"),), 1),
        (("c", "d", "e"), (("y", "2", "3"),), 2),
        (("c", "d", "e"), (("z", "4", "5"),), 3),  # goes on under the same names
    ]
    assert read_grid([]) == []
    assert read_grid([["alone"]])[0].rows == (("alone",),)


# --- records --------------------------------------------------------------------------------------------------------------


def test_what_stands_around_records_is_said_of_each() -> None:
    value = {
        "البلدية": "السلط",
        "السنة": 2023,
        "المشاريع": [{"الاسم": "إنارة", "الكلفة": {"قيمة": 98500, "عملة": "دينار"}}, {"الاسم": "حديقة"}],
    }
    found = content(json.dumps(value), ".json")
    assert rows(found) == ["الاسم: إنارة · الكلفة قيمة: 98500 · الكلفة عملة: دينار", "الاسم: حديقة"]
    assert {block.lead.of(found.text) for block in found.blocks if block.lead} == {"البلدية: السلط · السنة: 2023 · المشاريع"}


def test_records_inside_records_stay_with_them() -> None:
    schools = [{"school": letter, "pupils": number} for number, letter in enumerate("ABCD")]
    value = {"regions": [{"name": "North", "schools": schools}, {"name": "South", "head": {"tel": "07"}, "schools": [{"school": "E"}]}]}
    found = content(json.dumps(value), ".json")
    assert rows(found)[:2] == ["name: North", "name: South · head tel: 07 · schools school: E"]
    assert rows(found)[2] == "school: A · pupils: 0"
    assert [block.lead.of(found.text) for block in found.blocks if block.lead][-1] == "name: North · schools"


def test_places_on_a_map_are_records() -> None:
    point = {"type": "Point", "coordinates": [35.0, 29.5]}
    feature = {"type": "Feature", "properties": {"name": "العقبة", "pop": 180}, "geometry": point}
    found = content(json.dumps({"type": "FeatureCollection", "features": [feature]}), ".json")
    assert rows(found) == ["name: العقبة · pop: 180 · coordinates: 35.0, 29.5"]


# --- Markdown and plain text ----------------------------------------------------------------------------------------------


def test_markdown_is_read_without_its_marks() -> None:
    text = (
        "Guide\n=====\n\n```sh\n# no heading\n```\n\nThe **port** is [9443](http://x.example/9443 'x').\n\nLimits\n------\n\n"
        "| Plan | Price |\n|---|---|\n| `basic` | 9 |\n| **pro** | 29 |\n\nSteps:\n\n3. one\n4. two\n   * inner\n"
    )
    found = content(text, ".md")
    kinds = [(block.kind.value, block.span.of(found.text)) for block in found.blocks]
    assert kinds == [
        ("heading", "Guide"), ("code", "# no heading"), ("paragraph", "The port is 9443."), ("heading", "Limits"),
        ("row", "Plan: basic · Price: 9"), ("row", "Plan: pro · Price: 29"), ("paragraph", "Steps:"), ("item", "3. one"),
        ("item", "4. two"), ("item", "inner"),
    ]  # fmt: skip
    assert not any(mark in found.text for mark in ("**", "|", "`", "](", "http"))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("قرر المجلس ما يأتي:\n1. رفع الرواتب.\n2. افتتاح فرع\nفي إربد.\n\nلم يوافق.", "paragraph item item paragraph"),
        ("The board decided:\n\n- first\n\n- second\n\nIt met again.", "paragraph item item paragraph"),
        ("Budget\n\nThe heading above\nintroduces this text of two lines.", "paragraph paragraph"),  # the first line is the title
        ("Title\n\nBudget of the year\n\nThe heading above stands over this text, which is the longer of the two.",
         "paragraph heading paragraph"),
        ("A sentence ends.\n\nAnother one.", "paragraph paragraph"),
        ("1. A lone number opens a paragraph.", "paragraph"),
        ("", ""),
    ],
)  # fmt: skip
def test_plain_text_shows_its_lists_and_headings(text: str, kinds: str) -> None:
    found = content(text, ".txt")
    assert found.text == text
    assert " ".join(block.kind.value for block in found.blocks) == kinds
    assert all(block.lead is None or block.lead.of(text).endswith(":") for block in found.blocks)
    assert all(block.lead is not None for block in found.blocks if block.kind is BlockKind.ITEM)


# --- cost -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "make"),
    [
        (".csv", lambda n: "name,note\n" + "أ,\"نص\"\n" * n),
        (".csv", lambda n: "\"" + "x,y\n" * n),  # a quote that never closes
        (".csv", lambda n: "a;" * 500 + "\n" + "word " * n),
        (".json", lambda n: json.dumps([{"a": {"b": [{"c": k}, {"d": "نص"}]}} for k in range(n)])),
        (".md", lambda n: "* [a](b) **c**\n" * n),
        (".md", lambda n: "[" * n),
        (".txt", lambda n: "1. بند:\n\n" * n),
    ],
)  # fmt: skip
def test_reading_grows_no_faster_than_the_file(suffix: str, make: Callable[[int], str]) -> None:
    def seconds(n: int) -> float:
        data = make(n).encode()
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            with suppress(DocumentError):
                read(data, suffix, "a", Limits())
            best = min(best, time.process_time() - started)
        return best

    small, large = seconds(500), seconds(2000)
    assert large < 9 * max(small, 0.004)


@pytest.mark.parametrize("name", ["town{}.example", "مدينة {}"])
def test_a_long_list_in_the_first_column_is_no_title(name: str) -> None:
    grid = [[name.format(n), ""] for n in range(30)] + [["Town", "People"], ["Ramla", "12"], ["Salt", "15"]]
    listed, table = read_grid(grid)
    assert listed.caption == table.caption == ""
    assert len(listed.rows) == 30
    assert table.rows == (("Ramla", "12"), ("Salt", "15"))


@pytest.mark.parametrize(
    "said",
    ["The agency answers every question of the tenderers within five days. ", "تجيب الجهة عن كل سؤال من أسئلة المتقدمين في خمسة أيام. "],
)
def test_sentences_name_no_columns(said: str) -> None:
    (table,) = read_grid([["1", said * 4], ["2", said * 3]], names=1)
    assert table.columns == ("", "")
    assert [row[1] for row in table.rows] == [(said * 4).strip(), (said * 3).strip()]
