"""A double for the engine: a memory of sequences that is checked at every step, and a "model" whose words follow from what it read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from rag.models.llama.engine import BatchToken

VOCABULARY = 64
END = 0

Model = Callable[[Sequence[int]], int]
"""The token that follows a text."""


def chaos(tokens: Sequence[int]) -> int:
    """A model whose next token depends on every token before it."""
    value = 7
    for token in tokens:
        value = (value * 31 + token + 1) % 1009
    return 1 + value % (VOCABULARY - 1) if value % 29 else END


def parrot(tokens: Sequence[int]) -> int:
    """A model that says what followed its last word when that stood before, and ends where nothing did."""
    last = tokens[-1]
    for place in range(len(tokens) - 2, -1, -1):
        if tokens[place] == last:
            return tokens[place + 1]
    return END


def alone(model: Model, prompt: Sequence[int], room: int) -> list[int]:
    """What a model writes when it is asked for one token after the other."""
    written: list[int] = []
    while len(written) < room and (token := model([*prompt, *written])) != END:
        written.append(token)
    return written


class FakeEngine:
    """Refuses whatever llama.cpp would refuse: a gap in a sequence, more than fits, a sequence that does not exist."""

    def __init__(self, model: Model = chaos, cells: int = 4096, sequences: int = 32, whole_states: bool = False) -> None:
        self.cells = cells
        self.whole_states = whole_states
        self.sequences = sequences
        self.rows = 512
        self.memory: dict[int, list[tuple[int, int]]] = {id: [] for id in range(sequences)}  # (token, cell)
        self.batches: list[list[BatchToken]] = []
        self.failing = 0
        """So many of the next batches fail."""
        self.gate: threading.Semaphore | None = None
        """When set, each batch waits to be let through."""
        self.entered = threading.Event()
        """Set when a batch has arrived."""
        self._model = model
        self._cell = 0
        self._following: dict[int, int] = {}

    def tokens(self, sequence: int) -> list[int]:
        return [token for token, _ in self.memory[sequence]]

    def occupied(self) -> int:
        return len({cell for held in self.memory.values() for _, cell in held})

    def copy(self, source: int, target: int, length: int) -> None:
        assert not self.memory[target], "the target is not empty"
        assert length <= len(self.memory[source])
        assert not self.whole_states or length == len(self.memory[source]), "a part of a whole state"
        self.memory[target] = self.memory[source][:length]

    def cut(self, sequence: int, length: int) -> None:
        assert not self.whole_states or not length or length == len(self.memory[sequence]), "a whole state is not cut"
        del self.memory[sequence][length:]

    def save(self, sequence: int) -> bytes:
        return bytes(self.tokens(sequence))

    def restore(self, sequence: int, state: bytes) -> bool:
        self.memory[sequence] = []
        for token in state:
            self._append(sequence, token)
        return True

    def decode(self, rows: Sequence[BatchToken]) -> None:
        self.entered.set()
        if self.gate is not None:
            self.gate.acquire()
        self.batches.append(list(rows))
        if self.failing:
            self.failing -= 1
            raise RuntimeError("out of luck")
        assert 0 < len(rows) <= self.rows
        self._following = {}
        for place, (token, position, sequence, wanted) in enumerate(rows):
            assert position == len(self.memory[sequence]), "a gap in a sequence"
            self._append(sequence, token)
            if wanted:
                self._following[place] = self._model(self.tokens(sequence))
        assert self.occupied() <= self.cells, "more than fits"

    def _append(self, sequence: int, token: int) -> None:
        self.memory[sequence].append((token, self._cell))
        self._cell += 1

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        scores = np.zeros(VOCABULARY, dtype=np.float32)
        scores[self._following[row]] = 2.0
        return scores

    def greedy(self, row: int, language: str = "") -> int:
        return self._following[row]

    def ends(self, token: int) -> bool:
        return token == END
