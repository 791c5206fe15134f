"""The page and its files, to be mounted on a server. The page sends no request to any other host."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rag.documents.formats.page_pictures import MEDIA_TYPE
from rag.errors import ShawahidError
from rag.library.generators import Generators
from rag.library.identity import caller_of, person_of
from rag.library.library import Library
from rag.library.originals import Original
from rag.library.reports import reports_for
from rag.library.views import View, error_view
from rag.service.service import Service

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import JSONResponse

STATIC = "/shawahid"  # /static is Gradio's


def mount_page(
    app: FastAPI,
    service: Service,
    library: Library | None = None,
    generators: Generators | None = None,
    *,
    feedback: Path | None = None,
    reports: Path | None = None,
    language: str = "en",
    examples: Sequence[View] = (),
    login: bool = False,
) -> FastAPI:
    """Mount the page under / and its files under /shawahid, and return the app; routes mounted before take precedence.

    With `login` the page offers to log out.
    """
    stay_offline()
    import gradio as gr
    from fastapi.responses import FileResponse, Response
    from fastapi.staticfiles import StaticFiles
    from starlette.routing import Route

    from rag.ui.window import Window

    static = Path(str(resources.files("rag.ui").joinpath("static")))

    async def icon() -> Response:
        return FileResponse(static / "icon.svg", media_type="image/svg+xml")

    async def nothing() -> Response:
        return Response(status_code=204)

    app.add_api_route("/favicon.ico", icon, include_in_schema=False)
    app.add_api_route("/manifest.json", nothing, include_in_schema=False)
    if library is not None:
        app.router.routes.append(Route(f"{STATIC}/upload", _receiver(library), methods=["PUT"]))
        app.router.routes.append(Route(f"{STATIC}/page", _page_shower(library)))
        app.router.routes.append(Route(f"{STATIC}/original", _original_giver(library)))
    if reports is not None:
        app.router.routes.append(Route(f"{STATIC}/report", _reporter(reports)))
    app.mount(STATIC, StaticFiles(directory=static), name="static")
    window = Window(
        service,
        library,
        generators,
        feedback=feedback,
        reports=reports,
        language=language,
        examples=examples,
        static=STATIC,
        login=login,
    )
    mounted: FastAPI = gr.mount_gradio_app(
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
    return mounted


def _receiver(library: Library) -> Callable[[Any], Awaitable[Any]]:
    """Return the upload route: the body is the file; its collection, and its name, or path if it stood in a folder, are in the address."""
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    async def receive(request: Request) -> JSONResponse:
        query = request.query_params
        try:
            shelf = library.of(person_of(request.scope))
            collection, path = query.get("collection", ""), query.get("path", "")
            if path:
                id = await shelf.receive_at(collection, path, request.stream())
            else:
                id = await shelf.receive(collection, query.get("name", ""), request.stream())
        except ShawahidError as error:
            return JSONResponse({"error": error_view(error)}, status_code=error.http_status)
        return JSONResponse({"id": id})

    return receive


def _page_shower(library: Library) -> Callable[[Any], Awaitable[Any]]:
    """Return the route that shows a page of a document's file as an image: `collection`, `id`, `page` and `width` are in the address."""
    from starlette.requests import Request
    from starlette.responses import Response

    async def show(request: Request) -> Response:
        query, person = request.query_params, person_of(request.scope)
        try:
            original = await asyncio.to_thread(library.of(person).original, query.get("collection", ""), query.get("id", ""))
            mark = _mark(original, query.get("page", ""), query.get("width", ""))
            # Kept by the browser, and asked for each time: whoever has lost the right to see it sees nothing.
            headers = {"cache-control": "private, no-cache", "etag": mark}
            if request.headers.get("if-none-match") == mark:
                return Response(status_code=304, headers=headers)
            caller = caller_of(request.scope, person)
            page = await library.originals.page(caller, original, _number(query.get("page")), _number(query.get("width")))
        except ShawahidError as error:
            return _refusal(error)
        return Response(page.data, media_type=MEDIA_TYPE, headers=headers)

    return show


def _original_giver(library: Library) -> Callable[[Any], Awaitable[Any]]:
    """Return the route that sends a document's file to be saved; nothing in it is opened by the browser."""
    from starlette.requests import Request
    from starlette.responses import FileResponse, Response

    async def give(request: Request) -> Response:
        query = request.query_params
        headers = {"cache-control": "private, no-store", "content-disposition": "attachment"}
        try:
            shelf = library.of(person_of(request.scope))
            original = await asyncio.to_thread(shelf.original, query.get("collection", ""), query.get("id", ""))
            headers["content-disposition"] += f"; filename*=utf-8''{quote(original.name, safe='')}"
            if original.inner:
                data = await asyncio.to_thread(library.originals.bytes_of, original)
                return Response(data, media_type="application/octet-stream", headers=headers)
        except ShawahidError as error:
            return _refusal(error)
        return FileResponse(original.path, media_type="application/octet-stream", headers=headers)

    return give


def _refusal(error: ShawahidError) -> JSONResponse:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": error_view(error)}, status_code=error.http_status, headers={"cache-control": "no-store"})


def _mark(original: Original, page: str, width: str) -> str:
    """Return the entity tag of a page: it changes with the file."""
    text = repr((original.version(), page, width))
    return f'"{hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]}"'


def _number(text: str | None) -> int:
    """Return a number from an address; 0 for anything else."""
    return int(text) if text and len(text) <= 6 and text.isascii() and text.isdecimal() else 0


def _reporter(folder: Path) -> Callable[[Any], Awaitable[Any]]:
    """Return the route that serves an evaluation report, by the name of its folder, to a person who may read it."""
    from starlette.requests import Request
    from starlette.responses import FileResponse, PlainTextResponse, Response

    async def report(request: Request) -> Response:
        found = await asyncio.to_thread(reports_for, folder, person_of(request.scope))
        known = {path.parent.name: path for path in found}
        path = known.get(request.query_params.get("name", ""))
        return FileResponse(path, media_type="text/html") if path else PlainTextResponse("", status_code=404)

    return report


def examples_of(questions: Path, each: int = 2) -> list[View]:
    """Return example questions in both languages from a question set: answerable ones, spread over the file; [] if there is no set."""
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


def stay_offline() -> None:
    """Set the environment variables that Gradio reads at import: no telemetry, no version check, no hub."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    logging.getLogger("httpx").setLevel(logging.WARNING)
