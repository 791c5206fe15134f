"""Search over a small bilingual index: both ways, restricted, with bad input, on damaged files, beside a writer."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from rag.arrays import Ids, Vectors
from rag.errors import BadQuestion, BadSetting, IndexClosed, IndexCorrupt, IndexMismatch, IndexMissing
from rag.retrieval.index import Index
from rag.retrieval.query import LONGEST_QUESTION, validate_question
from rag.schema import Document, Filter
from rag.storage.build import add_documents, build_index, remove_documents, update_documents
from rag.storage.generations import dense_path
from rag.storage.milvus.client import MilvusIndex
from rag.storage.repair import repair_index
from rag.testing import HashEmbedder, TokenHashEmbedder
from tests.helpers import CORPUS, ROOT, embedder, rewrite_manifest, run, write


@pytest.fixture
def index(built: Path, meeting: HashEmbedder) -> Iterator[Index]:
    with Index.open(built, meeting) as opened:
        yield opened


def documents(index: Index, question: str, k: int = 10, **options: object) -> list[str]:
    return [hit.passage.document_id for hit in index.search(question, k, **options)]  # type: ignore[arg-type]


# --- a store of one's own -------------------------------------------------------------------------------------------------


class MatrixStore:
    """Exact search in one matrix, which counts its searches."""

    made: ClassVar[list[MatrixStore]] = []

    def __init__(self, ids: Ids, vectors: Vectors) -> None:
        self.ids, self.rows, self.searches = ids, vectors, 0
        MatrixStore.made.append(self)

    def __len__(self) -> int:
        return len(self.ids)

    def vectors(self, ids: Ids) -> Vectors:
        return self.rows[np.searchsorted(self.ids, ids)]

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> tuple[Ids, Vectors]:
        self.searches += 1
        ids = self.ids if among is None else np.intersect1d(self.ids, among)
        scores = self.vectors(ids) @ query
        best = np.argsort(-scores, kind="stable")[:k]
        return ids[best], scores[best]


@pytest.mark.parametrize(("question", "first"), [("the ferry Albatros", "en/ferry.txt"), ("قطف الزيتون", "ar/زيتون.md")])
def test_vectors_are_searched_in_a_store_of_ones_own(built: Path, meeting: HashEmbedder, question: str, first: str) -> None:
    MatrixStore.made.clear()
    with Index.open(built, meeting) as ours, Index.open(built, meeting, vectors=MatrixStore) as index:
        assert documents(index, question) == documents(ours, question)
        assert documents(index, question)[0] == first
        (store,) = MatrixStore.made
        assert store.searches > 0
        assert store.ids.tolist() == [1, 2, 3, 4, 5, 6]  # a passage for each text, and one more for each second heading
        assert documents(index, question, filter=Filter(languages=("en",)))[-1].startswith("en/")
        # What is added later is read from the folder; the store is made again only with a new file.
        add_documents(built, [Document.of_text("new", "The lighthouse of Zanzibar. منارة زنجبار.")], meeting)
        assert documents(index, "lighthouse Zanzibar")[0] == "new"
        remove_documents(built, [first])
        assert first not in documents(index, question)
        assert len(MatrixStore.made) == 1


def test_an_empty_index_makes_an_empty_store(built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    MatrixStore.made.clear()
    build_index(write(tmp_path / "one", {"a.txt": "One. واحد."}), tmp_path / "small", meeting)
    remove_documents(tmp_path / "small", ["a.txt"])
    with Index.open(tmp_path / "small", meeting, vectors=MatrixStore) as index:
        assert index.search("one") == []


def test_two_stores_are_refused(built: Path, meeting: HashEmbedder) -> None:
    with pytest.raises(BadSetting) as caught:
        Index.open(built, meeting, MilvusIndex("http://127.0.0.1:1#none"), vectors=MatrixStore)
    assert caught.value.key == "error.two_stores"


# --- finding --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Who was the captain of the ferry Albatros?", "en/ferry.txt"),
        ("How much did building the library cost?", "en/library.md"),
        ("من كان قبطان العبّارة ألباتروس؟", "ar/ميناء الواحة.txt"),
        ("متى بدأ قطف الزيتون؟", "ar/زيتون.md"),
        ("كم كلفة المعصرة؟", "ar/زيتون.md"),
        ("albatros", "en/ferry.txt"),
        ("الزَّيْتُونُ", "ar/زيتون.md"),  # with vowels the text does not have
    ],
)
def test_the_right_passage_is_first(index: Index, question: str, first: str) -> None:
    assert documents(index, question)[0] == first


@pytest.mark.parametrize(
    ("question", "found"),
    [("من كان قبطان العبّارة ألباتروس؟", "en/ferry.txt"), ("Was the ferry late because of fog?", "ar/ميناء الواحة.txt")],
)
def test_the_other_language_is_found_too(index: Index, question: str, found: str) -> None:
    """The hashing embedder was told which words of the two languages mean the same."""
    assert found in documents(index, question, 2)


def test_hits_say_how_they_were_found(index: Index) -> None:
    hits = index.search("How much did building the library cost?", 10)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert (hits[0].dense_rank, hits[0].lexical_rank) == (1, 1)
    assert hits[0].passage.locator == "§ Costs"
    assert hits[0].passage.text == "Building the library cost 4 million dirhams."
    assert hits[0].passage.path == ("Costs",)  # "The library" is the title
    olives = next(hit for hit in hits if hit.passage.document_id == "ar/زيتون.md")
    assert olives.lexical_rank is None


def test_k_beyond_the_size_gives_all_there_are(index: Index) -> None:
    assert len(index.search("ferry", 1)) == 1
    assert len(index.search("ferry", 10_000)) == 6  # 1 + 2 + 1 + 2 passages
    for k in (0, -3):
        with pytest.raises(BadSetting):
            index.search("ferry", k)


@pytest.mark.parametrize("question", ["", "   ", "؟", "?!… —", "\n\t", "\u200f"])
def test_an_empty_question_is_refused(index: Index, question: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        index.search(question)
    assert caught.value.key == "error.question_empty"


def test_a_very_long_question_is_refused_in_words(index: Index) -> None:
    assert len(index.search("عبّارة " * 285)) == 6  # 285 × 7 characters: just short enough
    for question in ("ferry " * 1667, "كلمة " * 2000):
        with pytest.raises(BadQuestion) as caught:
            index.search(question)
        assert caught.value.key == "error.question_long"
        assert str(LONGEST_QUESTION) in str(caught.value)
        assert str(len(question.strip())) in str(caught.value)


OTHERS = ["Qui est le capitaine du ferry ?", "谁是船长？", "Кто капитан?", "😀 ferry 😀", "ferry\0captain", "12"]


@pytest.mark.parametrize("question", OTHERS)
def test_any_other_language_searches_without_an_error(index: Index, question: str) -> None:
    assert len(index.search(question, 3)) == 3


def test_bytes_of_a_command_line_that_are_no_text(index: Index) -> None:
    question = os.fsdecode(b"captain \xe9\xff of the ferry")
    assert validate_question(question) == "captain ?? of the ferry"
    assert documents(index, question)[0] == "en/ferry.txt"


# --- restricted search ----------------------------------------------------------------------------------------------------


def test_only_some_documents(index: Index) -> None:
    question = "How much did building the library cost?"
    assert set(documents(index, question, filter=Filter(documents=("ar/زيتون.md",)))) == {"ar/زيتون.md"}
    assert set(documents(index, question, filter=Filter(("en/ferry.txt", "ar/زيتون.md")))) == {"en/ferry.txt", "ar/زيتون.md"}
    assert documents(index, question, filter=Filter(documents=())) == []
    assert documents(index, question, filter=Filter(documents=("nowhere",))) == []


def test_without_some_passages(index: Index) -> None:
    question = "How much did building the library cost?"
    best, *others = index.search(question)
    assert [hit.passage.id for hit in index.search(question, exclude={best.passage.id})] != []
    assert best.passage.id not in {hit.passage.id for hit in index.search(question, exclude={best.passage.id})}
    everything = {hit.passage.id for hit in (best, *others)}
    assert index.search(question, exclude=everything) == []
    assert len(index.search(question, exclude=frozenset())) == 6


def test_one_leg_alone(index: Index) -> None:
    question = "How much did building the library cost?"
    keyword = index.search(question, legs={"keyword"})
    assert {hit.passage.document_id for hit in keyword} == {"en/library.md"}
    assert all(hit.dense_rank is None for hit in keyword)
    dense = index.search(question, legs={"dense"})
    assert len(dense) == 6
    assert all(hit.lexical_rank is None for hit in dense)
    assert index.search(question, legs=()) == []
    assert index.search("ما هو؟", legs={"keyword"}) == []  # function words only


# --- evidence -------------------------------------------------------------------------------------------------------------


def test_evidence_is_the_sentence_that_answers(index: Index) -> None:
    for question, sentence in (
        ("Who was the captain?", "Its captain was John Reed."),
        ("كم كلفة المعصرة؟", "بلغت كلفة المعصرة خمسين ألف درهم."),
    ):
        hits = index.search(question)
        evidence = index.evidence(question, hits, 3)
        assert evidence[0].text == sentence
        document = index.document(evidence[0].passage.document_id)
        assert document is not None
        assert evidence[0].span.of(document.text) == sentence
        assert len(evidence) == 3
    assert index.evidence("Who?", [], 3) == []
    assert len(index.evidence("captain", index.search("captain", 1), 99)) == len(index.search("captain", 1)[0].passage.sentences)


# --- reading the corpus ---------------------------------------------------------------------------------------------------


def test_documents_and_passages(index: Index) -> None:
    assert [(info.id, info.language, info.passages) for info in index.documents()] == [
        ("ar/زيتون.md", "ar", 2),
        ("ar/ميناء الواحة.txt", "ar", 1),
        ("en/ferry.txt", "en", 1),
        ("en/library.md", "en", 2),
    ]
    passages = index.all_passages()
    assert [passage.document_id for passage in passages][:3] == ["ar/زيتون.md", "ar/زيتون.md", "ar/ميناء الواحة.txt"]
    for passage in passages:
        document = index.document(passage.document_id)
        assert document is not None
        assert passage.span.of(document.text) == passage.text
    assert index.document("nowhere") is None
    assert index.manifest().passages == 6
    assert index.verify() == []


# --- refusals -------------------------------------------------------------------------------------------------------------


def test_there_is_no_index(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "لا شيء"):
        with pytest.raises(IndexMissing) as caught:
            Index.open(folder, embedder())
        assert str(folder) in str(caught.value)


def test_another_embedder_is_refused_with_what_to_run(built: Path) -> None:
    with pytest.raises(IndexMismatch) as caught:
        Index.open(built, HashEmbedder(64, name="other"))
    assert str(caught.value) == (
        f"The index in {built} was built with the embedder hash, not with other, so its vectors can't be compared. "
        "Build it again with --rebuild, or choose hash."
    )
    assert "أعد بناءه بالخيار ‎--rebuild" in caught.value.text("ar")


@pytest.mark.parametrize("key", ["format", "analysis"])
def test_another_format_or_analysis_is_refused(built: Path, meeting: HashEmbedder, key: str) -> None:
    rewrite_manifest(built, **{key: "77"})
    with pytest.raises(IndexMismatch) as caught:
        Index.open(built, meeting)
    assert caught.value.key == "error.index_format"
    assert "77" in str(caught.value)


def change(built: Path, statement: str, *values: object) -> None:
    db = sqlite3.connect(built / "corpus.sqlite")
    db.execute(statement, values)
    db.commit()
    db.close()


# --- many passages --------------------------------------------------------------------------------------------------------


def test_words_that_most_passages_have_are_left_out_first(meeting: HashEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ "ferry" is everywhere, "captain" in two passages, "Albatros" in one; "عبّارة" is everywhere, "قبطان" in one."""
    files = {f"en/{n}.txt": f"A ferry came at {n}." for n in range(8)} | {f"ar/{n}.txt": f"جاءت عبّارة عند {n}." for n in range(8)}
    files |= {"en/a.txt": "The captain of the Albatros slept.", "en/b.txt": "A captain woke.", "ar/a.txt": "نام قبطان السفينة."}
    build_index(write(tmp_path / "d", files), tmp_path / "i", meeting)

    def found(question: str, **how: object) -> list[str]:
        return sorted(hit.passage.document_id for hit in index.search(question, 20, legs=("keyword",), **how))  # type: ignore[arg-type]

    with Index.open(tmp_path / "i", meeting) as index:
        assert len(found("captain of the ferry Albatros")) == 10
        monkeypatch.setattr("rag.retrieval.search._POSTINGS", 4)  # "albatro", "albatros", and two of "captain"
        monkeypatch.setattr("rag.retrieval.search._LOOKED_UP", 2)
        assert found("captain of the ferry Albatros") == ["en/a.txt", "en/b.txt"]
        assert found("قبطان عبّارة") == ["ar/a.txt"]
        assert len(found("ferry")) == 8  # one term is always asked for
        assert found("nowhere") == found("nowhere عدم") == []
        assert found("captain of the ferry Albatros", filter=Filter(documents=("en/b.txt", "en/3.txt"))) == ["en/3.txt", "en/b.txt"]
        monkeypatch.setattr("rag.retrieval.search._LOOKED_UP", 1)
        assert found("captain of the ferry Albatros", filter=Filter(documents=("en/b.txt", "en/3.txt"))) == ["en/b.txt"]
        assert found("captain", exclude={hit.passage.id for hit in index.search("captain woke", 1)}) == ["en/a.txt"]


