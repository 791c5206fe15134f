"""Whether a claim's numbers, dates and times are those of the evidence.

The two are judged differently on purpose. Evidence is read generously (21:30 states half past nine as well, a dual states two), a
claim strictly, so that another way of saying the same passes and another value does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from rag.text.folding import fold
from rag.text.numbers import lexicon
from rag.text.numbers.reading import Reading, read
from rag.text.numbers.values import Bound, Date, Kind, Value

_CLOSE = Decimal("1e-9")  # thirds don't end
_DENIES = re.compile(r"\b(?:not|never|no longer|nor)\b|n't\b|(?:^|\s)(?:و?ليس|و?ليست|و?لا|و?لم|و?لن)(?=\s)")
_DENIED = re.compile(
    r"(?:\bno longer(?: at)?|\bnot|\brather than|\binstead of|(?<![^\W_])(?:و?ليس|و?ليست|بدلا من|لا))\s+(?:at\s+|in\s+|في\s+)?$"
)
_SPANS = re.compile(r"\b(?:to|through|until)\b|[-–]|(?<![^\W_])(?:الي|حتي)(?![^\W_])")
_EVENING = re.compile(r"\bp\.?m\b|\bevening|\bafternoon|\bat night|\bnoon|مساء|بعد الظهر|ظهرا|ليلا|عصرا")
_LOSS = re.compile(
    r"\b(?:loss(?:es)?|lost|deficit|fell|fall(?:s|en|ing)?|decline[ds]?|decreas\w+|drop(?:s|ped)?|down|minus|below|negative|shrank|reduc\w+"
    r"|cut|lower\w*|outflows?)\b"
    r"|(?<![^\W_])(?:و?ب?(?:ال)?(?:خساره|خساير|خسر|خسرت|عجز|عجزا|انخفاض\w*|انخفض\w*|تراجع\w*|هبوط\w*|هبط\w*|نقص\w*|تقلص\w*|سالب\w*|انكماش\w*))"
)
_SHARE = re.compile(r"%|\b(?:per ?cent\w*|rates?|share|ratio|proportion)\b|(?:نسب[هت]|معدل|في الميه|بالميه|بالمايه|في المايه|حصه)")
_PAIRED = re.compile(r"\b(?:both|twice|pair|couple|double)\b|(?<![^\W_])(?:و|ال|وال)?(?:كلا|كلتا|كلاهما|ضعف|مرتين|زوج)(?![^\W_])")
_DUAL = re.compile(r"[\u0620-\u064a]{2,}(?:ان|ين|تا|تي)(?![^\W_])")
_CONSTRUCT = re.compile(r"(?<![^\W_])[وبل]?(?:ال)?عضوا(?![^\W_])")
_PER_SECOND = re.compile(r"\b(?:per|a|each|every) second\b|\bthe second (?:one|time)\b")
_DAY_WORD = re.compile(r"(?<![^\W_])(?:و?(?:ال|[بل]|لل)?)?(" + "|".join(lexicon.DAYS) + r")s?(?![^\W_])")
_DAY_SAID = re.compile(
    r"\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b"
    r"|(?<![^\W_])و?(?:يوم|ايام|يومي|مساء|صباح|فجر|ليله|كل|اول) (?:ال)?(اثنين|ثلاثاء|اربعاء|خميس|جمعه|سبت|احد)(?![^\W_])"
)
_LEAST_DIGITS = 7  # of a phone number without its country and area, to be known by


def contradicted(claim: str, evidence: str) -> bool:
    """Whether a claim states a number, amount, date, time or phone number that the evidence does not.

    Another way of writing the same is no contradiction, and a unit or currency that differs is one. A number that the evidence only
    denies ("not 240 but 390") counts as stated when the claim denies it too.
    """
    said = fold(claim)
    known = _known(evidence, _DENIES.search(said) is not None)
    reading = read(claim)
    if any(not _stated(value, reading, known) for value in reading.values if _binding(value, said)):
        return True
    spans = len(known.days) > 1 and known.spans  # from Tuesday to Sunday names the days between as well
    return not spans and bool(days_said(said) - known.days)


def stated_values(text: str) -> set[float]:
    """Every number that a text can be said to state: with and without its scale, the parts of dates and times among them."""
    found: set[float] = set()
    for value in read(text).values:
        found.update(float(number) for number in _numbers(value))
        for date in value.dates:
            found.update(float(part) for part in (date.year, date.day) if part is not None)
        if value.kind is Kind.TIME and value.number is not None:
            found.update(float(part) for part in _clock(value.number))
        if value.kind in (Kind.CODE, Kind.PHONE):
            found.update(float(part) for part in re.findall(r"\d+", value.digits))
    return found | _written(text)


def values_claimed(text: str) -> set[float]:
    """The numbers that a sentence commits itself to: those in digits, and those in words above two."""
    found: set[float] = set()
    for value in read(text).values:
        if value.number is not None and value.kind not in (Kind.TIME, Kind.ORDINAL, Kind.FRACTION):
            ends = (value.number,) if value.high is None else (value.number, value.high)
            found.update(float(number) for number in ends if not value.spelled or number > 2)
        for date in value.dates[:1]:
            written = re.search(r"\d", value.span.of(text)) is not None
            found.update(float(part) for part in (date.year, date.day) if part is not None and written)
        if value.kind is Kind.TIME and value.number is not None and re.search(r"\d", value.span.of(text)):
            found.update(float(part) for part in _clock(value.number))
        if value.kind is Kind.ORDINAL and value.number is not None and not value.spelled:
            found.add(float(value.number))
        if value.kind is Kind.CODE:
            found.update(float(part) for part in re.findall(r"\d+", value.digits))
    return found


def names_month(text: str) -> bool:
    """Whether a text names a month, by any of its Arabic or English names."""
    return any(date.month is not None for value in read(text).values for date in value.dates)


# --- evidence -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What evidence states, in any of the ways in which it may be read."""

    values: tuple[Value, ...]
    reading: Reading
    bare: frozenset[Decimal]
    """Numbers for a claim without a unit: those of dates, times and references as well."""
    months: frozenset[tuple[int, bool]]
    days: frozenset[int]
    spans: bool
    evening: bool
    pair: bool
    share: bool
    loss: bool
    codes: frozenset[str]


