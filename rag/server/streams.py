"""Answers sent to a client: whole or as server-sent events, and only as long as the client is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from rag.errors import ShawahidError, as_ours
from rag.schema import Answer
from rag.server.asgi import Receive, Scope, Send
from rag.server.error_responses import error_body
from rag.service.aio import beating
from rag.service.service import Event

T = TypeVar("T")

BEAT = 5.0
"""Seconds after which a stream in which nothing happens sends a comment, so that no proxy takes it for dead."""


class Left(Exception):
    """The client is no longer there."""


async def present(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of some work, which is cancelled, and so is the model, when the client leaves before. Raises Left."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Left
        return task.result()
    finally:
        for pending in (task, gone):
            if not pending.done():
                pending.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await pending


async def last_of(events: AsyncGenerator[Event, None]) -> Answer:
    """Return the answer that a stream of events ends with."""
    answer: Answer | None = None
    async for item in events:
        if isinstance(item, Answer):
            answer = item
    assert answer is not None, "a stream ends with an answer"
    return answer


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """Server-sent events from a generator, which is closed at once when the client leaves. An error in it is one of its events."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncGenerator[str, None], failed: Callable[[ShawahidError], str]) -> None:
        super().__init__(None, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.ensure_future(self._write(send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait([writing, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not writing.done():
                writing.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await writing

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._pieces) as pieces, aclosing(beating(pieces, BEAT)) as beats:
            try:
                async for piece in beats:
                    text = ": \n\n" if piece is None else piece
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            except OSError:
                raise
            except Exception as error:
                text = self._failed(as_ours(error))
                await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _first(pieces: AsyncGenerator[str, None]) -> str:
    return await anext(pieces)


async def begun(request: Request, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Wait for the first piece and return all of them: what is wrong with a question is known before the response begins."""
    first = await present(request, _first(pieces))

    async def rest() -> AsyncGenerator[str, None]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return rest()


def event(name: str, data: Any) -> str:
    """Return a server-sent event with a name."""
    return f"event: {name}\n{line(data)}"


def line(data: Any) -> str:
    """Return a server-sent event without a name."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def failed_event(language: str) -> Callable[[ShawahidError], str]:
    """Return how an error in the middle of a stream becomes one of its events."""
    return lambda error: event("error", error_body(error, language))
