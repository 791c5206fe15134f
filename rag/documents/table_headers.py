"""Split a grid of cells into tables: recognise titles, header rows, data and notes.

Shared by every format that does not mark these itself: CSV, spreadsheets, and tables found on a page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.text.folding import fold
from rag.text.words import words

_SAMPLE = 200
"""The number of rows by which a column is judged."""
_MOST_HEADERS = 3
"""The largest number of header rows."""
_LONGEST_NAME = 80
_LONGEST_LABEL = 60
_LONGEST_SECTION = 160
_NEAR_BLOCKS = 3
_MOST_ABOVE = 8
_MOST_LINES = 8
_FEWEST_BELOW = 4
_FEWEST_ANSWERS = 6
_DIGITS = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]")
_YEAR = re.compile(r"(?:1[89]|20)\d\d(?:\s?[-/–]\s?\d{2,4}|\s?[mqMQ]\d{1,2})?")
_LABEL = re.compile(r"[^\W\d_]{1,3}\d")
_CODES = re.compile(r"[a-z]{1,4}\.?|%|[$€£¥₪]", re.IGNORECASE)
# Column names common to tables of every kind, folded. They only tip the balance if the values are inconclusive.
_USUAL = frozenset(
    """name names title id no code type kind date year month day city town country region state status price cost amount total
    quantity qty unit units description note notes address phone email product item category number count share percent value
    department position role gender age school company sector source
    الاسم اسم العنوان الرقم رقم م النوع التاريخ السنه العام الشهر اليوم المدينه البلد الدوله المنطقه المحافظه الحاله السعر الكلفه
    التكلفه المبلغ المجموع الاجمالي الكميه العدد الوحده الوصف البيان ملاحظات الملاحظات الهاتف البريد المنتج الصنف الفيه القسم
    الجهه الوظيفه الجنس العمر المدرسه الشركه القطاع المصدر النسبه القيمه البند الماده""".split()
)


class SpanningCell(str):
    """The text of a cell that spans its whole row: a title, or a line over the rows below it. The cells after it are empty."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class GridTable:
    """A table found in a grid. `header` is the column that names the rows, or None; `first` is the number of the first row among
    the grid's rows of values, from 1; `notes` are lines below the table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    header: int | None = None
    first: int = 1
    notes: tuple[str, ...] = ()
    is_form: bool = False
    """Whether it has no header, but pairs of a label and its value side by side."""


@dataclass(slots=True)
class _Section:
    """The rows under a section title, up to the next one."""

    label: str = ""
    rows: list[tuple[str, ...]] = field(default_factory=list)


def read_grid(grid: Sequence[Sequence[str]], names: int = 0) -> list[GridTable]:
    """Return the tables of a grid in order; blank rows separate them.

    A block without a header of its own and as wide as one before it, with at most a line or two between them, continues with that one's
    header. Where `names` is above 0, that many rows at the top are known to name the columns; where it is below, the first row looks like
    the others.
    """
    found: list[GridTable] = []
    first = 1
    for block, above in _blocks(grid):
        width = max(map(_width, block))
        near = [table for table in reversed(found[-_NEAR_BLOCKS:]) if len(table.columns) >= width]
        before = next((table for table in near if len(table.columns) == width or _has_values(block, width)), None)
        tables = _tables(block, first, before, max(names, above) if names >= 0 else names)
        names = min(names, 0)
        first += sum(len(table.rows) for table in tables)
        found += tables
    return found


def _blocks(grid: Sequence[Sequence[str]]) -> list[tuple[list[tuple[str, ...]], int]]:
    """Return the runs of rows that are not blank, each row without the blanks around its cells, and of each how many rows at its top are
    known to name the columns."""
    blocks: list[list[tuple[str, ...]]] = [[]]
    for row in grid:
        cells = tuple(SpanningCell(" ".join(cell.split())) if isinstance(cell, SpanningCell) else " ".join(cell.split()) for cell in row)
        if any(cells):
            blocks[-1].append(cells)
        elif blocks[-1]:
            blocks.append([])
    return _joined([block for block in blocks if block])


def _joined(blocks: Sequence[list[tuple[str, ...]]]) -> list[tuple[list[tuple[str, ...]], int]]:
    """Return the blocks with those that only name columns put before the values that follow after a blank row, and how many rows of each
    are known to be such names: those that are more than the rows of a header are."""
    joined: list[tuple[list[tuple[str, ...]], int]] = []
    for block in blocks:
        above = joined[-1][0] if joined else []
        if above and _only_names(above) and _has_values(block, max(map(_width, above))):
            joined[-1] = ([*above, *block], len(above) if len(above) > _MOST_HEADERS else 0)
        else:
            joined.append((list(block), 0))
    return joined


def _only_names(block: Sequence[tuple[str, ...]]) -> bool:
    """Return whether a block is the names of several columns and nothing else."""
    cells = [cell for row in block for cell in row if cell]
    named = sum(any(row[at] for row in block if at < len(row)) for at in range(1, max(map(_width, block))))
    few = len(block) <= _MOST_HEADERS or (len(block) <= _MOST_LINES and not any(row[0] for row in block[:-1]))
    return few and named >= 2 and not any(_is_value(cell) and not _YEAR.search(_ascii(cell)) for cell in cells)


def _has_values(block: Sequence[tuple[str, ...]], width: int) -> bool:
    """Return whether a block of rows has values in most of its cells after the first of each row, and most of them in the columns up to
    `width`."""
    cells = [cell for row in block for cell in row[1:] if cell]
    within = sum(1 for row in block for cell in row[1:width] if cell)
    return len(cells) >= 2 and within > 0.5 * len(cells) and sum(map(_is_value, cells)) >= 0.6 * len(cells)


def _tables(block: list[tuple[str, ...]], first: int, before: GridTable | None, known: int = 0) -> list[GridTable]:
    width = max(_width(row) for row in block)
    rows = [(*row[:width], *("",) * (width - len(row))) for row in block]
    if wrapped := _wrapped_names(rows):
        names = tuple(" ".join(cell for row in rows[:wrapped] if (cell := row[at])) for at in range(width))
        return _tables([names, *rows[wrapped:]], first, None, 1)
    alone = next((at for at, row in enumerate(rows) if _alone(row) is None), len(rows))
    if width > 1 and alone > _MOST_LINES:  # a list in one column, no titles
        lines: list[tuple[str, ...]] = [(next(cell for cell in row if cell),) for row in rows[:alone]]
        upper = _tables(lines, first, None)
        return [*upper, *(_tables(rows[alone:], first + sum(len(table.rows) for table in upper), before) if rows[alone:] else [])]
    titles: list[str] = []
    while len(rows) > 1 and width > 1 and _alone(rows[0]) is not None:
        titles.append(next(cell for cell in rows.pop(0) if cell))
    notes: list[str] = []
    while len(rows) > 1 and width > 1 and rows[-1][0] and _alone(rows[-1]) == 0 and _is_remark(rows[-1][0]):
        notes.insert(0, rows.pop()[0])
    known = known - len(titles) if known > 0 else known
    if known <= 0 and (above := _above_header(rows)):
        upper = _tables(rows[:above], first, None)
        return [*upper, *_tables(rows[above:], first + sum(len(table.rows) for table in upper), None)]
    named = known if 0 < known < len(rows) else _header_rows(rows, likely=known == 0)
    if any(len(cell) > _LONGEST_SECTION for row in rows[:named] for cell in row):
        named = 0  # sentences name no column
    if named:  # a header that is repeated where a page begins
        rows = [*rows[:named], *(row for row in rows[named:] if row != rows[0])]
    columns = _names(rows[:named]) if named else ("",) * width
    if not named and before is not None and (len(before.columns) == width if not titles else _has_values(rows, width)):
        columns = before.columns
    caption = " — ".join(titles)
    body = rows[named:]
    header = _row_names(body)
    filled = [at for at in range(width) if any(row[at] for row in rows)]
    form = [tuple(row[at] for at in filled) for row in rows]
    if (not named or len(filled) < width) and not any(columns[at] for at in filled if not named) and _is_form(form):
        return [GridTable(("",) * len(filled), tuple(form), caption, None, first, tuple(notes), is_form=True)]
    tables = []
    at = first
    for section in _sections(body):
        label = " — ".join(part for part in (caption, section.label) if part)
        tables.append(GridTable(columns, tuple(section.rows), label, header, at))
        at += len(section.rows)
    if not tables:
        return [GridTable((), (columns,), caption, None, first, tuple(notes))] if named else []
    tables[-1] = GridTable(columns, tables[-1].rows, tables[-1].caption, header, tables[-1].first, tuple(notes))
    return tables


def _width(row: Sequence[str]) -> int:
    """Return the number of cells up to the last that is not empty."""
    return max((at for at, cell in enumerate(row, start=1) if cell), default=0)


def _alone(row: Sequence[str]) -> int | None:
    """Return the index of a row's only filled cell; None if it has several. A row whose filled cells are all the same is a merged one."""
    filled = [at for at, cell in enumerate(row) if cell]
    if len(filled) == 1 or (len(filled) > 2 and len({row[at] for at in filled}) == 1 and len(filled) == len(row)):
        return filled[0]
    return None


