"""Which sentences can be read alone."""

from __future__ import annotations

import pytest

from rag.text.self_contained import is_self_contained, refers_back


@pytest.mark.parametrize(
    "sentence",
    [
        "Cedar School was founded in 1962.",
        "This Agreement is governed by the law of England.",
        "There are several ways to renew a licence.",
        "The tests that failed were repeated in May.",
        "Nothing in this Handbook excuses the trustee from his duties.",
        "تأسست مدرسة الأرز في عام 1962.",
        "يهدف هذا القانون إلى حماية المستهلك.",
        "وأعلن المجلس أن الرسوم ستبقى كما هي.",
        "بلغت مساحة الأرض 1450 كيلومترا مربعا.",
        "٢٦- قد تتعرض فئات معينة من المراهقين لأشكال متعددة من الضعف.",
        "واستخدمت Microsoft بيانات Twitter سنوات عدة.",
    ],
)
def test_a_sentence_that_names_what_it_speaks_of_stands_alone(sentence: str) -> None:
    assert is_self_contained(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "He was born in the village of Anata.",
        "It has 640 pupils and 38 teachers.",
        "However, the board refused the request.",
        "In this case the hirer pays twice.",
        "The board also refused the second request.",
        "The members rejected these proposals in May.",
        "هو من مواليد قرية عناتا القريبة.",
        "ومع ذلك، رفض المجلس الطلب الثاني.",
        "وأضاف أن الرسوم ستبقى كما هي.",
        "كان عمره عشرين عاما حين سافر.",
        "وتشكل الفتيات ستين في المئة منهم.",
        "كما رفض المجلس طلب الشراء الثاني.",
        "٢٠- وفي هذا الإطار رفضت اللجنة الطلب.",
    ],
)
def test_a_sentence_that_continues_another_does_not(sentence: str) -> None:
    assert refers_back(sentence)
    assert not is_self_contained(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Contents",
        "The board decided the following:",
        "Who pays for damage to the hall?",
        "and the members of the board agreed.",
        "Name: Cedar · Fee: 1,900 · Pupils: 640.",
        "Subscribe to our newsletter to read more of it.",
        "As shown in Figure 3, prices fell in May.",
        "Source: Department of Statistics, various issues of the bulletin.",
        "ما هي مدة العقد المبرم بين الطرفين؟",
        "المصدر: دائرة الإحصاءات العامة، أعداد مختلفة.",
        "انظر الجدول رقم 3 لمزيد من التفاصيل.",
        "(أ) تقديم إرشادات إلى الدول الأطراف في الاتفاقية؛",
    ],
)
def test_what_is_no_whole_statement_is_not_one(sentence: str) -> None:
    assert not is_self_contained(sentence)
