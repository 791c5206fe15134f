"""The one way in for every caller: models that open in the background, fair queues, and answers as streams of events."""

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
from rag.retrieval.query import validate_question
from rag.schema import Answer, Delta, Filter, Found, Status, Timing, Turn
from rag.service.aio import in_thread
from rag.service.fair_queue import FairQueue, Ticket
from rag.service.signals import Signal, any_set
from rag.text.language import answer_language, question_language

log = logging.getLogger(__name__)

Opened = tuple[Chatbot, tuple[ShawahidError, ...]]
"""A chatbot, and what to report to the user about models that are missing or had to be replaced."""


class State(StrEnum):
    """How far the models are."""

    PREPARING = "preparing"
    """They are being loaded; a question asked now waits for them."""
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Preparing:
    """The question waits for the models to be opened."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The question's place in the queue: 0 when its turn has come."""

    place: int


Event = Preparing | Waiting | Found | Delta | Answer
Watcher = Callable[[str, Answer | ShawahidError, float], None]
"""Called when a question has ended: with the way it came in, its answer or its error, and its seconds without waiting."""


class Service:
    """Opens the chatbot in the background and answers questions with it, a few at a time.

    `answers` is the queue of questions, of which `width` are answered at once; `searches` that of searches and single texts to embed,
    which take a moment and do not wait behind answers.
    """

    def __init__(self, opener: Callable[[], Opened], *, width: int = 1) -> None:
        self._opener = opener
        self._chatbot: Chatbot | None = None
        self._opened = Signal()
        self._started = False
        self.state = State.PREPARING
        self.error: ShawahidError | None = None
        self.notices: tuple[ShawahidError, ...] = ()
        self.answers = FairQueue(width)
        self.searches = FairQueue(2)
        self.watchers: list[Watcher] = []

    @classmethod
    def of(cls, chatbot: Chatbot) -> Service:
        """Return a service over a chatbot that is already open."""
        return cls(lambda: (chatbot, ()))

    @property
    def chatbot(self) -> Chatbot | None:
        """The chatbot, once it is open."""
        return self._chatbot

    def start(self) -> None:
        """Open the chatbot and warm it in a thread; after a failure, try once more."""
        if self._started and self.state is not State.FAILED:
            return
        self._started, self.state, self.error = True, State.PREPARING, None
        self._opened.clear()
        threading.Thread(target=self._open, name="shawahid-open", daemon=True).start()

    def replace(self, chatbot: Chatbot) -> None:
        """Answer with another chatbot from now on; answers under way keep theirs."""
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
        """Return the chatbot when it is open. Raises what kept it from opening."""
        await any_set(self._opened)
        return self._base()

    def _base(self) -> Chatbot:
        if self._chatbot is None:
            raise self.error or Unexpected("error.unexpected", reason="")
        return self._chatbot

    @asynccontextmanager
    async def turn(self, caller: str, queue: FairQueue) -> AsyncIterator[Chatbot]:
        """Wait for a caller's turn in a queue, and keep it for the block: for work other than an answer. Raises as `answer` does."""
        ticket = queue.join(caller)
        try:
            chatbot = await self.ready()
            async with aclosing(queue.places_async(ticket)) as places:
                async for _ in places:
                    pass
            yield chatbot
        finally:
            queue.leave(ticket)

    async def answer(
        self,
        caller: str,
        question: str,
        history: Sequence[Turn] = (),
        *,
        way: str,
        over: Callable[[Chatbot], Chatbot] | None = None,
        stop: Signal | None = None,
        filter: Filter | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Answer a question: the path that every way in uses.

        Yields `Preparing` when the models are still being opened, `Waiting` whenever the place in the queue has changed, the last with
        place 0, then what `Chatbot.stream` yields. `caller` is whose turns it takes, `way` how it came in; `over` picks another index.

        Setting `stop` ends a draft early and is then the same as for `Chatbot.stream`; a question that still waits ends with an empty
        answer of the status STOPPED. Leaving the iteration stops the model at once; the place in the queue is given up when it has
        really stopped. Raises BadQuestion, Busy, what `over` raises, and whatever kept the models from opening.
        """
        question = validate_question(question)
        halt = stop or Signal()
        ticket = self.answers.join(caller)
        running = False
        try:
            if not self._opened.is_set():
                yield Preparing()
                await any_set(self._opened, halt)
            place = -1
            if not halt.is_set():
                chatbot = self._base()
                if over is not None:
                    chatbot = await asyncio.to_thread(over, chatbot)  # it may open an index
                async with aclosing(self.answers.places_async(ticket, halt)) as places:
                    async for place in places:
                        yield Waiting(place)
            if place != 0:
                yield _stopped(question)
                return

            def events() -> Iterator[Found | Delta | Answer]:
                return self._run(chatbot, ticket, question, history, halt, way, filter)

            running = True
            async with aclosing(in_thread(events, halt)) as batches:
                async for batch in batches:
                    for event in batch:
                        yield event
        finally:
            if not running:
                self.answers.leave(ticket)

    def _run(
        self,
        chatbot: Chatbot,
        ticket: Ticket,
        question: str,
        history: Sequence[Turn],
        stop: Signal,
        way: str,
        filter: Filter | None,
    ) -> Iterator[Found | Delta | Answer]:
        """Yield the events of an answer, in a thread of its own; then give up its place and call the watchers."""
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
            self.answers.leave(ticket)
            if ended is not None:
                for watcher in self.watchers:
                    watcher(way, ended, time.perf_counter() - started)


def _stopped(question: str) -> Answer:
    """Return the answer to a question that was stopped before its turn came."""
    return Answer(
        question=question,
        text="",
        language=answer_language(question_language(question)),
        status=Status.STOPPED,
        citations=(),
        rejected=(),
        hits=(),
        evidence=(),
        draft="",
        searched=question,
        confidence=0.0,
        timing=Timing(),
    )