def _is_remark(text: str) -> bool:
    """Return whether the only cell of a last row is a remark on the table: more than a word or two."""
    return len(text.split()) >= 4 or text[:1] in "*†‡(" or ":" in text


def _sections(body: Sequence[tuple[str, ...]]) -> list[_Section]:
    """Return the rows under each line that is alone in its row ("North", then the towns of the north)."""
    sections = [_Section()]
    for at, row in enumerate(body):
        label, first = _alone(row), next(iter(row), "")
        more = at + 1 < len(body) and _alone(body[at + 1]) is None
        over = len(row) > 2 or isinstance(first, SpanningCell)
        if label == 0 and over and more and len(first) <= _LONGEST_SECTION and _LETTERS.search(first):
            sections.append(_Section(first))
        else:
            sections[-1].rows.append(row)
    return [section for section in sections if section.rows]


def _is_form(body: Sequence[tuple[str, ...]]) -> bool:
    """Return whether every second column holds labels (short, distinct words) and the others their values."""
    if len(body) < 2 or len(body[0]) not in (2, 4):
        return False
    labels = [row[at] for row in body for at in range(0, len(row), 2) if row[at]]
    marked = sum(label.rstrip().endswith((":", "：")) for label in labels) / max(1, len(labels))
    if len(labels) < 2 or len(set(labels)) < len(labels) or (marked < 0.6 and _common_word(labels)):
        return False
    plain = sum(len(label) <= _LONGEST_LABEL and not _is_value(label) for label in labels) / len(labels)
    values = [row[at] for row in body for at in range(1, len(row), 2) if row[at]]
    return marked >= 0.6 or (plain >= 0.9 and len(set(map(_is_value, values))) == 2)


