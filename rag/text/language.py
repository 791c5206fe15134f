"""Language identification: by script where that is enough, by a statistical identifier otherwise."""

from __future__ import annotations

import logging
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from rag.text.folding import ARABIC_LETTER, LATIN_LETTER
from rag.text.words import words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

log = logging.getLogger(__name__)

# Written in the Arabic script but not in Arabic: letters that Persian, Urdu, Pashto and Kurdish add to it.
_NOT_ARABIC = re.compile("[پچژگٹڈڑںھہےۓۀټډړښځڅېۍڵڕێۆ]")
_ENGLISH = frozenset(
    """the of and to is was are were who what when where why how which did does do has have had not with from about for that
    this these those their its it he she they you can could should would will much many said between""".split()
)
_ARABIC_FUNCTION = frozenset("ما من هل كم متي اين كيف لماذا ماذا هو هي مين ليش ازاي فين امتي اي ماهو ماهي".split())
_CANDIDATES = ["ar", "en", "fa", "ur", "ps", "fr", "es", "de", "it", "pt", "nl", "tr", "id", "ms", "sv", "pl", "ro", "so"]
_SURE = 0.85
_LEAST_LETTERS = 12  # fewer ("TruthGPT?", "Bing") name something rather than belong to a language


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_CANDIDATES)
    return identifier


def detect(text: str) -> str:
    """Return the ISO 639-1 code of a text's language; "und" if it has no letters of the Latin or Arabic script.

    Arabic and English are recognised by script and function words. The identifier takes most of a second to load and guesses on a handful
    of words, so it is used only if something suggests a third language, and trusted only if it is sure.
    """
    written = script(text)
    if written == "und":
        return "other" if any(character.isalpha() for character in text) else "und"
    sample = text[:4000]
    if written == "ar" and not _NOT_ARABIC.search(sample):
        return "ar"
    if written == "en":
        tokens = words(sample)
        if sum(token in _ENGLISH for token in tokens) * 12 >= len(tokens) and any(token in _ENGLISH for token in tokens):
            return "en"
        letters = sum(character.isalpha() for character in sample)
        latin, arabic = len(LATIN_LETTER.findall(sample)), len(ARABIC_LETTER.findall(sample))
        if 2 * (letters - latin - arabic) > latin:
            return "other"  # Russian with a Latin name
        if letters < _LEAST_LETTERS:
            return "en"
    try:
        identifier = _identifier()
    except OSError as error:  # it is unpacked into a temporary file, for which a full disk has no room
        log.warning("the language of a text is told by its script alone: %s", error)
        return written
    language, probability = identifier.classify(sample)
    return str(language) if probability >= _SURE else written


@lru_cache(maxsize=256)
def question_language(question: str) -> str:
    """Return the language of a question: Arabic if any of its function words is, however many Latin names it holds («ما هو TruthGPT؟»);
    otherwise as `detect`."""
    arabic = [word for word in words(question) if script(word) == "ar"]
    if arabic and not _NOT_ARABIC.search(question) and (len(arabic) >= 2 or arabic[0] in _ARABIC_FUNCTION):
        return "ar"
    return detect(question)


def answer_language(language: str) -> str:
    """Return the language of the answer to a question in some language: "ar" or "en"; English to a question without letters."""
    return "ar" if language == "ar" else "en"


def is_in_language(text: str, language: str, otherwise: str) -> bool:
    """Return whether a piece of evidence is in a language; `otherwise` is that of its passage, which counts where it has no letters.

    It is judged by its own script, so that an English sentence of an Arabic passage is English.
    """
    written = script(text)
    return (otherwise if written == "und" else written) == language


def script(text: str) -> str:
    """Return "ar" or "en", whichever script has more letters, or "und" without letters; Latin names in Arabic prose do not outweigh it.

    An Arabic letter counts one and a half: Arabic writes no short vowels, so the same content takes fewer letters.
    """
    arabic, latin = len(ARABIC_LETTER.findall(text)), len(LATIN_LETTER.findall(text))
    if arabic == latin == 0:
        return "und"
    return "ar" if 1.5 * arabic >= latin else "en"
