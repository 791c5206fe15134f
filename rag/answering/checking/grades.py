"""The grade of a sentence that passed the citation check: quoted, checked or unverified."""

from __future__ import annotations

from collections.abc import Container

from rag.schema import Evidence, Grade

_STOPS = " .!?؟…"


def grade_claim(claim: str, source: Evidence, language: str, checked: Container[str]) -> Grade:
    """Return the grade of a claim that passed the check against its source.

    `language` is that of the answer; `checked` holds the directions, as the answer's and the source's language ("en-ar"), in which the
    check was measured to be right. A whole sentence of the source is quoted, in any direction.
    """
    passage = source.passage
    if any(_is_whole_sentence(claim, sentence) for sentence in (source.text, *map(passage.quote, passage.sentences))):
        return Grade.QUOTED
    return Grade.CHECKED if f"{language}-{passage.language}" in checked else Grade.UNVERIFIED


def _is_whole_sentence(claim: str, sentence: str) -> bool:
    """Return whether a claim is the whole of a sentence, word for word; a part of a sentence may mean the opposite."""
    return " ".join(claim.split()).rstrip(_STOPS) == " ".join(sentence.split()).rstrip(_STOPS)
