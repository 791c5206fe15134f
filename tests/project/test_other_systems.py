"""What nothing here can run: the package on a system without what only Unix has, and on one that keeps open files in their places."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import pytest

from rag import files
from rag.library.identity import OPERATOR
from rag.library.library import Library
from rag.retrieval.index import Index
from rag.schema import Document
from rag.storage import clusters, faiss_layout
from rag.storage.build import add_documents, build_index, remove_documents
from rag.storage.repair import repair_index
from tests.helpers import CORPUS, ROOT, embedder, long_text, write

_WITHOUT_UNIX = """
import pathlib, signal, sys
from importlib import import_module

class Absent:
    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        ours = frame.f_globals.get("__name__", "").startswith("rag")
        if ours and name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGXCPU"):
    delattr(signal, name)
sys.path.insert(0, ".")
for path in sorted(pathlib.Path("rag").rglob("*.py")):
    if path.name != "__main__.py":
        import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
sys.modules.pop("resource", None)
from rag.evaluation.run import memory_mb
print(memory_mb())
"""


def test_every_module_is_imported_without_the_modules_and_signals_of_unix() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT_UNIX], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "None"  # the absent module was missed where it is asked for


# --- open files ----------------------------------------------------------------------------------------------------------


def held_by_this_process() -> set[str]:
    """Return the paths of the files that this process has open or mapped (Linux)."""
    opened = {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return opened | {line.split(maxsplit=5)[5] for line in lines if line.count(" ") >= 5 and "/" in line}


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse, as Windows does, to remove, rename and replace files that are open or mapped; return what was refused."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("which files are open is known on Linux only")
    refused: list[str] = []

    def check(path: object) -> None:
        place = str(Path(str(path)).resolve())
        if any(held == place or held.startswith(f"{place}/") for held in held_by_this_process()):
            refused.append(place)
            raise PermissionError(13, "The process cannot access the file because it is being used by another process", place)

    unlink, replace, rename, rmtree = Path.unlink, Path.replace, Path.rename, shutil.rmtree

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        check(path)
        unlink(path, missing_ok=missing_ok)

    def replaced(path: Path, target: Path) -> Path:
        check(path)
        check(target)
        return replace(path, target)

    def renamed(path: Path, target: Path) -> Path:
        check(path)
        return rename(path, target)

    def removed(path: Path, *arguments: object, **options: object) -> None:
        check(path)
        rmtree(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "unlink", unlinked)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(shutil, "rmtree", removed)
    monkeypatch.setattr(faiss_layout, "_FAISS_OPENS_FILES", False)
    return refused


@pytest.fixture
def clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CLUSTERED_FROM", 12)


def test_an_index_that_is_dropped_is_freed_at_once(tmp_path: Path) -> None:
    """One that waits for the collector of cycles would keep its files open."""
    build_index(write(tmp_path / "documents", CORPUS), tmp_path / "index", embedder())
    index = Index.open(tmp_path / "index", embedder())
    assert index.search("كم راكبًا نقلت العبّارة؟", 1)
    gone = weakref.ref(index)
    gc.disable()
    try:
        del index
        assert gone() is None
        assert not [path for path in held_by_this_process() if path.startswith(str(tmp_path))]
    finally:
        gc.enable()


def test_the_double_of_windows_refuses_what_is_open(stubborn: list[str], tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x", encoding="utf-8")
    with (tmp_path / "a").open(encoding="utf-8"), pytest.raises(PermissionError):
        (tmp_path / "a").unlink()
    assert stubborn == [str(tmp_path / "a")]
    (tmp_path / "a").unlink()


@pytest.mark.usefixtures("clustered")
def test_an_index_is_built_changed_and_repaired_where_open_files_stay(stubborn: list[str], tmp_path: Path) -> None:
    out = tmp_path / "فهرس"  # a folder whose name FAISS could not open there
    documents = write(tmp_path / "documents", {**CORPUS, "en/long.txt": long_text(60)})
    build_index(documents, out, embedder())
    with Index.open(out, embedder()) as index:  # a reader, while others write
        assert index.manifest().base.tier == "clustered"
        for question in ("How many passengers did the ferry carry?", "كم راكبًا نقلت العبّارة؟"):
            assert "212" in index.search(question, 1)[0].passage.text
        add_documents(out, [Document.of_text("ar/مطر.txt", "هطل المطر يوم الخميس. " + long_text(80, "rain"))], embedder())
        assert index.search("متى هطل المطر؟", 1)[0].passage.document_id == "ar/مطر.txt"
        remove_documents(out, ["en/long.txt", "ar/مطر.txt"])
        (documents / "en" / "long.txt").unlink()
        build_index(documents, out, embedder(), rebuild=True)
        assert index.search("Who was the captain?", 1)[0].passage.document_id in ("en/ferry.txt", "ar/ميناء الواحة.txt")
    del index
    write(documents, {"en/new.txt": "The harbour opened in 1931."})
    build_index(documents, out, embedder())
    assert repair_index(out, embedder()).left == ()
    with Index.open(out, embedder()) as index:
        assert index.verify() == []
    assert len(list(out.glob("dense.*.faiss"))) == 1  # what was open is removed by a later writer


@pytest.mark.usefixtures("clustered")
def test_texts_that_are_all_the_same_are_indexed_where_mapped_files_stay(stubborn: list[str], tmp_path: Path) -> None:
    documents = write(tmp_path / "documents", {f"{n}.txt": "The same. نفسه." for n in range(40)})
    build_index(documents, tmp_path / "index", embedder())
    with Index.open(tmp_path / "index", embedder()) as index:
        assert index.manifest().base.tier == "flat"
        assert index.search("The same.", 1)[0].passage.text == "The same. نفسه."
    assert stubborn == []


def test_a_collection_is_emptied_and_deleted_where_open_files_stay(stubborn: list[str], tmp_path: Path) -> None:
    from rag.answering.chatbot import Chatbot

    build_index(write(tmp_path / "documents", CORPUS), tmp_path / "index", embedder())
    with Index.open(tmp_path / "index", embedder()) as first:
        shelf = Library(tmp_path / "home", tmp_path / "documents", tmp_path / "index").of(OPERATOR)
        made = shelf.create("أوراق")
        write(made.documents, {"a.txt": "The fee is 40 dirhams."})
        shelf.build(made.id, embedder())
        shelf.wait_for_jobs(made.id)
        answer = shelf.chatbot(made.id, Chatbot(first)).ask("How much is the fee?")
        assert "40 dirhams" in answer.text
        shelf.remove(made.id, "a.txt")
        shelf.empty_trash(made.id)
        shelf.delete(made.id)
        assert [each.id for each in shelf.collections()] == [""]
        assert not list((tmp_path / "home" / "collections").iterdir())


# --- files that somebody reads -------------------------------------------------------------------------------------------


@contextmanager
def read_by_others(path: Path, times: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Refuse to replace a file that many times."""
    replace, left = Path.replace, [times]

    def refusing(source: Path, target: Path) -> Path:
        if Path(target) == path and left[0]:
            left[0] -= 1
            raise PermissionError(13, "in use", str(target))
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refusing)
        yield left


