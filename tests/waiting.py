"""Waiting for what happens in another thread, process or browser: always with a deadline, and always the same way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a test waits for what should take a moment: the machine may be busy."""
_PAUSE = 0.01


def wait_until(condition: Callable[[], T], seconds: float = PATIENCE, pause: Callable[[float], object] = time.sleep) -> T:
    """Return the first true value of `condition`. Fails the test when there is none within `seconds`.

    `pause` waits between two looks; a browser test gives its page's own, under which the page's events arrive.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not true within {seconds:g} seconds; last value: {value!r}"
        pause(_PAUSE)
    return value


async def wait_until_async(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Return the first true value of `condition`, letting the other tasks of the event loop run meanwhile."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not true within {seconds:g} seconds; last value: {value!r}"
        await asyncio.sleep(_PAUSE)
    return value


def wait_for(event: threading.Event | threading.Semaphore, seconds: float = PATIENCE) -> None:
    """Wait until an event is set or a semaphore is released. Fails the test when that takes longer than `seconds`."""
    happened = event.wait(seconds) if isinstance(event, threading.Event) else event.acquire(timeout=seconds)
    assert happened, f"nothing happened within {seconds:g} seconds"


def page_pause(page: Any) -> Callable[[float], None]:
    """Return a pause for `wait_until` during which the events of a browser's page are handled."""
    return lambda seconds: page.wait_for_timeout(1000 * seconds)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine, run in a thread of its own: the browser tests leave an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
