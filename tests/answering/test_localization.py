"""Values in the words of the other language, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rag.answering.localization import _CLDR_UNITS, localize_names, localize_value, localize_values
from rag.schema import Span
from rag.text.numbers import Kind, Value, find_values


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("1,900 dinars", "ar", "1,900 دينار"),
        ("USD 1,099.99", "ar", "1,099.99 دولار أمريكي"),
        ("5,000 دينار أردني", "en", "5,000 Jordanian dinars"),
        ("2.5 مليون دولار", "en", "2.5 million dollars"),
        ("1.250.000 دينار", "en", "1.25 million dinars"),
        ("٣٥٠ حاسوبا", "en", "350"),
        ("ستين جهازا", "en", "60"),
        ("five officers", "ar", "5"),
        ("7,50", "ar", "7.50"),
        ("نسبة 4 في المئة", "en", "4%"),
        ("12,5 %", "ar", "12.5%"),
        ("between 5 and 38", "ar", "5–38"),
        ("نحو 300 كيلومتر", "en", "about 300 kilometers"),
        ("at least 18 years", "ar", "على الأقل 18 سنة"),
        ("3 days", "ar", "3 أيام"),
        ("15 days", "ar", "15 يوم"),
        ("up to 4 months", "ar", "على الأكثر 4 أشهر"),
        ("6 feet", "ar", "6 قدم"),
        ("under 12", "ar", "أقل من 12"),
        ("أكثر من 50 ألف", "en", "more than 50,000"),
        ("أقل من 12 سنة", "en", "less than 12 years"),
        # denied, each bound is the other
        ("not exceeding 30 days", "ar", "على الأكثر 30 يوم"),
        ("not under 18 years", "ar", "على الأقل 18 سنة"),
        ("لا تتجاوز 30 يوما", "en", "at most 30 days"),
        ("لا تتخطى السنتين", "en", "at most 2 years"),
        ("608.000", "ar", "608.000"),  # which mark it is, is not said
        ("5 كيلوغرام", "en", "5 kilograms"),
        ("20 litres", "ar", "20 لتر"),
        ("125 مليون جنيه إسترليني منذ 3 أعوام", "en", "125 million British pounds"),  # the price, not when
        ("two weeks", "ar", "2 أسابيع"),
        ("4 كانون الأول من سنة 2024", "en", "4 December 2024"),
        ("12 March 2024", "ar", "12 مارس 2024"),
        ("March 2020", "ar", "مارس 2020"),
        ("15 رمضان 1445 هـ", "en", "15 Ramadan 1445 AH"),
        ("2022", "ar", "2022"),
        ("الساعة التاسعة صباحا", "en", "09:00"),
        ("09:00 to 17:00", "ar", "09:00 – 17:00"),
        ("+966 50 692 0000", "ar", "+966 50 692 0000"),
    ],
)
def test_values_are_carried_over(text: str, language: str, expected: str) -> None:
    assert localize_values(text, language) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the manager",
        "سليم منصور",
        "raising all of the salaries by 4 percent",
        "ثلاثون يوما من تاريخ التسليم الفعلي للبضاعة",
        "the 1990s",
        "Apache 2.0",
        "80 كيلو",  # kilograms or kilometres
        "المادة 12",
    ],
)
def test_what_is_no_value_or_says_more_is_not_said_by_numbers(text: str) -> None:
    assert localize_values(text, "ar") is None
    assert localize_values(text, "en") is None


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("إلى المملكة المتحدة", "en", "United Kingdom"),
        ("فرنسا وألمانيا", "en", "France, Germany"),
        ("France, Germany and Spain", "ar", "فرنسا، ألمانيا، إسبانيا"),
        ("باللغة الإنجليزية", "en", "English"),
        ("Arabic", "ar", "العربية"),
        ("يوم الأحد", "en", "Sunday"),
        ("on Monday", "ar", "الاثنين"),
        ("رئيس فرنسا", "en", None),
        ("واحد", "en", None),  # not "and Sunday"
        ("عمان", "en", None),  # Oman or Amman
        ("the", "ar", None),
        ("", "ar", None),
    ],
)
def test_names_of_countries_languages_and_days_are_carried_over(text: str, language: str, expected: str | None) -> None:
    assert localize_names(text, language) == expected


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ألا تتجاوز مدة القيادة أكثر من ستة أشهر", "en"),  # at most six, which no form here says
        ("not later than 5 days", "ar"),
        ("بما لا يكون أقل منه، وهو 12 يوما", "en"),
    ],
)
def test_a_value_that_is_denied_in_other_ways_is_not_carried_over(text: str, language: str) -> None:
    assert [localize_value(value, text, language) for value in find_values(text)] == [None]


@pytest.mark.parametrize("unit", sorted(_CLDR_UNITS))
@pytest.mark.parametrize("language", ["ar", "en"])
@pytest.mark.parametrize("number", [1, 2, 4, 11, 100])
def test_every_unit_has_a_name_in_both_languages(unit: str, language: str, number: int) -> None:
    name = localize_value(Value(Kind.MEASURE, Span(0, 0), Decimal(number), unit), "", language)
    assert name is not None
    assert _CLDR_UNITS[unit] not in name
