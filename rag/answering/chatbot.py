"""The path of a question: search → evidence → confidence → draft → checked answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Container, Iterator, Sequence
from collections.abc import Generator as Events
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rag.answering.absent_words import absent_words
from rag.answering.checking.judge import Checker, without_orders
from rag.answering.compose import Composer
from rag.answering.confidence import Calibration
from rag.answering.contradictions import Contradiction, contradictions
from rag.answering.declining import declines, is_sure
from rag.answering.followup import standalone
from rag.answering.greeting import greeting_answer
from rag.answering.inquiry import Inquiry, with_note
from rag.answering.kept_overview import kept_overview
from rag.answering.list_counts import count_answer
from rag.answering.named_lists import list_answer
from rag.answering.overview import Overview, overview_of
from rag.answering.overview_questions import asks_for_overview, documents_asked_for
from rag.answering.overview_text import overview_answer
from rag.answering.prompts import rewrite_prompt
from rag.answering.question_parts import QuestionPart, joined, split_parts, stopped
from rag.answering.quotation import Quotation
from rag.answering.reading import CANDIDATES, read_evidence
from rag.answering.table_answers import table_answer
from rag.answering.value_comparison import comparison_answer
from rag.arguments import as_path, require_members, require_one_of, require_type
from rag.errors import BadQuestion, DocumentMissing
from rag.messages import say
from rag.models.catalogue import knows_other_languages
from rag.models.embedder import query_tokens
from rag.models.generator import Generator
from rag.models.llama.generator import LlamaCpp
from rag.models.question_encoder import QuestionEmbedder
from rag.models.reader import Reader, open_reader
from rag.models.reader_input import ReadText
from rag.models.remote_generator import RemoteGenerator
from rag.models.translator import Translator
from rag.retrieval.arguments import validate_exclude, validate_filter, validate_history, validate_text
from rag.retrieval.index import Index
from rag.retrieval.query import validate_question
from rag.schema import STYLES, Answer, Delta, Filter, Found, History, Prompt, Span, Status, Style
from rag.text.dialect import in_standard_arabic
from rag.text.language import answer_language, question_language
from rag.text.names import unmatched_names
from rag.tracing import Attributes, span, traced

_HITS = 8
EVIDENCE = 6
_REMEMBERED = 64
"""Follow-ups whose standalone form is remembered."""


class Chatbot:
    """Answers questions over one index. Safe to share between threads.

    Without a generator it answers by quotation. A reader reads question and passages together once the sources are shown: it puts the
    evidence in the order in which it answers, finds the words that do, and has its say in declining. By default it is the embedder's
    "own", where one was trained on it; without one the evidence stays in the order of search. `stream` is the one path that
    every way in uses; `ask` drains it.
    A `translator` puts quotations in the other language into that of the question; without one they stay as they are.
    The style "short" answers with the fewest words: in the language of the document they are copied from the source, the
    generator only pointing at them.
    """

    def __init__(
        self,
        index: Index,
        generator: Generator | None = None,
        *,
        calibration: Calibration | None = None,
        prompts: Path | None = None,
        check: bool = True,
        style: Style = "sentence",
        reader: Reader | Literal["own"] | None = "own",
        translator: Translator | None = None,
    ) -> None:
        require_members("index", index, "search", "evidence", "embedder")
        _require_models(generator, reader, translator)
        require_type("calibration", calibration, Calibration, type(None))
        prompts = None if prompts is None else as_path("prompts", prompts)
        require_one_of("style", style, STYLES)
        self.index = index
        self.translator = translator
        self.generator = generator
        self.reader = open_reader(index.embedder) if reader == "own" else reader
        own = not isinstance(generator, (LlamaCpp, RemoteGenerator))
        self.calibration = calibration or Calibration.of(index.embedder.name, generator.name if generator else None, own=own)
        self._prompts = prompts
        self._checks = check
        self._style: Style = style
        checker = Checker(index.embedder, self.calibration.thresholds) if check else None
        self._composer = Composer(
            self.calibration,
            checker,
            prompts=prompts,
            short=style == "short",
            documents=index.document,
            translator=translator,
            reader=self.reader,
            embedder=index.embedder if self.reader is not None else None,
        )
        self._rewritten: dict[tuple[object, ...], str] = {}
        self._remembering = threading.Lock()

    @property
    def style(self) -> Style:
        """How long its answers are."""
        return self._style

    @property
    def checks(self) -> bool:
        """Whether what a generator writes is checked."""
        return self._checks

    @property
    def prompts(self) -> Path | None:
        """The folder of its prompts, if they are not those of the package."""
        return self._prompts

    def over(self, index: Index) -> Chatbot:
        """Return the same chatbot over another index that the same embedder made."""
        return Chatbot(
            index,
            self.generator,
            calibration=self.calibration,
            prompts=self._prompts,
            check=self._checks,
            style=self._style,
            reader=self.reader,
            translator=self.translator,
        )

    def ask(
        self,
        question: str,
        history: History = (),
        *,
        stop: threading.Event | None = None,
        exclude: Container[int] = (),
        filter: Filter | None = None,
    ) -> Answer:
        """Return the checked answer. Raises BadQuestion, BadSetting, GenerationFailed and the index's errors."""
        for event in self.stream(question, history, stop=stop, exclude=exclude, filter=filter):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream ends with an answer")

    def stream(
        self,
        question: str,
        history: History = (),
        *,
        stop: threading.Event | None = None,
        exclude: Container[int] = (),
        filter: Filter | None = None,
    ) -> Iterator[Found | Delta | Answer]:
        """Yield one `Found` before the first word, then the draft in `Delta`s, then the checked `Answer` that replaces it.

        `history` lets a question follow up on earlier ones. Setting `stop`, or closing the iterator, stops the model at once.
        `exclude` holds ids of passages that must not be used; `filter` restricts the answer to some documents.
        """
        events = self._events(question, history, threading.Event() if stop is None else stop, exclude, filter)
        yield from traced("answer", events, _traced_attributes)

    def _events(
        self, question: str, history: History, stop: threading.Event, exclude: Container[int], filter: Filter | None
    ) -> Iterator[Found | Delta | Answer]:
        question = validate_text(question)
        validate_history(history)
        validate_filter(filter)
        validate_exclude(exclude)
        require_members("stop", stop, "is_set")
        if (answer := greeting_answer(question) or self._overview_answer(question, filter)) is not None:
            yield Found(answer.searched, answer.hits, answer.evidence)
            yield answer
            return
        inquiry = self._begun(question, history, stop, exclude, filter)
        yield Found(inquiry.query.text, inquiry.hits, inquiry.evidence)
        with closing(self._answering(inquiry, stop, exclude, filter)) as events:
            for event in events:
                if isinstance(event, Answer) and inquiry.is_in_other_language:
                    event = with_note(event, say("answer.other_language", inquiry.language))
                yield event

    def _answering(
        self, inquiry: Inquiry, stop: threading.Event, exclude: Container[int], filter: Filter | None
    ) -> Events[Delta | Answer, None, None]:
        """Yield the draft of an answer in `Delta`s, then the checked `Answer`."""
        if len(parts := self._parts(inquiry)) > 1:
            yield self._by_parts(inquiry, parts, stop, exclude, filter)
            return
        if (computed := self._computed(inquiry, exclude, filter)) is not None:
            yield computed
            return
        self._read(inquiry)
        if declines(inquiry, self.calibration):
            yield inquiry.declined(() if inquiry.is_in_other_language else absent_words(inquiry.query.text, self.index))
        elif self.generator is None or (prompt := self._composer.prompt(inquiry)) is None:
            yield self._composer.quoted(inquiry, stop=stop)
        else:
            yield from self._drafted(inquiry, self.generator, prompt, stop)
            yield self._composer.drafted(inquiry, prompt, stop)

    def overview(self, document_id: str | None = None, *, filter: Filter | None = None) -> Overview:
        """Return the overview of one document, or of all that meet a filter. Raises DocumentMissing, BadSetting and the index's errors."""
        require_type("document_id", document_id, str, type(None))
        if document_id is None:
            kept = None if filter else kept_overview(self.index)
            return kept.overview if kept else overview_of(self.index, self.index.document_ids(filter))
        if not self.index.infos([document_id]):
            raise DocumentMissing("error.document_missing", name=document_id, path=self.index.folder)
        return overview_of(self.index, [document_id])

    def contradictions(self, *, filter: Filter | None = None, stop: threading.Event | None = None) -> list[Contradiction]:
        """Return what documents state differently of the same matter, the most certain first. Raises BadSetting and the index's errors."""
        if not filter and (kept := kept_overview(self.index)) is not None:
            return list(kept.contradictions)
        return contradictions(self.index, self.index.document_ids(filter) if filter else None, stop)

    def _parts(self, inquiry: Inquiry) -> tuple[QuestionPart, ...]:
        """Return the parts of a question that are answered one by one; without a reader a question is never cut."""
        return split_parts(inquiry.query.text) if self.reader is not None else (QuestionPart(inquiry.query.text, inquiry.query.text),)

    def _by_parts(
        self, whole: Inquiry, parts: Sequence[QuestionPart], stop: threading.Event, exclude: Container[int], filter: Filter | None
    ) -> Answer:
        """Return the answer to a question of several parts, each quoted. Once `stop` is set, that of the parts answered so far."""
        answers: list[Answer] = []
        number, translated = 1, 0
        for part in parts:
            if stop.is_set():
                return stopped(whole, parts[: len(answers)], answers)
            near = tuple(dict.fromkeys(citation.document_id for citation in answers[-1].citations)) if answers else ()
            inquiry, answer = self._part(whole, part, number, translated, stop, exclude, filter, near)
            answers.append(answer)
            translated = inquiry.translated
            number += len({citation.number for citation in answers[-1].citations})
        return joined(whole, parts, answers)

    def _part(
        self,
        whole: Inquiry,
        part: QuestionPart,
        number: int,
        translated: int,
        stop: threading.Event,
        exclude: Container[int],
        filter: Filter | None,
        near: tuple[str, ...],
    ) -> tuple[Inquiry, Answer]:
        """Return the quoted answer to a part of a question: from the documents `near`, which answered the part before it, if they answer it
        with certainty, or if no others do."""
        found: list[tuple[Inquiry, Answer]] = []
        inside = (
            replace(filter or Filter(), documents=near)
            if near and not unmatched_names(part.asked, whole.question[: -len(part.asked)])
            else None
        )
        for within in [inside, filter] if inside is not None else [filter]:
            inquiry = self._begun(part.searched, (), stop, exclude, within)
            inquiry.language, inquiry.number, inquiry.translated = whole.language, number, translated
            computed = self._computed(inquiry, exclude, within)
            if computed is None:
                self._read(inquiry)
            answer = computed or self._quoted(inquiry, stop)
            if answer.status is Status.ANSWERED:
                return inquiry, answer
            found.append((inquiry, answer))
        return next((one for one in found if one[1].status is not Status.NO_EVIDENCE), found[-1])

    def quote(self, question: str, *, filter: Filter | None = None) -> Answer:
        """Return the answer by quotation, without the generator. Raises BadQuestion and the index's errors."""
        return self._quoted(self.inquire(question, filter=filter))

    def inquire(self, question: str, *, exclude: Container[int] = (), filter: Filter | None = None) -> Inquiry:
        """Return what is known of a question before its answer is worded: what was found, in the reader's order, and the confidence.

        Raises BadQuestion and the index's errors.
        """
        inquiry = self._begun(question, (), threading.Event(), exclude, filter)
        self._read(inquiry)
        return inquiry

    def anticipate(self, question: str, history: History = (), *, stop: threading.Event | None = None) -> None:
        """Do now what an answer to this question would begin with, so that it comes at once if it is asked: while somebody types
        or hesitates. Gives way to questions that were asked; ends when `stop` is set. A text that is no question is passed over, as is
        a question of several parts, whose answers are quoted.

        Raises GenerationFailed and the index's errors.
        """
        stop = stop or threading.Event()
        try:
            inquiry = self._begun(question, history, stop)
        except BadQuestion:
            return
        if self.generator is None or stop.is_set() or len(self._parts(inquiry)) > 1:
            return
        self._read(inquiry)
        if declines(inquiry, self.calibration):
            return
        if prompt := self._composer.prompt(inquiry):
            self.generator.prepare(prompt.messages, stop)

    def warm(self) -> None:
        """Load the models, side by side, and read the part of the prompts that is the same for every question, in both languages."""
        with ThreadPoolExecutor(1, "shawahid-warm") as pool:
            reading = pool.submit(self._read_prompts)
            if not isinstance(self.index.embedder, QuestionEmbedder):  # which is used by one thread, and has nothing to load
                query_tokens(self.index.embedder, "؟ ?")
                if self.reader is not None:
                    self.reader.read("؟ ?", [ReadText("؟ ?", (Span(0, 3),))])  # loads what the first question would wait for
            reading.result()

    def _read_prompts(self) -> None:
        if self.generator is None:
            return
        for language, mark in (("ar", "؟"), ("en", "?")):
            if self._composer.writes:
                self.generator.prepare(self._composer.opening(language), keep=True)
            if self._rewrites:
                self.generator.prepare(rewrite_prompt(mark, language, (), folder=self._prompts), keep=True)

    @property
    def _rewrites(self) -> bool:
        """Whether the generator words follow-ups: one that is not trusted with an answer's words is not trusted with a question's."""
        return self.calibration.manner_same == "write"

    def _overview_answer(self, question: str, filter: Filter | None) -> Answer | None:
        """Return the answer to a question that asks for whole documents; None to any other, and where nothing of them can be quoted."""
        started = time.perf_counter()
        request = asks_for_overview(question)
        if request is None:
            return None
        found = overview_of(self.index, documents_asked_for(self.index, request, filter))
        return overview_answer(found, question, answer_language(question_language(question)), started) if found else None

    # --- steps ------------------------------------------------------------------------------------------------------------

    def _begun(
        self,
        question: str,
        history: History,
        stop: threading.Event,
        exclude: Container[int] = (),
        filter: Filter | None = None,
    ) -> Inquiry:
        """Return what is known of a question before its answer: what was found, and how sure it answers."""
        started = time.perf_counter()
        question = validate_question(question)
        detected = question_language(question)
        if detected not in ("ar", "en", "und") and not knows_other_languages(self.index.embedder.name):
            raise BadQuestion("error.question_language", detected=detected)
        language = answer_language(detected)
        query = self.index.query(in_standard_arabic(self._standalone(question, language, history, stop)))
        hits = self.index.search(query, _HITS, exclude=exclude, filter=filter)
        candidates = self.index.evidence(query, hits, CANDIDATES)
        evidence = candidates[:EVIDENCE]
        found = time.perf_counter() - started
        confidence = self.calibration.confidence(query, evidence)
        shown = without_orders(evidence, query.text) if self._checks else tuple(evidence)
        return Inquiry(question, query, language, tuple(hits), shown, confidence, started, found, candidates=tuple(candidates))

    def _read(self, inquiry: Inquiry) -> None:
        """Put the evidence in the order in which the reader finds the answer in it, and weigh what it says into the confidence."""
        if self.reader is None or not inquiry.candidates:
            return
        with span("read", candidates=len(inquiry.candidates)) as step:
            evidence, answers = read_evidence(self.reader, inquiry.query.text, inquiry.candidates, EVIDENCE, self.calibration.ranking)
            step.set(answers=answers)
        inquiry.answers = answers
        inquiry.confidence = self.calibration.confidence_read(inquiry.query, inquiry.candidates[:EVIDENCE], evidence, answers)
        inquiry.evidence = without_orders(evidence, inquiry.query.text) if self._checks else evidence

    def _standalone(self, question: str, language: str, history: History, stop: threading.Event) -> str:
        """Return a follow-up as a question that stands alone; the last few are remembered, so that what was anticipated is not done
        twice."""
        key = (question, language, *history)
        known = self._rewritten.get(key)
        if known is None:
            writer = self.generator if self._rewrites else None
            known = standalone(question, language, history, writer, stop=stop, prompts=self._prompts)
            if not stop.is_set():
                with self._remembering:
                    self._rewritten[key] = known
                    while len(self._rewritten) > _REMEMBERED:
                        del self._rewritten[next(iter(self._rewritten))]
        return known

    def _computed(self, inquiry: Inquiry, exclude: Container[int], filter: Filter | None) -> Answer | None:
        """Return the answer computed from a table, a list or two stated values; None if the question asks for none, or passages are
        excluded."""
        if exclude != ():
            return None
        computed = table_answer(inquiry, self.index) or count_answer(inquiry, self.index) or list_answer(inquiry, self.index)
        if computed is None and self.reader is not None:
            computed = comparison_answer(inquiry, lambda question: self._certain(question, filter))
        return computed

    def _certain(self, question: str, filter: Filter | None) -> Quotation | None:
        """Return what is quoted in answer to a question; None unless that is certain."""
        inquiry = self.inquire(question, filter=filter)
        if declines(inquiry, self.calibration) or not is_sure(inquiry, self.calibration):
            return None
        return self._composer.quotation(inquiry)

    def _quoted(self, inquiry: Inquiry, stop: threading.Event | None = None) -> Answer:
        """Return the answer by quotation, or that there is none."""
        return inquiry.declined() if declines(inquiry, self.calibration) else self._composer.quoted(inquiry, stop=stop)

    def _drafted(self, inquiry: Inquiry, generator: Generator, prompt: Prompt, stop: threading.Event) -> Iterator[Delta]:
        """Stream a draft into an inquiry, with the time of its first word. Raises GenerationFailed."""
        step = span("generate", operation="chat", model=generator.name)
        generation = generator.stream(prompt.messages, max_tokens=self._composer.longest, language=inquiry.language, stop=stop)
        try:
            for piece in generation:
                if inquiry.first_token is None:
                    inquiry.first_token = time.perf_counter() - inquiry.started
                inquiry.draft += piece
                yield Delta(piece)
        finally:
            generation.close()
            usage = generation.usage
            step.set(input_tokens=usage.prompt_tokens, output_tokens=usage.generated_tokens, cached_tokens=usage.cached_tokens)
            step.end()
        inquiry.usage = usage
        inquiry.draft = inquiry.draft.strip()


def _require_models(generator: object, reader: object, translator: object) -> None:
    """Raise BadSetting unless each is None or has what is called of it."""
    if generator is not None:
        require_members("generator", generator, "name", "stream", "prepare")
    if reader is not None and reader != "own":
        require_members("reader", reader, "read")
    if translator is not None:
        require_members("translator", translator, "name", "translate")


def _traced_attributes(event: Found | Delta | Answer) -> Attributes:
    """Return what a span of an answer records of an event."""
    if not isinstance(event, Answer):
        return {}
    return {
        "status": event.status.value,
        "language": event.language,
        "grade": event.grade.value if event.grade else None,
        "confidence": event.confidence,
        "citations": len(event.citations),
        "rejected": len(event.rejected),
    }
