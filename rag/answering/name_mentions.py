"""People and organisations named in a sentence, if its wording leaves no doubt.

English names are runs of capitalised words; Arabic ones follow a title («الدكتور …») or the kind of an organisation («وزارة …»).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.schema import Span
from rag.text.folding import fold
from rag.text.language import script
from rag.text.names import names

_CAPITAL = r"(?:[A-Z\u00c0-\u00de][\w\u2019'\u2010-]*[\w]|[A-Z]\.)"
_RUN = re.compile(rf"{_CAPITAL}(?:(?: (?:of(?: the)?|for|and|de|bin|ibn|al|van|von) | ){_CAPITAL})*")
_KINDS = (
    "Company|Corporation|Corp|Inc|Ltd|LLC|PLC|Group|Bank|University|Institute|School|College|Hospital|Ministry|Department|Agency|Authority|"
    "Administration|Commission|Committee|Council|Court|Parliament|Senate|Bureau|Association|Federation|Foundation|Organi[sz]ation|Union|"
    "Society|Party|Museum|Airlines|Airways|Times|Post"
)
_ORGANISATION = re.compile(rf"(?:^| )(?:{_KINDS})(?:\.?$| (?:of|for) )")
"""The kind of an organisation at the end of its name, or before "of"."""
_ACTS = re.compile(
    r",? (?:who )?(?:said|says|told|wrote|argued|announced|founded|joined|resigned|testified|explained|added|denied|was born|died)\b"
)
"""Verbs that follow the name of a person or organisation."""
_TITLE = re.compile(
    r"^(?:(?:Vice |Prime |Deputy |Former )?(?:Mr|Mrs|Ms|Dr|Prof|Professor|President|Minister|Secretary|Judge|Justice|Senator|Sir|Captain|"
    r"General|Colonel|Chairman|Ambassador|King|Queen|Prince|Princess|Sheikh|Attorney|Mayor|Governor))\.? (?=[A-Z])"
)
_NOT_A_NAME = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday thursday friday
    saturday sunday section article chapter table figure part annex appendix act law regulation code rule north south east west northern
    southern eastern western the a an this that these those in on at for from to by with as if when while after before since until because
    although however but and or so it he she they we i you his her its their our my all some many most each every no not there here who
    what where under over between during according english arabic french chinese german american british european african asian item note
    page fiscal year total average new general public united""".split()
)
"""Capitalised words that are no name by themselves, nor necessarily part of one at the beginning of a sentence."""
_HEADS_AR = (
    "شركه شركات وزاره جامعه بنك مصرف مؤسسه موسسه منظمه مجلس هييه محكمه جمعيه اتحاد حزب معهد وكاله لجنه مستشفي مديريه دايره بلديه نقابه كليه"
)
_HEAD_AR = re.compile(rf"(?:^|\s)و?(?P<head>(?:{'|'.join(_HEADS_AR.split())})) (?P<rest>(?:(?:و?ال|لل)\S+ ?){{1,4}})")
_CUT = re.compile(r"\s[هي](?:\W|$)")
"""The last letter of a word, which some PDFs detach: «الداخلي ة»."""
_TITLES_AR = "رييس وزير دكتور سيد سيده استاذ مهندس نايب قاضي شيخ ملك امير لواء عميد محامي ناشط"
_SMALL_WORDS = frozenset("في من الي علي عن مع ان انه انها بان قد لم لن لا هو هي بعد قبل خلال عند كل اي هذا هذه ذلك".split())
_PERSON_AR = re.compile(
    rf"(?:^|\s)و?(?:ال(?:{'|'.join(_TITLES_AR.split())})) (?P<name>(?!ال)[\u0621-\u064a]{{3,}} [\u0621-\u064a]{{3,}})"
    rf"(?=[،,.:؛)»]|$| (?:{'|'.join(sorted(_SMALL_WORDS))})(?:\s|$))"
)
"""A title and two words, not followed by a third: by punctuation or a function word."""
_ENDS_NAME = re.compile('[،–—,.؛:()\\[\\]«»"-]')
_ADJECTIVES = frozenset(
    """العام العامه الوطني الوطنيه الدولي الدوليه العربي العربيه الاسلامي الاسلاميه الاجتماعي الاجتماعيه
    المتحده العالي العاليه العليا
    المركزي المركزيه الملكي الملكيه الحكومي الحكوميه الابتدايي الابتداييه الثانوي الاعلي التنفيذي التنفيذيه الصغيره المتوسطه المدني المدنيه
    السعودي السعوديه الاردني الاردنيه المصري المصريه اللبناني اللبنانيه السوري السوريه العراقي العراقيه المغربي المغربيه الامريكي الامريكيه
    الاوروبي الاوروبيه البريطاني البريطانيه الفلسطيني الفلسطينيه القطري القطريه الكويتي الكويتيه العماني العمانيه التونسيه""".split()
)
"""How a name continues after its first noun; another noun may be the next part of the sentence."""
_PARTLY = frozenset(
    """الذي التي الذين اللذين اليوم الان الاول الاولي الثاني الثانيه الماضي الماضيه المقبل المقبله الحالي الحاليه المذكوره المعنيه
    المختصه""".split()
)


