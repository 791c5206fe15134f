"""Shawahid as it ships, on the same task."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.peers.asking import Answer, System, kept, run
from rag.answering.chatbot import Chatbot
from rag.config import Settings
from rag.factory import open_embedder, open_generator
from rag.retrieval.index import Index
from rag.schema import Answer as Checked
from rag.schema import Delta, Status
from rag.storage.build import build_index


def make(folder: Path, task: Mapping[str, Any], short: bool) -> System:
    settings = Settings.load()
    embedder, _ = open_embedder(settings)
    generator, notice = open_generator(settings)
    if generator is None and notice is not None:
        raise notice
    bots = {}
    for corpus in task["corpora"]:
        index = kept(folder, "shawahid", corpus)
        build_index(folder / "documents" / corpus, index, embedder)
        bots[corpus] = Chatbot(Index.open(index, embedder), generator, style="short" if short else "sentence")
    next(iter(bots.values())).warm()

    def ask(question: Mapping[str, Any]) -> Answer:
        started = time.perf_counter()
        first = None
        answer: Checked | None = None
        for event in bots[question["corpus"]].stream(question["question"]):
            if isinstance(event, Delta) and first is None:
                first = time.perf_counter() - started
            elif isinstance(event, Checked):
                answer = event
        if answer is None:
            raise AssertionError("a stream ends with an answer")
        cited = [
            {
                "document": item.document_id,
                "start": item.span.start,
                "end": item.span.end,
                "quote": item.quote,
                "number": item.number,
                "at": item.claim.end,
            }
            for item in answer.citations
        ]
        sources = [{"document": item.passage.document_id, "start": item.span.start, "end": item.span.end} for item in answer.evidence]
        declined = answer.status is Status.NO_EVIDENCE
        return {"text": answer.text, "sources": sources, "citations": cited, "first_s": first, "declined": declined}

    return ask


if __name__ == "__main__":
    is_short = "--short" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--short"]
    run("shawahid-short" if is_short else "shawahid", lambda folder, task: make(folder, task, is_short))
