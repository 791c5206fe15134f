"""Records are complete when made, refuse contradictions, and count in code points."""

from __future__ import annotations

import dataclasses

import pytest

from rag.errors import InvalidRecord
from rag.schema import Document, Mark, Passage, Span


def test_a_span_counts_code_points_not_bytes() -> None:
    text = "قال 😀 نعم"
    assert Span(0, 3).of(text) == "قال"
    assert Span(4, 5).of(text) == "😀"
    assert Span(6, 9).of(text) == "نعم"
    assert len(Span(4, 9)) == 5
    assert Span(2, 2).of(text) == ""


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (-2, -1)])
def test_a_span_runs_forwards(start: int, end: int) -> None:
    with pytest.raises(InvalidRecord) as caught:
        Span(start, end)
    assert str(start) in str(caught.value)
    assert "المدى" in caught.value.text("ar")


def test_overlap_is_a_shared_character() -> None:
    assert Span(0, 3).overlaps(Span(2, 5))
    assert not Span(0, 3).overlaps(Span(3, 5))
    assert not Span(2, 2).overlaps(Span(2, 2))
    assert Span(0, 9).overlaps(Span(4, 5))


def test_shifting_moves_both_ends() -> None:
    assert Span(1, 4).shifted(10) == Span(11, 14)
    with pytest.raises(InvalidRecord):
        Span(1, 4).shifted(-2)


def test_spans_sort_by_place() -> None:
    assert sorted([Span(5, 6), Span(0, 9), Span(0, 2)]) == [Span(0, 2), Span(0, 9), Span(5, 6)]


def test_records_never_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Span(0, 1).start = 5  # type: ignore[misc]


def test_a_locator_is_the_last_mark_before() -> None:
    document = Document("d.md", "x" * 50, "", "en", "", (Mark(0, "§ Start"), Mark(20, "§ الكلفة")))
    assert [document.locator(at) for at in (0, 19, 20, 49)] == ["§ Start", "§ Start", "§ الكلفة", "§ الكلفة"]
    assert Document("d", "xxx", "", "en", "").locator(2) == ""
    assert Document("d", "xxxxxx", "", "en", "", (Mark(3, "§"),)).locator(2) == ""


def test_a_passage_fits_its_span_and_quotes_in_document_positions() -> None:
    passage = Passage(1, "d", Span(100, 112), "نعم. لا. ربم", "", "ar")
    assert passage.quote(Span(105, 108)) == "لا."
    with pytest.raises(InvalidRecord):
        Passage(1, "d", Span(100, 111), "نعم. لا. ربم", "", "ar")
