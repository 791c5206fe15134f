"""Answers computed from the rows of a table: the right rows and numbers, every row cited, and nothing where a word is not understood."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.table_wording import asks_for_computation
from rag.retrieval.index import Index
from rag.schema import Answer, Grade, Status
from rag.storage.build import build_index
from rag.testing import HashEmbedder
from tests.helpers import write

FILES = {
    "hotels.csv": (
        "hotel,town,price per night,opened,rooms,stars\n"
        "Cedar Palace,Batroun,120,1998,64,4\n"
        "Old Harbour,Tyre,75,1931,18,3\n"
        "Blue Gate,Batroun,95,2011,40,3\n"
        "Sand Court,Tyre,210,2004,,5\n"
        "Hill View,Jezzine,75,1987,12,2\n"
        "Total,,575,,134,\n"
    ),
    "bridges.csv": "bridge,length,age,load\nNorth Bridge,1.2 km,40,3 t\nSouth Bridge,900 m,12,2.5\nEast Bridge,300 m,65,4 t\n",
    "مشاريع.csv": (
        "المشروع,المحافظة,الكلفة,سنة الافتتاح,العمال\n"
        "جسر الوادي,إربد,٣٫٥ مليون دينار,2015,120\n"
        "مدرسة النخيل,العقبة,800 ألف دينار,2019,45\n"
        "سوق المدينة,إربد,1.2 مليون دينار,2008,60\n"
        "مستشفى الساحل,العقبة,9 ملايين دينار,2022,310\n"
    ),
    "rents.md": (
        "# Flats\n\n## 2022\n\n| flat | rent |\n|---|---|\n| A | 300 |\n| B | 450 |\n\n"
        "## 2023\n\n| flat | rent |\n|---|---|\n| A | 330 |\n| B | 440 |\n"
    ),
    "visits.csv": "visitor group,date,visitors\nred group,3/4/2021,31\nblue group,5/4/2021,12\ngreen group,4/4/2021,20\n",
}
LEXICON = {"فندق": "hotel", "الفندق": "hotel", "فنادق": "hotel"}


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    folder = tmp_path_factory.mktemp("tables")
    embedder = HashEmbedder(lexicon=LEXICON)
    build_index(write(folder / "documents", FILES), folder / "index", embedder)
    with Index.open(folder / "index", embedder) as index:
        yield Chatbot(index, calibration=Calibration.of("unknown"), reader=None)


PORT = {
    "safety of ferries.csv": (
        "id,name,incidents_85_99,deaths_85_99,incidents_00_14,deaths_00_14,stopquay_count,in_stopquays,insurance premium\n"
        "alb,Albatros,7,1,2,40,3,true,120\ngul,Grey Gull,12,0,4,9,5,true,95\nter,Tern,3,2,6,11,2,false,210\n"
    ),
    "quays.md": (
        "# Quays\n\nQuay fees of Larne in 2021.\n\n**Quay fee revenue**\n\n"
        "| Year | Small ships | Large ships | Total |\n|---|---|---|---|\n"
        "| 2019 | $12 | $40 | $52 |\n| 2020 | $15 | $31 | $46 |\n| 2021 | $9 | $52 | $61 |\n"
    ),
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    folder = tmp_path_factory.mktemp("port")
    build_index(write(folder / "documents", PORT), folder / "index", embedder := HashEmbedder())
    with Index.open(folder / "index", embedder) as index:
        yield Chatbot(index, calibration=Calibration.of("unknown"), reader=None)


def lines(answer: Answer) -> list[str]:
    return answer.text.splitlines()


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Which hotel is the most expensive?", "Sand Court: 210 [1]"),
        ("Which hotel in Batroun is the cheapest?", "Blue Gate: 95 [1]"),
        ("What is the oldest hotel?", "Old Harbour: 1931 [1]"),
        ("which hotel was opened latest", "Blue Gate: 2011 [1]"),
        ("Which hotel has the fewest rooms?", "Hill View: 12 [1]"),
        ("Which hotel has the highest price per night in Tyre?", "Sand Court: 210 [1]"),
        ("ما أرخص فندق في Batroun؟", "Blue Gate: 95 [1]"),
        ("أي فندق هو الأغلى؟", "Sand Court: 210 [1]"),
        ("Which hotel has the largest number of rooms?", "Cedar Palace: 64 [1]"),
        ("مين اقدم فندق", "Old Harbour: 1931 [1]"),
        ("Which bridge is the longest?", "North Bridge: 1.2 km [1]"),
        ("Which bridge is the oldest?", "East Bridge: 65 [1]"),
        ("أي مشروع هو الأغلى؟", "مستشفى الساحل: 9 ملايين دينار [1]"),
        ("شو ارخص مشروع بإربد؟", "سوق المدينة: 1.2 مليون دينار [1]"),
        ("ما المشروع الأكثر عمالا في العقبة؟", "مستشفى الساحل: 310 [1]"),
        ("ما أحدث مشروع؟", "مستشفى الساحل: 2022 [1]"),
        ("ما هو أقدم مشروع في محافظة إربد؟", "سوق المدينة: 2008 [1]"),
        ("Which project is the cheapest?", "مدرسة النخيل: 800 ألف دينار [1]"),
        ("How many hotels are listed?", "5"),
        ("How many hotels are in Tyre?", "2"),
        ("How many towns are there in the list of hotels?", "3"),
        ("كم مشروعا في العقبة؟", "2"),
        ("كم عدد المشاريع؟", "4"),
        ("كام مشروع في إربد؟", "2"),
        ("What is the total of rooms in Batroun?", "104"),
        ("What is the average price per night in Tyre?", "142.5"),
        ("ما مجموع العمال في إربد؟", "180"),
        ("ما متوسط كلفة المشاريع في إربد؟", "2.35 مليون دينار"),
        ("Is Blue Gate cheaper than Cedar Palace?", "Yes."),
        ("Is Old Harbour more expensive than Hill View?", "The same."),
        ("Is Hill View older than Old Harbour?", "No."),
        ("Which is older, Blue Gate or Hill View?", "Hill View: 1987 [1]"),
        ("أيهما أغلى، جسر الوادي أم سوق المدينة؟", "جسر الوادي: ٣٫٥ مليون دينار [1]"),
        ("هل مدرسة النخيل أقدم من سوق المدينة؟", "لا."),
        ("مين ارخص سوق المدينة ولا مدرسة النخيل", "مدرسة النخيل: 800 ألف دينار [1]"),
    ],
)
def test_the_first_line_is_what_the_rows_say(chatbot: Chatbot, question: str, first: str) -> None:
    answer = chatbot.ask(question)
    assert lines(answer)[0] == first
    assert answer.status is Status.ANSWERED
    for citation in answer.citations:
        document = chatbot.index.document(citation.document_id)
        assert document is not None
        assert citation.quote == citation.span.of(document.text)
        assert citation.words is not None
        assert " ".join(citation.words.of(document.text).split()) == citation.claim.of(answer.text)
        assert citation.grade is Grade.QUOTED


@pytest.mark.parametrize(
    "question",
    [
        "Which hotel is the largest?",  # no column of sizes
        "Which hotel is the best?",
        "Which hotel in Beirut is the cheapest?",  # a town that no row has
        "Which Lebanese hotel is the cheapest?",
        "Which hotel is not the cheapest?",
        "Which hotel is the second cheapest?",
        "Which town has the most rooms?",  # of several hotels together
        "How many rooms are there?",  # may be a number that the text states
        "How many hotels are in Beirut?",
        "What is the price per night of Blue Gate?",  # a value to look up
        "Is Blue Gate cheaper than Grand Hotel?",
        "Which flat has the highest rent?",  # of 2022 or of 2023
        "Which bridge has the greatest load?",  # tonnes, and a number without a unit
        "What is the total length of the bridges?",  # in kilometres and metres
        "Which visitor group has the latest date?",  # 3 April or 4 March
        "Why is Sand Court the most expensive hotel?",
        "Which room is the largest?",  # the number of rooms is no size of them
        "Which worker is the highest?",
        "ما أكبر عامل؟",
        "ما أكبر مشروع؟",
        "ما أغلى مشروع في عمّان؟",
        "ما المشروع الذي ليس الأغلى؟",
        "أي محافظة فيها أكثر العمال؟",
        "كم عدد العمال؟",
        "أيهما أغلى، جسر الوادي أم مطار الشمال؟",
        "ما كلفة جسر الوادي؟",
        "لماذا مستشفى الساحل هو الأغلى؟",
    ],
)
def test_a_question_that_is_not_understood_to_its_last_word_is_left_to_search(chatbot: Chatbot, question: str) -> None:
    plain = Chatbot(chatbot.index, calibration=chatbot.calibration, reader=None)
    assert chatbot.ask(question).text.startswith(plain.quote(question).text)  # which words are absent is said to a reader alone


def test_the_table_of_the_year_that_is_named_is_taken(chatbot: Chatbot) -> None:
    assert lines(chatbot.ask("Which flat has the highest rent in 2023?"))[0] == "B: 440 [1]"
    assert lines(chatbot.ask("Which flat has the lowest rent in 2022?"))[0] == "A: 300 [1]"


def test_what_was_computed_is_said_with_the_rows_left_out(chatbot: Chatbot) -> None:
    answer = chatbot.ask("Which hotel has the most rooms?")
    assert lines(answer) == [
        "Cedar Palace: 64 [1]",
        "Highest “rooms” of 4 rows in “hotels” · rows without a value, left out: 1",
        "• Blue Gate: 40 [2]",
        "• Old Harbour: 18 [3]",
    ]


def test_rows_that_share_the_least_value_are_all_named(chatbot: Chatbot) -> None:
    assert lines(chatbot.ask("Which hotel is the cheapest?"))[:2] == ["Old Harbour: 75 [1]", "Hill View: 75 [2]"]


def test_every_row_of_a_sum_is_shown_and_cited(chatbot: Chatbot) -> None:
    answer = chatbot.ask("ما مجموع العمال؟")
    assert lines(answer) == [
        "535",
        "مجموع «العمال» في صفوف «مشاريع» وعددها 4",
        "• جسر الوادي: 120 [1]",
        "• مدرسة النخيل: 45 [2]",
        "• سوق المدينة: 60 [3]",
        "• مستشفى الساحل: 310 [4]",
    ]
    assert [citation.locator for citation in answer.citations[::2]] == ["row 1", "row 2", "row 3", "row 4"]
    assert {citation.passage_id for citation in answer.citations} <= {hit.passage.id for hit in answer.hits}


@pytest.mark.parametrize(
    "question", ["When was the library opened?", "متى افتتحت المكتبة؟", "How many?", "كم؟", "most", "", "the oldest and the newest hotel"]
)
def test_other_questions_ask_for_no_computation(question: str) -> None:
    found = asks_for_computation(question)
    assert found is None or not any(not word.is_filler for word in found.words)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Which ferry had the most incidents between 1985 and 1999?", "Grey Gull: 12 [1]"),
        ("Which ferry had more deaths in 2000-2014, Tern or Albatros?", "Albatros: 40 [1]"),
        ("Does Tern or Albatros have more stop quays?", "Albatros: 3 [1]"),  # not yes: one of the two
        ("Is the insurance more expensive for Tern or for Albatros?", "Tern: 210 [1]"),
        ("In which year was the total quay fee revenue highest?", "2021: $61 [1]"),
        ("Was the quay fee revenue higher in 2019 or in 2020?", "2019: $52 [1]"),
        ("Which ferry has the most stop quays?", "Grey Gull: 5 [1]"),
    ],
)
def test_columns_are_known_by_years_and_written_together_and_rows_by_their_names(port: Chatbot, question: str, first: str) -> None:
    assert lines(port.ask(question))[0] == first
