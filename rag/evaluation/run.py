"""Ask a question set of a chatbot, question by question, so that an interruption costs one question."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import rag
from rag.answering.checking.judge import Checker
from rag.answering.prompts import prompts_dir
from rag.errors import IndexCorrupt, IndexMismatch, IndexMissing, ModelCorrupt, ModelMissing
from rag.evaluation.questions import BadQuestionSet, Claim, Dialogue, Gold, Question, QuestionSet, SetFault
from rag.evaluation.records import RETRIEVED, AnyRecord, Cited, ClaimRecord, Place, Record, RecordFile
from rag.messages import table
from rag.retrieval.index import Index
from rag.schema import Answer, Citation, Delta, Evidence, Found, History, Hit, Passage, Span, Turn

DEPTH = 10  # passages and sentences that retrieval is judged by
QuestionProgress = Callable[[int, int, str], None]
"""Called with (questions done, total, the id of the next)."""

# Without these nothing can be asked: they end the run. Any other error counts against the one question.
_FATAL = (ModelMissing, ModelCorrupt, IndexMissing, IndexMismatch, IndexCorrupt)


class Bot(Protocol):
    """The system under evaluation: `rag.answering.chatbot.Chatbot`, or anything with the same stream over an index."""

    @property
    def index(self) -> Index: ...
    def stream(self, question: str, history: History = (), *, exclude: Container[int] = ()) -> Iterator[Found | Delta | Answer]: ...


@dataclass(frozen=True, slots=True)
class Options:
    """How a set is asked. `retrieval_only` requests no answers; `ranked_by` "sentences" orders passages by their best sentence."""

    retrieval_only: bool = False
    ranked_by: str = "passages"


def evaluate(
    bot: Bot,
    questions: QuestionSet,
    file: RecordFile,
    identity: Mapping[str, str],
    options: Options | None = None,
    progress: QuestionProgress | None = None,
) -> list[AnyRecord]:
    """Ask all of a set and return its records in order, reusing those in `file` whose key is unchanged.

    A question that fails is recorded with its error and counts as zero. Raises BadQuestionSet if evidence is not where the set says, and
    the errors of missing or damaged models and indexes.
    """
    runner = _Runner(bot, questions.name, file, identity, options or Options())
    steps = [*runner.questions(questions.questions), *runner.dialogues(questions.dialogues), *runner.claims(questions.claims)]
    records: list[AnyRecord] = []
    for number, (id, step) in enumerate(steps):
        if progress:
            progress(number, len(steps), id)
        records.append(step())
    if progress:
        progress(len(steps), len(steps), "")
    return records


RunStep = tuple[str, Callable[[], AnyRecord]]


@dataclass(slots=True)
class _Runner:
    bot: Bot
    name: str
    file: RecordFile
    identity: Mapping[str, str]
    options: Options
    corpus: Corpus = field(init=False)
    history: dict[str, list[Turn]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.corpus = Corpus(self.bot.index)

    def questions(self, questions: Iterable[Question]) -> list[RunStep]:
        return [(question.id, partial(self._asked, question, self._blank(question))) for question in questions]

    def dialogues(self, dialogues: Iterable[Dialogue]) -> list[RunStep]:
        steps: list[RunStep] = []
        for dialogue in dialogues:
            for number, turn in enumerate(dialogue.turns, start=1):
                blank = replace(self._blank(turn.question), dialogue=dialogue.id, turn=number, full=turn.full)
                steps.append((turn.question.id, partial(self._asked, turn.question, blank)))
        return steps

    def claims(self, claims: Sequence[Claim]) -> list[RunStep]:
        if not claims:
            return []
        calibration = getattr(self.bot, "calibration", None)
        checker = Checker(self.bot.index.embedder, calibration.thresholds if calibration else None)
        return [(claim.id, partial(self._judged, checker, claim)) for claim in claims]

    # --- one question -----------------------------------------------------------------------------------------------------

    def _blank(self, question: Question) -> Record:
        """Return the record of a question before its answer is known. Raises BadQuestionSet."""
        gold = self.corpus.gold(question)
        languages = dict.fromkeys(place.language for place in gold) or self.corpus.languages
        return Record(
            key="",
            set=self.name,
            id=question.id,
            question=question.question,
            language=question.language,
            direction=question.direction or f"{question.language}-{'+'.join(languages)}",
            split=question.split,
            kind=question.kind,
            answerable=question.answerable,
            twin=bool(question.without),
            answers=question.answers,
            gold=gold,
            needs=max((need + 1 for place in gold for need in place.needs), default=0),
        )

    def _asked(self, question: Question, blank: Record) -> Record:
        earlier = tuple(self.history.get(blank.dialogue, ())) if blank.dialogue else ()
        key = self._key(question=asdict(question), full=blank.full, history=[asdict(turn) for turn in earlier])
        known = self.file.known.get(key)
        if isinstance(known, Record):
            record = known
        else:
            record = replace(self._answer(question, earlier, blank), key=key)
            self.file.add(record)
        if blank.dialogue:
            turn = Turn(record.searched or record.question, record.text)
            self.history.setdefault(blank.dialogue, []).append(turn)
        return record

    def _key(self, **parts: object) -> str:
        options = asdict(self.options)
        whole = {"identity": dict(self.identity), "options": options, "depth": DEPTH, "set": self.name, **parts}
        return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()

    def _answer(self, question: Question, history: History, blank: Record) -> Record:
        exclude = self.corpus.overlapping(question.without)
        try:
            record = blank if self.options.retrieval_only else self._streamed(question, history, blank, exclude)
            searched = record.searched or question.question
            passages, sentences = self._found(searched, blank.gold, exclude)
            record = replace(record, searched=searched, passages=passages, sentences=sentences)
        except _FATAL:
            raise
        except Exception as error:  # whatever the question ran into is a finding about it, not the end of the run
            record = replace(blank, error=f"{type(error).__name__}: {error}")
        if blank.turn > 1:  # after a failure too: what the full question finds is what the follow-up is measured by
            passages, sentences = self._found(blank.full, blank.gold, exclude)
            record = replace(record, full_passages=passages, full_sentences=sentences)
        return replace(record, status=RETRIEVED) if self.options.retrieval_only and not record.error else record

    def _streamed(self, question: Question, history: History, blank: Record, exclude: frozenset[int]) -> Record:
        started = time.perf_counter()
        found_s = first_token_s = None
        answer: Answer | None = None
        more: dict[str, Any] = {"exclude": exclude} if exclude else {}
        for event in self.bot.stream(question.question, history, **more):
            elapsed = time.perf_counter() - started
            if isinstance(event, Found) and found_s is None:
                found_s = elapsed
            elif isinstance(event, Delta) and first_token_s is None:
                first_token_s = elapsed
            elif isinstance(event, Answer):
                answer = event
        total_s = time.perf_counter() - started
        if answer is None:
            return replace(blank, error="the stream ended without an answer", total_s=total_s)
        return replace(
            blank,
            status=str(answer.status),
            searched=answer.searched,
            text=answer.text,
            draft=answer.draft,
            confidence=answer.confidence,
            citations=tuple(self.corpus.cited(citation, blank.gold) for citation in answer.citations),
            rejected=tuple((item.claim.of(answer.draft), str(item.verdict)) for item in answer.rejected),
            sources=tuple(self.corpus.sentence(item, blank.gold) for item in answer.evidence),
            found_s=found_s,
            first_token_s=first_token_s,
            total_s=total_s,
            prompt_tokens=answer.timing.prompt_tokens,
            cached_tokens=answer.timing.cached_tokens,
            generated_tokens=answer.timing.generated_tokens,
            memory_mb=memory_mb(),
        )

    def _found(self, question: str, gold: tuple[Place, ...], exclude: frozenset[int]) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        more: dict[str, Any] = {"exclude": exclude} if exclude else {}
        hits: Sequence[Hit] = self.bot.index.search(question, DEPTH, **more)
        ranked = self.bot.index.evidence(question, hits, 10**6)  # every sentence of the ten passages
        passages = [hit.passage for hit in hits]
        if self.options.ranked_by == "sentences":
            best_first = list(dict.fromkeys(item.passage.id for item in ranked))
            passages.sort(key=lambda passage: best_first.index(passage.id) if passage.id in best_first else DEPTH)
        return (
            tuple(self.corpus.passage(passage, gold) for passage in passages),
            tuple(self.corpus.sentence(item, gold) for item in ranked[:DEPTH]),
        )

    def _judged(self, checker: Checker, claim: Claim) -> ClaimRecord:
        key = self._key(claim=asdict(claim))
        known = self.file.known.get(key)
        if isinstance(known, ClaimRecord):
            return known
        evidence = tuple(piece.quote for piece in claim.evidence)
        if len(evidence) > 1:  # together they prove it
            evidence = (*evidence, " ".join(evidence))
        judgement = checker.check_in_passage(claim.claim, evidence, lambda best: " ".join(evidence))
        record = ClaimRecord(
            key=key,
            set=self.name,
            id=claim.id,
            claim=claim.claim,
            language=claim.language,
            direction=claim.direction,
            split=claim.split,
            evidence=evidence,
            supported=claim.supported,
            fault=claim.fault,
            verdict=str(judgement.verdict or ""),
            support=judgement.support,
        )
        self.file.add(record)
        return record


class Corpus:
    """An index as the evaluation reads it: gold evidence is located in its documents, never in its passages."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._texts: dict[str, str | None] = {}

    @cached_property
    def _languages(self) -> dict[str, str]:
        return {document.id: document.language for document in self._index.documents()}

    @cached_property
    def languages(self) -> list[str]:
        """The languages of the documents, each once, sorted."""
        return sorted(set(self._languages.values()))

    @cached_property
    def _passages(self) -> dict[str, list[Passage]]:
        found: dict[str, list[Passage]] = {}
        for passage in self._index.all_passages():
            found.setdefault(passage.document_id, []).append(passage)
        return found

    def _text(self, document: str) -> str | None:
        if document not in self._texts:
            found = self._index.document(document)
            self._texts[document] = found.text if found else None
        return self._texts[document]

    def _span(self, question: str, piece: Gold) -> Span:
        text = self._text(piece.document)
        if text is None:
            fault = SetFault("", 0, question, f"there is no document {piece.document} in the index")
            raise BadQuestionSet("error.question_set", fault=fault)
        span = piece.span(text)
        if span is None:
            fault = SetFault("", 0, question, f"the quote «{piece.quote}» is not in {piece.document}")
            raise BadQuestionSet("error.question_set", fault=fault)
        return span

    def gold(self, question: Question) -> tuple[Place, ...]:
        """Return the gold evidence with its positions. If two documents are needed, each is a need of its own; otherwise all pieces are
        one."""
        order = list(dict.fromkeys(piece.document for piece in question.evidence))
        places = []
        for piece in question.evidence:
            span = self._span(question.id, piece)
            need = order.index(piece.document) if question.needed > 1 else 0
            language = self._languages.get(piece.document, "und")
            places.append(Place(piece.document, span.start, span.end, language, piece.quote, needs=(need,)))
        return tuple(places)

    def overlapping(self, pieces: Sequence[Gold]) -> frozenset[int]:
        """Return the ids of all passages that overlap the evidence."""
        spans = [(piece.document, self._span("", piece)) for piece in pieces]
        return frozenset(
            passage.id for document, span in spans for passage in self._passages.get(document, []) if passage.span.overlaps(span)
        )

    def passage(self, passage: Passage, gold: Sequence[Place]) -> Place:
        """Return a retrieved passage without its text."""
        return self._place(passage.document_id, passage.span, passage.language, "", 0.0, gold)

    def sentence(self, item: Evidence, gold: Sequence[Place]) -> Place:
        """Return a retrieved sentence."""
        return self._place(item.passage.document_id, item.span, item.passage.language, item.text, item.score, gold)

    def _place(self, document: str, span: Span, language: str, text: str, score: float, gold: Sequence[Place]) -> Place:
        needs = dict.fromkeys(need for place in gold if _overlap(document, span, place) for need in place.needs)
        return Place(document, span.start, span.end, language, text, round(score, 6), tuple(needs))

    def cited(self, citation: Citation, gold: Sequence[Place]) -> Cited:
        """Compare a citation with the document and the gold evidence."""
        text = self._text(citation.document_id)
        exact = text is not None and citation.span.of(text).encode() == citation.quote.encode() and bool(citation.quote)
        return Cited(
            number=citation.number,
            document=citation.document_id,
            start=citation.span.start,
            end=citation.span.end,
            quote=citation.quote,
            claim_start=citation.claim.start,
            claim_end=citation.claim.end,
            support=citation.support,
            exact=exact,
            gold=any(_overlap(citation.document_id, citation.span, place) for place in gold),
        )


