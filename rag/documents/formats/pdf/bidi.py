"""Convert a line from drawing order to reading order, for lines that mix right-to-left and left-to-right.

The Unicode bidirectional algorithm (UAX 9) orders a text for display; this is its inverse. The characters of a line are given from left to
right as they are on paper. A line does not always determine its own order (a number next to a Latin word may belong before or after it);
then the reading that writers usually mean is chosen: «Volvo 13», "ISO 9001".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_RTL = frozenset(("R", "AL"))
_DIGITS = frozenset(("EN", "AN"))
_OPENING, _CLOSING = "([{«‹", ")]}»›"
_PAIR = {**dict(zip(_OPENING, _CLOSING, strict=True)), **dict(zip(_CLOSING, _OPENING, strict=True))}


@lru_cache(maxsize=8192)
def kind(character: str) -> str:
    """Return the bidirectional class of a character, "ON" if it has none."""
    return unicodedata.bidirectional(character) or "ON"


def is_rtl(character: str) -> bool:
    """Return whether a character is a letter of a right-to-left script."""
    return kind(character) in _RTL


def reading_order(drawn: Sequence[str], rtl: bool, gaps: Sequence[float] | None = None) -> list[int]:
    """Return the positions of `drawn` (characters of one line from left to right) in the order they are read.

    `rtl` is the direction of the paragraph. `gaps` holds the width of each space, in ems.
    """
    kinds = [kind(character) for character in drawn]
    order: list[int] = []
    numbers = _numbers(kinds)
    if rtl:
        groups = _groups(drawn, kinds, numbers, gaps)
        spans = [(start, end) for start, (end, _) in groups.items()]
        for start, end, left_to_right in reversed(_runs(kinds, spans, "L")):
            if start in groups and groups[start][0] == end:
                order += groups[start][1]
            else:
                order += range(start, end) if left_to_right else reversed(range(start, end))
        return order
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


@dataclass(slots=True)
class _Number:
    """A run of digits with the signs that touch it: positions of its characters in the order they are read."""

    start: int
    end: int
    digits: str
    order: list[int]
    plus_left: bool = False
    sign_right: bool = False


def _groups(
    drawn: Sequence[str], kinds: Sequence[str], numbers: Sequence[tuple[int, int]], gaps: Sequence[float] | None
) -> dict[int, tuple[int, list[int]]]:
    """Return the numbers of a right-to-left line with their signs, and groups of numbers that belong together, as
    {start: (end, positions in reading order)}.

    Paper does not say how a number came to stand as it does: "+966 50" may have been written from the left, "50 966+" from the right.
    What the groups look like decides: a plus sign stands before a number, thousands have three digits, a range ascends.
    """
    letters = any(k in _RTL for k in kinds)
    found = [_signed(drawn, kinds, a, b, letters) for a, b in numbers]
    groups: dict[int, tuple[int, list[int]]] = {}
    at = 0
    while at < len(found):
        last, joiner = at, ""
        while last + 1 < len(found) and found[last + 1].start - found[last].end == 1:
            between = found[last].end
            sign = drawn[between] if drawn[between] in _JOINERS else " " if drawn[between].isspace() else ""
            if not sign or (joiner and sign != joiner) or (sign == " " and gaps is not None and gaps[between] > _GROUP_GAP):
                break
            joiner, last = sign, last + 1
        chain = found[at : last + 1]
        if len(chain) > 1 and _is_left_to_right(chain, joiner, letters):
            order = [n for number in chain for n in (*number.order, number.end)][:-1]
            groups[chain[0].start] = (chain[-1].end, order)
        elif len(chain) > 1 and joiner != " ":
            order = [n for number in reversed(chain) for n in (*number.order, number.start - 1)][:-1]
            groups[chain[0].start] = (chain[-1].end, order)
        else:
            groups |= {number.start: (number.end, number.order) for number in chain}
        at = last + 1
    return groups


_JOINERS = frozenset("-–−")
_PLUS_MINUS = frozenset("+-−±")
_PER_CENT = frozenset("%٪‰")
_GROUP_GAP = 0.5


def _signed(drawn: Sequence[str], kinds: Sequence[str], start: int, end: int, letters: bool) -> _Number:
    """Return a number with the sign and the per cent sign that touch it on either side, read as sign, digits, per cent."""
    order = list(range(start, end))
    first, last = start, end
    number = _Number(start, end, "".join(drawn[start:end]), order)

    def is_free(n: int) -> bool:  # nothing but a space or a letter of the line's own script beyond
        return not 0 <= n < len(drawn) or drawn[n].isspace() or kinds[n] in _RTL or drawn[n] in "()،؛"

    tail: list[int] = []
    if last < len(drawn) and drawn[last] in _PER_CENT:
        tail, last = [last], last + 1
    elif first > 0 and drawn[first - 1] in _PER_CENT:
        tail, first = [first - 1], first - 1
    if first > 0 and drawn[first - 1] in _PLUS_MINUS and is_free(first - 2):
        minus = drawn[first - 1] != "+"
        opens_line = not any(not c.isspace() for c in drawn[last:])
        numbered = minus and letters and len(number.digits) <= 3 and not tail and opens_line
        first -= 1
        order = [*order, first] if numbered else [first, *order]
        number.plus_left = not minus
    elif last < len(drawn) and drawn[last] in _PLUS_MINUS and is_free(last + 1):
        order = [last, *order]
        last += 1
        number.sign_right = True
    number.start, number.end, number.order = first, last, order + tail
    return number


def _is_left_to_right(chain: Sequence[_Number], joiner: str, letters: bool) -> bool:
    """Return whether a group of numbers was written from left to right."""
    first, last = chain[0], chain[-1]
    if first.plus_left or last.sign_right:
        return first.plus_left
    texts = [number.digits for number in chain]
    if joiner == " ":
        if 1 <= len(texts[0]) <= 3 and texts[0].isdigit() and all(len(_whole(text)) == 3 for text in texts[1:]):
            return True
        if len(texts) < 3:
            return not letters and all(text.isdigit() for text in texts) and texts[0].startswith("0")
    if joiner != " " and _is_date(texts):
        return len(texts[0]) == 4  # as drawn, or the same date reversed
    starts, ends = texts[0].startswith(("0", "٠")), texts[-1].startswith(("0", "٠"))
    if starts != ends and all(text.isdigit() for text in texts):
        return starts
    if starts and len(texts[0]) != len(texts[-1]):
        return len(texts[0]) < len(texts[-1])
    if len(texts) == 2 and joiner != " " and all(text.isdigit() for text in texts):
        return int(texts[0]) <= int(texts[1])
    return not letters


def _whole(text: str) -> str:
    return text.replace(".", ",").split(",")[0]


def _is_date(texts: Sequence[str]) -> bool:
    return len(texts) == 3 and sorted(len(text) for text in texts)[1:] == [2, 4] and len(texts[1]) == 2


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
    """Return a right-to-left line cut into [start, end) with whether it is read from left to right: Latin words with the numbers and signs
    between them, and numbers on their own."""
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
    """Return a left-to-right line cut into [start, end) with whether it is read from right to left: from one right-to-left letter to the
    last before the next Latin one."""
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
    """Return a text in reading order whose brackets and «quotation marks» open before and close after what they enclose.

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
