"""Build the tree of a document from the lines and tables of its pages: paragraphs, headings, lists and notes, joined across columns and
pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median

from rag.documents.formats.pdf.bidi import kind
from rag.documents.formats.pdf.layout import Piece, TextLine
from rag.documents.formats.pdf.table_structure import TableStructure, read_structure
from rag.documents.formats.pdf.tables import Grid, GridCell, is_number, is_year
from rag.documents.tree import PAGE, TreeWriter
from rag.schema import Block, Span
from rag.text.sentences import BULLETS

_LONGEST_HEADING = 160
_FEWEST_OF_REST = 4
_LARGER = 1.12  # times the size of the text: a heading
_SMALLER = 0.92  # a note at the foot of a page
_LONGEST_CAPTION = 220
_LONGEST_MERGED = 40
_ENDS = re.compile(r"[.!?؟؛;:…][\"'”»)\]]*(?:\s\[[\d,]+\])*$")
_LABEL = re.compile(
    rf"(?P<label>[{re.escape(BULLETS)}–o]|\(?\d{{1,3}}(?:\.\d{{1,2}})*[.)\-]|\(?[A-Za-zأ-ي][.)\-]|\([ivxIVX]{{1,5}}\)|\d{{1,2}}\.\d{{1,2}}(?:\.\d{{1,2}})*)\s+(?=\S)"
)
_NOTE = re.compile(r"\[?(?P<label>\d{1,3}|\*{1,3}|[a-z])[\]).]?\s+(?=\S)")
_RAISED_NOTE = re.compile(r"\[(?P<label>[\d,]{1,5})\]\s*(?=\S)")
_NUMBERED = re.compile(
    r"(?:(?:chapter|section|part|article|annex|appendix|schedule)\s+[\dIVXA-Z]+\b|(?:المادة|الفصل|الباب|القسم|الملحق|الجزء|البند|المبحث|المطلب)\s+\S+"
    r"|أولا|ثانيا|ثالثا|رابعا|خامسا|سادسا|سابعا|ثامنا|تاسعا|عاشرا|\d{1,2}(?:\.\d{1,2}){0,3}\.?\s)",
    re.I,
)
_OPEN_HEADING = re.compile(
    r"(?:\s(?:of|for|and|or|the|a|an|in|on|at|to|from|with|by|&)|(?:^|\s)(?:في|فى|من|على|إلى|عن|أو|بين|و|مع|حول))$|[-–—/,،]$", re.IGNORECASE
)
"""The end of a heading that goes on in the next line."""
_OPEN_SENTENCE = re.compile(
    r"\s(?:that|which|who|whose|is|are|was|were|be|been|shall|will|has|have|had|أن|إن|التي|الذي|الذين)$", re.IGNORECASE
)
"""The end of a line within a sentence, whatever the next one begins with."""
_CAPTION = re.compile(r"(?:table|exhibit|schedule|جدول|الجدول)\b", re.I)
_CLAUSE = re.compile(r"\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxIVX]{1,5}|[أ-ي])[.):]?")
"""The number of a clause or item."""
_HYPHENS = "-\u00ad\u2010"


@dataclass(slots=True)
class PageContent:
    """The content of a page in reading order, lines of columns and tables; `number` counts from 1."""

    number: int
    parts: list[list[TextLine] | Grid] = field(default_factory=list)
    plain: list[list[Piece]] = field(default_factory=list)
    """The words of paragraphs, from OCR."""


@dataclass(slots=True)
class _Part:
    """A paragraph, heading, item or note with its words, or a table."""

    kind: str
    text: str = ""
    label: str = ""
    pieces: list[tuple[int, Piece]] = field(default_factory=list)
    """The page and the box of each word."""
    breaks: list[tuple[int, int]] = field(default_factory=list)
    """(offset in the text, page) where another page begins inside it."""
    page: int = 0
    last: TextLine | None = None
    size: float = 0.0
    bold: bool = False
    rtl: bool = False
    open: bool = False
    """Return whether its last line was full, so that it may continue in the next column or on the next page."""
    table: TableStructure | None = None
    grid: Grid | None = None
    level: int = 1


def write(pages: Sequence[PageContent], writer: TreeWriter) -> dict[int, list[tuple[int, int, Piece]]]:
    """Write pages through `writer`. Return the words of each page, as (start, end, box)."""
    words: dict[int, list[tuple[int, int, Piece]]] = {page.number: [] for page in pages}
    body = _body_of(pages)
    vocabulary = _vocabulary(pages)
    parts = _continued(_named_from_above(list(_parts(pages, body, vocabulary))), vocabulary)
    _levels(parts)
    page = 0
    before: _Table | None = None
    at = 0
    while at < len(parts):
        part = parts[at]
        if part.page != page:
            page = part.page
            writer.mark(PAGE.format(n=page))
        if part.table is not None:
            before = _write_table(writer, part, "", before, words)
        elif (count := _captions(parts, at)) > 0 and (table := parts[at + count]).table is not None:
            caption = " ".join(p.text for p in parts[at : at + count])
            pieces = [piece for p in parts[at : at + count] for piece in p.pieces]
            before = _write_table(writer, table, caption, None, words, pieces)
            page = table.page
            at += count + 1
            continue
        else:
            _write_part(writer, part, words)
            page = part.breaks[-1][1] if part.breaks else page
            before = before if part.kind == "note" else None
        at += 1
    return words


# --- paragraphs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Body:
    """The size of most letters, whether most are bold, in which case bold type marks nothing, and how their lines are turned."""

    size: float
    bold: bool
    turn: int = 0


def _body_of(pages: Sequence[PageContent]) -> _Body:
    sizes: Counter[float] = Counter()
    turns: Counter[int] = Counter()
    bold = 0
    for page in pages:
        for part in page.parts:
            if not isinstance(part, Grid):
                for line in part:
                    sizes[round(line.size * 2) / 2] += len(line.text)
                    turns[_turn(line)] += len(line.text)
                    bold += len(line.text) if line.bold else 0
    size = max(sizes, key=lambda size: (sizes[size], size), default=10.0)
    return _Body(size, bold > 0.5 * max(1, sizes.total()), max(turns, key=lambda turn: turns[turn], default=0))


def _turn(line: TextLine) -> int:
    return line.words[0].turn if line.words else 0


def _vocabulary(pages: Sequence[PageContent]) -> frozenset[str]:
    """Return the words that occur unbroken within a line, as evidence for rejoining those hyphenated at its end."""
    found: set[str] = set()
    for page in pages:
        for part in page.parts:
            if not isinstance(part, Grid):
                for line in part:
                    found.update(word.strip(".,;:()[]\"'").casefold() for word in line.text.split() if word[-1:] not in _HYPHENS)
    return frozenset(found)


def _parts(pages: Sequence[PageContent], body: _Body, vocabulary: frozenset[str]) -> Iterator[_Part]:
    for page in pages:
        for words in page.plain:
            pieces = [(page.number, word) for word in words]
            yield _Part("paragraph", " ".join(word.text for word in words), pieces=pieces, page=page.number)
        for part in page.parts:
            if isinstance(part, Grid):
                table = read_structure(part)
                yield _Part("table", page=page.number, table=table, grid=part)
                for cell in table.after:
                    yield _Part("paragraph", cell.text, pieces=[(page.number, piece) for piece in cell.pieces], page=page.number)
            else:
                for group in _groups(part):
                    yield _part(group, part, page.number, body, vocabulary)


def _groups(lines: Sequence[TextLine]) -> Iterator[list[TextLine]]:
    """Yield the lines of each paragraph: a new one begins after a gap, after a line that had room for the next word, where size or weight
    changes, and with each item of a list."""
    if not lines:
        return
    pitches = [above.base - below.base for above, below in pairwise(lines)]
    pitch = median(pitches) if pitches else 0.0
    pitch = min(pitch, 1.7 * median(line.size for line in lines)) if pitch > 0 else pitch
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    group = [lines[0]]
    for before, line in pairwise(lines):
        if _begins(before, line, pitch, left, right, group):
            yield group
            group = []
        group.append(line)
    yield group


def _begins(before: TextLine, line: TextLine, pitch: float, left: float, right: float, group: Sequence[TextLine]) -> bool:
    size = max(before.size, line.size)
    gap = before.base - line.base
    if gap > max(1.35 * pitch, 1.1 * size) or abs(before.size - line.size) > 0.12 * size or before.rtl != line.rtl:
        return True
    if before.text[-1:] in _HYPHENS and before.text[-2:-1].isalpha() and line.text[:1].islower():
        return False
    if before.bold != line.bold and (before.bold and len(group) <= 2 and _is_short(before, left, right)):
        return True
    room = before.left - left if line.rtl else right - before.right
    indent = right - line.right if line.rtl else line.left - left
    earlier = right - before.right if line.rtl else before.left - left
    centred = abs((line.left + line.right) - (before.left + before.right)) < size and abs(room - earlier) < 2 * size and room > size
    if centred and abs(before.base - line.base) <= 1.5 * size and not _LABEL.match(line.text):
        return False
    unfinished = line.text[:1].islower() or _OPEN_HEADING.search(before.text) or _OPEN_SENTENCE.search(before.text)
    hanging = len(group) == 1 and unfinished and not _ENDS.search(before.text)
    return room > line.opening + 0.6 * size or (indent - earlier > 1.2 * size and not hanging) or _opens_item(line)


def _is_short(line: TextLine, left: float, right: float) -> bool:
    return line.right - line.left < 0.85 * (right - left)


def _opens_item(line: TextLine) -> bool:
    found = _LABEL.match(line.text)
    return found is not None and not (found["label"] == "o" and line.text[1:2] != " ") and not _is_decimal(line.text, found.end())


def _is_decimal(text: str, end: int) -> bool:
    """Return whether what looks like a label is a number in the text: "3.5 million"."""
    return re.match(r"\d+\.\d+\s+(?:[a-z%٪]|مليون|مليار|ألف|في|درجة|من)", text) is not None


def _part(group: Sequence[TextLine], column: Sequence[TextLine], page: int, body: _Body, vocabulary: frozenset[str]) -> _Part:
    text, pieces = "", list[tuple[int, Piece]]()
    for line in group:
        text, own = _joined(text, line, vocabulary)
        pieces += [(page, piece) for piece in own]
    first, last = group[0], group[-1]
    size = median(line.size for line in group)
    left, right = min(line.left for line in column), max(line.right for line in column)
    width = right - left
    room = last.left - left if last.rtl else right - last.right
    part = _Part("paragraph", text, "", pieces, [], page, last, size, all(line.bold for line in group), first.rtl)
    part.open = not _ENDS.search(text) and room < 0.25 * width
    below = size < _SMALLER * body.size
    if below and (found := _RAISED_NOTE.match(text) or (_NOTE.match(text) if last is column[-1] or first is not column[0] else None)):
        part.kind, part.label, part.text = "note", found["label"], text[found.end() :]
        part.open = False
    elif _is_heading(part, group, body):
        part.kind = "heading"
        part.open = False
    elif _opens_item(first) and (item := _LABEL.match(text)):
        part.kind, part.label, part.text = "item", item["label"], text[item.end() :]
    elif found := _RAISED_NOTE.match(text):
        part.kind, part.label, part.text = "note", found["label"], text[found.end() :]
        part.open = False
    return part


def _is_heading(part: _Part, group: Sequence[TextLine], body: _Body) -> bool:
    text = part.text
    letters = sum(c.isalpha() for c in text)
    if not letters >= 2 or len(text) > _LONGEST_HEADING or len(group) > 3 or part.size < 0.95 * body.size:
        return False
    if re.search(r"[.؛;،,:]$", text) and not re.match(r"\d+\.$", text):
        return False
    rest = text[0].islower() and len(text.split()) >= _FEWEST_OF_REST
    if rest or text[0] in BULLETS or _turn(group[0]) != body.turn:
        return False  # the rest of a sentence, an item, or a line along the margin
    if part.size >= _LARGER * body.size:
        return True
    return part.bold and not body.bold and len(group) <= 2 and (len(text) <= 90 or bool(_NUMBERED.match(text)))


def _joined(text: str, line: TextLine, vocabulary: frozenset[str]) -> tuple[str, list[Piece]]:
    """Return a paragraph with one more line, and the positions of that line's words in the new text."""
    pieces = list(line.pieces)
    if not text:
        return line.text, pieces
    return _glue(text, line.text, vocabulary), pieces


