"""Translating phrases and sentences between Arabic and English.

The translator here is a small language model with a matrix of low rank added to each of its matrices (Hu et al., "LoRA", ICLR 2022). The
model is one of the catalogue; what was learned for translating is part of the package.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from rag.arrays import Vectors
from rag.errors import ModelCorrupt
from rag.files import write_atomically, write_error
from rag.models.learned_file import read_learned_file
from rag.models.llama.engine import BatchToken, LlamaEngine
from rag.models.llama.lora_file import lora_file

NAMES = {"ar": "Arabic", "en": "English"}
"""The languages, as the prompt names them."""
_FORMAT = "1"
_DEFAULT = Path(__file__).with_name("translator.default.safetensors")
_ARCHITECTURE = "gemma3"
_CELLS = 1024
"""Tokens in memory: those of all texts that are translated together, with their translations."""
_TOGETHER = 8
"""The most texts translated in the same passes."""
_LONGEST = 2.2
"""The most tokens of a translation for each of its source: Arabic takes up to twice as many as English."""
_LEAST_ROOM = 12
"""Tokens that even the translation of one word may have."""
_CANDIDATES = 6
"""Translations made of a text: the likeliest, and others that are drawn."""
_TEMPERATURE = 0.6


@dataclass(frozen=True, slots=True)
class Translation:
    """A translation. `forward` is the mean log-probability of its tokens given the source, `backward` that of the source's tokens given
    the translation: where the source cannot be guessed from it, something was lost."""

    text: str
    forward: float = 0.0
    backward: float = 0.0


class Translator(Protocol):
    """Translates short texts. `fingerprint` changes whenever translations may."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...

    def translate(self, texts: Sequence[str], source: str, target: str, stop: threading.Event | None = None) -> list[str]:
        """Return one translation per text, in order, from one language to another ("ar", "en"), each on one line.

        "" stands for a text that is empty or too long, whose translation came to no end, or that was not reached before `stop` was set.
        """
        ...

    def candidates(self, texts: Sequence[str], source: str, target: str, stop: threading.Event | None = None) -> list[list[Translation]]:
        """Return for each text different translations to choose from, the likeliest first; none where `translate` returns ""."""
        ...


@dataclass(frozen=True, slots=True)
class LearnedAdapter:
    """A trained adapter: the model it belongs to, and the two factors for each matrix of it."""

    base: str
    layers: int
    factors: Mapping[str, Vectors]
    fingerprint: str


