"""What a reader sees and does in the chat window, in a real browser."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Opener
from tests.browser.scene import ARABIC_PHONE, ENGLISH_BRIDGE, GATE, HOSTILE, Scene, scene
from tests.waiting import page_pause, wait_until

DONE = ".turn:last-child[data-state=done]"


def ask(page: Any, question: str, until: str = DONE) -> Any:
    """Ask with the keyboard and wait for the end of the answer; returns its turn."""
    before = page.locator(".turn").count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_function("n => document.querySelectorAll('.turn').length > n", arg=before)
    page.wait_for_selector(until)
    return page.locator(".turn").last


def style(locator: Any, name: str) -> str:
    return str(locator.evaluate("(e, name) => getComputedStyle(e)[name]", name))


def left_to_right(page: Any, selector: str, text: str) -> bool:
    """Whether the characters of `text` stand on the screen in that order from left to right, on one line."""
    places = page.evaluate(
        """([selector, text]) => {
          const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const at = walker.currentNode.data.indexOf(text);
            if (at < 0) continue;
            return [...text].map((_, index) => {
              const range = document.createRange();
              range.setStart(walker.currentNode, at + index);
              range.setEnd(walker.currentNode, at + index + 1);
              const box = range.getBoundingClientRect();
              return [box.left, box.top];
            });
          }
          return null;
        }""",
        [selector, text],
    )
    assert places is not None, f"{text} is not within one text node of {selector}"
    return [x for x, _ in places] == sorted(x for x, _ in places) and len({round(y) for _, y in places}) == 1


def freed(window: Scene) -> None:
    """Wait until nothing runs or waits any more. The longest reply would run for 45 seconds at a quarter second a word."""
    wait_until(lambda: len(window.service.answers) == 0, 30)


# --- asking ---------------------------------------------------------------------------------------------------------------


def test_the_answer_is_what_was_proved_with_its_times(page: Any) -> None:
    turn = ask(page, "When was the harbour bridge closed?")
    assert turn.locator(".answer p").inner_text().replace("\xa0", " ") == (
        "The harbour bridge was closed on 12 March 2023 after divers found cracks in two piers.[1]"
        " Engineer Dana Whitfield estimated the repair at 4.2 million pounds.[2]"
    )
    assert turn.locator(".verdict").inner_text() == "Quoted word for word"
    assert re.fullmatch(r"First word: \d+\.\d+ s · Total: \d+\.\d+ s", turn.locator(".times").inner_text())
    spoken = "Quoted word for word Sources: 2"
    page.wait_for_function(f"document.querySelector('#shawahid > [role=status]').innerText === '{spoken}'")


def test_an_arabic_answer_leaves_out_what_its_source_does_not_say(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")
    turn = ask(page, "كم سعر هاتف نور؟")
    assert "9999" not in turn.locator(".answer").inner_text()
    assert turn.locator(".answer a.cite").all_inner_texts() == ["[1]"]
    assert turn.locator(".verdict").inner_text() == "اقتباس حرفي"
    assert "9999" not in turn.inner_text()  # what the source contradicts is not shown at all


def test_the_sources_stand_there_before_the_first_word(page: Any) -> None:
    GATE.clear()
    ask(page, "When was the harbour bridge closed?", until=".turn[data-state=reading]")
    assert page.locator(".panel .source").first.locator("mark").first.is_visible()
    assert page.locator(".panel .source h3").first.inner_text() == "Report on the harbour bridge"
    assert page.locator(".draft").count() == 0
    GATE.set()
    page.wait_for_selector(DONE)


def test_a_draft_is_shown_while_it_is_written(page: Any, window: Scene) -> None:
    assert window.generator is not None
    window.generator._delay = 0.3
    try:
        ask(page, "When was the harbour bridge closed?", until=".draft")
        first = page.locator(".draft").inner_text()
        page.wait_for_function("text => (document.querySelector('.draft')?.innerText ?? '').length > text.length", arg=first)
        assert page.locator(".draft").inner_text().startswith(first)
        assert page.locator(".draft a.cite").count() == 0
        assert page.locator(".progress").inner_text() == "Writing a draft. It is checked when it is done."
    finally:
        window.generator._delay = 0.01
    page.wait_for_selector(DONE)


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stop_stops_at_once_and_frees_the_model(page: Any, window: Scene, how: str) -> None:
    assert window.generator is not None
    window.generator._delay = 0.25
    stopped = window.generator.stopped
    try:
        ask(page, "Is the council slow?", until=".draft")
        page.get_by_role("button", name="Stop").click() if how == "button" else page.keyboard.press("Escape")
        page.wait_for_selector(DONE)
    finally:
        window.generator._delay = 0.01
    assert window.generator.stopped == stopped + 1
    assert page.locator(".turn .verdict").inner_text() == "Stopped"
    assert page.get_by_role("button", name="Send").is_visible()
    assert len(window.service.answers) == 0


def test_what_was_stopped_before_its_first_word_does_not_say_that_the_documents_do_not_answer(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")
    GATE.clear()
    ask(page, "ما ذاكرة هاتف نور؟", until=".panel .source")
    page.keyboard.press("Escape")
    page.wait_for_timeout(1500)  # the server hears of it before it could write
    GATE.set()
    page.wait_for_selector(DONE)
    assert page.locator(".turn .verdict").inner_text() == "أُوقفت"
    assert page.locator(".panel-note").first.inner_text() == "أُوقفت قبل أن تجتاز الفحصَ أي جملة. وهذه هي المقاطع التي عُثر عليها:"


def test_closing_the_tab_frees_the_model(visit: Opener, window: Scene) -> None:
    assert window.generator is not None
    page = visit(window)
    window.generator._delay = 0.25
    stopped = window.generator.stopped
    try:
        ask(page, "Is the council slow?", until=".draft")
        page.close()
        freed(window)
    finally:
        window.generator._delay = 0.01
    assert window.generator.stopped == stopped + 1
    assert len(window.service.answers) == 0


def test_who_comes_second_sees_the_place_in_line(visit: Opener, window: Scene) -> None:
    first, second, third = visit(window), visit(window, language="ar"), visit(window)
    GATE.clear()
    ask(first, "When was the harbour bridge closed?", until=".turn[data-state=reading]")
    ask(second, "ما ذاكرة هاتف نور؟", until=".turn[data-state=queued]")
    ask(third, "When did the harbour bridge reopen?", until=".turn[data-state=queued]")
    assert second.locator(".progress").inner_text() == "في الانتظار: الدور رقم 1"
    assert third.locator(".progress").inner_text() == "Waiting: number 2 in line"
    second.close()
    third.wait_for_function("document.querySelector('.progress')?.innerText.includes('number 1')")
    GATE.set()
    third.wait_for_selector(DONE)
    assert "November 2023" in third.locator(".answer").inner_text()
    assert first.locator(".turn").count() == third.locator(".turn").count() == 1


def test_a_question_in_a_third_language_is_told_so_in_the_language_of_the_window(page: Any) -> None:
    turn = ask(page, "Quelle est la mémoire du téléphone de la société Nour et quand sera-t-il vendu?", until="[data-state=error]")
    assert turn.locator(".error").inner_text().startswith("With this embedder, questions are in Arabic or English")
    page.get_by_role("button", name="العربية").click()
    assert turn.locator(".error").inner_text().startswith("بهذا النموذج تكون الأسئلة بالعربية أو الإنجليزية")
    assert style(turn.locator(".error"), "direction") == "rtl"


def test_a_new_line_is_not_a_question_and_an_empty_box_sends_nothing(page: Any) -> None:
    page.press("#question", "Enter")
    assert page.locator(".turn").count() == 0
    page.fill("#question", "When was")
    page.press("#question", "Shift+Enter")
    assert page.locator("#question").input_value() == "When was\n"
    assert page.locator(".turn").count() == 0


def test_an_example_is_asked_with_a_click(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")
    examples = page.locator(".example")
    assert examples.count() == 4
    assert style(examples.nth(0), "direction") == "rtl"
    assert style(examples.nth(2), "direction") == "ltr"
    examples.nth(0).click()
    page.wait_for_selector(DONE)
    assert "8 GB" in page.locator(".answer").inner_text()


# --- checking -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_a_citation_brings_up_its_sentence_and_leads_back(page: Any, how: str) -> None:
    turn = ask(page, "When was the harbour bridge closed?")
    link = turn.locator("a.cite").nth(1)
    if how == "click":
        link.click()
    else:
        link.focus()
        page.keyboard.press("Enter")
    source = page.locator(".panel .source.active")
    assert source.locator("mark").all_inner_texts() == ["Engineer Dana Whitfield estimated the repair at 4.2 million pounds."]
    assert source.evaluate("e => e === document.activeElement")
    assert source.locator(".number").inner_text() == "2"
    assert source.locator(".where").inner_text() == ENGLISH_BRIDGE
    source.get_by_role("button", name="Back to the answer").click()
    assert link.evaluate("e => e === document.activeElement")


def test_the_keyboard_alone_leads_from_the_page_to_a_source_and_back(page: Any) -> None:
    page.keyboard.type("When was the harbour bridge closed?")
    page.keyboard.press("Enter")
    page.wait_for_selector(DONE)
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('a.cite')"):
            break
    number = page.evaluate("document.activeElement.dataset.number")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.number") == number == "2"
    assert page.evaluate("document.activeElement.matches('.source.active')")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('a.cite')")


def test_an_english_sentence_stands_beside_its_arabic_proof_each_in_its_own_direction(page: Any) -> None:
    ask(page, "What is the memory of the phone of Nour?")
    quote = page.locator(".answer bdi.foreign")
    assert style(quote, "direction") == "rtl"
    assert style(page.locator(".answer p"), "direction") == "ltr"
    page.locator("a.cite").click()
    passage = page.locator(".source.active .passage p").last
    assert style(passage, "direction") == "rtl"
    assert style(passage, "textAlign") in ("start", "right")


def test_older_answers_keep_their_own_sources(page: Any) -> None:
    first = ask(page, "When was the harbour bridge closed?")
    first_link = page.locator(".turn").nth(0).locator("a.cite").nth(0)
    ask(page, "ما ذاكرة هاتف نور؟")
    assert page.locator(".panel .source h3").first.inner_text() == "هاتف نور"
    first_link.click()
    assert page.locator(".source.active h3").inner_text() == "Report on the harbour bridge"
    assert page.locator(".panel-question").inner_text() == "When was the harbour bridge closed?"
    assert first.count() == 1


def test_what_the_documents_do_not_say_is_said_so(page: Any) -> None:
    turn = ask(page, "Quantum chromodynamics lattice gauge coupling?")
    assert turn.locator(".verdict").inner_text() == "Not in the documents"
    assert turn.locator("a.cite").count() == 0
    assert page.locator(".panel-note").first.inner_text().startswith("The documents do not answer this.")
    # The colour of a proof is for proofs only.
    marks = page.locator(".source.brief mark")
    assert marks.count() > 0
    assert {style(marks.nth(at), "backgroundColor") for at in range(marks.count())} == {"rgba(0, 0, 0, 0)"}


def test_the_whole_document_opens_at_the_sentence(page: Any) -> None:
    ask(page, "What colour is the lantern of Cape Verity?")
    page.locator("a.cite").click()
    page.locator(".source.active").get_by_role("button", name="Open the document").click()
    page.wait_for_selector("dialog[data-loaded='long.txt']")
    mark = page.locator("dialog mark")
    assert "The lantern of Cape Verity is green." in mark.inner_text()
    box, view = mark.bounding_box(), page.locator(".document-text").bounding_box()
    assert box is not None
    assert view is not None
    assert view["y"] <= box["y"]
    assert box["y"] + box["height"] <= view["y"] + view["height"] + 1
    page.get_by_role("button", name="Show what comes before").click()
    page.wait_for_function("document.querySelector('.document-body').innerText.length > 130000")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.innerText") == "Open the document"


def test_copying_takes_the_answer_and_its_sources_without_markup(page: Any) -> None:
    ask(page, "When did the harbour bridge reopen?")
    page.get_by_role("button", name="Copy the answer with its sources").click()
    page.wait_for_function("document.querySelector('#shawahid > [role=status]').innerText === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == (
        "The harbour bridge reopened to buses in November 2023. [1]\n\n"
        "[1] Report on the harbour bridge — bridge report.txt: “The harbour bridge reopened to buses in November 2023.”"
    )


# --- reading ahead --------------------------------------------------------------------------------------------------------


def read_ahead(window: Scene, question: str) -> list[str]:
    assert window.generator is not None
    return [text for messages in window.generator.prepared if question in (text := messages[-1]["content"])]


@pytest.mark.parametrize("question", ["Which twelve piers of the harbour bridge cracked?", "ما ذاكرة هاتف نور هذا العام؟"])
def test_what_is_typed_is_read_ahead_when_the_fingers_rest(page: Any, window: Scene, question: str) -> None:
    page.locator("#question").press_sequentially(question[:12], delay=20)
    page.locator("#question").press_sequentially(question[12:], delay=20)
    wait_until(lambda: read_ahead(window, question), pause=page_pause(page))
    assert page.locator(".turn").count() == 0
    assert page.locator(".panel").is_visible() is False
    page.keyboard.press("Enter")
    page.wait_for_selector(DONE)
    assert window.generator is not None
    assert any(question in messages[-1]["content"] for messages in window.generator.prompts)


def test_a_text_that_is_changed_or_sent_is_given_up(page: Any) -> None:
    page.evaluate(
        """() => {
          window.asked = [];
          const fetched = window.fetch;
          window.fetch = (address, options) => {
            const body = typeof options?.body === "string" ? options.body : "";
            for (const name of ["anticipate", "leave"]) if (body.includes(`"fn_name":"${name}"`)) window.asked.push(name);
            return fetched(address, options);
          };
        }"""
    )
    page.fill("#question", "When was the harbour bridge closed, if at all?")
    page.wait_for_function("window.asked.includes('anticipate')")
    assert page.evaluate("window.asked.includes('leave')") is False
    page.fill("#question", "When did the harbour bridge reopen?")
    page.wait_for_function("window.asked[1] === 'leave'")
    page.press("#question", "Enter")
    page.wait_for_selector(DONE)
    assert page.evaluate("window.asked.at(-1)") == "leave"
    page.fill("#question", "short")
    page.wait_for_timeout(600)  # nothing is to happen: longer than the pause after which a question would be read ahead
    assert page.evaluate("window.asked.at(-1)") == "leave"


# --- right to left --------------------------------------------------------------------------------------------------------


def test_every_block_has_its_own_direction_and_begins_at_its_own_side(visit: Opener, window: Scene) -> None:
    for language in ("ar", "en"):
        page = visit(window, language=language)
        ask(page, "ما ذاكرة هاتف نور؟")
        ask(page, "When was the harbour bridge closed?")
        assert style(page.locator("html"), "direction") == ("rtl" if language == "ar" else "ltr")
        for index, direction in ((0, "rtl"), (1, "ltr")):
            for part in (".question", ".answer p"):
                block = page.locator(".turn").nth(index).locator(part)
                assert (style(block, "direction"), style(block, "textAlign")) == (direction, "start"), (language, index, part)
        standing = page.locator(".turn").nth(0).locator(".times")
        assert style(standing, "direction") == ("rtl" if language == "ar" else "ltr")


def test_numbers_units_dates_and_names_read_from_left_to_right_inside_arabic(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")
    ask(page, "ما ذاكرة هاتف نور؟")
    for text in ("4-bit", "8 GB", "2024-05-01"):
        assert left_to_right(page, ".answer", text), text
    page.locator("a.cite").first.click()
    for text in ("4-bit", "8 GB", "2024-05-01", "Windows 11", "50%"):
        assert left_to_right(page, ".source.active .passage", text), text


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("نموذج 4-bit بذاكرة 8 GB في 2024-05-01", ["4-bit", "8 GB", "2024-05-01"]),
        ("نشرت Wall Street Journal في 2023 أن Windows 11", ["Wall Street Journal", "Windows 11"]),
        ("في 2023 Microsoft أعلنت", ["Microsoft"]),  # a year and a name are neighbours, not one run
        ("ارتفع 5% إلى -3.5 و v1.2.0 في C++", ["5%", "-3.5", "v1.2.0", "C++"]),
        ("راجع https://example.org/a?b=1، ثم a.b@c.org.", ["https://example.org/a?b=1", "a.b@c.org"]),
        ("بلغ العدد 42 شخصًا", []),
        ("", []),
    ],
)
def test_the_runs_that_are_isolated_inside_arabic(script: Any, text: str, runs: list[str]) -> None:
    found = script.evaluate("async (text) => (await import('/shawahid/text.js')).runs(text, 'rtl').map(([a, b]) => text.slice(a, b))", text)
    assert found == runs


@pytest.mark.parametrize(
    ("text", "direction"),
    [("RAG هو أسلوب في استرجاع المعلومات", "rtl"), ("The word «شواهد» means attestations", "ltr"), ("2024 — 15", ""), ("", "")],
)
def test_the_direction_of_a_text_is_that_of_most_of_its_letters(script: Any, text: str, direction: str) -> None:
    assert script.evaluate("async (text) => (await import('/shawahid/text.js')).direction(text)", text) == direction


def test_the_box_turns_with_what_is_typed(page: Any) -> None:
    box = page.locator("#question")
    assert style(box, "direction") == "ltr"
    box.fill("ما ذاكرة")
    assert style(box, "direction") == "rtl"


def test_the_language_changes_at_once_in_mid_conversation_and_is_remembered(page: Any) -> None:
    ask(page, "When was the harbour bridge closed?")
    page.get_by_role("button", name="العربية").click()
    assert style(page.locator("html"), "direction") == "rtl"
    assert page.locator(".verdict").inner_text() == "اقتباس حرفي"
    assert page.locator("#panel-title").inner_text() == "المصادر"
    assert page.locator("#question").get_attribute("placeholder") == "اسأل بالعربية أو الإنجليزية…"
    talk, panel = page.locator(".talk").bounding_box(), page.locator(".panel").bounding_box()
    assert panel["x"] < talk["x"]
    assert style(page.locator(".answer p"), "direction") == "ltr"
    page.reload()
    page.wait_for_selector("#shawahid[data-ready]")
    assert page.locator("html").get_attribute("lang") == "ar"
    assert page.title().startswith("شواهد")


def test_the_font_comes_with_the_window_in_both_scripts(visit: Opener, window: Scene) -> None:
    page = visit(window, language="ar")
    page.evaluate("document.fonts.ready")
    loaded = page.evaluate("""[...document.fonts].filter((f) => f.family.includes('Shawahid Plex') && f.status === 'loaded')
        .map((f) => f.unicodeRange.split(',')[0].toUpperCase())""")
    assert {"U+0-FF", "U+600-6FF"} <= set(loaded)


# --- narrow, dark, usable by everybody ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["ar", "en"])
def test_on_a_telephone_nothing_is_cut_off_and_sources_come_over_the_conversation(visit: Opener, window: Scene, language: str) -> None:
    page = visit(window, language=language, width=390, height=844)
    ask(page, "ما ذاكرة هاتف نور؟" if language == "ar" else "When was the harbour bridge closed?")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    outside = page.evaluate(
        "[...document.querySelectorAll('#shawahid .talk *, #shawahid .bar *')].filter((e) => { const b = e.getBoundingClientRect();"
        " return b.width && !e.closest('.offscreen') && (b.left < -1 || b.right > 391); }).map((e) => e.className)"
    )
    assert outside == []
    assert not page.locator(".panel").is_visible()
    page.locator("a.cite").first.click()
    assert page.locator(".source.active mark").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".panel").is_visible()
    assert page.evaluate("document.activeElement.matches('a.cite')")


@pytest.mark.parametrize(("language", "question"), [("ar", "ما ذاكرة هاتف نور؟"), ("en", "When was the harbour bridge closed?")])
def test_no_number_begins_a_line_parted_from_what_it_proves(visit: Opener, window: Scene, language: str, question: str) -> None:
    page = visit(window, language=language, width=390, height=844)
    ask(page, question)
    parted = page.evaluate(
        """() => {
          const list = document.querySelector('.turns'), parted = [];
          for (let width = 200; width <= 360; width += 4) {
            list.style.inlineSize = `${width}px`;
            for (const cite of document.querySelectorAll('a.cite')) {
              const range = document.createRange(), end = cite.previousSibling;
              range.setStart(end, end.data.length - 1);
              range.setEnd(end, end.data.length);
              const sign = range.getBoundingClientRect(), number = cite.getBoundingClientRect();
              if (number.top > sign.bottom || number.bottom < sign.top) parted.push([width, cite.textContent]);
            }
          }
          return parted;
        }"""
    )
    assert page.locator("a.cite").count() == 2
    assert parted == []


@pytest.mark.parametrize("language", ["ar", "en"])
def test_at_twice_the_size_nothing_is_cut_off(visit: Opener, window: Scene, language: str) -> None:
    """A window of 1280 by 800 at a zoom of 200 %: half as many pixels of the page, each of two by two."""
    page = visit(window, language=language, width=640, height=400, scale=2)
    assert page.evaluate("devicePixelRatio") == 2

    def cut(where: str) -> list[str]:
        """What lies outside the window, or is cut off by what it stands in without a way to scroll there."""
        return list(
            page.evaluate(
                """(where) => [...document.querySelectorAll(where)].filter((e) => {
                  const box = e.getBoundingClientRect();
                  if (!box.width || e.closest('.offscreen') || e.closest('[hidden]')) return false;
                  const sideways = box.left < -1 || box.right > innerWidth + 1;
                  const clipped = e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'hidden';
                  return sideways || (clipped && !e.matches('.tagline'));
                }).map((e) => `${e.tagName} ${e.className}`)""",
                where,
            )
        )

    assert cut("#shawahid .bar *, #shawahid .talk *") == []
    assert page.locator("#question").is_visible()
    ask(page, "ما ذاكرة هاتف نور؟" if language == "ar" else "When was the harbour bridge closed?")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    assert cut("#shawahid .bar *, #shawahid .talk *") == []
    thread, box = page.locator(".thread").bounding_box(), page.locator("#question").bounding_box()
    assert thread["height"] >= 120  # of 400: the answer can be read, whatever else stands there
    assert box["y"] + box["height"] <= 400
    page.locator("a.cite").first.click()
    assert page.locator(".source.active mark").first.is_visible()
    assert cut(".panel *") == []
    page.locator(".source.active .feet button").first.click()
    page.wait_for_selector("dialog[data-loaded]")
    assert cut("dialog[open] *") == []
    close = page.locator("dialog[open] .dialog-head button").last.bounding_box()
    assert 0 <= close["y"] <= 400 - close["height"]
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="الوثائق" if language == "ar" else "Documents", exact=True).click()
    page.wait_for_selector(".documents table")
    assert page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= 640
    page.locator("tbody tr").last.get_by_role("button").last.scroll_into_view_if_needed()
    assert page.locator("tbody tr").last.get_by_role("button").last.is_visible()


@pytest.mark.parametrize("language", ["ar", "en"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(visit: Opener, window: Scene, axe: str, language: str, dark: bool) -> None:
    page = visit(window, language=language, dark=dark)
    page.evaluate(axe)

    def violations(state: str) -> list[str]:
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [f"{state}: {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found]

    problems = violations("welcome")
    ask(page, "كم سعر هاتف نور؟" if language == "ar" else "When was the harbour bridge closed?")
    page.locator("a.cite").first.click()
    problems += violations("answered")
    page.locator(".source.active .feet button").first.click()
    page.wait_for_selector("dialog[data-loaded]")
    problems += violations("document")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("a.cite").first.click()
    problems += violations("narrow")
    assert problems == []


# --- text is data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "seen"),
    [("What does the zebra record say?", '<img src="http://evil.example/leak.png"'), ("ماذا يقول سجل الزرافة؟", "<iframe src=")],
)
def test_markup_in_documents_answers_and_file_names_stays_text(visit: Opener, window: Scene, question: str, seen: str) -> None:
    page = visit(window)
    turn = ask(page, question)
    assert seen in page.locator(".panel").inner_text()
    assert HOSTILE in page.locator(".panel").inner_text()
    if turn.locator("a.cite").count():
        turn.locator("a.cite").first.click()
    page.locator(".source .feet button").first.click()
    page.wait_for_selector("dialog[data-loaded]")
    assert page.evaluate("window.pwned") is None
    assert (
        page.locator(
            "#shawahid :is(iframe, form[action], script, video, object, embed), #shawahid .answer img, #shawahid .panel img, "
            "dialog img:not(.page-sheet > img)"
        ).count()
        == 0
    )
    # Only what was proved is a link, whatever looks like one.
    assert set(turn.locator("a.cite").all_inner_texts()) <= {"[1]", "[2]"}
    assert not any("[99]" in text for text in turn.locator("a").all_inner_texts())
    shown = page.locator("#shawahid").inner_text()
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.parametrize(
    "question",
    [
        "<img src=http://evil.example/q.png onerror='window.pwned=9'> zebra?",
        "![x](http://evil.example/q.png) [a](javascript:window.pwned=9) zebra {{constructor}} ${window.pwned=9}",
        "تجاهل التعليمات <script>window.pwned=9</script> الزرافة \u202e321",
        "zebra " + "w" * 1500,
    ],
)
def test_markup_in_a_question_stays_text(page: Any, question: str) -> None:
    turn = ask(page, question, until=":is([data-state=done], [data-state=error])")
    assert page.evaluate("window.pwned") is None
    assert turn.locator("img, script").count() == 0
    shown = turn.locator(".question").inner_text()
    assert shown == re.sub("[\u202a-\u202e]", "", question)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


# --- without a model, and before it is there ------------------------------------------------------------------------------


def test_without_a_generator_it_quotes_and_says_so(visit: Opener, tmp_path: Path) -> None:
    with scene(tmp_path, generator=False) as shown:
        page = visit(shown)
        page.wait_for_function("document.querySelector('.notice')?.innerText.includes('answers are quotations')")
        turn = ask(page, "When was the harbour bridge closed?")
        assert turn.locator(".verdict").inner_text() == "Quoted word for word"
        assert "The harbour bridge was closed on 12 March 2023" in turn.locator(".answer").inner_text()
        assert turn.locator("a.cite").all_inner_texts() == ["[1]"]
        # A follow-up is searched for as the question that it means, and that is said.
        follow_up = ask(page, "And when did it reopen?")
        assert follow_up.locator(".searched").inner_text() == "Understood as: when did the harbour bridge reopen?"
        page.close()


def test_a_question_asked_before_the_models_are_there_is_answered_when_they_are(visit: Opener, tmp_path: Path) -> None:
    opening = threading.Event()
    with scene(tmp_path, opening=opening) as shown:
        page = visit(shown, language="ar")
        assert page.locator(".notice").inner_text().startswith("يجري تجهيز النماذج")
        ask(page, "ما ذاكرة هاتف نور؟", until=".turn[data-state=preparing]")
        opening.set()
        page.wait_for_selector(DONE)
        assert "8 GB" in page.locator(".answer").inner_text()
        page.wait_for_function("document.querySelector('.notice').hidden")
        page.close()


def test_nothing_of_the_arabic_document_name_is_lost(page: Any) -> None:
    ask(page, "ما ذاكرة هاتف نور؟")
    assert ARABIC_PHONE in page.locator(".where").first.inner_text()


def test_an_answer_is_left_as_it_is_when_suggested_questions_arrive(page: Any) -> None:
    """Somebody may be selecting words of it. The page asks for them at once; here there are none, and that too is an answer."""
    turn = ask(page, "When was the harbour bridge closed?")
    answer = turn.locator(".answer").element_handle()
    page.wait_for_timeout(1500)
    assert answer.evaluate("e => e.isConnected")
