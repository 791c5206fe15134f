"""OpenAI-compatible routes: chat completions, embeddings, models.

A client that knows nothing of citations must never show a sentence that failed the check. So `content` holds only checked sentences, in a
stream too: the stream begins when the answer has been checked, and until then the connection is kept open. A client that wants to show the
draft requests it (`"shawahid": {"drafts": true}`) and gets it in a field that other clients do not read.
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from rag.models.embedder import Embedder
from rag.schema import Answer, Delta, Found, Status, Turn
from rag.server.backend import ERRORS, STREAMS, Asker, Backend, asker_of, language_for
from rag.server.bodies import (
    Annotation,
    AssistantMessage,
    ChatCompletion,
    ChatExtension,
    ChatMessage,
    ChatRequest,
    Choice,
    EmbeddingLine,
    EmbeddingList,
    EmbeddingRequest,
    EmbeddingUsage,
    ModelLine,
    ModelList,
    UrlCitation,
)
from rag.server.error_responses import BadRequest, Unknown, error_body
from rag.server.streams import EventStream, begun, last_of, line, present
from rag.server.views import answer_body, found_fields, sentences, usage_body
from rag.service.service import Event, Preparing, Waiting
from rag.text.words import words

MODEL = "shawahid"
_STARTED = int(time.time())


def openai_routes(backend: Backend) -> APIRouter:
    router = APIRouter(responses=ERRORS)

    @router.post("/v1/chat/completions", response_model=ChatCompletion, summary="Chat", responses={**ERRORS, **STREAMS})
    async def complete(asked: ChatRequest, request: Request) -> Response:
        """Answer the last user message; earlier turns make follow-ups possible. System messages are ignored, because an answer may contain
        only what the documents say. The field `shawahid` of the completion (in a stream, of the last chunk with a choice) holds the
        citations."""
        question, history = conversation(asked)
        extension = asked.shawahid or ChatExtension()
        collection = extension.collection or collection_of(asked.model)
        asker, chosen = asker_of(request.scope), extension.filter()
        events = backend.answer(asker, question, history, way="openai", collection=collection, filter=chosen)
        id, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
        if asked.stream:
            wants_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            same = {"id": id, "created": created, "model": asked.model}
            pieces = _chunks(events, same, extension.drafts, wants_usage, str(request.base_url), collection)
            language = language_for(request)
            return EventStream(await begun(request, pieces), lambda error: line(error_body(error, language)))
        answer = await present(request, last_of(events))
        message = AssistantMessage(content=answer.text, annotations=chat_annotations(answer, str(request.base_url), collection))
        completion = ChatCompletion(
            id=id,
            created=created,
            model=asked.model,
            choices=[Choice(index=0, message=message, finish_reason=_finish(answer))],
            usage=usage_body(answer),
            shawahid=answer_body(answer),
        )
        return JSONResponse(completion.model_dump())

    @router.post("/v1/embeddings", summary="Embed texts")
    async def embed(asked: EmbeddingRequest, request: Request) -> EmbeddingList:
        """Unit vectors of the index's own embedder, in order."""
        return await present(request, _embedded(backend, asked, asker_of(request.scope).caller))

    @router.get("/v1/models", summary="What can be named as a model")
    async def models(request: Request) -> ModelList:
        """ "shawahid" answers questions, "shawahid/NAME" over another collection; the embedder is there for /v1/embeddings."""
        base = await backend.service.ready()
        return ModelList(data=[_model(name) for name in _names(backend, asker_of(request.scope), base.index.embedder)])

    @router.get("/v1/models/{name:path}", summary="One model")
    async def model(name: str, request: Request) -> ModelLine:
        base = await backend.service.ready()
        if name not in _names(backend, asker_of(request.scope), base.index.embedder):
            raise Unknown("server.no_model", "model", name=name[:60])
        return _model(name)

    return router


def conversation(asked: ChatRequest) -> tuple[str, list[Turn]]:
    """Return the question and the turns before it. Raises BadRequest, Unknown."""
    if asked.n not in (None, 1):
        raise BadRequest("server.only_one", "n")
    if asked.tools:
        raise BadRequest("server.no_tools", "tools")
    if (asked.response_format or {}).get("type", "text") != "text":
        raise BadRequest("server.only_text", "response_format")
    validate_model(asked.model)
    return turns_of(asked.messages, "messages")


def validate_model(name: str) -> None:
    """Raise Unknown for a model that does not answer questions."""
    if name != MODEL and not name.startswith(f"{MODEL}/"):
        raise Unknown("server.no_model", "model", name=name[:60])


def turns_of(messages: Sequence[ChatMessage], param: str) -> tuple[str, list[Turn]]:
    """Return the question, which is the last message, and the turns before it. Raises BadRequest, naming the field `param`."""
    texts = [_text(message) for message in messages]  # of those that are passed over too: all are described alike
    if messages[-1].role != "user":
        raise BadRequest("server.last_message", param)
    turns: list[Turn] = []
    pending = ""
    for message, text in zip(messages[:-1], texts, strict=False):
        if message.role == "user":
            pending = text
        elif message.role == "assistant" and pending:
            turns.append(Turn(pending, text))
            pending = ""
    return texts[-1], turns


