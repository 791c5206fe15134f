"""Web pages: the text without what stands around it, tables with merged cells, notes and powers, and charsets that lie."""

from __future__ import annotations

import pytest

from rag.documents.formats.readers import read
from rag.documents.tree import Content, Limits
from rag.schema import BlockKind


def content(body: str | bytes, suffix: str = ".html") -> Content:
    return read(body if isinstance(body, bytes) else f"<meta charset=utf-8>{body}".encode(), suffix, f"a{suffix}", Limits())


def blocks(found: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, block.span.of(found.text)) for block in found.blocks]


AROUND = {
    "en": ("We use cookies.", "Home", "Wheat rose to 312 dollars in February.", "Read also", "Maize falls to 190", "All rights reserved."),
    "ar": ("نستخدم ملفات الارتباط.", "الرئيسية", "ارتفع القمح إلى 312 دولارا في شباط.", "اقرأ أيضا", "هبوط الذرة إلى 190",
           "جميع الحقوق محفوظة."),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("main", ["{}", "<main>{}</main>", "<div id=content><article>{}</article></div>", "<form id=aspnetForm>{}</form>"])
def test_the_article_without_menus_banners_teasers_and_footers(language: str, main: str) -> None:
    cookies, home, sentence, also, teaser, rights = AROUND[language]
    long = " ".join([sentence] * 12)
    body = (
        f"<div class='cookie-banner'>{cookies}</div><div class=top-menu><a>{home}</a><a>B</a><a>C</a></div><header><a>logo</a></header>"
        + main.format(f"<header><h1>T</h1></header><p>{long}</p><div class=share-buttons>{also}</div>")
        + f"<div class=sub-header><ul><li>08:00–16:00<li>{home} +966 500 000 000</ul></div><div class=copyright>{rights}</div>"
        + f"<aside><h3>{also}</h3><ul><li>{teaser}</ul></aside><ul><li><a>{home}</a><li><a>X</a><li><a>Y</a></ul><footer>{rights}</footer>"
    )
    assert blocks(content(body)) == [("heading", "T"), ("paragraph", long)]


def test_a_list_of_links_with_sentences_is_text_and_so_is_a_page_that_is_all_menu() -> None:
    news = "".join(f"<li><a>The council met on day {n} and it decided on the budget of the town.</a>" for n in range(4))
    assert len(content(f"<h1>News</h1><ul>{news}</ul>").blocks) == 5
    assert content("<div class=widget><p>Opening hours: 8 to 16.</p></div>").text == "Opening hours: 8 to 16."
    assert content("<header><p>Only this.</p></header><p>x</p>").text


def test_a_cell_over_the_whole_row_of_two_columns_is_a_line_over_the_rows_below() -> None:
    rows = "<tr><th>Town<th>Men<tr><td colspan=2>North<tr><td>Irbid<td>7<tr><td colspan=2>South<tr><td>Maan<td>9"
    found = read(f"<p>Counts of men were taken in both parts of the country.<table>{rows}</table>".encode(), ".html", "a.html", Limits())
    rows_of = [block for block in found.blocks if block.kind is BlockKind.ROW]
    assert [(block.lead.of(found.text), block.span.of(found.text)) for block in rows_of if block.lead is not None] == [
        ("North", "Town: Irbid · Men: 7"),
        ("South", "Town: Maan · Men: 9"),
    ]


def test_merged_cells_keep_their_columns() -> None:
    found = content(
        "<h2>Rates</h2><table><caption>In dinars</caption><tr><th rowspan=2>Currency<th colspan=2>2024<tr><th>Buy<th>Sell"
        "<tr><td rowspan=2>Dollar<td>0.708<td>0.711<tr><td>0.705<td>0.714<tr><td>Euro<td><td>0.774</table>"
    )
    assert blocks(found) == [
        ("heading", "Rates"), ("paragraph", "In dinars"), ("row", "Currency: Dollar · 2024 Buy: 0.708 · 2024 Sell: 0.711"),
        ("row", "Currency: Dollar · 2024 Buy: 0.705 · 2024 Sell: 0.714"), ("row", "Currency: Euro · 2024 Sell: 0.774"),
    ]  # fmt: skip
    assert content("<table><tr><td rowspan=9999999 colspan=9999999>x<td>y</table>").text  # hostile sizes cost nothing
    assert content("<table role=presentation><tr><td><p>One.</p><td><p>Two.</p></table>").text == "One.\n\nTwo."


def test_a_definition_list_is_a_form() -> None:
    terms = "<dt>الهاتف</dt><dd>119</dd><dt>Fax:</dt><dd>120</dd><dd>121</dd>"
    assert blocks(content(f"<dl>{terms}</dl>")) == [("row", "الهاتف: 119"), ("row", "Fax: 120; 121")]


def test_raised_numbers_and_notes_at_their_place() -> None:
    found = content(
        "<p>بلغ العدد 4800<sup>3</sup> على 12 كم<sup>2</sup> و 10<sup>6</sup> طن.</p>"
        "<p>See here<a href='#n1' role=doc-noteref>1</a>.</p><p>After.</p><aside id=n1 role=doc-footnote><p>The note.</p></aside>",
        ".xhtml",
    )
    assert blocks(found) == [
        ("paragraph", "بلغ العدد 4800 [3] على 12 كم² و 10⁶ طن."), ("paragraph", "See here [1]."), ("note", "The note."),
        ("paragraph", "After."),
    ]  # fmt: skip


def test_lists_keep_their_numbers_and_nest() -> None:
    found = content("<p>Steps:<ol start=3><li>one<li>two<ul><li>inner</ul></ol><ol><li value=7><p>seven</ol>")
    assert blocks(found) == [("paragraph", "Steps:"), ("item", "3. one"), ("item", "4. two"), ("item", "inner"), ("item", "7. seven")]


def test_arabic_declared_as_western_is_recognised_and_french_is_left_alone() -> None:
    arabic = (
        "<html><head><meta charset=iso-8859-1></head><body><p>افتتح الوزير مستشفى الكرك الجديد بسعة 220 سريرا يوم الخميس.</p></body></html>"
    )
    assert content(arabic.encode("cp1256")).text == "افتتح الوزير مستشفى الكرك الجديد بسعة 220 سريرا يوم الخميس."
    french = "<meta charset=iso-8859-1><p>Une élève déjà très âgée a été décorée à Orléans.</p>"
    assert content(french.encode("latin-1")).text == "Une élève déjà très âgée a été décorée à Orléans."


@pytest.mark.parametrize("body", ["", "<p></p>", "<table></table>", "<ul></ul>", "<dl><dd>x</dl>"])
def test_nothing_to_read(body: str) -> None:
    assert content(body).text == ""


@pytest.mark.parametrize(
    ("sentence", "clicks", "kept"),
    [
        (
            "The clinic opens at nine.",
            (
                "Read more →",
                "Skip to main content",
                "Book now",
                "Home / Clinic",
                "Click here to download the agenda",
                "Click any of the links below for news",
            ),
            "Read more about the clinic in the annual report",
        ),
        (
            "تفتح العيادة في التاسعة.",
            ("اقرأ المزيد", "تخطَّ إلى المحتوى", "احجز الآن", "الرئيسية / العيادة"),
            "اقرأ المزيد عن العيادة في التقرير السنوي",
        ),
    ],
)
def test_lines_that_are_only_to_be_clicked_are_no_text(sentence: str, clicks: tuple[str, ...], kept: str) -> None:
    body = f"<p>{sentence}</p>" + "".join(f"<div><a href=x>{click}</a></div>" for click in clicks) + f"<p>{kept}</p>"
    assert blocks(content(body)) == [("paragraph", sentence), ("paragraph", kept)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("@extends('frame') @section('title') Rules @endsection @section('content') <p>Open daily.</p> @endsection", "Open daily."),
        ("@extends('frame') @if($open) <p>يفتح يوميًا.</p> @endif", "يفتح يوميًا."),
        ("<p>Write to info@section.example or @anna.</p>", "Write to info@section.example or @anna."),
    ],
)
def test_marks_of_blade_are_no_text(body: str, said: str) -> None:
    assert content(body).text == said
