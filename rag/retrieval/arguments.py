"""What a caller may pass to a search or a chatbot: a wrong argument is an error with a sentence, not one from further inside."""

from __future__ import annotations

from collections.abc import Container, Sequence
from numbers import Integral

from rag.arguments import refuse, shown
from rag.errors import BadQuestion, BadSetting
from rag.schema import Filter, Hit, Turn

LEGS = ("dense", "keyword")
"""The parts of a search: by vectors, and by keywords."""


def validate_text(question: object) -> str:
    """Return the question. Raises BadQuestion for anything but a text."""
    if not isinstance(question, str):
        raise BadQuestion("error.question_type", value=shown(question))
    return question


def validate_filter(filter: object) -> None:
    """Raise BadSetting unless it is a `Filter` or None."""
    if filter is not None and not isinstance(filter, Filter):
        raise BadSetting("error.filter_type", value=shown(filter))


def validate_history(history: object) -> None:
    """Raise BadSetting unless it is a sequence of `Turn`s."""
    if not isinstance(history, Sequence) or isinstance(history, str) or not all(isinstance(turn, Turn) for turn in history):
        raise BadSetting("error.history", value=shown(history))


def validate_count(name: str, value: object, least: int) -> None:
    """Raise BadSetting unless it is a whole number of at least `least`; `name` is that of its message."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise BadSetting(f"error.{name}", value=shown(value))


def validate_legs(legs: Container[str]) -> None:
    """Raise BadSetting unless it is a collection of `LEGS` and nothing else; without any, nothing is found."""
    given = [legs] if isinstance(legs, str) else list(legs) if isinstance(legs, (list, tuple, set, frozenset)) else [legs]
    if isinstance(legs, str) or not set(given) <= set(LEGS):
        raise BadSetting("error.setting", name="legs", value=shown(legs), allowed=", ".join(LEGS))


def validate_exclude(exclude: object) -> None:
    """Raise BadSetting unless it is a collection of ids of passages."""
    if isinstance(exclude, (str, bytes)) or not isinstance(exclude, Container):
        raise refuse("exclude", exclude, "Container[int]")


def validate_hits(hits: object) -> None:
    """Raise BadSetting unless it is a sequence of `Hit`s."""
    if not isinstance(hits, Sequence) or isinstance(hits, str) or not all(isinstance(hit, Hit) for hit in hits):
        raise refuse("hits", hits, "Sequence[Hit]")
