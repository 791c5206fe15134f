"""The native API: questions, searches, documents, and the state of the server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from rag.answering.chatbot import Chatbot
from rag.answering.review_export import table_csv, table_xlsx
from rag.answering.review_table import review_table
from rag.errors import ShawahidError, as_ours
from rag.library import Library
from rag.messages import say
from rag.schema import Answer, Delta, Found, Turn
from rag.server.access import Access, RequestLimits
from rag.server.backend import ERRORS, STREAMS, Backend, asker_of, language_for
from rag.server.bodies import (
    AnswerBody,
    AskRequest,
    Health,
    SearchRequest,
    SearchResponse,
    TableBody,
    TableRequest,
)
from rag.server.document_routes import document_routes
from rag.server.error_responses import BadRequest, TooSlow, body_of, error_body
from rag.server.grants import SCOPES, scopes_of
from rag.server.metrics import Metrics
from rag.server.openai import openai_routes
from rag.server.responses import responses_routes
from rag.server.streams import EventStream, Left, begun, event, failed_event, last_of, present
from rag.server.views import answer_body, found_fields, found_hits, table_body
from rag.service.service import Service, State, Waiting

_FIGURES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}}, 401: ERRORS[401]}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHEETS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}, _XLSX: {}}, "description": "The table, in the form of `format`"}
}
_TABLE_DOCUMENTS = 100


def build_api(
    service: Service,
    library: Library | None,
    access: Access,
    limits: RequestLimits,
    running: Callable[[], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """Return the app with every route under /v1, /healthz, /metrics and /openapi.json. `running` is entered while it is served."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running() if running else nullcontext():
            yield

    app = FastAPI(title="Shawahid", version=_version(), docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    backend = Backend(service, library, limits)
    app.include_router(_answers(backend))
    app.include_router(document_routes(backend, access))
    app.include_router(openai_routes(backend))
    app.include_router(responses_routes(backend))
    app.include_router(_state(backend))
    _errors(app)
    _description(app, access)
    return app


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("shawahid")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0"


# --- questions ------------------------------------------------------------------------------------------------------------


def _answers(backend: Backend) -> APIRouter:
    router = APIRouter(responses=ERRORS)

    @router.post("/v1/ask", response_model=AnswerBody, summary="Answer a question, with proofs", responses={**ERRORS, **STREAMS})
    async def ask(asked: AskRequest, request: Request) -> Response:
        """Return the checked answer. With `stream`, events: `waiting` {place}, `found` {passages}, `draft` {text}: not yet checked, and
        replaced by `answer`, the last one, which has the form of the answer without `stream`; or `error`."""
        history = [Turn(turn.question, turn.answer) for turn in asked.history]
        asker, chosen = asker_of(request.scope), asked.filter()
        events = backend.answer(asker, asked.question, history, way="api", collection=asked.collection, filter=chosen)
        if not asked.stream:
            return JSONResponse(answer_body(await present(request, last_of(events))).model_dump())

        async def pieces() -> AsyncGenerator[str, None]:
            async for item in events:
                if isinstance(item, Waiting):
                    yield event("waiting", {"place": item.place})
                elif isinstance(item, Found):
                    yield event("found", found_fields(item))
                elif isinstance(item, Delta):
                    yield event("draft", {"text": item.text})
                elif isinstance(item, Answer):
                    yield event("answer", answer_body(item).model_dump())

        return EventStream(await begun(request, pieces()), failed_event(language_for(request)))

    @router.post("/v1/search", response_model=SearchResponse, summary="Find the passages nearest to a question")
    async def search(asked: SearchRequest, request: Request) -> SearchResponse:
        """Passages in either language, best first, each with its best sentence."""

        async def work() -> SearchResponse:
            asker = asker_of(request.scope)
            over = backend.over(asked.collection, asker)
            async with backend.service.turn(asker.caller, backend.service.searches) as base:
                finding = asyncio.to_thread(found_hits, over(base).index, asked.question, asked.k, asked.offset, asked.filter())
                return SearchResponse(question=asked.question, hits=await asyncio.wait_for(finding, backend.limits.seconds))

        return await present(request, work())

    @router.post("/v1/table", response_model=TableBody, summary="Put questions to documents", responses={**ERRORS, **_SHEETS})
    async def table(asked: TableRequest, request: Request) -> Response:
        """Return a row a document with a cell a question: the words that answer with their citation, or nothing. No language model is
        asked."""
        asker, stop = asker_of(request.scope), threading.Event()

        async def work() -> Response:
            over = backend.over(asked.collection, asker)
            async with backend.service.turn(asker.caller, backend.service.answers) as base:
                try:
                    filling = asyncio.to_thread(filled_table, over(base), asked, stop, language_for(request))
                    return await asyncio.wait_for(filling, backend.limits.seconds)
                finally:
                    stop.set()

        return await present(request, work())

    return router


def filled_table(bot: Chatbot, asked: TableRequest, stop: threading.Event, language: str) -> Response:
    """Return the table that a request asks for, in its format. Raises as `review_table` does."""
    documents = bot.index.document_ids()[:_TABLE_DOCUMENTS] if asked.documents is None else asked.documents
    found = review_table(bot, asked.questions, documents, stop=stop)
    if asked.format == "csv":
        return Response(table_csv(found, language), media_type="text/csv; charset=utf-8")
    if asked.format == "xlsx":
        return Response(table_xlsx(found, language), media_type=_XLSX)
    return JSONResponse(table_body(found).model_dump())


# --- the server itself ----------------------------------------------------------------------------------------------------


def _state(backend: Backend) -> APIRouter:
    router = APIRouter()
    metrics = Metrics(backend.service)

    @router.get(
        "/healthz",
        summary="Whether questions are taken",
        response_model=Health,
        responses={503: {"model": Health, "description": "Not yet, or not"}},
    )
    async def health() -> JSONResponse:
        service = backend.service
        body = Health(state=service.state.value, waiting=len(service.answers))
        return JSONResponse(body.model_dump(), 200 if service.state is State.READY else 503)

    @router.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses=_FIGURES,
    )
    async def figures() -> Response:
        return Response(await asyncio.to_thread(metrics.text), media_type="text/plain; version=0.0.4")

    return router


