"""Score a reading of a document; pure functions of plain values.

A `Reading` is the output of a reader for a file, a `Gold` its true content. Every score lies between 0 and 1, or is None if the gold has
nothing of the kind. Words and numbers are compared after NFKC (so that a reader that leaves presentation forms is not penalised twice),
without bidirectional marks, tatweel and vowel signs, and with all digits as ASCII ones; nothing else is folded.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

Grid = Sequence[Sequence[str]]
"""The rows of a table as returned by a reader, header rows included."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the gold: the names of its columns, and of each row its name and its values in that order, "" for an empty cell.

    A form has no columns: each row is a label and one value.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def cells(self) -> list[tuple[str, str, str]]:
        """(row name, column name, value) of each cell that is not empty."""
        names = self.columns or ("",)
        return [(row, column, value) for row, values in self.rows for column, value in zip(names, values, strict=True) if value]


@dataclass(frozen=True, slots=True)
class Gold:
    """The content of a page, or of the part that was checked. `words` are paragraphs in reading order; `columns` are texts that follow one
    another; `numbers` are as printed. `complete` says that `numbers` are all there are, so that any other number was invented. `absent` are
    texts that don't belong to the document: menus, banners, running headers. `unreadable` means that nothing can be read and nothing may be
    indexed.
    """

    id: str
    file: str
    kind: str
    language: str
    made: bool
    words: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    complete: bool = False
    tables: tuple[Table, ...] = ()
    absent: tuple[str, ...] = ()
    unreadable: bool = False

    @property
    def is_table(self) -> bool:
        return bool(self.tables)


@dataclass(frozen=True, slots=True)
class Reading:
    """The output of a reader for a file: its text, and its tables if it returns them separately. `error` is the reason if there is
    neither."""

    text: str = ""
    tables: Sequence[Grid] = field(default_factory=tuple)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one page; None for a score that does not apply."""

    words: float | None = None
    numbers: float | None = None
    cells: float | None = None
    cells_by_position: float | None = None
    columns: float | None = None
    kept_out: float | None = None
    garbage: float | None = None
    refused: float | None = None


MEASURES = tuple(Scores.__dataclass_fields__)


def score(reading: Reading, gold: Gold) -> Scores:
    """Compute all scores of a reading."""
    if gold.unreadable:
        return Scores(garbage=garbage_indexed(reading.text))
    words = words_of(reading.text)
    grids = [*reading.tables, *grids_of(reading.text)]
    return Scores(
        words=words_in_order(gold.words, words),
        numbers=numbers_exact(gold.numbers, reading.text, gold.complete),
        cells=cells_right(gold.tables, reading.text, grids),
        cells_by_position=cells_right(gold.tables, reading.text, grids, by_position=True),
        columns=columns_in_order(gold.columns, words),
        kept_out=kept_out(gold.absent, words),
        garbage=float(any(is_garbage(word) for word in reading.text.split())),
        refused=float(not words),
    )


# --- text -----------------------------------------------------------------------------------------------------------------

_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff\u00ad\u0640\u064b-\u065f\u0670]")
_SIGNS = str.maketrans({"٪": "%", "٫": ".", "٬": ",", "−": "-", "–": "-", "‑": "-", "‐": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " "})

_PERCENT_BEFORE = re.compile(r"(?<!\d)%(\d+(?:[.,]\d+)*)(?![\d%])")  # as printed in Arabic; the number is the same


def plain(text: str) -> str:
    """Normalise a text for comparison: see the module."""
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    text = _UNSEEN.sub("", text).translate(_SIGNS)
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return _PERCENT_BEFORE.sub(r"\1%", text)


def words_of(text: str) -> list[str]:
    """Return the words of a text, without adjoining signs: markup, brackets, quotation marks, full stops."""
    found = []
    for word in plain(text).split():
        start, end = 0, len(word)
        while start < end and not word[start].isalnum():
            start += 1
        while end > start and not word[end - 1].isalnum():
            end -= 1
        if start < end:
            found.append(word[start:end])
    return found


def words_in_order(expected: Sequence[str], words: Sequence[str]) -> float | None:
    """Return how much of each text is in the reading word for word: 1 less the share of words missing, changed or inserted. Mean over the
    texts, weighted by their words; None without texts.
    """
    total = right = 0.0
    for text in expected:
        wanted = words_of(text)
        total += len(wanted)
        right += len(wanted) * align(wanted, words).score
    return right / total if total else None


@dataclass(frozen=True, slots=True)
class Alignment:
    """Return how well a run of words matches a text, and the half-open range of the text's words where it matches best."""

    score: float
    start: int
    end: int


