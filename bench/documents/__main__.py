"""`python -m bench.documents`: the comparison alone, with its tables; `--ours` reads with our reader only, `--only` some pages."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from bench.documents.asking import Asked, ask, readable
from bench.documents.compare import (
    described,
    environment,
    pages,
    read_with_others,
    read_with_ours,
    shown,
    table_of_kinds,
    table_of_systems,
    worst,
)
from bench.documents.scores import Gold, Reading
from bench.documents.sources import Unavailable
from rag.evaluation.bootstrap import ratio


def main() -> int:
    """Read, score and print; every page's scores are in `pages.jsonl` under the scratch folder."""
    parser = argparse.ArgumentParser(prog="python -m bench.documents", description="Compare readers of documents on the same pages.")
    parser.add_argument(
        "--scratch", type=Path, default=Path(".cache/bench"), help="where documents and environment are kept (.cache/bench)"
    )
    parser.add_argument("--ours", action="store_true", help="our reader only")
    parser.add_argument("--only", default="", help="a regular expression for the ids of pages")
    parser.add_argument("--ask", action="store_true", help="ask the questions over tables and forms, with the installed models")
    parser.add_argument("--quote", action="store_true", help="with --ask: answer with quotations, without a generator")
    parser.add_argument("--worst", type=int, default=40, help="how many of the worst pages are listed (40)")
    chosen = parser.parse_args()
    python = environment(chosen.scratch)
    found, missing = [], []
    for page in pages(chosen.scratch, python):
        if isinstance(page, Unavailable):
            missing.append(page)
        elif re.search(chosen.only, page[1].id):
            found.append(page)
    if chosen.ask:
        return _asked(chosen.scratch, found, worded=not chosen.quote)
    readings: dict[str, Reading] = {}
    records = list(read_with_ours(found, readings))
    if not chosen.ours:
        records += read_with_others(found, python, chosen.scratch)
    (chosen.scratch / "documents" / "pages.jsonl").write_text("".join(record.line() + "\n" for record in records), encoding="utf-8")
    tables, real = sum(gold.is_table for _, gold in found), sum(not gold.made for _, gold in found)
    print(f"{len(found)} pages, {tables} with tables or forms, {real} real")
    for page in missing:
        print(f"skipped: {page.id}: {page.reason}")
    known = readable(readings)
    if known:
        print(f"questions whose value is read with its row and column: {sum(known.values())} of {len(known)}")
    print("\n" + table_of_systems(records) + "\n\n" + table_of_kinds(records) + "\n\nOurs, worst first:")
    for lost, record in worst([record for record in records if record.system == "ours"], chosen.worst):
        print(f"  {lost:.2f} {record.page}: {described(record.scores)} {record.error[:120]}")
    return 0


def _asked(scratch: Path, found: Sequence[tuple[Path, Gold]], *, worded: bool) -> int:
    """Ask all questions, write one line per question, and print the share answered right per direction."""
    done: list[Asked] = []
    with (scratch / "documents" / "asked.jsonl").open("w", encoding="utf-8") as file:
        for item in ask(scratch, found, worded=worded):
            done.append(item)
            file.write(item.line() + "\n")
            file.flush()
    for crossing in (*sorted({item.crossing for item in done}), ""):
        own = [item for item in done if item.crossing.startswith(crossing)]
        value, right = (ratio([(float(getattr(item, name)), 1.0) for item in own]) for name in ("value", "right"))
        print(f"{crossing or 'all'}: right value {shown(value)}, right value with its row {shown(right)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
