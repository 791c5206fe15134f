"""Each write, flush, rename and removal of a change fails in turn: the index is that of before or that of after, and the error says which.

The calls of the C library are taken over in a process of their own (LD_PRELOAD), SQLite's and Python's alike. A flush, a rename or a
removal that fails fails once; a write fails with every later one, as on a disk that is full.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.documents.chunker import Chunker
from rag.errors import DiskFailed, DiskFull, IndexCorrupt, IndexMissing
from rag.retrieval.index import Index
from rag.schema import Document
from rag.storage.build import add_documents, build_index, remove_documents, update_documents
from rag.storage.repair import repair_index
from tests.helpers import CORPUS, ROOT, embedder, write

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[4096];
static int at, error, lasting, calls;

void arm(const char *name, int number, int code, int all) {
  strncpy(folder, name, sizeof folder - 1);
  at = number; error = code; lasting = all; calls = 0;
}
int disarm(void) { folder[0] = 0; return calls; }

static int fails(const char *path) {
  if (!folder[0] || strncmp(path, folder, strlen(folder))) return 0;
  calls++;
  if (calls != at && !(lasting && calls > at)) return 0;
  errno = error;
  return 1;
}
static int fails_at(int fd) {
  char link[64], path[4096];
  if (!folder[0]) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(path);
}
#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
ssize_t write(int fd, const void *b, size_t n) { REAL(write); return fails_at(fd) ? -1 : real(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { REAL(pwrite); return fails_at(fd) ? -1 : real(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) { REAL(pwrite64); return fails_at(fd) ? -1 : real(fd, b, n, o); }
size_t fwrite(const void *b, size_t s, size_t n, FILE *f) { REAL(fwrite); return fails_at(fileno(f)) ? 0 : real(b, s, n, f); }
int fsync(int fd) { REAL(fsync); return fails_at(fd) ? -1 : real(fd); }
int fdatasync(int fd) { REAL(fdatasync); return fails_at(fd) ? -1 : real(fd); }
int ftruncate(int fd, off_t n) { REAL(ftruncate); return fails_at(fd) ? -1 : real(fd, n); }
int ftruncate64(int fd, off64_t n) { REAL(ftruncate64); return fails_at(fd) ? -1 : real(fd, n); }
int rename(const char *a, const char *b) { REAL(rename); return fails(b) ? -1 : real(a, b); }
int unlink(const char *a) { REAL(unlink); return fails(a) ? -1 : real(a); }
"""

TRIES = int(os.environ.get("SHAWAHID_TEST_EXAMPLES", "8"))
"""How many calls of a change fail, spread over all of them."""
NEW = Document("new.txt", "The lighthouse was lit in 1901. أضيئت المنارة سنة 1901.", "", "en", "n")
CHANGED = Document("en/ferry.txt", "The ferry Albatros carried 300 passengers. Its captain was Ann Poe.", "", "en", "c")
Change = Callable[[Path, Path], object]
CHANGES: dict[str, Change] = {
    "first build": lambda folder, out: build_index(folder, out, embedder()),
    "add": lambda folder, out: add_documents(out, [NEW], embedder()),
    "update": lambda folder, out: update_documents(out, [CHANGED, NEW], embedder()),
    "remove": lambda folder, out: remove_documents(out, ["ar/زيتون.md"]),
    "build": lambda folder, out: build_index(folder, out, embedder()),
    "rebuild": lambda folder, out: build_index(folder, out, embedder(), Chunker(passage=120, sentence=80), rebuild=True),
    "repair": lambda folder, out: repair_index(out, embedder()),
}


def content(out: Path) -> Any:
    """What an index holds and finds, and its faults but leftovers; None where there is no index yet."""
    try:
        with Index.open(out, embedder()) as index:
            passages = [(p.document_id, p.span.start, p.span.end, p.text) for p in index.all_passages()]
            found = [[h.passage.document_id for h in index.search(asked, 9)] for asked in ("captain of the ferry", "المنارة", "lighthouse")]
            faults = [fault.key for fault in index.verify() if fault.key != "damage.leftovers"]
            return [[(info.id, info.characters) for info in index.documents()], passages, found, faults]
    except IndexMissing:
        return None
    except IndexCorrupt as error:
        return error.key


def prepare(change: str, place: Path) -> tuple[Path, Path]:
    """Make the folder of documents and the index that a change begins with."""
    folder, out = write(place / "documents", CORPUS), place / "index"
    if change == "first build":
        return folder, out
    build_index(folder, out, embedder())
    if change == "build":
        (folder / "en/library.md").unlink()
        write(folder, {"en/ferry.txt": CHANGED.text, "new.txt": NEW.text})
    if change == "repair":
        next(out.glob("dense.*")).unlink()
    return folder, out


def inject(change: str, place: Path, tries: int) -> None:
    """Let some calls of a change fail, one after the other; print how many calls there are, and how many changes failed."""
    shim = ctypes.CDLL(str(place / "shim.so"))
    folder, sound = prepare(change, place)
    out = place / "tried"

    def fresh() -> None:
        shutil.rmtree(out, ignore_errors=True)
        if sound.is_dir():
            shutil.copytree(sound, out)

    fresh()
    shim.arm(str(out).encode(), 0, 0, 0)
    CHANGES[change](folder, out)
    calls = shim.disarm()
    after = content(out)
    fresh()
    before = content(out)
    failed = 0
    for number in sorted({1 + calls * n // tries for n in range(tries)}):
        for code, lasting in ((errno.EIO, 0), (errno.ENOSPC, 1)):
            fresh()
            shim.arm(str(out).encode(), number, code, lasting)
            where, told = f"{change}, call {number} of {calls}, {errno.errorcode[code]}", None
            try:
                CHANGES[change](folder, out)
            except (DiskFull, DiskFailed) as error:
                told = error
            finally:
                shim.disarm()
            failed += told is not None
            now = content(out)
            if told is None or told.key == "error.unfinished":
                assert now == after, (where, told, now, after)
            elif told.key == "error.commit_uncertain":
                assert now in (before, after), (where, told, now)
            else:
                assert now == before or (change == "repair" and now == after), (where, told, now, before)
                right = ("error.disk_failed",) if code == errno.EIO else ("error.disk_full", "error.disk_failed")
                assert told.key in right, (where, told)
            if now != after or change not in ("add", "remove"):
                CHANGES[change](folder, out)
            assert content(out) == after, where
    print(json.dumps([calls, failed]))


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that lets calls fail."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    place = tmp_path_factory.mktemp("shim")
    (place / "shim.c").write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", place / "shim.so", place / "shim.c", "-ldl"], check=True)
    return place / "shim.so"


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_on_a_failing_disk_is_made_or_not_made(shim: Path, tmp_path: Path, change: str) -> None:
    """Some calls fail by default; all of them with SHAWAHID_TEST_EXAMPLES=1000."""
    shutil.copy(shim, tmp_path / "shim.so")
    environment = {**os.environ, "LD_PRELOAD": str(tmp_path / "shim.so"), "PYTHONPATH": str(ROOT)}
    code = "import sys; from tests.storage.test_failing_disk import *; inject(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))"
    done = subprocess.run(
        [sys.executable, "-c", code, change, str(tmp_path), str(TRIES)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280 if TRIES < 100 else 3600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    calls, failed = json.loads(done.stdout.splitlines()[-1])
    assert calls > 10
    assert failed > 0
