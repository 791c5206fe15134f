"""Serialize a document's tree and page layouts, for the pipe of the reading process and for the index."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from rag.documents.tree import Content
from rag.schema import Block, BlockKind, Cell, Document, PageLayout, Span, Table

_BLOCK_DEFAULTS: tuple[Any, ...] = (0, None, None, [])
"""Level, lead, table and cells of most blocks."""


def pack_blocks(document: Document | Content) -> str:
    """Return a document's tree as JSON: `{"blocks": [[kind, start, end, level, lead, table, cells]], "tables": [[columns, caption,
    header]]}`, a lead as [start, end] or null, cells as [column, start, end]; trailing empty members are left out."""
    blocks = []
    for block in document.blocks:
        row: list[Any] = [block.kind.value, block.span.start, block.span.end, block.level]
        row += [[block.lead.start, block.lead.end] if block.lead else None, block.table]
        row.append([[cell.column, cell.span.start, cell.span.end] for cell in block.cells])
        while len(row) > 3 and row[-1] == _BLOCK_DEFAULTS[len(row) - 4]:
            row.pop()
        blocks.append(row)
    tables = [[list(table.columns), table.caption, table.header] for table in document.tables]
    return json.dumps({"blocks": blocks, "tables": tables}, ensure_ascii=False, separators=(",", ":"))


def unpack_blocks(text: str) -> tuple[tuple[Block, ...], tuple[Table, ...]]:
    """Return what `pack_blocks` wrote. Raises ValueError, TypeError or KeyError for anything else."""
    value = json.loads(text)
    blocks = []
    for row in value["blocks"]:
        filled: list[Any] = [*row, *_BLOCK_DEFAULTS[len(row) - 3 :]]
        kind, start, end, level, lead, table, cells = filled
        blocks.append(
            Block(
                BlockKind(kind),
                Span(start, end),
                level,
                Span(*lead) if lead else None,
                table,
                tuple(Cell(column, Span(first, last)) for column, first, last in cells),
            )
        )
    return tuple(blocks), tuple(Table(tuple(columns), caption, header) for columns, caption, header in value["tables"])


def pack_layouts(pages: Sequence[PageLayout]) -> bytes:
    """Return the positions of the words of pages as JSON compressed with zlib, whose checksum detects a flipped bit;
    coordinates in tenths of a point."""
    rows = [
        [page.number, round(page.width, 1), round(page.height, 1), [[a, b, *(round(10 * x) for x in box)] for a, b, *box in page.words]]
        for page in pages
    ]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode("ascii"), 6)


def unpack_layouts(blob: bytes) -> tuple[PageLayout, ...]:
    """Return what `pack_layouts` wrote. Raises ValueError or zlib.error for anything else."""
    pages = []
    for number, width, height, words in json.loads(zlib.decompress(blob)):
        pages.append(PageLayout(number, width, height, tuple((a, b, w / 10, x / 10, y / 10, z / 10) for a, b, w, x, y, z in words)))
    return tuple(pages)