def _glue(text: str, line: str, vocabulary: frozenset[str]) -> str:
    """Join two lines; a hyphen at the end of the first is removed if it breaks a word."""
    if text[-1:] not in _HYPHENS or not text[-2:-1].isalpha() or not line[:1].isalpha() or kind(line[0]) != "L":
        return f"{text} {line}"
    head = re.search(r"[^\W\d_]+$", text[:-1])
    tail = re.match(r"[^\W\d_]+", line)
    if head is None or tail is None:
        return text + line
    first, second = head.group().casefold(), tail.group().casefold()
    if text[-1] == "\u00ad" or first + second in vocabulary:
        return text[:-1] + line
    if not line[0].islower() or f"{first}-{second}" in vocabulary:
        return text + line
    # Two words of the document, or a prefix that is written with a hyphen: "long-term", "well-being".
    compound = (first in vocabulary and second in vocabulary) or first in _PREFIXES
    return text + line if compound else text[:-1] + line


_PREFIXES = frozenset(
    "well long short non self half high low full part mid post pre co cross ex all inter multi semi anti off on over under non".split()
)


def _named_from_above(parts: Sequence[_Part]) -> list[_Part]:
    """Return the parts with each row that stands alone above a table, with at most a line between them, as the names of its columns."""
    found: list[_Part] = []
    for at, part in enumerate(parts):
        names = _lone_names(part)
        below = next((other for other in parts[at + 1 : at + 3] if other.table is not None or other.kind == "heading"), None)
        if names and below is not None and _fits(part, below):
            assert below.table is not None
            below.table.columns = [cell.text for cell in names]
            below.table.names, below.table.apart = [names], True
        else:
            found.append(part)
    return found


