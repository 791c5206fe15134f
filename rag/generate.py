"""Text from a language model: llama.cpp through its C interface, with prompt states kept between questions."""

from __future__ import annotations

import codecs
import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as TextStream
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.errors import GenerationFailed, ModelCorrupt, ModelMissing
from rag.schema import Message


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one generation; `cached_tokens` of the prompt were already in the model's memory."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0


class Generation(Protocol):
    """Text as it is written; iterate once. `usage` is complete when the iteration has ended, `close` frees the model."""

    @property
    def usage(self) -> Usage: ...
    def __iter__(self) -> Iterator[str]: ...
    def close(self) -> None: ...


class Generator(Protocol):
    """What writes an answer."""

    @property
    def name(self) -> str: ...
    @property
    def context(self) -> int:
        """How many tokens prompt and answer may have together."""
        ...

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the messages as the model will see them."""
        ...

    def prepare(self, messages: Sequence[Message], stop: threading.Event | None = None) -> None:
        """Read a prompt in advance, so that one that begins alike is answered sooner."""
        ...

    def probability(self, messages: Sequence[Message], choices: Sequence[str]) -> list[float]:
        """The probability, given that one of `choices` comes next, of each of them; it is judged by its first token."""
        ...

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 200, language: str = "", stop: threading.Event | None = None
    ) -> Generation:
        """Answer greedily. `language` "ar" or "en" bars the scripts that an answer in it does not use."""
        ...


@dataclass(slots=True)
class _Sequence:
    """One prompt state in the model's memory: the tokens whose keys and values are kept under `id`."""

    id: int
    tokens: list[int]
    used: int = 0


_SEQUENCES = 6
_STEP = 128  # prompt tokens per call: about a second on two cores, so that a stop is heeded soon
_LOOP = 24  # the same tokens over and over: a small model has lost its way


class LlamaCpp:
    """A GGUF model run by llama.cpp on the CPU. Loaded at first use; one generation at a time, in order of arrival.

    Prompt states of the last few different prompts stay in memory: a prompt that begins like one of them is read from where
    they part. Sampling is greedy, so the same prompt gives the same text.
    """

    def __init__(self, path: Path, name: str | None = None, context: int = 8192, threads: int | None = None) -> None:
        if not path.is_file():
            raise ModelMissing("error.generator_missing", path=path)
        self._path = path
        self._name = name or path.stem
        self._context = context
        self._threads = threads or os.cpu_count() or 2
        # Plain locks: a generator may be resumed, and closed, by another thread than the one that began it.
        self._loading = threading.Lock()
        self._lock = threading.Lock()
        self._engine: _Engine | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def context(self) -> int:
        return self._context

    def load(self) -> _Engine:
        """Raises ModelCorrupt when the file is truncated or no GGUF."""
        with self._loading:
            if self._engine is None:
                self._engine = _Engine(self._path, self._name, self._context, self._threads)
            return self._engine

    def close(self) -> None:
        """Free the model's memory."""
        with self._lock, self._loading:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def count(self, messages: Sequence[Message]) -> int:
        return len(self.load().prompt(messages))

    def prepare(self, messages: Sequence[Message], stop: threading.Event | None = None) -> None:
        with self._lock:
            engine = self.load()
            engine.read(engine.prompt(messages), stop.is_set if stop else None)
            for language in ("ar", "en"):  # a second that the first answer need not wait for
                engine.barred(language)

    def probability(self, messages: Sequence[Message], choices: Sequence[str]) -> list[float]:
        with self._lock:
            engine = self.load()
            engine.read(engine.prompt(messages))
            logits = engine.logits()
            scores = np.array([logits[engine.tokenize(choice)[0]] for choice in choices], dtype=np.float64)
        weights = np.exp(scores - scores.max())
        return [float(weight) for weight in weights / weights.sum()]

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 200, language: str = "", stop: threading.Event | None = None
    ) -> Generation:
        return _LlamaGeneration(self, messages, max_tokens, language, stop or threading.Event())


