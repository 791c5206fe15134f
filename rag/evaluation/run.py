"""Ask a question set of a chatbot, question by question, so that an interruption costs one question."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from rag.answering.checking.judge import Checker
from rag.errors import IndexCorrupt, IndexMismatch, IndexMissing, ModelCorrupt, ModelMissing
from rag.evaluation.gold_spans import Corpus
from rag.evaluation.questions import Claim, Dialogue, Question, QuestionSet
from rag.evaluation.records import RETRIEVED, AnyRecord, ClaimRecord, Place, Record, RecordFile
from rag.models.reader import Reader
from rag.models.reader_input import ReadText
from rag.retrieval.index import Index
from rag.schema import Answer, Delta, Found, History, Hit, Span, Turn

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
            block=self.corpus.block(gold),
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
        first = answer.evidence[0] if answer.evidence else None
        return replace(
            blank,
            read=max((item.answers for item in answer.evidence if item.answers is not None), default=None),
            words=first.passage.quote(first.words) if first is not None and first.words is not None else "",
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
        joined = " ".join(piece.quote for piece in claim.evidence)
        judgement = checker.check_in_passage(claim.claim, evidence, lambda best: " ".join(evidence))
        reader: Reader | None = getattr(self.bot, "reader", None)
        read = None if reader is None else reader.judge(claim.claim, [ReadText(joined, (Span(0, len(joined)),))])[0].supported
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
            read=read,
        )
        self.file.add(record)
        return record


def memory_mb() -> float | None:
    """Return the peak memory of this process in MB; `None` if the system does not report it (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)  # bytes there, kibibytes elsewhere