def align(wanted: Sequence[str], words: Sequence[str]) -> Alignment:
    """Find the place of a run of words in a text by the least number of words missing, changed or inserted."""
    if not wanted or not words:
        return Alignment(0.0, 0, 0)
    known = {word: number for number, word in enumerate(dict.fromkeys(wanted))}
    text = np.array([known.get(word, -1) for word in words], dtype=np.int32)
    steps = np.arange(len(words) + 1, dtype=np.int32)
    table = np.zeros((len(wanted) + 1, len(words) + 1), dtype=np.int32)  # the first row is 0: the match may begin anywhere
    for number, word in enumerate(wanted, start=1):
        above = table[number - 1]
        row = above + 1
        row[1:] = np.minimum(row[1:], above[:-1] + (text != known[word]))
        table[number] = np.minimum.accumulate(row - steps) + steps
    end = at = int(table[-1].argmin())
    number = len(wanted)
    while number:
        if at and table[number, at] == table[number - 1, at - 1] + (text[at - 1] != known[wanted[number - 1]]):
            number, at = number - 1, at - 1
        elif table[number, at] == table[number - 1, at] + 1:
            number -= 1
        else:
            at -= 1
    return Alignment(max(0.0, 1 - int(table[-1, end]) / len(wanted)), at, end)


_FOUND = 0.7


def columns_in_order(expected: Sequence[str], words: Sequence[str]) -> float | None:
    """Return the share of texts, all but the last, that end before the next one begins. A text that isn't found counts as out of order."""
    if len(expected) < 2:
        return None
    places = [align(words_of(text), words) for text in expected]
    pairs = list(itertools.pairwise(places))
    return sum(a.score >= _FOUND and b.score >= _FOUND and a.end <= b.start for a, b in pairs) / len(pairs)


def kept_out(absent: Sequence[str], words: Sequence[str]) -> float | None:
    """Return the share of foreign texts of which less than nine tenths are in the reading."""
    return sum(align(words_of(text), words).score < 0.9 for text in absent) / len(absent) if absent else None


def is_garbage(word: str) -> bool:
    """Return whether a word has characters that never occur in text: private use, replacement, or a glyph number in its place."""
    return any(c == "\ufffd" or unicodedata.category(c) in ("Co", "Cc") for c in word) or "(cid:" in word


_NO_WORDS = 20


def garbage_indexed(text: str) -> float:
    """Return 1 if an unreadable page yielded text anyway, 0 if it yielded none or next to none."""
    return float(sum(c.isalnum() for c in text) >= _NO_WORDS)


# --- numbers --------------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"\d+(?:[.,/:]\d+)*")


def numbers_exact(expected: Sequence[str], text: str, complete: bool = False) -> float | None:
    """Return the share of the printed numbers that are in the reading, each as often as printed. With `complete`, a number that isn't
    printed counts as one more error.
    """
    if not expected:
        return None
    text = " ".join(plain(text).split())
    wanted: dict[str, int] = {}
    for number in expected:
        number = " ".join(plain(number).split())
        wanted[number] = wanted.get(number, 0) + 1
    right = sum(min(count, len(standing(number).findall(text))) for number, count in wanted.items())
    invented = 0
    if complete:
        pieces = {piece for number in wanted for piece in _NUMBER.findall(number)}
        invented = sum(piece not in pieces for piece in _NUMBER.findall(text))
    return right / (len(expected) + invented)


