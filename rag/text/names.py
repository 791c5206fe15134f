"""Compare names across two scripts: can سبيرو and Spiro be the same name?

Both are reduced to the consonants that the Arabic spelling of foreign names keeps; sounds that share an Arabic letter (p and b, v and f,
the gs and js) are merged. Vowels, which every spelling renders differently, are dropped.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources

from rag.text.clitics import split_prefix, without_article, without_proclitic
from rag.text.folding import fold
from rag.text.language import script
from rag.text.words import words

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
    """Return the consonants of one word, the same for a name in either script: both "سبيرو" and "Spiro" give "sbr"."""
    word = fold(word)
    if script(word) == "ar":
        kept = "".join(_ARABIC.get(letter, "") for letter in word)
    else:
        for pair, single in _LATIN_PAIRS:
            # "ks" must not be reduced again; sh and ch become one letter that the table passes on.
            word = word.replace(pair, single.upper())
        kept = "".join(letter.lower() if letter.isupper() else _LATIN.get(letter, "") for letter in word)
    return re.sub(r"(.)\1+", r"\1", kept)


# Each Latin sound with the Arabic letters that write it; longer ones are tried first. A capital stands for no letter: silence.
_SOUNDS = {
    "sch": ("ش", "سك"), "tch": ("تش", "ش"), "sh": ("ش", "سه"), "ch": ("ش", "تش", "ك", "خ"), "ph": ("ف",), "th": ("ث", "ذ", "ت"),
    "gh": ("غ", "ج", ""), "kh": ("خ", "ك"), "dh": ("ذ", "ض", "د"), "ck": ("ك",), "qu": ("ك", "كو", "ق"), "ts": ("تس", "ز"),
    "tz": ("تس", "تز", "ز"), "ng": ("نغ", "نج", "ن"), "ce": ("س",), "ci": ("س", "سي", "ش"), "cy": ("س", "سي"),
    "b": ("ب",), "c": ("ك", "س", "ق", "ج"), "d": ("د", "ض", "ذ"), "f": ("ف",), "g": ("غ", "ج", "ك", "ق"), "h": ("ه", "ح", "خ", ""),
    "j": ("ج", "ي", "خ", "جي"), "k": ("ك", "ق", "خ"), "l": ("ل",), "m": ("م",), "n": ("ن",), "p": ("ب",), "q": ("ق", "ك"), "r": ("ر",),
    "s": ("س", "ص", "ز", "ش"), "t": ("ت", "ط", "ث"), "v": ("ف", "و"), "w": ("و", "ف", ""),
    "x": ("كس", "ز", "س"), "z": ("ز", "ظ", "ذ", "ض", "س", "تز"),
}  # fmt: skip
_VOWELS = "aeiouyw"
_LONG = {"ا": "aeiouy", "و": "ouw", "ي": "aeiy", "ه": "aeh"}
_WRITTEN = frozenset("ee ei ai oo ou ie".split())  # never left out in Arabic
_SILENT_AT_THE_END = frozenset("tsdxzpe")
_LETTERS = str.maketrans({"پ": "ب", "ڤ": "ف", "چ": "ش", "گ": "غ", "ء": None, "ع": None})


@lru_cache(maxsize=65536)
def _spells(arabic: str, latin: str) -> bool:
    """Return whether an Arabic word can be the spelling of a Latin name: the same consonants, and no long vowel where the other has none.

    Arabic omits short vowels but never writes a long one that is not there: سليم is Salim and not Salma, منصوري not Mansour.
    """
    arabic = re.sub(r"([^اويه])\1", r"\1", arabic.translate(_LETTERS).replace("يو", "و"))
    latin = re.sub(r"([^aeiouy])\1", r"\1", latin)
    spare = 1 if len(skeleton(latin)) >= 5 else 0
    seen: set[tuple[int, int, int]] = set()

    def meet(a: int, b: int, left: int) -> bool:
        """Return whether the rest of both can be one, with at most `left` mismatched sounds."""
        if (a, b, left) in seen:
            return False
        seen.add((a, b, left))
        if b == len(latin):
            return len(arabic) - a <= left
        rest = latin[b:]
        if a < len(arabic) and arabic[a] in _LONG and _near(latin, b, arabic[a], a == len(arabic) - 1) and meet(a + 1, b, left):
            return True
        if rest[0] in _VOWELS:
            final = len(rest) == 1 and rest[0] in "aiouy" and len(latin) > 3
            long = final or rest[:2] in _WRITTEN
            written = arabic[max(a - 1, 0) : a + (not final)]
            if (not long or any(letter in _LONG for letter in written)) and meet(a, b + 1, left):
                return True
        for length in (3, 2, 1):
            for letters in _SOUNDS.get(rest[:length], ()) if len(rest) >= length else ():
                if arabic.startswith(letters, a) and meet(a + len(letters), b + length, left):
                    return True
        if len(rest) == 1 and rest in _SILENT_AT_THE_END and a == len(arabic) and a > 1:
            return True
        return left > 0 and (meet(a, b + 1, left - 1) or (a < len(arabic) and (meet(a + 1, b + 1, left - 1) or meet(a + 1, b, left - 1))))

    return meet(0, 0, spare)


def _near(latin: str, at: int, letter: str, last: bool) -> bool:
    """Return whether a vowel that the Arabic letter writes is at or just before a position of a Latin word.

    ي is an a where that is pronounced as in Facebook, and at the end, where it may have been ى.
    """
    run, end = at, at
    while run > 0 and latin[run - 1] in _VOWELS + "h":
        run -= 1
    while end < len(latin) and latin[end] in _VOWELS + "h":
        end += 1
    vowels = latin[run:end]
    if letter == "ي" and not last and "a" in vowels:
        return any(vowel in vowels for vowel in "eiy") or re.match("a[^aeiouy]{1,2}[eiy]", latin[run:]) is not None
    return any(vowel in vowels for vowel in _LONG[letter] + ("a" if last else ""))


@lru_cache(maxsize=65536)
def _plain(name: str) -> str:
    """Return a name folded, its Latin letters without accents: Menéndez is written as Menendez is."""
    folded = fold(name)
    return (
        folded if folded.isascii() or script(folded) == "ar" else "".join(c for c in unicodedata.normalize("NFKD", folded) if c.isalnum())
    )


def same_name(first: str, second: str) -> bool:
    """Return whether two words can be one name: equal when folded or, across scripts, one the spelling of the other."""
    one, two = _plain(first), _plain(second)
    if one == two:
        return True
    if script(one) == script(two):
        return False
    arabic, latin = (one, two) if script(one) == "ar" else (two, one)
    a, b = skeleton(arabic), skeleton(latin)
    if min(len(arabic), len(latin)) < 3 or not a or not b:
        return False
    if _spells(arabic, latin):
        return True
    # «نيويورك» is written as one word: York is its end.
    return len(a) == len(b) + 1 and a.endswith(b) and any(_spells(arabic[start:], latin) for start in range(1, len(arabic) - 2))


def names(text: str) -> list[str]:
    """Return the words of a text that look like names: Latin ones that begin with a capital (not merely because the sentence does) or hold
    one inside, and, in Arabic prose, every Latin word."""
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


@cache
def _exonyms() -> tuple[Mapping[str, tuple[str, ...]], frozenset[str]]:
    """Return English names with the beginnings of their Arabic equivalents, and names that are translated like any other word."""
    table = tomllib.loads(resources.files("rag.text").joinpath("exonyms.toml").read_text(encoding="utf-8"))
    peoples = {word: tuple(arabic.split()) for words_, arabic in table["peoples"].items() for word in words_.split()}
    return peoples, frozenset(table["common"]["words"].split())


def _comparable(name: str, evidence: str) -> bool:
    """Return whether a name can be looked for in evidence.

    Across scripts, words that are translated rather than transcribed (months, titles, acronyms) and those with fewer than two consonants
    cannot.
    """
    if script(evidence) != "ar":
        return True
    parts = [part for part in words(name) if part not in _exonyms()[1]]
    return bool(parts) and not name.isupper() and len(skeleton(name)) >= 2


def _stands_for(part: str, candidates: Iterable[str]) -> bool:
    """Return whether one of the words is the name, by spelling or by the table of translated names."""
    beginnings = _exonyms()[0].get(part, ())
    singular = part[:-1] if part.endswith("s") and len(part) > 4 else part
    return any(same_name(part, word) or same_name(singular, word) or word.startswith(beginnings) for word in candidates)


_OF_THEM = re.compile("([\u0620-\u064a]{3,}?)(?:يين|يون|يه|يات|ين|ون)")


def unmatched_names(claim: str, evidence: str) -> list[str]:
    """Return the names of a claim that no word of the evidence can be, in either script."""
    return [name for name, matched in _compared(claim, evidence) if not matched]


def matched_names(claim: str, evidence: str) -> list[str]:
    """Return the names of a claim that a word of the evidence can be, in either script; none that can't be compared."""
    return [name for name, matched in _compared(claim, evidence) if matched]


