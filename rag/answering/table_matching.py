"""Which rows and which column of a table a question means.

Every word of the question has to be explained: by the column, by the value of a cell, by what the table is called. A question with a
word that is not is left to the search for a passage, for that word may be a condition that the table does not know.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.answering.table_records import ColumnValues, Records, measure_of, years_of
from rag.answering.table_wording import (
    AskedWord,
    Operation,
    TableQuestion,
    asked_word,
    group_keys,
    is_counting,
    is_total,
    name_keys,
    turning_words,
)
from rag.schema import BlockKind
from rag.text.clitics import split_prefix
from rag.text.numbers import Kind
from rag.text.territories import territories
from rag.text.words import words

_OPENING, _FIRST = 200, 2
"""The longest paragraph, in characters, that says what a document is about, and how many blocks at its beginning may."""
_LONGEST_NAME = 8
"""Most words of a cell's value that is looked for in a question."""
_NOT_ORDERED = frozenset("rank ranking position id code phone fax postal zip ترتيب مرتبه رمز هاتف فاكس".split())
"""Words of the names of columns whose numbers are no quantities, or whose least is the best."""
_HARMLESS = frozenset(("per",))
"""What the name of a column may add to a question: the rent is the "rent per month", but sales are not the "sales growth"."""
_NOT_ADDED = frozenset("percent percentage share rate latitude longitude lat lng lon نسبه معدل".split())
"""Words of the names of columns whose values say nothing when they are added."""
_LONGEST_VALUE = 100
"""Characters of such a value."""
_YEAR = re.compile(r"1\d{3}|20\d\d|21\d\d")


@dataclass(frozen=True, slots=True)
class CellCondition:
    """A value that a question names: the words of the question that do, the column, and the indices of the rows that have it."""

    words: range
    column: int
    rows: frozenset[int]
    value: str


@dataclass(frozen=True, slots=True)
class TableReading:
    """A question read over a table: the rows it is about, in order, the column of the values, and the column that names its rows.

    `compared` are the two rows that it compares, in the order in which it names them. `weight` counts the words that the table explains.
    """

    records: Records
    rows: tuple[int, ...]
    conditions: tuple[CellCondition, ...]
    column: int | None
    measure: ColumnValues | None
    shown: int | None
    compared: tuple[int, int] | None
    weight: int


def read_question(question: TableQuestion, records: Records, title: str) -> TableReading | None:
    """Return a question read over a table that stands in a document of this title; None unless it is understood to its last word."""
    if question.operation is Operation.COUNT and question.turns:
        return None
    about = _about(records, title)
    names = [name_keys(name) for name in records.columns]
    question = replace(question, words=tuple(_compounded(question.words, names)))
    called = _called(question.words, records, title)
    conditions = _conditions(question.words, records, about, called)
    if conditions is None:
        return None
    taken = {at for condition in conditions for at in condition.words}
    rest = [(at, word) for at, word in enumerate(question.words) if at not in taken]
    all_conditions = conditions
    compared, conditions = _compared(question, records, conditions)
    if question.operation is Operation.EXTREME and question.adjective is not None:
        if compared is None and not question.adjective.is_superlative:
            return None
        if compared is not None and not question.adjective.is_comparative:
            return None
    if question.operation is Operation.COUNT and any(one.column == records.key for one in conditions):
        return None  # a row that is named has a value to look up
    rows = [at for at in range(len(records.rows)) if all(at in condition.rows for condition in conditions)]
    is_called = bool(called) and (question.noun is None or question.noun in called)
    entity = min(called) if is_called else _entity(question, rest, records, names, about)
    column, measure = None, None
    if question.operation is not Operation.COUNT:
        candidates = [at for at in range(len(names)) if at != records.key and all(at != one.column for one in conditions)]
        spoken = [(at, word) for at, word in rest if at != entity and at not in called]
        others = [word for at, word in spoken if at != question.noun]
        found = _measured(question, others, records, names, candidates, compared)
        if found is None and len(others) < len(spoken):  # "which price is the lowest?"
            found = _measured(question, [word for _, word in spoken], records, names, candidates, compared)
        if found is None:
            return None
        column, measure = found
    known = {column, records.key, *(condition.column for condition in conditions)}
    shown = _shown(question, rest, entity, records, names, rows, known)
    if shown == -1:
        return None
    if compared is not None and len(of_names := {one.column for one in _named_rows(all_conditions)}) == 1:
        shown = next(iter(of_names))
    if question.noun is not None and question.noun not in taken and question.noun not in called:
        noun = question.words[question.noun]
        rows_are = [keys for at in {shown, records.key} if at is not None for keys in names[at]]
        if not any(noun.keys & keys for keys in (*rows_are, *about)):
            return None  # "which province is the largest?" of a table with the number of provinces
    allowed = [keys for at in {column, shown, records.key, *(one.column for one in conditions)} if at is not None for keys in names[at]]
    weight = 0
    for _, word in rest:
        if any(word.keys & keys for keys in (*allowed, *about)):
            weight += not word.is_filler
        elif not word.is_filler:
            return None
    kept = tuple(at for at in rows if measure is None or at in measure.values)
    return TableReading(records, kept, conditions, column, measure, shown, compared, weight + len(taken))


