"""Read the same pages with every reader, score each page, and aggregate the scores by kind and language."""

from __future__ import annotations

import json
import subprocess
import time
import venv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.documents.other_readers import READERS
from bench.documents.scores import MEASURES, Gold, Reading, Scores, gold_from, score
from bench.documents.sources import HERE, Unavailable, real_pages
from rag import ShawahidError, read_documents
from rag.evaluation.bootstrap import Figure, ratio
from rag.schema import Document

OURS = "ours"
AIMS = {"words": 0.99, "numbers": 0.995, "cells": 0.95, "columns": 0.98, "garbage": 0.0}


@dataclass(frozen=True, slots=True)
class Record:
    """The result of one reader on one page."""

    page: str
    kind: str
    language: str
    made: bool
    system: str
    scores: Scores
    error: str
    seconds: float

    def line(self) -> str:
        """Return the record as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def environment(scratch: Path) -> Path:
    """Return the interpreter of the other readers' environment, set up on the first call. Raises OSError if that fails."""
    folder = scratch / "documents" / "venv"
    python = folder / "bin" / "python"
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8")
    stamp = folder / "installed.txt"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        venv.create(folder, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OSError(f"the packages of bench/documents/requirements.txt could not be installed: {done.stderr.strip()[-300:]}")
        stamp.write_text(wanted, encoding="utf-8")
    return python


def pages(scratch: Path, python: Path) -> Iterator[tuple[Path, Gold] | Unavailable]:
    """Return every page with its folder, synthetic pages first, and the pages that could not be made or fetched, with the reason."""
    made = scratch / "documents" / "made"
    done = subprocess.run([python, HERE / "making.py", made], capture_output=True, text=True, check=False)
    if done.returncode:
        yield Unavailable("made pages", done.stderr.strip()[-300:])
    else:
        for record in _lines(made / "skipped.jsonl"):
            yield Unavailable(record["id"], record["reason"])
        for record in _lines(made / "made.jsonl"):
            yield made, gold_from(record)
    real = scratch / "documents" / "real"
    for page in real_pages(real):
        yield page if isinstance(page, Unavailable) else (real, page)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ours(path: Path) -> tuple[Reading, float]:
    """Read a file with our reader through the public function; return the result and the seconds."""
    started = time.perf_counter()
    try:
        documents = read_documents(path, path.name)
        text = "\n\n".join(document.text for document in documents if document.text)
        reading = Reading(text, [table for document in documents for table in tables_of(document)])
    except ShawahidError as error:
        reading = Reading(error=str(error))
    return reading, time.perf_counter() - started


def tables_of(document: Document) -> list[list[list[str]]]:
    """Return the tables of a document's tree as grids, the names of the columns in the first row."""
    grids = [[list(table.columns)] for table in document.tables]
    for block in document.blocks:
        if block.table is not None and block.cells:
            row = [""] * max(len(document.tables[block.table].columns), max(cell.column for cell in block.cells) + 1)
            for cell in block.cells:
                row[cell.column] = cell.span.of(document.text)
            grids[block.table].append(row)
    return grids


def read_with_ours(found: Sequence[tuple[Path, Gold]], readings: dict[str, Reading] | None = None) -> Iterator[Record]:
    """Score our reader on every page. Adds the readings to `readings` by page."""
    for folder, gold in found:
        reading, seconds = ours(folder / gold.file)
        if readings is not None:
            readings[gold.id] = reading
        yield _record(OURS, gold, reading, seconds)


def read_with_others(
    found: Sequence[tuple[Path, Gold]], python: Path, scratch: Path, systems: Iterable[str] = tuple(READERS)
) -> Iterator[Record]:
    """Score every other reader on the pages of its kinds, each in a process of its own, in the other environment."""
    task = scratch / "documents" / "task.json"
    task.write_text(json.dumps([{"id": gold.id, "path": str(folder.resolve() / gold.file)} for folder, gold in found]), encoding="utf-8")
    golds = {gold.id: gold for _, gold in found}
    for system in systems:
        output = scratch / "documents" / f"{system}.jsonl"
        output.unlink(missing_ok=True)
        done = subprocess.run([python, HERE / "other_readers.py", system, task, output], capture_output=True, text=True, check=False)
        read = set()
        for item in _lines(output) if output.is_file() else []:
            read.add(item["id"])
            yield _record(system, golds[item["id"]], Reading(item["text"], item["tables"], item["error"]), item["seconds"])
        kinds = READERS[system][1]
        for gold in golds.values():  # a reader that crashed read nothing more
            if gold.id not in read and (not kinds or Path(gold.file).suffix.lower() in kinds):
                yield _record(system, gold, Reading(error=f"the reader ended: {done.stderr.strip()[-200:]}"), 0.0)


def _record(system: str, gold: Gold, reading: Reading, seconds: float) -> Record:
    return Record(gold.id, gold.kind, gold.language, gold.made, system, score(reading, gold), reading.error, seconds)


# --- figures --------------------------------------------------------------------------------------------------------------


def figure(records: Iterable[Record], measure: str) -> Figure:
    """Return the mean of a measure over the pages that have it, with its 95 % interval and their number."""
    values = [getattr(record.scores, measure) for record in records]
    return ratio([(value, 1.0) for value in values if value is not None])


def by_system(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return the records of each system, in the order in which they were read."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.system, []).append(record)
    return found


NAMES = {
    "words": "words in order",
    "numbers": "numbers exact",
    "cells": "cells with row and column",
    "cells_by_position": "the same, counted by position",
    "columns": "columns in order",
    "kept_out": "foreign text kept out",
    "garbage": "pages with garbage indexed",
    "refused": "readable pages refused",
}


def shown(value: Figure) -> str:
    """Return a figure as "0.93 (0.90–0.96; 120)", or "–" if there is none."""
    if value.value is None:
        return "–"
    if value.low is None or value.high is None:
        return f"{value.value:.3f} ({value.n})"
    return f"{value.value:.3f} ({value.low:.3f}–{value.high:.3f}; {value.n})"


def table_of_systems(records: Sequence[Record]) -> str:
    """Return a Markdown table with a row per reader and a column per measure, each reader over the kinds of pages it supports."""
    rows = ["| reader | " + " | ".join(NAMES[measure] for measure in MEASURES) + " |", "|---" * (len(MEASURES) + 1) + "|"]
    for system, own in by_system(records).items():
        rows.append(f"| {system} | " + " | ".join(shown(figure(own, measure)) for measure in MEASURES) + " |")
    return "\n".join(rows)


def table_of_kinds(records: Sequence[Record], measures: Sequence[str] = ("words", "numbers", "cells", "columns")) -> str:
    """Return a Markdown table with a row per kind and language, and the scores of each reader that supports the kind."""
    systems = list(by_system(records))
    rows = ["| kind | pages | " + " | ".join(systems) + " |", "|---" * (len(systems) + 2) + "|"]
    kinds = sorted({(record.kind, record.language, record.made) for record in records})
    for kind, language, made in kinds:
        own = [record for record in records if (record.kind, record.language, record.made) == (kind, language, made)]
        cells = []
        for system in systems:
            found = [figure([record for record in own if record.system == system], measure).value for measure in measures]
            cells.append(" / ".join("–" if value is None else f"{value:.2f}" for value in found))
        count = len({record.page for record in own})
        rows.append(f"| {kind}, {language}, {'made' if made else 'real'} | {count} | " + " | ".join(cells) + " |")
    return f"{' / '.join(NAMES[measure] for measure in measures)}\n\n" + "\n".join(rows)


def worst(records: Iterable[Record], count: int = 40) -> list[tuple[float, Record]]:
    """Return the worst pages first, by the sum of what is missing to 1 in words, numbers, cells and order."""
    found = []
    for record in records:
        values = [getattr(record.scores, measure) for measure in ("words", "numbers", "cells", "columns", "kept_out")]
        lost = sum(1 - value for value in values if value is not None) + sum(
            value for value in (record.scores.garbage, record.scores.refused) if value
        )
        if lost > 0.005:
            found.append((lost, record))
    return sorted(found, key=lambda item: -item[0])[:count]


def described(scores: Scores) -> str:
    """Return the scores of a page on one line."""
    values: Mapping[str, float | None] = asdict(scores)
    return ", ".join(
        f"{name} {value:.2f}" for name, value in values.items() if value is not None and not (name in ("garbage", "refused") and value == 0)
    )
