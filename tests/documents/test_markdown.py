"""Markdown of site generators: their marks are no text, and what a reader of the finished page sees is kept."""

from __future__ import annotations

import pytest

from rag.documents.chunker import Chunker
from rag.documents.formats.readers import read
from rag.documents.formats.templates import without_templates
from rag.documents.tree import Content, Limits
from rag.schema import Document


def content(text: str, suffix: str = ".md") -> Content:
    return read(text.encode(), suffix, f"file{suffix}", Limits())


def blocks(found: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, block.span.of(found.text)) for block in found.blocks]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Liquid and Jinja
        ("{% include alert.html text=\"Bring water, not juice.\" %}", "Bring water, not juice."),
        ("{% include note.md body='أحضر معك الماء.' %}", "أحضر معك الماء."),
        ("Open daily.{% comment %}ask Sami{% endcomment %} Free entry.", "Open daily. Free entry."),
        ("يفتح يوميًا.{% comment %}اسأل سامي{% endcomment %} الدخول مجاني.", "يفتح يوميًا. الدخول مجاني."),
        ("{% if site.open %}The pool is open.{% endif %}", "The pool is open."),
        ("Call {{ site.phone }} at night.", "Call … at night."),
        ("اتصل بالرقم {{ site.phone }} ليلًا.", "اتصل بالرقم … ليلًا."),
        ("See [the fees]({% link _pages/fees.md %}) and [hours]({{ site.baseurl }}/hours (new)).", "See the fees and hours."),
        ("راجع [الرسوم]({{< ref \"fees\" >}}) أولًا.", "راجع الرسوم أولًا."),
        # Hugo
        ("{{< callout type=\"info\" title=\"Before you start\" >}}\nBring water.\n{{< /callout >}}", "Before you start Bring water."),
        ("A {{< glossary_tooltip text=\"control plane\" term_id=\"control-plane\" >}} decides.", "A control plane decides."),
        ("تقرر {{< tooltip text=\"وحدة التحكم\" term=\"cp\" >}} ذلك.", "تقرر وحدة التحكم ذلك."),
        # attributes
        ("The fee is five dinars.\n{: .note .fs-6 }", "The fee is five dinars."),
        ("الرسم خمسة دنانير.\n{: .note }", "الرسم خمسة دنانير."),
        # instructions of other generators
        ("[!INCLUDE [name](../includes/banner.md)]\n\nText.", "Text."),
        ("> [!NOTE]\n> The pool closes at noon.", "The pool closes at noon."),
        ("> [!WARNING]\n> يغلق المسبح ظهرًا.", "يغلق المسبح ظهرًا."),
        (":::image type=\"content\" source=\"a.png\" alt-text=\"x\":::\n\nText.", "Text."),
        ("import Tabs from '@theme/Tabs';\nimport './x.css';\n\nText.", "Text."),
        ("<Card title=\"Opening hours\" icon={clock} />\n\nText.", "Opening hours\n\nText."),
        ("--- task ---\nDraw a dog.\n--- /task ---", "Draw a dog."),
        ("--- task ---\nارسم كلبًا.\n--- /task ---", "ارسم كلبًا."),
        ("--- collapse ---\n---\ntitle: What you need\n---\n\nA pen.\n\n--- /collapse ---", "What you need\n\nA pen."),
        ("{% if x %}{{ site.banner }}{% endif %}\n\nText.", "Text."),
        ("![screenshot](a.png)\n\n![The harbour seen from the hill](b.png)", "The harbour seen from the hill"),
        ("![لقطة الشاشة](a.png)\n\n![المرفأ كما يُرى من التل](b.png)", "المرفأ كما يُرى من التل"),
        ("[[[generic-theory-lat-long]]]\n\nText.", "Text."),
        ("{{ site.name }} was made by\n\nThe pool of {{ site.town }} opened in May.", "The pool of … opened in May."),
        ("{{ site.name }} صنعه\n\nافتتح مجلس {{ site.town }} المسبح في أيار.", "افتتح مجلس … المسبح في أيار."),
        # badges, rows of links
        ("[![Build](https://x.example/b.svg)](https://x.example) ![Status](https://img.shields.io/x)\n\nText.", "Text."),
        ("[English](README.md) | [العربية](README.ar.md)\n\nText.", "Text."),
        # numbers
        ("About 10<sup>6</sup> people and 5 m<sup>2</sup>, H<sub>2</sub>O.", "About 10⁶ people and 5 m², H₂O."),
    ],
)  # fmt: skip
def test_marks_of_site_generators_are_no_text(text: str, said: str) -> None:
    assert content(text).text == said


