"""The interface of a text generator."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.schema import Message


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Token counts of one generation; `cached_tokens` of the prompt were already in the model's memory."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0


class Generation(Protocol):
    """Text as it is written; iterate once. `usage` is complete when the iteration has ended; `close` frees the model."""

    @property
    def usage(self) -> TokenCounts: ...
    def __iter__(self) -> Iterator[str]: ...
    def close(self) -> None: ...


class Generator(Protocol):
    """A language model that writes an answer."""

    @property
    def name(self) -> str: ...
    @property
    def context(self) -> int:
        """The largest number of tokens of prompt and answer together."""
        ...

    def prepare(self, messages: Sequence[Message], stop: threading.Event | None = None, *, keep: bool = False) -> None:
        """Read a prompt in advance, so that one with the same beginning is answered sooner. Gives way to generations.

        With `keep`, later processes can use it too.
        """
        ...

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 200, language: str = "", stop: threading.Event | None = None
    ) -> Generation:
        """Generate an answer greedily. `language` "ar" or "en" bars the scripts that an answer in it does not use."""
        ...
