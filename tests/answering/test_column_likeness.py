"""The column that a question asks for, by its name."""

from __future__ import annotations

import pytest

from rag.answering.column_likeness import ColumnLikeness
from rag.retrieval.query import Query
from rag.testing import HashEmbedder


def likeness(question: str) -> ColumnLikeness:
    embedder = HashEmbedder(512)
    return ColumnLikeness(embedder, Query.of(question, embedder))


ROW = (["wine_servings", "BeerServings", "city"], ["31", "20", "Beirut"])


@pytest.mark.parametrize(
    ("question", "expected"),
    [("wine servings", 0), ("beer servings", 1), ("servings of wine in Beirut", 0)],
)
def test_the_name_most_like_the_question_is_its_column(question: str, expected: int) -> None:
    names, values = ROW
    assert likeness(question).likest(names, values) == expected


def test_a_cell_that_the_question_repeats_names_the_row() -> None:
    assert likeness("بيروت").likest(["مدينة", "سكان"], ["بيروت", "2000000"]) == 1
