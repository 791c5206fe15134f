"""Spell out elliptical follow-ups: what one leaves out is taken from the previous question, a new name replaces the old one.

"And Palm School?" after "How many teachers does Cedar School have?" asks how many teachers Palm School has; "And the deposit?" after
"How much is the rent of the flat?" asks how much the deposit is. Words are moved, never invented.
"""

from __future__ import annotations

import re

from rag.schema import Span
from rag.text.clitics import BEGIN_WITH_AND
from rag.text.folding import ARABIC_LETTER, fold
from rag.text.language import script
from rag.text.words import content_stems

_OPENING_EN = re.compile(
    r"^(?:(?:and|but|so|then|also|ok|okay|well|now|hmm|right)[ ,]+)*"
    r"(?:(?:what|how) about|what of|as for|same (?:question )?for|the same for)?\s*(?:,\s*)?",
    re.IGNORECASE,
)
_OPENING_AR = re.compile(
    r"^(?:(?:طيب|طب|تمام|حسنا|حسنًا|اوك|أوكي|اوكي|يعني|ثم|بس|لكن|زين|مزيان|واخا|باهي|كويس)\s*[،,]?\s+)*"
    r"(?:(?:و\s?)?(?:ماذا عن|ماذا بشأن|شو عن|ايش عن|إيش عن|وش عن|ايه عن|إيه عن|شنو عن|بالنسبة إلى|بالنسبة ل(?=ل)|نفس السؤال عن)\s*)?"
)
_ASKING_EN = re.compile(
    r"(?:(?:since|by|until|from) when|how (?:much|many|long|old|far|often|big|large|tall)|what (?:time|year|date|day)|when|where|who|whom"
    r"|why|how|what|which)\b",
    re.IGNORECASE,
)
_VERB = r"(?:is|are|was|were|do|does|did|can|could|will|would|has|have|had|may|must|should|shall)"
_WHETHER = re.compile(rf"(?i:{_VERB}) (?=[a-z])")
_COUNTED = re.compile(
    rf"(?P<asking>how (?:many|much)) (?P<noun>(?:(?!{_VERB}\b)[\w'’#.-]+ ?){{1,4}})(?<! )(?P<rest> {_VERB} .+)?", re.IGNORECASE
)
"""Matches a question for a number of something, and what is said of it from the verb on."""
_EVENT = re.compile(
    rf"(?P<asking>.+?) {_VERB} (?:that|this|(?:that|this|it) (?:happen(?:ed)?|occur(?:red)?|take place|done))", re.IGNORECASE
)
"""Matches a question for the circumstances of what the last one was about: "When was that?"."""
_ASKING_AR = re.compile(
    r"(?:(?:في|على|أمام|إلى|من|مع|عن|لدى) أي \S+|[بل]?أي \S+|منذ متى|من أين|إلى أين|مع من|لمن|(?:بعد|قبل|خلال|إلى) كم|بماذا|عماذا|لماذا|عم"
    r"|مم|ممّ|كم عدد|كم|متى|امتى|إمتى|ايمتى|إيمتى|وقتاش|فوقاش|أين|اين|وين|فين|كيف|كيفاش|شلون|ازاي|إزاي|ليش|ليه|علاش|من هو|من هي|مَن|من|مين"
    r"|شكون|ماذا|ما هو|ما هي|ما|شو|شنو|شنوة|اش|أش|ايش|إيش|وش|ايه|إيه|بكم|بكام|كام|قديش|أديش|اديش|قداش|شحال|بقداش|هل)(?=\s|$)"
)
_NAME = re.compile(r"(?:[A-Z\u00c0-\u00de][\w.&'’-]*)(?:(?: of(?: the)?| and| for)? [A-Z\u00c0-\u00de0-9][\w.&'’-]*)*")
_PRONOUN = re.compile(r"\b(?:it|he|she|they|him|them|this one|that one|there|the (?:same|former|latter))\b", re.IGNORECASE)
_OWNING = re.compile(r"\b(?:its|his|her|their)\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"\b(?:the|an?|any|its|his|her|their) (?:(?!(?:of|for|in|at|to|on|by|from|under|is|are|was|were|about|takes?|took)\b)[\w'’-]+ ?)+",
    re.IGNORECASE,
)
_DONE = re.compile(r"\b(?:do|does|did) $", re.IGNORECASE)
_BEING = re.compile(r"\b(?:is|are|was|were|has|have|had) $", re.IGNORECASE)
_PARTICIPLE = re.compile(r" (?:\w+(?:ed|en|wn)|built|held|sold|made|paid|sent|cut|lost|found|told|shut|born|due)$")
"""A participle at the end of a noun phrase that is the verb of its question: "was the bridge built"."""
_KINDS = frozenset(
    """مدرسه شركه جامعه بنك مصرف عقد مشروع مدينه قريه دوله محافظه وزاره مستشفي فندق متحف مكتبه مطار ميناء جسر نهر كتاب تقرير قانون قسم
    فرع مصنع مطعم نادي فريق اداره كليه معهد عباره سفينه محطه حديقه سوق برنامج دوره شقه بيت سياره مقاطعه ولايه
    اتفاقيه مناقصه""".split()
)
"""Common nouns that a proper noun follows: «مدرسة الأرز»."""
_TIMES = frozenset("يوم عام سنه شهر".split())
_SMALL_AR = frozenset("في من الي على علي عن مع ب ل و او ثم عند لدي بين حتي منذ بعد قبل خلال".split())
_LATIN = re.compile("[A-Za-z]")
_AROUND = " \t؟?!.,،؛:"


def spelled_out(question: str, last: str) -> str | None:
    """Return a follow-up to the question `last` in full, or None if no rule applies."""
    if re.search(r"[?؟]\s*\S", last):
        return None  # a follow-up of which only the topic words are known
    last = without_opening(last)
    if ARABIC_LETTER.search(question) or (script(question) == "und" and script(last) == "ar"):
        return _in_arabic(question.strip(_AROUND), last.strip(_AROUND))
    return _in_english(question.strip(_AROUND), last.strip(_AROUND))


def without_opening(question: str) -> str:
    """Return a question without the words that link it to the previous one: "And", "What about", «طيب و»."""
    if not ARABIC_LETTER.search(question):
        opening = _OPENING_EN.match(question)
        return question[opening.end() :] if opening else question
    opening = _OPENING_AR.match(question)
    rest = question[opening.end() :] if opening else question
    return _without_and(rest)


def _without_and(text: str) -> str:
    """Return an Arabic text without the «و» that links it to the previous one."""
    if text[:1] != "و":
        return text
    return (
        text[1:].lstrip(" ")
        if _ASKING_AR.match(text[1:]) or _LATIN.match(text[1:]) or fold(text).split(" ")[0] not in BEGIN_WITH_AND
        else text
    )


# --- English --------------------------------------------------------------------------------------------------------------


def _in_english(question: str, last: str) -> str | None:
    rest = without_opening(question)
    asking = _ASKING_EN.match(rest)
    if not rest or rest.lower().startswith("if "):
        return None
    if asking and asking.end() == len(rest):
        return _with_other_asking(rest, last, _ASKING_EN)
    if event := _EVENT.fullmatch(rest):
        return _with_other_asking(event["asking"], last, _ASKING_EN)
    if asking is None and not _WHETHER.match(rest):
        noun = _NOUN.fullmatch(rest)
        return _with_other_noun(rest, last, is_named=_ABOUT.search(question[: -len(rest)]) is not None) if noun else _with_topic(rest, last)
    if _names_something(rest):
        return f"{rest}?"
    return _with_other_count(rest, last) or _with_topic(rest, last)


_LEAD = r"(?:for|in|at|of|on|by|with|without|from|to|about|under|within|before|after|between|until|since|during)"
_WHEN = re.compile(r"\b(?:before|after|between|until|since|during) .+")
_ABOUT = re.compile(r"(?:about|of|for),?\s*$", re.IGNORECASE)
_NOUN = re.compile(
    rf"(?:{_LEAD} )?(?:(?:the|its|his|her|their|an?) )?"
    r"(?:(?!(?:if|else|it|that|this|those|they|is|are|was|were|does|did|do|can|will|has|have|wh\w+|how)\b)[\w'’&.-]+ ?){1,7}"
)
"""A noun phrase without a clause."""


def _names_something(text: str) -> bool:
    """Return whether an English question contains a name after its first word."""
    return _NAME.search(text, len(text.split()[0])) is not None


def _with_other_asking(asking: str, last: str, pattern: re.Pattern[str]) -> str | None:
    """Return the last question with other question words: "And when?"; what it counted follows the verb then."""
    asked = pattern.match(last)
    body = last[asked.end() :].strip() if asked else ""
    if (counted := _COUNTED.fullmatch(last)) and counted["rest"]:
        body = f"{counted['rest'].strip()} {counted['noun']}"
    return f"{asking} {body}{'؟' if pattern is _ASKING_AR else '?'}" if body else None


def _with_other_count(question: str, last: str) -> str | None:
    """Return the last question with something else counted: "How many doors?" after "How many rooms does the flat have?"."""
    counted, before = _COUNTED.fullmatch(question), _COUNTED.fullmatch(last)
    if counted is None or before is None or counted["rest"] or not before["rest"] or _PRONOUN.search(question):
        return None
    return f"{counted['asking']} {counted['noun']}{before['rest']}?"


def _with_other_noun(noun: str, last: str, *, is_named: bool) -> str | None:
    """Return the last question with a noun replaced by one of the same kind: a name for a name, "the deposit" for "the rent".

    A noun without an article replaces one only if it `is_named` as the new topic: "What about jury duty?".
    """
    if _OWNING.match(noun) and (owned := _with_topic(noun, last)):
        return owned
    asked = _ASKING_EN.match(last)
    start = asked.end() if asked else 0
    lead = re.match(rf"{_LEAD} ", noun)
    bare = noun[lead.end() :] if lead else noun
    if lead and asked and _WHEN.match(noun):
        time = _WHEN.search(last)
        return f"{last[: time.start()]}{noun}?" if time else f"{last} {noun}?"
    named = re.sub(r"^the (?=[A-Z])", "", bare)
    if named[:1].isupper() or named[:1].isdigit():
        years = list(re.finditer(r"\b(?:1[5-9]|20)\d\d\b", last)) if named[:1].isdigit() else []
        found = years or list(_NAME.finditer(last, start if asked else len(last.split()[0])))
        return _swapped(last, Span(*found[-1].span()), named) if found else None
    if bare == noun and not re.match(r"(?:the|its|his|her|their|an?) ", bare):
        described = _DESCRIBED.search(last) if is_named else None
        if described is None:
            return None  # "tomorrow", "anywhere else"
        return _swapped(last, Span(*described.span("of" if described["head"] else "all")), bare)
    place = (_like(bare, last, start) or _attribute(last, start)) if asked else _first_noun(last)
    if lead and asked:
        return _in_place_of_phrase(noun, last)
    if place is None:
        return None
    if re.search(r"\b(?:of|for|in|at)\b", bare):
        place = Span(place.start, len(last))
    article = "" if not asked or re.match(r"(?:the|its|his|her|their|a|an|any) ", bare, re.IGNORECASE) else "the "
    return _swapped(last, place, article + bare)


_PLAIN_WORD = rf"(?!{_LEAD}\b|{_VERB}\b|the\b)[a-z][\w'’-]*"
_DESCRIBED = re.compile(rf" of (?P<all>(?P<of>{_PLAIN_WORD}(?: {_PLAIN_WORD})*?)(?P<head> {_PLAIN_WORD})?)(?= {_VERB}\b)")
"""Matches what a noun without an article belongs to, before the verb: "How many days of *bereavement* leave does"."""


def _like(noun: str, last: str, start: int) -> Span | None:
    """Return the noun of a question that ends with the same word: "a corporate ticket" for "a patron ticket"; None if none does."""
    head = noun.split()[-1].lower()
    for found in _ATTRIBUTE.finditer(last, start):
        if same := re.search(rf"\b{re.escape(head)}\b", found.group().lower()):
            return Span(found.start(), found.start() + same.end())
    return None


def _attribute(last: str, start: int) -> Span | None:
    """Return the first noun with an article in a question, without the verb that may follow it."""
    found = _ATTRIBUTE.search(last, start)
    return _without_verb(last, found) if found else None


def _without_verb(last: str, found: re.Match[str]) -> Span | None:
    """Return a noun with an article without the verb that may follow it; None if that is not certain."""
    noun, before = found.group().rstrip(), last[: found.start()]
    after = last[found.end() :]
    if _DONE.search(before):
        if after.startswith("of "):
            return None
        if len(noun.split()) > 2 and not after.startswith(("for ", "take", "took")):
            noun = noun.rsplit(" ", 1)[0]
    elif _BEING.search(before):
        noun = _PARTICIPLE.sub("", noun)
    return Span(found.start(), found.start() + len(noun))


def _first_noun(last: str) -> Span | None:
    """Return the first noun of keywords without question words: "deposit" of "deposit of the flat"."""
    found = re.match(r"(.+?) (?:of|for|in|at) ", last)
    return Span(*found.span(1)) if found else None


def _in_place_of_phrase(noun: str, last: str) -> str:
    """Return a question with its last phrase of the same preposition replaced: "for non-residents"; after it, if it has none."""
    at = last.lower().rfind(f" {noun.split()[0].lower()} ")
    return f"{last[: at + 1]}{noun}?" if at >= 0 else f"{last} {noun}?"


def _swapped(last: str, place: Span, words_: str) -> str:
    return f"{last[: place.start]}{words_}{last[place.end :]}?"


def _with_topic(question: str, last: str) -> str | None:
    """Return a question with what the last one was about, replacing its pronoun or at the end."""
    asked_for = (_PERSON, _WHO) if _PERSON.search(question) else (_THING, _WHICH)
    topic = _topic(last, is_answer=asked_for[0].search(question) is not None and asked_for[1].match(last) is not None)
    if topic is None or re.search(r"\b(?:that|this|those|these)\b", question, re.IGNORECASE):
        return None
    if _OWNING.search(question):
        return _OWNING.sub(f"{topic}'s", question, count=1) + "?"
    if _PRONOUN.search(question):
        return _PRONOUN.sub(topic, question, count=1) + "?"
    return f"{question} of {topic}?" if _PLAIN.fullmatch(question) else None


_THING = re.compile(r"\b(?:it|they|them)\b", re.IGNORECASE)
_PERSON = re.compile(r"\b(?:he|she|him|his|her)\b", re.IGNORECASE)
_WHICH = re.compile(r"(?:what|which) (?!(?:is|are|was|were)\b)", re.IGNORECASE)
_WHO = re.compile(rf"(?i:who) (?!(?:is|was) {_NAME.pattern}$)")


def _topic(last: str, *, is_answer: bool) -> str | None:
    """Return the one noun that a question is about: the name in it with what is called by it ("the Clef bonus"), or the noun with an
    article; None if it may be about several, or the pronoun that stands for it can be the answer ("What uptime does Basecamp offer?")."""
    asked = _ASKING_EN.match(last)
    start = asked.end() if asked else len(last.split()[0])
    nouns = [_without_verb(last, found) for found in _ATTRIBUTE.finditer(last, start)]
    names = list(_NAME.finditer(last, start))
    if is_answer:
        return None
    if len(names) == 1 and (place := next((one for one in nouns if one and one.start <= names[0].start() < one.end), None)):
        return place.of(last)
    if len(names) == 1 and not re.search(r"\b(?:from|in|at|on|to|by|with|near)(?: the)? $", last[: names[0].start()], re.IGNORECASE):
        return names[0].group()
    if len(names) > 1 or len(nouns) != 1 or nouns[0] is None:
        return None  # a name alone is where or whence, and not what it is about: "Which ferry sails from Larne?"
    return re.sub(r"^(?:an?|any) ", "the ", nouns[0].of(last), flags=re.IGNORECASE)


_PLAIN = re.compile(r"(?:what|how much|when|where|who) (?:is|are|was|were) the [\w-]+(?: [\w-]+)?", re.IGNORECASE)
"""Matches a question about something that belongs to what was named last."""


# --- Arabic ---------------------------------------------------------------------------------------------------------------


def _in_arabic(question: str, last: str) -> str | None:
    rest = without_opening(question)
    if not rest or not ARABIC_LETTER.search(last):
        return None
    asking = _ASKING_AR.match(rest)
    if asking and asking.end() == len(rest):
        return _with_other_asking(rest, last, _ASKING_AR)
    if asking is None and not _is_noun_ar(rest):
        return _with_other_value(rest, last)
    if asking is None:
        return _with_other_noun_ar(rest, last)
    if _WHAT_AR.fullmatch(asking.group()) and (owned := _with_other_value(rest[asking.end() :].strip(), last)):
        return owned
    topic = _topic_ar(last)
    about = set(content_stems(topic)) if topic else set()
    if not about:
        return None
    return f"{rest}؟" if about <= set(content_stems(rest)) or _names_its_own(rest) else f"{rest} {topic}؟"


_LONGEST_NOUN = 4


def _is_noun_ar(text: str) -> bool:
    """Return whether an Arabic text is a short noun that names something by itself: not «ذلك», not «قيمته»."""
    said = fold(text).split()
    if len(said) > _LONGEST_NOUN or not _POINTING.isdisjoint(said) or any(_ATTACHED.fullmatch(word) for word in text.split()):
        return False
    if len(said) > 1 and _REFERRING_AR.fullmatch(said[-1]):
        return False
    first = said[0]
    plain = first.startswith(("ال", "لل", "ل", "في", "عن")) or _kind(first) or first in _TIMES or _LATIN.match(first) or first.isdigit()
    return len(said) == 1 or bool(plain) or said[1].startswith("ال")


_POINTING = frozenset("ذلك هذا هذه تلك هناك هنا اذا لو غير نفس نفسه نفسها".split()) - {"غير"}
_REFERRING_AR = re.compile("(?:من|عن|في|ب|ل|الي|علي|مع)(?:ها|هم|هما|ه)")
_ATTACHED = re.compile("[\u0621-\u064a\u064b-\u0652]{3,}(?:ها|هم|هما|(?<![\u0644])ه)")


def _names_its_own(text: str) -> bool:
    """Return whether an Arabic question names something by its kind («مدرسة النخيل») or in Latin letters."""
    said = fold(text).split()
    return _LATIN.search(text) is not None or any(_kind(word) and place + 1 < len(said) for place, word in enumerate(said))


def _kind(word: str) -> str:
    """Return an Arabic common noun without its prefixes, or "" for any other word."""
    for prefix in ("", "ل", "ب", "و", "ف"):
        if word.startswith(prefix) and word[len(prefix) :] in _KINDS:
            return word[len(prefix) :]
    return ""


def _topic_ar(last: str) -> str | None:
    """Return what the last question is about: the thing it names by its kind, what is in Latin letters, or its only noun with the article
    before the question words."""
    tokens = last.split()
    folded = [fold(token) for token in tokens]
    for place in range(len(tokens) - 1, -1, -1):
        if _kind(folded[place]) and place + 1 < len(tokens) and folded[place - 1 : place] != ["اي"]:
            return " ".join(tokens[place : place + 3 if _goes_on(folded, place + 2) else place + 2])
    if latin := re.search(r"[A-Za-z][\w.&'-]*(?: [A-Za-z0-9][\w.&'-]*)*", last):
        before = fold(last[: latin.start()]).split()
        return None if before and before[-1] in ("في", "لدي", "عند") else latin.group()  # where, and not what it is about
    if (who := _WHO_IS_AR.fullmatch(last)) and len(who[1].split()) <= _LONGEST_NOUN:
        return who[1]
    return tokens[0] if folded[0].startswith("ال") else None


_WHO_IS_AR = re.compile(r"(?:من|مين|منو|شكون) (?:هو|هي) (.+)")


def _goes_on(folded: list[str], place: int) -> bool:
    """Return whether a name continues at a position: with another word that has the article («سباق السلاحف», «الشرق الأوسط»)."""
    return place < len(folded) and folded[place - 1] not in _SMALL_AR and folded[place].startswith("ال")


def _with_other_noun_ar(noun: str, last: str) -> str | None:
    """Return the last question with a noun replaced by one of the same kind."""
    tokens, folded = last.split(), fold(last).split()
    if len(tokens) != len(folded):
        return None
    lead = next((part for part in ("في ", "عن ", "من ", "لدى ") if noun.startswith(part)), "")
    said = noun[len(lead) :]
    first = fold(said).split()[0]
    if not lead and (same := _in_place_of_same(said, tokens, folded)):
        return same
    kind = _kind(first) or (first if first in _TIMES else "")
    for place in range(len(tokens) - 1, -1, -1):
        if kind and kind in (_kind(folded[place]), folded[place]) and place + 1 < len(tokens):
            end = place + 3 if _goes_on(folded, place + 2) else place + 2
            prefix = tokens[place][: len(folded[place]) - len(kind)]
            return _around(tokens[:place], prefix + said.removeprefix(prefix), tokens[end:])
    if first.startswith("ل") and len(first) > 3:
        place = next((at for at in range(len(tokens) - 1, 0, -1) if folded[at].startswith("ل") and len(folded[at]) > 3), 0)
        return _around(tokens[:place], said, []) if place else None
    if _LATIN.match(said) and (latin := re.search(r"[A-Za-z][\w.&'-]*(?: [A-Za-z0-9][\w.&'-]*)*", last)):
        return _swapped(last, Span(*latin.span()), said).replace("?", "؟")
    return _in_place_of_attribute(said, tokens, folded) if not lead else _in_place_of_last(said, tokens, folded)


def _with_other_value(word: str, last: str) -> str | None:
    """Return the last question with its attribute replaced by one with an attached pronoun: «وعنوانه؟» after «ما هاتف الديوان؟»."""
    owned = _OWNED.fullmatch(word)
    asked = _ASKING_AR.match(last)
    tokens = last[asked.end() :].split() if asked else []
    if owned is None or asked is None or len(tokens) < 2 or not _is_attribute(fold(tokens[0]), fold(tokens[1])):
        return None
    bound = owned[1]
    alone = f"{bound[:-1]}ة" if bound.endswith("ت") and fold(f"{bound[:-1]}ة") in _VALUES else bound
    return _around([asked.group()], alone, tokens[1:])


_WHAT_AR = re.compile("ما|ما هو|ما هي|كم|كام|شو|شنو|ايش|إيش|وش|ايه|إيه|اش|أش|قديش|شحال")
_OWNED = re.compile("([\u0621-\u064a]{3,}?)(?:ها|هم|هما|(?<![\u0644])ه)")
"""Matches a noun with an attached pronoun."""


def _is_attribute(first: str, second: str) -> bool:
    """Return whether the first of two folded words is an attribute of the second: without an article before one that has it, or a noun
    of values."""
    return not first.startswith("ال") and first not in _SMALL_AR and (second.startswith("ال") or first in _VALUES)


def _around(before: list[str], noun: str, after: list[str]) -> str:
    return " ".join(filter(None, [*before, noun, *after])) + "؟"


_VALUES = frozenset(
    """قيمه مبلغ مقدار مده سعر ثمن اجره حجم طول وزن معدل رقم عنوان تاريخ عدد موعد اسم رسم رسوم تكلفه كلفه نسبه مساحه عمر راتب
    هاتف فاكس بريد موقع لون""".split()
)
"""Attribute nouns, followed by the noun they belong to: «قيمة الإيجار»."""


def _in_place_of_same(noun: str, tokens: list[str], folded: list[str]) -> str | None:
    """Return the question with a noun replaced by one that begins with the same word: «المادة 5» for «المادة 3»."""
    said = fold(noun).split()
    if len(said) < 2 or said[0] not in folded:
        return None
    place = folded.index(said[0])
    end = next((at for at in range(place + 1, len(folded)) if folded[at] in _SMALL_AR or folded[at].startswith(("ل", "بال"))), len(folded))
    return _around(tokens[:place], noun, tokens[end:]) if end > place + 1 else None


def _in_place_of_attribute(noun: str, tokens: list[str], folded: list[str]) -> str | None:
    """Return the question with the noun that it asks about replaced: «كم التأمين في العقد؟» for «كم الإيجار في العقد؟»."""
    asked = _ASKING_AR.match(" ".join(tokens))
    first = len(asked.group().split()) if asked else 0
    bare = fold(noun).removeprefix("ال")
    if bare in _VALUES and first + 1 < len(folded) and _is_attribute(folded[first], folded[first + 1]):
        return _around(tokens[:first], noun.removeprefix("ال"), tokens[first + 1 :])  # «ما فاكس الديوان؟» for «ما هاتف الديوان؟»
    while first < len(folded) and folded[first] in _VALUES:
        first += 1
    if first >= len(folded):
        return None
    if not (folded[first].startswith("ال") and fold(noun).startswith("ال")):
        return _in_place_of_last(noun, tokens, folded)
    end = first + 1
    while end < len(folded) and folded[end].startswith("ال") and folded[end] not in _SMALL_AR:
        end += 1
    return _around(tokens[:first], noun, tokens[end:])


def _in_place_of_last(noun: str, tokens: list[str], folded: list[str]) -> str | None:
    """Return the question with its last word replaced, where a name usually is: «كم عدد سكان حلب؟»."""
    if len(tokens) < 3 or folded[-1] in _SMALL_AR:
        return None
    said = fold(noun).split()
    if len(said) == 2 and said[0] == folded[-2]:
        return _around(tokens[:-2], noun, [])
    if len(said) == 2 and said[1].startswith("ال") and folded[-1].startswith("ال") and folded[-2] not in _SMALL_AR:
        return _around(tokens[:-2], noun, tokens[-1:])  # «نائب المدير» for «مدير» of «مدير المستشفى»
    prefix = tokens[-1][0] if folded[-1][0] in "بل" and folded[-1][1:3] == "ال" else ""
    return _around(tokens[:-1], prefix + noun, [])


def without_asked(question: str) -> str:
    """Return a question without what it counts or which attribute it asks for: what is left is what it is about."""
    question = re.sub(r"^\s*(?:how many|كم(?: عدد)?)\s+(?!\S+\s+ال)\S+(?=\s)", "", question, flags=re.IGNORECASE)
    asked = _ASKING_AR.match(question.strip())
    tokens = question.strip()[asked.end() :].split() if asked else []
    return " ".join(tokens[1:]) if len(tokens) > 1 and fold(tokens[0]) in _VALUES else question


def points_back(question: str) -> bool:
    """Return whether an English question has a pronoun for a thing or person and names none."""
    return (_PRONOUN.search(question) or _OWNING.search(question)) is not None and not _names_something(question)


def asks(question: str) -> bool:
    """Return whether a text asks something by its words: it begins with question words, or with one after another, or ends with them."""
    bare = without_opening(question).strip(_AROUND)
    if not ARABIC_LETTER.search(bare):
        return re.match(rf"(?:{_LEAD} )?(?:{_ASKING_EN.pattern}|{_WHETHER.pattern})", bare, re.IGNORECASE) is not None
    said = bare.split()
    return any(_ASKING_AR.fullmatch(" ".join(part)) for part in (said[:1], said[:2], said[:3], said[1:2], said[-1:]))


def stands_by_itself(question: str) -> bool:
    """Return whether a question has question words and names what it is about."""
    if ARABIC_LETTER.search(question):
        return _ASKING_AR.match(question) is not None and _names_its_own(question)
    return _ASKING_EN.match(question) is not None and _names_something(question)
