"""The review table in the window: filled row by row, so that it shows at once what it has, and exported without being asked again."""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict

from rag.answering.chatbot import Chatbot
from rag.answering.review_export import table_csv, table_xlsx
from rag.answering.review_table import MOST_CELLS, ReviewCell, ReviewRow, ReviewTable, review_table
from rag.errors import BadSetting
from rag.library.views import View, about_view

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_REMEMBERED = 2000
"""Rows of all readers together."""


class ReviewRows:
    """Rows of review tables, remembered until their index changes. `owner` keeps the rows of one collection of one person apart."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[object, ...], ReviewRow] = OrderedDict()
        self._lock = threading.Lock()

    def row(self, owner: tuple[str, str], chatbot: Chatbot, questions: tuple[str, ...], document: str) -> ReviewRow:
        """Return the answers of one document to all questions. Raises as `review_table` does."""
        key = (*owner, chatbot.index.manifest().generation, questions, document)
        with self._lock:
            known = self._rows.get(key)
        if known is None:
            (known,) = review_table(chatbot, questions, [document]).rows
        with self._lock:
            self._rows[key] = known
            self._rows.move_to_end(key)
            while len(self._rows) > _REMEMBERED:
                self._rows.popitem(last=False)
        return known

    def table(self, owner: tuple[str, str], chatbot: Chatbot, questions: tuple[str, ...], documents: tuple[str, ...]) -> ReviewTable:
        """Return the whole table. Raises as `review_table` does."""
        if len(questions) * len(documents) > MOST_CELLS:
            raise BadSetting("error.table_size", cells=len(questions) * len(documents), most=MOST_CELLS)
        return ReviewTable(questions, tuple(self.row(owner, chatbot, questions, document) for document in documents))


def row_view(row: ReviewRow) -> View:
    """Return a row as the page draws it: each cell the words that answer and the source they stand in, or nothing; with a
    machine translation its `original`."""
    return {"document": row.document_id, "title": row.title, "cells": [_cell_view(cell) for cell in row.cells]}


def _cell_view(cell: ReviewCell) -> View:
    if (found := cell.citation) is None:
        return {"text": "", "source": None}
    span, locator = found.span, found.locator if found.locator != f"§ {found.title}" else ""
    source = {"document": found.document_id, "title": found.title, "locator": locator, "start": span.start, "end": span.end}
    source |= {"quote": found.quote}
    return {"text": cell.text, "source": source | about_view(found.document_id, {}), "original": cell.original}


def table_file(table: ReviewTable, form: str, language: str) -> View:
    """Return a table as a file for the page to save: `{"name", "type", "base64"}`, a workbook for "xlsx", else CSV."""
    if form == "xlsx":
        return file_view("shawahid-table.xlsx", XLSX, table_xlsx(table, language))
    return file_view("shawahid-table.csv", "text/csv", table_csv(table, language).encode())


def file_view(name: str, kind: str, content: bytes) -> View:
    """Return a file for the page to save."""
    return {"name": name, "type": kind, "base64": base64.b64encode(content).decode("ascii")}
