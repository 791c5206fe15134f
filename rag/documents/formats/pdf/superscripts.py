"""Superscripts in PDF: a power stays with its unit, the number of a note is set apart in brackets.

A superscript is recognised by its position and size alone. The superscripts that DOCX and HTML mark are `formats.markup_superscripts`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from statistics import median

from rag.documents.formats.pdf.bidi import is_rtl, kind
from rag.documents.formats.pdf.glyphs import WORD_GAP, Glyph

SMALLER = 0.85
"""Times the line's size: a superscript is smaller."""
MOVED = "\x01"
"""Placeholder for a superscript."""
SPACE = "\x00"
"""A space inside one word, until the line has been ordered."""
_RISE = 0.15
_POWERS = {**dict(zip("0123456789-−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺", strict=True)), "n": "ⁿ"}
_DIGITS = {raised: plain for plain, raised in zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)}
_UNITS = frozenset("m km cm mm dm nm µm μm ft in mi yd s sec h kg ha م كم سم مم ملم متر دسم كلم قدم ث".split())
_ORDINALS = frozenset("eoaº")


def mark_superscripts(row: list[Glyph]) -> None:
    """Distinguish raised digits from digits: a power stays with its unit, a note's number is set apart in brackets."""
    if len({(glyph.size, glyph.base) for glyph in row}) == 1 and not any(glyph.text in _DIGITS for glyph in row):
        return
    sizes: dict[float, float] = {}
    for glyph in row:
        if not glyph.text.isspace():
            sizes[round(glyph.size, 1)] = sizes.get(round(glyph.size, 1), 0.0) + max(0.1, glyph.right - glyph.left)
    if not sizes:
        return
    of_line = max(sizes, key=lambda size: sizes[size] * size)
    bases = [glyph.base for glyph in row if abs(glyph.size - of_line) <= 0.1 * of_line]
    base = median(bases) if bases else row[0].base
    at = 0
    while at < len(row):
        if not _is_raised(row[at], base, of_line):
            at += 1
            continue
        end = at + 1
        while end < len(row) and _is_raised(row[end], base, of_line) and row[end].left - row[end - 1].right < 0.3 * row[end].size:
            end += 1
        _settle(row, at, end, of_line)
        at = end


def _is_raised(glyph: Glyph, base: float, size: float) -> bool:
    return glyph.text in _DIGITS or (
        glyph.size < SMALLER * size and glyph.base - base > _RISE * size and not glyph.text.isspace() and glyph.text not in "°*"
    )


def _settle(row: list[Glyph], at: int, end: int, size: float) -> None:
    """Attach superscripts to the character they belong to, as a power or as the number of a note."""
    text = "".join(_DIGITS.get(glyph.text, glyph.text) for glyph in row[at:end])
    left = next((n for n in range(at - 1, -1, -1) if row[n].text and not row[n].text.isspace()), None)
    right = next((n for n in range(end, len(row)) if not row[n].text.isspace()), None)
    near_left = left is not None and row[at].left - row[left].right < 0.25 * size
    near_right = right is not None and row[right].left - row[end - 1].right < 0.25 * size
    if right is not None and near_right and row[right].text in "/⁄":
        return  # a fraction
    owner: int | None = None
    if right is not None and near_right and (is_rtl(row[right].text[0]) or (not row[right].text[0].isalpha() and _is_rtl_row(row))):
        owner = right
    if left is not None and near_left and (row[left].text[0].isdigit() or kind(row[left].text[0]) == "L" or owner is None):
        owner = left if not is_rtl(row[left].text[0]) else owner
    word = _word_at(row, owner) if owner is not None else ""
    digits = text.strip("()[]").replace("،", ",")
    if owner is None and not (all(c.isdigit() for c in digits) and _opens_note(row, at, end, size)):
        return
    if owner is not None and owner == right and row[owner].text.isdigit():  # after the whole number, not inside it
        while owner + 1 < len(row) and (row[owner + 1].text.isdigit() or (row[owner + 1].text in ",.٫٬" and owner + 2 < len(row))):
            owner += 1
    if all(c in _POWERS for c in text) and _takes_power(word, text):
        added = "".join(_POWERS[c] for c in text)
    elif digits and (all(c.isdigit() or c in ",-–" for c in digits) or _is_letter_of_note(digits, word)):
        added = f"{SPACE}[{digits}]"
    else:
        return
    box = row[at:end]
    for glyph in box:
        glyph.text = "" if owner == left else MOVED
    if owner is None:  # the number of a note, before its text
        box[0].text, box[0].right, box[0].size = added.strip(SPACE), box[-1].right, size
    else:
        row[owner].text += added


def _is_letter_of_note(text: str, word: str) -> bool:
    return len(text) == 1 and text.isalpha() and (text == "a" or text not in _ORDINALS) and word[-1:].isalnum()


def _opens_note(row: Sequence[Glyph], at: int, end: int, size: float) -> bool:
    """Return whether a superscript comes first in a row, before a letter."""
    if _is_rtl_row(row):
        before, following = row[end:], row[at - 1 :: -1] if at else []
    else:
        before, following = row[:at], row[end:]
    nearest = next((glyph for glyph in following if glyph.text.strip()), None)
    ahead = next((glyph for glyph in (before if _is_rtl_row(row) else reversed(before)) if glyph.text.strip()), None)
    if nearest is None or (ahead is not None and ahead.text not in "—–|•·"):
        return False
    return nearest.text[0].isalpha() and _gap(nearest, row[at]) < 1.5 * size


def _word_at(row: Sequence[Glyph], owner: int) -> str:
    """Return the letters or digits that a superscript is attached to, in reading order."""
    first = row[owner]
    step = 1 if is_rtl(first.text[0]) else -1
    found, at = "", owner
    while 0 <= at < len(row) and row[at].text.strip() and (at == owner or _gap(row[at], row[at - step]) < WORD_GAP * first.size):
        found = row[at].text + found
        at += step
        if not 0 <= at < len(row) or kind((row[at].text or " ")[0]) != kind(first.text[0]):
            break
    return found


def is_note_label(text: str) -> bool:
    """Return whether a glyph is the number of a note, before its text."""
    return len(text) > 2 and text[0] == "["


def _is_rtl_row(row: Sequence[Glyph]) -> bool:
    right = sum(is_rtl(glyph.text[0]) for glyph in row if glyph.text)
    return right * 2 > sum(glyph.text[:1].isalpha() for glyph in row)


def _gap(a: Glyph, b: Glyph) -> float:
    return max(a.left, b.left) - min(a.right, b.right)


def _takes_power(word: str, power: str) -> bool:
    """Return whether a raised number after a word is a power: of a unit, of ten, of a variable of one letter."""
    bare = "".join(c for c in word if unicodedata.category(c) != "Mn")
    if not bare:
        return False
    if bare in _UNITS:
        return power.lstrip("-−+") in ("1", "2", "3", "4")
    if bare == "10":
        return True
    return power in ("2", "3", "-1", "−1", "n") and len(bare) == 1 and bare.isascii() and bare.isalpha()
