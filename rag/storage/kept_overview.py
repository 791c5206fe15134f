"""The places that an overview of all documents of an index quotes, kept in a file next to it: ids and positions, no text of documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.files import blank, write_atomically
from rag.storage.manifest import Manifest

OVERVIEW = "kept-overview.json"
_FORMAT = 1


def state_of(manifest: Manifest) -> str:
    """Return what identifies the state of an index."""
    return f"{manifest.born} {manifest.generation}"


def read_overview(folder: Path, state: str) -> Mapping[str, Any] | None:
    """Return what was kept for a state of the index; None for another state, or if there is no file or it can't be read."""
    try:
        content = json.loads((folder / OVERVIEW).read_text(encoding="utf-8"))
        return dict(content["places"]) if content["format"] == _FORMAT and content["state"] == state else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_overview(folder: Path, state: str, places: Mapping[str, Any]) -> None:
    """Keep places for a state of the index. The caller holds the index's lock. Raises OSError."""
    with write_atomically(folder / OVERVIEW) as part:
        part.write_text(json.dumps({"format": _FORMAT, "state": state, "places": places}, ensure_ascii=False), encoding="utf-8")


def is_outdated_overview(folder: Path, state: str) -> bool:
    """Return whether a file is there that was written for another state of the index: it may name documents that were removed."""
    return (folder / OVERVIEW).exists() and read_overview(folder, state) is None


def erase_overview(folder: Path, state: str) -> None:
    """Overwrite and remove what was kept for another state. The caller holds the index's lock. Raises OSError."""
    if not is_outdated_overview(folder, state):
        return
    path = folder / OVERVIEW
    blank(path)
    path.unlink()
