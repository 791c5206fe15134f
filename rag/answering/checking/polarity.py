"""Contradiction between two texts: negation, and words that mean the opposite (allowed, forbidden), in both languages.

Texts are compared clause by clause, because «no fuel leaked» denies nothing about «the hull was dented».
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from rag.schema import Span
from rag.text.clitics import without_article, without_proclitic
from rag.text.folding import fold
from rag.text.language import script
from rag.text.words import content_stems, stem, words

Cosines = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""Maps two lists of texts to the cosines of each of the first with each of the second."""

_NEGATORS = frozenset(
    words(
        """not no never none nobody nothing neither nor cannot without unable fail fails failed failing lack lacks lacking unclear
        didn't doesn't isn't wasn't weren't won't haven't hasn't hadn't don't aren't couldn't wouldn't shouldn't can't mustn't
        لا لم لن ليس ليست ليسوا ليسا غير دون بدون عدم بلا ينفي نفت نفي فشل فشلت فشلوا يفشل"""
    )
)
_NEAR_WORDS, _LEAST_WORDS, _NEAR_COSINE = 0.75, 0.34, 0.02  # margin below the best match within which a clause may also be meant
_REACH = 5  # words: the scope of a negation
# Phrases that contain a negation and deny nothing.
_NO_NEGATION = re.compile(
    r"\b(?:no|not) (?:less|fewer|more|later|earlier|longer) than\b|\bnot only\b|\bno doubt\b"
    r"|(?<![^\W_])(?:غير ان(?:ه|ها|هم)?|و?ليس فقط|و?(?:لا|ما|لم) (?:يزال|تزال|يزالون|زال|زالت|زالوا|يزل|تزل))(?![^\W_])"
    r"|(?<![^\W_])و?لا (?:يقل|تقل|يزيد|تزيد|يتجاوز|تتجاوز|شك|سيما|بد)(?![^\W_])"
    r"|(?<![^\W_])و?(?:لم|لن|لا|ليس|ما) (?:\w+ ){1,4}(?:سوي|الا)(?![^\W_])"
)
_SWITCHED = re.compile(r"\b(?:switched|turned|was|were|is) (on|off)\b(?! the\b| a\b| \d)")
# What may amount to a negation in the other language.
_DOUBTFUL = re.compile(r"(?:un|non|in|im|ir|dis|mis)[a-z]{4,}$|[a-z]{3,}less$|only$|hardly$|rarely$|فقط$|سوي$|فشل|عجز|افتقر|نادرا")
_CLAUSE = re.compile(
    r"[,;:،؛.!?؟\n|()«»]+(?=\s|$)|\s[-–—]\s"
    r"|\s(?=(?:and|but|while|although|whereas|because|so that|that|which|who|لكن|بل|إلا|لأن|حتى|ولكن|وإن|إن|أن|أما|الذي|التي|الذين)\s)"
    r"|\s(?=(?:ولا|ولم|ولن|وليس|وليست)\s)"
)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("rag.answering.checking").joinpath("acts.toml").read_text(encoding="utf-8"))


@cache
def _poles() -> Mapping[str, Sequence[tuple[str, int]]]:
    """Maps a word to the ideas it belongs to, each with its sign."""
    found: dict[str, list[tuple[str, int]]] = {}
    for idea, pair in _table()["contrary"].items():
        for sign, pole in zip((1, -1), pair, strict=True):
            for word in words(pole):
                found.setdefault(word, []).append((idea, sign))
    return found


@cache
def _acts() -> Mapping[str, Sequence[str]]:
    """Maps a word to the acts that it names."""
    found: dict[str, list[str]] = {}
    for act, forms in _table()["acts"].items():
        for word in words(forms):
            found.setdefault(word, []).append(act)
    return found


