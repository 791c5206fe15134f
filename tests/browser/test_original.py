"""The original page next to the text: PDFs and scanned pictures with the quotation marked, tables as tables, the file to save."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import papers
from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_window import ask


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A window over papers, quoted without a generator."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    folder = tmp_path_factory.mktemp("archive")
    before = os.environ["PATH"]

    def more(documents: Path) -> None:
        papers.tesseract(folder / "bin", papers.write_papers(documents))
        os.environ["PATH"] = f"{folder / 'bin'}:{before}"

    try:
        with scene(folder, generator=False, more=more) as running:
            yield running
    finally:
        os.environ["PATH"] = before


def open_cited(page: Any, question: str, button: str = "Open the document") -> Any:
    """Ask, and open the document of the first source."""
    ask(page, question)
    page.locator(".source").first.get_by_role("button", name=button).click()
    page.wait_for_selector(".document[data-loaded]")
    return page.locator(".document")


def shown(page: Any, number: int) -> None:
    page.wait_for_selector(f".page-box[data-shown='{number}']")


def dark_under_marks(page: Any) -> float:
    """How much darker than paper the page is under its marks, from 0 to 1: letters stand there."""
    return page.evaluate(
        """async () => {
          const image = document.querySelector('.page-sheet img');
          await image.decode();
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext('2d', {willReadFrequently: true});
          context.drawImage(image, 0, 0);
          let dark = 0, all = 0;
          for (const mark of document.querySelectorAll('.page-marks span')) {
            const share = (side, of) => (parseFloat(mark.style[side]) / 100) * of;
            const [wide, high] = [canvas.width, canvas.height];
            const box = [share('left', wide), share('top', high), share('width', wide), share('height', high)];
            const data = context.getImageData(...box.map(Math.round)).data;
            for (let at = 0; at < data.length; at += 4) { dark += data[at] < 128; all += 1; }
          }
          return dark / all;
        }"""
    )


def test_the_quotation_is_marked_on_its_page_in_the_right_column_and_pages_turn_both_ways(visit: Opener, archive: Scene) -> None:
    page = visit(archive, width=1440, height=900)
    document = open_cited(page, "How much did the third crane of the harbour cost?")
    shown(page, 2)
    assert document.locator(".document-text mark").first.inner_text().startswith("The third crane")
    marks = page.locator(".page-marks span")
    assert 2 <= marks.count() <= 3  # the sentence runs over the ends of lines
    assert all(float(style.split("left: ")[1].split("%")[0]) > 50 for style in (mark.get_attribute("style") for mark in marks.all()))
    assert dark_under_marks(page) > 0.05
    assert page.locator(".page-total").inner_text() == "of 3"
    page.get_by_role("button", name="Next page").click()
    shown(page, 3)
    assert page.get_by_role("button", name="Next page").is_disabled()
    assert marks.count() == 0
    page.wait_for_function(
        """() => { const text = document.querySelector('.document-text').getBoundingClientRect();
          const at = document.querySelector('[data-page="3"]').getBoundingClientRect();
          return at.top >= text.top - 2 && at.top < text.bottom; }"""
    )  # the text has followed
    page.get_by_role("button", name="Back to the quotation").click()
    shown(page, 2)
    page.get_by_role("button", name="Previous page").click()
    shown(page, 1)
    page.locator(".page-box").press("PageDown")
    shown(page, 2)
    page.get_by_title("Show page 3 of the file").click()
    shown(page, 3)
    page.get_by_label("Page number").fill("١")
    page.get_by_label("Page number").press("Enter")
    shown(page, 1)


def test_a_scanned_page_shows_where_the_words_stand_that_ocr_read(visit: Opener, archive: Scene) -> None:
    page = visit(archive, width=1440, height=900)
    open_cited(page, "What tore down the signal mast on the western pier?")
    shown(page, 1)
    assert page.locator(".page-marks span").count() == 2
    assert dark_under_marks(page) > 0.04


def test_an_arabic_contract_on_a_phone_is_turned_from_its_text_to_its_page(visit: Opener, archive: Scene) -> None:
    page = visit(archive, language="ar", width=390, height=844)
    ask(page, "كم يدفع المستأجر إيجارًا شهريًا؟")
    page.get_by_role("button", name="المصادر", exact=True).click()
    assert (
        "ص 2" in page.locator(".source").first.locator(".where").inner_text()
    )  # the page of the sentence; its passage begins on the first
    page.locator(".source").first.get_by_role("button", name="فتح الوثيقة").click()
    page.wait_for_selector(".document[data-loaded]")
    assert page.locator(".original").is_hidden()
    page.get_by_role("button", name="الصفحة الأصلية", exact=True).click()
    shown(page, 2)
    assert page.locator(".document-text").is_hidden()
    assert page.locator(".page-marks span").count() >= 1
    assert dark_under_marks(page) > 0.04
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # In Arabic the arrows point the way pages are turned.
    before, after = (page.get_by_role("button", name=f"الصفحة {name}").bounding_box()["x"] for name in ("السابقة", "التالية"))
    assert before > after


def test_a_table_is_drawn_as_a_table_with_the_quoted_cells_marked(visit: Opener, archive: Scene) -> None:
    page = visit(archive)
    page.get_by_role("button", name="Documents", exact=True).click()
    page.locator("tbody tr", has_text=papers.TABLE).locator("button.reading").click()
    page.wait_for_selector(".document[data-loaded]")
    grid = page.locator(".document table.grid")
    assert grid.locator("thead th").all_inner_texts() == ["Country", "2021", "2022", "Note"]
    assert grid.locator("tbody tr").nth(1).locator("th, td").all_inner_texts() == ["Norway", "860", "912", "by sea and rail"]
    assert grid.locator("tbody tr").nth(2).locator("th, td").last.get_attribute("dir") == "rtl"
    assert page.locator(".sides").is_hidden()  # it has no pages


@pytest.mark.parametrize("name", [papers.REPORT, papers.CONTRACT, papers.TABLE])
def test_the_file_is_saved_as_it_is(visit: Opener, archive: Scene, name: str) -> None:
    page = visit(archive)
    page.get_by_role("button", name="Documents", exact=True).click()
    page.locator("tbody tr", has_text=name).locator("button.reading").click()
    page.wait_for_selector(".document[data-loaded]")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the file").click()
    assert saved.value.suggested_filename == name
    assert Path(saved.value.path()).read_bytes() == (archive.folder / "documents" / name).read_bytes()


@pytest.mark.parametrize(("language", "dark"), [("en", False), ("ar", True)])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_view_is_clean_for_axe(visit: Opener, archive: Scene, axe: str, language: str, dark: bool, width: int) -> None:
    page = visit(archive, language=language, dark=dark, width=width)
    page.get_by_role("button", name="Documents" if language == "en" else "الوثائق", exact=True).click()
    page.locator("tbody tr", has_text=papers.REPORT).locator("button.reading").click()
    page.wait_for_selector(".document[data-loaded]")
    if width == 390:
        page.locator("[data-side=page]").click()
    shown(page, 1)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document.querySelector('.document'), {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