def _compared(claim: str, evidence: str) -> list[tuple[str, bool]]:
    """Return the names of a claim that can be compared with evidence, and whether a word of it can be the name."""
    known = words(evidence)
    candidates = _possible_names(known)
    asked = [name for name in names(claim) if fold(name) in known or _comparable(name, evidence)]
    return [(name, any(_stands_for(part, candidates) for part in words(name))) for name in asked]


def _possible_names(known: Sequence[str]) -> list[str]:
    """Return words with what of each can be a name by itself."""
    # «وسبيرو», «ولتويتر», «والبنك»: one-letter prefixes and the article are written together with the name.
    bare = [rest for word in known for _, rest in split_prefix(word) if len(rest) >= 3]
    whole = list(dict.fromkeys([*known, *bare]))
    # «الهوغونوتيين»: those of that name.
    roots = [match.group(1) for word in whole if (match := _OF_THEM.fullmatch(word))]
    return list(dict.fromkeys([*whole, *roots]))


_ARABIC_WORD = re.compile("[\u0621-\u064a]{3,}")


def add_other_spellings(text: str, *others: str) -> str:
    """Return the text with names in one script followed by their spelling in the other, as far as `others` show it.

    «قال سبيرو», next to a text that has "Spiro", becomes «قال سبيرو (Spiro)», so that a translator need not guess the spelling.
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
        forms = [word, without_proclitic(word, least=4), without_article(word)]
        name = next((known[skeleton(form)] for form in forms if skeleton(form) in known), "")
        if not name or name in seen or name in text:
            return word
        seen.add(name)
        return f"{word} ({name})"

    return pattern.sub(spelled, text)
