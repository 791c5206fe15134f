"""Pages of a PDF or a picture as images for the eye, as the original shows them."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rag.errors import DocumentError

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
RENDERED = frozenset((".pdf", *PICTURES))
"""The kinds of files whose pages can be shown, as lower-case suffixes."""
MEDIA_TYPE = "image/webp"

_MOST_PIXELS = 8_000_000
LARGEST_SOURCE = 100_000_000
"""Pixels of a picture that is opened at all: a larger one may be made to fill the memory."""
_LONGEST_SIDE = 10_000
_QUALITY = 80
_EFFORT = 1
"""Of the compression, from 0 to 6: more takes several times as long and saves little."""


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as WebP, its size in pixels, and how many pages the file has."""

    data: bytes
    width: int
    height: int
    pages: int


def render_page(data: bytes, suffix: str, name: str, number: int, width: int) -> PagePicture:
    """Return a page, counted from 1, about `width` pixels wide; narrower if it would have too many pixels. Raises DocumentError."""
    picture, pages = _pdf_page(data, name, number, width) if suffix == ".pdf" else _picture_page(data, name, number, width)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
    return PagePicture(out.getvalue(), picture.width, picture.height, pages)


def _pdf_page(data: bytes, name: str, number: int, width: int) -> tuple[Any, int]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
    try:
        pages = len(document)
        _check_number(number, pages, name)
        document.init_forms()  # what was filled in is drawn with the page
        try:
            page = document[number - 1]
        except pypdfium2.PdfiumError as error:
            raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error
        across, down = (max(side, 1.0) for side in page.get_size())
        scale: Any = _scale(across, down, width)  # a float, which the library describes as int
        bitmap = page.render(scale=scale)
        return bitmap.to_pil().convert("RGB"), pages
    finally:
        document.close()


def _picture_page(data: bytes, name: str, number: int, width: int) -> tuple[Any, int]:
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as source:
            pages = int(getattr(source, "n_frames", 1))
            _check_number(number, pages, name)
            frame = next(islice(ImageSequence.Iterator(source), number - 1, None))
            if frame.width * frame.height > LARGEST_SOURCE:
                raise DocumentError("error.too_much_memory", name=name, limit=f"{LARGEST_SOURCE / 1e6:.0f}")
            page = ImageOps.exif_transpose(frame)
            scale = min(1.0, _scale(page.width, page.height, width))
            page = page.convert("RGBA" if page.mode in ("RGBA", "LA", "PA", "P") else "RGB")
            page = page.resize((max(1, round(page.width * scale)), max(1, round(page.height * scale))))
            if page.mode == "RGBA":
                paper = Image.new("RGB", page.size, "white")
                paper.paste(page, mask=page.getchannel("A"))
                return paper, pages
            return page, pages
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error


def _check_number(number: int, pages: int, name: str) -> None:
    if not 1 <= number <= pages:
        raise DocumentError("error.no_such_page", name=name, page=number, pages=pages)


def _scale(across: float, down: float, width: int) -> float:
    """Return the pixels per unit of a page: as many as its width needs, and no more than the limits allow."""
    return min(width / across, math.sqrt(_MOST_PIXELS / (across * down)), _LONGEST_SIDE / max(across, down))
