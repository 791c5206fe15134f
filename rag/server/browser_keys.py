"""Moving a browser's collections to another browser: its key is shown on request and accepted by another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rag.library import Library
from rag.library.collections import BadName
from rag.library.identity import OPERATOR, digest, is_key, person_of
from rag.library.views import error_view
from rag.server.authentication import OWNER_COOKIE, owner_cookie

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

SHOW, USE = "/shawahid/key/show", "/shawahid/key/use"


def key_routes(library: Library) -> list[Route]:
    """Return two routes: POST to `SHOW` returns the browser's key, `{"key"}`; POST to `USE` makes a browser adopt the key it sends.

    Both are behind the gate, whose login pages of other sites cannot use, and answer 404 to a client without a browser key. A key that owns
    nothing is refused, so that a truncated one does not replace a good one.
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
