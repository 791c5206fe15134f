"""What every command shares: the two streams it writes to, messages, JSON, and bars of progress."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from rag import factory
from rag.config import Settings
from rag.errors import ShawahidError
from rag.messages import say
from rag.models.catalogue import ModelEntry
from rag.models.embedder import SentenceTransformerEmbedder
from rag.text.terminal import for_terminal
from rag.tracing import export_traces

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def load_settings(index: Path | None = None) -> Settings:
    """Return the settings of the environment, with the index of an option in the place of its own. Raises BadSetting,
    ExtraMissing."""
    settings = Settings.load()
    if settings.traces:
        export_traces()
    return dataclasses.replace(settings, index=index) if index else settings


def open_embedder(settings: Settings) -> SentenceTransformerEmbedder:
    """Open the embedder that the settings name. Print a notice if another one replaces it."""
    embedder, notice = factory.open_embedder(settings)
    print_notices((notice,), settings.language)
    return embedder


def for_error_stream(text: str) -> str:
    """Return a text as standard error can show it: in visual order where a terminal does not order right-to-left text itself."""
    return escape(for_terminal(text, is_terminal=sys.stderr.isatty()))


def print_notices(notices: Iterable[ShawahidError | None], language: str) -> None:
    """Print on standard error what is worth knowing and stops nothing."""
    for notice in notices:
        if notice is not None:
            err.print(f"[yellow]![/] {for_error_stream(notice.text(language))}")


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(value, ensure_ascii=False, default=plain))


def plain(value: Any) -> Any:
    """Return a record, error or path as what JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, ShawahidError):
        return str(value)
    return str(value) if isinstance(value, Path) else dict(cast(Mapping[str, Any], value))


@contextmanager
def step_bars(language: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on a terminal for each step of an indexing; yields what to call with (step, done, total)."""
    labels = {"load": say("cli.loading", language), "embed": say("cli.embedding", language), "store": say("cli.storing", language)}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks = {step: bar.add_task(for_terminal(label, is_terminal=True), total=None, visible=False) for step, label in labels.items()}

        def follow(step: str, done: int, total: int) -> None:
            bar.update(tasks[step], completed=done, total=total or None, visible=True)

        yield follow


@contextmanager
def question_bar(language: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show one bar on a terminal; yields what to call with (done, total, name of what comes next)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(for_terminal(say("eval.asking", language), is_terminal=True), total=None)

        def follow(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total or None, description=escape(what) or None)

        yield follow


@contextmanager
def download_bars() -> Iterator[Callable[[ModelEntry], Callable[[int, int, str], None]]]:
    """Show a bar for each model that is downloaded; elsewhere than on a terminal a line when its download begins."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:

        def follow(entry: ModelEntry) -> Callable[[int, int, str], None]:
            task: TaskID | None = None

            def update(done: int, total: int, what: str) -> None:
                nonlocal task
                if task is None:
                    task = bar.add_task(entry.name, total=total or None)
                    if not err.is_terminal:
                        err.print(escape(f"{entry.name}: {total / 1e9:.1f} GB"))
                bar.update(task, completed=done, total=total or None)

            return update

        yield follow


def with_download_bar(work: Callable[[Callable[[int, int, str], None]], Path]) -> Path:
    """Return what `work` returns, showing a bar of the bytes it reports."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        return work(lambda done, total, what: bar.update(task, completed=done, total=total or None, description=what))
