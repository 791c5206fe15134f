"""Remove what repeats on every page: running headers and footers, page numbers and line numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.documents.formats.pdf.columns import is_wrapped
from rag.documents.formats.pdf.layout import Word, lines_of, rows

_ROWS = 4
"""The number of rows at the top and at the bottom of a page that may be a running header or footer."""
REACH = 3
"""Pages before and after that are compared; left and right pages often have headers of their own."""
_MARGIN = 0.14  # of the page's height
_LONGEST_COUNTED = 60  # letters
_LEAST_MARGIN = 60.0  # points
_SAME_HEIGHT = 4.0  # points
_SAME_HEIGHT_OF_WORDS = 15.0  # for several words that are the same
_DIGIT = re.compile(r"[0-9٠-٩۰-۹]+")
_NUMBER = r"(?:#|[ivxlc]{1,7})"
_WORD = r"(?:page|pg\.?|p\.|صفحة|الصفحة|ص\.?)"
_OF_PAGE = re.compile(rf"(?:[-–—|•\[(]*{_NUMBER}[-–—|•\])]*|{_WORD}:?{_NUMBER}(?:(?:of|/|من|outof)#)?|#(?:/|of|من)#|#\|?{_WORD})$")
_PAGE_IN_LINE = re.compile(r"(?:page|صفحة|الصفحة)\s*[0-9٠-٩۰-۹]+\s*(?:of|/|من)\s*[0-9٠-٩۰-۹]+(?:\s*[-–—|•·](?=\s))?", re.I)
_FEWEST_NUMBERS = 5
_FEWEST_EVERY = 10


@dataclass(frozen=True, slots=True)
class Edge:
    """A row at the top or bottom of a page: its text with `#` for numbers, its numbers, and its distance from the page's edge."""

    text: str
    numbers: tuple[int, ...]
    height: float
    top: bool


@dataclass(frozen=True, slots=True)
class Edges:
    """The rows of a page that may repeat on other pages. The first of each side is the outermost."""

    above: tuple[Edge, ...] = ()
    below: tuple[Edge, ...] = ()


def edges(words: Sequence[Word], bottom: float, top: float) -> Edges:
    """Return the outermost rows of a page that reaches from `bottom` to `top`."""
    lines = rows(words)
    above = tuple(_edge(row, top - base, True) for base, row in lines[:_ROWS])
    below = tuple(_edge(row, base - bottom, False) for base, row in lines[: -_ROWS - 1 : -1])
    return Edges(above, below)


def _edge(row: Sequence[Word], height: float, top: bool) -> Edge:
    text = "".join(line.text for line in lines_of(row)).casefold()
    numbers = tuple(int(number) for number in _DIGIT.findall(text) if len(number) < 9)
    return Edge(_DIGIT.sub("#", "".join(text.split())), numbers, height, top)


def without_furniture(words: Sequence[Word], number: int, pages: Sequence[Edges], bottom: float, top: float) -> list[Word]:
    """Return the words of page `number` (from 0) without running headers and footers, page number and line numbers."""
    near = [(n - number, pages[n]) for n in range(max(0, number - REACH), min(len(pages), number + REACH + 1)) if n != number]
    lines = rows(words)
    drop: set[int] = set()
    margin = max(_MARGIN * (top - bottom), _LEAST_MARGIN)
    for side in (True, False):
        own = pages[number].above if side else pages[number].below
        ordered = lines if side else lines[::-1]
        for at, edge in enumerate(own):
            if at >= len(ordered):
                break
            others = [(away, other) for away, page in near for other in (page.above if side else page.below)]
            in_margin = edge.height < margin
            if _is_repeated(edge, others, len(pages), in_margin) or (at <= 1 and in_margin and _is_page_number(edge, others)):
                drop |= {id(word) for word in ordered[at][1]}
            elif edge.height < margin and len(lines) > at + 1 and (part := _page_part(ordered[at][1])):
                drop |= part
                break
            else:
                break
    left = [word for word in words if id(word) not in drop]
    return _without_line_numbers(left)


