"""Contradictions as a page in Markdown, and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag.answering.contradictions import Contradiction
from rag.answering.overview_text import marked_line, place_of, plain_line
from rag.messages import say


def contradictions_section(found: Sequence[Contradiction], language: str) -> str:
    """Return contradictions as a section in Markdown, both quotations of each with their places; "" if there are none."""
    if not found:
        return ""
    items = []
    for one in found:
        lines = [f"{marked_line(line)} ({place_of(line)})" for line in (one.one, one.other)]
        items.append(f"- {lines[0]}\n\n  {lines[1]}")
    return f"## {say('contradictions.title', language)}\n\n" + "\n".join(items) + "\n"


def contradiction_values(found: Sequence[Contradiction]) -> list[dict[str, Any]]:
    """Return contradictions as plain values: both quotations, the words in which they differ, and how certain each is."""
    return [{"kind": one.kind, "certainty": one.certainty, "one": plain_line(one.one), "other": plain_line(one.other)} for one in found]
