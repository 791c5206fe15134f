"""Build a document: its text, and the tree of headings, paragraphs, lists, tables and notes over it.

Every reader writes through a `TreeWriter`, so that all formats agree on what a list, a table row or a note looks like in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.documents.table_headers import read_grid
from rag.errors import DocumentError
from rag.schema import Block, BlockKind, Cell, Document, Mark, PageLayout, Span, Table
from rag.text.announcements import ends_with_colon, is_short_question
from rag.text.folding import nfc

PAGE = "p. {n}"
"""The label of a page, from 1."""
HEADING = "§ {label}"
"""The label of a heading."""
ROW = "row {n}"
"""The label of a row or record, from 1, the line of column names not counted."""
SLIDE = "slide {n}"
"""The label of a slide, from 1."""

CELL_SEPARATOR = " · "
"""The separator between the cells of a row."""

_LONGEST_VALUE = 500
_LONGEST_LABEL = 200
_LONGEST_ROW = 700
"""Characters of a row in one block; a wider row is continued in a second one that repeats the row's name."""
_LONGEST_ROW_NAME = 100
_LONGEST_LEAD = 400
"""Characters of a paragraph that may introduce a list."""
_LONGEST_CAPTION = 160
"""Characters of a line that may introduce a list or table without a colon."""
_ENDS_SENTENCE = frozenset(".!?…؟؛۔,،;\"'”’»)]")
_SYMBOL_BULLETS = str.maketrans(dict.fromkeys("\uf0b7\uf0a7\uf0d8\uf076\uf0a8\uf0fc", "•"))
"""How the fonts Symbol and Wingdings spell bullets."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff\ue000-\uf8ff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on one file. Sizes in bytes, `seconds` of processor time; a file that needs more is refused by name."""

    text: int = 16 * 2**20
    """The longest text, in characters."""
    pages: int = 3000
    unpacked: int = 256 * 2**20
    """What an archive may unpack to, all its members together."""
    nesting: int = 200
    """How deeply elements, lists or objects may be nested."""
    seconds: int = 180
    memory: int = 2 * 2**30
    ocr_seconds: int = 60
    """For one page read with OCR."""


@dataclass(frozen=True, slots=True)
class Content:
    """The readable part of a file. `notes` name what was left out of it, and why; `inside` is the number of files that it holds, which
    are documents of their own."""

    text: str
    marks: tuple[Mark, ...] = ()
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[DocumentError, ...] = ()
    blocks: tuple[Block, ...] = ()
    tables: tuple[Table, ...] = ()
    pages: tuple[PageLayout, ...] = ()
    inside: int = 0


@dataclass(frozen=True, slots=True)
class InnerFile:
    """A file inside another one: an attachment, or a member of an archive. `id` is that of the outer file, "/" and its own name."""

    id: str
    data: bytes


