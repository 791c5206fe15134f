"""OCR of scanned pages and pictures by Tesseract, a separate program with data for Arabic and English.

Used only on request. Picture and words pass through pipes; no file is written.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import unicodedata
from dataclasses import dataclass
from typing import Any

from rag.documents.formats.pdf.arabic import is_garbled
from rag.documents.tree import Limits
from rag.errors import DocumentError

PROGRAM = "tesseract"
LANGUAGES = ("ara", "eng")
_DOTS_PER_INCH = 300
_MOST_PIXELS = 30_000_000
_LEAST_SURE = 40.0  # per cent, the mean over a page's words; guesses at a photograph are far below, print is above 80


@dataclass(frozen=True, slots=True)
class OcrParagraph:
    """The words of a paragraph, each with the left, top, right and bottom of its box from the upper left corner."""

    words: tuple[tuple[str, float, float, float, float], ...]

    @property
    def text(self) -> str:
        """The words in a line."""
        return " ".join(word for word, *_ in self.words)

    def scaled(self, by: float) -> OcrParagraph:
        """Return the same paragraph, its boxes in another unit."""
        return OcrParagraph(tuple((word, by * left, by * top, by * right, by * bottom) for word, left, top, right, bottom in self.words))


class Ocr:
    """Reads pages of one file. `missing` is the reason if Tesseract or its data is not installed."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._seconds = limits.ocr_seconds
        self._program = shutil.which(PROGRAM)
        self._languages = _installed(self._program) if self._program else []
        self.missing = None if self._languages else DocumentError("error.ocr_missing", name=name)

    def read(self, page: Any) -> list[OcrParagraph]:
        """Return the paragraphs of a PDF page, with boxes in points; none if the confidence is too low."""
        if not self._languages:
            return []
        picture, scale = _picture(page)
        return [paragraph.scaled(1 / scale) for paragraph in self.recognise(picture)]

    def recognise(self, picture: bytes) -> list[OcrParagraph]:
        """Return the paragraphs of a picture (PGM), with boxes in pixels; none if the confidence is too low."""
        if not self._languages or self._program is None:
            return []
        command = [self._program, "stdin", "stdout", "-l", "+".join(self._languages), "--dpi", str(_DOTS_PER_INCH), "tsv"]
        # One thread: several slow each other down, and the other core may be answering a question.
        settings = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        try:
            done = subprocess.run(command, input=picture, capture_output=True, timeout=10 * self._seconds, env=settings, check=False)
        except (subprocess.TimeoutExpired, OSError):
            return []
        if done.returncode:
            return []
        blocks = paragraphs(done.stdout.decode("utf-8", "replace"))
        return [] if is_garbled(" ".join(block.text for block in blocks)) else blocks


def _installed(program: str) -> list[str]:
    try:
        done = subprocess.run([program, "--list-langs"], capture_output=True, timeout=60, check=False)
    except (subprocess.TimeoutExpired, OSError):
        return []
    known = (done.stdout + done.stderr).decode("utf-8", "replace").split()
    return [language for language in LANGUAGES if language in known]


def _picture(page: Any) -> tuple[bytes, float]:
    """Render a page in grey, as a portable grey map (PGM), and return its pixels per point."""
    width, height = page.get_size()
    scale = min(_DOTS_PER_INCH / 72, math.sqrt(_MOST_PIXELS / max(1.0, width * height)))
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        raw = memoryview(bitmap.buffer).cast("B")
        rows = [bytes(raw[row * bitmap.stride : row * bitmap.stride + bitmap.width]) for row in range(bitmap.height)]
        return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + b"".join(rows), scale
    finally:
        bitmap.close()


def paragraphs(table: str) -> list[OcrParagraph]:
    """Return the paragraphs in Tesseract's table of words; none if the confidence is too low."""
    found: dict[tuple[str, ...], list[tuple[str, float, float, float, float]]] = {}
    sure: list[float] = []
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) < 12 or cells[0] != "5":
            continue
        word = "".join(c for c in cells[11] if unicodedata.category(c) != "Cf").strip()
        if word:
            left, top, width, height = (float(cell) for cell in cells[6:10])
            found.setdefault(tuple(cells[1:4]), []).append((word, left, top, left + width, top + height))
            sure.append(float(cells[10]))
    if not sure or sum(sure) / len(sure) < _LEAST_SURE:
        return []
    return [OcrParagraph(tuple(words)) for words in found.values()]
