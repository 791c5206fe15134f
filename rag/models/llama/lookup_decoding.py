"""Drafts for a generator that repeats what it has read: what followed the last words where they stood before.

After Saxena, "Prompt Lookup Decoding" (2023). Whoever decodes a draft together with the token before it sees at once how much of
it the model would have written itself, and keeps that much: the text is the model's own either way.
"""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST, _SHORTEST = 4, 2
"""Tokens that must agree: of several places that which agrees furthest back is the likeliest to go on alike."""
_TRUST = 0.5
"""How likely the first prediction is held to be right, and at most the one after a wrong one: an answer that echoes the question
parts from it after a few words, and a long draft that is wrong costs seven tokens."""
_WEIGHT = 0.2
"""How much one more right prediction counts: after eight in a row, long drafts are worth their cost."""


class Lookup:
    """The places of all short runs of tokens in a text that grows, and how well they have foretold it lately."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        self.rate = _TRUST
        """How likely the next token is the one that is drafted, 0..1. It is kept up whether or not drafts are used."""
        for token in tokens:
            self._enter(token)

    def add(self, token: int) -> None:
        """The text has grown by a token."""
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
        """Up to `most` tokens that may come next; none where the last tokens have not stood before."""
        for length in range(_LONGEST, _SHORTEST - 1, -1):
            place = self._places.get(tuple(self._tokens[-length:]), 0) if len(self._tokens) >= length else 0
            if place:
                return self._tokens[place : place + most]
        return []


def worthwhile(rate: float, costs: Sequence[float]) -> int:
    """How many tokens to draft: the number for which most tokens are written in a unit of time.

    `costs[k]` is the time of decoding k drafted tokens together with one more, over that of the one alone; `rate` how likely
    each is right when those before it were.
    """
    best, most = 0, 1.0
    written, chance = 1.0, 1.0
    for drafted, cost in enumerate(costs[1:], start=1):
        chance *= rate
        written += chance
        if written / cost > most:
            best, most = drafted, written / cost
    return best
