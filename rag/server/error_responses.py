"""Errors in the form that OpenAI's clients expect: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import json
from typing import Any

from rag.errors import ShawahidError
from rag.messages import say
from rag.server.asgi import Send, respond

_JSON = "application/json"


class BadRequest(ShawahidError):
    """The request is invalid. `param` names the field at fault."""

    http_status = 400

    def __init__(self, key: str, param: str | None = None, **fields: object) -> None:
        super().__init__(key, **fields)
        self.param = param


class Unknown(BadRequest):
    """The requested object does not exist."""

    http_status = 404


class Forbidden(ShawahidError):
    """The server does not do this for any client of this kind."""

    http_status = 403


class TooSlow(ShawahidError):
    """An answer exceeded its time limit."""

    http_status = 504


def language_of(headers: dict[str, str]) -> str:
    """Return the language of messages: Arabic if the client prefers it, else English."""
    return "ar" if headers.get("accept-language", "").lower().startswith("ar") else "en"


def body_of(message: str, status: int, code: str, param: str | None = None) -> dict[str, Any]:
    """Return the body of an error; `code` is stable, the message may change."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_body(error: ShawahidError, language: str = "en") -> dict[str, Any]:
    """Return the body of one of our errors. Its code is its message key: "question_empty"."""
    code = error.key.rpartition(".")[2]
    return body_of(error.text(language), error.http_status, code, getattr(error, "param", None))


async def failure(send: Send, status: int, key: str, headers: dict[str, str], *extra: tuple[bytes, bytes], **fields: object) -> None:
    """Answer a request with an error before an app is reached."""
    body = body_of(say(key, language_of(headers), **fields), status, key.rpartition(".")[2])
    await respond(send, status, json.dumps(body, ensure_ascii=False).encode(), _JSON, *extra)
