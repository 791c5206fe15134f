"""A generator that runs a GGUF file with llama.cpp."""

from __future__ import annotations

import codecs
import hashlib
import inspect
import os
import threading
from collections.abc import Generator as TextStream
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rag.arguments import as_path
from rag.errors import GenerationFailed, ModelMissing
from rag.models.device import ALL_LAYERS
from rag.models.embedder import sample_blocks
from rag.models.generator import Generation, TokenCounts
from rag.models.llama.batching import WRITERS, DecodeJob, Scheduler
from rag.models.llama.engine import LlamaEngine
from rag.models.llama.prompt_cache import Disk
from rag.models.thinking import ThoughtFilter
from rag.schema import Message

_SEQUENCES = 2 * WRITERS
"""The sequences being written, and as many earlier ones whose prompts may share a beginning with the next."""


class LlamaCpp:
    """A GGUF model run by llama.cpp, on the GPU if it was built for one, loaded at first use. Safe to share between threads.

    Concurrent generations are computed together. Prompt states stay in memory: a prompt is read only from the point where it differs from
    an earlier one. `states` is a folder for states that later processes need too. Sampling is greedy, so the same prompt gives the same
    text; if two tokens are almost equally likely, the other texts in the batch may decide.
    """

    def __init__(
        self,
        path: Path,
        name: str | None = None,
        context: int = 8192,
        threads: int | None = None,
        states: Path | None = None,
        *,
        gpu_layers: int = ALL_LAYERS,
    ) -> None:
        path = as_path("path", path)
        if not path.is_file():
            raise ModelMissing("error.generator_missing", path=path)
        self._path = path
        self._name = name or path.stem
        self._context = context
        self._threads = threads or os.cpu_count() or 2
        self._folder = states
        self._gpu_layers = gpu_layers
        self._loading = threading.Lock()
        self._loaded: tuple[LlamaEngine, Scheduler] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def path(self) -> Path:
        """The file of the model."""
        return self._path

    @property
    def context(self) -> int:
        return self._context

    def load(self) -> LlamaEngine:
        """Load the model. Raises ModelCorrupt if the file is truncated or not a GGUF file."""
        return self._load()[0]

    def _load(self) -> tuple[LlamaEngine, Scheduler]:
        with self._loading:
            if self._loaded is None:
                engine = LlamaEngine(self._path, self._name, self._context, self._threads, _SEQUENCES, gpu_layers=self._gpu_layers)
                disk = Disk(self._folder, f"{weights_digest(self._path)} {engine.identity}") if self._folder else None
                self._loaded = (engine, Scheduler(engine, disk))
            return self._loaded

    def close(self) -> None:
        """Free the model's memory once current generations are done. The next use loads it again."""
        with self._loading:
            if self._loaded is not None:
                engine, scheduler = self._loaded
                scheduler.drain()
                engine.close()
                self._loaded = None

    def idle(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being read or written; return whether that is so after `timeout` seconds."""
        return self._loaded is None or self._loaded[1].drain(timeout)

    def prepare(self, messages: Sequence[Message], stop: threading.Event | None = None, *, keep: bool = False) -> None:
        engine, scheduler = self._load()
        course = Course(stop or threading.Event())
        prompt = self._fitting(engine.prompt(messages))
        if engine.whole_states:  # the state is continued, not cut: it ends where prompts with this beginning part, or before the last token
            prompt = engine.opening(messages) if keep else prompt[:-1]
        for _ in _running(scheduler, course, DecodeJob(prompt, ahead=True, keep=keep, halted=course.halted)):
            raise AssertionError("nothing is to be written")

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 200, language: str = "", stop: threading.Event | None = None
    ) -> Generation:
        course = Course(stop or threading.Event())
        return Running(course, _run(course, self, messages, max_tokens, language))

    def _fitting(self, prompt: list[int], room: int = 0) -> list[int]:
        """Return the prompt if it and the requested number of new tokens fit into the context. Raises GenerationFailed."""
        if len(prompt) + room > self._context:
            raise GenerationFailed("error.prompt_too_long", tokens=len(prompt), limit=self._context)
        return prompt


@dataclass(slots=True)
class Course:
    """The progress of one generation, shared by it and the thread that runs it."""

    stop: threading.Event
    closed: bool = False
    """Separate from `stop`, which belongs to the caller and means that the reader wanted no more."""
    usage: TokenCounts = field(default_factory=TokenCounts)

    def halted(self) -> bool:
        return self.closed or self.stop.is_set()


class Running:
    """The `Generation` of a text that an iterator writes.

    The iterator refers to the course and not to this object, so that an object dropped without `close` frees the model at once.
    """

    def __init__(self, course: Course, text: TextStream[str, None, None]) -> None:
        self._course = course
        self._text = text

    @property
    def usage(self) -> TokenCounts:
        return self._course.usage

    def __iter__(self) -> Iterator[str]:
        return self._text

    def close(self) -> None:
        self._course.closed = True
        end(self._text)


def end(text: TextStream[str, None, None]) -> None:
    """Close a suspended stream; one that another thread is running ends by itself.

    Closing a running one would raise, or crash Python 3.11, which looks for what a generator awaits before it checks whether it runs.
    """
    if inspect.getgeneratorstate(text) != inspect.GEN_RUNNING:
        with suppress(ValueError):
            text.close()


def _run(course: Course, generator: LlamaCpp, messages: Sequence[Message], max_tokens: int, language: str) -> TextStream[str, None, None]:
    engine, scheduler = generator._load()
    prompt = generator._fitting(engine.prompt(messages), 1)
    course.usage = TokenCounts(len(prompt))
    job = DecodeJob(prompt, min(max_tokens, generator.context - len(prompt)), language, halted=course.halted)
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    thoughts = ThoughtFilter()
    for written, token in enumerate(_running(scheduler, course, job), start=1):
        if course.halted():
            return
        course.usage = TokenCounts(len(prompt), job.cached, written)
        if piece := thoughts.add(decoder.decode(engine.piece(token)) or engine.mark(token)):
            yield piece
    if rest := thoughts.end():
        yield rest


def _running(scheduler: Scheduler, course: Course, job: DecodeJob) -> Iterator[int]:
    """Yield the tokens of a job and end it when the caller stops iterating for any reason."""
    scheduler.submit(job)
    try:
        yield from job
    finally:
        course.closed = True


def weights_digest(path: Path) -> str:
    """Return a short hash of a weights file: its size and a sample of it."""
    digest = hashlib.sha256(str(path.stat().st_size).encode())
    for block in sample_blocks(path):
        digest.update(block)
    return digest.hexdigest()[:16]
