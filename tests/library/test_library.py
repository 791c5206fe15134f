"""The documents behind the window: collections, files added and removed, and the indexing that follows."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rag.answering.chatbot import Chatbot
from rag.documents.load import load_folder
from rag.documents.web import WebPage
from rag.errors import DocumentError, IndexBusy
from rag.library import ocr_files
from rag.library.collections import BadName
from rag.library.identity import OPERATOR
from rag.library.jobs import Job
from rag.library.library import Library, Shelf
from rag.library.uploads import file_name, file_path
from rag.retrieval.index import Index
from rag.schema import Document
from rag.testing import HashEmbedder
from tests import pdfs
from tests.browser import papers
from tests.waiting import run_async, wait_for, wait_until


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("The harbour bridge was closed in March.", encoding="utf-8")
    (documents / "ب.txt").write_text("أُغلق جسر الميناء في مارس.", encoding="utf-8")
    return Library(tmp_path / "home", documents, tmp_path / "index", max_bytes=1000).of(OPERATOR)


def receive(shelf: Shelf, collection: str, name: str, *chunks: bytes) -> str:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return run_async(shelf.receive(collection, name, stream()))


def names(shelf: Shelf) -> list[str]:
    return [each.name for each in shelf.collections()]


def finished(job: Job) -> Job:
    wait_until(lambda: job.state != "running")
    return job


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("تقرير المحطة.txt", "تقرير المحطة.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ليلى\\notes.MD", "notes.MD"),
        ("a<b>:c.md", "a_b__c.md"),
        ("a\u202etxt.exe.txt", "a_txt.exe.txt"),
        ("ن" * 300 + ".txt", "ن" * 98 + ".txt"),
        ("a\x85b\x9bc\u2028d\ufeffe\u061cf.txt", "a_b_c_d_e_f.txt"),
        ("half\ud800.txt", "half_.txt"),
        ("می\u200cروم.txt", "می\u200cروم.txt"),
        ("CON.txt", "_CON.txt"),
        ("nul.tar.md", "_nul.tar.md"),
        ("Com1 .md", "_Com1.md"),
        ("lpt9.txt", "_lpt9.txt"),
        ("console.txt", "console.txt"),
    ],
)
def test_the_name_of_a_file_is_made_safe(raw: str, name: str) -> None:
    assert file_name(raw) == name


@pytest.mark.parametrize(
    ("raw", "path"),
    [("قسم/a.txt", "قسم/a.txt"), ("a/b:c/nul/x\u202e.md", "a/b_c/_nul/x_.md"), ("a\\b/c.txt", "a_b/c.txt"), ("a.txt", "a.txt")],
)
def test_each_part_of_a_path_is_made_safe(raw: str, path: str) -> None:
    assert file_path(raw) == path


@pytest.mark.parametrize("raw", ["../a.txt", "a/./b.txt", "/a.txt", "a//b.txt", "a/", "a/ ./b.txt", "/".join("abcdefghijkl") + ".txt"])
def test_a_path_that_leads_elsewhere_is_refused(raw: str) -> None:
    with pytest.raises(BadName):
        file_path(raw)


@pytest.mark.parametrize("raw", ["", ".txt", "x.exe", "x", "..", "/", "   .md"])
def test_a_name_that_is_no_text_file_is_refused(raw: str) -> None:
    with pytest.raises(BadName):
        file_name(raw)


def test_a_file_that_replaces_another_sets_it_aside(shelf: Shelf, tmp_path: Path) -> None:
    assert receive(shelf, "", "a.txt", b"new ", b"text") == "a.txt"
    folder = tmp_path / "documents"
    assert (folder / "a.txt").read_text() == "new text"
    assert [path.read_text() for path in folder.glob(".removed/*/a.txt")] == ["The harbour bridge was closed in March."]


@pytest.mark.parametrize("text", ["The bridge opens in May.", "يُفتح الجسر في أيار."])
def test_a_web_page_is_kept_with_its_address_and_the_day(shelf: Shelf, tmp_path: Path, text: str) -> None:
    asked: list[tuple[str, int]] = []

    def fetch(address: str, max_bytes: int) -> WebPage:
        asked.append((address, max_bytes))
        return WebPage(address, "example.org.html", f"<p>{text}</p>".encode(), "2026-01-02")

    for _ in range(2):  # the second replaces the first
        assert run_async(shelf.receive_page("", "https://example.org/", fetch)) == "example.org.html"
    assert asked == [("https://example.org/", 1000)] * 2
    document = {item.id: item for item in load_folder(tmp_path / "documents") if isinstance(item, Document)}["example.org.html"]
    assert document.text == text
    assert document.metadata == {"source": "https://example.org/", "retrieved": "2026-01-02"}
    shelf.remove("", "example.org.html")
    assert not list((tmp_path / "documents").glob(".*.source.json"))  # it went with the file


def test_a_web_page_that_is_refused_leaves_nothing_behind(shelf: Shelf, tmp_path: Path) -> None:
    before = sorted(path.name for path in (tmp_path / "documents").iterdir())
    for address in ("http://127.0.0.1/", "", "file:///etc/passwd"):
        with pytest.raises(DocumentError):
            run_async(shelf.receive_page("", address))
    assert sorted(path.name for path in (tmp_path / "documents").iterdir()) == before


def test_a_file_that_is_too_large_leaves_nothing_behind(shelf: Shelf, tmp_path: Path) -> None:
    before = sorted(path.name for path in (tmp_path / "documents").iterdir())
    with pytest.raises(DocumentError):
        receive(shelf, "", "c.txt", b"x" * 600, b"x" * 600)
    assert sorted(path.name for path in (tmp_path / "documents").iterdir()) == before


def test_an_upload_that_breaks_off_leaves_nothing_behind(shelf: Shelf, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("the tab was closed")

    with pytest.raises(RuntimeError):
        run_async(shelf.receive("", "c.txt", broken()))
    assert sorted(path.name for path in (tmp_path / "documents").iterdir()) == ["a.txt", "ب.txt"]


def test_collections_are_made_listed_and_kept_apart(shelf: Shelf, tmp_path: Path) -> None:
    assert names(shelf) == [""]
    assert shelf.create("  قضية   12 ").name == "قضية 12"
    assert names(shelf) == ["", "قضية 12"]
    receive(shelf, "قضية 12", "x.txt", b"x")
    assert (tmp_path / "home" / "collections" / "قضية 12" / "documents" / "x.txt").is_file()
    for bad in ("قضية 12", "../up", "", ".hidden", "x" * 41, "a/b"):
        with pytest.raises(BadName):
            shelf.create(bad)
    with pytest.raises(BadName):
        receive(shelf, "../documents", "x.txt", b"x")


def test_the_last_document_goes_too_and_another_can_follow(shelf: Shelf, tmp_path: Path) -> None:
    finished(shelf.build("", HashEmbedder()))
    for name in ("a.txt", "ب.txt"):
        shelf.remove("", name)
        job = finished(shelf.build("", HashEmbedder(), emptied=True))
        assert (job.state, job.view()["removed"]) == ("done", 1)
    index = Index.open(tmp_path / "index", HashEmbedder())
    assert index.documents() == []
    assert Chatbot(index).ask("When was the bridge closed?").citations == ()
    assert finished(shelf.build("", HashEmbedder())).state == "error"  # nobody emptied it: it may not be mounted
    with pytest.raises(BadName):
        shelf.remove("", "../index")
    receive(shelf, "", "c.txt", b"The ferry sails again.")
    assert finished(shelf.build("", HashEmbedder())).view()["added"] == 1


def test_a_collection_is_emptied_and_its_files_wait_in_the_trash(shelf: Shelf, tmp_path: Path) -> None:
    finished(shelf.build("", HashEmbedder()))
    shelf.empty("")
    assert finished(shelf.build("", HashEmbedder(), emptied=True)).view()["removed"] == 2
    assert Index.open(tmp_path / "index", HashEmbedder()).documents() == []
    assert sorted(path.name for path in (tmp_path / "documents" / ".removed").rglob("*.txt")) == ["a.txt", "ب.txt"]
    assert shelf.room("")["aside"] == "0.1"
    shelf.empty_trash("")
    assert shelf.room("")["aside"] == "0"
    new = shelf.create("فارغة").id
    shelf.empty(new)  # nothing is there, and nothing is wrong
    assert finished(shelf.build(new, HashEmbedder(), emptied=True)).view()["removed"] == 0


def test_a_collection_is_renamed_and_stays_itself(shelf: Shelf, tmp_path: Path) -> None:
    id = shelf.create("قضية 12").id
    receive(shelf, id, "x.txt", b"x")
    assert shelf.rename(id, "  قضية   13 ").name == "قضية 13"
    assert names(shelf) == ["", "قضية 13"]
    assert [row["id"] for row in shelf.rows()] == ["", id]
    assert (tmp_path / "home" / "collections" / id / "documents" / "x.txt").is_file()
    assert shelf.create("قضية 12").id == "قضية 12 2"  # its first name is free, its folder is not
    assert names(shelf) == ["", "قضية 12", "قضية 13"]
    for bad in ("قضية 12", "", "a/b", ".."):
        with pytest.raises(BadName):
            shelf.rename(id, bad)
    assert shelf.rename(id, "قضية 13").name == "قضية 13"
    with pytest.raises(BadName) as caught:
        shelf.rename("", "x")
    assert caught.value.key == "ui.error_collection_first"


def test_a_collection_is_deleted_for_good(tmp_path: Path) -> None:
    library = Library(tmp_path / "home", tmp_path / "documents", tmp_path / "index", feedback=tmp_path / "feedback")
    shelf = library.of(OPERATOR)
    id = shelf.create("Case").id
    receive(shelf, id, "x.txt", b"The ferry sails at noon.")
    finished(shelf.build(id, HashEmbedder()))
    base = Chatbot(Index.open(tmp_path / "home" / "collections" / id / "index", HashEmbedder()))
    assert [row["id"] for row in shelf.documents(id, base)] == ["x.txt"]
    (tmp_path / "feedback").mkdir()
    (tmp_path / "feedback" / "Case.jsonl").write_text("{}")
    with pytest.raises(BadName):
        shelf.delete("")
    shelf.delete(id)
    assert names(shelf) == [""]
    assert list((tmp_path / "home" / "collections").iterdir()) == []
    assert not (tmp_path / "feedback" / "Case.jsonl").exists()
    with pytest.raises(BadName):
        shelf.delete(id)
    assert shelf.create("Case").id == "Case"
    assert shelf.documents("Case", base) == []  # nothing of the one before


def test_a_collection_that_is_being_indexed_is_neither_emptied_nor_deleted(shelf: Shelf) -> None:
    id = shelf.create("x").id
    receive(shelf, id, "x.txt", b"The ferry sails at noon.")
    gate = threading.Event()

    class Held(HashEmbedder):
        def embed_passages(self, *arguments: Any, **named: Any) -> Any:
            wait_for(gate)
            return super().embed_passages(*arguments, **named)

    job = shelf.build(id, Held())
    for action in (shelf.empty, shelf.delete):
        with pytest.raises(IndexBusy):
            action(id)
    gate.set()
    finished(job)
    shelf.delete(id)


def test_files_are_chosen_one_by_one_for_ocr(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "documents" / "scan.pdf").write_bytes(pdfs.blank("picture", pages=3))
    base_job = finished(shelf.build("", HashEmbedder()))
    assert [item["name"] for item in base_job.view()["skipped"]] == ["scan.pdf"]
    base = Chatbot(Index.open(tmp_path / "index", HashEmbedder()))
    rows = {row["id"]: row for row in shelf.documents("", base)}
    assert (rows["scan.pdf"]["unread"], rows["a.txt"]["unread"]) == (3, 0)
    papers.tesseract(tmp_path / "bin", papers.TABLE_OF_ONE_WORD)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    shelf.read_with_ocr("", "scan.pdf", True)
    assert finished(shelf.build("", HashEmbedder())).view()["added"] == 1
    rows = {row["id"]: row for row in shelf.documents("", base)}
    assert (rows["scan.pdf"]["passages"], rows["scan.pdf"]["unread"]) == (1, 0)
    assert finished(shelf.build("", HashEmbedder())).view()["added"] == 0  # and it stays read
    with pytest.raises(BadName):
        shelf.read_with_ocr("", "../a.txt", True)
    assert ocr_files.chosen(tmp_path / "documents") == {"scan.pdf"}
    shelf.read_with_ocr("", "scan.pdf", False)
    assert ocr_files.chosen(tmp_path / "documents") == frozenset()


@pytest.mark.parametrize(("ranges", "pages"), [("", 0), ("3", 1), ("3, 7-9", 4), ("1-200", 200)])
def test_pages_are_counted(ranges: str, pages: int) -> None:
    assert ocr_files.count_pages(ranges) == pages


def test_indexing_runs_in_the_background_and_is_told_of(shelf: Shelf, tmp_path: Path) -> None:
    job = finished(shelf.build("", HashEmbedder()))
    assert (job.state, job.view()["added"], job.view()["skipped"]) == ("done", 2, [])
    base = Chatbot(Index.open(tmp_path / "index", HashEmbedder()))
    (tmp_path / "documents" / "noise.txt").write_bytes(bytes(range(256)) * 3)
    assert [(row["id"], row["language"], row["characters"], row["passages"]) for row in shelf.documents("", base)] == [
        ("a.txt", "en", 39, 1),
        ("noise.txt", "", None, None),  # bytes are not characters
        ("ب.txt", "ar", 26, 1),
    ]
    again = finished(shelf.build("", HashEmbedder())).view()
    assert (again["added"], [item["name"] for item in again["skipped"]]) == (0, ["noise.txt"])
    assert "UTF-8" in again["skipped"][0]["error"]["ar"]


def test_indexing_that_is_cancelled_changes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    finished(shelf.build("", HashEmbedder()))
    generation = Index.open(tmp_path / "index", HashEmbedder()).manifest().generation
    receive(shelf, "", "c.txt", b"A third document about ferries.")
    gate = threading.Event()

    class Held(HashEmbedder):
        def embed_passages(self, *arguments: Any, **named: Any) -> Any:
            wait_for(gate)
            return super().embed_passages(*arguments, **named)

    job = shelf.build("", Held())
    with pytest.raises(IndexBusy):
        shelf.build("", HashEmbedder())
    job.cancel.set()
    gate.set()
    assert finished(job).state == "cancelled"
    assert Index.open(tmp_path / "index", HashEmbedder()).manifest().generation == generation
    assert finished(shelf.build("", HashEmbedder())).view()["added"] == 1


def test_a_collection_whose_first_indexing_was_cancelled_still_lists_its_files(shelf: Shelf, tmp_path: Path) -> None:
    finished(shelf.build("", HashEmbedder()))
    base = Chatbot(Index.open(tmp_path / "index", HashEmbedder()))
    shelf.create("جديدة")
    receive(shelf, "جديدة", "عبّارة.txt", "تغادر العبّارة عند الظهر.".encode())
    reached, gate = threading.Event(), threading.Event()

    class Held(HashEmbedder):
        def embed_passages(self, *arguments: Any, **named: Any) -> Any:
            reached.set()
            wait_for(gate)
            return super().embed_passages(*arguments, **named)

    job = shelf.build("جديدة", Held())
    wait_for(reached)
    job.cancel.set()
    gate.set()
    assert finished(job).state == "cancelled"
    assert [(row["id"], row["passages"]) for row in shelf.documents("جديدة", base)] == [("عبّارة.txt", None)]
    with pytest.raises(BadName) as caught:
        shelf.chatbot("جديدة", base)
    assert caught.value.key == "ui.error_collection_empty"
    assert finished(shelf.build("جديدة", HashEmbedder())).view()["added"] == 1
    assert shelf.chatbot("جديدة", base).index.manifest().documents == 1


def test_a_collection_without_documents_says_so(shelf: Shelf, tmp_path: Path) -> None:
    finished(shelf.build("", HashEmbedder()))
    base = Chatbot(Index.open(tmp_path / "index", HashEmbedder()))
    shelf.create("empty")
    with pytest.raises(BadName) as caught:
        shelf.chatbot("empty", base)
    assert caught.value.key == "ui.error_collection_empty"
    assert finished(shelf.build("empty", HashEmbedder())).view()["error"] is not None
    assert shelf.chatbot("", base) is base
