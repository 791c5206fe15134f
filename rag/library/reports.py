"""The evaluations run on this computer, and who may read which."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from rag.library.feedback import READER
from rag.library.identity import OPERATOR

_PAGE, _RECORDS = "report.html", "records.jsonl"


def reports_for(folder: Path | None, person: str) -> list[Path]:
    """Return the report pages under a folder that a person may read, newest first.

    Reader feedback contains a reader's question and answer, so only the operator may read a run that asked such a question, or one for
    which this is unknown.
    """
    found = sorted(folder.glob(f"*/{_PAGE}"), key=lambda path: -path.stat().st_mtime) if folder else []
    return [path for path in found if person == OPERATOR or _is_for_all(path.with_name(_RECORDS))]


def _is_for_all(records: Path) -> bool:
    try:
        known = records.stat()
    except OSError:
        return False
    return not _holds_readers(records, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=64)
def _holds_readers(records: Path, modified: int, size: int) -> bool:
    """Return whether a reader's question is among the records, or a line cannot be read; cached for each version of the file."""
    try:
        with records.open(encoding="utf-8") as lines:
            return any(str(json.loads(line).get("id", READER)).startswith(READER) for line in lines if line.strip())
    except (OSError, ValueError, AttributeError):
        return True
