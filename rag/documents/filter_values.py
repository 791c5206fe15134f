"""The values that filters compare: the days of a date, the collection, and metadata in one spelling."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping

from rag.errors import BadSetting
from rag.text.folding import fold

COLLECTION = "collection"
DATE = "date"
UNREAD = "unread_pages"
"""The metadata field that names pages left out of a document, which OCR has not been tried on."""
CONTAINER = "container"
"""The metadata field of a document that stands in a file with others: the id of that file."""
INSIDE = "documents"
"""The metadata field of a file that holds documents: how many of them were read."""

# \d also matches Arabic-Indic digits, and int() reads them: ٢٠١٩ is 2019.
_DATE = re.compile(r"\s*(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ].*)?\s*", re.DOTALL)
_PARTS = re.compile(r"[;؛\n]")


def days(text: str) -> tuple[str, str] | None:
    """Return the first and the last day that an ISO 8601 date, month or year covers, as YYYY-MM-DD; None for anything else."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    if year < 1 or (found[2] and not 1 <= month <= 12):
        return None
    last = calendar.monthrange(year, month or 12)[1]
    if found[3] and not 1 <= day <= last:
        return None
    return f"{year:04}-{month or 1:02}-{day or 1:02}", f"{year:04}-{month or 12:02}-{day or last:02}"


def day_limits(since: str, until: str) -> tuple[str, str]:
    """Return the first and the last day of a range, "" where it is open. Raises BadSetting for an invalid date."""
    limits = []
    for text, end in ((since, 0), (until, 1)):
        found = days(text) if text else ("", "")
        if found is None:
            raise BadSetting("error.filter_date", value=text)
        limits.append(found[end])
    return limits[0], limits[1]


def fold_value(value: str) -> str:
    """Normalise a value for comparison: one spelling, one case, single spaces."""
    return " ".join(fold(value).split())


def facts(metadata: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the pairs of field and value under which a document is found: each whole value, and its parts between semicolons."""
    pairs = ((fold_value(key), fold_value(part)) for key, value in metadata.items() for part in (value, *_PARTS.split(value)))
    return list(dict.fromkeys(pair for pair in pairs if pair[1]))


def metadata_conditions(metadata: Mapping[str, str | Iterable[str]]) -> list[tuple[str, list[str]]]:
    """Return the conditions of a filter in the form of `facts`."""
    found = []
    for key, value in metadata.items():
        values = [value] if isinstance(value, str) else list(value)
        found.append((fold_value(key), [fold_value(each) for each in values]))
    return found


def is_inside(id: str, container: object) -> bool:
    """Return whether a document belongs to the file that its metadata name as its container: its id begins with that of the file."""
    return isinstance(container, str) and bool(container) and id.startswith(f"{container}/")


def collection(id: str, metadata: Mapping[str, str]) -> str:
    """Return a document's collection: the one in its metadata, else its folder, else ""."""
    return metadata.get(COLLECTION, "").strip("/") or id.rpartition("/")[0]
