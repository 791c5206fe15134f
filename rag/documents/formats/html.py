"""HTML and XHTML: the text of a page without its menus, banners and footers, as a tree, and the page's own metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rag.documents.formats.decoding import ACCENTED, decode
from rag.documents.formats.front_matter import prose_fields, split_front_matter
from rag.documents.formats.markup_superscripts import lower_text, raise_text
from rag.documents.formats.metadata import AUTHOR, DATE, SOURCE, iso_date, standard_metadata, url
from rag.documents.formats.templates import HOLE, has_words, is_program, without_templates
from rag.documents.table_headers import SpanningCell
from rag.documents.titles import names_nothing
from rag.documents.tree import Content, Limits, TreeWriter, one_line
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNSEEN = frozenset(
    """script style noscript template head svg nav iframe object embed canvas audio video select datalist button input textarea
    dialog map rp rt meta link title""".split()
)
_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3
    h4 h5 h6 header hgroup hr html legend li main menu ol p pre section summary table tbody td tfoot th thead tr ul""".split()
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{2,40})""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_ENCODINGS = frozenset("utf-8 utf8 us-ascii ascii windows-1256 cp1256 windows-1252 cp1252 iso-8859-1 iso-8859-6 iso-8859-15 latin1".split())
_WESTERN = frozenset("us-ascii ascii windows-1252 cp1252 iso-8859-1 iso-8859-15 latin1".split())
# What surrounds a page's own text, by the words that page builders use for it in class and id.
_AROUND_WORD = re.compile(
    r"(?:^|[-_\s])(?:cookies?|consent|gdpr|banner|menu|navbar|nav|navigation|breadcrumbs?|share|sharing|social|related|teasers?|sidebar|"
    r"footer|newsletter|subscribe|subscription|promo|advert|advertisement|ads?|sponsored|comments?|pagination|pager|skip|masthead|topbar|"
    r"(?:sub|top|site|pre)-?header|header-?(?:top|bar|info|contact)|top-?(?:bar|nav|menu|links|info)|copyrights?|back-?to-?top|scroll-?top|preloader|"
    r"toolbar|login|signup|search|widget|recommended|popular|trending|most-read|readmore|toc|tags)(?:$|[-_\s])"
)
_AROUND_ROLES = frozenset("navigation banner contentinfo search complementary dialog alertdialog menu menubar toolbar".split())
_AROUND_TAGS = frozenset(("footer", "aside", "header"))
_LEAST_MAIN = 200
"""Fewest characters of an element that is accepted as the main part."""
_MOST_AROUND = 0.5
"""An element that is named as surroundings but holds more than this share of the text is kept."""
_LINKED = 0.6
"""A list or block with this share of its letters inside links, and no sentence, is a menu."""
_VOWELS = re.compile("[\u064b-\u0652\u0640]")
_TO_CLICK = re.compile(
    r"""(?:
    (?:please\s)?(?:read|learn|find\sout|see|view|show|load|know|discover|explore)\s(?:more|all|less|details|full\s(?:article|story|post))(?:\sabout\sthis)?
    |(?:click|tap|press)\shere(?:\s(?:to|for)\s.{1,120})?
    |(?:click|tap)\s(?:on\s)?(?:an?|the|any\sof\sthe|one\sof\sthe)\s(?:links?|documents?|buttons?|images?|photos?|pictures?|icons?)\b[^.!?]{0,120}
    |(?:home|الرئيسية|الصفحة\sالرئيسية)(?:\s*[/›»>|–-]\s*[^.!?:]{1,60}){1,4}|skip\sto\s(?:main\s|the\s)?(?:content|navigation)|(?:back\sto\s|go\sto\s)?(?:top|the\stop)(?:\sof\s(?:the\s)?page)?
    |(?:apply|book|donate|register|order|buy|shop|join|subscribe|enroll|sign\sup|log\sin)\s(?:now|today|here)|sign\s?in|sign\s?up|log\s?in|log\s?out
    |get\s(?:started|in\stouch|directions)|share(?:\sthis(?:\spage)?)?|print(?:\sthis\spage)?|toggle\s(?:navigation|menu)|(?:open|close)\smenu
    |previous|next|menu|home|copy\slink|follow\sus|all\srights\sreserved
    |(?:(?:ا?قرأ|إقرأ|اعرف|تعرف\sعلى|عرض|شاهد|اكتشف|استكشف|لمعرفة|تحميل)\s)?(?:المزيد|الكل)|(?:التفاصيل|تفاصيل\sأكثر|لمزيد\sمن\sالتفاصيل)
    |(?:اضغط|انقر)\sهنا|(?:تخط[ىي]?|الانتقال|انتقل)\sإلى\sالمحتوى(?:\sالرئيسي)?|(?:العودة|عودة|الرجوع)\sإلى\s(?:الأعلى|أعلى\sالصفحة|الرئيسية)
    |(?:اكتشف|استكشف|تصفح|تصفّح|شاهد|حمّل|حمل|اطلب|احصل)(?:\s\S+){1,3}\s(?:الآن|الان)
    |(?:احجز|سجل|سجّل|اشترك|قدم|قدّم|تبرع|تبرّع|اطلب|ابدأ|انضم)\s(?:الآن|الان|هنا|اليوم)|تسجيل\s(?:الدخول|الخروج)|إنشاء\sحساب
    |شارك(?:\s(?:الصفحة|المقال))?|طباعة|القائمة(?:\sالرئيسية)?|الصفحة\sالرئيسية|السابق|التالي|تابعنا(?:\sعلى)?|جميع\sالحقوق\sمحفوظة
    )[\s.…:!←→‹›»«>+↑↗]*""",
    re.VERBOSE | re.IGNORECASE,
)
"""A line that is only to be clicked: "Read more", «اضغط هنا»."""
_CODE = re.compile(r"(<(pre|code|script|style)\b.{0,50000}?</\2\s*>)", re.DOTALL | re.IGNORECASE)
_NOTE_TYPES = ("footnote", "endnote", "rearnote", "doc-footnote", "doc-endnote")
_MANY_COLUMNS = 200
_MANY_ROWS = 20_000


