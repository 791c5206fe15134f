"""Answers that are lists: the words of the source are cited, and what the answer says itself is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.review_table import review_table
from rag.retrieval.index import Index
from rag.schema import Answer, Grade
from rag.storage.build import build_index
from rag.testing import HashEmbedder

DUTIES = "The duties of the guard:\n\n- The guard opens the gate.\n- The guard feeds the dogs.\n"
BARE = "- The guard opens the gate.\n- The guard feeds the dogs.\n"
LONG = "The duties of the guard:\n\n" + "".join(f"- The guard keeps duty {number}.\n" for number in range(30))
ITEMS = ["The guard opens the gate.", "The guard feeds the dogs."]


def bot(tmp_path: Path, text: str) -> Chatbot:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text(text, encoding="utf-8")
    embedder = HashEmbedder(lexicon={"الحارس": "guard", "واجبات": "duties"})
    build_index(documents, tmp_path / "index", embedder)
    return Chatbot(Index.open(tmp_path / "index", embedder), calibration=Calibration.of("unknown"), reader=None)


def claims(answer: Answer) -> list[str]:
    assert all(citation.grade is Grade.QUOTED for citation in answer.citations)
    return [citation.claim.of(answer.text) for citation in answer.citations]


@pytest.mark.parametrize(
    ("question", "text", "first", "cited", "numbers"),
    [
        ("List the duties of the guard", DUTIES, "Listed under “The duties of the guard”", ITEMS, (1, 2)),
        ("List the duties of the guard", BARE, "The document lists:", ITEMS, (1, 1)),
        (
            "اذكر واجبات الحارس",
            DUTIES,
            "تذكر الوثيقة بالإنجليزية: The duties of the guard: [1]",
            ["The duties of the guard:", *ITEMS],
            (1, 1),
        ),
    ],
)
def test_only_the_words_of_the_source_are_cited(
    tmp_path: Path, question: str, text: str, first: str, cited: list[str], numbers: tuple[int, int]
) -> None:
    chatbot = bot(tmp_path, text)
    with chatbot.index:
        answer = chatbot.ask(question)
        cell = review_table(chatbot, [question], ["a.txt"]).rows[0].cells[0]
    assert answer.text.splitlines() == [first, *(f"• {item} [{number}]" for item, number in zip(ITEMS, numbers, strict=True))]
    assert claims(answer) == cited
    assert cell.text == "; ".join(ITEMS)


def test_the_number_of_items_left_out_is_not_the_source_s(tmp_path: Path) -> None:
    chatbot = bot(tmp_path, LONG)
    with chatbot.index:
        answer = chatbot.ask("اذكر واجبات الحارس")
    assert answer.text.splitlines()[-1] == "… و5 غيرها في الوثيقة."
    assert len(claims(answer)) == 26
    assert all("غيرها في الوثيقة" not in claim for claim in claims(answer))
