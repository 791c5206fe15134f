"""An overview of documents asked for with a button, and the review table, in a real browser."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Opener
from tests.browser.scene import ENGLISH_BRIDGE, Scene
from tests.browser.test_library import open_documents
from tests.browser.test_window import DONE

WORDS = {
    "en": {
        "documents": "Documents",
        "table": "Put questions to each document",
        "fill": "Fill in the table",
        "csv": "Save as CSV",
        "xlsx": "Save for Excel",
    },
    "ar": {
        "documents": "الوثائق",
        "table": "طرح أسئلة على كل وثيقة",
        "fill": "ملء الجدول",
        "csv": "حفظ بصيغة CSV",
        "xlsx": "حفظ لبرنامج Excel",
    },
}


def test_a_document_is_asked_what_it_is_about_and_every_line_is_a_citation(page: Any) -> None:
    open_documents(page)
    page.locator("tbody th button", has_text="Report on the harbour bridge").click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}']")
    page.get_by_role("button", name="Overview", exact=True).click()
    page.wait_for_selector(DONE)
    assert page.locator("dialog[open]").count() == 0
    assert page.locator(".question").inner_text() == "What is this document about?"
    assert page.locator(".turn a.cite").count() >= 2
    page.locator(".turn a.cite").first.click()
    assert {text.strip() for text in page.locator(".panel .source h3").all_inner_texts()} == {"Report on the harbour bridge"}


@pytest.mark.parametrize("language", ["ar", "en"])
def test_questions_are_put_to_each_document_and_the_table_is_saved(visit: Opener, window: Scene, tmp_path: Path, language: str) -> None:
    words = WORDS[language]
    page = visit(window, language=language)
    open_documents(page, words["documents"])
    page.get_by_role("button", name=words["table"]).click()
    page.wait_for_selector("dialog[open][data-loaded]")
    page.locator("dialog[open] textarea").fill("When was the harbour bridge closed?\nما ذاكرة هاتف نور؟")
    page.locator("dialog[open]").get_by_role("button", name=words["fill"]).click()
    page.wait_for_selector("dialog[open][data-filled='4']")
    rows = page.locator(".review tbody tr")
    bridge = rows.filter(has_text="Report on the harbour bridge").locator("td")
    assert "12 March 2023" in bridge.nth(0).inner_text()
    phone = rows.filter(has_text="هاتف نور").first.locator("td")
    assert "8 GB" in phone.nth(1).inner_text().replace("\xa0", " ")
    assert rows.locator(".unsaid").count() >= 1
    bridge.nth(0).get_by_role("button").click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}'] mark")
    page.keyboard.press("Escape")

    def save(name: str) -> bytes:
        with page.expect_download() as caught:
            page.locator("dialog[open]").get_by_role("button", name=name).click()
        path = tmp_path / caught.value.suggested_filename
        caught.value.save_as(path)
        return path.read_bytes()

    lines = list(csv.reader(io.StringIO(save(words["csv"]).decode("utf-8-sig"))))
    assert len(lines) == 5
    assert any("12 March 2023" in cell for cell in lines[[line[1] for line in lines].index(ENGLISH_BRIDGE)])
    assert save(words["xlsx"])[:2] == b"PK"


@pytest.mark.parametrize(("language", "width"), [("ar", 390), ("en", 1280)])
def test_axe_finds_nothing_in_the_table(visit: Opener, window: Scene, axe: str, language: str, width: int) -> None:
    words = WORDS[language]
    page = visit(window, language=language, width=width)
    page.evaluate(axe)
    open_documents(page, words["documents"])
    page.get_by_role("button", name=words["table"]).click()
    page.wait_for_selector("dialog[open][data-loaded]")
    page.locator("dialog[open] summary").click()
    page.locator("dialog[open] textarea").fill("ما ذاكرة هاتف نور؟")
    page.locator("dialog[open]").get_by_role("button", name=words["fill"]).click()
    page.wait_for_selector("dialog[open][data-filled='4']")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found] == []
    assert page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= width