@dataclass(frozen=True, slots=True)
class Mention:
    """One name in a text: its span and the `key` that its mentions share; `is_sure` if its wording alone identifies it as a name,
    `is_person` if it does as that of a person."""

    span: Span
    key: str
    is_sure: bool
    is_person: bool = False


def named(text: str) -> list[Mention]:
    """Return the people and organisations that a sentence names, in order; only names of two or more words, or after a title."""
    if script(text) == "ar":
        return list(_named_in_arabic(text))
    known = set(names(text))
    return [mention for match in _RUN.finditer(text) if (mention := _mention(text, match, known)) is not None]


def _mention(text: str, match: re.Match[str], known: set[str]) -> Mention | None:
    start, found = match.start(), match.group()
    words = found.split()
    while words and fold(words[0]).strip(".") in _NOT_A_NAME and words[0].lower() not in ("united", "general"):
        start += len(words[0]) + 1
        words = words[1:]
    found = " ".join(words)
    title = _TITLE.match(found)
    bare = found[title.end() :] if title else found
    proper = [word for word in bare.split() if word[:1].isupper() and fold(word).strip(".") not in _NOT_A_NAME]
    if found != text[start : start + len(found)] or len(proper) < (1 if title else 2) or not known.issuperset(_compared(bare, known)):
        return None
    if any(character.isdigit() for character in found) or found.isupper():
        return None
    end = start + len(found)
    is_organisation, acts = _ORGANISATION.search(found) is not None, _ACTS.match(text, end) is not None
    is_person = title is not None or (acts and not is_organisation and len(proper) == len(bare.split()) <= 3)
    return Mention(Span(start, end), fold(bare), title is not None or is_organisation or acts, is_person)


def _compared(name: str, known: set[str]) -> Iterator[str]:
    """Yield the words of a name that `rag.text.names` can look up: not the first of a sentence, nor a function word."""
    for word in name.split()[1:]:
        if word[:1].isupper() and len(word.strip(".")) > 1:
            yield word if word in known else word.removesuffix("'s").removesuffix("’s")


def _continues_name(word: str) -> bool:
    """Return whether a name continues with an Arabic word after its first noun: joined by «و», or an adjective by its form or by the
    list."""
    return word.startswith("وال") or word in _ADJECTIVES or (word.endswith(("يه", "ي")) and len(word) > 5)


def _named_in_arabic(text: str) -> Iterator[Mention]:
    folded = fold(text)
    if len(folded) != len(text):  # vowel signs: positions would not be those of the text
        return
    for match in _HEAD_AR.finditer(folded):
        end = match.start("rest")
        for place, word in enumerate(match.group("rest").split()):
            if word in _PARTLY or (place and not _continues_name(_ENDS_NAME.sub("", word))):
                break
            end += len(word)
            if mark := _ENDS_NAME.search(word):
                end += mark.start() - len(word)
                break
            end += 1
        name = folded[match.start("head") : end].rstrip()
        if len(name.split()) > 1 and not _CUT.match(folded, match.start("head") + len(name)):
            yield Mention(Span(match.start("head"), match.start("head") + len(name)), name, True)
    for match in _PERSON_AR.finditer(folded):
        if not _SMALL_WORDS.intersection(match.group("name").split()):
            yield Mention(Span(*match.span("name")), match.group("name"), True, True)
