"""A bit flipped in the database: the answer is as before, or an error that says how to mend it, never another quotation."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from rag.errors import DiskFailed, DiskFull, IndexBusy, IndexClosed, IndexCorrupt, InvalidRecord, ShawahidError
from rag.retrieval.index import Index
from rag.schema import Document, Passage
from rag.storage.build import add_documents, build_index
from rag.storage.database import DATABASE, Store
from rag.storage.generations import dense_path
from rag.storage.repair import repair_index
from rag.storage.sql_schema import DocumentInfo
from rag.storage.sqlite_errors import index_error, sqlite_errors
from rag.testing import TokenHashEmbedder
from tests.helpers import CORPUS, LEXICON, write

EMBEDDER = TokenHashEmbedder(64, lexicon=LEXICON)
QUESTIONS = ("Who was the captain of the ferry Albatros?", "كم راكبًا نقلت العبّارة؟", "What did the library cost?")
FLIPS = 250
LATER = Document(
    "later.txt", "It was added later: 17 lamps. أضيف لاحقًا 17 مصباحًا.", "Lamps", "en", "l", (), {"date": "2020", "author": "Lee"}
)


class Truth:
    """What the sound index holds."""

    def __init__(self, index: Index) -> None:
        self.passages: dict[int, Passage] = {passage.id: passage for passage in index.all_passages()}
        self.infos: dict[str, DocumentInfo] = {info.id: info for info in index.documents()}
        self.documents: dict[str, Document | None] = {id: index.document(id) for id in self.infos}

    def is_told_by(self, out: Path) -> None:
        """Ask a damaged index, and compare everything that it says."""
        with Index.open(out, EMBEDDER) as index:
            for question in QUESTIONS:
                hits = index.search(question, 6)
                for hit in hits:
                    assert hit.passage == self.passages[hit.passage.id]
                for item in index.evidence(question, hits):
                    assert item.passage == self.passages[item.passage.id]
                    assert item.text == item.passage.quote(item.span)
                    assert -1.01 <= item.score <= 1.01
                found = sorted({hit.passage.document_id for hit in hits})
                assert index.infos(found) == {id: self.infos[id] for id in found}
                assert [index.document(id) for id in found] == [self.documents[id] for id in found]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with vectors in the file and vectors in the database only, and nothing in the log."""
    folder = tmp_path_factory.mktemp("damage")
    build_index(write(folder / "documents", CORPUS), folder / "index", EMBEDDER)
    add_documents(folder / "index", [LATER], EMBEDDER)
    return folder / "index"


@pytest.fixture(scope="module")
def truth(sound: Path) -> Truth:
    with Index.open(sound, EMBEDDER) as index:
        return Truth(index)


@pytest.fixture
def damaged(sound: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "damaged"))


def flip(path: Path, at: int, bit: int, content: bytes) -> None:
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    path.write_bytes(changed)


def test_the_sound_index_tells_the_truth(sound: Path, truth: Truth) -> None:
    truth.is_told_by(sound)
    assert len(truth.passages) > len(CORPUS)


def test_one_flipped_bit_of_the_database_never_changes_what_is_said(damaged: Path, truth: Truth) -> None:
    """At many places, most of them where something is kept."""
    random, path = Random(12), damaged / DATABASE
    content = path.read_bytes()
    used = [at for at, byte in enumerate(content) if byte]
    said = list[str]()
    for trial in range(FLIPS):
        flip(path, random.choice(used) if trial % 10 else random.randrange(len(content)), random.randrange(8), content)
        try:
            truth.is_told_by(damaged)
        except IndexCorrupt as error:
            said += [error.text("en"), error.text("ar")]
    assert len(said) > 2 * FLIPS / 3
    assert [text for text in said if "shawahid repair" not in text] == []


