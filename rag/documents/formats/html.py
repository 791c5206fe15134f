"""HTML and XHTML: what a reader of the page sees, headings as marks, and what the page says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.documents.formats.content import AUTHOR, DATE, SOURCE, Content, Limits, TextWriter, heading, iso_date, one_line, url
from rag.documents.formats.plain import decode
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNSEEN = frozenset(
    """script style noscript template head svg nav iframe object embed canvas audio video select datalist button input textarea
    dialog map rp meta link title""".split()
)
_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3
    h4 h5 h6 header hr html legend li main menu ol p pre section summary table tbody td tfoot th thead tr ul""".split()
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_LINES = frozenset(("li", "tr", "dd", "dt"))  # one under the other, not paragraphs
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{2,40})""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_ENCODINGS = frozenset("utf-8 utf8 us-ascii ascii windows-1256 cp1256 windows-1252 cp1252 iso-8859-1 iso-8859-6 iso-8859-15 latin1".split())


def read_html(data: bytes, name: str, limits: Limits) -> Content:
    """A page: paragraphs, list items and table rows in the order of the file; scripts, menus and hidden parts are left out."""
    return page(text_of(data, name), name, limits)


def text_of(data: bytes, name: str) -> str:
    """The characters of a page, in the encoding it declares if that fits, else as `decode` finds it."""
    start = data[:4096]
    declared = _CHARSET.search(start) or _DECLARED.search(start)
    encoding = declared[1].decode("ascii").lower() if declared else ""
    if encoding in _ENCODINGS and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            # What pages call Latin-1 is Windows-1252, as every browser reads it.
            text = data.decode("cp1252" if encoding in ("iso-8859-1", "latin1", "us-ascii", "ascii") else encoding)
        except UnicodeDecodeError:
            pass
        else:
            if "\0" not in text:
                return text
    return decode(data, name)


def page(text: str, name: str, limits: Limits) -> Content:
    """The content of a page that is decoded. Raises DocumentError when its elements stand in one another too deeply."""
    root = parsed(text, name, limits)
    if root is None:
        return Content("")
    writer = TextWriter(name, limits)
    body = root.find("body") if root.tag == "html" else root
    write_blocks(writer, root if body is None else body)
    fields = dict(_fields(root))
    heads = [label for element in root.iter("h1") if (label := one_line(_text(element)))]
    title = heads[0] if len(heads) == 1 else fields.pop("title", "") or next(iter(heads), "")
    fields.pop("title", None)
    return writer.content(title, fields)


def parsed(text: str, name: str, limits: Limits) -> _Element | None:
    """The root element of a page; None where there is none. Nothing is fetched, and no entity but HTML's own is known."""
    from lxml import etree, html

    text = _DECLARATION.sub("", text.lstrip("\ufeff"), count=1).replace("\0", "")
    if not text.strip():
        return None
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        root: Any = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        root = None
    # The parser stops at the depth it can bear and keeps what came before: half a page is not the page.
    if any("depth" in entry.message.lower() for entry in parser.error_log):
        raise DocumentError("error.too_nested", name=name)
    if root is not None and _depth(root) > limits.nesting:
        raise DocumentError("error.too_nested", name=name)
    return root


def _depth(root: _Element) -> int:
    deepest, waiting = 0, [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in element]
    return deepest


def write_blocks(writer: TextWriter, body: _Element) -> None:
    """Write what is seen of an element: a paragraph for each block, a line for each list item or row, a mark for each heading."""
    line: list[str] = []
    pre = 0
    kind = ""

    def flush() -> None:
        nonlocal kind
        raw = "".join(line)
        line.clear()
        text = raw if pre else "\n".join(" ".join(part.split()) for part in raw.split("\v"))
        text = re.sub(r"(?: \|)+$", "", text.strip())
        if text and kind in _HEADINGS:
            writer.mark(heading(text))
        writer.block(f"- {text}" if text and kind == "li" else text, "\n" if kind in _LINES else "\n\n")
        kind = "" if kind != "tr" else kind

    for opens, element in _walk(body):
        tag = element.tag
        if opens:
            if tag == "br":
                line.append("\n" if pre else "\v")
            elif tag in ("td", "th"):
                if "".join(line).strip():
                    line.append(" | ")
            elif tag in _BLOCKS and kind != "tr":
                flush()
                kind = str(tag)
            elif tag in _BLOCKS:
                line.append(" ")
            pre += tag == "pre"
            line.append(element.text or "")
        else:
            if tag in _BLOCKS and tag not in ("td", "th") and (kind != "tr" or tag in ("tr", "table")):
                flush()
                kind = ""
            pre -= tag == "pre"
            if element is not body:
                line.append(element.tail or "")
    flush()


def _walk(body: _Element) -> Iterator[tuple[bool, _Element]]:
    """Each element that is seen, as (True, element) when it opens and (False, element) when it closes."""
    waiting: list[tuple[bool, _Element]] = [(True, body)]
    while waiting:
        opens, element = waiting.pop()
        if opens and element is not body and _unseen(element):
            if element.tail:
                # Its tail belongs to what stands around it.
                yield False, _Tail(element.tail)
            continue
        yield opens, element
        if opens:
            waiting.append((False, element))
            waiting += [(True, child) for child in reversed(element)]


class _Tail:
    """Text after an element that is not seen."""

    tag = ""
    text = None

    def __init__(self, tail: str) -> None:
        self.tail = tail


def _unseen(element: _Element) -> bool:
    if not isinstance(element.tag, str) or element.tag in _UNSEEN:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true" or element.get("role") in ("navigation", "menu"):
        return True
    return _HIDDEN.search(element.get("style") or "") is not None


def _text(element: _Element) -> str:
    return "".join(str(part) for part in element.itertext())


_NAMES = {
    "author": AUTHOR, "article:author": AUTHOR, "dc.creator": AUTHOR, "dcterms.creator": AUTHOR, "citation_author": AUTHOR,
    "date": DATE, "article:published_time": DATE, "dc.date": DATE, "dcterms.date": DATE, "dcterms.created": DATE,
    "datepublished": DATE, "citation_publication_date": DATE, "pubdate": DATE, "og:url": SOURCE, "dc.source": SOURCE,
    "og:title": "title", "dc.title": "title", "citation_title": "title", "description": "description", "keywords": "keywords",
    "og:site_name": "site",
}  # fmt: skip


def _fields(root: _Element) -> Iterator[tuple[str, str]]:
    """What a page says of itself in its head; the first of two that say the same wins."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        key = (element.get("name") or element.get("property") or element.get("itemprop") or "").strip().lower()
        value = one_line(element.get("content") or "")
        ours = _NAMES.get(key)
        if ours == DATE:
            value = iso_date(value)
        elif ours == SOURCE or (ours == AUTHOR and value.startswith("http")):
            value = url(value) if ours == SOURCE else ""
        if ours and value:
            found.setdefault(ours, value)
    for element in root.iter("link"):
        if (element.get("rel") or "").lower() == "canonical" and (value := url(element.get("href") or "")):
            found[SOURCE] = value
    if DATE not in found:
        for element in root.iter("time"):
            if value := iso_date(element.get("datetime") or ""):
                found[DATE] = value
                break
    named = next((one_line(_text(element)) for element in root.iter("title")), "")
    if named:
        found["title"] = named
    yield from found.items()
