"""The structure of a table on a page: column names, rows and sections, or the labels and values of a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.documents.formats.pdf.tables import Grid, GridCell, is_number, is_year

_LONGEST_NAME = 80
_SHORT_NAME = 40
_LONGEST_LABEL = 140
_LONGEST_TITLE = 160
_MOST_HEADERS = 3


@dataclass(slots=True)
class Section:
    """Rows of a table under a line of its own; `title` is "" for rows without one."""

    title: str
    rows: list[list[GridCell]] = field(default_factory=list)


@dataclass(slots=True)
class TableStructure:
    """A table with its structure. `columns` is empty if no header was found; a form has a label in the first column of each row and a value
    in the second. `after` holds lines below the last row."""

    title: str
    columns: list[str]
    sections: list[Section]
    form: bool = False
    header: int | None = None
    after: list[GridCell] = field(default_factory=list)
    names: list[list[GridCell]] = field(default_factory=list)
    """The header rows as on the page."""
    apart: bool = False
    """Whether the header stands apart from the rows, above the first line over some of them."""

    @property
    def width(self) -> int:
        """The number of columns."""
        return max([len(self.columns), *(len(row) for section in self.sections for row in section.rows)])


def read_structure(grid: Grid) -> TableStructure:
    """Return the structure of a table whose grid has been read."""
    table = [row for row in grid.cells if any(cell.text for cell in row)]
    title = ""
    while len(table) >= 3 and (alone := _alone(table[0])) is not None and not is_number(alone.text) and len(alone.text) <= _LONGEST_TITLE:
        title = f"{title} {alone.text}".strip()
        table = table[1:]
    after: list[GridCell] = []
    while not grid.ruled and len(table) >= 3 and (alone := _alone(table[-1])) is not None and not is_number(alone.text):
        after.insert(0, alone)
        table = table[:-1]
    count = _headers(table, grid.ruled)
    if count == 0 and (fields := _fields(table)) is not None:
        return TableStructure(title, [], fields, True, None, after)
    columns = _names(table[:count])
    body = table[count:] if grid.ruled else _with_wrapped_names(table[count:])
    sections = _sections(body)
    if title and count == 0 and len(sections) > 1 and not sections[0].title:
        sections[0].title, title = title, ""  # the first of several sections, which the lines above its rows name
    return TableStructure(title, columns, sections, False, _naming(body), after, table[:count])


def _alone(row: Sequence[GridCell]) -> GridCell | None:
    """Return the only filled cell of a row, if it comes first or spans the whole row."""
    filled = {id(cell): cell for cell in row if cell.text}
    if len(filled) != 1 or len(row) < 2:
        return None
    cell = next(iter(filled.values()))
    over = sum(other is cell for other in row)
    return cell if row[0] is cell or over >= 0.6 * len(row) else None


def _is_names(row: Sequence[GridCell]) -> bool:
    filled = [cell for cell in row if cell.text]
    named = [cell for cell in filled if (not is_number(cell.text) or is_year(cell.text)) and len(cell.text) <= _LONGEST_NAME]
    return len(named) == len(filled) and len(filled) * 2 >= len(row)


def _headers(table: Sequence[Sequence[GridCell]], ruled: bool) -> int:
    """Return the number of header rows."""
    if len(table) < 2 or not _is_names(table[0]):
        return 0
    width = len(table[0])
    body = table[1:]
    numbers = [
        [is_number(row[n].text) and not is_year(row[n].text) for row in body if n < len(row) and row[n].text] for n in range(1, width)
    ]
    # a column of numbers under a number
    contrast = any(len(column) >= 2 and sum(column) >= 0.6 * len(column) for column in numbers) and not any(
        is_number(cell.text) and not is_year(cell.text) for cell in table[0][1:]
    )
    bold = all(cell.bold for cell in table[0] if cell.text) and not all(cell.bold for row in body for cell in row[1:] if cell.text)
    if width == 2:
        short = all(len(cell.text) <= _SHORT_NAME for cell in table[0])
        if short and ruled and all(len(cell.text) > 2 * _SHORT_NAME for row in body for cell in row):
            return 1
        named = (contrast and len(body) >= 2 and not _colon(table[0][0].text)) or bold
        if named and not bold and ruled and _mixed(table, 1):
            named = False
        return int(named)
    if not (contrast or bold or (ruled and len(table) >= 3 and not _looks_like_form(table))):
        return 0
    count = 1
    while count < min(_MOST_HEADERS, len(table) - 1) and _continues(table[count - 1], table[count], table[count + 1 :]):
        count += 1
    return count


def _continues(above: Sequence[GridCell], row: Sequence[GridCell], body: Sequence[Sequence[GridCell]]) -> bool:
    """Return whether a second header row follows one whose names span several columns or are missing."""
    if not _is_names(row) and not all(not cell.text or is_year(cell.text) or not is_number(cell.text) for cell in row):
        return False
    over_both = any(a is b and a.text for a, b in zip(above, row, strict=False))  # in a table read from the right it may be the last
    first = over_both or not row[0].text or not above[0].text
    merged = any(a is b and a.text for a, b in pairwise(above[1:])) or any(not a.text and b.text for a, b in zip(above, row, strict=False))
    numbers = sum(is_number(cell.text) for later in body[:3] for cell in later[1:])
    return first and merged and (numbers > 0 or all(cell.bold for cell in row if cell.text))


def _names(headers: Sequence[Sequence[GridCell]]) -> list[str]:
    """Return the name of each column, prefixed by the name of its group."""
    names: list[str] = []
    for column in range(len(headers[0]) if headers else 0):
        parts: list[str] = []
        for number, row in enumerate(headers):
            cell = row[column]
            text = cell.text
            if not text and number + 1 < len(headers) and column and sum(bool(cell.text) for cell in row) * 2 <= len(row):
                # a group's name written over its first column only
                text = next((row[n].text for n in range(column - 1, 0, -1) if row[n].text), "")
            if text and text not in parts:
                parts.append(text)
        names.append(" ".join(parts))
    return names


def _naming(body: Sequence[Sequence[GridCell]]) -> int | None:
    """Return the column that names the rows: the first that isn't numbers."""
    if not body:
        return None
    for column in range(len(body[0])):
        texts = [row[column].text for row in body if column < len(row) and row[column].text]
        if texts and sum(is_number(text) and not is_year(text) for text in texts) < 0.5 * len(texts):
            return column
    return 0


