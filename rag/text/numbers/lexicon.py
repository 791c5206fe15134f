"""The words of numbers, units, currencies, months and days of the week in Arabic and English, folded as `rag.text.folding.fold` folds.

Words only: how they combine is in `parsing`. Arabic entries hold each form a word is written in; forms that follow from the grammar
(accusative, dual, article) are made here from the singular.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from rag.text.clitics import split_prefix
from rag.text.folding import fold

# --- number words ---------------------------------------------------------------------------------------------------------

_ONES_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
ONES_EN: Mapping[str, int] = {word: n for n, word in enumerate(_ONES_EN.split())}
TENS_EN: Mapping[str, int] = {
    word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
} | {"fourty": 40}
SCALES_EN: Mapping[str, int] = {
    "thousand": 10**3, "thousands": 10**3, "million": 10**6, "millions": 10**6, "billion": 10**9, "billions": 10**9,
    "trillion": 10**12, "trillions": 10**12,
}  # fmt: skip
SHORT_SCALES: Mapping[str, int] = {"k": 10**3, "mn": 10**6, "mln": 10**6, "m": 10**6, "bn": 10**9, "b": 10**9, "tn": 10**12}
"""Scales written as letters; those of one letter only where they touch their digits."""

ONES_AR: Mapping[str, int] = {
    word: n
    for n, forms in enumerate(
        [
            "واحد واحده واحدا", "اثنان اثنين اثنتان اثنتين اتنين ثنتين", "ثلاث ثلاثه تلات تلاته", "اربع اربعه", "خمس خمسه",
            "ست سته", "سبع سبعه", "ثمان ثماني ثمانيه ثمن تمن تمان تمانيه", "تسع تسعه",
        ],
        start=1,
    )
    for word in forms.split()
    if word != "ثمن"  # a price, far more often than eight
}  # fmt: skip
TEEN_ONES_AR: Mapping[str, int] = {"احد": 1, "احدي": 1, "حادي": 1, "حاديه": 1, "اثنا": 2, "اثني": 2, "اثنتا": 2, "اثنتي": 2}
"""Ones that stand only before «عشر»; the first two before «وعشرون» as well."""
TEN_AR = frozenset("عشر عشره".split())
TEENS_AR: Mapping[str, int] = {
    word: n
    for n, forms in enumerate(
        [
            "احدعشر حداشر احداعشر", "اثناعشر اتناشر اطناعش", "ثلاثهعشر تلتاشر تلطعش", "اربعتاشر اربعطعش", "خمستاشر خمستعشر خمسطعش",
            "ستاشر ستعشر سطعش", "سبعتاشر سبعتعشر سبعطعش", "تمنتاشر تمنتعشر تمنطعش", "تسعتاشر تسعتعشر تسعطعش",
        ],
        start=11,
    )
    for word in forms.split()
}  # fmt: skip
TENS_AR: Mapping[str, int] = {
    stem + ending: 10 * n for n, stem in enumerate("عشر ثلاث اربع خمس ست سبع ثمان تسع".split(), start=2) for ending in ("ون", "ين")
} | {"تلاتين": 30, "تمانين": 80}
_HUNDRED = ("ميه", "مايه")  # مئة and مائة, folded
HUNDREDS_AR: Mapping[str, int] = (
    dict.fromkeys(_HUNDRED, 100)
    | {hundred[:-1] + dual: 200 for hundred in _HUNDRED for dual in ("تان", "تين", "تا", "تي")}
    | {
        unit + hundred: 100 * n
        for n, units in enumerate(["ثلاث تلت", "اربع ربع", "خمس", "ست", "سبع", "ثمان ثماني تمن", "تسع"], start=3)
        for unit in units.split()
        for hundred in _HUNDRED
    }
)
_SCALE_STEMS = ("الف", "مليون", "مليار", "بليون", "تريليون", "ترليون")
_SCALE_WORTH = dict(zip(_SCALE_STEMS, (10**3, 10**6, 10**9, 10**9, 10**12, 10**12), strict=True))
SCALES_AR: Mapping[str, int] = _SCALE_WORTH | {
    "الاف": 10**3, "ملايين": 10**6, "مليارات": 10**9, "بلايين": 10**9, "تريليونات": 10**12,
}  # fmt: skip
SCALE_DUALS_AR: Mapping[str, int] = {stem + ending: worth for stem, worth in _SCALE_WORTH.items() for ending in ("ان", "ين", "ي")}
"""«ألفان», «مليوني»: two of the scale."""
SCALE_ALEF_AR: Mapping[str, int] = {stem + "ا": worth for stem, worth in _SCALE_WORTH.items()}
"""«ألفًا» (one, in the accusative) and «ألفا صوت» (two, before its noun) are written the same but for the tanwin."""

DECADES: Mapping[str, int] = {
    word: 10 * n
    for n, forms in enumerate(
        [
            "twenties عشرينيات عشرينات", "thirties ثلاثينيات ثلاثينات", "forties اربعينيات اربعينات", "fifties خمسينيات خمسينات",
            "sixties ستينيات ستينات", "seventies سبعينيات سبعينات", "eighties ثمانينيات ثمانينات", "nineties تسعينيات تسعينات",
        ],
        start=2,
    )
    for word in forms.split()
}  # fmt: skip

# --- ordinals -------------------------------------------------------------------------------------------------------------

ORDINALS_EN: Mapping[str, int] = {
    word: n
    for n, word in enumerate(
        """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
        sixteenth seventeenth eighteenth nineteenth twentieth""".split(),
        start=1,
    )
} | {word[:-1] + "ieth": n for word, n in TENS_EN.items() if word != "fourty"}
ORDINALS_AR: Mapping[str, int] = {
    word: n
    for n, forms in enumerate(
        [
            "اول اولي", "ثان ثاني ثانيه ثانيا", "ثالث ثالثه ثالثا", "رابع رابعه رابعا", "خامس خامسه خامسا", "سادس سادسه سادسا",
            "سابع سابعه سابعا", "ثامن ثامنه ثامنا", "تاسع تاسعه تاسعا", "عاشر عاشره عاشرا",
        ],
        start=1,
    )
    for word in forms.split()
}  # fmt: skip

# --- fractions ------------------------------------------------------------------------------------------------------------

DENOMINATORS_EN: Mapping[str, int] = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4, "fifth": 5, "fifths": 5,
    "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
}  # fmt: skip
FRACTIONS_AR: Mapping[str, Decimal] = {
    "نصف": Decimal("0.5"), "ثلث": Decimal(1) / 3, "ربع": Decimal("0.25"), "سدس": Decimal(1) / 6,
    "ثلثا": Decimal(2) / 3, "ثلثي": Decimal(2) / 3, "ثلثان": Decimal(2) / 3, "ثلثين": Decimal(2) / 3,
}  # fmt: skip
FIFTH_LIKE_AR: Mapping[str, Decimal] = {"خمس": Decimal("0.2"), "عشر": Decimal("0.1"), "سبع": Decimal(1) / 7, "تسع": Decimal(1) / 9}
"""Fractions that are written like the feminine of a number: «خُمس الدخل», «خمس سنوات»."""
DENOMINATORS_AR: Mapping[str, int] = {
    "اثلاث": 3, "ارباع": 4, "اخماس": 5, "اسداس": 6, "اسباع": 7, "اثمان": 8, "اتساع": 9, "اعشار": 10,
}  # fmt: skip

# --- units ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its family and, in a family with exact conversions, its value in the family's base unit (metre, kilogram, minute …)."""

    family: str
    worth: Decimal | None = None


