"""Questions for yes or no are answered by a quotation that is introduced as such."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.retrieval.index import Index
from rag.storage.build import build_index
from rag.testing import HashEmbedder, WordReader
from tests.helpers import write

FILES = {
    "lease.txt": "Dogs are welcome in the garden. The deposit is 500 dinars.",
    "عقد.txt": "الكلاب مسموح بها في الحديقة. مبلغ التأمين 500 دينار.",
}


@pytest.fixture
def chatbot(tmp_path: Path) -> Chatbot:
    build_index(write(tmp_path / "documents", FILES), tmp_path / "index", HashEmbedder(256))
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=0.0)
    return Chatbot(Index.open(tmp_path / "index", HashEmbedder(256)), calibration=calibration, reader=WordReader())


@pytest.mark.parametrize(
    ("question", "opening", "quote"),
    [
        (
            "Are big dogs welcome in the garden?",
            "What the documents say about this; yes or no is for you to judge:",
            "Dogs are welcome in the garden.",
        ),
        ("هل الكلاب الكبيرة مسموح بها في الحديقة؟", "ما تقوله الوثائق في ذلك، والحكم بنعم أو لا لكم:", "الكلاب مسموح بها في الحديقة."),
    ],
)
def test_the_quotation_is_introduced_in_words_that_fit(chatbot: Chatbot, question: str, opening: str, quote: str) -> None:
    answer = chatbot.ask(question)
    first, *rest = answer.text.splitlines()
    assert first == opening
    assert quote in rest[0]
    assert all(citation.claim.of(answer.text) in citation.quote for citation in answer.citations)


@pytest.mark.parametrize(
    ("question", "opening", "quote"),
    [
        ("Are dogs welcome in the garden?", "Yes.", "The document says: “Dogs are welcome in the garden.” [1]"),
        ("هل الكلاب مسموح بها في الحديقة؟", "نعم.", "جاء في الوثيقة: «الكلاب مسموح بها في الحديقة.» [1]"),
    ],
)
def test_a_sentence_that_says_the_same_is_a_yes(chatbot: Chatbot, question: str, opening: str, quote: str) -> None:
    assert chatbot.ask(question).text.splitlines() == [opening, quote]


@pytest.mark.parametrize("question", ["How much is the deposit?", "Can you tell me the deposit?", "كم مبلغ التأمين؟"])
def test_other_questions_have_no_such_words(chatbot: Chatbot, question: str) -> None:
    assert "yes or no" not in chatbot.ask(question).text
    assert "بنعم" not in chatbot.ask(question).text
