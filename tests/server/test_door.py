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
from rag.library.identity import CALLER, PERSON, Keys
from rag.server.access import LOOPBACK, Access, RequestLimits
from rag.server.authentication import Gate
from rag.server.logins import Attempts, Logins, Newcomers, elapsed, network_of
from rag.server.request_checks import Guard, Measured, content_policy
from rag.server.site import listen, serve_settings
from tests.waiting import run_async

PASSWORD, TOKEN, OTHER = "ليمونة وخمس نجوم", "first-token-of-a-program", "second-token-of-another"
PAGES = ("/", "/config", "/gradio_api/queue/join", "/shawahid/upload", "/shawahid/window.js", "/gradio_api/mcp/schema")
PROGRAMS = ("/v1/ask", "/v1/models", "/mcp", "/mcp/", "/metrics", "/openapi.json")


class Door:
    """A gate before an app that answers 200 and says who asks, with a clock that is set by hand, and moved by waiting."""

    def __init__(self, access: Access | None = None, limits: RequestLimits | None = None) -> None:
        self.time = 1000.0
        self.person = "nobody"
        self.keys = Keys(owns=lambda person: person in self.owners)
        self.owners: set[str] = set()
        attempts = Attempts(lambda: self.time, self._sleep)
        self.gate = Gate(
            self._app,
            access or Access(PASSWORD, (TOKEN, OTHER)),
            limits=limits,
            logins=Logins(lambda: self.time),
            keys=self.keys,
            attempts=attempts,
            newcomers=Newcomers(access.new_readers if access else 0, lambda: self.time),
        )

    async def _sleep(self, seconds: float) -> None:
        self.time += seconds

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.person = scope[PERSON]
        await send({"type": "http.response.body", "body": b"inside " + scope[CALLER].encode()})

    def knock(
        self,
        path: str = "/",
        body: bytes = b"",
        method: str = "GET",
        *,
        query: bytes = b"",
        client: str = "10.0.0.9",
        scheme: str = "http",
        stalls: bool = False,
        **headers: str,
    ) -> tuple[int, dict[str, str], str]:
        sent: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def receive() -> MutableMapping[str, Any]:
            if stalls:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": body, "more_body": False}

        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "path": path, "method": method, "headers": raw, "client": (client, 1), "scheme": scheme}
        scope["query_string"] = query
        run_async(self.gate(scope, receive, send))
        names: dict[str, str] = {}
        for key, value in sent[0]["headers"]:  # of several cookies one below the other
            names[key.decode()] = "\n".join(filter(None, [names.get(key.decode(), ""), value.decode()]))
        return sent[0]["status"], names, sent[1]["body"].decode()

    def login(self, password: str, **given: Any) -> tuple[int, dict[str, str], str]:
        body = urlencode({"password": password}).encode()
        return self.knock("/login", body, "POST", accept="text/html", accept_language="ar", **given)

    def cookie(self, **given: Any) -> str:
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
    assert door.knock("/config", cookie="shawahid=٩٩٩٩٩٩٩٩.é.é; " + owner)[0] == 401
    assert door.knock("/config", cookie=f"shawahid={'9' * 5000}; {owner}")[0] == 401
    door.time += 11 * 3600
    assert door.knock("/config", cookie=cookie)[0] == 200
    door.time += 2 * 3600
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


def test_guessing_is_slowed_down_and_the_right_password_still_comes_in() -> None:
    door = Door()
    assert [door.login("wrong")[0] for _ in range(5)] == [401] * 5
    assert door.time == 1000
    assert [door.login("wrong")[0] for _ in range(5)] == [401] * 5
    assert door.time == 1050  # ten seconds each
    assert door.login(PASSWORD)[0] == 303
    assert door.time == 1060
    assert door.login("wrong", client="10.0.0.10")[0] == 401
    assert door.time == 1060  # another address has tries of its own


def test_one_address_does_not_get_one_quota_after_the_other() -> None:
    door = Door(Access(PASSWORD, (TOKEN,), new_readers=2))
    first, _ = door.cookie(), door.cookie(cookie=f"shawahid-owner={'A' * 43}")  # an invented key is one of the two
    status, headers, text = door.login(PASSWORD)
    assert (status, "set-cookie" in headers) == (429, False)
    assert "غدًا" in text
    assert door.login(PASSWORD, cookie=first)[0] == 303  # who was here comes in
    assert door.login(PASSWORD, client="10.0.0.10")[0] == 303
    door.time += 86_400
    assert door.login(PASSWORD)[0] == 303
    unlimited = Door()
    assert {unlimited.login(PASSWORD)[0] for _ in range(60)} == {303}


def test_attempts_of_one_source_wait_in_line_and_the_line_is_short() -> None:
    ended: list[str] = []

    async def crowd() -> list[bool]:
        release = asyncio.Event()

        async def sleep(seconds: float) -> None:
            ended.append(f"{seconds:g}")
            await release.wait()

        attempts = Attempts(lambda: 0.0, sleep)
        for _ in range(5):
            assert await attempts.turn("a")
            attempts.failed("a")
        turns = [asyncio.ensure_future(attempts.turn("a")) for _ in range(8)]
        await asyncio.sleep(0)
        assert await attempts.turn("b")
        release.set()
        return list(await asyncio.gather(*turns))

    assert run_async(crowd()) == [True] * 6 + [False] * 2
    assert ended == ["10", "20", "30", "40", "50", "60"]


