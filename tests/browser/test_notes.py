"""Working notes: pinned, written around, put in order, kept, and saved as files that are opened again; printed as a PDF."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest
from lxml import etree

from rag.documents.formats.pdf.reader import read_pdf
from rag.documents.tree import Limits
from tests.browser.conftest import Opener
from tests.browser.scene import ARABIC_PHONE, ENGLISH_BRIDGE, Scene, scene
from tests.browser.test_conversations import BRIDGE, MEMORY, open_list, ready, titles
from tests.browser.test_window import ask, style

WORDS = {
    "en": {
        "notes": "Notes",
        "pin": "Pin to notes",
        "write": "Write something",
        "own": "Your own words",
        "save": "Save or print …",
        "up": "Move up",
    },
    "ar": {
        "notes": "الملاحظات",
        "pin": "تثبيت في الملاحظات",
        "write": "كتابة ملاحظة",
        "own": "كلماتك أنت",
        "save": "حفظ أو طباعة…",
        "up": "نقل إلى أعلى",
    },
}


def open_notes(page: Any, language: str = "en") -> None:
    page.evaluate("delete document.querySelector('dialog.notebook').dataset.loaded")
    page.get_by_role("button", name=WORDS[language]["notes"], exact=True).click()
    page.wait_for_selector("dialog.notebook[open][data-loaded]")


def pin(page: Any, place: Any) -> None:
    place.click()
    page.wait_for_selector(".toast:not([hidden])")
    page.evaluate("document.querySelector('.toast').hidden = true")


def filled(page: Any, language: str) -> None:
    """A notebook with an answer, a passage, and words before and between them, written in the order answer, passage, words."""
    words = WORDS[language]
    ask(page, MEMORY)
    pin(page, page.locator(".turn").first.get_by_role("button", name=words["pin"]))
    ask(page, BRIDGE)
    pin(page, page.locator(".panel .source").first.get_by_role("button", name=words["pin"]))
    open_notes(page, language)
    assert page.locator(".note").count() == 2
    page.locator("dialog.notebook").get_by_role("button", name=words["write"]).click()
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    page.keyboard.type("ما سبق بكلماتي <b>&" if language == "ar" else "In my own words <b>&")
    page.locator(".words-note").get_by_role("button", name=words["up"]).click()
    page.wait_for_function("document.querySelectorAll('.note')[1]?.matches('.words-note')")


def kinds(page: Any) -> list[str]:
    found: list[str] = page.evaluate("[...document.querySelectorAll('.note')].map((note) => note.className.split(' ')[1])")
    return found


def save(page: Any, folder: Path, form: str) -> bytes:
    """Save the paper that is offered, in one of its forms."""
    with page.expect_download() as caught:
        page.locator(f"dialog[open] [data-form={form}]").click()
    path = folder / caught.value.suggested_filename
    assert path.suffix == f".{form}"
    caught.value.save_as(path)
    return path.read_bytes()


def saved_notes(page: Any, folder: Path, form: str, language: str) -> bytes:
    page.locator("dialog.notebook").get_by_role("button", name=WORDS[language]["save"]).click()
    return save(page, folder, form)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_what_is_pinned_is_kept_in_the_reader_s_order_and_leads_to_its_source(visit: Opener, window: Scene, language: str) -> None:
    page = visit(window, language=language, own=True)
    filled(page, language)
    assert kinds(page) == ["answer-note", "words-note", "passage-note"]
    page.keyboard.press("Escape")
    page.reload()
    ready(page)
    open_notes(page, language)
    assert kinds(page) == ["answer-note", "words-note", "passage-note"]
    own = page.get_by_label(WORDS[language]["own"])
    assert own.input_value() == ("ما سبق بكلماتي <b>&" if language == "ar" else "In my own words <b>&")
    assert style(own, "direction") == ("rtl" if language == "ar" else "ltr")
    page.locator(".answer-note a.cite").first.click()
    page.wait_for_selector(f"dialog[data-loaded='{ARABIC_PHONE}'] mark")
    page.keyboard.press("Escape")
    page.locator(".passage-note .reading").click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}'] mark")


def test_a_note_is_removed_and_brought_back_to_its_place(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    filled(page, "en")
    page.locator(".words-note").get_by_role("button", name="Remove from the notes").click()
    page.wait_for_selector(".gone-note")
    assert kinds(page) == ["answer-note", "passage-note", "gone-note"]
    assert page.evaluate("document.activeElement.closest('.gone-note') !== null")
    page.keyboard.press("Enter")
    page.wait_for_selector(".words-note")
    assert kinds(page) == ["answer-note", "words-note", "passage-note"]


@pytest.mark.parametrize("language", ["ar", "en"])
def test_rows_that_are_selected_in_a_table_are_pinned_with_their_columns(visit: Opener, tmp_path: Path, language: str) -> None:
    def more(folder: Path) -> None:
        (folder / "رسوم.csv").write_text("المدينة,الرسم,ملاحظة\nالدوحة,349,نقدًا\nصور,120,\nAmman,88,card\n", encoding="utf-8")

    with scene(tmp_path, more=more) as running:
        page = visit(running, language=language, own=True)
        ask(page, "ما الرسم في مدينة صور؟")
        page.locator(".panel .source", has_text="رسوم.csv").first.locator(".feet button").first.click()
        page.wait_for_selector("dialog[data-loaded='رسوم.csv'] table.grid")
        page.evaluate("""() => {
          const rows = document.querySelectorAll("dialog[open] table.grid tbody tr");
          const text = (cell) => document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode();
          document.getSelection().setBaseAndExtent(text(rows[1].cells[1]), 1, text(rows[2].cells[0]), 2);
        }""")
        page.locator("dialog[open] [data-say-label=pin_selection]").click()
        page.wait_for_selector(".toast:not([hidden])")
        page.evaluate("""() => {
          const cell = document.querySelector("dialog[open] table.grid tbody tr").cells[1];
          document.getSelection().selectAllChildren(cell);
        }""")
        page.locator("dialog[open] [data-say-label=pin_selection]").click()
        page.wait_for_function("document.querySelector('dialog.notebook').dataset.loaded === '2'")
        page.keyboard.press("Escape")
        open_notes(page, language)
        pinned = page.locator(".passage-note .passage").all_inner_texts()
        assert [" ".join(text.split()) for text in pinned] == [
            "المدينة: صور · الرسم: 120 المدينة: Amman · الرسم: 88 · ملاحظة: card",
            "349",
        ]
        page.close()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_words_that_are_selected_in_a_document_are_pinned(visit: Opener, window: Scene, language: str) -> None:
    page = visit(window, language=language, own=True)
    ask(page, BRIDGE)
    page.locator(".panel .source").first.locator(".feet button").first.click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}']")
    pinner = page.locator("dialog[open] [data-say-label=pin_selection]")
    assert not pinner.is_visible()
    page.evaluate("""() => {
      const walker = document.createTreeWalker(document.querySelector(".document-text"), NodeFilter.SHOW_TEXT);
      while (!walker.nextNode().data.includes("has not said")) {}
      const at = walker.currentNode.data.indexOf("has not said");
      document.getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + 31);
    }""")
    pinner.click()
    page.wait_for_selector(".toast:not([hidden])")
    page.keyboard.press("Escape")
    open_notes(page, language)
    assert page.locator(".passage-note .passage").inner_text() == "has not said when lorries may c"
    page.locator(".passage-note .reading").click()
    page.wait_for_selector(f"dialog[data-loaded='{ENGLISH_BRIDGE}'] mark")
    assert page.locator("dialog[open] .document-text mark").inner_text() == "has not said when lorries may c"


def test_words_are_written_above_all_and_below_a_note(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    filled(page, "en")
    page.locator("dialog.notebook").get_by_role("button", name="Write at the top").click()
    page.wait_for_function("document.querySelector('.note')?.matches('.words-note')")
    page.keyboard.type("First")
    page.locator(".passage-note").get_by_role("button", name="Write below this").click()
    page.wait_for_function("document.querySelectorAll('.note').length === 5")
    page.keyboard.type("Last")
    page.keyboard.press("Escape")
    page.reload()
    ready(page)
    open_notes(page)
    assert kinds(page) == ["words-note", "answer-note", "words-note", "passage-note", "words-note"]
    written = [area.input_value() for area in page.get_by_label("Your own words").all()]
    assert written == ["First", "In my own words <b>&", "Last"]


def test_notebooks_are_made_renamed_and_deleted(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    filled(page, "en")
    notebook = page.locator("dialog.notebook")
    notebook.get_by_role("button", name="New notebook").click()
    page.wait_for_selector("dialog.notebook[data-loaded='0']")
    page.keyboard.type("جسر · bridge")
    page.keyboard.press("Tab")
    page.wait_for_function("[...document.querySelectorAll('dialog.notebook option')].map((o) => o.textContent).includes('جسر · bridge')")
    notebook.get_by_label("Notebook", exact=True).select_option("Notes")
    page.wait_for_selector("dialog.notebook[data-loaded='3']")
    notebook.get_by_role("button", name="Delete this notebook").click()
    assert "Delete “Notes” with its notes (3)?" in notebook.locator(".sure").inner_text()
    notebook.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_selector("dialog.notebook[data-loaded='0']")
    assert notebook.get_by_label("Name of the notebook").input_value() == "جسر · bridge"
    assert not notebook.get_by_label("Notebook", exact=True).is_visible()  # there is no other


def test_two_tabs_add_to_one_notebook_and_overwrite_nothing(visit: Opener, window: Scene) -> None:
    first = visit(window, own=True)
    ask(first, MEMORY)
    pin(first, first.locator(".turn").first.get_by_role("button", name="Pin to notes"))
    second = first.context.new_page()
    second.goto(window.address)
    ready(second)
    ask(second, BRIDGE)
    pin(second, second.locator(".turn").first.get_by_role("button", name="Pin to notes"))
    open_notes(first)
    assert first.locator(".note h3").all_inner_texts() == [MEMORY, BRIDGE]
    second.close()


FIRST_VERSION = """() => new Promise((done) => {
  const request = indexedDB.open("shawahid", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("conversations", { keyPath: "id" });
    request.result.createObjectStore("turns", { keyPath: "id" }).createIndex("conversation", "conversation");
  };
  request.onsuccess = () => {
    const writing = request.result.transaction(["conversations"], "readwrite");
    writing.objectStore("conversations").put({ id: "a".repeat(32), title: "محادثة قديمة", begun: 5, updated: 5, texts: {} });
    writing.oncomplete = () => (request.result.close(), done());
  };
})"""


def test_what_a_browser_kept_before_there_were_notes_is_still_there(chromium: Any, window: Scene) -> None:
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{window.address}shawahid/text.js")
    page.evaluate(FIRST_VERSION)
    page.goto(window.address)
    ready(page)
    open_list(page)
    assert titles(page) == ["محادثة قديمة"]
    page.keyboard.press("Escape")
    open_notes(page)
    page.locator("dialog.notebook").get_by_role("button", name="Write something").click()
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    page.keyboard.type("Kept")
    page.keyboard.press("Escape")
    page.reload()
    ready(page)
    open_notes(page)
    assert page.get_by_label("Your own words").input_value() == "Kept"
    context.close()


def test_notes_that_are_not_kept_live_as_long_as_the_page(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    filled(page, "en")
    page.keyboard.press("Escape")
    open_list(page)
    page.get_by_role("button", name="Don’t keep them").click()
    assert "Notebooks are deleted with them." in page.locator("dialog[open] .sure").inner_text()
    page.get_by_role("button", name="Delete them").click()
    page.wait_for_function("document.querySelector('dialog[open] .standing-of-shelf').innerText.includes('gone when this page is closed')")
    page.keyboard.press("Escape")
    open_notes(page)
    assert kinds(page) == ["answer-note", "words-note", "passage-note"]
    assert "Save them as a file before that." in page.locator("dialog.notebook .standing-of-shelf").inner_text()
    page.reload()
    ready(page)
    open_notes(page)
    assert page.locator(".note").count() == 0


def unmarked(text: str) -> str:
    """The text without the marks that keep mixed lines in order."""
    return re.sub("[\u200e\u200f]", "", text)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_notes_are_saved_for_word_with_footnotes(visit: Opener, window: Scene, tmp_path: Path, language: str) -> None:
    page = visit(window, language=language, own=True)
    filled(page, language)
    content = saved_notes(page, tmp_path, "docx", language)
    lines = [unmarked(line.text) for line in docx.Document(io.BytesIO(content)).paragraphs]
    assert lines[0] == WORDS[language]["notes"]
    assert lines[1] == MEMORY
    assert ("ما سبق بكلماتي <b>&" if language == "ar" else "In my own words <b>&") in lines
    assert lines[-1].startswith("The harbour bridge was closed on 12 March 2023")
    footnotes = etree.fromstring(zipfile.ZipFile(io.BytesIO(content)).read("word/footnotes.xml"))
    notes = [unmarked("".join(note.itertext()).strip()) for note in footnotes][2:]
    assert notes[0].startswith(f"هاتف نور — {ARABIC_PHONE}: «يأتي هاتف نور بذاكرة 8 GB")
    assert notes[-1].startswith(f"Report on the harbour bridge — {ENGLISH_BRIDGE}: “The harbour bridge was closed on 12 March 2023")


def test_notes_are_saved_as_markdown_and_for_reference_managers(visit: Opener, window: Scene, tmp_path: Path) -> None:
    page = visit(window, own=True)
    filled(page, "en")
    markdown = saved_notes(page, tmp_path, "md", "en").decode()
    assert markdown.startswith("# Notes\n\n## ما ذاكرة هاتف نور؟\n")
    assert r"In my own words \<b\>\&" in markdown
    assert re.search(r"^> The harbour bridge was closed on 12 March 2023.*\[\^\d\]$", markdown, re.MULTILINE)
    assert f"]: Report on the harbour bridge — {ENGLISH_BRIDGE}: “The harbour bridge was closed" in markdown
    records = saved_notes(page, tmp_path, "ris", "en").decode().split("\r\n")
    assert [line for line in records if line.startswith("TI")] == ["TI  - هاتف نور", "TI  - Report on the harbour bridge"]
    entries = saved_notes(page, tmp_path, "bib", "en").decode()
    assert "title = {{Report on the harbour bridge}}" in entries
    assert entries.count("@misc") == 2


@pytest.mark.parametrize("language", ["ar", "en"])
def test_notes_are_printed_as_a_pdf_that_reads_in_order(visit: Opener, window: Scene, tmp_path: Path, language: str) -> None:
    page = visit(window, language=language, own=True)
    page.add_init_script("window.print = () => (window.wasPrinted = document.title)")
    page.reload()
    ready(page)
    filled(page, language)
    page.locator("dialog.notebook").get_by_role("button", name=WORDS[language]["save"]).click()
    page.locator("dialog[open] [data-form=pdf]").click()
    assert page.evaluate("window.wasPrinted") == WORDS[language]["notes"]  # what browsers call the file
    content = page.pdf(prefer_css_page_size=True)
    (tmp_path / "notes.pdf").write_bytes(content)
    pages = list(pypdfium2.PdfDocument(content))
    pages[0].render(scale=1.5).to_pil().save(tmp_path / "notes.png")
    text = re.sub(r"\s+", " ", read_pdf(content, "notes.pdf", Limits()).text)
    assert "The harbour bridge was closed on 12 March 2023" in text
    assert "Report on the harbour bridge — bridge report.txt" in text
    assert "يأتي هاتف نور بذاكرة 8 GB ونموذج مضغوط إلى 4-bit يعمل من دون إنترنت." in text
    assert "Ask a question" not in text  # nothing of the window
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("#shawahid-print").count() == 0
    assert page.title() != WORDS[language]["notes"]


@pytest.mark.parametrize(("language", "width", "dark"), [("ar", 390, True), ("en", 1280, False)])
def test_axe_finds_nothing_in_the_notes(
    visit: Opener, window: Scene, axe: str, tmp_path: Path, language: str, width: int, dark: bool
) -> None:
    page = visit(window, language=language, width=width, dark=dark, own=True)
    page.evaluate(axe)
    ask(page, MEMORY)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.bar').scrollWidth") <= width
    pin(page, page.locator(".turn").first.get_by_role("button", name=WORDS[language]["pin"]))
    open_notes(page, language)
    page.locator("dialog.notebook").get_by_role("button", name=WORDS[language]["write"]).click()
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    page.keyboard.type("ملاحظة" if language == "ar" else "A note")
    problems = []

    def look(state: str) -> None:
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        problems.extend(f"{state}: {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found)
        assert page.evaluate("Math.max(...[...document.querySelectorAll('dialog[open]')].map((d) => d.scrollWidth))") <= width
        page.screenshot(path=str(tmp_path / f"{state}.png"))

    look("notes")
    page.locator("dialog.notebook").get_by_role("button", name=WORDS[language]["save"]).click()
    look("saving")
    assert problems == []