def _lone_names(part: _Part) -> list[GridCell]:
    """Return the cells of a table of one row that can only be the names of columns."""
    if part.table is None or part.table.columns or part.table.title or part.table.form:
        return []
    rows = [row for section in part.table.sections for row in section.rows]
    named = len(rows) == 1 and len(rows[0]) > 2 and all(cell.text and (not is_number(cell.text) or is_year(cell.text)) for cell in rows[0])
    return rows[0] if named else []


def _fits(above: _Part, below: _Part) -> bool:
    """Return whether a table has the columns of the row above it, values in them, and no names of its own."""
    if below.table is None or below.grid is None or above.grid is None or below.table.columns or below.table.form:
        return False
    rows = [row for section in below.table.sections for row in section.rows]
    values = [is_number(cell.text) for row in rows for cell in row[1:] if cell.text]
    over = [any(left - 8 < edge < right + 8 for edge in above.grid.edges) for left, right in pairwise(below.grid.edges)]
    same = len(above.grid.edges) == len(below.grid.edges) and all(over)
    return same and below.page == above.page and len(values) > 1 and sum(values) >= 0.6 * len(values)


# --- over the ends of columns and pages -----------------------------------------------------------------------------------


def _continued(parts: list[_Part], vocabulary: frozenset[str]) -> list[_Part]:
    """Join paragraphs that continue in the next column or on the next page; notes between the halves follow them."""
    found: list[_Part] = []
    waiting: list[_Part] = []
    for part in parts:
        last = found[-1] if found else None
        if part.kind == "note" and last is not None and last.kind in ("paragraph", "item") and last.open:
            waiting.append(part)
            continue
        if last is not None and _goes_on(last, part):
            glued = _glue(last.text, part.text, vocabulary)
            if part.page != (last.breaks[-1][1] if last.breaks else last.page):
                last.breaks.append((len(glued) - len(part.text), part.page))
            last.text, last.open, last.last = glued, part.open, part.last
            last.pieces += part.pieces
            continue
        found += waiting
        waiting = []
        found.append(part)
    return found + waiting