@lru_cache(maxsize=1024)
def _known(evidence: str, denials: bool) -> _Known:
    folded = fold(evidence)
    reading = read(evidence)
    values = reading.values if denials else tuple(value for value in reading.values if not _denied(evidence, value))
    bare: set[Decimal] = set()
    for value in values:
        for date in value.dates:
            bare.update(Decimal(part) for part in (date.year, date.month, date.day) if part is not None)
        if value.kind is Kind.TIME and value.number is not None:
            for minutes in (value.number, *value.also):
                bare.update(_clock(minutes))
        if value.kind is Kind.CODE:
            bare.update(Decimal(part) for part in re.findall(r"\d+", value.digits))
    return _Known(
        values,
        reading,
        frozenset(bare),
        frozenset((date.month, date.hijri) for value in values for date in value.dates if date.month is not None),
        frozenset(lexicon.DAYS[match[1]] for match in _DAY_WORD.finditer(folded)),
        _SPANS.search(folded) is not None,
        _EVENING.search(folded) is not None,
        any(pattern.search(folded) for pattern in (_PAIRED, _DUAL, _CONSTRUCT)),
        _SHARE.search(folded) is not None,
        _LOSS.search(folded) is not None,
        frozenset(value.digits for value in values if value.digits),
    )


def _denied(text: str, value: Value) -> bool:
    """Whether a number is only denied: "not 240", «لا 240»."""
    if value.spelled or value.kind is Kind.PHONE:
        return False
    return _DENIED.search(fold(text[max(0, value.span.start - 24) : value.span.start])) is not None


def days_said(folded: str) -> set[int]:
    """The days of the week that a folded text names where a word is nothing else; Monday is 0."""
    return {lexicon.DAYS[word] for match in _DAY_SAID.finditer(folded) for word in match.groups() if word}


def _clock(minutes: Decimal) -> Iterator[Decimal]:
    hour, minute = divmod(minutes, 60)
    yield from (hour, hour % 12 or Decimal(12), minute)


def _numbers(value: Value) -> Iterator[Decimal]:
    if value.number is not None and value.kind is not Kind.TIME:
        yield from (value.number, *value.also)
        if value.high is not None:
            yield value.high


def _written(text: str) -> set[float]:
    """The numbers in digits without their scales, and the parts of those in words."""
    reading = read(text)
    found = {float(token.text) for token in reading.tokens if token.kind == "digits" and token.text.isdigit() and len(token.text) < 16}
    for token in reading.tokens:
        if token.kind == "digits" and (match := re.fullmatch(r"(\d+)[.,٫](\d+)", token.text)) and len(match[2]) != 3:
            found.add(float(f"{match[1]}.{match[2]}"))
        word = lexicon.bare(token.text).word if token.kind == "word" else ""
        for table in (
            lexicon.ONES_EN,
            lexicon.TENS_EN,
            lexicon.SCALES_EN,
            lexicon.ONES_AR,
            lexicon.TENS_AR,
            lexicon.HUNDREDS_AR,
            lexicon.SCALES_AR,
        ):
            if word in table and (word in lexicon.SCALES_AR or word in lexicon.SCALES_EN or _in_value(reading, token.start)):
                found.add(float(table[word]))
        if word == "hundred":
            found.add(100.0)
    return found


