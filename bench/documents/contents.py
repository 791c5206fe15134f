"""The contents of the synthetic pages, in both languages: sentences with figures, tables, forms. All invented, and the same in every
run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

PLACES = {
    "en": "Northfield|Eastbrook|Westmere|Southgate|Hillford|Riverton|Lakeside|Stonebridge|Greenvale|Ashcombe|Marlow|Whitby".split("|"),
    "ar": "عمّان|إربد|الزرقاء|المفرق|الكرك|معان|العقبة|مادبا|جرش|عجلون|الطفيلة|البلقاء".split("|"),
}
OFFICES = {
    "en": "health directorate|water authority|land registry|school board|labour office|transport department|customs house|archive".split(
        "|"
    ),
    "ar": "مديرية الصحة|سلطة المياه|دائرة الأراضي|مديرية التربية|مكتب العمل|هيئة النقل|دائرة الجمارك|مركز الوثائق".split("|"),
}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "ar": "كانون الثاني|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين الأول|تشرين الثاني|كانون الأول".split("|"),
}
ITEMS = {
    "en": "Cement|Steel|Sand|Timber|Glass|Paint|Copper wire|Roof tiles|Gravel|Plaster".split("|"),
    "ar": "إسمنت|حديد|رمل|خشب|زجاج|دهان|أسلاك نحاس|قرميد|حصى|جبس".split("|"),
}
PEOPLE = {
    "en": "Alice Norton|Daniel Marsh|Helen Frost|Martin Doyle|Susan Reed|Victor Lane".split("|"),
    "ar": "سامي العلي|هدى منصور|رامي حداد|ليلى الخطيب|نزار عودة|مها سلامة".split("|"),
}
_SENTENCES = {
    "en": (
        "In {month} {year} the {office} of {place} received {a} applications and approved {b} of them.",
        "The {office} in {place} employs {a} people, {b} more than in {year}.",
        "According to the report of {place}, repairs cost {a} dinars and took {b} days.",
        "A committee of {b} members visited {place} in {month} {year} and heard {a} witnesses.",
        "Water consumption in {place} fell by {p}% in {year} because {a} old meters were replaced.",
        "The council of {place} rented {b} buildings for the {office}, each with {a} square metres.",
        "Since {month} {year} every visitor of the {office} in {place} waits {b} minutes on average.",
        "The drivers of {place} covered {a} kilometres without a single accident in {year}.",
    ),
    "ar": (
        "تلقت {office} في {place} خلال {month} {year} ما مجموعه {a} طلبا ووافقت على {b} منها.",
        "يعمل لدى {office} في {place} نحو {a} موظفا بزيادة {b} عن عام {year}.",
        "ذكر تقرير {place} أن الصيانة كلفت {a} دينارا واستغرقت {b} يوما.",
        "زارت لجنة من {b} أعضاء مدينة {place} في {month} {year} واستمعت إلى {a} شاهدا.",
        "انخفض استهلاك المياه في {place} بنسبة {p}% عام {year} بعد استبدال {a} عدادا قديما.",
        "استأجر مجلس {place} عدد {b} من المباني لصالح {office} مساحة كل منها {a} مترا مربعا.",
        "ينتظر المراجع في {office} في {place} منذ {month} {year} مدة {b} دقيقة في المتوسط.",
        "قطع سائقو {place} مسافة {a} كيلومترا دون أي حادث خلال عام {year}.",
    ),
}
_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


class Source:
    """Seeded sentences and figures in one language; each call continues the sequence, so that no two paragraphs are alike."""

    def __init__(self, language: str, seed: int, indic: bool = False) -> None:
        self.language = language
        self._random = random.Random(f"{language}-{seed}")
        self._indic = indic
        self._used: list[int] = []

    def number(self, low: int, high: int, style: str = "") -> str:
        """Return a number not returned before, as printed; `style` is the thousands separator, or "" for none."""
        while True:
            value = self._random.randint(low, high)
            if value not in self._used or high - low < 200:
                break
        self._used.append(value)
        return self.printed(f"{value:,}".replace(",", style) if style else str(value))

    def share(self) -> str:
        """Return a percentage with one decimal."""
        text = f"{self._random.randint(11, 989) / 10:.1f}"
        return self.printed(text.replace(".", "٫") if self._indic else text)

    def printed(self, text: str) -> str:
        return text.translate(_INDIC) if self._indic else text

    def pick(self, values: Sequence[str]) -> str:
        return self._random.choice(list(values))

    def sample(self, values: Sequence[str], count: int) -> list[str]:
        return self._random.sample(list(values), count)

    def sentence(self) -> str:
        pattern = self._random.choice(_SENTENCES[self.language])
        return pattern.format(
            month=self.pick(MONTHS[self.language]),
            year=self.printed(str(self._random.randint(1991, 2025))),
            office=self.pick(OFFICES[self.language]),
            place=self.pick(PLACES[self.language]),
            a=self.number(1100, 9899),
            b=self.number(11, 99),
            p=self.share(),
        )

    def paragraph(self, sentences: int = 3) -> str:
        return " ".join(self.sentence() for _ in range(sentences))

    def paragraphs(self, count: int, sentences: int = 3) -> list[str]:
        return [self.paragraph(sentences) for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Made:
    """A table: a caption, the name of the first column, the names of the others, and rows of a name and values."""

    caption: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def gold(self) -> dict[str, list[list[str]] | list[str]]:
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}

    @property
    def numbers(self) -> list[str]:
        return [value for row in self.rows for value in row[1:] if any(c.isdigit() for c in value)]

    @property
    def grid(self) -> list[list[str]]:
        return [[self.corner, *self.columns], *[list(row) for row in self.rows]]


_WORDS = {
    "en": {
        "population": "Population by district", "district": "District", "men": "Men", "women": "Women", "households": "Households",
        "area": "Area (km²)", "trade": "Trade in millions of dinars", "country": "Country", "imports": "Imports", "exports": "Exports",
        "prices": "Prices of building materials", "item": "Item", "unit": "Unit price", "stock": "Stock", "supplier": "Supplier",
        "visitors": "Visitors in thousands", "budget": "Budget and spending", "planned": "Planned", "spent": "Spent", "change": "Change",
        "totals": "Total",
    },
    "ar": {
        "population": "السكان حسب اللواء", "district": "اللواء", "men": "ذكور", "women": "إناث", "households": "الأسر",
        "area": "المساحة (كم²)", "trade": "التجارة بملايين الدنانير", "country": "البلد", "imports": "الواردات", "exports": "الصادرات",
        "prices": "أسعار مواد البناء", "item": "المادة", "unit": "سعر الوحدة", "stock": "الكمية", "supplier": "المورد",
        "visitors": "الزوار بالآلاف", "budget": "الموازنة والإنفاق", "planned": "المخطط", "spent": "المنفق", "change": "التغير",
        "totals": "المجموع",
    },
}  # fmt: skip
COUNTRIES = {
    "en": "Jordan|Morocco|Tunisia|Lebanon|Egypt|Oman|Kuwait|Algeria".split("|"),
    "ar": "الأردن|المغرب|تونس|لبنان|مصر|عُمان|الكويت|الجزائر".split("|"),
}


def words(language: str) -> dict[str, str]:
    """Return the words of the tables by key."""
    return _WORDS[language]


def population(source: Source, rows: int = 6, style: str = ",") -> Made:
    """Districts with men, women and households."""
    word = words(source.language)
    places = source.sample(PLACES[source.language], rows)
    return Made(
        word["population"],
        word["district"],
        (word["men"], word["women"], word["households"]),
        tuple((place, *(source.number(1001, 98765, style) for _ in range(3))) for place in places),
    )


def years(source: Source, rows: int = 5, first: int = 2019, count: int = 4) -> Made:
    """Countries with a figure per year: the column names are numbers."""
    word = words(source.language)
    names = source.sample(COUNTRIES[source.language], rows)
    columns = tuple(source.printed(str(first + n)) for n in range(count))
    return Made(word["visitors"], word["country"], columns, tuple((name, *(source.number(101, 989) for _ in columns)) for name in names))


def trade(source: Source, rows: int = 5) -> Made:
    """Countries with imports and exports of two years: a table with a header of two rows, joined here."""
    word = words(source.language)
    names = source.sample(COUNTRIES[source.language], rows)
    columns = tuple(f"{word[kind]} {source.printed(str(year))}" for kind in ("imports", "exports") for year in (2022, 2023))
    return Made(word["trade"], word["country"], columns, tuple((name, *(source.share() for _ in columns)) for name in names))


def prices(source: Source, rows: int = 6, holes: bool = True) -> Made:
    """Materials with price, stock and supplier; with `holes`, some cells are empty."""
    word = words(source.language)
    names = source.sample(ITEMS[source.language], rows)
    made = []
    for number, name in enumerate(names):
        values = [source.share(), source.number(101, 999), source.pick(PLACES[source.language])]
        if holes and number % 2:
            values[number // 2 % 3] = ""
        made.append((name, *values))
    return Made(word["prices"], word["item"], (word["unit"], word["stock"], word["supplier"]), tuple(made))


def budget(source: Source, rows: int = 5) -> Made:
    """Offices with planned and actual spending, and the signed change in per cent."""
    word = words(source.language)
    names = source.sample(OFFICES[source.language], rows)
    made = tuple(
        (name, source.number(100_001, 9_876_543, ","), source.number(100_001, 9_876_543, ","), f"{'-' if n % 2 else '+'}{source.share()}%")
        for n, name in enumerate(names)
    )
    return Made(word["budget"], word["item"], (word["planned"], word["spent"], word["change"]), made)


def form(source: Source) -> list[tuple[str, str]]:
    """Return the labels and values of a form."""
    r = source
    place, person = r.pick(PLACES[r.language]), r.pick(PEOPLE[r.language])
    day, month, year = r.number(2, 28), r.pick(MONTHS[r.language]), r.printed(str(2024))
    if r.language == "en":
        return [
            ("Name of the applicant", person),
            ("Date of approval by the board", f"{day} {month} {year}"),
            ("Registration number", r.number(100_000, 999_999)),
            ("Place of registration", place),
            ("Telephone", f"+962 6 {r.number(100, 999)} {r.number(1000, 9999)}"),
            ("Share capital", f"{r.number(1_000_000, 9_999_999, ',')} JOD"),
            ("Number of employees", r.number(20, 990)),
            ("Purpose of the request", "Renewal of the licence"),
        ]
    return [
        ("اسم مقدم الطلب", person),
        ("تاريخ موافقة مجلس الإدارة", f"{day} {month} {year}"),
        ("رقم التسجيل", r.number(100_000, 999_999)),
        ("مكان التسجيل", place),
        ("هاتف الشركة", f"+962 6 {r.number(100, 999)} {r.number(1000, 9999)}"),
        ("رأس المال", f"{r.number(1_000_000, 9_999_999, ',')} دينار"),
        ("عدد العاملين", r.number(20, 990)),
        ("الغرض من الطلب", "تجديد الترخيص السنوي"),
    ]
