"""A paper: what is exported of a notebook, a conversation, an overview or a table, with the sources that it cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rag.errors import BadSetting
from rag.text.language import script

BlockForm = Literal["heading", "text", "quote", "label", "item", "table"]
"""What a block of a paper is: a "quote" is set off, a "label" is small print."""

_FORMS = frozenset(get_args(BlockForm))
_MOST_BLOCKS, _MOST_NOTES, _MOST_CHARACTERS = 10_000, 5_000, 4_000_000
# Embeddings and overrides in a document could turn numbers around; the other characters are not allowed in XML.
_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PaperNote:
    """A cited place: the document by its id, title and metadata, the place in the reader's words ("p. 3"), and the quotation.

    `author` may hold several names, separated by semicolons. `date` is usually ISO 8601; `url` is "" unless the source is a web address.
    """

    document: str
    title: str = ""
    place: str = ""
    author: str = ""
    date: str = ""
    source: str = ""
    url: str = ""
    quote: str = ""

    @property
    def reference(self) -> str:
        """The source in a line: title, document, place, author, date and source, as far as they are known."""
        parts = (self.title, self.document, self.place, self.author, self.date, self.source)
        return " — ".join(part for part in dict.fromkeys(" ".join(part.split()) for part in parts) if part)

    @property
    def quoted(self) -> str:
        """The quotation on one line, in the quotation marks of its own language; "" if there is none."""
        text = " ".join(self.quote.split())
        if not text:
            return ""
        return f"«{text}»" if script(text) == "ar" else f"“{text}”"


@dataclass(frozen=True, slots=True)
class PaperRun:
    """A part of a line, and the numbers of the notes after it, counted from 1."""

    text: str
    bold: bool = False
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperBlock:
    """A line of a paper, or a table: `rows` of cells of runs, the first row its header. `level` is that of a heading, 1..3."""

    form: BlockForm
    runs: tuple[PaperRun, ...] = ()
    level: int = 1
    rows: tuple[tuple[tuple[PaperRun, ...], ...], ...] = ()

    @property
    def text(self) -> str:
        """The text of the line, without notes."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Paper:
    """A text with its title, in the order in which it is read. `language` is that of headings and labels."""

    title: str
    language: str
    blocks: tuple[PaperBlock, ...]
    notes: tuple[PaperNote, ...] = ()


def paper_of(raw: object) -> Paper:
    """Return the paper that a page sent: `{"title", "language", "blocks": [{"form", "level", "runs", "rows"}], "notes": [...]}`.

    Numbers of notes that do not exist are left out. Raises BadSetting if it is of another form, or too large.
    """
    if not isinstance(raw, Mapping):
        raise BadSetting("error.paper")
    notes = tuple(_note(each) for each in _list(raw.get("notes"), _MOST_NOTES))
    blocks = tuple(_block(each, len(notes)) for each in _list(raw.get("blocks"), _MOST_BLOCKS))
    paper = Paper(_text(raw.get("title")), "ar" if raw.get("language") == "ar" else "en", blocks, notes)
    if _length(paper) > _MOST_CHARACTERS:
        raise BadSetting("error.paper_size")
    return paper


def _length(paper: Paper) -> int:
    lines = [run for block in paper.blocks for run in (*block.runs, *(run for row in block.rows for cell in row for run in cell))]
    return sum(len(run.text) for run in lines) + sum(len(note.quote) + len(note.reference) for note in paper.notes)


def _block(raw: object, notes: int) -> PaperBlock:
    if not isinstance(raw, Mapping) or raw.get("form") not in _FORMS:
        raise BadSetting("error.paper")
    level = raw.get("level")
    rows = tuple(tuple(_runs(cell, notes) for cell in _list(row, _MOST_BLOCKS)) for row in _list(raw.get("rows"), _MOST_BLOCKS))
    return PaperBlock(raw["form"], _runs(raw.get("runs"), notes), level if level in (1, 2, 3) else 1, rows)


def _runs(raw: object, notes: int) -> tuple[PaperRun, ...]:
    runs = []
    for each in _list(raw, _MOST_BLOCKS):
        if not isinstance(each, Mapping):
            raise BadSetting("error.paper")
        numbers = [number for number in _list(each.get("notes"), _MOST_NOTES) if type(number) is int and 1 <= number <= notes]
        runs.append(PaperRun(_text(each.get("text")), each.get("bold") is True, tuple(numbers)))
    return tuple(runs)


def _note(raw: object) -> PaperNote:
    if not isinstance(raw, Mapping):
        raise BadSetting("error.paper")
    names = ("document", "title", "place", "author", "date", "source", "url", "quote")
    return PaperNote(**{name: _text(raw.get(name)) for name in names})


def _list(raw: object, most: int) -> Sequence[Any]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise BadSetting("error.paper")
    if len(raw) > most:
        raise BadSetting("error.paper_size")
    return raw


def _text(raw: object) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise BadSetting("error.paper")
    return _UNSEEN.sub("", raw)


def documents_of_notes(notes: Iterable[PaperNote]) -> list[tuple[PaperNote, list[str]]]:
    """Return each document that notes cite, once, in order: its first note, and the places cited."""
    found: dict[tuple[str, str], tuple[PaperNote, list[str]]] = {}
    for note in notes:
        _, places = found.setdefault((note.document, note.title), (note, []))
        if note.place and note.place not in places:
            places.append(note.place)
    return list(found.values())
