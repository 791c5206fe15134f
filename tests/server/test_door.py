"""What the server lets in, and what it answers to everybody else."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import logging
import re
import socket
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from rag.config import ServerSettings, Settings
from rag.errors import BadSetting
from rag.library.identity import CALLER, PERSON
from rag.server.access import LOOPBACK, Access, RequestLimits
from rag.server.authentication import Gate
from rag.server.request_checks import Guard, Measured, content_policy
from rag.server.site import listen, serve_settings
from tests.waiting import run_async

PASSWORD, TOKEN, OTHER = "ليمونة وخمس نجوم", "first-token-of-a-program", "second-token-of-another"
PAGES = ("/", "/config", "/gradio_api/queue/join", "/shawahid/upload", "/shawahid/window.js", "/gradio_api/mcp/schema")
PROGRAMS = ("/v1/ask", "/v1/models", "/mcp", "/mcp/", "/metrics", "/openapi.json")


class Door:
    """A gate before an app that answers 200 and says who asks, with a clock that is set by hand."""

    def __init__(self, access: Access | None = None) -> None:
        self.time = 1000.0
        self.person = "nobody"
        self.gate = Gate(self._app, access or Access(PASSWORD, (TOKEN, OTHER)), now=lambda: self.time)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.person = scope[PERSON]
        await send({"type": "http.response.body", "body": b"inside " + scope[CALLER].encode()})

    def knock(self, path: str = "/", body: bytes = b"", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        sent: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "path": path, "method": method, "headers": raw, "client": ("10.0.0.9", 1)}
        run_async(self.gate(scope, receive, send))
        names: dict[str, str] = {}
        for key, value in sent[0]["headers"]:  # of several cookies one below the other
            names[key.decode()] = "\n".join(filter(None, [names.get(key.decode(), ""), value.decode()]))
        return sent[0]["status"], names, sent[1]["body"].decode()

    def login(self, password: str, **given: str) -> tuple[int, dict[str, str], str]:
        body = urlencode({"password": password}).encode()
        return self.knock("/login", body, "POST", accept="text/html", accept_language="ar", **given)

    def cookie(self, **given: str) -> str:
        """What a browser sends after a login."""
        return jar(self.login(PASSWORD, **given)[1])


def jar(headers: dict[str, str]) -> str:
    """The cookies that were set, as they come back."""
    return "; ".join(cookie.partition(";")[0] for cookie in headers["set-cookie"].splitlines())


# --- the password and the tokens ------------------------------------------------------------------------------------------


def test_nothing_is_given_out_without_the_password() -> None:
    door = Door()
    for path in PAGES:
        status, _, text = door.knock(path)
        assert (status, "inside" in text) == (401, False), path
    assert door.knock("/shawahid/fonts/x.woff2")[0] == 200
    assert door.knock("/healthz")[0] == 200
    status, _, page = door.knock("/", accept="text/html", accept_language="ar-EG")
    assert status == 401
    assert '<html lang="ar" dir="rtl">' in page


def test_programs_are_told_in_their_own_shape_that_a_token_is_needed() -> None:
    door = Door()
    for path in PROGRAMS:
        status, headers, text = door.knock(path, accept_language="ar")
        error = json.loads(text)["error"]
        assert (status, headers["www-authenticate"]) == (401, "Bearer"), path
        assert (error["type"], error["code"], error["param"]) == ("authentication_error", "token_needed", None)
        assert "رمز" in error["message"]


def test_the_password_opens_the_door_for_some_hours() -> None:
    door = Door()
    status, headers, _ = door.login(PASSWORD)
    assert (status, headers["location"]) == (303, "/")
    for line in headers["set-cookie"].splitlines():
        assert {"HttpOnly", "SameSite=Strict"} <= set(line.split("; "))
    cookie = jar(headers)
    assert door.knock("/config", cookie=cookie)[2].startswith("inside visitor ")
    assert door.knock("/v1/ask", cookie=cookie)[0] == 200
    login, _, owner = cookie.partition("; ")
    assert door.knock("/config", cookie=login[:-1] + ("0" if login[-1] != "0" else "1") + "; " + owner)[0] == 401
    assert door.knock("/config", cookie=cookie.replace("shawahid=4", "shawahid=9"))[0] == 401
    assert door.knock("/config", cookie="shawahid=٩٩٩٩٩٩٩٩.é.é")[0] == 401
    door.time += 13 * 3600
    assert door.knock("/config", cookie=cookie)[0] == 401


def test_two_readers_with_the_same_password_are_two_callers() -> None:
    door = Door()
    assert door.knock("/", cookie=door.cookie())[2] != door.knock("/", cookie=door.cookie())[2]


def test_each_browser_is_given_a_key_that_stays_when_it_logs_in_again() -> None:
    door = Door()
    owners = [door.cookie().partition("shawahid-owner=")[2] for _ in range(3)]
    assert len(set(owners)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", owner) for owner in owners)
    assert door.cookie(cookie=f"shawahid-owner={owners[0]}").partition("shawahid-owner=")[2] == owners[0]
    door.knock("/", cookie=door.cookie(cookie=f"shawahid-owner={owners[0]}"))
    assert door.person == hashlib.sha256(owners[0].encode()).hexdigest()
    door.knock("/v1/ask", authorization=f"Bearer {TOKEN}")
    assert door.person == ""


@pytest.mark.parametrize("owner", ["", "a", "A" * 42, "A" * 44, "A" * 42 + "é", "../" * 14 + "x"])
def test_a_key_that_could_be_guessed_is_none(owner: str) -> None:
    door = Door()
    login, _, own = door.cookie().partition("; ")
    assert door.knock("/", cookie=f"{login}; {own}")[0] == 200
    assert door.knock("/", cookie=f"{login}; shawahid-owner={owner}")[0] == 401
    assert door.knock("/", cookie=own)[0] == 401  # a key alone opens nothing
    assert door.cookie(cookie=f"shawahid-owner={owner}").partition("shawahid-owner=")[2] != owner


def test_a_token_opens_the_door_for_programs_and_for_nothing_else() -> None:
    door = Door()
    for path in PROGRAMS:
        assert door.knock(path, authorization=f"Bearer {TOKEN}")[::2] == (200, "inside token 0")
        assert door.knock(path, authorization=f"bearer {OTHER}")[::2] == (200, "inside token 1")
        for wrong in (
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            "Bearer",
            "Bearer ",
            f"Bearer {PASSWORD}",
            "Bearer \udcff",
        ):
            assert door.knock(path, authorization=wrong.encode("utf-8", "replace").decode())[0] == 401, wrong
    for path in PAGES:
        assert door.knock(path, authorization=f"Bearer {TOKEN}")[0] == 401


def test_with_tokens_and_no_password_the_page_is_closed_and_says_why() -> None:
    door = Door(Access(tokens=(TOKEN,)))
    for path in (*PAGES, "/login"):
        status, _, text = door.knock(path, accept_language="ar")
        assert status == 403
        assert "SHAWAHID_PASSWORD" in text
    assert door.knock("/login", b"password=", "POST")[0] == 403
    assert door.knock("/v1/ask", authorization=f"Bearer {TOKEN}")[0] == 200


def test_with_a_password_and_no_tokens_programs_come_in_by_no_header() -> None:
    door = Door(Access(PASSWORD))
    assert door.knock("/v1/ask", authorization=f"Bearer {PASSWORD}".encode().decode())[0] == 401
    assert door.knock("/v1/ask", authorization="Bearer ")[0] == 401
    assert door.knock("/v1/ask", cookie=door.cookie())[0] == 200


def test_with_neither_everybody_is_let_in() -> None:
    door = Door(Access())
    assert {door.knock(path)[2] for path in (*PAGES, *PROGRAMS)} == {"inside address 10.0.0.9"}


def test_guessing_is_slowed_down() -> None:
    door = Door()
    assert [door.login("wrong")[0] for _ in range(6)] == [401] * 5 + [429]
    assert door.login(PASSWORD)[0] == 429
    door.time += 61
    assert door.login(PASSWORD)[0] == 303


def test_every_secret_is_compared_in_constant_time_and_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.server import authentication

    compared: list[tuple[int, int]] = []
    really = authentication.hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return really(one, other)

    door = Door()
    monkeypatch.setattr(authentication.hmac, "compare_digest", counted)
    for token in (TOKEN, OTHER, "x", TOKEN + "y" * 500):
        compared.clear()
        door.knock("/v1/ask", authorization=f"Bearer {token}")
        assert compared == [(32, 32), (32, 32)], token  # as many comparisons, and as long, whatever was sent
    for password in (PASSWORD, "x", "y" * 500):
        compared.clear()
        door.login(password)
        assert compared == [(32, 32)], password


def test_no_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    access = Access(PASSWORD, (TOKEN,))
    door = Door(access)
    texts = [repr(access), str(access), repr(Access.listening("0.0.0.0", password=PASSWORD, tokens=(TOKEN,)))]
    texts += [text for answer in (door.login(PASSWORD), door.login(PASSWORD + "!")) for text in (answer[2], str(answer[1]))]
    texts += [door.knock("/v1/ask", authorization=f"Bearer {token}")[2] for token in (TOKEN, TOKEN + "!")]
    for short in ({"password": PASSWORD[:5]}, {"tokens": (TOKEN[:9],)}, {"tokens": (TOKEN, "spaced out token of a program")}):
        with pytest.raises(BadSetting) as caught:
            Access(**short)
        texts += [caught.value.text("en"), caught.value.text("ar"), repr(caught.value)]
    for text in (*texts, caplog.text):
        assert PASSWORD[:5] not in text
        assert TOKEN[:9] not in text
        assert "spaced" not in text


def test_other_computers_are_not_let_in_without_a_secret() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5"):
        with pytest.raises(BadSetting) as caught:
            Access.listening(host)
        assert "SHAWAHID_PASSWORD" in caught.value.text("ar")
        assert "SHAWAHID_TOKENS" in caught.value.text("en")
    assert Access.listening("127.0.0.1").hosts == LOOPBACK
    assert Access.listening("0.0.0.0", tokens=(TOKEN,)).hosts is None


@pytest.mark.parametrize(("name", "value"), [("origins", "example.org"), ("origins", "*"), ("frame_ancestors", "'self'; script-src *")])
def test_a_site_that_is_no_site_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Access(**{name: (value,)})
    assert value in caught.value.text("ar")


# --- what passes before it ------------------------------------------------------------------------------------------------


def fetch(host: str, path: str = "/", access: Access | None = None, method: str = "GET", origin: str = "") -> tuple[int, dict[str, str]]:
    """Status and headers of a request to a guarded app that answers 200 to everything."""
    sent: list[MutableMapping[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    names = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    scope = {"type": "http", "path": path, "method": method, "headers": names}
    run_async(Guard(app, access)(scope, receive, send))
    return sent[0]["status"], {key.decode(): value.decode() for key, value in sent[0]["headers"]}


def test_a_page_elsewhere_cannot_ask_in_the_readers_name() -> None:
    assert fetch("localhost:7860", method="POST", origin="https://evil.example")[0] == 403
    assert fetch("localhost:7860", "/v1/ask", method="POST", origin="https://evil.example")[0] == 403
    assert fetch("localhost:7860", method="POST", origin="http://localhost:7860")[0] == 200
    assert fetch("localhost:7860", method="POST")[0] == 200


def test_a_site_that_was_named_may_ask_the_api_and_nothing_else() -> None:
    access = Access(origins=("https://intranet.example",))
    assert fetch("localhost:1", "/v1/ask", access, "POST", "https://intranet.example")[0] == 200
    assert fetch("localhost:1", "/v1/ask", access, "POST", "https://intranet.example.evil")[0] == 403
    assert fetch("localhost:1", "/gradio_api/queue/join", access, "POST", "https://intranet.example")[0] == 403


def test_every_answer_of_the_server_carries_the_policy() -> None:
    status, headers = fetch("127.0.0.1:7860")
    policy = headers["content-security-policy"]
    assert status == 200
    assert policy == content_policy()
    assert policy.endswith("frame-ancestors 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert "http:" not in policy
    assert "*" not in policy


def test_who_may_frame_the_page_can_be_chosen() -> None:
    access = Access(frame_ancestors=("'self'", "https://intranet.example"))
    assert fetch("localhost", access=access)[1]["content-security-policy"].endswith("frame-ancestors 'self' https://intranet.example")


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("[::1]:7860", 200), ("evil.example", 421), ("", 421)])
def test_a_name_that_is_not_ours_is_turned_away(host: str, status: int) -> None:
    assert fetch(host)[0] == status
    assert fetch(host, access=Access(PASSWORD, hosts=None))[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/file=http://10.0.0.1/", "/gradio_api/file=https://evil.example/x", "/gradio_api/proxy=https://e/", "/gradio_api/upload"],
)
def test_the_server_fetches_nothing_for_anybody(path: str) -> None:
    assert fetch("localhost", path)[0] == 403
    assert fetch("localhost", "/gradio_api/file=/tmp/x")[0] == 200


# --- how much -------------------------------------------------------------------------------------------------------------


def send_to(
    limits: RequestLimits, *pieces: bytes, path: str = "/v1/ask", method: str = "POST", stalls: bool = False, **headers: str
) -> tuple[int, str]:
    """What comes of a request whose body arrives in pieces, and then, where it `stalls`, nothing more. 200: the app saw it all."""
    sent: list[MutableMapping[str, Any]] = []
    waiting = list(pieces)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                await send({"type": "http.response.start", "status": 499, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def receive() -> MutableMapping[str, Any]:
        if stalls and not waiting:
            await asyncio.Event().wait()
        piece = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": piece, "more_body": bool(waiting) or stalls}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    run_async(Measured(app, limits)({"type": "http", "path": path, "method": method, "headers": raw}, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


def test_a_request_arrives_whole_however_it_came() -> None:
    assert send_to(RequestLimits(body=6), b"abc", b"", b"def") == (200, "abcdef")
    assert send_to(RequestLimits(), "سؤال".encode()) == (200, "سؤال")
    assert send_to(RequestLimits(), method="GET") == (200, "")


@pytest.mark.parametrize("declared", [{"content_length": "7"}, {"content_length": "٧"}, {"content_length": "-1"}, {}])
def test_a_request_that_is_too_large_is_refused_whatever_it_says_of_itself(declared: dict[str, str]) -> None:
    status, text = send_to(RequestLimits(body=6), b"abc", b"defg", **declared)
    assert status == 413
    assert json.loads(text)["error"]["code"] == "too_large"
    assert "6" in json.loads(text)["error"]["message"]


def test_a_document_may_be_larger_than_a_question() -> None:
    limits = RequestLimits(body=3, document=6)
    for path in ("/shawahid/upload", "/v1/documents/a.txt"):
        assert send_to(limits, b"abcdef", path=path, method="PUT") == (200, "abcdef")
        assert send_to(limits, b"", path=path, method="PUT", content_length="7")[0] == 413
        assert send_to(limits, b"abcdef", path=path)[0] == 413


def test_a_request_may_be_as_large_as_the_largest_kind_of_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """16 MiB of text and 64 MiB of PDF, Word and EPUB, which hold pictures: what comes in must let both pass."""
    served: dict[str, Any] = {}
    module = importlib.import_module("rag.server.site")  # the package has a function of that name
    monkeypatch.setattr(module, "serve", lambda service, library, **parts: served.update(parts))
    monkeypatch.setenv("SHAWAHID_DATA", str(tmp_path))
    for megabytes, most in ((16, 64 * 2**20), (1, 4 * 2**20)):
        serve_settings(Settings(generator="none", max_file_mb=megabytes), ServerSettings(), ready=print)
        assert served["limits"].document == most
    assert RequestLimits().document == 64 * 2**20


def test_a_request_that_stops_coming_is_ended() -> None:
    status, text = send_to(RequestLimits(patience=0.05), b"{", stalls=True)
    assert (status, json.loads(text)["error"]["code"]) == (408, "too_slow")
    assert send_to(RequestLimits(patience=0.05), b"{", path="/shawahid/upload", method="PUT", stalls=True)[0] == 499  # as if it had left


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSetting) as caught:
            listen("127.0.0.1", port)
    assert f"127.0.0.1:{port}" in caught.value.text("ar")
