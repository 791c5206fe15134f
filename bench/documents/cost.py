"""The cost of reading: milliseconds of CPU time per PDF page, and how the time grows with the input."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rag import ShawahidError, read_document

_LEAST_PAGES = 2
_REPEATS = 3


def page_cost(path: Path, scratch: Path) -> float | None:
    """Return CPU seconds per page of a PDF, process start excluded: total less first page, over the remaining pages. None for a single
    page.
    """
    import pypdfium2

    from bench.documents.sources import pages_of

    data = path.read_bytes()
    count = len(pypdfium2.PdfDocument(data))
    if count < _LEAST_PAGES:
        return None
    first = scratch / "first-page.pdf"
    first.write_bytes(pages_of(data, [1]))
    whole, one = (min(_seconds(file) for _ in range(_REPEATS)) for file in (path, first))
    return max(whole - one, 0.0) / (count - 1)


def processor_seconds() -> float:
    """Return the CPU time of this process and of the child processes that have ended; unlike wall-clock time it is valid on a busy
    machine."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _seconds(path: Path) -> float:
    started = processor_seconds()
    with suppress(ShawahidError):  # a first page without text is refused; its time still counts
        read_document(path, path.name)
    return processor_seconds() - started


# --- growth ---------------------------------------------------------------------------------------------------------------


def _csv(size: int) -> str:
    return "name,2020,2021,note\n" + "".join(f'row {n},{n * 7},{n * 11},"a, b {n}"\n' for n in range(size // 30))


def _csv_quotes(size: int) -> str:
    return 'a,b\n"' + "x,y\n" * (size // 4)  # a quotation mark that is never closed


def _json(size: int) -> str:
    return json.dumps({"projects": [{"name": f"p {n}", "cost": {"value": n, "unit": "dinar"}} for n in range(size // 60)]})


def _markdown(size: int) -> str:
    return "".join(f"# Part {n}\n\n* item **{n}**\n\n| a | b |\n|---|---|\n| {n} | {n} |\n\n" for n in range(size // 60))


def _markdown_brackets(size: int) -> str:
    return "[" * (size // 2) + "](x" * (size // 6)


def _text(size: int) -> str:
    return "".join(f"The office of Northfield received {n} letters. " for n in range(size // 50))


def _html(size: int) -> str:
    return "<table>" + "".join(f"<tr><td>{n}<td rowspan=2>{n}" for n in range(size // 30)) + "</table>"


GROWTH: dict[str, tuple[str, Callable[[int], str], int]] = {
    "csv": ("csv", _csv, 200_000),
    "csv with an open quotation mark": ("csv", _csv_quotes, 40_000),
    "json": ("json", _json, 200_000),
    "markdown": ("md", _markdown, 100_000),
    "markdown of brackets": ("md", _markdown_brackets, 20_000),
    "text": ("txt", _text, 1_000_000),
    "html with spans": ("html", _html, 60_000),
}
"""Scalable inputs: a suffix, a function that makes them, and the size in characters that is compared with four times that size."""


def growth(name: str, scratch: Path, read: Callable[[Path], object] | None = None) -> float:
    """Return how much longer four times the input takes, less the time of an empty input: 4 if the time is linear."""
    suffix, make, size = GROWTH[name]
    return compare_work(read or _seconds_quietly, [_file(scratch, suffix, make(n)) for n in (1, size, 4 * size)])


def compare_work(read: Callable[[Path], object], files: list[Path]) -> float:
    """Return the ratio of the third file's time to the second's, each less the first's, as medians of three."""
    base, once, four = (statistics.median(_timed(read, file) for _ in range(_REPEATS)) for file in files)
    return max(four - base, 1e-6) / max(once - base, 1e-3)


def _timed(read: Callable[[Path], object], file: Path) -> float:
    started = processor_seconds()
    read(file)
    return processor_seconds() - started


def _seconds_quietly(path: Path) -> float:
    return _seconds(path)


def _file(scratch: Path, suffix: str, text: str) -> Path:
    path = scratch / f"growth-{len(text)}.{suffix}"
    path.write_text(text, encoding="utf-8")
    return path