def read_html(data: bytes, name: str, limits: Limits) -> Content:
    """Return the text of a page. Raises DocumentError if its elements are nested too deeply."""
    return page(text_of(data, name), name, limits)


def text_of(data: bytes, name: str) -> str:
    """Decode a page in the encoding it declares if its letters are plausible in that one, else as `decode` detects it."""
    start = data[:4096]
    declared = _CHARSET.search(start) or _DECLARED.search(start)
    encoding = declared[1].decode("ascii").lower() if declared else ""
    if encoding in _ENCODINGS and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            # What pages call Latin-1 is Windows-1252, as every browser reads it.
            text = data.decode("cp1252" if encoding in _WESTERN else encoding)
        except UnicodeDecodeError:
            pass
        else:
            if "\0" not in text and not (encoding in _WESTERN and _is_arabic_in_latin(text)):
                return text
    return decode(data, name)


def _is_arabic_in_latin(text: str) -> bool:
    """Return whether a text is Arabic in Windows-1256 that was read as Western letters: half of its words are nothing but accented
    letters."""
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"<[^<>]{0,2000}>", " ", text[:20_000]))
    return len(words) >= 3 and sum(len(ACCENTED.findall(word)) > 0.7 * len(word) for word in words) > 0.4 * len(words)


def page(text: str, name: str, limits: Limits) -> Content:
    """Return the content of a decoded page. Raises DocumentError if its elements are nested too deeply."""
    raw, text = split_front_matter(text)
    if "{%" in text and is_program(text):
        return Content("")
    root = parse_html(_without_templates(text, raw), name, limits)
    if root is None:
        return Content("")
    writer = TreeWriter(name, limits)
    body = root.find("body") if root.tag == "html" else root
    body = root if body is None else body
    heads = [label for element in root.iter("h1") if (label := one_line(_text(element)))]
    main = _main_part(body)
    if heads and main is not body and not any(element.tag == "h1" for element in main.iter()):
        writer.heading(heads[0], 1)
    writer.fields(prose_fields(raw, text))
    write_blocks(writer, main)
    if not len(writer) and main is not body:
        write_blocks(writer, body)
    fields = {**standard_metadata(raw), **dict(_fields(root))}
    titles = [*heads[:1], fields.pop("title", "")] if len(heads) == 1 else [fields.pop("title", ""), *heads[:1]]
    titles = [title for title in titles if title]
    return writer.content(next((title for title in titles if not names_nothing(title)), next(iter(titles), "")), fields)


