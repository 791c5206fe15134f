"""Reading a question, or a claim, and a text together.

A reader says whether a text answers a question, in which words and in which sentence, list item or row, and whether it supports a claim.
The one here is the lower part of the installed encoder with a matrix of low rank added to each of its matrices (Hu et al., "LoRA", ICLR
2022) and four heads on the states; the encoder's own matrices are shared with the embedder. `training/` made what is added.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rag.arrays import Vectors
from rag.errors import ModelCorrupt
from rag.models.embedder import Embedder, SentenceTransformerEmbedder
from rag.models.encoder import Encoder
from rag.models.learned_file import read_learned_file
from rag.models.question_encoder import QuestionEmbedder
from rag.models.reader_input import BERT, GEMMA, InputBuilder, InputWindow, ReadText, Tokenize
from rag.schema import Span

if TYPE_CHECKING:
    from torch import Tensor

    from rag.models.encoder import Adapter

FORMAT = "shawahid-reader-1"
BATCH_TOKENS = 640
"""Tokens computed at once on one core, padding included."""
LONGEST_SPAN = 30
"""The most tokens of a span that answers."""
_PARTS = ("attend", "mix", "widen", "narrow")
_SHIPPED = {"embeddinggemma-300m": "reader.default.safetensors", "multilingual-e5-small": "reader.light.safetensors"}
"""The file of the weights that were trained on an embedder, in the folder of this module."""


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """Words of a text, and the probability that they are the answer if the text holds one."""

    span: Span
    probability: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A text read for a question. `answers` is the probability that it answers, `blocks` that of each block; `spans` are the most
    probable words, best first, none within another."""

    answers: float
    blocks: tuple[float, ...]
    spans: tuple[ScoredSpan, ...]


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """A claim read against a text: the probabilities that the text supports it, contradicts it, and says neither. `blocks` holds for each
    block the probability that it decides."""

    supported: float
    contradicted: float
    not_stated: float
    blocks: tuple[float, ...] = ()


class Reader(Protocol):
    """Reads questions and claims against texts. `fingerprint` changes whenever scores would no longer compare."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...

    def read(self, question: str, texts: Sequence[ReadText], *, spans: int = 3) -> list[Reading]:
        """Return one reading per text, in order, with at most `spans` spans each. Empty and strange texts get low scores."""
        ...

    def judge(self, claim: str, texts: Sequence[ReadText]) -> list[ClaimVerdict]:
        """Return one verdict per text, in order."""
        ...


class EncoderShare(Protocol):
    """What holds an encoder that a reader may use too."""

    def load(self) -> Any: ...

    @property
    def lock(self) -> threading.Lock: ...


@dataclass(frozen=True, slots=True)
class Learned:
    """Trained weights: the base they belong to, the adapter's factors by name, the heads by name."""

    base: str
    layers: int
    tensors: Mapping[str, Vectors]
    fingerprint: str


def shipped(embedder: str) -> Path | None:
    """Return the file of the weights that were trained on an embedder, None if none were; whether it is there was not looked at."""
    name = _SHIPPED.get(embedder)
    return None if name is None else Path(__file__).with_name(name)


