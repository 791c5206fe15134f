"""The window as a Gradio app: one component that the page's own script fills, and the events between it and the service.

Only this module imports gradio, and only `rag.ui.web.mount_page` imports this module.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import gradio as gr

from rag.answering.chatbot import Chatbot
from rag.answering.kept_overview import kept_overview
from rag.documents.load import SUFFIXES, largest
from rag.errors import BadQuestion, IndexBusy, ShawahidError, as_ours
from rag.export import bibtex, paper_of, ris, word_document
from rag.library import ocr_files
from rag.library.feedback import as_question, line_text, lines, question_set, record
from rag.library.generators import Generators
from rag.library.identity import OPERATOR, caller_of, person_of
from rag.library.library import Library, Shelf, text_or_empty
from rag.library.reports import reports_for
from rag.library.views import View, about_view, error_view
from rag.retrieval.query import LONGEST_QUESTION, validate_question
from rag.schema import Answer, Delta, Document, Filter, Found, Span, Status, Turn
from rag.service.aio import batched, beating
from rag.service.overviews import Overviews
from rag.service.prefetch import Prefetcher
from rag.service.service import Preparing, Service, Waiting
from rag.service.signals import Signal
from rag.service.suggesting import Suggesting
from rag.text.language import answer_language, question_language
from rag.ui.document_view import document_view
from rag.ui.original import original_view
from rag.ui.overview import documents_in, overview_view
from rag.ui.own_questions import ask_own_question
from rag.ui.render import answer_view, documents_of, found_view, passage_views, span_of_quote, strings
from rag.ui.review import ReviewRows, file_view, row_view, table_file

PAUSE = 0.06
"""Seconds between two drawings of a growing answer."""
BEAT = 2.0
"""Seconds after which a waiting page receives an update, so that it can distinguish waiting from a lost connection."""

_RESULTS, _MOST_RESULTS = 10, 200  # passages on a page of search results, and how far one may page
_MOST_NAMES = 3000  # documents, and folders, that are offered by name
_TABLE_QUESTIONS, _TABLE_DOCUMENTS = 20, 100
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_LONGEST_HISTORY, _LONGEST_TURN = 4, 4000  # turns, characters
_LONGEST_PASSAGE = 6000  # characters
_LONGEST_ASKED, _MOST_CITED = 50, 20  # questions asked before, and spans cited, that suggestions take into account
_TURN = re.compile(r"[A-Za-z0-9-]{8,64}")

# The script stands in a file of its own; here is only what has to be inside the component.
_LOAD = """
import(props.boot.script).then((module) => module.mount(element, props, trigger, watch, server, upload));
// events: 'ask'
"""


Call = Callable[[Any, Any], Any]
"""What the page calls: with what it sends, and the person whose page it is."""


class NotReady(ShawahidError):
    """The models are still being loaded."""

    http_status = 503


class Window:
    """The Gradio app over one service."""

    def __init__(
        self,
        service: Service,
        library: Library | None = None,
        generators: Generators | None = None,
        *,
        feedback: Path | None = None,
        reports: Path | None = None,
        language: str = "en",
        examples: Sequence[View] = (),
        static: str = "/shawahid",
        login: bool = False,
    ) -> None:
        self._service = service
        self._library = library
        self._generators = generators
        self._feedback = feedback or Path("feedback")
        self._reports = reports
        self._language = language
        self._examples = list(examples)
        self._static = static
        self._login = login
        self._stops: dict[str, Signal] = {}
        self._prefetcher = Prefetcher(service)
        self._suggesting = Suggesting(service)
        self._overviews = Overviews(service)
        self._reviewed = ReviewRows()
        if library is not None:
            library.watching.begin(library.of(OPERATOR).watched_folder, self._index_watched)

    def blocks(self) -> gr.Blocks:
        """Return the app, to be mounted or launched."""
        boot = {
            "script": f"{self._static}/window.js",
            "strings": strings(),
            "language": self._language,
            "examples": self._examples,
            "library": self._library is not None,
            "choice": self._generators is not None,
            "login": self._login,
            "kinds": sorted({about_view(suffix, {})["kind"] for suffix in (f"a{suffix}" for suffix in SUFFIXES)} - {""}),
            "limits": {suffix: largest(suffix, self._library.max_bytes) for suffix in SUFFIXES} if self._library else {},
        }
        calls: list[Call] = [
            self.status,
            self.start,
            self.stop,
            self.document,
            self.passage,
            self.original,
            self.search,
            self.names,
            self.table_row,
            self.table_file,
            self.overview,
            self.export_file,
            self.feedback,
            self.quality,
            self.own_question,
            self.anticipate,
            self.leave,
            self.suggestions,
        ]
        if self._library is not None:
            calls += [
                self.documents,
                self.receive_page,
                self.create,
                self.share,
                self.rename,
                self.empty,
                self.delete,
                self.stored,
                self.forget,
                self.remove,
                self.ocr,
                self.watch,
                self.destroy,
                self.build,
                self.job,
                self.cancel,
            ]
        if self._generators is not None:
            calls += [self.use, self.fetch, self.try_out, self.task, self.halt]
        with gr.Blocks(title="شواهد · Shawahid", analytics_enabled=False, fill_width=True) as app:
            page = gr.HTML(
                {},
                html_template='<div class="shawahid-host"></div>',
                js_on_load=_LOAD,
                apply_default_css=False,
                elem_id="shawahid-window",
                server_functions=[_function(call) for call in calls],
                boot=boot,
            )
            page.ask(
                self.ask,
                None,
                page,
                show_progress="hidden",
                trigger_mode="multiple",
                concurrency_limit=None,  # questions wait in the service's queue, which is fair and says the place
                api_visibility="private",
            )
        app.queue(max_size=200, api_open=False)
        return app

    # --- what the page calls ----------------------------------------------------------------------------------------------

    async def ask(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[View]:
        """Answer a question: yield the complete state of its turn repeatedly until it is done or has failed."""
        asked = event._data if isinstance(event._data, dict) else {}
        turn = str(asked.get("turn", ""))
        if not _TURN.fullmatch(turn):
            return
        view: View = {"turn": turn, "state": "waiting", "place": 0, "found": None, "draft": "", "searched": "", "beat": 0}
        stop = Signal()
        self._stops[turn] = stop
        try:
            async with aclosing(self._answer(asked, _caller(request), _person(request), stop)) as changes:
                async for change in changes:
                    view = {**view, **change, "beat": view["beat"] + 1}
                    yield view
        except ShawahidError as error:
            yield {**view, "state": "error", "error": error_view(error)}
        except Exception as error:
            yield {**view, "state": "error", "error": error_view(as_ours(error))}
        finally:
            stop.set()
            self._stops.pop(turn, None)

    async def _answer(self, asked: View, caller: str, person: str, stop: Signal) -> AsyncGenerator[View, None]:
        """Yield the changes to the view of one turn, at most one in `PAUSE` seconds, and at least one in `BEAT` seconds."""
        chatbot: Chatbot | None = None

        def over(base: Chatbot) -> Chatbot:
            nonlocal chatbot
            chatbot = self._over(asked.get("collection"), person, base)
            return chatbot

        draft, found = "", False
        question, history = str(asked.get("question", "")), _history(asked.get("history"))
        chosen = await self._chosen(asked, person)
        async with (
            aclosing(self._service.answer(caller, question, history, way="window", over=over, stop=stop, filter=chosen)) as events,
            aclosing(batched(events, PAUSE)) as batches,
            aclosing(beating(batches, BEAT)) as beats,
        ):
            async for batch in beats:
                change: View = {}
                for item in batch or ():  # None: nothing has come for a while
                    if isinstance(item, Preparing):
                        change |= {"state": "preparing"}
                    elif isinstance(item, Waiting):
                        change |= {"state": "queued" if item.place else "searching", "place": item.place}
                    elif isinstance(item, Found):
                        found = True
                        view = found_view(item, await _about(chatbot, item))
                        change |= {"state": "reading", "found": view, "searched": item.question}
                    elif isinstance(item, Delta):
                        draft += item.text
                        change |= {"state": "writing", "draft": draft}
                    elif item.status is Status.STOPPED and not found:  # before its turn had come
                        change |= {"state": "stopped"}
                    else:
                        change |= {"state": "done", "answer": answer_view(item, await _about(chatbot, item)), "draft": ""}
                yield change

    async def _chosen(self, asked: View, person: str) -> Filter | None:
        """Return the filter of a question; kinds of documents are looked up in the index, which has to be open for it."""
        raw = asked.get("filter")
        if not raw:
            return None
        base = await self._service.ready()
        return await asyncio.to_thread(lambda: _filter(raw, self._over(asked.get("collection"), person, base)))

    def status(self, collection: object = "", person: str = OPERATOR) -> View:
        """Return the state of the models, what is missing, and how many documents the collection holds."""
        service = self._service
        chatbot = service.chatbot
        try:
            over = self._over(collection, person, chatbot) if chatbot else None
            documents = over.index.manifest().documents if over else 0
            if over and documents > 1:
                self._overviews.prepare(over)
        except ShawahidError:
            documents = 0
        return {
            "state": service.state.value,
            "error": error_view(service.error) if service.error else None,
            "notices": [error_view(notice) for notice in service.notices],
            "generator": chatbot.generator.name if chatbot and chatbot.generator else "",
            "embedder": chatbot.index.embedder.name if chatbot else "",
            "opened": chatbot is not None,
            "documents": documents,
            "offer": self._generators.offer() if self._generators else None,
            "task": self.task(),
            "job": self._running_job(collection, person),
        }

    def _running_job(self, collection: object, person: str) -> View | None:
        """Return the indexing of a collection that this person began and that still runs, so that any of their pages can follow it."""
        job = self._shelf(person).last_job(text_or_empty(collection)) if self._library else None
        return job.view() if job and job.state == "running" else None

    def start(self, _: object = None, person: str = OPERATOR) -> bool:
        """Load the models again after they failed to load."""
        self._service.start()
        return True

    def stop(self, turn: str, person: str = OPERATOR) -> bool:
        """Stop a turn at once; what was written by then is checked and shown. Only its own page knows its name."""
        event = self._stops.get(str(turn))
        if event is None:
            return False
        event.set()
        return True

    def document(self, wanted: View, person: str = OPERATOR) -> View:
        """Return a document of the index around a span: `{"id", "start", "end"}`, and `from`, `to` for another part of it.

        With `quote`, the words that were cited: they are marked where they stand now, and "changed" says that they are no longer there.
        """
        document, span, changed = self._wanted(wanted, self._over(wanted.get("collection"), person, self._base()))
        view = document_view(document, span, _whole(wanted.get("from")), _whole(wanted.get("to")))
        return view | {"changed": changed} | self._file_of(wanted, person)

    def passage(self, wanted: View, person: str = OPERATOR) -> View:
        """Return words that a reader chose in a document, `{"collection", "id", "start", "quote"}`, as a source: `start` is near them.
        Rows of a table are chosen by their place: `start` and `end`, without a quote.

        Raises BadQuestion if they do not stand in it as they were chosen, or are too many.
        """
        chatbot = self._over(wanted.get("collection"), person, self._base())
        document, span, missing = self._wanted(wanted, chatbot)
        if missing or not 0 < len(span) <= _LONGEST_PASSAGE:
            raise BadQuestion("ui.error_selection")
        metadata = chatbot.index.infos([document.id])[document.id].metadata
        locator = document.locator_of(span)
        return {
            "document": document.id,
            **about_view(document.id, metadata),
            "title": document.title,
            "locator": locator if locator != f"§ {document.title}" else "",
            "start": span.start,
            "end": span.end,
            "quote": span.of(document.text),
        }

    def original(self, wanted: View, person: str = OPERATOR) -> View:
        """Return the pages of a document's file and where a span stands on them: `{"id", "start", "end"}`."""
        chatbot = self._over(wanted.get("collection"), person, self._base())
        document, span, _ = self._wanted(wanted, chatbot)
        return original_view(document, chatbot.index.page_layouts(document.id), span)

    def _wanted(self, wanted: View, chatbot: Chatbot) -> tuple[Document, Span, bool]:
        """Return the document and the span that the page asks for, and whether the words cited are gone from it. Raises BadQuestion."""
        document = chatbot.index.document(str(wanted.get("id", "")))
        if document is None:
            raise BadQuestion("ui.error_document_gone", name=wanted.get("id", ""))
        start, end = _whole(wanted.get("start")) or 0, _whole(wanted.get("end")) or 0
        span = Span(min(start, len(document.text)), min(max(start, end), len(document.text)))
        found = span_of_quote(document, span, text_or_empty(wanted.get("quote")))
        return document, found or span, found is None

    def _file_of(self, wanted: View, person: str) -> View:
        """Return whether the file of a document can be saved, and whether its pages can be shown."""
        try:
            file = (
                self._shelf(person).original(text_or_empty(wanted.get("collection")), str(wanted.get("id", ""))) if self._library else None
            )
        except ShawahidError:
            file = None
        return {"file": file is not None, "paged": file is not None and file.has_pages}

    def search(self, asked: View, person: str = OPERATOR) -> View:
        """Return passages for a text in either language, best first, without an answer: `{"question", "collection", "filter", "offset"}`.

        "more" says whether there may be others after them.
        """
        return asyncio.run(self._search(asked, person))

    def names(self, collection: object, person: str = OPERATOR) -> View:
        """Return the documents of a collection, as [id, title], and their folders: what a question can be narrowed down to."""
        infos = self._over(collection, person, self._base()).index.documents()
        folders = {"/".join(parts[:depth]) for info in infos for parts in [info.id.split("/")[:-1]] for depth in range(1, len(parts) + 1)}
        return {"documents": [[info.id, info.title] for info in infos[:_MOST_NAMES]], "folders": sorted(folders)[:_MOST_NAMES]}

    async def _search(self, asked: View, person: str) -> View:
        offset = min(_whole(asked.get("offset")) or 0, _MOST_RESULTS)
        async with self._service.turn(person, self._service.searches) as base:
            chatbot = self._over(asked.get("collection"), person, base)
            return await asyncio.to_thread(_results, chatbot, text_or_empty(asked.get("question")), offset, asked.get("filter"))

    # --- the review table -------------------------------------------------------------------------------------------------

    def table_row(self, asked: View, person: str = OPERATOR) -> View:
        """Return the answers of one document to several questions: `{"collection", "questions", "document"}`."""
        questions, (document,) = _table_questions(asked), _texts([asked.get("document")]) or ("",)
        return asyncio.run(self._with_turn(asked, person, lambda owner, bot: row_view(self._reviewed.row(owner, bot, questions, document))))

    def table_file(self, asked: View, person: str = OPERATOR) -> View:
        """Return the table of several documents, `{"collection", "questions", "documents", "form", "language"}`, as a file to save."""
        questions, documents = _table_questions(asked), _texts(asked.get("documents"))[:_TABLE_DOCUMENTS]
        form, language = text_or_empty(asked.get("form")), "ar" if asked.get("language") == "ar" else "en"

        def work(owner: tuple[str, str], chatbot: Chatbot) -> View:
            return table_file(self._reviewed.table(owner, chatbot, questions, documents), form, language)

        return asyncio.run(self._with_turn(asked, person, work))

    # --- overviews and files ----------------------------------------------------------------------------------------------

    def overview(self, asked: View, person: str = OPERATOR) -> View:
        """Return what a document is about, or all that are asked: `{"collection", "document", "filter", "contradictions"}`.

        Contradictions are looked for if they are asked for; of all documents they may be kept already.
        """
        return asyncio.run(self._with_turn(asked, person, lambda _, bot: self._overview(bot, asked)))

    def _overview(self, bot: Chatbot, asked: View) -> View:
        document = asked.get("document")
        chosen = _filter(asked.get("filter"), bot)
        if isinstance(document, str):
            overview, found = bot.overview(document), None
        elif chosen is None and (asked.get("contradictions") is True or kept_overview(bot.index) is not None):
            whole = self._overviews.of(bot)
            overview, found = whole.overview, list(whole.contradictions)
        else:
            overview = bot.overview(filter=chosen)
            found = bot.contradictions(filter=chosen) if asked.get("contradictions") is True else None
        infos = bot.index.infos(documents_in(overview, found or ()))
        return overview_view(overview, {id: info.metadata for id, info in infos.items()}, found)

    def export_file(self, asked: View, person: str = OPERATOR) -> View:
        """Return what the page made, `{"paper", "form"}`, as a file to save: a Word document, or the documents that it cites."""
        paper, form = paper_of(asked.get("paper")), text_or_empty(asked.get("form"))
        if form == "docx":
            return file_view("paper.docx", DOCX, word_document(paper))
        if form == "bib":
            return file_view("paper.bib", "application/x-bibtex", bibtex(paper.notes).encode())
        return file_view("paper.ris", "application/x-research-info-systems", ris(paper.notes).encode())

    async def _with_turn(self, asked: View, person: str, work: Callable[[tuple[str, str], Chatbot], View]) -> View:
        """Do work over a collection when it is this person's turn among the questions."""
        async with self._service.turn(person, self._service.answers) as base:
            collection = text_or_empty(asked.get("collection"))
            return await asyncio.to_thread(work, (person, collection), self._over(collection, person, base))

    # --- reading ahead ----------------------------------------------------------------------------------------------------

    def anticipate(self, asked: View, person: str = OPERATOR) -> bool:
        """Prepare an answer to `{"name", "question", "history", "collection"}` if nobody waits; return whether it began.

        `name` is used to give it up.
        """
        chatbot = self._service.chatbot
        name, question = text_or_empty(asked.get("name")), text_or_empty(asked.get("question"))
        if chatbot is None or not _TURN.fullmatch(name) or not 0 < len(question) <= LONGEST_QUESTION:
            return False
        over, history = self._over(asked.get("collection"), person, chatbot), _history(asked.get("history"))
        return self._prefetcher.begin(name, lambda stop: over.anticipate(question, history, stop=stop))

    def leave(self, name: object, person: str = OPERATOR) -> bool:
        """Give up what is being prepared under a name: the text has changed, or was sent."""
        self._prefetcher.leave(text_or_empty(name)[:64])
        return True

    def suggestions(self, asked: View, person: str = OPERATOR) -> View:
        """Return suggested questions: `{"collection", "language"}` to begin with; with "asked", and "cited" as `[id, start, end]`, those
        to go on with after an answer. "more" says whether others are being made."""
        chatbot = self._over(asked.get("collection"), person, self._base())
        language = "ar" if asked.get("language") == "ar" else "en"
        if isinstance(asked.get("cited"), list):
            found = self._suggesting.after(chatbot, language, _cited(asked["cited"]), _texts(asked.get("asked"))[:_LONGEST_ASKED])
        else:
            found = self._suggesting.opening(chatbot, language)
        return {"suggestions": [{"text": one.text, "language": one.language} for one in found.suggestions], "more": found.more}

    # --- documents --------------------------------------------------------------------------------------------------------

    def _base(self) -> Chatbot:
        if self._service.chatbot is None:
            raise self._service.error or NotReady("ui.error_not_ready")
        return self._service.chatbot

    def _over(self, collection: object, person: str, base: Chatbot) -> Chatbot:
        """Return the chatbot of a collection that this person may see; without a library there is one only."""
        return self._library.of(person).chatbot(text_or_empty(collection), base) if self._library else base

    def _shelf(self, person: str) -> Shelf:
        assert self._library is not None, "the page calls this only where there is a library"
        return self._library.of(person)

    def documents(self, collection: object, person: str = OPERATOR) -> View:
        """Return the collections this person may see, the documents of one of them, the indexing of it that this person began, how
        much their own hold, and how long OCR takes for a page, None where it is not installed."""
        shelf, id = self._shelf(person), text_or_empty(collection)
        id = id if shelf.sees(id) else ""
        job = shelf.last_job(id)
        return {
            "collections": shelf.rows(),
            "collection": id,
            "documents": shelf.documents(id, self._base()),
            "job": job.view() if job and job.state == "running" else None,
            "room": shelf.room(id),
            "watched": shelf.watches(id),
            "ocr": ocr_files.SECONDS_A_PAGE if ocr_files.is_installed() else None,
        }

    def receive_page(self, asked: View, person: str = OPERATOR) -> View:
        """Fetch a web page into a collection, `{"collection", "address"}`, and return its name."""
        shelf = self._shelf(person)
        return {"id": asyncio.run(shelf.receive_page(text_or_empty(asked.get("collection")), text_or_empty(asked.get("address"))))}

    def create(self, name: object, person: str = OPERATOR) -> View:
        """Create an empty collection."""
        return {"collection": self._shelf(person).create(text_or_empty(name)).id}

    def share(self, asked: View, person: str = OPERATOR) -> View:
        """Make a collection visible to everyone, `{"collection", "shared"}`, or to its owner only."""
        return {"shared": self._shelf(person).share(text_or_empty(asked.get("collection")), asked.get("shared") is True).shared}

    def remove(self, asked: View, person: str = OPERATOR) -> View:
        """Remove a document, `{"collection", "id"}`, and bring the index up to date."""
        embedder, collection = self._base().index.embedder, text_or_empty(asked.get("collection"))
        self._shelf(person).remove(collection, text_or_empty(asked.get("id")))
        return self._shelf(person).build(collection, embedder, emptied=True).view()

    def rename(self, asked: View, person: str = OPERATOR) -> View:
        """Give a collection another name: `{"collection", "name"}`."""
        return {"name": self._shelf(person).rename(text_or_empty(asked.get("collection")), text_or_empty(asked.get("name"))).name}

    def empty(self, collection: object, person: str = OPERATOR) -> View:
        """Remove all documents of a collection, and bring its index up to date."""
        embedder, id = self._base().index.embedder, text_or_empty(collection)
        self._shelf(person).empty(id)
        return self._shelf(person).build(id, embedder, emptied=True).view()

    def delete(self, collection: object, person: str = OPERATOR) -> bool:
        """Delete a collection with everything in it for good."""
        self._shelf(person).delete(text_or_empty(collection))
        return True

    def stored(self, _: object = None, person: str = OPERATOR) -> View:
        """Return what is stored of this person on the server."""
        return self._shelf(person).stored()

    def forget(self, what: object, person: str = OPERATOR) -> View:
        """Delete all "collections" of this person, or all their "feedback", for good, and return what is left."""
        shelf = self._shelf(person)
        if what == "collections":
            shelf.forget_collections()
        elif what == "feedback":
            shelf.forget_feedback()
        return shelf.stored()

    def watch(self, asked: View, person: str = OPERATOR) -> bool:
        """Watch the folder of a collection, `{"collection", "on"}`, or no longer."""
        self._shelf(person).watch(text_or_empty(asked.get("collection")), asked.get("on") is True)
        return True

    def _index_watched(self, id: str) -> bool:
        """Begin to index a collection whose folder has changed; return whether that could be done now."""
        if (chatbot := self._service.chatbot) is None:
            return False
        try:
            self._shelf(OPERATOR).build(id, chatbot.index.embedder)
        except IndexBusy:
            return False
        return True

    def ocr(self, asked: View, person: str = OPERATOR) -> View:
        """Read a file with OCR from now on, `{"collection", "id", "on"}`, or no longer, and bring the index up to date."""
        collection = text_or_empty(asked.get("collection"))
        self._shelf(person).read_with_ocr(collection, text_or_empty(asked.get("id")), asked.get("on") is True)
        return self.build(collection, person)

    def destroy(self, collection: object, person: str = OPERATOR) -> bool:
        """Destroy the files that were removed from a collection."""
        self._shelf(person).empty_trash(text_or_empty(collection))
        return True

    def build(self, collection: object, person: str = OPERATOR) -> View:
        """Bring the index of a collection up to date in the background."""
        return self._shelf(person).build(text_or_empty(collection), self._base().index.embedder).view()

    def job(self, id: object, person: str = OPERATOR) -> View:
        """Return the progress of an indexing job to the person who started it."""
        job = self._shelf(person).job(text_or_empty(id))
        return job.view() if job else {"state": "done", "added": 0, "removed": 0, "skipped": []}

    def cancel(self, id: object, person: str = OPERATOR) -> bool:
        """Cancel an indexing job, which only the person who started it can; the index stays as it was."""
        job = self._shelf(person).job(text_or_empty(id))
        if job:
            job.cancel.set()
        return job is not None

    # --- models -----------------------------------------------------------------------------------------------------------

    def _choice(self) -> Generators:
        assert self._generators is not None, "the page calls this only where there is a choice"
        return self._generators

    def use(self, name: object, person: str = OPERATOR) -> View:
        """Answer with another of the installed generators from now on."""
        return self._choice().use(text_or_empty(name)).view()

    def fetch(self, asked: View, person: str = OPERATOR) -> View:
        """Download a generator, `{"name", "accepted": whether the reader accepted its terms}`, and answer with it."""
        return self._choice().fetch(text_or_empty(asked.get("name")), asked.get("accepted") is True).view()

    def try_out(self, name: object, person: str = OPERATOR) -> View:
        """Find out in a few minutes what an installed generator can do on this computer, while questions go first."""
        return self._choice().try_out(text_or_empty(name)).view()

    def task(self, _: object = None, person: str = OPERATOR) -> View | None:
        """Return the progress of opening, downloading or trying a generator."""
        task = self._generators.task if self._generators else None
        return task.view() if task else None

    def halt(self, _: object = None, person: str = OPERATOR) -> bool:
        """Stop a download, of which what was downloaded is kept, or a trial."""
        return self._choice().cancel()

    # --- quality ----------------------------------------------------------------------------------------------------------

    def quality(self, collection: object = "", person: str = OPERATOR) -> View:
        """Return the models in use, what the index holds, the evaluations that this person may read, the latest first, and how many
        complaints of this person's own collections wait to be asked again."""
        chatbot = self._over(collection, person, self._base())
        manifest = chatbot.index.manifest()
        return {
            "generator": chatbot.generator.name if chatbot.generator else "",
            "embedder": chatbot.index.embedder.name,
            "generators": self._generators.rows() if self._generators else [],
            "documents": manifest.documents,
            "passages": manifest.passages,
            "sentences": manifest.sentences,
            "reports": [
                {"name": path.parent.name, "date": time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))}
                for path in reports_for(self._reports, person)[:12]
            ],
            "feedback": self._complaints(person),
            "mine": self._owns(collection, person),
        }

    def _owns(self, collection: object, person: str) -> bool:
        """Return whether a person may make questions about a collection: its owner."""
        if self._library is None:
            return person == OPERATOR
        shelf = self._library.of(person)
        return any(each.id == text_or_empty(collection) and shelf.owns(each) for each in shelf.collections())

    def _complaints(self, person: str) -> list[View]:
        """Return the question sets of this person's own collections."""
        if self._library is not None:
            shelf = self._library.of(person)
            named = [(each.id, each.name) for each in shelf.collections() if shelf.owns(each)]
        else:
            named = [("", "")] if person == OPERATOR else []
        sets = [(id, name, question_set(self._feedback, id)) for id, name in named]
        return [{"id": id, "name": name, "count": lines(path)} for id, name, path in sets if path.is_file()]

    def own_question(self, asked: View, person: str = OPERATOR) -> View:
        """Ask a question of a collection's own set again, `{"collection", "number"}` from 0, and say whether the answer is right."""
        collection, number = text_or_empty(asked.get("collection")), _whole(asked.get("number")) or 0
        if collection not in [each["id"] for each in self._complaints(person)]:
            return {"of": 0}
        path = question_set(self._feedback, collection)
        return asyncio.run(self._with_turn(asked, person, lambda _, chatbot: ask_own_question(chatbot, path, number)))

    # --- feedback ---------------------------------------------------------------------------------------------------------

    def feedback(self, said: View, person: str = OPERATOR) -> View:
        """Store a reader's feedback on an answer as a line of a question set."""
        collection = text_or_empty(said.get("collection"))
        index = self._over(collection, person, self._base()).index
        question = validate_question(text_or_empty(said.get("question")))
        line = as_question(
            text_or_empty(said.get("kind")),
            question,
            answer_language(question_language(question)),
            answered=bool(said.get("answered")),
            claims=[text_or_empty(claim) for claim in said.get("claims") or [] if text_or_empty(claim)],
            quotes=[(text_or_empty(pair[0]), text_or_empty(pair[1])) for pair in said.get("quotes") or [] if len(pair) == 2],
            right=text_or_empty(said.get("right"))[:2000],
            proof=text_or_empty(said.get("proof"))[:2000],
            person=person,
            documents=lambda: [document for info in index.documents() if (document := index.document(info.id))],
        )
        path = question_set(self._feedback, collection)
        if self._library is not None:
            self._library.of(person).admit_feedback(len(line_text(line).encode()))
        record(path, line)
        return {"kept": True}