def _forms(word: str) -> tuple[str, ...]:
    """Return a folded word, and its forms without the conjunction, preposition or article that Arabic attaches to it."""
    if word.isascii() or len(word) < 4:
        return (word,)
    bare = without_proclitic(word, "وفبل")
    return tuple(dict.fromkeys((word, bare, without_article(bare))))


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause: whether a word of it negates; whether something in it may come to the same ("unequal"); for each idea that it
    touches the signs it gives it, the negations before it counted in; the acts it names."""

    text: str
    stems: frozenset[str]
    negated: bool
    doubtful: bool
    ideas: Mapping[str, frozenset[int]]
    acts: frozenset[str]


@lru_cache(maxsize=1024)
def _clauses(text: str) -> tuple[_Clause, ...]:
    return tuple(_read(span.of(text)) for span in spans(text))


def spans(text: str) -> list[Span]:
    """Return the clauses of a text that have content."""
    cuts = [match.end() for match in _CLAUSE.finditer(text)]
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        if any(letter.isalnum() for letter in text[start:end]):
            found.append(Span(start, end))
    return found


def _read(text: str) -> _Clause:
    spoken = words(_SWITCHED.sub(lambda match: "disabled" if match.group(1) == "off" else "working", _NO_NEGATION.sub(" ", fold(text))))
    negators = [place for place, word in enumerate(spoken) if not _NEGATORS.isdisjoint((word, without_proclitic(word, "وف", 1)))]
    ideas: dict[str, set[int]] = {}
    acts: set[str] = set()
    for place, word in enumerate(spoken):
        if place in negators:
            continue
        turned = any(0 < place - other <= _REACH for other in negators)
        for form in _forms(word):
            for idea, sign in _poles().get(form, ()):
                ideas.setdefault(idea, set()).add(-sign if turned else sign)
            acts.update(_acts().get(form, ()))
    doubtful = any(_DOUBTFUL.match(word) for word in spoken) or any(-1 in signs for signs in ideas.values())
    signs = {idea: frozenset(own) for idea, own in ideas.items()}
    return _Clause(text, frozenset(content_stems(text)) - negator_stems(), bool(negators), doubtful, signs, frozenset(acts))


@cache
def negator_stems() -> frozenset[str]:
    """Return the stems of the words that negate."""
    return frozenset(stem(word) for word in _NEGATORS)


@cache
def pole_stems() -> frozenset[str]:
    """Return the stems of the words that have an opposite: allowed, forbidden."""
    return frozenset(stem(word) for word in _poles())


def contrary(claim: str, evidence: str, likeness: Cosines) -> bool:
    """Return whether the claim denies what the evidence affirms, or affirms what it denies.

    An idea with two poles (allowed, forbidden) settles it where both texts touch it. Otherwise a claim with a negation is the contrary of
    evidence without any, and a claim without one is the contrary of the clause closest to it if that clause is negated: by common words in
    one language, by `likeness` across two.
    """
    said, known = _clauses(claim), _clauses(evidence)
    if not said or not known:
        return False
    one, other = _signs(said), _signs(known)
    common = one.keys() & other.keys()
    if any(one[idea].isdisjoint(other[idea]) for idea in common):
        return True
    if any(clause.negated for clause in said):
        return not common and not any(clause.negated or clause.doubtful for clause in known)
    if any(clause.doubtful for clause in said) or not any(clause.negated for clause in known):
        return False
    matches = _matches(said, known, script(claim) == script(evidence), likeness)
    # Both say the same of an idea, so its negation is accounted for.
    return any(all(own.negated and common.isdisjoint(own.ideas) for own in others) for others in matches if others)


def is_negated(text: str) -> bool:
    """Return whether a clause of a text is negated."""
    return any(clause.negated for clause in _clauses(text))


def unsupported_act(claim: str, evidence: str) -> bool:
    """Return whether the claim states a grave act (a theft, a death, a sale) that the evidence does not name."""
    told = {act for clause in _clauses(claim) for act in clause.acts}
    known = {act for clause in _clauses(evidence) for act in clause.acts}
    return bool(told) and told.isdisjoint(known)


def _signs(clauses: Sequence[_Clause]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for clause in clauses:
        for idea, own in clause.ideas.items():
            found.setdefault(idea, set()).update(own)
    return found


def _matches(said: Sequence[_Clause], known: Sequence[_Clause], same: bool, likeness: Cosines) -> Iterator[list[_Clause]]:
    """For each clause of the claim, the clauses of the evidence that it may be about."""
    if len(known) == 1:
        yield from ([known[0]] for _ in said)
        return
    if same:
        shares = [[len(clause.stems & other.stems) / max(len(clause.stems), 1) for other in known] for clause in said]
    else:
        shares = [list(row) for row in likeness([clause.text for clause in said], [other.text for other in known])]
    for row in shares:
        best = max(row)
        near = _NEAR_WORDS * best if same else best - _NEAR_COSINE
        yield [other for other, share in zip(known, row, strict=True) if share >= near] if best > _LEAST_WORDS else []
