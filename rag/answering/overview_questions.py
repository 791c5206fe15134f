"""Questions that ask for whole documents: "What is this about?", "Summarise the lease", «لخص», «ما موضوع الوثيقة؟»."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.retrieval.index import Index
from rag.schema import Filter
from rag.text.clitics import split_prefix
from rag.text.folding import fold
from rag.text.words import content_stems, stems, words

_DOCUMENT = frozenset(
    """document documents doc docs file files article articles text texts report reports paper papers page pages book books contract
    contracts agreement agreements letter letters collection material content contents story site website this these all everything
    whole entire main my uploaded above attached given key""".split()
)
_DOCUMENT_AR = frozenset(
    """وثيقه وثايق مستند مستندات ملف ملفات مقال مقاله مقالات نص نصوص تقرير تقارير ورقه اوراق صفحه كتاب كتب عقد عقود رساله رسايل مجموعه محتوي
    محتويات مضمون خبر كلام هذا هذه هاي هاد هادا هيدا هيدي ده دي دا هالملف هالوثيقه هالمقال كل كامل كامله جميع مرفق مرفقه لي لنا""".split()
)
_POLITE = re.compile(
    r"^(?:(?:hi|hello|ok|okay|so|and|please|pls|kindly|can you|could you|would you|will you|i want you to|i need you to|i'd like you to|"
    r"i want|i need|tell me|من فضلك|لو سمحت|رجاء|ممكن|بليز|هل يمكنك ان|هل تستطيع ان|اريد منك ان|اريد|بدي|عايز|عاوز|ابغي|ابي|قل لي|قولي"
    r"|السلام عليكم|مرحبا|طيب|و)[ ,،]+)+"
)
_POLITE_END = re.compile(
    r"[ ,،]+(?:please|pls|for me|briefly|shortly|in short|in a few (?:words|sentences|lines|points)|in brief|in english|in arabic"
    r"|من فضلك|لو سمحت|بايجاز|باختصار|باقتضاب|بالعربي|بالعربيه|في (?:نقاط|سطور|بضعه اسطر|كلمات))$"
)
_ASKED = re.compile(
    r"""
    (?:give|write|make|create|provide|show)(?:\ me|\ us)?\ (?:a\ |an\ |the\ )?(?:short\ |brief\ |quick\ |general\ )?
        (?:summary|overview|outline|synopsis|gist|abstract)\b
    | (?:a\ |an\ |the\ )?(?:short\ |brief\ |quick\ )?(?:summary|overview|synopsis|gist|outline)\b
    | (?:summari[sz]e|sum\ up|outline)\b
    | tl;?\s?dr\b
    | (?:what|which)\ (?:are|were|is)\ the\ (?:main|key|most\ important|major)\ (?:points?|ideas?|messages?|findings?|takeaways?|topics?)\b
    | (?:main|key)\ (?:points|ideas|takeaways|topics)\b
    | (?:لخص|لخصي|لخصلي|لخصوا|لخصه|لخصها|تلخيص|ملخص|اختصر|اوجز|خلاصه|نبذه|موجز)(?:\s|$)
    | (?:اعطني|اعطيني|عطيني|اعطنا|اديني|اكتب|اكتبلي|هات)\ (?:لي\ )?(?:ملخصا?|خلاصه|نبذه|موجزا?|تلخيصا?|لمحه)(?:\s|$)
    | (?:ما\ (?:هي\ )?|ايش\ |شو\ |وش\ |ايه\ )?(?:ال)?(?:اهم|ابرز)\ (?:ال)?(?:نقاط|افكار|محاور|ما\ (?:جاء|ورد)\ في)(?:\s|$)
    | (?:ما\ (?:هي\ )?|ايش\ |شو\ )?(?:ال)?(?:نقاط|افكار|محاور)\ (?:ال)?(?:رييسيه|رييسه|اساسيه)(?:\s|$)
    """,
    re.VERBOSE,
)
"""Matches a request for a summary; what follows may name the document."""
_ABOUT = re.compile(
    r"""
    what(?:'s|\ is|\ are|\ was)\ (?P<en>.+?)\ (?:all\ |mainly\ |mostly\ )?about
    | what\ (?:do|does|did)\ (?P<says>.+?)\ (?:say|contain|cover|discuss|talk\ about|deal\ with|describe)
    | what(?:'s|\ is)\ (?:the\ )?(?:main\ )?(?:topic|subject|theme|content|purpose)\ of\ (?P<of>.+)
    | what(?:'s|\ is)\ in\ (?P<in>.+)
    | (?:ما|ماهو|ما\ هو|شو|ايش|وش|ايه)\ (?:ال)?(?:موضوع|مضمون|محتوي|فحوي|فكره|ملخص|خلاصه)\ (?P<ar>.+)
    | (?:عن\ (?:ماذا|اي\ شيء|ايش|شو|ايه)|عم|عما|علي\ ماذا|ماذا|ايش|شو|بشو|بماذا|فيم)
        \ (?:ي|ت)?(?:تحدث|تكلم|حكي|تناول|بحث|دور|حتوي|تضمن|شمل|قول|بيحكي|بتحكي)\ (?P<speaks>.+)
    | (?P<egyptian>.+)\ (?:بيتكلم|بتتكلم|بيحكي|بتحكي|يتكلم|تتكلم|يتحدث|تتحدث)\ (?:عن|علي)\ (?:ايه|شو|ايش|ماذا|وش)
    """,
    re.VERBOSE,
)
"""Matches a question what something is about; that has to be a document."""
_LEADING = re.compile(r"^(?:(?:of|for|from|in|about|on|the|a|an|this|these|all|عن|من|في)\s+)+")
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class OverviewRequest:
    """The scope of an overview: the documents as a whole, or those that `subject` names."""

    subject: str = ""


def asks_for_overview(question: str) -> OverviewRequest | None:
    """Return the scope of the overview that a question asks for, None for any other question."""
    asked = " ".join(fold(question).replace("’", "'").split()).strip(" ?؟!.،,:")
    asked = _POLITE_END.sub("", _POLITE.sub("", asked)).strip(" ?؟!.،,:")
    if not asked or len(asked) > _LONGEST:
        return None
    if about := _ABOUT.fullmatch(asked):
        subject = next(part for part in about.groups() if part is not None)
        return OverviewRequest() if _is_document(subject) else None
    if summary := _ASKED.match(asked):
        subject = _LEADING.sub("", asked[summary.end() :].strip())
        return OverviewRequest("" if _is_document(subject) else subject)
    return None


def _is_document(subject: str) -> bool:
    """Return whether words name nothing but documents: "the attached report", «هذه الوثيقة»."""
    small = frozenset("the a an of in this that these those your our".split())
    known = _DOCUMENT | _DOCUMENT_AR | small
    return all(word in known or any(rest in _DOCUMENT_AR for _, rest in split_prefix(word)) for word in words(subject))


def documents_asked_for(index: Index, request: OverviewRequest, filter: Filter | None = None) -> Sequence[str]:
    """Return the ids of the documents that a request is for. A subject names a document if all its words occur in the document's title or
    id. Raises BadSetting for an invalid date in the filter.
    """
    ids = index.document_ids(filter)
    if not request.subject:
        return ids
    wanted = {stem for stem in content_stems(request.subject) if stem not in set(stems(" ".join(_DOCUMENT)))}
    if not wanted:
        return ()
    infos = index.infos(ids)
    return [id for id in ids if wanted <= set(stems(f"{infos[id].title} {re.sub(r'[_./-]', ' ', id)}"))]
