"""Numbers, dates and times as facts that a claim can get wrong: what a text commits itself to, and what it can be said to state.

The two are judged differently on purpose. Evidence is read generously (21:30 states half past nine as well, a dual states two),
a claim strictly, so that another way of saying the same passes and another value does not. Built on the numbers of `rag.text.words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rag.text.folding import fold
from rag.text.numbers import stated_values, values_claimed
from rag.text.words import words

Alternatives = frozenset[float]
"""Values any one of which satisfies one mention: half past is 30 minutes or one half."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a text states: values, months (1 to 12) and days of the week (0 is Monday)."""

    values: frozenset[float]
    months: frozenset[int]
    days: frozenset[int]


def contradicted(claim: str, evidence: str) -> bool:
    """Whether a claim states a number, month or day of the week that the evidence does not.

    A number that the evidence only denies ("not 240 but 390") counts as stated when the claim denies it too.
    """
    said, known = fold(claim), fold(evidence)
    if not _DENIES.search(said):
        known = _DENIED.sub(" ", known)
    found = stated(known)
    if any(not _met(wanted, found.values) for wanted in _claimed(said)):
        return True
    if _months(said, strict=True) - found.months:
        return True
    spans = len(found.days) > 1 and _SPANS.search(known) is not None  # from Tuesday to Sunday names the days between as well
    return not spans and bool(_days(said, strict=True) - found.days)


def _met(wanted: _Mention, known: frozenset[float]) -> bool:
    if not wanted.values.isdisjoint(known):
        return True
    return wanted.low is not None and any(wanted.low <= value <= wanted.high for value in known)


@dataclass(frozen=True, slots=True)
class _Mention:
    """One number of a claim: what satisfies it, and, where it is said to be a bound or a guess, the range that does too."""

    values: Alternatives
    low: float | None = None
    high: float = 0.0


# --- what is written --------------------------------------------------------------------------------------------------------

_DENIES = re.compile(r"\b(?:not|never|no longer|nor)\b|n't\b|(?:^|\s)(?:و?ليس|و?ليست|و?لا|و?لم|و?لن)(?=\s)")
_DENIED = re.compile(
    r"(?:\bno longer(?: at)?|\bnot|\brather than|\binstead of|(?<![^\W_])(?:و?ليس|و?ليست|بدلا من|لا))\s+(?:at\s+|in\s+|في\s+)?\d[\d.,:٫٬]*"
)
_SPANS = re.compile(r"\b(?:to|through|until)\b|[-–]|(?<![^\W_])(?:الي|حتي)(?![^\W_])")