def read_weights(path: Path) -> Learned:
    """Read trained weights. Raises ModelMissing if the file is not there, ModelCorrupt if it differs from its card or cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    read = read_learned_file(path, FORMAT)
    try:
        kept = load(read.content)
        tensors = {}
        for name, value in kept.items():
            if name.endswith(".scale"):
                continue
            scale = kept.get(f"{name}.scale")
            exact = value.astype(np.float32)
            tensors[name] = exact if scale is None else exact * scale.astype(np.float32)[:, None]
        return Learned(read.metadata["base"], int(read.metadata["layers"]), tensors, read.digest[:16])
    except (KeyError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
        raise ModelCorrupt("error.reader_broken", path=path, reason=error) from error


class LearnedReader(ABC):
    """A reader with trained weights, over whatever runs the encoder that they belong to. Safe to share between threads."""

    def __init__(self, weights: Path) -> None:
        """Raises ModelMissing and ModelCorrupt as `read_weights` does."""
        self.path = weights
        self.learned = read_weights(weights)

    @property
    def name(self) -> str:
        return f"reader-{self.learned.base}"

    @property
    def fingerprint(self) -> str:
        return self.learned.fingerprint

    @property
    def base(self) -> str:
        """The name of the encoder the weights belong to."""
        return self.learned.base

    def read(self, question: str, texts: Sequence[ReadText], *, spans: int = 3) -> list[Reading]:
        found = []
        for text, windows in zip(texts, self._judged(question, texts, claim=False), strict=True):
            answers = max((window.answers for window in windows), default=0.0)
            scored = [one for window in windows for one in window.spans(spans)]
            found.append(Reading(answers, _merged(windows, len(text.blocks)), _apart(scored, spans)))
        return found

    def judge(self, claim: str, texts: Sequence[ReadText]) -> list[ClaimVerdict]:
        found = []
        for text, windows in zip(texts, self._judged(claim, texts, claim=True), strict=True):
            # Of several windows the one that says most about the claim decides.
            supported, contradicted, absent = min((window.claim for window in windows), key=lambda c: c[2])
            found.append(ClaimVerdict(supported, contradicted, absent, _merged(windows, len(text.blocks))))
        return found

    def builder(self, tokenize: Tokenize) -> InputBuilder:
        """Return the builder of this reader's inputs."""
        return InputBuilder(tokenize, GEMMA if "gemma" in self.learned.base else BERT)

    def adapter(self) -> list[dict[str, tuple[Vectors, Vectors]]]:
        """Return what is added to the encoder's matrices, as `rag.models.numpy_transformers.Adapter`. Raises KeyError."""
        tensors = self.learned.tensors
        return [{part: (tensors[f"{n}.{part}.a"].T, tensors[f"{n}.{part}.b"].T) for part in _PARTS} for n in range(self.learned.layers)]

    def misfit(self, error: Exception) -> ModelCorrupt:
        """Return the error for weights that do not fit the encoder."""
        return ModelCorrupt("error.reader_broken", path=self.path, reason=error)

    @abstractmethod
    def _judged(self, query: str, texts: Sequence[ReadText], *, claim: bool) -> list[list[JudgedWindow]]:
        """Return the outputs of the heads for each window of each text."""


class EncoderReader(LearnedReader):
    """A reader on the installed encoder, run by torch. Loaded at first use.

    `share` is the embedder whose encoder is used, that of the model `base` the weights were trained on. Raises ModelCorrupt at first use if
    the encoder does not fit the weights.
    """

    def __init__(self, share: EncoderShare, weights: Path) -> None:
        super().__init__(weights)
        self._share = share
        self._loaded: tuple[Encoder, InputBuilder, Adapter, Mapping[str, Tensor]] | None = None

    def _fitted(self, encoder: object) -> tuple[Encoder, InputBuilder, Adapter, Mapping[str, Tensor]]:
        """Return the encoder, the builder of inputs, the arranged adapter and the heads; the caller holds the lock."""
        if self._loaded is None:
            import torch

            try:
                if not isinstance(encoder, Encoder):
                    raise TypeError(type(encoder).__name__)
                adapter: Adapter = [
                    {part: (torch.from_numpy(a), torch.from_numpy(b)) for part, (a, b) in layer.items()} for layer in self.adapter()
                ]
                heads = {name: torch.from_numpy(value) for name, value in self.learned.tensors.items() if not name[0].isdecimal()}
                self._loaded = encoder, self.builder(encoder.tokenize), encoder.arranged(adapter), heads
            except (KeyError, TypeError, RuntimeError, IndexError) as error:
                raise self.misfit(error) from error
        return self._loaded

    def _judged(self, query: str, texts: Sequence[ReadText], *, claim: bool) -> list[list[JudgedWindow]]:
        import torch

        if not texts:
            return []
        loaded = self._share.load()  # takes the lock itself
        with self._share.lock, torch.inference_mode():
            encoder, builder, adapter, heads = self._fitted(loaded)
            windows = builder.windows(query, texts, claim=claim)
        flat = [(number, window) for number, found in enumerate(windows) for window in found]

        def judge(batch: list[int]) -> list[JudgedWindow]:
            with torch.inference_mode():
                states, lengths = encoder.adapted([flat[n][1].ids for n in batch], adapter)
                return self._heads(states, lengths, [flat[n][1] for n in batch], heads)

        judged: dict[int, JudgedWindow] = {}
        for batch, outputs in encoder.in_batches(judge, [len(window.ids) for _, window in flat], BATCH_TOKENS):
            judged |= zip(batch, outputs, strict=True)
        found: list[list[JudgedWindow]] = [[] for _ in texts]
        for n, (number, _) in enumerate(flat):
            found[number].append(judged[n])
        return found

    def _heads(self, states: Tensor, lengths: Tensor, windows: Sequence[InputWindow], weights: Mapping[str, Tensor]) -> list[JudgedWindow]:
        import torch
        from torch.nn.functional import gelu, layer_norm, linear

        def dense(name: str, x: Tensor) -> Tensor:
            return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

        states = layer_norm(states, states.shape[-1:], weights["norm.weight"], weights["norm.bias"])
        inside = (torch.arange(states.shape[1]) < lengths[:, None])[..., None]
        whole = torch.cat([states[:, 0], (states * inside).sum(1) / lengths[:, None]], -1)
        answers = dense("answers.2", gelu(dense("answers.0", whole)))[:, 0].sigmoid().tolist()
        claims = dense("claim.2", gelu(dense("claim.0", whole))).softmax(-1).tolist()
        spans = dense("span", states)
        found = []
        for row, window in enumerate(windows):
            blocks: dict[int, float] = {}
            numbers = sorted({block for block in window.blocks if block >= 0})
            if numbers:
                member = torch.tensor([[float(block == number) for block in window.blocks] for number in numbers])
                own = states[row, : len(window.ids)]
                means = member @ own / member.sum(1, keepdim=True)
                logits = dense("block", torch.cat([means, own[:1].expand(len(numbers), -1)], -1))[:, 0]
                blocks = dict(zip(numbers, logits.sigmoid().tolist(), strict=True))
            ends = spans[row, window.start : window.end].numpy()
            found.append(JudgedWindow(window, answers[row], blocks, ends, tuple(claims[row])))
        return found


