"""Figures of the evaluation as tables in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rag.evaluation.bootstrap import rounded
from rag.evaluation.calibrate import Fitted, GroupFigures
from rag.evaluation.compare import Comparison
from rag.evaluation.report import BY_KIND, Summary, by_section, cell, distinct, group_label, label
from rag.messages import say
from rag.text.terminal import for_terminal

_PAPER, _LABELS, _COLUMN = 120, 44, 14  # characters: a line in a file, the names of measures, one column


def print_table(summary: Summary, console: Console, language: str) -> None:
    """Print every figure: a row for each measure, a column for each group, as many as fit the terminal's width."""
    width = console.width if console.is_terminal else max(console.width, _PAPER)
    names = distinct(summary.figures)
    beside = max((width - _LABELS) // _COLUMN, 1)
    for start in range(0, len(names), beside):
        console.print(_table(summary, names[start : start + beside], language), width=width, crop=False, soft_wrap=False)
    if summary.by_kind:
        console.print(_by_kind(summary, language), width=width, crop=False, soft_wrap=False)
    console.print(f"[dim]{for_terminal(say('eval.legend', language))}[/]")


def _table(summary: Summary, names: Sequence[str], language: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(for_terminal(say("eval.measure", language)), no_wrap=True)
    for group in names:
        table.add_column(for_terminal(group_label(group, language)), no_wrap=True)
    for section, measures in by_section(summary, names).items():
        table.add_row(f"[bold]{for_terminal(say(f'eval.section_{section}', language))}[/]")
        for name in measures:
            table.add_row(for_terminal(label(name, language)), *(cell(summary.figures[group].get(name)) for group in names))
    return table


def _by_kind(summary: Summary, language: str) -> Table:
    """Return a table with a row for each kind of question and of block: value and number of questions."""
    names = [name for name in BY_KIND if any(name in own for own in summary.by_kind.values())]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(for_terminal(say("eval.by_kind", language)), no_wrap=True)
    for name in names:
        table.add_column(for_terminal(label(name, language)))
    for group, own in summary.by_kind.items():
        table.add_row(for_terminal(group_label(group, language)), *(cell(own.get(name)).partition("\n")[0] for name in names))
    return table


def print_comparison(found: Comparison, names: tuple[str, str], console: Console, language: str, everything: bool = False) -> None:
    """Print the measures with significant differences (`everything`: all), then the questions that moved."""
    for letter, name in zip("AB", names, strict=True):
        console.print(f"{letter}: {escape(name)}")
    counts = say("eval.compared", language, n=found.n, only_a=found.only_a, only_b=found.only_b)
    console.print(for_terminal(counts))
    _print_differing(found, console, language)
    # Two lines a measure, so that no figure is broken where a terminal has 80 columns.
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{for_terminal(say('eval.measure', language))}\n{for_terminal(say('eval.group', language))}", overflow="fold")
    for title in ("A", "B", "B − A\n95 %", "p\nn"):
        table.add_column(title, no_wrap=True)
    for change in found.changes:
        if change.sure or everything:
            delta = change.difference
            colour = "green" if change.better else "red"
            value = f"[{colour}]{delta.value:+.3f}[/]" if change.sure else f"{delta.value:+.3f}"
            between = f"{rounded(delta.low)} … {rounded(delta.high)}" if delta.low is not None else ""
            table.add_row(
                f"{for_terminal(label(change.measure, language))}\n[dim]{escape(for_terminal(group_label(change.group, language)))}[/]",
                rounded(change.a),
                rounded(change.b),
                f"{value}\n[dim]{between}[/]",
                f"{rounded(delta.p)}\n[dim]{delta.n}[/]",
            )
    if table.row_count:
        console.print(table)
    else:
        console.print(for_terminal(say("eval.no_change", language)))
    for key, moved in (("eval.worse", found.worse), ("eval.better", found.better)):
        console.print(f"[bold]{for_terminal(say(key, language, count=len(moved)))}[/]")
        for item in moved:
            console.print(f"  {escape(item.id)}  {escape(for_terminal(item.question))}")
            console.print(f"    [dim]{escape(_names(item.before, language))} → {escape(_names(item.after, language))}[/]")


def _print_differing(found: Comparison, console: Console, language: str) -> None:
    """Print what else differed between the runs, so that a difference is not taken for that of one change when there were several."""
    if not found.differing:
        key = "eval.identity_unknown" if found.differing is None else "eval.identity_same"
        console.print(for_terminal(say(key, language)))
        return
    console.print(for_terminal(say("eval.differing", language)))
    for part in found.differing:
        console.print(f"  {escape(part.name)}: {escape(part.a or '–')} → {escape(part.b or '–')}")


def _names(keys: Sequence[str], language: str) -> str:
    return for_terminal(", ".join(say(f"fault.{key}", language) for key in keys) or say("eval.good", language))


def print_calibration(fitted: Fitted, before: GroupFigures, after: GroupFigures, console: Console, language: str) -> None:
    """Print the values and, by group, the figures of those in force before and of those fitted."""
    counts = {"fitted": fitted.n.get("least", 0), "measured": max((f.n for f in after.get("all", {}).values()), default=0)}
    console.print(escape(for_terminal(say("calibrate.title", language, embedder=fitted.embedder, **counts))))
    for name, value in fitted.values().items():
        console.print(f"  {name} = {escape(str(value))}" + (f"  [dim]n {fitted.n[name]}[/]" if name in fitted.n else ""))
    table = Table(say("eval.measure", language), "", say("calibrate.before", language), say("calibrate.after", language), box=None)
    for group, figures in after.items():
        for name, figure in figures.items():
            if figure.value is not None:
                table.add_row(for_terminal(label(name, language)), escape(group), cell(before[group][name]), cell(figure))
    console.print(table)
    kept = [name for name in fitted.values() if name not in fitted.n]
    if kept:
        console.print(escape(for_terminal(say("calibrate.kept", language, names=", ".join(kept)))))
