"""Pictures of pages, read with OCR on request. A TIFF may hold several pages."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator

from rag.documents.formats.ocr import Ocr
from rag.documents.formats.page_pictures import LARGEST_SOURCE
from rag.documents.formats.pdf.flow import place_words
from rag.documents.formats.pdf.layout import Piece
from rag.documents.formats.pdf.reader import PagePlace, ranges
from rag.documents.tree import PAGE, Content, Limits, TreeWriter
from rag.errors import DocumentError
from rag.schema import PageLayout

_MOST_PIXELS = 30_000_000
_MOST_PAGES = 200


def read_picture(data: bytes, name: str, limits: Limits) -> Content:
    """Raise DocumentError: a picture has no text, unless it is read with OCR."""
    pages = sum(1 for _ in _pages(data, name))
    raise DocumentError("error.pages_pictures", name=name, pages=ranges(range(1, pages + 1)))


def read_picture_with_ocr(data: bytes, name: str, limits: Limits) -> Content:
    """Return the text of a picture, page by page; pages whose confidence is too low are noted. Raises DocumentError."""
    ocr = Ocr(name, limits)
    if ocr.missing is not None:
        raise ocr.missing
    writer = TreeWriter(name, limits)
    read, weak = list[int](), list[int]()
    layouts: list[PageLayout] = []
    for number, (picture, width, height) in enumerate(_pages(data, name), start=1):
        found = ocr.recognise(picture)
        (read if found else weak).append(number)
        writer.mark(PAGE.format(n=number))
        place = PagePlace(width, height)
        words: dict[int, list[tuple[int, int, Piece]]] = {}
        for paragraph in found:
            if (span := writer.paragraph(paragraph.text)) is not None:
                place_words(writer, span, [(number, piece) for piece in place.pieces(paragraph)], words)
        layouts.append(place.layout(number, words.get(number, [])))
    pages = ranges(weak)
    if not read:
        raise DocumentError("error.pages_pictures", name=name, pages=pages)
    notes = (DocumentError("error.pages_pictures", name=name, pages=pages),) if weak else ()
    fields = {"ocr_pages": ranges(read)} | ({"illegible_pages": pages} if weak else {})
    return writer.content(metadata=fields, notes=notes, pages=tuple(layouts))


def _pages(data: bytes, name: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield the pages of a picture in grey, as portable grey maps (PGM), with their width and height."""
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            for number, frame in enumerate(ImageSequence.Iterator(picture)):
                if number == _MOST_PAGES:
                    raise DocumentError("error.too_many_pages", name=name, pages=number + 1, limit=_MOST_PAGES)
                if frame.width * frame.height > LARGEST_SOURCE:
                    raise DocumentError("error.too_much_memory", name=name, limit=f"{LARGEST_SOURCE / 1e6:.0f}")
                page = ImageOps.exif_transpose(frame).convert("L")
                if (pixels := page.width * page.height) > _MOST_PIXELS:
                    share = math.sqrt(_MOST_PIXELS / pixels)
                    page = page.resize((int(page.width * share), int(page.height * share)))
                yield b"P5 %d %d 255\n" % page.size + page.tobytes(), page.width, page.height
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
