"""What every adapter returns with a passage, with a citation, and with an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rag.retrieval.index import Index
from rag.schema import Answer, Citation, Filter, Hit

MetadataHit = tuple[Hit, dict[str, Any]]
"""A passage, and what is returned with it."""


def retrieve(index: Index, question: str, k: int, filter: Filter | None) -> list[MetadataHit]:
    """Return the passages nearest to a question, each with its fields and the metadata of its document. Raises as `Index.search`."""
    hits = index.search(question, k, filter=filter)
    about = metadata_of(index, (hit.passage.document_id for hit in hits))
    return [(hit, {**about.get(hit.passage.document_id, {}), **fields(hit)}) for hit in hits]


def metadata_of(index: Index, ids: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """Return the metadata of documents, by id."""
    return {id: info.metadata for id, info in index.infos(list(dict.fromkeys(ids))).items()}


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


def cited(answer: Answer, index: Index) -> list[tuple[Citation, dict[str, Any]]]:
    """Return the citations of an answer, each with its fields and the metadata of its document."""
    about = metadata_of(index, (citation.document_id for citation in answer.citations))
    return [(citation, {**about.get(citation.document_id, {}), **citation_fields(citation)}) for citation in answer.citations]


def citation_fields(citation: Citation) -> dict[str, Any]:
    """Return the position of a quotation in its document and of the sentence it is cited for in the answer, in Unicode code points."""
    return {
        "document": citation.document_id,
        "title": citation.title,
        "locator": citation.locator,
        "start": citation.span.start,
        "end": citation.span.end,
        "number": citation.number,
        "grade": citation.grade.value,
        "claim": (citation.claim.start, citation.claim.end),
    }


def citation_name(citation: Citation) -> str:
    """Return a name for the quotation that stays the same as long as its document does."""
    return f"{citation.document_id}#{citation.span.start}-{citation.span.end}"


def answer_fields(answer: Answer) -> dict[str, Any]:
    """Return the metadata of an answer: `status` says whether the documents answer, `grade` how it was checked."""
    return {
        "status": answer.status.value,
        "grade": answer.grade.value if answer.grade else None,
        "language": answer.language,
        "confidence": answer.confidence,
    }