def _in_value(reading: Reading, place: int) -> bool:
    return any(value.span.start <= place < value.span.end for value in reading.values)


# --- claims ---------------------------------------------------------------------------------------------------------------


def _binding(value: Value, said: str) -> bool:
    """Whether a claim commits itself to a value: not by "one of them", an adverb («ثانيًا») or the first of anything."""
    number = value.number
    if value.kind is Kind.ORDINAL:
        return number is not None and (
            not value.spelled or (number > 1 and value.definite and not (number == 2 and _PER_SECOND.search(said)))
        )
    if value.kind is Kind.NUMBER and value.spelled and value.unit == "" and number is not None:
        return number != 1
    return True


def _stated(value: Value, claim: Reading, known: _Known) -> bool:
    """Whether evidence states one value of a claim."""
    match value.kind:
        case Kind.PHONE:
            return any(_same_phone(value.digits, digits) for digits in known.codes) or _plain_digits(value.digits, known)
        case Kind.CODE:
            return _code_stated(value, known)
        case Kind.DATE:
            return any(_date_stated(date, known) for date in value.dates)
        case Kind.TIME:
            return _time_stated(value, known)
        case _:
            return _number_stated(value, claim, known)


def _same_phone(one: str, other: str) -> bool:
    short, long = sorted((number.lstrip("+").lstrip("0") for number in (one, other)), key=len)
    if short == long:
        return True
    both_abroad = one.startswith("+") and other.startswith("+")
    return not both_abroad and len(short) >= _LEAST_DIGITS and long.endswith(short) and len(long) - len(short) <= 4


def _plain_digits(digits: str, known: _Known) -> bool:
    return any(value.number is not None and _same_phone(digits, f"{value.number:f}") for value in known.values)


def _code_stated(value: Value, known: _Known) -> bool:
    if value.digits in known.codes:
        return True
    if value.dates and any(_date_stated(date, known) for date in value.dates):
        return True
    parts = [Decimal(part) for part in re.findall(r"\d+", value.digits)]
    plain = {number for other in known.values if other.kind is not Kind.CODE for number in _numbers(other)} | {
        Decimal(other.date.year) for other in known.values if other.date is not None and other.date.year is not None
    }
    return "/" in value.digits and all(part in plain for part in parts)


def _date_stated(date: Date, known: _Known) -> bool:
    """Whether evidence has a date that agrees in all that the claim says, or says less and the rest elsewhere."""
    for value in known.values:
        for own in value.dates:
            if own.hijri == date.hijri and _agree(date, own, known):
                return True
    if date.month is None and date.day is None and date.year is not None:
        return _bare_stated(Decimal(date.year), known)
    if date.month is not None and (date.month, date.hijri) in known.months:
        return False
    return False


def _agree(date: Date, own: Date, known: _Known) -> bool:
    if date.month is not None and own.month != date.month:
        return False
    for wanted, stated in ((date.year, own.year), (date.day, own.day)):
        if wanted is None or wanted == stated:
            continue
        if stated is not None or not _bare_stated(Decimal(wanted), known):
            return False
    return True


def _bare_stated(number: Decimal, known: _Known) -> bool:
    return number in known.bare or any(
        number in _numbers(value) for value in known.values if value.unit == "" and value.kind in (Kind.NUMBER, Kind.ORDINAL)
    )


def _time_stated(value: Value, known: _Known) -> bool:
    wanted = {value.number, *value.also}
    times = [other for other in known.values if other.kind is Kind.TIME]
    if any(not wanted.isdisjoint({other.number, *other.also}) for other in times):
        return True
    assert value.number is not None
    hour, minute = divmod(value.number, 60)
    hours = {hour, hour % 12 or Decimal(12)}
    plain = {number for other in known.values if other.kind in (Kind.NUMBER, Kind.ORDINAL, Kind.MEASURE) for number in _numbers(other)}
    if plain.isdisjoint(hours):
        return False
    parts = {Decimal(30): Decimal("0.5"), Decimal(15): Decimal("0.25"), Decimal(45): Decimal("0.75")}
    fractions = {other.number for other in known.values if other.kind is Kind.FRACTION}
    return minute == 0 or minute in plain or parts.get(minute) in fractions


