"""Keep the index up to date with documents that programs add and remove, however fast."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from rag.errors import IndexBusy
from rag.library.library import Shelf
from rag.models.embedder import Embedder

_LOOK = 0.05


class Follower:
    """Updates the index of a collection after each change; changes during one run are handled by the next."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Shelf, Embedder]] = {}
        self._lock = threading.Lock()
        self._working = False

    def __call__(self, shelf: Shelf, collection: str, embedder: Embedder) -> None:
        """Schedule an update after a change of documents. Returns at once; `Shelf.last_job` reports the progress."""
        with self._lock:
            self._waiting[collection] = shelf, embedder
            if self._working:
                return
            self._working = True
        threading.Thread(target=self._work, name="shawahid-follow", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working = False
                    return
                collection, (shelf, embedder) = self._waiting.popitem()
            self._build(shelf, collection, embedder)

    def _build(self, shelf: Shelf, collection: str, embedder: Embedder) -> None:
        job = None
        while job is None:
            with suppress(IndexBusy):  # the window is indexing
                job = shelf.build(collection, embedder)
            time.sleep(_LOOK)
        while job.state == "running":
            time.sleep(_LOOK)
