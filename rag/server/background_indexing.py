"""Keep the index up to date with documents that programs add and remove, however fast."""

from __future__ import annotations

import logging
import threading

from rag.errors import IndexBusy, ShawahidError
from rag.library.jobs import Job
from rag.library.library import Shelf
from rag.models.embedder import Embedder

log = logging.getLogger(__name__)


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
        try:
            self._begun(shelf, collection, embedder).ended.wait()
        except ShawahidError as error:  # the collection is gone; those of others go on being followed
            log.warning("following %s: %s", collection, error)

    def _begun(self, shelf: Shelf, collection: str, embedder: Embedder) -> Job:
        while True:
            try:
                return shelf.build(collection, embedder)
            except IndexBusy:  # the window is indexing
                shelf.wait_for_jobs(collection)
