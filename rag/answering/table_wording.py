"""Questions that are answered by computing over a table, by their wording: extremes, sums, averages, counts, comparisons of two rows."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from rag.text.clitics import split_prefix
from rag.text.folding import fold
from rag.text.words import stem, words

_LEAST_LETTERS = 3
"""Letters of an Arabic word that remain without its prefixes."""
_LONGEST = 40
"""Most words of such a question."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_YEARS = re.compile(rf"({_YEAR.pattern}) (?:and|و) ?({_YEAR.pattern})")
"""Matches a range of years: "between 1985 and 1999"."""
_TIMES = frozenset("year date founded built opened published birth".split())
_HOW_MANY = (("how", "many"), ("كم", "عدد"), ("كم",), ("قديش", "عدد"), ("قديش",), ("اديش",), ("كام",), ("شحال",))


_CHOICE = frozenset(("or", "ام", "او"))


class Operation(StrEnum):
    """What is computed over the rows."""

    EXTREME = "extreme"
    SUM = "sum"
    MEAN = "mean"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Adjective:
    """How a word orders rows: `direction` is 1 for the greatest value and -1 for the least. `facets` are the groups of columns that it can
    mean by itself, `reversed` those of them that it orders the other way ("old" by age, not by year); a `general` one can go with any
    column that is named."""

    direction: int
    facets: frozenset[str]
    reversed: frozenset[str]
    general: bool
    is_superlative: bool
    is_comparative: bool

    def ordered(self, column: str) -> int:
        """Return the direction in which the values of a column are ordered: "oldest" is the least year and the greatest age."""
        turned = group_keys(self.reversed)
        return -self.direction if any(turned & keys for keys in name_keys(column)) else self.direction


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word of a question: folded, its keys (stems, and the groups of column names that it belongs to), and whether it only fills."""

    text: str
    keys: frozenset[str]
    is_filler: bool


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """A question for a computation: its words without those that ask for the operation, whose texts are `operators`.

    `turns` are those of its words that make another question of it ("not", "per"), unless the column has them in its name as well.
    `adjective` is that of an extreme or comparison, else None.
    """

    operation: Operation
    words: tuple[AskedWord, ...]
    operators: frozenset[str]
    turns: frozenset[str]
    adjective: Adjective | None = None

    @property
    def noun(self) -> int | None:
        """The index of the word that says what is asked for: the one after "which"; None if there is none."""
        after = [at for at in range(1, len(self.words)) if self.words[at - 1].text in _lexicon().determiners]
        return next((at for at in after if not self.words[at].is_filler), None)

    @property
    def names_a_number(self) -> bool:
        """Whether it asks for a number of something: "the largest number of rooms"."""
        return any(word.text in _lexicon().counting for word in self.words)

    @property
    def offers_a_choice(self) -> bool:
        """Whether it names two things of which one is asked for: "Is A or B older?"."""
        return any(word.text in _CHOICE for word in self.words)


def asks_for_computation(question: str) -> TableQuestion | None:
    """Return what a question asks to be computed over a table, by its wording; None for any other question."""
    spoken = words(_YEARS.sub(r"\1 \2", question))
    if not spoken or len(spoken) > _LONGEST:
        return None
    lexicon = _lexicon()
    rest, adjectives, operations = list[str](), list[Adjective](), list[Operation]()
    operators, named = set[str](), list[str]()
    at = 0
    while at < len(spoken):
        if (counted := _how_many(spoken, at)) and at <= 2:
            operations.append(Operation.COUNT)
            at += counted
            continue
        found = lexicon.adjective(spoken[at], spoken[at + 1] if at + 1 < len(spoken) else "")
        operation = next((lexicon.operations[form] for form in (spoken[at], *_bare(spoken[at])) if form in lexicon.operations), None)
        if found is not None:
            adjectives.append(found[0])
            operators.update(spoken[at : at + found[1]])
            at += found[1]
        elif operation is not None:
            operations.append(operation)
            named.append(spoken[at])
            at += 1
        else:
            rest.append(spoken[at])
            at += 1
    if len(adjectives) == 1 and Operation.COUNT not in operations:
        asked, adjective = Operation.EXTREME, adjectives[0]
        rest += named  # "the highest average price": a column
    elif len(operations) == 1 and not adjectives:
        asked, adjective = operations[0], None
        operators.update(named)
    else:
        return None
    return TableQuestion(asked, tuple(asked_word(word) for word in rest), frozenset(operators), turning_words(question), adjective)


def adjective_place(spoken: Sequence[str]) -> range | None:
    """Return where the words of a question have the adjective of a computation, None if they have none."""
    folded = [next(iter(words(word)), "") for word in spoken]
    for at, word in enumerate(folded):
        found = _lexicon().adjective(word, folded[at + 1] if at + 1 < len(folded) else "")
        if found is not None:
            return range(at, at + found[1])
    return None


def turning_words(text: str) -> frozenset[str]:
    """Return the words of a text that turn a question or a column into another one: "not", "per", «غير»."""
    turning = _lexicon().turning
    return frozenset(form for word in words(text) for form in (word, *_bare(word)) if form in turning)


def name_keys(name: str) -> tuple[frozenset[str], ...]:
    """Return the keys of each word of a column's or table's name that says something."""
    return tuple(word.keys for text in words(name) if not (word := asked_word(text)).is_filler or len(words(name)) == 1)


def group_keys(groups: frozenset[str]) -> frozenset[str]:
    """Return the keys of groups of column names."""
    return frozenset(map(_group_key, groups))


def is_counting(keys: Iterable[str]) -> bool:
    """Return whether a word of a column's name says that its values are numbers of something: "count"."""
    return not _lexicon().counting.isdisjoint(keys)


