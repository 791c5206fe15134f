"""How an answer stands: what was translated, what nothing was found for, what is asked next; and the words in front of a reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.schema import Span
from rag.service.suggesting import Suggested, Suggesting
from rag.storage.suggestions import Suggestion
from rag.testing import TableTranslator
from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_library import open_documents
from tests.browser.test_window import ask, style

MEMORY = "يأتي هاتف نور بذاكرة 8 GB ونموذج مضغوط إلى 4-bit يعمل من دون إنترنت."
IN_ENGLISH = "The Nour phone comes with a memory of 8 GB and a model compressed to 4-bit that works without the internet."


@pytest.fixture
def translating(tmp_path: Path) -> Iterator[Scene]:
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path / "scene", generator=False, translator=TableTranslator({MEMORY: IN_ENGLISH})) as running:
        yield running


def test_a_translation_stands_beside_its_quotation_each_in_its_direction(visit: Opener, translating: Scene) -> None:
    page = visit(translating)
    turn = ask(page, "What is the memory of the phone of Nour?")
    assert IN_ENGLISH in " ".join(turn.locator(".answer").inner_text().split())
    assert turn.locator(".translated").inner_text().removeprefix("…").strip().startswith("The Nour phone")
    assert style(turn.locator(".translated"), "direction") == "ltr"
    quoted = turn.locator(".apart")
    assert quoted.inner_text().startswith("«أعلنت شركة نور")
    assert style(quoted, "direction") == "rtl"
    assert turn.locator(".note").inner_text().startswith("Machine translation, not checked")
    translated, source = turn.locator(".translated").bounding_box(), quoted.bounding_box()
    assert translated is not None
    assert source is not None
    assert translated["y"] < source["y"]
    page.close()


def test_what_nothing_was_found_for_stands_apart_from_the_answer(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")
    turn = ask(page, "كم سعر هاتف نور؟")
    assert "لندن" not in turn.locator(".answer").inner_text()
    assert turn.locator("a.cite").count() >= 1


LEADS = {
    "en": (
        "The document says, in Arabic, under “",
        "يمكن للطالب أن ينسحب من مقرر بعد موافقة المرشد الأكاديمي وفق القواعد التالية:",
        "يجوز الانسحاب حتى نهاية الأسبوع العاشر من بدء التسجيل للفصل الدراسي الرئيسي.",
    ),
    "ar": (
        "تقول الوثيقة بالإنجليزية تحت «",
        "A student may withdraw with the consent of the adviser by these rules:",
        "Withdrawal is possible until the end of the tenth week after registration.",
    ),
}
DRAWN = """
async ([language, before, lead, quote]) => {
  const {TurnView} = await import("/shawahid/turn.js");
  const [opening, closing] = language === "ar" ? ["«", "»"] : ["“", "”"];
  const pieces = [{text: `${before}${lead}${closing}: ${opening}`, cites: []}, {text: quote, cites: [1]}, {text: closing, cites: []}];
  const view = new TurnView({t: (key) => key, base: language === "ar" ? "rtl" : "ltr"});
  const block = view.answer({id: "x", answer: {language, paragraphs: [pieces], sources: []}});
  document.querySelector("#sample")?.remove();
  block.id = "sample";
  document.querySelector(".talk").prepend(block);
}"""


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_line_that_introduces_a_foreign_list_stands_apart_from_the_words_before_it(page: Any, language: str) -> None:
    before, lead, quote = LEADS[language]
    page.evaluate(DRAWN, [language, before, lead, quote])
    own, foreign = ("rtl", "ltr") if language == "ar" else ("ltr", "rtl")
    first = page.locator("#sample p > span").first
    assert first.inner_text().strip() == before[:-1].strip()
    assert style(first, "direction") == own
    apart = page.locator("#sample .apart")
    marks = "“”" if language == "ar" else "«»"
    assert apart.all_inner_texts() == [f"{marks[0]}{lead}{marks[1]}", f"{marks[0]}{quote}[1]{marks[1]}"]
    assert [style(apart.nth(at), "direction") for at in range(2)] == [foreign, foreign]


@pytest.mark.parametrize(("language", "question"), [("ar", "كم سعر هاتف نور؟"), ("en", "When did the harbour bridge reopen?")])
def test_a_suggested_question_is_asked_with_a_click(
    visit: Opener, window: Scene, monkeypatch: pytest.MonkeyPatch, language: str, question: str
) -> None:
    found = Suggested((Suggestion(question, language, "bridge report.txt", Span(0, 1), 1.0, "value"),), False)
    monkeypatch.setattr(Suggesting, "opening", lambda *arguments, **named: found)
    monkeypatch.setattr(Suggesting, "after", lambda *arguments, **named: found)
    page = visit(window, language=language)
    page.locator(".welcome .example", has_text=question).click()
    page.wait_for_selector(".turn:last-child[data-state=done]")
    below = page.locator(".turn .suggested .example")
    below.wait_for()
    assert below.all_inner_texts() == [question]
    below.click()
    page.wait_for_function("document.querySelectorAll('.turn[data-state=done]').length === 2")


INSIDE = re.compile(r"jsonl|\bshawahid [a-z]|SHAWAHID_|(?<![\w.])/(?:home|root|tmp|usr|var|work)/|\.venv|--[a-z]{3}")
"""Words that are for those who run the program: commands, settings and paths."""


@pytest.mark.parametrize("language", ["ar", "en"])
def test_no_path_command_or_setting_stands_in_front_of_a_reader(visit: Opener, window: Scene, language: str) -> None:
    page = visit(window, language=language)

    def seen() -> list[str]:
        text = page.evaluate(
            "[...document.querySelectorAll('#shawahid, #shawahid [title], #shawahid [aria-label]')]"
            ".map((e) => `${e.innerText} ${e.title} ${e.getAttribute('aria-label')}`).join('\\n')"
        )
        return INSIDE.findall(str(text))

    def close() -> None:
        while page.locator("dialog[open]").count():
            page.keyboard.press("Escape")

    assert seen() == []
    ask(page, "When was the harbour bridge closed?")
    assert seen() == []
    open_documents(page, "الوثائق" if language == "ar" else "Documents")
    assert seen() == []
    close()
    more = page.get_by_role("button", name="المزيد" if language == "ar" else "More", exact=True)
    more.click()
    labels = [label.strip() for label in page.locator(".menu button.menu-item:visible").all_inner_texts()]
    assert len(labels) >= 3
    assert seen() == []
    more.click()
    for name in ("الجودة والنماذج", "ما يُحفظ عنك") if language == "ar" else ("Quality and models", "What is stored about you"):
        more.click()
        page.locator(".menu").get_by_role("button", name=name).click()
        page.wait_for_selector("dialog[open]")
        page.wait_for_timeout(500)
        assert seen() == [], name
        close()
