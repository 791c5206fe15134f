"""Several questions put to several documents: each cell from its own document, and exported with its citation."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path

import pytest
from openpyxl import load_workbook

from rag.answering.chatbot import Chatbot
from rag.answering.review_export import table_csv, table_xlsx
from rag.answering.review_table import ReviewTable, review_table
from rag.errors import BadQuestion, BadSetting
from rag.retrieval.index import Index
from rag.schema import Answer, Filter
from rag.storage.build import build_index
from tests.answering.test_chatbot import calibration
from tests.helpers import embedder, write

FILES = {
    "lease-a.txt": "The yearly rent is 4,800 dinars. The deposit is 300 dinars. The tenant may keep a cat.",
    "lease-b.txt": "The yearly rent is 5,200 dinars. Payment is due in June.",
    "عقد.txt": "الإيجار السنوي 3600 دينار. يدفع المستأجر تأمينا قدره 150 دينارا.",
}
RENT, DEPOSIT = "What is the yearly rent?", "How much is the deposit?"


@pytest.fixture
def chatbot(tmp_path: Path) -> Chatbot:
    build_index(write(tmp_path / "documents", FILES), tmp_path / "index", embedder())
    return Chatbot(Index.open(tmp_path / "index", embedder()), calibration=calibration())


@pytest.fixture
def table(chatbot: Chatbot) -> ReviewTable:
    return review_table(chatbot, [RENT, DEPOSIT], ["lease-a.txt", "lease-b.txt"])


def test_each_cell_is_answered_from_its_document(table: ReviewTable) -> None:
    assert table.questions == (RENT, DEPOSIT)
    assert [row.document_id for row in table.rows] == ["lease-a.txt", "lease-b.txt"]
    texts = [[cell.text for cell in row.cells] for row in table.rows]
    assert texts == [["The yearly rent is 4,800 dinars.", "The deposit is 300 dinars."], ["The yearly rent is 5,200 dinars.", ""]]
    for row in table.rows:
        for cell in row.cells:
            assert (cell.citation is None) == (cell.text == "")
            if cell.citation is not None:
                assert cell.citation.document_id == row.document_id
                assert cell.citation.quote == cell.citation.span.of(FILES[row.document_id])


def test_the_same_in_arabic(chatbot: Chatbot) -> None:
    table = review_table(chatbot, ["كم الإيجار السنوي؟", "من هو الكفيل؟"], ["عقد.txt"])
    assert [cell.text for cell in table.rows[0].cells] == ["الإيجار السنوي 3600 دينار.", ""]


def test_a_question_that_is_asked_twice_is_asked_once(chatbot: Chatbot) -> None:
    seen: list[tuple[int, int]] = []
    table = review_table(chatbot, [RENT, RENT, DEPOSIT], ["lease-a.txt", "lease-a.txt"], follow=lambda *done: seen.append(done))
    assert table.questions == (RENT, DEPOSIT)
    assert len(table.rows) == 1
    assert seen == [(1, 2), (2, 2)]


def test_it_can_be_stopped(chatbot: Chatbot) -> None:
    stop = threading.Event()
    stop.set()
    assert review_table(chatbot, [RENT], ["lease-a.txt"], stop=stop).rows == ()


@pytest.mark.parametrize(
    ("questions", "documents"),
    [([RENT, DEPOSIT], ["lease-a.txt", "lease-b.txt"]), (["كم الإيجار السنوي؟", "كم قدر التأمين؟"], ["عقد.txt"])],
)
def test_cells_answered_side_by_side_are_those_of_the_questions_asked_one_by_one(
    chatbot: Chatbot, questions: list[str], documents: list[str]
) -> None:
    table = review_table(chatbot, questions, documents)
    for row in table.rows:
        for question, cell in zip(questions, row.cells, strict=True):
            alone = chatbot.quote(question, filter=Filter(documents=(row.document_id,)))
            assert cell.citation == (alone.citations[0] if alone.citations else None)


def test_two_cells_are_answered_at_once(chatbot: Chatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    both, really = threading.Barrier(2, timeout=60), chatbot.quote

    def quote(question: str, *, filter: Filter | None = None) -> Answer:
        both.wait()  # breaks where one cell would wait for the other
        return really(question, filter=filter)

    monkeypatch.setattr(chatbot, "quote", quote)
    assert len(review_table(chatbot, [RENT, DEPOSIT], ["lease-a.txt"]).rows) == 1


def test_it_is_stopped_after_the_rows_that_are_whole(chatbot: Chatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, asked, really = threading.Event(), list[str](), chatbot.quote

    def quote(question: str, *, filter: Filter | None = None) -> Answer:
        asked.append(question)
        return really(question, filter=filter)

    monkeypatch.setattr(chatbot, "quote", quote)
    documents = ["lease-a.txt", "lease-b.txt", "عقد.txt"]
    table = review_table(chatbot, [RENT], documents * 5, stop=stop, follow=lambda done, total: stop.set())
    assert [row.document_id for row in table.rows] == documents[: len(table.rows)]
    assert 1 <= len(table.rows) <= len(asked) <= 3


def test_what_fails_in_a_cell_is_raised_and_the_rest_is_not_asked(chatbot: Chatbot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def quote(question: str, *, filter: Filter | None = None) -> Answer:
        asked.append(question)
        raise BadQuestion("error.question_empty")

    monkeypatch.setattr(chatbot, "quote", quote)
    with pytest.raises(BadQuestion):
        review_table(chatbot, [f"{RENT} {n}" for n in range(50)], ["lease-a.txt"])
    assert len(asked) < 50


@pytest.mark.parametrize(("questions", "documents"), [([], ["lease-a.txt"]), ([RENT], []), ([RENT], ["missing.txt"])])
def test_a_table_of_nothing_is_refused(chatbot: Chatbot, questions: list[str], documents: list[str]) -> None:
    with pytest.raises(BadSetting):
        review_table(chatbot, questions, documents)


def test_csv_has_the_source_beside_the_answer(table: ReviewTable) -> None:
    text = table_csv(table, "en")
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows[0] == ["Title", "Document", RENT, "Source", DEPOSIT, "Source"]
    assert rows[1][2:4] == ["The yearly rent is 4,800 dinars.", "“The yearly rent is 4,800 dinars.”"]
    assert rows[2][4:] == ["not stated", ""]
    assert "غير مذكور" in table_csv(table, "ar")


def test_a_workbook_has_a_sheet_of_sources(table: ReviewTable) -> None:
    book = load_workbook(io.BytesIO(table_xlsx(table, "en")))
    assert book.sheetnames == ["Answers", "Sources"]
    answers = [[cell.value for cell in row] for row in book["Answers"]]
    assert answers[2][2:] == ["The yearly rent is 5,200 dinars.", "not stated"]
    sources = [[cell.value for cell in row] for row in book["Sources"]]
    assert len(sources) == 4
    assert sources[1][2:4] == [RENT, "The yearly rent is 4,800 dinars."]
    assert load_workbook(io.BytesIO(table_xlsx(table, "ar")))["الإجابات"].sheet_view.rightToLeft


def test_no_cell_is_a_formula(chatbot: Chatbot, tmp_path: Path) -> None:
    table = review_table(chatbot, ["=1+1 What is the yearly rent?", "-5"], ["lease-a.txt"])
    header = next(csv.reader(io.StringIO(table_csv(table, "en").removeprefix("\ufeff"))))
    assert header[2] == "'=1+1 What is the yearly rent?"
    assert header[4] == "-5"
    cell = load_workbook(io.BytesIO(table_xlsx(table, "en")))["Answers"].cell(1, 3)
    assert cell.data_type == "s"
