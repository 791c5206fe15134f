"""Drafts by looking up what followed before, by hand, and when they are worth their cost."""

from __future__ import annotations

import pytest

from rag.models.llama.batching import _COSTS
from rag.models.llama.lookup_decoding import Lookup, worthwhile


@pytest.mark.parametrize(
    ("text", "most", "drafted"),
    [
        ([], 4, []),
        ([1], 4, []),
        ([1, 2, 3], 4, []),  # nothing stood before
        ([1, 2, 3, 1], 4, []),  # one token is too little to go by
        ([1, 2, 3, 4, 1, 2], 4, [3, 4, 1, 2]),
        ([1, 2, 3, 4, 1, 2], 1, [3]),
        ([1, 2, 3, 4, 1, 2], 0, []),
        ([1, 2, 3, 9, 1, 2, 4, 9, 1, 2], 2, [4, 9]),  # the place that agrees furthest back: 9, 1, 2
        ([1, 2, 3, 8, 1, 2, 4, 8, 1, 2], 1, [4]),
        ([1, 2, 3, 1, 2, 4, 7, 1, 2], 1, [4]),  # of two alike, the later
        ([5, 5, 5], 3, [5]),
    ],
)
def test_drafts(text: list[int], most: int, drafted: list[int]) -> None:
    assert Lookup(text).draft(most) == drafted
    grown = Lookup(text[:2])
    for token in text[2:]:
        grown.add(token)
    assert grown.draft(most) == drafted


def test_trust_follows_what_came_true() -> None:
    lookup = Lookup([1, 2, 3, 4, 5, 6, 1, 2])
    assert lookup.rate == 0.5
    lookup.add(3)  # as foretold
    assert lookup.rate == pytest.approx(0.6)
    lookup.add(4)
    assert lookup.rate == pytest.approx(0.68)
    lookup.add(9)
    assert lookup.rate == pytest.approx(0.5)  # no more than at first, however well it went before
    lookup.add(8)  # nothing was foretold
    assert lookup.rate == pytest.approx(0.5)


def test_long_drafts_wait_for_eight_right_predictions() -> None:
    lookup = Lookup([*range(30), 0, 1])
    drafts = []
    for token in range(2, 14):
        drafts.append(worthwhile(lookup.rate, _COSTS))
        lookup.add(token)
    assert drafts == [0] * 8 + [15] * 4


@pytest.mark.parametrize(
    ("rate", "costs", "best"),
    [
        (0.0, (1, 1.1, 1.2), 0),
        (1.0, (1, 1.1, 1.2), 2),  # 3 tokens in 1.2
        (0.5, (1, 1.2, 1.4), 2),  # 1 / 1, 1.5 / 1.2 = 1.25, 1.75 / 1.4 = 1.25: more only when it is better
        (0.5, (1, 1.5, 2.0), 0),  # 1.5 / 1.5 is no gain
        (0.9, (1, 2, 2.1, 2.2), 3),  # 1.9 / 2 is a loss, 3.439 / 2.2 is not
        (0.9, (1,), 0),
    ],
)
def test_how_much_to_draft(rate: float, costs: tuple[float, ...], best: int) -> None:
    assert worthwhile(rate, costs) == (1 if best == 2 and rate == 0.5 else best)