def _without_templates(text: str, fields: Mapping[str, str]) -> str:
    """Return the source of a page without the marks of a site generator, except in code."""
    if not any(sign in text for sign in ("{%", "{{", "<%", "@")):
        return text
    return "".join(
        part if at % 3 == 1 else without_templates(part, fields) if at % 3 == 0 else "" for at, part in enumerate(_CODE.split(text))
    )


def write_fragment(writer: TreeWriter, text: str, name: str, limits: Limits) -> None:
    """Write the content of a piece of HTML inside another file. Raises DocumentError if its elements are nested too deeply."""
    root = parse_html(text, name, limits)
    if root is not None:
        write_blocks(writer, root)


def parse_html(text: str, name: str, limits: Limits) -> _Element | None:
    """Return the root element of a page, or None. Nothing is fetched, and only HTML's own entities are resolved."""
    import lxml.etree as etree
    from lxml import html

    text = _DECLARATION.sub("", text.lstrip("\ufeff"), count=1).replace("\0", "")
    if not text.strip():
        return None
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        root: Any = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        root = None
    # At its depth limit the parser stops and keeps what came before: half a page must not pass for the page.
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


# --- what is the text, and what stands around it ----------------------------------------------------------------------------


def _main_part(body: _Element) -> _Element:
    """Return the element that a page marks as its main one if it holds enough text, else the body. Surroundings are removed from the
    tree."""
    candidates = list(body.iter("main")) or [
        element for element in body.iter() if isinstance(element.tag, str) and element.get("role") == "main"
    ]
    articles = list(body.iter("article"))
    if not candidates and len(articles) == 1:
        candidates = articles
    best = max(candidates, key=_length, default=None)
    total = _length(body)
    if best is None or _length(best) < max(_LEAST_MAIN, 0.25 * total):
        best = body
    _remove_around(best)
    return best


def _length(element: _Element) -> int:
    """Return the letters and digits of an element, without those of scripts and other invisible parts."""
    return sum(len(piece.split()) for piece in _pieces(element))


def _pieces(element: _Element) -> Iterator[str]:
    waiting: list[Any] = [element]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item.tag, str) and item.tag not in ("script", "style", "noscript", "template"):
            if item.text:
                yield item.text
            for child in reversed(item):
                if child.tail:
                    waiting.append(child.tail)
                waiting.append(child)


def _remove_around(root: _Element) -> None:
    """Remove menus, banners, teasers and footers from a tree, recognised by name and by content."""
    total = max(_length(root), 1)
    waiting = [child for child in root if isinstance(child.tag, str)]
    while waiting:
        element = waiting.pop()
        if element.tag in _UNSEEN or element.tag not in _BLOCKS:
            continue
        if (_is_named_around(element) and _length(element) <= _MOST_AROUND * total) or _is_menu(element):
            _remove(element)
        elif element.tag not in ("table", "pre"):
            waiting += [child for child in element if isinstance(child.tag, str)]


def _is_named_around(element: _Element) -> bool:
    if element.get("role") in _AROUND_ROLES:
        return True
    if _is_note(element):
        return False
    if element.tag in _AROUND_TAGS:
        # A header inside an article holds its title.
        return element.tag != "header" or not any(True for _ in element.iter(*_HEADINGS))
    names = f"{element.get('class') or ''} {element.get('id') or ''}".lower()
    if not names.strip() or element.tag in _HEADINGS or element.tag in ("body", "main", "article", "td", "th", "tr", "table"):
        return False
    return _AROUND_WORD.search(names) is not None and not any(True for _ in element.iter("h1"))


def _is_menu(element: _Element) -> bool:
    """Return whether a block is a row of links: nearly all its words are linked, and no link is a sentence."""
    if element.tag not in ("ul", "ol", "div", "p", "section", "table"):
        return False
    links = list(element.iter("a"))
    if len(links) < 3:
        return False
    words, linked = _length(element), sum(_length(link) for link in links)
    if words == 0 or linked < _LINKED * words or words > 20 * len(links):
        return False
    longest = max(_length(link) for link in links)
    return longest <= 8 and all(not _text(link).rstrip().endswith((".", "؟", "?", "!")) for link in links)


def _remove(element: _Element) -> None:
    parent = element.getparent()
    if parent is None:
        return
    if element.tail and element.tail.strip():
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


# --- a page into a tree -----------------------------------------------------------------------------------------------------


