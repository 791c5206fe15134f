"""Comma-, semicolon- and tab-separated values: the rows of a table, each with the names of its columns."""

from __future__ import annotations

import csv
import io
from collections import Counter

from rag.documents.formats.decoding import decode
from rag.documents.tree import Content, Limits, TreeWriter
from rag.errors import DocumentError

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 200
_SAMPLE = 64 * 2**10
_LONGEST_CELL = 1_000_000
_MANY_COLUMNS = 1000
_MANY_REMARKS = 100


def read_csv(data: bytes, name: str, limits: Limits) -> Content:
    """Return a table in which every row says `column: value` for each cell that is not empty.

    Titles above the header, headers of several rows and files without a header are recognised by the rows below. Raises
    DocumentError for more than a thousand columns.
    """
    text = decode(data, name).lstrip("\ufeff")
    delimiter, text = _declared_delimiter(text)
    remarks, text = _remarks(text)
    writer = TreeWriter(name, limits)
    writer.grid(_rows(text, delimiter or _delimiter(text), name), " — ".join(remarks))
    return writer.content()


def _declared_delimiter(text: str) -> tuple[str, str]:
    """Return the delimiter that a first line `sep=;` declares, as Excel writes it, and the text without that line."""
    first, _, rest = text.partition("\n")
    declared = first.strip().strip('"')
    if declared.lower().startswith("sep=") and len(declared) == 5:
        return declared[4], rest
    if declared.lower() == "sep=" and first.rstrip("\r\n").endswith("\t"):
        return "\t", rest
    return "", text


def _remarks(text: str) -> tuple[list[str], str]:
    """Return the lines before a table that begin with "#", as data files say what they hold, and the rest. A header may begin so too:
    the last such line is one if it has a cell for each column of the line below."""
    lines = text.split("\n", _MANY_REMARKS)
    count = next((at for at, line in enumerate(lines[:-1]) if line.strip() and not line.startswith("#")), 0)
    marked = [at for at in range(count) if lines[at].startswith("#")]
    if marked and count < len(lines):
        delimiter = _delimiter("\n".join(lines[count : count + 20]))
        if lines[marked[-1]].count(delimiter) == lines[count].count(delimiter) > 0:
            count = marked.pop()
            lines[count] = lines[count].lstrip("# ")
    remarks = [remark for at in marked if (remark := lines[at].lstrip("#").strip())]
    return remarks, "\n".join(lines[count:]) if remarks or marked else text


def _delimiter(text: str) -> str:
    """Return the delimiter that splits most of the first lines into the same number of cells, more than one; "," if none does.

    csv.Sniffer is not used: its regular expressions take seconds on a few hundred kilobytes.
    """
    sample = text[:_SAMPLE]
    best, most = ",", 0.0
    for delimiter in _DELIMITERS:
        if delimiter not in sample:
            continue
        try:
            counts: Counter[int] = Counter()
            for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                if any(cell.strip() for cell in row):
                    counts[len(row)] += 1
                if counts.total() >= _SAMPLE_LINES:
                    break
        except csv.Error:
            continue
        cut = [(width, count) for width, count in counts.items() if width > 1]
        if not cut:
            continue
        width, count = max(cut, key=lambda item: (item[1], item[0]))
        score = count / counts.total() + min(width, 20) / 1000
        if score > most:
            best, most = delimiter, score
    return best


def _rows(text: str, delimiter: str, name: str) -> list[list[str]]:
    csv.field_size_limit(_LONGEST_CELL)
    found = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(row) > _MANY_COLUMNS:
                raise DocumentError("error.damaged", name=name, reason=f"{len(row)} columns")
            found.append(row)
    except csv.Error as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)) from error
    return found
