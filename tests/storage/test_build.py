"""Building: only what changed is embedded, what is removed is gone, and no trouble costs what was there before."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from rag.documents.chunker import Chunker
from rag.documents.load import Loader, read_documents
from rag.errors import DiskFailed, DiskFull, DocumentError, IndexBusy, IndexCorrupt, IndexMismatch, NothingToIndex, ShawahidError
from rag.files import writing
from rag.retrieval.index import Index
from rag.schema import Document
from rag.storage.build import BuildReport, add_documents, build_index, remove_documents, update_documents
from rag.storage.flat_index import FlatIndex
from rag.storage.generations import dense_path
from rag.testing import HashEmbedder
from tests.helpers import CORPUS, ROOT, Failing, embedder, long_text, rewrite_manifest, write


def answers(out: Path, question: str = "Who was the captain of the ferry Albatros?") -> str:
    """The document that an index gives first; the index is whole."""
    with Index.open(out, embedder()) as index:
        assert index.verify() == []
        return index.search(question)[0].passage.document_id


def counts(report: BuildReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.removed, report.unchanged


def keyword_rows(out: Path) -> int:
    db = sqlite3.connect(out / "corpus.sqlite")
    try:
        return int(db.execute("SELECT count(*) FROM keywords_docsize").fetchone()[0])
    finally:
        db.close()


# --- what is built --------------------------------------------------------------------------------------------------------


def test_a_first_build(folder: Path, tmp_path: Path, meeting: HashEmbedder) -> None:
    steps: list[tuple[str, int, int]] = []
    report = build_index(folder, tmp_path / "index", meeting, progress=lambda *step: steps.append(step))
    assert counts(report) == (4, 0, 0, 0)
    assert (report.passages, report.sentences, report.generation, report.skipped) == (6, 10, 1, ())
    assert len(meeting.embedded) == 2 + 10  # each sentence, and each passage that is more than one
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [".lock", "corpus.sqlite", "dense.1.faiss"]
    assert [step for step in steps if step[0] == "load"] == [("load", n, 0) for n in (1, 2, 3, 4)]
    assert ("embed", 4, 16) in steps
    assert ("embed", 16, 16) in steps
    assert steps[-1] == ("store", 4, 4)
    assert answers(tmp_path / "index") == "en/ferry.txt"


def test_one_document_of_one_word(tmp_path: Path, meeting: HashEmbedder) -> None:
    report = build_index(write(tmp_path / "d", {"كلمة.txt": "كلمة"}), tmp_path / "i", meeting)
    assert (report.added, report.passages, report.sentences) == (1, 1, 1)
    assert answers(tmp_path / "i", "كلمة") == "كلمة.txt"


def test_paths_may_be_strings_with_arabic_and_spaces(tmp_path: Path, meeting: HashEmbedder) -> None:
    folder = write(tmp_path / "وثائق العمل", CORPUS)
    out = tmp_path / "فهرس جديد" / "أول"
    assert build_index(str(folder), str(out), meeting).added == 4
    assert answers(out) == "en/ferry.txt"


def test_nothing_changed_means_nothing_done(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    for path in folder.rglob("*.txt"):
        os.utime(path, (1_700_000_000, 1_700_000_000))  # that of a new file is kept once it has settled, which may be just then
    build_index(folder, built, meeting)
    meeting.embedded.clear()
    before = (built / "corpus.sqlite").read_bytes()
    report = build_index(folder, built, meeting)
    assert counts(report) == (0, 0, 0, 4)
    assert (report.generation, meeting.embedded) == (1, [])
    assert (built / "corpus.sqlite").read_bytes() == before


def test_only_changed_documents_are_embedded_again(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    meeting.embedded.clear()
    write(folder, {"en/ferry.txt": "The ferry Albatros was sold. Its captain is now Mary Hill.", "ar/جديد.txt": "افتُتح متحف البحر."})
    report = build_index(folder, built, meeting)
    assert counts(report) == (1, 1, 0, 3)
    assert set(meeting.embedded) == {
        "The ferry Albatros was sold. Its captain is now Mary Hill.",
        "The ferry Albatros was sold.",
        "Its captain is now Mary Hill.",
        "افتُتح متحف البحر.",
    }
    with Index.open(built, meeting) as index:
        assert index.verify() == []
        assert index.manifest().documents == 5
        texts = [hit.passage.text for hit in index.search("captain John Reed", 20)]
        assert not any("John Reed" in text for text in texts)
    assert keyword_rows(built) == report.passages == 7


def test_touching_a_file_is_no_change(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    meeting.embedded.clear()
    os.utime(folder / "en/ferry.txt")
    assert counts(build_index(folder, built, meeting)) == (0, 0, 0, 4)
    assert meeting.embedded == []


def test_a_removed_document_is_gone(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    (folder / "en/library.md").unlink()
    meeting.embedded.clear()
    report = build_index(folder, built, meeting)
    assert (counts(report), meeting.embedded) == ((0, 0, 1, 3), [])
    with Index.open(built, meeting) as index:
        assert index.verify() == []
        assert index.document("en/library.md") is None
        assert "en/library.md" not in [hit.passage.document_id for hit in index.search("library dirhams", 50)]
        assert index.search("library dirhams cost", legs={"keyword"}) == []
    assert keyword_rows(built) == 4
    dense = FlatIndex.load(dense_path(built, 1))  # the file of vectors is the same, without what was in it of passages 5 and 6
    assert dense.ids().tolist() == [1, 2, 3, 4, 5, 6]
    assert [bool(vector.any()) for vector in dense.vectors(dense.ids())] == [True] * 4 + [False] * 2


def test_a_renamed_document_is_found_under_its_new_name(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    (folder / "en/ferry.txt").rename(folder / "عبّارة.txt")
    assert counts(build_index(folder, built, meeting)) == (1, 0, 1, 3)
    assert answers(built) == "عبّارة.txt"
    with Index.open(built, meeting) as index:
        assert [info.id for info in index.documents()] == ["ar/زيتون.md", "ar/ميناء الواحة.txt", "en/library.md", "عبّارة.txt"]


def test_ids_are_never_given_twice(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    write(folder, {"en/library.md": "# The library\n\nIt closed.\n"})
    build_index(folder, built, meeting)
    with Index.open(built, meeting) as index:
        assert [passage.id for passage in index.all_passages()] == [1, 2, 3, 4, 7]


def test_a_document_that_can_not_be_read_now_keeps_its_old_content(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    (folder / "en/ferry.txt").write_bytes(b"\0\1\2\3" * 100)
    report = build_index(folder, built, meeting)
    assert [item.id for item in report.skipped] == ["en/ferry.txt"]
    assert counts(report) == (0, 0, 0, 3)
    assert answers(built) == "en/ferry.txt"


def test_bad_files_are_reported_and_the_rest_is_built(tmp_path: Path, meeting: HashEmbedder) -> None:
    folder = write(tmp_path / "d", {**CORPUS, "broken.txt": b"\0" * 50, "empty.md": b"", "notes.bin": b"PK"})
    with (folder / "huge.txt").open("wb") as file:
        file.truncate(50 * 2**20)
    report = build_index(folder, tmp_path / "i", meeting)
    assert counts(report) == (4, 0, 0, 0)
    assert {item.id: item.error.key for item in report.skipped} == {
        "broken.txt": "error.not_text",
        "empty.md": "error.empty_file",
        "huge.txt": "error.too_large",
        "notes.bin": "error.unknown_kind",
    }


def test_equal_texts_are_embedded_once(tmp_path: Path, meeting: HashEmbedder) -> None:
    build_index(write(tmp_path / "d", {"a.txt": "One same text.", "b.txt": "One same text."}), tmp_path / "i", meeting)
    assert meeting.embedded == ["One same text."]


# --- nothing to build -----------------------------------------------------------------------------------------------------


def test_a_missing_folder(built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    with pytest.raises(NothingToIndex) as caught:
        build_index(tmp_path / "لا شيء", built, meeting)
    assert "لا شيء" in str(caught.value)
    assert answers(built) == "en/ferry.txt"


def test_an_empty_folder_and_one_with_only_bad_files(built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    with pytest.raises(NothingToIndex) as caught:
        build_index(write(tmp_path / "bad", {"a.txt": b"\0" * 9, "b.txt": b""}), built, meeting)
    assert "a.txt is not a text file" in str(caught.value)
    assert "b.txt has no text" in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToIndex):
        build_index(tmp_path / "empty", tmp_path / "new", meeting)
    assert not (tmp_path / "new").exists()
    assert answers(built) == "en/ferry.txt"  # an index is not emptied by a folder that was not mounted


# --- refusals -------------------------------------------------------------------------------------------------------------


def test_another_embedder_is_refused_unless_the_index_is_made_anew(folder: Path, built: Path) -> None:
    other = HashEmbedder(32, name="other")
    with pytest.raises(IndexMismatch) as caught:
        build_index(folder, built, other)
    assert caught.value.key == "error.index_embedder"
    assert "--rebuild" in str(caught.value)
    assert answers(built) == "en/ferry.txt"
    report = build_index(folder, built, other, rebuild=True)
    assert (report.generation, report.added) == (2, 4)
    with Index.open(built, other) as index:
        assert index.verify() == []
        assert index.manifest().dimension == 32


def test_another_chunker_is_refused_unless_the_index_is_made_anew(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    with pytest.raises(IndexMismatch) as caught:
        build_index(folder, built, meeting, Chunker(passage=100, sentence=60))
    assert caught.value.key == "error.index_chunker"
    report = build_index(folder, built, meeting, Chunker(passage=100, sentence=60), rebuild=True)
    assert report.generation == 2
    with Index.open(built, meeting) as index:
        assert dict(index.manifest().chunker) == {"passage": 100, "sentence": 60}


def test_another_analysis_is_refused(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    rewrite_manifest(built, analysis="older")
    with pytest.raises(IndexMismatch):
        build_index(folder, built, meeting)
    build_index(folder, built, meeting, rebuild=True)
    assert answers(built) == "en/ferry.txt"


def test_another_format_is_refused_and_made_anew(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    rewrite_manifest(built, format="99")
    with pytest.raises(IndexMismatch) as caught:
        build_index(folder, built, meeting)
    assert caught.value.key == "error.index_format"
    build_index(folder, built, meeting, rebuild=True)
    assert answers(built) == "en/ferry.txt"


def test_an_index_of_other_tables_is_older_not_damaged(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    """As one of a version under development, whose format has the same number."""
    db = sqlite3.connect(built / "corpus.sqlite", isolation_level=None)
    db.execute("ALTER TABLE documents DROP COLUMN content_crc")
    db.close()
    for use in (lambda: Index.open(built, meeting), lambda: build_index(folder, built, meeting)):
        with pytest.raises(IndexMismatch) as caught:
            use()
        assert caught.value.key == "error.index_columns"
        assert "--rebuild" in caught.value.text("en")
        assert "--rebuild" in caught.value.text("ar")
    build_index(folder, built, meeting, rebuild=True)
    assert answers(built) == "en/ferry.txt"


# --- damage ---------------------------------------------------------------------------------------------------------------


def flip_manifest(out: Path) -> None:
    with sqlite3.connect(out / "corpus.sqlite") as db:
        db.execute("UPDATE manifest SET value = 'hasi-256' WHERE key = 'fingerprint'")
    db.close()


def cut_database(out: Path) -> None:
    path = out / "corpus.sqlite"
    path.write_bytes(path.read_bytes()[:9000])


def overwrite_database(out: Path) -> None:
    path = out / "corpus.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * 20_000 + content[24_096:])


def replace_database(out: Path) -> None:
    (out / "corpus.sqlite").write_text("this is no database " * 500)


@pytest.mark.parametrize("damage", [flip_manifest, cut_database, overwrite_database, replace_database])
def test_a_damaged_database_is_told_and_made_anew(folder: Path, built: Path, meeting: HashEmbedder, damage: Callable[[Path], None]) -> None:
    damage(built)
    with pytest.raises(IndexCorrupt) as caught:
        build_index(write(folder, {"new.txt": "A new one."}), built, meeting)
    assert "or build it again with --rebuild." in str(caught.value)
    report = build_index(folder, built, meeting, rebuild=True)
    assert report.added == 5
    assert report.generation == 2  # a reader still open takes nothing new for old
    assert answers(built) == "en/ferry.txt"


@pytest.mark.parametrize("content", [None, b"", b"half of it"])
def test_lost_vectors_are_written_again_without_embedding(folder: Path, built: Path, meeting: HashEmbedder, content: bytes | None) -> None:
    path = dense_path(built, 1)
    path.unlink() if content is None else path.write_bytes(content)
    meeting.embedded.clear()
    report = build_index(folder, built, meeting)
    assert (counts(report), meeting.embedded) == ((0, 0, 0, 4), [])
    assert answers(built) == "en/ferry.txt"


def test_a_half_written_first_index_is_no_index_and_is_completed(folder: Path, tmp_path: Path, meeting: HashEmbedder) -> None:
    out = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build_index(folder, out, Failing(5, KeyboardInterrupt()))
    with pytest.raises(ShawahidError) as caught:
        Index.open(out, meeting)
    assert caught.value.key == "error.index_missing"
    assert build_index(folder, out, meeting).added == 4
    assert answers(out) == "en/ferry.txt"


# --- interrupted ----------------------------------------------------------------------------------------------------------


def test_an_interrupted_build_takes_up_what_was_embedded(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", {"a.txt": long_text(200), "b.txt": long_text(60, "castle")})
    out = tmp_path / "i"
    first = Failing(130, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        build_index(folder, out, first)
    assert len(first.embedded) > 50  # on disk, all but the last block
    second = embedder()
    steps: list[tuple[str, int, int]] = []
    build_index(folder, out, second, progress=lambda *step: steps.append(step))
    assert not set(first.embedded) & set(second.embedded)
    total = len(first.embedded) + len(second.embedded)
    fresh = embedder()
    build_index(folder, tmp_path / "other", fresh)
    assert total == len(fresh.embedded)
    assert next(done for step, done, _ in steps if step == "embed") >= len(first.embedded)
    assert not (out / "staging.sqlite").exists()
    assert answers(out, "castle report") == "b.txt"


def test_what_is_embedded_between_two_savings_is_as_long_as_one_may_wait_for(tmp_path: Path) -> None:
    class Counting(HashEmbedder):
        blocks: ClassVar[list[list[int]]] = []

        def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: object = None) -> np.ndarray:  # type: ignore[override, type-arg]
            self.blocks.append([len(text) for text in texts])
            return super().embed_passages(texts, titles)

    texts = {f"{n}.txt": f"{'word ' * 150}{n}." for n in range(20)} | {f"s{n}.txt": f"Short {n}." for n in range(200)}
    build_index(write(tmp_path / "d", texts), tmp_path / "i", Counting(32))
    sizes = [(len(block), sum(block)) for block in Counting.blocks]
    assert all(count <= 64 and size <= 12_000 for count, size in sizes)
    assert sizes[0][1] > 11_000  # as many long ones as go in: fifteen of 752 or 753 characters
    assert any(count == 64 for count, _ in sizes)  # short ones by number


def test_staged_vectors_of_another_embedder_are_not_used(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", {"a.txt": long_text(100)})
    with pytest.raises(KeyboardInterrupt):
        build_index(folder, tmp_path / "i", Failing(70, KeyboardInterrupt()))
    other = HashEmbedder(32, name="other")
    build_index(folder, tmp_path / "i", other)
    assert len(other.embedded) > 100
    with Index.open(tmp_path / "i", other) as index:
        assert index.verify() == []


@pytest.mark.parametrize("damage", [b"no database", b"", b"SQLite format 3\0" + b"\xa5" * 5000])
def test_damaged_staging_costs_only_time(tmp_path: Path, damage: bytes) -> None:
    folder = write(tmp_path / "d", {"a.txt": long_text(100)})
    with pytest.raises(KeyboardInterrupt):
        build_index(folder, tmp_path / "i", Failing(70, KeyboardInterrupt()))
    staging = tmp_path / "i" / "staging.sqlite"
    staging.write_bytes(damage or staging.read_bytes()[:6000])
    build_index(folder, tmp_path / "i", embedder())
    assert answers(tmp_path / "i", "harbour report") == "a.txt"


def test_an_embedder_that_fails_leaves_the_index_as_it_was(folder: Path, built: Path) -> None:
    write(folder, {"new.txt": "Something else entirely."})
    with pytest.raises(RuntimeError, match="the model broke"):
        build_index(folder, built, Failing(0, RuntimeError("the model broke")))
    assert answers(built) == "en/ferry.txt"
    with Index.open(built, embedder()) as index:
        assert index.manifest().generation == 1


# --- a full disk ----------------------------------------------------------------------------------------------------------


def test_hardly_any_room_is_told_before_anything_is_written(
    folder: Path, tmp_path: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=2**20))
    with pytest.raises(DiskFull) as caught:
        build_index(folder, tmp_path / "i", meeting)
    assert caught.value.exit_code == 8
    assert meeting.embedded == []


@pytest.mark.parametrize(
    ("number", "key"), [(errno.ENOSPC, "error.disk_full"), (errno.EIO, "error.disk_failed"), (errno.EROFS, "error.folder_unwritable")]
)
def test_vectors_that_can_not_be_saved_cost_nothing(
    folder: Path, built: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch, number: int, key: str
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    write(folder, {"new.txt": long_text(100)})
    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("rag.storage.writer.BLOCK", 0)  # more passages than there were: the file of vectors is part of the generation
    with pytest.raises((DiskFull, DiskFailed)) as caught:
        build_index(folder, built, meeting)
    assert caught.value.key == key
    monkeypatch.undo()
    assert answers(built) == "en/ferry.txt"
    with Index.open(built, meeting) as index:
        assert index.manifest().generation == 1
        assert index.document("new.txt") is None
    assert build_index(folder, built, meeting).added == 1


def test_a_disk_that_is_full_after_publication_leaves_the_new_generation(
    folder: Path, built: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write(folder, {"new.txt": "Something else entirely."})
    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("rag.storage.generations._LEAST", 0)
    monkeypatch.setattr("rag.storage.generations._SHARE", 0.0)
    with pytest.raises(DiskFull) as caught:
        build_index(folder, built, meeting)
    assert caught.value.key == "error.unfinished"
    assert "shawahid repair" in str(caught.value)
    assert answers(built, "something else entirely") == "new.txt"
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    assert build_index(folder, built, meeting).generation == 2  # nothing to do but what was left


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MiB, where this process may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", place]).returncode:
        pytest.skip("only root on Linux can make a small disk")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_really_fills_up(small_disk: Path, tmp_path: Path) -> None:
    """5 documents fit; 40 more, with vectors of 16 KB for every sentence, do not."""
    out = small_disk / "index"
    big = HashEmbedder(4096)
    folder = write(tmp_path / "d", {f"{n}.txt": long_text(10, f"topic{n}") for n in range(5)})
    build_index(folder, out, big)
    write(folder, {f"{n}.txt": long_text(60, f"topic{n}") for n in range(5, 45)})
    with pytest.raises(DiskFull) as caught:
        build_index(folder, out, big)
    assert "The index that was there is unchanged" in str(caught.value)
    with Index.open(out, big) as index:
        assert index.verify() == []
        assert index.manifest().documents == 5
        assert len(index.search("harbour topic3 report", 3)) == 3
    for n in range(5, 45):
        (folder / f"{n}.txt").unlink()
    write(folder, {"5.txt": "One small document more."})
    (out / "staging.sqlite").unlink(missing_ok=True)  # "free some space"
    assert build_index(folder, out, big).added == 1


def test_an_index_folder_that_can_not_be_made(folder: Path, tmp_path: Path, meeting: HashEmbedder) -> None:
    blocked = write(tmp_path, {"file": "x"}) / "file"
    for out in (blocked, blocked / "index"):
        with pytest.raises(DiskFull) as caught:
            build_index(folder, out, meeting)
        assert caught.value.key == "error.folder_unwritable"
        assert "--index" in str(caught.value)


# --- two at once ----------------------------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from rag.files import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_that_writes_is_told_to_wait(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", HOLD, built], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(IndexBusy) as caught:
            build_index(folder, built, meeting, rebuild=True)
        assert caught.value.exit_code == 7
        assert "Another process is writing" in str(caught.value)
        assert answers(built) == "en/ferry.txt"  # reading goes on
        other.stdin.write(b"\n")
        other.stdin.close()
    assert build_index(folder, built, meeting).unchanged == 4


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        raise ZeroDivisionError
    with writing(tmp_path):
        pass


def test_the_file_of_vectors_is_written_anew_when_changes_outgrow_it(
    folder: Path, built: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        build_index(write(folder, {"n.txt": f"Number {number}."}), built, meeting)
    assert [path.name for path in built.glob("*.faiss")] == ["dense.1.faiss"]
    monkeypatch.setattr("rag.storage.generations._LEAST", 1)
    (folder / "en/library.md").unlink()
    with Index.open(built, meeting) as index:
        report = build_index(write(folder, {"n.txt": "Number 9."}), built, meeting)
        assert report.generation == 6  # the change, and the file
        assert [path.name for path in built.glob("*.faiss")] == ["dense.6.faiss"]
        assert index.search("number")[0].passage.text == "Number 9."
        assert index.verify() == []
    assert FlatIndex.load(dense_path(built, 6)).ids().tolist() == [1, 2, 3, 4, 10]


def test_readers_begin_again_when_the_file_was_replaced_as_they_came(
    folder: Path, built: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rag.storage import generations

    really = generations.open_base
    moved: list[int] = []

    def late(*arguments: object) -> object:
        """Between the reader's snapshot and its opening of the file, a writer puts another in its place."""
        if not moved:
            moved.append(1)
            monkeypatch.setattr("rag.storage.generations._LEAST", 0)
            monkeypatch.setattr("rag.storage.generations._SHARE", 0.0)
            build_index(write(folder, {"n.txt": "Number 9."}), built, meeting)
        return really(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("rag.storage.generations.open_base", late)
    with Index.open(built, meeting) as index:
        assert index.search("number")[0].passage.text == "Number 9."
    assert moved


# --- OCR turned on later --------------------------------------------------------------------------------------------------


class Scanner(Loader):
    """Reads a file as one page of text and one that OCR reads, where `installed`."""

    installed = True
    reads: ClassVar[list[str]] = []

    def read(self, path: Path, id: str) -> tuple[tuple[Document, ...], tuple[DocumentError, ...]]:
        self.reads.append(id)
        (document,), _ = super().read(path, id)
        if self._ocr and self.installed:
            text = f"{document.text} The heron eats frogs. مالك الحزين يأكل الضفادع."
            return (replace(document, text=text, metadata={"ocr_pages": "2"}),), ()
        note = DocumentError("error.pages_pictures", name=id, pages="2")
        return (replace(document, metadata={"unread_pages": "2"}),), (note,)


def test_ocr_turned_on_later_reads_unchanged_files_that_had_pages_left_out(
    tmp_path: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.storage.build.Loader", Scanner)
    monkeypatch.setattr(Scanner, "reads", [])
    folder, out = write(tmp_path / "documents", {"a.txt": "The quay is made of oak.", "ب.txt": "الرصيف من خشب البلوط."}), tmp_path / "index"
    first = build_index(folder, out, meeting)
    assert [(item.id, item.error.key) for item in first.skipped] == [("a.txt", "error.pages_pictures"), ("ب.txt", "error.pages_pictures")]
    assert build_index(folder, out, meeting).unchanged == 2
    assert len(Scanner.reads) == 2
    monkeypatch.setattr(Scanner, "installed", False)
    without = build_index(folder, out, meeting, ocr=True)
    assert (without.unchanged, without.updated, without.generation, len(without.skipped)) == (2, 0, first.generation, 2)
    monkeypatch.setattr(Scanner, "installed", True)
    assert build_index(folder, out, meeting, ocr=True).updated == 2
    with Index.open(out, meeting) as index:
        for question in ("What does a heron eat?", "ماذا يأكل مالك الحزين؟"):
            assert {hit.passage.document_id for hit in index.search(question, 2)} == {"a.txt", "ب.txt"}
    known = len(Scanner.reads)
    assert build_index(folder, out, meeting, ocr=True).unchanged == 2
    assert len(Scanner.reads) == known


# --- the same text under several names ------------------------------------------------------------------------------------


def test_a_text_that_is_there_under_another_name_is_named(tmp_path: Path, meeting: HashEmbedder) -> None:
    first = {"خبر.txt": "يُفتح الجسر في أيار.", "b.txt": "The bridge opens.", "b.md": "The bridge opens.", "c.txt": "The bridge closes."}
    folder, index = write(tmp_path / "documents", first), tmp_path / "index"
    report = build_index(folder, index, meeting)
    assert [(item.id, item.of) for item in report.repeated] == [("b.txt", "b.md")]
    write(folder, {"نسخة.txt": "يُفتح الجسر في أيار.", "a.txt": "The bridge opens."})
    report = build_index(folder, index, meeting)
    assert [(item.id, item.of) for item in report.repeated] == [("a.txt", "b.md"), ("نسخة.txt", "خبر.txt")]
    assert report.documents == 6
    for language in ("en", "ar"):
        assert all(name in report.repeated[1].note.text(language) for name in ("نسخة.txt", "خبر.txt"))
    assert build_index(folder, index, meeting).repeated == ()


# --- files that hold documents --------------------------------------------------------------------------------------------


def mail(path: Path, **attached: str) -> None:
    """Write a message about a visit, with attachments."""
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.org", "زيارة"
    message.set_content("The visit to the harbour is on Sunday.")
    for name, text in attached.items():
        message.add_attachment(text.encode(), maintype="text", subtype="plain", filename=name)
    path.write_bytes(message.as_bytes())


def pack(path: Path, **members: str) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in members.items():
            packed.writestr(name, text)


def ids(out: Path) -> list[str]:
    with Index.open(out, embedder()) as index:
        assert index.verify() == []
        return [info.id for info in index.documents()]


CAPTAIN = "The captain of the ferry Albatros is Ilyas."
RENT = "إيجار المستودع 450 دينارا في الشهر."


def test_documents_inside_files_are_found_updated_and_removed_with_them(tmp_path: Path) -> None:
    folder, out = tmp_path / "documents", tmp_path / "index"
    folder.mkdir()
    write(folder, {"note.txt": "A note about nothing."})
    mail(folder / "mail.eml", **{"captain.txt": CAPTAIN, "rent.txt": RENT})
    pack(folder / "pack.zip", **{"rent.txt": "The rent of the depot is 300 dinars.", "old.txt": "Old."})
    assert counts(build_index(folder, out, embedder())) == (7, 0, 0, 0)
    assert answers(out) == "mail.eml/captain.txt"
    assert answers(out, "إيجار المستودع") == "mail.eml/rent.txt"
    assert counts(build_index(folder, out, embedder())) == (0, 0, 0, 7)

    pack(folder / "pack.zip", **{"rent.txt": "The rent of the depot is 320 dinars."})
    mail(folder / "mail.eml", **{"rent.txt": RENT})
    build_index(folder, out, embedder())
    assert ids(out) == ["mail.eml", "mail.eml/rent.txt", "note.txt", "pack.zip", "pack.zip/rent.txt"]

    (folder / "mail.eml").unlink()
    (folder / "pack.zip").write_bytes(b"damaged")  # what can't be read now stays
    report = build_index(folder, out, embedder())
    assert (report.removed, [item.id for item in report.skipped]) == (2, ["pack.zip"])
    assert ids(out) == ["note.txt", "pack.zip", "pack.zip/rent.txt"]


def test_a_document_inside_a_file_that_was_removed_alone_is_read_again(tmp_path: Path) -> None:
    folder, out = tmp_path / "documents", tmp_path / "index"
    folder.mkdir()
    mail(folder / "mail.eml", **{"captain.txt": CAPTAIN, "rent.txt": RENT})
    build_index(folder, out, embedder())
    remove_documents(out, ["mail.eml/captain.txt"])
    assert ids(out) == ["mail.eml", "mail.eml/rent.txt"]
    build_index(folder, out, embedder())
    assert ids(out) == ["mail.eml", "mail.eml/captain.txt", "mail.eml/rent.txt"]


def test_files_with_documents_inside_are_added_updated_and_removed_by_name(tmp_path: Path) -> None:
    out = tmp_path / "index"
    mail(tmp_path / "mail.eml", **{"captain.txt": CAPTAIN, "rent.txt": RENT})
    add_documents(out, [*read_documents(tmp_path / "mail.eml", "mail.eml"), replace(read_note(tmp_path), id="mail.eml/own")], embedder())
    mail(tmp_path / "mail.eml", **{"rent.txt": RENT})
    report = update_documents(out, read_documents(tmp_path / "mail.eml", "mail.eml"), embedder())
    assert (report.updated, report.removed, report.unchanged) == (1, 1, 1)
    assert ids(out) == ["mail.eml", "mail.eml/own", "mail.eml/rent.txt"]
    report = remove_documents(out, ["mail.eml"])
    assert (report.removed, ids(out)) == (2, ["mail.eml/own"])  # whose metadata name no container


def read_note(folder: Path) -> Document:
    write(folder, {"own.txt": "A note of its own."})
    return read_documents(folder / "own.txt", "own.txt")[0]


def test_an_attachment_of_an_added_message_is_removed_once_its_file_is_in_the_folder_and_goes(tmp_path: Path) -> None:
    folder, out = tmp_path / "documents", tmp_path / "index"
    folder.mkdir()
    write(folder, {"note.txt": "A note about nothing."})
    mail(folder / "mail.eml", **{"rent.txt": RENT})
    add_documents(out, read_documents(folder / "mail.eml", "mail.eml"), embedder())
    assert counts(build_index(folder, out, embedder())) == (1, 0, 0, 2)
    (folder / "mail.eml").unlink()
    build_index(folder, out, embedder())
    assert ids(out) == ["note.txt"]


def test_kinds_that_are_not_read_are_named_and_counted(tmp_path: Path) -> None:
    folder, out = tmp_path / "documents", tmp_path / "documents" / "index"
    folder.mkdir()
    write(folder, {"a.txt": "Text.", "قديم.doc": "x", ".hidden.doc": "x", **{f"sub/{n}.log": "x" for n in range(7)}})
    for _ in range(2):  # the index in the folder is none of its files
        report = build_index(folder, out, embedder())
        assert [(item.error.key, item.error.fields.get("count")) for item in report.skipped] == [
            ("error.unknown_kind", None), ("error.unknown_kinds", 7),
        ]  # fmt: skip
    one, several = (item.error.text("ar") for item in report.skipped)
    assert "قديم.doc" in one
    assert "sub/0.log, sub/1.log, sub/2.log, sub/3.log, sub/4.log, …" in several
