"""Compare the numbers, dates and times of a claim with those of its evidence.

The two are judged differently on purpose. Evidence is read generously (21:30 also states half past nine, a dual states two), a claim
strictly, so that another way of saying the same passes and another value does not.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from functools import lru_cache
from itertools import pairwise

from rag.schema import Span
from rag.text.folding import fold
from rag.text.numbers import lexicon
from rag.text.numbers.parsing import read
from rag.text.numbers.values import Bound, Date, Kind, Value

_CLOSE = Decimal("1e-15")  # thirds don't end
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
    r"\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b(?! (?:times|telegraph|mail|post|express|herald|night live))"
    r"|(?<![^\W_])و?(?:يوم|ايام|يومي|مساء|صباح|فجر|ليله|كل|اول) (?:ال)?(اثنين|ثلاثاء|اربعاء|خميس|جمعه|سبت|احد)(?![^\W_])"
)
_UNSAID, _ANY = -1, -2
_DateKey = tuple[bool, int, int, int]  # Hijri; year, month and day, or one of the two above
_ROUNDED = Context(prec=15)
_LEAST_DIGITS = 7  # of a phone number without its country and area, to be known by


def contradicts_values(claim: str, evidence: str) -> bool:
    """Return whether a claim states a number, amount, date, time or phone number that the evidence does not.

    Another way of writing the same value is no contradiction; a different unit or currency is one. A number that the evidence only denies
    ("not 240 but 390") counts as stated if the claim denies it too.
    """
    said = fold(claim)
    known = _known(evidence, _DENIES.search(said) is not None)
    if any(not _stated(group, said, known) for group in _groups(read(claim).values, said)):
        return True
    spans = len(known.days) > 1 and known.spans  # from Tuesday to Sunday names the days between as well
    return not spans and bool(days_said(said) - known.days)


def stated_values(text: str) -> set[float]:
    """Return every number that a text can be said to state, with and without its scale, including the parts of dates and times."""
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
    """Return the numbers that a sentence commits itself to: those in digits, and those in words above two."""
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
    """Return whether a text names a month, by any of its Arabic or English names."""
    return any(date.month is not None for value in read(text).values for date in value.dates)


def _written(text: str) -> set[float]:
    """Return the numbers in digits without their scales, and the parts of those in words."""
    reading = read(text)
    within = iter(reading.values)
    value = next(within, None)
    found: set[float] = set()
    for token in reading.tokens:
        while value is not None and value.span.end <= token.start:
            value = next(within, None)
        if token.kind == "digits" and token.text.isdigit() and len(token.text) < 16:
            found.add(float(token.text))
        elif token.kind == "digits" and (match := re.fullmatch(r"(\d+)[.,٫](\d+)", token.text)) and len(match[2]) != 3:
            found.add(float(f"{match[1]}.{match[2]}"))
        elif token.kind == "word" and value is not None and value.span.start <= token.start:
            word = lexicon.bare(token.text).word
            found.update(float(words[word]) for words in _NUMBER_WORDS if word in words)
    return found


_NUMBER_WORDS = (
    lexicon.ONES_EN, lexicon.TENS_EN, lexicon.SCALES_EN, lexicon.ONES_AR, lexicon.TENS_AR, lexicon.HUNDREDS_AR, lexicon.SCALES_AR,
    {"hundred": 100},
)  # fmt: skip


# --- evidence -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What evidence states, in every way it may be read, indexed so that a claim's value is looked up rather than searched for."""

    numbers: Mapping[Decimal, tuple[Value, ...]]
    """Values by their number, as written and in the base unit of their family."""
    ordered: tuple[tuple[Decimal, Value], ...]
    """The same, sorted by number, for a claim that only bounds its own."""
    plain: frozenset[Decimal]
    """Numbers without a unit, cardinal and ordinal."""
    counted: frozenset[Decimal]
    """These and those of measures: an hour may be written as either."""
    parts: frozenset[Decimal]
    """Numbers that are parts of dates, times and references."""
    fractions: frozenset[Decimal]
    times: frozenset[Decimal]
    dates: frozenset[_DateKey]
    years: frozenset[Decimal]
    days: frozenset[int]
    phones: Mapping[str, tuple[str, ...]]
    """Phone numbers and other digits by their last seven."""
    codes: frozenset[str]
    units: frozenset[str]
    """Units named without a number, as at the head of a column."""
    money: frozenset[str]
    scales: frozenset[int]
    spans: bool
    evening: bool
    pair: bool
    share: bool
    loss: bool


