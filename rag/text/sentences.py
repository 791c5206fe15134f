"""Sentence boundaries of Arabic and English, as spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.schema import Span

if TYPE_CHECKING:
    pass
from rag.text.folding import ARABIC_LETTER

_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof sr jr st vs etc eg ie e.g i.e no nos vol art sec fig al inc ltd co corp dept est approx jan feb mar apr
    jun jul aug sep sept oct nov dec u.s u.k u.n a.m p.m gen col lt sgt rev hon د ا أ م ص ج هـ ق.م ت ط تحقيق أ.د""".split()
)
_CLOSERS = "\"'\u201d\u2019\u00bb)]}\u203a"
_TERMINAL = re.compile("(?:\\.{3,}|[.!?\u2026\u061f\u061b\u06d4])+[" + re.escape(_CLOSERS) + "]*")
_ITEM = re.compile("\\s*(?:[-*+#>|\u2022]|\\d{1,3}[.)])")
_CLAUSE = re.compile("[،,;:\u2014\u2013]\\s+|(?<!\\s)\\s+[\u2014\u2013-]\\s+")
_LAST_WORD = re.compile(r"\S+$")


def _ends_sentence(text: str, match: re.Match[str], last: int) -> bool:
    """Whether the marks at `match` end a sentence, not an abbreviation, an initial, a decimal, a version or a list number.

    `last` is where the text ends but for white space.
    """
    after = text[match.end() : match.end() + 1]
    if after and not after.isspace():
        # «؟» and «؛» often touch the next word in Arabic print; a full stop inside a token (3.5, U.S., x.com) does not end it,
        # unless it glues two Arabic words.
        return match.group()[0] in "\u061f\u061b\u06d4!?\u2026" or (
            ARABIC_LETTER.match(after) is not None and ARABIC_LETTER.match(text[match.start() - 1 : match.start()]) is not None
        )
    if match.group()[0] != "." or len(match.group().rstrip(_CLOSERS)) > 1:
        # Trailing dots in mid-sentence: "Then … it stopped" goes on in lower case.
        trailing = match.group()[0] in ".\u2026"
        return not (trailing and re.match(r"\s+[a-z]", text[match.end() : match.end() + 8]))
    before = _LAST_WORD.search(text, max(0, match.start() - 24), match.start())
    word = before.group().lstrip("([{\"'«\u201c\u2018") if before else ""
    if word.casefold() in _ABBREVIATIONS:
        # «د. سارة» and «Dr. Sara» go on; «… etc.» at the end of a paragraph does not.
        return match.end() >= last
    if len(word) == 1 and word.isalpha() and not ARABIC_LETTER.match(word) and word not in "I":
        return match.end() >= last
    # "1." or «١.» that opens a line numbers the item that follows.
    opens_line = text.rfind("\n", 0, match.start()) + 1
    return not (word.isdigit() and len(word) <= 3 and text[opens_line : match.start()].strip() == word)


def _line_ends(text: str) -> list[int]:
    """Where a line's end is a sentence's end: everywhere but where the text was wrapped to a width.

    A line was wrapped when the next line's first word would not have fitted in the longest line of the block, and most lines
    of the block were.
    """
    ends: list[int] = []
    for offset, lines in _blocks(text):
        width = max(len(line.rstrip()) for line in lines)
        hard: list[int] = []
        breaks: list[int] = []
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            offset += len(line)
            word = following.split(maxsplit=1)[:1]
            wrapped = (
                45 <= width <= 130
                and word
                and not _ITEM.match(following)
                and not line.startswith("#")
                and len(line.rstrip()) + 1 + len(word[0]) > width
            )
            if not wrapped:
                hard.append(offset)
            breaks.append(offset)
            offset += 1
        # In a list or a table the longest line looks wrapped, but most lines end where they like.
        ends += hard if 2 * (len(hard) - 1) < len(lines) - 1 else breaks
    return ends


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines between blank ones, each block with its offset."""
    lines: list[str] = []
    offset = start = 0
    for line in [*text.split("\n"), ""]:
        if line.strip():
            start = start if lines else offset
            lines.append(line)
        elif lines:
            yield start, lines
            lines = []
        offset += len(line) + 1


def _trimmed(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if end > start else None


def _clauses(text: str, span: Span, longest: int) -> list[Span]:
    """Cut a sentence that runs on at clause marks, then at spaces, into parts of at most about `longest` characters."""
    if len(span) <= longest:
        return [span]
    # The mark nearest the middle, so that no part is a fragment; a part under a quarter of the limit proves nothing alone.
    middle, least = (span.start + span.end) / 2, longest // 4
    cuts = [m.end() for m in _CLAUSE.finditer(text, span.start + least, span.end - least)]
    if not cuts and len(span) > 2 * longest:
        cuts = [m.end() for m in re.finditer(r"\s+", text[span.start : span.end])]
        cuts = [span.start + cut for cut in cuts if least <= cut <= len(span) - least]
        cuts = cuts or [span.start + len(span) // 2]  # one word of hundreds of characters
    if not cuts:
        return [span]
    cut = min(cuts, key=lambda c: abs(c - middle))
    parts = []
    for start, end in ((span.start, cut), (cut, span.end)):
        part = _trimmed(text, start, end)
        parts += _clauses(text, part, longest) if part else []
    return parts


def sentences(text: str, longest: int = 280) -> list[Span]:
    """The sentences of a text as spans, without the white space between them.

    Boundaries are `. ! ? … ؟ ؛ ۔` with the quotes that close after them, and line ends; not abbreviations, initials,
    decimals and list numbers. A sentence longer than `longest` characters is cut at clause marks.
    """
    last = len(text.rstrip())
    ends: set[int] = {match.end() for match in _TERMINAL.finditer(text) if _ends_sentence(text, match, last)}
    ends.update(_line_ends(text))
    ends.add(len(text))
    found: list[Span] = []
    start = 0
    for end in sorted(ends):
        span = _trimmed(text, start, end)
        if span and found and not any(character.isalnum() for character in span.of(text)):
            # A rule, a lone mark: nothing that could be quoted as evidence.
            found[-1:] = _clauses(text, Span(found[-1].start, span.end), longest)
        elif span:
            found += _clauses(text, span, longest)
        start = end
    return found
