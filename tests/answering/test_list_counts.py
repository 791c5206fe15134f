"""Counts of listed items and comparisons of stated values: computed where every word is explained, silent elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.compared_pair import compared_pair
from rag.answering.confidence import Calibration
from rag.answering.list_counts import items_by_heading
from rag.documents.tree import heading_paths
from rag.retrieval.index import Index
from rag.schema import Block, BlockKind, Document, Grade, Span, Status
from rag.storage.build import build_index
from rag.testing import HashEmbedder, WordReader
from tests.helpers import write

FILES = {
    "minutes.md": (
        "# Minutes of the garden club\n\nFive members were present.\n\nThe following decisions were taken:\n\n"
        "1. Plant ten lime trees.\n2. Sell the old mower.\n   - to a member\n   - or to the school\n3. Meet again in May.\n\n"
        "## Requests\n\n- a longer hose\n- two benches\n"
    ),
    "محضر.md": (
        "# محضر نادي الحديقة\n\nحضر خمسة أعضاء.\n\nالقرارات التالية:\n\n"
        "1. زراعة عشر شجرات.\n2. بيع الجزازة.\n3. شراء خرطوم.\n4. عقد اجتماع في مايو.\n"
    ),
    "law.md": "# Parking law\n\n## Article 1\n\nCars park on the left.\n\n## Article 2\n\nBuses park behind the station.\n\n"
    "## Article 3\n\nFines are 20 pounds.\n",
    "قانون.md": "# قانون المواقف\n\n## المادة 1\n\nتقف السيارات يسارا.\n\n## المادة 2\n\nتقف الحافلات خلف المحطة.\n",
    "library.txt": "The library was founded in 1921 by Reed. A library card costs 40 dirhams.",
    "menus.md": "# Menus of the fair\n\n## Monday - Lunch\n\n- lentil soup\n- fried fish\n\n"
    "## Monday - Dinner\n\n- rice\n- a stew\n- figs\n",
    "قواعد.md": "# قواعد الحديقة\n\nأمثلة على السلوك المقبول تشمل:\n\n- السقي\n- الكنس\n\n"
    "أمثلة على السلوك غير المقبول تشمل:\n\n- قطف الزهور\n- رمي الحجارة\n- الصراخ\n",
    "museum.txt": "The museum was founded in 1887 by the town. A museum card costs 65 dirhams.",
    "harbour.txt": "The harbour was dredged in 1850. The berth fee is 9 dirhams for yachts and 4 dirhams for tugs.",
}


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatbot]:
    folder = tmp_path_factory.mktemp("lists")
    embedder = HashEmbedder(256)
    build_index(write(folder / "documents", FILES), folder / "index", embedder)
    with Index.open(folder / "index", embedder) as index:
        yield Chatbot(index, calibration=replace(Calibration.of("unknown"), least=0.0, sure=0.0), reader=WordReader())


@pytest.mark.parametrize(
    ("question", "count", "last"),
    [
        ("How many decisions are in the minutes?", "3", "3. Meet again in May."),
        ("How many requests are in the minutes of the garden club?", "2", "two benches"),
        ("How many articles does the parking law have?", "3", "Fines are 20 pounds."),
        ("كم عدد مواد قانون المواقف؟", "2", "تقف الحافلات خلف المحطة."),  # «مواد» is the plural of «مادة»
        ("كم قرارا في المحضر؟", "4", "4. عقد اجتماع في مايو."),
        ("كم عدد القرارات في محضر نادي الحديقة؟", "4", "4. عقد اجتماع في مايو."),
    ],
)
def test_the_items_of_the_list_that_is_called_so_are_counted_and_cited(chatbot: Chatbot, question: str, count: str, last: str) -> None:
    answer = chatbot.ask(question)
    assert answer.status is Status.ANSWERED
    assert answer.text.splitlines()[0] == count
    assert len(answer.citations) == int(count)
    assert all(citation.grade is Grade.QUOTED for citation in answer.citations)
    assert answer.citations[-1].claim.of(answer.text) == last


@pytest.mark.parametrize(
    "question",
    [
        "How many decisions were rejected in the minutes?",  # a word that nothing explains
        "How many trees are in the minutes?",  # no list is called so
        "How many members are in the minutes?",
        "كم قرارا رفض في المحضر؟",
    ],
)
def test_nothing_is_counted_where_a_word_is_not_explained(chatbot: Chatbot, question: str) -> None:
    assert not chatbot.ask(question).text.splitlines()[0].isdigit()


@pytest.mark.parametrize(
    ("question", "first", "items"),
    [
        ("List everything for Monday dinner at the fair.", "Listed under “Monday - Dinner”", ["rice", "a stew", "figs"]),
        ("How many items are there for dinner on Monday?", "3", ["rice", "a stew", "figs"]),
        ("List the decisions of the garden club.", "Listed under “The following decisions were taken”", ["1. Plant ten lime trees."]),
        ("ما هي أمثلة السلوك غير المقبول؟", "البنود الواردة تحت «أمثلة على السلوك غير المقبول تشمل»", ["قطف الزهور", "رمي الحجارة"]),
        ("اذكر أمثلة السلوك المقبول في الحديقة.", "البنود الواردة تحت «أمثلة على السلوك المقبول تشمل»", ["السقي", "الكنس"]),
    ],
)
def test_the_list_that_is_called_so_is_given_whole(chatbot: Chatbot, question: str, first: str, items: list[str]) -> None:
    answer = chatbot.ask(question)
    assert answer.text.splitlines()[0] == first
    assert [citation.claim.of(answer.text) for citation in answer.citations][: len(items)] == items


@pytest.mark.parametrize("question", ["List the rules of chess.", "What are the prices on Monday?", "اذكر أمثلة السلوك المخالف للقانون."])
def test_a_list_under_another_name_is_not_given(chatbot: Chatbot, question: str) -> None:
    assert not chatbot.ask(question).text.startswith(("Listed under", "البنود الواردة"))


def test_two_things_are_compared_by_the_values_that_two_sentences_state(chatbot: Chatbot) -> None:
    answer = chatbot.ask("Which is older, the library or the museum?")
    assert answer.text.splitlines() == [
        "the museum: The museum was founded in 1887 by the town. [1]",
        "the library: The library was founded in 1921 by Reed. [2]",
        "Compared by the values quoted.",
    ]
    assert [citation.document_id for citation in answer.citations] == ["museum.txt", "library.txt"]


def test_a_comparison_that_asks_for_yes_or_no(chatbot: Chatbot) -> None:
    answer = chatbot.ask("Is the library older than the museum?")
    assert answer.text.splitlines()[0] == "No."
    assert len(answer.citations) == 2


def test_what_was_dredged_was_not_founded_then(chatbot: Chatbot) -> None:
    answer = chatbot.ask("Which is older, the library or the harbour?")
    assert "Compared by the values quoted." not in answer.text


def test_a_sentence_with_both_values_is_not_one_of_them(chatbot: Chatbot) -> None:
    answer = chatbot.ask("Is the berth fee higher for yachts or for tugs?")
    assert "Compared by the values quoted." not in answer.text


@pytest.mark.parametrize(
    ("question", "pair"),
    [
        ("Is the berth fee higher for yachts or for tugs?", ("yachts", "tugs")),
        ("Was the visit more expensive in 2022 or in 2023?", ("2022", "2023")),
        ("Which has more ships, Larne or Tyre?", ("Larne", "Tyre")),
        ("Does Larne or Tyre have more ships?", ("Larne", "Tyre")),
        ("أيهما أكثر في السفن: صور أم صيدا؟", ("صور", "صيدا")),
        ("هل الإيجار أغلى في صور أم صيدا؟", ("صور", "صيدا")),
        ("Which is cheaper, the library card or the museum card?", ("the library card", "the museum card")),
        ("Is A12 longer than B3?", ("A12", "B3")),
        ("أيهما أقدم، المكتبة أم المتحف؟", ("المكتبة", "المتحف")),
        ("هل المكتبة أقدم من المتحف؟", ("المكتبة", "المتحف")),
    ],
)
def test_the_things_compared_are_read_from_the_question(question: str, pair: tuple[str, str]) -> None:
    found = compared_pair(question)
    assert found is not None
    assert (found.one.name, found.other.name) == pair


@pytest.mark.parametrize("question", ["Which is the oldest library?", "When was the library founded?", "ما أقدم مكتبة؟"])
def test_other_questions_compare_nothing(question: str) -> None:
    assert compared_pair(question) is None


def test_the_items_below_each_heading_are_counted_once_for_all_its_lists() -> None:
    """Two lists below one heading leave open which is meant; below another heading of the same text they count together too."""
    text, made = "", list[Block]()
    said = [(BlockKind.HEADING, "Menu"), (BlockKind.ITEM, "rice"), (BlockKind.PARAGRAPH, "In the evening"), (BlockKind.ITEM, "حساء"),
            (BlockKind.HEADING, "Fees"), (BlockKind.ITEM, "none")]  # fmt: skip
    for kind, part in said:
        made.append(Block(kind, Span(len(text), len(text) + len(part)), 1 if kind is BlockKind.HEADING else 0))
        text += f"{part}\n"
    document = Document("d", text, "", "en", "0", blocks=tuple(made))
    assert items_by_heading(document.blocks, heading_paths(document)) == {("Menu",): 2, ("Fees",): 1}
    assert items_by_heading((), []) == {}
