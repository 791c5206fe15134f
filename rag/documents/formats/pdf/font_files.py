"""Characters that a PDF names wrongly or not at all, read from the font files it embeds: which outline was drawn, and whose it is.

Some programs write a wrong table of characters for numbers in right-to-left text: the page shows 1995, and the table says 9111. Others
write none for some fonts. What the font file does not settle is refused.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rag.documents.formats.pdf.bidi import is_rtl
from rag.documents.formats.pdf.glyphs import Glyph

Digits = dict[tuple[str, str], Counter[tuple[float, float]]]
"""The width and height of the ink of each digit of a font, in ems, with counts."""

Box = tuple[float, float, float, float]
"""Left, bottom, right and top of the ink of a glyph from its pen position, in ems."""

_OTHER_WIDTH = 0.08
_SAME_LINE = 0.05
_FEWEST_SHAPES = 3
_LEAST_SHARE = 0.05
_ASCII_ORDER = {3 + n: chr(32 + n) for n in range(95)}
"""The glyphs of nearly all text fonts that keep the order of ASCII."""
_NEAR = 0.0015
_APART = 0.001  # PDFium cuts boxes to thousandths of an em, as is done here
_LARGEST_FONT = 8_000_000
_MOST_CODES = 2 * 0x10000
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A character on a page: its glyph, the box of its ink, and the number and name of its font. `code` is its code in the font if the
    page gives it no letter."""

    glyph: Glyph
    box: Box
    font: int
    name: str
    code: int = -1
    turn: int = 0


# --- wrong digits ---------------------------------------------------------------------------------------------------------


def wrong_digits(digits: Digits) -> frozenset[str]:
    """Return the fonts in which one digit has two shapes of the same height: their mapping to digits is wrong.

    «1» alone proves nothing, fonts have a wide and a narrow one; a smaller shape is a superscript or subscript; and where every digit has
    two shapes, some text is drawn wider.
    """
    single, double = set[str](), set[str]()
    for (font, digit), shapes in digits.items():
        least = max(_FEWEST_SHAPES, _LEAST_SHARE * shapes.total())
        often = [shape for shape, count in shapes.items() if count >= least]
        pairs = list(itertools.combinations(often, 2))
        if any(abs(a[0] - b[0]) > _OTHER_WIDTH and abs(a[1] - b[1]) < _SAME_LINE for a, b in pairs):
            double |= {font} if digit not in "1١۱" else set()
        elif often and shapes.total() >= _FEWEST_SHAPES:
            single.add(font)
    return frozenset(single & double)


def read_digits(drawn: Sequence[Drawn], fonts: Mapping[int, Any], text: str, digits: Digits) -> None:
    """Put the digits of a page right by the font files, if the page has right-to-left text, and count their shapes in `digits`."""
    if any(is_rtl(character) for character in text):
        for font, own in _by_font(one for one in drawn if one.glyph.text in _DIGITS).items():
            if read := digits_of_shapes({one.box for one in own}, TrueType.read(font_file(fonts[font]))):
                for one in own:
                    one.glyph.text = read[one.box]
    for one in drawn:
        shape = round(one.box[2] - one.box[0], 2), round(one.box[3] - one.box[1], 2)
        digits.setdefault((one.name, one.glyph.text[:1]), Counter())[shape] += 1


def digits_of_shapes(shapes: set[Box], font: TrueType) -> dict[Box, str]:
    """Return the digit that each shape is by the font file; nothing unless every shape is exactly one of its digits."""
    boxes = [(box, letter) for glyph, letter in font.letters.items() if letter in _DIGITS and (box := font.box(glyph)) is not None]
    found: dict[Box, str] = {}
    for shape in shapes:
        distances = sorted((_distance(shape, box), digit) for box, digit in boxes)
        if not distances or distances[0][0] > _NEAR or (len(distances) > 1 and distances[1][0] - distances[0][0] < _APART):
            return {}
        found[shape] = distances[0][1]
    return found


def _distance(shape: Box, box: Box) -> float:
    """Return how far apart two boxes are on the left, at the bottom and on the right; PDFium makes some higher."""
    return max(abs(a - b) for a, b in zip(shape[:3], box[:3], strict=True))


def _by_font(drawn: Iterable[Drawn]) -> dict[int, list[Drawn]]:
    found: dict[int, list[Drawn]] = {}
    for one in drawn:
        found.setdefault(one.font, []).append(one)
    return found


# --- characters without a letter ------------------------------------------------------------------------------------------


def read_unmapped(drawn: Sequence[Drawn], fonts: Mapping[int, Any]) -> list[Drawn]:
    """Return the characters without a letter that the font files name, with their letters in their glyphs."""
    found: list[Drawn] = []
    for font, own in _by_font(drawn).items():
        letters = letters_of_codes({(one.code, one.box) for one in own}, TrueType.read(font_file(fonts[font])))
        for one in own:
            if one.code in letters:
                one.glyph.text = letters[one.code]
                found.append(one)
    return found


