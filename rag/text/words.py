"""Words and stems of Arabic and English, for comparison.

Nothing here is stored or displayed. A function that cuts text returns `Span`s into the text it was given.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from rag.schema import Span

if TYPE_CHECKING:
    from Stemmer import Stemmer
from rag.text.folding import ARABIC_LETTER, LATIN_LETTER, fold

# One word or number; an apostrophe inside belongs to it. Arabic writes its one-letter words together with the next one, a Latin name
# too: «وBing» is two words.
_WORD = re.compile("(?:(?![\u0620-\u06d3])[^\\W_])+(?:['\u2019](?:(?![\u0620-\u06d3])[^\\W_])+)*|[\u0620-\u06d3]+")


def words(text: str) -> list[str]:
    """Return the folded words of a text, in order."""
    return _WORD.findall(fold(text).replace("\u2019", "'"))


def word_spans(text: str) -> list[Span]:
    """Return the position of each word of a text, in order; a decimal comma or point separates two words."""
    return [Span(*match.span()) for match in _WORD.finditer(text)]


@cache
def _stemmer(language: str) -> Stemmer:
    import Stemmer

    return Stemmer.Stemmer(language)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the light stem of one folded word, from Snowball's Arabic or English stemmer according to the word's own script."""
    if ARABIC_LETTER.search(word):
        return str(_stemmer("arabic").stemWord(_for_stemmer(word)))
    if LATIN_LETTER.search(word):
        return str(_stemmer("english").stemWord(word.removesuffix("'s")))
    return word


def _for_stemmer(word: str) -> str:
    """Return a folded word in the form that the Arabic stemmer expects.

    It loses a conjunction before the article; after the article, a final ه becomes the ة that it was (otherwise «المكتبه» keeps it and no
    longer matches «مكتبه»).
    """
    if word[:1] in ("و", "ف") and word[1:].startswith(("ال", "لل", "بال", "كال")):
        word = word[1:]
    if word.endswith("ه") and word.startswith(("ال", "لل", "بال", "كال")):
        return f"{word[:-1]}ة"
    return word


def stems(text: str) -> list[str]:
    """Return the stems of a text's words, in order."""
    return [stem(word) for word in words(text)]


# Words so common that finding them says nothing. Folded forms; stems are compared, so inflections need no entry.
_STOP_EN = """a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it
its me my no not of on or our out shall she should so some than that the their them then there these they this those to up us
was we were what when where which while who whom whose why will with would you your about any also please tell according"""
_STOP_AR = """في من الى على عن مع هذا هذه ذلك تلك التي الذي الذين ما ماذا من متى اين كيف لماذا لم لن لا هل كم اي ايه و ف ب ل ك
ان او ثم قد كان كانت يكون تكون هو هي هم هن انا انت نحن كل بعض بين بعد قبل عند حتى اذا لكن بل سوف ايضا غير منذ خلال حول وفق وفقا
لدى عليه عليها فيه فيها منه منها به بها له لها ذكر بحسب حسب ماهو ماهي وما وهل ومن ومتى وكم"""


@cache
def stop_stems() -> frozenset[str]:
    """Return the stems of the function words of both languages."""
    return frozenset(stem(word) for word in words(_STOP_EN + " " + _STOP_AR))


def content_stems(text: str) -> list[str]:
    """Return the stems of content words, in order."""
    stop = stop_stems()
    return [s for s in stems(text) if s not in stop]
