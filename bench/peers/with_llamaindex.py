"""LlamaIndex's CitationQueryEngine, by its documentation: whole nodes retrieved by vector, cut into numbered sources, cited by number."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asking import MARKER, Answer, System, kept, place, run, streamed, texts
from llama_index.core import Settings, SimpleDirectoryReader, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.indices.base import BaseIndex
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.llms.llama_cpp import LlamaCPP


def to_prompt(messages: Sequence[Any]) -> str:
    """ChatML, the format that the generator was trained on."""
    turns = [f"<|im_start|>{message.role.value}\n{message.content}<|im_end|>\n" for message in messages]
    if not turns or not turns[0].startswith("<|im_start|>system"):
        turns.insert(0, "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n")
    return "".join(turns) + "<|im_start|>assistant\n"


def completion_to_prompt(completion: str) -> str:
    return f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{completion}<|im_end|>\n<|im_start|>assistant\n"


def make(folder: Path, task: Mapping[str, Any]) -> System:
    models = task["models"]
    Settings.embed_model = HuggingFaceEmbedding(
        model_name=models["embedder"],
        query_instruction=models["query_prefix"],
        text_instruction=models["passage_prefix"],
        device="cpu",
        max_length=2048,
    )
    Settings.llm = LlamaCPP(
        model_path=models["generator"],
        temperature=0.0,
        max_new_tokens=256,
        context_window=4096,
        messages_to_prompt=to_prompt,
        completion_to_prompt=completion_to_prompt,
        model_kwargs={"n_threads": task["threads"], "n_threads_batch": task["threads"]},
        verbose=False,
    )
    engines: dict[str, CitationQueryEngine] = {}
    documents: dict[str, dict[str, str]] = {}
    for corpus in task["corpora"]:
        index = _index(folder, corpus)
        engines[corpus] = CitationQueryEngine.from_args(index, similarity_top_k=3, citation_chunk_size=512, streaming=True)
        documents[corpus] = texts(folder, corpus)

    def ask(question: Mapping[str, Any]) -> Answer:
        started = time.perf_counter()
        response = engines[question["corpus"]].query(question["question"])
        text, first = streamed(response.response_gen, started)
        known = documents[question["corpus"]]
        sources = [place(known, item.node.metadata["id"], _unnumbered(item.node.get_content())) for item in response.source_nodes]
        cited = []
        for marker in MARKER.finditer(text):
            number = int(marker[1] or marker[2])
            if 1 <= number <= len(sources):
                cited.append({**sources[number - 1], "number": number, "at": marker.start()})
        return {"text": text.strip(), "sources": sources, "citations": cited, "first_s": first}

    return ask


def _index(folder: Path, corpus: str) -> BaseIndex[Any]:
    """Return the index of a corpus, from disk if it has been made before."""
    storage = kept(folder, "llamaindex", corpus)
    if storage.is_dir():
        return load_index_from_storage(StorageContext.from_defaults(persist_dir=str(storage)))
    root = folder / "documents" / corpus
    read = SimpleDirectoryReader(str(root), recursive=True, required_exts=[".txt"], exclude_hidden=False).load_data()
    for document in read:
        document.metadata["id"] = Path(document.metadata["file_path"]).resolve().relative_to(root.resolve()).as_posix()
        # The path is not content; keep it out of embedding and prompt.
        document.excluded_embed_metadata_keys = document.excluded_llm_metadata_keys = list(document.metadata)
    index = VectorStoreIndex.from_documents(read)
    index.storage_context.persist(persist_dir=str(storage))
    return index


def _unnumbered(content: str) -> str:
    """Return a source's text without its number line."""
    return content.split(":\n", 1)[-1].strip()


if __name__ == "__main__":
    run("llamaindex", make)
