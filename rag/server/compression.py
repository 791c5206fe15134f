"""Compress the page and its scripts and styles on their way, which makes the first visit lighter.

Only files of the program, which are the same for everybody: where a response also held what somebody else may learn, its length would
betray it (the attack named BREACH). Streams and documents pass as they are.
"""

from __future__ import annotations

from rag.server.asgi import App, Receive, Scope, Send, headers_of

_KINDS = (".js", ".css", ".svg")
_LEVEL = 6


class Compressed:
    """An ASGI app whose scripts and styles are sent with gzip to a browser that takes it."""

    def __init__(self, app: App) -> None:
        from starlette.middleware.gzip import GZipMiddleware

        self._plain = app
        self._packing = GZipMiddleware(app, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = scope["type"] == "http" and scope["method"] == "GET" and "range" not in headers_of(scope)
        await (self._packing if whole and scope["path"].endswith(_KINDS) else self._plain)(scope, receive, send)