@lru_cache(maxsize=1024)
def _known(evidence: str, denials: bool) -> _Known:
    folded = fold(evidence)
    reading = read(evidence)
    values = [value for value in reading.values if denials or not _denied(evidence, value)]
    values += _sums(values)
    numbers: dict[Decimal, list[Value]] = {}
    dates: set[Date] = set()
    phones: dict[str, dict[str, None]] = {}
    parts: set[Decimal] = set()
    for value in values:
        for number in _numbers(value):
            for key in _keys(number, value.unit):
                numbers.setdefault(key, []).append(value)
        for date in value.dates:
            dates.add(date)
            parts.update(Decimal(part) for part in (date.year, date.month, date.day) if part is not None)
        if value.kind is Kind.TIME:
            for minutes in _minutes(value):
                parts.update(_clock(minutes))
        if value.kind is Kind.CODE:
            parts.update(_parts(value.digits))
        digits = value.digits or (f"{value.number:f}" if value.number is not None and value.number >= 10**6 else "")
        if digits:
            phones.setdefault(_subscriber(digits), {})[digits] = None
    unitless = [value for value in values if value.unit == "" and value.kind in (Kind.NUMBER, Kind.ORDINAL)]
    return _Known(
        numbers={key: tuple(dict.fromkeys(found)) for key, found in numbers.items()},
        ordered=tuple(sorted(((key, value) for key, found in numbers.items() for value in found), key=lambda pair: pair[0])),
        plain=frozenset(number for value in unitless for number in _numbers(value)),
        counted=frozenset(
            number for value in values if value.kind in (Kind.NUMBER, Kind.ORDINAL, Kind.MEASURE) for number in _numbers(value)
        ),
        parts=frozenset(parts),
        fractions=frozenset(value.number for value in values if value.kind is Kind.FRACTION and value.number is not None),
        times=frozenset(minutes for value in values if value.kind is Kind.TIME for minutes in _minutes(value)),
        dates=frozenset(key for date in dates for key in _date_keys(date)),
        years=frozenset(Decimal(date.year) for date in dates if date.year is not None),
        days=frozenset(lexicon.DAYS[match[1]] for match in _DAY_WORD.finditer(folded)),
        phones={subscriber: tuple(found) for subscriber, found in phones.items()},
        codes=frozenset(value.digits for value in values if value.kind is Kind.CODE),
        units=reading.units,
        money=frozenset(value.unit for value in values if value.kind is Kind.AMOUNT),
        scales=reading.scales,
        spans=_SPANS.search(folded) is not None,
        evening=_EVENING.search(folded) is not None,
        pair=any(pattern.search(folded) for pattern in (_PAIRED, _DUAL, _CONSTRUCT)),
        share=_SHARE.search(folded) is not None,
        loss=_LOSS.search(folded) is not None,
    )


def _denied(text: str, value: Value) -> bool:
    """Return whether a number is only denied: "not 240", «لا 240»."""
    if value.spelled or value.kind is Kind.PHONE:
        return False
    return _DENIED.search(fold(text[max(0, value.span.start - 24) : value.span.start])) is not None


def days_said(folded: str) -> set[int]:
    """Return the days of the week that a folded text names where the word means nothing else; Monday is 0."""
    return {lexicon.DAYS[word] for match in _DAY_SAID.finditer(folded) for word in match.groups() if word}


def _clock(minutes: Decimal) -> Iterator[Decimal]:
    hour, minute = divmod(minutes, 60)
    yield from (hour, hour % 12 or Decimal(12), minute)


def _minutes(value: Value) -> Iterator[Decimal]:
    if value.number is not None:
        yield from (value.number, *value.also)


def _parts(digits: str) -> list[Decimal]:
    return [Decimal(part) for part in re.findall(r"\d+", digits)]


def _numbers(value: Value) -> Iterator[Decimal]:
    if value.number is not None and value.kind is not Kind.TIME:
        yield from (value.number, *value.also)
        if value.high is not None:
            yield value.high


def _keys(number: Decimal, unit: str) -> set[Decimal]:
    """What a number is looked up by: itself, and its worth in the first unit of its family; without sign, thirds rounded."""
    worth = lexicon.worth(unit)
    return {_key(number), _key(number * worth)} if worth is not None else {_key(number)}


def _key(number: Decimal) -> Decimal:
    return _ROUNDED.plus(abs(number)).normalize()


def _subscriber(digits: str) -> str:
    return digits[-_LEAST_DIGITS:]


