"""The queue that questions, searches and indexing wait in: fair between callers, whichever way they came in."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from rag.errors import ShawahidError
from rag.service.signals import Listener, Listeners, Signal, Wakeup


class Busy(ShawahidError):
    """The queue is full."""

    http_status = 503


@dataclass(slots=True, eq=False)
class Ticket:
    """A place in the queue. The ticket with the lowest `round` is next; of several, the earliest."""

    caller: str
    round: int
    running: bool = False
    displaced: bool = False
    """Given up for another caller when the queue was full."""


class FairQueue:
    """A queue that runs `width` tickets at once and holds at most `most`, running or waiting. Safe to share between threads.

    Callers take turns: the second question of one caller waits behind the first of every other, regardless of arrival. This is start-time
    fair queueing with tasks of one size (Goyal, Vin and Cheng, "Start-time Fair Queueing", SIGCOMM 1996): a ticket's round is that of the
    task in service, or the one after the caller's own last.

    A full queue displaces the caller with the most tickets: when a caller with fewer tickets arrives, the last waiting ticket of the caller
    with most is dropped (buffer stealing: McKenney, "Stochastic Fairness Queueing", INFOCOM 1990), so nobody can keep others out.
    """

    def __init__(self, width: int = 1, most: int = 40) -> None:
        self.most = most
        self._width = width
        self._tickets: list[Ticket] = []  # in order of arrival
        self._round = 0
        self._lock = threading.Lock()
        self._changed = Listeners()

    def join(self, caller: str) -> Ticket:
        """Take a place. Raises Busy when the queue is full and no other caller has two places more than this one."""
        with self._lock:
            if len(self._tickets) >= self.most:
                self._displace(caller)
            own = [ticket.round + 1 for ticket in self._tickets if ticket.caller == caller]
            ticket = Ticket(caller, max([self._round, *own]))
            self._tickets.append(ticket)
            self._advance()
        self._changed()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place up, whether running or waiting; again does nothing."""
        with self._lock:
            if ticket not in self._tickets:
                return
            self._tickets.remove(ticket)
            self._advance()
        self._changed()

    def place(self, ticket: Ticket) -> int:
        """Return 0 when the ticket's turn has come, else its place among those that wait, from 1. Raises Busy when it was displaced."""
        with self._lock:
            if ticket.displaced:
                raise self._busy()
            return 0 if ticket.running else self._waiting().index(ticket) + 1

    def places(self, ticket: Ticket, stop: Signal | None = None) -> Iterator[int]:
        """Yield the place of a ticket whenever it has changed, in a thread that waits; 0, its turn, is the last.

        Ends without a 0 when `stop` is set before. Raises Busy when the ticket is displaced.
        """
        moved = threading.Event()
        last = -1
        with self.listening(moved.set), _listening(stop, moved.set):
            while not (stop and stop.is_set()):
                moved.clear()
                place = self.place(ticket)
                if place != last:
                    yield place
                if place == 0:
                    return
                last = place
                moved.wait()

    async def places_async(self, ticket: Ticket, stop: Signal | None = None) -> AsyncGenerator[int, None]:
        """Yield what `places` yields, in a task of an event loop."""
        wakeup = Wakeup()
        last = -1
        with self.listening(wakeup), _listening(stop, wakeup):
            while not (stop and stop.is_set()):
                place = self.place(ticket)
                if place != last:
                    yield place
                if place == 0:
                    return
                last = place
                await wakeup.wait()

    def listening(self, listener: Listener) -> AbstractContextManager[None]:
        """Call `listener` whenever somebody has joined or left, for the duration of a block."""
        return self._changed.including(listener)

    def __len__(self) -> int:
        return len(self._tickets)

    def _waiting(self) -> list[Ticket]:
        return sorted((ticket for ticket in self._tickets if not ticket.running), key=lambda ticket: ticket.round)

    def _advance(self) -> None:
        free = self._width - sum(ticket.running for ticket in self._tickets)
        for ticket in self._waiting()[: max(free, 0)]:
            ticket.running = True
            self._round = max(self._round, ticket.round)

    def _displace(self, caller: str) -> None:
        """Make room for a caller at the cost of the caller with the most places. Raises Busy."""
        held = Counter(ticket.caller for ticket in self._tickets)
        last = max(self._waiting(), key=lambda ticket: (held[ticket.caller], ticket.round), default=None)
        if last is None or held[last.caller] <= held[caller] + 1:
            raise self._busy()
        last.displaced = True
        self._tickets.remove(last)

    def _busy(self) -> Busy:
        return Busy("error.busy", waiting=len(self._tickets))


def _listening(signal: Signal | None, listener: Listener) -> AbstractContextManager[None]:
    return signal.listening(listener) if signal else nullcontext()
