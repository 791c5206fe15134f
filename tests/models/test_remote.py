"""A generator on another machine, against a small server that does what it is told: good manners, bad ones, and silence."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.config import Settings
from rag.errors import BadSetting, GenerationFailed
from rag.factory import open_generator
from rag.models.generator import Generation, TokenCounts
from rag.models.remote_generator import RemoteGenerator, _native
from rag.retrieval.index import Index
from rag.schema import Message, Status
from rag.storage.build import build_index
from tests.helpers import CORPUS, embedder, write
from tests.waiting import wait_for

KEY = "sk-secret"
ASK: list[Message] = [{"role": "user", "content": "Who? من؟"}]


class Double:
    """An OpenAI-compatible server whose model's name says how it behaves; it remembers every request."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.left = threading.Event()
        """A client went away in the middle of an answer."""
        self.app.get("/v1/models")(self.models)
        self.app.post("/v1/chat/completions")(self.chat)
        self.app.post("/broken/chat/completions")(self.page)
        self.app.get("/broken/models")(self.page)

    async def models(self) -> dict[str, Any]:
        listed = [
            {"id": "models/Kind-7B.gguf", "max_model_len": 32768},
            {"id": "llama", "meta": {"n_ctx": 2048}},
            {"id": "plain"},
        ]
        return {"object": "list", "data": listed}

    async def page(self) -> Response:
        return Response("<html>Welcome</html>", media_type="text/html")

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("authorization"))
        model = body["model"]
        if model == "locked":
            return JSONResponse({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401)
        if model == "small":
            return JSONResponse({"error": {"message": f"context length is 16 {KEY}", "code": 400}}, 400)
        if model == "detail":
            return JSONResponse({"detail": [{"msg": "no"}]}, 422)
        if model == "strict" and "chat_template_kwargs" in body:
            return JSONResponse({"error": {"message": "Unrecognized request argument supplied: chat_template_kwargs"}}, 400)
        if model == "down":
            return Response("upstream is away", 503)
        if body.get("stream"):
            return StreamingResponse(self.events(model), media_type="text/event-stream")
        return JSONResponse(self.whole(body))

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        choice = {"message": {"role": "assistant", "content": "Yes"}, "finish_reason": "length"}
        counts = {"prompt_tokens": 11, "completion_tokens": 1}
        return {"choices": [choice]} if body["model"] == "silent-counts" else {"choices": [choice], "usage": counts}

    async def events(self, model: str) -> AsyncIterator[str]:
        def piece(text: str | None, reason: str | None = None) -> str:
            choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": reason}
            return f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\n\n"

        yield ": welcome\n\n"
        yield f"data: {json.dumps({'choices': [{'delta': {'role': 'assistant', 'content': ''}}]})}\n\n"
        if model == "thinking":
            yield piece("<think>Perhaps")
            yield piece(" John.</th")
            yield piece("ink>\n\n")
        yield piece("The ")
        if model == "stuck":
            try:
                await asyncio.Event().wait()
            finally:
                self.left.set()
        if model == "error-inside":
            yield 'data: {"error": {"message": "out of memory"}}\n\n'
        if model == "garbled":
            yield "data: {not json\n\n"
        if model == "cut":
            return
        yield piece("captain ")
        yield piece("中国 was" if model == "foreign" else "جون ريد.")
        yield piece(None, "stop")
        if model != "silent-counts":
            usage = {"prompt_tokens": 40, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 32}}
            yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
        yield "data: [DONE]\n\n"