def _is_repeated(edge: Edge, others: Sequence[tuple[int, Edge]], pages: int, in_margin: bool) -> bool:
    """Return whether a row repeats on other pages: word for word, or in the margin with nothing but the page number changed."""
    letters = sum(c.isalpha() for c in edge.text)
    if letters < 2:
        return False
    near = _SAME_HEIGHT_OF_WORDS if letters >= 8 else _SAME_HEIGHT
    counted = in_margin and letters <= _LONGEST_COUNTED
    same = [(away, other) for away, other in others if other.text == edge.text and abs(other.height - edge.height) < near]
    same = [(away, other) for away, other in same if other.numbers == edge.numbers or (counted and _counts(edge, other, away))]
    return bool(same) and (len(same) >= 2 or pages <= 3 or letters >= 4)


def _counts(edge: Edge, other: Edge, away: int) -> bool:
    """Return whether one number of a row increases with the page number and the others stay the same."""
    different = [(a, b) for a, b in zip(edge.numbers, other.numbers, strict=False) if a != b]
    return len(different) == 1 and different[0][1] - different[0][0] == away


def _is_page_number(edge: Edge, others: Sequence[tuple[int, Edge]]) -> bool:
    if not _OF_PAGE.match(edge.text):
        return False
    if edge.text == "#":  # alone, it is one if other pages have their number in this position
        there = [(away, other) for away, other in others if other.text == "#" and abs(other.height - edge.height) < _SAME_HEIGHT]
        return not others or any(_counts(edge, other, away) for away, other in there)
    return True


def _page_part(row: Sequence[Word]) -> set[int]:
    """Return the words of a row that number the page ("Page 1 of 2"), where the row has other words too."""
    for line in lines_of(row):
        if (found := _PAGE_IN_LINE.search(line.text)) is None:
            continue
        places, at = list[float](), 0
        for piece in line.pieces:
            if at < found.end() and at + len(piece.text) > found.start():
                places.append(piece.left)
            at += len(piece.text) + 1
        return {id(word) for word in row if word.left in places}
    return set()


def _without_line_numbers(words: list[Word]) -> list[Word]:
    """Return words without the line numbers in the margin, of every line or every fifth."""
    lines = [sorted(row, key=lambda word: word.left) for _, row in rows(words)]
    for side in (0, -1):
        counted = [(n, row[side], _value(row[side])) for n, row in enumerate(lines) if _value(row[side]) is not None]
        if len(counted) < _FEWEST_NUMBERS:
            continue
        usual = min(word.right for _, word, _ in counted) if side == 0 else max(word.left for _, word, _ in counted)
        counted = [one for one in counted if abs((one[1].right if side == 0 else one[1].left) - usual) < 0.6 * one[1].size]
        steps = [(b[0] - a[0], (b[2] or 0) - (a[2] or 0)) for a, b in pairwise(counted)]
        if len(counted) < _FEWEST_NUMBERS or sum(rows_ == value for rows_, value in steps) < 0.8 * len(steps):
            continue
        numbers = {id(word) for _, word, _ in counted}
        rest = [[word for word in row if id(word) not in numbers] for row in lines]
        texts = [row for row in rest if row]
        edge = min(row[0].left for row in texts) if side == 0 else max(row[-1].right for row in texts)
        outside = all(word.right < edge + 1 if side == 0 else word.left > edge - 1 for _, word, _ in counted)
        plain = sum(all(b.left - a.right < 1.5 * b.size for a, b in pairwise(row)) for row in texts)
        every = len(counted) >= max(_FEWEST_EVERY, 0.8 * len(lines)) and plain >= 0.7 * len(texts)
        if outside and (every or is_wrapped(texts)):
            return [word for word in words if id(word) not in numbers]
    return words


def _value(word: Word) -> int | None:
    text = "".join(word.texts)
    return int(text) if len(text) <= 4 and text.isdecimal() else None
