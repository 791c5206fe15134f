"""An overview as a paper, to be written as a Word document: each line an item with its place as a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.answering.contradictions import Contradiction
from rag.answering.overview import Line, Overview
from rag.answering.overview_text import overview_title, parts_of
from rag.export.paper import Paper, PaperBlock, PaperNote, PaperRun
from rag.messages import say


def overview_paper(overview: Overview, found: Sequence[Contradiction], about: Mapping[str, Mapping[str, str]], language: str) -> Paper:
    """Return an overview with the contradictions `found` as a paper, with headings in a language. `about`: metadata of documents by id."""
    blocks: list[PaperBlock] = []
    notes: list[PaperNote] = []

    def add(line: Line) -> None:
        notes.append(_note(line, about.get(line.document_id, {})))
        blocks.append(PaperBlock("item", _runs(line, len(notes))))

    def head(text: str) -> None:
        blocks.append(PaperBlock("heading", (PaperRun(text),), level=2))

    for title, lines in parts_of(overview, language):
        head(title)
        for line in lines:
            add(line)
    if found:
        head(say("contradictions.title", language))
        for number, pair in enumerate(found, start=1):
            blocks.append(PaperBlock("label", (PaperRun(say("ui.overview_pair", language, n=number)),)))
            add(pair.one)
            add(pair.other)
    return Paper(overview_title(overview, language), language, tuple(blocks), tuple(notes))


def _runs(line: Line, number: int) -> tuple[PaperRun, ...]:
    start, end = (line.words.start - line.span.start, line.words.end - line.span.start) if line.words else (0, 0)
    context = f"{line.context.rstrip(' :')}: " if line.context else ""
    parts = [(context, False), (line.text[:start], False), (line.text[start:end], True), (line.text[end:], False)]
    runs = [PaperRun(" ".join(text.split("\n")), bold) for text, bold in parts if text]
    return (*runs[:-1], PaperRun(runs[-1].text, runs[-1].bold, (number,)))


def _note(line: Line, metadata: Mapping[str, str]) -> PaperNote:
    author, date, source = (metadata.get(name, "") for name in ("author", "date", "source"))
    return PaperNote(line.document_id, line.title, line.locator, author, date, source, quote=line.text)