@pytest.fixture(scope="module")
def serving() -> Iterator[tuple[Double, str]]:
    double = Double()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(double.app, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield double, f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    server.should_exit = True
    thread.join(30)
    listener.close()


@pytest.fixture
def double(serving: tuple[Double, str], monkeypatch: pytest.MonkeyPatch) -> Double:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    double = serving[0]
    double.bodies.clear()
    double.keys.clear()
    double.left.clear()
    return double


@pytest.fixture
def address(serving: tuple[Double, str], double: Double) -> str:
    return serving[1]


def remote(address: str, model: str = "", key: str = "", timeout: float = 60.0) -> RemoteGenerator:
    return RemoteGenerator(f"{address}#{model}" if model else address, key, timeout=timeout)


# --- answers --------------------------------------------------------------------------------------------------------------


def test_an_answer_comes_in_pieces_with_the_servers_count(double: Double, address: str) -> None:
    generation = remote(address, "plain").stream(ASK, max_tokens=50, language="en")
    assert double.bodies == []  # nothing is sent before it is read
    assert list(generation) == ["The ", "captain ", "جون ريد."]
    assert generation.usage == TokenCounts(40, 32, 5)
    (body,) = double.bodies
    assert body["messages"] == ASK
    assert (body["model"], body["max_tokens"], body["temperature"], body["stream"]) == ("plain", 50, 0, True)
    assert double.keys == [None]


def test_a_server_that_counts_nothing_has_its_pieces_counted(address: str) -> None:
    generator = remote(address, "silent-counts")
    generation = generator.stream(ASK)
    assert "".join(generation) == "The captain جون ريد."
    assert generation.usage == TokenCounts(0, 0, 3)


def test_an_answer_ends_before_a_letter_that_its_language_does_not_use(address: str) -> None:
    assert "".join(remote(address, "foreign").stream(ASK, language="ar")) == "The captain "
    assert "".join(remote(address, "foreign").stream(ASK)) == "The captain 中国 was"


@pytest.mark.parametrize(
    ("piece", "kept"),
    [("", ""), ("كتاب book é ٣ 。!", "كتاب book é ٣ 。!"), ("ab中", "ab"), ("привет", ""), ("ﻻ ελ", "ﻻ "), ("한국", "")],
)
def test_letters_of_other_scripts(piece: str, kept: str) -> None:
    assert _native(piece) == kept


def test_two_answers_at_once(double: Double, address: str) -> None:
    generator = remote(address, "stuck")
    first, second = iter(generator.stream(ASK)), iter(generator.stream(ASK))
    assert (next(first), next(second)) == ("The ", "The ")
    generator.close()
    for stream in (first, second):
        with pytest.raises(GenerationFailed):
            next(stream)
    wait_for(double.left)


def test_a_closed_generator_opens_again(address: str) -> None:
    generator = remote(address, "plain")
    for _ in range(2):
        assert len(list(generator.stream(ASK))) == 3
        generator.close()
    generator.close()


# --- the model ------------------------------------------------------------------------------------------------------------


def test_the_model_is_the_one_named_or_the_first(double: Double, address: str) -> None:
    assert remote(address, "org/Kind-7B").name == "Kind-7B"
    generator = remote(address)
    assert (generator.name, generator.model, generator.context) == ("Kind-7B", "models/Kind-7B.gguf", 32768)
    list(generator.stream(ASK))
    assert double.bodies[0]["model"] == "models/Kind-7B.gguf"
    assert remote(address, "llama").context == 2048
    assert remote(address, "plain").context == remote(address, "unlisted").context == 4096


def test_prompts_are_read_in_advance_with_one_token(double: Double, address: str) -> None:
    generator = remote(address, "plain")
    generator.prepare(ASK)
    generator.prepare(ASK, threading.Event())
    assert [body["max_tokens"] for body in double.bodies] == [1, 1]


# --- stopping -------------------------------------------------------------------------------------------------------------


def read_until(generation: Generation, end: Callable[[], None]) -> list[str]:
    """The pieces of an answer whose reader has it ended from another thread after the first, and then waits for more."""
    begun, pieces = threading.Event(), []
    thread = threading.Thread(target=lambda: (wait_for(begun), end()))
    thread.start()
    for piece in generation:
        pieces.append(piece)
        begun.set()
    thread.join(30)
    return pieces


def test_closing_leaves_the_server_at_once(double: Double, address: str) -> None:
    stop = threading.Event()
    generation = remote(address, "stuck").stream(ASK, stop=stop)
    assert next(iter(generation)) == "The "
    generation.close()
    wait_for(double.left)
    assert not stop.is_set()
    assert list(generation) == []


def test_stopping_ends_an_answer_that_waits_for_the_server(double: Double, address: str) -> None:
    stop = threading.Event()
    assert read_until(remote(address, "stuck").stream(ASK, stop=stop), stop.set) == ["The "]
    wait_for(double.left)
    assert list(remote(address, "plain").stream(ASK, stop=stop)) == []  # stopped before it began
    assert len(double.bodies) == 1


def test_closing_from_another_thread(double: Double, address: str) -> None:
    generation = remote(address, "stuck").stream(ASK)
    assert read_until(generation, generation.close) == ["The "]
    wait_for(double.left)


def test_a_stream_that_is_dropped_leaves_the_server(double: Double, address: str) -> None:
    generation = remote(address, "stuck").stream(ASK)
    next(iter(generation))
    del generation
    wait_for(double.left)


def test_reading_in_advance_is_stopped() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections and says nothing
        stop = threading.Event()
        stop.set()
        remote(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "plain").prepare(ASK, stop)


# --- what goes wrong ------------------------------------------------------------------------------------------------------


def failure(generator: RemoteGenerator) -> GenerationFailed:
    with pytest.raises(GenerationFailed) as caught:
        list(generator.stream(ASK))
    assert caught.value.http_status == 502
    assert generator.url in str(caught.value)
    assert generator.url in caught.value.text("ar")
    assert KEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("model", "key", "says"),
    [
        ("locked", "error.remote_key", "SHAWAHID_GENERATOR_KEY"),
        ("small", "error.remote_refused", "context length is 16 …"),
        ("detail", "error.remote_refused", '{"msg": "no"}'),
        ("down", "error.remote_refused", "503): upstream is away"),
        ("error-inside", "error.remote_refused", "out of memory"),
        ("garbled", "error.remote_garbled", "{not json"),
        ("cut", "error.remote_cut", "in the middle"),
    ],
)
def test_what_a_server_may_answer(address: str, model: str, key: str, says: str) -> None:
    error = failure(remote(address, model, KEY))
    assert error.key == key
    assert says in str(error)


