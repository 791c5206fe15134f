"""Plain text: the lists, headings and paragraphs that its lines show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.documents.formats.decoding import decode
from rag.documents.tree import Content, Limits
from rag.schema import Block, BlockKind, Span
from rag.text.folding import nfc
from rag.text.sentences import BULLETS

_SIGNS = re.escape(BULLETS) + "+–"
_ITEM = re.compile(rf"(?:[{_SIGNS}]|\(?\d{{1,3}}[.)\-]|\(?[a-zA-Zأ-ي][.)\-]|[①-⑳])\s+\S")
_BULLET = re.compile(rf"[{_SIGNS}]\s+")
_LONGEST_LEAD = 400
_LONGEST_HEADING = 80
_HEADING_WORDS = 10
_LEAST_BELOW = 60
"""Fewest characters of the text below a heading that has no mark of its own."""


def read_text(data: bytes, name: str, limits: Limits) -> Content:
    """Return a plain text as it is, with the lists, headings and paragraphs that its lines show."""
    text = nfc(decode(data, name))
    return Content(text, blocks=tuple(_blocks(text)))


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of lines between blank ones, with its position."""

    lines: tuple[Span, ...]

    @property
    def span(self) -> Span:
        return Span(self.lines[0].start, self.lines[-1].end)


def _runs(text: str) -> list[_Run]:
    runs: list[list[Span]] = [[]]
    for match in re.finditer(r"[^\n]*\n?", text):
        line = match[0].strip()
        if line:
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            runs[-1].append(Span(start, start + len(line)))
        elif match[0] and runs[-1]:
            runs.append([])
    return [_Run(tuple(lines)) for lines in runs if lines]


def _blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a plain text: items of lists with the line that introduces them, headings, and paragraphs."""
    runs = _runs(text)
    lead: Span | None = None  # for the open list, or the one that may begin
    for at, run in enumerate(runs):
        following = runs[at + 1] if at + 1 < len(runs) else None
        if at and _is_heading(text, run, following):
            yield Block(BlockKind.HEADING, run.span, 2)
            lead = None
            continue
        items = [number for number, line in enumerate(run.lines) if _ITEM.match(line.of(text))]
        if len(items) < 2 and not (items == [0] and (_follows_item(text, runs, at) or lead is not None)):
            yield Block(BlockKind.PARAGRAPH, run.span)
            lead = _introduction(text, run.lines[-1], run)
            continue
        if items[0]:
            before = Span(run.lines[0].start, run.lines[items[0] - 1].end)
            yield Block(BlockKind.PARAGRAPH, before)
            lead = _introduction(text, run.lines[items[0] - 1], _Run(run.lines[: items[0]]))
        for first, last in zip(items, [*items[1:], len(run.lines)], strict=True):
            line = run.lines[first]
            bullet = _BULLET.match(line.of(text))
            start = line.start + (bullet.end() if bullet else 0)
            yield Block(BlockKind.ITEM, Span(start, run.lines[last - 1].end), lead=lead)


def _follows_item(text: str, runs: Sequence[_Run], at: int) -> bool:
    """Return whether the next run begins with an item too: items with blank lines between them."""
    return at + 1 < len(runs) and _ITEM.match(runs[at + 1].lines[0].of(text)) is not None


def _introduction(text: str, line: Span, run: _Run) -> Span | None:
    """Return the span of a line that introduces a list; the whole run where that is short, so that it is a block of the document."""
    return run.span if line.of(text).endswith((":", "：", "?", "؟")) and len(run.span) <= _LONGEST_LEAD else None


def _is_heading(text: str, run: _Run, following: _Run | None) -> bool:
    """Return whether a line that stands alone is a heading: short, without a punctuation mark at its end, above a longer text."""
    only, *others = run.lines
    if others or following is None:
        return False
    line = only.of(text)
    if len(line) > _LONGEST_HEADING or line[-1] in '.!?…؟؛:،,;"»”)' or _ITEM.match(line) or not any(map(str.isalpha, line)):
        return False
    if len(line.split()) > _HEADING_WORDS:
        return False
    below = following.span.of(text)
    return len(following.lines) > 1 or len(below) >= max(2 * len(line), _LEAST_BELOW)
