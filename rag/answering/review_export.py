"""A review table as CSV and as an Excel workbook, with the citation of every cell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from rag.answering.review_table import ReviewCell, ReviewTable
from rag.messages import say

_FORMULA = re.compile(r"[=+\-@\t\r](?![\d.,٠-٩\s]*(?:[\d٠-٩]\W?)$)")
"""Matches the beginning of a text that a spreadsheet would take for a formula; plain numbers are safe."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDTH = 40
_DOCUMENT_WIDTH = 24


def table_csv(table: ReviewTable, language: str) -> str:
    """Return a table as CSV: one line per document, two columns per question, the answer and its source. Spreadsheets open it as UTF-8, and
    no cell as a formula.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(map(_safe, _header(table, language)))
    for row in table.rows:
        cells = [part for cell in row.cells for part in (_text(cell, language), _source(cell))]
        writer.writerow(map(_safe, (row.title, row.document_id, *cells)))
    return "\ufeff" + out.getvalue()


def _header(table: ReviewTable, language: str) -> Iterator[str]:
    yield say("table.title", language)
    yield say("table.document", language)
    for question in table.questions:
        yield question
        yield say("table.source", language)


def _text(cell: ReviewCell, language: str) -> str:
    """Return the text of a cell; a machine translation says that it is one, and its source stands in the next column or sheet."""
    if cell.citation is None:
        return say("table.not_stated", language)
    return say("answer.translated", language, text=cell.text) if cell.original else cell.text


def _source(cell: ReviewCell) -> str:
    """Return the source of a cell: the place, its context, and the quote."""
    if cell.citation is None:
        return ""
    quote = " ".join(cell.citation.quote.split())
    return " · ".join(part for part in (cell.citation.locator, cell.citation.context, f"“{quote}”") if part)


def _safe(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def table_xlsx(table: ReviewTable, language: str) -> bytes:
    """Return a table as a workbook of two sheets: the answers, one line per document, and the quotation behind each with its place."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    answers, sources = book.worksheets[0], book.create_sheet()
    lines = [[say("table.title", language), say("table.document", language), *table.questions]]
    lines += [[row.title, row.document_id, *(_text(cell, language) for cell in row.cells)] for row in table.rows]
    for sheet, title, rows in ((answers, "table.answers", lines), (sources, "table.sources", list(_sources(table, language)))):
        sheet.title = say(title, language)
        sheet.sheet_view.rightToLeft = language == "ar"
        sheet.freeze_panes = "C2"
        for number, row in enumerate(rows, start=1):
            for column, text in enumerate(row, start=1):
                cell = sheet.cell(number, column, _UNPRINTABLE.sub("", text))
                cell.data_type = "s"  # never a formula
                cell.alignment = Alignment(wrap_text=True, vertical="top")
                cell.font = Font(bold=number == 1)
        for column in range(1, len(rows[0]) + 1):
            sheet.column_dimensions[get_column_letter(column)].width = _DOCUMENT_WIDTH if column <= 2 else _WIDTH
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sources(table: ReviewTable, language: str) -> Iterator[list[str]]:
    """Yield the lines of the second sheet, the first its header."""
    names = ("title", "document", "question", "answer", "grade", "place", "under", "quote")
    yield [say(f"table.{name}", language) for name in names]
    for row in table.rows:
        for question, cell in zip(table.questions, row.cells, strict=True):
            if (found := cell.citation) is not None:
                grade = say(f"cli.grade_{found.grade}", language)
                yield [row.title, row.document_id, question, cell.text, grade, found.locator, found.context, " ".join(found.quote.split())]
