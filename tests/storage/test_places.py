"""An index where nothing can be written: on a full disk, on a read-only one, with a log that a killed writer left and without."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import DiskFailed, DiskFull, IndexBusy, ShawahidError
from rag.retrieval.index import Index
from rag.schema import Document
from rag.storage.build import add_documents, build_index
from rag.storage.codec import crc
from rag.storage.connections import Connections
from rag.storage.database import DATABASE, Store
from rag.storage.sql_schema import INFO_COLUMNS
from rag.testing import HashEmbedder
from tests.helpers import CORPUS, ROOT, write

QUESTION = "Who was the captain of the ferry Albatros?"
LATER = Document("later.txt", "The heron nests in the lighthouse. يعشش البلشون في المنارة.", "", "en", "l")
ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0


def logged(out: Path, meeting: HashEmbedder) -> Path:
    """Publish one more generation in an index, and leave it in the log as a killed writer would: a copy of what lies there meanwhile."""
    copy = out.with_name("killed")
    with Index.open(out, meeting):  # keeps the log from being folded into the database
        add_documents(out, [LATER], meeting)
        shutil.copytree(out, copy)
    (copy / f"{DATABASE}-shm").unlink(missing_ok=True)
    shutil.rmtree(out)
    copy.rename(out)
    assert (out / f"{DATABASE}-wal").stat().st_size > 0
    return out


@pytest.fixture(params=["without a log", "with a log"])
def made(request: pytest.FixtureRequest, built: Path, meeting: HashEmbedder) -> Path:
    return logged(built, meeting) if request.param == "with a log" else built


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def answers(out: Path, meeting: HashEmbedder) -> None:
    """Ask it, look at everything, and check it."""
    later = ["later.txt"] if (out / f"{DATABASE}-wal").is_file() else []
    with Index.open(out, meeting) as index:
        hits = index.search(QUESTION)
        assert hits[0].passage.document_id == "en/ferry.txt"
        assert "Its captain was John Reed." in [item.text for item in index.evidence(QUESTION, hits)]
        assert [hit.passage.document_id for hit in index.search("lighthouse heron nests", legs=("keyword",))] == later
        assert sorted(info.id for info in index.documents()) == sorted([*CORPUS, *later])
        assert [fault for fault in index.verify() if fault.key != "damage.leftovers"] == []


ASK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import faiss, numpy, rag.retrieval.index, rag.storage.verify
from tests.helpers import embedder
from tests.storage.test_places import answers
meeting = embedder()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # every write to a file fails, as on a full disk
answers(Path(sys.argv[1]), meeting)
print("answered")
"""


