"""Questions in spoken Arabic with the words of the standard language, in which documents are written and models were trained.

Only words that standard Arabic does not have are replaced («شحال» for «كم»), and in a question that has words of the Maghreb also the
prefix of its present tense. What is left of a question stays as it was asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rag.text.folding import ARABIC_LETTER, without_tashkeel
from rag.text.words import word_spans

_LONGEST = 2
"""Words of the longest phrase."""
_PRESENT = re.compile("ك(?=[يتن][\u0621-\u064a]{3,})")
_IN_THE = re.compile("ف(?=ال[\u0621-\u064a]{2,})")
_PLURAL = re.compile("(?<=[\u0621-\u064a]{4})و$")
_NOUN_NEXT = re.compile("ال|هو$|هي$|هم$|اسم|سعر|ثمن|عدد|مدة|رقم|رسوم|سبب|تاريخ|قيمة|عنوان|نوع|انواع|شروط")
"""Matches the beginning of what «ما» asks for, and not «ماذا»."""


@dataclass(frozen=True, slots=True)
class _Spoken:
    words: Mapping[tuple[str, ...], str]
    maghrebi: frozenset[str]
    in_maghrebi: Mapping[tuple[str, ...], str]


def in_standard_arabic(question: str) -> str:
    """Return a question with standard words in place of those of spoken Arabic; a question without any as it is.

    >>> in_standard_arabic("شحال من ساعة كيخدم العامل فالنهار؟")
    'كم ساعة يعمل العامل في النهار؟'
    """
    if not ARABIC_LETTER.search(question):
        return question
    lexicon = _lexicon()
    spans = word_spans(question)
    spoken = [_plain(span.of(question)) for span in spans]
    is_maghrebi = not lexicon.maghrebi.isdisjoint(spoken)
    if is_maghrebi:
        spoken = [_PRESENT.sub("", word) for word in spoken]
    written: list[str] = []
    at = end = 0
    while at < len(spoken):
        found = None
        for length in range(min(_LONGEST, len(spoken) - at), 0, -1):
            phrase = tuple(spoken[at : at + length])
            found = lexicon.words.get(phrase, lexicon.in_maghrebi.get(phrase) if is_maghrebi else None)
            if found is None and phrase[0][:1] == "و" and (joined := lexicon.words.get((phrase[0][1:], *phrase[1:]))):
                found = f"و{joined}"
            if found is not None:
                break
        if found is None:
            found = _in_maghrebi(spans[at].of(question)) if is_maghrebi else spans[at].of(question)
            length = 1
        elif found.endswith("ماذا") and at + length < len(spoken) and _NOUN_NEXT.match(spoken[at + length]):
            found = found.removesuffix("ذا")
        written.append(question[end : spans[at].start] if found else question[end : spans[at].start].rstrip())
        written.append(found)
        end = spans[at + length - 1].end
        at += length
    return "".join([*written, question[end:]]).strip()


def _in_maghrebi(word: str) -> str:
    """Return a word of the Maghreb without the prefix of its present tense, and with «في» for «ف»."""
    verb = _PRESENT.sub("", word)
    return _IN_THE.sub("في ", word) if verb == word else _PLURAL.sub("وا", verb)


def _plain(word: str) -> str:
    """Return a word as the lexicon writes it: without tashkeel, with one alef for those that carry a hamza; «آية» stays one."""
    return re.sub("[أإ]", "ا", without_tashkeel(word))


@cache
def _lexicon() -> _Spoken:
    table = tomllib.loads(resources.files("rag.text").joinpath("dialect.toml").read_text(encoding="utf-8"))
    markers = table["maghrebi"].pop("words").split()
    common = {phrase: standard for group in ("asking", "joining", "meaning") for phrase, standard in _phrases(table[group])}
    return _Spoken(common, frozenset(markers), dict(_phrases(table["maghrebi"])))


def _phrases(group: Mapping[str, str]) -> list[tuple[tuple[str, ...], str]]:
    return [(tuple(phrase.split("_")), standard) for standard, listed in group.items() for phrase in listed.split()]
