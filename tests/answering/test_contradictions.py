"""Contradictions between documents: one value of the same matter, or its denial; silent where anything else differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.contradiction_text import contradiction_values, contradictions_section
from rag.answering.contradictions import Compared, contradictions, difference, edition_years, lowered_words, title_names
from rag.retrieval.index import Index
from rag.schema import Filter
from rag.storage.build import build_index
from rag.text.numbers import find_values
from rag.text.words import words
from tests.helpers import embedder, write


def compared(text: str, title: str = "") -> Compared:
    subject = title_names(title, lowered_words(f"fees brochure {text}"))
    return Compared(text, title, frozenset(words(f"{title} {text}")), subject, tuple(find_values(text)))


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        ("The yearly fee is 1,900 dinars.", "The yearly fee is 2,100 dinars.", ("1,900 dinars", "2,100 dinars")),
        ("Each stall shall have two (2) managers.", "Each stall shall have three (3) managers.", ("two", "three")),
        ("The bridge was opened on 3 May 1921.", "On 4 June 1921 the bridge was opened.", ("3 May 1921", "4 June 1921")),
        ("Owners shall report the fire within 7 days.", "Owners shall report the fire within 14 days.", ("7 days", "14 days")),
        ("مدة الإرجاع 14 يوما من تاريخ الاستلام.", "مدة الإرجاع 30 يوما من تاريخ الاستلام.", ("14 يوما", "30 يوما")),
        ("يحظر تشغيل من تقل أعمارهم عن إحدى وعشرين سنة.", "يحظر تشغيل من تقل أعمارهم عن 18 سنة.", ("إحدى وعشرين سنة", "18 سنة")),
    ],
)
def test_one_value_of_the_same_matter(one: str, other: str, values: tuple[str, str]) -> None:
    found = difference(compared(one), compared(other))
    assert found is not None
    assert found.one is not None
    assert found.other is not None
    assert (found.one.span.of(one), found.other.span.of(other)) == values


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Swimming is offered at the school.", "Swimming is not offered at the school."),
        ("Smoking is allowed in the garden hall.", "Smoking is forbidden in the garden hall."),
        ("رسوم الشحن قابلة للاسترداد عند الإرجاع.", "رسوم الشحن غير قابلة للاسترداد عند الإرجاع."),
    ],
)
def test_one_statement_denies_the_other(one: str, other: str) -> None:
    found = difference(compared(one), compared(other))
    assert found is not None
    assert found.one is None


@pytest.mark.parametrize(
    ("id", "text", "years"),
    [
        ("faq22.md", "Open until October 15, 2022.", ("2022",)),
        ("دليل-٢٣.md", "ينتهي التسجيل في ١٥ أكتوبر ٢٠٢٣.", ("2023",)),
        ("room 12.md", "Open until October 15, 2022.", ()),  # 12 is no year that it speaks of
        ("2023/faq22.md", "Open until October 15, 2022.", ()),  # the year is there in full
        ("faq1022.md", "Open until October 15, 2022.", ()),
        ("", "", ()),
    ],
)
def test_the_year_of_an_edition_in_the_name_of_its_file(id: str, text: str, years: tuple[str, ...]) -> None:
    assert edition_years(id, text) == years


def test_editions_that_only_their_names_tell_apart_do_not_contradict_each_other(tmp_path: Path) -> None:
    english = "# Tickets\n\nThe early ticket costs {} dollars.\n\nIt is sold until October 15, {}.\n"
    arabic = "# التذاكر\n\nسعر التذكرة المبكرة {} دينارًا.\n\nتباع حتى 15 أكتوبر {}.\n"
    place = "# Parking\n\nA parking place behind the harbour costs {} crowns a month.\n"
    files = {"old.md": place.format(200), "new.md": place.format(250)}
    for year, price in ((22, 200), (23, 250)):
        files |= {f"faq{year}.md": english.format(price, f"20{year}"), f"دليل {year}.md": arabic.format(price, f"20{year}")}
    write(tmp_path / "d", files)
    build_index(tmp_path / "d", tmp_path / "i", embedder())
    index = Index.open(tmp_path / "i", embedder())
    assert [{each.one.document_id, each.other.document_id} for each in contradictions(index)] == [{"old.md", "new.md"}]
    index.close()


def test_editions_of_one_text_for_other_years_do_not_contradict_each_other() -> None:
    one, other = compared("A ticket for the fair costs 40 dirhams."), compared("A ticket for the fair costs 50 dirhams.")
    assert difference(one, other) is not None
    editions = replace(one, years=frozenset(("2022",))), replace(other, years=frozenset(("2023",)))
    assert difference(*editions) is None
    aware = replace(editions[1], vocabulary=editions[1].vocabulary | {"2022"})  # it speaks of the earlier year too
    assert difference(editions[0], aware) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The yearly fee is 1,900 dinars.", "The monthly fee is 190 dinars."),  # another matter
        ("The yearly fee is 1,900 dinars.", "The yearly fee for siblings is 1,500 dinars."),  # another condition
        ("The yearly fee is 1,900 dinars.", "The yearly fee is about 2,000 dinars."),
        ("The fee of 2019 was 40 dirhams.", "The fee of 2020 was 50 dirhams."),  # two values differ
        ("The trip takes 90 minutes by bus.", "The trip takes one and a half hours by bus."),  # the same value
        ("Reed opened the well in 1887.", "Moore opened the well in 1888."),
        ("The council has 12 members from town.", "The council has 15 rooms from town."),
        ("The balance was 40 dollars.", "The budget was 50 dollars."),
        ("مدة الإرجاع 14 يوما من تاريخ الاستلام.", "مدة الاستبدال 30 يوما من تاريخ الاستلام."),
        ("مدة الإرجاع 14 يوما من تاريخ الاستلام.", "مدة الإرجاع أسبوعان من تاريخ الاستلام."),
        ("Some agencies accept letters by mail.", "Some agencies do not accept letters by mail."),  # both can be true
        ("بعض الفروع تقبل الطلبات بالبريد.", "بعض الفروع لا تقبل الطلبات بالبريد."),
        ("The yearly fee is 1,900 dinars.", "الرسم السنوي 2100 دينار."),  # two languages are not compared
    ],
)
def test_what_only_looks_alike_is_passed_over(one: str, other: str) -> None:
    assert difference(compared(one), compared(other)) is None


def test_documents_of_two_years_or_two_subjects_do_not_contradict_each_other() -> None:
    one, other = "The yearly fee is 1,900 dinars.", "The yearly fee is 2,100 dinars."
    assert difference(compared(one, "Fees 2019"), compared(other, "Fees 2020")) is None
    assert difference(compared(one, "Cedar School"), compared(other, "Palm School")) is None
    assert difference(compared(one, "Cedar School"), compared(other, "Brochure of Cedar School")) is not None
    assert difference(replace(compared(one), section="North branch"), replace(compared(other), section="Harbour")) is None
    assert difference(replace(compared(one), section="North branch"), replace(compared(other), section="Branch fees")) is not None


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = write(
        tmp_path / "documents",
        {
            "law/lease.md": "# Lease\n\nThe deposit for the flat is 500 dinars. Rent is due on the first day of a month.\n",
            "law/letter.md": "# Letter\n\nThe deposit for the flat is 650 dinars. Dogs are welcome, says the lease and no letter denies.\n",
            "ar/عقد.md": "# عقد\n\nمبلغ التأمين للشقة 500 دينار أردني.\n",
            "ar/رسالة.md": "# رسالة\n\nمبلغ التأمين للشقة 650 دينار أردني.\n",
        },
    )
    build_index(folder, tmp_path / "index", embedder())
    return Index.open(tmp_path / "index", embedder())


def test_both_quotations_are_shown_with_the_words_that_differ(index: Index) -> None:
    found = contradictions(index)
    assert {frozenset((one.one.label, one.other.label)) for one in found} == {
        frozenset(("500 dinars", "650 dinars")),
        frozenset(("500 دينار أردني", "650 دينار أردني")),
    }
    for line in (line for one in found for line in (one.one, one.other)):
        document = index.document(line.document_id)
        assert document is not None
        assert line.text == line.span.of(document.text)
    assert [one.certainty for one in found] == sorted((one.certainty for one in found), reverse=True)
    page = contradictions_section(found, "en")
    assert page.startswith("## Stated differently\n")
    assert "The deposit for the flat is **500 dinars**. (law – Lease" in page  # "Lease" alone names nothing
    assert contradiction_values(found)[0]["kind"] == "value"


def test_a_collection_without_any(index: Index) -> None:
    assert Chatbot(index).contradictions(filter=Filter(documents=("law/lease.md",))) == []
    assert contradictions(index, []) == []
    assert contradictions_section([], "ar") == ""