@dataclass(slots=True)
class _Course:
    """How one generation stands, shared by it and the iterator that runs it."""

    stop: threading.Event
    closed: bool = False
    """Apart from `stop`, which belongs to the caller and says that the reader wanted no more."""
    usage: Usage = Usage()

    def halted(self) -> bool:
        return self.closed or self.stop.is_set()


class _LlamaGeneration:
    def __init__(self, generator: LlamaCpp, messages: Sequence[Message], max_tokens: int, language: str, stop: threading.Event) -> None:
        self._course = _Course(stop)
        # The iterator does not refer back to this object: dropped by its user without `close`, it frees the model at once.
        self._text = _run(self._course, generator, messages, max_tokens, language)

    @property
    def usage(self) -> Usage:
        return self._course.usage

    def __iter__(self) -> Iterator[str]:
        return self._text

    def close(self) -> None:
        self._course.closed = True
        # Running in another thread, it can't be closed from this one; it ends by itself before its next token.
        with suppress(ValueError):
            self._text.close()


def _run(course: _Course, generator: LlamaCpp, messages: Sequence[Message], max_tokens: int, language: str) -> TextStream[str, None, None]:
    with generator._lock:
        engine = generator.load()
        prompt = engine.prompt(messages)
        room = min(max_tokens, generator.context - len(prompt))
        if room < 1:
            raise GenerationFailed("error.prompt_too_long", tokens=len(prompt), limit=generator.context)
        cached = engine.read(prompt, course.halted)
        course.usage = Usage(len(prompt), cached, 0)
        barred = engine.barred(language)
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        written: list[int] = []
        while len(written) < room and not course.halted():
            token = engine.greedy(barred)
            if engine.ends(token):
                break
            written.append(token)
            course.usage = Usage(len(prompt), cached, len(written))
            if piece := decoder.decode(engine.piece(token)):
                yield piece
            if _loops(written):
                break
            if len(written) < room and not course.halted():
                engine.extend(token)


def _loops(tokens: Sequence[int]) -> bool:
    """Whether the last tokens only repeat a cycle of up to eight."""
    if len(tokens) < _LOOP:
        return False
    tail = list(tokens[-_LOOP:])
    return any(tail[size:] == tail[:-size] for size in range(1, 9))


