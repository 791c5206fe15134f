"""A review table: several questions put to several documents; each cell holds the words that answer and their citation, or nothing."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from rag.answering.chatbot import Chatbot
from rag.errors import BadSetting
from rag.retrieval.query import validate_question
from rag.schema import Answer, Citation, Filter, Grade

MOST_CELLS = 2000
"""Most cells of one table."""
_SIDE_BY_SIDE = 2
"""Cells answered at once: while one is searched for and worded, another is read."""
_LONGEST_LIST = 8
"""Most list items that a cell shows."""

Follow = Callable[[int, int], None]
"""Called with (cells answered, cells in all)."""


@dataclass(frozen=True, slots=True)
class ReviewCell:
    """The answer to one question from one document: the words that answer, with their citation. `text` is "" and `citation` None if the
    document does not answer.
    """

    text: str = ""
    citation: Citation | None = None

    @property
    def original(self) -> str:
        """The words of the document where `text` is a machine translation of them, else ""."""
        found = self.citation
        return " ".join(found.quote.split()) if found is not None and found.grade is Grade.TRANSLATED else ""


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A document with a cell for each question."""

    document_id: str
    title: str
    cells: tuple[ReviewCell, ...]


@dataclass(frozen=True, slots=True)
class ReviewTable:
    """Questions and their answers, one row per document. Rows are missing if it was stopped."""

    questions: tuple[str, ...]
    rows: tuple[ReviewRow, ...]


def review_table(
    chatbot: Chatbot,
    questions: Sequence[str],
    documents: Sequence[str],
    *,
    stop: threading.Event | None = None,
    follow: Follow | None = None,
) -> ReviewTable:
    """Return the answers of each document, by quotation. Setting `stop` ends it after the cells being answered; a row that lacks one is
    left out.

    Ids that do not exist are left out. Raises BadQuestion, BadSetting without questions or documents or with too many, and the index's
    errors.
    """
    asked = tuple(dict.fromkeys(validate_question(question) for question in questions))
    infos = chatbot.index.infos(documents)
    ids = [id for id in dict.fromkeys(documents) if id in infos]
    if not asked:
        raise BadSetting("error.table_questions")
    if not ids:
        raise BadSetting("error.table_documents")
    if len(asked) * len(ids) > MOST_CELLS:
        raise BadSetting("error.table_size", cells=len(asked) * len(ids), most=MOST_CELLS)
    rows: list[ReviewRow] = []
    with ThreadPoolExecutor(_SIDE_BY_SIDE, "shawahid-cell") as pool:
        cells_of = [partial(_answered, chatbot, id, question, stop) for id in ids for question in asked]
        waiting = [pool.submit(contextvars.copy_context().run, answered) for answered in cells_of]
        try:
            for number, id in enumerate(ids):
                cells = []
                for at in range(number * len(asked), (number + 1) * len(asked)):
                    if (cell := waiting[at].result()) is None:
                        return ReviewTable(asked, tuple(rows))
                    cells.append(cell)
                    if follow:
                        follow(at + 1, len(waiting))
                rows.append(ReviewRow(id, infos[id].title or id, tuple(cells)))
        finally:
            for one in waiting:
                one.cancel()
    return ReviewTable(asked, tuple(rows))


def _answered(chatbot: Chatbot, document: str, question: str, stop: threading.Event | None) -> ReviewCell | None:
    """Return a cell; None if `stop` was set before it was begun."""
    if stop is not None and stop.is_set():
        return None
    return _cell(chatbot.quote(question, filter=Filter(documents=(document,))))


def _cell(answer: Answer) -> ReviewCell:
    """Return the direct part of an answer: its first line, or the items of its list."""
    if not answer.citations:
        return ReviewCell()
    first = answer.citations[0]
    lines = list(_lines(answer.text, answer.citations))
    if len(lines) > 1 and lines[1] == " ".join(first.quote.split()):
        lines = lines[:1]  # the words that answer, then their context
    elif len(lines) > 1:
        items = [citation for citation in answer.citations if citation.grade is not Grade.TRANSLATED]
        first, lines = items[0], list(_lines(answer.text, items))
        start = lines[0] == first.context  # the items below their introduction
        lines = lines[start : start + _LONGEST_LIST]
    return ReviewCell("; ".join(lines), first)


def _lines(text: str, citations: Sequence[Citation]) -> Iterator[str]:
    """Yield the lines of an answer without their markers."""
    for citation in citations:
        yield " ".join(citation.claim.of(text).split())