# --- the rows that name the columns ----------------------------------------------------------------------------------------


def _above_header(rows: Sequence[tuple[str, ...]]) -> int:
    """Return how many rows above the header are no part of the table: labels with their values, each row at most half as full as it."""
    filled = [len({cell for cell in row if cell}) for row in rows[: _MOST_ABOVE + 1]]
    for at in range(1, min(_MOST_ABOVE, len(rows) - 2) + 1):
        if filled[at] >= _FEWEST_BELOW and max(filled[:at]) * 2 <= filled[at]:
            labelled = any(cell.endswith((":", "：")) for row in rows[:at] for cell in row)
            return at if labelled and _score(rows[at], rows[at + 1 : at + _SAMPLE + 1]) > 1 else 0
    return 0


def _wrapped_names(rows: Sequence[tuple[str, ...]]) -> int:
    """Return how many rows at the top are the lines of names that were wrapped, more than two rows of names can be: without values, and
    with nothing in the first column before the last; 0 for any other table."""
    count = next((at for at, row in enumerate(rows[: _MOST_LINES + 1]) if any(map(_is_value, row))), 0)
    if not _MOST_HEADERS < count <= _MOST_LINES or any(row[0] for row in rows[: count - 1]) or not rows[count - 1][0]:
        return 0
    body = rows[count : count + _SAMPLE]
    columns = [[row[at] for row in body if row[at]] for at in range(1, len(rows[0]))]
    numeric = sum(bool(values) and sum(map(_is_value, values)) >= 0.6 * len(values) for values in columns)
    return count if numeric * 2 >= len(columns) else 0


