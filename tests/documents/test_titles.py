"""A title names what the document is about: by itself, or with the names of its file and folders."""

from __future__ import annotations

import pytest

from rag.documents.titles import guessed_title, is_made_by_program, names_nothing, title_of


@pytest.mark.parametrize(
    ("id", "own", "title"),
    [
        # its own title, where that says what the document is about
        ("guide/rent.md", "How rents are raised in Jordan", "How rents are raised in Jordan"),
        ("أدلة/إيجار.md", "كيف ترفع بدلات الإيجار في الأردن", "كيف ترفع بدلات الإيجار في الأردن"),
        ("harbour/README.md", "The harbour of Aqaba", "The harbour of Aqaba"),
        # a title that stands on many documents: with the name of the file, or of the nearest folder that says something
        ("rents.md", "Introduction", "rents – Introduction"),
        ("الإيجارات.md", "مقدمة", "الإيجارات – مقدمة"),
        ("gold-prices/README.md", "Data", "gold prices – Data"),
        ("دليل_الموظف/index.md", "مقدمة", "دليل الموظف – مقدمة"),
        ("gold_prices/docs/en/README.md", "README", "gold prices – README"),
        # a short title that only repeats the name of the file, of one of many parts
        ("Headphones 7/en/07-bluetooth_pairing.md", "Bluetooth pairing", "Headphones 7 – Bluetooth pairing"),
        ("سماعات الوادي/07-الاقتران.md", "الاقتران", "سماعات الوادي – الاقتران"),
        ("recipe/step_4.md", "Check the result", "recipe – Check the result"),
        # a word or two that say less than the name of the file
        ("rowing-club-agreement.pdf", "AGREEMENT", "rowing club agreement"),
        # several words that the title lacks, most often in another language
        ("harbour-ferry-tariff.html", "لائحة أجور النقل البحري في المرفأ", "harbour ferry tariff – لائحة أجور النقل البحري في المرفأ"),
        ("أجور_العبارات.pdf", "Tariff of the Harbour Ferries", "أجور العبارات – Tariff of the Harbour Ferries"),
        ("caa-siouxland-annual-report-2013.pdf", "2013 Annual Report", "caa siouxland annual report 2013"),
        ("budget_of_the_city_2019.docx", "An ordinance", "budget of the city 2019 – An ordinance"),
        ("rahwa-coop-news.html", "الأخبار", "rahwa coop news – الأخبار"),
        ("hiking-guide-v2.pdf", "Hiking guide", "Hiking guide"),
        # a table of contents names nothing
        ("swan-lake-rules.docx", "Table of Contents", "swan lake rules"),
        ("لائحة_المجمع.docx", "المحتويات", "لائحة المجمع"),
        # no title: the name of the file
        ("council_offences-2019.csv", "", "council offences 2019"),
        ("مخالفات_البلدية.csv", "", "مخالفات البلدية"),
        ("gold-prices/data/annual.csv", "", "gold prices – annual"),
        ("gold-prices/data.csv", "", "gold prices"),
        # names that say nothing: letters, numbers, what a program made up
        ("a.txt", "", ""),
        ("seed_000_1c9d991324b4a0d7.txt", "", ""),
        ("20240311.pdf", "", ""),
        ("index.md", "Introduction", "Introduction"),
        ("مقدمة.md", "مقدمة", "مقدمة"),
    ],
)
def test_a_title_names_the_thing(id: str, own: str, title: str) -> None:
    assert title_of(id, own) == title


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"description": "Fees of the port of Aqaba"}, "Fees of the port of Aqaba – Introduction"),
        ({"site": "بلدية إربد"}, "بلدية إربد – Introduction"),
        ({"description": "Overview", "site": "Port of Aqaba"}, "Port of Aqaba – Introduction"),
        ({"description": "x " * 100}, "Introduction"),
        ({}, "Introduction"),
    ],
)
def test_other_fields_name_a_document_without_a_name(fields: dict[str, str], title: str) -> None:
    assert title_of("index.md", "Introduction", fields) == title


@pytest.mark.parametrize("text", ["Introduction", "1. Introduction", "OVERVIEW:", "README", "مقدمة", "المُقدِّمة", "12", "", "…"])
def test_what_names_nothing(text: str) -> None:
    assert names_nothing(text)


@pytest.mark.parametrize("text", ["Rents", "Introduction to rents", "مقدمة في الإيجارات", "C#", "Aqaba"])
def test_what_names_something(text: str) -> None:
    assert not names_nothing(text)


def test_the_first_line_of_a_page_goes_with_the_name_of_the_file() -> None:
    assert guessed_title("estimates/repair-2022.pdf", "123 Main Street") == "repair 2022 – 123 Main Street"
    assert guessed_title("تقدير الإصلاح.pdf", "شارع الملك 12") == "تقدير الإصلاح – شارع الملك 12"
    assert guessed_title("harbour.pdf", "The harbour") == "The harbour"
    assert guessed_title("0042.pdf", "The harbour") == "The harbour"


@pytest.mark.parametrize(
    "title",
    [
        "untitled",
        "Word Document",
        "Microsoft Word - rent.doc",
        "PowerPoint Presentation",
        "World Bank Document",
        "form_ar.html",
        "Heading 9",
        "مستند1",
    ],
)
def test_titles_that_programs_write_are_none(title: str) -> None:
    assert is_made_by_program(title)
    assert not is_made_by_program("The document of the harbour")
    assert not is_made_by_program("World Bank Document Management")
