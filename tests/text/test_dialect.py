"""Questions in spoken Arabic, with the words that documents use."""

from __future__ import annotations

import pytest

from rag.text.dialect import in_standard_arabic


@pytest.mark.parametrize(
    ("asked", "searched"),
    [
        ("جم ساعة يفتح المتحف؟", "كم ساعة يفتح المتحف؟"),
        ("قديش الإيجار؟", "كم الإيجار؟"),
        ("بكام التذكرة؟", "بكم التذكرة؟"),
        ("التذكرة قد إيه؟", "التذكرة كم؟"),
        ("إمتى بدأ العقد وفين؟", "متى بدأ العقد وأين؟"),
        ("ومين كتب وشو اسم السفينة؟", "ومن كتب وما اسم السفينة؟"),
        ("مين اللي كتب الرسالة لـ Larne؟", "من الذي كتب الرسالة لـ Larne؟"),
        ("شو اسم السفينة؟", "ما اسم السفينة؟"),
        ("شو كتب المدير؟", "ماذا كتب المدير؟"),
        ("وش الرسوم؟", "ما الرسوم؟"),
        ("شحال من ساعة كيخدمو البحارة فالنهار؟", "كم ساعة يخدموا البحارة في النهار؟"),
        ("واش كاين مقر ديال الشركة فالرباط؟", "هل يوجد مقر الشركة في الرباط؟"),
    ],
)
def test_spoken_words_are_searched_for_as_standard_ones(asked: str, searched: str) -> None:
    assert in_standard_arabic(asked) == searched


@pytest.mark.parametrize(
    "question",
    [
        "كم ساعة يفتح المتحف في اليوم؟",
        "ما معنى آية الكرسي؟",
        "ما الشروط التي يلي ذكرها؟",
        "كيف يخدم العامل فالمتحف مغلق؟",  # no word of the Maghreb
        "كيلو القمح بكم؟",
        "How much is the rent?",
        "",
    ],
)
def test_other_questions_stay_as_they_are(question: str) -> None:
    assert in_standard_arabic(question) == question
