"""Search speed in small and large collections."""

from __future__ import annotations

import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.cold import application
from bench.corpus import documents, questions
from bench.measure import Measurement, Options, measured, resident
from bench.synthetic import large, total
from rag.answering.chatbot import Chatbot
from rag.arrays import Vectors
from rag.config import Settings
from rag.evaluation.cached_embedder import CachedEmbedder
from rag.evaluation.questions import write_documents
from rag.factory import open_embedder
from rag.models.embedder import Embedder
from rag.retrieval.index import Index
from rag.storage.build import build_index
from rag.storage.database import DATABASE, Store
from rag.storage.flat_index import FlatIndex
from rag.storage.generations import IndexView, Segments, dense_path
from rag.testing import HashEmbedder

TITLE = "Search"
ABOUT = """
Collections of 1,000 to 1,000,000 passages of four sentences, half Arabic and half English, which the benchmark makes
(bench/synthetic.py): words of the repository's documents and made-up ones by Zipf's law, vectors with the structure of real ones. Asked are
the repository's questions; embedding them is not counted. Dense:
the 50 nearest passages of either language, in the index of vectors alone. The reference is raw faiss.IndexFlatIP over the same vectors
in the same run, which also gives the recall, of the ten nearest in each language. Everything is asked for the second time, after a
round that is not counted. Opened: from nothing until the first search is answered. The app: memory of `python app.py` after it has
answered the questions over HTTP, generator included, mapped files included. Own work in a question: `Chatbot.ask` over the repository's
documents with doubles for the models, less the time in them.
"""

COUNTS = (1_000, 10_000, 100_000, 1_000_000)
_ASKED = 40
_APP_FROM = 100_000
_MEMORY = {100_000: "≤ 3.5", 1_000_000: "≤ 5.5"}


def run(options: Options) -> Iterator[Measurement]:
    """Measure; raises ModelMissing without an embedder. `SHAWAHID_BENCH_LARGEST` leaves out larger collections."""
    largest = int(os.environ.get("SHAWAHID_BENCH_LARGEST", COUNTS[-1]))
    yield from overhead(options.scratch, options.runs)
    embedder, _ = open_embedder(options.settings)
    for count in (count for count in COUNTS if count <= largest):
        folder = large(embedder, count, options.scratch)
        yield from searched(folder, embedder, f"{count:,} passages", options.runs)
        if count >= _APP_FROM:
            yield measured(f"the app, {count:,} passages", "GB", [_app(options.settings, folder)], _MEMORY.get(count, ""))


def searched(folder: Path, real: Embedder, name: str, runs: int) -> Iterator[Measurement]:
    """Measure one collection: opening it, searching in each way, and the recall of the nearest neighbours."""
    texts = [record["question"] for record in questions()][:_ASKED]
    store = Store(folder / DATABASE)
    manifest = store.manifest()
    assert manifest is not None
    with store.snapshot():
        view = Segments(folder).at(store, manifest)
    embedder = CachedEmbedder(real)  # embedding costs nothing the second time
    vectors = [embedder.embed_query(text) for text in texts]
    started = time.perf_counter()
    index = Index.open(folder, embedder)
    index.search(texts[0])
    yield measured(f"opened and first search, {name}", "s", [time.perf_counter() - started], "≤ 2")
    yield from _dense(view, dense_path(folder, manifest.base.generation), vectors, f"{name}, {manifest.base.tier}")
    with index:
        legs: dict[str, Callable[[str], object]] = {
            "keyword": lambda question: index.search(question, legs=("keyword",)),
            "dense with sentences": lambda question: index.search(question, legs=("dense",)),
            "hybrid": lambda question: index.search(question),
            "hybrid with evidence": lambda question: index.evidence(question, index.search(question)),
        }
        for leg, call in legs.items():
            times = [_milliseconds(partial(call, text)) for _ in range(runs + 1) for text in texts][len(texts) :]
            yield measured(f"{leg}, {name}", "ms", times, "≤ 40" if leg == "hybrid" else "", plot=leg == "hybrid")
            yield measured(f"{leg}, {name}, 95th percentile", "ms", [float(np.percentile(times, 95))])
    store.close()
    yield measured(f"on disk, {name}", "MiB", [total(folder) / 2**20])


