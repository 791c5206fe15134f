"""The default generator behind llama-cpp-python's own server, as another machine would serve it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from rag.answering.chatbot import Chatbot
from rag.errors import ShawahidError
from rag.models.catalogue import profile
from rag.models.remote_generator import RemoteGenerator
from rag.schema import Message, Status
from rag.testing import HashEmbedder
from tests.helpers import model
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

GENERATOR = profile("default").generator
SERVER_NEEDS = ("sse_starlette", "starlette_context", "pydantic_settings")


def user(text: str, system: str = "You answer in one short sentence.") -> list[Message]:
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


@pytest.fixture(scope="module")
def path() -> Path:
    missing = [name for name in SERVER_NEEDS if find_spec(name) is None]
    if missing:
        pytest.skip(f"llama-cpp-python's server needs {', '.join(missing)}: make test installs them")
    return model(GENERATOR, "generator")


def answers(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    """Whether the server has come up; fails when it has ended instead."""
    try:
        httpx.get(f"http://127.0.0.1:{port}/v1/models", trust_env=False)
    except httpx.TransportError:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        return False
    return True


@pytest.fixture(scope="module")
def remote(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteGenerator]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    options = {"model": path, "model_alias": GENERATOR, "n_ctx": 2048, "port": port, "api_key": "sk-real", "interrupt_requests": False}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "llama_cpp.server", *arguments], stdout=out, stderr=out, env=environment)
    generator = RemoteGenerator(f"http://127.0.0.1:{port}/v1#{GENERATOR}", "sk-real")
    try:
        wait_until(lambda: answers(process, port, log), 120)
        yield generator
    finally:
        generator.close()
        process.terminate()
        process.wait(60)


def test_an_answer_in_each_language(remote: RemoteGenerator) -> None:
    generation = remote.stream(user("What is the capital of France?"), max_tokens=24, language="en")
    pieces = list(generation)
    assert "Paris" in "".join(pieces)
    assert len(pieces) > 1
    assert generation.usage.generated_tokens == len(pieces)
    assert "باريس" in "".join(remote.stream(user("ما عاصمة فرنسا؟"), max_tokens=24, language="ar"))


def test_leaving_in_the_middle_lets_the_next_one_in(remote: RemoteGenerator) -> None:
    remote.prepare(user("What is the capital of France?"))  # a server prepares nothing, and refuses nothing
    long = user("Describe in many sentences, at great length, how bread is baked.")
    stop = threading.Event()
    stream = remote.stream(long, max_tokens=1500, stop=stop)
    next(iter(stream))
    stop.set()
    assert list(stream) == []
    assert "Paris" in "".join(remote.stream(user("What is the capital of France?"), max_tokens=24))


def test_the_servers_refusals(remote: RemoteGenerator) -> None:
    with pytest.raises(ShawahidError) as caught:
        list(RemoteGenerator(f"{remote.url}#{GENERATOR}", "sk-wrong").stream(user("Who?")))
    assert caught.value.key == "error.remote_key"
    with pytest.raises(ShawahidError) as caught:
        remote.prepare(user("word " * 3000))
    assert caught.value.key == "error.remote_refused"
    assert "2048" in str(caught.value)


def test_the_model_found_by_asking(remote: RemoteGenerator) -> None:
    assert RemoteGenerator(remote.url, "sk-real").name == GENERATOR


def test_a_chatbot_over_the_server(remote: RemoteGenerator, built: Path, meeting: HashEmbedder) -> None:
    from rag.retrieval.index import Index

    with Index.open(built, meeting) as index:
        bot = Chatbot(index, remote)
        assert bot.calibration.prompted == 1  # fitted values are found by the model's name
        bot.warm()
        answer = bot.ask("Who was the captain of the ferry Albatros?")
    assert answer.status in (Status.ANSWERED, Status.UNSUPPORTED)
    assert answer.citations
    assert answer.timing.generated_tokens > 0 or not answer.draft
