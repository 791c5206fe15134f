"""The documents section of `make bench`: the comparison, the cost of a page, and how time grows with the input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.documents.asking import readable
from bench.documents.compare import (
    AIMS,
    NAMES,
    OURS,
    Record,
    environment,
    figure,
    pages,
    read_with_others,
    read_with_ours,
    table_of_kinds,
    table_of_systems,
)
from bench.documents.cost import GROWTH, growth, page_cost
from bench.documents.scores import MEASURES, Reading
from bench.documents.sources import Unavailable
from bench.measure import Measurement, Options, measured
from rag.evaluation.bootstrap import ratio

_TABLES: list[str] = []


def measurements(options: Options) -> Iterator[Measurement]:
    """Yield our reader's means, then the cost of a PDF page and the growth of time; the other readers are in `tables`."""
    python = environment(options.scratch)
    found, missing = [], []
    for page in pages(options.scratch, python):
        if isinstance(page, Unavailable):
            print(f"  skipped: {page.id}: {page.reason}", flush=True)
            missing.append(page)
        else:
            found.append(page)
    readings: dict[str, Reading] = {}
    records = [*read_with_ours(found, readings), *read_with_others(found, python, options.scratch)]
    _write(records, options.scratch)
    _TABLES[:] = [_counted(records, missing), table_of_systems(records), table_of_kinds(records)]
    own = [record for record in records if record.system == OURS]
    for measure in MEASURES:
        aim = f"{'≤' if measure == 'garbage' else '≥'} {AIMS[measure]:g}" if measure in AIMS else ""
        value = figure(own, measure)
        if value.value is not None:
            low, high = (value.value, value.value) if value.low is None or value.high is None else (value.low, value.high)
            yield Measurement(NAMES[measure], "", value.value, low, high, low, high, value.n, aim, measure in AIMS, mean=True)
    answerable = [float(known) for known in readable(readings).values()]
    share = ratio([(value, 1.0) for value in answerable])
    if share.value is not None:
        low, high = (share.value, share.value) if share.low is None or share.high is None else (share.low, share.high)
        yield Measurement("questions whose value is read with its row", "", share.value, low, high, low, high, share.n, "", mean=True)
    long = [folder / gold.file for folder, gold in found if gold.file.endswith(".pdf")]
    costs = [cost * 1000 for path in long if (cost := page_cost(path, options.scratch / "documents")) is not None]
    if costs:
        yield measured("reading a page of a PDF, processor time", "ms", costs, "≤ 60")
    for name in GROWTH:
        yield measured(
            f"work for four times the input over that for once, {name}",
            "×",
            [growth(name, options.scratch / "documents") for _ in range(options.runs)],
            "≤ 6",
        )


def _write(records: list[Record], scratch: Path) -> None:
    (scratch / "documents" / "pages.jsonl").write_text("".join(record.line() + "\n" for record in records), encoding="utf-8")


def _counted(records: list[Record], missing: list[Unavailable]) -> str:
    own = [record for record in records if record.system == OURS]
    real = sum(not record.made for record in own)
    text = f"{len(own)} pages, {real} of them real, {sum(record.language == 'ar' for record in own)} Arabic."
    return text + (f" Not to be had in this run: {', '.join(page.id for page in missing)}." if missing else "")


def tables() -> str:
    """Return the tables of the last run as Markdown; "" if there was none."""
    return "\n\n".join(_TABLES)
