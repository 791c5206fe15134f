"""Prompt lookup decoding: draft the tokens that followed the last ones where they occurred before.

After Saxena, "Prompt Lookup Decoding" (2023). Decoding a draft together with the token before it shows how much of the draft the model
would have written itself; only that much is kept, so the text is the model's own either way.
"""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST, _SHORTEST = 4, 2
"""Tokens that must agree: of several positions, the one with the longest agreement is the likeliest to continue alike."""
_TRUST = 0.5
"""The assumed probability of the first prediction, and the most after a wrong one.

An answer that echoes the question departs from it after a few words, and a long draft that is wrong costs seven tokens.
"""
_WEIGHT = 0.2
"""The weight of one more right prediction: after eight in a row, long drafts are worth their cost."""


class Lookup:
    """The positions of all short runs of tokens in a growing text, and how well they predicted it lately."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        self.rate = _TRUST
        """The probability that the drafted token is the next one, 0..1. Updated whether or not drafts are used."""
        for token in tokens:
            self._enter(token)

    def add(self, token: int) -> None:
        """Add a token to the text."""
        foretold = self.draft(1)
        if foretold:
            right = foretold[0] == token
            self.rate = self.rate + _WEIGHT * (1 - self.rate) if right else min(self.rate * (1 - _WEIGHT), _TRUST)
        self._enter(token)

    def _enter(self, token: int) -> None:
        # The run that ends here is entered only when something follows it, so that a run never finds itself.
        for length in range(_SHORTEST, _LONGEST + 1):
            if len(self._tokens) >= length:
                self._places[tuple(self._tokens[-length:])] = len(self._tokens)
        self._tokens.append(token)

    def draft(self, most: int) -> list[int]:
        """Return up to `most` tokens that may come next; none if the last tokens have not occurred before."""
        for length in range(_LONGEST, _SHORTEST - 1, -1):
            place = self._places.get(tuple(self._tokens[-length:]), 0) if len(self._tokens) >= length else 0
            if place:
                return self._tokens[place : place + most]
        return []


def worthwhile(rate: float, costs: Sequence[float]) -> int:
    """Return how many tokens to draft: the number that maximises tokens written per unit of time.

    `costs[k]` is the time of decoding k drafted tokens together with one more, relative to that one alone; `rate` is the probability that
    each is right if those before it were.
    """
    best, most = 0, 1.0
    written, chance = 1.0, 1.0
    for drafted, cost in enumerate(costs[1:], start=1):
        chance *= rate
        written += chance
        if written / cost > most:
            best, most = drafted, written / cost
    return best
