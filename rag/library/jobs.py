"""Background indexing: jobs run one at a time and can be watched and cancelled."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from rag.errors import IndexBusy, ShawahidError, as_ours
from rag.library.identity import is_same
from rag.library.views import View, error_view
from rag.service.fair_queue import FairQueue, Ticket
from rag.service.signals import Signal
from rag.storage.build import BuildReport

Build = Callable[[Callable[[str, int, int], None]], BuildReport]
"""The work itself; it reports its progress to the function it is given."""

_KEPT = 200  # jobs that are remembered


class _Cancelled(Exception):
    """The reader cancelled the job."""


@dataclass(slots=True, eq=False)
class Job:
    """One indexing run. `state` is running | done | cancelled | error; the counts are those of `step`: wait | load | embed | store.

    `notice` is what failed after the change was published. Only `person` can see it, by its unguessable `id`.
    """

    collection: str
    person: str
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    state: str = "running"
    step: str = "load"
    done: int = 0
    total: int = 0
    report: BuildReport | None = None
    error: ShawahidError | None = None
    notice: ShawahidError | None = None
    cancel: Signal = field(default_factory=Signal)
    ended: threading.Event = field(default_factory=threading.Event)

    def view(self) -> View:
        """Return the job as the page shows it."""
        report = self.report
        return {
            "id": self.id,
            "collection": self.collection,
            "state": self.state,
            "cancelling": self.cancel.is_set(),
            "step": self.step,
            "done": self.done,
            "total": self.total,
            "added": report.added + report.updated if report else 0,
            "removed": report.removed if report else 0,
            "skipped": [{"name": item.id, "error": error_view(item.error)} for item in report.skipped] if report else [],
            "repeated": [{"name": item.id, "error": error_view(item.note)} for item in report.repeated] if report else [],
            "error": error_view(self.error) if self.error else None,
            "notice": error_view(self.notice) if self.notice else None,
        }


class Indexing:
    """Everyone's jobs. One runs at a time; people take turns and see nothing of each other's jobs but their own place in the queue."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []  # oldest first
        self._queue = FairQueue(1, most=1000)
        self._lock = threading.Lock()

    def begin(self, collection: str, person: str, build: Build, published: Callable[[], object] = lambda: None) -> Job:
        """Run a build in a thread when its turn comes, and then `published`, whose failure does not undo it. Raises IndexBusy if a job of
        the same collection is running or waiting."""
        job = Job(collection, person)
        with self._lock:
            if any(other.state == "running" and other.collection == collection for other in self._jobs):
                raise IndexBusy("ui.error_indexing")
            ended = [other for other in self._jobs if other.state != "running"]
            for other in ended[: max(len(self._jobs) + 1 - _KEPT, 0)]:
                self._jobs.remove(other)
            self._jobs.append(job)
        ticket = self._queue.join(person)
        threading.Thread(target=self._work, args=(job, ticket, build, published), name="shawahid-index", daemon=True).start()
        return job

    def wait(self, collection: str) -> None:
        """Block until no job of a collection is running or waiting."""
        with self._lock:
            running = [job for job in self._jobs if job.collection == collection and job.state == "running"]
        for job in running:
            job.ended.wait()

    def is_busy(self, collection: str) -> bool:
        """Return whether a job of a collection, of any person, is running or waiting."""
        with self._lock:
            return any(job.collection == collection and job.state == "running" for job in self._jobs)

    def find(self, id: str, person: str) -> Job | None:
        """Return the job with that id if it belongs to this person."""
        return next((job for job in self._of(person) if is_same(job.id, id)), None)

    def last(self, person: str, collection: str | None = None) -> Job | None:
        """Return this person's running job, or their last one; with a collection, only jobs of that collection."""
        own = [job for job in self._of(person) if collection is None or job.collection == collection]
        return next((job for job in own if job.state == "running"), own[-1] if own else None)

    def problems(self, person: str, collection: str) -> dict[str, ShawahidError]:
        """Return the files that this person's last completed job of a collection could not read, with the reason."""
        reports = [job.report for job in self._of(person) if job.collection == collection and job.report is not None]
        return {item.id: item.error for item in reports[-1].skipped} if reports else {}

    def adopt(self, person: str, by: str) -> None:
        """Transfer one person's jobs to another."""
        for job in self._of(person):
            job.person = by

    def _of(self, person: str) -> list[Job]:
        with self._lock:
            return [job for job in self._jobs if is_same(job.person, person)]

    def _work(self, job: Job, ticket: Ticket, build: Build, published: Callable[[], object]) -> None:
        def progress(step: str, done: int, total: int) -> None:
            if job.cancel.is_set():
                raise _Cancelled
            job.step, job.done, job.total = step, done, total

        try:
            for place in self._queue.places(ticket, job.cancel):
                progress("wait" if place else "load", place, 0)
            progress("load", 0, 0)
            job.report = build(progress)
            try:
                published()
            except Exception as error:
                job.notice = as_ours(error)
            job.state = "done"
        except _Cancelled:
            job.state = "cancelled"
        except Exception as error:
            job.error = as_ours(error)
            job.state = "error"
        finally:
            self._queue.leave(ticket)
            job.ended.set()