_UNITS = """
length     mm    0.001     millimetre millimetres millimeter millimeters mm      | مليمتر مليمترات؛ ملم مم ميليمتر
length     cm    0.01      centimetre centimetres centimeter centimeters cm      | سنتيمتر سنتيمترات؛ سنتمتر سم
length     m     1         metre metres meter meters m                           | متر امتار؛ م
length     km    1000      kilometre kilometres kilometer kilometers km kms      | كيلومتر كيلومترات؛ كم كلم كيلومترات
length     in    0.0254    inch inches                                           | بوصه بوصات؛ انش انشات
length     ft    0.3048    foot feet ft                                          | قدم اقدام
length     yd    0.9144    yard yards                                            | يارده ياردات
length     mi    1609.344  mile miles                                            | ميل اميال
area       m2    1         |
area       km2   1000000   |
area       cm2   0.0001    |
area       mi2   2589988.110336 sqmi                                             |
area       ft2   0.09290304 sqft                                                 |
area       ha    10000     hectare hectares ha                                   | هكتار هكتارات
area       dunum 1000      dunum dunums dunam dunams donum donums                | دونم دونمات
area       acre  4046.8564224 acre acres                                         | اكر
area       feddan 4200.8333 feddan feddans                                       | فدان افدنه
volume     ml    0.001     millilitre millilitres milliliter milliliters ml      | مليلتر مليلترات؛ مل
volume     l     1         litre litres liter liters l                           | لتر لترات؛ ليتر ليترات
volume     m3    1000      |
volume     barrel 158.987294928 barrel barrels bbl                               | برميل براميل
volume     gallon          gallon gallons                                        | جالون جالونات؛ غالون غالونات
mass       mg    0.000001  milligram milligrams mg                               | مليغرام مليغرامات؛ ملغ ملغم ملجم مليجرام
mass       g     0.001     gram grams gramme grammes g gr gm                     | غرام غرامات؛ جرام جرامات غ غم جم
mass       kg    1         kilogram kilograms kilogramme kilogrammes kilo kilos kg kgs | كيلوغرام كيلوغرامات؛ كيلوجرام كيلو كغ كغم كجم
mass       t     1000      tonne tonnes ton tons t                               | طن اطنان
mass       kt    1000000   kiloton kilotons kilotonne kilotonnes                 |
mass       mt    1000000000 megaton megatons megatonne megatonnes                 |
mass       gt    1000000000000 gigaton gigatons gigatonne gigatonnes              | غيغاطن؛ جيجاطن
mass       quintal 100     quintal quintals                                      | قنطار قناطير
mass       lb    0.45359237 lb lbs                                               | رطل ارطال
mass       oz              ounce ounces oz                                       | اونصه اونصات
duration   s     1         seconds sec secs                                      | ثانيه ثوان؛ ثواني
duration   min   60        minute minutes min mins                               | دقيقه دقائق
duration   h     3600      hour hours hr hrs h                                   | ساعه ساعات
duration   d     86400     day days                                              | يوم ايام
duration   week  604800    week weeks                                            | اسبوع اسابيع
months     month 1         month months                                          | شهر اشهر؛ شهور
months     year  12        year years yr yrs                                     | سنه سنوات؛ عام اعوام سنين
months     decade 120      decade decades                                        |
months     century 1200    century centuries                                     | قرن قرون
speed      km/h            km/h kph kmh                                          | كم/س كم/ساعه
speed      m/s             m/s                                                   | م/ث
speed      mph             mph                                                   |
speed      kn              knot knots                                            | عقده عقد
temperature deg            degree degrees °                                      | درجه درجات
temperature c              °c                                                    |
temperature f              °f                                                    |
power      w     1         watt watts w                                          | واط؛ وات
power      kw    1000      kilowatt kilowatts kw                                 | كيلوواط؛ كيلووات كيلواط
power      mw    1000000   megawatt megawatts mw                                 | ميغاواط؛ ميجاوات ميغاوات ميجاواط
power      gw    1000000000 gigawatt gigawatts gw                                | غيغاواط؛ جيجاوات غيغاوات
energy     kwh   1         kwh                                                   |
energy     mwh   1000      mwh                                                   |
energy     kcal            calorie calories kcal                                 | سعره سعرات
voltage    v               volt volts v                                          | فولت
current    a               ampere amperes amp amps                               | امبير
frequency  hz    1         hertz hz                                              | هرتز
frequency  khz   1000      kilohertz khz                                         | كيلوهرتز
frequency  mhz   1000000   megahertz mhz                                         | ميغاهرتز؛ ميجاهرتز
frequency  ghz   1000000000 gigahertz ghz                                        | غيغاهرتز؛ جيجاهرتز
data       byte  1         byte bytes                                            | بايت
data       kb    1000      kilobyte kilobytes kb                                 | كيلوبايت
data       mb    1000000   megabyte megabytes mb                                 | ميغابايت؛ ميجابايت
data       gb    1000000000 gigabyte gigabytes gb                                | غيغابايت؛ جيجابايت
data       tb    1000000000000 terabyte terabytes tb                             | تيرابايت؛ ترابايت
permille   permille        permille ‰                                            |
"""
PERCENTS = frozenset({"%", "percent", "per cent", "per-cent", "pct", "في الميه", "في المايه", "بالميه", "بالمايه", "في ال%", "بال%"})
POINTS = frozenset({"percentage point", "percentage points", "نقطه ميويه", "نقاط ميويه", "نقطتين ميويتين", "نقطتان ميويتان", "نقطه مءويه"})
_SQUARE = {"m": "m2", "km": "km2", "cm": "cm2", "mi": "mi2", "ft": "ft2"}
_CUBIC = {"m": "m3"}
UNITS: dict[str, Unit] = {"%": Unit("percent"), "pp": Unit("points"), "decades": Unit("decades")}

