"""The database: what goes in comes out, what is removed is gone, many threads read."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.arrays import Ids
from rag.errors import DiskFull, IndexBusy, IndexClosed, IndexCorrupt, IndexMismatch, IndexMissing
from rag.schema import Document, Filter, Mark, Passage, Span
from rag.storage.codec import PassageVectors
from rag.storage.connections import Connections
from rag.storage.database import Store
from rag.storage.keywords import keyword_query, keyword_terms, keywords
from tests.helpers import rewrite_manifest

TEXT = "# ميناء\nوصلت العبّارة الشركة. The ferry's captain came.\0".removesuffix("\0")
DOCUMENT = Document("ar/ملف 1.md", TEXT, "ميناء", "ar", "abc", (Mark(0, "§ ميناء"),), {"source": "أرشيف"})
UNIT = np.array([0.6, 0.8, 0.0, 0.0], dtype=np.float32)
TOKENS = b"tokens as they are packed"


def passage(id: int = 1, document: Document = DOCUMENT, start: int = 8, end: int = 29, language: str = "ar") -> Passage:
    span = Span(start, end)
    return Passage(id, document.id, span, span.of(document.text), document.title, language, "§ ميناء", (span,))


def put(store: Store, document: Document = DOCUMENT, *passages: Passage) -> None:
    passages = passages or (passage(document=document),)
    with store.transaction():
        store.put(document, passages, [PassageVectors(UNIT, UNIT[None, :], TOKENS)] * len(passages))
        store.publish("hash", "hash-4", 4, {"passage": 800, "sentence": 280}, store.generation() + 1)


def change(path: Path, statement: str) -> list[tuple[object, ...]]:
    """What another program finds, or does, in the database."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "corpus.sqlite", writable=True)
    yield opened
    opened.close()


# --- keywords -------------------------------------------------------------------------------------------------------------


def test_keywords_are_surface_forms_and_stems() -> None:
    assert keywords("The ferry's captains") == ("the ferrys captains", "the ferri captain")
    assert keywords("الشركة، شركة") == ("الشركه شركه", "شرك شرك")
    assert keywords("") == ("", "")


def test_terms_are_content_words_by_stem_and_surface() -> None:
    assert keyword_terms("What did the captains do?") == ["captain", "captains"]
    assert keyword_terms("ما الشركة؟") == ["شرك", "الشركه"]
    assert keyword_terms("What did the captains do?", stems=False) == ["captains"]
    assert keyword_terms("ما الشركة؟", stems=False) == ["الشركه"]
    assert keyword_terms("") == keyword_terms("ما هو؟") == keyword_terms("what is it?") == keyword_terms("!!!") == []


def test_a_query_is_any_of_the_terms() -> None:
    assert keyword_query(["captain", "captains"]) == '{surface stem} : ("captain" OR "captains")'
    assert keyword_query(["الشركه"], stems=False) == '{surface} : ("الشركه")'
    assert keyword_query([]) == ""


def asked(store: Store, question: str, among: Ids | None = None) -> list[int]:
    return store.search_keywords(keyword_query(keyword_terms(question)), among)[0].tolist()


SYNTAX = ['captain" OR "x', "NEAR(captain ferry)", "surface:captain*", "captain AND NOT ferry", "-captain ^x", "'captain'"]


@pytest.mark.parametrize("question", SYNTAX)
def test_nothing_a_user_types_is_query_syntax(store: Store, question: str) -> None:
    put(store, DOCUMENT, passage(start=30, end=54, language="en"))
    assert asked(store, question) == [1]


# --- what goes in comes out -----------------------------------------------------------------------------------------------


def test_a_new_database_has_no_manifest(store: Store, tmp_path: Path) -> None:
    assert store.manifest() is None
    assert store.generation() == 0
    assert store.next_passage_id() == 1
    assert (store.documents(), store.passages([1]), store.languages()) == ([], {}, {})
    assert store.passage_vectors()[1].shape == (0, 0)
    assert store.sentence_vectors([], 4) == {}
    assert store.search_keywords('"x"')[0].tolist() == []


def test_records_come_back_as_they_were(store: Store) -> None:
    put(store)
    assert store.document(DOCUMENT.id) == DOCUMENT
    assert store.document("nowhere") is None
    assert store.passages([1, 99]) == {1: passage()}
    (info,) = store.documents()
    assert (info.id, info.title, info.language, info.characters, info.passages) == (DOCUMENT.id, "ميناء", "ar", len(TEXT), 1)
    ids, vectors = store.passage_vectors()
    assert (ids.tolist(), vectors.tolist()) == ([1], [UNIT.tolist()])
    (rows,) = store.sentence_vectors([1, 99], 4).values()
    assert rows.shape == (1, 4)
    assert rows[0] == pytest.approx(UNIT, abs=0.8 / 254)  # half a step of 0.8 / 127
    manifest = store.manifest()
    assert manifest is not None
    assert (manifest.documents, manifest.passages, manifest.sentences, manifest.next_passage) == (1, 1, 1, 2)
    assert (manifest.generation, manifest.dimension, manifest.embedder, manifest.format) == (1, 4, "hash", 4)
    assert dict(manifest.chunker) == {"passage": 800, "sentence": 280}


