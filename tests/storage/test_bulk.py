"""Embedding in bulk with Ray Data: two workers of this machine, and a build that finds their vectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import BulkFailed, ExtraMissing, NothingToIndex
from rag.retrieval.index import Index
from rag.schema import Span
from rag.storage.build import build_index
from rag.storage.bulk import embed_folder
from rag.testing import HashEmbedder
from tests.helpers import LEXICON, ROOT, write


def made() -> HashEmbedder:
    return HashEmbedder(256, lexicon=LEXICON)


class Broken(HashEmbedder):
    def embed_passages(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise RuntimeError("no such instruction")


def test_without_ray_it_says_what_to_install(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ray", "ray.data", "ray.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExtraMissing) as caught:
        embed_folder(folder, tmp_path / "index", made)
    for language in ("en", "ar"):
        assert "'ray[data]>=2.50'" in caught.value.text(language)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, with two CPUs whatever it has, and none of its servers for people."""
    ray = pytest.importorskip("ray", reason="Ray is not installed (pip install '.[bulk]')")
    # The workers import the tests' doubles by name.
    root = str(ROOT)
    place = {"env_vars": {"PYTHONPATH": root}}
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=2**27, runtime_env=place)
    yield
    ray.shutdown()


def places(index: Index, question: str) -> list[tuple[str, Span, float]]:
    return [(hit.passage.document_id, hit.passage.span, hit.score) for hit in index.search(question, 5)]


@pytest.mark.integration
@pytest.mark.usefixtures("cluster")
def test_two_workers_embed_and_the_build_embeds_nothing(folder: Path, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain", tmp_path / "index"
    alone = made()
    build_index(folder, plain, alone)
    write(folder, {"broken.json": b"{"})
    steps: list[int] = []
    report = embed_folder(folder, out, made, workers=2, progress=steps.append)
    assert report.texts == len(set(alone.embedded)) == steps[-1]
    idle = made()
    built = build_index(folder, out, idle)
    assert idle.embedded == []
    assert [item.id for item in built.skipped] == ["broken.json"]
    with Index.open(plain, made()) as one, Index.open(out, made()) as other:
        for question in ("Who was the captain of the ferry?", "من كان قبطان العبّارة؟", "كم بلغت كلفة المعصرة؟"):
            found = [
                [(hit.passage.document_id, hit.passage.span, hit.score) for hit in index.search(question, 5)] for index in (one, other)
            ]
            assert found[0] == found[1]
        assert other.verify() == []
    write(folder, {"ar/جديد.txt": "وصل الصيف مبكرًا. أغلقت المدارس."})
    assert embed_folder(folder, out, made, workers=2).texts == 3  # the passage and its two sentences: the rest is in the index
    assert embed_folder(folder, out, made, workers=2).texts == 0  # and these are there now
    idle = made()
    assert build_index(folder, out, idle).added == 1
    assert idle.embedded == []


@pytest.mark.integration
@pytest.mark.usefixtures("cluster")
def test_a_worker_that_fails_is_told_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BulkFailed) as caught:
        embed_folder(folder, tmp_path / "index", Broken, workers=1)
    assert "no such instruction" in caught.value.text("ar")
    with pytest.raises(NothingToIndex):
        embed_folder(tmp_path / "none", tmp_path / "index", made)
