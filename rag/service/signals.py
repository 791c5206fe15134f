"""Signals between threads and event loops: waiting threads and tasks are woken rather than polling."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

Listener = Callable[[], object]
"""Called from whichever thread something happens in: it must return at once, and neither block nor raise."""


class Listeners:
    """Callbacks that are called together. Safe to share between threads."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    @contextmanager
    def including(self, listener: Listener) -> Iterator[None]:
        """Add a listener for the duration of the block."""
        with self._lock:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)


class Signal(threading.Event):
    """A `threading.Event` that also calls back, so that an event loop can wait for it and a thread for several at once."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = Listeners()

    def set(self) -> None:
        super().set()
        self._changed()

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Call `listener` when the signal is set within the block, and at once if it is set already; it may be called more than once."""
        with self._changed.including(listener):
            if self.is_set():
                listener()
            yield


class Wakeup:
    """A listener that a task of the running event loop waits for."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def __call__(self) -> None:
        with suppress(RuntimeError):  # the loop is closed, and no task waits any more
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        """Return when it has been called since the last `wait` returned."""
        await self._event.wait()
        self._event.clear()


async def any_set(*signals: Signal) -> None:
    """Return when one of the signals is set."""
    wakeup = Wakeup()
    with ExitStack() as listening:
        for signal in signals:
            listening.enter_context(signal.listening(wakeup))
        while not any(signal.is_set() for signal in signals):
            await wakeup.wait()
