"""A question on its way through the server: its turn, its time, and whether whoever asked is still there."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from rag.answering.chatbot import Chatbot
from rag.errors import ShawahidError, as_ours
from rag.library import Library
from rag.library.people import person_of
from rag.schema import Answer, Filter, Status, Turn
from rag.server.access import Limits
from rag.server.asgi import Receive, Scope, Send
from rag.server.bodies import ErrorBody
from rag.server.failures import TooSlow, Unknown, error_body, language_of
from rag.server.gate import CALLER
from rag.service.aio import Event, beating
from rag.service.service import Engine, Waiting

T = TypeVar("T")
Over = Callable[[Chatbot], Chatbot]

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request means nothing here"},
    401: {"model": ErrorBody, "description": "A token is needed"},
    404: {"model": ErrorBody, "description": "Something named in the request is not there"},
    413: {"model": ErrorBody, "description": "The request is too large"},
    500: {"model": ErrorBody, "description": "A defect"},
    503: {"model": ErrorBody, "description": "Too many wait, or the models or the index are not there"},
    504: {"model": ErrorBody, "description": "It took too long"},
}
STREAMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "The answer, or its events where `stream` is true"}
}
BEAT = 5.0
"""Seconds after which a stream in which nothing happens sends a comment, so that no proxy takes it for dead."""
_GRACE = 10.0
"""Seconds that a stopped answer has for being checked."""


class Left(Exception):
    """Whoever asked is no longer there."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: `caller` takes turns in the line, `person` is whose collections can be seen."""

    caller: str
    person: str


class Desk:
    """What every route of the API works with."""

    def __init__(self, engine: Engine, library: Library | None, limits: Limits) -> None:
        self.engine = engine
        self.library = library
        self.limits = limits

    def over(self, collection: str, person: str) -> Over:
        """How to come from the chatbot of the server to that of a collection. Raises Unknown for one that is not there, or is not
        this person's to see."""
        if not collection:
            return lambda base: base
        shelf = self.library.of(person) if self.library else None
        if shelf is None or not shelf.sees(collection):
            raise Unknown("server.no_collection", "collection", name=collection[:60])
        return lambda base: shelf.chatbot(collection, base)

    async def answer(
        self, asker: Asker, question: str, history: Sequence[Turn], *, way: str, collection: str = "", filter: Filter | None = None
    ) -> AsyncGenerator[Waiting | Event, None]:
        """What `Engine.answer` yields, within the time an answer has.

        When that is over the draft ends and what was proved of it is the answer. Raises TooSlow when nothing was.
        """
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        late = False

        def end() -> None:
            nonlocal late
            late = True
            stop.set()

        timer: asyncio.TimerHandle | None = None
        deadline: float | None = None
        over = self.over(collection, asker.person)
        events = self.engine.answer(asker.caller, question, history, way=way, over=over, stop=stop, filter=filter)
        try:
            async with aclosing(events):
                while True:
                    try:
                        event = await asyncio.wait_for(_next(events), None if deadline is None else max(deadline - loop.time(), 0))
                    except StopAsyncIteration:
                        return
                    except TimeoutError as error:  # a search, say, that heeds no stop
                        raise TooSlow("server.too_long", seconds=f"{self.limits.seconds:g}") from error
                    if isinstance(event, Waiting) and not event.place:
                        timer = loop.call_later(self.limits.seconds, end)
                        deadline = loop.time() + self.limits.seconds + _GRACE
                    if late and isinstance(event, Answer) and event.status is Status.STOPPED and not event.citations:
                        raise TooSlow("server.too_long", seconds=f"{self.limits.seconds:g}")
                    yield event
        finally:
            if timer is not None:
                timer.cancel()


async def _next(events: AsyncIterator[T]) -> T:
    return await anext(events)


def asker_of(scope: Mapping[str, Any], otherwise: str = "") -> Asker:
    """Who asks, as the gate wrote it down; `otherwise` where there is no gate."""
    return Asker(str(scope.get(CALLER, otherwise)), person_of(scope))


def language_for(request: Request) -> str:
    return language_of({"accept-language": request.headers.get("accept-language", "")})


async def present(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work for as long as whoever asked is there; else it is cancelled, and so is the model. Raises Left."""
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


async def last_of(events: AsyncGenerator[Any, None]) -> Answer:
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
    """Server-sent events from a generator, which is closed at once when the client leaves.

    `first` was taken from it before, so that an error before it has a status of its own; one after it is an event.
    """

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


async def begun(request: Request, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """The same pieces, the first of them already there: what is wrong with a question is known before the answer begins."""
    first = await present(request, _next(pieces))

    async def rest() -> AsyncGenerator[str, None]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return rest()


def event(name: str, data: Any) -> str:
    """One server-sent event with a name."""
    return f"event: {name}\n{line(data)}"


def line(data: Any) -> str:
    """One server-sent event without a name."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def failed_event(language: str) -> Callable[[ShawahidError], str]:
    """An error in the middle of a stream, as one of its events."""
    return lambda error: event("error", error_body(error, language))
