"""A collection as a whole: renamed, emptied, deleted; a folder added; many documents; scanned pages read on request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import papers
from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_library import add, names, open_documents
from tests.browser.test_window import ask


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A window whose documents these tests may change."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path_factory.mktemp("shelf")) as running:
        yield running


def new_collection(page: object, name: str) -> None:
    page.get_by_role("button", name="New collection").click()  # type: ignore[attr-defined]
    page.get_by_role("textbox", name="Name of the new collection").fill(name)  # type: ignore[attr-defined]
    page.keyboard.press("Enter")  # type: ignore[attr-defined]
    page.wait_for_function("name => document.querySelector('.library .shelf select').selectedOptions[0].text === name", arg=name)  # type: ignore[attr-defined]


def test_a_collection_is_renamed_emptied_and_deleted(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf, own=True)
    open_documents(page)
    assert page.locator(".shelf-tools button").all_inner_texts() == [
        "Follow the folder",
        "Remove all documents",
    ]  # the first one is the operator's folder
    new_collection(page, "Case 1")
    page.get_by_role("button", name="Rename", exact=True).click()
    page.locator(".shelf-tools input").fill("قضية 2")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.library .shelf select').selectedOptions[0].text === 'قضية 2'")
    assert page.locator(".chip.collection").first.inner_text().split() == ["قضية", "2"]
    add(page, ("a.txt", b"The heron of the marsh eats frogs."), ("b.txt", b"The stork of the tower eats mice."))
    page.wait_for_function("document.querySelector('.news').innerText.includes('New or changed: 2')")
    page.get_by_role("button", name="Remove all documents").click()
    assert page.locator(".sure").inner_text().startswith("Remove all 2 documents?")
    page.get_by_role("button", name="Remove all", exact=True).click()
    page.wait_for_function("document.querySelector('.news').innerText.includes('Removed: 2')")
    assert page.locator(".documents").inner_text() == page.evaluate("document.querySelector('.documents .panel-note').innerText")
    page.keyboard.press("Escape")
    turn = ask(page, "What does the heron of the marsh eat?")
    assert "frogs" not in turn.locator(".answer").inner_text()
    open_documents(page)
    page.get_by_role("button", name="Delete the collection").click()
    assert "Nobody can bring them back" in page.locator(".sure").inner_text()
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_role("button", name="Delete the collection").click()
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_function("document.querySelector('.news').innerText.includes('قضية 2 was deleted.')")
    assert [path.name for path in (shelf.folder / "home" / "collections").iterdir()] == []
    assert page.locator(".library .shelf select option").count() == 1


def test_a_folder_is_added_with_its_folders_and_files_of_other_kinds_are_counted(visit: Opener, shelf: Scene, tmp_path: Path) -> None:
    page = visit(shelf, language="ar", own=True)
    folder = tmp_path / "ملفات"
    (folder / "inner" / ".git").mkdir(parents=True)
    for name, text in (
        ("a.txt", "The heron eats frogs."),
        ("inner/ب.md", "اللقلق يأكل الفئران."),
        ("inner/.git/c.txt", "x"),
        ("d.exe", "x"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    open_documents(page, "الوثائق")
    page.set_input_files(".library input[webkitdirectory]", folder)
    page.wait_for_function("document.querySelector('.news')?.innerText.includes('جديد أو معدَّل: 2')")
    assert page.locator(".news .bad").all_inner_texts() == ["ملفات في المجلد من أنواع لا تُقرأ فتُركت: 1."]
    assert {"ملفات/a.txt", "ملفات/inner/ب.md"} <= set(names(page))
    page.keyboard.press("Escape")
    page.locator(".composer .filter-line > .button").click()
    page.get_by_label("المجلد").first.select_option("ملفات/inner")
    page.wait_for_selector(".composer .chip-remove")
    assert "ملفات/inner/" in page.locator(".composer .chips").inner_text()


def test_pages_that_are_pictures_are_read_when_the_reader_has_seen_what_it_costs(visit: Opener, tmp_path: Path) -> None:
    picture, table = papers.scan()
    before = os.environ["PATH"]
    papers.tesseract(tmp_path / "bin", table)
    os.environ["PATH"] = f"{tmp_path / 'bin'}:{before}"
    try:
        with scene(tmp_path / "scene", generator=False) as running:
            page = visit(running)
            open_documents(page)
            page.set_input_files(
                ".library input[type=file]:not([webkitdirectory])", [{"name": "letter.png", "mimeType": "image/png", "buffer": picture}]
            )
            page.wait_for_selector(".news .bad")
            row = page.locator("tbody tr", has_text="letter.png")
            assert "Pages that are pictures and were not read: 1." in row.inner_text()
            row.get_by_role("button", name="Read them with OCR (about 10 s)").click()
            page.wait_for_function("document.querySelector('.news').innerText.includes('New or changed: 1')")
            assert row.locator("td").nth(2).inner_text() == "1"
            page.keyboard.press("Escape")
            turn = ask(page, "What tore down the signal mast on the western pier?")
            assert "storm" in turn.locator(".answer").inner_text()
    finally:
        os.environ["PATH"] = before


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_sentence_of_a_number_is_shown_at_the_pointer_and_the_focus_and_goes_with_escape(
    visit: Opener, window: Scene, language: str
) -> None:
    page = visit(window, language=language)
    turn = ask(page, "When was the harbour bridge closed?")
    number = turn.locator("a.cite").first
    peek = page.locator(".peek")
    assert peek.is_hidden()
    number.hover()
    peek.wait_for()
    assert "closed on 12 March 2023 after divers found cracks" in peek.inner_text()
    assert peek.locator(".peek-text p").first.get_attribute("dir") == "ltr"
    assert number.get_attribute("aria-describedby") == "peek"
    peek.hover()  # it stays while the pointer is on it
    page.wait_for_timeout(300)
    assert peek.is_visible()
    page.mouse.move(5, 5)
    peek.wait_for(state="hidden")
    page.locator("#question").focus()
    page.keyboard.press("Shift+Tab")
    for _ in range(40):
        if page.evaluate("document.activeElement.className") == "cite":
            break
        page.keyboard.press("Shift+Tab")
    peek.wait_for()
    page.keyboard.press("Escape")
    peek.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.className") == "cite"
    box = page.evaluate(
        """() => { const peek = document.querySelector('.peek'); peek.hidden = false;
          const box = peek.getBoundingClientRect(); peek.hidden = true; return [box.left, box.right]; }"""
    )
    assert box[0] >= 0
    assert box[1] <= 1280


def test_a_long_list_is_shown_in_parts_and_searched_by_name(visit: Opener, tmp_path: Path) -> None:
    def more(documents: Path) -> None:
        for number in range(130):
            (documents / f"{'تقرير' if number % 2 else 'report'} {number}.txt").write_text(
                f"The bridge {number} was closed.", encoding="utf-8"
            )

    with scene(tmp_path / "scene", generator=False, more=more) as running:
        page = visit(running)
        open_documents(page)
        rows = page.locator(".documents tbody tr")
        assert rows.count() == 100
        page.get_by_role("button", name="Show more").click()
        assert rows.count() == 134
        assert page.evaluate("document.activeElement.closest('tr') === document.querySelectorAll('.documents tbody tr')[100]")
        page.get_by_label("Find a document by its name").fill("تَقْرِير 129")  # as it is folded, vowel signs do not matter
        assert names(page) == ["تقرير 129.txt"]
        page.get_by_label("Find a document by its name").fill("nothing of that name")
        assert page.locator(".documents").inner_text() == "No document has these words in its name."
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
