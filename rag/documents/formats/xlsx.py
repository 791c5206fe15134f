"""Excel workbooks: each sheet a section, merged cells repeated in every position they cover, numbers as the sheet displays them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from rag.documents.formats.cells import is_named, spread_merged
from rag.documents.formats.safe_zip import member, open_archive
from rag.documents.tree import Content, Limits, TreeWriter
from rag.errors import DocumentError

_MOST_CELLS = 2_000_000
_MOST_MARKED = 12
_MOST_NAME_ROWS = 3
_FIRST_ROW = re.compile(r"[A-Z]+(\d+)")
_QUOTED = re.compile(r'"([^"]*)"|\[\$([^\]-]*)[^\]]*\]|\\(.)|_.|\*.|\[[^\]]*\]')
_PLACES = re.compile(r"[#0?]\.([0#?]+)|^\.([0#?]+)")
_MERGED = re.compile(rb'<mergeCell\s+ref="([A-Z]+\d+:[A-Z]+\d+)"')
_UNCOMPUTED = re.compile(rb"<f[ />][^<]*(?:</f>)?(?:<v\s*/>|<v></v>)?</c>")


def read_xlsx(data: bytes, name: str, limits: Limits) -> Content:
    """Return the sheets of a workbook. Formulas are read as the values saved with them.

    What is left out is noted: hidden sheets, and formulas saved without a value. Raises DocumentError.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    notes: list[DocumentError] = []
    with open_archive(data, name, limits) as archive:
        sheets = [entry.filename for entry in archive.infolist() if entry.filename.startswith("xl/worksheets/sheet")]
        uncomputed = 0
        for sheet in sheets:
            written = member(archive, sheet, name)
            uncomputed += len(_UNCOMPUTED.findall(written))
            if _merged_cells(written) > _MOST_CELLS:  # openpyxl makes an object of each
                raise DocumentError("error.too_much_text", name=name, limit=f"{_MOST_CELLS / 1e6:.0f}")
    if uncomputed:
        notes.append(DocumentError("error.formulas_without_values", name=name, count=uncomputed))
    try:
        book = load_workbook(io.BytesIO(data), data_only=True)
    except (InvalidFileException, KeyError, ValueError, TypeError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
    writer = TreeWriter(name, limits)
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            notes.append(DocumentError("error.sheet_hidden", name=name, sheet=sheet.title))
            continue
        height, width = _extent(sheet)
        if height * width > _MOST_CELLS:
            raise DocumentError("error.too_much_text", name=name, limit=f"{_MOST_CELLS / 1e6:.0f}")
        cells = sheet.iter_rows(max_row=height, max_col=width) if height else ()
        rows = [[shown_value(cell.value, cell.number_format) for cell in row] for row in cells]
        spread_merged(rows, ((r.min_row - 1, r.min_col - 1, r.max_row, r.max_col) for r in sheet.merged_cells.ranges))
        if any(any(row) for row in rows):
            if is_named(sheet.title, len(book.worksheets)):
                writer.heading(sheet.title)
            writer.grid(rows, names=_name_rows(sheet, rows))
    title = (book.properties.title or "").strip()
    return writer.content(title=title, notes=tuple(notes))


def _name_rows(sheet: Any, rows: Sequence[Sequence[str]]) -> int:
    """Return how many rows at the top of a sheet are marked as the names of its columns, titles above them included: by a filter, as a
    table, or in bold above rows that are not; 0 if none are."""
    filled = [at for at, row in enumerate(rows[:_MOST_MARKED]) if sum(map(bool, row)) > 1]
    if not filled:
        return 0
    areas = [sheet.auto_filter.ref, *(table.ref for table in sheet.tables.values())]
    marked = {int(match[1]) - 1 for area in areas if (match := _FIRST_ROW.match(area or ""))}
    at = filled[0]
    while at in filled and _is_bold(sheet, at) and at not in marked:
        at += 1
    if filled[0] in marked:
        at = filled[0] + 1
    elif at in marked and at in filled:
        at += 1
    named = filled[0] < at < len(rows) and at - filled[0] <= _MOST_NAME_ROWS and all(map(any, rows[:at]))
    return at if named and (at - 1 in marked or at in filled) else 0


def _is_bold(sheet: Any, row: int) -> bool:
    return all(cell.font.b for cell in sheet[row + 1] if cell.value is not None)


def _merged_cells(sheet: bytes) -> int:
    """Return how many cells the merged ranges in a sheet's XML cover."""
    from openpyxl.utils.cell import range_boundaries

    total = 0
    for reference in _MERGED.findall(sheet):
        left, top, right, bottom = range_boundaries(reference.decode("ascii"))
        if left and top and right and bottom:
            total += (right - left + 1) * (bottom - top + 1)
    return total


def _extent(sheet: Any) -> tuple[int, int]:
    """Return the last row and the last column with a value; a format alone may reach to the end of a sheet."""
    filled = [cell for cell in sheet._cells.values() if cell.value is not None]
    return max((cell.row for cell in filled), default=0), max((cell.column for cell in filled), default=0)


def shown_value(value: Any, number_format: str) -> str:
    """Return a cell's value as the sheet displays it: a date as a date, 0.125 in the format `0.0%` as 12.5%."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() and not _has_time(number_format) else value.isoformat(" ", "minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, (int, float)):
        return _number(value, number_format.split(";")[0])
    return str(value).strip()


def _has_time(number_format: str) -> bool:
    return any(letter in _QUOTED.sub("", number_format.lower()) for letter in "hs")


def _number(value: int | float, number_format: str) -> str:
    literal = "".join(one or two or three for one, two, three in _QUOTED.findall(number_format)).strip()
    pattern = _QUOTED.sub("", number_format).strip()
    if pattern in ("", "General", "@") or not re.search(r"[#0?]", pattern) or "/" in pattern or "E" in pattern:
        text = _plain(value)
    else:
        places = _PLACES.search(pattern)
        digits = len(places[1] or places[2]) if places else 0
        scaled = value * 100 if "%" in pattern else value
        text = f"{scaled:,.{digits}f}" if "," in pattern else f"{scaled:.{digits}f}"
        if places and "#" in (places[1] or ""):
            text = text.rstrip("0").rstrip(".")
    if "%" in pattern:
        text += "%"
    sign = next((sign for sign in "$€£¥" if sign in pattern), "")
    if literal and not sign:
        return f"{text} {literal}" if re.search(r"[#0?]", number_format.split(literal)[0]) else f"{literal} {text}"
    return sign + text


def _plain(value: int | float) -> str:
    """Return a number without the noise of binary fractions, at Excel's 15 significant digits."""
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    return f"{value:.15g}"
