"""Lines that announce what stands below them."""

from __future__ import annotations

import pytest

from rag.text.announcements import announces, ends_with_colon, is_short_question, says_that_more_follows


@pytest.mark.parametrize("text", ["You need:", "You need :-", "**You need:**", "المطلوب:", "المطلوب:-", "需要："])
def test_a_colon_at_the_end(text: str) -> None:
    assert ends_with_colon(text)
    assert announces(text)


@pytest.mark.parametrize("text", ["", "At 9:30", "Fee: 5", "الرسم: 5", "a : b"])
def test_no_colon_at_the_end(text: str) -> None:
    assert not ends_with_colon(text)


@pytest.mark.parametrize(
    ("text", "asks"), [("When does it open?", True), ("متى يفتح؟", True), ("It opens.", False), ("x" * 160 + "?", False)]
)
def test_short_questions_announce_their_answers(text: str, asks: bool) -> None:
    assert is_short_question(text) is asks
    assert announces(text) is asks


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("The fees are as follows", True), ("and ordains as follows:", True), ("Take the following steps.", True),
        ("واتفق الطرفان على ما يلي:", True), ("الرسوم على النحو الآتي", True), ("The days that followed were dry.", False),
        ("تلا ذلك اليوم التالي مطر.", False), ("", False),
    ],
)  # fmt: skip
def test_what_says_that_more_follows(text: str, follows: bool) -> None:
    assert says_that_more_follows(text) is follows
