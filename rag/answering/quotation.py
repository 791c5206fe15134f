"""Choose what is quoted for a piece of evidence: a part of the document that can be understood alone, and its context.

A sentence is quoted whole, an item with the line that introduces it, a row with the caption of its table; a line that introduces a list is
quoted with the list, and so is an item where all of them were asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from rag.answering.asked_value import asked_value, fitting_values, whole_values
from rag.answering.column_likeness import ColumnLikeness
from rag.answering.confidence import asks_for_time, asks_for_value
from rag.schema import Block, BlockKind, Document, Evidence, Span, join_context
from rag.text.folding import fold
from rag.text.sentences import sentences
from rag.text.words import content_stems, stems

Documents = Callable[[str], Document | None]
"""Returns the document of an id with its tree, None if it is gone."""

_LONGEST_SENTENCE = 420
"""Most characters of a sentence cut for search that is still quoted whole."""
_LONGEST_CELL = 80
"""Most characters of a value that is the answer as a whole."""
_LONGEST_MEMBER = 200
"""Most characters of the middle one of the items of a list."""
_MOST_ITEMS = 25
"""Most items of a list that are quoted."""
_MARKS = " \t\n.,;:!?\u2026\u060c\u061b\u061f\u06d4()[]{}\"'\u201c\u201d\u2018\u2019\u00ab\u00bb*_|·-–—"
_SEVERAL = 3
"""Items of one list among the best evidence that make the list the answer."""
_LONGEST_WORDS = 160
"""Most characters of direct words; more are a quotation."""
_LARGEST_SHARE = 0.8
"""The largest share of a quotation that its direct words may be; beyond it, the quotation is the answer."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """A part of a document to quote: `span`, or the `items` of a list, in order, that lie in it. `context` is its heading, caption or
    introduction, "" if it can be understood alone; `words` are those that answer, None if all do; `left_out` counts items beyond the
    longest list."""

    evidence: Evidence
    span: Span
    text: str
    items: tuple[str, ...] = ()
    context: str = ""
    words: Span | None = None
    left_out: int = 0

    @property
    def direct(self) -> str:
        """The words that answer, on one line; "" where all of them do."""
        if self.words is None:
            return ""
        return " ".join(self.text[self.words.start - self.span.start : self.words.end - self.span.start].split())


def quotation(
    evidence: Evidence,
    document: Document | None,
    question: str = "",
    found: Sequence[Evidence] = (),
    columns: ColumnLikeness | None = None,
) -> Quotation:
    """Return what to quote for a piece of evidence: all items of a list where the question asks for them, and of a row the value in the
    column that the question names.

    `found` is the best evidence: where several items of one list are in it, a question that may ask for several is answered by the list.
    Without the document, or where it has no tree, the evidence itself is quoted. With `columns`, a value that a reader found is the answer
    only if its column is the one most like the question.
    """
    passage = evidence.passage
    if document is None or evidence.span.end > len(document.text):
        return Quotation(
            evidence, evidence.span, evidence.text, context=evidence.lead, words=_direct(evidence, evidence.span, evidence.text)
        )
    at = _block_at(document.blocks, evidence.span.start)
    block = document.blocks[at] if at is not None else None
    if block is None or at is None:
        span = _whole_sentence(document.text, Span(passage.span.start, passage.span.end), evidence.span)
        return _single(evidence, document, span, "")
    if led := _led_by(document, at, evidence.span) or _followed_by(document, at, question):
        return _list(evidence, document, evidence.span.of(document.text), led)
    if block.kind is BlockKind.ITEM and _is_enumeration(document, siblings := _siblings(document.blocks, at)):
        several = may_ask_for_several(question) and (
            _held(siblings, evidence, found) >= _SEVERAL or _is_named(_above(evidence, document, block), question)
        )
        if several or asks_for_every(question):
            return _list(evidence, document, _above(evidence, document, block), siblings)
    if block.kind in (BlockKind.ITEM, BlockKind.ROW):
        span = block.span if len(block.span) <= _LONGEST_SENTENCE else evidence.span
        quoted = _single(evidence, document, span, _above(evidence, document, block))
        return replace(quoted, words=_value(document, block, question, quoted.words, columns)) if block.cells else quoted
    quoted = _single(evidence, document, _whole_sentence(document.text, block.span, evidence.span), _above_note(evidence, block))
    return _with_value(quoted, question)


def _with_value(quoted: Quotation, question: str) -> Quotation:
    """Return a quotation with the quantity or the time that its question asks for as the words that answer, where the reader chose a
    sentence that states only one, but not these words of it."""
    sentence = quoted.evidence.span
    if quoted.evidence.answers is None or (quoted.words is not None and fitting_values(question, quoted.direct)):
        return quoted
    inside = Span(max(sentence.start, quoted.span.start), min(sentence.end, quoted.span.end))
    value = asked_value(question, quoted.text[inside.start - quoted.span.start : inside.end - quoted.span.start])
    return quoted if value is None else replace(quoted, words=value.span.shifted(inside.start))


def _single(evidence: Evidence, document: Document, span: Span, context: str) -> Quotation:
    text = span.of(document.text)
    return Quotation(evidence, span, text, context=context, words=_direct(evidence, span, text))


def _value(document: Document, row: Block, question: str, words: Span | None, columns: ColumnLikeness | None) -> Span | None:
    """Return the value of a row that answers: that of the one column named in the question, else the one in which the reader found words.

    None where the words lie in several values or in a column's name, or where another column is more like the question.
    """
    table = document.tables[row.table] if row.table is not None else None
    asked = set(stems(question))
    named = [
        cell.span
        for cell in row.cells
        if table is not None
        and cell.column != table.header
        and cell.column < len(table.columns)
        and (name := set(stems(table.columns[cell.column])))
        and name <= asked
    ]
    if len(named) == 1:
        return named[0]
    touched = [cell.span for cell in row.cells if words is not None and cell.span.overlaps(words)]
    if words is None or len(touched) != 1:
        return None
    cell = touched[0]
    if len(cell) > _LONGEST_CELL:
        return Span(max(cell.start, words.start), min(cell.end, words.end))
    if columns is not None and table is not None:
        others = [one for one in row.cells if one.column != table.header and one.column < len(table.columns)]
        names, values = [table.columns[one.column] for one in others], [one.span.of(document.text) for one in others]
        if len(others) > 1 and others[columns.likest(names, values)].span != cell:
            return None
    return cell


def _list(evidence: Evidence, document: Document, introduction: str, items: Sequence[Block]) -> Quotation:
    shown = items[:_MOST_ITEMS]
    span = Span(min(evidence.span.start, shown[0].span.start), shown[-1].span.end)
    texts = tuple(" ".join(item.span.of(document.text).split()) for item in shown)
    return Quotation(evidence, span, span.of(document.text), texts, " ".join(introduction.split()), left_out=len(items) - len(shown))


def _block_at(blocks: Sequence[Block], offset: int) -> int | None:
    """Return the index of the block that holds an offset, None if none does."""
    at = bisect_right(blocks, offset, key=lambda block: block.span.start) - 1
    return at if at >= 0 and offset < blocks[at].span.end else None


def _led_by(document: Document, at: int, span: Span) -> list[Block]:
    """Return the items of the list that a sentence introduces: those after its block that name it as their lead."""
    block = document.blocks[at]
    found = []
    for other in document.blocks[at + 1 :]:
        if other.kind is not BlockKind.ITEM or other.lead is None or not other.lead.overlaps(block.span):
            break
        found.append(other)
    return found if found and found[0].lead is not None and (found[0].lead.overlaps(span) or span.end >= block.span.end) else []


def _followed_by(document: Document, at: int, question: str) -> list[Block]:
    """Return the items right after a paragraph that does not introduce them with a colon, where the question asks for several."""
    if document.blocks[at].kind is not BlockKind.PARAGRAPH or not (asks_for_every(question) or may_ask_for_several(question)):
        return []
    if at + 1 == len(document.blocks) or document.blocks[at + 1].kind is not BlockKind.ITEM or document.blocks[at + 1].lead is not None:
        return []
    items = _siblings(document.blocks, at + 1)
    return items if len(items) > 1 else []


def _siblings(blocks: Sequence[Block], at: int) -> list[Block]:
    """Return the items of the list that the item at an index belongs to."""
    item = blocks[at]

    def fits(other: Block) -> bool:
        return other.kind is BlockKind.ITEM and other.level == item.level and other.lead == item.lead

    first = end = at
    while first > 0 and fits(blocks[first - 1]):
        first -= 1
    while end < len(blocks) and fits(blocks[end]):
        end += 1
    return list(blocks[first:end])


def _is_enumeration(document: Document, items: Sequence[Block]) -> bool:
    """Return whether items are the members of a list, which may be explained after a colon; the clauses of a law are its text."""
    return len(items) > 1 and median(len(item.span.of(document.text).partition(":")[0]) for item in items) <= _LONGEST_MEMBER


def _held(items: Sequence[Block], evidence: Evidence, found: Sequence[Evidence]) -> int:
    """Return the number of items of a list that are among the evidence found."""
    own = [other.span for other in found if other.passage.document_id == evidence.passage.document_id]
    return sum(any(item.span.overlaps(span) for span in own) for item in items)


def _is_named(introduction: str, question: str) -> bool:
    """Return whether a question names at least half of what introduces a list: "We look at evidence:" for "What evidence …?"."""
    said = set(content_stems(introduction))
    return bool(said) and 2 * len(said & set(content_stems(question))) >= len(said)


def _above(evidence: Evidence, document: Document, block: Block) -> str:
    """Return the context of an item or row: its introduction or caption, else the last heading above it."""
    if block.lead is not None:
        return " ".join(block.lead.of(document.text).split())
    return join_context(evidence.passage.path[-1:])


def _above_note(evidence: Evidence, block: Block) -> str:
    return evidence.lead if block.kind is BlockKind.PARAGRAPH and block.lead is not None else ""


def _whole_sentence(text: str, within: Span, part: Span) -> Span:
    """Return the sentence that contains a part: search cuts a long one at its commas."""
    for sentence in sentences(within.of(text), longest=10**9):
        whole = Span(sentence.start + within.start, sentence.end + within.start)
        if whole.start <= part.start < whole.end:
            return whole if len(whole) <= _LONGEST_SENTENCE and whole.end >= part.end else _without_comma(text, part)
    return part


def _without_comma(text: str, part: Span) -> Span:
    """Return a part of a sentence without the mark at which search cut it."""
    return Span(part.start, part.start + len(part.of(text).rstrip(" ،,;:؛")))


def _direct(evidence: Evidence, span: Span, text: str) -> Span | None:
    """Return the words of a quotation that answer, without surrounding punctuation; None if they are most of it, or empty."""
    words = evidence.words
    if words is None or not (span.start <= words.start and words.end <= span.end):
        return None
    start, end = words.start - span.start, words.end - span.start
    while start < end and text[start] in _MARKS:
        start += 1
    while end > start and text[end - 1] in _MARKS and not _closes(text, start, end):
        end -= 1
    start, end = _balanced(text, start, end)
    whole = whole_values(text, Span(start, end))
    start, end = whole.start, whole.end
    found = text[start:end]
    if (
        len(found) > _LONGEST_WORDS
        or len(found) > _LARGEST_SHARE * len(text.strip())
        or not (content_stems(found) or any(character.isdigit() for character in found))
    ):
        return None
    return Span(span.start + start, span.start + end)


def _balanced(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a range extended by an adjacent bracket or quotation mark whose other half lies inside."""
    for opening, closing in ("()", "[]", "«»", "“”"):
        inside = text[start:end]
        if inside.count(closing) > inside.count(opening) and text[max(start - 1, 0) : start] == opening:
            start -= 1
        if inside.count(opening) > inside.count(closing) and text[end : end + 1] == closing:
            end += 1
    return start, end


