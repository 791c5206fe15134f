"""Text from a language model: what every generator offers, and the one that runs a GGUF file with llama.cpp."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

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

    def prepare(self, messages: Sequence[Message], stop: threading.Event | None = None, *, keep: bool = False) -> None:
        """Read a prompt in advance, so that one that begins alike is answered sooner; give way to those who wait for words.

        With `keep`, also for processes that come later.
        """
        ...

    def probability(self, messages: Sequence[Message], choices: Sequence[str]) -> list[float]:
        """The probability, given that one of `choices` comes next, of each of them; it is judged by its first token."""
        ...

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 200, language: str = "", stop: threading.Event | None = None
    ) -> Generation:
        """Answer greedily. `language` "ar" or "en" bars the scripts that an answer in it does not use."""
        ...
