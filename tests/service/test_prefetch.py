"""Reading ahead: what is done for a question before it is asked, and that it is in nobody's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.answering.chatbot import Chatbot
from rag.errors import GenerationFailed
from rag.retrieval.index import Index
from rag.schema import Message
from rag.service.prefetch import Prefetcher
from rag.service.service import Service
from rag.testing import HashEmbedder
from tests.reader import Reader
from tests.serving import FERRY, FERRY_AR, Running, served
from tests.waiting import PATIENCE, wait_for, wait_until

NAME, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def service(built: Path, meeting: HashEmbedder) -> Service:
    return Service.of(Chatbot(Index.open(built, meeting)))


class Held:
    """Work that goes on until it is told to stop."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        self.stop = threading.Event()

    def __call__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.begun.set()
        wait_for(stop)
        self.ended.set()


def test_one_is_read_at_a_time_and_given_up_by_whoever_knows_its_name(service: Service) -> None:
    prefetcher, work = Prefetcher(service), Held()
    assert prefetcher.begin(NAME, work) is True
    wait_for(work.begun)
    assert prefetcher.begin(OTHER, Held()) is False
    prefetcher.leave(OTHER)
    assert not work.stop.is_set()
    prefetcher.leave(NAME)
    wait_for(work.ended)
    wait_until(lambda: prefetcher.begin("third-of-the-names", lambda stop: None))


def test_it_ends_when_anybody_asks_and_does_not_begin_while_anybody_waits(service: Service) -> None:
    prefetcher, work = Prefetcher(service), Held()
    assert prefetcher.begin(NAME, work) is True
    ticket = service.answers.join("somebody")
    wait_for(work.ended)
    assert prefetcher.begin(OTHER, Held()) is False
    service.answers.leave(ticket)
    wait_until(lambda: prefetcher.begin("third-of-the-names", lambda stop: None))


def test_what_was_given_up_before_it_came_does_not_begin(service: Service) -> None:
    prefetcher = Prefetcher(service)
    prefetcher.leave(NAME)
    assert prefetcher.begin(NAME, Held()) is False


def test_what_goes_wrong_is_told_by_the_question_itself_if_it_is_asked(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    def fails(stop: threading.Event) -> None:
        raise GenerationFailed("error.generation", reason="no memory")

    prefetcher = Prefetcher(service)
    assert prefetcher.begin(NAME, fails) is True
    wait_until(lambda: prefetcher.begin(OTHER, lambda stop: None))
    assert "no memory" in caplog.text


# --- over HTTP, as the page asks ------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    pytest.importorskip("gradio")
    with served(tmp_path, window=True) as running:
        yield running


def prompts(messages: Sequence[Sequence[Message]], part: str) -> list[Sequence[Message]]:
    return [each for each in messages if part in each[-1]["content"]]


@pytest.mark.parametrize("question", [FERRY, FERRY_AR])
def test_the_prompt_that_is_read_ahead_is_the_one_that_is_asked(server: Running, question: str) -> None:
    reader = Reader(server, "")
    asked = {"name": NAME, "question": question, "history": [], "collection": ""}
    wait_until(lambda: reader.call("anticipate", asked) is True)
    wait_until(lambda: prompts(server.generator.prepared, question))
    assert prompts(server.generator.prompts, question) == []
    assert reader.ask(question)[-1]["answer"]["status"] == "answered"
    assert prompts(server.generator.prompts, question) == prompts(server.generator.prepared, question)


def test_nothing_is_read_ahead_while_an_answer_is_written(server: Running) -> None:
    server.gate.open.clear()
    asking = threading.Thread(target=Reader(server, "").ask, args=(FERRY,), daemon=True)
    asking.start()
    wait_for(server.gate.reached)
    reader = Reader(server, "")
    asked = {"name": NAME, "question": FERRY_AR, "history": [], "collection": ""}
    assert reader.call("anticipate", asked) is False
    assert prompts(server.generator.prepared, FERRY_AR) == []
    server.gate.open.set()
    asking.join(PATIENCE)
    assert not asking.is_alive()


@pytest.mark.parametrize("changes", [{"name": "x"}, {"name": None}, {"question": ""}, {"question": "x" * 2001}, {"question": 7}])
def test_what_is_no_question_is_not_read(server: Running, changes: dict[str, Any]) -> None:
    reader = Reader(server, "")
    assert reader.call("anticipate", {"name": NAME, "question": FERRY, "history": [], "collection": ""} | changes) is False
    assert reader.error("anticipate", {"name": NAME, "question": FERRY, "collection": "unknown"}) == "ui.error_collection_unknown"
