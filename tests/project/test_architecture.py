"""The examples of docs/architecture.md run, and what it says of files and layers is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag import Index, build_index
from rag.arrays import unit
from rag.documents.tree import Limits
from rag.storage.flat_index import FlatIndex
from tests.helpers import CORPUS, ROOT, write

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def example(name: str) -> Any:
    """Run the block that defines `name` and return what it defines."""
    (block,) = [block for block in re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL) if name in block]
    defined: dict[str, Any] = {}
    exec(compile(block, "docs/architecture.md", "exec"), defined)
    return defined[name]


def test_the_format_of_the_example_is_read_in_both_languages() -> None:
    subtitles = "1\r\n00:00:01,000 --> 00:00:03,000\r\nGood\r\nmorning.\r\n\r\n2\r\n00:00:04,500 --> 00:00:06,000\r\nصباح الخير.\r\n"
    content = example("read_srt")(subtitles.encode(), "talk.srt", Limits())
    assert content.text == "Good morning.\n\nصباح الخير."
    assert [(mark.offset, mark.label) for mark in content.marks] == [(0, "00:00:01,000"), (15, "00:00:04,500")]
    assert example("read_srt")(b"", "empty.srt", Limits()).text == ""


def test_the_embedder_of_the_example_makes_an_index_that_finds_its_passage(tmp_path: Path) -> None:
    embedder = example("TrigramEmbedder")()
    assert embedder.embed_passages([]).shape == (0, 512)
    assert np.linalg.norm(embedder.embed_query("")) == pytest.approx(1.0)  # the spaces around a text are a trigram, too
    build_index(write(tmp_path / "documents", CORPUS), tmp_path / "index", embedder)
    with Index.open(tmp_path / "index", embedder) as index:
        assert index.search("ferry Albatros", k=1)[0].passage.document_id == "en/ferry.txt"
        assert index.search("قطف الزيتون", k=1)[0].passage.document_id == "ar/زيتون.md"


@pytest.mark.parametrize("among", [None, [3, 9], []])
def test_the_store_of_the_example_finds_what_the_projects_own_finds(among: list[int] | None) -> None:
    ids = np.array([9, 3, 7], dtype=np.int64)
    vectors = unit(np.array([[1, 0], [1, 1], [0, 1]], dtype=np.float32))
    made, ours = example("NumpyIndex")(ids, vectors), FlatIndex.of(ids, vectors, 2)
    query = np.array([1, 0], dtype=np.float32)
    chosen = None if among is None else np.array(among, dtype=np.int64)
    found, scores = made.search(query, 2, chosen)
    expected, likeness = ours.search(query, 2, chosen)
    assert found.tolist() == expected.tolist() == ([] if among == [] else [9, 3])
    assert scores.tolist() == pytest.approx(likeness.tolist())
    assert len(made) == len(ours) == 3
    assert made.vectors(np.array([7, 9])).tolist() == [[0, 1], [1, 0]]


def test_every_layer_of_the_contract_is_described_and_every_file_that_is_named_exists() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    layers = {name for layer in contract["layers"] for name in layer.split(" | ")}
    described = TEXT.partition("## The layers")[2].partition("\n## ")[0]
    assert layers <= set(re.findall(r"`(\w+)`", described))
    for path in re.findall(r"`((?:rag|training|bench)/[\w/.]+)`", TEXT):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w./]+)(?:#[\w-]+)?\)", TEXT):
        assert (ROOT / "docs" / path).is_file(), path
    for module in re.findall(r"`((?:documents|models|storage|retrieval|answering)(?:\.\w+)+)`", TEXT):
        parts = module.split(".")
        tries = [ROOT / "rag" / ("/".join(parts[: len(parts) - cut]) + end) for cut in (0, 1) for end in (".py", "/__init__.py")]
        assert any(path.is_file() for path in tries), module
