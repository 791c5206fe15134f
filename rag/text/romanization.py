"""Arabic personal names in their usual Latin spelling, from a dictionary of attested spellings (arabic-name-romanizer, by UNICEF).

Nothing is guessed: a name of which a part is not in the dictionary has no spelling here.
"""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arabic_name_romanizer import Transliterator

_LONGEST = 10
"""Most words of a phrase in which names are looked for."""
_LEAST_KNOWN = 10
"""Attested spellings that one part of a name has at least: «رئيس الشركة» is made of rarer names, if of any."""
_LEAST_PARTS = 2


def latin_name(phrase: str) -> str | None:
    """Return the full name of a person that stands in a short Arabic phrase, in its most usual Latin spelling; None if none or several do.

    A title before the name or a description after it is left out. Without the dictionary, which comes with the models, there is none.
    """
    dictionary = _dictionary()
    if dictionary is None or not phrase.strip() or len(phrase.split()) > _LONGEST:
        return None
    best: Any = dictionary.transliterate(phrase, top_k=2)[0]  # one candidate more than needed: for one alone, only text is returned
    if best.source == "dictionary" and not best.units:
        return str(best.text)  # the dictionary has the whole name
    runs = [list(run) for known, run in groupby(best.units, key=lambda unit: unit.source == "dictionary" and unit.count > 1) if known]
    names = [run for run in runs if len(run) >= _LEAST_PARTS and max(unit.count for unit in run) >= _LEAST_KNOWN]
    return " ".join(unit.latin for unit in names[0]) if len(names) == 1 else None


@cache
def _dictionary() -> Transliterator | None:
    try:
        from arabic_name_romanizer import Transliterator
    except ModuleNotFoundError:
        return None
    return Transliterator(auto_load_model=False)
