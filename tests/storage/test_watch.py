"""An index that follows a folder: what happens in it is indexed, whatever fails is told and tried again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rag.errors import ExtraMissing
from rag.retrieval.index import Index
from rag.storage.build import BuildReport
from rag.storage.watch import watch_folder
from rag.testing import HashEmbedder
from tests.helpers import embedder, write


def test_what_changes_in_a_folder_is_indexed(folder: Path, meeting: HashEmbedder) -> None:
    """The index lies in the folder itself, whose own files are no news."""
    pytest.importorskip("watchfiles")
    stop, out = threading.Event(), folder / "index"
    timer = threading.Timer(120, stop.set)  # a watcher that sees nothing ends the test, which then fails
    timer.start()
    try:
        events = watch_folder(folder, out, embedder(), stop=stop)
        first = next(events)
        assert isinstance(first, BuildReport)
        assert first.added == 4
        write(folder, {"new.txt": "افتُتح متحف البحر.", ".hidden.txt": "no"})
        second = next(events)
        assert isinstance(second, BuildReport)
        assert (second.added, second.removed, second.unchanged) == (1, 0, 4)
        (folder / "new.txt").unlink()
        third = next(events)
        assert isinstance(third, BuildReport)
        assert (third.added, third.removed) == (0, 1)
        stop.set()
        assert list(events) == []
    finally:
        timer.cancel()
    with Index.open(out, meeting) as index:
        assert index.verify() == []
        assert [info.id for info in index.documents()] == ["ar/زيتون.md", "ar/ميناء الواحة.txt", "en/ferry.txt", "en/library.md"]


def test_without_the_package_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "watchfiles", None)
    with pytest.raises(ExtraMissing) as caught:
        next(watch_folder(folder, folder / "index", embedder()))
    assert "pip install watchfiles" in str(caught.value)