def write_blocks(writer: TreeWriter, body: _Element) -> None:
    """Write the visible content of an element: headings, paragraphs, lists, tables, and notes after the block that refers to them."""
    notes = {id: element for element in body.iter() if isinstance(element.tag, str) and (id := element.get("id")) and _is_note(element)}
    _Page(writer, notes).block(body)


def _is_note(element: _Element) -> bool:
    kind = f"{element.get('{http://www.idpf.org/2007/ops}type') or element.get('epub:type') or ''} {element.get('role') or ''}".split()
    return any(name in _NOTE_TYPES for name in kind)


@dataclass(slots=True)
class _Page:
    """Writes one page into a tree. `inline` is the open paragraph; `lists` are the kinds of the enclosing lists."""

    writer: TreeWriter
    notes: dict[str, _Element]
    inline: str = ""
    lists: list[tuple[str, int]] = field(default_factory=list)
    in_item: bool = False
    pending: list[str] = field(default_factory=list)
    written: set[str] = field(default_factory=set)

    def block(self, element: _Element) -> None:
        """Write the content of an element that is a block, or a run of inline elements with blocks among them."""
        self._add(element.text)
        for child in element:
            self._child(child)
            self._add(child.tail)
        self._flush()

    def _child(self, element: _Element) -> None:
        if not isinstance(element.tag, str) or _unseen(element) or (element.get("id") in self.notes and _is_note(element)):
            return
        tag = element.tag
        if tag == "br":
            self.inline += "\n"
        elif tag in _HEADINGS:
            self._flush()
            heading = _tidy(self._inline_text(element))
            said = heading.strip(f"{HOLE}.: ") and not _is_to_click(heading)
            self.writer.heading(heading if said else "", int(tag[1]))
            self._write_notes()
        elif tag in ("ul", "ol", "menu"):
            self._flush()
            self.lists.append(("ol" if tag == "ol" else "ul", _integer(element.get("start"), 1)))
            self.block(element)
            self.lists.pop()
        elif tag == "li":
            self._item(element)
        elif tag == "table":
            self._flush()
            self._table(element)
        elif tag == "dl":
            self._flush()
            self._definitions(element)
        elif tag == "pre":
            self._flush()
            self.writer.code(_text(element))
        elif tag in _BLOCKS:
            self._flush()
            self.block(element)
        elif any(isinstance(inner.tag, str) and inner.tag in _BLOCKS for inner in element.iter() if inner is not element):
            self._add(element.text)  # a link or span around paragraphs
            for child in element:
                self._child(child)
                self._add(child.tail)
        else:
            self.inline += self._inline_element(element, self.inline)

    def _add(self, text: str | None) -> None:
        if text:
            self.inline += re.sub(r"[ \t\r\n\f]+", " ", text)

    def _flush(self) -> None:
        text, self.inline = _tidy(self.inline), ""
        if text and (HOLE not in text or has_words(text)) and not _is_to_click(text):
            if self.in_item:
                kind, number = self.lists[-1] if self.lists else ("ul", 1)
                self.writer.item(text, f"{number}." if kind == "ol" else "-", max(len(self.lists) - 1, 0))
                if self.lists:
                    self.lists[-1] = kind, number + 1
                self.in_item = False
            else:
                self.writer.paragraph(text, "\n" if self.lists else "\n\n")
        self._write_notes()

    def _item(self, element: _Element) -> None:
        self._flush()
        if self.lists and (value := _integer(element.get("value"), 0)):
            self.lists[-1] = self.lists[-1][0], value
        self.in_item = True
        self.block(element)
        self.in_item = False

    def _write_notes(self) -> None:
        pending, self.pending = self.pending, []
        for id in pending:
            if id not in self.written:
                self.written.add(id)
                self.writer.note(_tidy(_text(self.notes[id])))

    # --- inline -----------------------------------------------------------------------------------------------------------

    def _inline_text(self, element: _Element) -> str:
        """Return the text of an element that contains no blocks."""
        found = re.sub(r"[ \t\r\n\f]+", " ", element.text or "")
        for child in element:
            if isinstance(child.tag, str) and not _unseen(child):
                if child.tag == "br":
                    found += "\n"
                elif child.tag in _BLOCKS:
                    found += f" {self._inline_text(child)} "
                else:
                    found += self._inline_element(child, found)
            found += re.sub(r"[ \t\r\n\f]+", " ", child.tail or "")
        return found

    def _inline_element(self, element: _Element, before: str) -> str:
        if element.tag == "img":
            return ""
        text = self._inline_text(element)
        if element.tag == "sup":
            self._refer(element)
            return raise_text(before, text)
        if element.tag == "sub":
            return lower_text(text)
        if element.tag == "a" and self._refer(element):
            return raise_text("", text) if text.strip().isdigit() else text
        return text

    def _refer(self, element: _Element) -> bool:
        """Keep the note that a link points at for after the paragraph; return whether there is one."""
        found = False
        for link in element.iter("a"):
            target = (link.get("href") or "").rpartition("#")[2]
            if target in self.notes:
                self.pending.append(target)
                found = True
        return found

    # --- tables -----------------------------------------------------------------------------------------------------------

    def _table(self, table: _Element) -> None:
        rows = list(_rows(table))[:_MANY_ROWS]
        nested = any(inner is not table for inner in table.iter("table"))
        widest = max((len(row) for row in rows), default=0)
        if table.get("role") in ("presentation", "none") or nested or widest < 2:
            for row in rows:
                for cell in row:
                    self.block(cell)
            return
        captions = [_tidy(self._inline_text(caption)) for caption in table.iter("caption")]
        names = next((at for at, row in enumerate(rows) if not _is_header(row)), 0)
        self.writer.grid(self._grid(rows), " — ".join(caption for caption in captions if caption), names)
        self._write_notes()

    def _grid(self, rows: list[list[_Element]]) -> list[list[str]]:
        """Return the cells of a table by row and column; a merged cell is repeated in every position it covers."""
        grid: list[list[str]] = []
        down: dict[int, tuple[int, str]] = {}  # for each column: how many more rows its cell spans, and its text
        for row in rows:
            cells: list[str] = []
            going: dict[int, tuple[int, str]] = {}
            waiting = iter(row)
            while len(cells) < _MANY_COLUMNS:
                at = len(cells)
                if at in down:
                    left, text = down.pop(at)
                    cells.append(text)
                    if left > 1:
                        going[at] = left - 1, text
                    continue
                cell = next(waiting, None)
                if cell is None:
                    later = [column for column in down if column > at]
                    if not later:
                        break
                    cells += [""] * (min(later) - at)
                    continue
                text = _tidy(self._inline_text(cell)).replace("\n", " ")
                wide, high = _integer(cell.get("colspan"), 1), _integer(cell.get("rowspan"), 1)
                for column in range(at, min(at + max(wide, 1), _MANY_COLUMNS)):
                    cells.append(text)
                    if high > 1:
                        going[column] = min(high, _MANY_ROWS) - 1, text
            down = going
            alone = len(row) == 1 and len(cells) > 1 and _integer(row[0].get("colspan"), 1) >= len(cells) and not going
            grid.append([SpanningCell(cells[0]), *[""] * (len(cells) - 1)] if alone else cells)
        return grid

    def _definitions(self, element: _Element) -> None:
        """Write a list of terms, each with its description."""
        pairs: list[tuple[str, str]] = []
        for child in element.iter("dt", "dd"):
            text = _tidy(self._inline_text(child)).replace("\n", " ")
            if child.tag == "dt":
                pairs.append((text, ""))
            elif pairs:
                term, said = pairs[-1]
                pairs[-1] = term, f"{said}; {text}" if said else text
        self.writer.fields([(term, said) for term, said in pairs if said])
        self._write_notes()


def _rows(table: _Element) -> Iterator[list[_Element]]:
    for row in table.iter("tr"):
        if not _unseen(row):
            yield [cell for cell in row if isinstance(cell.tag, str) and cell.tag in ("td", "th") and not _unseen(cell)]


def _is_header(row: list[_Element]) -> bool:
    """Return whether a row of a table is marked as one that names columns."""
    if not row:
        return False
    parent = row[0].getparent()
    above = parent.getparent() if parent is not None else None
    return all(cell.tag == "th" for cell in row) or (above is not None and above.tag == "thead")


def _is_to_click(text: str) -> bool:
    return _TO_CLICK.fullmatch(_VOWELS.sub("", text)) is not None


def _tidy(text: str) -> str:
    return "\n".join(line for part in text.split("\n") if (line := " ".join(part.split())))


def _integer(text: str | None, default: int) -> int:
    return int(text) if text and text.strip().isascii() and text.strip().isdigit() and len(text) < 8 else default


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
    """The metadata in a page's head; of several values for one field the first wins."""
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
