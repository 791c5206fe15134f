"""Memory over many questions: what a process that has been asked a few holds more after some hundred others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bench.corpus import ROOT, documents, questions
from bench.measure import Measurement, Options, measured
from rag.answering.chatbot import Chatbot
from rag.factory import open_embedder, open_generator
from rag.retrieval.index import Index
from rag.storage.build import build_index
from rag.text.language import question_language
from rag.text.sentences import sentences

TITLE = "Memory over many questions"
ABOUT = """
One process answers 500 different questions in both languages over the seed article, after 50 others with which models and tables were
loaded. Growth: the memory that belongs to the process alone after the last question, less that before the first; and the
same with the pages of mapped files (weights, index), which the system takes back when others need them.
"""

WARM, ASKED = 50, 500
_STEP = 50


def run(options: Options) -> Iterator[Measurement]:
    """Measure once; raises ModelMissing without an embedder."""
    embedder, _ = open_embedder(options.settings)
    generator, _ = open_generator(options.settings)
    build_index(ROOT / "seeds", options.scratch / "seeds", embedder)
    with Index.open(options.scratch / "seeds", embedder) as index:
        bot = Chatbot(index, generator)
        bot.warm()
        own, whole = grown(bot, different(WARM + ASKED))
    yield measured(f"growth over {ASKED} questions", "MB", [own / 1e6], "≤ 20", plot=True)
    yield measured("the same with mapped files", "MB", [whole / 1e6])


def grown(bot: Chatbot, asked: list[str]) -> tuple[int, int]:
    """Return by how many bytes the process grew after the first `WARM` questions: its own memory, and all of it."""
    begun = (0, 0)
    for number, question in enumerate(asked, start=1):
        bot.ask(question)
        if number % _STEP == 0:
            print(f"    {number} questions: {' and '.join(f'{held / 1e6:.1f} MB' for held in memory())}", flush=True)
        if number == WARM:
            begun = memory()
    return tuple(after - before for after, before in zip(memory(), begun, strict=True))  # type: ignore[return-value]


def memory() -> tuple[int, int]:
    """Return the bytes that this process alone occupies, and those with mapped files (Linux)."""
    found = {name: int(size) * 1024 for name, size in re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/self/status").read_text())}
    return found["RssAnon"], found["VmRSS"]


def different(count: int) -> list[str]:
    """Return `count` different questions: those of the repository, then one about each sentence of its documents."""
    found = dict.fromkeys(record["question"] for which in ("corpus", "seeds") for record in questions(which))
    for text in documents().values():
        for span in sentences(text):
            words = span.of(text).split()
            for start in range(0, len(words) - 5, 6):
                about = " ".join(words[start : start + 6]).strip("#*|.؟?!،,:")
                found[f"ماذا قيل عن {about}؟" if question_language(about) == "ar" else f"What is said about {about}?"] = None
    chosen = list(found)
    if len(chosen) < count:
        raise ValueError(f"the documents give {len(chosen)} questions, not {count}")
    return [chosen[number * len(chosen) // count] for number in range(count)]
