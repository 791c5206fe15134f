"""A real server in a thread of this process, over a small bilingual corpus and doubles for the models."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.library import Library
from rag.retrieval.index import Index
from rag.schema import Message
from rag.server import Access, RequestLimits, site
from rag.server.site import http_config
from rag.service.service import Service
from rag.storage.build import build_index
from rag.testing import ScriptedGenerator
from tests.helpers import CORPUS, embedder, write

FERRY, LIBRARY = "How many passengers did the ferry Albatros carry?", "What did building the library cost?"
FERRY_AR = "كم راكبًا نقلت العبّارة ألباتروس؟"
SAID = {
    "Albatros carry": "The ferry Albatros carried 212 passengers on Monday. It sank with 999 gold bars in Atlantis.",
    "نقلت العبّارة ألباتروس": "نقلت العبّارة ألباتروس 212 راكبًا يوم الاثنين.",
    "captain of the ferry": "Its captain was John Reed.",
    "library cost": "It is made of 77 kilograms of cheese.",
}
"""A part of the question, and the draft: one proved sentence and one invention, one proved in Arabic, nothing but an invention."""
CAPTAIN = "Who was the captain of the ferry Albatros?"
"""What a follow-up is rewritten to."""
SECRET = "a-token-that-is-long-enough"


class Gate:
    """Holds the generator back before its first word, and lets tests see that it waits there."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Semaphore(0)

    def __call__(self, messages: Sequence[Message]) -> str:
        self.reached.release()
        self.open.wait(180)
        asked = messages[-1]["content"]
        if "Last question:" in asked:
            return CAPTAIN
        asked = asked.rpartition("Question:")[2]
        return next((draft for part, draft in SAID.items() if part in asked), "I do not know.")


@dataclass(frozen=True)
class Running:
    """A running server and what stands behind it."""

    address: str
    service: Service
    generator: ScriptedGenerator
    gate: Gate
    folder: Path
    app: Any

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=30, trust_env=False, **options)


@contextmanager
def served(
    folder: Path,
    *,
    access: Access | None = None,
    limits: RequestLimits | None = None,
    window: bool = False,
    delay: float = 0.0,
    library: bool = True,
    tools: bool = False,
    quota: int = 0,
    total_quota: int = 0,
) -> Iterator[Running]:
    """Serve the small corpus until the block is left."""
    documents = write(folder / "documents", CORPUS)
    vectors = embedder()
    build_index(documents, folder / "index", vectors)
    gate = Gate()
    generator = ScriptedGenerator(gate, delay=delay)
    calibration = replace(Calibration.of("unknown", "scripted"), least=0.3, manner_same="write", manner_across="write")
    chatbot = Chatbot(Index.open(folder / "index", vectors), generator, calibration=calibration)
    service = Service.of(chatbot)
    limits_of_files = {"max_bytes": 2**20, "quota": quota, "total_quota": total_quota}
    shelf = Library(folder / "home", documents, folder / "index", feedback=folder / "feedback", **limits_of_files) if library else None
    app = site(service, shelf, access=access, limits=limits, window=window, feedback=folder / "feedback", reports=folder / "reports")
    try:
        with listening(service, app, access=access, limits=limits) as address:
            yield Running(address, service, generator, gate, folder, app)
    finally:
        gate.open.set()
        chatbot.index.close()


@contextmanager
def listening(
    service: Service, app: Any, port: int = 0, *, access: Access | None = None, limits: RequestLimits | None = None
) -> Iterator[str]:
    """Run an app in a thread of this process until the block is left; yields its address."""
    import uvicorn

    service.start()
    taken = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(http_config(app, access or Access(), limits or RequestLimits()))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
