"""Arabic prefixes: words of one letter and the article, which are written together with the next word.

Whether a letter is a word of its own cannot be seen («ولد» is a boy, «وبنك» and a bank), so callers compare several forms of a word.
Words are folded (`rag.text.folding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

PROCLITICS = "وفبلك"
"""And, so, by, for, like."""
ARTICLE = "ال"
PREFIXES = (*PROCLITICS, ARTICLE, *(a + b for a in "وف" for b in "بلك"), *(a + ARTICLE for a in "وفبك"), "لل")
"""One letter, the article, and two of them together."""
PREFIX_PATTERN = f"(?:[وف]?(?:[بك]?{ARTICLE}|لل|[بكل])?)"
"""A regular expression for any prefixes of a word, none included: a conjunction, then a preposition, the article or both."""

BEGIN_WITH_AND = frozenset(
    """وزير وزراء وزاره وزارات وسيم وادي ورد وضع وضعت وصل وصلت وفق وقت وقع وقعت وقف وحده وحدات والد والده والدين وثيقه وثائق وثايق وظيفه
    وظائف وظايف ولايه ولايات ولي وجه وجهت وجهات وجود وزن وسط وسائل وسايل وفاه وفد ورقه ورش ورشه وكاله وكالات وكيل واشنطن واجب وافق وافقت
    واجه واجهت واصل واصلت وعد وعدت وعي ولد ولدت ورث وراثه وصف وصفت وديعه ودائع ودايع وقود وطن وطنيه وارسو وهران ويليام
    وين وقتاش وقتيش وش""".split()
)
"""Words, folded, whose first letter is not the «و» that joins them to what was said before."""


def without_proclitic(word: str, letters: str = PROCLITICS, least: int = 3) -> str:
    """Return a word without its first letter if that is one of `letters` and at least `least` letters remain; else the word."""
    return word[1:] if len(word) > least and word[0] in letters else word


def without_article(word: str, least: int = 0) -> str:
    """Return a word without the article at its beginning if at least `least` letters remain; else the word."""
    return word[len(ARTICLE) :] if word.startswith(ARTICLE) and len(word) - len(ARTICLE) >= least else word


def split_prefix(word: str, prefixes: Iterable[str] = PREFIXES) -> Iterator[tuple[str, str]]:
    """Yield each of the prefixes that a word begins with, and the rest of the word. The prefix "" is every word's.

    >>> list(split_prefix("والبنك"))
    [('و', 'البنك'), ('وال', 'بنك')]
    """
    for prefix in prefixes:
        if word.startswith(prefix):
            yield prefix, word[len(prefix) :]
