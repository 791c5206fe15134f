"""An overview of a document or of a collection, from its own words: main points, people and organisations, dated statements, figures.

Every line is a quotation; no model writes anything. Doubtful items are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from rag.answering.name_mentions import Mention, named
from rag.answering.overview_statements import Statement, statements
from rag.arrays import Vectors
from rag.retrieval.index import Index
from rag.schema import Passage, Span
from rag.text.folding import fold
from rag.text.numbers import Date, Kind, Value

_MOST_POINTS = 8
_STATEMENTS_PER_POINT = 4
"""Statements of a document per main point."""
_FEWEST_POINTS = 3
"""With fewer self-contained statements, a document is quoted from its beginning."""
_MOST_DATES = 10
_MOST_FIGURES = 8
_MOST_NAMES = 10
_MOST_DOCUMENTS = 24
"""Most documents of a collection that are read."""
_POINTS_OF_EACH = 2
"""Main points of each document of a collection, at most."""
_REDUNDANCY = 0.6
"""Penalty of a point for its similarity to one already chosen."""
_SAME_SECTION = 0.08
"""Penalty of a point for each one already chosen from its section."""
_OPENING = 0.06
"""Bonus of the first statement of a section and of the document's beginning, where authors state the subject."""
_EARLY = 0.1
"""The share of a document that is its beginning."""
_ALIKE = 0.93
"""Least similarity of two statements that say the same."""
_SCALE = re.compile(r"\s*(?:بليون|مليار|تريليون|ترليون|مليون|billion|million|trillion)\w*(?:\s+(?:دولار|يورو|جنيه|ريال|دينار|درهم)\w*)?")
_RANGE = 24
"""Characters from the first day of a range to its last date."""
_FIRST_YEAR, _LAST_YEAR = 1500, 2100
_BEFORE_YEAR = re.compile(
    r"(?:\b(?:in|since|until|from|during|by|between|year|of|early|late)|(?:عام|سنة|منذ|حتى|في|سنه))\s$", re.IGNORECASE
)
_AFTER_YEAR = re.compile(
    r"\s*(?:[.,;:)،؛]|$)|\s(?:and|to|by|when|as|with|in|at|after|the|a|for|was|were|that|because|under|until|through"
    r"|و\S*|على|في|من|عن|بعد|عندما|إلى|م|حتى|كان|كانت|ب\S+|ل\S+)(?:[\s.,،]|$)"
)
_FIGURES = (Kind.AMOUNT, Kind.PERCENT, Kind.MEASURE)
_SPANS_OF_TIME = frozenset("s min h d week month year decade century".split())
_MONEY = 0.05
"""Bonus of a statement with an amount of money among the figures, and penalty of a row."""


@dataclass(frozen=True, slots=True)
class Line:
    """A quotation of an overview: `text == span.of(document.text)`, in a document of that `title`. `passage` holds its beginning.

    `words` are those it is listed for: a date, an amount, a name; None if all of it counts. `context` is its heading, caption or
    introduction, "" if it can be read alone.
    """

    document_id: str
    title: str
    span: Span
    text: str
    locator: str
    passage: Passage
    context: str = ""
    words: Span | None = None

    @property
    def label(self) -> str:
        """The words that the line is listed for; "" if all of it counts."""
        return (
            "" if self.words is None else " ".join(self.text[self.words.start - self.span.start : self.words.end - self.span.start].split())
        )