def _errors(app: FastAPI) -> None:
    """Answer every error in one form, whatever raised it."""

    async def ours(request: Request, error: Exception) -> Response:
        known = as_ours(error)
        headers = {"retry-after": "5"} if known.http_status == 503 else {}
        return JSONResponse(error_body(known, language_for(request)), known.http_status, headers=headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        if place == ["body"] and "json" not in request.headers.get("content-type", ""):
            return await ours(request, BadRequest("server.not_json", "content-type"))
        at_body = first["type"] == "json_invalid"  # its place is a number of a character
        field = place[0] if at_body else ".".join(place[1:]) or place[0]
        return await ours(request, BadRequest("server.bad_field", field, field=field, reason=first["msg"]))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        language = language_for(request)
        key = {404: "server.no_route", 405: "server.no_method"}.get(error.status_code, "server.bad_body")
        body = body_of(say(key, language), error.status_code, key.rpartition(".")[2])
        return JSONResponse(body, error.status_code, headers=error.headers)

    async def left(request: Request, error: Exception) -> Response:
        return Response(status_code=499)  # nobody reads it

    async def slow(request: Request, error: Exception) -> Response:
        return await ours(request, TooSlow("server.too_long", seconds=""))

    app.add_exception_handler(ShawahidError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Left, left)
    app.add_exception_handler(TimeoutError, slow)
    app.add_exception_handler(Exception, ours)


def _description(app: FastAPI, access: Access) -> None:
    """OpenAPI as the server really is: no 422, which is not given, and the token where one is needed."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes, description=say("server.api"))
            for path, methods in schema["paths"].items():
                for method, operation in methods.items():
                    if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                        del operation["responses"]["422"]
                    if path != "/healthz" and not access.open:
                        # One of them is enough.
                        operation["security"] = [{"token": [scope]} for scope in scopes_of(method.upper(), path) or SCOPES]
            for name in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(name, None)
            if not access.open:
                schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents

    async def served() -> JSONResponse:
        return JSONResponse(app.openapi())

    app.add_api_route("/openapi.json", served, include_in_schema=False)