# --- currencies -----------------------------------------------------------------------------------------------------------

_CURRENCIES = """
dinar   dinar dinars | دينار دنانير
dollar  dollar dollars | دولار دولارات
riyal   riyal riyals rial rials | ريال ريالات
dirham  dirham dirhams | درهم دراهم
pound   pound pounds | جنيه جنيهات
lira    lira liras lire | ليره ليرات
euro    euro euros | يورو يوروهات
yen     yen | ين
yuan    yuan | يوان
rupee   rupee rupees | روبيه روبيات
shekel  shekel shekels | شيكل شواكل شيقل
franc   franc francs | فرنك فرنكات
rouble  rouble roubles ruble rubles | روبل روبلات
krone   krone kroner krona kronor | كرون كرونات كرونه
ouguiya ouguiya ouguiyas | اوقيه
cent    cent cents | سنت سنتات
fils    fils | فلس فلوس
piastre piastre piastres | قرش قروش
halala  halala halalas | هلله هللات
"""
_COUNTRIES = """
dinar JOD jordanian اردني
dinar KWD kuwaiti كويتي
dinar IQD iraqi عراقي
dinar BHD bahraini بحريني
dinar TND tunisian تونسي
dinar DZD algerian جزائري
dinar LYD libyan ليبي
dinar RSD serbian صربي
dollar USD us امريكي اميركي american u.s
dollar CAD canadian كندي
dollar AUD australian استرالي
dollar HKD hongkong
riyal SAR saudi سعودي
riyal QAR qatari قطري
riyal OMR omani عماني
riyal YER yemeni يمني
riyal IRR iranian ايراني
dirham AED emirati اماراتي uae
dirham MAD moroccan مغربي
pound EGP egyptian مصري
pound GBP british استرليني sterling بريطاني
pound SDG sudanese سوداني
pound LBP lebanese
pound SYP syrian
lira LBP lebanese لبنانيه
lira SYP syrian سوريه
lira TRY turkish تركيه
euro EUR
yen JPY japanese ياباني
yuan CNY chinese صيني
rupee INR indian هنديه
rupee PKR pakistani باكستانيه
shekel ILS israeli
franc CHF swiss سويسري
franc DJF djiboutian
rouble RUB russian روسي
krone SEK swedish سويدي
krone NOK norwegian نرويجي
krone DKK danish دنماركي
ouguiya MRU mauritanian
"""
CURRENCY_SIGNS: Mapping[str, str] = {
    "$": "dollar", "€": "EUR", "£": "pound", "¥": "yen", "₪": "ILS", "₺": "TRY", "₹": "INR", "₽": "RUB", "us$": "USD", "u.s.$": "USD",
    "د.ك": "KWD", "د.ع": "IQD", "د.ب": "BHD", "د.ت": "TND", "د.ج": "DZD", "د.ل": "LYD", "د.م": "MAD", "ر.س": "SAR", "ر.ق": "QAR",
    "ر.ع": "OMR", "ر.ي": "YER", "ج.م": "EGP", "ج.س": "SDG", "ل.ل": "LBP", "ل.س": "SYP", "ل.ت": "TRY", "د.ا": "JOD", "jd": "JOD",
    "jds": "JOD", "ريال": "riyal",
}  # fmt: skip
"""Signs and abbreviations. «د.أ» (Jordan) and «د.إ» (the Emirates) fold to the same letters and are distinguished in the unfolded text."""
GROUPS: dict[str, frozenset[str]] = {}
"""By a currency's plain name, the currencies that it may mean: dinar → JOD, KWD, …"""
_THREE_DECIMALS = frozenset({"JOD", "KWD", "BHD", "OMR", "IQD", "TND", "LYD", "dinar"})


