"""OpenDocument texts and spreadsheets. Their XML holds every value as displayed, so lxml is enough to read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.documents.formats.cells import is_named, spread_merged, trimmed
from rag.documents.formats.safe_zip import member, open_archive
from rag.documents.tree import Content, Limits, TreeWriter
from rag.errors import DocumentError

_NAMESPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
    "manifest": "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0",
}
_MOST_REPEATED = 1000
"""Most repetitions of a row or cell that are written; more are the empty rest of a sheet."""
_DEEPEST = 100


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


_LEFT_OUT = frozenset(
    _tag(name) for name in ("text:tracked-changes", "office:annotation", "office:forms", "text:sequence-decls", "text:note")
)
_SPACES = {_tag("text:tab"): "\t", _tag("text:line-break"): "\n"}


def read_odt(data: bytes, name: str, limits: Limits) -> Content:
    """Return a text with its headings, lists, tables and notes; deleted text and comments are left out. Raises DocumentError."""
    body, title = _body(data, name, limits, "office:text")
    reader = _Text(TreeWriter(name, limits), name)
    reader.blocks(body)
    return reader.writer.content(title=title)


def read_ods(data: bytes, name: str, limits: Limits) -> Content:
    """Return the sheets of a spreadsheet as sections, their cells as displayed. Raises DocumentError."""
    body, title = _body(data, name, limits, "office:spreadsheet")
    writer = TreeWriter(name, limits)
    sheets = body.findall("table:table", _NAMESPACES)
    for sheet in sheets:
        rows = _cells(sheet)
        if any(any(row) for row in rows):
            if is_named(name_of := sheet.get(_tag("table:name"), ""), len(sheets)):
                writer.heading(name_of)
            writer.grid(rows)
    return writer.content(title=title)


def _body(data: bytes, name: str, limits: Limits, kind: str) -> tuple[Any, str]:
    """Return the body element of the document, and its title."""
    import lxml.etree as etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    with open_archive(data, name, limits) as archive:
        members = set(archive.namelist())
        if "META-INF/manifest.xml" in members and b"encryption-data" in member(archive, "META-INF/manifest.xml", name):
            raise DocumentError("error.protected", name=name)
        content = member(archive, "content.xml", name)
        meta = member(archive, "meta.xml", name) if "meta.xml" in members else b""
    try:
        body = etree.fromstring(content, parser).find(f"office:body/{kind}", _NAMESPACES)
        title = etree.fromstring(meta, parser).findtext(".//dc:title", "", _NAMESPACES) if meta else ""
    except etree.XMLSyntaxError as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
    if body is None:
        raise DocumentError("error.damaged", name=name, reason=f"no {kind}")
    return body, (title or "").strip()


class _Text:
    """Writes the blocks of a text."""

    def __init__(self, writer: TreeWriter, name: str) -> None:
        self.writer = writer
        self._name = name

    def blocks(self, parent: Any, level: int = -1, depth: int = 0) -> None:
        """Write the blocks of an element; `level` is that of the list they stand in, -1 outside."""
        if depth > _DEEPEST:
            raise DocumentError("error.too_nested", name=self._name)
        for element in parent:
            if not isinstance(element.tag, str) or element.tag in _LEFT_OUT:
                continue
            if element.tag == _tag("text:h"):
                self.writer.heading(plain(element), int(element.get(_tag("text:outline-level"), "1")))
            elif element.tag == _tag("text:p"):
                self._paragraph(element, level)
                self._within(element, depth)
            elif element.tag == _tag("text:list"):
                for item in element:
                    self.blocks(item, level + 1, depth + 1)
            elif element.tag == _tag("table:table"):
                self.writer.grid(_cells(element))
            else:  # a section, an index, a frame
                self.blocks(element, level, depth + 1)

    def _paragraph(self, element: Any, level: int) -> None:
        text = plain(element)
        if level >= 0:
            self.writer.item(text, level=level)
        else:
            self.writer.paragraph(text)

    def _within(self, paragraph: Any, depth: int) -> None:
        """Write what is anchored in a paragraph: notes, and the text of frames."""
        for note in paragraph.iterfind(".//text:note", _NAMESPACES):
            label = note.findtext("text:note-citation", "", _NAMESPACES)
            body = note.find("text:note-body", _NAMESPACES)
            if body is not None:
                self.writer.note(" ".join(plain(part) for part in body), label or "")
        for box in paragraph.iterfind(".//draw:text-box", _NAMESPACES):
            self.blocks(box, depth=depth + 1)


def plain(element: Any) -> str:
    """Return the text of a paragraph, heading or cell, with its spaces and line breaks, a note as its mark."""
    return "".join(_pieces(element, 0)).strip()


def _pieces(element: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    yield element.text or ""
    for child in element:
        if child.tag == _tag("text:s"):
            yield " " * min(int(child.get(_tag("text:c"), "1")), _MOST_REPEATED)
        elif child.tag in _SPACES:
            yield _SPACES[child.tag]
        elif child.tag == _tag("text:note"):
            yield f"[{child.findtext('text:note-citation', '', _NAMESPACES)}]"
        elif isinstance(child.tag, str) and child.tag not in _LEFT_OUT and child.tag != _tag("draw:frame"):
            yield from _pieces(child, depth + 1)
        yield child.tail or ""


def _cells(table: Any) -> list[list[str]]:
    """Return a table's cells as rows of the same grid, merged ones repeated in every position they cover."""
    rows: list[list[str]] = []
    merged: list[tuple[int, int, int, int]] = []
    for row in table.iter(_tag("table:table-row")):
        if next(row.iterancestors(_tag("table:table"))) is not table:
            continue
        cells: list[str] = []
        for cell in row:
            if cell.tag not in (_tag("table:table-cell"), _tag("table:covered-table-cell")):
                continue
            text = " ".join(part for part in (plain(p) for p in cell.iterfind("text:p", _NAMESPACES)) if part)
            wide, high = (int(cell.get(_tag(f"table:number-{kind}-spanned"), "1")) for kind in ("columns", "rows"))
            if wide > 1 or high > 1:
                merged.append((len(rows), len(cells), len(rows) + high, len(cells) + wide))
            cells += [text] * min(int(cell.get(_tag("table:number-columns-repeated"), "1")), _MOST_REPEATED)
        kept = trimmed([cells])
        for _ in range(min(int(row.get(_tag("table:number-rows-repeated"), "1")), _MOST_REPEATED if kept else 1)):
            rows.append(list(cells) if kept else [])
    width = max((len(row) for row in trimmed(rows)), default=0)
    even = [(row + [""] * width)[:width] for row in trimmed(rows)]
    spread_merged(even, merged)
    return even
