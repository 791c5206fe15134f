"""Answers computed from the rows of a table: greatest and least, sums, averages, counts, comparisons of two rows.

The values that were computed with are shown and cited row by row; nothing is answered unless every word of the question is understood.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from rag.answering.citations import cite
from rag.answering.inquiry import Inquiry
from rag.answering.localization import localize_value
from rag.answering.quotation import asks_whether
from rag.answering.table_matching import TableReading, read_question
from rag.answering.table_records import records_of
from rag.answering.table_wording import Operation, TableQuestion, asks_for_computation
from rag.messages import say
from rag.retrieval.index import Index
from rag.schema import Answer, Citation, Evidence, Hit, Passage, Span, Status
from rag.text.numbers import Value

_DOCUMENTS = 4
"""Documents, of those found, whose tables are read."""
_LONGEST_DOCUMENT = 2_000_000
"""Characters of the longest document whose tables are read."""
_NEXT = 2
"""Rows shown after the first."""
_MOST_FIRST = 5
"""Rows that can share the greatest value."""
_MOST_ADDED = 60
"""Rows of the longest sum, for each of them is shown."""
_MOST_COUNTED = 40
"""Rows of a count that are shown."""
_LONGEST_NAME = 120


def table_answer(inquiry: Inquiry, index: Index) -> Answer | None:
    """Return the answer computed from one table among the documents found; None if the question does not ask for a computation, or if it
    is not sure which rows and values are meant. Raises IndexCorrupt."""
    question = asks_for_computation(inquiry.query.text)
    if question is None:
        return None
    readings: list[tuple[int, TableReading]] = []
    for document_id, title in list({hit.passage.document_id: hit.passage.title for hit in inquiry.hits}.items())[:_DOCUMENTS]:
        document = index.document(document_id)
        if document is None or not document.tables or len(document.text) > _LONGEST_DOCUMENT:
            continue
        for records in records_of(document):
            if (reading := read_question(question, records, title)) is not None:
                readings.append((reading.weight, reading))
    best = [reading for weight, reading in readings if weight == max(weight for weight, _ in readings)]
    if len(best) != 1:
        return None
    writer = _Writer(inquiry, best[0], index.passages_of(best[0].records.document.id))
    if best[0].compared is not None:
        return _comparison(question, best[0], writer)
    if question.operation is Operation.EXTREME:
        return _extreme(question, best[0], writer)
    return _count(best[0], writer) if question.operation is Operation.COUNT else _total(question, best[0], writer)


def _direction(question: TableQuestion, reading: TableReading) -> int:
    """Return 1 if the greatest value is asked for, -1 if the least."""
    adjective = question.adjective
    if adjective is None or reading.column is None:
        return 1
    return adjective.ordered(reading.records.columns[reading.column])


def _extreme(question: TableQuestion, reading: TableReading, writer: _Writer) -> Answer | None:
    """Return the row with the greatest or least value, and the next two."""
    measure = reading.measure
    if measure is None or len(reading.rows) < 2:
        return None
    direction = _direction(question, reading)
    ranked = sorted(reading.rows, key=lambda at: -direction * measure.worth[at])  # stable: equal rows keep the table's order
    first = [at for at in ranked if measure.worth[at] == measure.worth[ranked[0]]]
    if len(first) > _MOST_FIRST:
        return None
    for at in first:
        writer.row(at)
    if measure.is_time:
        key = "answer.table_latest" if direction > 0 else "answer.table_earliest"
    else:
        key = "answer.table_highest" if direction > 0 else "answer.table_lowest"
    writer.explain(key)
    for at in ranked[len(first) : len(first) + _NEXT]:
        writer.row(at, bullet=True)
    return writer.answer()


def _comparison(question: TableQuestion, reading: TableReading, writer: _Writer) -> Answer | None:
    """Return which of two rows has the greater value, or whether the first has."""
    measure = reading.measure
    if measure is None or reading.compared is None or any(at not in measure.worth for at in reading.compared):
        return None
    first, second = reading.compared
    direction = _direction(question, reading)
    gap = direction * (measure.worth[first] - measure.worth[second])
    language = writer.language
    if asks_whether(writer.question) and not question.offers_a_choice:
        writer.line(say("answer.table_yes" if gap > 0 else "answer.table_same" if gap == 0 else "answer.table_no", language))
        order = (first, second)
    else:
        if gap == 0:
            writer.line(say("answer.table_same", language))
        order = (first, second) if gap >= 0 else (second, first)
    for at in order:
        writer.row(at)
    writer.explain("answer.table_compared")
    return writer.answer()


def _total(question: TableQuestion, reading: TableReading, writer: _Writer) -> Answer | None:
    """Return the sum or average of the values, which are all shown."""
    measure = reading.measure
    if measure is None or not 2 <= len(reading.rows) <= _MOST_ADDED:
        return None
    total = sum((measure.worth[at] for at in reading.rows), Decimal(0))
    is_sum = question.operation is Operation.SUM
    worth = total if is_sum else (total / len(reading.rows)).quantize(Decimal("0.01"))
    like = measure.values[reading.rows[0]]
    written = localize_value(Value(like.kind, Span(0, 0), worth, like.unit), "", writer.language)
    if written is None:
        return None
    exact = is_sum or worth * len(reading.rows) == total
    writer.line(written if exact else say("answer.table_about", writer.language, value=written))
    writer.explain("answer.table_sum" if is_sum else "answer.table_mean")
    for at in reading.rows:
        writer.row(at, bullet=True)
    return writer.answer()


def _count(reading: TableReading, writer: _Writer) -> Answer | None:
    """Return the number of rows, or of different values in a column, with the rows counted."""
    rows = list(reading.rows)
    if not rows:
        return None
    if reading.shown is not None:
        different: dict[str, int] = {}
        for at in rows:
            different.setdefault(reading.records.text(reading.records.rows[at], reading.shown), at)
        rows = list(different.values())
    writer.line(str(len(rows)))
    writer.explain("answer.table_count" if reading.shown is None else "answer.table_count_different")
    for at in rows[:_MOST_COUNTED]:
        writer.row(at, bullet=True)
    if len(rows) > _MOST_COUNTED:
        writer.line(say("answer.table_more", writer.language, count=len(rows) - _MOST_COUNTED))
    return writer.answer()


class _Writer:
    """Writes an answer line by line: rows with their name and value, each with its citation, and lines of the answer's own."""

    def __init__(self, inquiry: Inquiry, reading: TableReading, passages: Sequence[Passage]) -> None:
        self._inquiry = inquiry
        self._reading = reading
        self._passages = passages
        self._text = ""
        self._citations: list[Citation] = []
        self._cited: dict[int, Passage] = {}
        self._number = inquiry.number
        self._lost = False

    @property
    def language(self) -> str:
        """The language of the answer."""
        return self._inquiry.language

    @property
    def question(self) -> str:
        """The question as it was searched for."""
        return self._inquiry.query.text

    def line(self, text: str) -> None:
        """Append a line of the answer's own."""
        self._text += f"\n{text}" if self._text else text

    def row(self, at: int, *, bullet: bool = False) -> None:
        """Append a row: its name and its value, both in the document's words."""
        records, row = self._reading.records, self._reading.records.rows[at]
        passage = self._passage(row.span)
        if passage is None:
            self._lost = True
            return
        shown = self._reading.shown if self._reading.shown is not None else records.key
        if shown is None or shown not in row.cells:
            shown = min(row.cells)
        self.line("• " if bullet else "")
        column = self._reading.column
        name = records.text(row, shown)
        if len(name) > _LONGEST_NAME:
            self._lost = True
        self._cite(passage, row.span, row.cells[shown], name)
        if column is not None and column != shown:
            self._text += ": "
            self._cite(passage, row.span, row.cells[column], records.text(row, column))
        self._text += f" [{self._number}]"
        self._number += 1

    def explain(self, key: str) -> None:
        """Append what was computed: the column, the table, how many rows, and the conditions they meet."""
        reading = self._reading
        records = reading.records
        column = reading.column if reading.column is not None else reading.shown
        title = records.caption or " › ".join(records.path[-1:]) or records.document.title or records.document.id
        conditions = "".join(f" · {records.columns[one.column]}: {one.value}" for one in reading.conditions)
        missing = len(self._considered()) - len(reading.rows) if reading.compared is None else 0
        without = say("answer.table_without", self.language, count=missing) if missing else ""
        name = records.columns[column] if column is not None else ""
        text = say(key, self.language, column=name, table=title, count=len(reading.rows))
        self.line(f"{text}{conditions}{without}")

    def _considered(self) -> list[int]:
        """Return the rows that meet the conditions, with or without a value."""
        reading = self._reading
        return [at for at in range(len(reading.records.rows)) if all(at in one.rows for one in reading.conditions)]

    def answer(self) -> Answer | None:
        """Return the answer; None if a row was not found among the passages."""
        if self._lost or not self._citations:
            return None
        inquiry = self._inquiry
        inquiry.confidence = 1.0
        answer = inquiry.answer(self._text, Status.ANSWERED, tuple(self._citations))
        hits = {hit.passage.id: hit for hit in inquiry.hits}
        more = [
            Hit(passage, len(hits) + n, 0.0) for n, passage in enumerate((p for id, p in self._cited.items() if id not in hits), start=1)
        ]
        return replace(answer, hits=(*answer.hits, *more))

    def _cite(self, passage: Passage, row: Span, words: Span, claim: str) -> None:
        start = len(self._text)
        self._text += claim
        self._cited[passage.id] = passage
        records = self._reading.records
        source = Evidence(passage, row, row.of(records.document.text), 1.0)
        inside = row.start <= words.start and words.end <= row.end
        cited = cite(self._number, source, Span(start, len(self._text)))
        self._citations.append(replace(cited, words=words if inside else None, context=records.caption))

    def _passage(self, span: Span) -> Passage | None:
        """Return the passage in which a row begins."""
        at = bisect_right(self._passages, span.start, key=lambda passage: passage.span.start) - 1
        return self._passages[at] if at >= 0 and span.start < self._passages[at].span.end else None
