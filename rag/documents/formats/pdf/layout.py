"""Words and lines in reading order, from the positioned characters of a page.

The order in which a PDF draws is not the order in which it is read; only positions are reliable. Characters make words by the gaps between
them, words make lines, and lines are put into reading order (`rag.documents.formats.pdf.bidi`). Coordinates are points, `base`
grows upwards; a page whose text runs in another direction is rotated first.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

from rag.documents.formats.pdf.bidi import is_rtl, kind, reading_order, with_brackets
from rag.documents.formats.pdf.glyphs import WORD_GAP, Glyph
from rag.documents.formats.pdf.superscripts import MOVED, SMALLER, SPACE, is_note_label, mark_superscripts
from rag.text.folding import nfc

ASCENT, DESCENT = 0.8, 0.22
"""How far letters reach above and below their baseline, in ems."""

_SAME_PLACE = 0.04  # em: a space that near to where a letter begins is not meant to stand before it
_FURTHER = 0.1  # em
_GAPS = (0.08, 0.28)  # em: between these, a page's own gaps show where words begin
_LEAST_GAPS = 20
_LEAST_WIDE_GAPS = 8
_CLEAR = 0.06  # em: a range without gaps between those of letters and those of words
_FEW = 0.2
_NEIGHBOUR = 0.15  # em: how much further than another letter a mark's own letter may be
_LINE = 0.45  # em: anything higher or lower is on another line
_EXACT = 0.12
_LEAST_LINE = 8  # characters
_LEAST_SMALL_LINE = 5  # of small print beside a large line
_HIGH = 0.75  # and this much for what is smaller than the line: raised digits
_MARKS_OF_LAM = "\u064e\u064f\u0650\u0651\u0652"
_LAM, _ALEFS = "ل", frozenset("اأإآٱ")
_LEADERS = frozenset(".…·_‥")
_FEWEST_LEADERS = 4
_WIDE_OPENING, _WIDE_CLOSING = frozenset("（［｛"), frozenset("）］｝")
"""Brackets whose outer half is white."""
_SIGNS = frozenset('.,;:)]،؛»"”')


@dataclass(slots=True)
class Word:
    """Characters without a gap, from left to right; `texts[n]` is a character with its combining marks."""

    texts: list[str]
    left: float
    right: float
    base: float
    size: float
    bold: bool = False
    turn: int = 0
    """How its page was rotated so that its line runs to the right, in quarter turns."""
    counted: tuple[int, int] | None = None

    @property
    def letters(self) -> tuple[int, int]:
        """The numbers of its characters in right-to-left and in left-to-right scripts."""
        if self.counted is None:
            kinds = [kind(text[0]) for text in self.texts]
            self.counted = sum(k in ("R", "AL") for k in kinds), kinds.count("L")
        return self.counted


@dataclass(frozen=True, slots=True)
class Piece:
    """A word in reading order, with its box on the rotated page: `bottom` < `top`."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    turn: int = 0


@dataclass(slots=True)
class TextLine:
    """Words of one line from left to right."""

    words: list[Word]
    left: float = 0.0
    right: float = 0.0
    base: float = 0.0
    size: float = 0.0
    rtl: bool = False
    bold: bool = False
    text: str = ""
    pieces: list[Piece] = field(default_factory=list)
    opening: float = 0.0
    """The width of the first word in reading order."""


# --- rows -----------------------------------------------------------------------------------------------------------------

Placed = TypeVar("Placed", Glyph, Word)