# --- conditions -----------------------------------------------------------------------------------------------------------


def _conditions(
    spoken: Sequence[AskedWord], records: Records, about: Sequence[frozenset[str]], title: frozenset[int]
) -> tuple[CellCondition, ...] | None:
    """Return the values of cells that a question names, the longest first found; None if one can be of several columns, or can as well
    be what a column or the table is called. The words of the `title`, by index, are none."""
    values = _values(records, {word.text for word in spoken})
    called = [*about, *(keys for column in records.columns for keys in name_keys(column))]
    countries = territories(" ".join((records.document.id.replace("-", " "), records.document.title, records.caption, *records.path)))
    found: list[CellCondition] = []
    at = 0
    while at < len(spoken):
        for length in range(min(_LONGEST_NAME, len(spoken) - at), 0, -1):
            run = spoken[at : at + length]
            if (
                not title.isdisjoint(range(at, at + length))
                or all(word.is_filler for word in run)
                or (length == 1 and len(run[0].text) == 1 and not _is_name(run[0], values, records))
            ):
                continue
            places = _places(run, values)
            if not places:
                continue
            if all(word.is_filler or any(word.keys & keys for keys in called) for word in run):
                return None
            if countries & territories(" ".join(word.text for word in run)):
                return None  # the country that all rows are about, and a town of that name
            chosen = _one_place(places)
            if chosen is None:
                return None
            found.append(CellCondition(range(at, at + length), *chosen))
            at += length - 1
            break
        at += 1
    return tuple(found)


_Place = tuple[int, frozenset[int], str]  # column, rows, value


def _is_name(word: AskedWord, values: dict[tuple[str, ...], list[_Place]], records: Records) -> bool:
    """Return whether a single letter names a row ("A", «أ»)."""
    return any(column == records.key for column, _, _ in values.get((word.text,), ()))


def _values(records: Records, spoken: Collection[str]) -> dict[tuple[str, ...], list[_Place]]:
    """Return the cells of words, and of columns of time the years that are among the words spoken, by their folded words."""
    rows: dict[tuple[str, ...], dict[int, set[int]]] = {}
    written: dict[tuple[tuple[str, ...], int], str] = {}
    years = {word for word in spoken if _YEAR.fullmatch(word)}
    for column in range(len(records.columns)):
        for at, row in enumerate(records.rows):
            text = records.text(row, column)
            key = tuple(words(text)) if len(text) <= _LONGEST_VALUE and not text.isdigit() else ()
            if 0 < len(key) <= _LONGEST_NAME and not all(part.isdigit() for part in key):
                rows.setdefault(key, {}).setdefault(column, set()).add(at)
                written.setdefault((key, column), text)
        for at, year in years_of(records, column) if years else ():
            if str(year) in years:
                rows.setdefault((str(year),), {}).setdefault(column, set()).add(at)
                written.setdefault(((str(year),), column), str(year))
    return {key: [(column, frozenset(at), written[key, column]) for column, at in columns.items()] for key, columns in rows.items()}


def _places(run: Sequence[AskedWord], values: dict[tuple[str, ...], list[_Place]]) -> list[_Place]:
    """Return where a run of words is a value: as it is written, without the letters before its first word, or as the same country."""
    spoken = tuple(word.text for word in run)
    if spoken in values:
        return values[spoken]
    for _, rest in split_prefix(spoken[0]):
        if len(rest) >= 2 and (rest, *spoken[1:]) in values:
            return values[(rest, *spoken[1:])]
    for form in _with_article(spoken):
        if form in values:
            return values[form]
    country = territories(" ".join(spoken)) if len(spoken) <= 3 else frozenset()
    if len(country) != 1 or any(territories(" ".join(part)) for part in (spoken[1:], spoken[:-1])):
        return []
    same = [place for key, places in values.items() if len(key) <= 4 and territories(" ".join(key)) == country for place in places]
    return same if len({place[0] for place in same}) == len(same) else []


