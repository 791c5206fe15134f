"""The overview of a collection is kept with its index, follows every change of it, and leaves nothing of a removed document."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.contradictions import contradictions
from rag.answering.kept_overview import keep_overview, kept_overview
from rag.answering.overview import overview_of
from rag.retrieval.index import Index
from rag.schema import Filter
from rag.storage.build import build_index
from rag.storage.kept_overview import OVERVIEW, write_overview
from tests.helpers import embedder, write

HARBOUR = "# Lease\n\nThe deposit for the flat is 500 dinars. The house was opened in 1962 by Captain John Reed.\n"
PRICES = """# Letter

The deposit for the flat is 650 dinars. Dogs are welcome, says the lease and no letter denies.

| Item | Price |
|---|---|
| Rope | 12 dinars |
"""
MARKET = """# السوق

يبلغ الرسم السنوي للسوق 500 دينار. افتُتح السوق في عام 1975 بحضور الأهالي.

البضائع:

- تمر الخلاص بثمن 37 درهمًا
- زيت الزيتون
"""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    write(tmp_path / "documents", {"lease.md": HARBOUR, "letter.md": PRICES, "سوق.md": MARKET})
    build_index(tmp_path / "documents", tmp_path / "index", embedder())
    return tmp_path


def test_what_is_kept_is_what_was_computed(built: Path) -> None:
    with Index.open(built / "index", embedder()) as index:
        assert kept_overview(index) is None
        computed, unlike = overview_of(index), contradictions(index)
        assert [one.one.label for one in unlike] + [one.other.label for one in unlike] == ["500 dinars", "650 dinars"]
        assert keep_overview(index).overview == computed
        kept = kept_overview(index)
        assert kept is not None
        assert kept.overview == computed
        assert list(kept.contradictions) == unlike
        assert any(line.context for line in kept.overview.lines)  # of a row or an item, read from the document again
        bot = Chatbot(index)
        assert (bot.overview(), bot.contradictions()) == (computed, unlike)
        assert bot.overview(filter=Filter(documents=("سوق.md",))).documents == ("سوق.md",)


def test_no_text_of_a_document_is_kept(built: Path) -> None:
    with Index.open(built / "index", embedder()) as index:
        keep_overview(index)
    kept = (built / "index" / OVERVIEW).read_text(encoding="utf-8")
    assert "lease.md" in kept
    assert [word for word in ("dinars", "Reed", "دينار", "السوق") if word in kept] == []


def test_a_change_of_the_documents_ends_what_is_kept(built: Path) -> None:
    path = built / "index" / OVERVIEW
    with Index.open(built / "index", embedder()) as index:
        keep_overview(index)
    assert path.exists()
    (built / "documents" / "letter.md").unlink()
    build_index(built / "documents", built / "index", embedder())
    assert not path.exists()  # with the name of the document that is gone
    with Index.open(built / "index", embedder()) as index:
        assert kept_overview(index) is None
        assert "letter.md" not in keep_overview(index).overview.documents
    build_index(built / "documents", built / "index", embedder())
    assert path.exists()  # nothing has changed


def test_what_is_stopped_is_not_kept(built: Path) -> None:
    stop = threading.Event()
    stop.set()
    with Index.open(built / "index", embedder()) as index:
        keep_overview(index, stop)
        assert kept_overview(index) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 9, "state": "", "places": {}}'])
def test_a_file_that_can_not_be_read_is_passed_over(built: Path, content: str) -> None:
    (built / "index" / OVERVIEW).write_text(content, encoding="utf-8")
    with Index.open(built / "index", embedder()) as index:
        assert kept_overview(index) is None


def test_places_that_are_not_there_are_passed_over(built: Path) -> None:
    with Index.open(built / "index", embedder()) as index:
        manifest = index.manifest()
        nothing = {
            "documents": [],
            "total": 0,
            "title": "",
            "language": "en",
            "names": [],
            "dates": [],
            "figures": [],
            "contradictions": [],
        }
        write_overview(index.folder, f"{manifest.born} {manifest.generation}", {**nothing, "points": [["gone.md", 0, 5, None]]})
        assert kept_overview(index) is None


def test_an_empty_part_of_an_index_has_an_empty_overview(tmp_path: Path) -> None:
    write(tmp_path / "documents", {"a.txt": "x"})
    build_index(tmp_path / "documents", tmp_path / "index", embedder())
    with Index.open(tmp_path / "index", embedder()) as index:
        assert not keep_overview(index).overview.lines
        kept = kept_overview(index)
        assert kept is not None
        assert kept.overview.total == 1
