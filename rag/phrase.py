"""The words of a source that a draft points at: a short answer is copied from its proof, not from the model."""

from __future__ import annotations

from collections import Counter

from rag.schema import Span
from rag.text import content_stems, stem, stop_stems, word_spans, words

_LEAST_SHARE = 0.5
"""Of what the draft says beyond the question, the share that a phrase must say."""
_LONGEST = 25  # words


def phrase(draft: str, text: str, question: str = "") -> Span | None:
    """Where the run of words stands in `text` that says what the draft says beyond the question; None where it says too little.

    Words are compared by stem. Of all runs of up to 25 words that begin and end with a word of the draft, the one with the
    highest F1 to it is taken, the earliest of equals; stop words neither count nor begin or end a run.
    """
    asked = set(content_stems(question))
    said = content_stems(draft)
    told = Counter(word for word in said if word not in asked) or Counter(said)
    if not told:
        return None
    spans = word_spans(text)
    found = [_stem(span.of(text)) for span in spans]
    best, best_f1 = None, 0.0
    for first, opening in enumerate(found):
        if opening not in told:
            continue
        shared: Counter[str] = Counter()
        content = 0
        for last in range(first, min(first + _LONGEST, len(found))):
            word = found[last]
            if word:
                content += 1
            if word not in told:
                continue
            shared[word] += 1
            common = (shared & told).total()
            f1 = 2 * common / (content + told.total())
            if common >= _LEAST_SHARE * told.total() and f1 > best_f1:
                best, best_f1 = Span(spans[first].start, spans[last].end), f1
    return best


def _stem(word: str) -> str:
    """The stem of one word as it stands in a text; "" for a stop word."""
    folded = words(word)
    found = stem(folded[0]) if folded else ""
    return "" if found in stop_stems() else found
