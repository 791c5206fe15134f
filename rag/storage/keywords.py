"""The keyword index: how a text is analysed for it, and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text.words import stem, stems, stop_stems, words

KEYWORDS = """
CREATE VIRTUAL TABLE keywords USING fts5 (language, surface, stem, content='', tokenize="unicode61 remove_diacritics 0")
"""


def keywords(text: str) -> tuple[str, str]:
    """The analysed tokens of a text as the keyword index holds them: surface forms, and stems; space-separated."""
    return " ".join(keyword_token(word) for word in words(text)), " ".join(keyword_token(form) for form in stems(text))


def passage_keywords(context: str, text: str) -> tuple[str, str]:
    """Return the keywords of a passage: of its title, headings and lead, and of its text."""
    return keywords(f"{context}\n{text}" if context else text)


def keyword_token(word: str) -> str:
    # FTS5 would split at an apostrophe.
    return word.replace("'", "")


def keyword_terms(question: str, *, stems: bool = True) -> list[str]:
    """The terms of the keyword index that a question asks for: its content words, as stems and as they are written; without
    `stems` only as they are written (for measurements)."""
    meaning = [word for word in words(question) if stem(word) not in stop_stems()]
    wanted = dict.fromkeys(keyword_token(form) for word in meaning for form in ((stem(word), word) if stems else (word,)))
    return [term for term in wanted if re.fullmatch(r"\w+", term)]


def keyword_query(terms: Sequence[str], *, stems: bool = True) -> str:
    """The FTS5 query for passages with any of the terms; "" for none."""
    if not terms:
        return ""
    return f"{{{'surface stem' if stems else 'surface'}}} : (" + " OR ".join(f'"{term}"' for term in terms) + ")"
