"""Gold evidence as positions in the documents of an index, and what retrieval and citations have in common with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from rag.evaluation.questions import BadQuestionSet, Gold, Question, SetFault
from rag.evaluation.records import Cited, Place
from rag.retrieval.index import Index
from rag.schema import Citation, Document, Evidence, Passage, Span

_MARKS = re.compile(r"[*_`]+")


class Corpus:
    """An index as the evaluation reads it: gold evidence is located in its documents, never in its passages."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._read: dict[str, Document | None] = {}

    @cached_property
    def _languages(self) -> dict[str, str]:
        return {document.id: document.language for document in self._index.documents()}

    @cached_property
    def languages(self) -> list[str]:
        """The languages of the documents, each once, sorted."""
        return sorted(set(self._languages.values()))

    @cached_property
    def _passages(self) -> dict[str, list[Passage]]:
        found: dict[str, list[Passage]] = {}
        for passage in self._index.all_passages():
            found.setdefault(passage.document_id, []).append(passage)
        return found

    def _document(self, id: str) -> Document | None:
        if id not in self._read:
            self._read[id] = self._index.document(id)
        return self._read[id]

    def _span(self, question: str, piece: Gold) -> Span:
        document = self._document(piece.document)
        if document is None:
            fault = SetFault("", 0, question, f"there is no document {piece.document} in the index")
            raise BadQuestionSet("error.question_set", fault=fault)
        span = piece.span(document.text) or _as_read(piece.quote, document)
        if span is None:
            fault = SetFault("", 0, question, f"the quote «{piece.quote}» is not in {piece.document}")
            raise BadQuestionSet("error.question_set", fault=fault)
        return span

    def gold(self, question: Question) -> tuple[Place, ...]:
        """Return the gold evidence with its positions. If two documents are needed, each is a need of its own; otherwise all pieces are
        one."""
        order = list(dict.fromkeys(piece.document for piece in question.evidence))
        places = []
        for piece in question.evidence:
            span = self._span(question.id, piece)
            need = order.index(piece.document) if question.needed > 1 else 0
            language = self._languages.get(piece.document, "und")
            places.append(Place(piece.document, span.start, span.end, language, piece.quote, needs=(need,)))
        return tuple(places)

    def block(self, gold: Sequence[Place]) -> str:
        """Return what the first piece of gold evidence is, as a `BlockKind`; "" without evidence or a tree of its document."""
        document = self._document(gold[0].document) if gold else None
        if document is None:
            return ""
        place = Span(gold[0].start, gold[0].end)
        return next((str(block.kind) for block in document.blocks if block.span.overlaps(place)), "")

    def overlapping(self, pieces: Sequence[Gold]) -> frozenset[int]:
        """Return the ids of all passages that overlap the evidence."""
        spans = [(piece.document, self._span("", piece)) for piece in pieces]
        return frozenset(
            passage.id for document, span in spans for passage in self._passages.get(document, []) if passage.span.overlaps(span)
        )

    def passage(self, passage: Passage, gold: Sequence[Place]) -> Place:
        """Return a retrieved passage without its text."""
        return self._place(passage.document_id, passage.span, passage.language, "", 0.0, gold)

    def sentence(self, item: Evidence, gold: Sequence[Place]) -> Place:
        """Return a retrieved sentence."""
        return self._place(item.passage.document_id, item.span, item.passage.language, item.text, item.score, gold)

    def _place(self, document: str, span: Span, language: str, text: str, score: float, gold: Sequence[Place]) -> Place:
        needs = dict.fromkeys(need for place in gold if _overlap(document, span, place) for need in place.needs)
        return Place(document, span.start, span.end, language, text, round(score, 6), tuple(needs))

    def cited(self, citation: Citation, gold: Sequence[Place]) -> Cited:
        """Compare a citation with the document and the gold evidence."""
        document = self._document(citation.document_id)
        text = document.text if document is not None else None
        exact = text is not None and citation.span.of(text).encode() == citation.quote.encode() and bool(citation.quote)
        return Cited(
            number=citation.number,
            document=citation.document_id,
            start=citation.span.start,
            end=citation.span.end,
            quote=citation.quote,
            claim_start=citation.claim.start,
            claim_end=citation.claim.end,
            support=citation.support,
            exact=exact,
            gold=any(_overlap(citation.document_id, citation.span, place) for place in gold),
            grade=str(citation.grade),
        )


def _overlap(document: str, span: Span, place: Place) -> bool:
    return document == place.document and span.overlaps(Span(place.start, place.end))


def _as_read(quote: str, document: Document) -> Span | None:
    """Return where a document, as it was read, has a quote that is written as its Markdown file has it: the row with these cells, or the
    words without the marks around them. None if it does not, or if several rows do."""
    cells = [cell.strip() for cell in quote.strip().strip("|").split("|")]
    rows = [
        block.span for block in document.blocks if block.cells and [cell.span.of(document.text).strip() for cell in block.cells] == cells
    ]
    if len(cells) > 1 and len(rows) == 1:
        return rows[0]
    plain = _MARKS.sub("", quote).strip()
    start = document.text.find(plain) if plain else -1
    return Span(start, start + len(plain)) if start >= 0 else None
