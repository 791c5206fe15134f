"""The records of a document's tables: whole rows, and columns of values that can be compared and added."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from rag.answering.table_wording import is_time, is_total
from rag.documents.tree import CELL_SEPARATOR, heading_paths
from rag.schema import Block, BlockKind, Document, Span
from rag.text.folding import fold
from rag.text.numbers import Bound, Date, Kind, Value, find_values
from rag.text.numbers.lexicon import UNITS
from rag.text.words import words

_LONGEST_ROW = 700
"""Characters from which the tree continues a row in a second block."""
_MOST_ROWS = 5000
"""Rows of the longest table that is computed with."""
_LARGEST_GAP = 0.2
"""The largest share of rows without a value in a column that is computed with."""
_LONGEST_REST = 12
"""Characters of a cell besides its value: a unit that is not known, the mark of a note."""
_BLANK = frozenset(("", "-", "–", "—", "..", "…", "n/a", "na", "null", "none", "unknown", "?", "غير متوفر", "غير معروف", "لا يوجد"))
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL = re.compile(r"[-+]?\d*\.\d+")
_CLEARLY_DECIMAL = re.compile(r"[-+]?(?:0?\.\d+|\d+\.(?:\d{1,2}|\d{4,}))")
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}")
_CODE = re.compile(r"0\d+")
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_YEAR = re.compile(r"(?<!\d)(?:1\d|20|21)\d\d(?!\d)")
_WORDS = re.compile(r"[^\W\d_]+")
_CODES = frozenset("id code codes iso alpha2 alpha3 abbreviation رمز الرمز اختصار الاختصار".split())
_NOTE = re.compile(r"\s*(?:\[\w{1,3}\]|[*†‡]+)$")


@dataclass(frozen=True, slots=True)
class TableRecord:
    """A record of a table: the spans of its values by column, and of its first block, in the document."""

    cells: Mapping[int, Span]
    span: Span


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of a table, or of the parts of one that continues: `columns` are their names, `caption` and `path` what it stands under.

    `key` is the column that names the rows, each differently; None if there is none.
    """

    document: Document
    columns: tuple[str, ...]
    caption: str
    path: tuple[str, ...]
    rows: tuple[TableRecord, ...]
    key: int | None

    def text(self, row: TableRecord, column: int) -> str:
        """Return a value as the document writes it, on one line; "" if the row has none."""
        span = row.cells.get(column)
        return "" if span is None else " ".join(span.of(self.document.text).split())


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of a column, by the index of their row, in one unit that all share ("" for bare numbers). `is_time` says that they are
    dates or years, ordered by their numbers: `worth` is what orders a value."""

    values: Mapping[int, Value]
    worth: Mapping[int, Decimal]
    unit: str
    is_time: bool


def records_of(document: Document) -> list[Records]:
    """Return the tables of a document as records; the parts of a table that continues below the same caption and headings are one."""
    paths = heading_paths(document)
    parts: dict[tuple[tuple[str, ...], str, tuple[str, ...]], list[TableRecord]] = {}
    headers: dict[tuple[tuple[str, ...], str, tuple[str, ...]], int | None] = {}
    previous: tuple[int, Block] | None = None
    for at, block in enumerate(document.blocks):
        if block.kind is not BlockKind.ROW or block.table is None or not block.cells:
            previous = None
            continue
        table = document.tables[block.table]
        caption = table.caption or (" ".join(block.lead.of(document.text).split()) if block.lead is not None else "")
        place = (table.columns, caption, paths[at])
        rows = parts.setdefault(place, [])
        headers.setdefault(place, table.header)
        if previous is not None and previous[0] == block.table and _continues(document, previous[1], block):
            rows[-1] = TableRecord({cell.column: cell.span for cell in block.cells} | dict(rows[-1].cells), rows[-1].span)
        else:
            rows.append(TableRecord({cell.column: cell.span for cell in block.cells}, block.span))
        previous = block.table, block
    found = []
    for (columns, caption, path), rows in parts.items():
        whole = [row for row in rows if not _is_sum(document, row, headers[columns, caption, path])]
        if 2 <= len(whole) <= _MOST_ROWS and any(len(row.cells) > 1 for row in whole):
            records = Records(document, columns, caption, path, tuple(whole), None)
            found.append(replace(records, key=_key(records, headers[columns, caption, path])))
    return found


def _continues(document: Document, before: Block, block: Block) -> bool:
    """Return whether a block is the rest of a wide row: its first new cell would have made the block before it too long."""
    table = document.tables[block.table or 0]
    new = [cell for cell in block.cells if cell.column != table.header]
    if not new or new[0].column <= max(cell.column for cell in before.cells):
        return False
    name = table.columns[new[0].column] if new[0].column < len(table.columns) else ""
    return len(before.span) + len(CELL_SEPARATOR) + len(name) + 2 + len(new[0].span) > _LONGEST_ROW


def _is_sum(document: Document, row: TableRecord, header: int | None) -> bool:
    """Return whether a row states the sum or average of the others."""
    first = row.cells.get(header if header is not None else min(row.cells))
    return first is not None and is_total(first.of(document.text))


def _key(records: Records, header: int | None) -> int | None:
    """Return the column that names the rows: that of the table's header or the first of words, if no two rows share a name."""
    candidates = [header] if header is not None else []
    candidates += [column for column in range(len(records.columns)) if column != header]
    candidates.sort(key=lambda column: _rank(records.columns[column]))  # stable
    for column in candidates:
        names = [fold(records.text(row, column)) for row in records.rows]
        if all(names) and len(set(names)) == len(names) and sum(bool(_WORDS.search(name)) for name in names) > 0.5 * len(names):
            return column
    return None


