"""Milvus as the place of vectors and keywords: what holds of the embedded index holds of it.

Runs on milvus-lite; with SHAWAHID_TEST_MILVUS=http://host:19530 in the environment on that server as well.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rag.cli.main import app
from rag.config import Settings
from rag.errors import BadSetting, IndexMismatch, IndexMissing, MilvusFailed, ShawahidError
from rag.factory import open_milvus
from rag.library import Library
from rag.retrieval.index import Index
from rag.schema import Filter, Hit
from rag.server.site import mirroring
from rag.storage.build import build_index, remove_documents
from rag.storage.flat_index import FlatIndex, VectorIndex
from rag.storage.milvus.client import MilvusIndex, _cut, field_tokens
from rag.storage.milvus.sync import _reached, mirror_index
from rag.testing import HashEmbedder
from tests.helpers import long_text, write
from tests.waiting import wait_until

SERVER = os.environ.get("SHAWAHID_TEST_MILVUS", "")
IDS = [10, 20, 7]
VECTORS = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)


@contextmanager
def collection(kind: str, tmp_path: Path) -> Iterator[MilvusIndex]:
    """A collection of its own, gone afterwards."""
    pytest.importorskip("pymilvus", reason="pip install '.[milvus]'")
    if kind == "server" and not SERVER:
        pytest.skip("SHAWAHID_TEST_MILVUS names no server")
    place = SERVER if kind == "server" else str(tmp_path / "vectors.db")
    opened = MilvusIndex(f"{place}#test_{uuid.uuid4().hex}")
    yield opened
    opened.drop()
    opened.close()


@pytest.fixture(params=["lite", "server"])
def milvus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MilvusIndex]:
    with collection(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=["faiss", "lite", "server"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
    """Three vectors in two dimensions, in each kind of index."""
    if request.param == "faiss":
        yield FlatIndex.of(IDS, VECTORS, 2)
        return
    with collection(request.param, tmp_path) as made:
        made.create("two", 2)
        made.add(IDS, ["ar", "en", "ar"], ["كتاب قديم", "old book", "كتاب"], VECTORS)
        yield made


def found(index: VectorIndex, query: list[float], k: int, among: list[int] | None = None) -> list[tuple[int, float]]:
    wanted = None if among is None else np.array(among, dtype=np.int64)
    ids, scores = index.search(np.array(query, dtype=np.float32), k, wanted)
    return [(id, round(float(score), 4)) for id, score in zip(ids.tolist(), scores.tolist(), strict=True)]


# --- the contract of every vector index -----------------------------------------------------------------------------------


def test_the_contract(index: VectorIndex) -> None:
    assert len(index) == 3
    assert found(index, [1, 0], 3) == [(10, 1.0), (7, 0.6), (20, 0.0)]
    assert found(index, [0, 1], 2) == [(20, 1.0), (7, 0.8)]
    assert len(found(index, [1, 0], 99)) == 3
    assert found(index, [1, 0], 0) == found(index, [1, 0], -1) == []
    assert found(index, [1, 0], 3, [20, 7]) == [(7, 0.6), (20, 0.0)]
    assert found(index, [1, 0], 3, []) == found(index, [1, 0], 3, [999]) == []
    assert index.vectors(np.array([7, 10])).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [1.0, 0.0]]
    assert index.vectors(np.empty(0, dtype=np.int64)).shape == (0, 2)
    with pytest.raises(ShawahidError):
        index.vectors(np.array([7, 999]))


# --- what Milvus has beside it --------------------------------------------------------------------------------------------


def test_languages_keywords_and_removal(milvus: MilvusIndex) -> None:
    milvus.create("two", 2)
    assert (len(milvus), milvus.ids().tolist()) == (0, [])
    assert milvus.search(VECTORS[0], 3)[0].tolist() == []
    milvus.add(IDS, ["ar", "en", "ar"], ["كتاب قديم", "old book", "كتاب"], VECTORS)
    milvus.add(IDS[:1], ["ar"], ["كتاب قديم"], VECTORS[:1])  # twice is once
    assert milvus.ids().tolist() == [7, 10, 20]
    assert milvus.search(VECTORS[0], 3, language="ar")[0].tolist() == [10, 7]
    assert milvus.search(VECTORS[0], 3, np.array([20, 7]), "ar")[0].tolist() == [7]
    assert [id for id, _ in milvus.search_keywords("قديم كتاب", 5)] == [10, 7]
    assert [id for id, _ in milvus.search_keywords("قديم old", 5, language="en")] == [20]
    assert milvus.search_keywords("ship", 5) == milvus.search_keywords(" ", 5) == milvus.search_keywords("book", 0) == []
    assert all(score > 0 for _, score in milvus.search_keywords("كتاب book", 5))
    milvus.remove([10, 999])
    assert milvus.ids().tolist() == [7, 20]
    assert milvus.held(np.array([10, 20, 999])).tolist() == [20]
    assert milvus.held(np.empty(0, dtype=np.int64)).tolist() == []
    assert [id for id, _ in milvus.search_keywords("كتاب", 5)] == [7]
    milvus.create("two", 2)
    assert len(milvus) == 2  # it was there
    for other in (("three", 3), ("two", 2, "another index")):
        with pytest.raises(IndexMismatch, match="mirror --replace"):
            milvus.create(*other)
    assert len(milvus) == 2
    milvus.create("three", 3, replace=True)
    assert len(milvus) == 0  # another embedder's vectors are of no use


def test_more_ids_than_one_filter_takes(milvus: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.storage.milvus.client._TERMS", 2)
    monkeypatch.setattr("rag.storage.milvus.client._ROWS", 3)
    angles = np.linspace(0, 1, 9)
    milvus.create("two", 2)
    milvus.add(range(1, 10), ["en"] * 9, ["word"] * 9, np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert milvus.search(np.array([1, 0]), 3, np.arange(2, 10))[0].tolist() == [2, 3, 4]
    assert len(milvus.vectors(np.arange(1, 10))) == 9
    assert milvus.search(np.array([1, 0]), 2, np.array([7, 8, 9]))[0].tolist() == [7, 8]  # the nearest of all are not among them
    assert milvus.search(np.array([1, 0]), 9, np.array([7, 8, 9]))[0].tolist() == [7, 8, 9]
    milvus.remove(range(1, 6))
    assert milvus.ids().tolist() == [6, 7, 8, 9]


def test_tokens_of_a_passage() -> None:
    assert field_tokens("", "The books of Ali.") == "the books of ali the book of ali"
    assert field_tokens("", "الكتب").split()[0] == "الكتب"
    assert _cut("واحد اثنان") == "واحد اثنان"
    assert len(_cut("كلمة " * 20_000).encode()) <= 60_000
    assert set(_cut("كلمة " * 20_000).split()) == {"كلمة"}


# --- an index searched there ----------------------------------------------------------------------------------------------

QUESTIONS = ["Who was the captain of the ferry?", "من كان قبطان العبّارة؟", "How much did the library cost?", "كم بلغت كلفة المعصرة؟", "212"]


def documents_of(hits: list[Hit]) -> list[str]:
    return [hit.passage.document_id for hit in hits]


def test_search_agrees_with_the_index_in_the_folder(folder: Path, tmp_path: Path, meeting: HashEmbedder, milvus: MilvusIndex) -> None:
    write(folder, {"en/harbour.txt": long_text(120, "harbour"), "ar/مرفأ.txt": long_text(80, "مرفأ")})
    out = tmp_path / "index"
    build_index(folder, out, meeting)
    with Index.open(out, meeting) as local, Index.open(out, meeting, milvus) as there:
        passages = len(local.all_passages())
        report = mirror_index(out, milvus)
        assert (report.added, report.removed, report.passages) == (passages, 0, passages)
        assert mirror_index(out, milvus).added == 0
        for question in QUESTIONS:
            ours, theirs = local.search(question, 10), there.search(question, 10)
            assert theirs[0].passage.id == ours[0].passage.id
            assert len({hit.passage.id for hit in ours} & {hit.passage.id for hit in theirs}) >= 9
            for chosen in (Filter(documents=("en/ferry.txt",)), Filter(languages=("ar",)), Filter(collections=("en",))):
                assert documents_of(there.search(question, 3, filter=chosen)) == documents_of(local.search(question, 3, filter=chosen))
            everything = there.search(question, passages + 9)
            assert len({hit.passage.id for hit in everything}) == passages
            assert [hit.passage.id for hit in there.search(question, 4, offset=3)] == [hit.passage.id for hit in everything[3:7]]
        assert there.search(QUESTIONS[0], 3, filter=Filter(documents=())) == []
        assert there.verify() == []


def test_a_reader_sees_a_change_before_milvus_has_it(folder: Path, tmp_path: Path, meeting: HashEmbedder, milvus: MilvusIndex) -> None:
    out = tmp_path / "index"
    build_index(folder, out, meeting)
    mirror_index(out, milvus)
    first = milvus.ids().tolist()
    with Index.open(out, meeting, milvus) as reader:
        assert "Reed" in reader.search(QUESTIONS[0], 1)[0].passage.text
        (folder / "en/ferry.txt").unlink()
        write(folder, {"en/mill.txt": "The mill of the captain grinds barley.", "ar/مطحنة.txt": "تطحن المطحنة الشعير."})
        build_index(folder, out, meeting)
        for brought in (False, True):
            found = documents_of(reader.search("Which captain has a mill?", 9))
            assert found[0] == "en/mill.txt"
            assert "en/ferry.txt" not in found
            assert documents_of(reader.search("أين الشعير؟", 1)) == ["ar/مطحنة.txt"]
            assert len(found) == len(set(reader.all_passages()))
            faults = [fault.key for fault in reader.verify()]
            assert faults == ([] if brought else ["damage.milvus_lacks", "damage.milvus_keeps"])
            if not brought:
                report = mirror_index(out, milvus)
                assert (report.added, report.removed) == (2, 1)
        assert len(set(first) - set(milvus.ids().tolist())) == 1
        remove_documents(out, ["ar/مطحنة.txt"])
        assert "ar/مطحنة.txt" not in documents_of(reader.search("أين الشعير؟", 9))
        assert mirror_index(out, milvus).removed == 1
        assert reader.verify() == []


def test_a_mirror_that_lost_its_note_or_was_written_by_another_is_compared_id_by_id(
    built: Path, meeting: HashEmbedder, milvus: MilvusIndex
) -> None:
    total = mirror_index(built, milvus).passages
    (note,) = built.glob("mirror.*.npy")
    for damage in (b"", b"not numpy"):
        note.write_bytes(damage)
        assert mirror_index(built, milvus).added == 0
    milvus.remove([1])
    milvus.add([900], ["en"], ["stray"], np.ones((1, meeting.dimension), dtype=np.float32))
    milvus.add([901], ["en"], ["stray"], np.ones((1, meeting.dimension), dtype=np.float32))
    report = mirror_index(built, milvus)
    assert (report.added, report.removed, report.passages) == (1, 2, total)
    milvus.add([1], ["en"], ["other"], np.ones((1, meeting.dimension), dtype=np.float32))
    with Index.open(built, meeting, milvus) as reader:
        assert [fault.key for fault in reader.verify()] == ["damage.milvus_vector"]
        assert "--replace" in reader.verify()[0].text("ar")
    assert mirror_index(built, milvus, replace=True).passages == total
    with milvus._errors() as client:
        client.drop_collection(milvus.collection)
    mirror_index(built, milvus)
    with Index.open(built, meeting, milvus) as reader:
        assert reader.verify() == []


@pytest.mark.parametrize("reached", [0, 1, 2, 500, 998, 999])
def test_how_far_a_mirror_has_come(reached: int) -> None:
    class Known:
        def held(self, ids: np.ndarray) -> np.ndarray:
            return ids[ids <= reached * 3]

    ids = np.arange(1, 1000, dtype=np.int64) * 3
    assert _reached(Known(), ids) == reached * 3
    assert _reached(Known(), ids[:1]) == (3 if reached else 0)
    assert _reached(Known(), ids[:0]) == 0


def test_what_a_reader_is_told(built: Path, meeting: HashEmbedder, milvus: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    with Index.open(built, meeting, milvus) as reader:
        with pytest.raises(IndexMissing, match="shawahid mirror"):
            reader.search("Who?", 3)
        milvus.create("another embedder", 256)
        with pytest.raises(IndexMismatch, match="another index or embedder"):
            reader.search("Who?", 3)
        manifest = reader.manifest()
        milvus.create(meeting.fingerprint, meeting.dimension, manifest.born, replace=True)
        assert documents_of(reader.search(QUESTIONS[0], 1)) == ["en/ferry.txt"]  # all of it from the folder
    monkeypatch.setattr("rag.storage.milvus.sync._BEHIND", 1)
    with Index.open(built, meeting, milvus) as reader, pytest.raises(IndexMismatch, match="holds 0 of"):
        reader.search("Who?", 3)


def test_commands_that_change_an_index_change_milvus_too(
    folder: Path, tmp_path: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pymilvus", reason="pip install '.[milvus]'")
    place, out = tmp_path / "vectors.db", tmp_path / "index"
    for name, value in (("DOCUMENTS", folder), ("INDEX", out), ("MILVUS", place)):
        monkeypatch.setenv(f"SHAWAHID_{name}", str(value))
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (meeting, None))
    run = CliRunner()
    assert run.invoke(app, ["build"]).exit_code == 0
    opened = MilvusIndex(str(place))
    counts = [len(opened)]
    opened.close()
    write(folder, {"en/mill.txt": "The mill of the captain grinds barley."})
    for command in (["add", str(folder / "en/mill.txt")], ["remove", "en/ferry.txt"]):
        assert run.invoke(app, command).exit_code == 0
        opened = MilvusIndex(str(place))
        counts.append(len(opened))
        opened.close()
    assert counts == [counts[0], counts[0] + 1, counts[0]]
    assert "en/mill.txt" in run.invoke(app, ["search", "Which captain has a mill?"]).output
    assert run.invoke(app, ["verify"]).exit_code == 0
    done = run.invoke(app, ["mirror", "--json"])
    assert json.loads(done.stdout)["passages"] == counts[0]
    assert "shawahid" not in run.invoke(app, ["mirror"]).output
    monkeypatch.delenv("SHAWAHID_MILVUS")
    assert isinstance(run.invoke(app, ["mirror"]).exception, BadSetting)


def test_what_is_added_in_the_window_or_by_the_api_comes_to_milvus(folder: Path, tmp_path: Path, meeting: HashEmbedder) -> None:
    pytest.importorskip("pymilvus", reason="pip install '.[milvus]'")
    settings = Settings(documents=folder, index=tmp_path / "index", milvus=str(tmp_path / "vectors.db"))
    library = Library(tmp_path / "home", folder, settings.index, published=mirroring(settings))
    for name in ("", "en/mill.txt"):
        if name:
            write(folder, {name: "The mill of the captain grinds barley."})
        job = library.of("").build("", meeting)
        wait_until(lambda job=job: job.state != "running")
        assert job.error is None
        opened = MilvusIndex(settings.milvus)
        held = len(opened)
        with Index.open(settings.index, meeting, opened) as reader:
            assert held == len(reader.all_passages())
            assert documents_of(reader.search("Which captain has a mill?", 1)) == ["en/mill.txt" if name else "en/ferry.txt"]
    assert mirroring(Settings())(settings.index) is None


# --- the setting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["milvus", "ftp://host", "http://", "http://u:hush@host:1", "http://host:x", "a.db#ab-c", "a.db#جمع", "#c"]
)
def test_an_address_that_means_nothing(address: str) -> None:
    with pytest.raises(BadSetting) as caught:
        open_milvus(Settings(milvus=address))
    for message in (str(caught.value), caught.value.text("ar")):
        assert "SHAWAHID_MILVUS" in message
        assert "hush" not in message


def test_no_setting_is_no_milvus_and_nothing_is_imported_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_milvus(Settings()) is None
    opened = open_milvus(Settings(milvus="http://host:19530#mine"))
    assert (opened.address, opened.collection) == ("http://host:19530", "mine")
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(ShawahidError) as caught:
        len(opened)
    assert "'pymilvus>=3'" in caught.value.text("ar")


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymilvus")
    monkeypatch.setattr("rag.storage.milvus.client._TIMEOUT", 0.5)
    with pytest.raises(MilvusFailed) as caught:
        len(MilvusIndex("http://127.0.0.1:9", "root:hush"))
    assert "127.0.0.1:9" in str(caught.value)
    assert "hush" not in str(caught.value)
