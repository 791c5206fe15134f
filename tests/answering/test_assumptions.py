"""A question that assumes what the document does not say is told so, and no words are given as its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.assumptions import assumes_event, is_stated
from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.models.reader import ClaimVerdict
from rag.models.reader_input import ReadText
from rag.retrieval.index import Index
from rag.schema import Evidence, Passage, Span, Status
from rag.storage.build import build_index
from rag.testing import HashEmbedder, WordReader
from tests.helpers import write

FILES = {
    "trial.txt": "The captain was acquitted on 9 May 2010. The mate was dismissed on 3 June 2011.",
    "محاكمة.txt": "بُرّئ القبطان في 9 أيار 2010. فُصل مساعد القبطان في 3 حزيران 2011.",
}


class Judge(WordReader):
    """A reader to which only the given claims are supported."""

    def __init__(self, supported: float) -> None:
        super().__init__()
        self.supported = supported
        self.claims: list[str] = []

    def judge(self, claim: str, texts: Sequence[ReadText]) -> list[ClaimVerdict]:
        self.claims.append(claim)
        return [ClaimVerdict(self.supported, 1 - self.supported, 0.0) for _ in texts]


@pytest.mark.parametrize(
    "question",
    [
        "Why did the captain flee?",
        "When was the captain dismissed?",
        "Who dismissed the captain?",
        "لماذا هرب القبطان؟",
        "ومتى فُصل القبطان؟",
    ],
)
def test_questions_that_assume_an_event(question: str) -> None:
    assert assumes_event(question)


@pytest.mark.parametrize(
    "question",
    ["What is the price of a ticket?", "How many cabins are there?", "ticket price", "كم سعر التذكرة؟", "متاحف"],
)
def test_questions_that_assume_none(question: str) -> None:
    assert not assumes_event(question)


def test_question_and_words_are_judged_as_one_claim() -> None:
    text = "The mate was dismissed on 3 June 2011."
    evidence = Evidence(Passage(1, "a", Span(0, len(text)), text, "", "en", "", (Span(0, len(text)),)), Span(0, len(text)), text, 1.0)
    reader = Judge(0.25)
    assert is_stated(reader, "When was the captain dismissed?", "3 June 2011", evidence)
    assert reader.claims == ["When was the captain dismissed 3 June 2011"]
    assert not is_stated(Judge(0.24), "When was the captain dismissed?", "3 June 2011", evidence)


@pytest.mark.parametrize(
    ("question", "text", "context"),
    [
        ("When was Moore dismissed?", "Moore was dismissed on 3 June 2011.", "The trial of Moore"),
        ("When was Moore dismissed?", "He was dismissed on 3 June 2011.", "The trial of Moore"),
        ("When was Moore dismissed?", "The captain Reed was dismissed on 3 June 2011.", ""),  # somebody else
        ("متى فُصل القبطان؟", "The captain was dismissed on 3 June 2011.", ""),
    ],
)
def test_the_title_counts_unless_the_sentence_is_about_somebody_else(question: str, text: str, context: str) -> None:
    class Notes(Judge):
        def judge(self, claim: str, texts: Sequence[ReadText]) -> list[ClaimVerdict]:
            assert [one.context for one in texts] == [context]
            return super().judge(claim, texts)

    span = Span(0, len(text))
    assert is_stated(
        Notes(0.9), question, "", Evidence(Passage(1, "a", span, text, "The trial of Moore", "en", "", (span,)), span, text, 1.0)
    )


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("When did Reed buy the ferry?", "Reed sold the ferry on 3 June 2011."),
        ("متى اشترى القبطان العبارة؟", "باع القبطان العبارة في 3 حزيران 2011."),
    ],
)
def test_a_sale_is_no_purchase(question: str, text: str) -> None:
    span = Span(0, len(text))
    assert not is_stated(Judge(0.99), question, "", Evidence(Passage(1, "a", span, text, "", "en", "", (span,)), span, text, 1.0))


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("When was the captain dismissed?", "The documents may not state what the question assumes. What they say that comes closest:\n"),
        ("متى فُصل القبطان؟", "قد لا تذكر الوثائق ما يفترضه السؤال. وأقرب ما تقوله:\n"),
    ],
)
def test_what_is_not_supported_is_no_answer(tmp_path: Path, question: str, opening: str) -> None:
    build_index(write(tmp_path / "documents", FILES), tmp_path / "index", HashEmbedder(256))
    index = Index.open(tmp_path / "index", HashEmbedder(256))

    class Finds(Judge):
        def read(self, question: str, texts: Sequence[ReadText], *, spans: int = 3):  # type: ignore[no-untyped-def]
            readings = super().read(question, texts, spans=spans)
            return [
                replace(reading, spans=tuple(replace(one, span=Span(one.span.start, one.span.start + 8)) for one in reading.spans))
                for reading in readings
            ]

    calibration = replace(Calibration.of("unknown"), least=0.0, sure=0.0)
    stated = Chatbot(index, calibration=calibration, reader=Finds(0.9)).ask(question)
    assert stated.status is Status.ANSWERED
    answer = Chatbot(index, calibration=calibration, reader=Finds(0.1)).ask(question)
    assert answer.status is Status.UNSURE
    assert answer.text.startswith(opening)
    assert all(citation.words is None for citation in answer.citations)