def open_reader(embedder: Embedder) -> LearnedReader | None:
    """Return the reader that shares the encoder of an embedder; None if none was trained on it, or it has no encoder to share.

    Raises ModelMissing and ModelCorrupt for a file of this installation that is not there or is damaged.
    """
    if not isinstance(embedder, (SentenceTransformerEmbedder, QuestionEmbedder)) or (weights := shipped(embedder.name)) is None:
        return None
    if isinstance(embedder, QuestionEmbedder):
        from rag.models.question_reader import QuestionReader

        return QuestionReader(embedder, weights)
    return EncoderReader(embedder, weights)


@dataclass(frozen=True, slots=True, eq=False)
class JudgedWindow:
    """The outputs of the heads for one window."""

    window: InputWindow
    answers: float
    blocks: Mapping[int, float]
    ends: Vectors
    """Logits of each token of the text to be the first and the last of the answer, shape (tokens, 2)."""
    claim: tuple[float, ...]

    def spans(self, count: int) -> list[ScoredSpan]:
        """Return the most probable spans, at most `count`, none within another, weighted by whether the window answers."""
        tokens = len(self.ends)
        if not tokens or count < 1:
            return []
        shifted = self.ends - self.ends.max(0)
        first, last = (shifted - np.log(np.exp(shifted).sum(0))).T
        scores = first[:, None] + last[None, :]
        length = np.arange(tokens)[None, :] - np.arange(tokens)[:, None] + 1
        scores[(length < 1) | (length > LONGEST_SPAN)] = -math.inf
        flat = scores.ravel()
        found: list[ScoredSpan] = []
        for place in np.argsort(-flat, kind="stable")[: 8 * count].tolist():
            if flat[place] == -math.inf:
                break
            start, end = divmod(place, tokens)
            bounds = (self.window.offsets[self.window.start + start][0], self.window.offsets[self.window.start + end][1])
            if bounds[0] < bounds[1]:
                found.append(ScoredSpan(Span(*bounds), math.exp(flat[place]) * self.answers))
        return list(_apart(found, count))


def _apart(spans: Sequence[ScoredSpan], count: int) -> tuple[ScoredSpan, ...]:
    """Return the best spans, at most `count`, that share no character."""
    found: list[ScoredSpan] = []
    for one in sorted(spans, key=lambda s: -s.probability):
        if len(found) < count and all(one.span.end <= other.span.start or other.span.end <= one.span.start for other in found):
            found.append(one)
    return tuple(found)


def _merged(windows: Sequence[JudgedWindow], count: int) -> tuple[float, ...]:
    """Return for each block the highest probability of any window, 0 for one without a token."""
    return tuple(max((window.blocks.get(n, 0.0) for window in windows), default=0.0) for n in range(count))
