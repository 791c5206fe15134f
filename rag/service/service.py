"""What stands behind every way in: the models, loaded in the background, and the line in which questions wait."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from rag.answering.chatbot import Chatbot
from rag.errors import ShawahidError, Unexpected, as_ours
from rag.retrieval.query import checked_question
from rag.schema import Answer, Filter, Turn
from rag.service.aio import Event, in_thread
from rag.service.fair_queue import Line, Ticket

log = logging.getLogger(__name__)

Opened = tuple[Chatbot, tuple[ShawahidError, ...]]
"""A chatbot, and what to tell the user about models that are missing or had to be replaced."""

_LOOK = 0.03
"""Seconds between two looks at the line."""


class State(StrEnum):
    """How far the models are."""

    PREPARING = "preparing"
    """They are being loaded; a question asked now waits for them."""
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where a question is in the line: `place` questions come first; 0: its turn has come."""

    place: int


Watcher = Callable[[str, Answer | ShawahidError, float], None]
"""Told of every question when it has ended: the way it came in, its answer or what went wrong, and its seconds without waiting."""


class Engine:
    """Opens the chatbot in the background and runs questions on it, a few at a time."""

    def __init__(self, opener: Callable[[], Opened], *, width: int = 1) -> None:
        self._opener = opener
        self._chatbot: Chatbot | None = None
        self._opened = threading.Event()
        self._started = False
        self.state = State.PREPARING
        self.error: ShawahidError | None = None
        self.notices: tuple[ShawahidError, ...] = ()
        self.line = Line(width)
        self.desk = Line(2)
        """Where searches and single texts wait, which take a moment: not behind answers, and yet in turn."""
        self.watchers: list[Watcher] = []

    @classmethod
    def of(cls, chatbot: Chatbot) -> Engine:
        """An engine over a chatbot that is already there."""
        return cls(lambda: (chatbot, ()))

    @property
    def chatbot(self) -> Chatbot | None:
        """The chatbot, once it is there."""
        return self._chatbot

    def start(self) -> None:
        """Open the chatbot and warm it in a thread; again after a failure tries once more."""
        if self._started and self.state is not State.FAILED:
            return
        self._started, self.state, self.error = True, State.PREPARING, None
        self._opened.clear()
        threading.Thread(target=self._open, name="shawahid-open", daemon=True).start()

    def replace(self, chatbot: Chatbot) -> None:
        """Answer from now on with another chatbot; answers under way keep theirs."""
        self._chatbot = chatbot

    def _open(self) -> None:
        try:
            chatbot, self.notices = self._opener()
            self._chatbot = chatbot
            self._opened.set()
            # A question may already be asked; it waits for the model as any second question does.
            chatbot.warm()
        except Exception as error:
            self._fail(as_ours(error))
        else:
            self.state = State.READY

    def _fail(self, error: ShawahidError) -> None:
        log.error("%s", error)
        self.state, self.error = State.FAILED, error
        self._opened.set()

    async def ready(self) -> Chatbot:
        """The chatbot, when it is there. Raises what kept it from opening."""
        while not self._opened.is_set():
            await asyncio.sleep(0.05)
        if self._chatbot is None:
            raise self.error or Unexpected("error.unexpected", reason="")
        return self._chatbot

    @asynccontextmanager
    async def turn(self, session: str, line: Line | None = None) -> AsyncIterator[Chatbot]:
        """The chatbot, when the turn of this caller has come; its place is kept for the block. Raises Busy."""
        line = self.line if line is None else line  # an empty line is false
        ticket = line.join(session)
        try:
            chatbot = await self.ready()
            while line.place(ticket):
                await asyncio.sleep(_LOOK)
            yield chatbot
        finally:
            line.leave(ticket)

    async def answer(
        self,
        session: str,
        question: str,
        history: Sequence[Turn] = (),
        *,
        way: str,
        over: Callable[[Chatbot], Chatbot] | None = None,
        stop: threading.Event | None = None,
        filter: Filter | None = None,
    ) -> AsyncGenerator[Waiting | Event, None]:
        """A question from its place in the line to its answer: `Waiting` until its turn has come, then what `Chatbot.stream` yields.

        `session` names who asks, `way` how it came in; `over` picks another index. Leaving the iteration gives the place up and
        frees the model at once. Raises BadQuestion, Busy, and whatever kept the models from opening.
        """
        question = checked_question(question)
        halt = stop or threading.Event()
        ticket = self.line.join(session)
        running = False
        try:
            base = await self.ready()
            chatbot = over(base) if over else base
            last = -1
            while place := self.line.place(ticket):
                if place != last:
                    yield Waiting(place)
                    last = place
                await asyncio.sleep(_LOOK)
            yield Waiting(0)
            running = True
            async with aclosing(self.run(chatbot, ticket, question, history, halt, 0.0, way, filter)) as batches:
                async for batch in batches:
                    for event in batch:
                        yield event
        finally:
            if not running:
                self.line.leave(ticket)

    async def run(
        self,
        chatbot: Chatbot,
        ticket: Ticket,
        question: str,
        history: Sequence[Turn],
        stop: threading.Event,
        pause: float,
        way: str = "window",
        filter: Filter | None = None,
    ) -> AsyncGenerator[list[Event], None]:
        """The events of one answer, those of `pause` seconds together: a page redraws twenty times a second at most.

        Leaving the iteration stops the model. The place in the line is given up when the model has really stopped.
        """

        def events() -> Iterator[Event]:
            started = time.perf_counter()
            ended: Answer | ShawahidError | None = None
            try:
                for event in chatbot.stream(question, history, stop=stop, filter=filter):
                    if isinstance(event, Answer):
                        ended = event
                    yield event
            except Exception as error:
                ended = as_ours(error)
                raise
            finally:
                self.line.leave(ticket)
                if ended is not None:
                    for watcher in self.watchers:
                        watcher(way, ended, time.perf_counter() - started)

        async with aclosing(in_thread(events, stop)) as batches:
            async for batch in batches:
                yield batch
                await asyncio.sleep(pause)