def rows(items: Sequence[Placed]) -> list[tuple[float, list[Placed]]]:
    """Return characters or words grouped by line, as (base, items) from top to bottom. The fullest baselines come first and take what is a
    little higher or lower: superscripts and subscripts.
    """
    found: dict[float, list[Placed]] = {}
    weights: dict[float, float] = {}
    breadths: dict[float, float] = {}
    for item in items:
        base, breadth = round(item.base, 1), item.right - item.left + 0.1
        if base in found:
            found[base].append(item)
            weights[base] += item.size * breadth
            breadths[base] += breadth
        else:
            found[base], weights[base], breadths[base] = [item], item.size * breadth, breadth
    # The size of most of a line: a drop cap of three lines stands on the third, and is no measure for those above.
    sizes = {base: weight / breadths[base] for base, weight in weights.items()}
    anchors: list[float] = []
    lines: dict[float, list[Placed]] = {}
    for base in sorted(found, key=lambda base: (-weights[base], -base)):
        size = sizes[base]
        at = bisect_left(anchors, base)
        near = [
            anchor
            for anchor in anchors[max(0, at - 2) : at + 2]
            if _same_line(base - anchor, size, sizes[anchor], breadths[base] < breadths[anchor])
            and (
                (abs(base - anchor) < _EXACT * size and size >= SMALLER * sizes[anchor])
                or not _over_one_another(found[base], lines[anchor], _LEAST_LINE if size >= SMALLER * sizes[anchor] else _LEAST_SMALL_LINE)
            )
        ]
        if near:
            lines[min(near, key=lambda anchor: abs(anchor - base))] += found[base]
        else:
            insort(anchors, base)
            lines[base] = list(found[base])
    return [(base, lines[base]) for base in reversed(anchors)]


def _over_one_another(items: Sequence[Placed], row: Sequence[Placed], least: int) -> bool:
    """Return whether items overlap those of a row horizontally, so that they are another line, however near; not if they are fewer
    characters than `least`."""
    if sum(len(item.texts) if isinstance(item, Word) else 1 for item in items) < least:
        return False  # superscripts, and letters that a font stacks
    taken = sorted((other.left, other.right) for other in row if _is_visible(other))
    lefts = [left for left, _ in taken]
    seen = [item for item in items if _is_visible(item)]
    over = 0
    for item in seen:
        middle = (item.left + item.right) / 2
        at = bisect_left(lefts, middle)
        over += any(left < middle < right for left, right in taken[max(0, at - 2) : at])
    return over > 0.3 * len(seen)


def _is_visible(item: Glyph | Word) -> bool:
    return isinstance(item, Word) or not item.text.isspace()


def _same_line(rise: float, size: float, of_line: float, shorter: bool) -> bool:
    """Return whether an item `rise` above a baseline belongs to its line; only what is `shorter` than the line can be a superscript."""
    if size < SMALLER * of_line:
        if not shorter:
            return abs(rise) <= _LINE * size
        return -_LINE * of_line <= rise <= _HIGH * of_line - 0.25 * size
    return abs(rise) <= _LINE * max(size, of_line)


# --- words ----------------------------------------------------------------------------------------------------------------


def words_of(glyphs: Sequence[Glyph], turn: int = 0) -> list[Word]:
    """Return the words of a page, not yet ordered by lines. Modifies the glyphs."""
    words: list[Word] = []
    based = rows([glyph for glyph in glyphs if not _is_mark(glyph)])
    lines = [row for _, row in based]
    for row in lines:
        row.sort(key=lambda glyph: (glyph.place, glyph.middle))
        _untangle(row)
    _put_marks(glyphs, lines, [-base for base, _ in based])
    widest = _word_gap(lines)
    for number, row in enumerate(lines):
        lines[number] = row = _without_leaders(_without_doubles(_without_false_spaces(row)))
        mark_superscripts(row)
        word: Word | None = None
        for glyph in row:
            if glyph.text in ("", MOVED):  # raised, and attached to the character it belongs to, on its left or right
                if word is not None and (not glyph.text or word.texts[-1] in _SIGNS) and glyph.left - word.right <= 0.3 * word.size:
                    word.right = max(word.right, glyph.right)
                else:
                    word = None
                continue
            if glyph.text.isspace():
                word = None
                continue
            if word is not None and (is_note_label(glyph.text) or is_note_label(word.texts[-1])):
                word = None
            if word is not None and (glyph.text in _WIDE_OPENING or word.texts[-1] in _WIDE_CLOSING):
                word = None
            if word is not None and glyph.left - word.right > widest * max(glyph.size, word.size):
                word = None
            if word is None:
                word = Word([], glyph.left, glyph.right, glyph.base, glyph.size, glyph.bold, turn)
                words.append(word)
            word.texts.append(glyph.text)
            word.left, word.right = min(word.left, glyph.left), max(word.right, glyph.right)
            word.size = max(word.size, glyph.size)
    return words


