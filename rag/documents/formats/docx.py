"""Word documents: paragraphs, tables and notes in their order, headings as marks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.documents.formats.archive import opened
from rag.documents.formats.content import AUTHOR, DATE, Content, Limits, TextWriter, heading
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_INSIDE = frozenset((f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml", f"{_W}smartTag", f"{_W}moveTo"))
_BREAKS = frozenset((f"{_W}br", f"{_W}cr"))
# What is not there for the reader: deleted text, the second rendering of a text box, instructions of fields, phonetic guides.
_UNSEEN = frozenset((f"{_W}del", f"{_W}moveFrom", f"{_MC}Fallback", f"{_W}instrText", f"{_W}rt", f"{_W}p", f"{_W}pPr", f"{_W}rPr"))
_NOTES = ("footnotes", "endnotes")


def read_docx(data: bytes, name: str, limits: Limits) -> Content:
    """A document's text with its properties. Raises DocumentError when it is damaged, protected or unpacks to too much."""
    with opened(data, name, limits):
        pass
    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        document = docx.Document(io.BytesIO(data))
        body = document.element.body
        styles = {style.style_id: (style.name or "") for style in document.styles}
        properties = document.core_properties
        title, author = properties.title or "", properties.author or ""
        created = properties.created
    except (OpcError, LxmlError, KeyError, ValueError, AttributeError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
    writer = TextWriter(name, limits)
    _write(writer, body, styles, name, limits)
    for root in _notes(document):
        _write(writer, root, styles, name, limits)
    named = next((_text(p) for p in body.iter(f"{_W}p") if _style(p, styles) == "title"), "")
    fields = {AUTHOR: "" if author == "python-docx" else author, DATE: created.date().isoformat() if created else ""}
    return writer.content(named or title, fields)


def _notes(document: Any) -> Iterator[_Element]:
    """The roots of foot- and endnotes, which stand in parts of their own."""
    from rag.documents.formats.epub import xml

    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.rpartition("/")[2] in _NOTES:
            yield xml(relation.target_part.blob, "")


def _write(writer: TextWriter, root: _Element, styles: dict[str, str], name: str, limits: Limits) -> None:
    waiting: list[tuple[_Element, int]] = [(child, 1) for child in reversed(root)]
    before = "\n\n"
    while waiting:
        element, depth = waiting.pop()
        if depth > limits.nesting:
            raise DocumentError("error.too_nested", name=name)
        if element.tag in _INSIDE or element.tag in (f"{_W}footnote", f"{_W}endnote"):
            if element.get(f"{_W}type") not in ("separator", "continuationSeparator", "continuationNotice"):
                waiting += [(child, depth + 1) for child in reversed(element)]
        elif element.tag == f"{_W}p":
            text = _text(element)
            style = _style(element, styles)
            if text and style.startswith(("heading ", "title")):
                writer.mark(heading(text))
            listed = element.find(f"{_W}pPr/{_W}numPr") is not None and not style.startswith("heading ")
            writer.block(f"- {text}" if text and listed else text, before if listed else "\n\n")
            before = "\n" if listed else "\n\n"
            # A text box stands in a paragraph and holds paragraphs of its own.
            waiting += [(box, depth + 1) for box in reversed(list(_boxes(element)))]
        elif element.tag == f"{_W}tbl":
            before = "\n\n"
            for row in element.findall(f"{_W}tr"):
                cells = [" ".join(t for p in cell.iter(f"{_W}p") if (t := _text(p))) for cell in row.findall(f"{_W}tc")]
                writer.block(" | ".join(" ".join(cell.split()) for cell in cells if cell), before)
                before = "\n"
            before = "\n\n"


def _boxes(paragraph: _Element) -> Iterator[_Element]:
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        if element.tag == f"{_W}txbxContent":
            yield from element
        elif element.tag != f"{_MC}Fallback":
            waiting += reversed(element)


def _style(paragraph: _Element, styles: dict[str, str]) -> str:
    """The name of a paragraph's style in lower case: "heading 1", "title"; "heading" also where only an outline level says so."""
    found = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = styles.get(found.get(f"{_W}val") or "", "").lower() if found is not None else ""
    level = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
    return "heading 1" if level is not None and not name.startswith("heading") else name


def _text(paragraph: _Element) -> str:
    """The text of a paragraph as it stands when all changes are accepted."""
    found: list[str] = []
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        if element.tag == f"{_W}t":
            found.append(element.text or "")
        elif element.tag == f"{_W}tab":
            found.append("\t")
        elif element.tag in _BREAKS:
            found.append("\n")
        elif element.tag == f"{_W}noBreakHyphen":
            found.append("-")
        elif element.tag not in _UNSEEN:
            waiting += reversed(element)
    return "".join(found).strip()
