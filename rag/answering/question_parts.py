"""A question of several parts: split where another question word follows "and", and answered part by part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from rag.answering.ellipsis import asks, points_back, stands_by_itself
from rag.answering.followup import in_full, needs_context
from rag.answering.inquiry import Inquiry
from rag.messages import say
from rag.schema import Answer, Citation, Evidence, Hit, Span, Status, Turn
from rag.text.words import content_stems

_MOST = 4
_NEXT = re.compile(
    r"""
    \s*,?\s+(?:and|also|&)\s+(?=
        (?:(?:after|at|before|by|during|for|from|in|on|since|to|until|up\ to|with|within)\s+)?
        (?:how|when|what|who|whom|whose|where|which|why)\b)
    | [؟?]\s+(?=\S)
    | \s*[،,]?\s+و\s?(?=(?:كم|قديش|اديش|أديش|متى|امتى|إمتى|أين|اين|وين|فين|كيف|ازاي|إزاي|ليش|ليه|لماذا|ماذا|مين|شو|شنو|ايش|إيش|ايه|إيه
        |لمن|بكم|هل|(?:في|إلى|على|عن|مع|من|ب|ل)\s?أي|(?:بعد|قبل|خلال)\s+كم)(?:\s|$))
    | \s*[،,]?\s+و\s?(?=(?:ما|من)\ (?:هو|هي|هم|اسم|عدد|مدة|سبب|تاريخ|قيمة|سعر)(?:\s|$))
    | \s*[،,]?\s+و(?=من\ [يت]\w{2,})              # who does: «ومن يحصلها»
    """,
    re.IGNORECASE | re.VERBOSE,
)
_WHO_AR = re.compile(r"\s*[،,]?\s+و(?=من (?!ال)\w{3,} ال\w+)")
"""Matches before «ومن صنع الطابعة», which is "and who made" unless the question has a «من» that is "from"."""
_WHAT_AR = re.compile(r"\s*[،,]?\s+و(?=ما (?!لا|لم|لن|اذا|إذا|زال|دام|يلي)\w{2,} )")
"""Matches before «وما حق كل شخص», which is "and what is" where the question begins with «ما» and a noun."""


class QuestionPart(NamedTuple):
    """A part of a question: as it was asked, and as it is searched for, which can stand alone."""

    asked: str
    searched: str


def split_parts(question: str) -> tuple[QuestionPart, ...]:
    """Return the parts of a question; a single one for a question that is not split.

    A part with too few words of its own is searched for as a follow-up to the first: "and when did it start?".
    """
    pieces = _cut(question)
    if not 1 < len(pieces) <= _MOST or not _says_something(pieces[0]):
        return (QuestionPart(question, question),)
    first = Turn(pieces[0], "")
    return tuple(
        QuestionPart(piece, in_full(piece, [first]) if number and _is_short(piece) else piece) for number, piece in enumerate(pieces)
    )


def _cut(question: str) -> list[str]:
    """Return the pieces of a question that ask; a sentence after one that does not is a part of it: "Who came? Name all of them."."""
    cuts = [Span(*cut.span()) for cut in _NEXT.finditer(question)]
    if not cuts and not re.search(r"\sمن\s", question.replace(" ومن ", " ")):
        cuts = [Span(*cut.span()) for cut in _WHO_AR.finditer(question)]
    if not cuts and question.startswith("ما "):
        cuts = [Span(*cut.span()) for cut in _WHAT_AR.finditer(question)]
    pieces: list[Span] = []
    for start, end in zip([0, *(cut.end for cut in cuts)], [*(cut.start for cut in cuts), len(question)], strict=True):
        piece = question[start:end]
        if pieces and not asks(piece.strip()):
            pieces[-1] = Span(pieces[-1].start, end)
        elif any(map(str.isalnum, piece)):
            pieces.append(Span(start, end))
    return [span.of(question).strip() for span in pieces]


def _says_something(piece: str) -> bool:
    """Return whether the first part of a question says what it asks about: not "When" of "When and where was the meeting?"."""
    said = len(content_stems(piece))
    return said > 1 or stands_by_itself(piece) or (said == 1 and len(piece.split()) > 2)


def _is_short(piece: str) -> bool:
    return needs_context(piece) or points_back(piece) or len(content_stems(piece)) < 3


def joined(whole: Inquiry, parts: Sequence[QuestionPart], answers: Sequence[Answer]) -> Answer:
    """Return the quoted answers of the parts as one, each below its part; a part without an answer is named.

    Citations are numbered consecutively: those of the second part follow those of the first. The confidence is the lowest of the answered
    parts; the status is UNSURE if no part has a sure answer. Where all parts are answered by the same words, these are shown once.
    """
    if answers[0].citations and len({_source(answer) for answer in answers}) == 1 and len({*map(_direct, answers)} - {()}) <= 1:
        return replace(answers[0], question=whole.question, searched=whole.query.text, language=whole.language)
    text = ""
    citations: list[Citation] = []
    evidence: dict[tuple[int, Span], Evidence] = {}
    hits: dict[int, Hit] = {}
    for part, answer in zip(parts, answers, strict=True):
        text += ("\n" if text else "") + (
            say("answer.part_none", whole.language, part=part.asked) if answer.status is Status.NO_EVIDENCE else f"{part.asked}\n"
        )
        if answer.status is not Status.NO_EVIDENCE:
            moved = len(text)
            text += answer.text
            citations += [replace(item, claim=Span(item.claim.start + moved, item.claim.end + moved)) for item in answer.citations]
        evidence |= {(item.passage.id, item.span): item for item in answer.evidence if answer.status is not Status.NO_EVIDENCE}
        for hit in answer.hits:
            hits.setdefault(hit.passage.id, hit)
    if not citations:
        return whole.declined()
    whole.confidence = min(answer.confidence for answer in answers if answer.citations)
    sure = any(answer.citations and answer.status is not Status.UNSURE for answer in answers)
    found = whole.answer(text, Status.ANSWERED if sure else Status.UNSURE, tuple(citations))
    return replace(found, evidence=tuple(evidence.values()), hits=tuple(hits.values()))


def _source(answer: Answer) -> tuple[object, ...]:
    """Return what an answer quotes, and its status."""
    return answer.status, frozenset((citation.document_id, citation.span) for citation in answer.citations)


def _direct(answer: Answer) -> tuple[str, ...]:
    """Return what an answer says before it quotes."""
    said = ((citation.claim.of(answer.text), " ".join(citation.quote.split())) for citation in answer.citations)
    return tuple(claim for claim, quote in said if claim != quote)


def stopped(whole: Inquiry, parts: Sequence[QuestionPart], answers: Sequence[Answer]) -> Answer:
    """Return the answers of the parts that were reached before the question was stopped, with the status STOPPED; without any, no text."""
    if any(answer.citations for answer in answers):
        return replace(joined(whole, parts, answers), status=Status.STOPPED)
    return whole.answer("", Status.STOPPED)
