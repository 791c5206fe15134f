"""Tables: comma-, semicolon- and tab-separated values. Each row becomes lines that read alone, and a mark."""

from __future__ import annotations

import csv
import io

from rag.documents.formats.content import ROW, Content, Limits, Writer, one_line
from rag.documents.formats.plain import decode
from rag.errors import DocumentError

_DELIMITERS = ",;\t|"
_SAMPLE = 64 * 2**10
_LONGEST_CELL = 1_000_000
_MANY_COLUMNS = 1000


def read_csv(data: bytes, name: str, limits: Limits) -> Content:
    """A table: `column: value` for each cell of a row that is not empty, so that a row found alone says what it is about.

    The first row names the columns, unless it looks like all others (a number, an empty or a repeated cell).
    """
    text = decode(data, name)
    rows = list(_rows(text, name))
    if not rows:
        return Content("")
    names = rows[0] if _names_columns(rows) else []
    writer = Writer(name, limits)
    for number, row in enumerate(rows[1:] if names else rows, start=1):
        writer.mark(ROW.format(n=number))
        cells = [" ".join(cell.split()) for cell in row]
        if names:
            cells = [
                f"{column}: {cell}" if column else cell for column, cell in zip(_padded(names, len(cells)), cells, strict=True) if cell
            ]
        writer.block("\n".join(cell for cell in cells if cell))
    return writer.content()


def _rows(text: str, name: str) -> list[list[str]]:
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:_SAMPLE], _DELIMITERS)
    except csv.Error:
        dialect = csv.excel  # one column
    csv.field_size_limit(_LONGEST_CELL)
    found = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), dialect):
            if len(row) > _MANY_COLUMNS:
                raise DocumentError("error.damaged", name=name, reason=f"{len(row)} columns")
            if any(cell.strip() for cell in row):
                found.append(row)
    except csv.Error as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)) from error
    return found


def _names_columns(rows: list[list[str]]) -> bool:
    first = [one_line(cell, 100) for cell in rows[0]]
    if len(rows) < 2 or not all(first) or len(set(first)) < len(first):
        return False
    return not any(any(c.isdigit() for c in cell) and not any(c.isalpha() for c in cell) for cell in first)


def _padded(names: list[str], length: int) -> list[str]:
    return [*(one_line(column, 100) for column in names[:length]), *[""] * (length - len(names))]
