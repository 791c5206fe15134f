"""An index that follows a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rag.documents.chunker import Chunker
from rag.documents.load import MAX_BYTES
from rag.errors import ExtraMissing, ShawahidError
from rag.models.embedder import Embedder
from rag.storage.build import BuildReport, build_index

_LOOK = 200
"""Milliseconds after which the watcher is asked whether it should stop."""
_AGAIN = 5.0
"""Seconds after which a change that could not be indexed is tried again."""


def watch_folder(
    folder: str | Path,
    out: str | Path,
    embedder: Embedder,
    chunker: Chunker | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    ocr: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[BuildReport | ShawahidError]:
    """Bring the index up to date with a folder now, and again whenever files in it change, until `stop` is set.

    Yields a report for each time that something was done, the first in any case, and an error where it could not be; what failed
    is tried again. Raises ExtraMissing when the package that watches folders is not installed.
    """
    try:
        import watchfiles
    except ImportError as error:
        raise ExtraMissing("error.watch_extra") from error
    stop = stop or threading.Event()
    own = Path(out).absolute()

    def matters(change: object, path: str) -> bool:
        """Return the index may lie in the folder it mirrors; its own files are no news, nor are hidden ones."""
        place = Path(path)
        if place.is_relative_to(own):
            return False
        try:
            parts = place.relative_to(Path(folder).absolute()).parts
        except ValueError:
            parts = place.parts[-1:]
        return not any(part.startswith(".") for part in parts)

    # The watcher is at work before the folder is first read, so that nothing falls between the two.
    changes = watchfiles.watch(
        Path(folder).absolute(), watch_filter=matters, stop_event=stop, rust_timeout=_LOOK, yield_on_timeout=True, debounce=800, step=50
    )
    due, tried, failed, first = True, 0.0, "", True
    for seen in changes:
        due = due or bool(seen)
        if not due or (failed and not seen and time.monotonic() - tried < _AGAIN):
            continue
        try:
            tried = time.monotonic()
            report = build_index(folder, out, embedder, chunker, max_bytes=max_bytes, ocr=ocr, wait=_AGAIN)
        except ShawahidError as error:
            if error.key != failed:
                yield error
            failed = error.key
        else:
            if first or report.added or report.updated or report.removed:
                yield report
            due, failed, first = False, "", False