def test_keywords_find_both_languages(store: Store) -> None:
    put(store, DOCUMENT, passage(), passage(2, start=30, end=54, language="en"))
    assert asked(store, "شركة") == [1]
    assert asked(store, "captains") == [2]
    assert asked(store, "captains", np.array([1])) == []
    assert asked(store, "captains شركة", np.array([1])) == [1]
    assert store.search_keywords('"ferri"')[1].tolist()[0] > 0
    assert asked(store, "") == []
    assert [store.passages_with(term) for term in ("captain", "captains", "شرك", "الشركه", "ar", "nothing")] == [1, 0, 1, 1, 1, 0]
    assert store.languages() == {"ar": 1, "en": 1}
    assert store.passage_ids().tolist() == [1, 2]
    assert store.ids_in("en").tolist() == store.passage_ids(Filter(languages=("en",))).tolist() == [2]
    assert store.passage_ids(Filter((DOCUMENT.id,))).tolist() == [1, 2]
    assert store.passage_ids(Filter(())).tolist() == store.passage_ids(Filter(("nowhere",))).tolist() == []


def test_more_ids_than_sqlite_takes_parameters(store: Store) -> None:
    put(store)
    assert list(store.passages(range(1, 5000))) == [1]
    assert store.passage_ids(Filter((*(f"d{n}" for n in range(3000)), DOCUMENT.id))).tolist() == [1]


def test_numpy_ids_are_ids(store: Store) -> None:
    put(store)
    assert list(store.passages(np.array([1, 2]))) == [1]  # type: ignore[arg-type]


# --- removing -------------------------------------------------------------------------------------------------------------


def test_what_is_removed_is_gone_everywhere(store: Store) -> None:
    put(store)
    with store.transaction():
        assert store.delete(DOCUMENT.id) == [1]
        assert store.delete("nowhere") == []
    assert store.document(DOCUMENT.id) is None
    assert asked(store, "شركة") == []
    for table in ("documents", "facts", "passages", "vectors", "keywords_docsize"):
        assert change(store.path, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert store.next_passage_id() == 2  # an id is never given twice


def test_clearing_removes_everything_but_goes_on_counting(store: Store) -> None:
    put(store)
    with store.transaction():
        store.clear()
    assert (store.documents(), asked(store, "شركة"), store.languages()) == ([], [], {})
    assert store.next_passage_id() == 2


def test_a_transaction_that_raises_is_undone(store: Store) -> None:
    put(store)

    def fail_half_way() -> None:
        with store.transaction():
            store.delete(DOCUMENT.id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert store.document(DOCUMENT.id) == DOCUMENT
    assert asked(store, "شركة") == [1]


# --- opening --------------------------------------------------------------------------------------------------------------


def test_opening_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing) as caught:
        Store(tmp_path / "corpus.sqlite")
    assert f"shawahid build FOLDER --index {tmp_path}" in str(caught.value)
    (tmp_path / "corpus.sqlite").touch()  # a build that was killed at its first instant
    with pytest.raises(IndexMissing):
        Store(tmp_path / "corpus.sqlite")


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4000, b"SQLite format 3\0"])
@pytest.mark.parametrize("writable", [False, True])
def test_opening_what_is_no_database(tmp_path: Path, content: bytes, writable: bool) -> None:
    path = tmp_path / "corpus.sqlite"
    path.write_bytes(content)
    with pytest.raises((IndexCorrupt, IndexMissing)) as caught:
        Store(path, writable=writable)
    assert "build" in str(caught.value)
    assert path.read_bytes() == content


def test_another_format_is_refused_in_words(store: Store, tmp_path: Path) -> None:
    put(store)
    rewrite_manifest(tmp_path, format="99")
    with pytest.raises(IndexMismatch) as caught:
        Store(tmp_path / "corpus.sqlite")
    assert "is in the format 99; this version reads 4" in str(caught.value)
    assert "--rebuild" in caught.value.text("ar")


@pytest.mark.parametrize("key", ["fingerprint", "crc", "languages"])
def test_a_manifest_with_holes_is_damage(store: Store, key: str) -> None:
    put(store)
    change(store.path, f"DELETE FROM manifest WHERE key = '{key}'")
    with pytest.raises(IndexCorrupt) as caught:
        store.manifest()
    assert "its check value differs" in str(caught.value)
    if key != "crc":
        with pytest.raises(IndexCorrupt) as caught, store.unchecked():
            store.manifest()
        assert key in str(caught.value)


