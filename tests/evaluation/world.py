"""A small world to evaluate in: three documents in two languages, questions about them, and a bot that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from rag.evaluation.questions import (
    Gold,
    Question,
    QuestionSet,
)
from rag.evaluation.records import Record, RecordFile
from rag.evaluation.run import Options, evaluate
from rag.evaluation.run_identity import identify
from rag.retrieval.index import Index
from rag.schema import Answer, Citation, Delta, Found, History, Span, Status, Timing, Turn

ENGLISH = "Alex Spiro wrote the letter to Microsoft. The monthly fee was 50,000 dollars."
ARABIC = "كتب أليكس سبيرو الرسالة إلى مايكروسوفت. بلغت الرسوم الشهرية ٥٠٬٠٠٠ دولار."
OTHER = "The harbour of Nawras opens at dawn. Boats leave in the evening."


Reply = tuple[str, str, str, float]
"""The answer's text, the document and the quote that it cites, the confidence."""


class ScriptedBot:
    """Answers as it is told; without a reply for a question it declines, and an exception for a reply is raised."""

    def __init__(self, index: Index, replies: Mapping[str, Reply | BaseException], check: bool = True) -> None:
        self.index = index
        self.replies = replies
        self.asked: list[tuple[str, tuple[Turn, ...], Container[int]]] = []

    def stream(self, question: str, history: History = (), *, exclude: Container[int] = ()) -> Iterator[Found | Delta | Answer]:
        self.asked.append((question, tuple(history), exclude))
        reply = self.replies.get(question, ("", "", "", 0.1))
        if isinstance(reply, BaseException):
            raise reply
        text, document, quote, confidence = reply
        searched = f"{question} letter" if history else question
        hits = tuple(self.index.search(searched, 5, exclude=exclude))
        evidence = tuple(self.index.evidence(searched, hits, 3))
        yield Found(searched, hits, evidence)
        citations: tuple[Citation, ...] = ()
        if text:
            yield Delta(text)
            source = self.index.document(document)
            assert source is not None
            start = source.text.find(quote)
            span = Span(start, start + len(quote)) if start >= 0 else Span(0, len(quote))
            citations = (Citation(1, document, span, quote, "", Span(0, len(text)), 0.8, "", 1),)
        yield Answer(
            question=question,
            text=f"{text} [1]" if text else "The documents do not say.",
            language="en",
            status=Status.ANSWERED if text else Status.NO_EVIDENCE,
            citations=citations,
            rejected=(),
            hits=hits,
            evidence=evidence,
            draft=text,
            searched=searched,
            confidence=confidence,
            timing=Timing(0.0, 0.0, 0.0, 10, 5, len(text.split())),
        )


WHO = Question(
    id="who",
    question="Who wrote the letter to Microsoft?",
    language="en",
    answers=("Spiro", "سبيرو"),
    evidence=(Gold("en/letter.txt", "Alex Spiro wrote the letter"),),
    answerable=True,
    split="report",
)
WHO_AR = Question(
    id="who-ar",
    question="من كتب الرسالة إلى مايكروسوفت؟",
    language="ar",
    answers=("سبيرو", "Spiro"),
    evidence=(Gold("ar/letter.txt", "كتب أليكس سبيرو الرسالة"),),
    answerable=True,
    split="report",
)
NONE = Question(
    id="none",
    question="ما عاصمة كينيا؟",
    language="ar",
    answers=(),
    evidence=(),
    answerable=False,
    direction="ar-ar",
    split="report",
)
SET = QuestionSet("small", questions=(WHO, WHO_AR, NONE))
RIGHT: dict[str, Reply | BaseException] = {
    WHO.question: ("It was Alex Spiro.", "en/letter.txt", "Alex Spiro wrote the letter to Microsoft.", 0.9),
    WHO_AR.question: ("كتبها أليكس سبيرو.", "ar/letter.txt", "كتب أليكس سبيرو الرسالة إلى مايكروسوفت.", 0.8),
}


def asked(bot: ScriptedBot, path: Path, questions: QuestionSet = SET, **options: Any) -> list[Record]:
    with RecordFile.open(path) as file:
        records = evaluate(bot, questions, file, identify(bot), Options(**options))
        file.finish(records)
    assert all(isinstance(record, Record) for record in records)
    return [record for record in records if isinstance(record, Record)]


def lines(path: Path, *rows: object) -> Path:
    written = "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
    path.write_text(written, encoding="utf-8")
    return path


def row(id: str = "a-1", **changes: object) -> dict[str, object]:
    return {
        "id": id,
        "question": "من كتب الرسالة؟",
        "language": "ar",
        "answers": ["سبيرو"],
        "evidence": [{"document": "letter.txt", "quote": "كتب سبيرو"}],
        "answerable": True,
        **changes,
    }


def squad(path: Path, *articles: list[tuple[str, list[dict[str, object]]]]) -> Path:
    data = [{"title": "t", "paragraphs": [{"context": text, "qas": qas} for text, qas in article]} for article in articles]
    path.write_text(json.dumps({"version": "1.1", "data": data}, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def qa(id: str, question: str, *answers: tuple[str, int], **more: object) -> dict[str, object]:
    return {"id": id, "question": question, "answers": [{"text": text, "answer_start": at} for text, at in answers], **more}