def _with_article(spoken: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not spoken[0].isascii():
        yield (f"ال{spoken[0]}", *spoken[1:])
        for _, rest in split_prefix(spoken[0], ("ب", "ل", "و", "لل")):
            yield (f"ال{rest}", *spoken[1:])


def _one_place(places: Sequence[_Place]) -> _Place | None:
    """Return the place of a value; of several columns only if they hold it in the same rows."""
    return places[0] if len({rows for _, rows, _ in places}) == 1 else None


def _compared(
    question: TableQuestion, records: Records, conditions: tuple[CellCondition, ...]
) -> tuple[tuple[int, int] | None, tuple[CellCondition, ...]]:
    """Return the two rows that a question names, if it names two, and the other conditions."""
    named = _named_rows(conditions)
    if question.operation is not Operation.EXTREME or len(named) != 2 or named[0].rows == named[1].rows:
        return None, conditions
    if named[0].column != named[1].column and not question.offers_a_choice:
        return None, conditions
    first, second = (next(iter(one.rows)) for one in named)
    return (first, second), tuple(one for one in conditions if one not in named)


def _named_rows(conditions: Sequence[CellCondition]) -> list[CellCondition]:
    return [one for one in conditions if len(one.rows) == 1]


# --- columns --------------------------------------------------------------------------------------------------------------


def _about(records: Records, title: str) -> list[frozenset[str]]:
    """Return the keys of the words by which a table is called: its caption, the headings above it, its document's title and name."""
    document = records.document
    name = re.sub(r"\.\w{2,5}$", "", document.id.rsplit("/", 1)[-1])
    first = [block.span for block in document.blocks[:_FIRST] if block.kind is BlockKind.PARAGRAPH and len(block.span) <= _OPENING]
    opening = [span.of(document.text) for span in first]
    return [keys for text in (records.caption, *records.path, title, document.title, name, *opening) for keys in name_keys(text)]


def _called(spoken: Sequence[AskedWord], records: Records, title: str) -> frozenset[int]:
    """Return the indices of words that together are the end of the document's title: the "fight songs" of a table of fight songs."""
    document = records.document
    for text in (title, document.title, re.sub(r"\.\w{2,5}$", "", document.id.rsplit("/", 1)[-1]), records.caption):
        keys = name_keys(text)[-2:]
        for at in range(len(spoken) - 1):
            if len(keys) == 2 and all(spoken[at + n].keys & keys[n] and not spoken[at + n].is_filler for n in range(2)):
                return frozenset((at, at + 1))
    return frozenset()


def _compounded(spoken: Sequence[AskedWord], names: Sequence[Sequence[frozenset[str]]]) -> Iterator[AskedWord]:
    """Yield words, two of them as one where a column's name writes them together: the "stop desks" of "stopdesk_count"."""
    known = {key for name in names for keys in name for key in keys}
    at = 0
    while at < len(spoken):
        one = spoken[at]
        joined = asked_word(one.text + spoken[at + 1].text) if at + 1 < len(spoken) else one
        if joined is not one and not one.is_filler and joined.keys & known and not one.keys & known:
            yield joined
            at += 2
        else:
            yield one
            at += 1


def _entity(
    question: TableQuestion,
    rest: Sequence[tuple[int, AskedWord]],
    records: Records,
    names: Sequence[Sequence[frozenset[str]]],
    about: Sequence[frozenset[str]],
) -> int | None:
    """Return the index of the word that says what a row is ("which *country*", «كم *دولة*»): the first that the column of names or the
    table is called by."""
    key = names[records.key] if records.key is not None else ()
    for at, word in rest:
        if not word.is_filler or any(word.keys & keys for keys in key):
            if any(word.keys & keys for keys in key):
                return at
            others = [keys for name in names for keys in name]
            called = any(word.keys & keys for keys in about) and not any(word.keys & keys for keys in others)
            return at if question.operation is Operation.COUNT and called else None
    return None


def _measured(
    question: TableQuestion,
    rest: Sequence[AskedWord],
    records: Records,
    names: Sequence[Sequence[frozenset[str]]],
    candidates: Sequence[int],
    compared: tuple[int, int] | None,
) -> tuple[int, ColumnValues] | None:
    """Return the candidate column that a question names, or that its adjective means, with its values; None unless it is one alone and
    all its values can be read."""
    readable = [column for column in candidates if measure_of(records, column, compared) is not None]
    counts = {
        column for column in readable if question.names_a_number and any(map(is_counting, map(words, records.columns[column].split())))
    }
    chosen = _named(rest, readable, names, counts)
    adjective = question.adjective
    facets = group_keys(adjective.facets) if adjective is not None else frozenset()
    if chosen == -1:
        return None
    fits = adjective is None or adjective.general or question.names_a_number
    if chosen is not None and not fits and not any(facets & keys for keys in names[chosen]):
        return None
    if chosen is None:
        fitting = [column for column in candidates if any(facets & keys for keys in names[column])]
        if not fitting and (adjective is None or adjective.general):
            fitting = [column for column in candidates if is_total(records.columns[column])]
        if not fitting and "price" in (adjective.facets if adjective else ()):
            fitting = [column for column in candidates if _holds_amounts(records, column)]
        if len(fitting) != 1:
            return None
        chosen = fitting[0]
    turns = turning_words(records.columns[chosen])
    if not question.turns <= turns or not turns - _HARMLESS <= question.turns:
        return None
    spoken = set(words(records.columns[chosen]))
    if spoken & question.operators or (spoken & _NOT_ORDERED):
        return None  # the "average price" of a row is a value to look up; of ranks, the highest is the least
    measure = measure_of(records, chosen, compared)
    if measure is None or (question.operation is not Operation.EXTREME and (measure.is_time or measure.unit == "*")):
        return None
    if question.operation is not Operation.EXTREME and (measure.unit == "%" or spoken & _NOT_ADDED):
        return None
    return chosen, measure


def _named(
    rest: Sequence[AskedWord], candidates: Sequence[int], names: Sequence[Sequence[frozenset[str]]], counts: Collection[int]
) -> int | None:
    """Return the column that the words of a question name best; None if they name none, -1 if several equally well. `counts` are those
    that are named as numbers of something, where the question asks for one."""
    scores: dict[int, tuple[int, bool, bool, int]] = {}
    for column in candidates:
        hit = sum(any(word.keys & keys for keys in names[column]) for word in rest if not word.is_filler)
        filled = sum(any(word.keys & keys for keys in names[column]) for word in rest)
        whole = bool(names[column]) and all(is_counting(keys) or any(word.keys & keys for word in rest) for keys in names[column])
        if hit or (filled and whole):
            scores[column] = (hit, whole, column in counts, filled)
    if not scores:
        return None
    best = max(scores.values())
    chosen = [column for column, score in scores.items() if score == best]
    return chosen[0] if len(chosen) == 1 else -1


def _holds_amounts(records: Records, column: int) -> bool:
    measure = measure_of(records, column)
    return measure is not None and all(value.kind is Kind.AMOUNT for value in measure.values.values())


def _shown(
    question: TableQuestion,
    rest: Sequence[tuple[int, AskedWord]],
    entity: int | None,
    records: Records,
    names: Sequence[Sequence[frozenset[str]]],
    rows: Sequence[int],
    known: Collection[int | None],
) -> int | None:
    """Return the column whose values name the rows of the answer: the key, or another one that is asked for and differs in every row.

    For a count, the column whose different values are counted, None to count rows. -1 if the question asks for something that rows share:
    what has the most of it all is not the row with the most.
    """
    if entity is not None:
        return None if question.operation is Operation.COUNT else records.key
    for _, word in rest:
        named = [other for other, keys in enumerate(names) if any(word.keys & key for key in keys)]
        asked = [other for other in named if other not in known]
        if word.is_filler or not asked or len(asked) < len(named):
            continue
        if len(asked) > 1:
            return -1
        values = [records.text(records.rows[at], asked[0]) for at in rows]
        if question.operation is Operation.COUNT:
            return asked[0] if all(values) and measure_of(records, asked[0]) is None else -1
        return asked[0] if all(values) and len(set(values)) == len(values) else -1
    if question.operation is Operation.COUNT:
        return -1
    return records.key
