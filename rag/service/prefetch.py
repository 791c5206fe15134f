"""Reading ahead while somebody hesitates over a question: one at a time, only while nobody waits, and never in anybody's way."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from rag.errors import ShawahidError
from rag.service.service import Engine

log = logging.getLogger(__name__)

_LOOK = 0.05  # seconds between two looks at the line


class ReadingAhead:
    """Does what a question would begin with before it is asked. Whatever way a question comes in by, this ends when it comes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._reading: tuple[str, threading.Event] | None = None
        self._left: deque[str] = deque(maxlen=256)  # names that were given up, perhaps before they came

    def begin(self, name: str, work: Callable[[threading.Event], None]) -> bool:
        """Run `work`, which heeds the event it is given, in a thread; False while anybody waits for an answer or another is read."""
        with self._lock:
            if name in self._left or self._reading is not None or len(self._engine.line):
                return False
            stop = threading.Event()
            self._reading = name, stop
        threading.Thread(target=self._watch, args=(work, stop), name="shawahid-ahead", daemon=True).start()
        return True

    def leave(self, name: str) -> None:
        """Give up what is read under this name, which only its own page knows."""
        with self._lock:
            self._left.append(name)
            if self._reading is not None and self._reading[0] == name:
                self._reading[1].set()

    def _watch(self, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        worker = threading.Thread(target=self._read, args=(work, stop), name="shawahid-ahead-work", daemon=True)
        worker.start()
        while worker.is_alive():
            if len(self._engine.line):
                stop.set()
            worker.join(_LOOK)
        with self._lock:
            self._reading = None

    def _read(self, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        try:
            work(stop)
        except ShawahidError as error:
            log.warning("reading ahead: %s", error)  # the question itself will tell it, if it is asked
