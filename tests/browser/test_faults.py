"""Small faults that readers met, each of which would be seen again here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_library import add, open_documents
from tests.browser.test_window import ask, left_to_right, style

SAMPLE = """
async ([text, dir]) => {
  const {fill} = await import("/shawahid/text.js");
  document.querySelector("#sample")?.remove();
  const sample = document.createElement("p");
  sample.id = "sample";
  document.querySelector(".talk").prepend(fill(sample, text, dir));
}"""

BROKEN = """
(text) => {
  const sample = document.querySelector("#sample"), broken = [], parts = [];
  const walker = document.createTreeWalker(sample, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) for (let at = 0; at < walker.currentNode.data.length; at++) parts.push([walker.currentNode, at]);
  const start = sample.textContent.indexOf(text);
  const range = document.createRange();
  for (let width = 150; width <= 420; width += 6) {
    sample.style.inlineSize = `${width}px`;
    const lines = parts.slice(start, start + text.length).filter(([node, at]) => node.data[at].trim()).map(([node, at]) => {
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      return Math.round(range.getBoundingClientRect().bottom);
    });
    if (Math.max(...lines) - Math.min(...lines) > 8) broken.push(width);
  }
  return broken;
}"""


def show(page: Any, text: str, direction: str = "") -> None:
    """Show a text in the window, as answers and documents are shown."""
    page.evaluate(SAMPLE, [text, direction])


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("The harbour bridge was closed on 12 March 2023 after divers found cracks.", "12 March 2023"),
        ("The committee decided on November 3, 2023 that it would reopen to buses.", "November 3, 2023"),
        ("Decided by all members on 2023-11-03 and published later.", "2023-11-03"),
        ("أُغلق جسر المرفأ يوم 12 مارس 2023 بعد أن وجد الغواصون شقوقًا في ركيزتين.", "12 مارس 2023"),
        ("صدر القرار في ٣ تشرين الثاني ٢٠٢٣ ونُشر في الجريدة الرسمية بعد ذلك.", "٣ تشرين الثاني ٢٠٢٣"),
        ("أعلنت الشركة في 2024-05-01 عن هاتفها الجديد.", "2024-05-01"),
    ],
)
def test_a_date_is_not_broken_over_two_lines(page: Any, text: str, date: str) -> None:
    show(page, text)
    assert page.evaluate(BROKEN, date) == []


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("قالت Harbour Works Ltd. إن العقد انتهى", ["Harbour Works Ltd."]),
        ("وقّع J. Smith مع Acme, Inc. عقدًا", ["J. Smith", "Acme, Inc."]),
        ("شركة Marks & Spencer في لندن", ["Marks & Spencer"]),
        ("أُغلق في 12 March 2023 بقرار", ["12 March 2023"]),
        ("يعمل على Windows. ثم توقف", ["Windows"]),  # the full stop is that of the sentence
        ("قرأت Windows, Linux وغيرهما", ["Windows", "Linux"]),
    ],
)
def test_a_name_keeps_its_full_stops_inside_arabic(script: Any, text: str, runs: list[str]) -> None:
    found = script.evaluate("async (text) => (await import('/shawahid/text.js')).runs(text, 'rtl').map(([a, b]) => text.slice(a, b))", text)
    assert found == runs


def test_the_full_stop_of_a_company_stands_behind_its_name(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")
    show(page, "قالت Harbour Works Ltd. إن العقد انتهى.")
    assert left_to_right(page, "#sample", "Harbour Works Ltd.")


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("هل تعمل Microsoft Azure Kubernetes Service مع Amazon Web Services؟", "rtl"),
        ("Microsoft Azure Kubernetes Service هل تعمل مع Amazon؟", "rtl"),
        ("قارن بين Harbour Works Ltd. و Northern Bridge Engineering Company", "rtl"),
        ("«شواهد» is the Arabic word for what witnesses have said before a court", "ltr"),
        ("What does the Arabic paper «صحيفة المرفأ» say of the bridge?", "ltr"),
        ("Al Jazeera (الجزيرة) Media Network", "ltr"),
    ],
)
def test_an_arabic_question_with_many_latin_names_runs_from_right_to_left(script: Any, text: str, direction: str) -> None:
    assert script.evaluate("async (text) => (await import('/shawahid/text.js')).direction(text)", text) == direction


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("ar", ["ص 3–4", "الصف 12", "الشريحة 5", "الورقة Q1", "§ Costs", ""]),
        ("en", ["p. 3–4", "row 12", "slide 5", "sheet Q1", "§ Costs", ""]),
    ],
)
def test_the_place_in_a_document_is_said_in_the_language_of_the_window(
    visit: Opener, window: Scene, language: str, shown: list[str]
) -> None:
    page = visit(window, language=language)
    found = page.evaluate(
        """async (strings) => {
          const {place} = await import("/shawahid/about.js");
          const page = {t: (key, {n}) => strings[key].replace("{n}", n)};
          return ["p. 3–4", "row 12", "slide 5", "sheet Q1", "§ Costs", ""].map((locator) => place(page, locator));
        }""",
        _strings(language),
    )
    assert found == shown


def _strings(language: str) -> dict[str, str]:
    from rag.ui.render import strings

    return strings()[language]


def test_an_address_is_shown_as_it_is_read_and_not_longer_than_a_line_or_two(script: Any) -> None:
    def readable(address: str) -> str:
        return str(script.evaluate("async (url) => (await import('/shawahid/about.js')).readable(url)", address))

    assert readable("https://ar.example.org/wiki/" + quote("هاتف_نور")) == "ar.example.org/wiki/هاتف_نور"
    assert readable("https://example.org/a%20b/%E0%A4") == "example.org/a%20b/%E0%A4"  # not UTF-8: as it is
    assert readable("https://example.org/" + quote("\u202egnp.exe")) == "example.org/%E2%80%AEgnp.exe"
    assert readable("https://example.org/") == "example.org"
    long = readable("https://news.example.org/" + quote("قضية") * 60 + "/the-end-of-it")
    assert len(long) == 90
    assert long.startswith("news.example.org/قضية")
    assert long.endswith("/the-end-of-it")


def test_a_quotation_is_not_in_the_colour_of_what_is_right_and_a_greeting_is_no_quotation(page: Any) -> None:
    turn = ask(page, "When was the harbour bridge closed?")
    assert style(turn.locator(".verdict"), "color") == style(turn.locator(".answer"), "color")
    assert style(turn.locator(".verdict"), "color") != style(turn.locator("a.cite").first, "color")
    greeting = ask(page, "مرحبا")
    assert greeting.locator(".verdict").count() == 0
    assert greeting.locator(".times").is_visible()


@pytest.mark.parametrize(
    ("language", "greeting", "question"), [("en", "Hello!", "And the piers?"), ("ar", "السلام عليكم", "وماذا عن الذاكرة؟")]
)
def test_after_a_greeting_no_question_is_taken_to_follow_up_on_it(
    visit: Opener, window: Scene, language: str, greeting: str, question: str
) -> None:
    page = visit(window, language=language)
    ask(page, greeting)
    assert ask(page, question).locator(".searched").count() == 0


def test_the_examples_leave_the_language_as_it_was_chosen(page: Any) -> None:
    page.get_by_role("button", name="العربية").click()
    for _ in range(2):
        page.locator(".example[lang=en]").first.click()
        page.wait_for_selector(".turn:last-child[data-state=done]")
        assert page.locator("html").get_attribute("lang") == "ar"
        page.get_by_role("button", name="محادثة جديدة").click()
        assert page.locator(".example").first.get_attribute("lang") == "ar"
    page.reload()
    page.wait_for_selector("#shawahid[data-ready]")
    assert page.locator("html").get_attribute("lang") == "ar"
    assert page.locator(".example").first.get_attribute("lang") == "ar"


def test_a_file_that_failed_is_told_of_once_and_then_beside_its_name(visit: Opener, tmp_path: Path) -> None:
    with scene(tmp_path) as shown:
        page = visit(shown)
        open_documents(page)
        add(page, ("noise.txt", bytes(range(256)) * 40))
        assert page.locator(".news .bad").count() == 1
        add(page, ("good.txt", b"The museum opens at nine."))
        page.wait_for_selector("tbody tr:has-text('good.txt')")
        assert page.locator(".news .bad").count() == 0
        failure = page.locator("tbody tr", has_text="noise.txt").locator(".failure")
        assert failure.locator("p").inner_text().startswith("noise.txt is not a text file")
        # It was mended where it lies.
        (shown.folder / "documents" / "noise.txt").write_text("The noise was mended.", encoding="utf-8")
        failure.get_by_role("button", name="Try noise.txt again").click()
        page.wait_for_function("!document.querySelector('.failure')")
        page.close()


def test_a_file_of_another_kind_is_not_sent_and_leaves_no_error_in_the_console(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")  # `visit` fails on any complaint of the console
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "upload" in request.url else None)
    open_documents(page, "الوثائق")
    add(page, ("scan.exe", b"MZ"))
    assert page.locator(".news .bad").inner_text().startswith("لا يمكن إضافة scan.exe")
    assert sent == []


@pytest.mark.parametrize("language", ["ar", "en"])
def test_in_an_exported_page_numbers_stand_before_their_sources(
    visit: Opener, window: Scene, contexts: Any, tmp_path: Path, language: str
) -> None:
    page = visit(window, language=language)
    ask(page, "ما ذاكرة هاتف نور؟")
    ask(page, "When was the harbour bridge closed?")
    page.get_by_role("button", name="المزيد" if language == "ar" else "More").click()
    page.get_by_role("button", name="حفظ المحادثة أو طباعتها" if language == "ar" else "Save or print the conversation").click()
    with page.expect_download() as download:
        page.locator("dialog[open] [data-form=html]").click()
    saved = tmp_path / "saved.html"
    download.value.save_as(saved)
    other = contexts(language, 1280, 800, False, False, 1).new_page()
    other.goto(saved.as_uri())
    other.screenshot(path=str(tmp_path / "saved.png"))
    notes = other.locator("ol > li")
    assert notes.count() >= 3
    directions = [style(notes.nth(at), "direction") for at in range(notes.count())]
    assert directions == [style(notes.nth(at).locator("p").last, "direction") for at in range(notes.count())]
    assert {"rtl", "ltr"} <= set(directions)
    other.close()


GAPS = """
([before, words, after]) => {
  document.querySelector("#sample")?.remove();
  const marks = [["", before], ["words", words], ["", after]].map(([name, text]) => {
    const mark = document.createElement("mark");
    mark.className = name;
    mark.textContent = text;
    return mark;
  });
  const sample = document.createElement("p");
  sample.id = "sample";
  sample.dir = "auto";
  sample.append(...marks);
  document.querySelector(".talk").prepend(sample);
  const edges = marks.map((mark) => {
    const range = document.createRange();
    range.selectNodeContents(mark);
    const box = range.getBoundingClientRect();
    return [box.left, box.right];
  }).sort((one, other) => one[0] - other[0]);
  return [edges[1][0] - edges[0][1], edges[2][0] - edges[1][1]];
}"""


@pytest.mark.parametrize("texts", [["It fell by ", "58 percent", ", and more."], ["انخفض بنسبة ", "58 بالمئة", "، ثم ارتفع."]])
def test_the_words_that_answer_stand_in_their_sentence_without_gaps(page: Any, texts: list[str]) -> None:
    assert [abs(gap) < 0.5 for gap in page.evaluate(GAPS, texts)] == [True, True]


LONG_SENTENCES = {
    "توسعة.txt": "أعلنت الهيئة العامة للموانئ في بيانها السنوي أن أعمال التوسعة في رصيف الحاويات الشمالي بدأت في مطلع العام، وبلغت كلفة "
    "التوسعة 73 مليون دينار بعد تعديل العقد مع المقاول الذي تأخر شهرين عن موعده، وتولى مكتب مستقل مراجعة الفواتير كل ثلاثة أشهر.",
    "extension.txt": "The ports authority announced in its yearly statement that the works on the northern quay had begun early in the "
    "year, and the dredging of the quay cost 73 million dinars after the contract had been changed, and an independent office checked "
    "the bills.",
}


@pytest.mark.parametrize(
    ("language", "name", "question"),
    [("ar", "توسعة.txt", "كم بلغت كلفة التوسعة؟"), ("en", "extension.txt", "How much did the dredging of the quay cost?")],
)
def test_a_quotation_neither_begins_in_a_sentence_nor_ends_with_a_comma(
    visit: Opener, tmp_path: Path, language: str, name: str, question: str
) -> None:
    """Search cuts a long sentence at its commas: what was found begins with «و» and ends with «،»."""
    with scene(tmp_path / "scene", generator=False, more=lambda folder: (folder / name).write_text(LONG_SENTENCES[name], "utf-8")) as shown:
        page = visit(shown, language=language)
        turn = ask(page, question)
        said = turn.locator(".answer p").last.inner_text().replace("\xa0", " ")
        quoted = re.sub("[\u2066-\u2069]", "", re.split("[«“]", said)[-1].partition("[")[0]).strip(" »”")
        assert quoted == LONG_SENTENCES[name]
        page.close()
