"""Keep the index up to date with documents that programs add and remove, however fast."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from dataclasses import dataclass, field

from rag.errors import IndexBusy, ShawahidError
from rag.library.identity import is_same
from rag.library.jobs import Job
from rag.library.library import Shelf
from rag.models.embedder import Embedder

log = logging.getLogger(__name__)


_KEPT = 2000
"""Changes that are remembered."""


@dataclass(slots=True, eq=False)
class DocumentChange:
    """A document that was added or removed. `job` is the indexing run that includes it, once that has begun; only `person` sees it."""

    collection: str
    document: str
    person: str
    removed: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    job: Job | None = None
    refused: ShawahidError | None = None

    def state(self) -> str:
        """Return waiting, running, done, cancelled or failed."""
        if self.refused is not None:
            return "failed"
        if self.job is None:
            return "waiting"
        return "failed" if self.job.state == "error" else self.job.state

    def reason(self) -> ShawahidError | None:
        """Return why the document, or a part of it, is not in the index."""
        if self.refused is not None or self.job is None:
            return self.refused
        skipped = self.job.report.skipped if self.job.report else ()
        return self.job.error or next((item.error for item in skipped if item.id == self.document), None)


class Follower:
    """Updates the index of a collection after each change; changes during one run are handled by the next."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Shelf, Embedder, list[DocumentChange]]] = {}
        self._changes: deque[DocumentChange] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._working = False

    def __call__(self, shelf: Shelf, embedder: Embedder, change: DocumentChange) -> None:
        """Schedule an update after a change of documents. Returns at once; `change` reports the progress."""
        with self._lock:
            self._changes.append(change)
            _, _, changes = self._waiting.get(change.collection, (shelf, embedder, []))
            self._waiting[change.collection] = shelf, embedder, [*changes, change]
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
                collection, (shelf, embedder, changes) = self._waiting.popitem()
            self._build(shelf, collection, embedder, changes)

    def _build(self, shelf: Shelf, collection: str, embedder: Embedder, changes: list[DocumentChange]) -> None:
        try:
            job = self._begun(shelf, collection, embedder, emptied=any(change.removed for change in changes))
            for change in changes:
                change.job = job
            job.ended.wait()
        except ShawahidError as error:  # the collection is gone; those of others go on being followed
            log.warning("following %s: %s", collection, error)
            for change in changes:
                change.refused = error

    def find(self, id: str, person: str) -> DocumentChange | None:
        """Return a change that this person made, by its id."""
        return next((change for change in self._made() if is_same(change.id, id) and is_same(change.person, person)), None)

    def last_of(self, collection: str) -> dict[str, DocumentChange]:
        """Return the last change of each document of a collection, without the removed ones."""
        last = {change.document: change for change in self._made() if change.collection == collection}
        return {document: change for document, change in last.items() if not change.removed}

    def _made(self) -> list[DocumentChange]:
        with self._lock:
            return list(self._changes)

    def _begun(self, shelf: Shelf, collection: str, embedder: Embedder, *, emptied: bool) -> Job:
        while True:
            try:
                return shelf.build(collection, embedder, emptied=emptied)
            except IndexBusy:  # the window is indexing
                shelf.wait_for_jobs(collection)
