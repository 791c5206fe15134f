"""The index as a Haystack component."""

from __future__ import annotations

from typing import Any

from haystack import Document, component

from rag.adapters.fields import fields, name
from rag.retrieval.index import Index


@component
class ShawahidRetriever:
    """`ShawahidRetriever(index, top_k=5).run("كم راكبًا؟")["documents"]` returns documents, best first; `meta` gives their positions.

    Raises the errors of `Index.search`.
    """

    def __init__(self, index: Index, top_k: int = 5) -> None:
        self._index = index
        self._top_k = top_k

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None) -> dict[str, Any]:
        """Return the passages nearest to a question."""
        hits = self._index.search(query, self._top_k if top_k is None else top_k)
        return {"documents": [Document(id=name(hit), content=hit.passage.text, meta=fields(hit), score=hit.score) for hit in hits]}
