"""What each part is worth: the same questions with one part of the product switched off at a time."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import BadSetting
from rag.evaluation.measures import NOT_ABOUT, figures, groups, shares
from rag.evaluation.questions import QuestionSet
from rag.evaluation.records import ClaimRecord, Record, RecordFile
from rag.evaluation.run import Bot, Options, Progress, evaluate
from rag.metrics import Difference, Figure, difference, rounded

SHIPPED = "as shipped"
RETRIEVAL_COLUMNS = ("recall@1", "recall@5", "evidence_recall@1", "mrr@10")
ANSWER_COLUMNS = ("right", "f1", "citation_precision", "declined", "wrongly_declined")


@dataclass(frozen=True, slots=True)
class Variant:
    """The product with something changed: arguments of `Index.search`, of the chatbot, or how passages are ranked."""

    name: str
    search: Mapping[str, Any] = field(default_factory=dict)
    chatbot: Mapping[str, Any] = field(default_factory=dict)
    ranked_by: str = "passages"


RETRIEVAL = (
    Variant(SHIPPED),
    Variant("dense only", search={"legs": ("dense",)}),
    Variant("keyword only", search={"legs": ("keyword",)}),
    Variant("keywords as written, no stems", search={"analysed": False}),
    Variant("passages ranked by their best sentence", ranked_by="sentences"),
)
ANSWERS = (
    Variant(SHIPPED),
    Variant("dense only", search={"legs": ("dense",)}, chatbot={"legs": ("dense",)}),
    Variant("keyword only", search={"legs": ("keyword",)}, chatbot={"legs": ("keyword",)}),
    Variant("prompt of whole passages, not sentences", chatbot={"unit": "passages"}),
    Variant("without the check", chatbot={"check": False}),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One variant: figures, and their differences from the product as shipped, by group and measure; `None` where this version
    has no such switch."""

    name: str
    figures: Mapping[str, Mapping[str, Figure]] | None
    differences: Mapping[str, Mapping[str, Difference]]


def ablate(
    make: Callable[..., Bot],
    sets: Sequence[tuple[QuestionSet, Bot]],
    variants: Sequence[Variant],
    out: Path,
    identity: Callable[[Bot], Mapping[str, str]],
    retrieval_only: bool = True,
    progress: Progress | None = None,
) -> list[Row]:
    """Run each variant over the sets, each set with the bot as shipped over its index.

    `make(bot, **options)` gives that bot with something switched. The first variant is what the others are compared with.
    """
    rows: list[Row] = []
    base: Sequence[Record | ClaimRecord] = ()
    for variant in variants:
        if not all(_possible(variant, make, bot) for _, bot in sets):
            rows.append(Row(variant.name, None, {}))
            continue
        records: list[Record | ClaimRecord] = []
        with RecordFile.open(out / _file_name(variant.name) / "records.jsonl") as file:
            for questions, bot in sets:
                changed = make(bot, **variant.chatbot) if variant.chatbot else bot
                options = Options(retrieval_only, variant.search, variant.ranked_by)
                whole = {**identity(bot), "variant": repr(sorted(variant.chatbot.items()))}
                records += evaluate(changed, questions, file, whole, options, progress)
            file.finish(records)
        base = base or records
        rows.append(_row(variant.name, records, base))
    return rows


def _row(name: str, records: Sequence[Record | ClaimRecord], base: Sequence[Record | ClaimRecord]) -> Row:
    parts, first = shares(records), shares(base)
    by_group = groups(records)
    found = {group: figures([records[n] for n in rows], [parts[n] for n in rows]) for group, rows in by_group.items()}
    differences = {
        group: {
            measure: difference([first[n].get(measure, NOT_ABOUT) for n in rows], [parts[n].get(measure, NOT_ABOUT) for n in rows])
            for measure in (*RETRIEVAL_COLUMNS, *ANSWER_COLUMNS)
        }
        for group, rows in by_group.items()
    }
    return Row(name, found, differences)


def _possible(variant: Variant, make: Callable[..., Bot], bot: Bot) -> bool:
    """Whether the product has the switches that a variant turns."""
    search, chatbot = inspect.signature(bot.index.search).parameters, inspect.signature(type(bot)).parameters
    return all(name in search for name in variant.search) and all(name in chatbot for name in variant.chatbot)


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name).strip("-")


def markdown(rows: Sequence[Row], columns: Sequence[str], group: str) -> str:
    """One group as a Markdown table: a row for each variant, in each cell the value with its interval, and the difference from
    the first row where the paired bootstrap is sure of one (p < 0.05)."""
    first = rows[0].figures
    n = max((figure.n for figure in first.get(group, {}).values()), default=0) if first else 0
    lines = [f"| {group}, n = {n} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        if row.figures is None:
            lines.append(f"| {row.name} |" + " not in this version |" + " |" * (len(columns) - 1))
            continue
        cells = [_cell(row.figures.get(group, {}).get(name), row.differences.get(group, {}).get(name)) for name in columns]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(figure: Figure | None, change: Difference | None) -> str:
    if figure is None or figure.n == 0:
        return "–"
    text = rounded(figure.value)
    if figure.low is not None:
        text += f" [{rounded(figure.low)}, {rounded(figure.high)}]"
    if change and change.value and change.p is not None and change.p < 0.05:
        text += f" **{change.value:+.3f}**"
    return text


def insert(path: Path, table: str, name: str) -> None:
    """Put a table into a Markdown file, in place of what stands between `<!-- NAME -->` and `<!-- /NAME -->`; a file without
    these marks, or no file, gets them at its end. Raises BadSetting when only one of them is there."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if (begin in text) != (end in text):
        raise BadSetting("error.marks", path=path, begin=begin, end=end)
    block = f"{begin}\n{table.rstrip()}\n{end}"
    if begin in text:
        before, rest = text.split(begin, 1)
        text = before + block + rest.split(end, 1)[1]
    else:
        text = f"{text.rstrip()}\n\n{block}\n".lstrip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
