"""A flipped bit anywhere is named, and what is derived from something whole is made anew."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from random import Random

import pytest

from rag.errors import IndexCorrupt, IndexMismatch, IndexMissing
from rag.retrieval.index import Index
from rag.schema import Document
from rag.storage.build import add_documents, build_index, remove_documents
from rag.storage.database import DATABASE, Store
from rag.storage.generations import dense_path
from rag.storage.repair import repair_index
from rag.storage.verify import faults
from rag.testing import HashEmbedder
from tests.helpers import embedder, write

TEXT = "The agent Quibbleforth met Zanzabarine at noon. التقى قَرنفوشي بالعميل ظهرًا."
TRACES = [text.encode() for text in ("Quibbleforth", "quibbleforth", "Zanzabarin", "zanzabarin", "قَرنفوشي", "قرنفوشي")]


def keys(out: Path, meeting: HashEmbedder) -> list[str]:
    """What verify finds."""
    with Index.open(out, meeting) as index:
        return [fault.key for fault in index.verify()]


def found_in(out: Path) -> list[str]:
    """What is wrong with an index that may not even open."""
    store = Store(out / DATABASE)
    try:
        return [fault.key for fault in faults(out, store)]
    finally:
        store.close()


def change(out: Path, statement: str) -> None:
    db = sqlite3.connect(out / "corpus.sqlite", isolation_level=None)
    db.execute(statement)
    db.close()


def test_nothing_is_left_of_a_removed_document_in_any_file(built: Path, meeting: HashEmbedder, folder: Path) -> None:
    """Once it was in the file of vectors, once only in the database; a reader is open all the while."""
    with Index.open(built, meeting) as index:
        for rebuilt in (False, True):
            if rebuilt:
                build_index(write(folder, {"secret.txt": TEXT}), built, meeting, rebuild=True)
            else:
                add_documents(built, [Document("secret.txt", TEXT, "", "en", "s")], meeting)
            (hit, *_) = index.search("Quibbleforth")
            vector = meeting.embed_passages([TEXT])[0].tobytes()
            files = [path for path in built.iterdir() if path.is_file()]
            assert any(vector in path.read_bytes() for path in files)
            report = remove_documents(built, ["secret.txt"])
            assert (report.removed, report.documents) == (1, 4)
            assert hit.passage.id not in {other.passage.id for other in index.search("Quibbleforth")}
            assert index.verify() == []
            for path in built.iterdir():
                content = path.read_bytes()
                assert [trace for trace in [*TRACES, vector] if trace in content] == [], path.name


@pytest.mark.parametrize(
    ("damage", "found", "lost"),
    [
        ("UPDATE documents SET text = 'x' || text WHERE id = 'en/ferry.txt'", "damage.document", ("en/ferry.txt",)),
        ("UPDATE documents SET metadata = '{\"author\": \"x\"}' WHERE id = 'ar/زيتون.md'", "damage.document", ("ar/زيتون.md",)),
        ("UPDATE documents SET title = 'x' WHERE id = 'en/ferry.txt'", "damage.document", ("en/ferry.txt",)),
        ("UPDATE documents SET collection = 'x'", "damage.derived", ()),
        ("UPDATE documents SET characters = 'x'", "damage.derived", ()),
        ("INSERT INTO facts VALUES ('author', 'x', 'en/ferry.txt')", "damage.derived", ()),
        ("UPDATE passages SET text = upper(text) WHERE document_id = 'en/ferry.txt'", "damage.passage", ()),
        ("UPDATE passages SET sentences = '[[0, 9999]]' WHERE id = 1", "damage.passage", ()),
        ("UPDATE passages SET sentences = 'x' WHERE id = 1", "damage.passage", ()),
        ("UPDATE passages SET text = CAST(text AS BLOB) WHERE id = 1", "damage.passage", ()),
        ("UPDATE passages SET crc = crc + 1 WHERE id = 1", "damage.passage", ()),
        ("UPDATE vectors SET passage = x'00' WHERE passage_id = 1", "damage.passage", ()),
        ("UPDATE vectors SET tokens_crc = tokens_crc + 1 WHERE passage_id = 1", "damage.passage", ()),
        ("UPDATE vectors SET sentences = zeroblob(length(sentences))", "damage.passage", ()),
        ("DELETE FROM vectors WHERE passage_id = 2", "damage.passage", ()),
        ("INSERT INTO keywords (rowid, language, surface, stem) VALUES (77, 'ar', 'x', 'x')", "damage.stray_keywords", ()),
        ("INSERT INTO keywords (keywords) VALUES ('delete-all')", "damage.no_keywords", ()),
        ("UPDATE manifest SET value = '7' WHERE key = 'passages'", "damage.count", ()),
        ("UPDATE manifest SET value = 'x' WHERE key = 'published'", "damage.manifest", ()),
    ],
)
def test_damage_is_named_and_mended(built: Path, meeting: HashEmbedder, damage: str, found: str, lost: tuple[str, ...]) -> None:
    change(built, damage)
    assert found in found_in(built)
    if damage.startswith("UPDATE manifest"):
        with pytest.raises(IndexCorrupt, match="shawahid repair"):
            Index.open(built, meeting)
    report = repair_index(built, meeting)
    assert found in [fault.key for fault in report.found]
    assert (report.lost, [str(fault) for fault in report.left]) == (lost, [])
    with Index.open(built, meeting) as index:
        assert index.verify() == []
        assert len(index.documents()) == 4 - len(lost)
        if not lost:
            assert index.search("Who was the captain of the ferry Albatros?")[0].passage.document_id == "en/ferry.txt"


def test_repair_of_a_whole_index_does_nothing(built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    report = repair_index(built, meeting)
    assert (report.found, report.generation) == ((), 1)
    with pytest.raises(IndexMissing):
        repair_index(tmp_path / "nowhere", meeting)
    with pytest.raises(IndexMismatch):
        repair_index(built, HashEmbedder(32, name="other"))


def test_a_lost_file_of_vectors_is_made_anew(built: Path, meeting: HashEmbedder) -> None:
    dense_path(built, 1).unlink()
    meeting.embedded.clear()
    assert repair_index(built, meeting).left == ()
    assert meeting.embedded == []
    assert keys(built, meeting) == []


def test_flipped_bits_are_named_or_harmless(built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    """One bit of each file flipped at 60 places: verify names it, or it lies where nothing is kept and everything reads the same."""
    add_documents(built, [Document("later.txt", "It was added later. أضيفت لاحقًا.", "", "en", "l")], meeting)
    remove_documents(built, ["en/library.md"])

    def read(out: Path) -> object:
        with Index.open(out, embedder()) as index:
            hits = index.search("captain of the ferry", 9), index.search("قطف الزيتون", 9)
            return hits, [index.document(info.id) for info in index.documents()]

    whole = read(built)
    random, named, said = Random(2), 0, list[str]()
    for name in ("corpus.sqlite", "dense.1.faiss"):
        content = (built / name).read_bytes()
        for trial in range(30):
            out = tmp_path / f"{name}{trial}"
            shutil.copytree(built, out)
            damaged = bytearray(content)
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
            (out / name).write_bytes(damaged)
            try:
                faults = keys(out, embedder())
            except (IndexCorrupt, IndexMissing, IndexMismatch) as error:
                faults = [error.key]
                said.append(str(error))
            named += bool(faults)
            if not faults:
                assert read(out) == whole, (name, trial)
            shutil.rmtree(out)
    assert [message for message in said if "build" not in message and "shawahid" not in message] == []
    assert named >= 25  # more than half of a small database is room for more
