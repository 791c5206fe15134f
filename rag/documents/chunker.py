"""Documents into passages: runs of whole sentences, broken at headings and paragraphs first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rag.errors import BadSetting
from rag.schema import Document, Passage, Span
from rag.text.language import detect
from rag.text.sentences import sentences


@dataclass(frozen=True, slots=True)
class Chunker:
    """How passages are cut, in characters. Part of the index's identity: another setting is another index.

    `passage` is the length that passages are filled up to; `sentence` the length past which a sentence is cut at clause marks.
    """

    passage: int = 800
    sentence: int = 280

    def __post_init__(self) -> None:
        if not 40 <= self.sentence <= self.passage:
            raise BadSetting("error.chunker", passage=self.passage, sentence=self.sentence)

    def settings(self) -> dict[str, int]:
        """The settings as the manifest records them."""
        return asdict(self)

    def cut(self, document: Document, first_id: int = 1) -> list[Passage]:
        """The passages of a document in order, with consecutive ids from `first_id`."""
        groups = _group(document, sentences(document.text, self.sentence), self.passage)
        passages = []
        for id, group in enumerate(groups, start=first_id):
            span = Span(group[0].start, group[-1].end)
            text = span.of(document.text)
            language = detect(text)
            passages.append(
                Passage(
                    id=id,
                    document_id=document.id,
                    span=span,
                    text=text,
                    title=document.title,
                    language=document.language if language == "und" else language,
                    locator=document.locator(span.start),
                    sentences=tuple(group),
                )
            )
        return passages


def _group(document: Document, units: Sequence[Span], longest: int) -> list[list[Span]]:
    """Fill passages with sentences; a page, heading or row always opens a new one, a paragraph does when the passage is half full.

    The mark that a passage begins at is where its sentences are, so that none is cited with the page before its own.
    """
    marks = [(mark.offset, mark.label.startswith("§")) for mark in document.marks]
    groups: list[list[Span]] = []
    heading = False  # the passage so far is nothing but headings, which belong to what follows
    at = 0
    for unit in units:
        opened = []
        while at < len(marks) and marks[at][0] <= unit.start:
            opened.append(marks[at][1])
            at += 1
        if groups:
            start, end = groups[-1][0].start, groups[-1][-1].end
            gap = document.text[end : unit.start]
            full = unit.end - start > longest
            new_section = bool(opened) and not (heading and all(opened))
            new_paragraph = re.search(r"\n\s*\n|\n$", gap) is not None and end - start > longest // 2
            if not (full or new_section or new_paragraph):
                groups[-1].append(unit)
                heading = heading and bool(opened)
                continue
        groups.append([unit])
        heading = bool(opened) and opened[-1]
    return groups