def _without_false_spaces(row: list[Glyph]) -> list[Glyph]:
    """Return a row without spaces that are drawn over a letter: at the letter's own place, as the last one of an Arabic line may be by
    rounding, or with the gap on its other side."""
    found: list[Glyph] = []
    for at, glyph in enumerate(row):
        if glyph.text.isspace() and glyph.right > glyph.left and 0 < at < len(row) - 1:
            before, after = row[at - 1], row[at + 1]
            over = min(before.right, glyph.right) - max(before.left, glyph.left)
            beyond = row[at - 2] if at > 1 else None
            gap = before.left - beyond.right if beyond is not None and not beyond.text.isspace() else math.inf
            wide, beside = glyph.right - glyph.left, after.left - before.right < 0.08 * before.size
            if over > 0.5 * wide and gap > 0.12 * before.size and beside:
                continue
            if len(before.text) > 1 and over > 0.9 * wide and beside:
                continue  # the second half of a ligature
            if over > 0.8 * wide and abs(glyph.place - before.place) < _SAME_PLACE * before.size and beside:
                continue
        found.append(glyph)
    return found


def _without_leaders(row: list[Glyph]) -> list[Glyph]:
    """Return a row without its dot or dash leaders; a gap takes their place."""
    for glyph in row:  # fonts that draw several dots as one character
        if len(glyph.text) >= _FEWEST_LEADERS and glyph.text[0] in _LEADERS and not glyph.text.strip(glyph.text[0]):
            glyph.text = " "
    if sum(glyph.text in _LEADERS for glyph in row) < _FEWEST_LEADERS:
        return row
    found: list[Glyph] = []
    at = 0
    while at < len(row):
        end, last = at, at
        while end < len(row) and (row[end].text == row[at].text or row[end].text.isspace()):
            last = end if row[end].text == row[at].text else last
            end += 1
        count = sum(glyph.text == row[at].text for glyph in row[at : last + 1])
        if row[at].text in _LEADERS and count >= _FEWEST_LEADERS:
            found.append(Glyph(" ", row[at].left, row[last].right, row[at].base, row[at].size))
        else:
            last = at
            found.append(row[at])
        at = last + 1
    return found


def _without_doubles(row: list[Glyph]) -> list[Glyph]:
    """Return a row without characters drawn twice, slightly offset, to look bold."""
    found: list[Glyph] = []
    for glyph in row:
        for last in found[-2:]:
            if last.text == glyph.text and glyph.left - last.left < 0.08 * glyph.size < 0.5 * (last.right - last.left):
                last.bold = True
                break
        else:
            found.append(glyph)
    return found


def _word_gap(lines: Sequence[Sequence[Glyph]]) -> float:
    """Return the threshold between letter gaps and word gaps: the middle of the widest range that contains no gap."""
    every = [
        (after.left - before.right) / max(before.size, after.size)
        for row in lines
        for before, after in itertools.pairwise(row)
        if not before.text.isspace() and not after.text.isspace()
    ]
    gaps = sorted(gap for gap in every if _GAPS[0] <= gap <= _GAPS[1])
    ranges = [((b - a), (a + b) / 2) for a, b in zip([_GAPS[0], *gaps], [*gaps, _GAPS[1]], strict=True)]
    if sum(_GAPS[1] < gap < 1.0 for gap in every) > max(len(gaps), _LEAST_WIDE_GAPS):  # words are further apart, as in justified lines
        return next((middle for width, middle in reversed(ranges) if width >= _CLEAR), WORD_GAP)
    if len(gaps) < _LEAST_GAPS:
        return WORD_GAP
    width, middle = max(ranges[:-1])
    if width <= 0.02:
        return WORD_GAP
    # A few gaps above it, far from those of most words, are bearings of letters: after an alef they can be wide.
    above, wide = [gap for gap in gaps if gap > middle], sorted(gap for gap in every if _GAPS[1] < gap < 1.0)
    if above and len(above) < _FEW * len(wide) and wide[0] - above[-1] >= _CLEAR:
        return min((above[-1] + wide[0]) / 2, _GAPS[1])
    return middle


