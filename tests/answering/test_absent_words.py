"""The words of a declined question that stand nowhere: named only where that is true in either script."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answering.absent_words import absent_words
from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.retrieval.index import Index
from rag.schema import Status
from rag.server.views import answer_body
from rag.storage.build import build_index
from rag.testing import HashEmbedder
from tests.helpers import write

EN = {"ferry.txt": "The ferry Albatros carried 212 passengers on Monday. Its captain was John Reed. Fog delayed it by four hours."}
AR = {"عبارة.txt": "نقلت العبّارة ألباتروس 212 راكبًا يوم الاثنين. وكان قبطانها جون ريد، ووصلت من ألمانيا."}


def opened(tmp_path: Path, files: dict[str, str]) -> Index:
    embedder = HashEmbedder()
    build_index(write(tmp_path / "documents", files), tmp_path / "index", embedder)
    return Index.open(tmp_path / "index", embedder)


@pytest.mark.parametrize(
    ("files", "question", "absent"),
    [
        (EN, "How much does a ticket for the submarine cost?", ("ticket", "submarine", "cost")),
        (EN, "What did the captains of the ferries drink in 2031?", ("drink", "2031")),
        (EN, "Who was the captain of the ferries?", ()),
        (EN, "Was the EU at sea?", ("sea",)),  # letters too few to be looked for in other words
        (EN, "please tell me what happened to the Passenger", ()),
        (EN, "Does Zelinsky know the submarine, the ticket and the harbour?", ("Zelinsky", "submarine", "ticket")),
        (AR, "كم سعر تذكرة الغواصة؟", ("سعر", "تذكرة", "الغواصة")),
        (AR, "مين كان القبطان؟", ()),
        (AR, "متى وصلت العبّارات والركاب؟", ("والركاب",)),
        (AR, "How much does a ticket cost?", ()),  # Arabic documents may say it in their own words
        (AR, "Did the Albatros of John Reed sail from Germany with Zelinsky?", ("Zelinsky",)),
        (EN, "كم سعر تذكرة الغواصة؟", ()),
        (EN | AR, "كم سعر تذكرة الغواصة؟", ()),
        (EN | AR, "Did a ticket for Zelinsky cost 2031 dinars?", ("Zelinsky", "2031")),
    ],
)
def test_only_what_is_certainly_absent_is_named(tmp_path: Path, files: dict[str, str], question: str, absent: tuple[str, ...]) -> None:
    with opened(tmp_path, files) as index:
        assert absent_words(question, index) == absent


@pytest.mark.parametrize(
    ("files", "question", "text", "absent"),
    [
        (
            EN,
            "Which submarine did Zelinsky build?",
            "The documents do not answer this question. These words appear nowhere in them: “submarine”, “Zelinsky”, “build”.",
            ["submarine", "Zelinsky", "build"],
        ),
        (EN, "Why a submarine?", "The documents do not answer this question. The word “submarine” appears nowhere in them.", ["submarine"]),
        (AR, "لماذا الغواصة؟", "لا تجيب الوثائق عن هذا السؤال. ولا ترد فيها كلمة «الغواصة».", ["الغواصة"]),
        (AR, "Why a submarine?", "The documents do not answer this question.", []),
    ],
)
def test_a_declined_answer_names_them(tmp_path: Path, files: dict[str, str], question: str, text: str, absent: list[str]) -> None:
    with opened(tmp_path, files) as index:
        answer = Chatbot(index, calibration=Calibration.of("unknown"), reader=None).ask(question)
    assert answer.status is Status.NO_EVIDENCE
    assert answer.text == text
    assert answer_body(answer).absent == absent
    assert answer.hits
