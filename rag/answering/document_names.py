"""Leave the names that a document goes by out of a question, before a reader reads the question with that document's text.

Who asks of many documents says which one is meant: "How long is a proxy valid at Swan Lake HOA?". Under the title "Swan Lake bylaws" this
is settled; a reader that looks for the name in every window takes its absence for another document's page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.schema import Passage, Span
from rag.text.folding import fold
from rag.text.language import script
from rag.text.names import matched_names, names
from rag.text.numbers import names_month
from rag.text.words import content_stems, stem, stop_stems, word_spans, words

_BEFORE = frozenset("in at of by for under from per within via في من لدي حسب وفق ضمن عند عن علي الي بحسب تبع ديال بتاع".split())
"""Words that lead to the name of a document or its publisher, folded."""
_INSIDE = frozenset("of the at and for و في".split())
"""Words that stand between the words of a name, folded."""
_NEAR = 3
"""How far before a name, in words, that which leads to it may stand: «في جمعية ملاك …»."""
_ARTICLES = frozenset(("the", "a", "an"))
_LEAST = 2
"""The fewest content words that a question has left."""
_LEFT_OVER = re.compile(r"\(\s*\)|(?<!\w)-(?!\w)|(?<!\w)[بلو]ـ+(?!\w)")
"""What is left of "(Swan Lake)", "Al-Rahwa", «بـ Swan Lake»."""
_OWNER = re.compile("['\u2019]s")


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a question: whether the document goes by this name, whether it is another name, whether it is any other word of the
    document's title, and whether it only joins such words."""

    span: Span
    text: str
    known: bool
    other: bool
    titled: bool
    joins: bool


def question_of(question: str, passage: Passage) -> str:
    """Return a question as it is read with a passage: without the names in its document's title or in the name of its file."""
    return without_document_names(question, f"{passage.document_id} {passage.title}")


@lru_cache(maxsize=256)
def without_document_names(question: str, title: str) -> str:
    """Return a question without the names that stand in a title, in either script, and without what leads to them.

    Unchanged where it has none of these names, or where too little would be left.

    >>> without_document_names("How long is a proxy valid at Swan Lake HOA?", "Swan Lake HOA bylaws")
    'How long is a proxy valid?'
    """
    matched = matched_names(question, title)
    known = {word for name in matched for word in words(name)}
    if not known:
        return question
    others = {word for name in names(question) if name not in matched and not names_month(name) for word in words(name)}
    found = _words(question, known, others, set(content_stems(title)))
    left, end = "", 0
    for span, instead in _cuts(question, found):
        left += question[end : max(span.start, end)] + instead
        end = max(span.end, end)
        end = owner.end() if (owner := _OWNER.match(question, end)) else end
    left = " ".join((left + question[end:]).split())
    left = re.sub(r"\s+(?=[?؟,،.]|\s|$)", "", _LEFT_OVER.sub("", left)).strip(" ,،")
    return left if len(set(content_stems(left))) >= _LEAST else question


def _words(question: str, known: set[str], other: set[str], titled: set[str]) -> list[_Word]:
    found = []
    for span in word_spans(question):
        text = span.of(question)
        folded = fold(text)
        folded = folded[:-2] if _OWNER.fullmatch(folded[-2:]) else folded
        said = folded in known
        found.append(
            _Word(
                span,
                text,
                said,
                not said and folded in other,
                not said and folded not in stop_stems() and stem(text) in titled,
                folded in _INSIDE,
            )
        )
    return found


def _cuts(question: str, found: Sequence[_Word]) -> list[tuple[Span, str]]:
    """Return what to leave out of a question, in order, and what to put there: a name with what leads to it, where no other
    words of the title stand between or a phrase ends with them, else the name alone."""
    cuts: list[tuple[Span, str]] = []
    for first, end in _runs(found):
        run = found[first:end]
        alone = not any(word.titled for word in run)
        leading = _leading(found, first) if alone or _ends_phrase(question, found, end) else None
        if leading is not None:
            cuts.append((Span(found[leading].span.start, run[-1].span.end), ""))
        elif first and fold(found[first - 1].text) == "the" and alone and _is_whole_name(run):
            cuts.append((Span(found[first - 1].span.start, run[-1].span.end), "it"))
        else:
            left_out = [word.known or word.other for word in run]
            cuts += [
                (word.span, "") for at, word in enumerate(run) if left_out[at] or (word.joins and at + 1 < len(run) and left_out[at + 1])
            ]
    return cuts


def _ends_phrase(question: str, found: Sequence[_Word], end: int) -> bool:
    """Return whether a phrase ends before the word with an index: with the question, at a mark, or before a preposition."""
    after = question[found[end - 1].span.end :]
    after = (after[2:] if _OWNER.match(after) else after).lstrip()
    return not after or not after[0].isalnum() or (end < len(found) and fold(found[end].text) in _BEFORE)


def _leading(found: Sequence[_Word], first: int) -> int | None:
    """Return the index of what leads to a name, None if nothing does: in English with at most an article between, in Arabic with nouns that
    are joined to the name, but no other name and no number, which say something else."""
    for at in range(first - 1, max(-1, first - 1 - _NEAR), -1):
        word = found[at]
        if fold(word.text) in _BEFORE:
            return at
        if word.known or word.other or not (fold(word.text) in _ARTICLES or script(word.text) == "ar"):
            return None
    return None


def _is_whole_name(run: Sequence[_Word]) -> bool:
    """Return whether a name is one of several words or an acronym; one word may belong to the noun after it ("the Rahwa cooperative")."""
    return len(run) > 1 or run[0].text.isupper()


def _runs(found: Sequence[_Word]) -> list[tuple[int, int]]:
    """Return the runs of words (first, end) that name the document: its names with the words of its title and other names among them,
    unless those others are more."""
    runs: list[tuple[int, int]] = []
    at = 0
    while at < len(found):
        end = at
        while end < len(found) and (
            _belongs(found[end]) or (end > at and found[end].joins and end + 1 < len(found) and _belongs(found[end + 1]))
        ):
            end += 1
        if end == at:
            at += 1
            continue
        own = sum(word.known for word in found[at:end])
        if own and own >= sum(word.other for word in found[at:end]):
            runs.append((at, end))
        at = end
    return runs


def _belongs(word: _Word) -> bool:
    return word.known or word.other or word.titled