def _goes_on(last: _Part, part: _Part) -> bool:
    if last.kind == part.kind == "heading":
        same = last.page == part.page and abs(last.size - part.size) <= 0.1 * last.size and last.bold == part.bold
        open = _OPEN_HEADING.search(last.text) is not None or part.text[:1].islower()
        return same and open and len(last.text) + len(part.text) <= _LONGEST_HEADING
    if last.kind not in ("paragraph", "item") or part.kind != "paragraph" or not last.open or last.last is None or part.last is None:
        return False
    if abs(last.size - part.size) > 0.1 * last.size or last.rtl != part.rtl or last.bold != part.bold:
        return False
    # On the same page this is a new column; within a column, a paragraph that ends with a full line is complete.
    return part.page != last.page or part.last.base > last.last.base or part.text[:1].islower()


# --- writing --------------------------------------------------------------------------------------------------------------


def _levels(parts: Sequence[_Part]) -> None:
    """Set the levels of headings: larger type ranks above smaller, bold above regular."""
    styles = sorted({(round(part.size * 2) / 2, part.bold) for part in parts if part.kind == "heading"}, reverse=True)
    levels = {style: min(number, 6) for number, style in enumerate(styles, start=1)}
    for part in parts:
        if part.kind == "heading":
            part.level = levels[round(part.size * 2) / 2, part.bold]


