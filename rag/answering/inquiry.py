"""The state of a question while it is answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from rag.answering.absent_words import absence
from rag.messages import say
from rag.models.generator import TokenCounts
from rag.retrieval.query import Query
from rag.schema import Answer, Citation, Evidence, Hit, RejectedCitation, Span, Status, Timing
from rag.text.language import is_in_language, question_language


@dataclass(slots=True)
class Inquiry:
    """Everything known of one question so far: what was found for it, the draft of its answer, and the times.

    `candidates` are the sentences among which a reader looks for the answer, `answers` is the probability it gives that one of the texts
    it read answers; None if there is no reader.

    `number` is that of the first citation: the second part of a question continues the numbers of the first.

    `translated` is the number of words translated for the answer so far.

    `language` is that of the answer: the language of the question as it was asked, which a follow-up's topic may not share. `started` is
    a reading of `time.perf_counter`; `found` and `first_token` are seconds after it.
    """

    question: str
    query: Query
    language: str
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    confidence: float
    started: float
    found: float
    candidates: tuple[Evidence, ...] = ()
    answers: float | None = None
    number: int = 1
    draft: str = ""
    first_token: float | None = None
    usage: TokenCounts = field(default_factory=TokenCounts)
    translated: int = 0

    @property
    def is_in_other_language(self) -> bool:
        """Whether the question is neither in Arabic nor in English, so that its answer is in another language than the question."""
        return question_language(self.question) not in ("ar", "en", "und")

    def in_language(self, evidence: Evidence) -> bool:
        """Return whether a piece of evidence is in the language of the answer."""
        return is_in_language(evidence.text, self.language, evidence.passage.language)

    def answer(
        self, text: str, status: Status, citations: tuple[Citation, ...] = (), rejected: tuple[RejectedCitation, ...] = ()
    ) -> Answer:
        """Return the answer with this text, as of now."""
        usage = self.usage
        total = time.perf_counter() - self.started
        timing = Timing(self.found, self.first_token, total, usage.prompt_tokens, usage.cached_tokens, usage.generated_tokens)
        return Answer(
            question=self.question,
            text=text,
            language=self.language,
            status=status,
            citations=citations,
            rejected=rejected,
            hits=self.hits,
            evidence=self.evidence,
            draft=self.draft,
            searched=self.query.text,
            confidence=self.confidence,
            timing=timing,
        )

    def declined(self, absent: tuple[str, ...] = ()) -> Answer:
        """Return the answer that the documents do not answer the question; `absent` are the words of the question that they lack."""
        text = " ".join(filter(None, (say("answer.none", self.language), absence(absent, self.language))))
        return replace(self.answer(text, Status.NO_EVIDENCE), absent=absent)


def with_note(answer: Answer, note: str) -> Answer:
    """Return an answer with a line before it, which is the answer's own."""
    moved = len(note) + 1
    citations = tuple(
        replace(citation, claim=Span(citation.claim.start + moved, citation.claim.end + moved)) for citation in answer.citations
    )
    return replace(answer, text=f"{note}\n{answer.text}", citations=citations)
