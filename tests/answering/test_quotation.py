"""What is quoted around evidence: sentences, items with their introduction, rows with their values."""

from __future__ import annotations

import pytest

from rag.answering.quotation import asks_for_every, asks_whether, quotation
from rag.documents.chunker import Chunker
from rag.documents.tree import Limits, TreeWriter
from rag.schema import Document, Evidence, Span

BOARD = {
    "en": ("The board decided as follows:", ["Salaries rise by 4 percent.", "A branch opens in Irbid.", "The cleaning contract ends."]),
    "ar": ("قرر المجلس ما يأتي:", ["رفع الرواتب بنسبة 4 في المئة.", "افتتاح فرع في إربد.", "إلغاء عقد التنظيف."]),
}


def document(tree: TreeWriter) -> Document:
    content = tree.content()
    return Document("a.txt", content.text, "Title", "en", "0", content.marks, {}, content.blocks, content.tables)


def found(source: Document, text: str, words: str = "", chunker: Chunker | None = None) -> Evidence:
    """The piece of evidence that holds a text, as search would return it, with the words that a reader found in it."""
    for passage in (chunker or Chunker()).cut(source):
        for span in passage.sentences:
            if text in passage.quote(span):
                start = source.text.index(words, span.start) if words else 0
                return Evidence(passage, span, passage.quote(span), 0.9, words=Span(start, start + len(words)) if words else None)
    raise AssertionError(f"no passage has {text!r}")


@pytest.fixture
def tree() -> TreeWriter:
    return TreeWriter("a", Limits())


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_line_that_introduces_a_list_is_quoted_with_the_list(tree: TreeWriter, language: str) -> None:
    lead, items = BOARD[language]
    tree.paragraph(lead)
    for item in items:
        tree.item(item)
    tree.paragraph("After it.")
    source = document(tree)
    quoted = quotation(found(source, lead), source, "?")
    assert quoted.items == tuple(items)
    assert quoted.context == lead
    assert quoted.words is None
    assert quoted.text == quoted.span.of(source.text)
    assert quoted.text.startswith(lead)
    assert quoted.text.endswith(items[-1])


@pytest.mark.parametrize(("language", "question"), [("en", "What did the board decide?"), ("ar", "ماذا قرر المجلس؟")])
def test_several_items_among_the_best_evidence_are_quoted_with_their_list(tree: TreeWriter, language: str, question: str) -> None:
    lead, items = BOARD[language]
    tree.paragraph(lead)
    for item in items:
        tree.item(item)
    source = document(tree)
    best = [found(source, item) for item in items]
    assert quotation(best[1], source, question, best).items == tuple(items)
    assert quotation(best[1], source, question, best[:2]).items == tuple(items)  # what introduces it is named
    other = "How do they go on?" if language == "en" else "كيف يمضون؟"
    assert quotation(best[1], source, other, best[:2]).items == ()
    assert quotation(best[1], source, "When does it open?", best).items == ()


@pytest.mark.parametrize(("language", "question"), [("en", "List the decisions of the board"), ("ar", "اذكر قرارات المجلس")])
def test_an_item_is_quoted_with_its_list_where_all_are_asked_for(tree: TreeWriter, language: str, question: str) -> None:
    lead, items = BOARD[language]
    tree.paragraph(lead)
    for item in items:
        tree.item(item)
    source = document(tree)
    assert quotation(found(source, items[1]), source, question).items == tuple(items)
    alone = quotation(found(source, items[1]), source, "?")
    assert (alone.items, alone.text, alone.context) == ((), items[1], lead)


def test_the_clauses_of_a_law_are_not_a_list(tree: TreeWriter) -> None:
    tree.heading("Article 25")
    for subject in ("worker", "mother"):
        tree.item(
            f"Every {subject} has the right to rest, to an income that is enough to live on, and to care in illness and in old age. " * 2
        )
    source = document(tree)
    quoted = quotation(found(source, "Every mother"), source, "what are the rights of a mother?")
    assert quoted.items == ()
    assert quoted.text.startswith("Every mother")


def test_a_list_without_introduction_stands_under_its_heading_and_a_long_one_is_cut(tree: TreeWriter) -> None:
    tree.heading("Title")
    tree.heading("Duties", 2)
    for number in range(30):
        tree.item(f"Duty {number} is kept.")
    source = document(tree)
    quoted = quotation(found(source, "Duty 3 "), source, "name all the duties")
    assert quoted.context == "Duties"
    assert len(quoted.items) == 25
    assert quoted.left_out == 5


