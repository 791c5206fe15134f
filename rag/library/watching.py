"""Collections whose folders are watched: what is put there, changed or taken away is indexed without being asked for."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rag.errors import ShawahidError
from rag.files import make_private, write_atomically, write_error

PACE = 10.0
"""Seconds between two looks at the folders. A change is indexed when the next look finds nothing new: a file that is being copied waits."""

Signature = frozenset[tuple[str, int, int]]


def signature(folder: Path) -> Signature:
    """Return the names, sizes and times of the files of a folder, hidden ones left out."""
    found = set[tuple[str, int, int]]()
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            with suppress(OSError):
                state = path.stat()
                found.add((str(path), state.st_size, state.st_mtime_ns))
    return frozenset(found)


class Watching:
    """Looks at the folders of chosen collections. The choice lies in a file, and holds for the next start."""

    def __init__(self, file: Path, pace: float = PACE) -> None:
        self._file = file
        self._pace = pace
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._folder: Callable[[str], Path | None] = lambda id: None
        self._build: Callable[[str], bool] = lambda id: False
        self._seen: dict[str, Signature] = {}
        self._done: dict[str, Signature] = {}

    def begin(self, folder: Callable[[str], Path | None], build: Callable[[str], bool]) -> None:
        """Look from now on: `folder` returns a collection's folder (None: it is gone), `build` begins to index it and returns whether it
        could."""
        self._folder, self._build = folder, build
        if self.ids():
            self._start()

    def ids(self) -> frozenset[str]:
        """Return the collections that are watched."""
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return frozenset()
        return frozenset(id for id in found if isinstance(id, str)) if isinstance(found, list) else frozenset()

    def choose(self, id: str, on: bool) -> None:
        """Watch the folder of a collection, or no longer. Raises DiskFull."""
        with self._lock:
            ids = self.ids() | {id} if on else self.ids() - {id}
            try:
                make_private(self._file.parent)
                with write_atomically(self._file) as part:
                    part.write_text(json.dumps(sorted(ids)), encoding="utf-8")
            except OSError as error:
                raise write_error(self._file.parent, error) from error
            self._done.pop(id, None)
        if on:
            self._start()

    def look(self) -> None:
        """Index what has changed since it was indexed last and has not changed since the look before."""
        for id in self.ids():
            folder = self._folder(id)
            if folder is None or not folder.is_dir():
                continue
            now = signature(folder)
            settled, self._seen[id] = self._seen.get(id) == now, now
            if settled and self._done.get(id) != now and self._build(id):
                self._done[id] = now

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shawahid-watch", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        wait = threading.Event()
        while not wait.wait(self._pace):
            with suppress(ShawahidError, OSError):  # a folder that cannot be read now is looked at again
                self.look()
