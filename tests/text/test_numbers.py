"""Numbers, amounts, units, dates, times and phone numbers of both languages, read and compared.

The tables in `tests/data` were made by hand: `number_pairs.tsv` while the reader was written, `number_pairs_unseen.tsv` before, and not
looked at until it was measured.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.text.numbers import Bound, Date, Kind, Value, contradicts_values, find_values, names_month, stated_values, values_claimed
from rag.text.numbers.parsing import read

DATA = Path(__file__).parent.parent / "data"
ESCAPES = {"\\u00a0": "\u00a0", "\\u202f": "\u202f", "\\u2009": "\u2009", "\\n": "\n", "\\t": "\t"}


def table(name: str) -> list[tuple[bool, str, str]]:
    """The pairs of a table: whether the claim is contradicts_values, the claim, the evidence."""
    pairs = []
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            for written, meant in ESCAPES.items():
                line = line.replace(written, meant)
            answer, claim, evidence = line.split("\t", 2)
            pairs.append((answer == "yes", claim, evidence))
    return pairs


PAIRS = table("number_pairs.tsv")


# --- comparing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("expected", "claim", "evidence"), PAIRS)
def test_what_differs_is_contradicted_and_what_is_the_same_is_not(expected: bool, claim: str, evidence: str) -> None:
    assert contradicts_values(claim, evidence) is expected


def test_the_table_is_large_and_balanced() -> None:
    assert len(PAIRS) >= 300
    assert 0.4 <= sum(answer for answer, _, _ in PAIRS) / len(PAIRS) <= 0.6


def test_pairs_that_nobody_looked_at_while_mending() -> None:
    pairs = table("number_pairs_unseen.tsv")
    right = sum(contradicts_values(claim, evidence) is answer for answer, claim, evidence in pairs)
    assert len(pairs) >= 60
    assert right / len(pairs) >= UNSEEN


UNSEEN = 0.95


def test_no_evidence_states_no_number() -> None:
    assert contradicts_values("There are 5.", "")
    assert not contradicts_values("There are some.", "")
    assert not contradicts_values("", "")


# --- reading --------------------------------------------------------------------------------------------------------------


def one(text: str) -> Value:
    [value] = find_values(text)
    return value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50,000", 50_000),
        ("50000", 50_000),
        ("٥٠٬٠٠٠", 50_000),
        ("۵۰٬۰۰۰", 50_000),
        ("50.000 Euro", 50_000),
        ("1,234,567", 1_234_567),
        ("1.234.567", 1_234_567),
        ("1 234 567", 1_234_567),
        ("1\u202f234,5", "1234.5"),
        ("3'001", 3001),
        ("٣٬٠٠١", 3001),
        ("1,099.99", "1099.99"),
        ("1.099,99", "1099.99"),
        ("3.5", "3.5"),
        ("3,5", "3.5"),
        ("٣٫٥", "3.5"),
        ("0.125", "0.125"),
        ("0,125", "0.125"),
        ("13 مليار دولار", 13_000_000_000),
        ("13 billion dollars", 13_000_000_000),
        ("$13bn", 13_000_000_000),
        ("50 ألفًا", 50_000),
        ("5 ملايين", 5_000_000),
        ("2.5 million", 2_500_000),
        ("خمسة آلاف و300", 5_300),
        ("13 مليارًا و200 مليون", 13_200_000_000),
        ("-7", -7),
        ("−7", -7),
        ("minus 7", -7),
        ("سالب 7", -7),
        ("½", "0.5"),
        ("6½", "6.5"),
        ("3/4", "0.75"),
        ("10^6", 1_000_000),
        ("10⁶", 1_000_000),
        ("4800³", 4800),  # a note, not a power
        ("5 men", 5),  # not five million
        ("خمسون ألف", 50_000),
        ("three hundred and twenty thousand", 320_000),
        ("ثلاث مئة وعشرون ألفًا", 320_000),
        ("ثلاثمئة وعشرون ألفًا", 320_000),
        ("ثلاثمائة وعشرين ألف", 320_000),
        ("مئتان وخمسون", 250),
        ("مائتي", 200),
        ("ألفان وثلاثمئة", 2_300),
        ("ألف وتسعمئة", 1_900),
        ("ألفًا وتسعمئة", 1_900),
        ("ألفا صوت", 2_000),
        ("خمسة وعشرون مليونًا", 25_000_000),
        ("مليون ونصف المليون", 1_500_000),
        ("half a million", 500_000),
        ("ربع مليون", 250_000),
        ("ثلاثة أرباع", "0.75"),
        ("three quarters", "0.75"),
        ("twenty-five", 25),
        ("nineteen eighty-seven", 1987),
        ("twenty twenty-one", 2021),
        ("أحد عشر", 11),
        ("إحدى عشرة", 11),
        ("اثنا عشر", 12),
        ("ثلاثة عشر", 13),
        ("مئة وأحد عشر", 111),
        ("الأربعة", 4),
        ("صفر", 0),
        ("XIV", 14),
        ("المادة الخامسة والعشرون", 25),
        ("21st", 21),
        ("twenty-first", 21),
    ],
)
def test_numbers(text: str, number: float | str) -> None:
    assert one(text).number == Decimal(number)


@pytest.mark.parametrize(
    ("text", "kind", "number", "unit"),
    [
        ("USD 1,099.99", Kind.AMOUNT, "1099.99", "USD"),
        ("1 099,99 €", Kind.AMOUNT, "1099.99", "EUR"),
        ("1900 دينار أردني", Kind.AMOUNT, "1900", "JOD"),
        ("1900 Jordanian dinars", Kind.AMOUNT, "1900", "JOD"),
        ("1900 دينار", Kind.AMOUNT, "1900", "dinar"),
        ("50 د.أ", Kind.AMOUNT, "50", "JOD"),
        ("50 د.إ", Kind.AMOUNT, "50", "AED"),
        ("-$5", Kind.AMOUNT, "-5", "dollar"),
        ("ديناران ونصف", Kind.AMOUNT, "2.5", "dinar"),
        ("12%", Kind.PERCENT, "12", "%"),
        ("اثنا عشر في المئة", Kind.PERCENT, "12", "%"),
        ("twelve per cent", Kind.PERCENT, "12", "%"),
        ("2 percentage points", Kind.PERCENT, "2", "pp"),
        ("612 كم²", Kind.MEASURE, "612", "km2"),
        ("612 square kilometres", Kind.MEASURE, "612", "km2"),
        ("خمسة كيلومترات", Kind.MEASURE, "5", "km"),
        ("half an hour", Kind.MEASURE, "0.5", "h"),
        ("ساعة ونصف الساعة", Kind.MEASURE, "1.5", "h"),
        ("شهران", Kind.MEASURE, "2", "month"),
        ("−40 °C", Kind.MEASURE, "-40", "c"),
        ("the 1990s", Kind.NUMBER, "1990", "decades"),
        ("نصف", Kind.FRACTION, "0.5", ""),
        ("21:30", Kind.TIME, "1290", ""),
        ("9:30 p.m.", Kind.TIME, "1290", ""),
        ("التاسعة والنصف مساءً", Kind.TIME, "1290", ""),
        ("الساعة العاشرة إلا ربعًا صباحًا", Kind.TIME, "585", ""),
        ("a quarter to ten in the morning", Kind.TIME, "585", ""),
    ],
)
def test_kinds_and_units(text: str, kind: Kind, number: str, unit: str) -> None:
    value = one(text)
    assert (value.kind, value.number, value.unit) == (kind, Decimal(number), unit)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("12.5.2024", Date(2024, 5, 12)),
        ("2024-05-12", Date(2024, 5, 12)),
        ("12/5/2024", Date(2024, 5, 12)),
        ("12 أيار 2024", Date(2024, 5, 12)),
        ("May 12th, 2024", Date(2024, 5, 12)),
        ("الثاني عشر من أيار/مايو 2024", Date(2024, 5, 12)),
        ("4 كانون الأول", Date(None, 12, 4)),
        ("5 جانفي 1980", Date(1980, 1, 5)),
        ("20 غشت 1953", Date(1953, 8, 20)),
        ("9 شتنبر", Date(None, 9, 9)),
        ("3 ماي", Date(None, 5, 3)),
        ("10 محرم 1446هـ", Date(1446, 1, 10, True)),
        ("12 ربيع الأول", Date(None, 3, 12, True)),
        ("10 Dhu al-Hijjah 1445", Date(1445, 12, 10, True)),
        ("عام 1987", Date(1987)),
        ("1962م", Date(1962)),
        ("in October", Date(None, 10)),
    ],
)
def test_dates(text: str, date: Date) -> None:
    value = one(text)
    assert (value.kind, value.date) == (Kind.DATE, date)


@pytest.mark.parametrize("text", ["12.5.2024", "12/5/2024"])
def test_a_date_in_digits_may_be_month_first(text: str) -> None:
    assert one(text).dates == (Date(2024, 5, 12), Date(2024, 12, 5))


def test_days_that_share_their_month() -> None:
    first, last = find_values("من 5 إلى 8 أيار 2024")
    assert (first.date, last.date) == (Date(2024, 5, 5), Date(2024, 5, 8))


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("5–38 °C", 5, 38, "c"),
        ("بين -5 و 38 درجة", -5, 38, "deg"),
        ("from 5 to 38 degrees", 5, 38, "deg"),
        ("10–12%", 10, 12, "%"),
        ("من خمسين إلى مئتي ريال", 50, 200, "riyal"),
        ("1623–25", 1623, 1625, ""),
        ("5–7 million", 5_000_000, 7_000_000, ""),
    ],
)
def test_ranges(text: str, low: int, high: int, unit: str) -> None:
    value = one(text)
    assert (value.number, value.high, value.unit) == (low, high, unit)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+966 50 692 0000", "+966506920000"),
        ("00966506920000", "+966506920000"),
        ("هاتف: 06-4641234", "064641234"),
        ("(06) 464 1234", "064641234"),
        ("فاكس ٠٦٤٦٤١٢٣٤", "064641234"),
        ("1-800-555-0199", "18005550199"),
    ],
)
def test_a_phone_number_is_no_amount(text: str, digits: str) -> None:
    value = one(text)
    assert (value.kind, value.digits, value.number) == (Kind.PHONE, digits, None)


@pytest.mark.parametrize(("text", "digits"), [("v2.3.1", "2.3.1"), ("192.168.1.1", "192.168.1.1"), ("14/2024", "14/2024")])
def test_a_reference_is_no_amount(text: str, digits: str) -> None:
    value = one(text)
    assert (value.kind, value.digits, value.number) == (Kind.CODE, digits, None)


def test_a_point_before_three_digits_means_what_the_text_else_does_with_points() -> None:
    assert [value.number for value in find_values("7.50 and 1.250")] == [Decimal("7.5"), Decimal("1.25")]
    assert [value.number for value in find_values("7,50 and 1.250")] == [Decimal("7.5"), 1250]
    assert (one("1.250").number, one("1.250").also) == (1250, (Decimal("1.25"),))
    assert one("1.250 دينار كويتي").number == Decimal("1.25")


def test_what_is_no_number() -> None:
    for text in ("", "no number, لا رقم", "قال أحد الناس", "لم يأت أبا الحسن", "The shop may close", "آلاف الناس", "في كل مكان"):
        assert find_values(text) == [], text


def test_a_row_of_numbers_is_not_one_number() -> None:
    assert [value.number for value in find_values("الأردن 812 640 905")] == [812, 640, 905]
    assert [value.number for value in find_values("| الأردن | 812 | 640 |")] == [812, 640]


def test_bounds() -> None:
    assert one("more than 6,000").bound is Bound.LEAST
    assert one("نحو 40 عضوًا").bound is Bound.ABOUT
    assert one("لا يزيد على 40").bound is Bound.MOST
    assert one("40").bound is Bound.EXACT


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("not more than 6 months", Bound.MOST),
        ("shall not exceed 500 dollars", Bound.MOST),
        ("shouldn't exceed 5 kg", Bound.MOST),
        ("must not be over 3 metres", Bound.MOST),
        ("no less than 3 years", Bound.LEAST),
        ("not under 18 years", Bound.LEAST),
        ("لا يتجاوز 50 مترا", Bound.MOST),
        ("ليس أكثر من 5 أيام", Bound.MOST),
        ("لا يقل عن 3 سنوات", Bound.LEAST),
        ("ليس أقل من 3 سنوات", Bound.LEAST),
        ("يتجاوز 50 مترا", Bound.LEAST),
        ("no doubt that over 500 dollars", Bound.LEAST),
    ],
)
def test_a_denial_turns_a_bound_round(text: str, bound: Bound) -> None:
    assert one(text).bound is bound


def test_values_add_up_exactly() -> None:
    prices = find_values("0.1 دينار و0.2 دينار")
    assert sum(value.number or 0 for value in prices) == Decimal("0.3")
    assert {value.unit for value in prices} == {"dinar"}


def test_spans_are_of_the_text_itself() -> None:
    text = "بسعر ١٬٠٩٩٫٩٩ يورو، ½ كيلو، وثلاثةٍ وعشرين كتابًا في ١٣٨١هـ."
    assert [value.span.of(text) for value in find_values(text)] == ["١٬٠٩٩٫٩٩ يورو", "½ كيلو", "وثلاثةٍ وعشرين", "١٣٨١هـ"]


# --- what the checks use --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("12 في المئة من الأسر", {12}),
        ("12 percent", {12}),
        ("قال أحد الناس", set()),
        ("one of two", set()),  # up to two, words are as often articles as numbers
        ("50,000 دولار شهريًا و13 مليارًا", {50_000, 13e9}),
        ("يوم 3 مايو 2019", {3, 2019}),
        ("", set()),
    ],
)
def test_what_a_sentence_commits_itself_to(text: str, claimed: set[float]) -> None:
    assert values_claimed(text) == claimed


def test_a_text_states_digits_scales_and_parts_but_no_number_for_a_month() -> None:
    assert stated_values("13 مليار") >= {13, 13e9}
    assert stated_values("three hundred thousand") >= {3, 100, 300_000}
    assert stated_values("في شهر يونيو") == stated_values("in June") == set()
    assert {17, 2024, 4, 40} <= stated_values("يوم الأربعاء 17 كانون الثاني 2024، عند الساعة 04:40")
    assert names_month("في كانون الثاني")
    assert not names_month("The shop may close")


# --- properties -----------------------------------------------------------------------------------------------------------

ONES = "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة".split()
TEENS = [
    "أحد عشر", "اثنا عشر", "ثلاثة عشر", "أربعة عشر", "خمسة عشر", "ستة عشر", "سبعة عشر", "ثمانية عشر", "تسعة عشر",
]  # fmt: skip
TENS = "عشر ثلاث أربع خمس ست سبع ثمان تسع".split()
HUNDREDS = "مئة مئتان ثلاثمئة أربعمئة خمسمئة ستمئة سبعمئة ثمانمئة تسعمئة".split()


def below_thousand(number: int, ending: str) -> str:
    parts = [HUNDREDS[number // 100 - 1]] if number >= 100 else []
    rest = number % 100
    if 0 < rest <= 10:
        parts.append(ONES[rest])
    elif 10 < rest < 20:
        parts.append(TEENS[rest - 11])
    elif rest:
        parts += [ONES[rest % 10]] if rest % 10 else []
        parts.append(TENS[rest // 10 - 2] + ending)
    return " و".join(parts)


def in_arabic(number: int, ending: str) -> str:
    """A number in Arabic words; `ending` is that of the tens, «ون» or «ين»."""
    parts = []
    for scale, single, dual, plural in ((10**6, "مليون", "مليونان", "ملايين"), (1000, "ألف", "ألفان", "آلاف")):
        count, number = divmod(number, scale)
        if count == 1:
            parts.append(single)
        elif count == 2:
            parts.append(dual)
        elif count:
            parts.append(f"{below_thousand(count, ending)} {plural if 3 <= count <= 10 else single}")
    if number:
        parts.append(below_thousand(number, ending))
    return " و".join(parts)


ONES_EN = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen""".split()
TENS_EN = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_english(number: int) -> str:
    if number < 20:
        return ONES_EN[number]
    if number < 100:
        return TENS_EN[number // 10 - 2] + (f"-{ONES_EN[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ONES_EN[number // 100]} hundred" + (f" and {in_english(number % 100)}" if number % 100 else "")
    scale, name = (10**6, "million") if number >= 10**6 else (1000, "thousand")
    rest = number % scale
    return f"{in_english(number // scale)} {name}" + (f" {'and ' if rest < 100 else ''}{in_english(rest)}" if rest else "")


NUMBERS = st.integers(1, 999_999_999) | st.integers(1, 3000)
DIGITS = [{}, dict(zip("0123456789", "٠١٢٣٤٥٦٧٨٩", strict=True)), dict(zip("0123456789", "۰۱۲۳۴۵۶۷۸۹", strict=True))]


@settings(max_examples=300, deadline=None)
@given(NUMBERS, st.sampled_from(["ون", "ين"]))
def test_arabic_number_words_are_read_as_the_number(number: int, ending: str) -> None:
    assert one(in_arabic(number, ending)).number == number


@settings(max_examples=300, deadline=None)
@given(NUMBERS)
def test_english_number_words_are_read_as_the_number(number: int) -> None:
    assert one(in_english(number)).number == number


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1000, 999_999_999),
    st.integers(0, 99),
    st.sampled_from([",.", ".,", " ,", "\u00a0,", "\u202f.", "'.", "٬٫"]),
    st.sampled_from(DIGITS),
)
def test_every_way_of_marking_groups_and_decimals_is_one_number(whole: int, cents: int, marks: str, digits: dict[str, str]) -> None:
    written = f"{whole:,}".replace(",", marks[0]) + f"{marks[1]}{cents:02}"
    written = "".join(digits.get(character, character) for character in written)
    value = one(f"{written} دينار")
    assert (value.number, value.unit) == (Decimal(whole) + Decimal(cents) / 100, "dinar")
    assert not contradicts_values(f"{whole}.{cents:02} dinars", f"بلغ {written} دينار")
    assert contradicts_values(f"{whole + 1}.{cents:02} dinars", f"بلغ {written} دينار")


