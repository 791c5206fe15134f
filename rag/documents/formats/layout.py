"""From characters with their places on a page to paragraphs in reading order.

The order in which a PDF draws is not that in which it is read; places are certain. Characters make words by the gaps between
them, words make columns and lines, lines are put into reading order (`rag.documents.formats.bidi`) and joined to paragraphs.
"""

from __future__ import annotations

import itertools
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TypeVar

from rag.documents.formats.bidi import is_rtl, kind, reading_order, with_brackets

_WORD_GAP = 0.16  # of the font's size; letters of a word that do not join stand nearer
_GAPS = (0.08, 0.28)  # of the font's size: between these, a page's own gaps show where letters end and words begin
_LEAST_GAPS = 20
_NEIGHBOUR = 0.15  # of the font's size: by so much a mark's letter may be further than another and still be its letter
_LINE = 0.45  # of the font's size: what stands higher or lower than that is another line
_GUTTER = 1.2
_LEAST_COLUMN = 3  # lines
_LEAST_FILL = 12  # letters of an average line of a column; a table's cells are shorter
_MARKS_OF_LAM = "\u064e\u064f\u0650\u0651\u0652"
_LAM, _ALEFS = "ل", frozenset("اأإآٱ")


@dataclass(slots=True)
class Glyph:
    """A character as it is drawn: `left`, `right` of its box, `base` its line's height on the page, `size` of its font."""

    text: str
    left: float
    right: float
    base: float
    size: float

    @property
    def middle(self) -> float:
        """Half-way between its sides."""
        return (self.left + self.right) / 2


@dataclass(slots=True)
class Word:
    """Characters without a gap, from left to right; `text[n]` is a character with the marks that stand on it."""

    texts: list[str]
    left: float
    right: float
    base: float
    size: float


@dataclass(slots=True)
class Line:
    """Words of one line from left to right."""

    words: list[Word]
    left: float = 0.0
    right: float = 0.0
    base: float = 0.0
    size: float = 0.0
    rtl: bool = False
    text: str = ""
    opening: float = field(default=0.0)
    """How wide the first word that is read is."""


def paragraphs(glyphs: Sequence[Glyph], as_drawn: bool = False) -> list[str]:
    """The paragraphs of a page in reading order. `as_drawn` takes right-to-left lines for drawn in their reading order."""
    found: list[str] = []
    for region in _regions(_words([replace(glyph) for glyph in glyphs]), 0):
        lines = _lines(region)
        _directions(lines)
        for line in lines:
            _read(line, as_drawn)
        found += _joined(lines)
    return found


# --- words ----------------------------------------------------------------------------------------------------------------


def _words(glyphs: Sequence[Glyph]) -> list[Word]:
    words: list[Word] = []
    rows = list(_rows([glyph for glyph in glyphs if not _is_mark(glyph)]))
    for row in rows:
        row.sort(key=lambda glyph: (glyph.middle, glyph.left))
        _untangle(row)
    _put_marks(glyphs, rows)
    widest = _word_gap(rows)
    for row in rows:
        word: Word | None = None
        for glyph in row:
            if glyph.text.isspace():
                word = None
                continue
            if word is not None and glyph.left - word.right > widest * max(glyph.size, word.size):
                word = None
            if word is None:
                word = Word([], glyph.left, glyph.right, glyph.base, glyph.size)
                words.append(word)
            word.texts.append(glyph.text)
            word.left, word.right = min(word.left, glyph.left), max(word.right, glyph.right)
            word.size = max(word.size, glyph.size)
    return words


def _word_gap(rows: Sequence[Sequence[Glyph]]) -> float:
    """Where gaps between letters end and those between words begin: in the middle of the widest range that holds none."""
    gaps = sorted(
        gap
        for row in rows
        for before, after in itertools.pairwise(row)
        if not before.text.isspace()
        and not after.text.isspace()
        and _GAPS[0] <= (gap := (after.left - before.right) / max(before.size, after.size)) <= _GAPS[1]
    )
    if len(gaps) < _LEAST_GAPS:
        return _WORD_GAP
    width, middle = max(((b - a), (a + b) / 2) for a, b in zip([_GAPS[0], *gaps], gaps, strict=False))
    return middle if width > 0.02 else _WORD_GAP


Placed = TypeVar("Placed", Glyph, Word)


