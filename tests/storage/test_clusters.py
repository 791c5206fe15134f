"""Search through clusters against search through all vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.errors import IndexCorrupt
from rag.storage import clusters
from rag.storage.clusters import ClusteredIndex, clusters_path
from rag.storage.faiss_layout import ClusterFile, FlatFile, write_flat
from rag.storage.flat_index import FlatIndex

COUNT, SIZE = 6000, 16


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Texts on sixty topics, in two languages: those of the second language lie to one side of those of the first."""
    random = np.random.default_rng(7)
    topics = random.standard_normal((60, SIZE))
    made = topics[random.integers(0, 60, COUNT)] + 0.5 * random.standard_normal((COUNT, SIZE))
    made[1::2] += 0.7 * random.standard_normal(SIZE)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def ids() -> np.ndarray:
    return np.arange(COUNT, dtype=np.int64) * 3 + 5  # with gaps, as after removals


@pytest.fixture(scope="module")
def flat(ids, vectors) -> FlatIndex:
    return FlatIndex.of(ids, vectors, SIZE)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read so little of this small collection that something could be missed."""
    monkeypatch.setattr(clusters, "_READ", 10)
    monkeypatch.setattr(clusters, "_CANDIDATES_LEAST", 200)
    monkeypatch.setattr(clusters, "_COMPARED", 50)


@pytest.fixture(scope="module")
def mapped(flat, tmp_path_factory: pytest.TempPathFactory) -> FlatFile:
    path = tmp_path_factory.mktemp("index") / "dense.1.faiss"
    flat.save(path)
    return FlatFile(path, SIZE)


@pytest.fixture(scope="module")
def clustered(mapped) -> ClusteredIndex:
    return ClusteredIndex.of(mapped)


def recall(index: ClusteredIndex, flat: FlatIndex, queries: np.ndarray, among: np.ndarray | None = None, k: int = 10) -> float:
    shares = []
    for query in queries:
        wanted, _best = flat.search(query, k, among)
        found, scores = index.search(query, k, among)
        assert len(found) == len(wanted)
        assert scores.tolist() == sorted(scores.tolist(), reverse=True)
        assert np.allclose(scores, flat.vectors(found) @ query, atol=1e-6)  # scores are exact
        shares.append(len(set(found.tolist()) & set(wanted.tolist())) / k)
    return float(np.mean(shares))


@pytest.mark.usefixtures("small")
def test_nearly_all_of_the_nearest_are_found(clustered, flat, vectors):
    assert recall(clustered, flat, vectors[::200]) >= 0.95


@pytest.mark.usefixtures("small")
def test_a_search_in_the_other_language_finds_as_much(clustered, flat, ids, vectors):
    for among in (ids[::2], ids[1::2]):
        found, _ = clustered.search(vectors[0], 10, among)
        assert set(found.tolist()) <= set(among.tolist())
        assert recall(clustered, flat, vectors[::200], among) >= 0.9


@pytest.mark.usefixtures("small")
def test_a_search_among_a_few_is_exact(clustered, flat, ids, vectors):
    few = ids[17:6000:150]  # forty
    assert recall(clustered, flat, vectors[::500], few) == 1.0
    assert clustered.search(vectors[0], 99, few)[0].shape == (40,)
    assert clustered.search(vectors[0], 3, few[:0])[0].tolist() == []
    assert clustered.search(vectors[0], 0)[0].tolist() == []


@pytest.mark.usefixtures("small")
def test_saved_and_searched_where_it_lies_on_disk(clustered, mapped, ids, vectors, tmp_path: Path):
    path = tmp_path / "dense.1.clusters"
    clustered.save(path)
    loaded = ClusteredIndex.load(mapped, path)
    assert (len(loaded), loaded.dimension, loaded.count) == (COUNT, SIZE, 154)  # 2 √6000
    for among in (None, ids[::2]):
        for query in vectors[:5]:
            assert loaded.search(query, 10, among)[0].tolist() == clustered.search(query, 10, among)[0].tolist()
    for other, reason in ((ids[:-1], "its vectors are others"), (ids + 1, "its ids are others")):
        FlatIndex.of(other, vectors[: len(other)], SIZE).save(tmp_path / "dense.2.faiss")
        with pytest.raises(IndexCorrupt, match=reason):
            ClusteredIndex.load(FlatFile(tmp_path / "dense.2.faiss", SIZE), path)
    path.write_bytes(b"")
    with pytest.raises(IndexCorrupt):
        ClusteredIndex.load(mapped, path)


def test_what_is_in_the_file_of_clusters(clustered, ids, vectors, tmp_path: Path):
    path = clusters_path(tmp_path / "dense.1.faiss")
    clustered.save(path)
    file = ClusterFile(path, COUNT, SIZE, 154)
    assert sorted(file.ids.tolist()) == ids.tolist()
    assert np.array_equal(file.codes(ids[40:50]), clustered.encode(ids[40:50], vectors[40:50]))
    assert file.codes(ids[:0]).shape == (0, 10)  # sixteen bits and two numbers
    with pytest.raises(IndexCorrupt):
        file.codes(np.array([6]))  # between two ids
    before, whole = file.crc(), path.read_bytes()
    file.erase(ids[[3, 5999]])
    after = path.read_bytes()
    assert sum(one != other for one, other in zip(whole, after, strict=True)) <= 2 * SIZE
    file = ClusterFile(path, COUNT, SIZE, 154)
    assert not file.codes(ids[[3, 5999]]).any()
    assert np.array_equal(file.codes(ids[4:5]), clustered.encode(ids[4:5], vectors[4:5]))
    assert file.crc() == before  # codes are not in it
    for length in (0, 10, len(whole) // 2, len(whole) - 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(IndexCorrupt):
            ClusterFile(path, COUNT, SIZE, 154)
    flipped = bytearray(whole)
    flipped[200] ^= 1
    path.write_bytes(flipped)
    assert ClusterFile(path, COUNT, SIZE, 154).crc() != before


def test_vectors_are_read_where_they_lie_on_disk(tmp_path: Path):
    path = tmp_path / "dense.1.faiss"
    held = np.array([[1, 0], [0, 1], [0.5, -0.5]], dtype=np.float32)
    FlatIndex.of([7, 10, 20], held, 2).save(path)
    mapped = FlatFile(path, 2)
    assert (len(mapped), mapped.dimension, mapped.ids().tolist()) == (3, 2, [7, 10, 20])
    assert mapped.vectors(np.array([20, 7])).tolist() == [[0.5, -0.5], [1.0, 0.0]]
    assert mapped.vectors(np.empty(0, dtype=np.int64)).shape == (0, 2)
    for absent in (1, 8, 21):
        with pytest.raises(IndexCorrupt):
            mapped.vectors(np.array([7, absent]))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(IndexCorrupt):
            FlatFile(path, 2)
    path.unlink()
    with pytest.raises(IndexCorrupt):
        FlatFile(path, 2)


@pytest.mark.parametrize("count", [0, 1, 250])
def test_a_file_written_in_blocks_is_the_one_that_faiss_writes(count: int, ids, vectors, tmp_path: Path):
    FlatIndex.of(ids[:count], vectors[:count], SIZE).save(tmp_path / "dense.1.faiss")
    blocks = ((ids[at : min(at + 100, count)], vectors[at : min(at + 100, count)]) for at in range(0, count, 100))
    write_flat(tmp_path / "dense.2.faiss", count, SIZE, blocks)
    assert (tmp_path / "dense.2.faiss").read_bytes() == (tmp_path / "dense.1.faiss").read_bytes()
    assert len(FlatIndex.load(tmp_path / "dense.2.faiss")) == count


def test_a_code_says_on_which_side_of_the_centre_each_number_lies(clustered, ids, vectors):
    some = ids[10:14]
    codes = clustered.encode(some, vectors[10:14])
    for code, vector, cluster in zip(codes, vectors[10:14], clustered._cluster_of[some], strict=True):
        beyond = vector > clustered._centres[cluster]
        assert [code[n // 8] >> n % 8 & 1 for n in range(SIZE)] == beyond.astype(int).tolist()


def test_codes_agree_up_to_the_rounding_of_their_sums(clustered, ids, vectors):
    some, of = ids[10:14], vectors[10:14]
    codes = clustered.encode(some, of)
    sums = codes[:, 2:].copy().view("<f4")
    assert clustered.agrees(codes, some, of).tolist() == [True] * 4
    other = codes.copy()
    other[0, 0] ^= 1  # one bit
    other[1, 2:] = (sums[1] * np.float32(1.00001)).view(np.uint8)
    other[2, 2:] = (sums[2] * np.float32(1.1)).view(np.uint8)
    other[3] = 0  # overwritten
    assert clustered.agrees(other, some, of).tolist() == [False, True, False, False]


def test_of_few_vectors_most_are_read_and_of_many_few(monkeypatch, clustered, ids, vectors):
    """With 10 √n of 6000 and of the 3000 of a language: 775 and 548, and what lies in the last cluster beside them."""
    read = []
    monkeypatch.setattr(clusters, "_READ", 10)
    monkeypatch.setattr(clusters, "_COMPARED", 0)
    monkeypatch.setattr(clusters, "_CANDIDATES_LEAST", COUNT)
    monkeypatch.setattr(
        clustered, "_best", lambda found, query, k: (read.append(len(found)), clusters.ClusteredIndex._best(clustered, found, query, k))[1]
    )
    for among in (None, ids[::2]):
        clustered.search(vectors[0], 10, among)
    assert 775 <= read[0] < 1000
    assert 548 <= read[1] < 750