@settings(max_examples=200, deadline=None)
@given(NUMBERS, st.integers(-50, 50).filter(bool))
def test_words_and_digits_meet_across_the_languages(number: int, off: int) -> None:
    assert not contradicts_values(f"There are {number:,} of them.", f"عددها {in_arabic(number, 'ون')}")
    assert not contradicts_values(f"عددها {in_arabic(number, 'ين')}.", f"There are {in_english(number)} of them.")
    if number + off > 0:
        assert contradicts_values(f"There are {number + off:,} of them.", f"عددها {in_arabic(number, 'ون')}")


PIECES = st.sampled_from(
    """3 3.5 1,250 1.250 001 12 2024 ٥٠٬٠٠٠ ½ ² - − – / : . , ( ) + % $ € USD دينار دينارين م كم km m ^ 10^6 of and و من إلى بين
    between to خمسة وعشرون ألف ألفا ومئتان نصف ثلث ربع عشر عشرة أحد مليون half a third quarter two twenty hundred thousand May أيار
    كانون الثاني محرم صفر الساعة التاسعة والنصف مساء pm past الخامس والعشرين the first XIV هاتف tel في المئة hour ساعة ونصف 966 50 0
    00 | ٪ ° هـ ه s th""".split()
)
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from(["", " ", " ", " ", "\n", "\u00a0"])), max_size=25).map(
    lambda pieces: "".join(piece + gap for piece, gap in pieces)
) | st.text(max_size=60)


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_any_text_can_be_read_and_its_values_lie_in_it_in_order(text: str) -> None:
    end = 0
    for value in find_values(text):
        assert end <= value.span.start < value.span.end <= len(text)
        end = value.span.end
        assert value.number is not None or value.dates or value.digits
        assert value.high is None or value.number is None or value.number < value.high


