"""Convert values to the language of the answer by rule: numbers, amounts, measures, dates and times, exactly as the source states them, and
names of countries, languages and days of the week.

These names and those of currencies, units and months are those of the Unicode CLDR (Babel).
Digits are kept as the source has them, in Western form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date as Day
from decimal import Decimal
from functools import cache
from typing import Any

from rag.text.folding import fold
from rag.text.language import script
from rag.text.numbers import Bound, Date, Kind, Value, find_values
from rag.text.territories import bare_name, name_forms, territories
from rag.text.words import content_stems, stem, stop_stems, words

_CLDR_UNITS: Mapping[str, str] = {
    "mm": "length-millimeter", "cm": "length-centimeter", "m": "length-meter", "km": "length-kilometer", "in": "length-inch",
    "ft": "length-foot", "yd": "length-yard", "mi": "length-mile", "m2": "area-square-meter", "km2": "area-square-kilometer",
    "cm2": "area-square-centimeter", "mi2": "area-square-mile", "ft2": "area-square-foot", "ha": "area-hectare", "acre": "area-acre",
    "dunum": "area-dunam", "ml": "volume-milliliter", "l": "volume-liter", "m3": "volume-cubic-meter", "barrel": "volume-barrel",
    "gallon": "volume-gallon", "mg": "mass-milligram", "g": "mass-gram", "kg": "mass-kilogram", "t": "mass-tonne", "lb": "mass-pound",
    "oz": "mass-ounce", "s": "duration-second", "min": "duration-minute", "h": "duration-hour", "d": "duration-day",
    "week": "duration-week", "month": "duration-month", "year": "duration-year", "decade": "duration-decade",
    "century": "duration-century", "km/h": "speed-kilometer-per-hour", "m/s": "speed-meter-per-second", "mph": "speed-mile-per-hour",
    "kn": "speed-knot", "deg": "angle-degree", "c": "temperature-celsius", "f": "temperature-fahrenheit", "w": "power-watt",
    "kw": "power-kilowatt", "mw": "power-megawatt", "gw": "power-gigawatt", "kwh": "energy-kilowatt-hour", "v": "electric-volt",
    "a": "electric-ampere", "hz": "frequency-hertz", "khz": "frequency-kilohertz", "mhz": "frequency-megahertz",
    "ghz": "frequency-gigahertz", "byte": "digital-byte", "kb": "digital-kilobyte", "mb": "digital-megabyte", "gb": "digital-gigabyte",
    "tb": "digital-terabyte",
}  # fmt: skip
_PLAIN_CURRENCIES: Mapping[str, tuple[str, str]] = {
    "dinar": ("dinars", "دينار"), "dollar": ("dollars", "دولار"), "riyal": ("riyals", "ريال"), "dirham": ("dirhams", "درهم"),
    "pound": ("pounds", "جنيه"), "lira": ("liras", "ليرة"), "euro": ("euros", "يورو"), "yen": ("yen", "ين"), "yuan": ("yuan", "يوان"),
    "rupee": ("rupees", "روبية"), "shekel": ("shekels", "شيكل"), "franc": ("francs", "فرنك"), "rouble": ("roubles", "روبل"),
    "krone": ("kroner", "كرونة"), "ouguiya": ("ouguiyas", "أوقية"), "cent": ("cents", "سنت"), "fils": ("fils", "فلس"),
    "piastre": ("piastres", "قرش"), "halala": ("halalas", "هللة"),
}  # fmt: skip
"""Currencies whose country the source does not name; the CLDR names only those of a country."""
_SCALES = ((10**12, "trillion", "تريليون"), (10**9, "billion", "مليار"), (10**6, "million", "مليون"))
_BOUNDS: Mapping[Bound, tuple[str, str]] = {
    Bound.EXACT: ("", ""), Bound.ABOUT: ("about ", "نحو "),
    Bound.LEAST: ("at least ", "على الأقل "), Bound.MOST: ("at most ", "على الأكثر "),
}  # fmt: skip
_STRICT = (
    (re.compile(r"(?:more than|over|above|exceed(?:s|ed|ing)?|(?:اكثر|ازيد) من|فوق)\s*$"), Bound.LEAST, ("more than ", "أكثر من ")),
    (re.compile(r"(?:less than|fewer than|under|below|اقل من|دون)\s*$"), Bound.MOST, ("less than ", "أقل من ")),
    (re.compile(r"(?:nearly|almost|قرابه|زهاء)\s*$"), Bound.MOST, ("about ", "نحو ")),
)
"""What a text says before a value, folded, where `Bound` has only "at least" and "at most", and the bound that it has unless it is denied:
"not more than 6" is at most 6."""
_DENIES = re.compile(r"(?<!\w)(?:not|no|never|cannot|nor|without|\w+n['\u2019]t|[وف]?(?:لا|الا|لم|لن|ليس|ليست|عدم|غير|بدون))(?!\w)")
"""Words, folded, that may deny a value that follows."""
_HIJRI = (
    ("Muharram", "محرم"), ("Safar", "صفر"), ("Rabi al-Awwal", "ربيع الأول"), ("Rabi al-Thani", "ربيع الآخر"),
    ("Jumada al-Ula", "جمادى الأولى"), ("Jumada al-Akhira", "جمادى الآخرة"), ("Rajab", "رجب"), ("Shaban", "شعبان"),
    ("Ramadan", "رمضان"), ("Shawwal", "شوال"), ("Dhu al-Qadah", "ذو القعدة"), ("Dhu al-Hijjah", "ذو الحجة"),
)  # fmt: skip
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬", "01234567890123456789.,")
_NUMERAL = re.compile(r"[-+−]?\d[\d.,\u00a0\u202f ]*\d|[-+−]?\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_KILO = re.compile(r".*?(?:كيلو|\bkilos?)", re.DOTALL | re.IGNORECASE)
_CLASSES = frozenset("language country day the يوم اللغه لغه باللغه بلد دوله".split())
"""Words that a name may stand with and that say no more than it."""
_SPARE = 2
"""Most words besides its values for a phrase to be expressed by them: the noun counted, a preposition."""


def localize_values(text: str, language: str) -> str | None:
    """Return the values of a short phrase in the words of a language, "ar" or "en", in the order of the text.

    None if the phrase states none, states one that has no form here, or says more than its values: «4%» does not express «تُرفع الرواتب
    بنسبة 4%».
    """
    values = find_values(text)
    if not values:
        return None
    rest = "".join(" " if any(value.span.start <= n < value.span.end for value in values) else char for n, char in enumerate(text))
    if len(_LETTERS.findall(rest)) > _SPARE or _numbers_a_name(values[0], text):
        return None
    if values[0].kind not in (Kind.DATE, Kind.TIME):
        values = [value for value in values if value.kind is values[0].kind]  # the price, not also when it was paid
    written = [localize_value(value, text, language) for value in values]
    if None in written:
        return None
    return (" – " if len(written) == 2 and values[0].kind is Kind.TIME else "، " if language == "ar" else ", ").join(filter(None, written))


def localize_names(text: str, language: str) -> str | None:
    """Return the countries, languages and days of the week that a short phrase names in the words of a language, "ar" or "en", in order;
    None if it says anything else."""
    spoken = words(text)
    names, longest = _names()
    found: list[str] = []
    at = 0
    while at < len(spoken):
        for length in range(min(longest, len(spoken) - at), 0, -1):
            run = spoken[at : at + length]
            key = next((form for form in (tuple(run), *name_forms(run)) if form in names), None)
            if key is not None:
                found.append(names[key][language == "ar"])
                at += length
                break
        else:
            if stem(spoken[at]) not in stop_stems() and spoken[at] not in _CLASSES:
                return None
            at += 1
    return ("، " if language == "ar" else ", ").join(found) or None


@cache
def _names() -> tuple[Mapping[tuple[str, ...], tuple[str, str]], int]:
    """Return names of the CLDR in English and Arabic by either as bare words, and the number of words of the longest."""
    from babel import Locale

    english, arabic = Locale("en"), Locale("ar")
    pairs = [(english.languages[code], arabic.languages.get(code, "")) for code in english.languages if len(str(code)) == 2]
    places = [(name, arabic.territories.get(code, "")) for code, name in english.territories.items()]
    english_days: Any = english.days["stand-alone"]["wide"]
    arabic_days: Any = arabic.days["stand-alone"]["wide"]
    days = [(english_days[day], arabic_days[day]) for day in range(7)]
    found = {bare_name(words(name)): pair for pair in pairs for name in pair if all(pair) and words(name)}
    found |= {bare_name(words(name)): pair for pair in places for name in pair if territories(name)}  # not «عمان», which may be Amman
    found |= {tuple(words(name)): pair for pair in days for name in pair}  # «الأحد» with its article: «أحد» is "one"
    return found, max(map(len, found))


def _numbers_a_name(value: Value, text: str) -> bool:
    """Return whether a bare number belongs to the name before it: «Apache 2.0», «المادة 12»."""
    bare = value.kind in (Kind.NUMBER, Kind.CODE) and not value.unit and value.high is None and value.bound is Bound.EXACT
    before, after = text[: value.span.start], text[value.span.end :]
    return bare and bool(content_stems(before)) and not _LETTERS.search(after)


def localize_value(value: Value, text: str, language: str) -> str | None:
    """Return one value of a text in the words of a language; None if it has no form here."""
    arabic = language == "ar"
    stated = value.span.of(text)
    if _is_denied(value, text):
        return None
    if value.kind is Kind.DATE:
        return _date(value.date, language) if value.date else None
    if value.kind is Kind.TIME:
        return None if value.number is None else f"{int(value.number) // 60:02d}:{int(value.number) % 60:02d}"
    if value.kind in (Kind.PHONE, Kind.CODE):
        latin = stated.translate(_DIGITS).strip()
        return None if _LETTERS.search(latin) and script(latin) != "en" else latin
    if value.number is None or value.kind not in (Kind.NUMBER, Kind.AMOUNT, Kind.MEASURE, Kind.PERCENT):
        return None
    if value.unit == "kg" and _KILO.fullmatch(stated.strip()):
        return None  # «80 كيلو» of a road are kilometres
    number = _number(value, stated, language)
    unit = _unit(value, language)
    if unit is None:
        return None
    separator = "" if unit.startswith("%") else " "
    return f"{_bound(value, text)[arabic]}{number}{separator if unit else ''}{unit}"


def _is_denied(value: Value, text: str) -> bool:
    """Return whether words before a value deny it, or its bound, in a way that no form here says: "not later than 5 days", «ألا تتجاوز مدة
    القيادة أكثر من ستة أشهر»."""
    before = fold(text[: value.span.start])
    if not _DENIES.search(before):
        return False
    plain = next((bound for pattern, bound, _ in _STRICT if pattern.search(before)), None)
    return value.bound is plain if plain is not None else value.bound not in (Bound.LEAST, Bound.MOST)


def _bound(value: Value, text: str) -> tuple[str, str]:
    """Return the words for a value's bound in both languages: "under 12" is less than 12, not at most 12."""
    before = fold(text[: value.span.start])
    return next((words_ for pattern, bound, words_ in _STRICT if bound is value.bound and pattern.search(before)), _BOUNDS[value.bound])


