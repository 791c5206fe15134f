"""Continuous batching: prompts are read and texts written for several people in the same passes of one model.

A pass over the weights takes hardly longer for a few tokens than for one, so concurrent generations are computed together (after Yu et al.,
"Orca", OSDI 2022).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Protocol

from rag.errors import GenerationFailed, ShawahidError
from rag.models.llama.engine import BatchToken
from rag.models.llama.lookup_decoding import Lookup, worthwhile
from rag.models.llama.prompt_cache import Disk, Memory, PromptState, PromptStates

WRITERS = 16
"""Texts written at the same time; further jobs wait in order of arrival."""

# Prompt tokens in one pass, about a second of work on two cores, so that a stop takes effect soon: of one who waits alone, while
# others write and each pass keeps them waiting, and when nobody waits.
_READ, _READ_BESIDE, _READ_AHEAD = 128, 64, 64
_DRAFTERS = 2
"""Drafts are tried while at most this many texts are written: beyond that, another text's next token is worth more than a draft."""
_COSTS = (1.0, 2.0, 2.8, 3.7, 4.6, 5.5, 6.4, 7.2, 7.6, 8.0, 8.4, 8.4, 8.4, 8.4, 8.4, 8.4)
"""The relative time of a pass with each number of drafted tokens, rounded up; a pass without drafts is 1.

On two cores a single token already keeps the processor as busy as the memory. Short drafts hardly ever pay; long ones do while the text is
being repeated.
"""
_LOOP = 24  # the same tokens over and over: a small model has lost its way


class Core(Memory, Protocol):
    """The engine functions that scheduling needs."""

    rows: int

    def decode(self, rows: Sequence[BatchToken]) -> None: ...
    def greedy(self, row: int, language: str = "") -> int: ...
    def ends(self, token: int) -> bool: ...


@dataclass(slots=True, eq=False)
class DecodeJob:
    """A prompt to read, and up to `room` tokens to write after it in `language`.

    Iterate for the tokens as they come. A prompt read `ahead` of any question waits until no generation is waiting; `keep` writes the
    state after the prompt to disk.
    """

    prompt: Sequence[int]
    room: int = 0
    language: str = ""
    ahead: bool = False
    keep: bool = False
    halted: Callable[[], bool] = lambda: False
    cached: int = 0
    """The number of prompt tokens that were in memory when the job was started."""
    written: list[int] = field(default_factory=list)
    state: PromptState | None = None
    pending: int | None = None
    """The token written last, which has yet to be decoded."""
    lookup: Lookup | None = None
    _out: SimpleQueue[int | ShawahidError | None] = field(default_factory=SimpleQueue)

    def __iter__(self) -> Iterator[int]:
        """Yield the tokens. Raises GenerationFailed."""
        while (item := self._out.get()) is not None:
            if isinstance(item, ShawahidError):
                raise item
            yield item

    def put(self, item: int | ShawahidError | None) -> None:
        self._out.put(item)


