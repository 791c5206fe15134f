"""Logins, which can be ended before their time, and the pace at which passwords may be tried."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

STAY = 12 * 3600
"""Seconds that a login lasts."""
_MOST_LOGINS = 10_000
_TRIES, _WITHIN = 5, 60.0
"""Wrong passwords from one source that are answered at once, and the seconds in which they are counted."""
_SPACING = 10.0
"""Seconds between two attempts of a source that has used them up."""
_MOST_WAITING = 6
"""Attempts of one source that may wait for their turn."""
_MOST_SOURCES = 10_000
_DAY = 86_400.0


def elapsed() -> float:
    """Return seconds of a clock that cannot be set back and, where the system has one, goes on while the computer sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@dataclass(slots=True)
class Login:
    """A login: the `person` it acts for, its name in the queue, and when it ends."""

    person: str
    name: str
    until: float


class Logins:
    """The logins to one server process, which end with it. A browser keeps a secret of 256 random bits; only its digest is here."""

    def __init__(self, now: Callable[[], float] = elapsed) -> None:
        self._now = now
        self._logins: OrderedDict[bytes, Login] = OrderedDict()  # oldest first

    def begin(self, person: str) -> str:
        """Return the secret of a new login."""
        while self._logins and (len(self._logins) >= _MOST_LOGINS or next(iter(self._logins.values())).until <= self._now()):
            self._logins.popitem(last=False)
        secret = secrets.token_urlsafe(32)
        self._logins[_digest(secret)] = Login(person, secrets.token_hex(8), self._now() + STAY)
        return secret

    def find(self, secret: str) -> Login | None:
        """Return the login of that secret, unless it has ended."""
        login = self._logins.get(_digest(secret))
        return login if login is not None and login.until > self._now() else None

    def end(self, secret: str) -> None:
        """End one login."""
        self._logins.pop(_digest(secret), None)

    def end_all(self, person: str) -> None:
        """End all logins of a person."""
        for digest in [digest for digest, login in self._logins.items() if login.person == person]:
            del self._logins[digest]

    def transfer(self, secret: str, person: str) -> None:
        """Let a login act for another person from now on."""
        login = self.find(secret)
        if login is not None:
            login.person = person


class Attempts:
    """The pace of password attempts, by source: a browser that has been here before, or a network address.

    The first five wrong ones in a minute are answered at once. Then attempts of the same source are taken one by one, ten seconds apart:
    guessing gets no further, but the right password, given in between, still comes in.
    """

    def __init__(self, now: Callable[[], float] = elapsed, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()  # least recent first
        self._next: dict[str, float] = {}
        self._waiting: dict[str, int] = {}

    async def turn(self, source: str) -> bool:
        """Wait until an attempt of this source may be answered; return False if too many wait already."""
        recent = [at for at in self._wrong.get(source, ()) if self._now() - at < _WITHIN]
        if len(recent) < _TRIES and source not in self._waiting:
            return True
        if self._waiting.get(source, 0) >= _MOST_WAITING:
            return False
        at = max(self._next.get(source, 0.0), self._now()) + _SPACING
        self._next[source] = at
        self._waiting[source] = self._waiting.get(source, 0) + 1
        try:
            await self._sleep(at - self._now())
        finally:
            self._waiting[source] -= 1
            if not self._waiting[source]:
                del self._waiting[source], self._next[source]
        return True

    def failed(self, source: str) -> None:
        """Count a wrong password."""
        self._wrong[source] = [*self._wrong.get(source, ())[-_TRIES:], self._now()]
        self._wrong.move_to_end(source)
        while len(self._wrong) > _MOST_SOURCES:  # a flood of addresses must not fill the memory
            self._wrong.popitem(last=False)


class Newcomers:
    """How many browsers may come from one network for the first time in a day. Each gets a quota of its own, so that one reader who is
    new again and again would take the room of all."""

    def __init__(self, most: int, now: Callable[[], float] = elapsed) -> None:
        """`most` of 0 sets no limit."""
        self._most = most
        self._now = now
        self._came: OrderedDict[str, list[float]] = OrderedDict()  # least recent first

    def admit(self, source: str) -> bool:
        """Count a new browser and return True; return False if the network has sent as many as it may."""
        if not self._most:
            return True
        recent = [at for at in self._came.get(source, ()) if self._now() - at < _DAY]
        if len(recent) >= self._most:
            return False
        self._came[source] = [*recent, self._now()]
        self._came.move_to_end(source)
        while len(self._came) > _MOST_SOURCES:
            self._came.popitem(last=False)
        return True


def network_of(address: str) -> str:
    """Return what attempts from an address are counted under: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))
    return address


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
