"""Nearest vectors: by hand in two dimensions."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

import numpy as np
import pytest

from rag.errors import DiskFull, IndexCorrupt
from rag.storage.flat_index import FlatIndex

VECTORS = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
IDS = [10, 20, 7]


def index() -> FlatIndex:
    return FlatIndex.of(IDS, VECTORS, 2)


def found(query: list[float], k: int, among: list[int] | None = None) -> list[tuple[int, float]]:
    wanted = None if among is None else np.array(among, dtype=np.int64)
    ids, scores = index().search(np.array(query, dtype=np.float32), k, wanted)
    return [(id, round(score, 4)) for id, score in zip(ids.tolist(), scores.tolist(), strict=True)]


def test_search_returns_ids_by_similarity() -> None:
    assert found([1, 0], 3) == [(10, 1.0), (7, 0.6), (20, 0.0)]
    assert found([0, 1], 2) == [(20, 1.0), (7, 0.8)]


def test_k_beyond_the_size_and_below_one() -> None:
    assert len(found([1, 0], 99)) == 3
    assert found([1, 0], 0) == []
    assert found([1, 0], -1) == []


def test_a_search_among_some_ids() -> None:
    assert found([1, 0], 3, [20, 7]) == [(7, 0.6), (20, 0.0)]
    assert found([1, 0], 3, []) == []
    assert found([1, 0], 3, [999]) == []


def test_an_empty_index_finds_nothing() -> None:
    empty = FlatIndex.of([], np.empty((0, 2), dtype=np.float32), 2)
    assert len(empty) == 0
    ids, scores = empty.search(np.array([1, 0], dtype=np.float32), 5)
    assert (ids.tolist(), scores.tolist()) == ([], [])
    assert empty.vectors(np.empty(0, dtype=np.int64)).shape == (0, 2)


def test_saving_and_loading(tmp_path: Path) -> None:
    path = tmp_path / "dense.1.faiss"
    index().save(path)
    loaded = FlatIndex.load(path)
    assert (len(loaded), loaded.dimension, loaded.ids().tolist()) == (3, 2, IDS)
    assert loaded.vectors(np.array([7, 10])).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [1.0, 0.0]]
    assert [p.name for p in tmp_path.iterdir()] == ["dense.1.faiss"]


def test_a_damaged_file_is_told_at_every_length(tmp_path: Path) -> None:
    path = tmp_path / "dense.1.faiss"
    with pytest.raises(IndexCorrupt) as caught:
        FlatIndex.load(path)
    assert "--rebuild" in str(caught.value)
    index().save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(IndexCorrupt):
            FlatIndex.load(path)
    for at in range(0, 40, 3):  # the header: kinds, sizes
        path.write_bytes(whole[:at] + b"\xff\xff\xff" + whole[at + 3 :])
        with contextlib.suppress(IndexCorrupt):  # nothing else may come out of it
            assert len(FlatIndex.load(path)) == 3


def test_another_kind_of_index_is_refused(tmp_path: Path) -> None:
    import faiss

    flat = faiss.IndexFlatIP(2)
    flat.add(VECTORS)
    faiss.write_index(flat, str(tmp_path / "dense.1.faiss"))
    with pytest.raises(IndexCorrupt) as caught:
        FlatIndex.load(tmp_path / "dense.1.faiss")
    assert "no flat FAISS index" in str(caught.value)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dense.1.faiss"
    index().save(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFull):
        FlatIndex.of([1], VECTORS[:1], 2).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["dense.1.faiss"]
    with pytest.raises(DiskFull):
        index().save(tmp_path / "no such folder" / "dense.1.faiss")