def _rank(name: str) -> int:
    """Return 1 for a column of codes, which names rows only if no other does."""
    return int(not _CODES.isdisjoint(words(name)))


def measure_of(records: Records, column: int, among: Collection[int] | None = None) -> ColumnValues | None:
    """Return the values of a column, of the rows `among` or all; None unless nearly all rows have one there, all of them can be read in
    one way, and all are of one unit or in units that convert exactly."""
    rows = range(len(records.rows)) if among is None else among
    cells = {at: _NOTE.sub("", fold(records.text(records.rows[at], column))).strip() for at in rows}
    cells = {at: cell for at, cell in cells.items() if cell not in _BLANK}
    if not cells or len(cells) < (1 - _LARGEST_GAP) * len(rows):
        return None
    decimal = any(_CLEARLY_DECIMAL.fullmatch(cell) for cell in cells.values())
    orders = {order for cell in cells.values() if (order := _day_first(cell)) is not None}
    values: dict[int, Value] = {}
    rests = set[tuple[str, ...]]()
    for at, cell in cells.items():
        value = _value(cell, decimal, orders)
        if value is None:
            return None
        values[at] = value
        rests.add(tuple(_WORDS.findall(cell[: value.span.start] + " " + cell[value.span.end :])))
    if len(rests) > 1:  # "per month" beside "per year"
        return None
    if any(value.kind is Kind.DATE for value in values.values()):
        return _dated(values)
    return _numbered(values, is_time(records.columns[column]))


def _day_first(cell: str) -> bool | None:
    """Return whether a date in digits begins with its day; None if it can begin with either, or is none."""
    match = _SLASHED.fullmatch(cell)
    if match is None or (int(match[1]) <= 12) == (int(match[2]) <= 12):
        return None
    return int(match[1]) > 12


def _value(cell: str, decimal: bool, orders: set[bool]) -> Value | None:
    """Return the only value of a cell; None if it states none, several or one that can be read in two ways."""
    if _CODE.fullmatch(cell):
        return None
    if _WHOLE.fullmatch(cell):
        return Value(Kind.NUMBER, Span(0, len(cell)), Decimal(cell))
    if _GROUPED.fullmatch(cell) and not (decimal and cell.count(",") == 0):
        return Value(Kind.NUMBER, Span(0, len(cell)), Decimal(cell.replace(",", "")))
    if decimal and _DECIMAL.fullmatch(cell):
        return Value(Kind.NUMBER, Span(0, len(cell)), Decimal(cell))
    found = find_values(cell)
    if len(found) != 1:
        return None
    value = found[0]
    rest = cell[: value.span.start] + " " + cell[value.span.end :]
    if (
        value.also
        or value.high is not None
        or value.bound is not Bound.EXACT
        or re.search(r"\d", rest)
        or len(rest.strip()) > _LONGEST_REST
    ):
        return None
    if value.kind is Kind.DATE:
        return _ordered(cell, value, orders)
    if value.number is None or value.kind not in (Kind.NUMBER, Kind.AMOUNT, Kind.MEASURE, Kind.PERCENT):
        return None
    return None if value.spelled else value


def _ordered(cell: str, value: Value, orders: set[bool]) -> Value | None:
    """Return a date in digits with its day and month in the order that the column shows; None if that is unclear."""
    if _SLASHED.fullmatch(cell) is None:
        return replace(value, dates=value.dates[:1])
    if len(value.dates) == 1:
        return value
    if len(orders) != 1:
        return None
    return replace(value, dates=value.dates[:1] if orders == {True} else value.dates[1:2])


def _dated(values: Mapping[int, Value]) -> ColumnValues | None:
    """Return dates in order; None if they are of two calendars or not equally exact."""
    dates: dict[int, Date] = {}
    for at, value in values.items():
        if value.date is None or value.date.year is None:
            return None
        dates[at] = value.date
    if len({(date.hijri, date.month is None, date.day is None) for date in dates.values()}) != 1:
        return None
    worth = {at: Decimal((date.year or 0) * 10000 + (date.month or 0) * 100 + (date.day or 0)) for at, date in dates.items()}
    return ColumnValues(values, worth, "", True)


def _numbered(values: Mapping[int, Value], named_as_time: bool) -> ColumnValues | None:
    """Return numbers in one unit; None if their units do not convert exactly."""
    numbers = {at: value.number for at, value in values.items() if value.number is not None}
    units = {value.unit for value in values.values()}
    if len(units) == 1:
        unit = next(iter(units))
        years = named_as_time and not unit and all(number == int(number) and 1000 <= number <= 2200 for number in numbers.values())
        return ColumnValues(values, numbers, unit, years)
    families = {UNITS[unit].family if unit in UNITS else "" for unit in units}
    worths = {unit: UNITS[unit].worth for unit in units if unit in UNITS}
    if len(families) != 1 or "" in families or len(worths) != len(units) or any(worth is None for worth in worths.values()):
        return None
    converted = {at: numbers[at] * (worths[value.unit] or Decimal(1)) for at, value in values.items()}
    return ColumnValues(values, converted, "*", False)


def years_of(records: Records, column: int) -> Iterator[tuple[int, int]]:
    """Yield the row and year of each value of a column of dates or years; nothing for another column."""
    first = next((text for row in records.rows if (text := records.text(row, column))), "")
    measure = measure_of(records, column) if _YEAR.search(fold(first)) else None
    if measure is not None and measure.is_time:
        for at, value in measure.values.items():
            yield at, value.date.year if value.date and value.date.year else int(value.number or 0)
