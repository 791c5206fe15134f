"""Batches computed side by side, one on each core.

Only the large products of a small transformer are worth dividing between cores; in between, all but one would wait. Several batches that
are computed at once, each by a single thread, keep every core busy.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Computed = TypeVar("Computed")


class SideBySide:
    """A pool of threads that each compute with one thread of OpenMP. Safe to share between threads: who comes while it is busy is served in
    turn, batch by batch."""

    def __init__(self, threads: int) -> None:
        """`threads` is the number of batches computed at once. No thread is started before the first batch."""
        self.threads = max(threads, 1)
        self._pool = ThreadPoolExecutor(self.threads, "shawahid-batch", _compute_with_one_thread)

    def compute(self, work: Callable[[Item], Computed], items: Sequence[Item]) -> list[Computed]:
        """Return the result of `work` for each item, in order. A single item is computed by the calling thread, with all cores. Raises what
        `work` raises."""
        if len(items) < 2 or self.threads < 2:
            return [work(item) for item in items]
        waiting = [self._pool.submit(contextvars.copy_context().run, work, item) for item in items]
        try:
            return [one.result() for one in waiting]
        finally:
            for one in waiting:
                one.cancel()


def _compute_with_one_thread() -> None:
    """Let torch use one thread for what is called from this thread; others are not affected."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # sets the number for a new thread, which would undo the limit later
    threadpool_limits(1, "openmp")
