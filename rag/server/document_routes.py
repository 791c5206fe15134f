"""Routes for documents: their list, texts and overviews, and what adds and removes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from rag.answering.chatbot import Chatbot
from rag.library.jobs import Job
from rag.library.library import Shelf
from rag.schema import Span
from rag.server.access import Access
from rag.server.backend import ERRORS, Backend, asker_of, language_for
from rag.server.background_indexing import DocumentChange, Follower
from rag.server.bodies import (
    Changed,
    ContradictionList,
    DocumentLine,
    DocumentList,
    DocumentText,
    ErrorBody,
    IndexingState,
    JobBody,
    OverviewBody,
    SuggestionLine,
    SuggestionList,
    TextDocument,
)
from rag.server.error_responses import Forbidden, Unknown
from rag.server.views import contradiction_lines, document_text, overview_body
from rag.service.suggesting import Suggesting
from rag.storage.sql_schema import DocumentInfo

_PAGE = 20_000
"""Characters of a document given at once, where no end is named."""

DocumentId = Annotated[str, Query(min_length=1, max_length=1000, description="The document's id")]
CollectionParameter = Annotated[str, Query(max_length=1000, description='"" is the collection the server was started with')]


def document_routes(backend: Backend, access: Access) -> APIRouter:
    router = APIRouter(responses=ERRORS)

    follower = Follower()
    suggesting = Suggesting(backend.service)

    async def opened(collection: str, request: Request) -> Chatbot:
        over = backend.over(collection, asker_of(request.scope))
        return over(await backend.service.ready())

    @router.get("/v1/documents", summary="List the documents")
    async def documents(
        request: Request,
        collection: CollectionParameter = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        after: Annotated[str, Query(max_length=1000, description="`next` of the page before")] = "",
    ) -> DocumentList:
        """Return those of the index, and those that were added and are not indexed, with the reason where they could not be read."""
        index, language = (await opened(collection, request)).index, language_for(request)
        infos = {info.id: info for info in await asyncio.to_thread(index.documents)}
        changes = follower.last_of(collection)
        rest = [document_line(id, infos.get(id), changes.get(id), language) for id in sorted(infos.keys() | changes.keys()) if id > after]
        return DocumentList(documents=rest[:limit], next=rest[limit - 1].id if len(rest) > limit else None)

    @router.get("/v1/document", summary="The text of a document, or a part of it")
    async def document(
        id: DocumentId,
        request: Request,
        collection: CollectionParameter = "",
        start: Annotated[int, Query(ge=0, le=2**53)] = 0,
        end: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    ) -> DocumentText:
        """Counted in Unicode code points, as citations are: with `start` and `end` of a citation this is its quote."""
        found = await asyncio.to_thread((await opened(collection, request)).index.document, id)
        if found is None:
            raise Unknown("server.no_document", "id", name=id[:200])
        length = len(found.text)
        begin = min(start, length)
        stop = min(max(begin, begin + _PAGE if end is None else end), length, begin + 10 * _PAGE)
        return document_text(found, begin, stop, begin)

    @router.get("/v1/overview", summary="What a document, or a collection, is about")
    async def overview(
        request: Request,
        id: Annotated[str | None, Query(min_length=1, max_length=1000, description="The document's id; without it, all documents")] = None,
        collection: CollectionParameter = "",
    ) -> OverviewBody:
        """Main points, names, dates and figures in the documents' own words, each with its place."""
        bot = await opened(collection, request)
        if id is not None and not await asyncio.to_thread(bot.index.infos, [id]):
            raise Unknown("server.no_document", "id", name=id[:200])
        found = await asyncio.to_thread(bot.contradictions) if id is None else []
        return overview_body(await asyncio.to_thread(bot.overview, id), language_for(request), found)

    @router.get("/v1/contradictions", summary="What documents state differently")
    async def contradictions(request: Request, collection: CollectionParameter = "") -> ContradictionList:
        """Return pairs of quotations of different documents that differ in one value, or of which one denies the other, and agree in all
        else; the most certain first. The same matter in other words is not noticed."""
        bot = await opened(collection, request)
        return ContradictionList(contradictions=contradiction_lines(await asyncio.to_thread(bot.contradictions)))

    @router.get("/v1/suggestions", summary="Questions that the documents answer")
    async def suggestions(
        request: Request,
        language: Annotated[Literal["ar", "en"], Query(description="The language of the questions, where there are enough")] = "en",
        document: Annotated[
            str | None, Query(min_length=1, max_length=1000, description="Near this document, after an answer from it")
        ] = None,
        start: Annotated[int, Query(ge=0, le=2**53, description="Where the words cited begin")] = 0,
        end: Annotated[int, Query(ge=0, le=2**53)] = 0,
        count: Annotated[int, Query(ge=1, le=20)] = 3,
        collection: CollectionParameter = "",
    ) -> SuggestionList:
        """Return questions of which each was asked, and answered with a quotation. They are made while nobody waits for an answer and kept
        with the index: at first there are none, and `more` is true."""
        bot = await opened(collection, request)
        if document is None:
            found = await asyncio.to_thread(suggesting.opening, bot, language, count)
        else:
            cited = [(document, Span(start, max(start, end)))]
            found = await asyncio.to_thread(suggesting.after, bot, language, cited, (), count)
        lines = [
            SuggestionLine(
                question=one.text,
                language="ar" if one.language == "ar" else "en",
                document=one.document_id,
                start=one.span.start,
                end=one.span.end,
                confidence=one.confidence,
            )
            for one in found.suggestions
        ]
        return SuggestionList(suggestions=lines, more=found.more)

    def changeable(collection: str, request: Request) -> Shelf:
        asker = asker_of(request.scope)
        if not access.changes or backend.library is None:
            raise Forbidden("server.no_changes")
        backend.over(collection, asker)
        return backend.library.of(asker.person)

    async def keep(shelf: Shelf, collection: str, path: str, chunks: AsyncIterator[bytes], request: Request) -> Changed:
        base = await backend.service.ready()
        id = await shelf.receive_at(collection, path, chunks)
        return follow(shelf, DocumentChange(collection, id, asker_of(request.scope).person), base, request)

    def follow(shelf: Shelf, change: DocumentChange, base: Chatbot, request: Request) -> Changed:
        follower(shelf, base.index.embedder, change)
        return Changed(id=change.document, job=change.id, indexing=_indexing(shelf.last_job(), language_for(request)))

    changing = {**ERRORS, 403: {"model": ErrorBody, "description": "The server was started without the right to change documents"}}
    changing |= {status: {"model": ErrorBody, "description": "The document can't be kept or read"} for status in (422, 507)}
    body = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}

    @router.put("/v1/documents/{id:path}", status_code=202, summary="Add a file", responses=changing, openapi_extra=body)
    async def add(id: str, request: Request, collection: CollectionParameter = "") -> Changed:
        """Keep the file that is the body under this id, a path with `/` between folders, and bring the index up to date. One of the same id
        is set aside."""
        shelf = changeable(collection, request)
        return await keep(shelf, collection, id, request.stream(), request)

    @router.post("/v1/documents", status_code=202, summary="Add a text", responses=changing)
    async def add_text(given: TextDocument, request: Request, collection: CollectionParameter = "") -> Changed:
        """Keep a text with its metadata, and bring the index up to date. One of the same id is set aside."""
        shelf = changeable(collection, request)
        path = given.id if given.id.lower().endswith(".json") else f"{given.id}.json"
        return await keep(shelf, collection, path, text_file(given), request)

    @router.delete("/v1/documents", status_code=202, summary="Remove a document", responses=changing)
    async def remove(id: DocumentId, request: Request, collection: CollectionParameter = "") -> Changed:
        """Set the file aside, and bring the index up to date."""
        shelf = changeable(collection, request)
        base = await backend.service.ready()
        await asyncio.to_thread(shelf.remove, collection, id)
        return follow(shelf, DocumentChange(collection, id, asker_of(request.scope).person, removed=True), base, request)

    @router.get("/v1/jobs/{job}", summary="What became of a change")
    async def job(job: str, request: Request) -> JobBody:
        """For a document that was added or removed since the server started; only for the one who did it."""
        asker = asker_of(request.scope)
        change = follower.find(job, asker.person)
        if change is None or not asker.grant.sees(change.collection):
            raise Unknown("server.no_job", "job", name=job[:60])
        state, reason, run = change.state(), change.reason(), change.job
        if state == "done" and reason is not None and not change.removed:
            index = (await opened(change.collection, request)).index
            state = "done" if await asyncio.to_thread(index.infos, [change.document]) else "failed"
        return JobBody(
            id=change.id,
            collection=change.collection,
            document=change.document,
            state=state,  # type: ignore[arg-type]  # one of the five by its own description
            reason=reason.text(language_for(request)) if reason else None,
            step=run.step if run else "wait",
            done=run.done if run else 0,
            total=run.total if run else 0,
        )

    @router.get("/v1/indexing", summary="How far the indexing is")
    async def indexing(request: Request) -> IndexingState:
        asker = asker_of(request.scope)
        shelf = backend.library.of(asker.person) if backend.library else None
        job = shelf.last_job() if shelf else None
        return _indexing(job if job and asker.grant.sees(job.collection) else None, language_for(request))

    return router


