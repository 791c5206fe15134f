"""The index as a LangChain retriever, and checked answers as a runnable."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.load.serializable import SerializedConstructor
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableSerializable
from pydantic import ConfigDict, field_validator

from rag.adapters.fields import answer_fields, citation_name, cited, name, retrieve
from rag.adapters.filters import both, filter_of, filter_record
from rag.adapters.saved import chatbot_record, index_record, open_chatbot, open_index
from rag.answering.chatbot import Chatbot
from rag.errors import BadSetting
from rag.retrieval.index import Index


class _Constructed:
    """What `dumpd` needs of a class that is written down as a call of its constructor."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        return cls.__module__.split(".")


class ShawahidRetriever(_Constructed, BaseRetriever):
    """`ShawahidRetriever(index=index, k=5).invoke("كم راكبًا؟")` returns passages, best first; `metadata` gives their positions and what
    is known of their documents.

    `filter` is a `Filter`, or a mapping such as `{"tenant": "a", "since": "2024"}`; that of a call restricts further:
    `invoke(question, k=3, filter={"language": "ar"})`. Await it with `ainvoke`. Raises the errors of `Index.search`, and BadSetting for an
    argument that it does not know.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    index: Index
    k: int = 5
    filter: Any = None

    @field_validator("index", mode="before")
    @classmethod
    def _open_index(cls, value: object) -> Index:
        return open_index(value)

    def to_json(self) -> SerializedConstructor:
        """Return it as JSON, for `dumpd`: the index's path and settings, never models. Raises BadSetting for what settings cannot name."""
        kwargs = {"index": index_record(self.index), "k": self.k, "filter": filter_record(filter_of(self.filter))}
        return {"lc": 1, "type": "constructor", "id": self.lc_id(), "kwargs": kwargs}

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun | None = None,
        k: int | None = None,
        filter: Any = None,
        **unknown: Any,
    ) -> list[Document]:
        refuse(unknown)
        chosen = both(filter_of(self.filter), filter_of(filter))
        found = retrieve(self.index, query, self.k if k is None else k, chosen)
        return [Document(id=name(hit), page_content=hit.passage.text, metadata=about) for hit, about in found]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun | None = None, **given: Any
    ) -> list[Document]:
        return await asyncio.to_thread(self._get_relevant_documents, query, **given)


class ShawahidAnswerer(_Constructed, RunnableSerializable[str, dict[str, Any]]):
    """`ShawahidAnswerer(chatbot).invoke("كم راكبًا؟")` returns `answer`, the checked text, its `status` and `grade`, and `documents`: the
    quotations. `filter` is as for the retriever. Await it with `ainvoke`."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    chatbot: Chatbot
    filter: Any = None

    def __init__(self, chatbot: Any, filter: Any = None, **unknown: Any) -> None:
        fields = {"chatbot": open_chatbot(chatbot), "filter": filter_of(filter), **unknown}
        super().__init__(**fields)

    def to_json(self) -> SerializedConstructor:
        """Return it as JSON, for `dumpd`: paths and settings of index and generator, never models. Raises BadSetting for what settings
        cannot name."""
        kwargs = {"chatbot": chatbot_record(self.chatbot), "filter": filter_record(filter_of(self.filter))}
        return {"lc": 1, "type": "constructor", "id": self.lc_id(), "kwargs": kwargs}

    def invoke(self, input: str, config: RunnableConfig | None = None, *, filter: Any = None, **unknown: Any) -> dict[str, Any]:
        """Return the checked answer to a question. Raises as `Chatbot.ask` does, and BadSetting for an unknown argument."""
        refuse(unknown)
        return self._call_with_config(self._answer, input, config, filter=filter)

    async def ainvoke(self, input: str, config: RunnableConfig | None = None, **given: Any) -> dict[str, Any]:
        """Return what `invoke` returns."""
        return await asyncio.to_thread(self.invoke, input, config, **given)

    def _answer(self, question: str, filter: Any = None) -> dict[str, Any]:
        answer = self.chatbot.ask(question, filter=both(filter_of(self.filter), filter_of(filter)))
        documents = [
            Document(id=citation_name(citation), page_content=citation.quote, metadata=about)
            for citation, about in cited(answer, self.chatbot.index)
        ]
        return {"answer": answer.text, **answer_fields(answer), "documents": documents}


def refuse(unknown: dict[str, Any]) -> None:
    """Raise BadSetting for an argument that would otherwise be ignored."""
    if unknown:
        raise BadSetting("error.unknown_argument", name=", ".join(unknown))
