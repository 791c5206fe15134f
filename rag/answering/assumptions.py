"""Questions that assume that something happened: "When was the mayor dismissed?" assumes that he was.

Before words of a document are given as the answer to such a question, the reader judges question and words together, as a claim, against
the sentence they stand in.
"""

from __future__ import annotations

import re

from rag.answering.checking.polarity import unsupported_act
from rag.models.reader import Reader
from rag.models.reader_input import ReadText
from rag.schema import Evidence, Span
from rag.text.folding import fold
from rag.text.language import script
from rag.text.names import names, unmatched_names
from rag.text.numbers import find_values

_LEAST = 0.25
"""The least probability that the sentence supports question and answer as a claim. Of 76 right answers to written questions over documents
held aside it passes 70, and of those that assume something all but one; of seven answers to questions that assumed what the document does
not say it stops all."""
_ASSUMES = re.compile(
    r"\bwhy\b|\b(?:when|where|how|who|whom|which|what)\b.*\bdid\b|\b(?:when|where|how|who|whom)\b.*\b(?:was|were|had|has|have)\b"
    r"|\bwho\b.*\b(?:\w+ed|stole|took|gave|sent|paid)\b"
    r"|(?<!\w)[وف]?(?:لماذا|ليش|ليه|علاش|متي|امتي|ايمتي|وقتاش|كيف|ازاي|شلون|كيفاش|بكم|بكام|بماذا)(?!\w)"
)
"""Matches questions that assume an event, in folded text."""


def assumes_event(question: str) -> bool:
    """Return whether a question assumes, by its wording, that something happened or is done."""
    return _ASSUMES.search(fold(question)) is not None


def is_stated(reader: Reader, question: str, words: str, evidence: Evidence) -> bool:
    """Return whether a piece of evidence states what a question assumes, with the words of it that answer, if any. Raises ModelCorrupt.

    What it stands under counts too, unless the question is in the other language, or names somebody and the evidence others instead: a
    report on one trial may mention another. A grave act that the question names (a theft, a purchase) must be named by the evidence.
    """
    if unsupported_act(question, f"{evidence.lead} {evidence.text}"):
        return False
    claim = f"{question.strip().rstrip('?؟').strip()} {words}".strip()
    text = evidence.text
    others = bool(names(_without_values(text))) and bool(unmatched_names(question, text))
    context = "" if others or script(question) != script(text) else evidence.passage.context
    return reader.judge(claim, [ReadText(text, (Span(0, len(text)),), context)])[0].supported >= _LEAST


def _without_values(text: str) -> str:
    """Return a text with its values blanked, dates among them: a month is nobody's name."""
    for value in find_values(text):
        text = text[: value.span.start] + " " * len(value.span) + text[value.span.end :]
    return text
