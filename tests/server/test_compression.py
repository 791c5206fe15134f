"""Scripts and styles are compressed for a browser that takes it; nothing else is."""

from __future__ import annotations

import gzip

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from rag.server.asgi import Receive, Scope, Send
from rag.server.compression import Compressed

BODY = "export const word = 'شاهد';\n" * 200


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(BODY, media_type="text/javascript")(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "headers", "packed"),
    [
        ("/shawahid/turn.js", {"accept-encoding": "gzip"}, True),
        ("/assets/index.css", {"accept-encoding": "gzip, br"}, True),
        ("/shawahid/turn.js", {"accept-encoding": "identity"}, False),
        ("/shawahid/turn.js", {"accept-encoding": "gzip", "range": "bytes=0-9"}, False),
        ("/shawahid/original", {"accept-encoding": "gzip"}, False),  # a person's document
        ("/v1/answers", {"accept-encoding": "gzip"}, False),
    ],
)
def test_only_files_of_the_program_are_compressed(path: str, headers: dict[str, str], packed: bool) -> None:
    with TestClient(Compressed(app)).stream("GET", path, headers=headers) as response:
        raw = b"".join(response.iter_raw())
        assert (response.headers.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(raw) if packed else raw).decode() == BODY
    assert (len(raw) < len(BODY) / 10) is packed
