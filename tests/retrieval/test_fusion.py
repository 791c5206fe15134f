"""Fusing scores: values worked out by hand."""

from __future__ import annotations

import pytest

from rag.retrieval.fusion import Weights, convex_combination

HALVES = Weights(passage=0.5, sentence=0.5, keyword=0.2)


def test_nothing_and_one() -> None:
    assert convex_combination({}, {}, {}, HALVES) == []
    assert convex_combination({}, {1: 0.5}, {1: 2.0}, HALVES) == []
    assert convex_combination({7: 0.4}, {7: 0.8}, {}, HALVES) == [(7, pytest.approx(0.6))]
    # one candidate has no spread of its own; its scale is 1
    assert convex_combination({7: 0.4}, {7: 0.8}, {7: 3.0}, HALVES) == [(7, pytest.approx(0.8))]


def test_a_passage_without_sentences_stands_for_itself() -> None:
    assert convex_combination({1: 0.4}, {}, {}, Weights(0.35, 0.65, 0.2)) == [(1, pytest.approx(0.4))]


def test_keywords_add_their_share_of_the_spread() -> None:
    passages = {1: 0.9, 2: 0.8, 3: 0.5}  # base equals these; median 0.8, spread 0.1
    fused = dict(convex_combination(passages, passages, {2: 10.0, 3: 5.0}, HALVES))
    assert fused == {1: pytest.approx(0.9), 2: pytest.approx(0.8 + 0.2 * 0.1), 3: pytest.approx(0.5 + 0.2 * 0.1 * 0.5)}


def test_keywords_decide_between_neighbours_but_do_not_carry_the_far() -> None:
    passages = {1: 0.82, 2: 0.81, 3: 0.10, 4: 0.10, 5: 0.10}  # spread 0.72
    order = [id for id, _ in convex_combination(passages, {}, {2: 4.0, 5: 4.0}, HALVES)]
    assert order == [2, 1, 5, 3, 4]


def test_ties_go_by_id_and_keywords_of_unknown_passages_are_ignored() -> None:
    assert [id for id, _ in convex_combination({3: 0.5, 1: 0.5, 2: 0.5}, {}, {9: 1.0}, HALVES)] == [1, 2, 3]


def test_scores_that_lie_close_together_get_a_small_bonus() -> None:
    """An embedder whose similarities run from 0.80 to 0.84 is not drowned by keywords."""
    near = dict(convex_combination({1: 0.84, 2: 0.80, 3: 0.80}, {}, {3: 1.0}, HALVES))
    assert near[3] == pytest.approx(0.80 + 0.2 * 0.04)
    assert near[1] > near[3]


def test_keywords_do_not_lift_one_language_over_the_other() -> None:
    """An Arabic question over Arabic passages 1 to 3 and English ones 4 and 5: words are shared with the Arabic ones alone."""
    passages = {1: 0.60, 2: 0.58, 3: 0.40, 4: 0.70, 5: 0.50}  # median 0.58, spread 0.12
    languages = {1: "ar", 2: "ar", 3: "ar", 4: "en", 5: "en"}
    strong = Weights(passage=1.0, sentence=0.0, keyword=1.0)
    alone = convex_combination(passages, {}, {2: 4.0}, strong)
    assert alone[0] == (2, pytest.approx(0.70))  # as far up as the best in English
    mixed = dict(convex_combination(passages, {}, {2: 4.0}, strong, languages, "ar"))
    assert sorted(mixed, key=lambda id: -mixed[id]) == [4, 2, 1, 5, 3]  # second among all, first among the Arabic
    assert mixed == {4: 0.70, 5: 0.50, 2: pytest.approx(0.612), 1: pytest.approx(0.592), 3: pytest.approx(0.412)}


def test_of_two_copies_the_one_in_the_question_s_language_comes_first() -> None:
    copies = {1: 0.8, 2: 0.8, 3: 0.3, 4: 0.2}
    order = [id for id, _ in convex_combination(copies, {}, {}, HALVES, {1: "ar", 2: "en", 3: "en", 4: "ar"}, "en")]
    assert order == [2, 1, 3, 4]
