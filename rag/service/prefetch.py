"""Prefetching: reading a prompt while somebody hesitates over a question, one at a time, and only while nobody waits for an answer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from rag.errors import ShawahidError
from rag.service.service import Service
from rag.service.signals import Signal

log = logging.getLogger(__name__)


class Prefetcher:
    """Does the first part of an answer before the question is asked. It ends as soon as anybody asks, whichever way in they use."""

    def __init__(self, service: Service) -> None:
        self._queue = service.answers
        self._lock = threading.Lock()
        self._running: tuple[str, Signal] | None = None
        self._left: deque[str] = deque(maxlen=256)  # names that were given up, perhaps before they came

    def begin(self, name: str, work: Callable[[threading.Event], None]) -> bool:
        """Run `work`, which ends when the event it is given is set, in a thread.

        Returns False, and runs nothing, while anybody waits for an answer or another text is prefetched.
        """
        with self._lock:
            if name in self._left or self._running is not None or len(self._queue):
                return False
            stop = Signal()
            self._running = name, stop
        threading.Thread(target=self._run, args=(work, stop), name="shawahid-prefetch", daemon=True).start()
        return True

    def leave(self, name: str) -> None:
        """Give up what is prefetched under this name, which only its own page knows."""
        with self._lock:
            self._left.append(name)
            if self._running is not None and self._running[0] == name:
                self._running[1].set()

    def _run(self, work: Callable[[threading.Event], None], stop: Signal) -> None:
        def give_way() -> None:
            if len(self._queue):
                stop.set()

        try:
            with self._queue.listening(give_way):
                give_way()  # somebody may have come before it listened
                work(stop)
        except ShawahidError as error:
            log.warning("prefetching: %s", error)  # the question itself will report it, if it is asked
        finally:
            with self._lock:
                self._running = None