def _number(value: Value, stated: str, language: str) -> str:
    """Return the number as the source writes it if that is in digits without a scale, else in digits."""
    if value.number is None:
        return ""
    if value.high is None and not value.spelled:
        digits = [found.strip() for found in _NUMERAL.findall(stated.translate(_DIGITS))]
        if len(digits) == 1:
            for written in (digits[0], digits[0].replace(",", ".")):  # «7,50», with a decimal comma
                if _plain(written) in (value.number, *value.also):  # «1.250», which may be read in two ways, stays as it is written
                    return str(written)
    low = _scaled(value.number, language)
    return low if value.high is None else f"{low}–{_scaled(value.high, language)}"


def _plain(digits: str) -> Decimal | None:
    """Return the number written in digits with groups of three and a decimal point; None for another notation."""
    bare = re.sub(r"[,\u00a0\u202f ](?=\d{3}(?:\D|$))", "", digits).replace("−", "-")
    return Decimal(bare) if re.fullmatch(r"[-+]?\d+(?:\.\d+)?", bare) else None


def _scaled(number: Decimal, language: str) -> str:
    """Return a number with its scale as a word from a million on: 2500000 is "2.5 million"."""
    for worth, english, arabic in _SCALES:
        if abs(number) >= worth and number % (worth // 1000) == 0:
            return f"{_bare(number / worth)} {arabic if language == 'ar' else english}"
    return _bare(number)


def _bare(number: Decimal) -> str:
    whole = number == number.to_integral_value()
    return f"{int(number):,}" if whole and abs(number) >= 10_000 else f"{int(number)}" if whole else f"{number.normalize():f}"


def _unit(value: Value, language: str) -> str | None:
    """Return the name of a value's unit in a language, "" for a bare number, None for one without a name here."""
    from babel.numbers import get_currency_name
    from babel.units import UnknownUnitError

    if value.kind is Kind.PERCENT:
        return "%"
    if not value.unit:
        return ""
    if plain := _PLAIN_CURRENCIES.get(value.unit):
        return plain[language == "ar"]
    if value.kind is Kind.AMOUNT:
        name = get_currency_name(value.unit, count=int(value.number or 0) if language == "en" else None, locale=language)
        return None if name == value.unit else str(name)
    try:
        return _unit_name(_CLDR_UNITS[value.unit], value, language) if value.unit in _CLDR_UNITS else None
    except UnknownUnitError:
        return None


def _unit_name(cldr: str, value: Value, language: str) -> str | None:
    """Return the plural form of a unit's name for a number: «3 أيام» and «300 يوم»; None for a unit without a name here."""
    from babel.units import format_unit

    if cldr == "duration-day":  # the plain form is missing from Babel's Arabic data
        few = 3 <= int(value.number or 0) % 100 <= 10
        return ("أيام" if few else "يوم") if language == "ar" else ("day" if value.number == 1 else "days")
    for length in ("long", "short"):  # where a name is only in the short form, the long one is the unit's own code
        counted: str = format_unit(value.number or 0, cldr, length, locale=language, numbering_system="latn")
        if cldr not in counted:
            return _NUMERAL.sub("", counted, count=1).strip() or counted
    return None


def _date(day: Date, language: str) -> str | None:
    """Return a date in words, as much of it as is stated; None for a month's day without the month."""
    from babel import Locale
    from babel.dates import format_date

    arabic = language == "ar"
    if day.hijri:
        if day.month is None:
            return None if day.year is None else f"{day.year} {'هـ' if arabic else 'AH'}"
        parts = [str(day.day) if day.day else "", _HIJRI[day.month - 1][arabic], str(day.year) if day.year else ""]
        return " ".join(filter(None, parts)) + (" هـ" if arabic else " AH") * (day.year is not None)
    if day.month is None:
        return None if day.year is None or day.day is not None else str(day.year)
    month = Locale(language).months["stand-alone"]["wide"][day.month]
    if day.day is None:
        return f"{month} {day.year}" if day.year else str(month)
    if day.year is None:
        return f"{day.day} {month}"
    try:
        return str(format_date(Day(day.year, day.month, day.day), "d MMMM y", locale=language))
    except ValueError:
        return None