def _untangle(row: list[Glyph]) -> None:
    """Put lam before alef where a font draws the two over one another: only in this way do they overlap. Of other letters that begin at
    the same place, as an alef over the tail of a reh, the one that reaches further right is read first."""
    for at in range(len(row) - 1):
        first, second = row[at], row[at + 1]  # from left to right: what is read first comes second
        if is_rtl(first.text[0]) and is_rtl(second.text[0]) and second.place - first.place < _SAME_PLACE * first.size:
            if first.right - second.right > _FURTHER * first.size:
                row[at], row[at + 1] = second, first
            continue
        if first.text == _LAM and second.text in _ALEFS:
            overlap = min(first.right, second.right) - max(first.left, second.left)
            narrower = min(first.right - first.left, second.right - second.left)
            if overlap > 0.4 * narrower:
                row[at], row[at + 1] = second, first


def _put_marks(glyphs: Sequence[Glyph], lines: Sequence[Sequence[Glyph]], heights: Sequence[float]) -> None:
    """Attach each mark (tashkeel) to the nearest letter. Of two about equally near, take the one drawn next to it, on the right: a mark is
    drawn just before or just after its letter.
    """
    middles = [[glyph.middle for glyph in row] for row in lines]
    for n, mark in enumerate(glyphs):
        if not _is_mark(mark):
            continue
        at = bisect_left(heights, -mark.base)
        near = [
            glyph
            for number in range(max(0, at - 2), min(len(lines), at + 2))
            for glyph in _around(lines[number], middles[number], mark.middle)
            if glyph.text[0].isalpha() and abs(glyph.base - mark.base) < 0.8 * mark.size
        ]
        beside = [glyph for glyph in (_letter(glyphs, n, -1), _letter(glyphs, n, 1)) if glyph is not None]
        preferred = max(beside, key=lambda glyph: glyph.middle, default=None)
        best = min(near, key=lambda glyph: _distance(mark, glyph) - (_NEIGHBOUR if glyph is preferred else 0.0), default=None)
        if best is not None and _distance(mark, best) < 1.2:
            # Marks over a joined lam-alef belong to lam: alef carries no shadda and no vowel.
            joined = len(best.text) > 1 and best.text[-1] in _ALEFS and mark.text in _MARKS_OF_LAM
            best.text = best.text[:-1] + mark.text + best.text[-1] if joined else best.text + mark.text


def _around(row: Sequence[Glyph], middles: Sequence[float], place: float) -> Sequence[Glyph]:
    at = bisect_left(middles, place)
    return row[max(0, at - 4) : at + 4]


def _letter(glyphs: Sequence[Glyph], at: int, step: int) -> Glyph | None:
    """Return the letter drawn immediately before or after a mark, other marks aside."""
    at += step
    while 0 <= at < len(glyphs) and _is_mark(glyphs[at]):
        at += step
    return glyphs[at] if 0 <= at < len(glyphs) and glyphs[at].text[0].isalpha() else None


def _is_mark(glyph: Glyph) -> bool:
    return unicodedata.category(glyph.text[0]) == "Mn"


def _distance(mark: Glyph, glyph: Glyph) -> float:
    """Return the distance of a mark from a letter, in ems: along the line, and twice that across it."""
    return (abs(mark.middle - glyph.middle) + 2 * max(0.0, abs(mark.base - glyph.base) - 0.3 * mark.size)) / mark.size


_ENDING = frozenset(".:،؛,؟!")
_FEWEST_BEFORE = 2
"""The fewest lines with the mark that ends a sentence at their beginning, by which a page is judged."""


# --- lines ----------------------------------------------------------------------------------------------------------------


def mostly_rtl(words: Sequence[Word]) -> bool:
    """Return whether words are mostly of a right-to-left script."""
    right = sum(word.letters[0] for word in words)
    left = sum(word.letters[1] for word in words)
    return right * 1.5 > left


