"""Arabic text extracted from PDF: repair what can be repaired with certainty, recognise what is not text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_FORMS = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc\U0001d400-\U0001d7ff]")
_LETTER = re.compile("[\u0620-\u064a\u066e-\u06d3]")
_WORD = re.compile("[\u0620-\u065f\u066e-\u06d3]+")
_LATIN_WORD = re.compile(r"[^\W\d_]+")
_ALEFS = tuple("اأإآٱ")
_WHOLE = frozenset(("الله", "لله", "محمد", "صلى", "صلم", "رسول", "عليه", "وسلم", "جل جلاله"))
_COMMON = frozenset("اليمونترب")
_FUNCTION = frozenset("في من على إلى الى عن أن ان إن هذا هذه التي الذي مع ما لا أو او كان قد كل بين بعد لم هو هي و".split())
_LATIN_FUNCTION = frozenset(
    """the of and to in a is for on with by it as at from that this de la le les et un une des der die das und en el los y di il e
    o que com""".split()
)
_VOWELS = frozenset("aeiouyàâäáãåèéêëìíîïòóôöõùúûüæœ")
# Windows-1256 read as Windows-1252, as fonts without a map of their letters have it: «ÇáÓáÇã» is «السلام».
_WINDOWS = {bytes([byte]).decode("cp1252", "ignore"): bytes([byte]).decode("cp1256") for byte in range(0xC0, 0x100)}
_STRANGE_MARKS = re.compile("[\u0654-\u065f]")
_DOUBLED = re.compile(r"اا|ووو|(?<=.)وو(?=.)|([^\Wله])\1\1")
_LEAST = 40  # fewest letters for a judgement


def normalize_presentation_forms(text: str) -> str:
    """Presentation forms as their letters («ﻻ» as «لا»); a mark's form without the space it is drawn on."""
    if text == "\ufdfc":
        return "ريال"  # its decomposition has a Persian yeh
    return _FORMS.sub(lambda m: unicodedata.normalize("NFKC", m.group()).strip() or m.group(), text)


_LOOKALIKES = str.maketrans("یھکہ", "يهكه")
_OTHER_LANGUAGES = frozenset("پچژگٹڈڑےں")
_LEAST_MARBUTA = 3


def without_lookalikes(text: str) -> dict[int, str]:
    """Return replacements for Persian and Urdu letters in an Arabic text, which some fonts give in place of similar Arabic ones; none for a
    text in those languages."""
    if text.count("ة") + text.count("ﺓ") < _LEAST_MARBUTA or any(c in _OTHER_LANGUAGES for c in text):
        return {}
    return {code: chr(to) if isinstance(to, int) else to for code, to in _LOOKALIKES.items()}


def ligature(text: str) -> str:
    """Return the letters of one ligature in reading order, whichever way round they come.

    Fonts join letters in few ways: lam and alef in this order only, marks follow a letter, «الله» is read in one way, and of the pairs
    that Unicode has signs for most have none the other way round («لج» but no «جل»).
    """
    backwards = text[::-1]
    letters = "".join(c for c in text if unicodedata.category(c) != "Mn")
    if (letters[:1] in _ALEFS and letters[-1:] == "ل") or letters[::-1] in _WHOLE or unicodedata.category(text[0]) == "Mn":
        return backwards
    if letters in _WHOLE or (letters[:1] == "ل" and letters[-1:] in _ALEFS):
        return text
    joined, turned = letters in _joined_letters(), letters[::-1] in _joined_letters()
    return backwards if turned and not joined else text


@lru_cache(maxsize=1)
def _joined_letters() -> frozenset[str]:
    """Return the letter sequences that Unicode has a single character for."""
    signs = (unicodedata.normalize("NFKC", chr(code)) for code in range(0xFC00, 0xFDC8))
    return frozenset("".join(c for c in sign if _LETTER.match(c)) for sign in signs)


def is_windows(text: str) -> bool:
    """Return whether letters, in any order, are Arabic in Windows-1256 that was mistaken for Western European text."""
    letters = [c for c in text if c.isalpha()]
    if len(letters) < _LEAST or sum(c in _WINDOWS for c in letters) < 0.7 * len(letters):
        return False
    mapped = "".join(_WINDOWS.get(c, c) for c in letters)
    return len(_LETTER.findall(mapped)) > 0.7 * len(mapped) and _common(mapped) > 0.55


def from_windows(character: str) -> str:
    """Return the Arabic letter of a character for which `is_windows` holds."""
    return _WINDOWS.get(character, character)


def _common(text: str) -> float:
    """Return the share of the nine commonest letters; 0.65 to 0.75 in Arabic prose."""
    letters = Counter(_LETTER.findall(text.translate(str.maketrans("أإآٱى", "ااااي"))))
    total = letters.total()
    return sum(letters[c] for c in _COMMON) / total if total else 0.0


def is_reversed(text: str) -> bool:
    """Return whether the letters of Arabic words stand in reverse: «ة» and «ى» end words and never begin them, «ال» begins many."""
    forward = backward = 0
    for word in _WORD.findall(text):
        if len(word) >= 3:
            forward += (word[-1] in "ةى") + word.startswith("ال")
            backward += (word[0] in "ةى") + (word.endswith("لا") and len(word) > 3)
    return backward >= 4 and backward > 4 * forward


def is_garbled(text: str) -> bool:
    """Return whether a page's text is garbled: unmapped characters, implausible letter sequences, or words without spaces."""
    visible = [c for c in text if not c.isspace()]
    if not visible:
        return False
    broken = sum(c == "\ufffd" or unicodedata.category(c) in ("Co", "Cn", "Cc", "Cs") for c in visible)
    if broken > 0.05 * len(visible):
        return True
    letters = _LETTER.findall(text)
    if len(letters) >= _LEAST and len(letters) > 0.3 * len(visible):
        return _garbled_arabic(text, len(letters))
    return _garbled_latin(text)


def _garbled_arabic(text: str, letters: int) -> bool:
    if len(_STRANGE_MARKS.findall(text)) > 0.015 * letters:
        return True
    words = [re.sub("[\u0640\u064b-\u065f]", "", word) for word in _WORD.findall(text)]
    if len(words) >= 15 and sum(_DOUBLED.search(word) is not None for word in words) > 0.04 * len(words):
        return True  # a font without a map of the strokes that lengthen letters
    misplaced = sum(bool(re.search("[ةى](?=.)", word)) for word in words)
    glued = sum(len(word) for word in words if len(word) > 14)
    if misplaced > 0.1 * len(words) or glued > 0.25 * letters:
        return True
    functional = sum(word in _FUNCTION for word in words)
    return len(words) >= 30 and (_common(text) < 0.45 or (functional == 0 and _common(text) < 0.58))


def _garbled_latin(text: str) -> bool:
    words = [word.casefold() for word in _LATIN_WORD.findall(text) if unicodedata.bidirectional(word[0]) == "L"]
    latin = "".join(words)
    if len(words) < 30 or not latin or not all(c < "\u0250" for c in latin):
        return False
    if any(word in _LATIN_FUNCTION and len(word) > 1 for word in words):
        return False
    return not 0.25 < sum(c in _VOWELS for c in latin) / len(latin) < 0.65
