"""Folders that are watched: a change is indexed once, when it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.library.collections import NotYours
from rag.library.identity import OPERATOR, digest
from rag.library.library import Library
from rag.library.watching import Watching, signature
from tests.waiting import wait_until


def test_a_change_is_indexed_when_it_stays_as_it_is_and_only_once(tmp_path: Path) -> None:
    folder, built, ready = tmp_path / "documents", list[str](), [False]
    folder.mkdir()

    def build(id: str) -> bool:
        built.append(id)
        return ready[0]

    watching = Watching(tmp_path / "home" / "watched.json", pace=3600)
    watching.begin(lambda id: folder if id == "a" else None, build)
    watching.choose("a", True)
    watching.choose("gone", True)
    assert Watching(tmp_path / "home" / "watched.json").ids() == {"a", "gone"}
    watching.look()
    assert built == []  # seen for the first time
    watching.look()
    assert built == ["a"]
    ready[0] = True
    watching.look()  # it could not be done before
    watching.look()
    assert built == ["a", "a"]
    (folder / "تقرير.txt").write_text("x")
    (folder / ".hidden").write_text("x")
    watching.look()
    (folder / "تقرير.txt").write_text("xx")  # it is still being written
    watching.look()
    assert built == ["a", "a"]
    watching.look()
    watching.look()
    assert built == ["a", "a", "a"]
    (folder / "تقرير.txt").unlink()
    watching.look()
    watching.look()
    assert len(built) == 4
    watching.choose("a", False)
    (folder / "b.txt").write_text("x")
    watching.look()
    watching.look()
    assert len(built) == 4


def test_a_watch_that_was_chosen_before_begins_by_itself(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    Watching(tmp_path / "watched.json").choose("", True)
    built = list[str]()
    watching = Watching(tmp_path / "watched.json", pace=0.01)
    watching.begin(lambda id: tmp_path / "documents", lambda id: not built.append(id))
    wait_until(lambda: built == [""])
    watching.choose("", False)


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", "null"])
def test_a_choice_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "watched.json").write_text(text)
    assert Watching(tmp_path / "watched.json").ids() == frozenset()
    assert signature(tmp_path / "missing") == frozenset()


def test_only_the_operator_chooses(tmp_path: Path) -> None:
    library = Library(tmp_path / "home", tmp_path / "documents", tmp_path / "index")
    operator, layla = library.of(OPERATOR), library.of(digest("a" * 43))
    operator.watch("", True)
    assert (operator.watches(""), layla.watches("")) == (True, None)
    own = layla.create("x").id
    for id in ("", own):
        with pytest.raises(NotYours):
            layla.watch(id, True)
