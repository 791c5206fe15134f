"""Format an overview as an answer with citations, and as a Markdown page."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rag.answering.citations import cite
from rag.answering.overview import Line, Overview
from rag.messages import say
from rag.schema import Answer, Citation, Evidence, Hit, Span, Status, Timing

_DATES, _FIGURES, _NAMES = 5, 5, 8
"""Most lines of each part in an answer; the page has all."""


def overview_answer(overview: Overview, question: str, language: str, started: float) -> Answer:
    """Return an overview as the answer to a question, one quotation per line; `started` is a reading of `time.perf_counter`."""
    text = ""
    citations: list[Citation] = []
    numbers: dict[tuple[str, Span], int] = {}
    for title, lines in parts_of(overview, language, short=True):
        text += f"\n{title}" if text else title
        for line in lines:
            quote = " ".join(line.text.split())
            number = numbers.setdefault((line.document_id, line.span), len(numbers) + 1)
            text += f"\n• {_before(line)}"
            claim = Span(len(text), len(text) + len(quote))
            text += f"{quote} [{number}]"
            citations.append(replace(cite(number, line, claim), words=line.words, context=line.context))
    hits = tuple({line.passage.id: Hit(line.passage, rank, 1.0) for rank, line in enumerate(overview.lines, start=1)}.values())
    evidence = tuple(Evidence(line.passage, line.span, line.text, 1.0, words=line.words) for line in overview.points)
    spent = time.perf_counter() - started
    timing = Timing(found=spent, total=spent)
    return Answer(question, text, language, Status.ANSWERED, tuple(citations), (), hits, evidence, "", question, 1.0, timing)


def overview_page(overview: Overview, language: str) -> str:
    """Return an overview as a page in Markdown, each line with its document and place."""
    blocks = [f"# {_escaped(overview_title(overview, language))}"]
    for heading, lines in parts_of(overview, language):
        blocks.append(f"## {heading}")
        blocks.append("\n".join(f"- {marked_line(line)} ({_escaped(_place(line, overview))})" for line in lines))
    if not overview:
        blocks.append(say("overview.empty", language))
    return "\n\n".join(blocks) + "\n"


def overview_title(overview: Overview, language: str) -> str:
    """Return the title of the only document, else how many were read."""
    return overview.title or say("overview.collection", language, read=len(overview.documents), total=overview.total)


def overview_lines(overview: Overview) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of each part as plain values: quotation, source, and the words each is listed for."""
    parts = {"points": overview.points, "names": overview.names, "dates": overview.dates, "figures": overview.figures}
    return {name: [plain_line(line) for line in lines] for name, lines in parts.items()}


def plain_line(line: Line) -> dict[str, Any]:
    """Return a line as plain values: quotation, source, and the words it is listed for."""
    return {
        "document": line.document_id,
        "title": line.title,
        "locator": line.locator,
        "start": line.span.start,
        "end": line.span.end,
        "quote": line.text,
        "context": line.context,
        "words": line.label,
    }


def parts_of(overview: Overview, language: str, *, short: bool = False) -> Iterator[tuple[str, Sequence[Line]]]:
    """Yield the parts that have lines, with their headings; `short` leaves out lines that are among the points already, and truncates long
    parts."""
    shown = {(line.document_id, line.span) for line in overview.points} if short else set()
    points = "overview.points" if overview.title else "overview.points_of"
    yield from _part(say(points, language, title=overview.title, read=len(overview.documents), total=overview.total), overview.points)
    rest = (("names", overview.names, _NAMES), ("dates", overview.dates, _DATES), ("figures", overview.figures, _FIGURES))
    for name, lines, most in rest:
        kept = [line for line in lines if (line.document_id, line.span) not in shown]
        yield from _part(say(f"overview.{name}", language), kept[:most] if short else kept)


def _part(heading: str, lines: Sequence[Line]) -> Iterator[tuple[str, Sequence[Line]]]:
    if lines:
        yield heading, lines


def _before(line: Line) -> str:
    """Return the text before a quotation: the words it is listed for, and its context."""
    return "".join(f"{part}: " for part in (line.context.rstrip(" :"), line.label) if part)


def marked_line(line: Line) -> str:
    """Return a line in Markdown, with the words it is listed for in bold."""
    context = f"{_escaped(line.context.rstrip(' :'))}: " if line.context else ""
    if line.words is None:
        return context + _escaped(line.text)
    start, end = line.words.start - line.span.start, line.words.end - line.span.start
    return f"{context}{_escaped(line.text[:start])}**{_escaped(line.text[start:end])}**{_escaped(line.text[end:])}"


def _escaped(text: str) -> str:
    """Return a text on one line with Markdown escaped; leading and trailing spaces are kept."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", re.sub(r"\s+", " ", text))


def place_of(line: Line) -> str:
    """Return the document and place of a line in Markdown."""
    return _escaped(" · ".join(part for part in (line.title or line.document_id, line.locator) if part))


def _place(line: Line, overview: Overview) -> str:
    parts = (line.locator,) if overview.title else (line.title or line.document_id, line.locator)
    return " · ".join(part for part in parts if part) or line.document_id