_FRACTIONS = {"نصف": 0.5, "ثلث": 1 / 3, "ربع": 0.25, "خمس": 0.2, "half": 0.5, "third": 1 / 3, "quarter": 0.25, "fifth": 0.2}
_MILLIONS = {"million": 1e6, "billion": 1e9, "thousand": 1e3, "مليون": 1e6, "مليار": 1e9, "الف": 1e3, "dozen": 12.0}
_PART_OF_SCALE = re.compile(
    r"\b(?:a |one )?(half|third|quarter)(?: of)?(?: an?)? (million|billion|thousand|dozen)\b"
    r"|(?<![^\W_])و?(نصف|ثلث|ربع) (مليون|مليار|الف)(?![^\W_])"
)
_PART_OF_HOUR = re.compile(
    r"\b(?:a |one )?(half|quarter|third)(?: of)? an hour\b|\b(half)[- ]hour\b|(?<![^\W_])[وبل]?(نصف|ثلث|ربع) ساعه(?![^\W_])"
)
_AND_A_HALF = re.compile(r"(\d+(?:\.\d+)?|[\w'-]+) (?:and a half\b|ونصف(?![^\W_]))")
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-3])[:.]([0-5]\d)(?![\d:%])(?=\s*(?:[ap]\.?m\b|$|\D))")
_EVENING = re.compile(r"\bp\.?m\b|\bevening|\bafternoon|\bat night|\bnoon|مساء|بعد الظهر|ظهرا|ليلا|عصرا")
_SHARES = (
    (0.5, re.compile(r"\bhal(?:f|ves)\b|(?<![^\W_])(?:[وبل]|ال|وال|بال)?نصف(?:ه|ها|هم|هما)?(?![^\W_])")),
    (2 / 3, re.compile(r"\btwo[- ]thirds\b|(?<![^\W_])(?:[وبل]|ال|وال)?ثلث(?:ا|ي|ان|ين)(?![^\W_])")),
    (0.75, re.compile(r"\bthree[- ]quarters\b|(?<![^\W_])و?ثلاثه ارباع(?:ه|ها|هم)?(?![^\W_])")),
    (1 / 3, re.compile(r"\b(?:a|one)[- ]third\b|(?<![^\W_])(?:[وبل]|ال|وال)?ثلث(?:ه|ها)?(?![^\W_])")),
    (0.25, re.compile(r"\b(?:a|one)[- ]quarter\b|\bquarter (?:past|to|of)\b|(?<![^\W_])(?:[وبل]|ال|وال)?ربع(?:ه|ها)?(?![^\W_])")),
)
_ORDINALS = {
    word: float(n)
    for n, names in enumerate(
        [
            "first اول اولي", "second ثاني ثانيه ثان", "third ثالث ثالثه", "fourth رابع رابعه", "fifth خامس خامسه",
            "sixth سادس سادسه", "seventh سابع سابعه", "eighth ثامن ثامنه", "ninth تاسع تاسعه", "tenth عاشر عاشره",
        ],
        start=1,
    )
    for word in names.split()
} | {"eleventh": 11.0, "twelfth": 12.0, "twentieth": 20.0}  # fmt: skip
_TEENS = re.compile(r"(?<![^\W_])(?:و|ب|في )?ال(حادي|ثاني|ثالث|رابع|خامس|سادس|سابع|ثامن|تاسع)ه? عشره?(?![^\W_])")
_TWO = re.compile(r"\btwo\b(?![- ]thirds)|(?<![^\W_])و?(?:اثنان|اثنتان|اثنتين)(?![^\W_])")
_PAIRED = re.compile(r"\b(?:both|twice|pair|couple|double)\b|(?<![^\W_])(?:و|ال|وال)?(?:كلا|كلتا|كلاهما|ضعف|مرتين|زوج)(?![^\W_])")
_DUAL = re.compile(r"[\u0620-\u064a]{2,}(?:ان|ين|تا|تي)(?![^\W_])")
_ROMAN = re.compile(r"(?<![^\W_])(?=[ivxl]{2,})(x{0,3}l?x{0,3})(ix|iv|v?i{0,3})(?![^\W_])")
_HALF_SIGN = re.compile(r"(\d+)\s?(½|1⁄2)")


_MORE = re.compile(
    r"(?:\b(?:more than|over|above|exceed(?:s|ed|ing)?|at least|upwards of)"
    r"|(?<![^\W_])(?:اكثر من|ازيد من|فوق|تجاوز|يتجاوز|لا يقل عن|ما يزيد علي))\s+$"
)
_LESS = re.compile(
    r"(?:\b(?:less than|under|below|fewer than|nearly|almost|at most|up to)|(?<![^\W_])(?:اقل من|دون|قرابه|زهاء|لا يزيد علي|ما يقارب))\s+$"
)
_ABOUT = re.compile(r"(?:\b(?:about|around|roughly|approximately|some|circa)|(?<![^\W_])(?:نحو|حوالي|قرابه|زهاء|تقريبا|ما يقارب))\s+$")
_YEARS = re.compile(r"\b(\d{4})\s?[-–]\s?(\d{2})\b(?![\d-])")  # 1623–25 ends in 1625
_NUMBER = re.compile(r"\d+(?:[.,٫٬]\d+)*")