def _dense(view: IndexView, path: Path, vectors: Sequence[Vectors], name: str) -> Iterator[Measurement]:
    def ours(vector: Vectors) -> dict[str, list[int]]:
        return {language: view.nearest(vector, 50, language, among)[0].tolist() for language, among in view.languages.items()}

    for vector in vectors:
        ours(vector)
    times = [_milliseconds(partial(ours, vector)) for vector in vectors]
    found = [ours(vector) for vector in vectors]
    exact = FlatIndex.load(path)
    exact.search(vectors[0], 50)
    plain = [_milliseconds(partial(exact.search, vector, 50)) for vector in vectors]
    shares = []
    for vector, held in zip(vectors, found, strict=True):
        for language, among in view.languages.items():
            wanted = exact.search(vector, 10, among)[0].tolist()
            shares.append(len(set(held[language][:10]) & set(wanted)) / len(wanted))
    yield measured(f"dense, {name}", "ms", times, "≤ 10", plot=True)
    yield measured(f"dense, {name}, 95th percentile", "ms", [float(np.percentile(times, 95))])
    yield measured(f"raw faiss, exact, {name.rpartition(',')[0]}", "ms", plain)
    yield measured(f"recall@10, {name}", "", [statistics.mean(shares)], "≥ 0.98")


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _app(settings: Settings, folder: Path) -> float:
    """Return the memory of the app in GB after searching a collection."""
    with application(replace(settings, profile="default"), folder) as (process, address, _):
        largest = 0
        deadline = time.perf_counter() + 300
        for record in questions()[:_ASKED]:
            body = json.dumps({"question": record["question"]}).encode()
            asked = urllib.request.Request(f"{address}/v1/search", body, {"Content-Type": "application/json"})
            while True:
                try:
                    with urllib.request.urlopen(asked, timeout=120) as answer:
                        answer.read()
                    break
                except OSError:  # it is still starting
                    if process.poll() is not None or time.perf_counter() > deadline:
                        raise
                    time.sleep(0.5)
            largest = max(largest, resident(process.pid))
        return largest / 1e9


# --- our own work ---------------------------------------------------------------------------------------------------------


class Watched(HashEmbedder):
    """A test double that records how long it was called."""

    def __init__(self) -> None:
        super().__init__(768)
        self.spent = 0.0

    def embed_query(self, text: str) -> Vectors:
        started = time.perf_counter()
        try:
            return super().embed_query(text)
        finally:
            self.spent += time.perf_counter() - started


def overhead(scratch: Path, runs: int) -> Iterator[Measurement]:
    """Time the parts of a question other than the models: search, choice of evidence, confidence, quotation."""
    embedder = Watched()
    source, out = scratch / "own" / "documents", scratch / "own" / "index"
    write_documents(documents(), source)
    build_index(source, out, embedder)
    texts = [record["question"] for record in questions()][:_ASKED]
    parts: dict[str, list[float]] = {"own work in a question": [], "of it search": [], "of it evidence": []}
    with Index.open(out, embedder) as index:
        bot = Chatbot(index)
        for turn in range(runs + 1):
            for text in texts:
                embedder.spent = 0.0
                whole = _milliseconds(partial(bot.ask, text)) - embedder.spent * 1000
                found = _milliseconds(partial(index.search, text))
                hits = index.search(text)
                chosen = _milliseconds(partial(index.evidence, text, hits))
                if turn:
                    for kind, spent in zip(parts.values(), (whole, found, chosen), strict=True):
                        kind.append(spent)
    for name, times in parts.items():
        yield measured(name, "ms", times, "≤ 5" if name.startswith("own") else "")
