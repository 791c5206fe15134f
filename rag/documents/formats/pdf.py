"""PDF: the characters of each page with their places, through PDFium; pages that can't be read are named, not indexed."""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rag.documents.formats.arabic import composed, from_windows, is_garbled, is_reversed, is_windows, ligature
from rag.documents.formats.content import AUTHOR, DATE, PAGE, Content, Limits, Writer, iso_date, one_line
from rag.documents.formats.layout import Glyph, paragraphs
from rag.documents.metadata import UNREAD
from rag.errors import DocumentError

if TYPE_CHECKING:
    from rag.documents.formats.ocr import Ocr

_TITLE_OF_A_PROGRAM = re.compile(
    r"untitled|^microsoft |\.(?:docx?|pptx?|xlsx?|indd|pdf|tex|dvi|odt|rtf|qxd)$|^(?:slide|document)\s*\d*$", re.I
)
_NOBODY = frozenset(("anonymous", "unknown", "user", "admin", "administrator", "unspecified", "owner"))
_NO_TEXT = 8  # characters, below which a page with a picture is a picture
_PASSWORD = 4  # FPDF_ERR_PASSWORD
_SECURITY = 5  # FPDF_ERR_SECURITY


def read_pdf(data: bytes, name: str, limits: Limits) -> Content:
    """The text of each page, with a mark where it begins; notes name the pages that were left out."""
    return _read(data, name, limits, None)


def read_pdf_with_ocr(data: bytes, name: str, limits: Limits) -> Content:
    """The same, with pages that are pictures, or whose text is garbled, read by Tesseract."""
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
        writer = Writer(name, limits)
        pictures: list[int] = []
        garbled: list[int] = []
        scanned: list[int] = []
        for number in range(1, count + 1):
            blocks, state = _page(document, number - 1)
            if state and ocr is not None:
                seen = ocr.read(document[number - 1])
                blocks, state = (seen, "") if seen else (blocks, state)
                scanned += [number] if seen else []
            if state:
                (pictures if state == "picture" else garbled).append(number)
            if blocks:
                writer.mark(PAGE.format(n=number))
            for block in blocks:
                writer.block(block)
        notes = tuple(
            DocumentError(key, name=name, pages=ranges(pages))
            for key, pages in (("error.pages_pictures", pictures), ("error.pages_garbled", garbled))
            if pages
        )
        if ocr is not None and ocr.missing is not None and notes:
            notes = (ocr.missing, *notes)
        title, fields = _fields(document.get_metadata_dict())
        if scanned:
            fields["ocr_pages"] = ranges(scanned)
        if left := sorted(pictures + garbled):
            fields[UNREAD if ocr is None or ocr.missing is not None else "illegible_pages"] = ranges(left)
        return writer.content(title, fields, notes)
    finally:
        document.close()


def ranges(numbers: Sequence[int]) -> str:
    """Page numbers for a message: `3, 7-9`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _page(document: Any, index: int) -> tuple[list[str], str]:
    """The paragraphs of a page, and "picture" or "garbled" where there are none to be had."""
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return [], "garbled"
    try:
        groups, broken = _glyphs(page)
        text = "".join(glyph.text for group in groups for glyph in group)
        blocks: list[str] = []
        state = ""
        if len(text.strip()) < _NO_TEXT and _has_picture(page):
            state = "picture"
        elif broken > 0.1 * max(1, len(text)):
            state = "garbled"
        else:
            if is_windows(text):
                for group in groups:
                    for glyph in group:
                        glyph.text = from_windows(glyph.text)
            blocks = [block for group in groups for block in paragraphs(group)]
            if is_reversed(" ".join(blocks)):
                blocks = [block for group in groups for block in paragraphs(group, as_drawn=True)]
            if is_garbled(" ".join(blocks)):
                blocks, state = [], "garbled"
        return blocks, state
    finally:
        page.close()


def _glyphs(page: Any) -> tuple[list[list[Glyph]], int]:
    """The characters of a page, those that run in the same direction together, and how many have no known letter."""
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    raw = text_page.raw
    groups: dict[int, list[Glyph]] = {}
    broken = 0
    box, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    size, turn, known = 0.0, 0, None
    drawn: dict[tuple[int, float, float], Glyph] = {}
    get_unicode, get_object, get_box = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetTextObject, pdfium.FPDFText_GetLooseCharBox
    get_origin, has_error = pdfium.FPDFText_GetCharOrigin, pdfium.FPDFText_HasUnicodeMapError
    try:
        for n in range(text_page.count_chars()):
            # What PDFium puts in between on its own, by gaps that it measured, belongs to no object of the page.
            if not (owner := get_object(raw, n)):
                continue
            code = get_unicode(raw, n)
            address = ctypes.addressof(owner.contents)
            if address != known:
                known = address
                pdfium.FPDFText_GetMatrix(raw, n, matrix)
                scale = math.hypot(matrix.a, matrix.b)
                size = max(0.5, pdfium.FPDFText_GetFontSize(raw, n) * scale)
                turn = round(math.degrees(math.atan2(matrix.b, matrix.a)) / 90) % 4
            if code == 0 or has_error(raw, n) > 0:
                broken += 1
                continue
            get_box(raw, n, box)
            get_origin(raw, n, x, y)
            character = composed(chr(code)) if code >= 0xFB50 else chr(code)
            if (code < 32 and code not in (9, 10, 13)) or code in (0xFFFE, 0xFFFF):
                broken += code != 2  # a hyphen that PDFium marks
                character = "-" if code == 2 else ""
            if not character or unicodedata.category(character[0]) == "Cf":
                continue
            left, right, base = _upright(turn, box.left, box.right, box.bottom, box.top, x.value, y.value)
            last = drawn.get((address, x.value, y.value))
            if last is not None and not last.text.isspace():
                if character.isspace():
                    continue  # a gap that PDFium believes in
                # One sign that stands for several letters: PDFium gives each its share of the box, from right to left, or all of it.
                last.text = f"{character}{last.text}" if left > last.right - 0.01 else f"{last.text}{character}"
                last.left, last.right = min(last.left, left), max(last.right, right)
                continue
            glyph = drawn[address, x.value, y.value] = Glyph(character, left, max(left, right), base, size)
            groups.setdefault(turn, []).append(glyph)
    finally:
        text_page.close()
    for group in groups.values():
        for glyph in group:
            if len(glyph.text) > 1:
                glyph.text = ligature(glyph.text)
    return sorted(groups.values(), key=len, reverse=True), broken


def _upright(turn: int, left: float, right: float, bottom: float, top: float, x: float, y: float) -> tuple[float, float, float]:
    """Left, right and base of a character, the page turned so that its line runs to the right."""
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
    title, author = one_line(raw.get("Title", "")), one_line(raw.get("Author", ""))
    if _TITLE_OF_A_PROGRAM.search(title):
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