def _closes(text: str, start: int, end: int) -> bool:
    """Return whether the last character of a range closes a bracket that the range opens."""
    return text[end - 1] in ")]}»" and {")": "(", "]": "[", "}": "{", "»": "«"}[text[end - 1]] in text[start:end]


_EVERY = re.compile(
    r"^(?:please |can you |could you )?(?:list|name|enumerate|mention|give (?:me )?(?:all|the list))\b"
    r"|\b(?:what|which|who) (?:are|were) |\b(?:all|every) (?:of )?the\b|\bwhich (?:\w+ )?\w+s\b"
    r"|(?:^|\s)(?:اذكر|اذكري|عدد|عددي|اسرد|سم|سمي|كل|جميع)\s|(?:^|\s)(?:ما|شو|شنو|ايش|ايه|وش) (?:هي|هن)(?:\s|$)"
    r"|(?:^|\s)(?:ما|من|مين) هم(?:\s|$)"
)
_MAY_BE_SEVERAL = re.compile(
    r"\bwhat (?:[a-z]+ )?(?:should|must|can|could|do|does|did|will|happens?|else|other)\b|\bhow (?:do|does|did|can|should|could)\b"
    r"|\bwhat (?:\w+ ){0,3}\w+s (?:are|do|does|must|should|can|did)\b"
    r"|(?<!\w)[وف]?(?:ماذا|كيف|ازاي|كيفاش|شلون)(?!\w)"
)
_WHETHER = re.compile(
    r"^(?:so |and |but |please )?(?!(?:can|could|will|would|do) you\b)"
    r"(?:is|are|was|were|am|do|does|did|can|could|has|have|had|will|would|should|may|might|must)(?:n't|nt)? "
    r"|(?:^|\s)(?:هل|وهل|فهل)\s(?!(?:يمكنك|يمكنكم|تستطيع|تعرف|تعلم|لك ان)(?:\s|$))"
)
"""Matches the wording of a question for yes or no, not of a polite request: "Can you list …?", «هل تعرف متى …؟»."""

_WHO = re.compile(r"\b(?:who|whom|whose|which (?:person|man|woman)|what(?: is|'s| was)? the names? of)\b")


def asks_whether(question: str) -> bool:
    """Return whether a question asks for yes or no, by its wording: a few words of a sentence don't answer it."""
    return _WHETHER.search(fold(question)) is not None


def asks_who(question: str) -> bool:
    """Return whether an English question asks for a person, by its wording."""
    return _WHO.search(fold(question)) is not None


def may_ask_for_several(question: str) -> bool:
    """Return whether a question, by its wording, may be answered by several items of a list: by no time and no number."""
    return _MAY_BE_SEVERAL.search(fold(question)) is not None and not asks_for_time(question) and not asks_for_value(question)


def asks_for_every(question: str) -> bool:
    """Return whether a question asks for all items of a list, by its wording; "When are all the offices open?" asks for a time."""
    return _EVERY.search(fold(question)) is not None and not asks_for_time(question) and not asks_for_value(question)