def test_a_browser_that_was_here_is_not_held_up_by_whoever_guesses_at_its_address() -> None:
    door = Door()
    owner = door.cookie().partition("; ")[2]
    for _ in range(20):
        door.login("wrong")
    before = door.time
    assert door.login(PASSWORD, cookie=owner)[0] == 303
    assert door.time == before
    # It has five tries itself; and a key that was invented has none.
    assert [door.login("wrong", cookie=owner)[0] for _ in range(5)] == [401] * 5
    assert door.time == before
    door.login("wrong", cookie=owner)
    assert door.time == before + 10
    door.login("wrong", cookie=f"shawahid-owner={'A' * 43}")
    assert door.time == before + 20


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.9", "10.0.0.9"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::f:1", "2001:db8::/64"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("", ""),
    ],
)
def test_an_attempt_counts_for_the_network_of_one_customer(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_login_is_ended_where_it_was_begun_and_everywhere() -> None:
    door = Door()
    one = door.cookie()
    owner = one.partition("; ")[2]
    other, somebody = door.cookie(cookie=owner), door.cookie()
    status, headers, _ = door.knock("/shawahid/logout", method="POST", cookie=one)
    assert (status, "shawahid=; Max-Age=0" in headers["set-cookie"], "owner" in headers["set-cookie"]) == (204, True, False)
    assert [door.knock("/config", cookie=cookie)[0] for cookie in (one, other, somebody)] == [401, 200, 200]
    one = door.cookie(cookie=owner)
    assert door.knock("/shawahid/logout", method="POST", query=b"everywhere", cookie=one)[0] == 204
    assert [door.knock("/config", cookie=cookie)[0] for cookie in (one, other, somebody)] == [401, 401, 200]
    assert door.knock("/shawahid/logout", method="POST")[0] == 401


def test_a_login_goes_with_the_key_it_was_begun_for() -> None:
    """Otherwise one login with invented keys would be as many people, each with a quota of its own."""
    door = Door()
    login, _, owner = door.cookie().partition("; ")
    another = door.cookie().partition("; ")[2]
    for invented in (f"shawahid-owner={'A' * 43}", another):
        assert door.knock("/config", cookie=f"{login}; {invented}")[0] == 401
    assert door.knock("/config", cookie=f"{login}; {owner}")[0] == 200


def test_a_key_planted_in_a_browser_does_not_stay() -> None:
    door = Door()
    planted = f"shawahid-owner={'A' * 43}"
    assert "A" * 43 not in door.cookie(cookie=planted)
    # One of before keys were marked is known by what it owns.
    door.owners.add(hashlib.sha256(("A" * 43).encode()).hexdigest())
    assert planted in door.cookie(cookie=planted)
    # Over HTTPS the cookie has a name that a neighbouring server or a page without HTTPS cannot set.
    issued = door.cookie().partition("; ")[2]
    over_https = door.cookie(cookie=issued, scheme="https")
    assert over_https.startswith("__Host-shawahid=")
    assert issued not in over_https
    assert door.knock("/config", cookie=over_https, scheme="https")[0] == 200


def test_a_login_is_over_even_if_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = elapsed()
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert elapsed() >= before


def test_a_login_that_stops_coming_is_ended() -> None:
    door = Door(limits=RequestLimits(patience=0.05))
    assert door.knock("/login", method="POST", stalls=True)[0] == 408
    assert door.knock("/login", b"password=" + b"x" * 5000, "POST")[0] == 413


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
    [
        "/gradio_api/file=http://10.0.0.1/",
        "/gradio_api/file=https://evil.example/x",
        "/gradio_api/file/http://10.0.0.1/",
        "/gradio_api/file/HTTP://10.0.0.1/",
        "/gradio_api/file=/tmp/x",
        "/gradio_api/proxy=https://e/",
        "/gradio_api/upload",
        "/gradio_api/process_recording",
        "/gradio_api/run/predict",
        "/gradio_api/queue/../file=http://10.0.0.1/",
        "/dev/reload",
        "/monitoring",
    ],
)
def test_the_server_fetches_nothing_for_anybody(path: str) -> None:
    assert fetch("localhost", path)[0] == 403


def test_a_path_that_leads_out_of_what_is_open_is_refused() -> None:
    """What serves the open files would resolve it to one of the page's own, which is behind the password."""
    for path in ("/shawahid/fonts/../window.js", "/shawahid/fonts/./../window.js", "/shawahid/fonts/..\\window.js"):
        assert fetch("localhost", path)[0] == 403
    door = Door()
    for path in ("/healthzz", "/favicon.icon", "/shawahid/icon.svgz", "/metricsx"):
        assert door.knock(path)[0] == 401, path


@pytest.mark.parametrize(
    "origin", ["http://[", "http://[::1", "null", "http://localhost:7860@evil.example", "http://evil.example/localhost:7860"]
)
def test_an_origin_that_cannot_be_read_is_a_foreign_one(origin: str) -> None:
    assert fetch("localhost:7860", method="POST", origin=origin)[0] == 403


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


@pytest.mark.parametrize(
    "declared",
    [{"content_length": length} for length in ("7", "٧", "-1", "9" * 5000)] + [{}],
    ids=["7", "arabic", "negative", "long", "none"],
)
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
    assert send_to(RequestLimits(arrival=0.05), b"{", stalls=True)[0] == 408


def test_whom_the_server_believes_about_a_client_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ServerSettings.load({"SHAWAHID_PROXIES": "127.0.0.1 10.0.0.0/8"}).proxies == ("127.0.0.1", "10.0.0.0/8")
    for wrong in ("*", "proxy.example", "10.0.0.1/8"):
        with pytest.raises(BadSetting) as caught:
            Access(proxies=(wrong,))
        assert "SHAWAHID_PROXIES" in caught.value.text("ar")


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSetting) as caught:
            listen("127.0.0.1", port)
    assert f"127.0.0.1:{port}" in caught.value.text("ar")
