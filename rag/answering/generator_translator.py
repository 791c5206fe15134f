"""Translate by the generator, for those whose generator can."""

from __future__ import annotations

import threading
from collections.abc import Container, Sequence
from pathlib import Path

from rag.answering.prompts import translation_prompt
from rag.models.generator import Generator

_LONGEST = 200
"""The token limit of a translation."""


class GeneratorTranslator:
    """A translator that asks a generator, one text at a time.

    What it writes is shown as a machine translation that is not checked. `prompts` is a folder of templates that replace the bundled ones;
    `languages` are those it translates into.
    """

    def __init__(self, generator: Generator, prompts: Path | None = None, *, languages: Container[str] = ("ar", "en")) -> None:
        self._generator = generator
        self._prompts = prompts
        self._languages = languages

    @property
    def name(self) -> str:
        return self._generator.name

    @property
    def fingerprint(self) -> str:
        return self._generator.name

    def translate(self, texts: Sequence[str], source: str, target: str, stop: threading.Event | None = None) -> list[str]:
        """Return one translation per text, in order. "" stands for an empty text, for a language that it does not translate into, and for
        what was not reached before `stop` was set. Raises GenerationFailed."""
        return [self._translated(" ".join(text.split()), target, stop) for text in texts]

    def _translated(self, text: str, target: str, stop: threading.Event | None) -> str:
        if not text or target not in self._languages or (stop is not None and stop.is_set()):
            return ""
        generation = self._generator.stream(
            translation_prompt(text, target, self._prompts), max_tokens=_LONGEST, language=target, stop=stop
        )
        try:
            written = "".join(generation)
        finally:
            generation.close()
        return "" if stop is not None and stop.is_set() else " ".join(written.split())
