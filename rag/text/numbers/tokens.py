"""Tokenize a text into folded words, runs of digits and marks, each with its position in the text itself.

`rag.text.folding.fold` changes a text's length, so a position in its result is no position in the text. Here each character is folded
separately and its origin kept; superscript digits (`km²`, `10⁶`), vulgar fractions (`½`), the true minus and no-break spaces keep what
folding would remove.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from rag.text.folding import fold

HARD_SPACE = "\u00a0"
"""Stands for each space that is put between groups of digits: no-break, narrow no-break, thin, figure and punctuation space."""
_HARD_SPACES = frozenset("\u00a0\u202f\u2009\u2007\u2008")
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_KEPT = {"⁄": "/", "−": "−", "‐": "-", "‑": "-", "’": "'", "ʼ": "'", "‘": "'", "`": "'", "٪": "%", "،": "،"}
_TOKEN = re.compile(
    r"""(?P<digits>\d+(?:[.,٫٬'،]\d+)*)
    |(?P<word>(?:(?![\u0620-\u06d3])[^\W\d_])+(?:'(?:(?![\u0620-\u06d3])[^\W\d_])+)*|[\u0620-\u064a\u066e-\u06d3]+)
    |(?P<mark>\S)""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A word, number or mark: its folded text, its kind ("digits", "word" or "mark"), the white space before it, and its span in
    the text that was read."""

    text: str
    kind: str
    gap: str
    start: int
    end: int


class _Folds(dict[str, str]):
    """Each character's folded form, computed once."""

    def __missing__(self, character: str) -> str:
        if character in _RAISED:
            folded = f"^{_RAISED[character]}"
        elif character in _HARD_SPACES:
            folded = HARD_SPACE
        elif character in _KEPT:
            folded = _KEPT[character]
        elif unicodedata.decomposition(character).startswith("<fraction>"):
            folded = " " + fold(character).replace("⁄", "/")
        else:
            folded = fold(character)
        self[character] = folded
        return folded


_FOLDS = _Folds()


def _closed(text: str, end: int) -> int:
    """Return the end of a token with the vowel signs and tatweel that follow its last letter."""
    while end < len(text) and not _FOLDS[text[end]]:
        end += 1
    return end


def tokens(text: str) -> list[Token]:
    """Return the words, numbers and marks of a text, in order."""
    if text.isascii():
        folded, origin = text.lower(), None
    else:
        pieces = [_FOLDS[character] for character in text]
        folded = "".join(pieces)
        origin = [place for place, piece in enumerate(pieces) for _ in piece] if any(len(piece) != 1 for piece in pieces) else None
    found: list[Token] = []
    before = 0
    for match in _TOKEN.finditer(folded):
        start, end = match.span()
        span = (start, end) if origin is None else (origin[start], _closed(text, origin[end - 1] + 1))
        found.append(Token(match.group(), match.lastgroup or "mark", folded[before:start], *span))
        before = end
    return found
