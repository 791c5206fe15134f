"""The index as a LlamaIndex retriever."""

from __future__ import annotations

import asyncio

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from rag.adapters.fields import fields, name
from rag.retrieval.index import Index


class ShawahidRetriever(BaseRetriever):
    """`ShawahidRetriever(index, k=5).retrieve("كم راكبًا؟")` returns scored nodes, best first; `metadata` gives their positions.

    Await it with `aretrieve`. Raises the errors of `Index.search`.
    """

    def __init__(self, index: Index, k: int = 5) -> None:
        super().__init__()
        self._index = index
        self._k = k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._index.search(query_bundle.query_str, self._k)
        return [NodeWithScore(node=TextNode(id_=name(hit), text=hit.passage.text, metadata=fields(hit)), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)