def three_decimals(currency: str) -> bool:
    """Return whether amounts in a currency are written with three decimals, so that `1.250` is one and a quarter."""
    return currency in _THREE_DECIMALS


def _forms(singular: str, others: Iterable[str]) -> dict[str, int]:
    """Return the forms of an Arabic noun, and how many each says by itself: 1, 2 for a dual, 0 for a plural."""
    if singular.endswith("ه"):
        duals = [singular[:-1] + ending for ending in ("تان", "تين")]
        forms = {singular: 1}
    else:
        duals = [singular + ending for ending in ("ان", "ين")]
        forms = {singular: 1, singular + "ا": 1} if len(singular) > 2 else {singular: 1}
    forms |= dict.fromkeys(others, 0)
    if len(singular) > 2 or singular == "طن":
        forms |= dict.fromkeys(duals, 2)
    return forms | {f"ال{form}": count for form, count in forms.items() if len(form) > 2}


@cache
def unit_words() -> Mapping[str, tuple[str, int]]:
    """Return each spelling of a unit or currency with its symbol and how many of it the word alone means.

    That is 1, 2 («دينارين») or 0 (not known: a plural, an abbreviation).
    """
    table: dict[str, tuple[str, int]] = {}
    for line in _UNITS.strip().splitlines():
        head, _, arabic = line.partition("|")
        kind, symbol, *rest = head.split()
        value = Decimal(rest.pop(0)) if rest and rest[0][0].isdigit() else None
        UNITS[symbol] = Unit(kind, value)
        table |= {word: (symbol, int(word in ("hour", "day", "month", "year", "week", "minute"))) for word in rest}
        for group, words in enumerate(arabic.split("؛")):
            for number, word in enumerate(fold(words).split()):
                alone = number == 0 and (group == 0 or word == "عام")
                made = _forms(word, fold(words).split()[1:]) if alone else _forms(word, ()) if len(word) > 3 else {word: 0}
                table |= {form: (symbol, count) for form, count in made.items() if form not in table}
    stems = {"m": "metre metres meter meters", "km": "kilometre kilometres kilometer kilometers", "cm": "centimetre centimetres",
             "mi": "mile miles", "ft": "foot feet"}  # fmt: skip
    for symbol, english in stems.items():
        for plain, powered, adjective, arabic in ((_SQUARE, "2", "square", "مربع"), (_CUBIC, "3", "cubic", "مكعب")):
            if symbol not in plain:
                continue
            target = plain[symbol]
            table |= {f"{adjective} {form}": (target, 0) for form in english.split()}
            table |= {f"{form}{mark}{powered}": (target, 0) for form in _short(symbol) for mark in ("^", "")}
            table |= {f"{'sq' if powered == '2' else 'cu'} {symbol}": (target, 0)}
            for form, (unit, count) in list(table.items()):
                if unit == symbol and " " not in form and len(form) > 2 and not form.isascii():
                    for suffix in ("", "ا", "ه", "ين", "ان"):
                        table[f"{form} {arabic}{suffix}"] = (target, count)
                        table[f"{form} ال{arabic}{suffix}"] = (target, count)
    for prefix, base, unit in (
        ("كيلو", "متر", "km"),
        ("سنتي", "متر", "cm"),
        ("ملي", "متر", "mm"),
        ("كيلو", "غرام", "kg"),
        ("كيلو", "جرام", "kg"),
    ):
        table |= {f"{prefix} {base}{ending}": (unit, 0) for ending in ("", "ا", "ات")}
    for form, (unit, count) in list(table.items()):
        if unit in ("km", "mi") and not form.isascii():
            speed = "km/h" if unit == "km" else "mph"
            table |= {form + hourly: (speed, count) for hourly in (" في الساعه", "/الساعه", "/ساعه", "\\ساعه", "/س")}
        if unit == "deg" and form != "°":
            if form.isascii():
                table |= {f"{form} {name}": (name[0], count) for name in ("celsius", "centigrade", "fahrenheit")}
            else:
                table |= {f"{form} {name}": ("c", count) for name in ("ميويه", "ميويتين", "سلسيوس", "سيلسيوس")}
                table |= {f"{form} {name}": ("f", count) for name in ("فهرنهايت", "فهرنهايتيه")}
    table |= {
        "metres per second": ("m/s", 0), "meters per second": ("m/s", 0), "مترا في الثانيه": ("m/s", 0),
        "متر في الثانيه": ("m/s", 0), "kilowatt-hours": ("kwh", 0), "kilowatt hours": ("kwh", 0), "كيلوواط ساعه": ("kwh", 0),
        "nautical mile": ("nmi", 1), "nautical miles": ("nmi", 0), "ميل بحري": ("nmi", 1), "ميلا بحريا": ("nmi", 1),
    }  # fmt: skip
    for name, symbol in (("kilometre", "km/h"), ("kilometer", "km/h"), ("mile", "mph")):
        table |= {f"{name}{plural} {per} hour": (symbol, 0) for plural in ("", "s") for per in ("per", "an")}
    UNITS["nmi"] = Unit("length", Decimal(1852))
    table |= dict.fromkeys(PERCENTS, ("%", 0)) | dict.fromkeys(POINTS, ("pp", 0))
    table["نقطتين ميويتين"] = table["نقطتان ميويتان"] = ("pp", 2)
    _add_currencies(table)
    return table


