"""Conversations that last: what is kept where, found again, renamed, deleted, and open in two tabs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_window import DONE, ask

MEMORY, BRIDGE, REOPENED = "ما ذاكرة هاتف نور؟", "When was the harbour bridge closed?", "When did the harbour bridge reopen?"
WORDS = {
    "en": {
        "list": "Conversations",
        "new": "New conversation",
        "delete": "Delete",
        "save": "Save",
        "rename": "Rename “{}”",
        "bin": "Delete “{}”",
    },
    "ar": {"list": "المحادثات", "new": "محادثة جديدة", "delete": "حذف", "save": "حفظ", "rename": "إعادة تسمية «{}»", "bin": "حذف «{}»"},
}


def open_list(page: Any, language: str = "en") -> None:
    page.get_by_role("button", name=WORDS[language]["list"], exact=True).click()
    page.wait_for_selector("dialog[open][data-loaded]")


def titles(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".conversation-title").all_inner_texts()]


def shown(page: Any, *questions: str) -> None:
    """Wait until these are the questions of the conversation that is shown."""
    page.wait_for_function(
        "wanted => JSON.stringify([...document.querySelectorAll('.question')].map((e) => e.innerText)) === wanted",
        arg=json.dumps(list(questions), ensure_ascii=False, separators=(",", ":")),
    )


def ready(page: Any) -> None:
    page.wait_for_selector("#shawahid[data-ready]")


@pytest.mark.parametrize("language", ["ar", "en"])
def test_conversations_are_listed_found_renamed_and_deleted(visit: Opener, window: Scene, language: str) -> None:
    words = WORDS[language]
    page = visit(window, language=language, own=True)
    ask(page, MEMORY)
    page.get_by_role("button", name=words["new"]).click()
    ask(page, BRIDGE)
    open_list(page, language)
    assert titles(page) == [BRIDGE, MEMORY]
    assert page.locator(".conversations h3").all_inner_texts() == ["اليوم" if language == "ar" else "Today"]
    assert page.locator(".conversation[aria-current]").inner_text().startswith(BRIDGE)
    # By words of the answer, spelled as people spell them.
    page.locator(".conversations input[type=search], dialog[open] input[type=search]").first.fill("الدوحه")
    assert titles(page) == [MEMORY]
    page.locator(".conversations input[type=search], dialog[open] input[type=search]").first.fill("zzz")
    assert titles(page) == []
    page.locator(".conversations input[type=search], dialog[open] input[type=search]").first.fill("")
    page.get_by_role("button", name=words["rename"].format(BRIDGE)).click()
    page.keyboard.type("جسر · bridge")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.conversation-title')?.innerText === 'جسر · bridge'")
    page.get_by_role("button", name=words["bin"].format("جسر · bridge")).click()
    assert page.evaluate("document.activeElement.closest('.sure') !== null")
    page.get_by_role("button", name=words["delete"], exact=True).click()
    page.wait_for_function("document.querySelectorAll('.conversation-title').length === 1")
    page.wait_for_function("document.querySelectorAll('.turn').length === 0")  # it was the one that was shown
    page.locator(".conversation").click()
    shown(page, MEMORY)
    page.reload()
    ready(page)
    shown(page, MEMORY)
    assert page.locator(".answer").inner_text() != ""


def test_back_reload_and_the_other_language_lose_nothing(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    ask(page, MEMORY)
    ask(page, BRIDGE)
    page.get_by_role("button", name="New conversation").click()
    ask(page, REOPENED)
    page.go_back()
    page.wait_for_selector(".welcome", state="visible")
    page.go_back()
    shown(page, MEMORY, BRIDGE)
    page.get_by_role("button", name="العربية").click()
    page.reload()
    ready(page)
    shown(page, MEMORY, BRIDGE)
    page.locator("a.cite").first.click()
    assert page.locator(".source.active mark").count() >= 1
    page.go_forward()
    page.go_forward()
    shown(page, REOPENED)


def test_two_tabs_add_to_one_conversation_and_overwrite_nothing(visit: Opener, window: Scene) -> None:
    first = visit(window, own=True)
    ask(first, MEMORY)
    second = first.context.new_page()
    second.goto(first.url)
    ready(second)
    shown(second, MEMORY)
    ask(second, BRIDGE)
    shown(first, MEMORY, BRIDGE)
    ask(first, REOPENED)
    shown(second, MEMORY, BRIDGE, REOPENED)
    second.reload()
    ready(second)
    shown(second, MEMORY, BRIDGE, REOPENED)
    second.close()


def test_a_link_leads_to_its_answer(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    ask(page, MEMORY)
    ask(page, BRIDGE)
    page.locator(".turn").first.get_by_role("button", name="Copy a link to this answer").click()
    page.wait_for_function("document.querySelector('#shawahid > [role=status]').innerText.startsWith('The link was copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    other = page.context.new_page()
    other.goto(link)
    ready(other)
    other.wait_for_selector(".turn.pointed")
    assert other.locator(".turn.pointed .question").inner_text() == MEMORY
    assert other.locator(".panel .source h3").first.inner_text() == "هاتف نور"
    other.goto(f"{window.address}#/c/{'0' * 32}")
    other.reload()
    ready(other)
    assert other.locator(".toast").inner_text().startswith("This conversation is not in this browser")
    assert other.locator(".welcome").is_visible()
    other.close()


def test_one_person_s_conversations_can_be_not_kept(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    ask(page, BRIDGE)
    open_list(page)
    assert "kept in this browser, on this computer" in page.locator("dialog[open] .standing-of-shelf").inner_text()
    page.get_by_role("button", name="Don’t keep them").click()
    assert "delete those that are kept (1)?" in page.locator("dialog[open] .sure").inner_text()
    page.get_by_role("button", name="Delete them").click()
    page.wait_for_function("document.querySelector('dialog[open] .standing-of-shelf').innerText.includes('gone when this page is closed')")
    assert titles(page) == [BRIDGE]  # for as long as the page is open
    page.keyboard.press("Escape")
    page.reload()
    ready(page)
    assert page.locator(".turn").count() == 0
    open_list(page)
    assert titles(page) == []
    page.get_by_role("button", name="Keep them in this browser").click()
    page.keyboard.press("Escape")
    ask(page, REOPENED)
    page.reload()
    ready(page)
    shown(page, REOPENED)


def test_behind_a_password_nothing_is_kept_unless_wanted(chromium: Any, tmp_path: Path) -> None:
    with scene(tmp_path, password="صباح الخير") as shared:
        context = chromium.new_context(locale="ar-EG")
        page = context.new_page()
        page.goto(shared.address)
        page.get_by_label("كلمة المرور").fill("صباح الخير")
        page.keyboard.press("Enter")
        ready(page)
        ask(page, MEMORY)
        assert page.locator("[data-key=link]").count() == 0
        open_list(page, "ar")
        assert page.locator("dialog[open] .standing-of-shelf").inner_text().startswith("لا تُحفظ المحادثات")
        page.keyboard.press("Escape")
        # Within the page nothing is lost.
        page.get_by_role("button", name="محادثة جديدة").click()
        page.go_back()
        shown(page, MEMORY)
        page.reload()
        ready(page)
        assert page.locator(".turn").count() == 0
        context.close()


MANY = """
async (n) => {
  const {Store} = await import("/shawahid/store.js");
  const store = new Store(true, () => {});
  const hex = (k) => k.toString(16).padStart(32, "0");
  const answer = {text: "An answer. ".repeat(100), paragraphs: [], sources: [], nearest: []};
  for (let k = 1; k <= n; k++) {
    const question = `Question ${k} of the list`;
    await store.save({id: hex(k), conversation: hex(k), at: k, question, collection: "", searched: "", answer});
  }
}"""


def test_five_hundred_conversations_are_listed_and_searched_smoothly(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    page.evaluate(MANY, 500)
    open_list(page)
    assert page.locator(".conversation").count() == 50
    page.get_by_role("button", name="Show more").click()
    assert page.locator(".conversation").count() == 100
    spent = page.evaluate(
        """() => {
          const field = document.querySelector("dialog[open] input[type=search]");
          const begun = performance.now();
          field.value = "question 437";
          field.dispatchEvent(new Event("input"));
          return performance.now() - begun;
        }"""
    )
    assert titles(page) == ["Question 437 of the list"]
    print(f"search in 500 conversations: {spent:.0f} ms")
    assert spent < 1000


@pytest.mark.parametrize(("language", "days"), [("ar", ["اليوم", "قبل ذلك"]), ("en", ["Today", "Earlier"])])
def test_conversations_of_earlier_days_stand_below_those_of_today(visit: Opener, window: Scene, language: str, days: list[str]) -> None:
    page = visit(window, language=language, own=True)
    page.evaluate("() => { window.realNow = Date.now; Date.now = () => 86400000; }")  # on the second day of 1970
    page.evaluate(MANY, 2)
    page.evaluate("() => { Date.now = window.realNow; }")
    ask(page, "When was the harbour bridge closed?")
    open_list(page, language)
    assert page.locator(".conversations h3").all_inner_texts() == days
    assert titles(page)[0] == "When was the harbour bridge closed?"
    assert len(titles(page)) == 3


@pytest.mark.parametrize(("language", "width"), [("ar", 390), ("en", 1280)])
def test_axe_finds_nothing_in_the_list(visit: Opener, window: Scene, axe: str, language: str, width: int) -> None:
    page = visit(window, language=language, width=width, dark=language == "ar", own=True)
    page.evaluate(axe)
    ask(page, MEMORY if language == "ar" else BRIDGE)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.bar').scrollWidth") <= width
    open_list(page, language)
    page.locator(".conversations li .button").last.click()
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found] == []
    assert page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= width
    assert page.locator(DONE).count() == 1