def _sections(body: Sequence[Sequence[GridCell]]) -> list[Section]:
    sections = [Section("")]
    for number, row in enumerate(body):
        alone = _alone(row)
        if alone is not None and not is_number(alone.text) and number + 1 < len(body) and len(alone.text) <= _LONGEST_TITLE:
            sections.append(Section(alone.text))
        else:
            sections[-1].rows.append(list(row))
    merged: list[Section] = []
    for section in sections:  # titles that follow one another are one
        if merged and not merged[-1].rows and merged[-1].title:
            section = Section(f"{merged.pop().title} {section.title}".strip(), section.rows)
        if section.rows or section.title:
            merged.append(section)
    return merged


def _with_wrapped_names(body: Sequence[list[GridCell]]) -> list[list[GridCell]]:
    """Return rows in which a long name that wrapped to the next line, together with the values, is one name again."""
    found: list[list[GridCell]] = []
    for row in body:
        before = found[-1] if found else None
        goes_on = row[0].text[:1].islower() or (row[0].text[:1] == "(" and len(row) > 1)
        if before is not None and _alone(before) is not None and goes_on and not _colon(before[0].text):
            row[0].text = f"{before[0].text} {row[0].text}"
            row[0].pieces = [*before[0].pieces, *row[0].pieces]
            found[-1] = row
        elif before is not None and goes_on and _alone(row) is not None and not _alone(before):
            before[0].text += f" {row[0].text}"
            before[0].pieces = [*before[0].pieces, *row[0].pieces]
        else:
            found.append(row)
    return found


# --- forms ----------------------------------------------------------------------------------------------------------------


def _colon(text: str) -> bool:
    return text.rstrip().endswith((":", "："))


def _mixed(table: Sequence[Sequence[GridCell]], column: int) -> bool:
    """Return whether a column alternates between numbers and words, as the values of a form do and those of a table do not."""
    kinds = [is_number(row[column].text) for row in table if column < len(row) and row[column].text]
    return 0.15 < sum(kinds) / max(1, len(kinds)) < 0.85


def _looks_like_form(table: Sequence[Sequence[GridCell]]) -> bool:
    """Return whether a table of four columns is label, value, label, value."""
    if len(table[0]) != 4:
        return False
    labels = [row[n] for row in table for n in (0, 2) if n < len(row) and row[n].text]
    values = [row[n] for row in table for n in (1, 3) if n < len(row) and row[n].text]
    if not labels or not values or any(is_number(cell.text) for cell in labels):
        return False
    if sum(_colon(cell.text) for cell in labels) >= 0.5 * len(labels):
        return True
    if all(cell.bold for cell in labels) and not any(cell.bold for cell in values):
        return True
    kinds = [any(c.isdigit() for c in cell.text) for cell in values]
    first = [any(c.isdigit() for c in table[0][n].text) for n in (1, 3) if n < len(table[0])]
    return any(first) and sum(kinds) >= 0.3 * len(kinds)


def _fields(table: Sequence[Sequence[GridCell]]) -> list[Section] | None:
    """Return the labels and values of a form, in sections; None if it is not a form."""
    width = max((len(row) for row in table), default=0)
    if any(len(row[0].text) > _LONGEST_LABEL for row in table if row[0] is not row[-1]):
        return None
    if not table or width not in (2, 4) or (width == 4 and not _looks_like_form(table)):
        return None
    sections = [Section("")]
    for row in table:
        pairs = [row[n : n + 2] for n in range(0, len(row), 2)]
        distinct = {id(cell) for cell in row if cell.text}
        if len(distinct) == 1 and len(row) == 2 and row[0] is row[1]:
            sections.append(Section(row[0].text))
            continue
        if width == 4 and len(distinct) == 2 and row[1] is row[2] is row[3]:
            pairs = [row[:2]]
        sections[-1].rows += [list(pair) for pair in pairs if any(cell.text for cell in pair)]
    return [section for section in sections if section.rows or section.title]
