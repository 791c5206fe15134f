"""The command line: `shawahid` or `python -m rag`."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, NoReturn

import typer

import rag
from rag.cli import asking, indexing, inspecting, models, reviewing, serving
from rag.cli.console import err, for_error_stream, out
from rag.cli.evaluation import calibrate, eval_app
from rag.errors import ShawahidError
from rag.extras import extra_of, extras_missing
from rag.messages import say
from rag.models.torch_import import lean_torch

app = typer.Typer(
    name="shawahid",
    help="Ask Arabic and English documents, and check the answer against its sources. Offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    indexing.build,
    indexing.sync,
    indexing.add,
    indexing.update,
    indexing.remove,
    indexing.export,
    indexing.mirror,
    inspecting.info,
    inspecting.overview,
    inspecting.contradictions,
    inspecting.suggest,
    inspecting.verify,
    inspecting.repair,
    asking.search,
    asking.ask,
    asking.chat,
    reviewing.table,
    serving.run,
    serving.serve,
    serving.mcp,
    models.doctor,
    calibrate,
):
    app.command()(command)
app.command(name="import")(indexing.import_store)
app.add_typer(models.models_app, name="models")
app.add_typer(eval_app, name="eval")


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"shawahid {rag.__version__}")
        raise typer.Exit


@app.callback()
def shawahid(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")] = False,
) -> None:
    """Ask Arabic and English documents, and check the answer against its sources. Offline."""


def main() -> None:
    """Run a command. Errors are printed as a sentence, never a traceback; each kind has its exit code."""
    language = "ar" if os.environ.get("SHAWAHID_LANGUAGE") == "ar" else "en"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    lean_torch()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in the C locale, or a pipe on Windows, Arabic could not be written
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app(standalone_mode=True)
    except ShawahidError as error:
        _fail(error, language)
    except ModuleNotFoundError as error:
        if (found := extra_of(error.name or "")) is None:
            raise
        extra, package = found
        _fail(extras_missing({extra: [package]}), language)
    except SystemExit as ended:
        if ended.code == 130:  # typer's word for Ctrl-C
            err.print(for_error_stream(say("cli.interrupted", language)))
        raise
    except BrokenPipeError:  # `shawahid search … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(error: ShawahidError, language: str) -> NoReturn:
    err.print(f"[bold red]✗[/] {for_error_stream(error.text(language))}")
    sys.exit(error.exit_code)
