"""The automatic numbers of Word's paragraphs, as printed: "2.1", "المادة 3.", "(b)", "iv."."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ABJAD = "أبجدهوزحطيكلمنسعفصقرشتثخذضظغ"
_ALPHA = "أبتثجحخدذرزسشصضطظعغفقكلمنهوي"
_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"))
_LEVELS = 9


@dataclass(frozen=True, slots=True)
class Label:
    """The label in front of a paragraph; `is_number` is false for a bullet."""

    text: str
    level: int
    is_number: bool


@dataclass(frozen=True, slots=True)
class _Level:
    start: int = 1
    kind: str = "decimal"
    text: str = "%1."


@dataclass(slots=True)
class Numbering:
    """The lists of a document with their counters. Paragraphs must be asked for in document order; one asked for again keeps its number."""

    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    abstract: dict[str, str] = field(default_factory=dict)
    overrides: dict[tuple[str, int], int] = field(default_factory=dict)
    of_style: dict[str, tuple[str, int]] = field(default_factory=dict)
    _counts: dict[str, list[int | None]] = field(default_factory=dict)
    _started: set[tuple[str, int]] = field(default_factory=set)
    _given: dict[_Element, Label | None] = field(default_factory=dict)

    @classmethod
    def of(cls, numbering: _Element | None, styles: _Element | None) -> Self:
        """Return the numbering of a document's parts `numbering` and `styles`, either of which may be missing."""
        found = cls()
        for abstract in numbering.iterfind(f"{_W}abstractNum") if numbering is not None else ():
            id = abstract.get(f"{_W}abstractNumId") or ""
            found.levels[id] = {_integer(level.get(f"{_W}ilvl")): _level(level) for level in abstract.iterfind(f"{_W}lvl")}
        for num in numbering.iterfind(f"{_W}num") if numbering is not None else ():
            id = num.get(f"{_W}numId") or ""
            found.abstract[id] = _value(num.find(f"{_W}abstractNumId"))
            for override in num.iterfind(f"{_W}lvlOverride"):
                level = _integer(override.get(f"{_W}ilvl"))
                if (start := override.find(f"{_W}startOverride")) is not None:
                    found.overrides[id, level] = _integer(_value(start))
                if (changed := override.find(f"{_W}lvl")) is not None:
                    own = f"{found.abstract[id]} {id}"
                    found.levels[own] = {**found.levels.get(found.abstract[id], {}), level: _level(changed)}
                    found.abstract[id] = own
        found._read_styles(styles)
        return found

    def _read_styles(self, styles: _Element | None) -> None:
        based: dict[str, str] = {}
        for style in styles.iterfind(f"{_W}style") if styles is not None else ():
            id = style.get(f"{_W}styleId") or ""
            based[id] = _value(style.find(f"{_W}basedOn"))
            if (found := style.find(f"{_W}pPr/{_W}numPr")) is not None:
                level = found.find(f"{_W}ilvl")
                self.of_style[id] = _value(found.find(f"{_W}numId")), _integer(_value(level))
        for id in based:
            at, seen = id, set[str]()
            while at and at not in self.of_style and at not in seen:
                seen.add(at)
                at = based.get(at, "")
            if at in self.of_style:
                self.of_style.setdefault(id, self.of_style[at])

    def label(self, paragraph: _Element) -> Label | None:
        """Return the label printed in front of a paragraph, or None."""
        if paragraph not in self._given:
            self._given[paragraph] = self._next(paragraph)
        return self._given[paragraph]

    def _next(self, paragraph: _Element) -> Label | None:
        style = _value(paragraph.find(f"{_W}pPr/{_W}pStyle"))
        id, level = self.of_style.get(style, ("", 0))
        if (own := paragraph.find(f"{_W}pPr/{_W}numPr")) is not None:
            id = _value(own.find(f"{_W}numId")) or id
            place = own.find(f"{_W}ilvl")
            level = _integer(_value(place)) if place is not None else level
        levels = self.levels.get(self.abstract.get(id, ""))
        if id in ("", "0") or levels is None or level not in levels or not 0 <= level < _LEVELS:
            return None
        form = levels[level]
        self._count(id, level, levels)
        if form.kind in ("bullet", "none") and not any(f"%{n}" in form.text for n in range(1, _LEVELS + 1)):
            return Label("-", level, False) if form.kind == "bullet" else None
        return Label(self._printed(id, level, levels), level, True)

    def _count(self, id: str, level: int, levels: dict[int, _Level]) -> None:
        """Increment the counter of a level and reset the deeper ones."""
        counts = self._counts.setdefault(self.abstract[id], [None] * _LEVELS)
        start = levels[level].start
        if (id, level) in self.overrides and (id, level) not in self._started:
            counts[level] = None
            start = self.overrides[id, level]
        self._started.add((id, level))
        current = counts[level]
        counts[level] = start if current is None else current + 1
        counts[level + 1 :] = [None] * (_LEVELS - level - 1)

    def _printed(self, id: str, level: int, levels: dict[int, _Level]) -> str:
        counts = self._counts[self.abstract[id]]
        text = levels[level].text
        for n in range(_LEVELS, 0, -1):
            if f"%{n}" in text:
                form = levels.get(n - 1, _Level())
                count = counts[n - 1]
                text = text.replace(f"%{n}", _number(form.start if count is None else count, form.kind))
        return " ".join(text.split())


def _level(element: _Element) -> _Level:
    start = element.find(f"{_W}start")
    return _Level(
        _integer(_value(start)) if start is not None else 1,
        _value(element.find(f"{_W}numFmt")) or "decimal",
        _value(element.find(f"{_W}lvlText")),
    )


def _value(element: _Element | None) -> str:
    return (element.get(f"{_W}val") or "") if element is not None else ""


def _integer(text: str | None) -> int:
    return int(text) if text and text.lstrip("-").isdigit() else 0


def _number(value: int, kind: str) -> str:
    """Return a number in one of Word's number formats; digits for an unknown format."""
    if kind == "decimalZero":
        return f"{value:02}"
    if kind in ("lowerLetter", "upperLetter") and value > 0:
        letter = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letter.upper() if kind == "upperLetter" else letter
    if kind in ("lowerRoman", "upperRoman") and 0 < value < 4000:
        roman = _roman(value)
        return roman.upper() if kind == "upperRoman" else roman
    if kind in ("arabicAbjad", "arabicAlpha") and value > 0:
        letters = _ABJAD if kind == "arabicAbjad" else _ALPHA
        return letters[(value - 1) % len(letters)] * ((value - 1) // len(letters) + 1)
    if kind in ("hindiNumbers", "hindiCounting"):
        return str(value).translate(_INDIC)
    return "" if kind == "none" else str(value)


def _roman(value: int) -> str:
    written = ""
    for size, letters in (*_ROMAN, (4, "iv"), (1, "i")):
        while value >= size:
            written, value = written + letters, value - size
    return written
