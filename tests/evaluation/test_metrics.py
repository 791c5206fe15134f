"""Measures on values small enough to be worked out by hand, Arabic beside English, with no question and with one."""

from __future__ import annotations

import math

import pytest

from rag.evaluation.answer_language import is_written_in, strays, without_markers
from rag.evaluation.answer_matching import RULES, contains, exact_match, mlqa_tokens, plain_tokens, squad_tokens, strict_tokens, token_f1
from rag.evaluation.bootstrap import NOTHING, Figure, difference, quantile, ratio, rounded
from rag.evaluation.metrics import auroc, auroc_difference, calibration_error, retrieval, risk_area, risk_coverage

# --- figures --------------------------------------------------------------------------------------------------------------


def test_a_ratio_is_the_sum_of_numerators_over_that_of_denominators() -> None:
    # Citations: 1 of 2, 3 of 3, none of 1; the fourth question has none to be right or wrong.
    figure = ratio([(1, 2), (3, 3), (0, 1), (0, 0)])
    assert figure.value == pytest.approx(4 / 6)
    assert figure.n == 3
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low <= 4 / 6 <= figure.high <= 1


def test_no_question_gives_no_value_and_one_no_interval() -> None:
    assert ratio([]) == NOTHING == Figure(None, None, None, 0)
    assert ratio([(0, 0)]) == NOTHING
    assert ratio([(1, 1)]) == Figure(1.0, None, None, 1)
    assert quantile([]) == NOTHING
    assert quantile([0.25]) == Figure(0.25, None, None, 1)
    assert risk_area([], []) == NOTHING
    assert risk_area([0.9], [False]) == Figure(1.0, None, None, 1)
    assert auroc([], []) == NOTHING
    assert auroc([0.9], [True]) == Figure(None, None, None, 1)


def test_the_interval_of_a_proportion_is_near_the_normal_one() -> None:
    # 80 of 100: standard error sqrt(0.8 * 0.2 / 100) = 0.04, so about 0.72 to 0.88.
    figure = ratio([(1, 1)] * 80 + [(0, 1)] * 20)
    assert figure.value == pytest.approx(0.8)
    assert figure.low == pytest.approx(0.72, abs=0.015)
    assert figure.high == pytest.approx(0.88, abs=0.015)


def test_a_figure_has_the_same_interval_every_time() -> None:
    shares = [(1.0, 1.0), (0.0, 1.0), (1.0, 1.0), (0.0, 1.0)]
    assert ratio(shares) == ratio(shares)


def test_quantiles() -> None:
    assert quantile([3.0, 1.0, 2.0]).value == 2.0
    assert quantile([1.0, 2.0, 3.0, 4.0]).value == 2.5
    assert quantile([0.0, 10.0], 0.95).value == pytest.approx(9.5)
    assert quantile([1.0, 5.0, 2.0], 1.0).value == 5.0


def test_a_paired_difference() -> None:
    # B answers two of four more, and none less.
    found = difference([(0, 1), (0, 1), (1, 1), (0, 1)], [(1, 1), (1, 1), (1, 1), (0, 1)])
    assert found.value == pytest.approx(0.5)
    assert found.n == 4
    assert found.low is not None
    assert found.low >= 0
    assert difference([(1, 1)] * 50, [(1, 1)] * 50).p == 1.0
    clear = difference([(0, 1)] * 30 + [(1, 1)] * 30, [(1, 1)] * 60)
    assert clear.value == pytest.approx(0.5)
    assert clear.p == 0.0
    assert difference([], []).value is None
    assert difference([(0, 1)], [(1, 1)]) == difference([(0, 1)], [(1, 1)])
    assert difference([(0, 1)], [(1, 1)]).low is None
    assert difference([(0, 0)], [(1, 1)]).value is None


def test_rounding_shows_what_there_is() -> None:
    assert [rounded(value) for value in (0.94449, 18.44, 2981.0, -0.021)] == ["0.944", "18.4", "2981", "-0.021"]
    assert rounded(None) == rounded(math.nan) == "–"


# --- retrieval ------------------------------------------------------------------------------------------------------------


