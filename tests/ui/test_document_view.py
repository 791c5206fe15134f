"""A document as the page draws it: pages and tables as such, and the places of a quotation on the original."""

from __future__ import annotations

from typing import Any

import pytest

from rag.documents.formats.readers import read
from rag.documents.tree import Limits, TreeWriter
from rag.schema import Document, PageLayout, Span
from rag.ui.document_view import document_view
from rag.ui.original import original_view
from tests import pdfs

CSV = 'Country,2021,Note\nDenmark,"1,204",by sea\nمصر,,عبر القناة\n'


def document(data: bytes, suffix: str) -> Document:
    content = read(data, suffix, f"a{suffix}", Limits())
    return Document("a", content.text, "t", "en", "", content.marks, {}, content.blocks, content.tables, content.pages)


def texts(table: dict[str, Any]) -> list[list[str]]:
    return [["".join(piece["text"] for piece in cell) for cell in row] for row in table["rows"]]


def marked(view: dict[str, Any]) -> list[str]:
    pieces = [piece for part in view["parts"] for piece in part.get("pieces", ())]
    pieces += [piece for part in view["parts"] if "table" in part for row in part["table"]["rows"] for cell in row for piece in cell]
    return [piece["text"] for piece in pieces if piece["mark"]]


def test_rows_are_cells_under_their_columns_and_what_is_quoted_is_marked_in_them() -> None:
    found = document(CSV.encode(), ".csv")
    at = found.text.index("1,204")
    view = document_view(found, Span(at, at + 5))
    (table,) = [part["table"] for part in view["parts"] if "table" in part]
    assert table["columns"] == ["Country", "2021", "Note"]
    assert texts(table) == [["Denmark", "1,204", "by sea"], ["مصر", "", "عبر القناة"]]
    assert marked(view) == ["1,204"]
    row = found.blocks[1].span
    assert marked(document_view(found, row)) == ["مصر", "عبر القناة"]
    assert [part for part in document_view(found, Span(0, 0), 3, 20)["parts"] if "table" in part] == []  # no row lies wholly inside


def test_a_form_is_its_labels_with_their_values_and_a_very_wide_row_is_one_row() -> None:
    writer = TreeWriter("a", Limits())
    writer.fields([("Name", "Layla"), ("المدينة", "دبي"), ("Phone", "")])
    writer.paragraph("Between.")
    writer.table(["Name", *(f"Column {n}" for n in range(12))], [["first", *("x" * 100 for _ in range(12))]], header=0)
    content = writer.content()
    made = Document("a", content.text, "t", "en", "", blocks=content.blocks, tables=content.tables)
    form, wide = (part["table"] for part in document_view(made, Span(0, 0))["parts"] if "table" in part)
    assert [[cell.rstrip(" :") for cell in row] for row in texts(form)] == [["Name", "Layla"], ["المدينة", "دبي"], ["Phone", ""]]
    assert len(wide["rows"]) == 1
    assert [len(cell) for cell in texts(wide)[0]] == [5, *[100] * 12]


@pytest.mark.parametrize("quoted", ["سترة النجاة", "212 passengers"])
def test_the_words_quoted_are_found_on_their_page(quoted: str) -> None:
    found = document(pdfs.with_library(), ".pdf")
    at = found.text.index(quoted)
    view = original_view(found, found.pages, Span(at, at + len(quoted)))
    number = 2 if quoted == "سترة النجاة" else 1
    assert view["page"] == number
    assert list(view["marks"]) == [str(number)]
    assert [page[0] for page in view["pages"]] == [1, 2]
    assert found.text[view["starts"]["2"] :].startswith("الصفحة الثانية")
    for left, top, width, height in view["marks"][str(number)]:
        assert 0 <= left < left + width <= 100
        assert 0 <= top < top + height <= 100
    assert [part["page"] for part in document_view(found, Span(0, 0))["parts"] if "page" in part] == [1, 2]


def test_words_in_a_line_are_one_mark_and_lines_and_columns_are_not_joined() -> None:
    words = [(0, 4, 10, 10, 40, 20), (5, 9, 43, 11, 60, 20), (10, 14, 10, 24, 40, 34), (15, 19, 120, 24, 150, 34), (20, 24, 10, 38, 40, 48)]
    layout = PageLayout(3, 200, 100, tuple(words))
    view = original_view(Document("a", "x" * 30, "t", "en", ""), [layout], Span(2, 19))
    assert view["marks"] == {"3": [[5, 10, 25, 10], [5, 24, 15, 10], [60, 24, 15, 10]]}
    assert view["page"] == 3
    nothing = original_view(Document("a", "x" * 30, "t", "en", ""), [], Span(2, 19))
    assert (nothing["marks"], nothing["pages"], nothing["page"]) == ({}, [[1, 0.0, 0.0]], 1)
