"""The way to one's collections from another browser: a browser's key, shown on request, and taken by another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rag.library import Library
from rag.library.collections import BadName
from rag.library.people import OPERATOR, digest, is_key, person_of
from rag.library.views import error_view
from rag.server.gate import OWNER_COOKIE, owner_cookie

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

SHOW, USE = "/shawahid/key/show", "/shawahid/key/use"


def key_routes(library: Library) -> list[Route]:
    """POST to `SHOW` gives the key of the browser that asks, `{"key"}`; POST of that to `USE` makes it the key of another one.

    Both stand behind the gate, whose login no other site's page can use, and answer 404 to whoever has no key of a browser. A key
    that nothing belongs to is refused, so that one that was cut does not take the place of a good one.
    """
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    silent = {"cache-control": "no-store"}

    async def show(request: Request) -> Response:
        if person_of(request.scope) == OPERATOR:
            return Response(status_code=404)
        return JSONResponse({"key": request.cookies[OWNER_COOKIE]}, headers=silent)

    async def use(request: Request) -> Response:
        person = person_of(request.scope)
        if person == OPERATOR:
            return Response(status_code=404)
        key = _given(await request.body())
        if not is_key(key) or not library.adopt(person, digest(key)):
            error = BadName("server.unknown_key")
            return JSONResponse({"error": error_view(error)}, status_code=error.http_status, headers=silent)
        answer = JSONResponse({}, headers=silent)
        answer.headers.append("set-cookie", owner_cookie(key, request.scope))
        return answer

    return [Route(SHOW, show, methods=["POST"]), Route(USE, use, methods=["POST"])]


def _given(body: bytes) -> str:
    try:
        return str(json.loads(body)["key"]).strip()
    except (ValueError, LookupError, TypeError):
        return ""