def _write_part(writer: TreeWriter, part: _Part, words: dict[int, list[tuple[int, int, Piece]]]) -> None:
    cuts = [0, *(offset for offset, _ in part.breaks), len(part.text)]
    texts = [part.text[a:b] for a, b in pairwise(cuts)]
    span: Span | None
    if part.kind == "heading":
        span = writer.heading(part.text, part.level, marked=False)
    elif part.kind == "note":
        span = writer.note(part.text, part.label)
    elif part.kind == "item":
        span = writer.item(texts[0], part.label)
    else:
        span = writer.paragraph(texts[0])
    for text, (offset, page) in zip(texts[1:], part.breaks, strict=True):
        writer.mark(PAGE.format(n=page))
        more = writer.resume(text, " " if part.text[offset - 1 : offset].isspace() else "")
        span = Span(span.start, more.end) if span is not None and more is not None else span
    if span is not None:
        bullet = part.kind == "item" and not any(c.isalnum() for c in part.label)
        start = max(0, span.start - (len(part.label) + 1 if bullet else 0))
        place_words(writer, Span(start, span.end), part.pieces, words)


def place_words(
    writer: TreeWriter, span: Span, pieces: Iterable[tuple[int, Piece]], words: dict[int, list[tuple[int, int, Piece]]]
) -> None:
    """Record the positions of the words of a block: each is searched for after the one before it."""
    text, at = writer.text_of(span), 0
    for page, piece in pieces:
        wanted = piece.text
        found = text.find(wanted, at, at + len(wanted) + 60)
        if found < 0 and wanted[-1:] in _HYPHENS:
            wanted = wanted[:-1]
            found = text.find(wanted, at, at + len(wanted) + 60)
        if found < 0 or not wanted:
            continue
        words.setdefault(page, []).append((span.start + found, span.start + found + len(wanted), piece))
        at = found + len(wanted)


@dataclass(slots=True)
class _Table:
    """A table that was written, in case it continues on the next page."""

    columns: list[str]
    edges: tuple[float, ...]
    page: int
    title: str
    header: int | None
    form: bool


def _captions(parts: Sequence[_Part], at: int) -> int:
    """Return how many paragraphs before a table describe it: its number and name, its unit."""
    for count in (1, 2):
        if at + count >= len(parts):
            return 0
        here, table = parts[at : at + count], parts[at + count]
        if any(part.kind != "paragraph" or len(part.text) > _LONGEST_CAPTION for part in here):
            return 0
        if table.table is not None:
            named = _CAPTION.match(here[0].text) is not None
            last = here[-1]
            brief = len(last.text) <= 120 and not re.search(r"[.؟!?]$", last.text) and last.page == table.page
            return count if named or (count == 1 and brief) else 0
    return 0


