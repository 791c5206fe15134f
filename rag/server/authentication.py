"""Authentication before the whole site: a password for the page, with slowed attempts, and tokens for programs.

Required as soon as other computers can connect.
"""

from __future__ import annotations

import hmac
import html
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from rag.library.identity import CALLER, OPERATOR, PERSON, Keys, digest, is_key, is_same
from rag.messages import say
from rag.server.access import Access, RequestLimits, is_api, is_one_of
from rag.server.asgi import App, Disconnected, Receive, Scope, Send, TooLarge, headers_of, read_body, respond
from rag.server.error_responses import failure, language_of
from rag.server.grants import FULL, GRANT, Grant, token_digest
from rag.server.logins import STAY, Attempts, Logins, Newcomers, network_of

LOGIN = "shawahid.login"
"""The key in a request's scope that holds the secret of its login, if it came in with one."""
LOGOUT = "/shawahid/logout"
_COOKIE, _OWNER_COOKIE = "shawahid", "shawahid-owner"
_OWNED = 400 * 86400  # seconds that a browser keeps its key
_LONGEST_FORM = 4096
_TEXT = "text/plain; charset=utf-8"
_OPEN = (
    *("/shawahid/fonts/", "/shawahid/icon.svg", "/shawahid/embed.js", "/favicon.ico", "/healthz"),
    *("/shawahid/api", "/shawahid/api.css", "/shawahid/api.js"),
)

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
<button>{button}</button></form></main><script>document.forms[0].action += location.hash</script></body></html>"""
"""The script keeps what stands behind "#" in the address for the page after the login: a link to an answer, or a reader's key."""