def test_a_file_that_is_read_at_this_moment_is_replaced_a_moment_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ملف.json"
    path.write_text("before", encoding="utf-8")
    monkeypatch.setattr(files, "_PAUSES", (0.0, 0.0, 0.0))
    with read_by_others(path, 3, monkeypatch) as left, files.write_atomically(path) as partial:
        partial.write_text("after", encoding="utf-8")
    assert (path.read_text(encoding="utf-8"), left) == ("after", [0])
    with read_by_others(path, 4, monkeypatch), pytest.raises(PermissionError), files.write_atomically(path) as partial:
        partial.write_text("never", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_faiss_opens_no_file_where_it_cannot_open_any_name(stubborn: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, written = faiss.read_index, faiss.write_index

    def reading(source: object, *rest: object) -> object:
        if isinstance(source, str):
            raise RuntimeError("could not open")
        return read(source, *rest)

    def writing(index: object, target: object, *rest: object) -> None:
        if isinstance(target, str):
            raise RuntimeError("could not open")
        written(index, target, *rest)

    monkeypatch.setattr(faiss, "read_index", reading)
    monkeypatch.setattr(faiss, "write_index", writing)
    build_index(write(tmp_path / "documents", CORPUS), tmp_path / "فهرس", embedder())
    with Index.open(tmp_path / "فهرس", embedder()) as index:
        assert "212" in index.search("How many passengers did the ferry carry?", 1)[0].passage.text
