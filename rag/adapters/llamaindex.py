"""The index as a LlamaIndex retriever, and checked answers as a query engine."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import Response
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores import FilterCondition, MetadataFilter, MetadataFilters

from rag.adapters.fields import answer_fields, citation_name, cited, name, retrieve
from rag.adapters.filters import Condition, filter_from, filter_of, filter_record
from rag.adapters.saved import chatbot_record, index_record, open_chatbot, open_index
from rag.answering.chatbot import Chatbot
from rag.errors import BadSetting
from rag.retrieval.index import Index
from rag.schema import Filter


class ShawahidRetriever(BaseRetriever):
    """`ShawahidRetriever(index, k=5).retrieve("كم راكبًا؟")` returns scored nodes, best first; `metadata` gives their positions and what
    is known of their documents.

    `filters` are LlamaIndex's `MetadataFilters`, a `Filter`, or a mapping; one that cannot be carried over is an error (BadSetting). Await
    it with `aretrieve`. Raises the errors of `Index.search`.
    """

    def __init__(self, index: Index, k: int = 5, filters: Any = None) -> None:
        super().__init__()
        self._index = index
        self._k = k
        self._filter = filter_of_llamaindex(filters)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = retrieve(self._index, query_bundle.query_str, self._k, self._filter)
        return [NodeWithScore(node=TextNode(id_=name(hit), text=hit.passage.text, metadata=about), score=hit.score) for hit, about in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)

    @classmethod
    def class_name(cls) -> str:
        return cls.__name__

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON: the index's path and settings, never models. Raises BadSetting for what settings cannot name."""
        return {
            "class_name": self.class_name(),
            "index": index_record(self._index),
            "k": self._k,
            "filters": filter_record(self._filter),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ShawahidRetriever:
        """Return what `to_dict` was called on, its index opened again."""
        return cls(open_index(data["index"]), data["k"], data["filters"])


class ShawahidQueryEngine(BaseQueryEngine):
    """`ShawahidQueryEngine(chatbot).query("كم راكبًا؟")` returns the checked answer; `metadata` has its `status` and `grade`,
    `source_nodes` the quotations. `filters` are as for the retriever."""

    def __init__(self, chatbot: Chatbot, filters: Any = None) -> None:
        super().__init__(callback_manager=None)
        self._chatbot = chatbot
        self._filter = filter_of_llamaindex(filters)

    def _query(self, query_bundle: QueryBundle) -> Response:
        answer = self._chatbot.ask(query_bundle.query_str, filter=self._filter)
        nodes = [
            NodeWithScore(node=TextNode(id_=citation_name(citation), text=citation.quote, metadata=about), score=citation.support)
            for citation, about in cited(answer, self._chatbot.index)
        ]
        return Response(response=answer.text, source_nodes=nodes, metadata=answer_fields(answer))

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return await asyncio.to_thread(self._query, query_bundle)

    @classmethod
    def class_name(cls) -> str:
        return cls.__name__

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON: paths and settings of index and generator, never models. Raises BadSetting for what settings cannot name."""
        return {
            "class_name": self.class_name(),
            "chatbot": chatbot_record(self._chatbot),
            "filters": filter_record(self._filter),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ShawahidQueryEngine:
        """Return what `to_dict` was called on, its index and models opened again."""
        return cls(open_chatbot(data["chatbot"]), data["filters"])

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


def filter_of_llamaindex(given: Any) -> Filter | None:
    """Return LlamaIndex's filters as one of ours. Raises BadSetting for what it cannot express."""
    return filter_from(_conditions(given)) if isinstance(given, MetadataFilters) else filter_of(given)


def _conditions(filters: MetadataFilters) -> list[Condition]:
    found: list[Condition] = []
    if filters.condition not in (None, FilterCondition.AND) and len(filters.filters) > 1:
        raise BadSetting("error.filter_operator", name="condition", value=filters.condition)
    for each in filters.filters:
        if isinstance(each, MetadataFilter):
            found.append((each.key, each.operator.value, each.value))
        else:
            found += _conditions(each)
    return found
