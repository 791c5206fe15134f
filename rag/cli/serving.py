"""`shawahid serve` and `mcp`: what other programs and browsers reach."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer
from rich.markup import escape

from rag.cli.console import err, load_settings
from rag.cli.options import IndexOption
from rag.config import ServerSettings
from rag.errors import BadSetting
from rag.factory import open_chatbot
from rag.messages import say
from rag.text.terminal import for_terminal


def serve(
    index: IndexOption = None,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.  [SHAWAHID_HOST; 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="The port; 0 picks a free one.  [SHAWAHID_PORT; 7860]")] = None,
    window: Annotated[bool, typer.Option("--window/--no-window", help="The chat window next to the API.")] = True,
) -> None:
    """Serve the API, the tools and the chat window on one port."""
    from rag.server import serve_settings

    settings = load_settings(index)
    changed: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = dataclasses.replace(settings, **changed)

    def ready(address: str) -> None:
        err.print(escape(for_terminal(say("server.serving", settings.language, address=address), is_terminal=err.is_terminal)))

    serve_settings(settings, ServerSettings.load(), window=window, ready=ready)


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
