"""The part that all systems' scripts share: read the task, ask, record. Needs no packages: the others' environment has none of ours.

A script is called with the folder of the task and a time limit in seconds; called again, it continues.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
"""`text`; `sources`, the places that the answer was made from; `citations`, places with `quote` and `at`, where in the text the
citation stands; `first_s`, seconds to the first words shown, or None where they come all at once. A place has `document`, `start`,
`end`, the last two None where the quote is not in the document."""
System = Callable[[Mapping[str, Any]], Answer]

MARKER = re.compile(r"\[(\d{1,2})\]|\[Source (\d{1,2})\]", re.IGNORECASE)


def read_task(folder: Path) -> dict[str, Any]:
    """Return the task as `bench.peers.task` wrote it."""
    task: dict[str, Any] = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    return task


def texts(folder: Path, corpus: str) -> dict[str, str]:
    """Return the documents of a corpus by id."""
    root = folder / "documents" / corpus
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.txt"))}


def kept(folder: Path, system: str, corpus: str) -> Path:
    """Return where a system keeps its index of a corpus between calls; the path depends on the documents."""
    digest = hashlib.sha256(json.dumps(texts(folder, corpus), sort_keys=True).encode()).hexdigest()[:8]
    return folder / "index" / f"{system}-{corpus}-{digest}"


def place(documents: Mapping[str, str], document: str, text: str) -> dict[str, Any]:
    """Return the place of a text in a document, byte for byte; without positions if it is not there."""
    start = documents.get(document, "").find(text) if text else -1
    found = start >= 0
    return {"document": document, "start": start if found else None, "end": start + len(text) if found else None, "quote": text}


def streamed(pieces: Iterable[str], started: float) -> tuple[str, float | None]:
    """Return the whole text, and seconds to its first piece that is not empty."""
    text, first = "", None
    for piece in pieces:
        if piece and first is None:
            first = time.perf_counter() - started
        text += piece
    return text, first


def memory_mb() -> float:
    """Return this process's peak memory in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10), 1)


def done(path: Path) -> set[str]:
    """Return the ids of the questions that have been answered; a truncated line does not count."""
    found = set()
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                found.add(json.loads(line)["id"])
    return found


def waiting(task: Mapping[str, Any], known: set[str], limit: int) -> Iterator[Mapping[str, Any]]:
    """Return the first `limit` questions of the task (0: all), without those that are known."""
    questions = task["questions"][:limit] if limit else task["questions"]
    return (question for question in questions if question["id"] not in known)


def run(name: str, make: Callable[[Path, Mapping[str, Any]], System]) -> None:
    """Ask the remaining questions and append a line per answer. `make` loads a system; that time is not counted."""
    parser = argparse.ArgumentParser(description=f"Ask the questions of a task by {name}.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=0.0, help="stop after this many seconds; 0: when all are asked")
    parser.add_argument("--limit", type=int, default=0, help="the first N questions; 0: all")
    chosen = parser.parse_args()
    task = read_task(chosen.folder)
    path = chosen.folder / f"{name}.jsonl"
    left = list(waiting(task, done(path), chosen.limit))
    if not left:
        return
    started = time.perf_counter()
    system = make(chosen.folder, task)
    print(f"{name}: loaded and indexed in {time.perf_counter() - started:.0f} s; {len(left)} to ask", flush=True)
    for number, question in enumerate(left):
        if chosen.seconds and time.perf_counter() - started > chosen.seconds:
            print(f"{name}: {len(left) - number} are left", flush=True)
            return
        asked = time.perf_counter()
        try:
            answer = system(question)
        except Exception as error:  # a result for this question, which counts against the system
            answer = {"text": "", "sources": [], "citations": [], "first_s": None, "error": f"{type(error).__name__}: {error}"}
        answer |= {"id": question["id"], "total_s": time.perf_counter() - asked, "memory_mb": memory_mb()}
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(answer, ensure_ascii=False) + "\n")
