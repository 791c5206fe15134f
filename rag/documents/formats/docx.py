"""Word documents: headings, paragraphs, lists with their numbers, tables and notes, as printed with all tracked changes accepted."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rag.documents.formats.docx_numbering import Numbering
from rag.documents.formats.markup_superscripts import lower_text, raise_text
from rag.documents.formats.metadata import AUTHOR, DATE
from rag.documents.formats.safe_zip import open_archive
from rag.documents.table_headers import SpanningCell
from rag.documents.tree import Content, Limits, TreeWriter
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_INSIDE = frozenset((f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml", f"{_W}smartTag", f"{_W}moveTo"))
_BREAKS = frozenset((f"{_W}br", f"{_W}cr"))
# What a reader does not see: deleted text, the second rendering of a text box, instructions of fields, phonetic guides.
_UNSEEN = frozenset((f"{_W}del", f"{_W}moveFrom", f"{_MC}Fallback", f"{_W}instrText", f"{_W}rt", f"{_W}p", f"{_W}pPr", f"{_W}rPr"))
_NOTES = {f"{_W}footnoteReference": "footnotes", f"{_W}endnoteReference": "endnotes"}
_HEADER, _FOOTER = "header", "footer"
"""The labels of page headers and footers."""
_MANY_COLUMNS = 200
_GROUPS = re.compile(r"(?<![\d.,/:٫٬-])\d{3}(?:[ \u00a0]\d{3}){0,3}[ \u00a0]\d{1,3}(?![\d/:]|[.,٫٬]\d)")
_OFF = ("0", "false", "off")
_NO_FILL = frozenset(("AUTO", "FFFFFF"))


def read_docx(data: bytes, name: str, limits: Limits) -> Content:
    """Return a document's text with its properties. Raises DocumentError if it is damaged, protected or too large when unpacked."""
    with open_archive(data, name, limits):
        pass
    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        document = docx.Document(io.BytesIO(data))
        body = getattr(document.element, "body", None)
        if body is None:
            raise ValueError("word/document.xml: no body")
        properties = document.core_properties
        title, author = properties.title or "", properties.author or ""
        created = properties.created
        parts = _parts(document)
        styles = {style.style_id: style for style in document.styles}
    except (OpcError, LxmlError, KeyError, ValueError, AttributeError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
    numbering = Numbering.of(parts.get("numbering"), parts.get("styles"))
    reader = _WordDocument(TreeWriter(name, limits), name, limits, styles, numbering, _notes(parts))
    reader.write(body)
    for kind, label in ((_HEADER, _HEADER), (_FOOTER, _FOOTER)):
        reader.write_margins(parts, kind, label)
    count = len(parts["comments"]) if "comments" in parts else 0
    notes = (DocumentError("error.comments_left_out", name=name, count=count),) if count else ()
    named = next((reader.text(p) for p in body.iter(f"{_W}p") if reader.style(p) == "title"), "")
    made = author == "python-docx"  # its template has an author and a date of its own
    fields = {AUTHOR: "" if made else author, DATE: created.date().isoformat() if created and not made else ""}
    return reader.writer.content(named or title, fields, notes)


def _parts(document: Any) -> dict[str, _Element]:
    """Return the roots of the parts other than the body: numbering, styles, notes, comments, and headers and footers by their names."""
    from rag.documents.formats.epub import xml

    found: dict[str, _Element] = {}
    for relation in document.part.rels.values():
        kind = "" if relation.is_external else relation.reltype.rpartition("/")[2]
        if kind in ("numbering", "styles", "footnotes", "endnotes", "comments"):
            found[kind] = xml(relation.target_part.blob, "")
        elif kind in (_HEADER, _FOOTER):
            found[f"{kind} {relation.rId}"] = xml(relation.target_part.blob, "")
    return found


def _notes(parts: dict[str, _Element]) -> dict[tuple[str, str], _Element]:
    """Return footnotes and endnotes by kind and number, without the separator lines."""
    return {
        (kind, note.get(f"{_W}id") or ""): note
        for kind in ("footnotes", "endnotes")
        for note in parts.get(kind, ())
        if note.get(f"{_W}type") not in ("separator", "continuationSeparator", "continuationNotice")
    }


@dataclass(slots=True)
class _WordDocument:
    """Writes one document into a tree. `pending` holds the notes that the current paragraph refers to."""

    writer: TreeWriter
    name: str
    limits: Limits
    styles: dict[str, Any]
    numbering: Numbering
    notes: dict[tuple[str, str], _Element]
    pending: list[tuple[str, _Element]] = field(default_factory=list)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def write(self, root: _Element) -> None:
        """Write the paragraphs and tables of an element in document order."""
        for element in self._children(root):
            if element.tag == f"{_W}tbl":
                self._table(element)
            else:
                self._paragraph(element)

    def _children(self, root: _Element) -> Iterator[_Element]:
        """Yield paragraphs and tables, including those in content controls and insertions; those in text boxes follow their paragraph."""
        waiting: list[tuple[_Element, int]] = [(child, 1) for child in reversed(root)]
        while waiting:
            element, depth = waiting.pop()
            if depth > self.limits.nesting:
                raise DocumentError("error.too_nested", name=self.name)
            if element.tag in _INSIDE:
                waiting += [(child, depth + 1) for child in reversed(element)]
            elif element.tag == f"{_W}p":
                yield element
                waiting += [(box, depth + 1) for box in reversed(list(_boxes(element)))]
            elif element.tag == f"{_W}tbl":
                yield element

    def _paragraph(self, element: _Element) -> None:
        text = self.text(element)
        label = self.numbering.label(element) if text else None
        style = self.style(element)
        if style.startswith("toc "):
            return  # a line of the table of contents
        if text and style.startswith(("heading ", "title")):
            level = int(style[8:9]) if style[8:9].isdigit() else 1
            self.writer.heading(f"{label.text} {text}" if label and label.is_number else text, level)
        elif label is not None:
            self.writer.item(text, label.text if label.is_number else "-", label.level)
        else:
            self.writer.paragraph(text)
        self._write_notes()

    def _write_notes(self) -> None:
        pending, self.pending = self.pending, []
        for number, note in pending:
            self.writer.note(" ".join(text for p in note.iter(f"{_W}p") if (text := self.text(p))), number)

    def write_margins(self, parts: dict[str, _Element], kind: str, label: str) -> None:
        """Write the headers or footers of pages once, under their name."""
        seen: dict[str, None] = {}
        for key, root in parts.items():
            if key.startswith(f"{kind} "):
                lines = [text for p in root.iter(f"{_W}p") if (text := self.text(p))]
                seen.update(dict.fromkeys([" ".join(lines)] if any(any(map(str.isalpha, line)) for line in lines) else []))
        for text in seen:
            self.writer.mark(label)
            self.writer.paragraph(text)

    # --- tables -----------------------------------------------------------------------------------------------------------

    def _table(self, table: _Element) -> None:
        grid: list[list[str]] = []
        named, looks = 0, list[tuple[bool, str]]()
        above: dict[int, str] = {}
        for row in self._rows(table):
            cells, at, merged = list[str](), 0, dict[int, str]()
            properties = row.find(f"{_W}trPr/{_W}gridBefore")
            cells += [""] * min(_number(properties), _MANY_COLUMNS)
            at = len(cells)
            count = 0 if at == 0 else 1  # cells, and what stands in place of some at the beginning
            for cell in self._cells(row):
                count += 1
                span = max(1, min(_number(cell.find(f"{_W}tcPr/{_W}gridSpan")) or 1, _MANY_COLUMNS))
                vertical = cell.find(f"{_W}tcPr/{_W}vMerge")
                text = self._cell(cell)
                if vertical is not None and vertical.get(f"{_W}val") != "restart":
                    text = text or above.get(at, "")
                if vertical is not None:
                    merged[at] = text
                cells += [text] * span
                at += span
            above = merged
            looks.append(_look(row))
            if any(cells) and row.find(f"{_W}trPr/{_W}tblHeader") is not None:
                named += named == sum(any(before) for before in grid)  # blank rows name nothing
            grid.append([SpanningCell(cells[0]), *[""] * (at - 1)] if count == 1 and at > 1 and not merged else cells)
        self.writer.grid(grid, names=named or _named_by_look(looks, grid))
        self._write_notes()

    def _rows(self, table: _Element) -> Iterator[_Element]:
        """Yield the rows of a table, including those in content controls, without deleted ones."""
        for row in _nested(table, f"{_W}tr"):
            if row.find(f"{_W}trPr/{_W}del") is None:
                yield row

    def _cells(self, row: _Element) -> Iterator[_Element]:
        for cell in _nested(row, f"{_W}tc"):
            if cell.find(f"{_W}tcPr/{_W}cellDel") is None:
                yield cell

    def _cell(self, cell: _Element) -> str:
        """Return the text of a cell on one line, nested tables included."""
        parts = []
        for p in cell.iter(f"{_W}p"):
            if text := self.text(p):
                label = self.numbering.label(p)
                parts.append(f"{label.text} {text}" if label and label.is_number else text)
        return " ".join(" ".join(parts).split())

    # --- paragraphs -------------------------------------------------------------------------------------------------------

    def style(self, paragraph: _Element) -> str:
        """Return the name of a paragraph's style in lower case: "heading 1", "title"; a style that is based on a heading, or that has an
        outline level, is a heading too."""
        found = paragraph.find(f"{_W}pPr/{_W}pStyle")
        style = self.styles.get(found.get(f"{_W}val") or "") if found is not None else None
        own = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
        if own is not None and _number(own) < 9:
            return f"heading {_number(own) + 1}"
        for _ in range(10):
            if style is None:
                return ""
            name = (style.name or "").lower()
            if name.startswith(("heading ", "title", "toc ")) and name != "toc heading":
                return name
            level = style.element.find(f"{_W}pPr/{_W}outlineLvl")
            if level is not None and _number(level) < 9:
                return f"heading {_number(level) + 1}"
            style = getattr(style, "base_style", None)
        return ""

    def text(self, paragraph: _Element) -> str:
        """Return the text of a paragraph with all tracked changes accepted; its notes are kept until the paragraph is written."""
        found = ""
        waiting = list(reversed(paragraph))
        while waiting:
            element = waiting.pop()
            if element.tag == f"{_W}t":
                found += self._run_text(element, found)
            elif element.tag == f"{_W}tab":
                found += "\t"
            elif element.tag in _BREAKS:
                found += "\n"
            elif element.tag == f"{_W}noBreakHyphen":
                found += "-"
            elif element.tag == f"{_W}sym":
                found += _symbol(element)
            elif element.tag in _NOTES:
                found += self._refer(_NOTES[element.tag], element.get(f"{_W}id") or "")
            elif element.tag not in _UNSEEN:
                waiting += reversed(element)
        return found.strip()

    def _run_text(self, element: _Element, before: str) -> str:
        text = element.text or ""
        run = element.getparent()
        if run is not None and (marked := run.find(f"{_W}rPr/{_W}rtl")) is not None and marked.get(f"{_W}val") not in _OFF:
            text = numbers_as_displayed(text)
        place = run.find(f"{_W}rPr/{_W}vertAlign") if run is not None else None
        where = place.get(f"{_W}val") if place is not None else ""
        if where == "superscript":
            return raise_text(before, text)
        return lower_text(text) if where == "subscript" else text

    def _refer(self, kind: str, id: str) -> str:
        """Return the mark of a note, and keep the note for after the paragraph. A note is written once, at its first reference."""
        note = self.notes.get((kind, id))
        if note is None:
            return ""
        known = (kind, id) in self.numbers
        number = self.numbers.setdefault((kind, id), len(self.numbers) + 1)
        if not known:
            self.pending.append((str(number), note))
        return f" [{number}]"


def numbers_as_displayed(text: str) -> str:
    """Return a right-to-left text with the groups of its numbers in the order in which they are displayed.

    A space between two groups of digits takes the direction of the text, so that «081 3» is displayed as 3 081, and is written so. Three
    and more groups of three digits are left as they are, unless the first is 000: they may be a telephone number.
    """

    def turned(match: re.Match[str]) -> str:
        groups = re.split(r"([ \u00a0])", match[0])
        if len(groups[-1]) == 3 and len(groups) > 3 and groups[0] not in ("000", "٠٠٠"):
            return match[0]
        return "".join(reversed(groups))

    return _GROUPS.sub(turned, text)


def _look(row: _Element) -> tuple[bool, str]:
    """Return whether all text of a row is bold, and the colour behind all of its cells, "" for none or several."""
    runs = [run for run in row.iter(f"{_W}r") if any((text.text or "").strip() for text in run.iter(f"{_W}t"))]
    bold = [run.find(f"{_W}rPr/{_W}b") for run in runs]
    fills = {
        (shade.get(f"{_W}fill") or "" if (shade := cell.find(f"{_W}tcPr/{_W}shd")) is not None else "").upper()
        for cell in row.iter(f"{_W}tc")
    }
    fill = next(iter(fills)) if len(fills) == 1 else ""
    return bool(bold) and all(one is not None and one.get(f"{_W}val") not in _OFF for one in bold), "" if fill in _NO_FILL else fill


def _named_by_look(looks: list[tuple[bool, str]], grid: list[list[str]]) -> int:
    """Return 1 if the first row alone is bold or coloured, -1 if a table of two columns has a first row like the others, 0 if that says
    nothing."""
    if len(looks) < 2 or len(set(filter(None, grid[0]))) < 2:
        return 0
    (bold, fill), others = looks[0], looks[1:]
    if (bold and not any(other for other, _ in others)) or (fill and not any(other == fill for _, other in others)):
        return 1
    return -1 if len(grid[0]) == 2 and looks[0] == looks[1] else 0


def _nested(root: _Element, tag: str) -> Iterator[_Element]:
    """Yield the children of a kind, including those inside content controls and insertions."""
    waiting = list(reversed(root))
    while waiting:
        element = waiting.pop()
        if element.tag == tag:
            yield element
        elif element.tag in _INSIDE:
            waiting += reversed(element)


def _boxes(paragraph: _Element) -> Iterator[_Element]:
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        if element.tag == f"{_W}txbxContent":
            yield from element
        elif element.tag != f"{_MC}Fallback":
            waiting += reversed(element)


def _number(element: _Element | None) -> int:
    value = element.get(f"{_W}val") if element is not None else None
    return int(value) if value and value.lstrip("-").isdigit() else 0


def _symbol(element: _Element) -> str:
    """Return a character of a symbol font that is known: bullets and ticks are the ones that matter."""
    return {"F0FE": "☑", "F06F": "☐", "F0A8": "☐", "F0FC": "✓", "F0FB": "✗", "F0B7": "•"}.get((element.get(f"{_W}char") or "").upper(), "")
