"""PDF: the positioned characters of each page, through PDFium; pages that can't be read are named, not indexed."""

from __future__ import annotations

import ctypes
import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rag.documents.filter_values import UNREAD
from rag.documents.formats.decoding import arabic_again
from rag.documents.formats.metadata import AUTHOR, DATE, iso_date
from rag.documents.formats.pdf.arabic import (
    from_windows,
    is_garbled,
    is_reversed,
    is_windows,
    ligature,
    normalize_presentation_forms,
    without_lookalikes,
)
from rag.documents.formats.pdf.bidi import is_rtl
from rag.documents.formats.pdf.columns import in_order
from rag.documents.formats.pdf.flow import PageContent, write
from rag.documents.formats.pdf.font_files import Digits, Drawn, read_digits, read_unmapped, wrong_digits
from rag.documents.formats.pdf.glyphs import Glyph
from rag.documents.formats.pdf.layout import Piece, TextLine, Word, laid_out_from_left, lines_of, read_line, words_of
from rag.documents.formats.pdf.running_headers import REACH, Edges, without_furniture
from rag.documents.formats.pdf.running_headers import edges as edges_of
from rag.documents.formats.pdf.tables import Frame, Grid, Panel, Rule, Turned, open_tables, panels, ruled_grids
from rag.documents.titles import is_made_by_program
from rag.documents.tree import Content, Limits, TreeWriter, one_line
from rag.errors import DocumentError
from rag.schema import PageLayout

if TYPE_CHECKING:
    from rag.documents.formats.ocr import Ocr, OcrParagraph

_NOBODY = frozenset(("anonymous", "unknown", "user", "admin", "administrator", "unspecified", "owner"))
_NO_TEXT = 8  # a page with a picture and fewer characters is a picture
_PASSWORD = 4  # FPDF_ERR_PASSWORD
_SECURITY = 5  # FPDF_ERR_SECURITY


def read_pdf(data: bytes, name: str, limits: Limits) -> Content:
    """Return the text of each page, with a mark where it begins; notes name the pages that were left out."""
    return _read(data, name, limits, None)


def read_pdf_with_ocr(data: bytes, name: str, limits: Limits) -> Content:
    """Return the same, with pages that are pictures, or whose text is garbled, read by Tesseract."""
    from rag.documents.formats.ocr import Ocr

    return _read(data, name, limits, Ocr(name, limits))


def _read(data: bytes, name: str, limits: Limits, ocr: Ocr | None) -> Content:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in (_PASSWORD, _SECURITY):
            raise DocumentError("error.protected", name=name) from error
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
    try:
        count = len(document)
        if count > limits.pages:
            raise DocumentError("error.too_many_pages", name=name, pages=count, limit=limits.pages)
        writer = TreeWriter(name, limits, captions=False)
        states: dict[int, str] = {}
        scanned: list[int] = []
        sizes: dict[int, PagePlace] = {}
        pages: list[PageContent] = []
        digits: Digits = {}
        fonts: dict[int, frozenset[str]] = {}
        for raw in _with_neighbours(_raw_page(document, number) for number in range(count)):
            content, state = _page(raw)
            fonts[content.number] = frozenset(font for font, _ in raw[0].digits)
            for key, shapes in raw[0].digits.items():
                digits.setdefault(key, Counter()).update(shapes)
            sizes[content.number] = raw[0].place
            if state and state != "damaged" and ocr is not None and (seen := ocr.read(document[content.number - 1])):
                place = sizes[content.number] = PagePlace(raw[0].place.width, raw[0].place.height)  # seen as displayed
                content, state = PageContent(content.number, plain=[place.pieces(paragraph) for paragraph in seen]), ""
                scanned.append(content.number)
            if state:
                states[content.number] = state
            pages.append(content)
        if wrong := wrong_digits(digits):
            for at, content in enumerate(pages):
                if fonts[content.number] & wrong and content.parts:
                    pages[at] = PageContent(content.number)
                    states[content.number] = "garbled"
        words = write(pages, writer)
        layouts = tuple(sizes[number].layout(number, words[number]) for number in sorted(sizes))
        pictures = [number for number, state in states.items() if state == "picture"]
        garbled = [number for number, state in states.items() if state == "garbled"]
        damaged = [number for number, state in states.items() if state == "damaged"]
        notes = tuple(
            DocumentError(key, name=name, pages=ranges(numbers))
            for key, numbers in (
                ("error.pages_pictures", pictures),
                ("error.pages_garbled", garbled),
                ("error.pages_damaged", damaged),
            )
            if numbers
        )
        if ocr is not None and ocr.missing is not None and notes:
            notes = (ocr.missing, *notes)
        title, fields = _fields(document.get_metadata_dict())
        if scanned:
            fields["ocr_pages"] = ranges(scanned)
        if states:
            fields[UNREAD if ocr is None or ocr.missing is not None else "illegible_pages"] = ranges(sorted(states))
        return writer.content(title, fields, notes, layouts)
    finally:
        document.close()