@lru_cache(maxsize=4096)
def standing(number: str) -> re.Pattern[str]:
    """Return a pattern for a number that isn't part of a longer one: no digit, and no sign followed by a digit, on either side."""
    # The minus of -5 belongs to the number, the hyphen of 2019-2020 doesn't.
    before = r"(?<![\d])(?<!\d[.,/:])" + ("" if number[0] in "+-" else r"(?<![^\w\s)\]]-)(?<!\s-)(?<!^-)")
    return re.compile(before + re.escape(number).replace(r"\ %", " ?%").replace("%", " ?%") + r"(?!\d|[.,/:]\d)")


def numbers_of(text: str) -> list[str]:
    """Return the numbers of a text as printed, including space-separated groups and leading signs."""
    return [m[0] for m in re.finditer(r"(?<![\w.,])[-+]?\d{1,3}(?: \d{3})+(?![\d])|(?<![\w.,\d])[-+]?\d+(?:[.,/:]\d+)*%?", plain(text))]


# --- tables ---------------------------------------------------------------------------------------------------------------

_SEPARATORS = "|;·•،؛,\t"
_AFTER_NAME = re.compile(r"\s*(?:[:：=]|\s[-–—]\s)\s*")


def cells_right(tables: Sequence[Table], text: str, grids: Sequence[Grid], by_position: bool = False) -> float | None:
    """Return the share of cells that the reading has with their row and column.

    In a grid a cell is right if it is in the row of its row name and under its column's name; in a text if its column's name comes right
    before it and its row's name is in the same line or record. With `by_position`, it is enough that a line has the row's name and all its
    values in order, below a line with the column names in that order, from which a reader could work it out (unless a cell is empty).
    """
    wanted = [cell for table in tables for cell in table.cells]
    if not wanted:
        return None
    lines = _lines(text)
    found = {cell for cell in wanted if _in_grid(cell, grids) or _in_records(cell, lines)}
    if by_position:
        for table in tables:
            found |= _in_lines(table, lines)
    return sum(cell in found for cell in wanted) / len(wanted)


def grids_of(text: str) -> list[list[list[str]]]:
    """Return the tables that a text writes with `|` (Markdown) or with tabs."""
    found: list[list[list[str]]] = []
    before = ""
    for line in text.splitlines():
        mark = "|" if line.count("|") >= 2 else "\t" if "\t" in line.strip("\n") else ""
        if mark:
            cells = [cell.strip() for cell in (line.strip().strip("|") if mark == "|" else line).split(mark)]
            if mark != before:
                found.append([])
            if not all(re.fullmatch(r":?-{2,}:?", cell) for cell in cells):
                found[-1].append(cells)
        before = mark
    return found


@lru_cache(maxsize=65536)
def _value(text: str) -> str:
    """Normalise a cell for comparison: without surrounding spaces and markup."""
    value = "".join(plain(text).split()).strip("*_`'\"")
    return value if value[-1:] not in ".،" or value[-2:-1].isdigit() else value[:-1]


@lru_cache(maxsize=65536)
def _words(text: str) -> frozenset[str]:
    return frozenset(words_of(text))


def _in_grid(cell: tuple[str, str, str], grids: Sequence[Grid]) -> bool:
    row, column, value = cell
    names, over, wanted = _words(row), _words(column), _value(value)
    for grid in grids:
        for number, cells in enumerate(grid):
            for place, text in enumerate(cells):
                if _value(text or "") != wanted:
                    continue
                others = [other or "" for at, other in enumerate(cells) if at != place]
                if not column:
                    near = [other for other in (_next(cells, place, -1), _next(cells, place, 1)) if other]
                    if any(names <= _words(other) for other in near):
                        return True
                    continue
                # A row's name may be spread over several cells: governorate and district.
                if names <= frozenset().union(*map(_words, others)) and over <= _above(grid, number, place):
                    return True
    return False


def _next(cells: Sequence[str], place: int, step: int) -> str:
    """Return the nearest cell in a direction that isn't empty."""
    place += step
    while 0 <= place < len(cells):
        if (cells[place] or "").strip():
            return cells[place]
        place += step
    return ""


def _above(grid: Grid, number: int, place: int) -> frozenset[str]:
    """Return the words of the cells above one, and of a merged cell that spans it: one followed by empty cells."""
    found: set[str] = set()
    for cells in grid[:number]:
        if place < len(cells):
            at = place
            while at > 0 and not (cells[at] or "").strip():
                at -= 1
            found |= _words(cells[at] or "")
    return frozenset(found)