def test_fields_of_the_page_are_put_in() -> None:
    head = '---\ntitle: "Port of {{ page.town }}"\ntown: Aqaba\n---\n'
    found = content(f"{head}The port of {{{{ page.town }}}} opened.")
    assert (found.title, found.text) == ("Port of Aqaba", "The port of Aqaba opened.")
    page = content("---\nheading: أسئلة عن المرفأ\n---\n<h1>{{ page.heading }}</h1>\n<p>متى يفتح؟</p>", ".html")
    assert (page.title, page.text) == ("أسئلة عن المرفأ", "أسئلة عن المرفأ\n\nمتى يفتح؟")


@pytest.mark.parametrize(
    "code",
    ["```liquid\n{{ page.title }} {% if x %} [!NOTE] ::: {: .a }\n```", "    {{ page.title }} {% if x %} [!NOTE] ::: {: .a }"],
)
def test_code_stays_as_it_is(code: str) -> None:
    assert blocks(content(f"Text.\n\n{code}\n"))[1] == ("code", "{{ page.title }} {% if x %} [!NOTE] ::: {: .a }")
    assert content("Write `{{ page.title }}` here.").text == "Write {{ page.title }} here."
    page = content("<p>The pool of {{ town }} is open.</p><pre>{{ page.title }}</pre>", ".html")
    assert blocks(page) == [("paragraph", "The pool of … is open."), ("code", "{{ page.title }}")]


def test_code_in_tags_is_code() -> None:
    for text in (
        "{% highlight ruby %}\nputs 1\n\nputs 2\n{% endhighlight %}",
        "--- code ---\n---\nlanguage: ruby\n---\nputs 1\n\nputs 2\n--- /code ---",
    ):
        assert blocks(content(f"Text.\n\n{text}\n\nMore.")) == [
            ("paragraph", "Text."), ("code", "puts 1\n\nputs 2"), ("paragraph", "More."),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("::: tip Before you start\nBring **water**.\n:::\n\nGo.", ["Before you start", "Bring water.", "Go."]),
        (":::note\nأحضر الماء.\n:::", ["أحضر الماء."]),
        ("!!! note\n    Bring water.\n\n    And bread.\n\nGo.", ["Bring water.", "And bread.", "Go."]),
        ("!!! warning \"قبل أن تبدأ\"\n    أحضر الماء.\n", ["قبل أن تبدأ", "أحضر الماء."]),
        ("=== \"Linux\"\n\n    Open a shell.\n\n=== \"ماك\"\n\n    Open a window.\n", ["Linux", "Open a shell.", "ماك", "Open a window."]),
    ],
)  # fmt: skip
def test_boxes_and_tabs_hold_text(text: str, expected: list[str]) -> None:
    assert blocks(content(text)) == [("paragraph", said) for said in expected]


@pytest.mark.parametrize(
    "contents",
    [
        "## Table of contents\n\n- [Fees](#fees)\n  - [Adults](#adults)\n- [Hours](#hours)\n",
        "## جدول المحتويات\n\n1. [الرسوم](#الرسوم)\n2. [الأوقات](#الأوقات)\n",
        "## Contents\n{: .no_toc }\n\n1. TOC\n{:toc}\n",
        "[TOC]\n",
        "[[toc]]\n",
    ],
)
def test_tables_of_contents_are_left_out(contents: str) -> None:
    assert content(f"# Pool\n\n{contents}\n## Fees\n\nFive dinars.").text == "Pool\n\nFees\n\nFive dinars."


def test_lists_of_links_to_other_pages_stay() -> None:
    assert content("Read:\n\n- [The fees](fees.md)\n- [The hours](hours.md)\n").text == "Read:\n- The fees\n- The hours"


def test_notes_follow_the_text_that_refers_to_them() -> None:
    found = content("The fee is low.[^a]\n\nIt is paid once.\n\n[^a]: Five dinars\n    since 2019.\n")
    assert found.text == "The fee is low. [a]\n[a] Five dinars since 2019.\n\nIt is paid once."
    arabic = content("الرسم منخفض.[^1]\n\nيدفع مرة واحدة.\n\n[^1]: خمسة دنانير.\n")
    assert arabic.text == "الرسم منخفض. [1]\n[1] خمسة دنانير.\n\nيدفع مرة واحدة."


def test_definitions_are_fields() -> None:
    assert content("Fee\n: Five dinars.\n\nالوقت\n: من الثامنة.\n").text == "Fee: Five dinars.\nالوقت: من الثامنة."


def test_definitions_with_code_are_paragraphs() -> None:
    found = content("Step 1\n: Open a shell:\n\n  ```sh\n  ls\n  ```\n\nالخطوة 2\n: أغلقه.\n")
    assert blocks(found) == [
        ("paragraph", "Step 1"), ("paragraph", "Open a shell:"), ("code", "ls"), ("paragraph", "الخطوة 2"), ("paragraph", "أغلقه."),
    ]  # fmt: skip
    assert content("<!-- option name -->\n\n:   The name of the pool.\n").text == "The name of the pool."