def ranges(numbers: Sequence[int]) -> str:
    """Return page numbers for a message: `3, 7-9`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


@dataclass(frozen=True, slots=True)
class PagePlace:
    """The size of a page as displayed, and the rotation of its coordinates to that."""

    width: float
    height: float
    left: float = 0.0
    bottom: float = 0.0
    rotation: int = 0
    """In quarter turns, clockwise."""

    def layout(self, number: int, words: Sequence[tuple[int, int, Piece]]) -> PageLayout:
        """Return the words of a page with their boxes from its upper left corner."""
        return PageLayout(number, self.width, self.height, tuple((start, end, *self._box(piece)) for start, end, piece in words))

    def pieces(self, paragraph: OcrParagraph) -> list[Piece]:
        """Return the words that OCR has seen on a page that is not rotated."""
        return [Piece(word, left, self.height - bottom, right, self.height - top) for word, left, top, right, bottom in paragraph.words]

    def _box(self, piece: Piece) -> tuple[float, float, float, float]:
        corners = [_turned_back(piece.turn, x, y) for x, y in ((piece.left, piece.bottom), (piece.right, piece.top))]
        shown = [self._shown(x - self.left, y - self.bottom) for x, y in corners]
        (a, b), (c, d) = shown
        return min(a, c), min(b, d), max(a, c), max(b, d)

    def _shown(self, x: float, y: float) -> tuple[float, float]:
        if self.rotation == 1:
            return y, x
        if self.rotation == 2:
            return self.width - x, y
        if self.rotation == 3:
            return self.width - y, self.height - x
        return x, self.height - y


def _turned_back(turn: int, x: float, y: float) -> tuple[float, float]:
    """Undo `_upright`."""
    if turn == 1:
        return -y, x
    if turn == 2:
        return -x, -y
    if turn == 3:
        return y, -x
    return x, y


@dataclass(slots=True)
class _RawPage:
    """The words of a page before they are ordered, grouped by direction, the largest group first."""

    number: int
    place: PagePlace
    groups: list[tuple[int, list[Word]]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    state: str = ""
    edges: Edges = field(default_factory=Edges)
    bottom: float = 0.0
    top: float = 0.0
    digits: Digits = field(default_factory=dict)


def _with_neighbours(pages: Iterable[_RawPage]) -> Iterator[tuple[_RawPage, int, list[Edges]]]:
    """Yield each page with the edges of the pages around it, once those after it have been read, and its position among them."""
    waiting: list[_RawPage] = []
    edges: list[Edges] = []
    done = 0
    for page in pages:
        waiting.append(page)
        edges.append(page.edges)
        if len(waiting) > REACH:
            yield waiting.pop(0), done, edges
            done += 1
    for page in waiting:
        yield page, done, edges
        done += 1


def _raw_page(document: Any, index: int) -> _RawPage:
    """Return the words and ruled lines of a page."""
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return _RawPage(index + 1, PagePlace(0.0, 0.0), state="damaged")
    try:
        width, height = page.get_size()
        box = page.get_cropbox()
        raw = _RawPage(index + 1, PagePlace(width, height, box[0], box[1], page.get_rotation() // 90))
        groups, broken = _glyphs(page, raw.digits)
        text = "".join(glyph.text for _, group in groups for glyph in group)
        if len(text.strip()) < _NO_TEXT and _has_picture(page):
            raw.state = "picture"
        elif broken > 0.1 * max(1, len(text)):
            raw.state = "garbled"
        else:
            if is_windows(text):
                for _, group in groups:
                    for glyph in group:
                        glyph.text = from_windows(glyph.text)
            if folded := without_lookalikes(text):
                for _, group in groups:
                    for glyph in group:
                        glyph.text = glyph.text.translate(folded)
            raw.groups = [(turn, words_of(group, turn)) for turn, group in groups]
            if groups:
                turn = groups[0][0]
                raw.rules = _rules(page, turn)
                corners = [_upright_point(turn, x, y) for x, y in ((box[0], box[1]), (box[2], box[3]))]
                raw.bottom, raw.top = min(y for _, y in corners), max(y for _, y in corners)
                raw.edges = edges_of(raw.groups[0][1], raw.bottom, raw.top)
        return raw
    finally:
        page.close()


def _page(raw: tuple[_RawPage, int, list[Edges]]) -> tuple[PageContent, str]:
    """Return what stands on a page in reading order, and "picture", "garbled" or "damaged" if nothing can be read."""
    page, number, edges = raw
    content = PageContent(page.number)
    if page.state:
        return content, page.state
    for as_drawn in (False, True):
        content.parts = []
        if page.groups:
            main, words = page.groups[0]
            turned = [_turned(line, turn, main) for turn, others in page.groups[1:] for line in _lines_apart(others, as_drawn)]
            frames: list[Frame] = []
            every = words
            grids, words = ruled_grids(page.rules, every, turned, frames)
            if any(len(grid.cells) == 1 for grid in grids):  # a running header or footer between lines
                kept = {id(word) for word in without_furniture(every, number, edges, page.bottom, page.top)}
                grids = [grid for grid in grids if len(grid.cells) > 1 or any(id(word) in kept for word in _words_of(grid))]
            words = without_furniture(words, number, edges, page.bottom, page.top)
            boxes, words, grids = panels(frames, words, grids)
            content.parts += _parts(words, [*grids, *boxes], as_drawn)
            for _, others in itertools.groupby(turned, key=lambda one: one[2].words[0].turn):
                content.parts += _parts([word for _, _, line in others for word in line.words], [], as_drawn)
        text = " ".join(_texts(content))
        if as_drawn or not is_reversed(text):
            break
    lines = [line for part in content.parts if not isinstance(part, Grid) for line in part]
    if laid_out_from_left(lines):
        for line in lines:
            read_line(line, from_left=True)
    if is_garbled(text):
        return PageContent(page.number), "garbled"
    return content, ""


def _words_of(grid: Grid) -> Iterator[Word]:
    return (word for row in grid.cells for cell in row for word in cell.words)


def _lines_apart(words: Sequence[Word], as_drawn: bool) -> Iterator[TextLine]:
    """Yield the lines of words that run in another direction than most of the page, those apart as lines of their own: the names of two
    tables, one above the other, may stand at one height of that direction."""
    for line in lines_of(words, as_drawn):
        parts = [[line.words[0]]]
        for before, word in itertools.pairwise(line.words):
            if word.left - before.right > _FAR_APART * max(before.size, word.size):
                parts.append([])
            parts[-1].append(word)
        yield from [line] if len(parts) == 1 else (one for part in parts for one in lines_of(part, as_drawn))


def _turned(line: TextLine, turn: int, main: int) -> Turned:
    """Return a line that runs in another direction than most of the page, with its centre."""
    x, y = _turned_back(turn, (line.left + line.right) / 2, line.base + 0.3 * line.size)
    return (*_upright_point(main, x, y), line)


def _parts(words: Sequence[Word], grids: Sequence[Grid | Panel], as_drawn: bool) -> Iterator[list[TextLine] | Grid]:
    for region in in_order(words, grids):
        if isinstance(region, Panel):
            yield from _parts(region.words, region.grids, as_drawn)
            continue
        for part in [region] if isinstance(region, Grid) else open_tables(region):
            if isinstance(part, Grid):
                part.read(as_drawn)
                yield part
            else:
                yield lines_of(part, as_drawn)


def _texts(content: PageContent) -> Iterator[str]:
    for part in content.parts:
        if isinstance(part, Grid):
            yield from (cell.text for row in part.cells for cell in row)
        else:
            yield from (line.text for line in part)


def _glyphs(page: Any, digits: Digits) -> tuple[list[tuple[int, list[Glyph]]], int]:
    """Return the characters of a page, grouped by direction, and how many have no known letter.

    Adds the shapes of digits to `digits`."""
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    raw = text_page.raw
    groups: dict[int, list[Glyph]] = {}
    broken = 0
    unmapped: list[tuple[int, int]] = []
    unnamed: list[Drawn] = []
    high = 0
    box, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    size, turn, bold = 0.0, 0, False
    known: int | None = None
    owner: Any = None
    drawn: dict[tuple[int, float, float], Glyph] = {}
    fonts: dict[int, tuple[bool, str]] = {}
    font = ""
    figures: list[Drawn] = []
    by_number: dict[int, tuple[Glyph, int, int]] = {}
    handles: dict[int, Any] = {}
    sides = [ctypes.c_double() for _ in range(4)]
    get_unicode, get_object, get_box = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetTextObject, pdfium.FPDFText_GetLooseCharBox
    # The address of a character's object is asked for far more often than the object itself, and a number costs less than a pointer.
    get_address = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)(ctypes.cast(get_object, ctypes.c_void_p).value or 0)
    get_origin, has_error = pdfium.FPDFText_GetCharOrigin, pdfium.FPDFText_HasUnicodeMapError

    def drawn_as(glyph: Glyph, n: int, code: int = -1) -> Drawn:
        pdfium.FPDFText_GetCharBox(raw, n, *sides)
        a, b, c, d = (round((side.value - place.value) / size, 3) for side, place in zip(sides, (x, x, y, y), strict=True))
        handle = pdfium.FPDFTextObj_GetFont(owner)
        number = ctypes.addressof(handle.contents)
        handles[number] = handle
        return Drawn(glyph, (a, c, b, d), number, font, code, turn)

    try:
        for n in range(text_page.count_chars()):
            # Characters that PDFium inserts itself, from gaps that it measured, belong to no object of the page.
            if not (address := get_address(raw, n)):
                continue
            code = get_unicode(raw, n)
            if address != known:
                known = address
                owner = get_object(raw, n)
                pdfium.FPDFText_GetMatrix(raw, n, matrix)
                scale = math.hypot(matrix.a, matrix.b)
                size = max(0.5, pdfium.FPDFText_GetFontSize(raw, n) * scale)
                turn = round(math.degrees(math.atan2(matrix.b, matrix.a)) / 90) % 4
                bold, font = _font(owner, fonts)
            if 0xD800 <= code < 0xDC00:  # half of a surrogate pair, as PDFium gives it
                high = code
                continue
            if 0xDC00 <= code < 0xE000 and high:
                code, high = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00, 0
            if code == 0 or has_error(raw, n) > 0 or (code < 32 and code not in _CONTROLS):
                unmapped.append((code, n))
                if code == 0:
                    continue
            get_box(raw, n, box)
            get_origin(raw, n, x, y)
            if unmapped and unmapped[-1][1] == n:
                left, right, base = _upright(turn, box.left, box.right, box.bottom, box.top, x.value, y.value)
                glyph = Glyph("", left, max(left, right), base, size, bold, _upright_point(turn, x.value, y.value)[0])
                unnamed.append(drawn_as(glyph, n, code))
                continue
            character = normalize_presentation_forms(chr(code)) if code >= 0xFB00 else chr(code)
            if code == _HYPHEN or code in (0xFFFE, 0xFFFF):
                broken += code != _HYPHEN
                character = "-" if code == _HYPHEN else ""
            if not character or (code > 0xAD and unicodedata.category(character[0]) == "Cf"):
                continue
            left, right, base = _upright(turn, box.left, box.right, box.bottom, box.top, x.value, y.value)
            last = drawn.get((address, x.value, y.value))
            if last is not None and not last.text.isspace():
                if character.isspace():
                    continue  # a space inserted by PDFium
                # One glyph that stands for several letters. PDFium reverses right-to-left text, and with it the letters of a glyph.
                turned = is_rtl(character) or is_rtl(last.text[0])
                last.text = f"{character}{last.text}" if turned else f"{last.text}{character}"
                last.left, last.right = min(last.left, left), max(last.right, right)
                continue
            glyph = drawn[address, x.value, y.value] = Glyph(
                character, left, max(left, right), base, size, bold, _upright_point(turn, x.value, y.value)[0]
            )
            if character.isdecimal() and font:
                figures.append(drawn_as(glyph, n))
            groups.setdefault(turn, []).append(glyph)
            by_number[n] = glyph, code, address
        named = read_unmapped(unnamed, handles)
        for one in named:
            one.glyph.text = normalize_presentation_forms(one.glyph.text)
            groups.setdefault(one.turn, []).append(one.glyph)
        if named:  # PDFium does not mark all of them
            for n, (glyph, code, address) in by_number.items():
                if address != known:
                    known, owner = address, get_object(raw, n)
                    pdfium.FPDFText_GetMatrix(raw, n, matrix)
                    size = max(0.5, pdfium.FPDFText_GetFontSize(raw, n) * math.hypot(matrix.a, matrix.b))
                get_origin(raw, n, x, y)
                if len(glyph.text) == 1 and read_unmapped([drawn_as(glyph, n, code)], handles):
                    glyph.text = normalize_presentation_forms(glyph.text)
        codes = {one.code for one in named}
        rest = [(code, n) for code, n in unmapped if code not in codes]
        broken += len(rest) - _strokes(raw, rest, get_unicode)
        read_digits(figures, handles, "".join(glyph.text for group in groups.values() for glyph in group), digits)
    finally:
        text_page.close()
    for group in groups.values():
        for glyph in group:
            if len(glyph.text) > 1:
                glyph.text = ligature(glyph.text)
        _without_heads(group)
    return sorted(groups.items(), key=lambda item: len(item[1]), reverse=True), broken


_HYPHEN = 2
"""How PDFium marks a hyphen at the end of a line."""
_CONTROLS = (_HYPHEN, 9, 10, 13)
_ARABIC = re.compile("[\u0620-\u065f]")
_FEWEST_STROKES = 5


def _strokes(raw: Any, unmapped: Sequence[tuple[int, int]], get_unicode: Any) -> int:
    """Return how many characters without a known letter are kashida, strokes that lengthen a word: one glyph, always between letters."""
    places: dict[int, list[int]] = {}
    for code, n in unmapped:
        places.setdefault(code, []).append(n)
    strokes = 0
    for code, found in places.items():
        if code == 0 or len(found) < _FEWEST_STROKES:
            continue
        here = set(found)
        inside = sum(
            all(n + step in here or _ARABIC.match(chr(max(0, get_unicode(raw, n + step)))) is not None for step in (-1, 1)) for n in found
        )
        strokes += len(found) if inside >= 0.9 * len(found) else 0
    return strokes


def _without_heads(group: list[Glyph]) -> None:
    """Remove glyphs without a letter that are the first strokes of seen and sad: some fonts draw these letters in two parts."""
    heads = [n for n, glyph in enumerate(group) if glyph.text == "\ufffd"]
    if not heads:
        return
    tails = [n for n in heads if n + 1 < len(group) and group[n + 1].text[0] in "سشصض"]
    if len(tails) >= 0.9 * len(heads):
        for n in tails:
            group[n + 1].right = max(group[n + 1].right, group[n].right)
            group[n + 1].left = min(group[n + 1].left, group[n].left)
        group[:] = [glyph for glyph in group if glyph.text != "\ufffd"]


_BOLD = re.compile(r"bold|black|heavy|demi", re.I)
_FORCE_BOLD = 1 << 18


def _font(owner: Any, fonts: dict[int, tuple[bool, str]]) -> tuple[bool, str]:
    """Return whether the font of a text object is bold, by its name or flag, and its name. The weight that a file gives is often a
    guess."""
    import pypdfium2.raw as pdfium

    font = pdfium.FPDFTextObj_GetFont(owner)
    if not font:
        return False, ""
    address = ctypes.addressof(font.contents)
    if address not in fonts:
        buffer = ctypes.create_string_buffer(256)
        pdfium.FPDFFont_GetBaseFontName(font, buffer, 256)
        name = buffer.value.decode("utf-8", "replace")
        fonts[address] = _BOLD.search(name) is not None or bool(pdfium.FPDFFont_GetFlags(font) & _FORCE_BOLD), name
    return fonts[address]


# --- ruled lines ----------------------------------------------------------------------------------------------------------

_THIN = 2.5  # points
_SHORTEST = 6.0
_FAR_APART = 3.0  # em
_MOST_PATHS = 6000
_MOST_SEGMENTS = 400


def _rules(page: Any, turn: int) -> list[Rule]:
    """Return the straight horizontal and vertical lines of a page: strokes, thin boxes and the edges of boxes."""
    found: list[Rule] = []
    left = [_MOST_PATHS]
    import pypdfium2.raw as pdfium

    identity = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    _rules_of(page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, identity, turn, found, left, 0)
    return found


def _rules_of(
    holder: Any, count: Any, get: Any, outer: tuple[float, ...], turn: int, found: list[Rule], left: list[int], depth: int
) -> None:
    import pypdfium2.raw as pdfium

    for n in range(count(holder)):
        item = get(holder, n)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < 3:
            inner = _times(_matrix(item), outer)
            _rules_of(item, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, inner, turn, found, left, depth + 1)
        elif kind == pdfium.FPDF_PAGEOBJ_PATH:
            left[0] -= 1
            if left[0] < 0:
                return
            fill, stroke = ctypes.c_int(), ctypes.c_int()
            pdfium.FPDFPath_GetDrawMode(item, fill, stroke)
            unseen = not stroke.value and _is_white(item)
            if fill.value or stroke.value:
                for a, b, c, d in _boxes(item, outer):
                    edges = _edges_of(*_turned_box(turn, a, b, c, d), drawn=bool(stroke.value))
                    found += edges if not unseen or len(edges) == 1 else []


def _is_white(item: Any) -> bool:
    """Return whether a path is filled with white, as the grounds of lines are that were copied from a web page; only a thin one is seen,
    between coloured cells."""
    import pypdfium2.raw as pdfium

    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    known = pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, alpha)
    return bool(known) and min(red.value, green.value, blue.value) == 255


def _matrix(item: Any) -> tuple[float, ...]:
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, matrix)
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _times(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    )


def _boxes(item: Any, outer: tuple[float, ...]) -> Iterator[tuple[float, float, float, float]]:
    """Yield the boxes (left, bottom, right, top) of a path's figures: lines and rectangles, not curves."""
    import pypdfium2.raw as pdfium

    segments = pdfium.FPDFPath_CountSegments(item)
    if not 2 <= segments <= _MOST_SEGMENTS:
        return
    matrix = _times(_matrix(item), outer)
    x, y = ctypes.c_float(), ctypes.c_float()
    figure: list[tuple[float, float]] = []
    straight = True
    for n in range(segments + 1):
        segment = pdfium.FPDFPath_GetPathSegment(item, n) if n < segments else None
        kind = pdfium.FPDFPathSegment_GetType(segment) if segment else pdfium.FPDF_SEGMENT_MOVETO
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            if straight and 2 <= len(figure) <= 6 and _is_upright(figure):
                xs, ys = [px for px, _ in figure], [py for _, py in figure]
                yield min(xs), min(ys), max(xs), max(ys)
            figure, straight = [], True
        straight = straight and kind != pdfium.FPDF_SEGMENT_BEZIERTO
        if segment:
            pdfium.FPDFPathSegment_GetPoint(segment, x, y)
            figure.append((matrix[0] * x.value + matrix[2] * y.value + matrix[4], matrix[1] * x.value + matrix[3] * y.value + matrix[5]))


