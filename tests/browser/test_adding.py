"""What brings documents in: archives, web pages, a folder that is followed, and the first file where there is nothing yet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from rag.answering.chatbot import Chatbot
from rag.config import Settings
from rag.documents.web import WebPage
from rag.library import Library
from rag.library.library import Shelf
from rag.library.watching import Watching
from rag.retrieval.index import Index
from rag.server import site
from rag.server.site import open_or_begin
from rag.service.service import Service
from rag.testing import HashEmbedder
from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_library import add, names, open_documents
from tests.browser.test_window import ask
from tests.serving import listening
from tests.waiting import page_pause, wait_until

HERON, STORK = "The heron of the marsh eats seven frogs a day.", "يأكل لقلق البرج تسعة فئران في اليوم."
FROGS, MICE = "How many frogs does the heron of the marsh eat a day?", "كم فأرًا يأكل لقلق البرج في اليوم؟"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Scene]:
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path / "scene", generator=False) as running:
        yield running


def answer(page: Any, question: str) -> str:
    page.keyboard.press("Escape")
    return str(ask(page, question).locator(".answer").inner_text())


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_files_of_an_archive_are_documents_of_their_own(visit: Opener, shelf: Scene, language: str) -> None:
    page = visit(shelf, language=language)
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("heron.txt", HERON)
        archive.writestr("طيور/لقلق.txt", STORK)
        archive.writestr("setup.exe", b"MZ")
    open_documents(page, "الوثائق" if language == "ar" else "Documents")
    add(page, ("birds.zip", packed.getvalue()))
    assert {"birds.zip/heron.txt", "birds.zip/طيور/لقلق.txt"} <= set(names(page))
    assert "seven" in answer(page, FROGS)
    assert "تسعة" in answer(page, MICE)
    page.close()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_web_page_is_added_by_its_address_and_one_of_this_network_is_not(
    visit: Opener, shelf: Scene, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    page = visit(shelf, language=language)
    open_documents(page, "الوثائق" if language == "ar" else "Documents")
    field = page.locator(".library input[type=url]")
    field.fill("http://127.0.0.1:9/secret")
    field.press("Enter")
    page.wait_for_selector(".news .bad")
    said = page.locator(".news .bad").inner_text()
    assert ("خاصة" if language == "ar" else "private network") in said
    assert "SHAWAHID" not in said
    before = names(page)

    def fetch(address: str, most: int) -> WebPage:
        return WebPage(address, "example.org.html", f"<h1>Heron</h1><p>{HERON}</p><p>{STORK}</p>".encode(), "2026-01-02")

    monkeypatch.setattr(Shelf.receive_page, "__defaults__", (fetch,))
    field.fill("https://example.org/heron")
    field.press("Enter")
    page.wait_for_selector(".news .good")
    (added,) = set(names(page)) - set(before)
    row = page.locator("tbody tr", has_text=added)
    assert row.get_by_role("link").first.get_attribute("href") == "https://example.org/heron"
    assert field.input_value() == ""
    assert "seven" in answer(page, FROGS)
    page.close()


def test_a_folder_that_is_followed_brings_in_what_is_put_there_and_no_longer_when_it_is_not(
    visit: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watching.__init__, "__defaults__", (0.1,))
    with scene(tmp_path / "scene", generator=False) as shown:
        page = visit(shown, language="ar")
        open_documents(page, "الوثائق")
        follow = page.locator(".shelf-tools .toggle")
        assert follow.get_attribute("aria-pressed") == "false"
        follow.click()
        page.wait_for_selector(".shelf-tools .toggle[aria-pressed=true]")
        assert shown.service.chatbot is not None
        index = shown.service.chatbot.index
        (shown.folder / "documents" / "لقلق.txt").write_text(STORK, encoding="utf-8")
        wait_until(lambda: "لقلق.txt" in index.document_ids(), 60, pause=page_pause(page))
        assert "تسعة" in answer(page, MICE)
        open_documents(page, "الوثائق")
        assert "لقلق.txt" in names(page)
        page.locator(".shelf-tools .toggle").click()
        page.wait_for_selector(".shelf-tools .toggle[aria-pressed=false]")
        assert page.locator(".news").inner_text()
        (shown.folder / "documents" / "heron.txt").write_text(HERON, encoding="utf-8")
        page.wait_for_timeout(1500)  # nothing is to happen: many times the pause between two looks
        assert "heron.txt" not in index.document_ids()
        page.close()


@contextmanager
def _begun(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A window that was started without an index, and without a document."""
    module = sys.modules["rag.server.site"]  # the package has a function of that name
    monkeypatch.setattr(module, "open_chatbot", lambda settings: (Chatbot(Index.open(settings.index, HashEmbedder(256))), ()))
    monkeypatch.setattr(module, "open_embedder", lambda settings: (HashEmbedder(256), None))
    settings = replace(Settings(), documents=folder / "documents", index=folder / "index")
    service = Service(lambda: open_or_begin(settings))
    library = Library(folder / "home", settings.documents, settings.index)
    with listening(service, site(service, library)) as address:
        yield Scene(f"{address}/", service, None, folder)


@pytest.mark.parametrize(
    ("language", "text", "question", "said"), [("ar", STORK, MICE, "تسعة"), ("en", HERON, FROGS, "seven")], ids=["ar", "en"]
)
def test_started_without_an_index_the_first_file_makes_one_and_the_last_can_go_again(
    visit: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, text: str, question: str, said: str
) -> None:
    with _begun(tmp_path, monkeypatch) as shown:
        page = visit(shown, language=language)
        first = ask(page, question)  # it says that there is nothing, and is no error
        assert first.get_attribute("data-state") == "done"
        assert said not in first.locator(".answer").inner_text()
        name = "الوثائق" if language == "ar" else "Documents"
        open_documents(page, name)
        assert page.locator(".documents tbody tr").count() == 0
        add(page, ("طير.txt", text.encode()))
        assert names(page) == ["طير.txt"]
        assert said in answer(page, question)
        open_documents(page, name)
        page.locator("tbody tr").get_by_role("button").last.click()
        page.locator(".sure .danger").click()
        page.wait_for_function("document.querySelectorAll('.documents tbody tr').length === 0")
        page.keyboard.press("Escape")
        again = ask(page, question)
        assert again.get_attribute("data-state") == "done"
        assert again.locator("a.cite").count() == 0
        page.close()
