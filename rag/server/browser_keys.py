"""The key that a browser's collections belong to: shown on request, accepted by another browser, replaced on request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rag.library import Library
from rag.library.collections import BadName
from rag.library.identity import OPERATOR, Keys, digest, is_key, person_of
from rag.library.views import error_view
from rag.server.authentication import LOGIN, login_cookies, owner_cookie, owner_key
from rag.server.logins import Logins

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

SHOW, USE, RENEW = "/shawahid/key/show", "/shawahid/key/use", "/shawahid/key/renew"


def key_routes(library: Library, keys: Keys, logins: Logins) -> list[Route]:
    """Return the routes, all for POST: `SHOW` returns the browser's key, `{"key"}`; `USE` makes a browser adopt the key it sends; `RENEW`
    gives it a new key, moves everything to it and ends all logins with the old one, which then opens nothing.

    They are behind the gate, whose login pages of other sites cannot use, and answer 404 to a client without a browser key. A key that owns
    nothing is refused, so that a truncated one does not replace a good one.
    """
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    silent = {"cache-control": "no-store"}

    async def show(request: Request) -> Response:
        if person_of(request.scope) == OPERATOR:
            return Response(status_code=404)
        return JSONResponse({"key": owner_key(request.scope)}, headers=silent)

    async def use(request: Request) -> Response:
        person = person_of(request.scope)
        if person == OPERATOR:
            return Response(status_code=404)
        key = _given(await request.body())
        if not is_key(key) or not library.adopt(person, digest(key)):
            error = BadName("server.unknown_key")
            return JSONResponse({"error": error_view(error)}, status_code=error.http_status, headers=silent)
        logins.transfer(request.scope[LOGIN], digest(key))
        answer = JSONResponse({}, headers=silent)
        answer.headers.append("set-cookie", owner_cookie(key, request.scope))
        return answer

    async def renew(request: Request) -> Response:
        person = person_of(request.scope)
        if person == OPERATOR:
            return Response(status_code=404)
        key = keys.new()
        library.transfer(person, digest(key))
        logins.end_all(person)
        answer = JSONResponse({"key": key}, headers=silent)
        for cookie in login_cookies(logins, key, request.scope):
            answer.headers.append("set-cookie", cookie)
        return answer

    return [Route(path, function, methods=["POST"]) for path, function in ((SHOW, show), (USE, use), (RENEW, renew))]


def _given(body: bytes) -> str:
    try:
        return str(json.loads(body)["key"]).strip()
    except (ValueError, LookupError, TypeError):
        return ""
