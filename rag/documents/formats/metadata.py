"""The metadata of a file under common names: author, date, source and title, whatever its format calls them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from rag.documents.tree import one_line

AUTHOR, DATE, SOURCE = "author", "date", "source"
"""The metadata every reader tries to find: names of people, an ISO 8601 date (perhaps a year or a month only), and a URL."""

_ISO = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?(?=$|[T\s])")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})$")
_PDF_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")


def url(text: str) -> str:
    """Return a web address, or "" for anything else."""
    text = text.strip()
    return text if re.fullmatch(r"https?://[^\s<>\"]+", text) else ""


def iso_date(text: str) -> str:
    """Return a date as ISO 8601 (`2024-10-14`, `2024-10` or `2024`), or "" for anything else.

    Understood are ISO dates with or without a time, `14.10.2024`, the dates of e-mail, and those of PDF (`D:20241014…`), with digits of any
    script. `03/04/2024` is not: it is March in one country and April in another.
    """
    text = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text.strip())
    if found := _PDF_DATE.match(text) or _ISO.match(text):
        return _valid(*found.groups())
    if found := _DAY_FIRST.match(text):
        return _valid(found[3], found[2], found[1])
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _valid(year: str, month: str | None, day: str | None) -> str:
    """As much of the date as is one."""
    from datetime import date

    if not 1000 <= int(year) <= 2999:
        return ""
    if not month or not 1 <= int(month) <= 12:
        return year
    if not day:
        return f"{year}-{int(month):02}"
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return f"{year}-{int(month):02}"


_ALIASES = {
    "author": AUTHOR, "authors": AUTHOR, "creator": AUTHOR, "by": AUTHOR, "byline": AUTHOR, "writer": AUTHOR, "الكاتب": AUTHOR,
    "المؤلف": AUTHOR, "date": DATE, "published": DATE, "published_at": DATE, "publication_date": DATE, "pubdate": DATE,
    "created": DATE, "created_at": DATE, "datepublished": DATE, "timestamp": DATE, "التاريخ": DATE, "source": SOURCE,
    "url": SOURCE, "link": SOURCE, "permalink": SOURCE, "canonical": SOURCE, "المصدر": SOURCE, "title": "title",
    "headline": "title", "name": "title", "العنوان": "title",
}  # fmt: skip


def standard_metadata(raw: Mapping[str, str]) -> dict[str, str]:
    """Fields that a file gives under names of its own, under ours: `author`, `date` (ISO), `source` (a URL), and `title`.

    Other fields keep their names. An unreadable date keeps its own field name; a source that is not a URL stays as text.
    """
    found: dict[str, str] = {}
    for key, value in raw.items():
        key, value = one_line(key, 100), one_line(value)
        ours = _ALIASES.get(key.casefold().replace("-", "_"), key)
        if ours == DATE:
            if date := iso_date(value):
                found.setdefault(DATE, date)
            elif value and key != DATE:
                found.setdefault(key, value)
        elif value and key:
            found.setdefault(ours, value)
    return found
