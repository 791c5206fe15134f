"""Detect the encoding of a text file and decode it."""

from __future__ import annotations

import re

from rag.errors import DocumentError
from rag.text.language import script

# Encodings that Arabic and English text files are found in; a closed list, so that a short text is not taken for Big5.
_ENCODINGS = ["utf_8", "utf_16_le", "utf_16_be", "cp1256", "cp1252"]
_FREQUENT = frozenset("اليمنوره")
_FEW_LETTERS = 12
"""Arabic letters below which a text is too short to be clear."""
ACCENTED = re.compile("[\u00c0-\u00ff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


def decode(data: bytes, name: str) -> str:
    """Return the text of a file in UTF-8, UTF-8 with BOM, UTF-16 or Windows-1256. Raises DocumentError if it is not text."""
    for bom, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(bom):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError as error:
                raise DocumentError("error.not_text", name=name) from error
            if "\0" in text:
                raise DocumentError("error.not_text", name=name)
            return text
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # UTF-16 of a few Arabic words is valid UTF-8 as well: every second character of it is a control character.
        if _controls(text) <= len(text) // 10 and "\0" not in text:
            return text
    if (arabic := _windows_1256(data)) is not None:
        return arabic
    from charset_normalizer import from_bytes  # decided by which decoding looks like language

    best = from_bytes(data, cp_isolation=_ENCODINGS, threshold=0.3).best()
    if best is None:
        raise DocumentError("error.not_text", name=name)
    text = str(best)
    letters = [character for character in text if character.isalpha()]
    # Almost any pair of bytes, read as UTF-16, is a letter of some script.
    strange = sum(script(letter) == "und" for letter in letters)
    readable = len(letters) + sum(character.isspace() for character in text)
    if "\0" in text or _controls(text) > len(text) // 100 or readable < len(text) // 2 or strange > len(letters) // 4:
        raise DocumentError("error.not_text", name=name)
    return text


def _windows_1256(data: bytes) -> str | None:
    """Return the text if it is clearly Arabic in Windows-1256, also a short one among digits, which statistics of language do not decide:
    its words above ASCII are Arabic letters alone, and nearly half of these are the most frequent ones."""
    try:
        text = data.decode("cp1256")
    except UnicodeDecodeError:
        return None
    letters = [c for c in text if "\u0621" <= c <= "\u064a"]
    foreign = [word for word in re.findall(r"\w+", text) if not word.isascii()]
    arabic = sum(re.fullmatch(r"[\u0621-\u0652\d]+", word) is not None for word in foreign)
    usual = sum(letter in _FREQUENT for letter in letters)
    clear = len(letters) >= _FEW_LETTERS and arabic >= 0.95 * len(foreign) and usual >= 0.45 * len(letters)
    return text if clear and not _controls(text) and "\x7f" not in text else None


def _controls(text: str) -> int:
    return len(_CONTROL.findall(text))


def arabic_again(text: str) -> str:
    """Return a short text, such as a title, in Arabic where it was stored as Windows-1256 and read as Western letters, else as it is.

    >>> arabic_again("ÇáãíÒÇäíÉ 2021")
    'الميزانية 2021'
    """
    words = re.findall(r"[^\W\d_]{2,}", text)
    if not words or any(len(ACCENTED.findall(word)) <= 0.7 * len(word) for word in words):
        return text
    try:
        return text.encode("cp1252").decode("cp1256")
    except UnicodeError:
        return text
