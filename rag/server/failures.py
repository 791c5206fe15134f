"""What goes wrong, in the shape in which OpenAI's clients expect it: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import json
from typing import Any

from rag.errors import ShawahidError
from rag.messages import say
from rag.server.asgi import Send, respond

_JSON = "application/json"


class BadRequest(ShawahidError):
    """A request that means nothing here. `param` names the field at fault."""

    http_status = 400

    def __init__(self, key: str, param: str | None = None, **fields: object) -> None:
        super().__init__(key, **fields)
        self.param = param


class Unknown(BadRequest):
    """What was asked for is not there."""

    http_status = 404


class Forbidden(ShawahidError):
    """Something this server does not do for anybody who comes this way."""

    http_status = 403


class TooSlow(ShawahidError):
    """An answer took longer than it may."""

    http_status = 504


def language_of(headers: dict[str, str]) -> str:
    """The language of messages: that which the client prefers, if it is Arabic, else English."""
    return "ar" if headers.get("accept-language", "").lower().startswith("ar") else "en"


def body_of(message: str, status: int, code: str, param: str | None = None) -> dict[str, Any]:
    """An error as the API gives it; `code` is stable, the message may change."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_body(error: ShawahidError, language: str = "en") -> dict[str, Any]:
    """An error of ours as the API gives it. Its code is the name of its sentence: "question_empty"."""
    code = error.key.rpartition(".")[2]
    return body_of(error.text(language), error.http_status, code, getattr(error, "param", None))


async def failure(send: Send, status: int, key: str, headers: dict[str, str], *extra: tuple[bytes, bytes], **fields: object) -> None:
    """Answer a request with an error before an app is reached."""
    body = body_of(say(key, language_of(headers), **fields), status, key.rpartition(".")[2])
    await respond(send, status, json.dumps(body, ensure_ascii=False).encode(), _JSON, *extra)
