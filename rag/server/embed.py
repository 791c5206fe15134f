"""The script that embeds the chat in a page of another site."""

from __future__ import annotations

import json
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rag.messages import say

PATH = "/shawahid/embed.js"
_WORDS = tuple(
    "name ask send stop searching reading waiting unchecked quoted checked unverified translated stopped source unreachable".split()
)


def script() -> str:
    """Return the script with its messages in both languages."""
    filled = {"place": "{place}", "number": "{number}"}  # by the script
    words = {language: {name: say(f"embedded.{name}", language, **filled) for name in _WORDS} for language in ("ar", "en")}
    code = resources.files("rag.server").joinpath("static", "embed.js").read_text(encoding="utf-8")
    return f"{{\nconst WORDS = {json.dumps(words, ensure_ascii=False)};\n{code}}}\n"


def route() -> Route:
    """Return the route of the script, open to every site: it holds no secret and does nothing without the API."""
    content = script().encode()

    async def embed(request: Request) -> Response:
        headers = {"cross-origin-resource-policy": "cross-origin", "cache-control": "public, max-age=3600"}
        return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)

    return Route(PATH, embed)
