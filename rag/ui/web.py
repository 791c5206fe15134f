"""The server of the window: one process, on this computer only unless told otherwise, that asks no other host for anything."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rag.errors import BadSetting, IsnadError
from rag.strings import say
from rag.ui.engine import Engine
from rag.ui.gate import LEAST, App, Gate, Receive, Scope, Send
from rag.ui.library import Library
from rag.ui.render import View, error_view

STATIC = "/isnad"  # /static is Gradio's
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

# 'unsafe-inline' and 'unsafe-eval' are Gradio's own: its page has inline scripts and compiles templates. What the page must
# never do, whatever a document or a model says, is reach another host; every line below keeps to 'self'.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'self'",
        "object-src 'none'",
        "frame-ancestors 'self'",
    ]
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Sets the security headers of every response, and turns away what this server is not meant to answer.

    `hosts` are the names it may be called by (None: any): a page elsewhere that has its own name point at this computer
    would otherwise be let in by the browser.
    """

    def __init__(self, app: App, hosts: frozenset[str] | None = LOOPBACK) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        if self._hosts is not None and _hostname(headers.get("host", "")) not in self._hosts:
            await _refuse(send, 421, say("ui.wrong_host"))
            return
        origin = headers.get("origin")
        if scope.get("method") not in ("GET", "HEAD", "OPTIONS") and origin and urlsplit(origin).netloc != headers.get("host"):
            await _refuse(send, 403, say("ui.wrong_origin"))  # a page elsewhere must not ask or upload in the reader's name
            return
        path = scope["path"]
        # Gradio fetches the address that follows on behalf of the page: a way out that nothing here needs.
        if "/file=http:" in path or "/file=https:" in path or "/proxy=" in path:
            await _refuse(send, 403, "")
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                names = {key.lower() for key, _ in message["headers"]}
                extra = [(k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in names]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await self._app(scope, receive, with_headers)


def site(
    engine: Engine,
    library: Library | None = None,
    *,
    feedback: Path | None = None,
    reports: Path | None = None,
    language: str = "en",
    examples: Sequence[View] = (),
    hosts: frozenset[str] | None = LOOPBACK,
    password: str = "",
) -> App:
    """The whole site as an ASGI app: the page under /, its files under /isnad. Starts nothing and listens on nothing.

    With a `password` it is behind a login, and answers to any name.
    """
    _stay_offline()
    import gradio as gr
    from fastapi import FastAPI
    from fastapi.responses import FileResponse, Response
    from fastapi.staticfiles import StaticFiles
    from starlette.routing import Route

    from rag.ui.window import Window

    static = Path(str(resources.files("rag.ui").joinpath("static")))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def icon() -> Response:
        return FileResponse(static / "icon.svg", media_type="image/svg+xml")

    async def nothing() -> Response:
        return Response(status_code=204)

    app.add_api_route("/favicon.ico", icon)
    app.add_api_route("/manifest.json", nothing)
    if library is not None:
        app.router.routes.append(Route(f"{STATIC}/upload", _receiver(library), methods=["PUT"]))
    if reports is not None:
        app.router.routes.append(Route(f"{STATIC}/report", _reporter(reports)))
    app.mount(STATIC, StaticFiles(directory=static), name="static")
    window = Window(engine, library, feedback=feedback, reports=reports, language=language, examples=examples, static=STATIC)
    mounted = gr.mount_gradio_app(
        app,
        window.blocks(),
        path="/",
        run_history=False,
        footer_links=[],
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        favicon_path=str(static / "icon.svg"),
    )
    return Guard(Gate(mounted, password), None) if password else Guard(mounted, hosts)


def serve(
    engine: Engine,
    library: Library | None = None,
    *,
    feedback: Path | None = None,
    reports: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 7860,
    language: str = "en",
    examples: Sequence[View] = (),
    password: str = "",
    ready: Callable[[str], None] = print,
) -> None:
    """Serve the window until interrupted. The models load in the background; `ready` gets the address once it can be opened.

    Raises BadSetting when the port is taken, or when other computers can reach `host` and there is no password.
    """
    import uvicorn

    if (host not in LOOPBACK or password) and len(password) < LEAST:
        raise BadSetting("ui.error_password", host=host, least=LEAST)

    listening = _listen(host, port)
    engine.start()
    app = site(engine, library, feedback=feedback, reports=reports, language=language, examples=examples, password=password)
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{listening.getsockname()[1]}/")
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])


def _receiver(library: Library) -> Callable[[Any], Awaitable[Any]]:
    """The end of an upload: the body is the file; its name and collection stand in the address."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    async def receive(request: Request) -> JSONResponse:
        query = request.query_params
        try:
            id = await library.receive(query.get("collection", ""), query.get("name", ""), request.stream())
        except IsnadError as error:
            return JSONResponse({"error": error_view(error)}, status_code=error.http_status)
        return JSONResponse({"id": id})

    return receive


def _reporter(reports: Path) -> Callable[[Any], Awaitable[Any]]:
    """The page of one evaluation, by the name of its folder."""
    from starlette.requests import Request
    from starlette.responses import FileResponse, PlainTextResponse, Response

    async def report(request: Request) -> Response:
        known = {path.parent.name: path for path in reports.glob("*/report.html")}
        path = known.get(request.query_params.get("name", ""))
        return FileResponse(path, media_type="text/html") if path else PlainTextResponse("", status_code=404)

    return report


def examples_of(questions: Path, each: int = 2) -> list[View]:
    """Example questions in both languages from a question set: answerable ones, spread over the file; [] without one."""
    if not questions.is_file():
        return []
    records = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines() if line.strip()]
    records = [record for record in records if "note" not in record] or records  # a note says what is odd about a question
    chosen: list[View] = []
    for language in ("ar", "en"):
        fit = [record["question"] for record in records if record["language"] == language and record["answerable"]]
        fit = [question for question in fit if len(question) <= 90] or fit
        step = max(len(fit) // each, 1)
        chosen += [{"text": question, "language": language} for question in fit[::step][:each]]
    return chosen


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything is loaded, so that a port in use is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise BadSetting("ui.error_port", address=f"{host}:{port}", reason=getattr(error, "strerror", None) or error) from error
    return listening


def _stay_offline() -> None:
    """Gradio reads these when it is imported: no telemetry, no look for a newer version, no hub."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _hostname(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


async def _refuse(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