def _texts(raw: object) -> tuple[str, ...]:
    """Return the texts of a list that the page sent; anything else in it is passed over."""
    return tuple(text for text in raw if isinstance(text, str)) if isinstance(raw, list) else ()


def _cited(raw: Sequence[object]) -> list[tuple[str, Span]]:
    """Return the spans that the page sent as `[id, start, end]`; anything else is passed over."""
    found = []
    for item in raw[:_MOST_CITED]:
        if isinstance(item, list) and len(item) == 3 and isinstance(item[0], str):
            start, end = _whole(item[1]), _whole(item[2])
            if start is not None and end is not None and start <= end:
                found.append((item[0], Span(start, end)))
    return found


def _table_questions(asked: View) -> tuple[str, ...]:
    return tuple(dict.fromkeys(validate_question(question) for question in _texts(asked.get("questions"))[:_TABLE_QUESTIONS]))


def _results(chatbot: Chatbot, question: str, offset: int, chosen: object) -> View:
    """Return one page of the passages that a search finds, each with its best sentences marked."""
    index = chatbot.index
    hits = index.search(question, _RESULTS, offset=offset, filter=_filter(chosen, chatbot))
    passages = [hit.passage for hit in hits]
    infos = index.infos(list(dict.fromkeys(passage.document_id for passage in passages)))
    about = {id: info.metadata for id, info in infos.items()}
    views = passage_views(passages, index.evidence(question, hits, 2 * _RESULTS), about)
    return {"hits": views, "more": len(hits) == _RESULTS and offset < _MOST_RESULTS}


