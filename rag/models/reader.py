"""Reading a question, or a claim, and a text together.

A reader says whether a text answers a question, in which words and in which sentence, list item or row, and whether it supports a claim.
The one here is the lower part of the installed encoder with a matrix of low rank added to each of its matrices (Hu et al., "LoRA", ICLR
2022) and four heads on the states; the encoder's own matrices are shared with the embedder. `training/` made what is added.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rag.errors import ModelCorrupt
from rag.models.embedder import Embedder, SentenceTransformerEmbedder
from rag.models.encoder import Encoder, batches
from rag.models.learned_file import read_learned_file
from rag.models.reader_input import BERT, GEMMA, InputBuilder, InputWindow, ReadText
from rag.schema import Span

if TYPE_CHECKING:
    from torch import Tensor

    from rag.models.encoder import Adapter

FORMAT = "shawahid-reader-1"
BATCH_TOKENS = 1280
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
    tensors: Mapping[str, Tensor]
    fingerprint: str


def shipped(embedder: str) -> Path | None:
    """Return the file of the weights that were trained on an embedder, None if none were; whether it is there was not looked at."""
    name = _SHIPPED.get(embedder)
    return None if name is None else Path(__file__).with_name(name)


def read_weights(path: Path) -> Learned:
    """Read trained weights. Raises ModelMissing if the file is not there, ModelCorrupt if it differs from its card or cannot be read."""
    import torch
    from safetensors.torch import load

    read = read_learned_file(path, FORMAT)
    try:
        kept = load(read.content)
        tensors = {}
        for name, value in kept.items():
            if name.endswith(".scale"):
                continue
            scale = kept.get(f"{name}.scale")
            tensors[name] = value.float() if scale is None else value.to(torch.float32) * scale.float()[:, None]
        return Learned(read.metadata["base"], int(read.metadata["layers"]), tensors, read.digest[:16])
    except (KeyError, ValueError, RuntimeError, TypeError) as error:
        raise ModelCorrupt("error.reader_broken", path=path, reason=error) from error


class EncoderReader:
    """A reader on the installed encoder. Loaded at first use; safe to share between threads.

    `share` is the embedder whose encoder is used, that of the model `base` the weights were trained on. Raises ModelCorrupt at first use if
    the encoder does not fit the weights.
    """

    def __init__(self, share: EncoderShare, weights: Path) -> None:
        self._share = share
        self._path = weights
        self._learned = read_weights(weights)
        self._loaded: tuple[Encoder, InputBuilder, Adapter] | None = None

    @property
    def name(self) -> str:
        return f"reader-{self._learned.base}"

    @property
    def fingerprint(self) -> str:
        return self._learned.fingerprint

    @property
    def base(self) -> str:
        """The name of the encoder the weights belong to."""
        return self._learned.base

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

    def _fitted(self, encoder: object) -> tuple[Encoder, InputBuilder, Adapter]:
        """Return the encoder, the builder of inputs and the arranged adapter; the caller holds the lock."""
        if self._loaded is None:
            learned = self._learned
            try:
                if not isinstance(encoder, Encoder):
                    raise TypeError(type(encoder).__name__)
                adapter: Adapter = [
                    {part: (learned.tensors[f"{n}.{part}.a"].t(), learned.tensors[f"{n}.{part}.b"].t()) for part in _PARTS}
                    for n in range(learned.layers)
                ]
                prompts = GEMMA if "gemma" in learned.base else BERT
                self._loaded = encoder, InputBuilder(encoder.tokenize, prompts), encoder.arranged(adapter)
            except (KeyError, TypeError, RuntimeError, IndexError) as error:
                raise ModelCorrupt("error.reader_broken", path=self._path, reason=error) from error
        return self._loaded

    def _judged(self, query: str, texts: Sequence[ReadText], *, claim: bool) -> list[list[_Judged]]:
        """Return the outputs of the heads for each window of each text."""
        import torch

        if not texts:
            return []
        loaded = self._share.load()  # takes the lock itself
        with self._share.lock, torch.inference_mode():
            encoder, builder, adapter = self._fitted(loaded)
            windows = builder.windows(query, texts, claim=claim)
            flat = [(number, window) for number, found in enumerate(windows) for window in found]
            judged: dict[int, _Judged] = {}
            for batch in batches([len(window.ids) for _, window in flat], BATCH_TOKENS):
                states, lengths = encoder.adapted([flat[n][1].ids for n in batch], adapter)
                judged |= zip(batch, self._heads(states, lengths, [flat[n][1] for n in batch]), strict=True)
        found: list[list[_Judged]] = [[] for _ in texts]
        for n, (number, _) in enumerate(flat):
            found[number].append(judged[n])
        return found

    def _heads(self, states: Tensor, lengths: Tensor, windows: Sequence[InputWindow]) -> list[_Judged]:
        import torch
        from torch.nn.functional import gelu, layer_norm, linear

        weights = self._learned.tensors

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
            found.append(_Judged(window, answers[row], blocks, spans[row, window.start : window.end], tuple(claims[row])))
        return found


def open_reader(embedder: Embedder) -> EncoderReader | None:
    """Return the reader that shares the encoder of an embedder; None if none was trained on it, or it has no encoder to share.

    Raises ModelMissing and ModelCorrupt for a file of this installation that is not there or is damaged.
    """
    if not isinstance(embedder, SentenceTransformerEmbedder) or (weights := shipped(embedder.name)) is None:
        return None
    return EncoderReader(embedder, weights)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The outputs of the heads for one window."""

    window: InputWindow
    answers: float
    blocks: Mapping[int, float]
    ends: Tensor
    """Logits of each token of the text to be the first and the last of the answer, shape (tokens, 2)."""
    claim: tuple[float, ...]

    def spans(self, count: int) -> list[ScoredSpan]:
        """Return the most probable spans, at most `count`, none within another, weighted by whether the window answers."""
        tokens = len(self.ends)
        if not tokens or count < 1:
            return []
        first, last = self.ends.log_softmax(0).t()
        scores = first[:, None] + last[None, :]
        allowed = scores.new_ones(scores.shape).triu().tril(LONGEST_SPAN - 1).bool()
        scores = scores.masked_fill(~allowed, -math.inf).flatten()
        found: list[ScoredSpan] = []
        values, places = scores.topk(min(8 * count, len(scores)))
        for value, place in zip(values.tolist(), places.tolist(), strict=True):
            if value == -math.inf:
                break
            start, end = divmod(place, tokens)
            bounds = (self.window.offsets[self.window.start + start][0], self.window.offsets[self.window.start + end][1])
            if bounds[0] < bounds[1]:
                found.append(ScoredSpan(Span(*bounds), math.exp(value) * self.answers))
        return list(_apart(found, count))


def _apart(spans: Sequence[ScoredSpan], count: int) -> tuple[ScoredSpan, ...]:
    """Return the best spans, at most `count`, that share no character."""
    found: list[ScoredSpan] = []
    for one in sorted(spans, key=lambda s: -s.probability):
        if len(found) < count and all(one.span.end <= other.span.start or other.span.end <= one.span.start for other in found):
            found.append(one)
    return tuple(found)


def _merged(windows: Sequence[_Judged], count: int) -> tuple[float, ...]:
    """Return for each block the highest probability of any window, 0 for one without a token."""
    return tuple(max((window.blocks.get(n, 0.0) for window in windows), default=0.0) for n in range(count))