def is_filler(word: str) -> bool:
    """Return whether a folded word of a question says nothing about what is looked for."""
    return word in _lexicon().fillers


def is_time(name: str) -> bool:
    """Return whether a column is named as one of years or dates."""
    return any(keys & group_keys(_TIMES) for keys in name_keys(name))


def is_total(name: str) -> bool:
    """Return whether a row is named as the sum or average of the others."""
    return all(word in _lexicon().totals for word in words(name))


@lru_cache(maxsize=4096)
def asked_word(text: str) -> AskedWord:
    """Return a folded word of a question or of a name with its keys."""
    lexicon = _lexicon()
    forms = (text, *_bare(text))
    stems = {stem(form) for form in forms}
    if _YEAR.fullmatch(text):
        stems.add(text[2:])  # "incidents_85_99"
    groups = {_group_key(group) for form in stems for group in lexicon.groups.get(form, ())}
    return AskedWord(text, frozenset(stems | groups), text in lexicon.fillers)


def _bare(word: str) -> Iterator[str]:
    """Yield what an Arabic word can be without the letters and the article written before it."""
    for prefix, rest in split_prefix(word):
        if prefix and len(rest) >= _LEAST_LETTERS:
            yield rest


def _group_key(group: str) -> str:
    return f"={group}"


def _how_many(spoken: list[str], at: int) -> int:
    return next((len(phrase) for phrase in _HOW_MANY if tuple(spoken[at : at + len(phrase)]) == phrase), 0)


@dataclass(frozen=True, slots=True)
class _Lexicon:
    groups: Mapping[str, tuple[str, ...]]
    adjectives: Mapping[str, Adjective]
    after_most: Mapping[str, str]
    by_name: Mapping[str, Adjective]
    operations: Mapping[str, Operation]
    fillers: frozenset[str]
    turning: frozenset[str]
    determiners: frozenset[str]
    counting: frozenset[str]
    totals: frozenset[str]

    def adjective(self, word: str, following: str) -> tuple[Adjective, int] | None:
        """Return the adjective at a word and the number of its words: "cheapest", "most expensive"."""
        found = self.adjectives.get(word)
        if found is None:
            return None
        name = self.after_most.get(following)
        if name is None or not found.general or found.facets:
            return found, 1
        named = self.by_name[name]
        direction = named.direction * found.direction
        return (
            Adjective(direction, named.facets, named.reversed, named.general, found.is_superlative, found.is_comparative),
            2,
        )


@cache
def _lexicon() -> _Lexicon:
    table = tomllib.loads(resources.files("rag.answering").joinpath("table_words.toml").read_text(encoding="utf-8"))
    groups: dict[str, tuple[str, ...]] = {}
    for group, listed in table["groups"].items():
        for word in _listed(listed):
            groups[stem(word)] = (*groups.get(stem(word), ()), group)
    adjectives: dict[str, Adjective] = {}
    by_name: dict[str, Adjective] = {}
    for name, entry in table["adjectives"].items():
        for form, is_superlative, is_comparative in (("superlative", True, False), ("comparative", False, True), ("both", True, True)):
            adjective = _adjective(entry, is_superlative, is_comparative)
            adjectives |= dict.fromkeys(_listed(entry.get(form, "")), adjective)
            by_name[name] = adjective
    other = table["other"]
    return _Lexicon(
        groups=groups,
        adjectives=adjectives,
        after_most={word: name for name, listed in table["after_most"].items() for word in _listed(listed)},
        by_name=by_name,
        operations={word: Operation(name) for name, listed in table["operations"].items() for word in _listed(listed)},
        fillers=frozenset(_listed(other["fillers"])),
        turning=frozenset(_listed(other["turning"])),
        determiners=frozenset(_listed(table["asking"]["determiners"])),
        counting=frozenset(_listed(table["asking"]["counting"])),
        totals=frozenset(_listed(other["totals"])),
    )


def _adjective(entry: Mapping[str, Any], is_superlative: bool, is_comparative: bool) -> Adjective:
    return Adjective(
        direction=entry["direction"],
        facets=frozenset(entry["facets"].split()),
        reversed=frozenset(entry.get("reversed", "").split()),
        general=entry.get("general", False),
        is_superlative=is_superlative,
        is_comparative=is_comparative,
    )


def _listed(text: str) -> list[str]:
    return fold(text).split()