def test_a_server_that_is_no_language_model(address: str) -> None:
    elsewhere = address.removesuffix("/v1") + "/broken"
    for generator in (remote(elsewhere), remote(elsewhere, "m")):
        with pytest.raises(GenerationFailed) as caught:
            generator.prepare(ASK)
        assert caught.value.key == "error.remote_garbled"
        assert "<html>" in str(caught.value)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(remote(f"http://127.0.0.1:{port}/v1", "m")).key == "error.remote_unreachable"


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the connection is made, and waits
        error = failure(remote(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "m", timeout=0.2))
    assert error.key == "error.remote_silent"


def test_a_connection_that_breaks() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(1)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert failure(remote(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "m")).key == "error.remote_broken"


# --- the setting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "https://#m",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://user:hush@host/v1",
        "http://h/v1?k=1",
    ],
)
def test_an_address_that_means_nothing(address: str) -> None:
    with pytest.raises(BadSetting) as caught:
        open_generator(Settings(generator=address))
    for message in (str(caught.value), caught.value.text("ar")):
        assert "#model" in message
        assert "hush" not in message


@pytest.mark.parametrize("key", ["sk-\n", "مفتاح"])
def test_a_key_that_is_none_is_not_repeated(key: str) -> None:
    with pytest.raises(BadSetting) as caught:
        RemoteGenerator("http://host/v1", key)
    assert key not in str(caught.value)


def test_the_key_is_sent_and_never_shown(double: Double, address: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load({"SHAWAHID_GENERATOR": f" {address}/#plain ", "SHAWAHID_GENERATOR_KEY": KEY})
    with caplog.at_level(logging.DEBUG):
        generator, notice = open_generator(settings)
        assert isinstance(generator, RemoteGenerator)
        assert notice is None
        assert generator.url == address
        assert len(list(generator.stream(ASK))) == 3
    assert double.keys == [f"Bearer {KEY}"]
    for shown in (repr(settings), repr(generator), str(vars(generator)["url"]), caplog.text):
        assert KEY not in shown


def test_a_chatbot_over_a_server(address: str, tmp_path: Any) -> None:
    """Across languages the model writes: the captain's name is proved by the Arabic sentence."""
    build_index(write(tmp_path / "documents", CORPUS), tmp_path / "index", embedder())
    with Index.open(tmp_path / "index", embedder()) as index:
        calibration = Calibration.of("unknown", "plain", own=True)
        answer = Chatbot(index, remote(address, "plain"), calibration=calibration).ask("Who was the captain of the ferry Albatros?")
    assert answer.draft == "The captain جون ريد."
    assert answer.timing.generated_tokens == 5
    assert answer.status in (Status.ANSWERED, Status.UNSUPPORTED)
    assert answer.citations


# --- thinking -------------------------------------------------------------------------------------------------------------


def test_thinking_is_switched_off_and_never_shown(double: Double, serving: tuple[Double, str]) -> None:
    generator = RemoteGenerator(f"{serving[1]}#thinking")
    assert "".join(generator.stream(ASK, language="en")) == "The captain جون ريد."
    assert double.bodies[-1]["chat_template_kwargs"] == {"enable_thinking": False, "thinking": False}
    generator.close()


def test_a_server_that_does_not_know_the_switch_is_asked_without_it(double: Double, serving: tuple[Double, str]) -> None:
    generator = RemoteGenerator(f"{serving[1]}#strict")
    for _ in range(2):
        assert "".join(generator.stream(ASK, language="en")) == "The captain جون ريد."
    assert ["chat_template_kwargs" in body for body in double.bodies] == [True, False, False]  # it is not tried again
    generator.close()
