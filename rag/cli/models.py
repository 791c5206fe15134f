"""`shawahid models` and `doctor`: what is on this machine, and fetching what is missing."""

from __future__ import annotations

import dataclasses
import sys
from typing import Annotated

import typer
from rich.markup import escape

from rag.answering.generator_trials import Trial
from rag.cli.console import load_settings, out, plain, print_json, with_download_bar
from rag.cli.options import IndexOption, JsonOption
from rag.errors import BadSetting
from rag.messages import say
from rag.models.advice import recommended
from rag.models.catalogue import ModelEntry
from rag.text.terminal import for_terminal

models_app = typer.Typer(help="List the models and download missing ones.", invoke_without_command=True)


@models_app.callback()
def models(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the models of the catalogue and their state on this machine."""
    if context.invoked_subcommand:
        return
    from rag.cli.doctor import model_lines, render_models
    from rag.models.advice import advised
    from rag.models.installed import profile

    settings = load_settings()
    lines = model_lines(profile(settings.profile))
    if as_json:
        print_json(lines)
    else:
        render_models(lines, settings.language, out)
        if advice := advised():
            fields = {"name": advice.name, "command": "shawahid models get recommended"}
            out.print(escape(for_terminal(say("models.advised", settings.language, **fields))))


@models_app.command("try")
def models_try(
    name: Annotated[str, typer.Argument(help="A generator, as SHAWAHID_GENERATOR has it.  [the one in use]")] = "",
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, max=60, help="How long to try.")] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Try what a generator can do on this machine: answer in its own words, translate. Its answers follow the result from now on."""
    from rag.cli.trial_output import render_trial, trial_progress
    from rag.evaluation.generator_trial import keep, try_generator
    from rag.factory import NO_GENERATOR, open_generator

    settings = load_settings()
    generator, missing = open_generator(dataclasses.replace(settings, generator=name) if name else settings)
    if missing is not None:
        raise missing
    if generator is None:
        raise BadSetting("models.none_to_try", name=NO_GENERATOR)
    with trial_progress(settings.language) as progress:
        trial = try_generator(generator, seconds=60 * minutes, progress=progress)
    path = keep(trial)
    if as_json:
        print_json({**dataclasses.asdict(trial), "writes": _writes(trial), "translates": sorted(trial.translates), "path": path})
    else:
        render_trial(trial, path, settings.language, out)


def _writes(trial: Trial) -> list[str]:
    return [kind for kind, figure in (("same", trial.same), ("across", trial.across)) if figure.passed]


@models_app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help='A name from `shawahid models`, or "recommended" for the one this computer should take.')],
    accept_terms: Annotated[bool, typer.Option("--accept-terms", help="Accept the model's terms without being asked.")] = False,
) -> None:
    """Download a model, or continue an interrupted download; verify it and put it in place."""
    from rag.models.installed import catalogue, get

    settings = load_settings()
    name = recommended(name)

    def consent(entry: ModelEntry) -> bool:
        text = say("cli.accept", settings.language, name=entry.name, licence=entry.licence, terms=entry.terms)
        return sys.stdin.isatty() and typer.confirm(text)

    if name in catalogue() and accept_terms and catalogue()[name].consent:
        entry = catalogue()[name]
        out.print(f"{entry.name}: {entry.licence}, {entry.terms}")
    path = with_download_bar(lambda follow: get(name, accept_terms=accept_terms or consent, progress=follow))
    out.print(escape(for_terminal(say("cli.fetched", settings.language, name=name, path=path))))


def doctor(
    index: IndexOption = None,
    deep: Annotated[bool, typer.Option("--deep", help="Compare every model file's hash; reads gigabytes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is installed, which models are complete, and what to do about what is missing."""
    from rag.cli.doctor import examine, render

    settings = load_settings(index)
    report = examine(
        profile_name=settings.profile,
        generator="" if settings.generator == "none" else recommended(settings.generator),
        embedder=settings.embedder,
        index=settings.index,
        documents=str(settings.documents),
        deep=deep,
        device=settings.device,
        gpu_layers=settings.gpu_layers,
    )
    if as_json:
        print_json({"ok": report.ok, **plain(report)})
    else:
        render(report, settings.language, out)
    if not report.ok:
        raise typer.Exit(report.exit_code)
