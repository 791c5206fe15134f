"""A server that is started without an index: it begins with an empty one, and everything on it says that there is nothing yet."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.answering.chatbot import Chatbot
from rag.config import Settings
from rag.errors import IndexMissing
from rag.library import Library
from rag.library.identity import OPERATOR
from rag.retrieval.index import Index
from rag.schema import Status
from rag.server import Access
from rag.server.site import open_or_begin
from rag.service.service import Service
from rag.service.suggesting import Suggesting
from rag.testing import HashEmbedder
from tests.helpers import CORPUS
from tests.serving import FERRY, SECRET, served
from tests.waiting import run_async, wait_until

SITE = sys.modules["rag.server.site"]  # the package has a function of that name
HEADERS = {"authorization": f"Bearer {SECRET}"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    def open_chatbot(settings: Settings) -> tuple[Chatbot, tuple[Any, ...]]:
        return Chatbot(Index.open(settings.index, HashEmbedder())), ()

    monkeypatch.setattr(SITE, "open_chatbot", open_chatbot)
    monkeypatch.setattr(SITE, "open_embedder", lambda settings: (HashEmbedder(), None))
    return replace(Settings(), documents=tmp_path / "documents", index=tmp_path / "index")


def test_without_an_index_an_empty_one_is_begun_and_the_first_document_answers(settings: Settings) -> None:
    bot, _ = open_or_begin(settings)
    assert bot.index.documents() == []
    for question in ("When does the ferry sail?", "متى تبحر العبّارة؟", "What is this about?", "ما مضمون هذه الوثائق؟"):
        answer = bot.ask(question)
        assert answer.citations == ()
        assert answer.status is Status.NO_EVIDENCE
        assert answer.text
    assert bot.index.search("ferry") == []
    assert bot.contradictions() == []
    assert Suggesting(Service.of(bot)).opening(bot, "ar").suggestions == ()

    shelf = Library(settings.index.parent / "home", settings.documents, settings.index).of(OPERATOR)
    assert shelf.documents("", bot) == []

    async def receive() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield "تبحر العبّارة ألباتروس عند الظهر.".encode()

        await shelf.receive("", "عبّارة.txt", chunks())

    run_async(receive())
    job = shelf.build("", HashEmbedder())
    wait_until(lambda: job.state != "running")
    assert job.view()["added"] == 1
    assert [document.id for document in bot.index.documents()] == ["عبّارة.txt"]
    assert open_or_begin(settings)[0].index.documents() != []  # the next start finds it


def test_what_is_wrong_with_an_index_is_not_covered_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Settings) -> tuple[Chatbot, tuple[Any, ...]]:
        raise IndexMissing("error.index_missing", path=settings.index)

    monkeypatch.setattr(SITE, "open_chatbot", broken)
    with pytest.raises(IndexMissing):
        open_or_begin(settings)


def test_a_program_removes_the_last_document_too(tmp_path: Path) -> None:
    with served(tmp_path, access=Access("", (SECRET,), changes=True)) as server, server.client(headers=HEADERS) as program:
        for id in CORPUS:
            assert program.delete("/v1/documents", params={"id": id}).status_code == 202
        wait_until(lambda: program.get("/v1/documents").json()["documents"] == [])
        assert program.post("/v1/ask", json={"question": FERRY}).json()["citations"] == []