def test_one_flipped_bit_of_the_vectors_never_changes_what_is_said(damaged: Path, truth: Truth) -> None:
    random, path = Random(13), dense_path(damaged, 1)
    content = path.read_bytes()
    for _ in range(FLIPS // 5):
        flip(path, random.randrange(len(content)), random.randrange(8), content)
        with contextlib.suppress(IndexCorrupt):
            truth.is_told_by(damaged)


@pytest.mark.parametrize("number", ["212 passengers", "212 راكب", "17 lamps", "4 million", "خمسين ألف"])
def test_a_wrong_number_is_never_quoted(damaged: Path, truth: Truth, number: str) -> None:
    """Every bit of a number, wherever it stands in the file."""
    path, sought = damaged / DATABASE, number.encode()
    content = path.read_bytes()
    places = [at for at in range(len(content)) if content.startswith(sought, at)]
    assert len(places) >= 2  # in the document and in the passage
    refused = 0
    for at in places:
        for bit in range(8):
            flip(path, at, bit, content)
            try:
                truth.is_told_by(damaged)
            except IndexCorrupt:
                refused += 1
    assert refused == 8 * len(places)


COLUMNS = {
    "documents": ["title", "language", "sha256", "added", "characters", "passages", "collection", "first_day", "metadata", "crc"],
    "content": ["marks", "blocks", "text", "content_crc"],
    "passages": ["start", "end", "language", "locator", "path", "lead", "context", "sentences", "text", "crc"],
    "vectors": ["sentences_crc", "tokens_crc", "sentences", "tokens"],
}


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, columns in COLUMNS.items() for column in columns])
def test_every_column_that_an_answer_is_made_of_is_checked(damaged: Path, truth: Truth, table: str, column: str) -> None:
    db = sqlite3.connect(damaged / DATABASE, isolation_level=None)
    other = {"integer": f"{column} + 1", "text": f"{column} || 'x'", "blob": f"zeroblob(length({column}))", "null": "'2021-01-01'"}
    of = "documents" if table == "content" else table
    for kind, value in other.items():
        db.execute(f"UPDATE {of} SET {column} = {value} WHERE typeof({column}) = '{kind}'")
    db.close()
    with pytest.raises(IndexCorrupt) as caught:
        truth.is_told_by(damaged)
    assert re.search("its check value differs|0 passages in (ar|en) instead of", str(caught.value))
    assert repair_index(damaged, EMBEDDER).left == ()


def test_a_number_that_became_a_text_is_damage(damaged: Path, truth: Truth) -> None:
    """To SQLite 5 and '5' differ by the type of the value, which is a few bits of the row."""
    db = sqlite3.connect(damaged / DATABASE, isolation_level=None)
    db.execute("UPDATE passages SET locator = CAST(locator AS BLOB)")
    db.close()
    with pytest.raises(IndexCorrupt):
        truth.is_told_by(damaged)


def test_an_id_below_one_is_damage(damaged: Path, truth: Truth) -> None:
    db = sqlite3.connect(damaged / DATABASE, isolation_level=None)
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("UPDATE passages SET id = -id WHERE id = 1")
    db.close()
    with pytest.raises(IndexCorrupt, match="instead of"):
        truth.is_told_by(damaged)
    store = Store(damaged / DATABASE)
    with pytest.raises(IndexCorrupt, match="no passage has the id -1"):
        store.passage_ids()
    store.close()


def test_page_layouts_are_checked(damaged: Path) -> None:
    db = sqlite3.connect(damaged / DATABASE, isolation_level=None)
    db.execute("UPDATE documents SET pages = x'00'")
    db.close()
    store = Store(damaged / DATABASE)
    with pytest.raises(IndexCorrupt, match="its check value differs"):
        store.page_layouts(LATER.id)
    assert store.page_layouts("nowhere") == ()
    store.close()


# --- SQLite's codes -------------------------------------------------------------------------------------------------------


def failed(
    code: int | None, kind: type[sqlite3.Error] = sqlite3.OperationalError, message: str = "database is full of locked rows"
) -> sqlite3.Error:
    """An error of SQLite whose words say something else than its code."""
    error = kind(message)
    if code is not None:
        error.sqlite_errorcode = code
        error.sqlite_errorname = "SQLITE_SOMETHING"
    return error


