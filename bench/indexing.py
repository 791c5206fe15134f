"""Indexing speed: how fast documents become searchable."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bench.corpus import FillingEmbedder, documents, filling, questions
from bench.measure import Measurement, Options, measured, ratio
from rag.arrays import Vectors, unit
from rag.documents.chunker import Chunker
from rag.documents.load import Skipped, load_folder
from rag.evaluation.questions import write_documents
from rag.factory import open_embedder
from rag.models.embedder import Embedder, passage_tokens, query_tokens
from rag.models.installed import find, profile
from rag.retrieval.index import Index
from rag.storage.build import build_index

TITLE = "Indexing"
ABOUT = """
Passages of the repository's own documents, half Arabic and half English, with the vectors of all their sentences, by each
profile's embedder. The reference is `SentenceTransformer.encode` in float32 over the same texts, in turns with it. Cosine: between
the two vectors of a text, the least of all. Update: one document in a hundred of a collection of 2,000 passages whose vectors cost
nothing changes; the time is from the call until an open index finds the new text.
"""

Made = TypeVar("Made")

_PASSAGES = 12
_UPDATED = 2_000


def run(options: Options) -> Iterator[Measurement]:
    """Measure; raises ModelMissing without the embedders."""
    for name in ("default", "light"):
        settings = replace(options.settings, profile=name, embedder=profile(name).embedder)
        embedder, _ = open_embedder(settings)
        yield from _throughput(embedder, find(profile(name).embedder, "embedder").path, options)
        if name == "default":
            yield from _update(embedder, options.runs)


def sample(count: int) -> tuple[list[str], list[str], int]:
    """Return passages and all their sentences, with their titles, and the number of passages: half in each language."""
    with tempfile.TemporaryDirectory() as scratch:
        write_documents(documents(), Path(scratch))
        loaded = [document for document in load_folder(Path(scratch)) if not isinstance(document, Skipped)]
    passages = [passage for document in loaded for passage in Chunker().cut(document)]
    chosen = [passage for language in ("ar", "en") for passage in [p for p in passages if p.language == language][: count // 2]]
    texts = [passage.text for passage in chosen] + [passage.quote(span) for passage in chosen for span in passage.sentences]
    titles = [passage.title for passage in chosen] + [passage.title for passage in chosen for _ in passage.sentences]
    return texts, titles, len(chosen)


def _throughput(embedder: Embedder, folder: Path, options: Options) -> Iterator[Measurement]:
    texts, titles, passages = sample(_PASSAGES)
    plain = _plain(folder)
    prefix = find(embedder.name, "embedder").entry
    form = prefix.passage_prefix if prefix else ""
    asked = [record["question"] for record in questions()]
    query = prefix.query_prefix if prefix else ""
    prompted = [form.replace("{title}", title or "none") + text for text, title in zip(texts, titles, strict=True)]
    embedder.embed_passages(texts[:2], titles[:2])
    plain(prompted[:2])
    ours, theirs, least, single, reference = [], [], [], [], []
    for turn in range(options.runs):
        spent, (vectors, _) = _timed(lambda: passage_tokens(embedder, texts, titles))  # as a build does
        ours.append(passages / spent)
        spent, expected = _timed(lambda: plain(prompted))
        theirs.append(passages / spent)
        least.append(float((vectors * expected).sum(axis=1).min()))
        for question in asked[turn * 8 : turn * 8 + 8]:
            single.append(_timed(lambda asked=question: query_tokens(embedder, asked))[0] * 1000)  # type: ignore[misc]
            reference.append(_timed(lambda asked=question: plain([query + asked]))[0] * 1000)  # type: ignore[misc]
    yield measured(f"passages with their sentences, {embedder.name}", "1/s", ours, plot=True)
    yield measured(f"the same by sentence-transformers in float32, {embedder.name}", "1/s", theirs, plot=True)
    yield ratio(f"ours over theirs, {embedder.name}", ours, theirs, "≥ 3")
    yield measured(f"least cosine between the two, {embedder.name}", "", least)
    yield measured(f"a question embedded, {embedder.name}", "ms", single, "≤ 20")
    yield measured(f"the same by sentence-transformers in float32, {embedder.name}", "ms", reference)


def _plain(folder: Path) -> Callable[[Sequence[str]], Vectors]:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32})
    return lambda texts: unit(model.encode(list(texts), prompt="", show_progress_bar=False, convert_to_numpy=True))


def _timed(call: Callable[[], Made]) -> tuple[float, Made]:
    started = time.perf_counter()
    made = call()
    return time.perf_counter() - started, made


def _update(real: Embedder, runs: int) -> Iterator[Measurement]:
    """Change one document in a hundred, and search an open index until the change is visible."""
    texts = documents()
    embedder = FillingEmbedder(real, "")
    made = filling(_UPDATED, list(texts.values()))
    scratch = Path(tempfile.mkdtemp())
    try:
        write_documents(made, scratch / "documents")
        whole, _ = _timed(lambda: build_index(scratch / "documents", scratch / "index", embedder))
        updates = []
        with Index.open(scratch / "index", embedder) as index:
            index.search("library")
            names = sorted(made)
            for turn in range(runs):
                for name in names[turn::100]:
                    path = scratch / "documents" / name
                    path.write_text(f"Zyxomma{turn} is new here.\n\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
                started = time.perf_counter()
                build_index(scratch / "documents", scratch / "index", embedder)
                # By keyword: drawn vectors don't represent the word, so that by vector another passage may always come first.
                found = index.search(f"Zyxomma{turn}", 1, legs=("keyword",))
                assert found, "the new text is found by the first search after the call"
                assert f"Zyxomma{turn}" in found[0].passage.text
                updates.append(time.perf_counter() - started)
    finally:
        shutil.rmtree(scratch)
    yield measured(f"a collection of {_UPDATED:,} passages written, without embedding", "s", [whole])
    yield measured("one document in a hundred updated and found", "s", updates)
    yield ratio("of the time to write the whole", updates, [whole] * len(updates))