_MONTHS_EN = "january february march april may june july august september october november december".split()
_MONTHS_AR = (
    "يناير جانفي", "فبراير فيفري شباط", "مارس اذار", "ابريل افريل نيسان", "مايو ماي ايار", "يونيو جوان حزيران",
    "يوليو جويليه يوليوز تموز", "اغسطس اوت غشت", "سبتمبر شتنبر ايلول", "اكتوبر", "نوفمبر نونبر", "ديسمبر دجنبر",
)  # fmt: skip
_MONTHS = {word: n for n, names in enumerate(_MONTHS_AR, start=1) for word in names.split()}
_MONTHS |= {name: n for n, name in enumerate(_MONTHS_EN, start=1)}
_MONTHS |= {name[:3]: n for n, name in enumerate(_MONTHS_EN, start=1)} | {"sept": 9}
_MONTH_WORD = re.compile(r"(?<![^\W_])(?:و?(?:ال|[بل])?)?(" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")(?![^\W_])")
_LEVANTINE = re.compile(r"(?<![^\W_])[وبل]?(كانون|تشرين) (?:ال)?(اول|ثاني)(?![^\W_])")
_LEVANTINE_MONTHS = {("كانون", "اول"): 12, ("كانون", "ثاني"): 1, ("تشرين", "اول"): 10, ("تشرين", "ثاني"): 11}
_AUGUST = re.compile(r"(?:\d|(?<![^\W_])(?:في|من|شهر|اول|منتصف|نهايه|اواخر|اوائل|مطلع|حتي|الي)) اب(?![^\W_])")
_AMBIGUOUS = re.compile(
    r"(?:\d(?:st|nd|rd|th)?(?: of)?|\b(?:in|of|by|since|until|from|late|early|mid|every|last|next)) (may|march|mar)\b|\b(may|march) \d"
)
_NUMERIC_MONTH = re.compile(r"(?<!\d)(?:\d{4}[-/.](\d{1,2})|(\d{1,2})[-/.]\d{4}|\d{1,2}[-/.](\d{1,2})[-/.]\d{2,4})(?!\d)")

_DAYS = {
    word: n
    for n, names in enumerate(
        ["monday اثنين", "tuesday ثلاثاء", "wednesday اربعاء", "thursday خميس", "friday جمعه", "saturday سبت", "sunday احد"]
    )
    for word in names.split()
}
_DAY_WORD = re.compile(r"(?<![^\W_])(?:و?(?:ال|[بل]|لل)?)?(" + "|".join(_DAYS) + r")s?(?![^\W_])")
_DAY_SAID = re.compile(
    r"\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b"
    r"|(?<![^\W_])و?(?:يوم|ايام|يومي|مساء|صباح|فجر|ليله|كل|اول) (?:ال)?(اثنين|ثلاثاء|اربعاء|خميس|جمعه|سبت|احد)(?![^\W_])"
)


def _spread(text: str) -> str:
    """Folded text with parts of a scale word as digits: «ربع مليون» is 250000."""

    def value(match: re.Match[str]) -> str:
        part, scale = (group for group in match.groups() if group)
        return f" {int(_FRACTIONS[part] * _MILLIONS[scale])} "

    text = _HALF_SIGN.sub(lambda match: f"{match.group(1)}.5 {match.group(1)} half", text)
    return _PART_OF_SCALE.sub(value, text)


def stated(text: str) -> Stated:
    """What a text can be said to state, in any of the ways it may be read."""
    text = _spread(fold(text))
    values = set(stated_values(text))
    values.update(_ordinals(text))
    values.update(share for share, pattern in _SHARES if pattern.search(text))
    values.update(60 * _FRACTIONS[part] for match in _PART_OF_HOUR.finditer(text) for part in match.groups() if part)
    if _TWO.search(text) or _PAIRED.search(text) or _DUAL.search(text):
        values.add(2.0)
    for match in _AND_A_HALF.finditer(text):
        values.update(value + 0.5 for value in stated_values(match.group(1)) | ({2.0} if _DUAL.search(match.group(1)) else set()))
    values.update(_roman(match) for match in _ROMAN.finditer(text))
    values.update(float(match.group(1)[: -len(match.group(2))] + match.group(2)) for match in _YEARS.finditer(text))
    for hour, minute in _clocks(text):
        values.update((hour, hour % 12 or 12.0, minute))
        values.update({30.0: {0.5}, 15.0: {0.25}, 45.0: {0.75, 0.25, 15.0}}.get(minute, set()))
    if 0.5 in values:
        values.update((30.0, 50.0))
    if 0.25 in values:
        values.update((15.0, 25.0))
    if values & {50.0}:
        values.add(0.5)
    if _EVENING.search(text):
        values.update(value + 12 for value in tuple(values) if 1 <= value <= 11)
    return Stated(frozenset(values), frozenset(_months(text)), frozenset(_days(text)))