# --- damage ---------------------------------------------------------------------------------------------------------------


def test_lost_vectors_are_told(built: Path, meeting: HashEmbedder) -> None:
    dense_path(built, 1).unlink()
    with Index.open(built, meeting) as index:
        with pytest.raises(IndexCorrupt) as caught:
            index.search("captain")
        assert "shawahid repair" in str(caught.value)
        assert [fault.key for fault in index.verify()] == ["error.vectors_damaged"]


def test_truncated_vectors_are_told(built: Path, meeting: HashEmbedder) -> None:
    path = dense_path(built, 1)
    path.write_bytes(path.read_bytes()[:200])
    with Index.open(built, meeting) as index, pytest.raises(IndexCorrupt):
        index.search("captain")


def test_verify_sees_a_single_changed_number(built: Path, meeting: HashEmbedder) -> None:
    path = dense_path(built, 1)
    content = bytearray(path.read_bytes())
    content[300:304] = np.array([0.5], dtype="<f4").tobytes()
    path.write_bytes(bytes(content))
    with Index.open(built, meeting) as index:
        assert any("its vector" in str(fault) for fault in index.verify())


def test_vectors_of_another_index_are_refused(folder: Path, built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    """As many, of the same size, but under other ids."""
    (folder / "en/ferry.txt").unlink()
    build_index(folder, tmp_path / "other", meeting)
    build_index(write(folder, {"new.txt": "A new one."}), tmp_path / "other", meeting)
    build_index(folder, tmp_path / "third", meeting)
    dense_path(built, 1).write_bytes(dense_path(tmp_path / "third", 1).read_bytes())
    with Index.open(built, meeting) as index:
        assert "damage" in {fault.key.split(".")[0] for fault in index.verify()}
    from rag.storage.flat_index import FlatIndex

    FlatIndex.of([1, 2, 3, 4, 5, 7], np.eye(6, 256, dtype=np.float32), 256).save(dense_path(built, 1))
    with Index.open(built, meeting) as index:
        assert [fault.key for fault in index.verify()] == ["error.vectors_damaged"]
        with pytest.raises(IndexCorrupt) as caught:
            index.search("library dirhams")
        assert "its ids are not in order" in str(caught.value)


def test_a_damaged_database_never_gives_a_traceback(built: Path, meeting: HashEmbedder) -> None:
    """Cut at many lengths and overwritten at many places: an answer, or an error that says what to do."""
    path = built / "corpus.sqlite"
    whole = path.read_bytes()
    refused = 0
    said: list[str] = []
    for at in range(0, len(whole), len(whole) // 40):
        for content in (whole[:at], whole[:at] + b"\xa5" * 1500 + whole[at + 1500 :]):
            path.write_bytes(content)
            try:
                with Index.open(built, meeting) as index:
                    index.search("captain of the ferry")
                    index.evidence("captain", index.search("captain"))
                    refused += bool(index.verify())
            except (IndexCorrupt, IndexMissing, IndexMismatch) as error:
                refused += 1
                said.append(str(error))
    assert refused >= 60
    assert all("build" in message.lower() for message in said), said


# --- beside a writer ------------------------------------------------------------------------------------------------------

READER = """
import sys, time
from pathlib import Path
from rag.retrieval.index import Index
from tests.helpers import embedder

folder, done = sys.argv[1:]
seen = set()
with Index.open(folder, embedder()) as index:
    last = False
    while not last:
        last = Path(done).exists()  # one look more after the last edition
        texts = {hit.passage.text for hit in index.search("edition harbour", 10)}
        assert len(texts) == 2 and len({text.split()[1] for text in texts}) == 1, texts
        if not seen:
            print("ready", flush=True)
        seen.add(texts.pop().split()[1])
    assert "20" in seen
    assert index.verify() == []
print(len(seen))
"""


def edition(number: int) -> dict[str, str]:
    """Two documents that always carry the same number."""
    return {"a.txt": f"Edition {number} of the harbour news.", "b.txt": f"Edition {number} of the harbour list."}


def test_readers_see_whole_generations_while_a_writer_publishes(tmp_path: Path) -> None:
    """Twenty editions, each two documents: no reader, in a thread or a process, ever sees halves of two of them."""
    folder, out, done = tmp_path / "documents", tmp_path / "index", tmp_path / "done"
    build_index(write(folder, edition(0)), out, embedder())
    other = subprocess.Popen(
        [sys.executable, "-c", READER, out, done],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    faults: list[object] = []
    seen: set[str] = set()
    with Index.open(out, embedder()) as index:

        def read() -> None:
            try:
                last = False
                while not last:
                    last = done.exists()
                    texts = {hit.passage.text for hit in index.search("edition harbour", 10)}
                    numbers = {text.split()[1] for text in texts}
                    if (len(texts), len(numbers)) != (2, 1):
                        faults.append(texts)
                    seen.update(numbers)
            except Exception as error:
                faults.append(error)

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(1, 21):
            build_index(write(folder, edition(number)), out, embedder())
        done.touch()
        for thread in threads:
            thread.join()
        assert index.manifest().generation == 21
        assert {hit.passage.text.split()[1] for hit in index.search("edition harbour")} == {"20"}
    answer, complaint = other.communicate(timeout=30)
    assert faults == []
    assert other.returncode == 0, complaint
    assert "20" in seen
    assert int(answer) >= 2  # the edition before the first publication, and the last, at least


def test_a_reader_refuses_when_the_index_is_made_anew_by_another_embedder(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    with Index.open(built, meeting) as index:
        index.search("captain")
        build_index(folder, built, HashEmbedder(32, name="other"), rebuild=True)
        with pytest.raises(IndexMismatch):
            index.search("captain")


# --- read-only ------------------------------------------------------------------------------------------------------------


def test_an_index_on_a_read_only_disk_answers(built: Path, meeting: HashEmbedder, tmp_path: Path) -> None:
    """Really read-only where this process may mount; else a folder without permission to write."""
    if os.geteuid() == 0:
        mounted = subprocess.run(["mount", "--bind", built, built], capture_output=True)
        if mounted.returncode or subprocess.run(["mount", "-o", "remount,bind,ro", built], capture_output=True).returncode:
            subprocess.run(["umount", built], capture_output=True)
            pytest.skip("root, but may not mount")
    else:
        built.chmod(0o555)
    try:
        with pytest.raises(OSError):
            (built / "probe").touch()
        with Index.open(built, meeting) as index:
            assert documents(index, "Who was the captain of the ferry?")[0] == "en/ferry.txt"
            assert index.verify() == []
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", built], check=True)
        else:
            built.chmod(0o755)


# --- for other programs ---------------------------------------------------------------------------------------------------


def test_the_program_of_the_readme_opens_an_index(built: Path) -> None:
    readme = (ROOT / "index" / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    code, out, err = run("-c", program, built, "albatros")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "hash 6 {'passage': 800, 'sentence': 280}"
    assert lines[1] == f"1.00 en/ferry.txt [0:{len(CORPUS['en/ferry.txt'])}] {CORPUS['en/ferry.txt']!r}"
    assert len(lines) == 4
    assert run("-c", program, built, "قبطانها")[1].splitlines()[1].startswith("1.00 ar/ميناء الواحة.txt [0:")
    assert run("-c", program, built, 'no"where')[1].splitlines() == lines[:1]


def test_the_readme_names_every_table_column_and_manifest_key(built: Path) -> None:
    readme = (ROOT / "index" / "README.md").read_text(encoding="utf-8")
    db = sqlite3.connect(built / "corpus.sqlite")
    for table in ("manifest", "documents", "facts", "passages", "vectors", "removed", "keywords"):
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        assert f"`{table} ({', '.join(columns)})`" in readme
    keys = [key for (key,) in db.execute("SELECT key FROM manifest")]
    db.close()
    assert [key for key in keys if f"`{key}`" not in readme] == []


def test_a_heading_is_no_evidence(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.md").write_text(
        "# التكلفة\n\nبلغت تكلفة البناء 4 ملايين درهم.\n\n# Cost\n\nThe building cost 4 million dirhams.\n", encoding="utf-8"
    )
    build_index(folder, tmp_path / "index", HashEmbedder())
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        for question, sentence in (("Cost", "The building cost 4 million dirhams."), ("التكلفة", "بلغت تكلفة البناء 4 ملايين درهم.")):
            texts = [item.text for item in index.evidence(question, index.search(question))]
            assert sentence in texts
            assert not any(text.startswith("#") for text in texts)


# --- filters and pages ----------------------------------------------------------------------------------------------------

SHELF = [
    Document("law/statute.txt", "The harbour law of the town.", "", "en", "1", (), {"author": "Ibn Khaldūn; Ann Lee", "date": "1377"}),
    Document("law/old/edict.txt", "قانون الميناء القديم.", "", "ar", "2", (), {"author": "ابنُ خلدون", "date": "2020-02"}),
    Document("news.txt", "Harbour news of the day.", "", "en", "3", (), {"date": "2020-02-29T10:00Z", "source": "Gazette"}),
    Document("letter.txt", "رسالة من الميناء.", "", "ar", "4", (), {"collection": "letters", "date": "no date"}),
    Document("notes.txt", "Harbour notes without a date.", "", "en", "5"),
]


@pytest.fixture
def shelf(tmp_path: Path, meeting: HashEmbedder) -> Iterator[Index]:
    add_documents(tmp_path / "shelf", SHELF, meeting)
    with Index.open(tmp_path / "shelf", meeting) as opened:
        yield opened


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (Filter(), {"law/statute.txt", "law/old/edict.txt", "news.txt", "letter.txt", "notes.txt"}),
        (Filter(languages=("ar",)), {"law/old/edict.txt", "letter.txt"}),
        (Filter(languages=("fr",)), set()),
        (Filter(collections=("law",)), {"law/statute.txt", "law/old/edict.txt"}),
        (Filter(collections=("law/old/",)), {"law/old/edict.txt"}),
        (Filter(collections=("letters", "law/old")), {"letter.txt", "law/old/edict.txt"}),
        (Filter(collections=("la",)), set()),
        (Filter(since="2020"), {"law/old/edict.txt", "news.txt"}),
        (Filter(until="2019-12-31"), {"law/statute.txt"}),
        (Filter(since="2020-02-29", until="2020-02-29"), {"law/old/edict.txt", "news.txt"}),  # the edict: some day of that month
        (Filter(since="٢٠٢٠-٠٣"), set()),
        (Filter(until="1377-01"), {"law/statute.txt"}),
        (Filter(metadata={"author": "ابن خلدون"}), {"law/old/edict.txt"}),
        (Filter(metadata={"Author": "ann  LEE"}), {"law/statute.txt"}),
        (Filter(metadata={"author": ["Ann Lee", "ابن خلدون"]}), {"law/statute.txt", "law/old/edict.txt"}),
        (Filter(metadata={"source": "gazette"}, languages=("en",), since="2020"), {"news.txt"}),
        (Filter(metadata={"source": "gazette"}, languages=("ar",)), set()),
        (Filter(documents="notes.txt"), {"notes.txt"}),  # type: ignore[arg-type]  # one name is not its letters
    ],
)
def test_a_filter_gives_what_meets_all_its_conditions(shelf: Index, chosen: Filter, found: set[str]) -> None:
    for question in ("the harbour", "الميناء"):
        assert set(documents(shelf, question, filter=chosen)) == found


@pytest.mark.parametrize(
    ("damage", "chosen"),
    [
        ("UPDATE facts SET value = 'ann lee' WHERE value = 'gazette'", Filter(metadata={"source": "ann lee"})),
        ("UPDATE facts SET document_id = 'notes.txt' WHERE value = 'gazette'", Filter(metadata={"source": "gazette"})),
        ("UPDATE documents SET first_day = '1019-01-01' WHERE id = 'news.txt'", Filter(until="1100")),
        ("UPDATE documents SET last_day = '2024-02-29' WHERE id = 'news.txt'", Filter(since="2021")),
        ("UPDATE documents SET collection = 'law' WHERE id = 'letter.txt'", Filter(collections=("law",))),
        ("UPDATE passages SET language = 'en' WHERE document_id = 'letter.txt'", Filter(languages=("en",))),
    ],
)
def test_a_damaged_value_brings_no_document_through_a_filter(shelf: Index, damage: str, chosen: Filter) -> None:
    change(shelf.folder, damage)
    for question in ("the harbour", "الميناء"):
        with pytest.raises(IndexCorrupt):
            shelf.search(question, filter=chosen)


@pytest.mark.parametrize("date", ["yesterday", "2020-13", "2021-02-29", "20", "2020-1-1-1"])
def test_a_date_that_is_none_is_refused(shelf: Index, date: str) -> None:
    with pytest.raises(BadSetting) as caught:
        shelf.search("harbour", filter=Filter(since=date))
    assert date in str(caught.value)


def test_a_filter_follows_the_generations(shelf: Index, meeting: HashEmbedder) -> None:
    chosen = Filter(metadata={"author": "Ann Lee"})
    assert documents(shelf, "harbour", filter=chosen) == ["law/statute.txt"]
    changed = Document("notes.txt", "Harbour notes.", "", "en", "6", (), {"author": "Ann Lee"})
    update_documents(shelf.folder, [changed], meeting)
    assert set(documents(shelf, "harbour", filter=chosen)) == {"law/statute.txt", "notes.txt"}
    remove_documents(shelf.folder, ["notes.txt"])
    assert documents(shelf, "harbour", filter=chosen) == ["law/statute.txt"]
    assert shelf.verify() == []


def test_keywords_are_looked_for_among_what_the_filter_allows(tmp_path: Path, meeting: HashEmbedder) -> None:
    """Fifty passages have the word more often; the one that is allowed has it once."""
    crowd = [Document(f"{n:02}.txt", f"harbour harbour harbour {n}", "", "en", str(n)) for n in range(50)]
    add_documents(tmp_path / "i", [*crowd, Document("z.txt", "A long text that names the harbour once.", "", "en", "z")], meeting)
    with Index.open(tmp_path / "i", meeting) as index:
        (hit,) = index.search("harbour", filter=Filter(("z.txt",)), legs={"keyword"})
        assert (hit.passage.document_id, hit.lexical_rank) == ("z.txt", 1)
        assert len(index.search("harbour", 100, legs={"keyword"})) == 51


def test_pages_are_pieces_of_one_ranking(tmp_path: Path, meeting: HashEmbedder) -> None:
    """120 passages, more than are judged as candidates: pages of any size, put together, are the whole list."""
    many = [Document(f"{n:03}.txt", f"Report {n} on the harbour, ship {n * 7}.", "", "en", str(n)) for n in range(120)]
    add_documents(tmp_path / "i", many, meeting)
    with Index.open(tmp_path / "i", meeting) as index:
        whole = index.search("ship of the harbour", 1000)
        assert len({hit.passage.id for hit in whole}) == 120
        assert [hit.rank for hit in whole] == list(range(1, 121))
        assert [hit.score for hit in whole] == sorted((hit.score for hit in whole), reverse=True)
        for size in (1, 7, 50, 60):
            pages = [hit for offset in range(0, 140, size) for hit in index.search("ship of the harbour", size, offset=offset)]
            assert pages == whole, size
        assert index.search("ship", 5, offset=120) == []
        with pytest.raises(BadSetting):
            index.search("ship", 5, offset=-1)


@pytest.mark.parametrize(
    ("text", "question"),
    [("The ferry leaves at nine.", "When does the ferry leave?"), ("تبحر العبارة في التاسعة.", "متى تبحر العبارة؟")],
)
def test_copies_of_a_document_do_not_fill_the_results(tmp_path: Path, meeting: HashEmbedder, text: str, question: str) -> None:
    files = {f"copy{n}.txt": text for n in range(60)} | {f"other{n}.txt": f"{text} {n}" for n in range(3)}
    build_index(write(tmp_path / "documents", files), tmp_path / "index", meeting)
    with Index.open(tmp_path / "index", meeting) as index:
        found = documents(index, question)  # the copies are more than the candidates
        assert sorted(found) == ["copy0.txt", "other0.txt", "other1.txt", "other2.txt"]
        assert documents(index, question, 2, offset=2) == found[2:]
        assert documents(index, question, legs={"keyword"}) == ["copy0.txt"]
        assert documents(index, question, filter=Filter(documents=("copy7.txt",))) == ["copy7.txt"]


def test_the_same_sentence_in_documents_that_differ_is_found_in_both(tmp_path: Path, meeting: HashEmbedder) -> None:
    files = {"a.md": "Contract of Ali.\n\n# Pay\n\nThe wage is 500.", "b.md": "Contract of Eve.\n\n# Pay\n\nThe wage is 500."}
    build_index(write(tmp_path / "documents", files), tmp_path / "index", meeting)
    with Index.open(tmp_path / "index", meeting) as index:
        assert sorted(documents(index, "What is the wage?", 2)) == ["a.md", "b.md"]


def test_an_index_of_nothing_and_of_one(tmp_path: Path, meeting: HashEmbedder) -> None:
    out = tmp_path / "i"
    add_documents(out, [], meeting)
    with Index.open(out, meeting) as index:
        assert (index.search("harbour", 5), index.search("الميناء", 5, offset=3), index.evidence("harbour", [])) == ([], [], [])
        assert (index.verify(), index.documents(), index.manifest().passages) == ([], [], 0)
        add_documents(out, [Document("one.txt", "مرفأ واحد.", "", "ar", "1")], meeting)
        for question in ("مرفأ", "harbour"):
            assert [hit.rank for hit in index.search(question, 5)] == [1]
        assert index.search("مرفأ", 5, offset=1) == []
        remove_documents(out, ["one.txt"])
        assert (index.search("مرفأ", 5), index.verify()) == ([], [])


def test_a_reader_follows_a_database_that_was_replaced(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    """A damaged one is removed by a rebuild, and another takes its name: the reader does not go on with what was removed."""
    with Index.open(built, meeting) as index:
        assert documents(index, "albatros")[0] == "en/ferry.txt"
        for name in ("corpus.sqlite", "corpus.sqlite-wal", "corpus.sqlite-shm"):
            (built / name).unlink(missing_ok=True)
        (folder / "en/ferry.txt").unlink()
        build_index(write(folder, {"new.txt": "The yacht Albatros is new."}), built, meeting, rebuild=True)
        assert documents(index, "albatros")[0] == "new.txt"
        assert index.verify() == []


def test_a_closed_index_says_so(built: Path, meeting: HashEmbedder) -> None:
    index = Index.open(built, meeting)
    index.search("captain")
    index.close()
    index.close()
    with pytest.raises(IndexClosed):
        index.search("captain")


def test_evidence_of_an_index_made_anew_by_another_embedder_is_refused(folder: Path, built: Path, meeting: HashEmbedder) -> None:
    with Index.open(built, meeting) as index:
        hits = index.search("captain")
        build_index(folder, built, HashEmbedder(32, name="other"), rebuild=True)
        with pytest.raises(IndexMismatch):
            index.evidence("captain", hits)


# --- late interaction -----------------------------------------------------------------------------------------------------

TOKENS = TokenHashEmbedder(64)
TWINS = {
    "ar/حارس.txt": "يعمل حارس المنارة ليلا. راتب حارس المنارة أربعون دينارا.",
    "en/keeper.txt": "The keeper of the lighthouse works at night. The wage of the keeper is forty dinars.",
}


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """An index whose passages have tokens."""
    build_index(write(tmp_path / "documents", TWINS), tmp_path / "index", TOKENS)
    return tmp_path / "index"


@pytest.mark.parametrize(("question", "sentence"), [("ما راتب الحارس؟", "راتب حارس"), ("What is the wage of the keeper?", "The wage")])
def test_evidence_tells_how_it_matches_the_question_token_by_token(told: Path, question: str, sentence: str) -> None:
    with Index.open(told, TOKENS) as index:
        best, *others = index.evidence(question, index.search(question, 1))
        assert best.text.startswith(sentence)
        assert best.match is not None
        assert best.match.sentence > 0.98  # both content words stand in it, and packing costs a hundredth
        assert best.match.passage == pytest.approx(best.match.sentence, abs=0.02)
        assert best.match.weakest > 0.97
        for other in others:  # «حارس», "keeper" is in the other sentence too, the word for his pay is not
            assert other.match is not None
            assert other.match.sentence < best.match.sentence - 0.3
        assert index.verify() == []


def test_an_embedder_without_tokens_makes_an_index_without_matches(built: Path) -> None:
    with Index.open(built, embedder()) as index:
        assert {item.match for item in index.evidence("captain", index.search("captain"))} == {None}


def test_a_passage_that_matches_every_word_is_put_before_one_with_the_nearer_vector(tmp_path: Path) -> None:
    class Swapped(TokenHashEmbedder):
        """Its vectors of whole texts are all alike: only tokens tell one passage from another."""

        def _vector(self, text: str) -> np.ndarray:  # type: ignore[type-arg]
            return super()._vector(text if " " not in text else "x")

    files = {f"{n}.txt": f"The {word} of the lighthouse was paid." for n, word in enumerate(("cook", "clerk", "keeper", "guest"))}
    meeting = Swapped(64)
    build_index(write(tmp_path / "documents", files), tmp_path / "index", meeting)
    with Index.open(tmp_path / "index", meeting) as index:
        (first, *_) = index.search("Was the keeper paid?", 1, legs=("dense",))
    assert first.passage.document_id == "2.txt"


def test_tokens_of_what_did_not_change_are_used_again(told: Path, tmp_path: Path) -> None:
    before = _tokens(told)
    assert all(before.values())
    TOKENS.embedded.clear()
    (tmp_path / "documents" / "en" / "keeper.txt").rename(tmp_path / "documents" / "keeper.txt")
    write(tmp_path / "documents", {"en/lamp.txt": "The lamp was lit."})
    build_index(tmp_path / "documents", told, TOKENS)
    after = _tokens(told)
    assert TOKENS.embedded == ["The lamp was lit."]
    assert {text: after[text] for text in before} == before
    assert all(after.values())


def _tokens(index: Path) -> dict[str, bytes]:
    db = sqlite3.connect(index / "corpus.sqlite")
    found = dict(db.execute("SELECT p.text, v.tokens FROM passages p JOIN vectors v ON v.passage_id = p.id"))
    db.close()
    return found


def test_damaged_tokens_are_found_and_made_anew(told: Path) -> None:
    before = _tokens(told)
    db = sqlite3.connect(told / "corpus.sqlite")
    db.execute("UPDATE vectors SET tokens = substr(tokens, 2) WHERE passage_id = 1")
    db.commit()
    db.close()
    with Index.open(told, TOKENS) as index:
        assert [fault.key for fault in index.verify()] == ["damage.passage"]
        with pytest.raises(IndexCorrupt, match="tokens"):
            index.evidence("الحارس؟", index.search("lighthouse", 2))
    assert repair_index(told, TOKENS).left == ()
    assert _tokens(told) == before
