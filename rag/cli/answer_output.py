"""An answer in a terminal: the draft while it is written, the checked answer, its sources."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from rag.cli.console import err, out
from rag.messages import say
from rag.schema import Answer, Delta, Evidence, Found, Grade, Passage, Span, Status
from rag.text.terminal import for_terminal


def print_stream(events: Any, language: str) -> Answer:
    """Show the draft as it is written on a terminal, then the checked answer with its sources."""
    live = out.is_terminal
    written = ""
    for event in events:
        if isinstance(event, Found) and event.question and live:
            err.print("[dim]…[/]", end="\r")
        elif isinstance(event, Delta) and live:
            written += event.text
            # The draft is a preview on one line; right-to-left text can't be laid out before its line is complete.
            err.print(f"[dim]{escape(for_terminal(' '.join(written.split())[-(out.width - 4) :]))}[/]", end="\r", soft_wrap=False)
        elif isinstance(event, Answer):
            if live:
                err.print(" " * (out.width - 1), end="\r")
            print_answer(event, language)
            return event
    raise AssertionError("a stream ends with an answer")


def print_answer(answer: Answer, language: str) -> None:
    """Print an answer with its grade, its times and its sources."""
    if answer.searched != answer.question:
        out.print(f"[dim]{escape(for_terminal(say('cli.rewritten', language, question=answer.searched)))}[/]")
    out.print(escape(for_terminal(answer.text)))
    first = answer.timing.first_token if answer.timing.first_token is not None else answer.timing.total
    timing = say("cli.timing", language, first=f"{first:.1f}", total=f"{answer.timing.total:.1f}")
    remarks = [_grade_of(answer, language), timing]
    out.print(f"[dim]{' · '.join(escape(for_terminal(remark)) for remark in remarks if remark)}[/]")
    passages = {hit.passage.id: hit.passage for hit in answer.hits}
    if answer.citations:
        out.print(f"\n[bold]{escape(for_terminal(say('cli.sources', language)))}[/]")
        shown: set[int] = set()
        for citation in answer.citations:
            if citation.number not in shown:
                shown.add(citation.number)
                print_source(citation.number, passages[citation.passage_id], citation.span)
    elif answer.status is Status.NO_EVIDENCE and answer.evidence:
        out.print(f"\n[bold]{escape(for_terminal(say('cli.nearest', language)))}[/]")
        for number, item in enumerate(_first_per_passage(answer.evidence)[:2], start=1):
            print_source(number, item.passage, item.span)


def _grade_of(answer: Answer, language: str) -> str:
    if answer.status is Status.NO_EVIDENCE:
        return say("cli.declined", language)
    if answer.status is Status.UNSURE:
        shown = {Grade.TRANSLATED: "cli.unsure_translated", Grade.UNVERIFIED: "cli.unsure_unverified"}
        return say(shown.get(answer.grade, "cli.unsure") if answer.grade else "cli.unsure", language)
    if answer.status is Status.UNSUPPORTED:
        return say("cli.quoted", language)
    if answer.status is Status.STOPPED:
        return say("cli.stopped", language)
    left_out = [say("cli.partly", language, count=len(answer.rejected))] if answer.rejected else []
    grade = [say(f"cli.grade_{answer.grade}", language)] if answer.grade else []
    return " · ".join([*grade, *left_out])


def _first_per_passage(evidence: tuple[Evidence, ...]) -> list[Evidence]:
    first: dict[int, Evidence] = {}
    for item in evidence:
        first.setdefault(item.passage.id, item)
    return list(first.values())


def print_source(number: int, passage: Passage, span: Span | None) -> None:
    """Print one numbered source with its supporting sentence marked: in colour on a terminal, between »« elsewhere."""
    where = " · ".join(part for part in (passage.title, passage.document_id, passage.locator) if part)
    out.print(f"\n[bold][{number}][/] {escape(for_terminal(where))}")
    if span is None:
        out.print(f"  {escape(for_terminal(' '.join(passage.text.split())))}")
        return
    # A list that is quoted whole may begin before the passage and end after it.
    start, end = max(span.start - passage.span.start, 0), max(span.end - passage.span.start, 0)
    for part, marked in ((passage.text[:start], False), (passage.text[start:end], True), (passage.text[end:], False)):
        line = " ".join(part.split())
        if not line:
            continue
        if marked:
            opened, closed = ("[black on bright_yellow]", "[/]") if out.is_terminal else ("»", "«")
            out.print(f"  {opened}{escape(for_terminal(line))}{closed}")
        else:
            out.print(f"  [dim]{escape(for_terminal(line))}[/]")
