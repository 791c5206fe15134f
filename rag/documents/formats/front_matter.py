"""The fields at the head of a Markdown or HTML file: YAML between lines of `---`, TOML between lines of `+++`, or lines of
`Key: value` with a title among them, as MultiMarkdown and Pelican write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FRONT = re.compile(r"\A(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<fields>.*?)^(?P=fence)[ \t]*(?:\r?\n|\Z)\s*", re.DOTALL | re.MULTILINE)
_LINES = re.compile(r"\A(?P<fields>(?:[A-Za-z][\w -]{0,30}:[ \t]*[^\n]*\n(?:[ \t]+\S[^\n]*\n)*){2,60})(?:[ \t]*\n|\Z)\s*")
_LINE = re.compile(r"^([A-Za-z][\w -]{0,30}):[ \t]*([^\n]*(?:\n[ \t]+\S[^\n]*)*)", re.MULTILINE)
_LEAST_WORDS = 6
_NO_PROSE = frozenset("title tags keywords authors author license copyright".split())
_LONGEST = 64 * 2**10


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """Return the fields at the head of a text, values as text and lists joined, and the text without them; no fields and the whole
    text if it begins with something else (a rule, a table)."""
    front = _FRONT.match(text)
    if front and len(front["fields"]) <= _LONGEST and (fields := _fields(front)) is not None:
        return fields, text[front.end() :]
    lines = None if front else _LINES.match(text)
    if lines:
        found = {key.lower(): " ".join(value.split()) for key, value in _LINE.findall(lines["fields"])}
        if found.get("title"):
            return found, text[lines.end() :]
    return {}, text


def prose_fields(fields: Mapping[str, str], text: str) -> list[tuple[str, str]]:
    """Return those fields that are sentences for a reader, such as the abstract of a talk, and are not repeated in the text."""
    said = " ".join(text.split())
    return [
        (key.replace("_", " "), " ".join(value.split()))
        for key, value in fields.items()
        if len(value.split()) >= _LEAST_WORDS
        and key.lower() not in _NO_PROSE
        and value.rstrip().endswith((".", "!", "?", "؟", "…"))
        and " ".join(value.split())[:60] not in said
    ]


def _fields(front: re.Match[str]) -> dict[str, str] | None:
    """Return the fields of a front matter; None if it is something else."""
    try:
        raw = _toml(front["fields"]) if front["fence"] == "+++" else _yaml(front["fields"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    return {str(key): _flat(value) for key, value in raw.items()}


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    import yaml

    try:
        # Aliases, with which a few lines can expand to gigabytes, are refused; the base loader keeps `2024-10-14` as it is written.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.BaseLoader)):
            return None
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _flat(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value if not isinstance(item, (list, dict)))
    return "" if isinstance(value, dict) else str(value)
