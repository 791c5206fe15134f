"""The index, and checked answers, as Haystack components."""

from __future__ import annotations

import asyncio
from typing import Any

from haystack import Document, GeneratedAnswer, component, default_from_dict, default_to_dict

from rag.adapters.fields import answer_fields, citation_name, cited, name, retrieve
from rag.adapters.filters import Condition, both, filter_from, filter_of, filter_record
from rag.adapters.saved import chatbot_record, index_record, open_chatbot, open_index
from rag.answering.chatbot import Chatbot
from rag.errors import BadSetting
from rag.retrieval.index import Index
from rag.schema import Filter


@component
class ShawahidRetriever:
    """`ShawahidRetriever(index, top_k=5).run("كم راكبًا؟")["documents"]` returns documents, best first; `meta` gives their positions and
    what is known of their documents.

    `filters` are Haystack's, a `Filter`, or a mapping; one that cannot be carried over is an error (BadSetting), and those of a run
    restrict further. Raises the errors of `Index.search`.
    """

    def __init__(self, index: Index, top_k: int = 5, filters: Any = None) -> None:
        self._index = index
        self._top_k = top_k
        self._filter = filter_of_haystack(filters)

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None, filters: Any = None) -> dict[str, Any]:
        """Return the passages nearest to a question."""
        chosen = both(self._filter, filter_of_haystack(filters))
        found = retrieve(self._index, query, self._top_k if top_k is None else top_k, chosen)
        return {"documents": [Document(id=name(hit), content=hit.passage.text, meta=about, score=hit.score) for hit, about in found]}

    @component.output_types(documents=list[Document])
    async def run_async(self, query: str, top_k: int | None = None, filters: Any = None) -> dict[str, Any]:
        """Return what `run` returns."""
        return await asyncio.to_thread(self.run, query, top_k, filters)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON: the index's path and settings, never models. Raises BadSetting for what settings cannot name."""
        return default_to_dict(self, index=index_record(self._index), top_k=self._top_k, filters=filter_record(self._filter))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ShawahidRetriever:
        """Return what `to_dict` was called on, its index opened again."""
        given = data["init_parameters"]
        return default_from_dict(cls, {**data, "init_parameters": {**given, "index": open_index(given["index"])}})


@component
class ShawahidAnswerer:
    """`ShawahidAnswerer(chatbot).run("كم راكبًا؟")["answers"]` returns one checked answer: its quotations are `documents`, its `status` and
    `grade` are in `meta`. `filters` are as for the retriever."""

    def __init__(self, chatbot: Chatbot, filters: Any = None) -> None:
        self._chatbot = chatbot
        self._filter = filter_of_haystack(filters)

    @component.output_types(answers=list[GeneratedAnswer])
    def run(self, query: str, filters: Any = None) -> dict[str, Any]:
        """Return the checked answer to a question. Raises as `Chatbot.ask` does."""
        answer = self._chatbot.ask(query, filter=both(self._filter, filter_of_haystack(filters)))
        documents = [
            Document(id=citation_name(citation), content=citation.quote, meta=about, score=citation.support)
            for citation, about in cited(answer, self._chatbot.index)
        ]
        return {"answers": [GeneratedAnswer(data=answer.text, query=query, documents=documents, meta=answer_fields(answer))]}

    @component.output_types(answers=list[GeneratedAnswer])
    async def run_async(self, query: str, filters: Any = None) -> dict[str, Any]:
        """Return what `run` returns."""
        return await asyncio.to_thread(self.run, query, filters)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON: paths and settings of index and generator, never models. Raises BadSetting for what settings cannot name."""
        return default_to_dict(self, chatbot=chatbot_record(self._chatbot), filters=filter_record(self._filter))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ShawahidAnswerer:
        """Return what `to_dict` was called on, its index and models opened again."""
        given = data["init_parameters"]
        return default_from_dict(cls, {**data, "init_parameters": {**given, "chatbot": open_chatbot(given["chatbot"])}})


def filter_of_haystack(given: Any) -> Filter | None:
    """Return Haystack's filters as one of ours. Raises BadSetting for what it cannot express."""
    return filter_from(_conditions(given)) if isinstance(given, dict) and "operator" in given else filter_of(given)


def _conditions(given: Any) -> list[Condition]:
    operator = given.get("operator") if isinstance(given, dict) else None
    if operator == "AND":
        return [condition for each in given.get("conditions", ()) for condition in _conditions(each)]
    if not isinstance(operator, str) or "field" not in given:
        raise BadSetting("error.filter_operator", name="filters", value=operator)
    return [(str(given["field"]).removeprefix("meta."), operator, given.get("value"))]