@pytest.mark.parametrize(
    ("question", "words", "expected"),
    [
        ("price of olive oil", "7.50", "7.50"),
        ("How many visitors came in 2020?", "640", "640"),
        ("كم الزوار سنة 2020", "", "640"),  # by the column that the question names
        ("visitors", "2020: 640", "640"),
        ("visitors", "2020", None),  # a column's name
        ("visitors", "812 · 2020: 640", None),  # two values
    ],
)
def test_a_row_answers_with_the_value_of_one_column(tree: TreeWriter, question: str, words: str, expected: str | None) -> None:
    tree.table(["Country", "2019", "2020", "Price"], [["Jordan", "812", "640", "7.50"], ["Egypt", "900", "310", "3"]], "Visitors", header=0)
    source = document(tree)
    quoted = quotation(found(source, "Jordan", words), source, question)
    assert quoted.context == "Visitors"
    assert "Egypt" not in quoted.text
    assert quoted.direct == (expected or "")


class Preferring:
    """Prefers the column of a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def likest(self, names: list[str], values: list[str]) -> int:
        return names.index(self._name)


@pytest.mark.parametrize(("column", "expected"), [("2020", "640"), ("Price", "")])
def test_a_value_in_another_column_than_the_one_most_like_the_question_is_not_the_answer(
    tree: TreeWriter, column: str, expected: str
) -> None:
    tree.table(["Country", "2019", "2020", "Price"], [["Jordan", "812", "640", "7.50"], ["Egypt", "900", "310", "3"]], "Visitors", header=0)
    source = document(tree)
    quoted = quotation(found(source, "Jordan", "640"), source, "guests", (), Preferring(column))  # type: ignore[arg-type]
    assert quoted.direct == expected
    named = quotation(found(source, "Jordan", "640"), source, "guests in 2020", (), Preferring("Price"))  # type: ignore[arg-type]
    assert named.direct == "640"  # the question names the column itself


def test_a_sentence_cut_at_a_comma_for_search_is_quoted_whole(tree: TreeWriter) -> None:
    whole = "The letter was sent by the lawyer, who wrote that the terms had been broken, and asked for an answer within two weeks."
    tree.paragraph(f"It began in May. {whole} Nothing came.")
    source = document(tree)
    part = found(source, "by the lawyer", chunker=Chunker(passage=400, sentence=50))
    assert part.text != whole
    assert quotation(part, source, "?").text == whole


def test_a_part_of_a_very_long_sentence_is_quoted_without_its_last_comma(tree: TreeWriter) -> None:
    tree.paragraph(", ".join(f"the {number}th clause says what the other clauses do not say" for number in range(20)) + ".")
    source = document(tree)
    quoted = quotation(found(source, "the 3th", chunker=Chunker(passage=400, sentence=100)), source, "?")
    assert quoted.text.endswith("say")
    assert quoted.text == quoted.span.of(source.text)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("The lawyer (Alex Spiro) wrote it to the company.", "(Alex Spiro)", "Alex Spiro"),
        ("The lawyer, Alex Spiro, wrote it to the company.", "Alex Spiro,", "Alex Spiro"),
        ("It treats bone loss (osteoporosis) and other illnesses.", "bone loss (osteoporosis)", "bone loss (osteoporosis)"),
        ("A period of at most (nine) months is set for it.", "nine) months", "(nine) months"),
        ("Swimming is not offered by the school.", "not", ""),
        ("The office has nine inspectors.", "The office has nine inspectors", ""),
    ],
)
def test_the_words_that_answer(tree: TreeWriter, text: str, words: str, expected: str) -> None:
    tree.paragraph(text)
    source = document(tree)
    assert quotation(found(source, text, words), source, "?").direct == expected


def test_without_a_document_or_a_tree_the_evidence_is_quoted(tree: TreeWriter) -> None:
    tree.paragraph("It began in May. Nothing came.")
    source = document(tree)
    evidence = found(source, "Nothing", "Nothing")
    assert quotation(evidence, None).text == "Nothing came."
    plain = Document("a.txt", source.text, "Title", "en", "0")
    assert quotation(evidence, plain).text == "Nothing came."
    assert quotation(evidence, Document("a.txt", "It", "Title", "en", "0")).text == "Nothing came."


@pytest.mark.parametrize(
    ("question", "every", "whether"),
    [
        ("List the decisions", True, False),
        ("What are the requirements?", True, False),
        ("اذكر شروط القبول", True, False),
        ("ما هي الشروط؟", True, False),
        ("شو هي الأوراق المطلوبة", True, False),
        ("What is the fee?", False, False),
        ("When are all the offices open?", False, False),
        ("كم عدد جميع الموظفين؟", False, False),
        ("كم الرسوم؟", False, False),
        ("Does the school offer swimming?", False, True),
        ("Isn't it closed?", False, True),
        ("هل تقدم المدرسة السباحة؟", False, True),
        ("Island of the blest", False, False),
        ("Can you tell me the fee?", False, False),
        ("هل تعرف كم الرسوم؟", False, False),
    ],
)
def test_what_a_question_asks_for(question: str, every: bool, whether: bool) -> None:
    assert asks_for_every(question) is every
    assert asks_whether(question) is whether
