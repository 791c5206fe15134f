"""Statements of different documents that cannot both be true: one value of the same matter differs, or one denies what the other states.

Two statements contradict each other only if they agree in everything else: their words, names, conditions and other values. The same
fact in other words is not noticed, and doubtful pairs are left out.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from rag.answering.checking.polarity import contrary, is_negated, negator_stems, pole_stems
from rag.answering.overview import Line, line_of, quotable
from rag.answering.overview_statements import Statement
from rag.arrays import Vectors
from rag.retrieval.index import Index
from rag.schema import join_context
from rag.text.folding import fold
from rag.text.language import script
from rag.text.names import unmatched_names
from rag.text.numbers import Bound, Kind, Value
from rag.text.numbers.lexicon import UNITS
from rag.text.words import content_stems, stem, stems, word_spans, words

_ALIKE = 0.72
"""Least similarity of two statements that are compared."""
_NEIGHBOURS = 6
"""Statements that each is compared with."""
_MOST_STATEMENTS = 20_000
_BLOCK = 512
"""Statements whose similarities are computed at once."""
_LEAST_COMMON = 2
"""Least content words, values left out, that two statements have in common."""
_COMPARED = frozenset((Kind.AMOUNT, Kind.MEASURE, Kind.PERCENT, Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.FRACTION))
_CAPITAL = re.compile(r"\b[A-Z][A-Za-z\u00c0-\u024f]+")
_LOWER = re.compile(r"\b[a-z][a-z\u00df-\u024f]+\b")
_SOME = frozenset(stem(word) for word in words("some certain several sometimes often usually many most بعض احيانا غالبا معظم عاده كثير"))
"""Words after which a statement and its opposite can both be true."""
_YEAR = re.compile(r"(?<!\d)(?:1[3-9]|20)\d\d(?!\d)")
_SHORT_YEAR = re.compile(r"(?<!\d)\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two quotations that contradict each other, with the `words` in which they differ; `certainty` is how similar they are, 0..1.

    `kind` is "value" if one value differs, "opposite" if one statement denies the other.
    """

    one: Line
    other: Line
    kind: Literal["value", "opposite"]
    certainty: float


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How two statements differ: the value of each that the other does not have; None for both if one denies the other."""

    one: Value | None
    other: Value | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A statement with what it stands under; of its document all words, and the names in its title (`title_names`), folded."""

    text: str
    context: str
    vocabulary: frozenset[str]
    subject: frozenset[str]
    values: tuple[Value, ...]
    is_row: bool = False
    section: str = ""
    """The headings above it that are not the title, and its introduction."""
    years: frozenset[str] = frozenset()
    """The years that its document mentions more than once."""


def difference(one: Compared, other: Compared) -> ValueDifference | None:
    """Return the only difference between two statements of the same matter; None if they are of different matters, differ in more, or do
    not contradict each other."""
    if script(one.text) != script(other.text) or one.is_row != other.is_row or not _same_conditions(one, other):
        return None
    left, right = _unmatched(one.values, other.values)
    if len(left) != len(right) or len(left) > 1:
        return None
    if unmatched_names(_blanked(one), f"{other.text} {other.context}") or unmatched_names(_blanked(other), f"{one.text} {one.context}"):
        return None
    words_one, words_other = _words(one), _words(other)
    if len(words_one & words_other) < _LEAST_COMMON:
        return None
    only_one, only_other = words_one - words_other, words_other - words_one
    if not left:
        return ValueDifference(None, None) if _opposed(one.text, other.text, only_one | only_other) else None
    named = only_one <= set(content_stems(other.context)) and only_other <= set(content_stems(one.context))
    if (only_one and only_other) or not named or not _differ(left[0], right[0]) or is_negated(one.text) != is_negated(other.text):
        return None
    return ValueDifference(left[0], right[0]) if _counts_the_same(one.text, left[0], other.text, right[0]) else None


def _opposed(one: str, other: str, only: frozenset[str]) -> bool:
    """Return whether two statements say the opposite in the same words: one of them with a negation, or with the opposite of a word."""
    if not _SOME.isdisjoint((*stems(one), *stems(other))):
        return False
    if not only - negator_stems():
        return is_negated(one) != is_negated(other)
    return only <= negator_stems() | pole_stems() and contrary(one, other, _unused) and contrary(other, one, _unused)