@settings(max_examples=500, deadline=None)
@given(TEXTS, TEXTS)
def test_no_text_contradicts_itself_whatever_else_is_known(text: str, more: str) -> None:
    assert not contradicts_values(text, text)


def work(task: Callable[[], object]) -> int:
    """How many Python functions a task calls: its work, whatever else the machine is doing."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        task()
    finally:
        sys.setprofile(None)
    return calls


REPEATED = [
    "3 001 ", "1,", "1.", "12/", "5 - ", "خمسة و", "مليون و", "ألف ", "twenty ", "hundred and ", "half of a ", "(1,250) ", "+966 50 ",
    "06-", "٪", "ربيع ", "5 and ", "5 و", "الساعة ", "a ", "^2", "ديناران ونصف ", "10^", "1 1/2 ", "- ", "9:", "XIV ", "ساعتان وعشر دقائق ",
]  # fmt: skip


@pytest.mark.parametrize("unit", REPEATED)
def test_reading_takes_work_in_proportion_to_length(unit: str) -> None:
    read("12 km")  # the tables are made once
    small, large = (work(lambda size=size: read.__wrapped__(unit * size)) for size in (300, 1200))
    assert large <= 4.6 * small + 200


@pytest.mark.parametrize(
    "sentence",
    """{} km, |{} دينار و|about {} days, |{}/5/2024; |2/5/{:04}; |+962 6 {:07}; |{}:30; |1 January {:04}, |no. {}/2024; |{}%, """.split(
        "|"
    ),
)
def test_comparing_takes_work_in_proportion_to_length(sentence: str) -> None:
    def text(size: int, first: int) -> str:
        return "".join(sentence.format(first + number) for number in range(size))

    read("12 km")
    small, large = (work(lambda size=size: contradicts_values(text(size, 1), text(size, 1))) for size in (200, 800))
    assert large <= 5 * small + 500
