"""A language model on another machine, behind any server with an OpenAI-compatible chat API (vLLM, llama-server, …)."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from collections.abc import Generator as TextStream
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from rag.errors import BadSetting, GenerationFailed, ShawahidError
from rag.extras import require
from rag.models.generator import Generation, TokenCounts
from rag.models.llama.generator import Course, Running
from rag.models.thinking import OFF, ThoughtFilter
from rag.schema import Message

if TYPE_CHECKING:
    import httpx

Result = TypeVar("Result")

_CONNECT = 5.0  # seconds: a server that is there answers a connection at once, however busy its model is
_LOOK = 0.05  # seconds between two looks at whether the reader still wants the answer
_CONTEXT = 4096  # tokens, where the server does not say


def is_address(setting: str) -> bool:
    """Return whether a setting names a server rather than a model on this machine."""
    return setting.lower().startswith(("http://", "https://"))


class RemoteGenerator:
    """A model behind an OpenAI-compatible server. Holds no weights; several copies of an app can share one server.

    `address` is the base URL, usually ending in `/v1`, with the model after `#`: `http://10.0.0.5:8000/v1#Qwen/Qwen3-8B`. Without a model,
    the first one that the server lists is used. `key` is sent as a bearer token and appears in no message. `timeout` is how many seconds
    the server may be silent. Generations run concurrently; stopping one closes its connection, by which the server stops too. No
    request is sent before the first use. Raises BadSetting for an invalid address.
    """

    def __init__(self, address: str, key: str = "", *, timeout: float = 120.0) -> None:
        self.url, self._model = _parted(address)
        if not (key.isascii() and key.isprintable()):
            raise BadSetting("error.generator_key")
        self._key = key
        self._timeout = timeout
        self._facts: Mapping[str, Any] | None = None
        require("window")
        self._lock = threading.Lock()
        self._link: _Link | None = None
        self._switches = True
        """Whether requests switch thinking off through the template, which some servers refuse as an unknown field."""

    def __repr__(self) -> str:
        return f"RemoteGenerator({self.url!r}, model={self._model!r})"

    @property
    def address(self) -> str:
        """The server and the model, as SHAWAHID_GENERATOR has them, without the key."""
        return f"{self.url}#{self._model}" if self._model else self.url

    @property
    def name(self) -> str:
        """The model without the folders and suffix of its file, so that it is the same model on any server."""
        return PurePosixPath(self.model).name.removesuffix(".gguf")

    @property
    def model(self) -> str:
        """The server's name for the model. Raises GenerationFailed if the server has to be asked and does not answer."""
        return self._model or str(self._listed()["id"])

    @property
    def context(self) -> int:
        """The context length that the server reports, as vLLM and llama-server do; otherwise 4096."""
        facts = self._listed()
        meta = facts.get("meta")
        told = facts.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, Mapping) else None)
        return told if isinstance(told, int) and told > 0 else _CONTEXT

    def close(self) -> None:
        """Close all connections; the next use opens them again."""
        with self._lock:
            if self._link is not None:
                self._link.close()
                self._link = None

    def prepare(self, messages: Sequence[Message], stop: threading.Event | None = None, *, keep: bool = False) -> None:
        """Make the server read the prompt. What it keeps, and for how long, depends on its prefix cache."""
        self._one_token(messages, stop)

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 200, language: str = "", stop: threading.Event | None = None
    ) -> Generation:
        """Generate an answer greedily. Its usage is the one the server reports; otherwise the received chunks are counted, and the prompt
        as 0.

        A server has no option to bar scripts, so an answer in `language` "ar" or "en" ends before the first letter that is neither
        Arabic nor Latin.
        """
        course = Course(stop or threading.Event())
        return Running(course, _run(course, self, messages, max_tokens, language))

    # --- talking to the server --------------------------------------------------------------------------------------------

    def _body(self, messages: Sequence[Message], max_tokens: int, **options: object) -> dict[str, object]:
        plain = [{"role": message["role"], "content": message["content"]} for message in messages]
        return {"model": self.model, "messages": plain, "max_tokens": max_tokens, "temperature": 0, **options}

    def _unthinking(self, body: object) -> object:
        """Return the body of a request for text with thinking switched off, as vLLM, SGLang and llama-server understand it."""
        if self._switches and isinstance(body, dict) and "messages" in body:
            return body | {"chat_template_kwargs": dict(OFF)}
        return body

    def _one_token(self, messages: Sequence[Message], stop: threading.Event | None = None) -> Mapping[str, Any]:
        """Return the server's reply to a prompt with one new token; an empty one if it was stopped."""
        future = self._start(self._fetch("POST", "/chat/completions", self._body(messages, 1)))
        while True:
            with suppress(TimeoutError):
                return future.result(_LOOK if stop else None)
            if stop is not None and stop.is_set():
                future.cancel()
                return {}

    def _listed(self) -> Mapping[str, Any]:
        """Return the entry of the model in `/v1/models`; only its name if it is not listed. Sends one request at most."""
        if self._facts is None:
            found = self._start(self._fetch("GET", "/models")).result().get("data")
            listed = [item for item in found if isinstance(item, Mapping) and item.get("id")] if isinstance(found, list) else []
            if not listed and not self._model:
                raise self._error("error.remote_garbled", reason="/models")
            wanted = [item for item in listed if item["id"] == self._model] if self._model else listed
            self._facts = wanted[0] if wanted else {"id": self._model}
        return self._facts

    def _start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        with self._lock:
            if self._link is None:
                self._link = _Link(self._key, self._timeout)
            return self._link.start(work)

    async def _fetch(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        async with self._response(method, path, body) as response:
            raw = await response.aread()
            return self._object(raw)

    @asynccontextmanager
    async def _response(self, method: str, path: str, body: object) -> AsyncIterator[httpx.Response]:
        """Return a response of status 200 that has not been read; raise httpx's and the server's errors as ours."""
        import httpx

        assert self._link is not None
        try:
            async with self._link.client.stream(method, self.url + path, json=self._unthinking(body)) as response:
                if response.status_code != 200:
                    raw = await response.aread()
                    if not (self._switches and response.status_code in (400, 422) and b"chat_template_kwargs" in raw):
                        raise self._refusal(response.status_code, raw)
                    self._switches = False
                else:
                    yield response
                    return
            async with self._link.client.stream(method, self.url + path, json=body) as response:
                if response.status_code != 200:
                    raise self._refusal(response.status_code, await response.aread())
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._error("error.remote_unreachable", reason=error or type(error).__name__) from error
        except httpx.TimeoutException as error:
            raise self._error("error.remote_silent", seconds=round(self._timeout)) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._error("error.remote_broken", reason=str(error) or type(error).__name__) from error

    def _object(self, raw: bytes | str) -> Mapping[str, Any]:
        try:
            found = json.loads(raw)
        except ValueError as error:
            raise self._error("error.remote_garbled", reason=_excerpt(raw)) from error
        if not isinstance(found, Mapping):
            raise self._error("error.remote_garbled", reason=_excerpt(raw))
        if found.get("error"):
            raise self._error("error.remote_refused", status=200, reason=_reason(raw))
        return found

    def _refusal(self, status: int, raw: bytes) -> GenerationFailed:
        if status in (401, 403):  # what the server says of a key may repeat it
            return self._error("error.remote_key")
        return self._error("error.remote_refused", status=status, reason=_reason(raw))

    def _error(self, key: str, **fields: object) -> GenerationFailed:
        fields = {name: value if isinstance(value, int) else self._hidden(str(value)) for name, value in fields.items()}
        return GenerationFailed(key, url=self.url, **fields)

    def _hidden(self, text: str) -> str:
        return text.replace(self._key, "…") if self._key else text


def _parted(address: str) -> tuple[str, str]:
    """Split an address into the base URL, without a trailing slash, and the model named after `#`."""
    try:
        parts = urlsplit(address.strip())
        sound = is_address(address.strip()) and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        sound = sound and parts.username is None and not parts.query
    except ValueError:  # a port that is no number, a bracket that is not closed
        sound = False
    if not sound:
        _, at, after = address.partition("#")[0].rpartition("@")
        raise BadSetting("error.generator_address", value=f"…@{after}" if at else address)  # a password is not repeated
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.fragment


class _Link:
    """An event loop in a thread, with the connections that live in it.

    Only a task can be cancelled while it waits for the network; a thread that reads a socket cannot learn that nobody listens.
    """

    def __init__(self, key: str, timeout: float) -> None:
        import httpx

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="shawahid-remote", daemon=True)
        self._thread.start()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # Never more connections waiting for each other than the app lets answers run: the queue is the app's, or the server's.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=32)
        self.client = httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(timeout, connect=_CONNECT), limits=limits)

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        self.start(self._end()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.client.aclose()


def _run(
    course: Course, owner: RemoteGenerator, messages: Sequence[Message], max_tokens: int, language: str
) -> TextStream[str, None, None]:
    if course.halted():
        return
    pieces: queue.SimpleQueue[str | ShawahidError | None] = queue.SimpleQueue()
    body = owner._body(messages, max_tokens, stream=True, stream_options={"include_usage": True})
    future = owner._start(_receive(owner, body, course, pieces))
    future.add_done_callback(lambda done: pieces.put(None))
    thoughts = ThoughtFilter()
    try:
        while not course.halted():
            try:
                piece = pieces.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if piece is None:
                if future.cancelled():  # the generator was closed under it
                    raise owner._error("error.remote_cut")
                break
            if isinstance(piece, ShawahidError):
                raise piece
            piece = thoughts.add(piece)
            kept = _native(piece) if language else piece
            if kept:
                yield kept
            if kept != piece:
                break
        else:
            return
        if piece is None and (rest := thoughts.end()):
            yield _native(rest) if language else rest
    finally:
        future.cancel()
    if future.done() and not future.cancelled() and (defect := future.exception()) is not None:
        raise defect


async def _receive(owner: RemoteGenerator, body: object, course: Course, pieces: queue.SimpleQueue[str | ShawahidError | None]) -> None:
    """Put the pieces of an answer, or the error that ended it, into the reader's queue."""
    written, told, ended = 0, None, False
    try:
        async with owner._response("POST", "/chat/completions", body) as response:
            async for line in response.aiter_lines():
                field, _, data = line.partition(":")
                if field != "data" or not data.strip():
                    continue  # a comment that keeps the connection open, or a field we have no use for
                if data.strip() == "[DONE]":
                    ended = True
                    break
                event = owner._object(data)
                told = _usage(event) or told
                choice = _choice(event)
                delta = choice.get("delta")
                text = delta.get("content") if isinstance(delta, Mapping) else None
                ended = ended or bool(choice.get("finish_reason"))
                if isinstance(text, str) and text:
                    written += 1
                    course.usage = told or TokenCounts(0, 0, written)
                    pieces.put(text)
        if not ended:
            raise owner._error("error.remote_cut")
        course.usage = told or course.usage
    except ShawahidError as error:
        pieces.put(error)


# --- reading what servers write -------------------------------------------------------------------------------------------


def _choice(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first choice of a reply; an empty one for a chunk without choices, such as the one with the usage."""
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else {}


def _usage(event: Mapping[str, Any]) -> TokenCounts | None:
    found = event.get("usage")
    if not isinstance(found, Mapping):
        return None
    details = found.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else 0
    counts = (found.get("prompt_tokens"), cached, found.get("completion_tokens"))
    return TokenCounts(*(count if isinstance(count, int) else 0 for count in counts))


def _native(piece: str) -> str:
    """Return the piece up to its first letter that is neither Arabic nor Latin."""
    for place, character in enumerate(piece):
        arabic = "\u0600" <= character <= "\u06ff" or "\ufb50" <= character <= "\ufdff" or "\ufe70" <= character <= "\ufeff"
        if character.isalpha() and character > "\u024f" and not arabic:
            return piece[:place]
    return piece


def _reason(raw: bytes | str) -> str:
    """Return the server's description of an error, from whichever of the usual fields holds it."""
    try:
        found = json.loads(raw)
    except ValueError:
        return _excerpt(raw)
    told = found.get("error", found.get("detail", found)) if isinstance(found, Mapping) else found
    told = told.get("message", told) if isinstance(told, Mapping) else told
    return _excerpt(told if isinstance(told, str) else json.dumps(told, ensure_ascii=False))


def _excerpt(raw: bytes | str) -> str:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = " ".join(text.split())
    return text if len(text) <= 200 else text[:200] + "…"
