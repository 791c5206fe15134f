"""What is known of documents of every kind: in the list and in the sources, as data whatever a file says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import pdfs
from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_library import open_documents
from tests.browser.test_window import ask, left_to_right
from tests.documents.test_formats import book

EVIL = '"><img src="http://evil.example/m.png" onerror="window.pwned=8">'
FILES: dict[str, bytes] = {
    "النورس.md": "---\nauthor: سلمى حداد\ndate: 2024-10-14\nsource: https://example.org/waha/8?x=1&y=2\n---\n"
    "# طيور الواحة\n\nيبلغ طول جناحي النورس الفضي 140 سنتيمترًا.\n".encode(),
    "gull.html": f"""<html lang="en"><head><title>The herring gull</title><meta name="author" content='{EVIL}'>
      <meta name="date" content="2023-05-02"><link rel="canonical" href="javascript:window.pwned=7"></head>
      <body><h1>Voice</h1><p>The herring gull laughs seven times at dawn.</p></body></html>""".encode(),
    "تقرير.pdf": pdfs.with_library("visual"),
    "report.docx": pdfs.word_document(),
    "book.epub": book(),
    "أسعار.csv": "السلعة,السعر\nتمر الخلاص,37 درهمًا\n".encode(),
    "notes.json": json.dumps({"text": "The cormorant dives for 70 seconds.", "author": "Dana Whitfield", "date": "2022"}).encode(),
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A window over documents of every kind."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path_factory.mktemp("kinds")) as running:
        yield running


def filled(visit: Opener, kinds: Scene, language: str = "en") -> Any:
    """The window with the list of documents open, all files in it."""
    page = visit(kinds, language=language)
    open_documents(page, "الوثائق" if language == "ar" else "Documents")
    payload = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in FILES.items()]
    page.set_input_files(".library input[type=file]", payload)
    page.wait_for_selector(".news p")
    assert page.locator(".news .bad").all_inner_texts() == []
    return page


def test_the_list_names_kind_author_date_and_address(visit: Opener, kinds: Scene) -> None:
    page = filled(visit, kinds)

    def row(name: str) -> Any:
        return page.locator("tbody tr", has_text=name)

    badges = {name: row(name).locator(".kind").all_inner_texts() for name in FILES}
    assert badges == {
        "النورس.md": [],
        "gull.html": ["HTML"],
        "تقرير.pdf": ["PDF"],
        "report.docx": ["DOCX"],
        "book.epub": ["EPUB"],
        "أسعار.csv": ["CSV"],
        "notes.json": ["JSON"],
    }
    said = row("النورس.md").locator(".where").inner_text()
    assert [part in said for part in ("سلمى حداد", "2024-10-14", "example.org/waha/8?x=1&y=2")] == [True] * 3
    link = row("النورس.md").get_by_role("link")
    assert link.get_attribute("href") == "https://example.org/waha/8?x=1&y=2"
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert left_to_right(page, "tbody a[href*='x=1']", "example.org/waha/8?x=1&y=2")
    assert "Dana Whitfield · 2022" in row("notes.json").locator(".where").inner_text()
    # What a page says of itself is text: no link that runs, no picture that is fetched.
    assert EVIL[:12] in row("gull.html").locator(".where").inner_text()
    assert row("gull.html").get_by_role("link").count() == 0
    assert page.locator("dialog[open] img").count() == 0
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize(
    ("question", "document", "kind", "said"),
    [
        ("كم يبلغ طول جناحي النورس الفضي؟", "النورس.md", [], ["سلمى حداد", "2024-10-14", "example.org/waha/8"]),
        ("How often does the herring gull laugh at dawn?", "gull.html", ["HTML"], ["2023-05-02", EVIL[:12]]),
        ("كم سعر تمر الخلاص؟", "أسعار.csv", ["CSV"], ["1"]),
        ("How many seconds does the cormorant dive?", "notes.json", ["JSON"], ["Dana Whitfield", "2022"]),
    ],
)
def test_a_source_says_who_wrote_it_when_and_where(
    visit: Opener, kinds: Scene, question: str, document: str, kind: list[str], said: list[str]
) -> None:
    page = filled(visit, kinds, "ar")
    page.keyboard.press("Escape")
    ask(page, question)
    card = page.locator(".panel .source", has_text=document).first
    assert card.locator(".kind").all_text_contents() == kind  # a passage that is not cited may be folded away
    shown = card.locator(".where").text_content()
    assert [part for part in said if part not in shown] == [], shown
    assert page.locator(".panel img").count() == 0
    assert [link.get_attribute("rel") for link in page.locator(".panel .where a").all()] == ["noopener noreferrer"] * (
        page.locator(".panel .where a").count()
    )
    assert page.evaluate("window.pwned") is None


def test_axe_finds_nothing_in_a_list_of_all_kinds(visit: Opener, kinds: Scene, axe: str) -> None:
    page = filled(visit, kinds, "ar")
    page.evaluate(axe)
    assert page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= 390
