"""Names across two scripts: whether سبيرو and Spiro can be the same name.

Both are reduced to the consonants that Arabic spelling of foreign names keeps, sounds that it writes with one letter merged
(p and b, v and f, the gs and js). Vowels, which each spelling renders as it likes, are dropped.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rag.text import fold, script, words

_ARABIC = {
    "ب": "b", "پ": "b", "ت": "t", "ط": "t", "ث": "t", "ج": "g", "چ": "g", "غ": "g", "گ": "g", "ح": "", "خ": "k", "د": "d",
    "ض": "d", "ذ": "d", "ر": "r", "ز": "s", "ظ": "s", "س": "s", "ص": "s", "ش": "x", "ف": "f", "ڤ": "f", "ق": "k", "ك": "k",
    "ل": "l", "م": "m", "ن": "n",
}  # fmt: skip
_LATIN_PAIRS = (
    ("sch", "x"), ("tch", "x"), ("sh", "x"), ("ch", "x"), ("ph", "f"), ("th", "t"), ("gh", "g"), ("kh", "k"), ("dh", "d"),
    ("ck", "k"), ("ce", "s"), ("ci", "s"), ("cy", "s"), ("qu", "k"), ("x", "ks"),
)  # fmt: skip
_LATIN = {
    "b": "b", "p": "b", "t": "t", "c": "k", "k": "k", "q": "k", "g": "g", "j": "g", "d": "d", "r": "r", "z": "s", "s": "s",
    "f": "f", "v": "f", "l": "l", "m": "m", "n": "n",
}  # fmt: skip


@lru_cache(maxsize=65536)
def skeleton(word: str) -> str:
    """The consonants of one word, the same for a name in either script: both "سبيرو" and "Spiro" give "sbr"."""
    word = fold(word)
    if script(word) == "ar":
        kept = "".join(_ARABIC.get(letter, "") for letter in word)
    else:
        for pair, single in _LATIN_PAIRS:
            # "ks" must not be reduced again; sh and ch become one letter that the table passes on.
            word = word.replace(pair, single.upper())
        kept = "".join(letter.lower() if letter.isupper() else _LATIN.get(letter, "") for letter in word)
    return re.sub(r"(.)\1+", r"\1", kept)


def _one_edit(first: str, second: str) -> bool:
    """Whether two strings differ by at most one letter inserted, removed or exchanged."""
    if abs(len(first) - len(second)) > 1:
        return False
    if len(first) > len(second):
        first, second = second, first
    for at in range(len(first)):
        if first[at] != second[at]:
            return first[at + 1 :] == second[at + 1 :] or first[at:] == second[at + 1 :]
    return True


def same_name(first: str, second: str) -> bool:
    """Whether two words can be one name: equal when folded, or, across scripts, of the same or nearly the same consonants."""
    one, two = fold(first), fold(second)
    if one == two:
        return True
    if script(one) == script(two):
        return False
    a, b = skeleton(one), skeleton(two)
    if len(a) < 2 or len(b) < 2:
        return False
    # «نيويورك» is written as one word: York is its end.
    return a == b or (min(len(a), len(b)) >= 4 and _one_edit(a, b)) or (len(a) == len(b) + 1 and len(b) >= 2 and a.endswith(b))


def names(text: str) -> list[str]:
    """Words of a text that look like names: Latin ones that begin with a capital (not merely because the sentence does) or
    hold one inside, and, in Arabic prose, every Latin word."""
    arabic = script(text) == "ar"
    found: list[str] = []
    for match in re.finditer(r"[A-Za-z\u00c0-\u024f][\w'\u2019.-]*[\w]|[A-Z]", text):
        word = match.group().removesuffix("'s").removesuffix("\u2019s")
        opens = not text[: match.start()].rstrip(" \"'\u201c\u00ab([").rstrip() or text[: match.start()].rstrip()[-1:] in ".!?:\u061f"
        capital = word[:1].isupper()
        inside = any(letter.isupper() for letter in word[1:])
        if inside or arabic or (capital and not opens):
            found.append(word)
    return list(dict.fromkeys(found))


_NOT_NAMES = frozenset(
    """january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct
    nov dec monday tuesday wednesday thursday friday saturday sunday mr mrs ms dr prof sir lord king queen prince president minister
    captain professor doctor street city state university company the a an of in""".split()
)


def _comparable(name: str, evidence: str) -> bool:
    """Whether a name can be looked for in evidence: across scripts, words that are translated and not transcribed (months,
    titles, acronyms) and those with fewer than two consonants can't."""
    if script(evidence) != "ar":
        return True
    return fold(name) not in _NOT_NAMES and not name.isupper() and len(skeleton(name)) >= 2


_PREFIX = re.compile("[وفبلك]|ال")
_TWO_PREFIXES = re.compile("[وف][بلك]|[وفبك]ال|لل")


def unmatched_names(claim: str, evidence: str) -> list[str]:
    """The names of a claim that nothing in the evidence can be, in either script."""
    known = words(evidence)
    # «وسبيرو», «ولتويتر», «والبنك»: one-letter prefixes and the article are written together with the name.
    found = (match for word in known for match in (_PREFIX.match(word, 0, len(word) - 3), _TWO_PREFIXES.match(word, 0, len(word) - 3)))
    bare = {match.string[match.end() :] for match in found if match}
    candidates = list(dict.fromkeys([*known, *bare]))
    asked = [name for name in names(claim) if fold(name) in known or _comparable(name, evidence)]
    return [name for name in asked if not any(same_name(part, word) for part in words(name) for word in candidates)]


_ARABIC_WORD = re.compile("[\u0621-\u064a]{3,}")


def annotated(text: str, *others: str) -> str:
    """The text with names in one script followed by their spelling in the other, as far as `others` show it.

    «قال سبيرو» beside a text that has "Spiro" becomes «قال سبيرو (Spiro)»: a translator need not guess how a name is written.
    """
    into_latin = script(text) == "ar"
    known: dict[str, str] = {}
    for other in others:
        for name in names(other) if into_latin else _ARABIC_WORD.findall(other):
            if len(skeleton(name)) >= 3:
                known.setdefault(skeleton(name), name)
    pattern = _ARABIC_WORD if into_latin else re.compile(r"\b[A-Z][a-z]{2,}\b")
    seen: set[str] = set()

    def spelled(match: re.Match[str]) -> str:
        word = match.group()
        forms = [word, word[1:] if word[0] in "وبلكف" and len(word) > 4 else word, word.removeprefix("ال")]
        name = next((known[skeleton(form)] for form in forms if skeleton(form) in known), "")
        if not name or name in seen or name in text:
            return word
        seen.add(name)
        return f"{word} ({name})"

    return pattern.sub(spelled, text)