def _short(symbol: str) -> tuple[str, ...]:
    return {"m": ("m", "م"), "km": ("km", "كم", "كلم"), "cm": ("cm", "سم")}.get(symbol, (symbol,))


def _add_currencies(table: dict[str, tuple[str, int]]) -> None:
    money = Unit("money")
    plain: dict[str, dict[str, int]] = {}
    for line in _CURRENCIES.strip().splitlines():
        english, arabic = (part.strip() for part in line.split("|"))
        name, *forms = english.split()
        single, *others = fold(arabic).split()
        plain[name] = {form: int(number == 0) for number, form in enumerate(forms)} | _forms(single, others)
        UNITS[name] = money
    codes: dict[str, list[str]] = {name: [] for name in plain}
    for line in _COUNTRIES.strip().splitlines():
        name, code, *adjectives = line.split()
        codes[name].append(code)
        UNITS[code] = money
        table[code.lower()] = (code, 0)
        for adjective in map(fold, adjectives):
            for form, count in plain[name].items():
                if form.isascii() == adjective.isascii():
                    table |= dict.fromkeys(_with_adjective(form, adjective), (code, count))
    for name, forms_of in plain.items():
        GROUPS[name] = frozenset(codes[name])
        only = "EUR" if name == "euro" else name
        table |= {form: (only, count) for form, count in forms_of.items() if form not in table}
    table |= {sign: (currency, 0) for sign, currency in CURRENCY_SIGNS.items() if sign not in table}
    table["sterling"] = ("GBP", 0)
    GROUPS["pound"] |= {"LBP", "SYP"}