def _sums(values: Sequence[Value]) -> list[Value]:
    """What durations that stand together come to: «ساعتان وعشرون دقيقة» is 140 minutes as well."""
    found: list[Value] = []
    for one, other in pairwise(values):
        longer = one.kind is other.kind is Kind.MEASURE and lexicon.family(one.unit) in ("duration", "months")
        factor = lexicon.same_unit(one.unit, other.unit) if longer and 0 <= other.span.start - one.span.end <= 5 else None
        if factor is not None and factor > 1 and one.number is not None and other.number is not None:
            found.append(replace(other, span=Span(one.span.start, other.span.end), number=one.number * factor + other.number, also=()))
    return found


# --- claims ---------------------------------------------------------------------------------------------------------------


def _groups(values: Sequence[Value], said: str) -> Iterator[tuple[Value, ...]]:
    """Yield the values that a claim commits itself to, each once; a duration in two units comes with its parts."""
    sums = {total.span.start: total for total in _sums(values)}
    ends = {value.span.end: value for value in values}
    seen: set[tuple[object, ...]] = set()
    skipped = -1
    for value in values:
        total = sums.get(value.span.start)
        group = (value,) if total is None else (total, value, ends[total.span.end])
        if value.span.start < skipped or not _binding(value, said):
            continue
        skipped = total.span.end if total is not None else -1
        key = tuple((own.kind, own.number, own.high, own.unit, own.dates, own.digits, own.bound) for own in group)
        if key not in seen:
            seen.add(key)
            yield group


def _binding(value: Value, said: str) -> bool:
    """Return whether a claim commits itself to a value: not by "one of them", an adverb («ثانيًا») or the first of anything."""
    number = value.number
    if value.kind is Kind.ORDINAL:
        second = number == 2 and _PER_SECOND.search(said) is not None
        return number is not None and (not value.spelled or (number > 1 and value.definite and not second))
    if value.kind is Kind.MEASURE and value.spelled and value.definite and number == 2:
        return False  # «الشهرين» are known already; «المقاولين العامين» are no years
    if value.kind is Kind.NUMBER and value.spelled and value.unit == "":
        alpha = number == 2000 and value.also == (Decimal(1000),)  # «ألفا» may be the Greek letter
        return number != 1 and not alpha
    return True


def _stated(group: tuple[Value, ...], said: str, known: _Known) -> bool:
    """Return whether evidence states a value of a claim; of a duration in two units, the whole or both its parts."""
    value, *others = group
    if others:
        return _stated((value,), said, known) or all(_stated((other,), said, known) for other in others)
    match value.kind:
        case Kind.PHONE:
            return any(_same_phone(value.digits, digits) for digits in known.phones.get(_subscriber(value.digits), ()))
        case Kind.CODE:
            return _code_stated(value, known)
        case Kind.DATE:
            return any(_date_stated(date, known) for date in value.dates)
        case Kind.TIME:
            return _time_stated(value, known)
        case _:
            ends = (value,) if value.high is None else (value, replace(value, number=value.high, high=None, also=()))
            return all(_number_stated(end, said, known) for end in ends)


def _same_phone(one: str, other: str) -> bool:
    short, long = sorted((number.lstrip("+").lstrip("0") for number in (one, other)), key=len)
    if short == long:
        return True
    both_abroad = one.startswith("+") and other.startswith("+")
    return not both_abroad and len(short) >= _LEAST_DIGITS and long.endswith(short) and len(long) - len(short) <= 4


def _code_stated(value: Value, known: _Known) -> bool:
    if value.digits in known.codes or any(_date_stated(date, known) for date in value.dates):
        return True
    return "/" in value.digits and all(part in known.plain or part in known.years for part in _parts(value.digits))


def _date_keys(date: Date) -> Iterator[_DateKey]:
    """Everything that a claim may ask of a date of the evidence: each of its parts, or that it doesn't say it, or nothing."""
    for year in (date.year or _UNSAID, _ANY):
        for month in (date.month or _UNSAID, _ANY):
            for day in (date.day or _UNSAID, _ANY):
                yield date.hijri, year, month, day


def _date_stated(date: Date, known: _Known) -> bool:
    """Return whether evidence has a date that agrees in all that the claim says, or says less and the rest elsewhere."""
    years = [date.year or _ANY] + [_UNSAID] * (date.year is not None and _plainly(Decimal(date.year), known))
    days = [date.day or _ANY] + [_UNSAID] * (date.day is not None and _plainly(Decimal(date.day), known))
    if any((date.hijri, year, date.month or _ANY, day) in known.dates for year in years for day in days):
        return True
    return date.month is None and date.day is None and date.year is not None and _plainly(Decimal(date.year), known)


