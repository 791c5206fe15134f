"""The value in a text that a question asks for by its wording: a quantity for "how many", a time for "when"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.answering.confidence import asks_for_time, asks_for_value, states_time, states_value
from rag.schema import Span
from rag.text.folding import fold
from rag.text.numbers import Kind, Value, find_values
from rag.text.numbers.lexicon import family
from rag.text.words import content_stems, stem, stems

_QUANTITIES = frozenset((Kind.NUMBER, Kind.AMOUNT, Kind.MEASURE, Kind.PERCENT))
_TIMES = frozenset((Kind.DATE, Kind.TIME))
_LASTING = frozenset(("duration", "months"))
_YEARS = range(1000, 2200)
_MARK = re.compile(r"\s*\(?[0-9٠-٩]{1,3}\s*[.)-]\s")
"""Matches the number of a clause or an item at the start of a text."""
_NEXT_WORD = re.compile(r"\s*([^\W\d_]+)")
_MONEY = re.compile(
    r"\b(?:prices?|costs?|fees?|fares?|salar(?:y|ies)|wages?|rent|budget|deposit|fines?|penalty)\b"
    r"|(?:^|\s)[وبل]?(?:ال)?(?:سعر|ثمن|تكلفه|كلفه|رسوم|رسم|اجره|ايجار|راتب|ميزانيه|غرامه|عربون)(?:\s|$)|(?:^|\s)(?:بكم|بكام|بشحال)(?:\s|$)"
)
_SHARE = re.compile(r"\b(?:percent(?:age)?|per cent|share of|proportion)\b|(?:^|\s)(?:ال)?نسبه(?:\s|$)|في الم[يئ]ه")
_DURATION = re.compile(r"\bhow long\b|\bduration\b|(?:^|\s)(?:ال)?مده(?:\s|$)")
_OFTEN = re.compile(r"\bhow (?:often|many times|frequently)\b|(?:^|\s)(?:كم|قديش|شحال من) مر[هات]")
"""Matches what asks how often something happens, which a word answers: "weekly"."""
_OTHER = re.compile(
    r"^(?:who|whose|why)\b|^(?:what|how|where|which)\b(?! (?:time|year|date|day|month|century)).*\bwhen\b|^[وف]?(?:من|لماذا|كيف|اين)\s"
)
"""Matches a question for something else that mentions a time or a price: "What happens when …?"."""
_MANY = re.compile(r"(?:\bhow many|(?:^|\s)و?(?:كم|كام|قديش|اديش|شحال(?: من| ديال)?|قد ايه|قداش))\s+([^\W\d_]+)")
"""Matches what asks for a number, and the word for what is counted."""


def asked_value(question: str, text: str) -> Value | None:
    """Return the one value of a text that can answer a question for a quantity or a time; None if the question asks for neither, or if
    the text states none or several."""
    found = fitting_values(question, text)
    return found[0] if found is not None and len(found) == 1 else None


def fitting_values(question: str, text: str) -> list[Value] | None:
    """Return the values of a text that are of the kind that a question asks for by its wording: an amount of money for a price, a measure
    of months for "how many months"; None if it asks for no value."""
    folded = fold(question)
    stated = list(_stated(text))
    counted = _MANY.search(folded)
    unit = _unit_of(counted[1]) if counted else ""
    if asks_for_time(question):
        return [value for value in stated if value.kind in _TIMES or _is_year(value)]
    if unit:
        return [value for value in stated if value.unit == unit]
    if _DURATION.search(folded):
        return [value for value in stated if value.kind is Kind.MEASURE and family(value.unit) in _LASTING]
    if _SHARE.search(folded):
        return [value for value in stated if value.kind is Kind.PERCENT]
    if _MONEY.search(folded):
        return [value for value in stated if value.kind is Kind.AMOUNT]
    if counted or asks_for_value(question):
        return [value for value in stated if _is_quantity(value, text)]
    return None


def lacks_asked_value(question: str, text: str) -> bool:
    """Return whether a question asks for a quantity or a time by its wording, and a text states none of its kind: an amount of money where
    tons are asked for. Any time will do for "when" and "how many days", and any measure of the same family for another unit."""
    folded = fold(question)
    fitting = fitting_values(question, text)
    if fitting is None or fitting or _OFTEN.search(folded) or _OTHER.search(folded):
        return False
    if asks_for_time(question):
        return not states_time(text)
    if _MONEY.search(folded) and any(value.kind is Kind.PERCENT for value in find_values(text)):
        return False  # a fee of 25 percent
    counted = _MANY.search(folded)
    unit = family(_unit_of(counted[1])) if counted else ""
    if unit in _LASTING or _DURATION.search(folded):
        return not states_time(text)
    if counted and states_value(text) and stem(counted[1]) in stems(text):
        return False  # "14 calendar days"
    return not unit or unit not in {family(value.unit) for value in find_values(text) if value.unit}


def _unit_of(word: str) -> str:
    """Return the unit that a word names, "" for a word that names none: «كم يوم» asks for days."""
    return next((value.unit for value in find_values(f"3 {word}") if value.kind in (Kind.MEASURE, Kind.AMOUNT)), "")


def whole_values(text: str, words: Span) -> Span:
    """Return words of a text extended by the rest of a value that they cut: «78» in «78 percent», «0.50» in «$0.50»."""
    start, end = words.start, words.end
    for value in find_values(text):
        if value.kind in _QUANTITIES and value.span.overlaps(words):
            start, end = min(start, value.span.start), max(end, value.span.end)
    return Span(start, end)


def _stated(text: str) -> Iterator[Value]:
    """Yield the values of a text, without the number it begins with as an item, and "one" as a word."""
    mark = _MARK.match(text)
    for value in find_values(text):
        if (mark is None or value.span.start >= mark.end()) and not (value.spelled and value.number == 1):
            yield value


def _is_quantity(value: Value, text: str) -> bool:
    """Return whether a value says how much of something there is: a bare number counts what the next word names; «المادة 12 من» does
    not."""
    if value.kind is not Kind.NUMBER or value.unit:
        return value.kind in _QUANTITIES
    after = _NEXT_WORD.match(text, value.span.end)
    return not _is_year(value) and (after is None or bool(content_stems(after[1])))


def _is_year(value: Value) -> bool:
    """Return whether a bare number can be a year."""
    return value.kind is Kind.NUMBER and not value.unit and value.number is not None and not value.spelled and value.number in _YEARS
