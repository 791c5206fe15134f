"""LangChain's retrieval chain by its documentation: the four nearest chunks, a prompt, the model; and its answers with quoted citations
as structured output."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asking import Answer, System, kept, place, run, streamed, texts
from langchain_community.chat_models import ChatLlamaCpp
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from pydantic import BaseModel, Field

_PLAIN = """You answer questions. Use the following context to answer. If the context does not contain the answer, say that you don't \
know. Answer in the language of the question, in three sentences at most.

Context:
{context}"""
_QUOTING = """You answer questions from the given sources, in the language of the question, and cite them. If none of the sources \
answers the question, say that you don't know.

Sources:
{context}"""


class Citation(BaseModel):
    """One source that justifies the answer."""

    source_id: int = Field(description="The integer ID of a SPECIFIC source which justifies the answer.")
    quote: str = Field(description="The VERBATIM quote from the specified source that justifies the answer.")


class QuotedAnswer(BaseModel):
    """Answer the user question based only on the given sources, and cite the sources used."""

    answer: str = Field(description="The answer to the user question, based only on the given sources.")
    citations: list[Citation] = Field(description="Citations from the given sources that justify the answer.")


def make(folder: Path, task: Mapping[str, Any], quotes: bool) -> System:
    models = task["models"]
    embeddings = HuggingFaceEmbeddings(
        model_name=models["embedder"],
        model_kwargs={"device": "cpu"},
        encode_kwargs={"prompt": models["passage_prefix"], "normalize_embeddings": True},
        query_encode_kwargs={"prompt": models["query_prefix"], "normalize_embeddings": True},
    )
    llm = ChatLlamaCpp(
        model_path=models["generator"],
        temperature=0.0,
        max_tokens=256,
        n_ctx=4096,
        n_batch=512,
        n_threads=task["threads"],
        repeat_penalty=1.0,
        verbose=False,
    )
    stores: dict[str, InMemoryVectorStore] = {}
    documents: dict[str, dict[str, str]] = {}
    for corpus in task["corpora"]:
        documents[corpus] = texts(folder, corpus)
        stores[corpus] = _store(kept(folder, "langchain", corpus), documents[corpus], embeddings)
    chain = _prompt(_PLAIN) | llm | StrOutputParser()
    quoting = _prompt(_QUOTING) | llm.with_structured_output(QuotedAnswer)

    def ask(question: Mapping[str, Any]) -> Answer:
        started = time.perf_counter()
        found = stores[question["corpus"]].similarity_search(question["question"])  # four, by default
        known = documents[question["corpus"]]
        sources = [place(known, item.metadata["id"], item.page_content) for item in found]
        if quotes:
            reply = quoting.invoke({"context": _numbered(found), "question": question["question"]})
            return {"text": reply.answer.strip(), "sources": sources, "citations": _cited(reply, found, known), "first_s": None}
        context = "\n\n".join(item.page_content for item in found)
        text, first = streamed(chain.stream({"context": context, "question": question["question"]}), started)
        return {"text": text.strip(), "sources": sources, "citations": [], "first_s": first}

    return ask


def _store(path: Path, documents: Mapping[str, str], embeddings: HuggingFaceEmbeddings) -> InMemoryVectorStore:
    """Return the chunks of a corpus with their vectors, from disk if they have been made before."""
    if path.is_file():
        return InMemoryVectorStore.load(str(path), embeddings)
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200, add_start_index=True)
    store = InMemoryVectorStore(embeddings)
    store.add_documents(splitter.split_documents([Document(text, metadata={"id": id}) for id, text in documents.items()]))
    store.dump(str(path))
    return store


def _prompt(system: str) -> ChatPromptTemplate:
    return ChatPromptTemplate.from_messages([("system", system), ("human", "{question}")])


def _numbered(found: Sequence[Document]) -> str:
    return "\n\n".join(f"Source ID: {number}\n{item.page_content}" for number, item in enumerate(found))


def _cited(reply: QuotedAnswer, found: Sequence[Document], known: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the model's quotes, looked for in the document of the source that it names; they are the answer's as a whole."""
    return [
        {**place(known, found[item.source_id].metadata["id"], item.quote), "number": item.source_id, "at": len(reply.answer)}
        for item in reply.citations
        if 0 <= item.source_id < len(found)
    ]


if __name__ == "__main__":
    with_quotes = "--quotes" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--quotes"]
    run("langchain-quotes" if with_quotes else "langchain", lambda folder, task: make(folder, task, with_quotes))
