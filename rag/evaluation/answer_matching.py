"""Compare an answer with the accepted ones: tokens by the rules of SQuAD, MLQA and our own, exact match, F1, containment."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

from rag.text.clitics import PREFIX_PATTERN, without_article
from rag.text.folding import fold
from rag.text.language import script

NormalisationRule = Callable[[str, str], list[str]]
"""Maps a text and its language to the tokens that are compared."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")


@cache
def _punctuation() -> str:
    """Return a character class of all Unicode punctuation and ASCII symbols."""
    marks = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)).startswith("P")}
    return "[" + re.escape("".join(sorted(marks | set(string.punctuation)))) + "]"


def squad_tokens(text: str, language: str = "") -> list[str]:
    """Tokenize by the rule of SQuAD's evaluate-v1.1.py, which also scores XQuAD.

    Lower case, ASCII punctuation removed, the words a, an, the removed, split at white space. Source: Rajpurkar et al., EMNLP 2016;
    Artetxe, Ruder and Yogatama, ACL 2020. In Arabic it removes nothing but ASCII signs: «،» and «؟» stay attached to the word before them,
    ٥ is not 5, and a vowel sign, a tatweel or the article ال makes another word.
    """
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return _ARTICLES.sub(" ", text).split()


def mlqa_tokens(text: str, language: str = "") -> list[str]:
    """Tokenize by the rule of mlqa_evaluation_v1.py: lower case, all Unicode punctuation removed, articles removed, split at white space.

    Source: Lewis et al., "MLQA: Evaluating Cross-lingual Extractive Question Answering", ACL 2020. Its Arabic article rule replaces the
    letters ال anywhere, also inside a word: «سؤال» becomes «سؤ», «مالك» the two words «م» and «ك», and «الله» the one word «له». Digits,
    tashkeel and hamza are not unified.
    """
    text = re.sub(_punctuation(), "", text.lower())
    if language == "ar":
        return text.replace("ال", " ").split()
    return (_ARTICLES.sub(" ", text) if language == "en" else text).split()


_THOUSANDS = re.compile("(?<=[0-9])[,\u066c](?=[0-9]{3}(?![0-9]))")
_TOKEN = re.compile(r"\d+(?:[.:]\d+)+(?!\w)|[^\W_]+(?:'[^\W_]+)*")
_LEAST_STEM = 3  # letters left after ال: «الله» and «الفن» stay whole


def plain_tokens(text: str) -> list[str]:
    """Return folded words and numbers: thousands separators removed, decimals and times kept whole.

    Folding is `rag.text.folding.fold`: case, compatibility forms, tashkeel, tatweel, hamza carriers, final ya, ta marbuta, digits of any
    script.
    """
    folded = _THOUSANDS.sub("", fold(text).replace("\u2019", "'")).replace("\u066b", ".")
    return _TOKEN.findall(folded)


def _without_article(token: str) -> str:
    return without_article(token, _LEAST_STEM)


def strict_tokens(text: str, language: str = "") -> list[str]:
    """Tokenize by the Arabic-aware rule: `plain_tokens`, without English articles and without the article ال at the beginning of a word if
    three letters remain.

    Stricter than MLQA's, since it never splits a word and 4.5 is not 45; fairer than SQuAD's, since spelling variants of Arabic are one
    word.
    """
    return [_without_article(token) for token in plain_tokens(text) if token not in ("a", "an", "the")]


RULES: Mapping[str, NormalisationRule] = {"squad": squad_tokens, "mlqa": mlqa_tokens, "strict": strict_tokens}


def exact_match(answer: str, accepted: Sequence[str], rule: NormalisationRule) -> float:
    """Return 1.0 if the answer equals an accepted one after the rule was applied to both, else 0.0. SQuAD's EM."""
    return float(any(rule(answer, _language(other)) == rule(other, _language(other)) for other in accepted))


def token_f1(answer: str, accepted: Sequence[str], rule: NormalisationRule) -> float:
    """Return the best F1 of common tokens over the accepted answers. SQuAD's F1."""
    return max((_f1(rule(answer, _language(other)), rule(other, _language(other))) for other in accepted), default=0.0)


def _language(text: str) -> str:
    """Return the language of an accepted answer by its script; MLQA's script takes it as an argument."""
    return "ar" if script(text) == "ar" else "en"


def _f1(answer: Sequence[str], accepted: Sequence[str]) -> float:
    common = sum((Counter(answer) & Counter(accepted)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(answer), common / len(accepted)
    return 2 * precision * recall / (precision + recall)


_SHORT = 4  # letters: below it an accepted answer must be a whole word


def contains(answer: str, accepted: Sequence[str]) -> bool:
    """Return whether the answer contains one of the accepted answers, both as `strict_tokens`, in order and without gaps.

    A short accepted answer (under four letters) and one that ends with a digit must be whole words: «13 مليار» is not in «113 مليار», «no»
    not in «north». A longer one may continue (allerg in allergies), and an Arabic one may have a conjunction, preposition or article before
    it («سبيرو» in «لسبيرو», «لا» in «ولا»). This is the usual measure of generated answers ("accuracy" in Mallen et al., ACL 2023) without
    its false hits on short strings.
    """
    text = " ".join(strict_tokens(answer))
    return any(pattern is not None and pattern.search(text) is not None for pattern in map(_finder, accepted))


@lru_cache(maxsize=4096)
def _finder(accepted: str) -> re.Pattern[str] | None:
    wanted = " ".join(strict_tokens(accepted))
    if not wanted:
        return None
    letters = sum(character.isalpha() for character in wanted)
    before = ""
    if script(wanted[0]) == "ar":
        before = PREFIX_PATTERN if letters >= 3 else "[وف]?"
    whole = letters < _SHORT or wanted[-1].isdigit()
    return re.compile(f"(?<!\\S){before}{re.escape(wanted)}" + ("(?!\\S)" if whole else ""))