class Gate:
    """Passes requests for the page after a login, and requests for the API with a token or after a login.

    A login ends with the server, after some hours, or when it is ended. All comparisons of a given secret with ours take constant time,
    and no secret that is sent is stored or logged.

    A browser without a key receives one at login; so does one whose key was not issued here. The key outlasts the login and owns what the
    browser creates. A login belongs to one key: with another it is none.
    """

    def __init__(
        self,
        app: App,
        access: Access,
        *,
        limits: RequestLimits | None = None,
        logins: Logins | None = None,
        keys: Keys | None = None,
        attempts: Attempts | None = None,
        newcomers: Newcomers | None = None,
    ) -> None:
        self._app = app
        self._password = token_digest(access.password) if access.password else b""
        self._tokens = [(f"token {number}", token_digest(token), FULL) for number, token in enumerate(access.tokens)]
        self._tokens += [(f"token {token.name}", token.digest, token.grant) for token in access.named]
        self._open = access.open
        self._limits = limits or RequestLimits()
        self._logins = logins or Logins()
        self._keys = keys or Keys()
        self._attempts = attempts or Attempts()
        self._newcomers = newcomers or Newcomers(access.new_readers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers, path = headers_of(scope), scope["path"]
        caller, person, grant = self._caller(scope, headers, is_api(path))
        if self._password and path == "/login" and scope.get("method") == "POST":
            await self._login(scope, headers, receive, send)
        elif path == LOGOUT and scope.get("method") == "POST" and LOGIN in scope:
            await self._logout(scope, person, send)
        elif caller and is_api(path) and (lacking := grant.lacking(scope.get("method", "GET"), path)):
            needed = (b"www-authenticate", f'Bearer error="insufficient_scope", scope="{" ".join(lacking)}"'.encode())
            await failure(send, 403, "server.missing_scope", headers, needed, scope=" | ".join(lacking))
        elif caller or is_one_of(path, _OPEN):
            scope[CALLER], scope[PERSON], scope[GRANT] = caller, person, grant
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401})
        elif is_api(path):
            await failure(send, 401, "server.token_needed", headers, (b"www-authenticate", b"Bearer"))
        elif not self._password:
            await respond(send, 403, say("server.no_password", language_of(headers)).encode(), _TEXT)
        else:
            await self._page(send, headers, 401)

    def _caller(self, scope: Scope, headers: dict[str, str], api: bool) -> tuple[str, str, Grant]:
        """Return the caller and the person of a request, and what it may do; the caller is "" if it is not allowed in."""
        address = str((scope.get("client") or ("",))[0])
        if self._open:
            return f"address {address}", OPERATOR, FULL
        kind, _, token = headers.get("authorization", "").partition(" ")
        if api and kind.lower() == "bearer":
            given = token_digest(token.strip())
            same = [hmac.compare_digest(given, known) for _, known, _ in self._tokens]  # all of them, whichever it is
            if any(same):
                name, _, grant = self._tokens[same.index(True)]
                return name, OPERATOR, grant
        return *self._visitor(scope, headers), FULL

    def _visitor(self, scope: Scope, headers: dict[str, str]) -> tuple[str, str]:
        cookies = _cookies(headers)
        secret = cookies.get(cookie_name(_COOKIE, scope), "")
        login = self._logins.find(secret) if secret else None
        if login is None or not is_same(login.person, digest(owner_key(scope))):
            return "", OPERATOR
        scope[LOGIN] = secret
        return f"visitor {login.name}", login.person

    async def _login(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive, _LONGEST_FORM, self._limits)
        except TooLarge:
            await self._page(send, headers, 413, "server.login_wrong")
            return
        except TimeoutError:
            await self._page(send, headers, 408, "server.too_slow")
            return
        except Disconnected:
            return
        key = owner_key(scope)
        known = self._keys.knows(key)
        # A browser that has been here keeps out of the way of whoever guesses from the same address.
        network = network_of(str((scope.get("client") or ("",))[0]))
        source = f"key {digest(key)}" if known else f"address {network}"
        if not await self._attempts.turn(source):
            await self._page(send, headers, 429, "server.login_wait")
            return
        given = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0]
        if not hmac.compare_digest(token_digest(given), self._password):
            self._attempts.failed(source)
            await self._page(send, headers, 401, "server.login_wrong")
            return
        if not known:
            if not self._newcomers.admit(network):
                await self._page(send, headers, 429, "server.too_many_new")
                return
            key = self._keys.new()
        cookies = login_cookies(self._logins, key, scope)
        await respond(send, 303, b"", _TEXT, (b"location", b"/"), *((b"set-cookie", cookie.encode()) for cookie in cookies))

    async def _logout(self, scope: Scope, person: str, send: Send) -> None:
        """End the login of a request or, with `?everywhere`, all of its person. The browser keeps its key."""
        if scope.get("query_string") == b"everywhere":
            self._logins.end_all(person)
        self._logins.end(scope[LOGIN])
        await respond(send, 204, b"", _TEXT, (b"set-cookie", _cookie(_COOKIE, "", 0, scope).encode()))

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


def login_cookies(logins: Logins, key: str, scope: Scope) -> list[str]:
    """Begin a login for the person of a key, and return the header values of the cookies that keep both."""
    return [_cookie(_COOKIE, logins.begin(digest(key)), STAY, scope), owner_cookie(key, scope)]


def owner_cookie(key: str, scope: Scope) -> str:
    """Return the header value of the cookie that keeps a browser's key."""
    return _cookie(_OWNER_COOKIE, key, _OWNED, scope)


def owner_key(scope: Scope) -> str:
    """Return the key of the browser, or "" if it has none."""
    key = _cookies(headers_of(scope)).get(cookie_name(_OWNER_COOKIE, scope), "")
    return key if is_key(key) else ""


def cookie_name(name: str, scope: Scope) -> str:
    """Return a cookie's name. Over HTTPS its prefix keeps servers of neighbouring names, and those without HTTPS, from setting it."""
    return f"__Host-{name}" if _is_secure(scope) else name


def _is_secure(scope: Scope) -> bool:
    return scope.get("scheme") == "https"


def _cookie(name: str, value: str, seconds: int, scope: Scope) -> str:
    secure = "; Secure" if _is_secure(scope) else ""
    return f"{cookie_name(name, scope)}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict; Path=/{secure}"


def _cookies(headers: dict[str, str]) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}
