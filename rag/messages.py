"""Every text that Shawahid shows to a person, in both languages, from one file (`strings.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

LANGUAGES = ("en", "ar")


@cache
def table() -> Mapping[str, Mapping[str, str]]:
    """Return every string by its dotted key: `{"error.question_empty": {"en": ..., "ar": ...}}`."""
    raw = tomllib.loads(resources.files("rag").joinpath("strings.toml").read_text(encoding="utf-8"))
    return {f"{group}.{name}": texts for group, entries in raw.items() for name, texts in entries.items()}


def say(key: str, language: str = "en", **fields: object) -> str:
    """Return the string under `key` with its fields filled in, in Arabic for "ar" and in English for any other language."""
    texts = table()[key]
    return texts["ar" if language == "ar" else "en"].format(**fields)
