"""A character as a page of PDF draws it."""

from __future__ import annotations

from dataclasses import dataclass

WORD_GAP = 0.16
"""The gap between two words, in sizes of their font; letters of a word that do not join stand nearer."""


@dataclass(slots=True)
class Glyph:
    """A character as it is drawn: `left`, `right` of its box, `base` its line's height on the page, `size` of its font."""

    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool = False
    origin: float | None = None
    """Where the pen stood, None for `left`. Letters that are drawn over one another are in order by this alone."""

    @property
    def place(self) -> float:
        """What characters of a line are in order by."""
        return self.left if self.origin is None else self.origin

    @property
    def middle(self) -> float:
        """Half-way between its sides."""
        return (self.left + self.right) / 2
