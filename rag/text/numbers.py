"""Numbers that a text states, in digits and in words of both languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from rag.text.folding import fold
from rag.text.words import words

_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12,
    "الف": 1e3, "الاف": 1e3, "مليون": 1e6, "ملايين": 1e6, "مليار": 1e9, "مليارات": 1e9, "بليون": 1e9, "تريليون": 1e12,
}  # fmt: skip
_UNITS_EN = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen""".split()
_WORD_NUMBERS = {word: float(n) for n, word in enumerate(_UNITS_EN)} | {
    "twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0,
    "ninety": 90.0, "hundred": 100.0, "dozen": 12.0,
    "صفر": 0.0, "واحد": 1.0, "اثنان": 2.0, "اثنين": 2.0, "ثلاث": 3.0, "ثلاثه": 3.0, "اربع": 4.0, "اربعه": 4.0, "خمس": 5.0,
    "خمسه": 5.0, "ست": 6.0, "سته": 6.0, "سبع": 7.0, "سبعه": 7.0, "ثمان": 8.0, "ثماني": 8.0, "ثمانيه": 8.0, "تسع": 9.0,
    "تسعه": 9.0, "عشر": 10.0, "عشره": 10.0, "عشرون": 20.0, "عشرين": 20.0, "ثلاثون": 30.0, "ثلاثين": 30.0, "اربعون": 40.0,
    "اربعين": 40.0, "خمسون": 50.0, "خمسين": 50.0, "ستون": 60.0, "ستين": 60.0, "سبعون": 70.0, "سبعين": 70.0, "ثمانون": 80.0,
    "ثمانين": 80.0, "تسعون": 90.0, "تسعين": 90.0, "مئه": 100.0, "مايه": 100.0, "ميه": 100.0, "مييه": 100.0,
    "اثنا": 2.0, "اثني": 2.0, "اثنتا": 2.0, "اثنتي": 2.0, "اثنتان": 2.0, "اثنتين": 2.0,
    "الفان": 2e3, "الفين": 2e3, "مليونان": 2e6, "مليونين": 2e6, "ملياران": 2e9, "مليارين": 2e9,
}  # fmt: skip
_HUNDREDS = ("ميه", "مايه")  # مئة and مائة, folded
_WORD_NUMBERS |= {f"{hundred[:-1]}{dual}": 200.0 for hundred in _HUNDREDS for dual in ("تان", "تين", "تا", "تي")}
_WORD_NUMBERS |= {
    f"{unit}{hundred}": _WORD_NUMBERS[unit] * 100.0 for unit in "ثلاث اربع خمس ست سبع ثمان ثماني تسع".split() for hundred in _HUNDREDS
}
_MONTHS = {
    month: float(n)
    for n, names in enumerate(
        [
            "january jan يناير", "february feb فبراير شباط", "march مارس اذار", "april apr ابريل نيسان", "may مايو ايار",
            "june jun يونيو حزيران", "july jul يوليو تموز", "august aug اغسطس اب", "september sep سبتمبر ايلول",
            "october oct اكتوبر", "november nov نوفمبر", "december dec ديسمبر",
        ],
        start=1,
    )
    for month in names.split()
}  # fmt: skip
_PER_CENT = re.compile(r"(?:في |ب)ال(?:مئه|مايه|ميه|مييه)|per cent")
_NUMBER = re.compile(r"\d+(?:[.,\u066b\u066c]\d+)*")
_NUMBER_AND_WORD = re.compile(_NUMBER.pattern + r"\s+[^\W\d_]+")
_ELEVEN = re.compile(r"\bاحدي?(?= عشر)")  # elsewhere «أحد» is somebody, or Sunday


def _value(digits: str) -> float:
    """The value of digits and separators: `50,000` and `50.000` are fifty thousand, `4.5` and `4,5` four and a half."""
    digits = digits.replace("\u066c", ",").replace("\u066b", ".")
    groups = re.split("[.,]", digits)
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3 and groups[0] != "0":
        return float("".join(groups))
    if len(groups) == 2:
        return float(f"{groups[0]}.{groups[1]}")
    return float("".join(groups))


def numbers(text: str) -> dict[float, str]:
    """The values that a text states in digits, each with its written form; a scale word multiplies (`13 مليار`: 1.3e10)."""
    found: dict[float, str] = {}
    folded = fold(text)
    for match in _NUMBER.finditer(folded):
        value = _value(match.group())
        after = re.match(r"\s*([^\W\d_]+)", folded[match.end() :])
        scale = _SCALES.get(_bare_number_word(after.group(1))) if after else None
        # A bare letter is a scale only when it touches the digits (`5m`), else it begins a word.
        if scale and after and len(after.group(1)) == 1 and after.start(1) > 0:
            scale = None
        found.setdefault(value * scale if scale else value, match.group())
    return found


def _bare_number_word(word: str) -> str:
    """A number word without the conjunction or article that Arabic writes together with it («وثلاثين», «الخمسة»), and without
    the alef of the accusative («ألفًا», «مليونًا»)."""
    for prefix in ("", "و", "ال", "وال", "ب", "ل"):
        bare = word.removeprefix(prefix)
        if not prefix or bare != word:
            if bare in _WORD_NUMBERS or bare in _SCALES or bare in _MONTHS:
                return bare
            if (accusative := bare.removesuffix("ا")) in _WORD_NUMBERS or accusative in _SCALES:
                return accusative
    return word


def _spelled(text: str) -> list[list[float]]:
    """The numbers spelled out in words, each as the values of its parts and last its whole value.

    «ثلاث مئة وعشرون ألفًا» and "three hundred and twenty thousand" end in 320000.
    """
    found: list[list[float]] = []
    parts: list[float] = []
    total = current = 0.0

    def close() -> None:
        nonlocal parts, total, current
        if parts:
            found.append([*parts, total + current])
        parts, total, current = [], 0.0, 0.0

    text = _ELEVEN.sub("واحد", _PER_CENT.sub(" ", re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)))
    for word in words(text):
        bare = _bare_number_word(word)
        if bare in _WORD_NUMBERS:
            value = _WORD_NUMBERS[bare]
            current = current * 100.0 if value == 100.0 and 0 < current < 10 else current + value
            parts.append(value)
        elif bare in _SCALES and len(bare) > 2:
            total += (current or 1.0) * _SCALES[bare]
            current = 0.0
            parts.append(_SCALES[bare])
        elif not (parts and word in ("and", "و")):  # "three hundred and twenty"
            close()
    close()
    return found


def stated_values(text: str) -> set[float]:
    """Every value that a text can be said to state: digits with and without scale, number words and their parts."""
    values = {_value(match.group()) for match in _NUMBER.finditer(fold(text))} | set(numbers(text))
    for spelled in _spelled(fold(text)):
        values.update(spelled)
    return values


def names_month(text: str) -> bool:
    """Whether a text names a month, by any of its Arabic or English names."""
    return any(_bare_number_word(word) in _MONTHS for word in words(text))


def values_claimed(text: str) -> set[float]:
    """The values that a sentence commits itself to: numbers in digits with their scale, and numbers spelled out above two."""
    folded = fold(text)
    spelled = {parts[-1] for parts in _spelled(_NUMBER_AND_WORD.sub(" ", _PER_CENT.sub(" ", folded)))}
    return set(numbers(text)) | {value for value in spelled if value > 2.0}