def contradictions(index: Index, ids: Sequence[str] | None = None, stop: threading.Event | None = None) -> list[Contradiction]:
    """Return the contradictions between documents, the most certain first; of all documents, or of some.

    Ends early if `stop` is set, with what was found. Raises IndexCorrupt.
    """
    statements: list[Statement] = []
    compared: list[Compared] = []
    vectors: list[Vectors] = []
    documents = [document for id in (index.document_ids() if ids is None else dict.fromkeys(ids)) if (document := index.document(id))]
    lowered = frozenset[str]().union(*(lowered_words(document.text) for document in documents))
    for document in documents:
        read = quotable(index, document.id)
        vocabulary = frozenset(words(f"{document.title} {document.text}"))
        subject = title_names(document.title, lowered)
        edition = edition_years(document.id, document.text)
        years = frozenset(year for year, count in Counter(_YEAR.findall(fold(document.text))).items() if count > 1)
        for one, vector in zip(read.statements, read.vectors, strict=True):
            if one.values or is_negated(one.text) or pole_stems() & set(content_stems(one.text)):
                statements.append(one)
                compared.append(_compared(one, vocabulary, subject, years, edition))
                vectors.append(vector)
        if len(statements) > _MOST_STATEMENTS or (stop is not None and stop.is_set()):
            break
    found = []
    for first, second, likeness in _near(statements, vectors):
        if stop is not None and stop.is_set():
            break
        unlike = difference(compared[first], compared[second])
        if unlike is not None:
            line = line_of(statements[first], unlike.one.span if unlike.one else None)
            against = line_of(statements[second], unlike.other.span if unlike.other else None)
            found.append(Contradiction(line, against, "value" if unlike.one else "opposite", round(min(likeness, 1.0), 4)))
    return found


def edition_years(id: str, text: str) -> tuple[str, ...]:
    """Return the years that the name of a file gives with two digits and its text with four: "faq22.md" that speaks of 2022."""
    if _YEAR.search(fold(id)):
        return ()
    return tuple(year for digits in _SHORT_YEAR.findall(fold(id)) if (year := f"20{digits}") in _YEAR.findall(fold(text)))


def _compared(
    statement: Statement, vocabulary: frozenset[str], subject: frozenset[str], years: frozenset[str], edition: tuple[str, ...]
) -> Compared:
    """Return a statement as it is compared with others."""
    passage = statement.passage
    context = join_context((passage.document_id, *edition, passage.title, *passage.path, statement.context))
    section = join_context((*(label for label in passage.path if fold(label) != fold(passage.title)), statement.context))
    return Compared(statement.text, context, vocabulary, subject, statement.values, statement.is_row, section, years)


def _near(statements: Sequence[Statement], vectors: Sequence[Vectors]) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of statements of different documents that are alike, with their similarity, the most alike first."""
    if not vectors:
        return
    matrix = np.stack(vectors)
    owners = np.array([hash(one.passage.document_id) for one in statements])
    pairs: dict[tuple[int, int], float] = {}
    for start in range(0, len(statements), _BLOCK):
        likeness = matrix[start : start + _BLOCK] @ matrix.T
        likeness[owners[start : start + _BLOCK, None] == owners[None, :]] = -1.0
        for row, near in enumerate(np.argsort(-likeness, axis=1)[:, :_NEIGHBOURS]):
            for other in near:
                if likeness[row, other] >= _ALIKE:
                    pairs[min(start + row, int(other)), max(start + row, int(other))] = float(likeness[row, other])
    for first, second in sorted(pairs, key=lambda pair: -pairs[pair]):
        yield first, second, pairs[first, second]


# --- the same matter ------------------------------------------------------------------------------------------------------


def _same_conditions(one: Compared, other: Compared) -> bool:
    """Return whether two statements stand under the same years, below headings that have a word in common, and in documents that may be
    about one subject: not if the title of each has names that the other never mentions, or each repeats years that the other does not."""
    years = [frozenset(_YEAR.findall(fold(each.context))) for each in (one, other)]
    if years[0] and years[1] and years[0] != years[1]:
        return False
    if one.years - other.vocabulary and other.years - one.vocabulary:
        return False  # editions of one text: the prices of 2022 and those of 2023
    sections = [set(content_stems(each.section)) for each in (one, other)]
    if sections[0] and sections[1] and sections[0].isdisjoint(sections[1]):
        return False
    return not (one.subject - other.vocabulary and other.subject - one.vocabulary)


def lowered_words(text: str) -> frozenset[str]:
    """Return the words that a text writes in lower case anywhere: no names."""
    return frozenset(_LOWER.findall(text))


def title_names(title: str, lowered: Collection[str]) -> frozenset[str]:
    """Return the words of a title that are names, folded: with a capital, and nowhere in the documents without one."""
    return frozenset(name for word in _CAPITAL.findall(title) if (name := fold(word)) not in lowered)


def _unused(texts: Sequence[str], evidence: Sequence[str]) -> Sequence[Sequence[float]]:
    """Stand for similarities, which are not computed within one language."""
    raise AssertionError("both statements are in one script")


def _words(one: Compared) -> frozenset[str]:
    """Return the content stems of a statement without its values."""
    return frozenset(content_stems(_blanked(one)))


def _blanked(one: Compared) -> str:
    """Return the text of a statement with its values blanked."""
    text = one.text
    for value in one.values:
        text = text[: value.span.start] + " " * len(value.span) + text[value.span.end :]
    return text


# --- values ---------------------------------------------------------------------------------------------------------------


def _unmatched(first: Sequence[Value], second: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Return the values of each that the other does not have."""
    rest = _distinct(second)
    left = []
    for value in _distinct(first):
        same = next((other for other in rest if _same(value, other)), None)
        if same is None:
            left.append(value)
        else:
            rest.remove(same)
    return left, rest


