"""The reference for the generator: llama.cpp called through its C interface alone, on the weights that Shawahid has loaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

CELLS = 8192
Given = ParamSpec("Given")
Result = TypeVar("Result")


def apart(work: Callable[Concatenate[Bare, Given], Result]) -> Callable[Concatenate[Bare, Given], Result]:
    """Compute in a thread that ends with the work.

    Every computing thread keeps its own OpenMP threads. Two such groups on two cores wait for each other by sleeping instead of spinning,
    and the second one is a quarter slower, whichever it is.
    """

    @wraps(work)
    def run(self: Bare, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(work, self, *args, **kwargs).result()

    return run


class Bare:
    """A separate context over a loaded model, with llama.cpp's greedy sampler and default settings."""

    def __init__(self, model: Any, threads: int, sequences: int = 16) -> None:
        import llama_cpp as lib

        self._lib = lib
        parameters = lib.llama_context_default_params()
        parameters.n_ctx = CELLS
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_seq_max = sequences
        parameters.kv_unified = True
        parameters.n_threads = parameters.n_threads_batch = threads
        self._context = lib.llama_init_from_model(model, parameters)
        assert self._context, "llama.cpp made no context"
        self._memory = lib.llama_get_memory(self._context)
        self._batch = lib.llama_batch_init(parameters.n_batch, 0, 1)
        self._sampler = lib.llama_sampler_init_greedy()

    def close(self) -> None:
        self._lib.llama_sampler_free(self._sampler)
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._context)

    @apart
    def prefill(self, tokens: Sequence[int], sequence: int = 0) -> float:
        """Read a prompt without any cache; return the seconds until its first token is known."""
        started = time.perf_counter()
        self._read(tokens, sequence)
        return time.perf_counter() - started

    def _read(self, tokens: Sequence[int], sequence: int = 0) -> None:
        self._lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        for start in range(0, len(tokens), 512):
            part = tokens[start : start + 512]
            self._decode([(token, start + place, sequence, start + place == len(tokens) - 1) for place, token in enumerate(part)])
        self._lib.llama_sampler_sample(self._sampler, self._context, -1)

    @apart
    def generate(self, at: int, count: int) -> float:
        """Write `count` tokens after a prompt of `at` tokens; return tokens per second."""
        token = self._lib.llama_sampler_sample(self._sampler, self._context, -1)
        started = time.perf_counter()
        for place in range(count):
            self._decode([(token, at + place, 0, True)])
            token = self._lib.llama_sampler_sample(self._sampler, self._context, -1)
        return count / (time.perf_counter() - started)

    @apart
    def together(self, shared: Sequence[int], prompts: Sequence[Sequence[int]], count: int) -> float:
        """Answer prompts that begin with `shared`, which has been read before, `count` tokens each, all in one batch.

        Return the seconds for reading what they do not share and for writing, without checking whether an answer has ended.
        """
        for sequence in range(len(prompts)):
            self._lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        self._read(shared)
        for sequence in range(1, len(prompts)):
            self._lib.llama_memory_seq_cp(self._memory, 0, sequence, 0, len(shared))
        started = time.perf_counter()
        waiting = [
            (token, place, sequence, place == len(prompt) - 1)
            for sequence, prompt in enumerate(prompts)
            for place, token in enumerate(prompt)
            if place >= len(shared)
        ]
        following: dict[int, int] = {}
        for start in range(0, len(waiting), 512):
            part = waiting[start : start + 512]
            self._decode(part)
            following |= {
                item[2]: self._lib.llama_sampler_sample(self._sampler, self._context, row) for row, item in enumerate(part) if item[3]
            }
        for step in range(count - 1):
            self._decode([(following[sequence], len(prompt) + step, sequence, True) for sequence, prompt in enumerate(prompts)])
            following = {sequence: self._lib.llama_sampler_sample(self._sampler, self._context, sequence) for sequence in following}
        return time.perf_counter() - started

    def _decode(self, items: Sequence[tuple[int, int, int, bool]]) -> None:
        batch = self._batch
        batch.n_tokens = len(items)
        for row, (token, place, sequence, wanted) in enumerate(items):
            batch.token[row], batch.pos[row], batch.logits[row] = token, place, wanted
            batch.n_seq_id[row] = 1
            batch.seq_id[row][0] = sequence
        code = self._lib.llama_decode(self._context, batch)
        assert code == 0, f"llama_decode: {code}"