class TreeWriter:
    """Append blocks of text and record where they stand. Raises DocumentError past the limit of `limits.text`.

    A paragraph that ends with a colon and is followed by a list or table is the lead of its items or rows.
    """

    def __init__(self, name: str, limits: Limits, *, captions: bool = True) -> None:
        """`captions` is false for a format whose paragraphs are guessed from the page, where a short line above a table may be anything."""
        self._name = name
        self._captions = captions
        self._limit = limits.text
        self._pieces: list[str] = []
        self._length = 0
        self._marks: list[Mark] = []
        self._pending: list[str] = []
        self._blocks: list[Block] = []
        self._tables: list[Table] = []
        self._lead: Span | None = None  # of the list that is open
        self._leads: list[tuple[int, Span | None]] = []  # of the lists around it, by level

    def __len__(self) -> int:
        return self._length

    def mark(self, label: str) -> None:
        """Note that the next block begins a page, heading or row of this label."""
        self._pending.append(label)

    def heading(self, text: str, level: int = 1, *, marked: bool = True) -> Span | None:
        """Append a heading; `level` 1 is the outermost. Return where it stands, None for blank text. Without `marked` it is not named
        as the place of what follows. A text that is too long for one is a paragraph."""
        label = one_line(text, _LONGEST_LABEL)
        if len(label) == _LONGEST_LABEL:
            return self.paragraph(" ".join(text.split()))
        if label and marked:
            self._pending.append(HEADING.format(label=label))
        return self._append(BlockKind.HEADING, " ".join(text.split()), level=max(level, 1))

    def paragraph(self, text: str, before: str = "\n\n") -> Span | None:
        """Append a paragraph, or with `before="\\n"` a line of the same one. Return where it stands, None for blank text."""
        return self._append(BlockKind.PARAGRAPH, text, before)

    def resume(self, text: str, before: str = " ") -> Span | None:
        """Continue the last block, a paragraph or item, over the end of a page: pending marks are set inside it. Return where the added
        text stands, None for blank text."""
        text = clean(text).strip()
        if not text or not self._blocks:
            return None
        last = self._blocks.pop()
        self._pieces.append(before + text)
        start = self._length + len(before)
        self._marks += [Mark(start, label) for label in self._pending]
        self._pending.clear()
        self._length = start + len(text)
        self._check_length()
        self._blocks.append(replace(last, span=Span(last.span.start, self._length)))
        return Span(start, self._length)

    def item(self, text: str, label: str = "-", level: int = 0, lead: Span | None = None) -> Span | None:
        """Append an item of a list, with its number or bullet; `level` counts from 0. The item's span does not hold a bullet but
        holds a number, which is part of what it says. `lead` is the line that introduces the list where that is not the last paragraph."""
        self._lead = lead if lead is not None else self._lead_of_item(level)
        bare = not any(character.isalnum() for character in label)
        prefix = f"{label} " if label else ""
        return self._append(
            BlockKind.ITEM, f"{prefix}{text.strip()}" if text.strip() else "", "\n", level, self._lead, skip=len(prefix) if bare else 0
        )

    def _lead_of_item(self, level: int) -> Span | None:
        """Return the line that introduces an item at a level: of a new list the paragraph before it, of a list inside an item that item
        if it ends with a colon, of any other item that of the one before it at its level."""
        last = self._blocks[-1] if self._blocks else None
        lead = last.span if last is not None and self._introduces(last) else None
        within = last is not None and last.kind is BlockKind.ITEM
        if not within and (lead is not None or level == 0):
            self._leads = [(level, lead)]
            return lead
        while self._leads and self._leads[-1][0] > level:
            self._leads.pop()
        if not self._leads or self._leads[-1][0] < level:
            outer = self._leads[-1][1] if self._leads else None
            self._leads.append((level, lead if lead is not None else outer))
        return self._leads[-1][1]

    def note(self, text: str, label: str = "") -> Span | None:
        """Append a footnote or endnote, after the block that refers to it."""
        return self._append(BlockKind.NOTE, f"[{label}] {text.strip()}" if label and text.strip() else text, "\n")

    def code(self, text: str) -> Span | None:
        """Append a block of code as it stands; a paragraph or item before it that ends with a colon is its lead."""
        last = self._blocks[-1] if self._blocks else None
        lead = last.span if last is not None and self._announces(last) else None
        return self._append(BlockKind.CODE, text.strip("\n"), lead=lead)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        caption: str = "",
        header: int | None = None,
        label: str = ROW,
        first: int = 1,
    ) -> list[list[Block]]:
        """Append a table: its caption as a paragraph that leads every row, then each row as `column: value` for its cells that are
        not empty.

        `columns` may be shorter than a row; a cell without a column name stands alone. `header` is the column that names the rows, and
        is written without its column's name in front where the column has none. `label` and `first` number the rows for the reader
        ("" leaves them unnumbered). Merged cells are the reader's to repeat: a row says all that it means.

        Return the blocks of each row: none for an empty one, several for one that is very wide.
        """
        width = max((len(row) for row in rows), default=len(columns))
        names = tuple(one_line(columns[at], _LONGEST_LABEL) if at < len(columns) else "" for at in range(max(width, len(columns))))
        last = self._blocks[-1] if self._blocks else None
        lead = self.paragraph(caption) if caption.strip() else last.span if last is not None and self._introduces(last) else None
        before = self._marks[-1].label if self._marks and not self._pending else ""
        table = len(self._tables)
        self._tables.append(Table(names, one_line(caption), header))
        written: list[list[Block]] = []
        for number, row in enumerate(rows, start=first):
            if label:
                self.mark(label.format(n=number))
            at = len(self._blocks)
            self._row(names, [" ".join(clean(cell).split()) for cell in row], lead, table, header)
            if label and self._pending:  # an empty row keeps its number
                self._pending.pop()
            written.append(self._blocks[at:])
        if label and rows:
            self.mark(before)  # what follows is outside the rows
        return written

    def fields(self, pairs: Sequence[tuple[str, str]], caption: str = "") -> None:
        """Append a form: a row of one cell for each label and its value. A label without a value is written too, for it says that there
        is none."""
        kept = [(one_line(label, _LONGEST_LABEL).rstrip(" :"), " ".join(clean(value).split())) for label, value in pairs]
        kept = [(label, value) for label, value in kept if label or value]
        last = self._blocks[-1] if self._blocks else None
        lead = self.paragraph(caption) if caption.strip() else last.span if last is not None and self._introduces(last) else None
        if kept:
            self._tables.append(Table(tuple(label for label, _ in kept), one_line(caption)))
        for column, (label, value) in enumerate(kept):
            text = f"{label}: {value}" if label and value else label or value
            cells = (Cell(column, Span(len(text) - len(value), len(text))),) if value else ()
            self._append(BlockKind.ROW, text, self._before_row(lead), lead=lead, table=len(self._tables) - 1, cells=cells)

    def grid(self, cells: Sequence[Sequence[str]], caption: str = "", names: int = 0) -> None:
        """Append the tables and forms of a grid of cells, whose titles and column names are recognised by `read_grid`; the first `names`
        rows are known to name the columns."""
        for table in read_grid(cells, names):
            title = " — ".join(part for part in (caption, table.caption) if part)
            if table.is_form:
                self.fields([(row[at], row[at + 1]) for row in table.rows for at in range(0, len(row), 2)], title)
            elif len(table.columns) == 1 and not table.columns[0]:
                for row in table.rows:
                    self.paragraph(row[0])
            else:
                self.table(table.columns, table.rows, title, table.header, first=table.first)
            for note in table.notes:
                self.paragraph(note)

    def insert(self, content: Content) -> None:
        """Append what another reader made of a part of the file."""
        before = "\n\n" if self._pieces else ""
        start, tables = self._length + len(before), len(self._tables)
        self._pieces.append(before + content.text)
        self._length = start + len(content.text)
        self._check_length()
        self._marks += [Mark(start, label) for label in self._pending if not content.marks or content.marks[0].offset]
        self._pending.clear()
        self._marks += [Mark(start + mark.offset, mark.label) for mark in content.marks]
        self._tables += content.tables
        for block in content.blocks:
            self._blocks.append(
                replace(
                    block,
                    span=Span(block.span.start + start, block.span.end + start),
                    lead=None if block.lead is None else Span(block.lead.start + start, block.lead.end + start),
                    table=None if block.table is None else block.table + tables,
                )
            )
        if not content.blocks and content.text.strip():
            self._blocks.append(Block(BlockKind.PARAGRAPH, Span(start, self._length)))
        self._lead = None

    def _row(self, names: Sequence[str], cells: Sequence[str], lead: Span | None, table: int, header: int | None) -> None:
        """Append one row, in several blocks where it is very wide; each begins with the row's name, or its first cell."""
        if header is None or header >= len(cells):
            header = next((at for at, cell in enumerate(cells) if 0 < len(cell) <= _LONGEST_ROW_NAME), None)
        name = self._cell(names, cells, header) if header is not None else ""
        text, places = "", list[Cell]()

        def flush() -> None:
            nonlocal text, places
            if places:
                self._append(BlockKind.ROW, text, self._before_row(lead), lead=lead, table=table, cells=tuple(places))
            text, places = "", []

        for at, cell in enumerate(cells):
            if not cell:
                continue
            written = self._cell(names, cells, at)
            if text and len(text) + len(written) > _LONGEST_ROW:
                flush()
                if name and at != header and header is not None:
                    text, places = name, [Cell(header, Span(len(name) - len(cells[header]), len(name)))]
            text += (CELL_SEPARATOR if text else "") + written
            places.append(Cell(at, Span(len(text) - len(cell), len(text))))
        flush()

    def _before_row(self, lead: Span | None) -> str:
        """Return what separates a row from the block before it: a blank line, unless that is a row or its lead."""
        last = self._blocks[-1] if self._blocks else None
        return "\n" if last is not None and (last.kind is BlockKind.ROW or last.span == lead) else "\n\n"

    @staticmethod
    def _cell(names: Sequence[str], cells: Sequence[str], at: int) -> str:
        return f"{names[at]}: {cells[at]}" if names[at] and cells[at] else cells[at]

    def _introduces(self, block: Block) -> bool:
        """Return whether a paragraph introduces the list or table after it, or an item the list inside it: it ends with a colon, or is a
        short line without a mark at its end (a caption, "You will need")."""
        if block.kind not in (BlockKind.PARAGRAPH, BlockKind.ITEM) or len(block.span) > _LONGEST_LEAD:
            return False
        if self._announces(block):
            return True
        text = self.text_of(block.span).rstrip()
        if is_short_question(text):
            return True  # it stands above its answers
        short = block.kind is BlockKind.PARAGRAPH and len(text) <= _LONGEST_CAPTION and "\n" not in text
        return self._captions and short and text[-1:] not in _ENDS_SENTENCE

    def _announces(self, block: Block) -> bool:
        """Return whether a short paragraph or item ends with a colon."""
        if block.kind not in (BlockKind.PARAGRAPH, BlockKind.ITEM) or len(block.span) > _LONGEST_LEAD:
            return False
        return ends_with_colon(self.text_of(block.span))

    def text_of(self, span: Span) -> str:
        """Return what was written at a span that lies in the last few blocks."""
        tail, start = "", self._length
        for piece in reversed(self._pieces):
            if start <= span.start:
                break
            tail, start = piece + tail, start - len(piece)
        return tail[span.start - start : span.end - start]

    def _append(
        self,
        kind: BlockKind,
        text: str,
        before: str = "\n\n",
        level: int = 0,
        lead: Span | None = None,
        table: int | None = None,
        cells: tuple[Cell, ...] = (),
        skip: int = 0,
    ) -> Span | None:
        cleaned = clean(text)
        text = cleaned.strip()
        if not text:
            return None
        before = before if self._pieces else ""
        if before == "\n" and self._blocks and self._blocks[-1].kind is BlockKind.HEADING:
            before = "\n\n"
        start = self._length + len(before)
        self._marks += [Mark(start, label) for label in self._pending]
        self._pending.clear()
        self._pieces.append(before + text)
        self._length = start + len(text)
        self._check_length()
        span = Span(start + min(skip, len(text)), start + len(text))
        placed = tuple(Cell(cell.column, cell.span.shifted(start)) for cell in cells)
        self._blocks.append(Block(kind, span, level, lead, table, placed))
        return span

    def _check_length(self) -> None:
        if self._length > self._limit:
            raise DocumentError("error.too_much_text", name=self._name, limit=f"{self._limit / 1e6:.0f}")

    def content(
        self,
        title: str = "",
        metadata: Mapping[str, str] | None = None,
        notes: tuple[DocumentError, ...] = (),
        pages: tuple[PageLayout, ...] = (),
        inside: int = 0,
    ) -> Content:
        """Return what was written."""
        kept = {key: value for key, raw in (metadata or {}).items() if (value := one_line(raw, _LONGEST_VALUE))}
        return Content(
            "".join(self._pieces),
            tuple(self._marks),
            one_line(title, _LONGEST_LABEL),
            kept,
            notes,
            tuple(self._blocks),
            tuple(self._tables),
            pages,
            inside,
        )


def clean(text: str) -> str:
    """Return a text in NFC without control characters and characters of private use, which only a font knows; bullets are kept."""
    return _CONTROL.sub("", nfc(text).translate(_SYMBOL_BULLETS))


def one_line(text: str, longest: int = _LONGEST_VALUE) -> str:
    """Return a text on one line, in NFC, without control characters, cut at `longest` characters."""
    return " ".join(clean(text).split())[:longest].strip()


def heading_paths(document: Document) -> list[tuple[str, ...]]:
    """Return for each block the headings above it, outermost first; a heading is not above itself."""
    paths: list[tuple[str, ...]] = []
    above: list[tuple[int, str]] = []
    for block in document.blocks:
        if block.kind is BlockKind.HEADING:
            while above and above[-1][0] >= block.level:
                above.pop()
            paths.append(tuple(label for _, label in above))
            above.append((block.level, one_line(block.span.of(document.text), _LONGEST_LABEL)))
        else:
            paths.append(tuple(label for _, label in above))
    return paths
