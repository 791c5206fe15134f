"""The reader for a single question, in NumPy: a command that asks one thing would wait longer for torch than for its answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.arrays import Vectors
from rag.models.numpy_transformers import States, gelu, layer_norm
from rag.models.question_encoder import QuestionEmbedder
from rag.models.reader import EncoderReader, JudgedWindow, LearnedReader
from rag.models.reader_input import InputWindow, ReadText

_MOST = 4_000
"""Tokens that are read here, all calls together: with more, importing torch and arranging its weights pays."""
_EPSILON = 1e-5
"""Of the norm before the heads, as torch has it."""


class QuestionReader(LearnedReader):
    """A reader on the encoder of an embedder for one question; it leaves longer work to the reader of the whole embedder.

    Raises ModelCorrupt at first use if the encoder does not fit the weights.
    """

    def __init__(self, embedder: QuestionEmbedder, weights: Path) -> None:
        super().__init__(weights)
        self._encoder = embedder.encoder
        self._whole = EncoderReader(embedder.whole, weights)
        self._read = 0
        self._lock = threading.Lock()

    def _judged(self, query: str, texts: Sequence[ReadText], *, claim: bool) -> list[list[JudgedWindow]]:
        if not texts:
            return []
        with self._lock:
            windows = self.builder(self._encoder.tokenize).windows(query, texts, claim=claim)
            tokens = sum(len(window.ids) for found in windows for window in found)
            if self._read + tokens <= _MOST:
                self._read += tokens
                try:
                    states = iter(self._encoder.adapted([window.ids for found in windows for window in found], self.adapter()))
                    return [[self._heads(next(states), window) for window in found] for found in windows]
                except (KeyError, ValueError, IndexError) as error:
                    raise self.misfit(error) from error
        return self._whole._judged(query, texts, claim=claim)

    def _heads(self, states: States, window: InputWindow) -> JudgedWindow:
        """Return the outputs of the heads for a window and its states, shape (tokens, size)."""
        weights = self.learned.tensors

        def dense(name: str, x: Vectors) -> Vectors:
            return np.asarray(x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"], dtype=np.float32)

        states = layer_norm(states, weights["norm.weight"], weights["norm.bias"], _EPSILON)
        whole = np.concatenate([states[0], states.mean(0)])
        answers = float(_sigmoid(dense("answers.2", gelu(dense("answers.0", whole))))[0])
        claims = dense("claim.2", gelu(dense("claim.0", whole)))
        shares = np.exp(claims - claims.max())
        blocks: dict[int, float] = {}
        of = np.array(window.blocks)
        for number in sorted(set(window.blocks) - {-1}):
            mean = states[of == number].mean(0)
            blocks[number] = float(_sigmoid(dense("block", np.concatenate([mean, states[0]])))[0])
        ends = dense("span", states)[window.start : window.end]
        return JudgedWindow(window, answers, blocks, ends, tuple((shares / shares.sum()).tolist()))


def _sigmoid(x: Vectors) -> Vectors:
    return np.asarray(1 / (1 + np.exp(-x)), dtype=np.float32)
