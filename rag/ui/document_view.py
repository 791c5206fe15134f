"""A document as the page draws it: its text in parts, with pages and tables as such, and a quotation marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.library.views import View
from rag.schema import Block, BlockKind, Document, Span
from rag.ui.original import page_starts
from rag.ui.render import marked_pieces

PAGE = 60_000
"""Characters of a document sent to the page at a time, on each side of the requested position."""
_WIDE_ROW = 600
"""Characters of two blocks together that are one very wide row, continued."""


def document_view(document: Document, span: Span, start: int | None = None, end: int | None = None) -> View:
    """Return a document, or the characters from `start` to `end` of a long one, with the part of the span that lies inside marked.

    `parts` are in order: {"pieces"} of running text, {"page"} where one begins, and {"table"} with its columns, the pieces of its cells,
    and the "spans" of its rows.
    """
    length = len(document.text)
    start = max(0, span.start - PAGE) if start is None else min(max(0, start), length)
    end = min(length, span.end + PAGE) if end is None else min(max(start, end), length)
    return {
        "id": document.id,
        "title": document.title,
        "language": document.language,
        "locator": document.locator(span.start),
        "parts": list(_parts(document, span, start, end)),
        "start": start,
        "end": end,
        "length": length,
    }


def _parts(document: Document, span: Span, start: int, end: int) -> Iterator[View]:
    pages = [(offset, number) for offset, number in page_starts(document) if start <= offset < end]
    tables = list(_tables(document, start, end, [offset for offset, _ in pages]))
    at = start
    for offset, _, item in sorted([(offset, 0, number) for offset, number in pages] + [(run[0].span.start, 1, run) for run in tables]):
        if offset > at:
            yield {"pieces": _pieces(document, span, at, offset)}
            at = offset
        if isinstance(item, int):
            yield {"page": item}
        else:
            yield {"table": _table(document, span, item)}
            at = item[-1].span.end
    if end > at:
        yield {"pieces": _pieces(document, span, at, end)}


def _pieces(document: Document, span: Span, start: int, end: int) -> list[View]:
    """Return the text from `start` to `end`, with what of the span lies inside marked."""
    first, last = max(span.start, start), min(span.end, end)
    return marked_pieces(document.text[start:end], [Span(first - start, last - start)] if first < last else [])


def _tables(document: Document, start: int, end: int, breaks: Sequence[int]) -> Iterator[list[Block]]:
    """Yield the rows of each table that lie between `start` and `end`; a table that goes on to another page in two parts."""
    run: list[Block] = []
    starts = set(breaks)
    for block in document.blocks:
        if run and (block.table != run[-1].table or block.span.start in starts or block.kind is not BlockKind.ROW):
            yield run
            run = []
        if block.kind is BlockKind.ROW and block.table is not None and start <= block.span.start and block.span.end <= end:
            run.append(block)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _table(document: Document, span: Span, run: Sequence[Block]) -> View:
    """Return the rows of a table, or of a form, whose labels stand in the first of two columns."""
    table = document.tables[run[0].table or 0]
    if len(table.columns) > 1 and len(run) > 1 and _is_form(run):
        rows = []
        for block in run:
            value = block.cells[0].span if block.cells else Span(block.span.end, block.span.end)
            label = _pieces(document, span, block.span.start, value.start)
            rows.append([label, _pieces(document, span, value.start, value.end)])
        return {"columns": [], "rows": rows, "header": 0, "spans": [[block.span.start, block.span.end] for block in run]}
    rows_of = _rows(run, table.header)
    spans = [[row[0].span.start, row[-1].span.end] for row in rows_of]
    used = sorted({cell.column for row in rows_of for block in row for cell in block.cells})
    if not used:
        whole = [[_pieces(document, span, start, end)] for start, end in spans]
        return {"columns": [], "rows": whole, "header": None, "spans": spans}
    rows = []
    for row in rows_of:
        cells: dict[int, list[View]] = {}
        for block in row:
            for cell in block.cells:
                cells.setdefault(cell.column, _pieces(document, span, cell.span.start, cell.span.end))
        rows.append([cells.get(column, []) for column in used])
    named = any(table.columns[column] for column in used if column < len(table.columns))
    columns = [table.columns[column] if column < len(table.columns) else "" for column in used] if named else []
    return {"columns": columns, "rows": rows, "header": used.index(table.header) if table.header in used else None, "spans": spans}


def _is_form(run: Sequence[Block]) -> bool:
    columns = [block.cells[0].column for block in run if block.cells]
    return all(len(block.cells) <= 1 for block in run) and columns == sorted(set(columns)) and len(columns) > 1


def _rows(run: Sequence[Block], header: int | None) -> list[list[Block]]:
    """Return the blocks of each row: several for one that is very wide, each of which repeats the cell that names it."""
    rows: list[list[Block]] = []
    for block in run:
        before = rows[-1][-1] if rows else None
        own = [cell.column for cell in block.cells if cell.column != header]
        if (
            before is not None
            and before.cells
            and own
            and own[0] > before.cells[-1].column
            and len(before.span) + len(block.span) > _WIDE_ROW
        ):
            rows[-1].append(block)
        else:
            rows.append([block])
    return rows
