"""ASGI types, and responses that are sent before an app is reached."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.server.access import RequestLimits

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class TooLarge(Exception):
    """A body is larger than it may be."""


class Disconnected(Exception):
    """The client left before its body was complete."""


async def read_body(receive: Receive, most: int, limits: RequestLimits) -> bytes:
    """Return the body of a request. Raises TooLarge above `most` bytes, TimeoutError where it pauses or takes too long, Disconnected."""
    body, whole = b"", False
    async with asyncio.timeout(limits.arrival):
        while not whole:
            message = await asyncio.wait_for(receive(), limits.patience)
            if message["type"] == "http.disconnect":
                raise Disconnected
            body += message.get("body", b"")
            whole = not message.get("more_body", False)
            if len(body) > most:
                raise TooLarge
    return body


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request by their lower-case names."""
    return {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}


async def respond(send: Send, status: int, body: bytes, kind: str, *headers: tuple[bytes, bytes]) -> None:
    """Send a response. `kind` is the media type of `body`."""
    own = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
