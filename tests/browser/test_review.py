"""An overview of documents asked for with a button, and the review table, in a real browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import pytest

from tests.browser.conftest import Opener
from tests.browser.scene import ENGLISH_BRIDGE, Scene, scene
from tests.browser.test_library import open_documents
from tests.helpers import write

WORDS = {
    "en": {
        "documents": "Documents",
        "table": "Put questions to each document",
        "fill": "Fill in the table",
        "csv": "Save as CSV",
        "xlsx": "Save for Excel",
        "more": "Save or print otherwise",
        "overview": "Overview of these documents",
        "save": "Save or print …",
        "pin": "Pin to notes",
    },
    "ar": {
        "pin": "تثبيت في الملاحظات",
        "documents": "الوثائق",
        "table": "طرح أسئلة على كل وثيقة",
        "fill": "ملء الجدول",
        "csv": "حفظ بصيغة CSV",
        "xlsx": "حفظ لبرنامج Excel",
        "more": "حفظ أو طباعة بصيغة أخرى",
        "overview": "نظرة عامة على هذه الوثائق",
        "save": "حفظ أو طباعة…",
    },
}


FEES = {
    "lease.md": "# Lease\n\nThe deposit for the flat is 500 dinars. Rent is due on the first day of a month.\n",
    "letter.md": """# Letter

The deposit for the flat is 650 dinars. Dogs are welcome, says the lease and no letter denies.
The house was painted in 1962 by Captain John Reed.
""",
}


@pytest.fixture(scope="module")
def fees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A window over documents of which two state a deposit differently."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path_factory.mktemp("fees"), more=lambda folder: write(folder, FEES)) as running:
        yield running


def test_an_overview_of_a_document_leads_to_its_places_and_is_asked_about(page: Any) -> None:
    open_documents(page)
    page.locator("tbody th button", has_text="Report on the harbour bridge").click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}']")
    page.get_by_role("button", name="Overview", exact=True).click()
    page.wait_for_selector(f".overview .lines, dialog[data-loaded='{ENGLISH_BRIDGE}'] .overview .lines")
    assert page.locator("#overview-title").inner_text() == "Report on the harbour bridge"
    headings = page.locator(".overview h3").all_inner_texts()
    assert headings[0] == "Main points"
    assert "Timeline" in headings
    dates = page.locator(".lines.dates li")
    assert "12 March 2023" in dates.first.locator(".line-words").inner_text()
    dates.first.get_by_role("button").first.click()
    page.wait_for_selector("dialog[open] .document-text mark")
    assert "12 March 2023" in page.locator("dialog[open] .document-text mark").first.inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Ask about it").click()
    assert page.locator("dialog[open]").count() == 0
    assert ENGLISH_BRIDGE in page.locator(".composer .chips").inner_text()
    assert page.evaluate("document.activeElement.id") == "question"


@pytest.mark.parametrize("language", ["ar", "en"])
def test_an_overview_of_all_documents_shows_what_they_state_differently(visit: Opener, fees: Scene, tmp_path: Path, language: str) -> None:
    words = WORDS[language]
    page = visit(fees, language=language, own=True)
    open_documents(page, words["documents"])
    page.get_by_role("button", name=words["overview"]).click()
    page.wait_for_selector("dialog[open][data-loaded=all]")
    pair = page.locator(".pair")
    assert pair.count() == 1
    assert sorted(pair.locator("b").all_inner_texts()) == ["500 dinars", "650 dinars"]
    assert sorted(pair.locator("li button.link").all_inner_texts()) == ["Lease", "Letter"]
    assert "Captain John Reed" in page.locator(".lines.dates").inner_text()
    page.screenshot(path=str(tmp_path / "overview.png"))
    pair.locator("li").first.get_by_role("button").last.click()  # pinned, which is said above the dialog
    page.wait_for_selector(".toast:not([hidden])")
    assert page.evaluate("document.querySelector('.toast').matches(':popover-open')")
    page.wait_for_function("document.querySelector('dialog[open] [role=status]')?.innerText.length > 3")  # and read out
    page.screenshot(path=str(tmp_path / "pinned.png"))
    page.get_by_role("button", name=words["save"], exact=True).click()
    with page.expect_download() as caught:
        page.locator("dialog[open] [data-form=docx]").click()
    path = tmp_path / caught.value.suggested_filename
    caught.value.save_as(path)
    lines = [line.text for line in docx.Document(path).paragraphs]
    assert lines[0] == ("نظرة عامة، عدد الوثائق 6" if language == "ar" else "Overview of 6 documents")
    at = lines.index("ما تختلف فيه الوثائق" if language == "ar" else "Stated differently")
    assert sorted(lines[at + 2 : at + 4])[0].startswith("The deposit for the flat is 500 dinars.")
    assert (fees.folder / "index" / "kept-overview.json").is_file()  # kept


@pytest.mark.parametrize("language", ["ar", "en"])
def test_questions_are_put_to_each_document_and_the_table_is_saved(visit: Opener, window: Scene, tmp_path: Path, language: str) -> None:
    words = WORDS[language]
    bridge_sentence = "The harbour bridge was closed on 12 March 2023 after divers found cracks in two piers."
    page = visit(window, language=language, own=True)
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
    bridge.nth(0).get_by_role("button").first.click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}'] mark")
    page.keyboard.press("Escape")
    bridge.nth(0).get_by_role("button", name=words["pin"]).click()
    page.wait_for_function("document.querySelector('dialog.notebook').dataset.loaded === '1'")
    assert page.locator("dialog.notebook .passage-note .passage").text_content().endswith(bridge_sentence)

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
    page.locator("dialog[open]").get_by_role("button", name=words["more"]).click()
    with page.expect_download() as caught:
        page.locator("dialog[open] [data-form=docx]").click()
    path = tmp_path / caught.value.suggested_filename
    caught.value.save_as(path)
    table = docx.Document(path).tables[0]
    assert [cell.text for cell in table.rows[0].cells][1:] == ["When was the harbour bridge closed?", "ما ذاكرة هاتف نور؟"]
    cells = {row.cells[0].text: row.cells[1].text for row in table.rows}
    assert "12 March 2023" in cells["Report on the harbour bridge"]


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