def _claimed(text: str) -> Iterator[_Mention]:
    """The numbers that a folded claim commits itself to."""
    text = _spread(text)
    for hour, minute in _clocks(text):
        yield _Mention(frozenset({hour, hour % 12 or 12.0}))
        if minute:
            yield _Mention(frozenset({minute, *({0.5} if minute == 30 else {0.25, 0.75} if minute in (15, 45) else ())}))
    text = _CLOCK.sub(" ", text)
    without = _YEARS.sub(lambda match: f"{match.group(1)} {match.group(1)[:2]}{match.group(2)}", text)
    for pattern in (_PART_OF_HOUR, *(pattern for _, pattern in _SHARES), _LEVANTINE, _TEENS):
        without = pattern.sub(" ", without)
    for match in _PART_OF_HOUR.finditer(text):
        part = next(_FRACTIONS[group] for group in match.groups() if group)
        yield _Mention(frozenset({part, 60 * part}))
    for share, pattern in _SHARES[:3]:
        if pattern.search(text) and not _PART_OF_HOUR.search(text):
            yield _Mention(frozenset({share, 100 * share, *({30.0} if share == 0.5 else ())}))
    yield from (_Mention(frozenset({value})) for value in _ordinals(without, strict=True))
    if _TWO.search(without):
        yield _Mention(frozenset({2.0}))
    ranged = {_value_of(match): _bounds(without[: match.start()], _value_of(match)) for match in _NUMBER.finditer(without)}
    for value in values_claimed(without):
        yield ranged.get(value) or _Mention(frozenset({value}))


def _roman(match: re.Match[str]) -> float:
    worth = {"i": 1, "v": 5, "x": 10, "l": 50}
    letters = [worth[letter] for letter in match.group()]
    following = [*letters[1:], 0]
    return float(sum(-value if value < after else value for value, after in zip(letters, following, strict=True)))


def _value_of(match: re.Match[str]) -> float:
    return max(stated_values(match.group()), default=-1.0)


def _bounds(before: str, value: float) -> _Mention:
    """A number with the range that its words allow: "more than 6,000" holds for 6,420, "about 40" for 41."""
    exact = frozenset({value})
    if _MORE.search(before):
        return _Mention(exact, value, 1.25 * value)
    if _ABOUT.search(before):
        return _Mention(exact, 0.95 * value, 1.05 * value)
    if _LESS.search(before):
        return _Mention(exact, 0.8 * value, value)
    return _Mention(exact)


def _clocks(text: str) -> Iterable[tuple[float, float]]:
    return [(float(match.group(1)), float(match.group(2))) for match in _CLOCK.finditer(text) if ":" in match.group()]


def _ordinals(text: str, strict: bool = False) -> set[float]:
    """Values of ordinals in words. Strictly: above the first, in Arabic with the article, no time unit and no part."""
    text = _LEVANTINE.sub(" ", text)
    found = {10.0 + (_ORDINALS.get(match.group(1)) or 1.0) for match in _TEENS.finditer(text)}
    text = _TEENS.sub(" ", text)
    for word in words(text):
        bare = next((word.removeprefix(prefix) for prefix in ("وال", "بال", "لل", "ال", "و", "ب", "ل") if word.startswith(prefix)), word)
        value = _ORDINALS.get(word) or _ORDINALS.get(bare)
        if value is None:
            continue
        definite = word.isascii() or word.startswith(("ال", "وال", "بال", "لل"))
        if not strict or (value > 1 and definite):
            found.add(value)
    if strict and re.search(r"\b(?:per|a|each|every) second\b|\bthe second (?:one|time)\b", text):
        found.discard(2.0)
    return found


def _months(text: str, strict: bool = False) -> set[int]:
    """The months that a folded text names. Strictly: words that mean something else besides only where they stand as a month."""
    found = {_LEVANTINE_MONTHS[match.group(1), match.group(2)] for match in _LEVANTINE.finditer(text)}
    if _AUGUST.search(text):
        found.add(8)
    for match in _MONTH_WORD.finditer(text):
        word = match.group(1)
        if not strict or word not in ("may", "march", "mar", "ماي", "اوت", "jan", "dec", "jun"):
            found.add(_MONTHS[word])
    if strict:
        found.update(_MONTHS[word] for match in _AMBIGUOUS.finditer(text) for word in match.groups() if word)
    else:
        numeric = (int(group) for match in _NUMERIC_MONTH.finditer(text) for group in match.groups() if group)
        found.update(number for number in numeric if 1 <= number <= 12)
    return found


def _days(text: str, strict: bool = False) -> set[int]:
    if strict:
        return {_DAYS[word] for match in _DAY_SAID.finditer(text) for word in match.groups() if word}
    return {_DAYS[match.group(1)] for match in _DAY_WORD.finditer(text)}
