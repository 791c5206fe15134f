"""PowerPoint presentations: each slide is a place with its title as heading, its lists, tables and speaker's notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from rag.documents.formats.cells import spread_merged
from rag.documents.formats.safe_zip import open_archive
from rag.documents.tree import SLIDE, Content, Limits, TreeWriter
from rag.errors import DocumentError

_DEEPEST = 20
_FURNITURE = frozenset(("SLIDE_NUMBER", "DATE", "FOOTER", "HEADER"))
"""Placeholders that hold the same on every slide, or its number."""


def read_pptx(data: bytes, name: str, limits: Limits) -> Content:
    """Return the slides in order, hidden ones included. Text in pictures and charts is not read. Raises DocumentError."""
    from pptx import Presentation
    from pptx.exc import PackageNotFoundError

    with open_archive(data, name, limits):
        pass  # its size when unpacked is within the limit
    try:
        deck = Presentation(io.BytesIO(data))
    except (PackageNotFoundError, KeyError, ValueError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
    writer = TreeWriter(name, limits)
    for number, slide in enumerate(deck.slides, start=1):
        writer.mark(SLIDE.format(n=number))
        title = slide.shapes.title
        if title is not None and title.has_text_frame and title.text_frame.text.strip():
            writer.heading(title.text_frame.text, marked=False)
        for shape in _shapes(slide.shapes):
            if shape.is_placeholder and getattr(shape.placeholder_format.type, "name", "") in _FURNITURE:
                continue
            if title is None or shape.shape_id != title.shape_id:
                _write(writer, shape)
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None and notes.text.strip():
            writer.note(notes.text)
    return writer.content(title=(deck.core_properties.title or "").strip())


def _shapes(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Yield shapes from top to bottom, those of a group at the group's position."""
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if hasattr(shape, "shapes") and depth < _DEEPEST:
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape


def _write(writer: TreeWriter, shape: Any) -> None:
    if getattr(shape, "has_table", False):
        writer.grid(_cells(shape.table))
    elif shape.has_text_frame:
        lines = [(paragraph.level, _text(paragraph)) for paragraph in shape.text_frame.paragraphs]
        lines = [(level, text) for level, text in lines if text]
        listed = shape.is_placeholder and len(lines) > 1
        for level, text in lines:
            if listed and not text.endswith(":"):
                writer.item(text, level=level)
            else:
                writer.paragraph(text)


def _text(paragraph: Any) -> str:
    return "".join(run.text for run in paragraph.runs).replace("\v", " ").strip() or paragraph.text.replace("\v", " ").strip()


def _cells(table: Any) -> list[list[str]]:
    rows = [[" ".join(cell.text_frame.text.split()) for cell in row.cells] for row in table.rows]
    merged = [
        (y, x, y + cell.span_height, x + cell.span_width)
        for y, row in enumerate(table.rows)
        for x, cell in enumerate(row.cells)
        if cell.is_merge_origin
    ]
    spread_merged(rows, merged)
    return rows
