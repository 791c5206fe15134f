"""How the trial of a generator is shown in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from rag.answering.generator_trials import KINDS, LEAST_RIGHT, LEAST_TRIED, Trial
from rag.cli.console import err
from rag.messages import say
from rag.text.terminal import for_terminal


@contextmanager
def trial_progress(language: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal; yields what to call with the sentences done and in total."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(for_terminal(say("models.trying", language), is_terminal=True), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def render_trial(trial: Trial, path: Path | None, language: str, console: Console) -> None:
    """Print the figures of a trial, what follows from them, and where they are kept: `path` is None where our own measurement counts."""
    from rich.table import Table

    table = Table(title=say("models.tried_title", language, name=trial.name), show_header=False, box=None, pad_edge=False)
    for kind in KINDS:
        figure = getattr(trial, kind)
        sign = "[green]✓[/]" if figure.passed else "[red]✗[/]" if figure.decided else "[yellow]•[/]"
        key = "models.tried_passed" if figure.passed else "models.tried_failed" if figure.decided else "models.tried_few"
        verdict = say(key, language, share=f"{LEAST_RIGHT:.2f}", least=LEAST_TRIED)
        figures = say("models.tried_right", language, right=figure.right, tried=figure.tried)
        table.add_row(sign, escape(say(f"models.tried_{kind}", language)), figures, escape(verdict))
    console.print(table)
    console.print(escape(for_terminal(say("models.tried_seconds", language, seconds=trial.seconds))))
    kept = say("models.tried_kept", language, path=path) if path else say("models.tried_measured", language, name=trial.name)
    console.print(escape(for_terminal(kept)))
