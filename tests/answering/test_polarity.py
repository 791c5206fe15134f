"""What says the contrary: negation and opposites, in both languages and across them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.answering.checking.polarity import contrary, spans


def likeness(claims: Sequence[str], evidence: Sequence[str]) -> list[list[float]]:
    """A double: the cosine of two texts is high when both are, or neither is, about the weather («الطقس», "weather")."""

    def about(text: str) -> bool:
        return "weather" in text or "الطقس" in text

    return [[0.9 if about(one) == about(other) else 0.3 for other in evidence] for one in claims]


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("The warranty covers damage.", "The warranty does not cover damage."),
        ("تشمل الكفالة الأضرار.", "لا تشمل الكفالة الأضرار."),
        ("The warranty covers damage.", "لا تشمل الكفالة الأضرار."),
        ("تشمل الكفالة الأضرار.", "The warranty does not cover damage."),
        ("Dogs are allowed.", "Dogs are forbidden."),
        ("يُسمح بإدخال الزهور.", "يُمنع إدخال الزهور."),
        ("Flowers are allowed.", "يُمنع إدخال الزهور."),
        ("The recorder was working.", "The recorder was switched off."),
        ("Sarhan joined the cooperative.", "ترك سرحان التعاونية."),
        ("He is not satisfied.", "إنه راضٍ."),
        ("Good weather was expected, and nobody came.", "الطقس سيئ، وجاء الجميع."),
    ],
)
def test_contraries(claim: str, evidence: str) -> None:
    assert contrary(claim, evidence, likeness)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("The lighthouse has no lift.", "There is no lift."),
        ("لا يوجد مصعد.", "There is no lift."),
        ("لا يجوز إدخال الزهور.", "يُمنع إدخال الزهور."),
        ("The well is not open.", "The well is closed."),
        ("البئر مغلقة.", "The well is not open."),
        ("Residents do not pay.", "الدخول مجاني للسكان."),
        ("He wants no less than 2,600 dinars.", "He wants at least 2,600 dinars."),
        ("Nine members accepted it and four refused.", "قُبل بتسعة أصوات مقابل أربعة"),
        ("The quay was bent.", "The quay was bent, and nobody was injured."),
        ("The weather is fine.", "الطقس جميل، ولم يأتِ أحد."),
        ("The weather is fine.", "قال إن الطقس جميل إن الأمر غير صحيح"),
        ("", "Nobody."),
        ("Somebody.", ""),
    ],
)
def test_no_contraries(claim: str, evidence: str) -> None:
    assert not contrary(claim, evidence, likeness)


def test_clauses_are_cut_at_marks_and_conjunctions() -> None:
    text = "It rained, but they came. قال إن الطقس جميل، ولم يأتِ"
    assert [span.of(text).strip() for span in spans(text)] == ["It rained,", "but they came.", "قال", "إن الطقس جميل،", "ولم يأتِ"]
    assert spans("") == spans(" … ") == []
