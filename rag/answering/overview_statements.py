"""The parts of a document that can be quoted alone: whole sentences, list items and table rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rag.schema import Block, BlockKind, Document, Passage, Span, join_context
from rag.text.folding import fold
from rag.text.language import script
from rag.text.numbers import Value, find_values
from rag.text.self_contained import is_self_contained
from rag.text.sentences import sentences

_SHORTEST, _LONGEST = 12, 560
"""Least and most characters of a statement."""
_FULL_LINE = 60
"""Characters of a paragraph that is a line of running text rather than a title."""
_FINAL = '.!?؟…:؛۔»”")]}'
_ASIDE = re.compile(
    r"(?:\d[\d.]* )?(?:references?|bibliography|works cited|notes?|footnotes|see also|external links|further reading|contents|"
    r"table of contents|acknowledge?ments?|index|contact(?: us| information)?|about (?:us|the authors?)|copyright|licen[cs]e|"
    r"(?:ال)?مراجع|(?:ال)?مصادر|(?:ال)?هوامش|(?:ال)?محتويات|(?:ال)?فهرس|شكر(?: و\w+)?|وصلات خارجيه|انظر ايضا|للتواصل|اتصل بنا)(?: .{0,20})?"
)
"""Headings, folded, of sections that are not about the document's subject."""


@dataclass(frozen=True)
class Statement:
    """A sentence, item or row: `text == span.of(document.text)`. `passage` holds its beginning; `parts` are the sentences of passages
    that search cut it into, as (id of the passage, number of the sentence).

    `section` are the two outermost headings above it, `opens` marks the first statement below a heading, `is_prose` and `is_row`
    running text and rows of tables, `is_point` running text that can be read alone. `context` is its introduction, caption or heading, ""
    for prose.
    """

    span: Span
    text: str
    passage: Passage
    parts: tuple[tuple[int, int], ...]
    section: tuple[str, ...]
    is_point: bool
    is_prose: bool
    is_row: bool
    opens: bool = False
    context: str = ""

    @property
    def stands_alone(self) -> bool:
        """Whether it can be quoted with nothing but its context; a row of a table needs the names of its columns."""
        return self.is_point or (": " in self.text if self.is_row else bool(self.context) and not self.is_prose)

    @property
    def says_something(self) -> bool:
        """Whether it is more than a rule or a lone mark: the fallback for documents with nothing better."""
        letters = sum(character.isalpha() for character in self.text)
        return len(self.text.split()) > 2 and letters * 2 >= len(self.text) and not self.text.startswith("(")

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """The numbers, amounts and dates that it states, with spans in its text."""
        return tuple(find_values(self.text)) if any(character.isdigit() for character in self.text) else ()


def statements(document: Document, passages: Sequence[Passage]) -> list[Statement]:
    """Return the statements of a document in order."""
    places = [(span, passage, number) for passage in passages for number, span in enumerate(passage.sentences)]
    found: list[Statement] = []
    section: tuple[str, ...] | None = None
    at = 0
    for block, span in _candidates(document):
        while at < len(places) and places[at][0].end <= span.start:
            at += 1
        inside = []
        for place, passage, number in places[at:]:
            if place.start >= span.end:
                break
            inside.append((passage, number))
        if not inside:
            continue
        statement = _statement(document, block, span, inside, section)
        if statement is not None:
            section = statement.passage.path
            found.append(statement)
    return found


def _candidates(document: Document) -> Iterator[tuple[Block | None, Span]]:
    """Yield the quotable blocks of a document, running text sentence by sentence, long sentences whole even if search cut them."""
    blocks: Sequence[Block | None] = document.blocks or (None,)
    for number, block in enumerate(blocks):
        span = block.span if block is not None else Span(0, len(document.text))
        if block is None or block.kind is BlockKind.PARAGRAPH:
            for part in sentences(span.of(document.text), longest=10**9):
                if part.start or not _goes_on(document, blocks[number - 1] if number else None):
                    yield block, Span(part.start + span.start, part.end + span.start)
        elif block.kind in (BlockKind.ITEM, BlockKind.ROW):
            yield block, span


def _goes_on(document: Document, before: Block | None) -> bool:
    """Return whether an Arabic paragraph is the rest of a line that a PDF broke: the block before it is long and has no final
    punctuation."""
    if before is None or before.kind is not BlockKind.PARAGRAPH or len(before.span) < _FULL_LINE:
        return False
    text = before.span.of(document.text).rstrip()
    return script(text) == "ar" and text[-1] not in _FINAL


def _statement(
    document: Document, block: Block | None, span: Span, inside: Sequence[tuple[Passage, int]], before: tuple[str, ...] | None
) -> Statement | None:
    """Return a candidate as a statement, or None if it can't be quoted alone."""
    text, passage = span.of(document.text), inside[0][0]
    if not _SHORTEST <= len(text) <= _LONGEST or any(_ASIDE.fullmatch(" ".join(fold(label).split())) for label in passage.path):
        return None
    prose = block is None or block.kind is BlockKind.PARAGRAPH
    context = "" if prose or block is None else context_above(document, block, passage)
    parts = tuple((owner.id, number) for owner, number in inside)
    is_row = block is not None and block.kind is BlockKind.ROW
    is_point = prose and is_self_contained(text)
    return Statement(span, text, passage, parts, passage.path[:2], is_point, prose, is_row, passage.path != before, context)


def context_above(document: Document, block: Block, passage: Passage) -> str:
    """Return the introduction or caption of an item or row, else the last heading above it."""
    if block.lead is not None:
        return " ".join(block.lead.of(document.text).split())
    return join_context(passage.path[-1:])