def _plainly(number: Decimal, known: _Known) -> bool:
    return number in known.parts or number in known.plain


def _time_stated(value: Value, known: _Known) -> bool:
    if any(minutes in known.times for minutes in _minutes(value)):
        return True
    assert value.number is not None
    hour, minute = divmod(value.number, 60)
    if hour not in known.counted and (hour % 12 or Decimal(12)) not in known.counted:
        return False
    part = {30: Decimal("0.5"), 15: Decimal("0.25"), 45: Decimal("0.75")}.get(int(minute))
    return minute == 0 or minute in known.counted or part in known.fractions


def _number_stated(value: Value, said: str, known: _Known) -> bool:
    """Return whether evidence states a number: as one in a unit that can be the claim's, or as a date, a time, a dual, a singular."""
    number = value.number
    assert number is not None
    for wanted in (number, *value.also):
        near = {
            key for own in (wanted, *_shares(value, wanted), *(wanted / scale for scale in known.scales)) for key in _keys(own, value.unit)
        }
        if any(_same_number(value, wanted, other, said, known) for key in near for other in known.numbers.get(key, ())):
            return True
    if value.unit == "decades":
        full = [number % 100] if 1800 <= number < 2100 else [century + number for century in (1800, 1900, 2000) if number < 100]
        return any(other.unit == "decades" for decade in full for other in known.numbers.get(_key(decade), ()))
    if value.bound is not Bound.EXACT and any(_within(value, other, known) for other in _between(value, known)):
        return True
    if value.unit == "":
        if number in known.parts or (number == 2 and known.pair):
            return True
    elif number == 1 and any(lexicon.same_unit(unit, value.unit) == 1 for unit in known.units):
        return True
    return value.unit in ("", "h") and known.evening and 13 <= number <= 23 and number - 12 in known.counted


def _shares(value: Value, number: Decimal) -> tuple[Decimal, ...]:
    if value.kind is Kind.FRACTION:
        return (number * 100,)
    return (number / 100,) if value.unit == "%" else ()


def _same_number(value: Value, wanted: Decimal, other: Value, said: str, known: _Known) -> bool:
    factor = _factor(value, other, known)
    if factor is None:
        return False
    wanted *= factor
    for stated in _numbers(other):
        if _near(wanted, stated):
            return True
        if _near(wanted, -stated) and (_LOSS.search(said) is not None if stated < 0 else known.loss):
            return True  # a loss, a fall or a deficit stands for the minus that one of the two has
        # A number is meant in the thousands or millions that a table's head names: 36.6 under «(مليون دينار)».
        if other.kind is not Kind.PERCENT and stated < 10**6 and any(_near(wanted, stated * scale) for scale in known.scales):
            return True
    return False


def _near(one: Decimal, two: Decimal) -> bool:
    return one == two or abs(one - two) <= _CLOSE * max(abs(one), abs(two))


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
    """Return whether a number that stands alone in the evidence, as in a table, may be in a unit of the claim."""
    family = lexicon.family(unit)
    if family in ("percent", "points"):
        return known.share
    named = [other for other in known.units if lexicon.family(other) == family]
    if family == "money":
        named += known.money
    return not named or any(lexicon.same_unit(unit, other) is not None for other in named)


def _between(value: Value, known: _Known) -> Iterator[Value]:
    """Yield the evidence's values that lie where a bounded number of a claim allows, in its own unit or the family's first."""
    assert value.number is not None
    for number in (value.number, value.number * (lexicon.worth(value.unit) or 1), value.number * 100):
        low, high = _allowed(value.bound, number)
        first = bisect_left(known.ordered, low, key=lambda pair: pair[0])
        last = bisect_right(known.ordered, high, key=lambda pair: pair[0])
        yield from (other for _, other in known.ordered[first:last])


def _within(value: Value, other: Value, known: _Known) -> bool:
    factor = _factor(value, other, known)
    if factor is None or value.number is None:
        return False
    low, high = _allowed(value.bound, value.number * factor)
    return any(low <= number <= high for number in _numbers(other))


def _allowed(bound: Bound, number: Decimal) -> tuple[Decimal, Decimal]:
    """Return the range that the words before a number allow: "more than 6,000" holds for 6,420, "about 40" for 41."""
    match bound:
        case Bound.LEAST:
            return number, number * Decimal("1.25")
        case Bound.MOST:
            return number * Decimal("0.8"), number
        case _:
            return number * Decimal("0.95"), number * Decimal("1.05")
