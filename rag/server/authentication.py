"""Authentication before the whole site: a password for the page, with slowed attempts, and tokens for programs.

Required as soon as other computers can connect.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from rag.library.identity import CALLER, OPERATOR, PERSON, digest, is_key, new_key
from rag.messages import say
from rag.server.access import Access, is_api
from rag.server.asgi import App, Receive, Scope, Send, headers_of, respond
from rag.server.error_responses import failure, language_of

COOKIE, OWNER_COOKIE = "shawahid", "shawahid-owner"
_STAY, _OWNED = 12 * 3600, 400 * 86400  # seconds that a login and a browser's key last
_TRIES, _PAUSE = 5, 60.0  # wrong passwords from one address, and the seconds it then has to wait
_LONGEST_FORM = 4096
_TEXT = "text/plain; charset=utf-8"
_OPEN = ("/shawahid/fonts/", "/shawahid/icon.svg", "/shawahid/embed.js", "/favicon.ico", "/healthz")

_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="/shawahid/icon.svg"><style>
@font-face {{ font-family: P; src: url("/shawahid/fonts/ibm-plex-sans-arabic-arabic-400-normal.woff2"); unicode-range: U+0600-06FF; }}
@font-face {{ font-family: P; src: url("/shawahid/fonts/ibm-plex-sans-arabic-latin-400-normal.woff2"); unicode-range: U+0000-00FF; }}
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
    """Passes requests for the page after a login, and requests for the API with a token or after a login.

    A login is a cookie signed with a key of this process, so it ends with the server. All comparisons take constant time, and no secret
    that is sent is stored or logged.

    A browser without a key receives one at login. The key outlasts the login and owns what the browser creates.
    """

    def __init__(self, app: App, access: Access, *, now: Callable[[], float] = time.time) -> None:
        self._app = app
        self._password = _digest(access.password) if access.password else b""
        self._tokens = [_digest(token) for token in access.tokens]
        self._open = access.open
        self._now = now
        self._key = secrets.token_bytes(32)
        self._failed: dict[str, list[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers, path = headers_of(scope), scope["path"]
        caller, person = self._caller(scope, headers, is_api(path))
        if self._password and path == "/login" and scope.get("method") == "POST":
            await self._login(scope, headers, receive, send)
        elif caller or path.startswith(_OPEN):
            scope[CALLER], scope[PERSON] = caller, person
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
        elif is_api(path):
            await failure(send, 401, "server.token_needed", headers, (b"www-authenticate", b"Bearer"))
        elif not self._password:
            await respond(send, 403, say("server.no_password", language_of(headers)).encode(), _TEXT)
        else:
            await self._page(send, headers, 401)

    def _caller(self, scope: Scope, headers: dict[str, str], api: bool) -> tuple[str, str]:
        """Return the caller and the person of a request; ("", "") if it is not allowed in."""
        address = str((scope.get("client") or ("",))[0])
        if self._open:
            return f"address {address}", OPERATOR
        kind, _, token = headers.get("authorization", "").partition(" ")
        if api and kind.lower() == "bearer":
            given = _digest(token.strip())
            same = [hmac.compare_digest(given, known) for known in self._tokens]  # all of them, whichever it is
            if any(same):
                return f"token {same.index(True)}", OPERATOR
        return self._visitor(headers)

    def _visitor(self, headers: dict[str, str]) -> tuple[str, str]:
        cookies = _cookies(headers)
        key = _key(cookies)
        until, _, rest = cookies.get(COOKIE, "").partition(".")
        nonce, _, signature = rest.partition(".")
        valid = (
            self._password
            and key
            and until.isdecimal()
            and int(until) > self._now()
            and hmac.compare_digest(signature.encode(), self._sign(until, nonce).encode())
        )
        return (f"visitor {nonce}", digest(key)) if valid else ("", OPERATOR)

    def _sign(self, until: str, nonce: str) -> str:
        return hmac.new(self._key, f"{until}.{nonce}".encode(), hashlib.sha256).hexdigest()

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
            await self._page(send, headers, 429, "server.login_wait")
            return
        given = parse_qs(body[:_LONGEST_FORM].decode("utf-8", "replace")).get("password", [""])[0]
        if not hmac.compare_digest(_digest(given), self._password):
            self._failures(scope).append(self._now())
            await self._page(send, headers, 401, "server.login_wrong")
            return
        until, nonce = str(int(self._now()) + _STAY), secrets.token_hex(8)
        login = _cookie(COOKIE, f"{until}.{nonce}.{self._sign(until, nonce)}", _STAY, scope)
        owner = owner_cookie(_key(_cookies(headers)) or new_key(), scope)
        cookies = [(b"set-cookie", cookie.encode()) for cookie in (login, owner)]
        await respond(send, 303, b"", _TEXT, (b"location", b"/"), *cookies)

    async def _page(self, send: Send, headers: dict[str, str], status: int, problem: str = "") -> None:
        language = language_of(headers)
        if "text/html" not in headers.get("accept", ""):
            await respond(send, status, say(problem or "server.login_needed", language).encode(), _TEXT)
            return
        text = _PAGE.format(
            language=language,
            direction="rtl" if language == "ar" else "ltr",
            title=html.escape(say("ui.title", language)),
            name=html.escape(say("ui.name", language)),
            label=html.escape(say("server.login_password", language)),
            button=html.escape(say("server.login_enter", language)),
            problem=f'<p role="alert">{html.escape(say(problem, language))}</p>' if problem else "",
        )
        await respond(send, status, text.encode(), "text/html; charset=utf-8")


def owner_cookie(key: str, scope: Scope) -> str:
    """Return the header value of the cookie that keeps a browser's key."""
    return _cookie(OWNER_COOKIE, key, _OWNED, scope)


def _cookie(name: str, value: str, seconds: int, scope: Scope) -> str:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    return f"{name}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict; Path=/{secure}"


def _digest(secret: str) -> bytes:
    """Return a digest of constant length, so that comparing reveals nothing about the secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _cookies(headers: dict[str, str]) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _key(cookies: dict[str, str]) -> str:
    """Return the key of the browser, or "" if it has none."""
    key = cookies.get(OWNER_COOKIE, "")
    return key if is_key(key) else ""
