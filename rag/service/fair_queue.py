"""The line in which questions wait, whichever way they came in."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from rag.errors import ShawahidError


class Busy(ShawahidError):
    """So many questions are waiting that another would wait too long."""

    http_status = 503


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
        self.most = most
        self._tickets: list[Ticket] = []  # in order of arrival
        self._round = 0
        self._lock = threading.Lock()

    def join(self, session: str) -> Ticket:
        """Take a place. Raises Busy when the line is full."""
        with self._lock:
            if len(self._tickets) >= self.most:
                raise Busy("error.busy", waiting=len(self._tickets))
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