def _indexing(job: Job | None, language: str) -> IndexingState:
    """Return the state of an indexing job."""
    if job is None:
        return IndexingState(state="none", collection="", step="", done=0, total=0, error=None)
    return IndexingState(
        state=job.state,  # type: ignore[arg-type]  # one of the five by its own description
        collection=job.collection,
        step=job.step,
        done=job.done,
        total=job.total,
        error=job.error.text(language) if job.error else None,
    )


def document_line(id: str, info: DocumentInfo | None, change: DocumentChange | None, language: str) -> DocumentLine:
    """Return a document of the index, or one that was added and is not there, as the list shows it."""
    reason = change.reason() if change else None
    state: Literal["indexed", "waiting", "failed"]
    state = "indexed" if info else "failed" if reason or (change and change.state() in ("failed", "cancelled")) else "waiting"
    return DocumentLine(
        id=id,
        title=info.title if info else "",
        language=info.language if info else "",
        characters=info.characters if info else 0,
        passages=info.passages if info else None,
        added=info.added if info else "",
        metadata=dict(info.metadata) if info else {},
        state=state,
        reason=reason.text(language) if reason else None,
    )


async def text_file(given: TextDocument) -> AsyncIterator[bytes]:
    """Yield a text with its metadata as the JSON file that it is kept in."""
    title = {"title": given.title} if given.title else {}
    yield json.dumps({**given.metadata, **title, "text": given.text}, ensure_ascii=False, indent=1).encode("utf-8", "replace")
