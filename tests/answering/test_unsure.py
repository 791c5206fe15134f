"""Evidence that may not answer is quoted after the words of it that may, and the text says first that it is not certain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag import Chatbot, Index, build_index
from rag.answering.confidence import Calibration
from rag.schema import Grade, Status
from rag.testing import HashEmbedder, WordReader

ARABIC = "افتتح المتحف البحري في عدن عام 1966. رسم الدخول 300 ريال."
ENGLISH = "The maritime museum in Aden opened in 1966. Entry costs 300 rials."


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "ar.txt").write_text(ARABIC, "utf-8")
    (folder / "en.txt").write_text(ENGLISH, "utf-8")
    embedder = HashEmbedder(256)
    build_index(folder, tmp_path / "index", embedder)
    return Index.open(tmp_path / "index", embedder)


@pytest.mark.parametrize(
    ("question", "opening", "words", "quote"),
    [
        ("How much is entry to the museum?", "This may answer the question, but it is not certain:", "300 rials", "Entry costs 300 rials."),
        ("كم رسم الدخول؟", "قد يكون هذا هو الجواب، وليس مؤكَّدًا:", "300 ريال", "رسم الدخول 300 ريال."),
    ],
)
def test_below_the_threshold_for_an_answer_the_text_says_that_it_is_not_certain(
    index: Index, question: str, opening: str, words: str, quote: str
) -> None:
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=1.1)
    answer = Chatbot(index, calibration=calibration, reader=WordReader()).ask(question)
    assert answer.status is Status.UNSURE
    first, second, third = answer.text.splitlines()
    assert (first, second) == (opening, f"{words} [1]")
    assert quote in third
    direct, quoted = answer.citations
    assert direct.grade is quoted.grade is Grade.QUOTED
    assert [citation.claim.of(answer.text) in citation.quote for citation in answer.citations] == [
        True,
        True,
    ]  # the first line is not cited


def test_from_the_threshold_on_it_is_an_answer_and_below_the_other_it_is_declined(index: Index) -> None:
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=0.0)
    sure = Chatbot(index, calibration=calibration, reader=WordReader()).ask("How much is entry to the museum?")
    assert sure.status is Status.ANSWERED
    assert "not certain" not in sure.text
    declined = Chatbot(index, calibration=replace(Calibration.of("unknown"), least=1.1, sure=1.2)).ask("How much is entry to the museum?")
    assert declined.status is Status.NO_EVIDENCE


def test_without_a_reader_what_is_not_declined_is_an_answer(index: Index) -> None:
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=1.1)
    assert Chatbot(index, calibration=calibration, reader=None).ask("How much is entry to the museum?").status is Status.ANSWERED


def test_the_parts_of_a_question_say_it_for_themselves(index: Index) -> None:
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=1.1)
    question = "When did the maritime museum of Aden open and how much does entry cost in rials?"
    answer = Chatbot(index, calibration=calibration, reader=WordReader()).ask(question)
    assert answer.text.count("not certain") == 2


@pytest.mark.parametrize(
    ("question", "opening"),
    [
        ("How many tons is the maritime museum in Aden?", "This may answer the question, but it is not certain:"),
        ("كم طنا يزن المتحف البحري في عدن؟", "قد يكون هذا هو الجواب، وليس مؤكَّدًا:"),
    ],
)
def test_a_text_without_a_value_of_the_kind_asked_for_is_not_certain(index: Index, question: str, opening: str) -> None:
    with index:
        answer = Chatbot(index, calibration=replace(Calibration.of("unknown"), least=0.0, sure=0.0), reader=WordReader()).ask(question)
    assert answer.status is Status.UNSURE
    assert answer.text.startswith(opening)


def test_a_value_in_the_sentence_that_is_quoted_along_counts(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "bridge.txt").write_text(
        "Report on the harbour bridge\n\nThe harbour bridge was closed on 12 March 2023 after divers found cracks in two piers. "
        "Engineer Dana Whitfield estimated the repair at 4.2 million pounds.\n\nThe harbour bridge reopened to buses in November 2023.",
        "utf-8",
    )
    embedder = HashEmbedder()
    build_index(folder, tmp_path / "index", embedder)
    with Index.open(tmp_path / "index", embedder) as index:
        answer = Chatbot(index).ask("When was the harbour bridge closed?")
    assert answer.status is Status.ANSWERED
    assert "12 March 2023" in answer.text
