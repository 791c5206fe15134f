"""What stands behind the window: the models, loaded in the background, and the line in which questions wait."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rag.chatbot import Chatbot
from rag.errors import IsnadError
from rag.schema import Answer, Delta, Found, Turn

log = logging.getLogger(__name__)

Event = Found | Delta | Answer
Opened = tuple[Chatbot, tuple[IsnadError, ...]]
"""A chatbot, and what to tell the user about models that are missing or had to be replaced."""


class Busy(IsnadError):
    """So many questions are waiting that another would wait too long."""

    http_status = 503


class Unexpected(IsnadError):
    """A defect: something failed that has no error of its own."""


class State(StrEnum):
    """How far the models are."""

    PREPARING = "preparing"
    """They are being loaded; a question asked now waits for them."""
    READY = "ready"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Ticket:
    """A place in the line. `round`: how many questions of the same session have to come first, counted on from where the line is."""

    session: str
    round: int
    running: bool = False


class Line:
    """A line of questions, of which `width` run at once. Safe to share between threads.

    Sessions take turns: somebody's second question waits behind everybody else's first, whoever came first.
    """

    def __init__(self, width: int = 1, most: int = 40) -> None:
        self._width = width
        self._most = most
        self._tickets: list[Ticket] = []  # in order of arrival
        self._round = 0
        self._lock = threading.Lock()

    def join(self, session: str) -> Ticket:
        """Take a place. Raises Busy when the line is full."""
        with self._lock:
            if len(self._tickets) >= self._most:
                raise Busy("ui.error_busy", waiting=len(self._tickets))
            own = [ticket.round + 1 for ticket in self._tickets if ticket.session == session]
            ticket = Ticket(session, max([self._round, *own]))
            self._tickets.append(ticket)
            self._advance()
            return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give the place up, whether running or waiting; again does nothing."""
        with self._lock:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
                self._advance()

    def place(self, ticket: Ticket) -> int:
        """0: its turn has come; n: it is the n-th of those that wait."""
        with self._lock:
            return 0 if ticket.running else self._waiting().index(ticket) + 1

    def __len__(self) -> int:
        return len(self._tickets)

    def _waiting(self) -> list[Ticket]:
        return sorted((ticket for ticket in self._tickets if not ticket.running), key=lambda ticket: ticket.round)

    def _advance(self) -> None:
        free = self._width - sum(ticket.running for ticket in self._tickets)
        for ticket in self._waiting()[: max(free, 0)]:
            ticket.running = True
            self._round = max(self._round, ticket.round)


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
            raise self.error or Unexpected("ui.error_unexpected", reason="")
        return self._chatbot

    async def run(
        self, chatbot: Chatbot, ticket: Ticket, question: str, history: Sequence[Turn], stop: threading.Event, pause: float
    ) -> AsyncGenerator[list[Event], None]:
        """The events of one answer, those of `pause` seconds together: a page redraws twenty times a second at most.

        Leaving the iteration stops the model. The place in the line is given up when the model has really stopped.
        """
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()

        def put(event: Event | BaseException | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(events.put_nowait, event)

        def work() -> None:
            try:
                for event in chatbot.stream(question, history, stop=stop):
                    put(event)
            except Exception as error:
                put(error)
            finally:
                self.line.leave(ticket)
                put(None)

        threading.Thread(target=work, name="isnad-answer", daemon=True).start()
        try:
            ended = False
            while not ended:
                batch: list[Event] = []
                taken = [await events.get()]
                while not events.empty():
                    taken.append(events.get_nowait())
                for item in taken:
                    if item is None:
                        ended = True
                    elif isinstance(item, BaseException):
                        raise as_ours(item)
                    else:
                        batch.append(item)
                if batch:
                    yield batch
                    await asyncio.sleep(pause)
        finally:
            stop.set()


def as_ours(error: BaseException) -> IsnadError:
    """Any exception as one that can be shown to a person; what is not ours is a defect, and logged as one."""
    if isinstance(error, IsnadError):
        return error
    log.debug("defect", exc_info=error)
    return Unexpected("ui.error_unexpected", reason=f"{type(error).__name__}: {error}"[:200])