def _rows(items: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Characters or words whose lines are at the same height, from top to bottom."""
    row: list[Placed] = []
    for item in sorted(items, key=lambda item: -item.base):
        if row and row[0].base - item.base > _LINE * max(row[0].size, item.size):
            yield row
            row = []
        row.append(item)
    if row:
        yield row


def _untangle(row: list[Glyph]) -> None:
    """Put lam before alef where a font draws the two over one another: in no other way do they overlap."""
    for at in range(len(row) - 1):
        first, second = row[at], row[at + 1]  # from left to right: what is read first stands second
        if first.text == _LAM and second.text in _ALEFS:
            overlap = min(first.right, second.right) - max(first.left, second.left)
            narrower = min(first.right - first.left, second.right - second.left)
            if overlap > 0.4 * narrower:
                row[at], row[at + 1] = second, first


def _put_marks(glyphs: Sequence[Glyph], rows: Sequence[Sequence[Glyph]]) -> None:
    """Give each mark (tashkeel) to the letter it stands on: the nearest.

    Of two that are about as near it is the one beside which it is drawn, on the right: a mark is drawn just before or just
    after its letter, and runs of letters to either side.
    """
    middles = [[glyph.middle for glyph in row] for row in rows]
    heights = [-row[0].base for row in rows]
    for n, mark in enumerate(glyphs):
        if not _is_mark(mark):
            continue
        at = bisect_left(heights, -mark.base)
        near = [
            glyph
            for number in range(max(0, at - 2), min(len(rows), at + 2))
            for glyph in _around(rows[number], middles[number], mark.middle)
            if glyph.text[0].isalpha() and abs(glyph.base - mark.base) < 0.8 * mark.size
        ]
        beside = [glyph for glyph in (_letter(glyphs, n, -1), _letter(glyphs, n, 1)) if glyph is not None]
        preferred = max(beside, key=lambda glyph: glyph.middle, default=None)
        best = min(near, key=lambda glyph: _distance(mark, glyph) - (_NEIGHBOUR if glyph is preferred else 0.0), default=None)
        if best is not None and _distance(mark, best) < 1.2:
            # Over a joined lam-alef stand the marks of lam: alef bears no shadda and no vowel.
            joined = len(best.text) > 1 and best.text[-1] in _ALEFS and mark.text in _MARKS_OF_LAM
            best.text = best.text[:-1] + mark.text + best.text[-1] if joined else best.text + mark.text


def _around(row: Sequence[Glyph], middles: Sequence[float], place: float) -> Sequence[Glyph]:
    at = bisect_left(middles, place)
    return row[max(0, at - 4) : at + 4]


def _letter(glyphs: Sequence[Glyph], at: int, step: int) -> Glyph | None:
    """The letter that was drawn next before or after a mark, if nothing but marks is between."""
    at += step
    while 0 <= at < len(glyphs) and _is_mark(glyphs[at]):
        at += step
    return glyphs[at] if 0 <= at < len(glyphs) and glyphs[at].text[0].isalpha() else None


def _is_mark(glyph: Glyph) -> bool:
    return unicodedata.category(glyph.text[0]) == "Mn"


def _distance(mark: Glyph, glyph: Glyph) -> float:
    """How far a mark is from a letter, in sizes of its font: along the line, and twice that across it."""
    return (abs(mark.middle - glyph.middle) + 2 * max(0.0, abs(mark.base - glyph.base) - 0.3 * mark.size)) / mark.size


# --- columns --------------------------------------------------------------------------------------------------------------


def _regions(words: list[Word], depth: int) -> Iterator[list[Word]]:
    """Words cut at the white space between columns, then between bands of lines; in reading order."""
    if not words:
        return
    if depth < 40 and (sides := _columns(words)) is not None:
        for side in sides:
            yield from _regions(side, depth + 1)
    elif depth < 40 and (bands := _bands(words)) is not None:
        # Only where there is a band with columns is anything gained by cutting.
        top, bottom = (list(_regions(band, depth + 1)) for band in bands)
        if len(top) > 1 or len(bottom) > 1:
            yield from top
            yield from bottom
        else:
            yield words
    else:
        yield words


def _columns(words: list[Word]) -> tuple[list[Word], list[Word]] | None:
    size = median(word.size for word in words)
    widest, at = _GUTTER * size, None
    right = None
    for word in sorted(words, key=lambda word: word.left):
        if right is not None and word.left - right > widest:
            widest, at = word.left - right, (word.left + right) / 2
        right = word.right if right is None else max(right, word.right)
    if at is None:
        return None
    left = [word for word in words if word.right <= at]
    rest = [word for word in words if word.left >= at]
    for side in (left, rest):
        count = sum(1 for _ in _rows(side))
        if count < _LEAST_COLUMN or sum(len(word.texts) for word in side) < _LEAST_FILL * count:
            return None
    return (rest, left) if _mostly_rtl(words) else (left, rest)


def _bands(words: list[Word]) -> tuple[list[Word], list[Word]] | None:
    widest, at = 0.0, 0.0
    floor: float | None = None
    for word in sorted(words, key=lambda word: -(word.base + word.size)):
        top = word.base + 0.8 * word.size
        if floor is not None and floor - top > max(widest, 0.3 * word.size):
            widest, at = floor - top, (floor + top) / 2
        bottom = word.base - 0.25 * word.size
        floor = bottom if floor is None else min(floor, bottom)
    if not widest:
        return None
    return [word for word in words if word.base > at], [word for word in words if word.base <= at]


def _mostly_rtl(words: Sequence[Word]) -> bool:
    right = sum(is_rtl(text[0]) for word in words for text in word.texts)
    left = sum(kind(text[0]) == "L" for word in words for text in word.texts)
    return right * 1.5 > left


# --- lines ----------------------------------------------------------------------------------------------------------------


def _lines(words: list[Word]) -> list[Line]:
    lines = []
    for row in _rows(words):
        row.sort(key=lambda word: word.left)
        base = median(word.base for word in row)
        lines.append(Line(row, row[0].left, max(word.right for word in row), base, max(word.size for word in row)))
    return lines


def _directions(lines: Sequence[Line]) -> None:
    """Which way each line runs: by its letters, or where they are mixed, as the line before it does."""
    whole = _mostly_rtl([word for line in lines for word in line.words])
    before = whole
    for line in lines:
        right = sum(is_rtl(text[0]) for word in line.words for text in word.texts)
        left = sum(kind(text[0]) == "L" for word in line.words for text in word.texts)
        if right + left and max(right, left) >= 0.75 * (right + left):
            line.rtl = right > left
        else:
            line.rtl = before
        before = line.rtl


def _read(line: Line, as_drawn: bool) -> None:
    texts: list[str] = []
    for number, word in enumerate(line.words):
        texts += [" "] if number else []
        texts += word.texts
    order: Sequence[int] = range(len(texts)) if as_drawn else reading_order([text[0] for text in texts], line.rtl)
    line.text = "".join(texts[n] for n in order)
    if any(is_rtl(text[0]) for text in texts):
        line.text = with_brackets(line.text)
    first = line.words[-1] if line.rtl and not as_drawn else line.words[0]
    line.opening = first.right - first.left


def _joined(lines: Sequence[Line]) -> list[str]:
    """Lines put together to paragraphs: a new one begins after a gap, after a line that had room for the next word, where the
    letters change their size, and with each item of a list."""
    found: list[str] = []
    if not lines:
        return found
    pitches = [above.base - below.base for above, below in itertools.pairwise(lines)]
    pitch = median(pitches) if pitches else 0.0
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    for number, line in enumerate(lines):
        if number == 0 or _begins(lines[number - 1], line, pitch, left, right):
            found.append(line.text)
        else:
            found[-1] = _continued(found[-1], line.text)
    return found


def _begins(before: Line, line: Line, pitch: float, left: float, right: float) -> bool:
    size = max(before.size, line.size)
    gap = before.base - line.base
    if gap > max(1.35 * pitch, 1.1 * size) or abs(before.size - line.size) > 0.12 * size or before.rtl != line.rtl:
        return True
    room = before.left - left if line.rtl else right - before.right
    indent = right - line.right if line.rtl else line.left - left
    earlier = right - before.right if line.rtl else before.left - left
    return room > line.opening + 0.6 * size or indent - earlier > 1.2 * size or _is_item(line.text)


def _is_item(text: str) -> bool:
    first, _, rest = text.partition(" ")
    return bool(rest) and (first in "-•▪●◦*–·" or (first[-1:] in ".)-" and first[:-1].isdigit() and len(first) <= 4))


def _continued(text: str, line: str) -> str:
    if text[-1:] in "-\u00ad\u2010" and text[-2:-1].isalpha() and line[:1].isalpha() and kind(line[0]) == "L":
        return (text[:-1] if line[0].islower() else text) + line
    return f"{text} {line}"