class _Engine:
    """llama.cpp's model and context. Not safe to share: `LlamaCpp` guards it."""

    def __init__(self, path: Path, name: str, context: int, threads: int) -> None:
        import llama_cpp as lib
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        self._lib = lib
        _silence(lib)
        lib.llama_backend_init()
        model_parameters = lib.llama_model_default_params()
        model_parameters.n_gpu_layers = 0
        self.model = lib.llama_model_load_from_file(str(path).encode(), model_parameters)
        self.threads = threads
        if not self.model:
            raise ModelCorrupt("error.generator_broken", name=name, path=path)
        parameters = lib.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_seq_max = _SEQUENCES
        parameters.kv_unified = True  # sequences share cells, so that a common beginning is kept once
        parameters.n_threads = parameters.n_threads_batch = threads
        self._context = lib.llama_init_from_model(self.model, parameters)
        if not self._context:
            lib.llama_model_free(self.model)
            raise ModelCorrupt("error.generator_broken", name=name, path=path)
        self._cells = context
        self._memory = lib.llama_get_memory(self._context)
        self._vocabulary = lib.llama_model_get_vocab(self.model)
        self._size = lib.llama_vocab_n_tokens(self._vocabulary)
        self._batch = lib.llama_batch_init(parameters.n_batch, 0, 1)
        self._sequences = [_Sequence(id, []) for id in range(_SEQUENCES)]
        self._current = self._sequences[0]
        self._clock = 0
        self._piece = ctypes.create_string_buffer(256)
        self._masks: dict[str, npt.NDArray[np.int32]] = {}
        template = self._metadata("tokenizer.chat_template")
        if not template:
            raise ModelCorrupt("error.generator_no_template", name=name, path=path)
        self._format = Jinja2ChatFormatter(
            template=template,
            eos_token=self._special(lib.llama_vocab_eos(self._vocabulary)),
            bos_token=self._special(lib.llama_vocab_bos(self._vocabulary)),
        )

    def close(self) -> None:
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self.model)

    def _metadata(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(1 << 16)
        length = self._lib.llama_model_meta_val_str(self.model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if length >= 0 else ""

    def _special(self, token: int) -> str:
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """The tokens of a text; with `special`, control tokens written in it are recognised."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 16
        tokens = (self._lib.llama_token * room)()
        count = self._lib.llama_tokenize(self._vocabulary, raw, len(raw), tokens, room, False, special)
        if count < 0:
            raise GenerationFailed("error.generation", reason=f"tokenizer: {count}")
        return list(tokens[:count])

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of a conversation in the model's own chat format.

        What people and documents wrote is tokenized without control tokens, so a passage that contains `<|im_end|>` stays text.
        """
        # A private-use mark stands for each content while the template is filled, and is replaced by its plain tokens.
        marks = [f"\ue000{number}\ue001" for number in range(len(messages))]
        filled = [{"role": message["role"], "content": mark} for message, mark in zip(messages, marks, strict=True)]
        rest = self._format(messages=filled).prompt
        tokens: list[int] = []
        for message, mark in zip(messages, marks, strict=True):
            before, found, rest = rest.partition(mark)
            if not found:  # a template that leaves out a role, the system prompt for one
                reason = f"the model's chat template has no place for {message['role']}"
                raise GenerationFailed("error.generation", reason=reason)
            tokens += self.tokenize(before, special=True) + self.tokenize(message["content"])
        return tokens + self.tokenize(rest, special=True)

    def piece(self, token: int, special: bool = False) -> bytes:
        """The bytes of one token; a character may be spread over several."""
        length = self._lib.llama_token_to_piece(self._vocabulary, token, self._piece, len(self._piece), 0, special)
        return self._piece.raw[: max(length, 0)]

    def ends(self, token: int) -> bool:
        """Whether a token ends the answer."""
        return bool(self._lib.llama_vocab_is_eog(self._vocabulary, token))

    def read(self, tokens: Sequence[int], halted: Callable[[], bool] | None = None) -> int:
        """Bring a prompt into memory, computing only what no kept state begins with; how many tokens were kept.

        Afterwards `logits` are those that follow the prompt, unless it was `halted` before its end.
        """
        if len(tokens) > self._cells:
            raise GenerationFailed("error.prompt_too_long", tokens=len(tokens), limit=self._cells)
        nearest = max(self._sequences, key=lambda sequence: (_common(sequence.tokens, tokens), sequence.used))
        # The last token is always computed, for its logits.
        kept = min(_common(nearest.tokens, tokens), len(tokens) - 1)
        target = nearest
        if kept < len(nearest.tokens) // 2 or kept == 0:
            target = min(self._sequences, key=lambda sequence: (bool(sequence.tokens), sequence.used))
        if target is not nearest:
            self._forget(target)
            if kept:
                self._lib.llama_memory_seq_cp(self._memory, nearest.id, target.id, 0, kept)
        self._lib.llama_memory_seq_rm(self._memory, target.id, kept, -1)
        target.tokens = list(tokens[:kept])
        self._clock += 1
        target.used = self._clock
        self._current = target
        self._make_room(len(tokens) - kept + 256)
        for start in range(kept, len(tokens), _STEP):
            if halted is not None and halted():
                break
            self._decode(tokens[start : start + _STEP])
        return kept

    def extend(self, token: int) -> None:
        """Append one generated token to the current state."""
        self._make_room(1)
        self._decode([token])

    def _make_room(self, tokens: int) -> None:
        """Forget the states used longest ago until so many more cells are free."""
        others = sorted((s for s in self._sequences if s is not self._current and s.tokens), key=lambda s: s.used)
        while others and sum(len(s.tokens) for s in self._sequences) + tokens > self._cells:
            self._forget(others.pop(0))

    def _forget(self, sequence: _Sequence) -> None:
        self._lib.llama_memory_seq_rm(self._memory, sequence.id, -1, -1)
        sequence.tokens = []

    def _decode(self, tokens: Sequence[int]) -> None:
        batch, offset = self._batch, len(self._current.tokens)
        batch.n_tokens = len(tokens)
        for place, token in enumerate(tokens):
            batch.token[place] = token
            batch.pos[place] = offset + place
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = self._current.id
            batch.logits[place] = place == len(tokens) - 1
        code = self._lib.llama_decode(self._context, batch)
        if code != 0:
            self._forget(self._current)
            raise GenerationFailed("error.generation", reason=f"llama_decode: {code}")
        self._current.tokens += tokens

    def logits(self) -> npt.NDArray[np.float32]:
        """The scores of every token to come next, shape (vocabulary,); valid until the next call."""
        pointer = self._lib.llama_get_logits_ith(self._context, -1)
        if not pointer:
            raise GenerationFailed("error.generation", reason="no logits")
        return np.ctypeslib.as_array(pointer, shape=(self._size,))

    def greedy(self, barred: npt.NDArray[np.int32]) -> int:
        """The likeliest token that is not barred."""
        logits = self.logits()
        logits[barred] = -np.inf
        return int(logits.argmax())

    def barred(self, language: str) -> npt.NDArray[np.int32]:
        """The tokens that an answer in a language never needs: letters of scripts other than Arabic and Latin, and in an
        English answer Arabic ones too. A multilingual model else slips into the script it was mostly trained on."""
        if language not in self._masks:
            tokens = [] if not language else [t for t, piece in enumerate(self._pieces) if _foreign(piece, language)]
            self._masks[language] = np.array(tokens, dtype=np.int32)
        return self._masks[language]

    @cached_property
    def _pieces(self) -> list[bytes]:
        return [self.piece(token) for token in range(self._size)]


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """The length of the common beginning."""
    least = min(len(first), len(second))
    if first[:least] == second[:least]:
        return least
    return next(place for place in range(least) if first[place] != second[place])


def _foreign(piece: bytes, language: str) -> bool:
    """Whether a token holds a letter that an answer in a language does not use, or the beginning of one."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    for character in decoder.decode(piece):
        if not character.isalpha() or character <= "\u024f":
            continue
        arabic = "\u0600" <= character <= "\u06ff" or "\ufb50" <= character <= "\ufdff" or "\ufe70" <= character <= "\ufeff"
        if not arabic or language == "en":
            return True
    # A character spread over tokens begins with a lead byte; these open the blocks from Greek to Hebrew, from kana to hangul,
    # and Arabic.
    begun = decoder.getstate()[0][:1]
    if not begun:
        return False
    return 0xE3 <= begun[0] <= 0xED or (language == "en" and 0xD8 <= begun[0] <= 0xDB) or 0xCE <= begun[0] <= 0xD7


_callbacks: list[Any] = []  # the C side keeps a pointer; ours must outlive it


def _silence(lib: Any) -> None:
    """llama.cpp reports every layer it loads on standard error; keep that for those who ask."""
    if os.environ.get("ISNAD_ENGINE_LOG") or _callbacks:
        return

    @lib.llama_log_callback  # type: ignore[untyped-decorator]
    def ignore(level: int, text: bytes, data: ctypes.c_void_p) -> None:
        return None

    _callbacks.append(ignore)
    lib.llama_log_set(ignore, ctypes.c_void_p(0))