def _is_upright(figure: Sequence[tuple[float, float]]) -> bool:
    """Return whether all sides of a figure are horizontal or vertical."""
    return all(abs(a[0] - b[0]) < 0.5 or abs(a[1] - b[1]) < 0.5 for a, b in itertools.pairwise(figure))


def _edges_of(left: float, bottom: float, right: float, top: float, drawn: bool) -> list[Rule]:
    """Return a thin box as one line, any other as its four sides; nothing if it is too small."""
    width, height = right - left, top - bottom
    if height <= _THIN and width <= _THIN:
        return []
    if height <= _THIN:
        middle = (bottom + top) / 2
        return [Rule(left, middle, right, middle)] if width >= _SHORTEST else []
    if width <= _THIN:
        middle = (left + right) / 2
        return [Rule(middle, bottom, middle, top)] if height >= _SHORTEST else []
    if width < _SHORTEST or height < _SHORTEST:
        return []
    return [
        Rule(left, bottom, right, bottom, drawn),
        Rule(left, top, right, top, drawn),
        Rule(left, bottom, left, top, drawn),
        Rule(right, bottom, right, top, drawn),
    ]


def _turned_box(turn: int, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
    a, b = _upright_point(turn, left, bottom), _upright_point(turn, right, top)
    return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])


