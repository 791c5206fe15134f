"""The Responses API of OpenAI: the same answers as chat completions, in the form that newer clients read."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from rag.schema import Answer, Status
from rag.server.backend import ERRORS, STREAMS, Backend, asker_of, language_for
from rag.server.bodies import (
    ChatExtension,
    ChatMessage,
    FlatCitation,
    InputMessage,
    OutputMessage,
    OutputText,
    ResponseBody,
    ResponsesRequest,
    ResponseUsage,
)
from rag.server.error_responses import BadRequest, error_body
from rag.server.openai import collection_of, turns_of, url_citations, validate_model
from rag.server.streams import EventStream, begun, event, last_of, present
from rag.server.views import answer_body, sentences, usage_body
from rag.service.service import Event, Preparing


def responses_routes(backend: Backend) -> APIRouter:
    router = APIRouter(responses=ERRORS)

    @router.post("/v1/responses", response_model=ResponseBody, summary="Respond", responses={**ERRORS, **STREAMS})
    async def respond(asked: ResponsesRequest, request: Request) -> Response:
        """Answer the last user message of `input`. Instructions are ignored, because an answer may contain only what the documents say, and
        nothing is stored: send the earlier messages again. Annotations are the citations; the field `shawahid` holds the whole answer."""
        if asked.previous_response_id:
            raise BadRequest("server.not_stored", "previous_response_id")
        if asked.tools:
            raise BadRequest("server.no_tools", "tools")
        validate_model(asked.model)
        question, history = turns_of(messages_of(asked), "input")
        extension = asked.shawahid or ChatExtension()
        collection = extension.collection or collection_of(asked.model)
        asker, chosen = asker_of(request.scope), extension.filter()
        events = backend.answer(asker, question, history, way="openai", collection=collection, filter=chosen)
        response = _Response(asked.model, str(request.base_url), collection)
        if asked.stream:
            language = language_for(request)
            pieces = response.events(events)
            return EventStream(await begun(request, pieces), lambda error: event("error", {"type": "error", **error_body(error, language)}))
        return JSONResponse(response.complete(await present(request, last_of(events))).model_dump())

    return router


def messages_of(asked: ResponsesRequest) -> list[ChatMessage]:
    """Return the input as chat messages. Raises BadRequest for a part that is not text."""
    if isinstance(asked.input, str):
        return [ChatMessage(role="user", content=asked.input)]
    return [ChatMessage(role=message.role, content=_text(message)) for message in asked.input]


def _text(message: InputMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    if any(part.type not in ("input_text", "output_text") or part.text is None for part in message.content):
        raise BadRequest("server.only_text", "input")
    return "\n".join(part.text or "" for part in message.content)


class _Response:
    """One response, as it grows: every event names the same ids."""

    def __init__(self, model: str, address: str, collection: str) -> None:
        self._model, self._address, self._collection = model, address, collection
        self._id, self._message = f"resp_{uuid.uuid4().hex}", f"msg_{uuid.uuid4().hex}"
        self._created = int(time.time())

    def complete(self, answer: Answer) -> ResponseBody:
        """Return the whole response."""
        stopped = answer.status is Status.STOPPED
        usage = usage_body(answer)
        return ResponseBody(
            id=self._id,
            created_at=self._created,
            model=self._model,
            status="incomplete" if stopped else "completed",
            incomplete_details={"reason": "max_output_tokens"} if stopped else None,
            output=[self._output(self._content(answer), "incomplete" if stopped else "completed")],
            usage=ResponseUsage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, total_tokens=usage.total_tokens),
            shawahid=answer_body(answer),
        )

    def _content(self, answer: Answer) -> OutputText:
        found = url_citations(answer, self._address, self._collection)
        return OutputText(text=answer.text, annotations=[FlatCitation(**each.model_dump()) for each in found])

    def _output(self, content: OutputText | None, status: Any) -> OutputMessage:
        return OutputMessage(id=self._message, status=status, content=[content] if content else [])

    def _begun(self) -> dict[str, Any]:
        body = ResponseBody(id=self._id, created_at=self._created, model=self._model, status="in_progress", output=[], usage=None)
        return body.model_dump()

    async def events(self, answers: AsyncGenerator[Event, None]) -> AsyncGenerator[str, None]:
        """Yield the events of a stream. As in chat completions, text comes from the checked answer only."""
        number = 0

        def said(kind: str, **fields: Any) -> str:
            nonlocal number
            number += 1
            return event(kind, {"type": kind, "sequence_number": number - 1, **fields})

        place = {"item_id": self._message, "output_index": 0, "content_index": 0}
        answer: Answer | None = None
        async for item in answers:
            if isinstance(item, Preparing):
                continue
            if number == 0:  # after the models are there: until then an error has a status of its own
                yield said("response.created", response=self._begun())
                yield said("response.in_progress", response=self._begun())
            if isinstance(item, Answer):
                answer = item
        assert answer is not None, "a stream ends with an answer"
        content = self._content(answer).model_dump()
        yield said("response.output_item.added", output_index=0, item=self._output(None, "in_progress").model_dump())
        yield said("response.content_part.added", **place, part=OutputText(text="", annotations=[]).model_dump())
        for sentence in sentences(answer):
            yield said("response.output_text.delta", **place, delta=sentence, logprobs=[])
        for index, annotation in enumerate(content["annotations"]):
            yield said("response.output_text.annotation.added", **place, annotation_index=index, annotation=annotation)
        yield said("response.output_text.done", **place, text=answer.text, logprobs=[])
        yield said("response.content_part.done", **place, part=content)
        whole = self.complete(answer)
        yield said("response.output_item.done", output_index=0, item=whole.output[0].model_dump())
        yield said(f"response.{whole.status}", response=json.loads(whole.model_dump_json()))
