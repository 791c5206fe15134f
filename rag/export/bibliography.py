"""The documents that a paper cites, for programs that manage references: BibTeX and RIS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rag.export.paper import PaperNote, documents_of_notes

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:T.*)?$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_WORD = re.compile(r"[A-Za-z]{2,}")
_SHORT_WORDS = frozenset("the an of and on in for to by with from".split())


def bibtex(notes: Iterable[PaperNote]) -> str:
    """Return an entry for each document cited, in the order of the notes; "" if there are none. Titles keep their capitals."""
    cited = documents_of_notes(notes)
    return "\n".join(_entry(key, note, places) for key, (note, places) in zip(_keys(cited), cited, strict=True))


def _entry(key: str, note: PaperNote, places: Sequence[str]) -> str:
    year, month, day, other = _dated(note.date)
    fields = {
        "author": " and ".join(f"{{{_escaped(name)}}}" if "," in name else _escaped(name) for name in _authors(note)),
        "title": f"{{{_escaped(_line(note.title or note.document))}}}",
        "year": year,
        "month": _MONTHS[int(month) - 1] if month else "",
        "day": day.lstrip("0"),
        "howpublished": _escaped(_line(note.document)),
        "url": note.url.replace("{", "%7B").replace("}", "%7D"),
        "note": _escaped("; ".join(part for part in (other, "" if note.url else _line(note.source), *places) if part)),
    }
    lines = [f"  {name} = {value if name == 'month' else f'{{{value}}}'}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key},", *lines, "}", ""])


def _keys(cited: Sequence[tuple[PaperNote, list[str]]]) -> Iterator[str]:
    """Yield a key for each document in Latin letters and digits, none twice: surname, year and first word of the title."""
    seen: dict[str, int] = {}
    for number, (note, _) in enumerate(cited, start=1):
        names = _authors(note)
        surname = names[0].partition(",")[0].split()[-1] if names and names[0].partition(",")[0].split() else ""
        words = [word for word in _WORD.findall(f"{note.title} {note.document}") if word.lower() not in _SHORT_WORDS]
        parts = ("".join(_WORD.findall(surname)), _dated(note.date)[0], words[0] if words else "")
        key = "".join(parts).lower() or "source"
        if key.isdigit() or key == "source":
            key = f"source{key.removeprefix('source')}n{number}"
        seen[key] = seen.get(key, 0) + 1
        yield key if seen[key] == 1 else f"{key}-{seen[key]}"


def ris(notes: Iterable[PaperNote]) -> str:
    """Return a record for each document cited, in the order of the notes; "" if there are none. Lines end as the format wants."""
    lines: list[str] = []
    for note, places in documents_of_notes(notes):
        year, month, day, other = _dated(note.date)
        fields = [
            ("TY", "ELEC" if note.url else "GEN"),
            *(("AU", name) for name in _authors(note)),
            ("TI", _line(note.title or note.document)),
            ("PY", year),
            ("DA", "/".join(part for part in (year, month, day) if part)),
            ("UR", note.url),
            ("C1", _line(note.document)),
            ("N1", "; ".join(part for part in (other, "" if note.url else _line(note.source), *places) if part)),
            ("ER", ""),
        ]
        lines += [f"{tag}  - {value}" for tag, value in fields if value or tag == "ER"]
    return "".join(f"{line}\r\n" for line in lines)


def _authors(note: PaperNote) -> list[str]:
    """Return the authors of a document; semicolons of both scripts separate them."""
    return [name for name in (_line(part) for part in re.split("[;؛]", note.author)) if name]


def _dated(date: str) -> tuple[str, str, str, str]:
    """Return year, month and day of an ISO date, "" for those it does not have, and the text of any other date."""
    found = _DATE.match(date.strip())
    if found is None or not 0 < int(found[2] or 1) <= 12:
        return "", "", "", _line(date)
    return found[1], found[2] or "", found[3] or "", ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)