def _with_adjective(form: str, adjective: str) -> Iterable[str]:
    if form.isascii():
        return (f"{adjective} {form}", f"{form} {adjective}") if adjective == "sterling" else (f"{adjective} {form}",)
    plain = adjective.removesuffix("ه")
    endings = ("", "ا", "ه", "ين", "ان", "تين", "تان")
    return [f"{form} {article}{plain}{ending}" for ending in endings for article in ("", "ال")]


CODES = frozenset(line.split()[1] for line in _COUNTRIES.strip().splitlines())
"""ISO 4217 codes, which are read only where they stand in capitals: "mad" and "try" are words."""


def same_unit(one: str, other: str) -> Decimal | None:
    """Return the factor from the unit `one` to the unit `other`; `None` if the two cannot measure the same thing."""
    if one == other:
        return Decimal(1)
    unit_words()
    first, second = UNITS.get(one), UNITS.get(other)
    if first is None or second is None:
        return None
    if first.family == second.family == "money":
        may_mean = other in GROUPS.get(one, ()) or one in GROUPS.get(other, ()) or {one, other} == {"pound", "lira"}
        return Decimal(1) if may_mean else None
    if first.family == second.family == "temperature":
        return Decimal(1) if "deg" in (one, other) else None
    if {one, other} in ({"acre", "feddan"}, {"pound", "lb"}):
        return Decimal(1)  # «فدان» is what an acre is called in Arabic; a pound is a weight as well
    if first.family == second.family and first.worth is not None and second.worth is not None:
        return first.worth / second.worth
    return None


