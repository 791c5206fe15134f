"""Fitting how the product weighs a reader: values worked out by hand."""

from __future__ import annotations

import math

import pytest

from rag.answering.confidence import RankingWeights
from rag.answering.reading import JudgedSentence
from rag.schema import Evidence, Passage, Span
from training.mix.written import Pair
from training.product import Asked
from training.ranking import READER, Trial, best, commoner, crossed, trials


def judged(document: str, text: str, judgement: float, search: float, likeness: float = 0.0) -> JudgedSentence:
    span = Span(0, len(text))
    passage = Passage(1, document, span, text, document, "en", sentences=(span,))
    return JudgedSentence(Evidence(passage, span, text, 0.5), 0.5, judgement, None, search, likeness, elsewhere=False)


def trial(document: str, *sentences: tuple[float, float], right: int = 0) -> Trial:
    asked = Asked([judged(document, f"sentence {n}", *pair) for n, pair in enumerate(sentences)], 0.0, 0.0)
    return Trial(document, asked, True, frozenset([right]))


def test_the_weights_are_those_with_which_the_right_sentence_comes_first() -> None:
    # The reader prefers the right one by 4, search the other by 1: any weight of the reader above a quarter of search's will do.
    found = [trial("a", (4.0, 0.0), (0.0, 1.0))]
    weights = best(found)
    assert 4 * weights.reader > weights.search
    assert weights.reader in READER
    assert found[0].is_first(weights)
    assert not found[0].is_first(RankingWeights(0.0, 1.0, 0.0))
    assert not Trial("a", Asked([], 0.0, 0.0), True, frozenset()).is_first(weights)


def test_weights_are_tried_on_other_documents() -> None:
    assert crossed([trial(f"document {n}", (4.0, 0.0), (0.0, 1.0)) for n in range(30)]) == 1.0
    assert math.isnan(crossed([]))


@pytest.mark.parametrize(("declined", "expected"), [(0.0, 2.0), (0.25, 0.0), (0.5, -1.0)])
def test_the_constant_declines_no_more_of_the_answerable_than_wanted(declined: float, expected: float) -> None:
    """Four answerable questions whose means of both log-odds are -2, 0, 1 and 3; the threshold 0.5 is a log-odds of 0."""
    found = [Trial("a", Asked([], 2 * mean, 0.0), True, frozenset()) for mean in (-2.0, 0.0, 1.0, 3.0)]
    found.append(Trial("a", Asked([], -20.0, 0.0), False, frozenset()))
    assert commoner(found, 0.5, declined) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("evidence", "other", "question", "near"),
    [
        ("The fee is 20 dinars a year.", "The library opens at nine.", "What is the fee?", "What is the fee for children?"),
        ("الرسم 20 دينارا في السنة.", "تفتح المكتبة في التاسعة صباحا.", "كم الرسم؟", "كم الرسم للأطفال؟"),
    ],
)
def test_a_pair_is_two_trials_and_the_evidence_is_found_among_what_was_read(evidence: str, other: str, question: str, near: str) -> None:
    asked = Asked([judged("b.md", evidence, 0.0, 0.0), judged("a.md", other, 0.0, 0.0), judged("a.md", evidence, 0.0, 0.0)], 0.0, 0.0)
    pair = Pair(file="a.md", question=question, answer="20", evidence=evidence, unanswerable=near)
    first, second = trials([pair], lambda text: asked)
    assert (first.answerable, first.right) == (True, frozenset([2]))
    assert (second.answerable, second.right) == (False, frozenset())
