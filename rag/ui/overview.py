"""Overviews as the page draws them: lines in pieces, the words that each is listed for set off, with the place it stands at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rag.answering.contradictions import Contradiction
from rag.answering.overview import Line, Overview
from rag.library.views import View, about_view
from rag.ui.render import About


def overview_view(overview: Overview, about: About, found: Sequence[Contradiction] | None) -> View:
    """Return an overview: `parts` with their lines, and `contradictions` as pairs of lines, None if they were not looked for."""
    parts = {name: getattr(overview, name) for name in ("points", "names", "dates", "figures")}
    return {
        "title": overview.title,
        "read": len(overview.documents),
        "total": overview.total,
        "parts": [{"name": name, "lines": [_line(line, about) for line in lines]} for name, lines in parts.items() if lines],
        "contradictions": None if found is None else [[_line(one.one, about), _line(one.other, about)] for one in found],
    }


def documents_in(overview: Overview, found: Iterable[Contradiction] = ()) -> list[str]:
    """Return the ids of the documents that are quoted, each once."""
    lines = [*overview.lines, *(line for one in found for line in (one.one, one.other))]
    return list(dict.fromkeys(line.document_id for line in lines))


def _line(line: Line, about: About) -> View:
    start, end = (line.words.start - line.span.start, line.words.end - line.span.start) if line.words else (0, 0)
    pieces = [(line.text[:start], False), (line.text[start:end], True), (line.text[end:], False)]
    return {
        "context": line.context.rstrip(" :"),
        "words": line.label,
        "pieces": [{"text": " ".join(text.split("\n")), "bold": bold} for text, bold in pieces if text],
        "source": {
            "document": line.document_id,
            **about_view(line.document_id, about.get(line.document_id, {})),
            "title": line.title,
            "locator": line.locator if line.locator != f"§ {line.title}" else "",
            "start": line.span.start,
            "end": line.span.end,
            "quote": line.text,
        },
    }
