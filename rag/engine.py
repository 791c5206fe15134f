"""What stands behind every way in: the models, loaded in the background, and the line in which questions wait."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from enum import StrEnum

from rag.aio import Event, in_thread
from rag.chatbot import Chatbot
from rag.errors import IsnadError, Unexpected, as_ours
from rag.line import Line, Ticket
from rag.schema import Turn

log = logging.getLogger(__name__)

Opened = tuple[Chatbot, tuple[IsnadError, ...]]
"""A chatbot, and what to tell the user about models that are missing or had to be replaced."""


class State(StrEnum):
    """How far the models are."""

    PREPARING = "preparing"
    """They are being loaded; a question asked now waits for them."""
    READY = "ready"
    FAILED = "failed"


class Engine:
    """Opens the chatbot in the background and runs questions on it, a few at a time."""

    def __init__(self, opener: Callable[[], Opened], *, width: int = 1) -> None:
        self._opener = opener
        self._chatbot: Chatbot | None = None
        self._opened = threading.Event()
        self._started = False
        self.state = State.PREPARING
        self.error: IsnadError | None = None
        self.notices: tuple[IsnadError, ...] = ()
        self.line = Line(width)

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
        threading.Thread(target=self._open, name="isnad-open", daemon=True).start()

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

    def _fail(self, error: IsnadError) -> None:
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

    async def run(
        self, chatbot: Chatbot, ticket: Ticket, question: str, history: Sequence[Turn], stop: threading.Event, pause: float
    ) -> AsyncGenerator[list[Event], None]:
        """The events of one answer, those of `pause` seconds together: a page redraws twenty times a second at most.

        Leaving the iteration stops the model. The place in the line is given up when the model has really stopped.
        """

        def events() -> Iterator[Event]:
            try:
                yield from chatbot.stream(question, history, stop=stop)
            finally:
                self.line.leave(ticket)

        async with aclosing(in_thread(events, stop)) as batches:
            async for batch in batches:
                yield batch
                await asyncio.sleep(pause)
