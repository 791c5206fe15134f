"""What every reader of a file makes: text, where its pages or headings begin, and what the file says of itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from rag.errors import DocumentError
from rag.schema import Mark
from rag.text.folding import nfc

PAGE = "p. {n}"
"""The label of a page, from 1."""
HEADING = "§ {label}"
"""The label of a heading."""
ROW = "row {n}"
"""The label of a row or record, from 1, the line of column names not counted."""

AUTHOR, DATE, SOURCE = "author", "date", "source"
"""The metadata every reader tries to find: names of people, an ISO 8601 date (perhaps a year or a month only), and a URL."""

_LONGEST_VALUE = 500
_LONGEST_LABEL = 200
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_ISO = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?(?=$|[T\s])")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})$")
_PDF_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. Sizes in bytes, `seconds` of processor time; a file that asks for more is refused by name."""

    text: int = 16 * 2**20
    """The longest text: in characters."""
    pages: int = 3000
    unpacked: int = 256 * 2**20
    """What an archive may unpack to, all its members together."""
    nesting: int = 200
    """How deep elements, lists or objects may stand in one another."""
    seconds: int = 180
    memory: int = 2 * 2**30
    ocr_seconds: int = 60
    """For one page read with OCR."""


@dataclass(frozen=True, slots=True)
class Content:
    """The readable part of a file. `notes` name what of it was left out, and why."""

    text: str
    marks: tuple[Mark, ...] = ()
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[DocumentError, ...] = ()


class Writer:
    """Puts blocks of text one after the other and remembers where the marks stand. Raises DocumentError past the limit."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name = name
        self._limit = limits.text
        self._pieces: list[str] = []
        self._length = 0
        self._marks: list[Mark] = []
        self._pending: list[str] = []

    def mark(self, label: str) -> None:
        """The next block begins a page, heading or row of this name."""
        self._pending.append(label)

    def block(self, text: str, before: str = "\n\n") -> None:
        """Add a paragraph, or with `before="\\n"` a line of the same one; blank text adds nothing."""
        text = _CONTROL.sub("", nfc(text)).strip()
        if not text:
            return
        if self._pieces:
            text = before + text
        start = self._length + (len(before) if self._pieces else 0)
        self._marks += [Mark(start, label) for label in self._pending]
        self._pending.clear()
        self._pieces.append(text)
        self._length += len(text)
        if self._length > self._limit:
            raise DocumentError("error.too_much_text", name=self._name, limit=f"{self._limit / 1e6:.0f}")

    def content(self, title: str = "", metadata: Mapping[str, str] | None = None, notes: tuple[DocumentError, ...] = ()) -> Content:
        """What was written."""
        kept = {key: value for key, raw in (metadata or {}).items() if (value := one_line(raw, _LONGEST_VALUE))}
        return Content("".join(self._pieces), tuple(self._marks), one_line(title, _LONGEST_LABEL), kept, notes)


def heading(label: str) -> str:
    """The label of a heading's mark."""
    return HEADING.format(label=one_line(label, _LONGEST_LABEL))


def one_line(text: str, longest: int = _LONGEST_VALUE) -> str:
    """A text on one line, composed, without control characters, cut where it is too long."""
    return " ".join(_CONTROL.sub("", nfc(text)).split())[:longest].strip()


def url(text: str) -> str:
    """A web address, or "" for anything else."""
    text = text.strip()
    return text if re.fullmatch(r"https?://[^\s<>\"]+", text) else ""


def iso_date(text: str) -> str:
    """A date as ISO 8601 (`2024-10-14`, `2024-10` or `2024`), or "" for what is none.

    Understood are ISO dates with or without a time, `14.10.2024`, the dates of e-mail, and those of PDF (`D:20241014…`), with
    digits of any script. `03/04/2024` is not: it is March in one country and April in another.
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


def metadata(raw: Mapping[str, str]) -> dict[str, str]:
    """Fields that a file gives under names of its own, under ours: `author`, `date` (ISO), `source` (a URL), and `title`.

    Other fields keep their names. A date that is none keeps its own name; a source that is no URL stays as text.
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
