"""A position in a text's tokens, and the units found there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from rag.schema import Span
from rag.text.clitics import without_article
from rag.text.numbers import lexicon
from rag.text.numbers.tokens import HARD_SPACE, Token, tokens

_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(?:\d+,\d{1,2}|\d{1,3}(?:\.\d{3})+,\d+|0,\d+)(?![\d.,]*\d)")
_DECIMAL_POINT = re.compile(r"(?<![\d.,])(?:\d+\.\d{1,2}|\d{1,3}(?:,\d{3})+\.\d+|0\.\d+)(?![\d.,]*\d)")


@cache
def unit_starts() -> frozenset[str]:
    return frozenset(match.group() for key in lexicon.unit_words() if (match := re.match(r"[^\W\d_]+|\S", key)))


def is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


class Cursor:
    """The tokens of one text. A method `_…(place)` of this class and its subclasses parses what begins at token `place`, or returns `None`;
    each looks a bounded number of tokens ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: Sequence[Token] = tokens(text)
        digits = " ".join(token.text for token in self.tokens if token.kind == "digits")
        self.comma_decimal = _DECIMAL_COMMA.search(digits) is not None
        self.point_decimal = _DECIMAL_POINT.search(digits) is not None

    def _word(self, place: int) -> str:
        return self.tokens[place].text if 0 <= place < len(self.tokens) else ""

    def _kind(self, place: int) -> str:
        return self.tokens[place].kind if 0 <= place < len(self.tokens) else ""

    def _gap(self, place: int) -> str:
        """Return the white space before a token; a line break where there is no token."""
        return self.tokens[place].gap if 0 <= place < len(self.tokens) else "\n"

    def _near(self, place: int) -> bool:
        """Return whether at most one space, and no line break, stands before a token."""
        return self._gap(place) in ("", " ", HARD_SPACE)

    def _capital(self, place: int) -> bool:
        return self.text[self.tokens[place].start].isupper()

    def _span(self, first: int, end: int) -> Span:
        return Span(self.tokens[first].start, self.tokens[end - 1].end)

    def _unit(self, place: int) -> tuple[str, int, int] | None:
        """Return the longest unit that begins at a token: its symbol, how many of it the word says by itself, the token after it."""
        if self._word(place) not in unit_starts():
            return None
        table = lexicon.unit_words()
        key = ""
        best: tuple[str, int, int] | None = None
        for at in range(place, min(place + 6, len(self.tokens))):
            token = self.tokens[at]
            if at > place:
                if token.gap and (len(token.gap) > 1 or "\n" in token.gap):
                    break
                key += " " if token.gap and not key.endswith((".", "/")) else ""
            key += token.text
            found = table.get(key)
            if found is None:
                continue
            symbol, count = found
            if symbol in lexicon.CODES and key == symbol.lower() and not self.text[token.start : token.end].isupper():
                continue
            if symbol == "JOD" and key == "د.ا" and "إ" in self.text[self.tokens[place].start : token.end]:
                symbol = "AED"
            best = symbol, count, at + 1
        if best is not None and best[2] == place + 1 and best[0] not in lexicon.CODES:
            word, following = self._word(place), self._word(place + 1)
            if word in ("يوم", "اليوم") and without_article(following) in lexicon.DAYS:
                return None
            if word in ("شهر", "الشهر") and lexicon.opens_month(following):
                return None
        return best
