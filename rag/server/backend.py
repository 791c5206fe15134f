"""The shared parts of every route: the service, the library, the limits, and the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from rag.answering.chatbot import Chatbot
from rag.library import Library
from rag.library.identity import caller_of, person_of
from rag.schema import Answer, Filter, Status, Turn
from rag.server.access import RequestLimits
from rag.server.bodies import ErrorBody
from rag.server.error_responses import Forbidden, TooSlow, Unknown, language_of
from rag.server.grants import FULL, Grant, grant_of
from rag.service.service import Event, Service, Waiting
from rag.service.signals import Signal

Over = Callable[[Chatbot], Chatbot]

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request means nothing here"},
    401: {"model": ErrorBody, "description": "A token is needed"},
    403: {"model": ErrorBody, "description": "The token lacks the scope, or may not see the collection"},
    404: {"model": ErrorBody, "description": "Something named in the request is not there"},
    413: {"model": ErrorBody, "description": "The request is too large"},
    500: {"model": ErrorBody, "description": "A defect"},
    503: {"model": ErrorBody, "description": "Too many wait, or the models or the index are not there"},
    504: {"model": ErrorBody, "description": "It took too long"},
}
STREAMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "The answer, or its events where `stream` is true"}
}
_GRACE = 10.0
"""Seconds that a stopped answer has for being checked."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The sender of a request: `caller` takes turns in the queue; `person` owns the visible collections; `grant` is what it may do."""

    caller: str
    person: str
    grant: Grant = FULL


class Backend:
    """The parts that every route of the API uses."""

    def __init__(self, service: Service, library: Library | None, limits: RequestLimits) -> None:
        self.service = service
        self.library = library
        self.limits = limits

    def over(self, collection: str, asker: Asker) -> Over:
        """Return how to get from the server's chatbot to that of a collection.

        Raises Unknown for a collection that does not exist or that this person or token may not see, Forbidden for "" if the token
        may see others only.
        """
        seen = asker.grant.sees(collection)
        if not collection:
            if not seen:
                raise Forbidden("server.other_collections", names=", ".join(sorted(asker.grant.collections or ())))
            return lambda base: base
        shelf = self.library.of(asker.person) if self.library else None
        if not seen or shelf is None or not shelf.sees(collection):
            raise Unknown("server.no_collection", "collection", name=collection[:60])
        return lambda base: shelf.chatbot(collection, base)

    async def answer(
        self, asker: Asker, question: str, history: Sequence[Turn], *, way: str, collection: str = "", filter: Filter | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yield what `Service.answer` yields, within the time an answer has.

        When that is over the draft ends, and what was proved of it is the answer. Raises TooSlow if nothing was, and as
        `Service.answer` does.
        """
        stop = Signal()
        loop = asyncio.get_running_loop()
        late = False

        def end() -> None:
            nonlocal late
            late = True
            stop.set()

        timer: asyncio.TimerHandle | None = None
        deadline: float | None = None
        over = self.over(collection, asker)
        events = self.service.answer(asker.caller, question, history, way=way, over=over, stop=stop, filter=filter)
        try:
            async with aclosing(events):
                while True:
                    try:
                        event = await asyncio.wait_for(anext(events), None if deadline is None else max(deadline - loop.time(), 0))
                    except StopAsyncIteration:
                        return
                    except TimeoutError as error:  # a search, for example, which ignores stop
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


def asker_of(scope: Mapping[str, Any], otherwise: str = "") -> Asker:
    """Return who asks, as the gate recorded it; `otherwise` is the caller where there is no gate."""
    return Asker(caller_of(scope, otherwise), person_of(scope), grant_of(scope))


def language_for(request: Request) -> str:
    """Return the language of error messages for a client."""
    return language_of({"accept-language": request.headers.get("accept-language", "")})
