"""Where the words of a quotation stand on the pages of the original."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.library.views import View
from rag.schema import Document, PageLayout, Span

_PAGE = re.compile(r"p\. ([0-9]{1,6})")
_SAME_LINE = 0.5
"""The share of the lower of two boxes by which they overlap in height if they stand in one line."""
_GAP = 1.5
"""The widest gap between two words that are marked together, in heights of the line."""
PageBox = tuple[float, float, float, float]
"""Left, top, right and bottom."""


def page_starts(document: Document) -> list[tuple[int, int]]:
    """Return where each page of a document begins in its text, as (offset, number), in order."""
    found = [(mark.offset, _PAGE.fullmatch(mark.label)) for mark in document.marks]
    return [(offset, int(label[1])) for offset, label in found if label is not None]


def original_view(document: Document, layouts: Sequence[PageLayout], span: Span) -> View:
    """Return the pages of a document and the places of a span on them.

    `page` is the first page to show; `pages` are [number, width, height], sizes in points and 0 if not known; `marks` are, by page number,
    boxes [left, top, width, height] in per cent of the page; `starts` are, by page number, where a page begins in the text.
    """
    starts = page_starts(document)
    sizes = {layout.number: (layout.width, layout.height) for layout in layouts}
    for _, number in starts:
        sizes.setdefault(number, (0.0, 0.0))
    marks = {layout.number: boxes for layout in layouts if (boxes := _boxes(layout, span))}
    here = [number for offset, number in starts if offset <= span.start]
    first = min(marks, default=here[-1] if here else min(sizes, default=1))
    return {
        "pages": [[number, round(width, 1), round(height, 1)] for number, (width, height) in sorted((sizes or {1: (0.0, 0.0)}).items())],
        "page": first,
        "marks": {str(number): [_share(box, *sizes[number]) for box in boxes] for number, boxes in marks.items()},
        "starts": {str(number): offset for offset, number in reversed(starts)},
    }


def _boxes(layout: PageLayout, span: Span) -> list[PageBox]:
    """Return the boxes of a span's words on a page; neighbours in one line are one box."""
    found: list[PageBox] = []
    for start, end, *sides in layout.words:
        if start >= span.end or end <= span.start or layout.width <= 0 or layout.height <= 0:
            continue
        left, top, right, bottom = sides
        box: PageBox = left, top, right, bottom
        if found and _neighbours(found[-1], box):
            last = found[-1]
            found[-1] = min(last[0], box[0]), min(last[1], box[1]), max(last[2], box[2]), max(last[3], box[3])
        else:
            found.append(box)
    return found


def _neighbours(one: PageBox, other: PageBox) -> bool:
    height = max(min(one[3] - one[1], other[3] - other[1]), 0.1)
    overlap = min(one[3], other[3]) - max(one[1], other[1])
    gap = max(one[0], other[0]) - min(one[2], other[2])
    return overlap >= _SAME_LINE * height and gap <= _GAP * height


def _share(box: PageBox, width: float, height: float) -> list[float]:
    left, top, right, bottom = box
    return [
        round(100 * left / width, 2),
        round(100 * top / height, 2),
        round(100 * (right - left) / width, 2),
        round(100 * (bottom - top) / height, 2),
    ]
