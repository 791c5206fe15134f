"""The cells of tables, for the formats that give them as a grid with merged ranges: spreadsheets, slides and OpenDocument texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.documents.table_headers import SpanningCell

_DEFAULT_NAME = re.compile(
    r"(?:sheet|worksheet|table|feuil|feuille|tabelle|hoja|foglio|blad|planilha|ورقة(?: عمل)?|الورقة|جدول)[ _]?\d{0,3}", re.IGNORECASE
)
"""How spreadsheet programs call a sheet that nobody has named."""


def spread_merged(rows: list[list[str]], ranges: Iterable[tuple[int, int, int, int]]) -> None:
    """Write the value of each merged range (first row, first column, end row, end column) into all of its cells.

    A range over all columns but one or more, alone in its row, is a title and stays in its first cell.
    """
    for top, left, bottom, right in ranges:
        if top >= len(rows) or left >= len(rows[top]):
            continue
        value = rows[top][left]
        if right - left > 1 and not any(rows[top][:left] + rows[top][right:]):
            if left == 0 and bottom - top == 1 and right >= len(rows[top]):
                rows[top][0] = SpanningCell(value)
            continue
        for row in rows[top : min(bottom, len(rows))]:
            for column in range(left, min(right, len(row))):
                row[column] = value


def trimmed(rows: Sequence[list[str]]) -> list[list[str]]:
    """Return rows without empty cells at the right and empty rows at the end."""
    kept = [row[: max((at + 1 for at, cell in enumerate(row) if cell), default=0)] for row in rows]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def is_named(sheet: str, sheets: int) -> bool:
    """Return whether the name of a sheet is worth showing: it was given by a person, or distinguishes one of several sheets."""
    return sheets > 1 or _DEFAULT_NAME.fullmatch(sheet.strip()) is None
