"""Gold quotes written as a file has them, found in the document as it was read."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag import Index, build_index
from rag.evaluation.gold_spans import Corpus
from rag.evaluation.questions import BadQuestionSet, Gold, Question, read_lines
from rag.testing import HashEmbedder
from tests.helpers import ROOT

MARKDOWN = """# Ferries

**Nawras I** is *laid up* until March.

| Ship | Built |
|---|---|
| Marjana | 2016 |
| Lulua | 2016 |
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "fleet.md").write_text(MARKDOWN, "utf-8")
    embedder = HashEmbedder(64)
    build_index(folder, tmp_path / "index", embedder)
    return Corpus(Index.open(tmp_path / "index", embedder))


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("| Marjana | 2016 |", "Ship: Marjana · Built: 2016"),
        ("Ship: Lulua · Built: 2016", "Ship: Lulua · Built: 2016"),
        ("**Nawras I** is *laid up* until March.", "Nawras I is laid up until March."),
        ("Nawras I is", "Nawras I is"),
    ],
)
def test_a_quote_may_be_written_as_the_file_has_it(corpus: Corpus, quote: str, expected: str) -> None:
    (place,) = corpus.gold(question(quote))
    document = read_document_text(corpus)
    assert document[place.start : place.end] == expected


def test_what_stands_nowhere_is_refused(corpus: Corpus) -> None:
    with pytest.raises(BadQuestionSet):
        corpus.gold(question("| Marjana | 2017 |"))


def test_every_quote_of_the_projects_own_questions_is_found(tmp_path: Path) -> None:
    embedder = HashEmbedder(64)
    build_index(ROOT / "tests/corpus", tmp_path / "index", embedder)
    corpus = Corpus(Index.open(tmp_path / "index", embedder))
    questions = read_lines(ROOT / "tests/corpus/questions.jsonl").questions
    assert [one.id for one in questions if one.evidence and not corpus.gold(one)] == []
    assert sum(len(one.evidence) for one in questions) > 100


def question(quote: str) -> Question:
    return Question("q", "When was it built?", "en", ("2016",), (Gold("fleet.md", quote),), True)


def read_document_text(corpus: Corpus) -> str:
    document = corpus._document("fleet.md")
    assert document is not None
    return document.text