def worth(unit: str) -> Decimal | None:
    """Return the value of a unit in the base unit of its family; `None` if it does not convert."""
    unit_words()
    return UNITS[unit].worth if unit in UNITS else None


def family(unit: str) -> str:
    """Return the family of a unit: money, length, percent …; "" for none."""
    unit_words()
    return UNITS[unit].family if unit in UNITS else ""


# --- months and days ------------------------------------------------------------------------------------------------------

MONTHS_EN = "january february march april may june july august september october november december".split()
_MONTHS_AR = (
    "يناير جانفي", "فبراير فيفري شباط", "مارس اذار", "ابريل افريل نيسان", "مايو ماي ايار", "يونيو يونيه جوان حزيران",
    "يوليو يوليه جويليه يوليوز تموز", "اغسطس اوت غشت اب", "سبتمبر شتنبر ايلول", "اكتوبر", "نوفمبر نونبر", "ديسمبر دجنبر",
)  # fmt: skip
MONTHS: Mapping[str, int] = (
    {word: n for n, names in enumerate(_MONTHS_AR, start=1) for word in names.split()}
    | {name: n for n, name in enumerate(MONTHS_EN, start=1)}
    | {name[:3]: n for n, name in enumerate(MONTHS_EN, start=1)}
    | {"sept": 9}
)
AMBIGUOUS_MONTHS = frozenset("may march mar jan dec jun ماي اوت اب مارس نيسان جوان".split())
"""Names of months that are other words as well, and count only where they stand as a date does."""
HIJRI_MONTHS: Mapping[str, int] = {
    form: n
    for n, forms in enumerate(
        [
            "محرم, المحرم, muharram", "صفر, safar", "ربيع الاول, ربيع اول, rabi al-awwal, rabi' al-awwal, rabi i, rabi 1",
            "ربيع الاخر, ربيع الثاني, ربيع ثاني, ربيع اخر, rabi al-thani, rabi' al-thani, rabi al-akhir, rabi ii, rabi 2",
            "جمادي الاولي, جمادي الاول, جمادي اول, jumada al-ula, jumada al-awwal, jumada i, jumada 1",
            "جمادي الاخره, جمادي الثانيه, جمادي الاخر, jumada al-akhira, jumada al-akhirah, jumada al-thani, jumada al-thaniya, jumada ii",
            "رجب, rajab", "شعبان, sha'ban, shaban, shaaban", "رمضان, ramadan, ramadhan", "شوال, shawwal, shawal",
            "ذو القعده, ذي القعده, ذا القعده, dhu al-qa'dah, dhu al-qadah, dhu al-qi'dah, dhul qadah, dhul-qadah, dhul-qa'dah",
            "ذو الحجه, ذي الحجه, ذا الحجه, dhu al-hijjah, dhu al-hijja, dhul hijjah, dhul-hijjah, dhul hijja",
        ],
        start=1,
    )
    for form in forms.split(", ")
}  # fmt: skip
AMBIGUOUS_HIJRI = frozenset("محرم صفر رجب شعبان رمضان safar rajab shaban ramadan".split())
"""Names of men, and «صفر» is also zero: they count only next to a day or a year, or after «شهر»."""
LEVANTINE: Mapping[tuple[str, str], int] = {
    (name, order): month
    for name, orders in (("كانون", (12, 1)), ("تشرين", (10, 11)))
    for forms, month in zip((("اول", "الاول", "1"), ("ثاني", "الثاني", "ثان", "2")), orders, strict=True)
    for order in forms
}
DAYS: Mapping[str, int] = {
    word: n
    for n, names in enumerate(
        ["monday اثنين", "tuesday ثلاثاء", "wednesday اربعاء", "thursday خميس", "friday جمعه", "saturday سبت", "sunday احد"]
    )
    for word in names.split()
}