@dataclass(frozen=True, slots=True)
class Overview:
    """What documents say, in their own words: `points` and `names` in text order, `dates` in chronological order, `figures` by weight.

    `documents` are the ids of those read, of `total` asked for; `title` is that of the only one, else "".
    """

    documents: tuple[str, ...]
    total: int
    title: str
    language: str
    points: tuple[Line, ...]
    names: tuple[Line, ...]
    dates: tuple[Line, ...]
    figures: tuple[Line, ...]

    def __bool__(self) -> bool:
        """Return whether there is any line."""
        return bool(self.points or self.names or self.dates or self.figures)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, part by part."""
        return (*self.points, *self.names, *self.dates, *self.figures)


@dataclass(frozen=True, slots=True)
class Quotable:
    """The statements of a document that can be read alone, with their vectors, shape (n, dimension), and how central each is."""

    statements: tuple[Statement, ...]
    vectors: Vectors
    central: Vectors


_NOTHING = Quotable((), np.empty((0, 0), np.float32), np.empty(0, np.float32))


def overview_of(index: Index, ids: Sequence[str] | None = None) -> Overview:
    """Return the overview of some documents, or of all; ids that do not exist are left out.

    Of many documents the largest are read. Raises IndexCorrupt.
    """
    infos = list(index.infos(ids).values()) if ids is not None else index.documents()
    chosen = sorted(sorted(infos, key=lambda info: -info.characters)[:_MOST_DOCUMENTS], key=lambda info: info.id)
    read = [one for info in chosen if (one := quotable(index, info.id)).statements]
    single = len(chosen) == 1
    points = [line for one in read for line in _points(one, _point_count(one) if single else _POINTS_OF_EACH, not single)]
    everything = _joined(read)
    return Overview(
        documents=tuple(info.id for info in chosen),
        total=len(infos),
        title=(chosen[0].title or chosen[0].id) if single else "",
        language=Counter(info.language for info in chosen).most_common(1)[0][0] if chosen else "und",
        points=tuple(points),
        names=tuple(_names(everything.statements)),
        dates=tuple(_dates(everything)),
        figures=tuple(_figures(everything)),
    )


def quotable(index: Index, id: str) -> Quotable:
    """Return the quotable statements of a document, whole sentences and rows, each with the mean vector of its parts."""
    document = index.document(id)
    passages = index.passages_of(id) if document else []
    if document is None or not passages:
        return _NOTHING
    stored = index.sentence_vectors(passages)
    found = statements(document, passages)
    if not found:
        return _NOTHING
    vectors = np.array([_mean(stored, one) for one in found], dtype=np.float32)
    centre = _unit(np.concatenate([stored[passage.id] for passage in passages]).mean(axis=0))
    return Quotable(tuple(found), vectors, vectors @ centre)


def _mean(stored: dict[int, Vectors], statement: Statement) -> Vectors:
    return _unit(np.mean([stored[passage][place] for passage, place in statement.parts], axis=0))


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def _joined(read: Sequence[Quotable]) -> Quotable:
    if not read:
        return _NOTHING
    found = tuple(one for part in read for one in part.statements)
    return Quotable(found, np.concatenate([part.vectors for part in read]), np.concatenate([part.central for part in read]))


# --- main points ----------------------------------------------------------------------------------------------------------


def _point_count(read: Quotable) -> int:
    points = sum(one.is_point for one in read.statements)
    return min(_MOST_POINTS, max(_FEWEST_POINTS + 1, points // _STATEMENTS_PER_POINT))


def _points(read: Quotable, count: int, is_one_of_many: bool = False) -> list[Line]:
    """Return the statements that represent a document: central, dissimilar, from all its sections, in text order. A document with hardly
    any is quoted from its beginning, unless it is a table among many documents.
    """
    candidates = [n for n, one in enumerate(read.statements) if one.is_point]
    if len(candidates) < _FEWEST_POINTS and not (is_one_of_many and any(one.is_row for one in read.statements)):
        return [line_of(one) for one in read.statements if one.says_something][:count]
    early = len(read.statements) * _EARLY
    worth = {n: float(read.central[n]) + _OPENING * (read.statements[n].opens + (n < early)) for n in candidates}
    sections: Counter[tuple[str, ...]] = Counter()
    chosen: list[int] = []
    while candidates and len(chosen) < count:
        near = {n: max((float(read.vectors[n] @ read.vectors[other]) for other in chosen), default=0.0) for n in candidates}
        candidates = [n for n in candidates if near[n] < _ALIKE]
        if not candidates:
            break
        best = max(candidates, key=lambda n: worth[n] - _REDUNDANCY * near[n] - _SAME_SECTION * sections[read.statements[n].section])
        chosen.append(best)
        candidates.remove(best)
        sections[read.statements[best].section] += 1
    return [line_of(read.statements[n]) for n in sorted(chosen)]


def line_of(statement: Statement, words: Span | None = None) -> Line:
    return Line(
        document_id=statement.passage.document_id,
        title=statement.passage.title,
        span=statement.span,
        text=statement.text,
        locator=statement.passage.locator_at(statement.span),
        passage=statement.passage,
        context=statement.context,
        words=None if words is None else Span(words.start + statement.span.start, words.end + statement.span.start),
    )


# --- who, when, how much --------------------------------------------------------------------------------------------------


def _names(found: Sequence[Statement]) -> list[Line]:
    """Return the names mentioned most often, each with the first statement that mentions it, in text order."""
    prose = [one for one in found if one.is_point]
    mentions: dict[str, list[tuple[int, Mention]]] = {}
    for number, one in enumerate(prose):
        for mention in named(one.text):
            mentions.setdefault(mention.key, []).append((number, mention))
    sure = [seen for seen in mentions.values() if any(mention.is_sure for _, mention in seen)]
    kept = sorted(sure, key=lambda seen: (-len(seen), seen[0][0]))[:_MOST_NAMES]
    kept.sort(key=lambda seen: (seen[0][0], seen[0][1].span.start))
    return [line_of(prose[seen[0][0]], seen[0][1].span) for seen in kept]


@dataclass(frozen=True, slots=True)
class _Valued:
    """Return a statement of a reading by index, listed for the value at `words`."""

    number: int
    worth: float
    words: Span | None
    time: tuple[int, int, int] = (0, 0, 0)


def _dates(read: Quotable) -> list[Line]:
    """Return the most central dated statements, in chronological order."""
    dated = []
    for number, one in enumerate(read.statements):
        if one.is_point and (first := next(placed_dates(one), None)) is not None:
            dated.append(_Valued(number, float(read.central[number]), first[0], _time(first[1])))
    kept = _best(dated, read, _MOST_DATES)
    return [line_of(read.statements[item.number], item.words) for item in sorted(kept, key=lambda item: (item.time, item.number))]


def placed_dates(statement: Statement) -> Iterator[tuple[Span, Date]]:
    """Yield the dates of a statement that can be ordered: with a four-digit year, which may stand alone ("in 1962")."""
    start: int | None = None  # of "12" in "12-14 March 2007"
    for value in statement.values:
        if value.date is not None:
            if value.date.year is None or not _FIRST_YEAR <= value.date.year + 579 * value.date.hijri <= _LAST_YEAR:
                continue
            if str(value.date.year) not in fold(value.span.of(statement.text)):
                start = value.span.start if start is None else start
                continue
            near = start is not None and value.span.start - start <= _RANGE
            yield (Span(start, value.span.end) if start is not None and near else value.span), value.date
        elif value.kind is Kind.NUMBER and not value.unit and _is_year(statement.text, value):
            yield value.span, Date(int(value.number or 0))


def _is_year(text: str, value: Value) -> bool:
    """Return whether a bare number is a year by the words around it: "in 1962." and not "in 1962 cases"."""
    if value.number is None or not _FIRST_YEAR <= value.number <= _LAST_YEAR or len(value.span) != 4:
        return False
    return _BEFORE_YEAR.search(text[: value.span.start]) is not None and _AFTER_YEAR.match(text[value.span.end :]) is not None


def _time(date: Date) -> tuple[int, int, int]:
    """Return a key that orders dates of both calendars; a Hijri year counts as the Gregorian year it begins in."""
    year = date.year or 0
    return (int(year * 0.970224 + 621.57) if date.hijri else year), date.month or 0, date.day or 0


def _figures(read: Quotable) -> list[Line]:
    """Return the most central statements and rows with amounts, shares and measures, in text order."""
    found = []
    for number, one in enumerate(read.statements):
        values = [value for value in one.values if value.kind in _FIGURES and value.unit not in _SPANS_OF_TIME and _is_written(one, value)]
        if values and one.stands_alone:
            best = max(values, key=_weight)
            worth = float(read.central[number]) + _MONEY * ((best.kind is Kind.AMOUNT) - (not one.is_prose))
            found.append(_Valued(number, worth, _with_scale(one, best.span) if one.is_prose else None))
    kept = _best(found, read, _MOST_FIGURES)
    return [line_of(read.statements[item.number], item.words) for item in sorted(kept, key=lambda item: item.number)]


def _with_scale(statement: Statement, words: Span) -> Span:
    """Return the words of a value with the scale that follows its sign: «279.8$ بليون دولار»."""
    found = _SCALE.match(statement.text, words.end)
    return Span(words.start, found.end()) if found else words


def _is_written(statement: Statement, value: Value) -> bool:
    """Return whether a value is greater than zero and in digits: «بالمليون دينار» above a column is neither."""
    return bool(value.number) and any(character.isdigit() for character in value.span.of(statement.text))


def _weight(value: Value) -> tuple[bool, Decimal]:
    return value.kind is Kind.AMOUNT, abs(value.number or Decimal(0))


def _best(found: Sequence[_Valued], read: Quotable, most: int) -> list[_Valued]:
    """Return the highest-scoring statements, without those that repeat a better one."""
    kept: list[_Valued] = []
    for item in sorted(found, key=lambda item: -item.worth):
        if len(kept) == most:
            break
        if all(float(read.vectors[item.number] @ read.vectors[other.number]) < _ALIKE for other in kept):
            kept.append(item)
    return kept
