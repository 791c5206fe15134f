"""The metadata that every adapter returns with a passage."""

from __future__ import annotations

from typing import Any

from rag.schema import Hit


def fields(hit: Hit) -> dict[str, Any]:
    """Return the position of a passage, in Unicode code points of its document, and its rank and score."""
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
    """Return a name for the passage that stays the same as long as its document does."""
    span = hit.passage.span
    return f"{hit.passage.document_id}#{span.start}-{span.end}"
