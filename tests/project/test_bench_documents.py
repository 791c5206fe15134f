"""The document-reading benchmark: its scores on values worked out by hand, its list of real pages, its made pages, its questions."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench.documents import compare, cost, section
from bench.documents.asking import Question, holds, is_readable, questions, readable, shows_row
from bench.documents.compare import Record, described, figure, shown, table_of_kinds, table_of_systems, tables_of, worst
from bench.documents.scores import (
    MEASURES,
    Gold,
    Reading,
    Scores,
    Table,
    align,
    cells_right,
    columns_in_order,
    garbage_indexed,
    gold_from,
    grids_of,
    is_garbage,
    kept_out,
    numbers_exact,
    numbers_of,
    plain,
    score,
    words_in_order,
    words_of,
)
from bench.documents.sources import HERE, SETTING, Unavailable, pages_of, real_pages, sources
from rag.schema import Block, BlockKind, Cell, Document, Span
from rag.schema import Table as Names

sys.path.insert(0, str(HERE))
import contents
import made_plain

# --- words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("— | * …", []),
        ("**The** [five] officers.", ["The", "five", "officers"]),
        ("«المصرّح» به: ٣٬٠٠١ صوتـــا", ["المصرح", "به", "3,001", "صوتا"]),
        ("\ufefbتزيد", ["لاتزيد"]),  # a joined lam-alef is two letters
    ],
)
def test_words_as_they_are_compared(text: str, expected: list[str]) -> None:
    assert words_of(text) == expected


@pytest.mark.parametrize(
    ("wanted", "words", "score", "start", "end"),
    [
        ("", "a b", 0.0, 0, 0),
        ("a b", "", 0.0, 0, 0),
        ("a", "a", 1.0, 0, 1),
        ("a b c", "x a b c y", 1.0, 1, 4),
        ("a b c d", "a b x c d", 0.75, 0, 5),  # one word between
        ("a b c d", "a c d", 0.75, 0, 3),  # one missing
        ("a b c d", "a x c d", 0.75, 0, 4),  # one changed
        ("a b", "x y z", 0.0, 3, 3),
    ],
)
def test_a_run_of_words_is_found_where_it_fits_best(wanted: str, words: str, score: float, start: int, end: int) -> None:
    found = align(wanted.split(), words.split())
    assert found.score == score
    if score:
        assert (found.start, found.end) == (start, end)


def test_words_in_order_are_weighted_by_length() -> None:
    words = words_of("one two three four. خمسة ستة")
    assert words_in_order([], words) is None
    assert words_in_order(["one two three four"], words) == 1.0
    assert words_in_order(["one two three four", "خمسة سبعة"], words) == pytest.approx(5 / 6)  # 4 of 4 and 1 of 2


def test_columns_are_in_order_when_one_ends_before_the_next_begins() -> None:
    first, second, third = "one two three", "four five six", "واحد اثنان ثلاثة"
    assert columns_in_order([first], words_of(first)) is None
    assert columns_in_order([first, second, third], words_of(f"{first} {second} {third}")) == 1.0
    assert columns_in_order([first, second, third], words_of(f"{second} {first} {third}")) == 0.5
    assert columns_in_order([first, second], words_of("one four two five three six")) == 0.0  # read across
    assert columns_in_order([first, second], words_of(first)) == 0.0  # a text that isn't there is in no order


def test_foreign_text_is_kept_out() -> None:
    assert kept_out([], ["a"]) is None
    assert kept_out(["we use cookies", "الرئيسية سياسة اقتصاد"], words_of("The article. We Use Cookies")) == 1.0
    assert kept_out(["we use cookies", "الرئيسية سياسة اقتصاد"], words_of("The article. الرئيسية سياسة اقتصاد")) == 0.5


# --- numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "text", "expected"),
    [
        ([], "12", None),
        (["4800"], "about 48003 people", 0.0),  # a note's mark is glued to it
        (["4800"], "about 4800 people", 1.0),
        (["3 001"], "القائمة ٣ ٠٠١ صوت", 1.0),
        (["3 001"], "القائمة 001 3 صوت", 0.0),
        (["1,099.99"], "1.099,99", 0.0),
        (["-5", "38"], "between -5 and 38", 1.0),
        (["5"], "between -5 and 38", 0.0),
        (["2019", "2020"], "in 2019-2020", 1.0),
        (["10.2%"], "بنسبة %10.2 من", 1.0),  # as Arabic prints it
        (["52", "52%", "14"], "52 52% 14", 1.0),
        (["12", "12"], "12 once", 0.5),
        (["12.5%"], "12.5 %", 1.0),
        (["1995"], "9111", 0.0),
    ],
)
def test_numbers_as_they_are_printed(numbers: list[str], text: str, expected: float | None) -> None:
    assert numbers_exact(numbers, text) == expected


def test_an_invented_number_counts_where_all_are_known() -> None:
    assert numbers_exact(["12", "30"], "12 and 30 and 77", complete=True) == pytest.approx(2 / 3)
    assert numbers_exact(["3 001"], "3 001", complete=True) == 1.0


def test_the_numbers_of_a_text() -> None:
    assert numbers_of("") == []
    assert numbers_of("In 2019, 3 001 votes (12.5%) and -5 degrees; ٤٢ صوتا") == ["2019", "3 001", "12.5%", "-5", "42"]


# --- tables ---------------------------------------------------------------------------------------------------------------

TABLE = Table(("2019", "2020"), (("Jordan", ("812", "640")), ("لبنان", ("455", ""))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("| Country | 2019 | 2020 |\n|---|---|---|\n| Jordan | 812 | 640 |\n| لبنان | 455 | |", 1.0),
        ("Country\t2019\t2020\nJordan\t812\t640\nلبنان\t455\t", 1.0),
        ("Country: Jordan\n2019: 812\n2020: 640\n\nCountry: لبنان\n2019: 455", 1.0),
        ("Country: Jordan · 2019: 812 · 2020: 640\nCountry: لبنان · 2019: 455", 1.0),
        ("Country: Jordan · 2019: 640 · 2020: 812\nCountry: لبنان · 2019: 455", 1 / 3),  # two values have changed places
        ("Country: Jordan\nCountry: لبنان\n2019: 812\n2020: 640\n2019: 455\n2020: 1", 0.0),  # which row?
        ("Country 2019 2020\nJordan 812 640\nلبنان 455", 0.0),
        ("Jordan 2019: 8120 · 2020: 6400", 0.0),
        ("", 0.0),
    ],
)
def test_cells_with_their_row_and_column(text: str, expected: float) -> None:
    assert cells_right([TABLE], text, grids_of(text)) == pytest.approx(expected)


def test_cells_that_could_be_worked_out_by_position() -> None:
    text = "Country 2019 2020\nJordan 812 640\nلبنان 455"
    assert cells_right([TABLE], text, [], by_position=True) == pytest.approx(2 / 3)  # where a cell is empty nobody can
    assert cells_right([TABLE], "Jordan 812 640\nCountry 2019 2020", [], by_position=True) == 0.0  # the names come too late
    assert cells_right([], text, []) is None


def test_names_of_columns_in_two_rows() -> None:
    gold = Table(("Imports 2022", "Imports 2023", "الصادرات 2022"), (("Oman", ("1.5", "2.5", "3.5")),))
    grid = [["Country", "Imports", "", "الصادرات"], ["", "2022", "2023", "2022"], ["Oman", "1.5", "2.5", "3.5"]]
    assert cells_right([gold], "", [grid]) == 1.0
    assert cells_right([gold], "", [grid[1:]]) == 0.0


def test_a_form_has_each_value_right_after_its_label() -> None:
    form = Table((), (("Place of registration", ("Marlow",)), ("رقم التسجيل", ("293407",))))
    assert cells_right([form], "Place of registration ....... Marlow\nرقم التسجيل: ٢٩٣٤٠٧", []) == 1.0
    assert cells_right([form], "Place of registration\nMarlow\n\nرقم التسجيل\n293407", []) == 1.0
    assert cells_right([form], "Place of registration رقم التسجيل\n\nMarlow 293407", []) == 0.0  # read as two columns
    assert cells_right([form], "", [[["Marlow", "Place of registration"], ["293407", "", "رقم التسجيل"]]]) == 1.0


# --- garbage and pages ----------------------------------------------------------------------------------------------------


def test_garbage() -> None:
    assert [is_garbage(word) for word in ("officers", "ريال", "�صعيد", "\ue012x", "(cid:12)")] == [False, False, True, True, True]
    assert garbage_indexed("") == 0.0
    assert garbage_indexed("12 13") == 0.0
    assert garbage_indexed("تززةاة ميماة الاااراء أو") == 1.0


def test_a_page_has_the_scores_that_its_gold_allows() -> None:
    gold = gold_from(
        {
            "id": "a", "file": "a.txt", "kind": "text", "language": "ar", "made": True, "words": ["كلمة أولى"], "numbers": ["812"],
            "tables": [{"columns": ["2019"], "rows": [["Jordan", "812"]]}],
        }
    )  # fmt: skip
    assert gold.is_table
    assert gold.tables[0].cells == [("Jordan", "2019", "812")]
    found = score(Reading("كلمة أولى\n\nJordan: 2019: 812"), gold)
    assert (found.words, found.numbers, found.columns, found.kept_out, found.garbage, found.refused) == (1.0, 1.0, None, None, 0.0, 0.0)
    assert score(Reading(error="damaged"), gold) == Scores(0.0, 0.0, 0.0, 0.0, None, None, 0.0, 1.0)
    unreadable = Gold("b", "b.pdf", "pdf garbage", "ar", True, unreadable=True)
    assert score(Reading("a long line of letters that are none"), unreadable) == Scores(garbage=1.0)


def test_the_tables_of_a_tree_become_grids() -> None:
    text = "Country: Jordan · 2019: 812 · 2020: 640\nالبلد: لبنان · 2019: 455"
    row = Block(BlockKind.ROW, Span(0, 39), table=0, cells=(Cell(0, Span(9, 15)), Cell(1, Span(24, 27)), Cell(2, Span(36, 39))))
    second = Block(BlockKind.ROW, Span(40, len(text)), table=0, cells=(Cell(0, Span(47, 52)), Cell(1, Span(61, 64))))
    document = Document("a", text, "", "ar", "0", blocks=(row, second), tables=(Names(("Country", "2019", "2020")),))
    assert tables_of(document) == [[["Country", "2019", "2020"], ["Jordan", "812", "640"], ["لبنان", "455", ""]]]


# --- figures --------------------------------------------------------------------------------------------------------------


def record(page: str, system: str, words: float | None, kind: str = "pdf text", language: str = "ar") -> Record:
    return Record(page, kind, language, True, system, Scores(words=words, refused=0.0), "", 0.1)


def test_figures_are_means_over_the_pages_that_have_the_measure() -> None:
    records = [record("a", "ours", 1.0), record("b", "ours", 0.5), record("c", "ours", None)]
    assert figure(records, "words").value == 0.75
    assert figure(records, "words").n == 2
    assert figure([], "words").value is None
    assert [shown(figure(records[:n], "words")) for n in (0, 1)] == ["–", "1.000 (1)"]
    assert shown(figure(records, "words")).startswith("0.750 (0.500–1.000; 2)")


def test_the_tables_of_a_comparison() -> None:
    records = [record("a", "ours", 1.0), record("a", "pypdf", 0.25), record("b", "ours", 0.0, "csv table", "en")]
    lines = table_of_systems(records).splitlines()
    assert [line.split(" | ")[0] for line in lines] == ["| reader", "|---" * (len(MEASURES) + 1) + "|", "| ours", "| pypdf"]
    kinds = table_of_kinds(records, ("words",))
    assert "| pdf text, ar, made | 1 | 1.00 | 0.25 |" in kinds
    assert "| csv table, en, made | 1 | 0.00 | – |" in kinds
    assert [(lost, item.page) for lost, item in worst(records)] == [(1.0, "b"), (0.75, "a")]
    assert described(records[0].scores) == "words 1.00"
    assert json.loads(records[0].line())["scores"]["words"] == 1.0


# --- real and made pages --------------------------------------------------------------------------------------------------


def test_every_real_page_is_named_in_full_and_has_gold() -> None:
    listed = sources()
    assert len({source["id"] for source in listed}) == len(listed) >= 50
    for source in listed:
        assert set(source) <= {"id", "repository", "commit", "path", "sha256", "licence", "pages"}
        assert (len(source["commit"]), len(source["sha256"]), source["repository"].count("/")) == (40, 64, 1)
        gold = gold_from(
            {"id": source["id"], "file": "x", "made": False, **json.loads((HERE / "gold" / f"{source['id']}.json").read_text())}
        )
        assert gold.language in ("ar", "en")
        assert gold.unreadable or gold.words or gold.numbers or gold.tables or gold.columns
        for table in gold.tables:
            assert all(len(values) == (len(table.columns) or 1) for _, values in table.rows)
    assert {path.stem for path in (HERE / "gold").glob("*.json")} == {source["id"] for source in listed}


def test_a_copy_is_used_only_if_it_is_the_document_that_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies, golds = tmp_path / "copies", tmp_path / "gold"
    copies.mkdir()
    golds.mkdir()
    for id in ("right", "wrong"):
        (copies / f"{id}.txt").write_bytes(b"text")
        (golds / f"{id}.json").write_text(json.dumps({"kind": "text", "language": "en", "words": ["text"]}))
    monkeypatch.setenv(SETTING, str(copies))
    listed = [
        {"id": id, "repository": "a/b", "commit": "0" * 40, "path": "x.txt", "sha256": hashlib.sha256(data).hexdigest()}
        for id, data in (("right", b"text"), ("wrong", b"other"))
    ]
    right, wrong = real_pages(tmp_path / "work", listed, golds)
    assert isinstance(right, Gold)
    assert right.words == ("text",)
    assert isinstance(wrong, Unavailable)
    assert "changed" in wrong.reason


def test_a_page_of_a_longer_pdf(tmp_path: Path) -> None:
    import pypdfium2

    data = (Path(__file__).parent.parent / "pdf").rglob("*.pdf")
    path = max(data, key=lambda file: len(pypdfium2.PdfDocument(file.read_bytes())))
    assert len(pypdfium2.PdfDocument(pages_of(path.read_bytes(), [1]))) == 1


def test_made_text_is_the_same_at_each_run_and_its_gold_is_complete() -> None:
    first, second = list(made_plain.pages()), list(made_plain.pages())
    assert [page["data"] for page in first if page["id"] != "made-epub-en"][:8] == [page["data"] for page in second][:8]
    golds = [gold_from(page) for page in first]
    assert {gold.language for gold in golds} == {"ar", "en"}
    assert len({gold.id for gold in golds}) == len(golds)
    for gold in golds:
        for table in gold.tables:
            assert all(len(values) == (len(table.columns) or 1) for _, values in table.rows)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_made_tables(language: str) -> None:
    table = contents.prices(contents.Source(language, 1), 6)
    assert len(table.grid) == 7
    assert sum(cell == "" for row in table.rows for cell in row) == 3
    assert table.numbers == [cell for row in table.rows for cell in row[1:] if any(c.isdigit() for c in cell)]
    indic = contents.years(contents.Source("ar", 1, indic=True))
    assert indic.columns[0] == "٢٠١٩"
    assert plain(indic.columns[0]) == "2019"


# --- questions ------------------------------------------------------------------------------------------------------------


def asking_of(value: str, row: str, column: str = "") -> Question:
    return Question("q", "?", "ar", "form", "en", value, row, column)


def test_there_are_enough_questions_in_every_crossing() -> None:
    known = questions()
    assert len({question.id for question in known}) == len(known) >= 80
    count = Counter(question.crossing for question in known)
    assert set(count) == {"ar→ar", "ar→en", "en→ar", "en→en"}
    assert min(count.values()) >= 15
    real = {source["id"] for source in sources()}
    for question in known:
        assert question.document.startswith("made-") or question.document in real
        assert question.value
        assert question.row


def test_the_questions_agree_with_the_gold() -> None:
    golds = {gold.id: gold for gold in map(gold_from, made_plain.pages())}
    for source in sources():
        golds[source["id"]] = gold_from(
            {**json.loads((HERE / "gold" / f"{source['id']}.json").read_text()), "id": source["id"], "file": "x", "made": False}
        )
    checked = 0
    for question in questions():
        tables = golds[question.document].tables if question.document in golds else ()
        for row, column, value in (cell for table in tables for cell in table.cells if question.row == cell[0]):
            if plain(column) == plain(question.column):
                assert plain(value) == plain(question.value), question.id
                checked += 1
                assert row == question.row
    assert checked >= 40


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("", "12", False),
        ("It was 1,649 dinars.", "1,649", True),
        ("بلغ ١٬٦٤٩ دينارا", "1,649", True),
        ("It was 11,649.", "1,649", False),
        ("The status is Closed.", "closed", True),
        ("محدودة جدا ومقيدة", "محدودة ومقيدة", False),
    ],
)
def test_an_answer_has_the_value_as_it_is_printed(text: str, value: str, expected: bool) -> None:
    assert holds(text, value) is expected


def test_a_quotation_shows_the_value_with_its_row() -> None:
    question = asking_of("812", "Jordan", "2019")
    assert shows_row([("form.pdf", "Country: Jordan · 2019: 812")], "form.pdf", question)
    assert not shows_row([("form.pdf", "2019: 812")], "form.pdf", question)
    assert not shows_row([("other.pdf", "Country: Jordan · 2019: 812")], "form.pdf", question)
    assert not shows_row([], "form.pdf", question)


def test_a_value_is_readable_with_its_row_and_column() -> None:
    reading = Reading("Country: Jordan · 2019: 812\nرقم التسجيل: 293407")
    assert is_readable(asking_of("812", "Jordan", "2019"), reading)
    assert not is_readable(asking_of("812", "Jordan", "2020"), reading)
    assert is_readable(asking_of("293407", "رقم التسجيل"), reading)
    assert readable({"form": reading}, [asking_of("812", "Jordan", "2019")]) == {"q": True}
    assert readable({}, [asking_of("812", "Jordan", "2019")]) == {}


# --- cost -----------------------------------------------------------------------------------------------------------------


def test_work_is_compared_less_what_nothing_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(cost, "processor_seconds", lambda: clock[0])

    def read(path: Path) -> None:
        clock[0] += {"empty": 1.0, "once": 3.0, "four": 9.0}[path.name]

    files = [tmp_path / name for name in ("empty", "once", "four")]
    assert cost.compare_work(read, files) == pytest.approx(4.0)  # (9 - 1) / (3 - 1)


@pytest.mark.parametrize("name", cost.GROWTH)
def test_inputs_grow_in_proportion(name: str) -> None:
    _, make, size = cost.GROWTH[name]
    assert len(make(4 * size)) / len(make(size)) == pytest.approx(4, rel=0.2)
    assert make(1) is not None


def test_the_section_has_nothing_to_show_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(section, "_TABLES", [])
    assert section.tables() == ""
    assert set(compare.AIMS) < set(MEASURES)
