"""llama.cpp through its C interface: a model, its vocabulary, and several sequences decoded in one batch."""

from __future__ import annotations

import codecs
import ctypes
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rag.errors import GenerationFailed, ModelCorrupt
from rag.extras import require
from rag.models.thinking import MARKS, OFF, opened
from rag.schema import Message

log = logging.getLogger(__name__)

_STATES = 8
"""The most sequences of a model with whole states: each takes memory of its own, tens of megabytes in a model of 4 billion parameters."""


class BatchToken(NamedTuple):
    """One token to decode: its sequence, its position, and whether the scores of the next token are wanted."""

    token: int
    position: int
    sequence: int
    wanted: bool


class LlamaEngine:
    """A GGUF model and one context with up to `sequences` independent sequences that share `cells` tokens of memory.

    A model with recurrent layers has `whole_states`: the state after a text can be copied, but not truncated. It gets fewer sequences.
    `gpu_layers` are computed on the GPU if llama.cpp was built for one: -1 for all. Where they don't fit, none are.
    `tokenize`, `prompt`, `piece` and `ends` are safe from any thread; the rest must be called by one thread at a time. Raises ModelCorrupt
    if the file is truncated or not a GGUF file, or has no chat template.
    """

    rows = 512
    """The largest number of tokens in one batch."""

    def __init__(
        self,
        path: Path,
        name: str,
        cells: int,
        threads: int,
        sequences: int,
        *,
        gpu_layers: int = 0,
    ) -> None:
        require("generator")
        import llama_cpp
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        lib: Any = llama_cpp  # its functions take ctypes, which no type of a caller's describes
        self._lib = lib
        _silence(lib)
        lib.llama_backend_init()
        self.gpu_layers = gpu_layers if gpu_layers and lib.llama_supports_gpu_offload() else 0
        """The layers on the GPU, -1 for all."""
        opened = self._open(path, cells, threads, sequences)
        if opened is None and self.gpu_layers:
            log.warning(
                "%s does not fit on the GPU; it runs on the processor. SHAWAHID_GPU_LAYERS sets how many layers are put there", name
            )
            self.gpu_layers = 0
            opened = self._open(path, cells, threads, sequences)
        if opened is None:
            raise ModelCorrupt("error.generator_broken", name=name, path=path)
        self.model, self._context, self.whole_states, sequences = opened
        self.cells = cells
        self.sequences = sequences
        self.threads = threads
        self.identity = (
            f"llama.cpp {lib.__version__} {lib.llama_print_system_info().decode()} keys and values f16, one cache, {self.gpu_layers} on GPU"
        )
        """What a saved state depends on besides the weights."""
        self._memory = lib.llama_get_memory(self._context)
        self._vocabulary = lib.llama_model_get_vocab(self.model)
        self.vocabulary = int(lib.llama_vocab_n_tokens(self._vocabulary))
        self._batch = lib.llama_batch_init(self.rows, 0, 1)
        self._foreign: dict[tuple[int, str], bool] = {}
        template = self._metadata("tokenizer.chat_template")
        if not template:
            self.close()
            raise ModelCorrupt("error.generator_no_template", name=name, path=path)
        self._format = Jinja2ChatFormatter(
            template=template,
            eos_token=self._special(lib.llama_vocab_eos(self._vocabulary)),
            bos_token=self._special(lib.llama_vocab_bos(self._vocabulary)),
        )

    def _open(self, path: Path, cells: int, threads: int, sequences: int) -> tuple[Any, Any, bool, int] | None:
        """Return the model, its context, whether its states are whole, and the number of its sequences; None if it can't be opened."""
        lib = self._lib
        model_parameters = lib.llama_model_default_params()
        model_parameters.n_gpu_layers = self.gpu_layers
        model = lib.llama_model_load_from_file(str(path).encode(), model_parameters)
        if not model:
            return None
        whole = bool(lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model))
        parameters = lib.llama_context_default_params()
        parameters.n_ctx = cells
        parameters.n_batch = parameters.n_ubatch = self.rows
        parameters.n_seq_max = min(sequences, _STATES) if whole else sequences
        parameters.kv_unified = True  # sequences share cells, so that a common beginning is kept once
        parameters.n_threads = parameters.n_threads_batch = threads
        context = lib.llama_init_from_model(model, parameters)
        if not context:
            lib.llama_model_free(model)
            return None
        return model, context, whole, parameters.n_seq_max

    def close(self) -> None:
        """Free the model's memory."""
        self._lib.llama_batch_free(self._batch)
        self._lib.llama_free(self._context)
        self._lib.llama_model_free(self.model)

    # --- text and tokens --------------------------------------------------------------------------------------------------

    def _metadata(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(1 << 16)
        length = self._lib.llama_model_meta_val_str(self.model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if length >= 0 else ""

    def _special(self, token: int) -> str:
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Return the tokens of a text; with `special`, control tokens written in it are recognised."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 16
        tokens = (self._lib.llama_token * room)()
        count = self._lib.llama_tokenize(self._vocabulary, raw, len(raw), tokens, room, False, special)
        if count < 0:
            raise GenerationFailed("error.generation", reason=f"tokenizer: {count}")
        return list(tokens[:count])

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a conversation in the model's own chat format.

        Text from people and documents is tokenized without control tokens, so a passage that contains `<|im_end|>` stays text.
        """
        # A private-use mark stands for each content while the template is filled, and is replaced by its plain tokens.
        parts = self._parts(messages)
        tokens: list[int] = []
        for before, content in parts[:-1]:
            tokens += self.tokenize(before, special=True) + self.tokenize(content)
        return tokens + self.tokenize(parts[-1][0], special=True)

    def opening(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a conversation up to the content of its last message: what prompts with the same beginning share."""
        *earlier, (before, _), _ = self._parts(messages)
        tokens: list[int] = []
        for part, content in earlier:
            tokens += self.tokenize(part, special=True) + self.tokenize(content)
        return tokens + self.tokenize(before, special=True)

    def _parts(self, messages: Sequence[Message]) -> list[tuple[str, str]]:
        """Return the filled template in parts: what stands before the content of each message, with that content, and the rest."""
        rest, marks = self._filled(messages)
        parts: list[tuple[str, str]] = []
        for message, mark in zip(messages, marks, strict=True):
            before, found, rest = rest.partition(mark)
            if not found:  # a template that leaves out a role
                reason = f"the model's chat template has no place for {message['role']}"
                raise GenerationFailed("error.generation", reason=reason)
            parts.append((before, message["content"]))
        return [*parts, (f"{rest}{opened(rest)}\n\n" if opened(rest) else rest, "")]

    def _filled(self, messages: Sequence[Message]) -> tuple[str, list[str]]:
        """Return the template filled with marks, and the mark of each message, thinking switched off if the template has a switch.

        A system message stands before the first question in a template that has no place for it, as Gemma 2's.
        """
        marks = [f"\ue000{number}\ue001" for number in range(len(messages))]
        filled: list[Any] = [{"role": message["role"], "content": mark} for message, mark in zip(messages, marks, strict=True)]
        tries = [filled]
        if len(filled) > 1 and filled[0]["role"] == "system":
            tries.append([{"role": "user", "content": f"{marks[0]}\n\n{marks[1]}"}, *filled[2:]])
        reason: object = ""
        for wanted in tries:
            try:
                text = self._format(messages=wanted, **OFF).prompt
            except Exception as error:  # whatever a template raises about the messages it is given
                reason = error
                continue
            if all(mark in text for mark in marks):
                break
            reason = "the model's chat template leaves out a message"
        else:
            raise GenerationFailed("error.generation", reason=reason)
        return str(text), marks

    def piece(self, token: int, special: bool = False) -> bytes:
        """Return the bytes of one token; a character may be spread over several tokens."""
        buffer = ctypes.create_string_buffer(256)
        length = self._lib.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, special)
        return buffer.raw[: max(length, 0)]

    def mark(self, token: int) -> str:
        """Return the text of a control token that is part of a think mark; "" for any other token."""
        text = self.piece(token, special=True).decode("utf-8", "replace")
        return text if text and any(text in mark for pair in MARKS for mark in pair) and not self.piece(token) else ""

    def ends(self, token: int) -> bool:
        """Return whether a token ends the answer."""
        return bool(self._lib.llama_vocab_is_eog(self._vocabulary, token))

    def _barred(self, token: int, language: str) -> bool:
        """Return whether an answer in a language never needs a token.

        These are tokens with letters of scripts other than Arabic and Latin and, for an English answer, Arabic ones. Without this a
        multilingual model slips into the script it was mostly trained on.
        """
        known = self._foreign.get((token, language))
        if known is None:
            known = self._foreign[token, language] = is_foreign(self.piece(token), language)
        return known

    # --- memory -----------------------------------------------------------------------------------------------------------

    def copy(self, source: int, target: int, length: int) -> None:
        """Make an empty sequence begin with the first `length` tokens of another; the cells are shared.

        With whole states `length` is all of it.
        """
        self._lib.llama_memory_seq_cp(self._memory, source, target, 0, -1 if self.whole_states else length)

    def cut(self, sequence: int, length: int) -> None:
        """Truncate a sequence to its first `length` tokens. Raises GenerationFailed if the model can't, as one with whole states."""
        if not self._lib.llama_memory_seq_rm(self._memory, sequence, length or -1, -1):
            raise GenerationFailed("error.generation", reason=f"the model's memory can't be cut to {length} tokens")

    def save(self, sequence: int) -> bytes:
        """Return the state of a sequence: keys and values of all its tokens."""
        size = self._lib.llama_state_seq_get_size(self._context, sequence)
        data = (ctypes.c_uint8 * size)()
        written = self._lib.llama_state_seq_get_data(self._context, data, size, sequence)
        return bytes(memoryview(data)[:written])

    def restore(self, sequence: int, state: bytes) -> bool:
        """Replace a sequence by a saved state; return False, and leave the sequence empty, if it does not fit this model."""
        data = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        read = self._lib.llama_state_seq_set_data(self._context, data, len(state), sequence)
        if not read:
            self.cut(sequence, 0)
        return bool(read)

    # --- computing --------------------------------------------------------------------------------------------------------

    def decode(self, rows: Sequence[BatchToken]) -> None:
        """Compute tokens of any sequences in one pass. Raises GenerationFailed."""
        batch, count = self._batch, len(rows)
        batch.n_tokens = count
        for place, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[place] = token
            batch.pos[place] = position
            batch.n_seq_id[place] = 1
            batch.seq_id[place][0] = sequence
            batch.logits[place] = wanted
        code = self._lib.llama_decode(self._context, batch)
        if code != 0:
            raise GenerationFailed("error.generation", reason=f"llama_decode: {code}")

    def logits(self, row: int) -> npt.NDArray[np.float32]:
        """Return the scores of every token to follow a row of the last batch, shape (vocabulary,); valid until the next batch."""
        pointer = self._lib.llama_get_logits_ith(self._context, row)
        if not pointer:
            raise GenerationFailed("error.generation", reason="no logits")
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary,))

    def greedy(self, row: int, language: str = "") -> int:
        """Return the likeliest token after a row of the last batch, among those that an answer in the language may use."""
        logits = self.logits(row)
        best = int(logits.argmax())
        while language and self._barred(best, language) and logits[best] > -np.inf:
            logits[best] = -np.inf  # the engine's own buffer, which the next batch overwrites
            best = int(logits.argmax())
        return best


def is_foreign(piece: bytes, language: str) -> bool:
    """Return whether a token holds, or begins, a letter that an answer in a language does not use."""
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
    """Silence llama.cpp's loading report on standard error unless it is asked for."""
    if os.environ.get("SHAWAHID_ENGINE_LOG") or _callbacks:
        return

    @lib.llama_log_callback  # type: ignore[untyped-decorator]
    def ignore(level: int, text: bytes, data: ctypes.c_void_p) -> None:
        return None

    _callbacks.append(ignore)
    lib.llama_log_set(ignore, ctypes.c_void_p(0))
