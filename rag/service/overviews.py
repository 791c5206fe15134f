"""Overviews of whole collections: computed while nobody waits for an answer, so that they are there when somebody asks."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

from rag.answering.chatbot import Chatbot
from rag.answering.kept_overview import CollectionOverview, keep_overview, kept_overview
from rag.service.prefetch import Prefetcher
from rag.service.service import Service
from rag.storage.kept_overview import state_of

_MOST_PASSAGES = 50_000
"""Passages of a collection whose overview is computed unasked."""


class Overviews:
    """Gives the overview of a collection, and keeps it next to its index. Safe to share between threads."""

    def __init__(self, service: Service) -> None:
        self._prefetcher = Prefetcher(service)
        self._seen: dict[Path, str] = {}
        """For each index, the state for which an overview was kept or begun."""

    def of(self, bot: Chatbot, stop: threading.Event | None = None) -> CollectionOverview:
        """Return the overview of all documents, kept or computed now. Raises the index's errors."""
        return kept_overview(bot.index) or keep_overview(bot.index, stop)

    def prepare(self, bot: Chatbot) -> bool:
        """Begin to compute it if the index has changed since and nobody waits for an answer; return whether it began."""
        manifest = bot.index.manifest()
        folder, state = bot.index.folder, state_of(manifest)
        if self._seen.get(folder) == state or manifest.passages > _MOST_PASSAGES:
            return False

        def work(stop: threading.Event) -> None:
            if kept_overview(bot.index) is None:
                keep_overview(bot.index, stop)
            if not stop.is_set():
                self._seen[folder] = state

        return self._prefetcher.begin(secrets.token_hex(8), work)
