"""The checks on every request before anything else: its host, origin and size, and the security headers of every response."""

from __future__ import annotations

import asyncio
import re
from collections.abc import MutableMapping
from typing import Any

from rag.messages import say
from rag.server.access import Access, RequestLimits, is_api, is_one_of
from rag.server.asgi import App, Disconnected, Receive, Scope, Send, TooLarge, headers_of, read_body, respond
from rag.server.error_responses import failure

_TEXT, _JSON = "text/plain; charset=utf-8", "application/json"
_UPLOADS = ("/shawahid/upload", "/v1/documents/")
_GRADIO = re.compile(
    r"""
      /gradio_api/ (?:
          queue/(?:join|data) | component_server | heartbeat/[^/]+ | startup-events | app_id | info | reset | cancel | theme\.css
      ) /?
    | /(?:config | theme\.css | robots\.txt)? /?
    | /(?:assets | static | svelte)/ .+
    """,
    re.VERBOSE,
)
"""What the page calls of Gradio. Everything else that Gradio answers stays closed: it fetches addresses, takes files in, lists its API."""
_OURS = ("/shawahid/", "/healthz", "/favicon.ico", "/manifest.json", "/login")


def content_policy(frame_ancestors: tuple[str, ...] = ("'self'",)) -> str:
    """Return the Content-Security-Policy of every response.

    'unsafe-inline' and 'unsafe-eval' are required by Gradio, whose page has inline scripts and compiles templates. The page must never
    reach another host, whatever a document or a model says; every directive is limited to 'self'.
    """
    return "; ".join(
        [
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'self'",
            "object-src 'none'",
            f"frame-ancestors {' '.join(frame_ancestors)}",
        ]
    )


class Guard:
    """Sets the security headers of every response and refuses requests for other hosts or from foreign origins.

    Without it, the browser would let in a page elsewhere that points its own host name at this computer (DNS rebinding).
    """

    def __init__(self, app: App, access: Access | None = None) -> None:
        self._app = app
        self._access = access or Access()
        self._headers = {
            "content-security-policy": content_policy(self._access.frame_ancestors),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers, path = headers_of(scope), scope["path"]
        if self._access.hosts is not None and hostname(headers.get("host", "")) not in self._access.hosts:
            await respond(send, 421, say("server.wrong_host").encode(), _TEXT)
            return
        if scope.get("method") not in ("GET", "HEAD", "OPTIONS") and not self._may_act(headers, path):
            await respond(send, 403, say("server.wrong_origin").encode(), _TEXT)
            return
        if not is_served(scope.get("method", ""), path, headers):
            await respond(send, 403, b"", _TEXT)
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                # Gradio answers foreign origins with its own CORS headers, cookies allowed. Those of listed sites are set outside.
                own = [(key, value) for key, value in message["headers"] if not key.lower().startswith(b"access-control-")]
                names = {key.lower() for key, _ in own}
                extra = [(k.encode(), v.encode()) for k, v in self._headers.items() if k.encode() not in names]
                message["headers"] = [*own, *extra]
            await send(message)

        await self._app(scope, receive, with_headers)

    def _may_act(self, headers: dict[str, str], path: str) -> bool:
        """Return whether a page may ask or upload: one of this server or, for the API, one of a listed site."""
        origin = headers.get("origin")
        # Compared as text: a browser writes the origin as it writes the host, and what no browser sends need not be parsed.
        if not origin or origin in (f"http://{headers.get('host')}", f"https://{headers.get('host')}"):
            return True
        return is_api(path) and origin in self._access.origins


class Measured:
    """Ends a request whose body is too large or stops arriving.

    A body is read completely before the app sees it. The body of an upload, which may be large, is passed on as it arrives and counted by
    its receiver.
    """

    def __init__(self, app: App, limits: RequestLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        uploads = scope["method"] == "PUT" and scope["path"].startswith(_UPLOADS)
        limit = self._limits.document if uploads else self._limits.body
        headers = headers_of(scope)
        declared = headers.get("content-length", "0")
        # Its length is looked at first: int() refuses more than 4,300 digits.
        if not re.fullmatch(r"[0-9]{1,18}", declared) or int(declared) > limit:
            await failure(send, 413, "server.too_large", headers, limit=limit)
            return
        if uploads:
            await self._app(scope, self._patient(receive), send)
            return
        try:
            body = await read_body(receive, limit, self._limits)
        except TooLarge:
            await failure(send, 413, "server.too_large", headers, limit=limit)
            return
        except TimeoutError:
            await failure(send, 408, "server.too_slow", headers)
            return
        except Disconnected:
            return
        given = False

        async def again() -> MutableMapping[str, Any]:
            nonlocal given
            if given:  # the only thing still to come is that the client leaves
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)

    def _patient(self, receive: Receive) -> Receive:
        """Return the same receiver, treating a client that sends nothing for too long as disconnected."""
        whole = False

        async def patient() -> MutableMapping[str, Any]:
            nonlocal whole
            if whole:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._limits.patience)
            except TimeoutError:
                return {"type": "http.disconnect"}
            whole = not message.get("more_body", False)
            return message

        return patient


def is_served(method: str, path: str, headers: dict[str, str]) -> bool:
    """Return whether anything here needs such a request.

    Of Gradio only what the page calls is open, with a JSON body. A path with "." or ".." among its parts is none that a client sends: the
    gate compares how a path begins, and what serves files would resolve it to another.
    """
    if is_api(path):
        return True
    if not {".", ".."}.isdisjoint(re.split(r"[/\\]", path)):
        return False
    if is_one_of(path, _OURS):
        return True
    if method == "POST" and path.startswith("/gradio_api/") and headers.get("content-type", "").partition(";")[0].strip() != _JSON:
        return False
    return _GRADIO.fullmatch(path) is not None


def hostname(host: str) -> str:
    """Return the name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