def _lines(text: str) -> list[list[str]]:
    """Return the lines of each record: a run of lines without a blank one."""
    records: list[list[str]] = [[]]
    for line in plain(text).splitlines():
        line = " ".join(line.split())
        if line:
            records[-1].append(line)
        elif records[-1]:
            records.append([])
    return [record for record in records if record]


def _in_records(cell: tuple[str, str, str], records: Sequence[Sequence[str]]) -> bool:
    row, column, value = cell
    names = _words(row)
    wanted = " ".join(plain(value).split())
    if not column:
        return _beside(row, wanted, records)
    over = _words(column)
    for record in records:
        holding = [line for line in record if wanted in line]
        if not holding:
            continue
        named = [line for line in record if over <= _words(line)]
        for line in holding:
            if not _named(line, over, wanted):
                continue
            # A record of several lines is one row only if it names the column once.
            if names <= _words(line) or (len(named) == 1 and names <= _words(" ".join(record))):
                return True
    return False


def _named(line: str, over: frozenset[str], wanted: str) -> bool:
    """Return whether the value comes right after its column's name in a line, with nothing else before the next name."""
    for found in re.finditer(re.escape(wanted), line):
        before, after = line[: found.start()], line[found.end() :].lstrip(" .*")
        mark = re.search(r"(?:\s*[:：=]|\s[-—])\s*\**\s*$", before)
        if not mark or (after and after[0] not in _SEPARATORS + ")"):
            continue
        label = re.split(f"[{re.escape(_SEPARATORS)}]\\s", before[: mark.start()])[-1]
        if over <= _words(label):
            return True
    return False


def _beside(label: str, wanted: str, records: Sequence[Sequence[str]]) -> bool:
    """Return whether a value comes right after its label, on the same line or at the beginning of the next."""
    named = words_of(label)
    value = words_of(wanted)
    for record in records:
        for number, line in enumerate(record):
            words = words_of(line)
            for at in range(len(words) - len(named) + 1):
                if words[at : at + len(named)] == named:
                    rest = words[at + len(named) :]
                    if not rest and number + 1 < len(record):
                        rest = words_of(record[number + 1])
                    if rest[: len(value)] == value:
                        return True
    return False


def _in_lines(table: Table, records: Sequence[Sequence[str]]) -> set[tuple[str, str, str]]:
    """Return the cells of rows that are on one line, name first or last, all values in order, below the column names in order."""
    lines = [line for record in records for line in record]
    words = [words_of(line) for line in lines]
    found: set[tuple[str, str, str]] = set()
    if not table.columns:
        return found
    for row, values in table.rows:
        if not all(values):
            continue
        name = words_of(row)
        body = [word for value in values for word in words_of(value)]
        for number, line in enumerate(words):
            if any(line[at : at + len(name) + len(body)] in (name + body, body + name) for at in range(len(line))) and _heads(
                table.columns, words[max(0, number - 80) : number]
            ):
                found |= {(row, column, value) for column, value in zip(table.columns, values, strict=True)}
    return found


def _heads(columns: Sequence[str], above: Sequence[Sequence[str]]) -> bool:
    """Return whether the column names come above, in order."""
    text = [word for line in above for word in line]
    at = 0
    for column in columns:
        name = words_of(column)
        while at + len(name) <= len(text) and text[at : at + len(name)] != name:
            at += 1
        if at + len(name) > len(text):
            return False
        at += len(name)
    return True


# --- as JSON --------------------------------------------------------------------------------------------------------------


def gold_from(record: Mapping[str, Any]) -> Gold:
    """Return a gold record from its JSON form, in which tables are `{"columns": […], "rows": [[name, value, …], …]}`."""
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items() if key in Gold.__dataclass_fields__}
    fields["tables"] = tuple(
        Table(tuple(table.get("columns", ())), tuple((row[0], tuple(row[1:])) for row in table["rows"]))
        for table in record.get("tables", ())
    )
    return Gold(**fields)
