"""Where a file of a folder came from, and when: a hidden note next to it, which counts only while the file is the one that was noted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rag.files import write_atomically

_FIELDS = frozenset(("source", "retrieved"))
_LONGEST = 8192


def note_path(path: Path) -> Path:
    """Return the path of a file's note."""
    return path.with_name(f".{path.name}.source.json")


def write_source_note(path: Path, sha256: str, metadata: Mapping[str, str]) -> None:
    """Record the `source` and `retrieved` fields of the file with this content. Raises OSError."""
    with write_atomically(note_path(path), durable=False) as part:
        part.write_text(json.dumps({"sha256": sha256, **metadata}, ensure_ascii=False), encoding="utf-8")


def read_source_note(path: Path, sha256: str) -> dict[str, str]:
    """Return the fields recorded for a file with this content; none if there is no note, or one for other content."""
    try:
        with note_path(path).open("rb") as file:
            noted = json.loads(file.read(_LONGEST))
    except (OSError, ValueError):
        return {}
    if not isinstance(noted, dict) or noted.get("sha256") != sha256:
        return {}
    return {key: value for key, value in noted.items() if key in _FIELDS and isinstance(value, str)}