def test_retrieval_by_hand() -> None:
    found = retrieval({"q": ["x", "b", "y", "a"]}, {"q": {"a", "b"}})["q"]
    assert found["recall@1"] == 0.0
    assert found["recall@3"] == 0.5
    assert found["recall@5"] == 1.0
    assert found["mrr@10"] == 0.5
    # Gains at ranks 2 and 4 over those at 1 and 2.
    ideal = 1 / math.log2(2) + 1 / math.log2(3)
    assert found["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


def test_retrieval_that_found_nothing_counts_as_zero() -> None:
    found = retrieval({"empty": [], "full": ["a"]}, {"empty": ["a"], "missing": ["a"], "full": ["a"]})
    assert set(found["empty"].values()) == {0.0}
    assert set(found["missing"].values()) == {0.0}
    assert set(found["full"].values()) == {1.0}
    assert retrieval({}, {}) == {}
    assert set(retrieval({}, {"only": ["a"]})["only"].values()) == {0.0}


def test_a_rank_beyond_ten_is_nothing_to_mrr() -> None:
    ranking = [f"x{n}" for n in range(10)] + ["a"]
    found = retrieval({"q": ranking}, {"q": ["a"]}, cuts=(10, 20))["q"]
    assert found["mrr@10"] == 0.0
    assert found["recall@10"] == 0.0
    assert found["recall@20"] == 1.0


# --- answers --------------------------------------------------------------------------------------------------------------


def test_the_rule_of_squads_script() -> None:
    assert squad_tokens("The  Cat, a dog; an OX.") == ["cat", "dog", "ox"]
    # Its quirks in Arabic: «،» stays, digits differ, tashkeel and the article make another word.
    assert squad_tokens("نعم، صحيح؟") == ["نعم،", "صحيح؟"]
    assert squad_tokens("٥") != squad_tokens("5")
    assert squad_tokens("كِتاب") != squad_tokens("كتاب")
    assert squad_tokens("الكتاب") == ["الكتاب"]
    assert squad_tokens("") == []


def test_the_rule_of_mlqas_script() -> None:
    assert mlqa_tokens("The «Cat», a dog!", "en") == ["cat", "dog"]
    assert mlqa_tokens("نعم، الكتاب؟", "ar") == ["نعم", "كتاب"]
    # Its quirk: ال goes wherever it stands.
    assert mlqa_tokens("سؤال مالك الله", "ar") == ["سؤ", "م", "ك", "له"]
    assert mlqa_tokens("the", "ar") == ["the"]


def test_the_strict_rule() -> None:
    assert strict_tokens("The fee: 50,000 dollars, i.e. 4.5%") == ["fee", "50000", "dollars", "i", "e", "4.5"]
    assert strict_tokens("الكِتابُ والقلم، ٥٠٬٠٠٠ دولار") == ["كتاب", "والقلم", "50000", "دولار"]
    assert strict_tokens("سؤال مالك الله الفن") == ["سوال", "مالك", "الله", "الفن"]
    assert strict_tokens("مدرسة إلى") == strict_tokens("مدرسه الي")
    assert plain_tokens("at 17:30 on 2015-04-19, v2") == ["at", "17:30", "on", "2015", "04", "19", "v2"]
    assert plain_tokens("٤٫٥") == ["4.5"]


def test_exact_match_under_each_rule() -> None:
    assert exact_match("The Spiro.", ["Spiro"], RULES["squad"]) == 1.0
    assert exact_match("الكتاب", ["كتاب"], RULES["squad"]) == 0.0
    assert exact_match("الكتاب", ["كتاب"], RULES["mlqa"]) == 1.0
    assert exact_match("الكتاب", ["كتاب"], RULES["strict"]) == 1.0
    assert exact_match("مالك", ["م ك"], RULES["mlqa"]) == 1.0
    assert exact_match("مالك", ["م ك"], RULES["strict"]) == 0.0
    assert exact_match("٣٠٨", ["308"], RULES["squad"]) == 0.0
    assert exact_match("٣٠٨", ["308"], RULES["strict"]) == 1.0
    assert exact_match("anything", [], RULES["strict"]) == 0.0


def test_f1_by_hand() -> None:
    # Common: the two words of the name; 4 words against 2.
    assert token_f1("lawyer Alex Spiro wrote", ["Alex Spiro"], RULES["strict"]) == pytest.approx(2 * 0.5 * 1 / 1.5)
    assert token_f1("كتب المحامي أليكس سبيرو", ["اليكس سبيرو"], RULES["strict"]) == pytest.approx(2 * 0.5 * 1 / 1.5)
    assert token_f1("nothing alike", ["Alex Spiro"], RULES["strict"]) == 0.0
    assert token_f1("Spiro", ["Alex Spiro", "Spiro"], RULES["squad"]) == 1.0
    assert token_f1("", ["Spiro"], RULES["squad"]) == 0.0
    assert token_f1("Spiro", [], RULES["squad"]) == 0.0
    # A word said twice counts once where the other says it once.
    assert token_f1("no no", ["no"], RULES["strict"]) == pytest.approx(2 * 0.5 * 1 / 1.5)


@pytest.mark.parametrize(
    ("answer", "accepted", "expected"),
    [
        ("It was Alex Spiro who wrote.", "Spiro", True),
        ("كتبها أليكس سبيرو.", "سبيرو", True),
        ("أُرسلت لسبيرو", "سبيرو", True),
        ("a fee of 50,000 dollars", "50000", True),
        ("رسوم قدرها ٥٠٬٠٠٠ دولار", "50,000", True),
        ("بلغت 113 مليار دولار", "13 مليار", False),
        ("بلغت ١٣ مليارًا", "13 مليار", True),
        ("in the north", "no", False),
        ("No, it did not.", "no", True),
        ("لا، لم تدفع", "لا", True),
        ("فلا تدفع", "لا", True),
        ("سلام", "لا", False),
        ("it causes allergies", "allerg", True),
        ("version 4.5", "4", False),
        ("from 17:30 on", "7:30", False),
        ("the year 20150", "2015", False),
        ("في القاهرة", "القاهرة", True),
        ("من القاهرة وبالقاهرة", "قاهرة", True),
        ("للقاهرة", "القاهرة", True),
        ("Alex J. Spiro", "Alex Spiro", False),
        ("anything", "", False),
        ("", "Spiro", False),
    ],
)
def test_contains_an_accepted_answer(answer: str, accepted: str, expected: bool) -> None:
    assert contains(answer, [accepted]) is expected


def test_contains_any_of_several_and_none_of_none() -> None:
    assert contains("كتبها سبيرو", ["Spiro", "سبيرو"])
    assert not contains("كتبها سبيرو", [])


# --- abstention -----------------------------------------------------------------------------------------------------------


def test_auroc_by_hand() -> None:
    # Positives 0.9, 0.4; negatives 0.6, 0.4: won 0.9>0.6, 0.9>0.4; lost 0.4<0.6; tied 0.4=0.4.
    assert auroc([0.9, 0.4, 0.6, 0.4], [True, True, False, False]).value == pytest.approx(2.5 / 4)
    assert auroc([0.9, 0.8, 0.1], [True, True, False]).value == 1.0
    assert auroc([0.1, 0.9], [True, False]).value == 0.0
    assert auroc([0.5] * 4, [True, False, True, False]).value == 0.5
    assert auroc([0.5, 0.6], [True, True]) == Figure(None, None, None, 2)


def test_auroc_difference() -> None:
    labels = [True, True, False, False]
    found = auroc_difference([0.9, 0.4, 0.6, 0.4], [0.9, 0.8, 0.2, 0.1], labels)
    assert found.value == pytest.approx(1 - 2.5 / 4)
    assert auroc_difference([0.5], [0.6], [True]).value is None


def test_risk_and_coverage_by_hand() -> None:
    points = risk_coverage([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    assert points == [(0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    assert risk_coverage([], []) == []
    # A quarter of the questions at risk 0, a half at a third, a quarter at a half.
    assert risk_area([0.9, 0.8, 0.8, 0.1], [True, True, False, False]).value == pytest.approx(0.5 / 3 + 0.25 * 0.5)


# --- language -------------------------------------------------------------------------------------------------------------


def test_markers_are_taken_off() -> None:
    assert without_markers("كتبها سبيرو [1]. ثم رد [١٢].") == "كتبها سبيرو. ثم رد."
    assert without_markers("See [note] there [2]") == "See [note] there"


def test_the_language_of_an_answer() -> None:
    assert is_written_in("كتبها Alex Spiro إلى Microsoft [1]", "ar")
    assert not is_written_in("The letter was sent by Alex Spiro", "ar")
    assert is_written_in("The letter was sent by سبيرو", "en")
    assert not is_written_in("Microsoft refused to pay", "ar")
    assert is_written_in("Bank of America", "ar")
    assert is_written_in("2015 [1]", "ar")
    assert is_written_in("2015", "en")
    assert not is_written_in("", "ar")
    assert not is_written_in("[1]", "en")


def test_stray_script() -> None:
    assert strays("كتبها المحامي 律师", "ar") == ["律", "师"]
    assert strays("He said نعم", "en") == ["ن", "ع", "م"]
    assert strays("كتبها Alex Spiro إلى OpenAI و iPhone 15", "ar") == []
    assert strays("كتبها the lawyer أمس", "ar") == ["the lawyer"]
    assert strays("قال Microsoft refused to pay for its use of data", "ar") == ["Microsoft refused to pay for its use of data"]
    assert strays("قال Microsoft refused", "ar") == ["Microsoft refused"]
    assert strays("من Bank of America", "ar") == []
    assert strays("هو api مفتوح", "ar") == ["api"]
    assert strays("هو api مفتوح", "ar", question="ما هو api؟") == []
    assert strays("He wrote it in Москва", "en") == ["М", "о", "с", "к", "в", "а"]
    assert strays("Café Müller", "en") == []


def test_the_calibration_error_by_hand() -> None:
    # Two at 0.95, one of them right: 0.45 apart; two at 0.15, both wrong: 0.15 apart; each bin has half of them.
    found = calibration_error([0.95, 0.95, 0.15, 0.15], [True, False, False, False])
    assert found.value == pytest.approx(0.30)
    assert found.n == 4
    assert found.low is not None
    assert found.low <= 0.30
    assert calibration_error([1.0, 0.0], [True, False]).value == 0.0  # 1 is in the last bin
    assert calibration_error([], []) == NOTHING
    assert calibration_error([0.75], [True]) == Figure(0.25, None, None, 1)
