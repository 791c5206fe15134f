"""The benchmark of search and of indexing, on doubles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import synthetic as made
from bench.corpus import documents
from bench.indexing import _update, sample
from bench.search import overhead, searched
from bench.synthetic import LANGUAGES, large, space_of, vocabulary
from rag.models.token_vectors import unpack_tokens
from rag.retrieval.index import Index
from rag.storage.database import DATABASE, Store
from rag.testing import HashEmbedder, TokenHashEmbedder
from rag.text.language import script


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "TYPES", 2_500)


def test_words_are_the_real_ones_and_then_made_up_ones_by_the_law() -> None:
    for language in LANGUAGES:
        words = vocabulary(language, list(documents().values()))
        assert len(words.words) == len(words.surfaces) == len(words.stems) == len(set(words.words))
        assert {script(word) for word in words.words} == {language}
        drawn = np.bincount(words.drawn(np.random.default_rng(1), 200_000), minlength=len(words.words))
        assert drawn[1] / drawn[9] == pytest.approx(12.7 / 3.7, rel=0.1)  # 1 / (n + 2.7)


def test_a_collection_is_whole_and_the_same_every_time(tmp_path: Path) -> None:
    embedder = HashEmbedder(48)
    folder = large(embedder, 130, tmp_path)
    with Index.open(folder, embedder) as index:
        assert index.verify() == []
        manifest = index.manifest()
        assert (manifest.passages, manifest.sentences, dict(manifest.languages)) == (130, 520, {"ar": 70, "en": 60})
        texts = [passage.text for passage in index.all_passages()]
    assert large(embedder, 130, tmp_path) == folder
    with Index.open(large(embedder, 130, tmp_path / "again"), embedder) as index:
        assert [passage.text for passage in index.all_passages()] == texts


def test_passages_have_tokens_where_the_embedder_has_them(tmp_path: Path) -> None:
    embedder = TokenHashEmbedder(48)
    folder = large(embedder, 60, tmp_path)
    with Index.open(folder, embedder) as index:
        assert index.verify() == []
        passages = list(index.all_passages())
    store = Store(folder / DATABASE)
    held = store.tokens([passage.id for passage in passages])
    store.close()
    assert {passage.language for passage in passages} == {"ar", "en"}
    for passage in passages:
        last, vectors = unpack_tokens(held[passage.id], 48)
        words = passage.text.split(" ")
        ends = [sum(len(word) + 1 for word in words[: n + 1]) - 2 for n in range(len(words))]
        assert set(ends) <= set(last.tolist())  # a token ends where a word does
        assert (np.diff(last) > 0).all()
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert len(space_of(HashEmbedder(48), tmp_path).tokens["ar"]) == 0


def test_a_small_collection_is_searched_exactly_and_every_way_is_timed(tmp_path: Path) -> None:
    embedder = HashEmbedder(48)
    folder = large(embedder, 130, tmp_path)
    found = {item.name: item for item in searched(folder, embedder, "130 passages", 1)}
    assert found["recall@10, 130 passages, flat"].median == 1.0
    assert found["on disk, 130 passages"].median * 2**20 == sum(path.stat().st_size for path in folder.iterdir())
    for leg in ("keyword", "dense with sentences", "hybrid", "hybrid with evidence"):
        assert (found[f"{leg}, 130 passages"].n, found[f"{leg}, 130 passages"].median > 0) == (40, True)


def test_our_own_work_is_told_apart(tmp_path: Path) -> None:
    whole, search, evidence = overhead(tmp_path, 1)
    assert whole.aim == "≤ 5"
    assert min(whole.median, search.median, evidence.median) > 0


def test_the_sample_is_half_arabic_and_holds_every_sentence_of_its_passages() -> None:
    texts, titles, passages = sample(4)
    assert passages == 4
    assert len(texts) == len(titles) > 8
    assert sum("\u0600" <= text.strip()[0] <= "\u06ff" for text in texts[:2]) == 2
    for passage in texts[:4]:
        assert any(sentence in passage for sentence in texts[4:])


def test_an_update_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.indexing._UPDATED", 300)
    whole, updated, share = _update(HashEmbedder(48), 2)
    assert whole.name == "a collection of 300 passages written, without embedding"
    assert (whole.n, updated.n, share.n) == (1, 2, 2)
    assert updated.least > 0
    assert share.median == pytest.approx(updated.median / whole.median)
