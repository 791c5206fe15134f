"""A password before everything: page, files, API and tools alike. Needed as soon as other computers can reach the server."""

from __future__ import annotations

import hashlib
import hmac
import html
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from rag.strings import say

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "isnad"
LEAST = 8
"""Characters of a password."""
_STAY = 12 * 3600  # seconds that a login lasts
_TRIES, _PAUSE = 5, 60.0  # wrong passwords from one address, and the seconds it then has to wait
_LONGEST_FORM = 4096
_OPEN = ("/isnad/fonts/", "/isnad/icon.svg", "/favicon.ico")

_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="/isnad/icon.svg"><style>
@font-face {{ font-family: P; src: url("/isnad/fonts/ibm-plex-sans-arabic-arabic-400-normal.woff2"); unicode-range: U+0600-06FF; }}
@font-face {{ font-family: P; src: url("/isnad/fonts/ibm-plex-sans-arabic-latin-400-normal.woff2"); unicode-range: U+0000-00FF; }}
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.8 P, system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 1rem; }}
form {{ display: grid; gap: .8rem; width: min(22rem, 100%); }} h1 {{ font-size: 1.4rem; margin: 0; }} p {{ margin: 0; }}
input, button {{ font: inherit; padding: .5rem .8rem; border-radius: 8px; border: 1px solid #777; }}
button {{ background: #0b5a4b; color: #fff; border: 0; }}
</style></head><body><main><form method="post" action="/login"><h1>{name}</h1>{problem}
<label for="password">{label}</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<button>{button}</button></form></main></body></html>"""


class Gate:
    """Lets through who has logged in, or sends the password as a bearer token; everybody else gets the login page or 401.

    A login is a cookie signed with a key of this process, so it ends when the server does.
    """

    def __init__(self, app: App, password: str, *, now: Callable[[], float] = time.time) -> None:
        self._app = app
        self._password = password.encode()
        self._now = now
        self._key = secrets.token_bytes(32)
        self._failed: dict[str, list[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        path = scope["path"]
        if path == "/login" and scope.get("method") == "POST":
            await self._login(scope, headers, receive, send)
        elif path.startswith(_OPEN) or self._known(scope, headers):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
        else:
            await self._page(send, headers, 401)

    def _known(self, scope: Scope, headers: dict[str, str]) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and not self._waits(scope):
            if hmac.compare_digest(token.strip().encode(), self._password):
                return True
            self._failures(scope).append(self._now())
            return False
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        until, _, signature = (jar[COOKIE].value if COOKIE in jar else "").partition(".")
        return until.isdecimal() and int(until) > self._now() and hmac.compare_digest(signature, self._sign(until))

    def _sign(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()

    def _failures(self, scope: Scope) -> list[float]:
        address = (scope.get("client") or ("",))[0]
        if len(self._failed) > 10_000:  # a flood of addresses must not fill the memory
            self._failed.clear()
        recent = [at for at in self._failed.get(address, []) if self._now() - at < _PAUSE]
        self._failed[address] = recent
        return recent

    def _waits(self, scope: Scope) -> bool:
        return len(self._failures(scope)) >= _TRIES

    async def _login(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more and len(body) <= _LONGEST_FORM:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if self._waits(scope):
            await self._page(send, headers, 429, "ui.login_wait")
            return
        given = parse_qs(body[:_LONGEST_FORM].decode("utf-8", "replace")).get("password", [""])[0]
        if not hmac.compare_digest(given.encode(), self._password):
            self._failures(scope).append(self._now())
            await self._page(send, headers, 401, "ui.login_wrong")
            return
        until = str(int(self._now()) + _STAY)
        cookie = f"{COOKIE}={until}.{self._sign(until)}; HttpOnly; SameSite=Strict; Path=/; Max-Age={_STAY}"
        await _respond(send, 303, b"", [(b"location", b"/"), (b"set-cookie", cookie.encode())])

    async def _page(self, send: Send, headers: dict[str, str], status: int, problem: str = "") -> None:
        language = "ar" if headers.get("accept-language", "").lower().startswith("ar") else "en"
        if "text/html" not in headers.get("accept", ""):
            await _respond(send, status, say(problem or "ui.login_needed", language).encode(), [(b"www-authenticate", b"Bearer")])
            return
        text = _PAGE.format(
            language=language,
            direction="rtl" if language == "ar" else "ltr",
            title=html.escape(say("ui.title", language)),
            name=html.escape(say("ui.name", language)),
            label=html.escape(say("ui.login_password", language)),
            button=html.escape(say("ui.login_enter", language)),
            problem=f'<p role="alert">{html.escape(say(problem, language))}</p>' if problem else "",
        )
        await _respond(send, status, text.encode(), [(b"content-type", b"text/html; charset=utf-8")])


async def _respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    names = {name for name, _ in headers}
    if b"content-type" not in names:
        headers = [*headers, (b"content-type", b"text/plain; charset=utf-8")]
    headers = [*headers, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
