"""Convert records to the bodies of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rag.answering.contradiction_text import contradiction_values, contradictions_section
from rag.answering.contradictions import Contradiction
from rag.answering.overview import Overview
from rag.answering.overview_text import overview_lines, overview_page
from rag.answering.review_table import ReviewTable
from rag.retrieval.index import Index
from rag.schema import Answer, Citation, Document, Evidence, Filter, Found, Hit, Passage, RejectedCitation, Span
from rag.server.bodies import (
    AnswerBody,
    CitationBody,
    ContradictionLine,
    DocumentText,
    HitBody,
    OverviewBody,
    OverviewLine,
    PassageBody,
    Range,
    RejectedBody,
    TableBody,
    TableCell,
    TableRow,
    TimingBody,
    Usage,
)

_MARKER = re.compile(r"\[\d{1,3}\]\s*")


def range_of(span: Span) -> Range:
    return Range(start=span.start, end=span.end)


def passage_body(passage: Passage) -> PassageBody:
    return PassageBody(
        document=passage.document_id,
        title=passage.title,
        locator=passage.locator,
        language=passage.language,
        start=passage.span.start,
        end=passage.span.end,
        text=passage.text,
    )


def document_text(document: Document, start: int, end: int, at: int) -> DocumentText:
    """Return a part of a document, with the locator of the position `at`."""
    return DocumentText(
        id=document.id,
        title=document.title,
        language=document.language,
        locator=document.locator(at),
        metadata=dict(document.metadata),
        start=start,
        end=end,
        length=len(document.text),
        text=document.text[start:end],
    )


def found_fields(found: Found) -> dict[str, Any]:
    """Return the search results before an answer: the question that was searched for, and each passage once."""
    shown = {evidence.passage.id: evidence.passage for evidence in found.evidence}
    return {"question": found.question, "passages": [passage_body(passage).model_dump() for passage in shown.values()]}


def found_hits(index: Index, question: str, k: int, offset: int = 0, filter: Filter | None = None) -> list[HitBody]:
    """Search, and return the hits, each with its best sentence."""
    hits = index.search(question, k, offset=offset, filter=filter)
    return hit_bodies(hits, index.evidence(question, hits, 3 * k))


def hit_bodies(hits: Sequence[Hit], evidence: Sequence[Evidence]) -> list[HitBody]:
    """Return the hits in order, each with its best sentence."""
    best: dict[int, Span] = {}
    for item in evidence:
        best.setdefault(item.passage.id, item.span)
    return [
        HitBody(
            **passage_body(hit.passage).model_dump(),
            rank=hit.rank,
            score=hit.score,
            sentence=range_of(best[hit.passage.id]) if hit.passage.id in best else None,
        )
        for hit in hits
    ]


def citation_body(citation: Citation) -> CitationBody:
    return CitationBody(
        number=citation.number,
        document=citation.document_id,
        title=citation.title,
        locator=citation.locator,
        start=citation.span.start,
        end=citation.span.end,
        quote=citation.quote,
        claim=range_of(citation.claim),
        support=citation.support,
        grade=citation.grade.value,
        words=range_of(citation.words) if citation.words else None,
        context=citation.context,
    )


def rejected_body(rejected: RejectedCitation, draft: str) -> RejectedBody:
    return RejectedBody(text=rejected.claim.of(draft), verdict=rejected.verdict.value)


def answer_body(answer: Answer) -> AnswerBody:
    timing = answer.timing
    return AnswerBody(
        question=answer.question,
        searched=answer.searched,
        text=answer.text,
        language="ar" if answer.language == "ar" else "en",
        status=answer.status.value,
        grade=answer.grade.value if answer.grade else None,
        confidence=answer.confidence,
        citations=[citation_body(citation) for citation in answer.citations],
        rejected=[rejected_body(item, answer.draft) for item in answer.rejected],
        passages=[passage_body(hit.passage) for hit in answer.hits],
        absent=list(answer.absent),
        timing=TimingBody(found=timing.found, first_token=timing.first_token, total=timing.total),
    )


def usage_body(answer: Answer) -> Usage:
    timing = answer.timing
    prompt, written = timing.prompt_tokens, timing.generated_tokens
    return Usage(prompt_tokens=prompt, completion_tokens=written, total_tokens=prompt + written)


def sentences(answer: Answer) -> Iterator[str]:
    """Split the text into pieces, each ending with its markers; together they are the text, without loss."""
    ends = {citation.claim.end for citation in answer.citations}
    at = 0
    for end in sorted(ends):
        cut = end
        while found := _MARKER.search(answer.text, cut):
            between = answer.text[cut : found.start()]
            if any(character.isalnum() for character in between):
                break
            cut = found.end()
        if cut > at:
            yield answer.text[at:cut]
            at = cut
    if at < len(answer.text):
        yield answer.text[at:]


def contradiction_lines(found: Sequence[Contradiction]) -> list[ContradictionLine]:
    """Return contradictions as the API gives them."""
    return [ContradictionLine(**values) for values in contradiction_values(found)]


def overview_body(overview: Overview, language: str, found: Sequence[Contradiction] = ()) -> OverviewBody:
    """Return an overview as the API gives it, with the contradictions `found`, its page in a language."""
    page = "\n".join(filter(None, (overview_page(overview, language), contradictions_section(found, language))))
    return OverviewBody(
        documents=list(overview.documents),
        total=overview.total,
        title=overview.title,
        markdown=page,
        contradictions=contradiction_lines(found),
        **{name: [OverviewLine(**line) for line in lines] for name, lines in overview_lines(overview).items()},
    )


def table_body(table: ReviewTable) -> TableBody:
    """Return a review table as the API gives it."""
    rows = [
        TableRow(
            document=row.document_id,
            title=row.title,
            cells=[TableCell(text=cell.text, citation=citation_body(cell.citation) if cell.citation else None) for cell in row.cells],
        )
        for row in table.rows
    ]
    return TableBody(questions=list(table.questions), rows=rows)