def test_cells_that_only_the_generator_knows_are_empty() -> None:
    assert content("| Town | Fee |\n|---|---|\n| Irbid | {{ site.fee }} |\n").text == "Town: Irbid"


def test_html_in_markdown_is_read_as_html() -> None:
    text = (
        "<h1 align=\"center\">Pool of Irbid</h1>\n\n<details>\n<summary>Fees</summary>\n\n**Low.**\n\n</details>\n\n"
        "<table>\n<tr><th>Who</th><th>Fee</th></tr>\n<tr><td>Adults</td><td>5</td></tr>\n<tr><td>Children</td><td>2</td></tr>\n</table>\n"
    )  # fmt: skip
    found = content(text)
    assert found.title == "Pool of Irbid"
    assert found.text == "Pool of Irbid\n\nFees\n\nLow.\n\nWho: Adults · Fee: 5\nWho: Children · Fee: 2"


def test_fields_that_are_sentences_are_text() -> None:
    found = content(
        "---\ntitle: Databases\nroom: Hall 2\nabstract: This talk shows how a slow query becomes a fast one.\n---\nCome early.\n"
    )
    assert found.text == "abstract: This talk shows how a slow query becomes a fast one.\n\nCome early."
    arabic = content("---\ntitle: الري\nملخص: يبين هذا العرض كيف يوفر المزارع نصف الماء.\n---\nاحضروا مبكرين.\n")
    assert arabic.text == "ملخص: يبين هذا العرض كيف يوفر المزارع نصف الماء.\n\nاحضروا مبكرين."


def test_fields_without_a_fence() -> None:
    found = content("Title:   السفر والحجوزات\nDate: 2017-03-07\nType: travel\n\n#### إرشادات\n\nاحضر قبل ساعتين.\n")
    assert (found.title, found.metadata["date"], found.text) == ("السفر والحجوزات", "2017-03-07", "إرشادات\n\nاحضر قبل ساعتين.")
    letter = content("To: the council\nFrom: the pool\n\nWe open.\n")
    assert letter.text.startswith("To: the council")


def test_a_mark_that_never_closes_takes_no_time() -> None:
    assert without_templates("{{ " * 50_000).startswith("{{ ")
    assert content("{% include " * 5_000).text.startswith("{% include")


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("rents.md", "# Rents\n\n# Fees\n\nLow.", "Rents"),
        ("how-rents-rise.md", "Text first.\n\n## Lesson 1: begin\n\nA.\n\n## Lesson 2: go on\n\nB.", "how rents rise"),
        ("كيف ترتفع الإيجارات.md", "نص.\n\n## الدرس الأول\n\nأ.\n\n## الدرس الثاني\n\nب.", "كيف ترتفع الإيجارات"),
        ("README.md", "# Pool\n\nA.\n\n# Fees\n\nB.", "Pool"),
    ],
)
def test_the_first_of_several_headings_is_no_title_of_the_file(name: str, text: str, title: str) -> None:
    assert read(text.encode(), ".md", name, Limits()).title == title


# --- lists ----------------------------------------------------------------------------------------------------------------


def _leads(text: str) -> dict[str, str]:
    found = content(text)
    document = Document("a.md", found.text, "T", "en", "0", blocks=found.blocks, tables=found.tables)
    passages = Chunker().cut(document)
    return {passage.quote(span): passage.lead_of(at) for passage in passages for at, span in enumerate(passage.sentences)}


def test_a_list_inside_an_item_is_introduced_by_it() -> None:
    said = _leads("You need:\n\n- For adults:\n  - a ticket\n  - a towel\n- For children:\n  - a ring\n- Water\n")
    assert said == {
        "You need:": "", "For adults:": "You need:", "a ticket": "For adults:", "a towel": "For adults:", "For children:": "You need:",
        "a ring": "For children:", "Water": "You need:",
    }  # fmt: skip


def test_a_short_line_above_a_list_introduces_it() -> None:
    assert _leads("ما تحتاج إليه\n\n- تذكرة\n- منشفة\n")["منشفة"] == "ما تحتاج إليه"
    assert _leads("ما رأيك في المسبح؟\n\n- جيد\n- سيئ\n")["سيئ"] == "ما رأيك في المسبح؟"
    assert _leads("What state do you live in?\n\n- Alabama\n- Alaska\n")["Alaska"] == "What state do you live in?"
    assert _leads("The pool is open.\n\n- a ticket\n- a towel\n")["a towel"] == ""


def test_a_page_that_is_a_program_has_no_text() -> None:
    page = "{% for item in site.pages %}{% if item.title == page.title %}<li>{{ item.title }}</li>{% endif %}{% endfor %}<p>more</p>"
    assert content(page, ".html").text == ""
    assert content("{% if x %}<p>The pool is open from eight to five on all days.</p>{% endif %}", ".html").text.startswith("The pool")
