"""The overview of all documents of an index, with their contradictions, computed once for each state of the index and kept next to it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag.answering.contradictions import Contradiction, contradictions
from rag.answering.overview import Line, Overview, overview_of
from rag.answering.overview_statements import context_above
from rag.errors import DiskFailed, DiskFull, InvalidRecord
from rag.files import writing
from rag.retrieval.index import Index
from rag.schema import BlockKind, Document, Passage, Span
from rag.storage.kept_overview import read_overview, state_of, write_overview

_PARTS = ("points", "names", "dates", "figures")


@dataclass(frozen=True, slots=True)
class CollectionOverview:
    """What all documents of an index say, and what they state differently."""

    overview: Overview
    contradictions: tuple[Contradiction, ...]


def kept_overview(index: Index) -> CollectionOverview | None:
    """Return what was kept for the index as it is now; None if it has changed since, or nothing was. Raises IndexCorrupt."""
    places = read_overview(index.folder, state_of(index.manifest()))
    if places is None:
        return None
    reader = _PlaceReader(index)
    try:
        parts = {name: tuple(reader.line(place) for place in places[name]) for name in _PARTS}
        found = tuple(
            Contradiction(reader.line(one), reader.line(other), kind, float(certainty))
            for one, other, kind, certainty in places["contradictions"]
        )
        overview = Overview(tuple(places["documents"]), int(places["total"]), str(places["title"]), str(places["language"]), **parts)
    except (LookupError, TypeError, ValueError, InvalidRecord):
        return None
    return CollectionOverview(overview, found)


def keep_overview(index: Index, stop: threading.Event | None = None) -> CollectionOverview:
    """Return the overview of all documents with their contradictions, and keep it; not if `stop` is set meanwhile, where it can't be
    written, or while somebody else writes the index. Raises IndexBusy and IndexCorrupt."""
    state = state_of(index.manifest())
    overview = overview_of(index)
    found = CollectionOverview(overview, tuple(contradictions(index, stop=stop)))
    if stop is not None and stop.is_set():
        return found
    places = {
        "documents": list(overview.documents),
        "total": overview.total,
        "title": overview.title,
        "language": overview.language,
        **{name: [_place(line) for line in getattr(overview, name)] for name in _PARTS},
        "contradictions": [[_place(one.one), _place(one.other), one.kind, one.certainty] for one in found.contradictions],
    }
    try:
        with writing(index.folder):
            if state_of(index.manifest()) == state:
                write_overview(index.folder, state, places)
    except (OSError, DiskFull, DiskFailed):
        pass  # it is computed again the next time
    return found


def _place(line: Line) -> list[Any]:
    words = [line.words.start, line.words.end] if line.words else None
    return [line.document_id, line.span.start, line.span.end, words]


class _PlaceReader:
    """Makes lines of kept places, reading each document once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._read: dict[str, tuple[Document, Sequence[Passage]]] = {}

    def line(self, place: Sequence[Any]) -> Line:
        """Return the line at a place. Raises LookupError if there is none."""
        id, start, end, words = place
        document, passages = self._document(str(id))
        span = Span(int(start), int(end))
        passage = next((passage for passage in reversed(passages) if passage.span.start <= span.start), passages[0])
        block = next((each for each in document.blocks if each.span == span and each.kind in (BlockKind.ITEM, BlockKind.ROW)), None)
        return Line(
            document_id=document.id,
            title=passage.title,
            span=span,
            text=span.of(document.text),
            locator=passage.locator_at(span),
            passage=passage,
            context=context_above(document, block, passage) if block else "",
            words=Span(*words) if words else None,
        )

    def _document(self, id: str) -> tuple[Document, Sequence[Passage]]:
        if id not in self._read:
            document = self._index.document(id)
            passages = sorted(self._index.passages_of(id), key=lambda passage: passage.span.start) if document else []
            if document is None or not passages:
                raise LookupError(id)
            self._read[id] = document, passages
        return self._read[id]
