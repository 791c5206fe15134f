"""The index as a LangChain retriever."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.adapters.fields import fields, name
from rag.retrieval.index import Index


class ShawahidRetriever(BaseRetriever):
    """`ShawahidRetriever(index=index, k=5).invoke("كم راكبًا؟")` returns passages, best first; `metadata` gives their positions.

    Await it with `ainvoke`. Raises the errors of `Index.search`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Index
    k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **_: Any) -> list[Document]:
        hits = self.index.search(query, self.k)
        return [Document(id=name(hit), page_content=hit.passage.text, metadata=fields(hit)) for hit in hits]
