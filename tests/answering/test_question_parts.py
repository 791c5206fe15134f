"""Questions of several parts: where they are cut, and how the answers are put together."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.question_parts import split_parts
from rag.retrieval.index import Index
from rag.schema import Answer, Status
from rag.storage.build import build_index
from rag.testing import HashEmbedder, ScriptedGenerator, WordReader


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "How many inmates were in the disorder and when did it start?",
            ("How many inmates were in the disorder", "when did the disorder start?"),
        ),
        ("What is the fee of Cedar School and how many teachers work at Cedar School?",
         ("What is the fee of Cedar School", "how many teachers work at Cedar School?")),
        ("كم عدد الطلاب في مدرسة الأرز ومتى تأسست المدرسة؟", ("كم عدد الطلاب في مدرسة الأرز", "متى تأسست المدرسة مدرسة الأرز؟")),
        ("When was the school founded? Who is its head?", ("When was the school founded", "Who is the school's head?")),
        ("How long is the leave and after how many years is it granted?",
         ("How long is the leave", "after how many years is the leave granted?")),
        ("What did Reem win, and how much was it?", ("What did Reem win", "how much was it? Reem win")),  # not Reem
        ("What is the rate for mines and what is it for quarries?",
         ("What is the rate for mines", "what is the rate for quarries?")),
        ("What is taught at the school? Name all of it.", ("What is taught at the school? Name all of it.",)),
        ("بكم باعت الشركة المصنع ولمن باعته؟", ("بكم باعت الشركة المصنع", "لمن باعته؟ بكم الشركة المصنع")),
        ("متى افتتح الجسر ومن بنى الجسر؟", ("متى افتتح الجسر", "من بنى الجسر؟ افتتح")),
        ("من يقدم الدعم ومن يقدم الخدمة؟", ("من يقدم الدعم", "من يقدم الخدمة؟ الدعم")),
        ("كم عمر المدير ومتى عين؟", ("كم عمر المدير", "متى عين؟ المدير")),  # not his age
        ("كم المسافة من عمان ومن مدينة القدس؟", ("كم المسافة من عمان ومن مدينة القدس؟",)),  # from
        ("ما حق كل فرد في الحياة وما حق كل شخص في العمل؟", ("ما حق كل فرد في الحياة", "ما حق كل شخص في العمل؟")),
        ("ما يجوز وما لا يجوز في العقد؟", ("ما يجوز وما لا يجوز في العقد؟",)),
        ("Who wrote Pride and Prejudice?", ("Who wrote Pride and Prejudice?",)),
        ("What are the rules and regulations?", ("What are the rules and regulations?",)),
        ("من كتب الحرب والسلام؟", ("من كتب الحرب والسلام؟",)),
        ("وكم عدد الطلاب؟", ("وكم عدد الطلاب؟",)),
        ("", ("",)),
    ],
)  # fmt: skip
def test_a_question_is_cut_before_another_question_word(question: str, parts: tuple[str, ...]) -> None:
    assert tuple(part.searched for part in split_parts(question)) == parts
    assert all(part.asked in question for part in split_parts(question))


@pytest.fixture
def bot(tmp_path: Path) -> Chatbot:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "cedar.txt").write_text("The yearly fee of Cedar is 1,900 dinars.", encoding="utf-8")
    (documents / "teachers.txt").write_text("Cedar employs 37 teachers in two buildings.", encoding="utf-8")
    (documents / "olive.txt").write_text("تبلغ رسوم مدرسة الزيتون السنوية 900 دينار.", encoding="utf-8")
    (documents / "olive-teachers.txt").write_text("عدد معلمي مدرسة الزيتون 24 معلمًا في مبنيين.", encoding="utf-8")
    embedder = HashEmbedder()
    build_index(documents, tmp_path / "index", embedder)
    return Chatbot(Index.open(tmp_path / "index", embedder), calibration=Calibration.of("unknown"), reader=WordReader())


def asked(bot: Chatbot, question: str) -> Answer:
    with bot.index:
        return bot.ask(question)


def test_every_part_has_its_answer_and_its_citation(bot: Chatbot) -> None:
    answer = asked(bot, "What is the yearly fee of Cedar and how many teachers does Cedar employ?")
    assert answer.status is Status.ANSWERED
    assert "1,900 dinars" in answer.text
    assert "37 teachers" in answer.text
    assert list(dict.fromkeys(citation.number for citation in answer.citations)) == [1, 2]
    assert list(dict.fromkeys(citation.document_id for citation in answer.citations)) == ["cedar.txt", "teachers.txt"]
    for citation in answer.citations:
        assert answer.text[citation.claim.end :].lstrip("”").startswith(f" [{citation.number}]")
        assert citation.claim.of(answer.text) in citation.quote


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("What is the yearly fee of Cedar and how much is it?", "The yearly fee of Cedar is 1,900 dinars."),
        ("كم تبلغ رسوم مدرسة الزيتون وكم هي؟", "تبلغ رسوم مدرسة الزيتون السنوية 900 دينار."),
    ],
)
def test_parts_that_the_same_words_answer_are_answered_once_and_as_asked(bot: Chatbot, question: str, quote: str) -> None:
    answer = asked(bot, question)
    assert answer.text.count(quote) == 1
    assert {citation.number for citation in answer.citations} == {1}
    assert answer.question == question


def test_a_part_is_shown_as_it_was_asked(bot: Chatbot) -> None:
    answer = asked(bot, "What is the yearly fee of Cedar and how many teachers work?")
    assert answer.text.startswith("What is the yearly fee of Cedar\n")
    assert "\nhow many teachers work?\n" in answer.text or "how many teachers work? —" in answer.text


def test_a_part_is_looked_for_where_the_part_before_it_was_answered(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "cedar.txt").write_text("The yearly fee of Cedar is 1,900 dinars. Appeals are sent within 14 days.", "utf-8")
    (documents / "trees.txt").write_text("Appeals against felling of trees are sent within 10 days of an appeal.", "utf-8")
    embedder = HashEmbedder()
    build_index(documents, tmp_path / "index", embedder)
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=0.0)
    with Index.open(tmp_path / "index", embedder) as index:
        bot = Chatbot(index, calibration=calibration, reader=WordReader())
        answer = bot.ask("What is the yearly fee of Cedar and within how many days are appeals sent?")
        alone = bot.ask("Within how many days is an appeal against felling of trees sent?")
    assert [citation.document_id for citation in answer.citations] == ["cedar.txt"] * len(answer.citations)
    assert "within 14 days" in answer.text
    assert {citation.document_id for citation in alone.citations} == {"trees.txt"}


def test_a_part_without_an_answer_is_named(bot: Chatbot) -> None:
    answer = asked(bot, "What is the yearly fee of Cedar and who painted Guernica in Paris?")
    assert answer.status is Status.ANSWERED
    assert "1,900 dinars" in answer.text
    assert "who painted Guernica in Paris? — the documents do not answer this part." in answer.text
    assert {citation.number for citation in answer.citations} == {1}


def test_a_question_without_any_answer_is_declined_once(bot: Chatbot) -> None:
    answer = asked(bot, "Who painted Guernica in Paris and when did Caesar cross the Rubicon river?")
    assert answer.status is Status.NO_EVIDENCE
    assert answer.citations == ()


@pytest.mark.parametrize(
    ("question", "reached", "text"),
    [
        ("What is the yearly fee of Cedar and how many teachers does Cedar employ?", 0, ""),
        ("What is the yearly fee of Cedar and how many teachers does Cedar employ?", 1, "1,900 dinars"),
        ("Who painted Guernica in Paris and how many teachers does Cedar employ?", 1, ""),
        ("كم تبلغ رسوم مدرسة الزيتون السنوية وكم عدد معلمي مدرسة الزيتون؟", 0, ""),
        ("كم تبلغ رسوم مدرسة الزيتون السنوية وكم عدد معلمي مدرسة الزيتون؟", 1, "900 دينار"),
    ],
)
def test_a_stopped_question_keeps_the_parts_that_were_answered(bot: Chatbot, question: str, reached: int, text: str) -> None:
    """It is stopped once `reached` parts have been searched for, and the next is not searched for."""
    stop, searched = threading.Event(), 0
    search = bot.index.search

    def counted(*given: Any, **more: Any) -> Any:
        nonlocal searched
        found = search(*given, **more)
        if searched == reached:  # the whole question is searched for first
            stop.set()
        searched += 1
        return found

    bot.index.search = counted  # type: ignore[method-assign]
    with bot.index:
        answer = bot.ask(question, stop=stop)
    assert answer.status is Status.STOPPED
    assert searched == reached + 1
    assert "37" not in answer.text
    assert "24" not in answer.text
    assert (text in answer.text) if text else (answer.text == "")


@pytest.mark.parametrize(
    ("question", "prepared"),
    [
        ("What is the yearly fee of Cedar?", 1),
        ("What is the yearly fee of Cedar and how many teachers does Cedar employ?", 0),
        ("كم تبلغ رسوم مدرسة الزيتون السنوية؟", 1),
        ("كم تبلغ رسوم مدرسة الزيتون السنوية وكم عدد معلمي مدرسة الزيتون؟", 0),
    ],
)
def test_no_prompt_is_read_ahead_for_several_parts_because_they_are_quoted(bot: Chatbot, question: str, prepared: int) -> None:
    generator = ScriptedGenerator("x")
    writing = Chatbot(bot.index, generator, calibration=replace(bot.calibration, manner_same="write"), reader=WordReader())
    with bot.index:
        writing.anticipate(question)
    assert len(generator.prepared) == prepared
