"""Countries and territories that a text names, in Arabic or English: is it about the one that was asked for?

The names are those of the Unicode CLDR (Babel), compared as folded words without the article and the letters that are written before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache

from rag.text.clitics import split_prefix, without_article
from rag.text.words import words

_OTHER_WORDS = frozenset(("مالي", "عمان", "جيرسي", "chad", "jersey", "guernsey", "georgia", "turkey", "us", "man", "niger"))
"""Names that are other words or other names as well: «مالي» is financial, «عمان» is Amman too."""
_ALSO: Mapping[str, str] = {
    "usa": "US", "america": "US", "امريكا": "US", "بريطانيا": "GB", "انجلترا": "GB", "britain": "GB", "england": "GB", "uk": "GB",
    "السعوديه": "SA", "الامارات": "AE", "emirates": "AE", "uae": "AE", "سوريه": "SY", "سلطنه عمان": "OM", "oman": "OM",
    "كوريا الجنوبيه": "KR", "south korea": "KR", "ايران": "IR", "czech republic": "CZ",
}  # fmt: skip
_LEAST_LETTERS = 3


@lru_cache(maxsize=1024)
def territories(text: str) -> frozenset[str]:
    """Return the codes (ISO 3166-1) of the countries and territories that a text names."""
    spoken = words(text)
    table, longest = _table()
    found: set[str] = set()
    at = 0
    while at < len(spoken):
        for length in range(min(longest, len(spoken) - at), 0, -1):
            code = next((table[key] for key in name_forms(spoken[at : at + length]) if key in table), None)
            if code is not None:
                found.add(code)
                at += length - 1
                break
        at += 1
    return frozenset(found)


def name_forms(run: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield what a run of folded words can be the name of, in the form of `bare_name`: «للبرازيل» is البرازيل after a preposition."""
    first, rest = run[0], bare_name(run[1:])
    yield (*bare_name([first]), *rest)
    for _, bare in split_prefix(first):
        if len(bare) >= _LEAST_LETTERS:
            yield (*bare_name([bare]), *rest)


def bare_name(spoken: Sequence[str]) -> tuple[str, ...]:
    """Return the folded words of a name without their articles."""
    return tuple(without_article(word, _LEAST_LETTERS) for word in spoken)


@cache
def _table() -> tuple[Mapping[tuple[str, ...], str], int]:
    """Return the codes by name, and the number of words of the longest name."""
    from babel import Locale

    found: dict[tuple[str, ...], str] = {}
    named = [(name, code) for language in ("ar", "en") for code, name in Locale(language).territories.items() if len(code) == 2]
    for name, code in [*named, *_ALSO.items()]:
        spoken = words(name)
        if spoken and code.isalpha() and name not in _OTHER_WORDS and " ".join(bare_name(spoken)) not in _OTHER_WORDS:
            found[bare_name(spoken)] = code
    return found, max(map(len, found))