@pytest.mark.parametrize(
    "damage", ["DELETE FROM manifest WHERE", "UPDATE manifest SET value = '6' WHERE", "UPDATE manifest SET key = 'f' WHERE"]
)
def test_a_damaged_format_is_not_another_one(store: Store, damage: str) -> None:
    put(store)
    change(store.path, f"{damage} key = 'format'")
    with pytest.raises(IndexCorrupt):
        Store(store.path)


def test_rows_that_contradict_themselves_are_damage(store: Store) -> None:
    put(store)
    change(store.path, "UPDATE passages SET start = 99")
    with pytest.raises(IndexCorrupt):
        store.passages([1])
    with pytest.raises(IndexCorrupt), store.unchecked():
        store.passages([1])
    with pytest.raises(IndexCorrupt) as caught:
        store.existing_passages([1, 2])
    assert caught.value.key == "error.index_damaged"


def test_a_reader_can_not_write(store: Store, tmp_path: Path) -> None:
    put(store)
    reader = Store(tmp_path / "corpus.sqlite")
    with pytest.raises(DiskFull), reader.transaction():
        reader.delete(DOCUMENT.id)
    reader.close()
    assert store.document(DOCUMENT.id) == DOCUMENT


def test_two_writers_of_one_database_do_not_wait_for_ever(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "corpus.sqlite", writable=True)
    other.connection().execute("PRAGMA busy_timeout = 50")
    with store.transaction(), pytest.raises(IndexBusy), other.transaction():
        pass
    other.close()


# --- many readers ---------------------------------------------------------------------------------------------------------


def test_a_snapshot_stays_at_its_generation(store: Store, tmp_path: Path) -> None:
    put(store)
    reader = Store(tmp_path / "corpus.sqlite")
    with reader.snapshot():
        assert reader.generation() == 1
        put(store, Document("b", "نص آخر هنا ونص", "", "ar", "d"), Passage(2, "b", Span(0, 3), "نص ", "", "ar", "", (Span(0, 2),)))
        assert reader.generation() == 1
        assert list(reader.passages([1, 2])) == [1]
    assert reader.generation() == 2
    assert list(reader.passages([1, 2])) == [1, 2]
    reader.close()


def test_many_threads_read_at_once(store: Store, tmp_path: Path) -> None:
    put(store)
    reader = Store(tmp_path / "corpus.sqlite")
    found: list[bool] = []

    def read() -> None:
        for _ in range(20):
            found.append(reader.passages([1]) == {1: passage()} and reader.document(DOCUMENT.id) == DOCUMENT)

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader.close()
    assert found == [True] * 320


def test_connections_of_ended_threads_are_closed(store: Store, tmp_path: Path) -> None:
    """A server that starts a thread for every request would else run out of files."""
    put(store)
    reader = Store(tmp_path / "corpus.sqlite")
    for _ in range(100):
        thread = threading.Thread(target=reader.generation)
        thread.start()
        thread.join()
    assert len(reader._opened) <= 2
    assert reader.generation() == 1
    reader.close()
    gc.collect()


def test_a_closed_store_can_be_closed_again(store: Store) -> None:
    store.close()
    store.close()


def test_an_index_closed_while_a_thread_reads_lets_it_read_to_the_end(tmp_path: Path) -> None:
    connections = Connections(tmp_path / "a.sqlite", writable=True)
    with connections.transaction():
        connections.connection().execute("CREATE TABLE numbers (n INTEGER)")
        connections.connection().executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in range(1000)])
    begun, closed = threading.Event(), threading.Event()
    found: list[object] = []

    def read() -> None:
        with connections.snapshot():
            cursor = connections.connection().execute("SELECT n FROM numbers ORDER BY n")
            found.append(cursor.fetchone()[0])
            begun.set()
            assert closed.wait(10)
            found.append(sum(row[0] for row in cursor))
        try:
            connections.connection()
        except IndexClosed as error:
            found.append(type(error))

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(10)
    connections.close()
    closed.set()
    reader.join(10)
    assert found == [0, 999 * 500, IndexClosed]


def test_threads_that_read_while_an_index_is_closed_end_with_a_sentence(tmp_path: Path) -> None:
    for round in range(40):  # at one moment of a thousand a connection was closed in the middle of its COMMIT, which ended the process
        connections = Connections(tmp_path / f"{round}.sqlite", writable=True)
        with connections.transaction():
            connections.connection().execute("CREATE TABLE numbers (n INTEGER)")
        ends: list[type[BaseException]] = []
        readers = [threading.Thread(target=_read_on, args=(connections, ends)) for _ in range(4)]
        for reader in readers:
            reader.start()
        time.sleep(0.01)
        connections.close()
        for reader in readers:
            reader.join(10)
        assert ends == [IndexClosed] * 4


def _read_on(connections: Connections, ends: list[type[BaseException]]) -> None:
    try:
        while True:
            with connections.snapshot():
                connections.connection().execute("SELECT count(*) FROM numbers").fetchone()
    except BaseException as error:
        ends.append(type(error))
