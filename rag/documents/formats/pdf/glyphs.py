"""A character as drawn on a page of a PDF."""

from __future__ import annotations

from dataclasses import dataclass

WORD_GAP = 0.16
"""The least gap between two words, in ems; letters of a word that do not join are closer."""


@dataclass(slots=True)
class Glyph:
    """A drawn character, in points: `left` and `right` of its box, `base` the height of its baseline, `size` of its font."""

    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool = False
    origin: float | None = None
    """The pen position, None for `left`. It alone orders letters that are drawn over one another."""

    @property
    def place(self) -> float:
        """The sort key of the characters of a line."""
        return self.left if self.origin is None else self.origin

    @property
    def middle(self) -> float:
        """The horizontal centre of its box."""
        return (self.left + self.right) / 2