def read_adapter(path: Path = _DEFAULT) -> LearnedAdapter:
    """Read a trained adapter. Raises ModelMissing if the file is not there, ModelCorrupt if it differs from its card or cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    read = read_learned_file(path, _FORMAT, "error.translator_missing", "error.translator_broken")
    try:
        kept = load(read.content)
        factors = {
            name: value.astype(np.float32) * kept[f"{name}.scale"].astype(np.float32)[:, None]
            for name, value in kept.items()
            if not name.endswith(".scale")
        }
        return LearnedAdapter(read.metadata["base"], int(read.metadata["layers"]), factors, read.digest[:16])
    except (KeyError, ValueError, TypeError, IndexError, SafetensorError) as error:
        raise ModelCorrupt("error.translator_broken", path=path, reason=error) from error


def adapter_matrices(learned: LearnedAdapter) -> dict[str, tuple[Vectors, Vectors]]:
    """Return the factors by the names of the model's own matrices. Raises KeyError if one is missing.

    The matrices that read the same input were trained as one: queries, keys and values in "attend", gate and up in "widen".
    """
    found = {}
    for layer in range(learned.layers):

        def factors(part: str, n: int = layer) -> tuple[Vectors, Vectors]:
            return learned.factors[f"{n}.{part}.a"], learned.factors[f"{n}.{part}.b"]

        a, b = factors("attend")
        queries = factors("mix")[0].shape[1]  # their outputs are mixed; keys and values share what is left
        for name, rows in zip(("attn_q", "attn_k", "attn_v"), np.split(b, [queries, (queries + len(b)) // 2]), strict=True):
            found[f"blk.{layer}.{name}"] = a, rows
        found[f"blk.{layer}.attn_output"] = factors("mix")
        a, b = factors("widen")
        for name, rows in zip(("ffn_gate", "ffn_up"), np.split(b, 2), strict=True):
            found[f"blk.{layer}.{name}"] = a, rows
        found[f"blk.{layer}.ffn_down"] = factors("narrow")
    return found


class LlamaTranslator:
    """A translator that runs its model with llama.cpp on the CPU, loaded at first use. Safe to share between threads.

    `model` is the GGUF file of the model the adapter belongs to, `cache` a folder in which the adapter is kept in the form that llama.cpp
    reads. Decoding is greedy. Raises ModelMissing without the adapter, ModelCorrupt if it is damaged or, at first use, does not fit, and
    DiskFull at first use if the cache cannot be written.
    """

    def __init__(self, model: Path, name: str, cache: Path, threads: int | None = None, adapter: Path = _DEFAULT) -> None:
        self._model = model
        self._name = name
        self._cache = cache
        self._threads = threads or os.cpu_count() or 2
        self._path = adapter
        self._learned = read_adapter(adapter)
        self._using = threading.Lock()
        self._engine: LlamaEngine | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def path(self) -> Path:
        """The file of its model."""
        return self._model

    @property
    def fingerprint(self) -> str:
        return f"{self._name}-{self._learned.fingerprint}"

    def close(self) -> None:
        """Free the model's memory. The next use loads it again."""
        with self._using:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def translate(self, texts: Sequence[str], source: str, target: str, stop: threading.Event | None = None) -> list[str]:
        with self._using:
            if stop is not None and stop.is_set():
                return [""] * len(texts)
            engine = self._load()
            sequences = [_Sequence(number, " ".join(text.split())) for number, text in enumerate(texts)]
            for sequence in sequences:
                if sequence.text:
                    sequence.begin(engine, source, target)
            for group in _groups([sequence for sequence in sequences if sequence.prompt]):
                if stop is None or not stop.is_set():
                    _decode(engine, group, target, stop)
            return [sequence.written for sequence in sequences]

    def candidates(self, texts: Sequence[str], source: str, target: str, stop: threading.Event | None = None) -> list[list[Translation]]:
        found: list[list[Translation]] = []
        with self._using:
            for number, text in enumerate(texts):
                plain = " ".join(text.split())
                stopped = stop is not None and stop.is_set()
                found.append([] if stopped or not plain else self._candidates(number, plain, source, target, stop))
        return found

    def _candidates(self, number: int, text: str, source: str, target: str, stop: threading.Event | None) -> list[Translation]:
        """Return the different translations of one text with their scores; the caller holds the lock."""
        engine = self._load()
        first = _Sequence(number, text)
        first.begin(engine, source, target)
        if not first.prompt:
            return []
        sequences = [first]
        for n in range(1, min(_CANDIDATES, _CELLS // first.cells)):
            rng = np.random.default_rng([n, zlib.crc32(text.encode())])  # the same text is translated alike
            sequences.append(_Sequence(number, text, first.prompt, first.most, rng=rng))
        _decode(engine, sequences, target, stop)
        different: dict[str, float] = {}
        for one in sequences:
            if one.written:
                different.setdefault(one.written, one.score / len(one.tokens))
        found = []
        for written, forward in different.items():
            if stop is not None and stop.is_set():
                break
            backward = _likelihood(engine, written, text, target, source)
            if backward is not None:
                found.append(Translation(written, forward, backward))
        return found

    def _load(self) -> LlamaEngine:
        if self._engine is None:
            adapter = self._expanded()
            self._engine = LlamaEngine(self._model, self._name, _CELLS, self._threads, _TOGETHER, adapter=adapter, chat=False)
        return self._engine

    def _expanded(self) -> Path:
        """Return the adapter as a GGUF file in the cache, written unless it is there whole."""
        try:
            content = lora_file(_ARCHITECTURE, adapter_matrices(self._learned))
        except (KeyError, ValueError, IndexError) as error:
            raise ModelCorrupt("error.translator_broken", path=self._path, reason=error) from error
        path = self._cache / f"{self._learned.base}-{hashlib.sha256(content).hexdigest()[:16]}.gguf"
        try:
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                with write_atomically(path) as part:
                    part.write_bytes(content)
        except OSError as error:
            raise write_error(path.parent, error) from error
        return path


@dataclass(slots=True)
class _Sequence:
    """A text while it is translated. `place` is its number among those decoded together."""

    number: int
    text: str
    prompt: list[int] = field(default_factory=list)
    most: int = 0
    place: int = 0
    tokens: list[int] = field(default_factory=list)
    raw: bytes = b""
    written: str = ""
    ended: bool = False
    rng: np.random.Generator | None = None
    """What draws its tokens; None takes the likeliest."""
    score: float = 0.0
    """The sum of its tokens' log-probabilities."""

    def begin(self, engine: LlamaEngine, source: str, target: str) -> None:
        """Make the prompt; a text that does not fit gets none."""
        own = engine.tokenize(_prompt(self.text, source, target))
        self.most = max(_LEAST_ROOM, math.ceil(_LONGEST * len(engine.tokenize(self.text))))
        if len(own) + 1 + self.most <= min(_CELLS, engine.rows):
            self.prompt = [engine.first, *own]

    @property
    def cells(self) -> int:
        return len(self.prompt) + self.most

    def go_on(self, row: int, engine: LlamaEngine, language: str) -> None:
        """Take the token that follows a row of the last batch; a line end finishes the translation, the limit ends it without one."""
        token = engine.greedy(row, language) if self.rng is None else engine.drawn(row, language, self.rng, _TEMPERATURE)
        self.score += engine.log_probability(row, token)
        last = engine.ends(token)
        line, found, _ = (b"" if last else engine.piece(token)).partition(b"\n")
        self.raw += line
        self.tokens.append(token)
        if found or last:
            self.ended = True
            self.written = " ".join(self.raw.decode("utf-8", "ignore").split())
        elif len(self.tokens) >= self.most:
            self.ended = True


def _prompt(text: str, source: str, target: str) -> str:
    return f"{NAMES[source]}: {text}\n{NAMES[target]}:"


def _likelihood(engine: LlamaEngine, text: str, translation: str, source: str, target: str) -> float | None:
    """Return the mean log-probability of the tokens of a translation; None if both do not fit into one batch."""
    before = [engine.first, *engine.tokenize(_prompt(text, source, target))]
    after = engine.tokenize(f" {translation}\n")
    if len(before) + len(after) > engine.rows:
        return None
    try:
        engine.decode([BatchToken(token, at, 0, at >= len(before) - 1) for at, token in enumerate([*before, *after[:-1]])])
        return sum(engine.log_probability(len(before) - 1 + n, token) for n, token in enumerate(after)) / len(after)
    finally:
        engine.cut(0, 0)


def _groups(sequences: Sequence[_Sequence]) -> Iterator[list[_Sequence]]:
    """Yield the texts in groups that fit into the memory together."""
    group: list[_Sequence] = []
    for sequence in sequences:
        if group and (len(group) == _TOGETHER or sum(each.cells for each in group) + sequence.cells > _CELLS):
            yield group
            group = []
        group.append(sequence)
    if group:
        yield group


def _decode(engine: LlamaEngine, group: Sequence[_Sequence], language: str, stop: threading.Event | None) -> None:
    """Translate texts together, one token of each in a pass."""
    try:
        for place, sequence in enumerate(group):
            sequence.place = place
            last = len(sequence.prompt) - 1
            engine.decode([BatchToken(token, at, place, at == last) for at, token in enumerate(sequence.prompt)])
            sequence.go_on(last, engine, language)
        while going := [sequence for sequence in group if not sequence.ended]:
            if stop is not None and stop.is_set():
                return
            engine.decode([BatchToken(each.tokens[-1], len(each.prompt) + len(each.tokens) - 1, each.place, True) for each in going])
            for row, sequence in enumerate(going):
                sequence.go_on(row, engine, language)
    finally:
        for sequence in group:
            engine.cut(sequence.place, 0)
