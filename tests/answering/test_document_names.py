"""Names of a document in a question: what is left out before the question is read with the document's text."""

from __future__ import annotations

import pytest

from rag.answering.document_names import question_of, without_document_names
from rag.answering.reading import read_evidence
from rag.models.reader import Reading
from rag.models.reader_input import ReadText
from rag.schema import Evidence, Passage, Span


@pytest.mark.parametrize(
    ("question", "title", "read"),
    [
        ("How long is a proxy valid at Swan Lake HOA?", "Swan Lake HOA bylaws", "How long is a proxy valid?"),
        ("ما أقصى مدة للتوكيل في جمعية ملاك Swan Lake؟", "swan lake bylaws", "ما أقصى مدة للتوكيل؟"),
        ("Under the Englishom licence, may I sell my account?", "englishom licence agreement", "may I sell my account?"),
        (
            "Did Englishom staff listen to the recordings?",
            "englishom privacy policy – سياسة الخصوصية",
            "Did staff listen to the recordings?",
        ),
        # the Latin name of a document whose title is in Arabic
        ("What did the board of Sanad discuss in December?", "أخبار جمعية سند", "What did the board discuss in December?"),
        ("Did the Harbour Ferry Company end the year with a loss?", "harbour ferry company accounts", "Did it end the year with a loss?"),
        ("Which lines are new in Harbour Ferry's budget?", "Harbour Ferry budget 2026", "Which lines are new?"),
        # a number, a date or another name between is a condition
        (
            "What happened to the motion at the January 7, 2003 USAC meeting?",
            "usac minutes 2003 01 07",
            "What happened to the motion at the January 7, 2003 meeting?",
        ),
        ("كم عضوًا في لجنة Selectboard ببلدة Montague؟", "montague town bylaws", "كم عضوًا في لجنة Selectboard ببلدة؟"),
        # the words of the title stay where a sentence goes on after them
        (
            "What did the board of the Sanad cooperative discuss?",
            "sanad cooperative news",
            "What did the board of the cooperative discuss?",
        ),
        ("Is the study of the tanners of Fez divided in parts?", "tanners of Fez", "Is the study of the tanners divided in parts?"),
    ],
)
def test_names_of_the_document_are_left_out(question: str, title: str, read: str) -> None:
    assert without_document_names(question, title) == read


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How long is a proxy valid at Swan Lake HOA?", "Timber Hill bylaws"),  # another document's
        ("ما أقصى مدة للتوكيل في جمعية ملاك Swan Lake؟", "لائحة جمعية النور"),
        ("What is Swan Lake?", "Swan Lake"),  # nothing would be left
        ("How long is a proxy valid?", "Swan Lake bylaws"),
        ("How much did the Bermuda Police Service spend?", "bermuda budget"),  # one of Bermuda's services
        ("", "Swan Lake"),
        ("؟؟", ""),
    ],
)
def test_any_other_question_stays_as_it_is(question: str, title: str) -> None:
    assert without_document_names(question, title) == question


class Heard:
    """A reader that writes down what it was asked of which text."""

    name = fingerprint = "heard"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def read(self, question: str, texts: list[ReadText], *, spans: int = 3) -> list[Reading]:
        self.asked += [(question, text.text) for text in texts]
        return [Reading(0.5 if "eleven" in text.text else 0.1, (0.5,) * len(text.blocks), ()) for text in texts]

    def judge(self, claim: str, texts: list[ReadText]) -> list[object]:
        raise AssertionError


def test_each_document_is_read_with_the_question_as_it_concerns_it() -> None:
    texts = {"swan-lake-bylaws.pdf": "A proxy is valid for eleven months.", "timber-hill-rules.pdf": "A proxy is valid for a year."}
    evidence = []
    for number, (file, text) in enumerate(texts.items()):
        passage = Passage(number, file, Span(0, len(text)), text, "Bylaws", "en", sentences=(Span(0, len(text)),))
        evidence.append(Evidence(passage, Span(0, len(text)), text, 0.5))
    reader = Heard()
    ranked, answers = read_evidence(reader, "How long is a proxy valid at Swan Lake?", evidence, 2)
    assert sorted(reader.asked) == [
        ("How long is a proxy valid at Swan Lake?", "A proxy is valid for a year."),
        ("How long is a proxy valid?", "A proxy is valid for eleven months."),
    ]
    assert ranked[0].text == "A proxy is valid for eleven months."
    assert answers == 0.5


def test_the_name_of_the_file_counts_as_the_title_does() -> None:
    text = "Visits end at nine."
    passage = Passage(1, "houses/green_gables-rules.pdf", Span(0, len(text)), text, "Rules", "en", sentences=(Span(0, len(text)),))
    assert question_of("When do visits end at Green Gables?", passage) == "When do visits end?"