@pytest.mark.parametrize(
    ("code", "expected", "key"),
    [
        (sqlite3.SQLITE_FULL, DiskFull, "error.disk_full"),
        (sqlite3.SQLITE_IOERR, DiskFailed, "error.disk_failed"),
        (sqlite3.SQLITE_IOERR_READ, DiskFailed, "error.disk_failed"),
        (sqlite3.SQLITE_IOERR_WRITE, DiskFailed, "error.disk_failed"),
        (sqlite3.SQLITE_IOERR_SHORT_READ, IndexCorrupt, "error.index_damaged"),
        (sqlite3.SQLITE_IOERR_CORRUPTFS, IndexCorrupt, "error.index_damaged"),
        (sqlite3.SQLITE_BUSY, IndexBusy, "error.index_busy"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, IndexBusy, "error.index_busy"),
        (sqlite3.SQLITE_LOCKED, IndexBusy, "error.index_busy"),
        (sqlite3.SQLITE_READONLY, DiskFull, "error.folder_unwritable"),
        (sqlite3.SQLITE_READONLY_DBMOVED, DiskFull, "error.folder_unwritable"),
        (sqlite3.SQLITE_CANTOPEN, DiskFailed, "error.index_unreadable"),
        (sqlite3.SQLITE_PERM, DiskFailed, "error.index_unreadable"),
        (sqlite3.SQLITE_CORRUPT, IndexCorrupt, "error.index_damaged"),
        (sqlite3.SQLITE_CORRUPT_VTAB, IndexCorrupt, "error.index_damaged"),
        (sqlite3.SQLITE_NOTADB, IndexCorrupt, "error.index_damaged"),
        (sqlite3.SQLITE_ERROR, IndexCorrupt, "error.index_damaged"),
        (sqlite3.SQLITE_CONSTRAINT, IndexCorrupt, "error.index_damaged"),
        (sqlite3.SQLITE_MISUSE, IndexClosed, "error.index_closed"),
        (None, IndexCorrupt, "error.index_damaged"),
    ],
)
def test_errors_are_told_apart_by_code(tmp_path: Path, code: int | None, expected: type[ShawahidError], key: str) -> None:
    found = index_error(failed(code), tmp_path / DATABASE)
    assert (type(found), found.key) == (expected, key)
    assert str(tmp_path) in found.text("ar")


def test_a_disk_without_room_is_full_whichever_write_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.storage.sqlite_errors.has_room", lambda folder: False)
    assert index_error(failed(sqlite3.SQLITE_IOERR_SHMSIZE), tmp_path / DATABASE).key == "error.disk_full"
    assert index_error(failed(sqlite3.SQLITE_IOERR_READ), tmp_path / DATABASE).key == "error.disk_failed"


def test_a_failing_disk_is_not_said_to_be_full(tmp_path: Path) -> None:
    found = index_error(failed(sqlite3.SQLITE_IOERR_READ, message="disk I/O error"), tmp_path / DATABASE)
    assert "reports an error (disk I/O error, SQLITE_SOMETHING)" in found.text("en")
    assert "عن عطل" in found.text("ar")
    assert "room" not in str(found)
    assert found.exit_code == 8


def test_errors_of_pythons_module_and_of_records(tmp_path: Path) -> None:
    with pytest.raises(IndexClosed), sqlite_errors(tmp_path / DATABASE):
        raise failed(None, sqlite3.ProgrammingError)
    with pytest.raises(IndexCorrupt), sqlite_errors(tmp_path / DATABASE):
        raise InvalidRecord("record.span", start=2, end=1)
    with pytest.raises(IndexCorrupt), sqlite_errors(tmp_path / DATABASE):
        b"\xce".decode()
    with pytest.raises(ZeroDivisionError), sqlite_errors(tmp_path / DATABASE):
        raise ZeroDivisionError


@pytest.fixture
def store(damaged: Path) -> Iterator[Store]:
    opened = Store(damaged / DATABASE)
    yield opened
    opened.close()


def test_unchecked_rows_are_read_as_they_are(store: Store, damaged: Path) -> None:
    db = sqlite3.connect(damaged / DATABASE, isolation_level=None)
    db.execute("UPDATE documents SET title = 'x'")
    db.close()
    with store.unchecked():
        assert {info.title for info in store.documents()} == {"x"}
    with pytest.raises(IndexCorrupt):
        store.documents()
