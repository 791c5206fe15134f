"""Whether a claim has the right names and numbers in the wrong places: who paid whom, which share was whose.

Two signs, both of word order and proximity, since the words themselves are all there. Within a language: with two of its words swapped, the
claim matches the evidence much better. Within or across languages: it ties a number to a name, or to another number, that the evidence ties
to another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.checking.polarity import spans
from rag.text.clitics import without_article, without_proclitic
from rag.text.folding import fold
from rag.text.language import script
from rag.text.names import names, same_name
from rag.text.numbers import stated_values, values_claimed
from rag.text.words import content_stems, words

_PASSIVE = re.compile(r"\b(?:is|are|was|were|been|be|being)\s+(?:\w+\s+){1,6}?by\b|(?<![^\W_])(?:من قبل|على يد|من طرف)(?![^\W_])")
_FEWEST = 4  # least number of shared words for their order to mean anything
_FOLLOWS = 0.8  # the share of those words that must then follow the evidence's order
_GAIN = 2  # words more in order than before


def swaps_terms(claim: str, evidence: str) -> bool:
    """Return whether a claim swaps two names, numbers or things of the evidence."""
    return (script(claim) == script(evidence) and _exchanged(claim, evidence)) or _tied_otherwise(claim, evidence)


# --- two words exchanged --------------------------------------------------------------------------------------------------


def _exchanged(claim: str, evidence: str) -> bool:
    if bool(_PASSIVE.search(claim)) != bool(_PASSIVE.search(evidence)):
        return False  # "was paid by" turns the order around and changes nothing
    known = _sequence(evidence)
    said = [word for word in _sequence(claim) if word in set(known)]
    if len(said) < _FEWEST or len(said) > 30:
        return False
    least = max(_common(said, known) + _GAIN, _FOLLOWS * len(said))
    for first in range(len(said)):
        for second in range(first + 1, len(said)):
            if said[first] == said[second] or said[first].isdigit() != said[second].isdigit():
                continue
            other = list(said)
            other[first], other[second] = said[second], said[first]
            if _common(other, known) >= least:
                return True
    return False


def _sequence(text: str) -> list[str]:
    """Return the content stems of a text in order, numbers in digits."""
    found: list[str] = []
    for word in content_stems(text):
        values = stated_values(word) if word.isdigit() else set()
        found.append(f"{max(values):.0f}" if values else word)
    return found


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for one in first:
        before = 0
        for place, other in enumerate(second, start=1):
            kept = row[place]
            row[place] = before + 1 if one == other else max(row[place], row[place - 1])
            before = kept
    return row[-1]


# --- tied to another ------------------------------------------------------------------------------------------------------


def _tied_otherwise(claim: str, evidence: str) -> bool:
    """Return whether a clause of the claim ties a number to a name or a number that no clause of the evidence has it with, though each
    clause with the one has another number in the place of the other.

    A name stays the topic: "the ferry carries 320 passengers and 45 cars" ties 45 to the ferry, too. So only a number that precedes the
    first mention of the name can be tied to something else.
    """
    known = [evidence[span.start : span.end] for span in spans(evidence)]
    if len(known) < 2:
        return False
    values = [stated_values(text) for text in known]
    spoken = [words(text) for text in known]
    for span in spans(claim):
        clause = claim[span.start : span.end]
        numbers = sorted(values_claimed(clause))
        for number in numbers:
            partners = [value for value in numbers if value != number]
            if any(_apart({number}, {value}, values) for value in partners):
                return True
            for name in names(clause):
                places = [place for place, own in enumerate(spoken) if _named(name, own)]
                others = all(values[place] and number not in values[place] for place in places)
                if places and others and any(number in own for own in values[: places[0]]):
                    return True
    return False


def _named(name: str, spoken: Sequence[str]) -> bool:
    forms = (form for word in spoken for form in (word, without_article(word), without_proclitic(word)))
    return any(same_name(fold(name), form) for form in forms)


def _apart(one: set[float], other: set[float], values: Sequence[set[float]]) -> bool:
    """Return whether two numbers are both in the evidence, never in one clause, and each next to another number."""
    first = [own for own in values if one <= own]
    second = [own for own in values if other <= own]
    return bool(first and second) and all(not other <= own and own - one for own in first) and all(own - other for own in second)