def ask_where_every_write_fails(out: Path) -> str:
    done = subprocess.run([sys.executable, "-c", ASK.format(root=str(ROOT)), out], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_it_answers_where_every_write_fails(made: Path) -> None:
    before = files(made)
    assert ask_where_every_write_fails(made) == "answered"
    after = files(made)
    assert {name: after[name] for name in before} == before


# --- real disks -----------------------------------------------------------------------------------------------------------


def mount(*arguments: object) -> None:
    if subprocess.run(["mount", *map(str, arguments)], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk, where this process may make one."""
    if not ROOT_ON_LINUX:
        pytest.skip("only root on Linux can make a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=64m", "none", place)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def filled(disk: Path) -> None:
    """Leave no byte on a disk."""
    with (disk / "filling").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_it_answers_on_a_full_disk(disk: Path, made: Path, meeting: HashEmbedder) -> None:
    out = Path(shutil.copytree(made, disk / "index"))
    filled(disk)
    assert shutil.disk_usage(disk).free == 0
    before = files(out)
    answers(out, meeting)
    after = files(out)
    assert {name: after[name] for name in before} == before
    with pytest.raises(DiskFull):
        add_documents(out, [Document("more.txt", "More.", "", "en", "m")], meeting)
    with pytest.raises(DiskFull) as caught:
        Store(out / DATABASE, writable=True).transaction().__enter__()
    assert caught.value.key == "error.disk_full"


def test_it_answers_on_a_read_only_disk(disk: Path, made: Path, meeting: HashEmbedder) -> None:
    out = Path(shutil.copytree(made, disk / "index"))
    before = files(out)
    mount("-o", "remount,ro", disk)
    answers(out, meeting)
    assert files(out) == before
    with pytest.raises(ShawahidError) as caught:
        add_documents(out, [Document("more.txt", "More.", "", "en", "m")], meeting)
    assert caught.value.key == "error.folder_unwritable"


def test_a_change_through_another_mount_is_seen(disk: Path, built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    """A reader whose disk is read-only takes no locks; somebody else may write to the same files all the same."""
    out = Path(shutil.copytree(built, disk / "index"))
    view = tmp_path / "view"
    view.mkdir()
    mount("--bind", disk, view)
    try:
        mount("-o", "remount,ro,bind", view)
        with Index.open(view / "index", meeting) as index:
            assert index.manifest().generation == 1
            add_documents(out, [LATER], meeting)
            assert index.manifest().generation == 2
            assert index.search("heron lighthouse", 1)[0].passage.document_id == "later.txt"
    finally:
        subprocess.run(["umount", "-l", view], check=True)


@pytest.mark.skipif(ROOT_ON_LINUX or sys.platform == "win32", reason="permissions do not bind this user")
def test_it_answers_in_a_folder_without_permission_to_write(made: Path, meeting: HashEmbedder) -> None:
    made.chmod(0o555)
    try:
        answers(made, meeting)
    finally:
        made.chmod(0o755)


# --- without locks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def unlocked(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index in a folder that this process may only read, as far as it is told."""
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    return made


def test_it_answers_without_locks_and_leaves_every_byte(unlocked: Path, meeting: HashEmbedder) -> None:
    before = files(unlocked)
    answers(unlocked, meeting)
    assert files(unlocked) == before


def test_what_was_read_while_somebody_wrote_is_worth_nothing(unlocked: Path, meeting: HashEmbedder) -> None:
    store = Store(unlocked / DATABASE)

    def read() -> None:
        with store.snapshot():
            assert store.documents()
            overwrite(unlocked)

    with pytest.raises(IndexBusy):
        read()
    assert {info.title for info in store.documents()} == {"x"}  # opened again
    store.close()


def test_damage_that_a_writer_made_meanwhile_is_no_damage(unlocked: Path) -> None:
    store = Store(unlocked / DATABASE)

    def read() -> None:
        with store.snapshot():
            overwrite(unlocked)
            raise store.damaged("its check value differs")

    with pytest.raises(IndexBusy):
        read()
    store.close()


def overwrite(out: Path) -> None:
    """Change every title, with its check value, as another process would."""
    db = sqlite3.connect(out / DATABASE, isolation_level=None)
    for (id,) in db.execute("SELECT id FROM documents").fetchall():
        db.execute("UPDATE documents SET title = 'x' WHERE id = ?", (id,))
        row = db.execute(f"SELECT {INFO_COLUMNS} FROM documents WHERE id = ?", (id,)).fetchone()
        db.execute("UPDATE documents SET crc = ? WHERE id = ?", (crc(*row), id))
    db.close()


def test_an_index_that_can_not_be_read_says_so(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Connections, address: str) -> sqlite3.Connection:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN"
        raise error

    monkeypatch.setattr(Connections, "_connect", refuse)
    with pytest.raises(DiskFailed) as caught:
        Store(built / DATABASE)
    assert caught.value.key == "error.index_unreadable"
    assert "أذونات" in caught.value.text("ar")


def test_a_build_leaves_nothing_open(built: Path, folder: Path, meeting: HashEmbedder) -> None:
    build_index(write(folder, {"n.txt": "New."}), built, meeting)
    assert not (built / f"{DATABASE}-wal").exists()