def _distinct(values: Sequence[Value]) -> list[Value]:
    """Return values without those that repeat one before them: "two (2) managers"."""
    found: list[Value] = []
    for value in values:
        if not any(_same(value, other) for other in found):
            found.append(value)
    return found


def _same(one: Value, other: Value) -> bool:
    """Return whether two values may be the same one, written in two ways."""
    if one.dates or other.dates:
        return bool(one.dates and other.dates) and any(a == b for a in one.dates for b in other.dates)
    if one.digits or other.digits:
        return one.digits == other.digits
    return _worth(one) == _worth(other) and one.high == other.high


def _worth(value: Value) -> tuple[Decimal | None, str]:
    """Return what a value comes to in the first unit of its family, and the family."""
    unit = UNITS.get(value.unit)
    if unit is not None and unit.worth is not None and unit.family and value.number is not None:
        return (value.number * unit.worth).normalize(), unit.family
    return (None if value.number is None else value.number.normalize()), value.unit


def _differ(one: Value, other: Value) -> bool:
    """Return whether two values of one kind and unit cannot both be true of one thing."""
    if one.kind is not other.kind or one.kind not in _COMPARED or one.bound is not other.bound or one.bound is Bound.ABOUT:
        return False
    if one.dates or other.dates:
        if len(one.dates) != 1 or len(other.dates) != 1 or one.dates[0].hijri != other.dates[0].hijri:
            return False
        pairs = [(getattr(one.dates[0], part), getattr(other.dates[0], part)) for part in ("year", "month", "day")]
        return any(a is not None and b is not None and a != b for a, b in pairs)
    if {one.number, *one.also} & {other.number, *other.also} and one.high == other.high:
        return False
    if (one.high is None) != (other.high is None):
        return False
    (first, family), (second, others) = _worth(one), _worth(other)
    return family == others and first is not None and second is not None and (first != second or one.high != other.high)


def _counts_the_same(one: str, first: Value, other: str, second: Value) -> bool:
    """Return whether two bare numbers count or number the same: by the word after them, or the word before them where none follows."""
    if first.kind is not Kind.NUMBER or first.unit:
        return True
    beside = [(_beside(text, value)) for text, value in ((one, first), (other, second))]
    (before_one, after_one), (before_other, after_other) = beside
    return after_one == after_other if after_one or after_other else before_one == before_other


def _beside(text: str, value: Value) -> tuple[str, str]:
    """Return the stems of the words before and after a value, "" for a function word or none."""
    spans = [span for span in word_spans(text) if not span.of(text).isdigit()]
    before = [span for span in spans if span.end <= value.span.start]
    after = [span for span in spans if span.start >= value.span.end]
    found = [span.of(text) if span else "" for span in (before[-1] if before else None, after[0] if after else None)]
    return tuple("".join(content_stems(word)[:1]) for word in found)  # type: ignore[return-value]  # two of them
