"""What every adapter tells of a passage beside its text."""

from __future__ import annotations

from typing import Any

from rag.schema import Hit


def fields(hit: Hit) -> dict[str, Any]:
    """Where a passage is, in Unicode code points of its document, and how it was ranked."""
    passage = hit.passage
    return {
        "document": passage.document_id,
        "title": passage.title,
        "locator": passage.locator,
        "language": passage.language,
        "start": passage.span.start,
        "end": passage.span.end,
        "rank": hit.rank,
        "score": hit.score,
    }


def name(hit: Hit) -> str:
    """A name of the passage that stays the same while its document does."""
    span = hit.passage.span
    return f"{hit.passage.document_id}#{span.start}-{span.end}"