class Scheduler:
    """Runs jobs on an engine, in a thread that lives as long as there are any. `submit` and `drain` are safe from any thread."""

    def __init__(self, engine: Core, disk: Disk | None = None) -> None:
        self._engine = engine
        self._states = PromptStates(engine, disk)
        self._waiting: list[DecodeJob] = []
        self._active: list[DecodeJob] = []  # in order of arrival
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, job: DecodeJob) -> None:
        """Queue a job. Its prompt and room must fit into the engine's memory."""
        assert len(job.prompt) + job.room <= self._engine.cells, "longer than the memory"
        with self._lock:
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="shawahid-generate", daemon=True)
                self._thread.start()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until no job is left; return whether that is so after `timeout` seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return self._thread is None

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting and not self._active:
                    self._thread = None
                    return
            try:
                self._leave()
                self._admit()
                self._pass()
            except Exception as error:
                reason = error if isinstance(error, ShawahidError) else GenerationFailed("error.generation", reason=repr(error))
                with self._lock:
                    for job in [*self._active, *self._waiting]:
                        self._end(job, reason, lost=True)

    def _leave(self) -> None:
        """End the jobs that nobody waits for any more."""
        with self._lock:
            for job in [job for job in [*self._active, *self._waiting] if job.halted()]:
                self._end(job)

    def _end(self, job: DecodeJob, error: ShawahidError | None = None, lost: bool = False) -> None:
        if job.state is not None:
            (self._states.forget if lost else self._states.give_back)(job.state)
            job.state = None
        for jobs in (self._active, self._waiting):
            if job in jobs:
                jobs.remove(job)
        job.put(error)

    def _admit(self) -> None:
        """Start waiting jobs in order of arrival, questions before prompts read ahead, as far as memory allows."""
        with self._lock:
            # One that was stopped since those who left were looked for leaves at the next look.
            waiting = sorted((job for job in self._waiting if not job.halted()), key=lambda job: job.ahead)
        for job in waiting:
            if len(self._active) >= WRITERS:
                return
            if job.keep:
                self._states.recall(job.prompt)
            state = self._states.take(job.prompt, job.room)
            if state is None:
                return
            job.state = state
            with self._lock:
                self._waiting.remove(job)
                self._active.append(job)
            if job.room and len(state.tokens) == len(job.prompt):
                self._states.shrink(state, len(job.prompt) - 1)  # read once more, for what comes after it
            job.cached = len(state.tokens)
            if len(state.tokens) == len(job.prompt):
                self._read(job, 0)

    def _pass(self) -> None:
        """Compute the next tokens of all running jobs."""
        writers = [job for job in self._active if job.pending is not None]
        readers = [job for job in self._active if job.pending is None and not job.ahead]
        budget = _READ_BESIDE if writers else _READ
        if not writers and not readers:
            readers, budget = self._active[:1], _READ_AHEAD
        rows: list[BatchToken] = []
        takers: list[tuple[DecodeJob, list[int], int]] = []  # who, what it reads, and the row of its last token
        # A wrong draft is taken back, which whole states don't allow.
        drafting = 0 if readers or len(writers) > _DRAFTERS or self._engine.whole_states else len(_COSTS) - 1
        for job in writers:
            takers.append((job, self._next(job, drafting), len(rows)))
            rows += _rows(job, takers[-1][1], wanted=True)
        for job in readers:
            assert job.state is not None
            begun = len(job.state.tokens)
            part = list(job.prompt[begun : begun + budget])
            if part:
                takers.append((job, part, len(rows)))
                rows += _rows(job, part, wanted=False)
                budget -= len(part)
                if begun + len(part) == len(job.prompt) and job.room:
                    rows[-1] = rows[-1]._replace(wanted=True)
        if not rows:
            return
        self._engine.decode(rows)
        for job, tokens, first in takers:
            assert job.state is not None
            self._states.grow(job.state, tokens)
            if job.pending is None:
                if len(job.state.tokens) == len(job.prompt):
                    self._read(job, first + len(tokens) - 1)
            else:
                self._written(job, tokens, first)

    def _next(self, job: DecodeJob, drafting: int) -> list[int]:
        """Return a writer's next token and the drafted tokens after it."""
        assert job.pending is not None
        assert job.lookup is not None
        drafts = job.lookup.draft(max(min(drafting, job.room - len(job.written) - 1), 0))
        return [job.pending, *drafts[: worthwhile(job.lookup.rate, _COSTS[: len(drafts) + 1])]]

    def _read(self, job: DecodeJob, row: int) -> None:
        """Handle the end of a prompt."""
        assert job.state is not None
        if job.keep:
            self._states.keep(job.state)
        if job.room:
            job.lookup = Lookup(job.prompt)
            self._add(job, self._engine.greedy(row, job.language))
        else:
            self._finish(job)

    def _written(self, job: DecodeJob, tokens: list[int], first: int) -> None:
        """Keep the drafted tokens that the model would have written, and the token after them."""
        assert job.state is not None
        drafts = tokens[1:]
        state, begun = job.state, len(job.state.tokens) - len(drafts)
        for right in range(len(tokens)):
            token = self._engine.greedy(first + right, job.language)
            agreed = right < len(drafts) and token == drafts[right]
            if not agreed and drafts:
                self._states.shrink(state, begun + right)
            if not self._add(job, token) or not agreed:
                break

    def _add(self, job: DecodeJob, token: int) -> bool:
        """Add a token to a job's text; return whether it goes on."""
        assert job.lookup is not None
        if self._engine.ends(token):
            self._finish(job)
            return False
        job.written.append(token)
        job.pending = token
        job.lookup.add(token)
        job.put(token)
        if len(job.written) >= job.room or is_looping(job.written):
            self._finish(job)
            return False
        return True

    def _finish(self, job: DecodeJob) -> None:
        with self._lock:
            self._end(job)


def _rows(job: DecodeJob, tokens: Sequence[int], wanted: bool) -> list[BatchToken]:
    assert job.state is not None
    begun, id = len(job.state.tokens), job.state.id
    return [BatchToken(token, begun + place, id, wanted) for place, token in enumerate(tokens)]


def is_looping(tokens: Sequence[int]) -> bool:
    """Return whether the last tokens only repeat a cycle of up to eight."""
    if len(tokens) < _LOOP:
        return False
    tail = list(tokens[-_LOOP:])
    return any(tail[size:] == tail[:-size] for size in range(1, 9))
