"""The retrievers for other frameworks, each against the real package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.retrieval.index import Index
from rag.testing import HashEmbedder
from tests.helpers import CORPUS
from tests.waiting import run_async

QUESTIONS = [("How many passengers did the ferry carry?", "en/ferry.txt"), ("كم راكبًا نقلت العبّارة ألباتروس؟", "ar/ميناء الواحة.txt")]


@pytest.fixture
def index(built: Path, meeting: HashEmbedder) -> Iterator[Index]:
    with Index.open(built, meeting) as opened:
        yield opened


def is_where_it_says(text: str, told: dict[str, Any], document: str) -> None:
    assert (told["document"], told["rank"]) == (document, 1)
    assert CORPUS[document][told["start"] : told["end"]] == text


@pytest.mark.parametrize(("question", "document"), QUESTIONS)
def test_langchain_retrieves_and_awaits(index: Index, question: str, document: str) -> None:
    pytest.importorskip("langchain_core", reason="langchain-core is not installed (pip install '.[adapters]')")
    from rag.adapters.langchain import ShawahidRetriever

    retriever = ShawahidRetriever(index=index, k=2)
    found = retriever.invoke(question)
    assert len(found) == 2
    is_where_it_says(found[0].page_content, found[0].metadata, document)
    assert run_async(retriever.ainvoke(question)) == found


@pytest.mark.parametrize(("question", "document"), QUESTIONS)
def test_llamaindex_retrieves_and_awaits(index: Index, question: str, document: str) -> None:
    pytest.importorskip("llama_index.core", reason="llama-index-core is not installed (pip install '.[adapters]')")
    from rag.adapters.llamaindex import ShawahidRetriever

    retriever = ShawahidRetriever(index, k=2)
    found = retriever.retrieve(question)
    assert len(found) == 2
    is_where_it_says(found[0].node.get_content(), found[0].node.metadata, document)
    assert found[0].score == found[0].node.metadata["score"]
    assert [item.node_id for item in run_async(retriever.aretrieve(question))] == [item.node_id for item in found]


@pytest.mark.parametrize(("question", "document"), QUESTIONS)
def test_haystack_runs_it_in_a_pipeline(index: Index, question: str, document: str) -> None:
    haystack = pytest.importorskip("haystack", reason="haystack-ai is not installed (pip install '.[adapters]')")
    from rag.adapters.haystack import ShawahidRetriever

    pipeline = haystack.Pipeline()
    pipeline.add_component("shawahid", ShawahidRetriever(index, top_k=2))
    found = pipeline.run({"shawahid": {"query": question}})["shawahid"]["documents"]
    assert len(found) == 2
    is_where_it_says(found[0].content, found[0].meta, document)
    assert len(pipeline.run({"shawahid": {"query": question, "top_k": 1}})["shawahid"]["documents"]) == 1