def collection_of(model: str) -> str:
    """Return the collection that a model's name means: "shawahid/NAME"."""
    return model.partition("/")[2]


def _text(message: ChatMessage) -> str:
    if message.content is None:
        return ""
    if isinstance(message.content, str):
        return message.content
    if any(part.type != "text" or part.text is None for part in message.content):
        raise BadRequest("server.only_text", "messages")
    return "\n".join(part.text or "" for part in message.content)


def url_citations(answer: Answer, address: str, collection: str) -> list[UrlCitation]:
    """Return the citations of an answer, each with the address of the quoted words at the server of that `address`."""
    found = []
    for citation in answer.citations:
        place = {"id": citation.document_id, "start": citation.span.start, "end": citation.span.end}
        place |= {"collection": collection} if collection else {}
        found.append(
            UrlCitation(
                start_index=citation.claim.start,
                end_index=citation.claim.end,
                title=" · ".join(filter(None, [citation.title or citation.document_id, citation.locator])),
                url=f"{address}v1/document?{urlencode(place)}",
            )
        )
    return found


def chat_annotations(answer: Answer, address: str, collection: str) -> list[Annotation]:
    """Return the citations of an answer as annotations of a chat message."""
    return [Annotation(url_citation=each) for each in url_citations(answer, address, collection)]


def _finish(answer: Answer) -> Any:
    return "length" if answer.status is Status.STOPPED else "stop"


async def _chunks(
    events: AsyncGenerator[Event, None], same: dict[str, Any], drafts: bool, wants_usage: bool, address: str, collection: str
) -> AsyncGenerator[str, None]:
    """Yield the chunks of a completion. Content comes from the checked answer only."""

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return line({**same, "object": "chat.completion.chunk", "choices": [choice], **more})

    answer: Answer | None = None
    yield_role = True
    async for item in events:
        if isinstance(item, Preparing):
            continue
        if yield_role:  # after the models are there: until then an error has a status of its own
            yield chunk({"role": "assistant", "content": ""})
            yield_role = False
        if isinstance(item, Answer):
            answer = item
        elif drafts and isinstance(item, Waiting):
            yield chunk({}, shawahid={"event": "waiting", "place": item.place})
        elif drafts and isinstance(item, Found):
            yield chunk({}, shawahid={"event": "found", **found_fields(item)})
        elif drafts and isinstance(item, Delta):
            yield chunk({}, shawahid={"event": "draft", "text": item.text})
    assert answer is not None, "a stream ends with an answer"
    for sentence in sentences(answer):
        yield chunk({"content": sentence})
    if cited := chat_annotations(answer, address, collection):
        yield chunk({"annotations": [each.model_dump() for each in cited]})
    yield chunk({}, _finish(answer), shawahid={"event": "answer", **answer_body(answer).model_dump()})
    if wants_usage:
        yield line({**same, "object": "chat.completion.chunk", "choices": [], "usage": usage_body(answer).model_dump()})
    yield "data: [DONE]\n\n"


def _names(backend: Backend, asker: Asker, embedder: Embedder) -> list[str]:
    collections = [each.id for each in backend.library.of(asker.person).collections() if each.id] if backend.library else []
    return [f"{MODEL}/{id}" if id else MODEL for id in ("", *collections) if asker.grant.sees(id)] + [embedder.name]


def _model(name: str) -> ModelLine:
    return ModelLine(id=name, created=_STARTED, owned_by="shawahid")


async def _embedded(backend: Backend, asked: EmbeddingRequest, caller: str) -> EmbeddingList:
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    empty = next((number for number, text in enumerate(texts) if not text.strip()), None)
    if empty is not None:
        raise BadRequest("server.empty_text", "input", number=empty)
    # One text takes a moment; many are as much work as an answer, and wait where answers do.
    service = backend.service
    async with service.turn(caller, service.searches if len(texts) == 1 else service.answers) as base:
        embedder = base.index.embedder
        if asked.model != embedder.name:
            raise Unknown("server.no_model", "model", name=asked.model[:60])
        if asked.dimensions not in (None, embedder.dimension):
            raise BadRequest("server.dimensions", "dimensions", dimension=embedder.dimension)

        def work() -> Any:
            if asked.input_type == "query":
                return np.stack([embedder.embed_query(text) for text in texts])
            return embedder.embed_passages(texts)

        vectors = np.ascontiguousarray(await asyncio.wait_for(asyncio.to_thread(work), backend.limits.seconds), dtype="<f4")
    lines = [
        EmbeddingLine(
            index=number,
            embedding=base64.b64encode(vector.tobytes()).decode() if asked.encoding_format == "base64" else vector.tolist(),
        )
        for number, vector in enumerate(vectors)
    ]
    count = sum(len(words(text)) for text in texts)
    return EmbeddingList(data=lines, model=asked.model, usage=EmbeddingUsage(prompt_tokens=count, total_tokens=count))
