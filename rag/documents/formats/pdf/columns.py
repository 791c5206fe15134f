"""Columns of text on a page: white strips (gutters) between lines that are filled on both sides, narrow ones included.

A strip between the columns of a table differs from one between columns of text in its surroundings: the lines of a column of text are
wrapped (the next line's first word had no room on the line before it), those of a table are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from rag.documents.formats.pdf.bidi import is_rtl
from rag.documents.formats.pdf.layout import Word, mostly_rtl, rows
from rag.documents.formats.pdf.tables import Grid, Panel

_NARROWEST = 0.5  # em: a gutter; spaces between words can be as wide, but not at the same place in every line
_WIDE = 1.2
_FEWEST_LINES = 3
_FEWEST_LINES_NARROW = 5
_LEAST_LETTERS = 10  # of an average line
_MOST_STRIPS = 48
_MOST_TRIED = 12
_WIDEST_SPACE = 1.5  # em: between words of justified text
_DEEPEST = 12
_INFINITE = 1e9


@dataclass(slots=True)
class _Row:
    """Words on one baseline from left to right, or a table or panel."""

    top: float
    bottom: float
    words: list[Word] = field(default_factory=list)
    grid: Grid | Panel | None = None

    @property
    def left(self) -> float:
        return self.grid.left if self.grid is not None else self.words[0].left

    @property
    def right(self) -> float:
        return self.grid.right if self.grid is not None else max(word.right for word in self.words)


@dataclass(slots=True)
class _Strip:
    """A white strip from `left` to `right` through the rows from `start`, with the number of rows that have text on each side."""

    left: float
    right: float
    start: int
    before: int = 0
    after: int = 0
    end: int = 0


def in_order(words: Sequence[Word], grids: Sequence[Grid | Panel]) -> list[list[Word] | Grid | Panel]:
    """Return the content of a page in reading order: runs of words of one column, tables and panels."""
    found = [_row_of(row) for _, row in rows(words)]
    found += [_Row(grid.top, grid.bottom, grid=grid) for grid in grids]
    found.sort(key=lambda row: -row.top if row.grid is not None else -(row.top + row.bottom) / 2)
    return list(_split(found, 0))


def _row_of(words: list[Word]) -> _Row:
    words.sort(key=lambda word: word.left)
    size = max(word.size for word in words)
    base = median(word.base for word in words)
    return _Row(base + 0.8 * size, base - 0.2 * size, words)


def _split(found: list[_Row], depth: int) -> Iterator[list[Word] | Grid | Panel]:
    strip = _gutter(found) if depth < _DEEPEST and len(found) >= _FEWEST_LINES else None
    if strip is None:
        run: list[Word] = []
        for row in found:
            if row.grid is None:
                run += row.words
                continue
            if run:
                yield run
            run = []
            yield row.grid
        if run:
            yield run
        return
    x = (strip.left + strip.right) / 2
    band = found[strip.start : strip.end + 1]
    yield from _split(found[: strip.start], depth + 1)
    left, right = _side(band, x, before=True), _side(band, x, before=False)
    for side in (right, left) if mostly_rtl([word for row in band for word in row.words]) else (left, right):
        yield from _split(side, depth + 1)
    yield from _split(found[strip.end + 1 :], depth + 1)


def _side(band: Sequence[_Row], x: float, before: bool) -> list[_Row]:
    found = []
    for row in band:
        if row.grid is not None:
            if (row.right <= x) == before:
                found.append(row)
        elif words := [word for word in row.words if ((word.left + word.right) / 2 < x) == before]:
            found.append(_Row(row.top, row.bottom, words))
    return found


def _gutter(found: Sequence[_Row]) -> _Strip | None:
    """Return the strip between columns with the most lines on both sides."""
    sizes = [word.size for row in found for word in row.words]
    if not sizes:
        return None
    size = median(sizes)
    strips = sorted(_strips(found, _NARROWEST * size), key=lambda strip: (-min(strip.before, strip.after), strip.left - strip.right))
    for strip in strips[:_MOST_TRIED]:
        if (cut := _trimmed(found, strip, size)) is not None and _is_between_columns(found, cut, size):
            return cut
    return None


def _strips(found: Sequence[_Row], narrowest: float) -> Iterator[_Strip]:
    """Yield the white strips through several rows, each as wide as its narrowest row."""
    open_: list[_Strip] = []
    for number, row in enumerate(found):
        gaps = _gaps(row, narrowest)
        going: dict[tuple[float, float], _Strip] = {}
        for strip in open_:
            stays = False
            for left, right in gaps:
                a, b = max(strip.left, left), min(strip.right, right)
                if b - a < narrowest:
                    continue
                if b - a >= _INFINITE / 2:  # outside all text so far
                    continue
                stays = stays or (a, b) == (strip.left, strip.right)
                before, after = int(row.left < a), int(row.right > b)
                longer = _Strip(a, b, strip.start, strip.before + before, strip.after + after)
                other = going.get((a, b))
                if other is None or min(other.before, other.after) < min(longer.before, longer.after) or other.start > longer.start:
                    going[a, b] = longer
            if not stays and min(strip.before, strip.after) >= _FEWEST_LINES:
                strip.end = number - 1
                yield strip
        for left, right in gaps:
            if (left, right) not in going and right - left < _INFINITE:
                going[left, right] = _Strip(left, right, number, 1, 1)
            elif (left, right) not in going:
                going[left, right] = _Strip(left, right, number, int(row.left < left), int(row.right > right))
        open_ = sorted(going.values(), key=lambda strip: strip.start)[:_MOST_STRIPS]
    for strip in open_:
        if min(strip.before, strip.after) >= _FEWEST_LINES:
            strip.end = len(found) - 1
            yield strip


def _gaps(row: _Row, narrowest: float) -> list[tuple[float, float]]:
    """Return the white space of a row: left of it, between its words, right of it."""
    gaps = [(-_INFINITE, row.left)]
    reached = row.left if not row.words else row.words[0].right
    for word in row.words[1:]:
        if word.left - reached >= narrowest:
            gaps.append((reached, word.left))
        reached = max(reached, word.right)
    return [*gaps, (row.right, _INFINITE)]


def _trimmed(found: Sequence[_Row], strip: _Strip, size: float) -> _Strip | None:
    """Return a strip without the one-sided rows at its top, and without what follows on one side after a gap."""
    if strip.right - strip.left > _INFINITE / 2:
        return None
    x = (strip.left + strip.right) / 2
    band = found[strip.start : strip.end + 1]
    lefts = [n for n, row in enumerate(band) if row.left < x]
    rights = [n for n, row in enumerate(band) if row.right > x]
    if not lefts or not rights:
        return None
    limit = min(band[lefts[0]].top, band[rights[0]].top) + 1.2 * size
    start = next(n for n, row in enumerate(band) if row.top <= limit)
    both = min(lefts[-1], rights[-1])
    end = len(band) - 1
    for n in range(both + 1, len(band)):
        if band[n - 1].bottom - band[n].top > 3 * size:
            end = n - 1
            break
    return _Strip(strip.left, strip.right, strip.start + start, strip.before, strip.after, strip.start + end)


def _is_between_columns(found: Sequence[_Row], strip: _Strip, size: float) -> bool:
    x = (strip.left + strip.right) / 2
    band = found[strip.start : strip.end + 1]
    left, right = _side(band, x, before=True), _side(band, x, before=False)
    least = _FEWEST_LINES if strip.right - strip.left >= _WIDE * size else _FEWEST_LINES_NARROW
    lines = [sum(3 if row.grid is not None else 1 for row in side) for side in (left, right)]
    if min(lines) < least:
        return False
    if any(_is_of_numbers(side) for side in (left, right)):
        return False
    tops = {row.top for row in left}
    shared = sum(row.top in tops for row in right)
    if shared < 0.4 * min(len(left), len(right)) and strip.right - strip.left >= 0.7 * size:
        return True
    return all(any(row.grid is not None for row in side) or is_wrapped(side_words(side)) for side in (left, right))


def _is_of_numbers(side: Sequence[_Row]) -> bool:
    """Return whether one side consists largely of numbers, as in a table."""
    words = [word for row in side for word in row.words]
    return sum(any(c.isdigit() for text in word.texts for c in text) for word in words) > 0.4 * len(words)


def side_words(side: Sequence[_Row]) -> list[list[Word]]:
    """Return the words of each row."""
    return [row.words for row in side if row.words]


def is_wrapped(lines: Sequence[Sequence[Word]]) -> bool:
    """Return whether lines are running text: few of them had room for the first word of the next."""
    if len(lines) < 2:
        return False
    letters = sum(len(word.texts) for line in lines for word in line)
    cells = len(lines) + sum((b.left - a.right) > _WIDEST_SPACE * b.size for line in lines for a, b in pairwise(line))
    if letters < _LEAST_LETTERS * cells or sum(map(len, lines)) < 2.5 * cells:
        return False
    rtl = mostly_rtl([word for line in lines for word in line])
    left, right = min(line[0].left for line in lines), max(line[-1].right for line in lines)
    full = counted = 0
    for line, below in pairwise(lines):
        last = line[0] if rtl else line[-1]
        size = max(word.size for word in line)
        if max(word.base for word in line) - max(word.base for word in below) > 2.2 * size:
            continue
        ends = last.texts[0] if rtl and not is_rtl(last.texts[-1][0]) else last.texts[-1]
        room = line[0].left - left if rtl else right - line[-1].right
        first = below[-1] if rtl else below[0]
        fits = room > first.right - first.left + 0.35 * size
        if fits and ends[-1:] in ".؟?!:":
            continue
        counted += 1
        full += not fits
    return counted >= 2 and full >= 0.55 * counted
