"""Copy a short answer from the source: find the words that a draft matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import pairwise

from rag.schema import Span
from rag.text.words import content_stems, stem, stems, stop_stems, word_spans, words

_LEAST_SHARE = 0.5
"""The share of the draft's words that a phrase must contain."""
_LONGEST = 25  # words
_BRIEF = 3
"""The most words of a draft that is a phrase itself; a longer one is a sentence that repeats the question before it answers."""
_OUTSIDE = " \t\n.,;:!?\u2026\u060c\u061b\u061f\u06d4()[]{}\"'\u201c\u201d\u2018\u2019\u00ab\u00bb"
"""Marks that may adjoin a word without belonging to it; «%», «$» and the hyphen of «oxygen-18» do belong."""

_DASHES = "-\u2010\u2011\u2013\u2014"


def find_short_answer(draft: str, text: str, asked: Collection[str] = ()) -> Span | None:
    """Return the span of the words in `text` that best match the draft; None if the match is too weak.

    Words are compared by stem. Of all runs of up to 25 words that begin and end with a word of the draft, the one with the
    highest F1 to it is taken, the earliest of equals; stop words neither count nor begin or end a run. `asked` holds the stems of the
    question: of a draft that is a sentence only what the question did not say already is looked for, and what follows it in draft and
    text alike («Miller–Rabin primality test», when a primality test was asked for).
    """
    said = content_stems(draft)
    told = Counter(said)
    if len(words(draft)) > _BRIEF:
        told = Counter(word for word in said if word not in asked) or told
    if not told:
        return None
    spans = word_spans(text)
    found = [_stem(span.of(text)) for span in spans]
    following = set(pairwise(stems(draft)))
    best: tuple[int, int] | None = None
    best_f1 = 0.0
    for first, opening in enumerate(found):
        if opening not in told:
            continue
        shared: Counter[str] = Counter()
        content = 0
        for last in range(first, min(first + _LONGEST, len(found))):
            word = found[last]
            content += bool(word)
            if word not in told:
                continue
            shared[word] += 1
            common = (shared & told).total()
            f1 = 2 * common / (content + told.total())
            if common >= _LEAST_SHARE * told.total() and f1 > best_f1:
                best, best_f1 = (first, last), f1
    if best is None:
        return None
    first, last = best
    while last + 1 < len(found) and found[last + 1] and (found[last], found[last + 1]) in following:
        last += 1
    return _whole(Span(spans[first].start, spans[last].end), text)


def _whole(span: Span, text: str) -> Span:
    """Return a span extended by the characters attached to its first and last word."""
    start, end = span.start, span.end
    while start and text[start - 1] not in _OUTSIDE:
        start -= 1
    while end < len(text) and text[end] not in _OUTSIDE:
        end += 1
    while start < span.start and text[start] in _DASHES:  # a dash after a space belongs to the sentence, not to «-18»
        start += 1
    return Span(start, end)


def _stem(word: str) -> str:
    """Return the stem of one word of a text; "" for a stop word."""
    folded = words(word)
    found = stem(folded[0]) if folded else ""
    return "" if found in stop_stems() else found