def _write_table(
    writer: TreeWriter,
    part: _Part,
    caption: str,
    before: _Table | None,
    words: dict[int, list[tuple[int, int, Piece]]],
    caption_pieces: Sequence[tuple[int, Piece]] = (),
) -> _Table:
    table, grid = part.table, part.grid
    assert table is not None
    assert grid is not None
    title = " ".join(text for text in (caption, table.title) if text)
    columns, header = table.columns, table.header
    goes_on = (
        before is not None
        and not title
        and part.page == before.page + 1
        and not table.form
        and not before.form
        and len(before.edges) == len(grid.edges)
        and table.width == max(len(before.columns), 1)
        and all(abs(a - b) < 8 for a, b in zip(before.edges, grid.edges, strict=True))
    )
    sections = [(section.title, section.rows) for section in table.sections]
    if goes_on and before is not None:
        if columns and columns != before.columns:  # the first row was not a header
            sections = [("", table.names), *sections]
        columns, header, title = before.columns, before.header, ""
    # Without a header, or below one that stands apart, a line above the first rows is one like those above the others, unless it says
    # that it is a caption.
    first_only = (not columns or table.apart) and not sections[0][0] and not _CAPTION.match(title) if sections else False
    for number, (name, rows) in enumerate(sections):
        lead = " ".join(text for text in (title if number == 0 or (name and not first_only) else "", name) if text)
        first = len(writer)
        for run, filled in _runs(rows, table.form):
            if not filled:
                for row in run:
                    lead = f"{lead} {row[0].text}".strip()
                continue
            if table.form and _are_clauses(run):
                _write_clauses(writer, run, lead, part.page, words)
                lead = ""
                continue
            if table.form:
                columns = [_label(row[0].text) for row in run]
                texts = [["" if at != n else row[1].text for at in range(len(run))] for n, row in enumerate(run)]
            else:
                texts = [_texts_of(row) for row in run]
            blocks = writer.table(columns, texts, lead, header, label="")
            lead = ""
            for row, written in zip(run, blocks, strict=True):
                _place_row(writer, row, written, table.form, part.page, words)
            if number == 0 and caption_pieces and blocks and blocks[0]:
                place_words(writer, Span(first, max(first, blocks[0][0].span.start)), caption_pieces, words)
        if lead:
            writer.paragraph(lead)
    return _Table(columns, grid.edges, part.page, title, header, table.form)


def _are_clauses(rows: Sequence[Sequence[GridCell]]) -> bool:
    """Return whether the labels of what looks like a form are the numbers of clauses; lines that go on with a clause have none."""
    labels = [row[0].text.strip() for row in rows]
    return any(labels) and all(not label or _CLAUSE.fullmatch(label) for label in labels)


def _write_clauses(
    writer: TreeWriter, rows: Sequence[Sequence[GridCell]], lead: str, page: int, words: dict[int, list[tuple[int, int, Piece]]]
) -> None:
    """Write clauses as the items of a list, each with the lines that it goes on in."""
    writer.paragraph(lead)
    begun = False
    for row in rows:
        label, text = row[0].text.strip(), row[1].text.strip()
        if not label and (own := _LABEL.match(text)):
            label, text = own["label"], text[own.end() :]
        span = writer.item(text, label) if label else writer.resume(text) if begun else writer.paragraph(text)
        begun = begun or span is not None
        if span is not None:
            place_words(writer, span, [(page, piece) for cell in row for piece in cell.pieces], words)


def _texts_of(row: Sequence[GridCell]) -> list[str]:
    """Return the texts of a row; a short one that spans several columns is repeated in each, a long one is kept once."""
    return ["" if at and cell is row[at - 1] and len(cell.text) > _LONGEST_MERGED else cell.text for at, cell in enumerate(row)]


def _runs(rows: Sequence[list[GridCell]], form: bool) -> Iterator[tuple[list[list[GridCell]], bool]]:
    """Yield rows that follow one another, with whether they have values; of a table all do."""
    if not form:
        if rows:
            yield list(rows), True
        return
    for filled, run in groupby(rows, key=lambda row: len(row) > 1 and bool(row[1].text)):
        yield list(run), filled


def _place_row(
    writer: TreeWriter,
    row: Sequence[GridCell],
    blocks: Sequence[Block],
    form: bool,
    page: int,
    words: dict[int, list[tuple[int, int, Piece]]],
) -> None:
    """Record the positions of the words of a row, merged cells once."""
    seen: set[int] = set()
    for block in blocks:
        if form:
            place_words(writer, Span(block.span.start, block.cells[0].span.start), [(page, piece) for piece in row[0].pieces], words)
        for cell in block.cells:
            own = row[1] if form else row[cell.column]
            if id(own) not in seen:
                seen.add(id(own))
                place_words(writer, cell.span, [(page, piece) for piece in own.pieces], words)


def _label(text: str) -> str:
    return text.rstrip(" :：.…")
