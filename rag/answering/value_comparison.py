"""Comparisons of two things by values that sentences state: "Which is older, the library or the museum?", «أيهما أرخص: أ أم ب؟».

Each value is looked for with a question of its own; both have to be answered with certainty, by a sentence that names the thing, in values
that compare. Both sentences are quoted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from rag.answering.citations import cite
from rag.answering.compared_pair import TIME, ComparedPair, compared_pair
from rag.answering.inquiry import Inquiry
from rag.answering.quotation import Quotation
from rag.answering.table_wording import group_keys, name_keys
from rag.messages import say
from rag.schema import Answer, Citation, Hit, Span, Status
from rag.text.names import unmatched_names
from rag.text.numbers import Bound, Kind, Value, find_values
from rag.text.numbers.lexicon import UNITS
from rag.text.words import content_stems

Quote = Callable[[str], Quotation | None]
"""Returns what answers a question with certainty, None if nothing does."""

_EVENTS = tuple(group_keys(frozenset((name,))) for name in ("founded", "built", "opened", "published", "birth"))


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    quoted: Quotation
    words: Span
    worth: Decimal
    family: str
    events: frozenset[int]


def comparison_answer(inquiry: Inquiry, quote: Quote) -> Answer | None:
    """Return which of two things has the greater value, by two quotations; None unless both values are certain and compare."""
    pair = compared_pair(inquiry.query.text)
    if pair is None:
        return None
    for facets, *asked in pair.questions(inquiry.language == "ar"):
        found = []
        for thing, other, question in zip((pair.one, pair.other), (pair.other, pair.one), asked, strict=True):
            quoted = quote(question)
            one = _value_of(thing.name, other.name, quoted, facets) if quoted is not None else None
            if one is None:
                break
            found.append(one)
        if len(found) == 2 and _compare(found[0], found[1]):
            return _written(inquiry, pair, found[0], found[1], facets)
    return None


def _value_of(name: str, other: str, quoted: Quotation, facets: frozenset[str]) -> _Found | None:
    """Return the value that a quotation gives to a thing; None unless it names the thing and not the other one, and the words that answer,
    or all of it, hold one exact value."""
    if quoted.items:
        return None
    around = f"{quoted.text} {quoted.context}"
    if not set(content_stems(name)) <= set(content_stems(around)) or unmatched_names(name, around):
        return None
    if set(content_stems(other)) - set(content_stems(name)) <= set(content_stems(quoted.text)):
        return None  # whose value it is, is open
    asked = quoted.words or quoted.span
    start, end = asked.start - quoted.span.start, asked.end - quoted.span.start
    inside = [value for value in find_values(quoted.text) if start <= value.span.start and value.span.end <= end]
    if len(inside) != 1:
        return None
    value = inside[0]
    worth = _worth(value, is_time=bool(facets) and facets <= TIME)
    if worth is None:
        return None
    keys = [keys for word in quoted.text.split() for keys in name_keys(word)]
    events = frozenset(number for number, own in enumerate(_EVENTS) if any(own & key for key in keys))
    words = Span(quoted.span.start + value.span.start, quoted.span.start + value.span.end)
    return _Found(name, quoted, words, worth[0], worth[1], events)


def _worth(value: Value, *, is_time: bool) -> tuple[Decimal, str] | None:
    """Return what orders a value, and what it can be compared with: its unit's family, or how exact a date is."""
    if value.bound is not Bound.EXACT or value.high is not None or value.also:
        return None
    if is_time:
        if value.date is not None and len(value.dates) == 1 and value.date.year is not None:
            date = value.date
            return Decimal(date.year or 0), f"{'hijri' if date.hijri else 'year'}"
        if value.kind is Kind.NUMBER and not value.unit and value.number is not None and 1000 <= value.number <= 2200:
            return value.number, "year"
        return None
    if value.number is None or value.kind not in (Kind.AMOUNT, Kind.MEASURE, Kind.NUMBER):
        return None
    unit = UNITS.get(value.unit)
    if unit is not None and unit.worth is not None and unit.family:
        return value.number * unit.worth, unit.family
    return value.number, value.unit or "number"


def _compare(one: _Found, other: _Found) -> bool:
    """Return whether two values compare, and differ: of one family, of the same event where they are dates, not the same words."""
    if one.family != other.family or one.worth == other.worth:
        return False
    if one.family in ("year", "hijri") and not one.events & other.events:
        return False
    return (one.quoted.evidence.passage.document_id, one.words) != (other.quoted.evidence.passage.document_id, other.words)


def _written(inquiry: Inquiry, pair: ComparedPair, one: _Found, other: _Found, facets: frozenset[str]) -> Answer:
    turned = bool(facets & pair.adjective.reversed) and not facets - pair.adjective.reversed
    direction = -pair.adjective.direction if turned else pair.adjective.direction
    gap = direction * (one.worth - other.worth)
    text = ""
    if pair.whether:
        text = say("answer.table_yes" if gap > 0 else "answer.table_no", inquiry.language) + "\n"
    order = (one, other) if pair.whether or gap > 0 else (other, one)
    citations: list[Citation] = []
    for number, found in enumerate(order, start=inquiry.number):
        quote = " ".join(found.quoted.text.split())
        text += f"{found.name}: "
        claim = Span(len(text), len(text) + len(quote))
        text += f"{quote} [{number}]\n"
        cited = cite(number, found.quoted.evidence, claim)
        citations.append(replace(cited, span=found.quoted.span, quote=found.quoted.text, words=found.words, context=found.quoted.context))
    text += say("answer.values_compared", inquiry.language)
    inquiry.confidence = min(one.quoted.evidence.answers or 0.0, other.quoted.evidence.answers or 0.0)
    answer = inquiry.answer(text, Status.ANSWERED, tuple(citations))
    known = {hit.passage.id for hit in answer.hits}
    passages = {found.quoted.evidence.passage.id: found.quoted.evidence.passage for found in order}
    more = [Hit(passage, len(known) + n, 0.0) for n, passage in enumerate((p for id, p in passages.items() if id not in known), start=1)]
    evidence = tuple(found.quoted.evidence for found in order)
    return replace(answer, hits=(*answer.hits, *more), evidence=evidence)
