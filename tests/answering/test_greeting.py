"""A greeting is greeted, in the asker's language; a question that begins with one is a question."""

from __future__ import annotations

import pytest

from rag.answering.greeting import greeting_answer
from rag.schema import Status


@pytest.mark.parametrize("said", ["Hello!", "hi there", "Good morning, how are you?", "Hey Shawahid", "salam"])
def test_a_greeting_is_greeted(said: str) -> None:
    answer = greeting_answer(said)
    assert answer is not None
    assert answer.text == "Hello. Ask me something about the documents."
    assert answer.status is Status.ANSWERED
    assert answer.citations == answer.hits == ()


@pytest.mark.parametrize("said", ["مرحبا", "السلام عليكم ورحمة الله", "صباح الخير، كيف حالك؟", "أهلين", "هلا شواهد"])
def test_the_same_in_arabic(said: str) -> None:
    answer = greeting_answer(said)
    assert answer is not None
    assert answer.text == "أهلًا بك. اسألني عمّا في الوثائق."
    assert answer.language == "ar"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("Thanks a lot!", "You are welcome. Ask on whenever you like."),
        ("ok, thank you", "You are welcome. Ask on whenever you like."),
        ("شكرا جزيلا", "على الرحب والسعة. اسأل متى شئت."),
        ("تمام، يعطيك العافية", "على الرحب والسعة. اسأل متى شئت."),
    ],
)
def test_thanks_are_taken(said: str, text: str) -> None:
    answer = greeting_answer(said)
    assert answer is not None
    assert answer.text == text


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Hello, what is the rent?",
        "مرحبا، كم الإيجار؟",
        "who thanks the board?",
        "شكرا ومتى ينتهي العقد؟",
        "team",
        "What is a salam contract?",
        "ok",
    ],
)
def test_what_asks_more_is_no_greeting(said: str) -> None:
    assert greeting_answer(said) is None