def _number_stated(value: Value, claim: Reading, known: _Known) -> bool:
    ends = (value,) if value.high is None else (value, _upper(value))
    return all(any(_same_number(end, other, claim, known) for other in known.values) or _otherwise(end, known) for end in ends)


def _upper(value: Value) -> Value:
    return Value(value.kind, value.span, value.high, value.unit, spelled=value.spelled)


def _otherwise(value: Value, known: _Known) -> bool:
    """Whether evidence states a number by something else than a number: a date, a time, a dual, a noun in the singular."""
    number = value.number
    if number is None:
        return False
    if value.unit == "" and (number in known.bare or any(other in known.bare for other in value.also)):
        return True
    if value.unit == "" and number == 2 and known.pair:
        return True
    if value.unit and number == 1:
        return any(lexicon.same_unit(unit, value.unit) == 1 for unit in known.reading.units)
    if value.unit in ("", "h") and known.evening and 13 <= number <= 23:
        return any(number - 12 in _numbers(other) for other in known.values)
    return False


def _same_number(value: Value, other: Value, claim: Reading, known: _Known) -> bool:
    if other.number is None or other.kind in (Kind.TIME, Kind.DATE):
        return False
    factor = _factor(value, other, known)
    if factor is None:
        return False
    wanted = [number * factor for number in (value.number, *value.also) if number is not None]
    stated = list(_numbers(other))
    if any(_near(one, two) for one in wanted for two in stated):
        return True
    if any(_near(one, -two) for one in wanted for two in stated) and _fallen(value, other, claim, known):
        return True
    if value.unit == other.unit == "decades":
        return wanted[0] % 100 == stated[0] % 100 and min(wanted[0], stated[0]) < 100
    if _in_scale(wanted, other, known):
        return True
    low, high = _allowed(value, factor)
    return low is not None and any(low <= number <= high for number in stated)


def _near(one: Decimal, two: Decimal) -> bool:
    return one == two or abs(one - two) <= _CLOSE * max(abs(one), abs(two))


def _fallen(value: Value, other: Value, claim: Reading, known: _Known) -> bool:
    """Whether a loss, a fall or a deficit stands for the minus that one of the two has."""
    assert value.number is not None
    assert other.number is not None
    if other.number < 0 <= value.number:
        return _LOSS.search(_around(claim)) is not None
    return known.loss


def _around(reading: Reading) -> str:
    return " ".join(token.text for token in reading.tokens)


def _in_scale(wanted: Sequence[Decimal], other: Value, known: _Known) -> bool:
    """Whether a number is meant in the thousands or millions that a table's head names: 36.6 under «(مليون دينار)»."""
    return other.kind is not Kind.PERCENT and any(
        _near(number, two * scale) for scale in known.reading.scales for number in wanted for two in _numbers(other) if two < 10**6
    )


def _factor(value: Value, other: Value, known: _Known) -> Decimal | None:
    """What a claimed number is multiplied by to be in the evidence's unit; `None` where the two can't be of one thing."""
    if value.unit == other.unit:
        return Decimal(1)
    if value.kind is Kind.FRACTION and other.unit == "%":
        return Decimal(100)
    if value.unit == "%" and other.kind is Kind.FRACTION:
        return Decimal("0.01")
    if value.unit and other.unit:
        return lexicon.same_unit(value.unit, other.unit)
    if value.unit:
        return Decimal(1) if _may_have_unit(value.unit, known) else None
    if other.unit == "%" and value.kind is not Kind.FRACTION:
        return None
    return Decimal(1)


def _may_have_unit(unit: str, known: _Known) -> bool:
    """Whether a number that stands alone in the evidence, as in a table, may be in a unit of the claim."""
    family = lexicon.family(unit)
    if family in ("percent", "points"):
        return known.share
    named = [other for other in known.reading.units if lexicon.family(other) == family]
    named += [value.unit for value in known.values if family == "money" and lexicon.family(value.unit) == family]
    return not named or any(lexicon.same_unit(unit, other) is not None for other in named)


def _allowed(value: Value, factor: Decimal) -> tuple[Decimal | None, Decimal]:
    """The range that the words before a number allow: "more than 6,000" holds for 6,420, "about 40" for 41."""
    assert value.number is not None
    number = value.number * factor
    match value.bound:
        case Bound.LEAST:
            return number, number * Decimal("1.25")
        case Bound.MOST:
            return number * Decimal("0.8"), number
        case Bound.ABOUT:
            return number * Decimal("0.95"), number * Decimal("1.05")
        case _:
            return None, number