def _upright_point(turn: int, x: float, y: float) -> tuple[float, float]:
    """Return a point of the page rotated so that its lines run to the right."""
    if turn == 1:
        return y, -x
    if turn == 2:
        return -x, -y
    if turn == 3:
        return -y, x
    return x, y


def _upright(turn: int, left: float, right: float, bottom: float, top: float, x: float, y: float) -> tuple[float, float, float]:
    """Return left, right and base of a character, with the page rotated so that its line runs to the right."""
    if turn == 1:
        return bottom, top, -x
    if turn == 2:
        return -right, -left, -y
    if turn == 3:
        return -top, -bottom, x
    return left, right, y


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    return any(
        True
        for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING], max_depth=4)
    )


def _fields(raw: dict[str, str]) -> tuple[str, dict[str, str]]:
    raw = {name: arabic_again(value) for name, value in raw.items()}
    title, author = one_line(raw.get("Title", "")), one_line(raw.get("Author", ""))
    if is_made_by_program(title):
        title = ""
    if author.casefold() in _NOBODY:
        author = ""
    return title, {
        AUTHOR: author,
        DATE: iso_date(raw.get("CreationDate", "")),
        "subject": _said(raw.get("Subject", "")),
        "keywords": _said(raw.get("Keywords", "")),
    }


def _said(value: str) -> str:
    return "" if value.casefold() in _NOBODY else value
