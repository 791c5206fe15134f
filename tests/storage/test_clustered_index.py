"""An index large enough to be searched through clusters: what holds of a small one holds of it."""

from __future__ import annotations

from pathlib import Path

import faiss
import pytest

from rag.errors import IndexCorrupt
from rag.retrieval.index import Index
from rag.schema import Document, Filter
from rag.storage import clusters
from rag.storage.build import add_documents, build_index, remove_documents
from rag.storage.clusters import ClusteredIndex, clusters_path
from rag.storage.faiss_layout import ClusterFile, FlatFile
from rag.storage.generations import dense_path
from rag.storage.manifest import Base
from rag.storage.repair import repair_index
from rag.testing import HashEmbedder
from tests.helpers import embedder, long_text, write

FILES = {
    **{f"en/{n}.txt": long_text(40, f"topic{n}") for n in range(4)},
    **{f"ar/{n}.txt": " ".join(f"ذكر الكاتب الموضوع رقم {n} مرة بعد مرة في الفصل {m}." for m in range(40)) for n in range(4)},
    "en/ferry.txt": "The ferry Albatros carried 212 passengers. Its captain was John Reed.",
    "ar/عبارة.txt": "نقلت العبّارة ألباتروس 212 راكبًا. وكان قبطانها جون ريد.",
}
QUESTION = "Who was the captain of the ferry Albatros?"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters from twelve vectors on, and so little read that something could be missed."""
    monkeypatch.setattr(clusters, "CLUSTERED_FROM", 12)
    monkeypatch.setattr(clusters, "_COMPARED", 0)
    monkeypatch.setattr(clusters, "_READ", 3)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    build_index(write(tmp_path / "documents", FILES), tmp_path / "index", embedder())
    return tmp_path / "index"


def base(out: Path) -> Base:
    with Index.open(out, embedder()) as index:
        return index.manifest().base


def faults(out: Path) -> list[str]:
    with Index.open(out, embedder()) as index:
        return [fault.key for fault in index.verify()]


def test_a_large_index_is_clustered_and_answers_in_both_languages(out: Path) -> None:
    assert base(out).tier == "clustered"
    assert base(out).clusters == min(base(out).count, int(2 * base(out).count ** 0.5))
    with Index.open(out, embedder()) as index:
        assert index.search(QUESTION, 1)[0].passage.document_id == "en/ferry.txt"
        assert index.search("من كان قبطان العبّارة ألباتروس؟", 1)[0].passage.document_id == "ar/عبارة.txt"
        assert index.search(QUESTION, 1, legs=("dense",))[0].dense_rank == 1
        assert index.search(QUESTION, 1, filter=Filter(languages=("ar",)))[0].passage.document_id == "ar/عبارة.txt"
        assert {hit.passage.document_id for hit in index.search(QUESTION, 9, filter=Filter(collections=("ar",)))} <= {
            name for name in FILES if name.startswith("ar/")
        }
        assert index.verify() == []


def test_what_is_removed_is_overwritten_in_the_clusters(out: Path) -> None:
    with Index.open(out, embedder()) as index:
        ids = [hit.passage.id for hit in index.search(QUESTION, 99) if hit.passage.document_id == "en/ferry.txt"]
        remove_documents(out, ["en/ferry.txt"])
        assert "en/ferry.txt" not in {hit.passage.document_id for hit in index.search(QUESTION, 99)}
        now = index.manifest().base
    file = ClusterFile(clusters_path(dense_path(out, 1)), now.count, 256, now.clusters)
    assert len(ids) == 1
    assert not file.codes(file.ids[file.ids == ids[0]]).any()
    assert faults(out) == []
    with clusters_path(dense_path(out, 1)).open("rb+") as opened:  # as if nobody had
        opened.seek(int(file.places(file.ids[file.ids == ids[0]])[0]))
        opened.write(b"\1")
    assert faults(out) == ["damage.unerased"]


def test_an_index_that_shrinks_or_grows_has_the_files_it_needs(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.storage.generations._LEAST", 1)
    monkeypatch.setattr("rag.storage.generations._SHARE", 0.0)
    monkeypatch.setattr(clusters, "CLUSTERED_FROM", base(out).count)
    (out / ".dense.9.faiss.0badcafe.partial").write_bytes(b"what a killed writer left")
    remove_documents(out, ["en/0.txt"])
    generation = base(out).generation
    assert base(out).tier == "flat"
    assert sorted(path.name for path in out.glob("dense.*")) == [f"dense.{generation}.faiss"]
    monkeypatch.setattr(clusters, "CLUSTERED_FROM", 1)
    add_documents(out, [Document("late.txt", "It was added late. It is here. أضيفت متأخرة.", "", "en", "l")], embedder())
    add_documents(out, [Document("later.txt", "It was added later. أضيفت لاحقًا.", "", "en", "l")], embedder())
    generation = base(out).generation
    assert sorted(path.name for path in out.glob("dense.*")) == [f"dense.{generation}.clusters", f"dense.{generation}.faiss"]
    assert faults(out) == []


@pytest.mark.parametrize("damage", ["lost", "cut", "head", "id", "code"])
def test_damaged_clusters_are_told_and_made_anew(out: Path, damage: str) -> None:
    path = clusters_path(dense_path(out, 1))
    content = bytearray(path.read_bytes())
    if damage == "lost":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[:-1])
    else:
        now = base(out)
        at = {"head": 300, "id": len(content) - 1, "code": len(content) - now.count * 48}[damage]
        content[at] ^= 16
        path.write_bytes(content)
    if damage == "code":
        assert faults(out) == ["damage.vector"]
    else:
        assert faults(out) == ["error.vectors_damaged"]
        with Index.open(out, embedder()) as index, pytest.raises(IndexCorrupt) as caught:
            index.search("captain")
        assert "shawahid repair" in str(caught.value)
    again = embedder()
    assert repair_index(out, again).left == ()
    assert again.embedded == []
    assert base(out).tier == "clustered"
    assert faults(out) == []


def test_clusters_of_an_earlier_form_are_refused_and_made_anew(out: Path) -> None:
    """Codes were of eight bits a number once."""
    now = base(out)
    vectors = FlatFile(dense_path(out, 1), 256)
    centres = faiss.IndexFlatIP(256)
    former = faiss.IndexIVFScalarQuantizer(centres, 256, now.clusters, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    former.train(vectors.vectors(vectors.ids()))
    former.add_with_ids(vectors.vectors(vectors.ids()), vectors.ids())
    path = clusters_path(dense_path(out, 1))
    faiss.write_index(former, str(path))
    with pytest.raises(IndexCorrupt):
        ClusteredIndex.load(vectors, path)
    assert faults(out) == ["error.vectors_damaged"]
    assert repair_index(out, embedder()).left == ()
    assert faults(out) == []


def test_lost_clusters_are_written_again_by_the_next_build(out: Path) -> None:
    clusters_path(dense_path(out, 1)).unlink()
    again = embedder()
    build_index(out.parent / "documents", out, again)
    assert again.embedded == []
    assert base(out).tier == "clustered"
    assert faults(out) == []


def test_texts_that_are_all_the_same_are_compared_one_by_one(tmp_path: Path) -> None:
    """Most clusters would be empty."""
    same = HashEmbedder(16)
    build_index(write(tmp_path / "documents", {f"{n}.txt": "The same. نفسه." for n in range(40)}), tmp_path / "index", same)
    with Index.open(tmp_path / "index", same) as index:
        assert index.manifest().base.tier == "flat"
        assert [hit.passage.document_id for hit in index.search("The same.", 40)] == ["0.txt"]
        assert index.verify() == []
