"""`shawahid serve` and `mcp`: what other programs and browsers reach."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
import webbrowser
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from rag.cli.console import download_bars, err, load_settings, open_embedder, print_notices, step_bars
from rag.cli.options import IndexOption
from rag.config import ServerSettings, Settings
from rag.errors import BadSetting
from rag.extras import missing, require
from rag.factory import open_chatbot
from rag.files import user_data
from rag.messages import say
from rag.models.advice import recommended
from rag.models.catalogue import ModelEntry, Profile, catalogue, profile
from rag.text.terminal import for_terminal


def serve(
    index: IndexOption = None,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.  [SHAWAHID_HOST; 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="The port; 0 picks a free one.  [SHAWAHID_PORT; 7860]")] = None,
    window: Annotated[bool, typer.Option("--window/--no-window", help="The chat window next to the API.")] = True,
) -> None:
    """Serve the API, the tools and the chat window on one port."""
    require("window")
    from rag.server import serve_settings

    settings = load_settings(index)
    changed: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = dataclasses.replace(settings, **changed)

    def ready(address: str) -> None:
        err.print(escape(for_terminal(say("server.serving", settings.language, address=address), is_terminal=err.is_terminal)))

    serve_settings(settings, ServerSettings.load(), window=window, ready=ready)


def run(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder of your documents.  [SHAWAHID_DOCUMENTS; a page about Shawahid]")
    ] = None,
    accept_terms: Annotated[bool, typer.Option("--accept-terms", help="Accept the models' terms without being asked.")] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the window in the browser.")] = True,
    port: Annotated[int | None, typer.Option("--port", help="The port; 0 picks a free one.  [SHAWAHID_PORT; 7860]")] = None,
) -> None:
    """Fetch what is missing, index a folder, and open the chat window. Continues where it was interrupted."""
    require("models", "window")
    from rag.models.installed import provide
    from rag.server import serve_settings

    settings = _placed(load_settings(), folder)
    settings = dataclasses.replace(settings, port=settings.port if port is None else port)
    with download_bars() as follow:
        _, problems = provide(_wanted(settings), accept_terms=_shown_terms(settings.language, accept_terms), follow=follow)
    print_notices(problems, settings.language)
    _build(settings)

    def ready(address: str) -> None:
        err.print(escape(for_terminal(say("server.serving", settings.language, address=address), is_terminal=err.is_terminal)))
        if browser and has_screen():
            webbrowser.open(address)

    serve_settings(settings, ServerSettings.load(), ready=ready)


def _build(settings: Settings) -> None:
    """Index what is new or changed. The embedder is freed before the server opens its own."""
    from rag.storage.build import build_index

    with step_bars(settings.language) as follow:
        build_index(settings.documents, settings.index, open_embedder(settings), progress=follow)


def _placed(settings: Settings, folder: Path | None) -> Settings:
    """Return the settings with the folder to index and the place of its index: that of the environment, else one for each folder in the
    user's data."""
    if folder is None and "SHAWAHID_DOCUMENTS" not in os.environ:
        folder = Path(str(resources.files("rag") / "welcome"))
        err.print(escape(for_terminal(say("cli.welcome", settings.language), is_terminal=err.is_terminal)))
    documents = folder or settings.documents
    if "SHAWAHID_INDEX" in os.environ:
        return dataclasses.replace(settings, documents=documents)
    place = hashlib.sha256(str(documents.resolve()).encode()).hexdigest()[:12]
    return dataclasses.replace(settings, documents=documents, index=user_data() / "indexes" / place)


def _wanted(settings: Settings) -> Profile:
    """Return the models to get: those of the settings that are in the catalogue, else of the profile; no generator without its engine."""
    chosen = profile(settings.profile)
    generator = recommended(settings.generator) or chosen.generator
    known = generator in catalogue() and not missing("generator")
    embedder = settings.embedder if settings.embedder in catalogue() else chosen.embedder
    return dataclasses.replace(chosen, generator=generator if known else "", embedder=embedder)


def _shown_terms(language: str, accepted: bool) -> Callable[[ModelEntry], bool]:
    """Return a function that shows a model's terms and returns whether they are accepted."""

    def consent(entry: ModelEntry) -> bool:
        fields = {"name": entry.name, "licence": entry.licence, "terms": entry.terms}
        if accepted or not sys.stdin.isatty():
            err.print(escape(for_terminal(say("cli.terms", language, **fields), is_terminal=err.is_terminal)))
            return accepted
        return typer.confirm(say("cli.accept", language, **fields))

    return consent


def has_screen() -> bool:
    """Return whether there is a screen to open a browser on, and not only a terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def mcp(index: IndexOption = None) -> None:
    """Run a tool server over stdio (Model Context Protocol), to be started by another program."""
    from rag.server.tools import available, tools
    from rag.service.service import Service

    if not available():
        raise BadSetting("error.mcp_extra")
    settings = load_settings(index)
    service = Service(lambda: open_chatbot(settings))
    service.start()
    tools(service).run("stdio")