HOURS_AR: Mapping[str, int] = {
    "الواحده": 1, "الثانيه": 2, "الثالثه": 3, "الرابعه": 4, "الخامسه": 5, "السادسه": 6, "السابعه": 7, "الثامنه": 8, "التاسعه": 9,
    "العاشره": 10, "الحاديه عشره": 11, "الحاديه عشر": 11, "الثانيه عشره": 12, "الثانيه عشر": 12,
}  # fmt: skip
MORNING = frozenset("am صباحا الصباح فجرا الفجر".split())
EVENING = frozenset("pm مساء المساء ليلا عصرا ظهرا".split())
_PREFIXES = ("", "و", "ال", "وال", "ب", "ل", "ف", "بال", "لل", "فال", "ول", "وب")
_OTHER_WORDS = frozenset({"لست", "فست", "بست"})
"""Words that only look like a number with a prefix: «لست» is "I am not"."""
_NUMBER_WORDS = frozenset(
    {"صفر", *ONES_AR, *TEEN_ONES_AR, *TEN_AR, *TEENS_AR, *TENS_AR, *HUNDREDS_AR, *SCALES_AR, *SCALE_DUALS_AR, *SCALE_ALEF_AR}
)


@dataclass(frozen=True, slots=True)
class Bare:
    """An Arabic word without its clitics: a conjunction (`joined`), a preposition, the article (`definite`)."""

    word: str
    joined: bool
    definite: bool


@cache
def _vocabulary() -> frozenset[str]:
    return _NUMBER_WORDS | frozenset({*ORDINALS_AR, *FRACTIONS_AR, *DENOMINATORS_AR, *DECADES})


@lru_cache(maxsize=16384)
def bare(word: str) -> Bare:
    """Return a number word, ordinal or fraction without its prefixes and without the alef of the accusative («خمسًا», «نصفًا»).

    Any other word is returned unchanged.
    """
    known = _vocabulary()
    if word in _OTHER_WORDS:
        return Bare(word, False, False)
    for prefix, rest in split_prefix(word, _PREFIXES):
        if rest not in known and len(rest) > 3:
            rest = rest.removesuffix("ا")
        if rest in known and (len(rest) > 1):
            return Bare(rest, prefix[:1] in ("و", "ف"), prefix.endswith(("ال", "لل")))
    return Bare(word, False, False)


@cache
def _openers() -> frozenset[str]:
    """Return every word that a value can begin with, prefixes apart."""
    phrases = [*unit_words(), *HIJRI_MONTHS, *HOURS_AR, *MONTHS, *DECADES]
    firsts = {match.group() for phrase in phrases if (match := re.match(r"[^\W\d_]+(?:'[^\W\d_]+)?|\S", phrase))}
    english = {
        *ONES_EN,
        *TENS_EN,
        *SCALES_EN,
        *ORDINALS_EN,
        *DENOMINATORS_EN,
        "a",
        "an",
        "minus",
        "halve",
        "halved",
        "halving",
        "negative",
        "noon",
        "midnight",
        "o'clock",
    }
    arabic = {*_vocabulary(), *(name for name, _ in LEVANTINE), "ساعه", "منتصف", "غره", "ناقص", "سالب", "حادي", "حاديه"}
    return frozenset(firsts | english | arabic)


_ENDINGS = re.compile(r"(?:ا|ه|ها|هم|هما|هن)$")


@cache
def _month_openers() -> frozenset[str]:
    return frozenset({*MONTHS, *(name for name, _ in LEVANTINE), *(form.split()[0] for form in HIJRI_MONTHS)})


def opens_month(word: str) -> bool:
    """Return whether a month's name can begin with a folded word."""
    return word in _month_openers()


@lru_cache(maxsize=65536)
def opens_value(word: str) -> bool:
    """Return whether a value can begin with a folded word, so that the rest of a text need not be tried."""
    known = _openers()
    if any(rest in known or _ENDINGS.sub("", rest) in known for _, rest in split_prefix(word, _PREFIXES)):
        return True
    return all(letter in "ivxl" for letter in word)
