"""Suggested questions for people and programs: what is kept is given at once, what is missing is made while nobody waits for an answer."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.answering.chatbot import Chatbot
from rag.answering.suggestions import (
    SHOWN,
    make_suggestions,
    models_of,
    next_document,
    next_suggestions,
    opening_suggestions,
    suggestions_of,
)
from rag.schema import Span
from rag.service.prefetch import Prefetcher
from rag.service.service import Service
from rag.storage.suggestions import Suggestion


@dataclass(frozen=True, slots=True)
class Suggested:
    """Suggestions, and whether more are being made: then it is worth asking again."""

    suggestions: tuple[Suggestion, ...]
    more: bool


class Suggesting:
    """Gives suggested questions over any of the collections. Safe to share between threads."""

    def __init__(self, service: Service) -> None:
        self._prefetcher = Prefetcher(service)
        self._read_only: set[Path] = set()
        """Folders of indexes in which nothing can be written."""

    def opening(self, bot: Chatbot, language: str, count: int = SHOWN) -> Suggested:
        """Return questions to begin with, in the language where there are enough. Raises the index's errors."""
        more = self._make(bot, ())
        return Suggested(tuple(opening_suggestions(suggestions_of(bot.index), language, count)), more)

    def after(
        self, bot: Chatbot, language: str, cited: Sequence[tuple[str, Span]], asked: Sequence[str] = (), count: int = SHOWN
    ) -> Suggested:
        """Return questions to go on with after an answer that cited these spans, by id of document. Raises the index's errors."""
        more = self._make(bot, list(dict.fromkeys(id for id, _ in cited)))
        return Suggested(tuple(next_suggestions(suggestions_of(bot.index), language, cited, asked, count)), more)

    def _make(self, bot: Chatbot, wanted: Sequence[str]) -> bool:
        """Begin to make what is missing, if nobody waits; return whether anything is."""
        folder = bot.index.folder
        if bot.reader is None or folder in self._read_only:  # without a reader nothing would be sure
            return False
        document = next_document(bot.index, models_of(bot), wanted)
        if document is None:
            return False

        def work(stop: threading.Event) -> None:
            if not make_suggestions(bot, document, stop):
                self._read_only.add(folder)

        self._prefetcher.begin(secrets.token_hex(8), work)
        return True
