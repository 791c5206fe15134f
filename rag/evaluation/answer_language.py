"""The language that an answer is written in, by script: its own words, and what strays into them from other scripts."""

from __future__ import annotations

import re
import unicodedata

from rag.text.folding import fold
from rag.text.language import script

_MARKER = re.compile(r"\s*\[\d+\]")
_LATIN_WORD = r"[A-Za-z\u00c0-\u024f][\w'\u2019.&/-]*"
_LATIN_RUN = re.compile(rf"{_LATIN_WORD}(?:[ \u00a0][\d]*(?:{_LATIN_WORD})?)*")
_PARTICLES = frozenset("of the and for de del der den van von di da la le al el bin ibn".split())
_LONGEST_NAME = 6  # words: a longer run of Latin words is a sentence that was copied


def _is_name(run: str) -> bool:
    """Return whether a run of Latin words can be a name: few words, each with a capital or digit except for particles (Bank of X)."""
    parts = run.split()
    own = [part for part in parts if part not in _PARTICLES]
    return 0 < len(parts) <= _LONGEST_NAME and bool(own) and all(re.search(r"[^\W_a-z\u00df-\u00ff]", part) for part in own)


def without_markers(text: str) -> str:
    """Return the text without its citation markers `[1]`, `[١]`."""
    return _MARKER.sub("", text)


def is_written_in(text: str, language: str) -> bool:
    """Return whether a text is written in a language, by its script; Latin names in an Arabic text count for neither.

    A text of names and digits alone is in every language, an empty one in none.
    """
    text = without_markers(text)
    rest = _LATIN_RUN.sub(lambda run: "" if _is_name(run.group()) else run.group(), text) if language == "ar" else text
    written = script(rest)
    return written == language or (written == "und" and any(character.isalnum() for character in text))


def strays(text: str, language: str, question: str = "") -> list[str]:
    """Return the parts of a text that its language does not use; empty if there are none.

    These are letters of scripts other than Arabic and Latin, Arabic letters in an English text, and, in an Arabic text, a run of Latin
    words that is neither in the question nor a name.
    """
    text = without_markers(text)
    found: dict[str, None] = {}
    for character in text:
        if character.isalpha():
            name = unicodedata.name(character, "")
            foreign = not name.startswith(("ARABIC", "LATIN")) and character not in "ªºµ"
            if foreign or (language == "en" and name.startswith("ARABIC")):
                found[character] = None
    if language == "ar":
        asked = fold(question)
        runs = (run.strip() for run in _LATIN_RUN.findall(text))
        found |= {run: None for run in runs if not _is_name(run) and fold(run) not in asked}
    return list(found)