def _filter(raw: object, chatbot: Chatbot) -> Filter | None:
    """Return the filter that the page sent, None if it has no condition: lists of "documents", "folders", "kinds" and "languages", and the
    dates "since" and "until".

    Raises BadSetting.
    """
    if not isinstance(raw, dict):
        return None

    documents: tuple[str, ...] | None = _texts(raw.get("documents")) or None
    if kinds := _texts(raw.get("kinds")):
        ids = chatbot.index.document_ids() if documents is None else documents
        documents = tuple(id for id in ids if about_view(id, {})["kind"] in kinds)
    folders = _texts(raw.get("folders"))
    chosen = Filter(
        documents, _texts(raw.get("languages")), folders, since=text_or_empty(raw.get("since")), until=text_or_empty(raw.get("until"))
    )
    return chosen or None


def _function(method: Call) -> Call:
    """Wrap a method as a function that the page can call with one argument; a failure is returned under "error".

    Gradio passes the request to the parameter add_other_spellings with it, and reads the signature through functools.wraps.
    """

    def call(asked: Any, request: gr.Request) -> Any:
        try:
            return method(asked, _person(request))
        except Exception as error:
            return {"error": error_view(as_ours(error))}

    call.__name__ = getattr(method, "__name__", "call")
    return call


def _scope(request: gr.Request) -> Mapping[str, Any]:
    inner = getattr(request, "request", None) or request  # of the queue, or of a function that the page calls
    scope: Mapping[str, Any] = inner.scope
    return scope


def _person(request: gr.Request) -> str:
    """Return whose the request is, as the gate before the page recorded it."""
    return person_of(_scope(request))


def _caller(request: gr.Request) -> str:
    """Return whose turns a page takes: behind a password its browser's; without one only their pages distinguish people."""
    person = _person(request)
    return str(request.session_hash) if person == OPERATOR else caller_of(_scope(request))


async def _about(chatbot: Chatbot | None, item: Found | Answer) -> dict[str, Mapping[str, str]]:
    """Return the metadata of the documents that were found."""
    assert chatbot is not None, "the events of an answer come after its chatbot was chosen"
    infos = await asyncio.to_thread(chatbot.index.infos, documents_of(item))
    return {id: info.metadata for id, info in infos.items()}


def _history(raw: object) -> list[Turn]:
    """Return the last turns of the conversation as the page sent them; whatever is not of that form is passed over."""
    if not isinstance(raw, list):
        return []
    pairs = [pair for pair in raw if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)]
    return [Turn(question[:_LONGEST_TURN], answer[:_LONGEST_TURN]) for question, answer in pairs[-_LONGEST_HISTORY:]]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
