"""From the order in which a line is drawn to the order in which it is read, for lines that mix right-to-left and left-to-right.

The Unicode bidirectional algorithm (UAX 9) orders a text for display. Here it is undone: the signs of a line are given from left
to right as they stand on paper. What a line says of its own order is not always enough (a number beside a Latin word may belong
before or after it); then the reading that writers mean is taken: «Volvo 13», "ISO 9001".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_RTL = frozenset(("R", "AL"))
_DIGITS = frozenset(("EN", "AN"))
_OPENING, _CLOSING = "([{«‹", ")]}»›"
_PAIR = {**dict(zip(_OPENING, _CLOSING, strict=True)), **dict(zip(_CLOSING, _OPENING, strict=True))}


@lru_cache(maxsize=8192)
def kind(character: str) -> str:
    """The bidirectional class of a character, "ON" where it has none."""
    return unicodedata.bidirectional(character) or "ON"


def is_rtl(character: str) -> bool:
    """Whether a character is a letter of a script that is written from right to left."""
    return kind(character) in _RTL


def reading_order(drawn: Sequence[str], rtl: bool) -> list[int]:
    """The positions of `drawn` (characters of one line from left to right) in the order they are read.

    `rtl` is the direction of the paragraph.
    """
    kinds = [kind(character) for character in drawn]
    order: list[int] = []
    if rtl:
        for start, end, left_to_right in reversed(_runs(kinds, _numbers(kinds), "L")):
            order += range(start, end) if left_to_right else reversed(range(start, end))
        return order
    numbers = _numbers(kinds)
    for start, end, right_to_left in _rtl_runs(kinds):
        if not right_to_left:
            order += range(start, end)
            continue
        inner = [(a, b) for a, b in numbers if start <= a and b <= end]
        at = end
        for a, b in reversed(inner):
            order += reversed(range(b, at))
            order += range(a, b)
            at = a
        order += reversed(range(start, at))
    return order


def _numbers(kinds: Sequence[str]) -> list[tuple[int, int]]:
    """Runs of digits, with one separator (`.`, `,`, `:`, `/`) between two of them, as [start, end)."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(kinds):
        if kinds[at] not in _DIGITS:
            at += 1
            continue
        end = at + 1
        while end < len(kinds) and (
            kinds[end] in _DIGITS
            or (kinds[end] == "CS" and end + 1 < len(kinds) and kinds[end + 1] in _DIGITS and kinds[end - 1] in _DIGITS)
        ):
            end += 1
        found.append((at, end))
        at = end
    return found


def _runs(kinds: Sequence[str], numbers: Sequence[tuple[int, int]], strong: str) -> list[tuple[int, int, bool]]:
    """A right-to-left line cut into [start, end) with whether it is read from left to right: Latin words with the numbers and
    signs between them, and numbers on their own."""
    starts = dict(numbers)
    runs: list[tuple[int, int, bool]] = []
    at = 0
    while at < len(kinds):
        if kinds[at] != strong and at not in starts:
            runs.append((at, at + 1, False))
            at += 1
            continue
        end = last = at
        has_letter = False
        while end < len(kinds) and kinds[end] not in _RTL:
            if kinds[end] == strong:
                has_letter = True
                last = end = end + 1
            elif end in starts:
                last = end = starts[end]
            else:
                end += 1
        if has_letter:
            # A sign of measure that touches the last number belongs to it: "Volvo 35%".
            while last < len(kinds) and kinds[last] == "ET" and kinds[last - 1] in (*_DIGITS, "ET"):
                last += 1
            # A word cut at its hyphen where the line ends: "IMO-" and then "SOLAS".
            if at == 0 and last + 1 < len(kinds) and kinds[last] == "ES" and kinds[last + 1] == "WS":
                last += 1
            runs.append((at, last, True))
            at = last
        else:
            runs.append((at, starts[at], True))
            at = starts[at]
    return runs


def _rtl_runs(kinds: Sequence[str]) -> list[tuple[int, int, bool]]:
    """A left-to-right line cut into [start, end) with whether it is read from right to left: from one right-to-left letter to
    the last before the next Latin one."""
    runs: list[tuple[int, int, bool]] = []
    at = 0
    while at < len(kinds):
        if kinds[at] not in _RTL:
            runs.append((at, at + 1, False))
            at += 1
            continue
        end = last = at
        while end < len(kinds) and kinds[end] != "L":
            end += 1
            if kinds[end - 1] in _RTL:
                last = end
        runs.append((at, last, True))
        at = last
    return runs


def with_brackets(text: str) -> str:
    """A text in reading order whose brackets and «quotation marks» open before and close after what they stand around.

    A font draws `(` in right-to-left text with the shape of `)`, and files differ in which of the two they name.
    """
    found = list(text)
    depth: list[int] = []
    for at, character in enumerate(found):
        if character not in _PAIR:
            continue
        before = found[at - 1] if at else " "
        after = found[at + 1] if at + 1 < len(found) else " "
        opens_here = before.isspace() or before in _OPENING
        closes_here = after.isspace() or after in _CLOSING or (not after.isalnum() and after not in _PAIR)
        opening = character if character in _OPENING else _PAIR[character]
        open_before = any(found[n] == opening for n in depth)
        if opens_here and not closes_here:
            should_open = True
        elif closes_here and not opens_here:
            should_open = False
        else:
            should_open = not open_before
        found[at] = opening if should_open else _PAIR[opening]
        if should_open:
            depth.append(at)
        elif open_before:
            while depth and found[depth.pop()] != opening:
                pass
    return "".join(found)