def _header_rows(rows: Sequence[tuple[str, ...]], likely: bool = True) -> int:
    """Return the number of header rows: 0 if the first row is like all others, or if nothing sets it apart and a header is not
    `likely`."""
    if _are_labels([row[0] for row in rows[:_SAMPLE]]):
        return 0
    score = _score(rows[0], [row for row in rows[1 : _SAMPLE + 1] if row != rows[0]]) if len(rows) > 1 else 0.0
    if len(rows) < 2 or score < 0 or (score == 0 and not likely):
        # The upper of two header rows may be inconclusive by itself, each of its names spanning several columns.
        if len(rows) > 2 and _spans(rows[0]) and _score(rows[1], rows[2 : _SAMPLE + 2]) > 0:
            return 2
        return 0
    count = 1
    while count < min(_MOST_HEADERS, len(rows) - 1):
        below = rows[count + 1 : count + _SAMPLE + 1]
        merged = _continues(rows[count - 1], rows[count])
        if not below or not (merged or (_spans(rows[count - 1]) and _score(rows[count], below) > 0)):
            break
        count += 1
    return count


def _are_labels(cells: Sequence[str]) -> bool:
    """Return whether the first cells of rows, that of the first row among them, are labels with a colon ("Chair:")."""
    marked = [cell.endswith((":", "：")) for cell in cells if cell]
    return len(marked) > 1 and marked[0] and sum(marked) >= 0.6 * len(marked)


def _continues(names: Sequence[str], row: Sequence[str]) -> bool:
    """Return whether the name of the first column goes on in the next row, as a merged cell that stands in both, and others do not."""
    return bool(names[0]) and names[0] == row[0] and tuple(names) != tuple(row) and not any(map(_is_value, row))


def _spans(row: Sequence[str]) -> bool:
    """Return whether names of a row span several columns: repeated side by side, or followed by empty cells."""
    return any(row[at] and row[at] == row[at - 1] for at in range(1, len(row))) or any(
        row[at - 1] and not row[at] for at in range(1, len(row))
    )


def _score(row: Sequence[str], body: Sequence[tuple[str, ...]]) -> float:
    """Return the evidence that a row is the header of `body`: positive for, negative against, 0 if inconclusive."""
    years = [cell for cell in row if _YEAR.fullmatch(_ascii(cell))]
    in_sequence = len(set(years)) >= 2
    total = 0.0
    for at, cell in enumerate(row):
        values = [below[at] for below in body if at < len(below) and below[at]]
        total += _column_score(cell, values, in_sequence)
    return total


def _column_score(cell: str, values: Sequence[str], years_in_sequence: bool) -> float:
    if not values:
        return 0.0
    numeric = sum(_is_value(value) for value in values) / len(values)
    if not cell:
        return 0.0
    if _YEAR.fullmatch(_ascii(cell)) and years_in_sequence:
        years = sum(_YEAR.fullmatch(_ascii(value)) is not None for value in values) / len(values)
        return 1.0 if numeric >= 0.6 and years < 0.9 else -0.5
    if _is_value(cell):
        return -1.0 if numeric >= 0.5 else -0.5
    folded = fold(cell).strip(" :")
    if numeric >= 0.6:
        return 1.5
    if cell in values and len(set(values)) < len(values):
        return -1.5
    if folded in _USUAL:
        return 1.0
    if len(values) >= _FEWEST_ANSWERS and len(set(values)) <= 0.5 * len(values) and cell not in values:
        return 1.0  # few different values, again and again, and the first is none of them: the answers to a question
    if len(cell) > _LONGEST_NAME:
        return -0.5
    common = _common_word(values)
    if common and common in words(cell):
        return 0.5 if len(words(cell)) == 1 else -1.5
    definite = folded.startswith("ال") and sum(fold(value).startswith("ال") for value in values) / len(values) < 0.3
    return 0.5 if definite and len(words(cell)) <= 2 else 0.0