def lines_of(words: Sequence[Word], as_drawn: bool = False) -> list[TextLine]:
    """Return the lines of one column in reading order. `as_drawn` takes right-to-left lines as drawn in reading order."""
    found = []
    for _, row in rows(words):
        row.sort(key=lambda word: word.left)
        size = _size_of_most(row)
        letters = sum(len(word.texts) for word in row)
        bold = sum(len(word.texts) for word in row if word.bold) > 0.8 * letters
        base = median(word.base for word in row if word.size > 0.8 * size)
        found.append(TextLine(row, row[0].left, max(word.right for word in row), base, size, bold=bold))
    _directions(found)
    for line in found:
        read_line(line, as_drawn)
    return found


def _size_of_most(words: Sequence[Word]) -> float:
    """Return the size of most letters of a line, of two about as many the larger: neither that of a bullet nor of one large word."""
    weights: dict[float, int] = {}
    for word in words:
        weights[word.size] = weights.get(word.size, 0) + sum(text[0].isalnum() for text in word.texts)
    most = max(weights.values())
    return max(size for size, weight in weights.items() if 2 * weight >= most)


def read_line(line: TextLine, as_drawn: bool = False, from_left: bool = False) -> None:
    """Put the words of a line into the order in which they are read. `from_left` is for one that a program laid out as a line of a
    left-to-right text, whatever its letters."""
    texts: list[str] = []
    owners: list[int] = []
    for number, word in enumerate(line.words):
        if number:
            texts.append(" ")
            owners.append(-1)
        texts += word.texts
        owners += [number] * len(word.texts)
    gaps = [0.0] * len(texts)
    at = 0
    for before, after in itertools.pairwise(line.words):
        at += len(before.texts)
        gaps[at] = (after.left - before.right) / max(before.size, after.size)
        at += 1
    order: Sequence[int] = range(len(texts)) if as_drawn else reading_order([text[0] for text in texts], line.rtl and not from_left, gaps)
    text = "".join(texts[n] for n in order)
    if line.rtl or any(is_rtl(text[0]) for text in texts):
        text = with_brackets(text)
    cut, at = list[tuple[str, int]](), 0
    owner = -1
    begin = 0
    for n in order:
        if owners[n] < 0:
            cut.append((text[begin:at], owner))
            begin, owner = at + len(texts[n]), -1
        else:
            owner = owners[n]
        at += len(texts[n])
    cut.append((text[begin:at], owner))
    line.pieces = [_piece(nfc(part).replace(SPACE, " "), line.words[number]) for part, number in cut if part and number >= 0]
    line.text = " ".join(piece.text for piece in line.pieces)
    first = line.words[-1] if line.rtl and not as_drawn else line.words[0]
    line.opening = first.right - first.left


def laid_out_from_left(lines: Sequence[TextLine]) -> bool:
    """Return whether the right-to-left lines of a page were laid out as lines of a left-to-right text: the marks that end their sentences
    stand where they begin."""
    written = [line.text for line in lines if line.rtl and len(line.text) > 1]
    before = sum(text[0] in _ENDING and text[-1] not in _ENDING for text in written)
    after = sum(text[-1] in _ENDING and text[0] not in _ENDING for text in written)
    return before >= _FEWEST_BEFORE and before > 2 * after


def _piece(text: str, word: Word) -> Piece:
    return Piece(text, word.left, word.base - DESCENT * word.size, word.right, word.base + ASCENT * word.size, word.turn)


def _directions(lines: Sequence[TextLine]) -> None:
    """Return the direction of each line: by its letters, or if they are mixed, as the line before it."""
    whole = mostly_rtl([word for line in lines for word in line.words])
    before = whole
    for line in lines:
        right = sum(word.letters[0] for word in line.words)
        left = sum(word.letters[1] for word in line.words)
        if right + left and max(right, left) >= 0.75 * (right + left):
            line.rtl = right > left
        else:
            line.rtl = before
        before = line.rtl
