"""Search without an answer, the documents that are asked as chips, and indexing that is followed outside its dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag.ui.render import strings
from tests.browser.conftest import Opener
from tests.browser.scene import ARABIC_PHONE, ENGLISH_BRIDGE, GATE, Scene, scene
from tests.browser.test_library import open_documents
from tests.browser.test_window import ask, style

WORDS = {
    "en": {
        "search": "Search",
        "filter": "Choose which documents are asked",
        "memory": "memory of the phone of Nour",
        "language": "Language",
    },
    "ar": {"search": "بحث", "filter": "اختيار الوثائق التي تُسأل", "memory": "ذاكرة هاتف نور", "language": "اللغة"},
}


def search(page: Any, words: str) -> None:
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("search").locator("input").fill(words)
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open][data-shown]")


@pytest.mark.parametrize("language", ["ar", "en"])
def test_passages_are_found_without_an_answer_and_lead_into_their_document(visit: Opener, window: Scene, language: str) -> None:
    words = WORDS[language]
    page = visit(window, language=language)
    page.get_by_role("button", name=words["search"], exact=True).first.click()
    search(page, words["memory"])
    first = page.locator(".results .source").first
    assert first.locator("h3").inner_text() == "هاتف نور"
    assert "8 GB" in " ".join(first.locator("mark").all_inner_texts())
    assert style(first.locator("mark").first, "backgroundColor") != "rgba(0, 0, 0, 0)"
    assert page.locator(".turn").count() == 0
    first.locator(".feet button").first.click()
    page.wait_for_selector(f"dialog[data-loaded='{ARABIC_PHONE}']")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_one_document_is_searched_and_asked_alone_until_its_chip_is_removed(page: Any) -> None:
    open_documents(page)
    page.locator("tbody th button", has_text="Report on the harbour bridge").click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}']")
    page.get_by_role("button", name="Search in it").click()
    search(page, "lantern of Cape Verity")
    assert set(page.locator(".results h3").all_inner_texts()) == {"Report on the harbour bridge"}
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    chips = page.locator(".composer .chip")
    assert [text.strip() for text in chips.all_inner_texts()] == ["The documents Shawahid was started with", ENGLISH_BRIDGE]
    turn = ask(page, "What colour is the lantern of Cape Verity?")
    assert "green" not in turn.locator(".answer").inner_text()
    assert turn.locator(".searched").first.inner_text() == f"Only from: {ENGLISH_BRIDGE}"
    page.get_by_role("button", name=f"Without the condition {ENGLISH_BRIDGE}").last.click()
    again = ask(page, "What colour is the lantern of Cape Verity?")
    assert "green" in again.locator(".answer").inner_text()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_kind_the_language_and_the_date_narrow_a_question_down(visit: Opener, window: Scene, language: str) -> None:
    words = WORDS[language]
    page = visit(window, language=language)
    page.locator(".composer").get_by_role("button", name=words["filter"]).click()
    page.locator(".composer").get_by_label(words["language"]).select_option("en")
    turn = ask(page, "ما ذاكرة هاتف نور؟")
    assert "8 GB" not in turn.locator(".answer").inner_text()
    page.locator(".composer .chip-remove").click()
    assert page.locator(".composer .chip-remove").count() == 0
    assert "8 GB" in ask(page, "ما ذاكرة هاتف نور؟").locator(".answer").inner_text()
    page.locator(".composer").get_by_role("button", name=words["filter"]).click()
    page.locator(".composer input[type=date]").first.fill("2020-01-01")
    assert page.locator(".composer .chip").last.inner_text().strip() == ("من 2020-01-01" if language == "ar" else "from 2020-01-01")


NAMED = r"name => document.querySelector('.composer .collection').innerText.replace(/[\u2066-\u2069]/g, '').replace(/\s/g, ' ') === name"
"""Whether the collection beside the question has a name; signs of direction and kinds of spaces aside."""


def test_the_collection_that_is_asked_is_named(visit: Opener, tmp_path: Path) -> None:
    with scene(tmp_path) as shown:
        page = visit(shown, own=True)
        assert page.locator(".composer .collection").inner_text() == "The documents Shawahid was started with"
        open_documents(page)
        page.get_by_role("button", name="New collection").click()
        page.get_by_role("textbox", name="Name of the new collection").fill("قضية 12")
        page.keyboard.press("Enter")
        page.wait_for_function(NAMED, arg="قضية 12")
        page.keyboard.press("Escape")
        page.reload()
        page.wait_for_selector("#shawahid[data-ready]")
        page.wait_for_function(NAMED, arg="قضية 12")
        page.close()


def test_indexing_is_followed_when_the_dialog_is_closed(visit: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path) as shown:
        assert shown.service.chatbot is not None
        embedder = shown.service.chatbot.index.embedder
        really = embedder.embed_passages

        def embed(*arguments: Any, **named: Any) -> Any:
            GATE.wait(timeout=120)
            return really(*arguments, **named)

        monkeypatch.setattr(embedder, "embed_passages", embed)
        page = visit(shown)
        open_documents(page)
        GATE.clear()
        page.set_input_files(
            ".library input[type=file]", [{"name": "new.txt", "mimeType": "text/plain", "buffer": b"The museum opens at nine."}]
        )
        page.wait_for_selector(".library .work:not([hidden])")
        page.keyboard.press("Escape")
        page.wait_for_selector(".notice .work:not([hidden])")
        page.reload()
        page.wait_for_selector("#shawahid[data-ready]")
        page.wait_for_selector(".notice .work:not([hidden])")
        GATE.set()
        page.wait_for_selector(".notice .work:not([hidden])", state="detached")
        page.close()


@pytest.mark.parametrize(("language", "width"), [("ar", 390), ("en", 1280)])
def test_axe_finds_nothing_in_search_and_filters(visit: Opener, window: Scene, axe: str, language: str, width: int) -> None:
    page = visit(window, language=language, width=width, dark=language == "en")
    page.evaluate(axe)
    problems = []

    def look(state: str) -> None:
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        problems.extend(f"{state}: {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state
        assert page.evaluate("document.querySelector('.bar').scrollWidth") <= width, state

    page.locator(".composer").get_by_role("button", name=WORDS[language]["filter"]).click()
    page.locator(".composer").get_by_label(WORDS[language]["language"]).select_option("ar")
    look("filters")
    page.get_by_role("button", name=WORDS[language]["search"], exact=True).first.click()
    search(page, WORDS[language]["memory"])
    look("search")
    assert problems == []


def test_a_question_is_narrowed_down_to_a_document_chosen_by_its_name(page: Any) -> None:
    page.locator(".composer .filter-line > .button").click()
    page.wait_for_function("document.querySelectorAll('.composer datalist option').length >= 4")
    field = page.locator(".composer .document-field input")
    field.fill("no such document")
    field.press("Enter")
    assert page.locator(".composer .chip-remove").count() == 0
    field.fill("Report on the harbour bridge")
    field.press("Tab")
    page.wait_for_selector(".composer .chip-remove")
    assert ENGLISH_BRIDGE in page.locator(".composer .chips").inner_text()


REMAINING = """
async (strings) => {
  const {LibraryView} = await import("/shawahid/library.js");
  const view = {page: {t: (key, {n}) => strings[key].replace("{n}", n)}};
  const really = performance.now.bind(performance);
  const at = (seconds, step, share) => {
    performance.now = () => seconds * 1000;
    return LibraryView.prototype.remaining.call(view, {step}, share);
  };
  const said = [at(0, "embed", 0.1), at(60, "embed", 0.2), at(420, "embed", 0.8), at(500, "embed", 0.95), at(510, "write", 0.5)];
  performance.now = really;
  return said;
}"""


@pytest.mark.parametrize(
    ("language", "said"),
    [
        # A tenth in a minute, so eight minutes for the rest; then a tenth in 60 s again, two minutes; less than one is not said.
        ("en", ["", "about 8 min left", "about 2 min left", "", ""]),
        ("ar", ["", "بقيت نحو 8 دقيقة", "بقيت نحو 2 دقيقة", "", ""]),
    ],
)
def test_progress_says_how_long_it_will_take(page: Any, language: str, said: list[str]) -> None:
    assert page.evaluate(REMAINING, strings()[language]) == said
