"""Citations of the sources of an answer."""

from __future__ import annotations

from typing import Protocol

from rag.schema import Citation, Grade, Passage, Span


class Citable(Protocol):
    """Words of a document: `text == span.of(document.text)`, in a passage that holds their beginning."""

    @property
    def text(self) -> str: ...
    @property
    def span(self) -> Span: ...
    @property
    def locator(self) -> str: ...
    @property
    def passage(self) -> Passage: ...


def cite(number: int, source: Citable, claim: Span, support: float = 1.0, grade: Grade = Grade.QUOTED) -> Citation:
    """Return the citation of a source for the words of the answer at `claim`, which its marker `[number]` follows."""
    passage = source.passage
    return Citation(
        number=number,
        document_id=passage.document_id,
        span=source.span,
        quote=source.text,
        locator=source.locator,
        claim=claim,
        support=support,
        title=passage.title,
        passage_id=passage.id,
        grade=grade,
    )
