"""Changes to an index in children of one process, each killed at a chosen moment: see storage/test_kill.py.

python tests/killer.py < one line for each child: INDEX FOLDER HOW AT, parted by tabs. HOW is "call" (when so many functions have been
called), "write" (so many that touch a file, before or after), "time" (after so many seconds), or "never". Prints for each child its
exit status, and for one that was not killed how many calls and writes there were and how long it took.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import faiss  # noqa: F401  (once for all children)

import rag.storage.clusters
import rag.storage.generations
import rag.storage.repair
from rag.errors import DocumentMissing
from rag.schema import Document
from rag.storage.build import build_index, remove_documents, update_documents
from tests.helpers import embedder

WRITES = frozenset({"execute", "executemany", "commit", "fsync", "replace", "unlink", "write", "write_index", "flush", "close"})
TEXTS = {
    "second.txt": "An added text about the lighthouse. كُتب النص الثاني عن المنارة.",
    "changed.txt": "Third edition of it: the keeper of the lighthouse slept.",
}


def changes(out: Path, folder: Path) -> None:
    """A folder mirrored, a document removed, two put: each its own generation. What of it is done already does no harm."""
    rag.storage.generations._LEAST, rag.storage.generations._SHARE = 3, 0.0  # the file of vectors is written anew now and then
    rag.storage.clusters.CLUSTERED_FROM = 4  # and clusters beside it
    build_index(folder, out, embedder())
    with suppress(DocumentMissing):
        remove_documents(out, ["secret.txt"])
    for name, text in TEXTS.items():
        update_documents(out, [Document(name, text, "", "en", f"hash of {name}")], embedder())


class Watch:
    """Counts what is called, and ends the process at the chosen one."""

    def __init__(self, how: str, at: float) -> None:
        self.how, self.at = how, at
        self.calls = self.writes = 0

    def start(self) -> None:
        if self.how == "time":
            signal.setitimer(signal.ITIMER_REAL, max(self.at, 1e-6))  # nobody handles the alarm: it ends the process
        elif self.how != "plain":
            sys.setprofile(self.see)

    def see(self, frame: object, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            self.calls += 1
            if self.how == "call" and self.calls == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
        if event in ("c_call", "c_return") and getattr(argument, "__name__", "") in WRITES:
            self.writes += 1
            if self.how == "write" and self.writes == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    for line in sys.stdin:
        out, folder, how, at = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            watch, started = Watch(how, float(at)), time.perf_counter()
            watch.start()
            changes(Path(out), Path(folder))
            sys.setprofile(None)
            signal.setitimer(signal.ITIMER_REAL, 0)
            print(0, watch.calls, watch.writes, time.perf_counter() - started, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(status, 0, 0, 0.0, flush=True)


if __name__ == "__main__":
    main()
