"""JSON views of documents, jobs and errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from rag.errors import ShawahidError
from rag.messages import LANGUAGES, say, table

View = dict[str, Any]
"""A JSON object."""

_PLAIN = {"", ".txt", ".md"}
_KINDS = {".htm": "HTML", ".xhtml": "HTML"}
_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\"'<>\\^`{|}\u200e\u200f\u202a-\u202e\u2066-\u2069]{1,2000}")


def error_view(error: ShawahidError) -> View:
    """Return an error in both languages, so that it follows the language of the interface; `key` identifies it.

    The window's own sentence, where there is one, has no setting, command or path in it.
    """
    plain = f"plain.{error.key.removeprefix('error.')}"
    if plain in table():
        return {"key": error.key} | {language: say(plain, language, **error.fields) for language in LANGUAGES}
    return {"key": error.key} | {language: error.text(language) for language in LANGUAGES}


def about_view(id: str, metadata: Mapping[str, str]) -> View:
    """Return a document's metadata: its kind unless it is plain text, author, date and source. `url` is the source if it is a web
    address."""
    suffix = PurePosixPath(id).suffix.lower()
    address = metadata.get("source", "")
    return {
        "kind": "" if suffix in _PLAIN else _KINDS.get(suffix, suffix.removeprefix(".").upper()),
        "author": metadata.get("author", ""),
        "date": metadata.get("date", ""),
        "source": address,
        "url": address if _ADDRESS.fullmatch(address) else "",
    }