def letters_of_codes(codes: set[tuple[int, Box]], font: TrueType) -> dict[int, str]:
    """Return the letters of a font's codes, if they are the numbers of the glyphs in its file: every outline that was drawn has to be
    that of the glyph."""
    found: dict[int, str] = {}
    for code, drawn in codes:
        box = font.box(code)
        if box is not None and _distance(drawn, box) > _NEAR:
            return {}
        letter = font.letters.get(code)
        if letter is not None and (box is not None or letter == " "):
            found[code] = letter
    return found if any(letter != " " for letter in found.values()) else {}


# --- font files -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrueType:
    """What a TrueType file says of its glyphs; nothing, if it is of another kind or damaged.

    A file cut down to the letters that a document uses leaves out the outlines of the others and keeps the numbers.
    """

    boxes: Mapping[int, Box]
    letters: Mapping[int, str]
    """By number of the glyph: from the file's own table, or if it has none, by the order of ASCII where the digits are as in that."""

    @staticmethod
    @lru_cache(maxsize=32)
    def read(data: bytes) -> TrueType:
        """Return what a file says. Never raises: a damaged one has no glyphs."""
        try:
            tables = {
                tag: offset for tag, _, offset, _ in struct.iter_unpack(">4sIII", data[12 : 12 + 16 * struct.unpack_from(">H", data, 4)[0]])
            }
            boxes = _outlines(data, tables)
            letters = _table_of_letters(data, tables[b"cmap"]) if b"cmap" in tables else {}
            return TrueType(boxes, letters or (_ASCII_ORDER if _is_in_ascii_order(data, tables, boxes) else {}))
        except (struct.error, KeyError, ZeroDivisionError):
            return TrueType({}, {})

    def box(self, glyph: int) -> Box | None:
        """Return the box of a glyph, None if it draws nothing."""
        return self.boxes.get(glyph)


def _outlines(data: bytes, tables: Mapping[bytes, int]) -> dict[int, Box]:
    """Return the boxes of all glyphs with an outline."""
    em = struct.unpack_from(">H", data, tables[b"head"] + 18)[0]
    wide = struct.unpack_from(">h", data, tables[b"head"] + 50)[0]
    count = struct.unpack_from(">H", data, tables[b"maxp"] + 4)[0]
    places = struct.unpack_from(f">{count + 1}{'I' if wide else 'H'}", data, tables[b"loca"])
    found: dict[int, Box] = {}
    for glyph, (begin, end) in enumerate(itertools.pairwise(places)):
        if end > begin:
            sides = struct.unpack_from(">hhhh", data, tables[b"glyf"] + (begin if wide else 2 * begin) + 2)
            left, bottom, right, top = (int(side * 1000 / em) / 1000 for side in sides)
            found[glyph] = left, bottom, right, top
    return found


def _table_of_letters(data: bytes, at: int) -> dict[int, str]:
    """Return the letters of a file's table for Unicode (format 4) by glyph; of several letters of a glyph the first."""
    found: dict[int, str] = {}
    left = _MOST_CODES
    for n in range(struct.unpack_from(">H", data, at + 2)[0]):
        platform, encoding, offset = struct.unpack_from(">HHI", data, at + 4 + 8 * n)
        start = at + offset
        if (platform, encoding) not in ((3, 1), (0, 3)) or struct.unpack_from(">H", data, start)[0] != 4:
            continue
        count = struct.unpack_from(">H", data, start + 6)[0] // 2
        ends = struct.unpack_from(f">{count}H", data, start + 14)
        begins, steps, ranges = (struct.unpack_from(f">{count}H", data, start + 16 + 2 * count * part) for part in (1, 2, 3))
        for number, (begin, end, step, relative) in enumerate(zip(begins, ends, steps, ranges, strict=True)):
            left -= max(0, end - begin) + 1
            if left < 0:
                return found  # ranges of a sound table do not overlap
            for code in range(begin, min(end, 0xFFFE) + 1):
                glyph = code + step & 0xFFFF
                if relative:
                    place = start + 16 + 6 * count + 2 * number + relative + 2 * (code - begin)
                    glyph = struct.unpack_from(">H", data, place)[0]
                    glyph = glyph and glyph + step & 0xFFFF
                if glyph and not 0xE000 <= code < 0xF900:
                    found.setdefault(glyph, chr(code))
    return found


def _is_in_ascii_order(data: bytes, tables: Mapping[bytes, int], boxes: Mapping[int, Box]) -> bool:
    """Return whether the glyphs where digits are in that order have one width, and that of the space no outline."""
    last = struct.unpack_from(">H", data, tables[b"hhea"] + 34)[0] - 1
    digits = [glyph for glyph, letter in _ASCII_ORDER.items() if letter in _DIGITS and glyph in boxes]
    widths = {struct.unpack_from(">H", data, tables[b"hmtx"] + 4 * min(glyph, last))[0] for glyph in digits}
    return len(digits) > 1 and len(widths) == 1 and 3 not in boxes


def font_file(font: Any) -> bytes:
    """Return the embedded file of a font, b"" if it has none."""
    import pypdfium2.raw as pdfium

    size = ctypes.c_size_t()
    if pdfium.FPDFFont_GetIsEmbedded(font) != 1 or not pdfium.FPDFFont_GetFontData(font, None, 0, size) or size.value > _LARGEST_FONT:
        return b""
    buffer = (ctypes.c_uint8 * size.value)()
    return bytes(buffer) if pdfium.FPDFFont_GetFontData(font, buffer, size.value, size) else b""
