"""Translations in answers: which texts are translated, and which translations are shown.

Nothing proves that a translation says what its source says. It is therefore shown only next to its source, under a grade of its own, and
only if nothing speaks against it that a rule can see (another number or name, another script, a lost negation, a loop).
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence

from rag.answering.checking.polarity import contrary
from rag.documents.tree import CELL_SEPARATOR
from rag.errors import ShawahidError
from rag.models.translator import Translator
from rag.schema import Span
from rag.text.folding import ARABIC_LETTER, LATIN_LETTER, fold
from rag.text.language import script
from rag.text.names import unmatched_names
from rag.text.numbers import contradicts_values
from rag.text.sentences import sentences
from rag.text.words import words

MOST_WORDS = 60
"""Words translated for one answer: a text is begun as long as fewer were."""
_LETTERS = (0.5, 3.0, 8)
"""English letters per Arabic letter, at least and at most, and the letters by which a short text may differ: vowels are not written in
Arabic, and articles and pronouns are part of the word."""
_SPARE = 2
"""Runs of four words that a translation may say again where its source says something in two ways."""
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f](?:[\w&]*\w)?")

log = logging.getLogger(__name__)


def is_shown(source: str, translation: str, language: str) -> bool:
    """Return whether a translation into a language may be shown for its source.

    It states the numbers, dates and amounts of the source and no others, has names that sound like those of the source, denies what the
    source denies, is in the script of its language
    (Latin names of the source may stay in Arabic, and must stay in English), is about as long as the source, repeats nothing, and is not
    the source itself.
    """
    return (
        bool(translation.strip())
        and fold(translation).split() != fold(source).split()
        and _in_script(source, translation, language)
        and _as_long(source, translation, language)
        and not _loops(source, translation)
        and not contradicts_values(translation, source)
        and not contradicts_values(source, translation)
        and not contrary(translation, source, _all_alike)
        and not unmatched_names(*((translation, source) if language == "en" else (source, translation)))
    )


def is_latin_name(text: str) -> bool:
    """Return whether a short Latin text reads as a name, which an Arabic text uses as it is: «John Reed», «Bank of England»."""
    own = [word for word in text.split() if len(word) > 3 or not word.islower()]
    return bool(own) and all(any(letter.isupper() or letter.isdigit() for letter in word) for word in own)


class SourceTranslator:
    """Translates parts of a quotation into the language of one answer. Without a `translator` nothing is.

    `spent` is the number of words translated for the answer, before and by this object. A failing translator is logged: the answer can do
    without.
    """

    def __init__(
        self,
        translator: Translator | None,
        language: str,
        stop: threading.Event | None = None,
        spent: int = 0,
    ) -> None:
        self._translator = translator
        self._language = language
        self._stop = stop
        self.spent = spent

    def phrases(self, texts: Sequence[str]) -> list[str]:
        """Return the translation of each text, in order; "" for one that is in the language already, is beyond the limit, or whose
        translation is not shown."""
        found = [""] * len(texts)
        if self._translator is None:
            return found
        source = "en" if self._language == "ar" else "ar"
        chosen: list[int] = []
        for number, text in enumerate(texts):
            if script(text) == source and self.spent < MOST_WORDS:
                chosen.append(number)
                self.spent += len(text.split())
        if not chosen:
            return found
        try:
            made = self._translator.translate([texts[number] for number in chosen], source, self._language, self._stop)
        except ShawahidError as error:
            log.warning("nothing was translated: %s", error)
            return found
        for number, translation in zip(chosen, made, strict=True):
            if is_shown(texts[number], translation, self._language):
                found[number] = translation
        return found

    def passage(self, text: str, core: Span) -> str:
        """Return the translation of a quotation, sentence by sentence or cell by cell; "" if a part of its `core` has none. A part outside
        the core without one is left out with an ellipsis."""
        if self._translator is None:
            return ""
        parts, separator = _parts(text)
        translated = self.phrases([part.of(text) for part in parts])
        written = []
        for part, translation in zip(parts, translated, strict=True):
            own = part.of(text)
            if not translation and script(own) in ("und", self._language):
                translation = own  # a figure, a name
            if not translation and part.overlaps(core):
                return ""
            written.append(translation or "…")
        return separator.join(written) if any(translated) else ""


def _parts(text: str) -> tuple[list[Span], str]:
    """Return what a text is translated by, and what joins it: cells of a row, else sentences, a long one in clauses."""
    if CELL_SEPARATOR not in text:
        return sentences(text), " "
    found, start = [], 0
    for cell in text.split(CELL_SEPARATOR):
        found.append(Span(start, start + len(cell)))
        start += len(cell) + len(CELL_SEPARATOR)
    return found, CELL_SEPARATOR


def _in_script(source: str, translation: str, language: str) -> bool:
    written = {fold(word) for word in _LATIN_WORD.findall(translation)}
    own = _LATIN_WORD.findall(source)
    if language == "en":
        names = {fold(word) for word in own if len(word) > 1 and not word.islower()}
        return bool(LATIN_LETTER.search(translation)) and not ARABIC_LETTER.search(translation) and names <= written
    return script(translation) == "ar" and written <= set(map(fold, own))


def _as_long(source: str, translation: str, language: str) -> bool:
    english, arabic = (translation, source) if language == "en" else (source, translation)
    least, most, spare = _LETTERS
    letters = len(LATIN_LETTER.findall(english))
    known = len(ARABIC_LETTER.findall(arabic))
    return least * known - spare <= letters <= most * known + spare


def _loops(source: str, translation: str) -> bool:
    """Return whether a translation says something again at once, or a long run of words again later, more often than its source."""
    written, own = words(translation), words(source)
    return _echoes(written) > _echoes(own) or _again(written) > _again(own) + _SPARE


def _echoes(text: Sequence[str]) -> int:
    """Return how many runs of words are followed by themselves; a single word counts the third time."""
    runs = sum(text[n : n + size] == text[n + size : n + 2 * size] for size in range(2, 6) for n in range(len(text) - 2 * size + 1))
    return runs + sum(text[n] == text[n + 1] == text[n + 2] for n in range(len(text) - 2))


def _again(text: Sequence[str]) -> int:
    """Return how many runs of four words occurred before."""
    fours = [tuple(text[n : n + 4]) for n in range(len(text) - 3)]
    return len(fours) - len(set(fours))


def _all_alike(some: Sequence[str], others: Sequence[str]) -> list[list[float]]:
    """Return the same likeness for all clauses: one may translate any other, so only what all of them deny counts as denied."""
    return [[1.0] * len(others) for _ in some]