def _overlap(document: str, span: Span, place: Place) -> bool:
    return document == place.document and span.overlaps(Span(place.start, place.end))


# --- what a result depends on ---------------------------------------------------------------------------------------------

# Packages and modules on which no answer depends: how one comes in, how models are fetched, what is printed, how it is measured.
# Everything else is hashed, wherever it lies: what is forgotten here costs a repeated run, what is forgotten there a wrong figure.
_UNRELATED = frozenset("adapters cli doctor evaluation library metrics server testing ui".split())
_UNRELATED_MODULES = frozenset("catalogue convert_e5 download expand fetch installed models".split())


def identify(bot: Bot, settings: Mapping[str, object] | None = None, prompts: Path | None = None) -> dict[str, str]:
    """Return everything a result depends on besides the question: package version and code, index, models, prompts, settings."""
    manifest = bot.index.manifest()
    documents = [(document.id, document.sha256) for document in bot.index.documents()]
    generator = getattr(bot, "generator", None)
    return {
        "version": rag.__version__,
        "code": code_hash(Path(__file__).resolve().parent.parent),
        "generation": str(manifest.generation),
        "index": _hash(documents, dict(manifest.chunker), manifest.analysis),
        "embedder": manifest.fingerprint,
        "generator": str(getattr(generator, "fingerprint", None) or getattr(generator, "name", "none")),
        "reader": str(getattr(getattr(bot, "reader", None), "fingerprint", "none")),
        "prompts": _hash([(path.name, path.read_text("utf-8")) for path in sorted((prompts or prompts_dir()).glob("*.txt"))]),
        "calibration": _hash(repr(getattr(bot, "calibration", None))),
        "settings": _hash(dict(settings or {})),
    }


def short(identity: Mapping[str, str]) -> str:
    """Return eight hexadecimal digits that name an identity."""
    return _hash(dict(identity))[:8]


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def code_hash(package: Path) -> str:
    """Return a hash of the modules and tables of a package that answers depend on, all sub-packages included."""
    found = []
    for path in sorted((*package.rglob("*.py"), *package.rglob("*.toml")), key=lambda path: path.relative_to(package).as_posix()):
        place = path.relative_to(package)
        if place.parts[0].removesuffix(".py") in _UNRELATED or place.stem in _UNRELATED_MODULES or place.name == "strings.toml":
            continue
        found.append((place.as_posix(), path.read_text("utf-8")))
    said = {key: texts for key, texts in table().items() if key.startswith("answer.")}
    return _hash(found, said)


def memory_mb() -> float | None:
    """Return the peak memory of this process in MB; `None` if the system does not report it (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)  # bytes there, kibibytes elsewhere