def _common_word(values: Sequence[str]) -> str:
    """Return a word that most cells of a column share, or ""."""
    if len(values) < 2:
        return ""
    counted = Counter(word for value in values for word in set(words(value)) if not word.isdigit())
    word, count = counted.most_common(1)[0] if counted else ("", 0)
    return word if count >= 0.6 * len(values) and count > 1 and len(set(values)) > 1 else ""


def _is_value(cell: str) -> bool:
    """Return whether a cell is a number, an amount, a share or a date in digits, with at most a unit of a few letters."""
    text = _ascii(cell)
    if not _DIGITS.search(text):
        return text in ("-", "–", "—", "..", "…", "n/a", "N/A")
    if _LABEL.match(text) or (text[:1].isalpha() and text.endswith("%")):  # "Q1", "T2", "VAT 12%"
        return False
    rest = re.sub(r"[\d\s.,:/()+\-−–%٪٫٬'’]+", " ", text).split()
    return len(rest) <= 1 and all(_CODES.fullmatch(part) or len(part) <= 5 for part in rest)


def _ascii(text: str) -> str:
    return fold(text)


def _names(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names that one or several rows give the columns: "group – name" for a name over several columns, which holds for each of
    them, and "group 2023" or "2023 name" with a year."""
    filled = []
    for number, row in enumerate(rows):
        below = rows[number + 1 :]
        filled.append(_spread_back(row, below) if _stands_over_last(row, below) else _spread(row, below))
    return tuple(_name(list(dict.fromkeys(cells[at] for cells in filled if cells[at]))) for at in range(len(rows[0])))


def _name(parts: Sequence[str]) -> str:
    name = parts[0] if parts else ""
    for before, part in pairwise(parts):
        name += (" " if any(_YEAR.fullmatch(_ascii(one)) for one in (before, part)) else " – ") + part
    return name


def _spread(row: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of a row with each over the unnamed columns after it that have a name in a row below."""
    last, cells = "", list[str]()
    for at, cell in enumerate(row):
        over = any(other[at] for other in below)
        last = cell or (last if over and at > 0 else "")
        cells.append(cell or last)
    return cells


def _spread_back(row: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of a row with each over the unnamed columns before it, but for the first column, that have a name in a row below."""
    last, cells = "", list[str]()
    for at in range(len(row) - 1, 0, -1):
        last = row[at] or last
        cells.append(row[at] or (last if any(other[at] for other in below) else ""))
    return [row[0], *reversed(cells)]


def _stands_over_last(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether the names of a row stand over the last of their columns instead of the first: the first columns that have names
    below have none above, and the last one has."""
    named = [at for at in range(1, len(row)) if any(other[at] for other in below)]
    groups = [at for at in named if row[at]]
    return bool(groups) and len(named) > 2 * len(groups) - 1 and not row[named[0]] and bool(row[named[-1]]) and not _is_repeated(row)


def _is_repeated(row: Sequence[str]) -> bool:
    return any(row[at] and row[at] == row[at - 1] for at in range(1, len(row)))


def _row_names(body: Sequence[tuple[str, ...]]) -> int | None:
    """Return the first column of words, if it names the rows: nearly always filled, seldom repeated, with values next to it."""
    if not body or len(body[0]) < 2:
        return None
    sample = body[:_SAMPLE]
    for at in range(min(2, len(sample[0]))):
        cells = [row[at] for row in sample]
        filled = [cell for cell in cells if cell]
        if len(filled) < 0.8 * len(cells):
            continue
        if sum(_is_value(cell) for cell in filled) > 0.3 * len(filled):
            continue
        return at if len(set(filled)) >= 0.7 * len(filled) else None
    return None
