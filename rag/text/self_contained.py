"""Whether a sentence can be read alone: without the sentence before it, and as a sentence at all."""

from __future__ import annotations

import re

from rag.text.clitics import BEGIN_WITH_AND
from rag.text.folding import fold
from rag.text.language import script
from rag.text.words import content_stems, words

_DEPICTED = frozenset(
    """act agreement annex appendix article bill book bulletin chapter circular code contract convention decision declaration decree
    directive document guide guideline handbook instruction law lecture letter manual memorandum notice order paper plan policy project
    protocol regulation report review section standard statement study summary survey thesis treaty
    agreements articles guidelines instructions regulations rules""".split()
)
_DEPICTED_AR = frozenset(
    """اتفاق اتفاقيه اعلان باب بحث بروتوكول بيان تعليمات تعميم تقرير خطه دراسه دليل رساله سياسه عقد فصل قانون قرار كتاب لايحه ماده محاضره
    مذكره مرسوم مشروع مقال مقاله ملحق منشور مناقصه نظام وثيقه ورقه""".split()
)
"""What a document can say of itself with «this»: "This Agreement", «هذا القانون»."""
_POINTING = frozenset("this these that those".split())
_POINTING_AR = frozenset("هذا هذه ذلك تلك هولاء هذان هاتان".split())
_PRONOUNS = frozenset("he she it they him her them his hers its their theirs himself herself itself themselves".split())
_OWN = frozenset("its their his itself himself herself themselves".split())
_OPENING = frozenset("in at on for from to by with after before when while if as since until under during of despite unlike".split())
_PRONOUNS_AR = frozenset(
    "هو هي هما هم هن منه منها عنه عنها فيه فيها له لها لهم لهما به بها بهم عليه عليها عليهم اليه اليها معه معها".split()
)
_JOINING = frozenset(
    """however please but and or nor so thus therefore hence then also moreover furthermore besides nevertheless nonetheless consequently
    accordingly likewise similarly otherwise instead meanwhile still yet conversely additionally finally secondly thirdly lastly
    subsequently afterwards later rather indeed such here why because which who whom whose where others another both neither either
    former latter same again above below overall next previously earlier""".split()
)
_JOINING_PHRASES = (
    "as a result", "for example", "for instance", "in addition", "in contrast", "on the other hand", "at the same time", "in this",
    "in that", "in such", "at this", "at that", "by contrast", "even so", "in other words", "that is", "on the contrary", "after that",
    "for this", "for these", "of these", "of those", "among them", "among these", "in particular", "as well", "in turn", "as such",
    "if so", "if not", "yes", "the same", "the former", "the latter", "the other", "some of", "most of these", "all of these", "at least",
)  # fmt: skip
_JOINING_AR = frozenset(
    """لكن ولكن لكنه لكنها ولكنه بل ثم اذ حيث لذلك ولذلك وبذلك بذلك كذلك وكذلك ايضا وايضا غير كما وكما رغم كذا فيما بينما كلاهما وهكذا هكذا
    الا والا او ام علما فضلا وذلك ومنها ومنهم ومن وبهذا وعليه وهنا وهناك هنا اخيرا واخيرا ثانيا ثالثا بالتالي وبالتالي لهذا ولهذا اما واما
    وان فان وانه انه وانها انها بدوره بدورها اضف زد مثلا والتي والذي الذي التي الذين اي و ف وقد فقد والى ولا ولم وليس وكانت وكان""".split()
)
_ALSO = frozenset("ايضا كذلك".split())
_JOINING_PHRASES_AR = ("علي الارجح", "نعم", "بالطبع", "بالتاكيد", "متوفره",
    "من جهه اخري", "من ناحيه اخري", "في المقابل", "بالاضافه الي ذلك", "الي جانب ذلك", "علي سبيل المثال", "في هذا",
    "في هذه", "في ذلك", "في تلك", "من هذا", "من هذه", "من ذلك", "من تلك", "لهذه", "بهذه", "لهذا", "بهذا", "عند ذلك", "بعد ذلك", "قبل ذلك",
    "مع ذلك", "ومع ذلك", "نتيجه لذلك", "وفي هذا", "وفي ذلك", "ومن ثم", "ومن هنا", "الامر الذي", "الي ذلك", "علي ذلك")  # fmt: skip
_WITHOUT_SUBJECT = re.compile(
    "[وف]?(?:اضاف|تابع|اوضح|اشار|اكد|قال|ذكر|لفت|صرح|نوه|شدد|راي|اعتبر|بين|كشف|اعرب|دعا|طالب|استطرد|اردف)ت?(?:وا)? "
    "(?:ان|انه|انها|الي|بان|علي|عن|في|ايضا|قايلا|قايله|:)"
)
_VERBS = frozenset(
    """كان كانت يكون تكون ليس ليست بلغ بلغت يبلغ تبلغ يعد تعد يعتبر تعتبر حصل حصلت عمل عملت انتقل انتقلت بدا بدات شغل شغلت توفي اصبح اصبحت
    انضم انضمت ترشح ترشحت التحق التحقت تخرج تخرجت ولد ولدت قال قالت يقول تقول يري تري اكد اكدت""".split()
)
"""Verbs that often stand without the subject that was named before."""
_PARTICLES = frozenset("في من الي علي عن مع ان انه انها بان حتي منذ قبل بعد خلال عند لدي نحو حوالي اكثر اقل".split())
_OF_IT = re.compile(r"[\u0621-\u064a]{2,}(?:ها|هما|هم|(?<![\u0644\u062c\u064a\u0628])ه)")
_NOT_OF_IT = frozenset(
    """الله وجه مياه اتجاه تجاه شبه هذه فقه كره منتبه مكروه وجوه انتباه اشباه مشابه تنبيه توجيه ترفيه مهم اهم المهم الاهم درهم سهم اسهم
    الدرهم السهم فهم تفاهم متهم المتهم ملهم الفقه التوجيه المياه الوجه الاتجاه""".split()
)
_ROWS = (" · ", " | ", "\t", "....", "…..", "____", "http://", "https://", "www.", "doi:", "=>", "{", "}", "©", "\ufffd", "@")
_POINTS_ELSEWHERE = re.compile(
    r"\b(?:et al|ibid|op\. ?cit|see (?:also|above|below|section|table|figure|page|chapter|p\.)"
    r"|as (?:shown|described|discussed|mentioned|noted) (?:above|below|earlier|previously|in)|(?:the )?following|follows|above|below"
    r"|(?:figure|fig\.|table|equation|eq\.) \(?\d+|"
    r"click|subscribe|cookies?|all rights reserved|log ?in|sign (?:in|up))\b"
    r"|(?:^|\s)[وفبك]?(?:ال)?(?:تالي|تاليه|اتي|اتيه|مذكور|مذكوره|سابق ذكره|انف|انفه|ما يلي|مايلي|يلي)(?:\s|$|[.:،])"
    r"|(?:^|\s)(?:انظر|راجع|اضغط|اشترك|مراجعه التعليقات|ارشادات الاستخدام)(?:\s|$|[.:،])"
    r"|(?:^|\s)(?:جميع الحقوق محفوظه|كما سبق|سابق الذكر|السالف|اعلاه|ادناه|الشكل رقم|الجدول رقم)(?:\s|$|[.:،])"
)
_ENDS = re.compile("[.!\u2026\u06d4][\"'\u201d\u2019\u00bb)\\]\u200f]*(?:\\[?\\d{1,3}\\]?)?$")
_CLOSING = {"(": ")", "[": "]", "«": "»", "“": "”"}
_NOTE = re.compile(
    r"(?:sources?|notes?|table|figure|المصدر|المصادر|ملاحظه|ملاحظات|تنويه|شكل|الشكل|جدول|الجدول)\s*[:.(\d]"
    r"|(?:issued|published|updated|posted|dated|printed|created|last (?:updated|modified)) (?:on|in|at|by|:)"
    r"|(?:نشر|نشرت|اخر تحديث|حرر) (?:في|بتاريخ|:)|(?:first|second|third)(?:ly)?,|\d{1,2} [a-z]+ly\b|\(?[^\W\d_]\)|\d+[^\W\d_]|\d{4}-\d{4}"
)
"""The beginning of a note to a table or page, of an item, or of a note whose number is glued to it."""
_NEAR_BEGINNING = 12
"""Words from the beginning among which "this" and "these" point at what was said before."""
_BEFORE_ANY_NOUN = 4
_OF_THEM = frozenset("منه منها منهم منهن".split())
_SHORT = 10
"""Words of an Arabic sentence in which a pronoun hardly stands for one of them."""
_FEWEST_WORDS = 5
_FEWEST_OF_ITEM = 9
"""Words of a numbered sentence; with fewer it is mostly the title of what follows."""
_NUMBERED = re.compile(r"(?:\(?\d{1,3}(?:\.\d{1,3})*\)?[.)/–-]*|[ivxlc]{1,5}[.)]|[^\W\d_][/.)])\s*(?=\S)")
"""The number of a clause or paragraph before its text."""


def is_self_contained(sentence: str) -> bool:
    """Return whether a sentence can be read alone, as far as its words show: it is whole, states something, points neither to what was said
    before nor elsewhere, and is no remnant of a page (a row, a link, a line of contents).

    It is strict: a sentence that is turned away may well be one that could be read alone.
    """
    text = " ".join(sentence.split())
    least = _FEWEST_OF_ITEM if _NUMBERED.match(text) and ":" not in text else _FEWEST_WORDS
    return len(words(text)) >= least and _is_whole(text) and not _is_remnant(text) and not refers_back(text)


def refers_back(sentence: str) -> bool:
    """Return whether a sentence begins with a word that stands for, or continues, what was said before."""
    folded = _NUMBERED.sub("", " ".join(fold(sentence).split()).lstrip("\"'«“(•*–— "), count=1)
    return _refers_back_ar(folded, sentence) if script(sentence) == "ar" else _refers_back_en(folded)


def _refers_back_en(folded: str) -> bool:
    spoken = words(folded)[:_NEAR_BEGINNING]
    if not spoken or spoken[0] in _JOINING or "also" in spoken[:6] or folded.startswith(_JOINING_PHRASES):
        return True
    if any(word in _PRONOUNS and not (word in _OWN and _has_owner(spoken[:place])) for place, word in enumerate(spoken[:5])):
        return True
    return any(word in _POINTING and not _is_itself(spoken, place) for place, word in enumerate(spoken))


def _has_owner(before: list[str]) -> bool:
    """Return whether a noun stands before a possessive that it may belong to: "The town opened its library"."""
    return len(before) > 1 and before[0] not in _OPENING and bool(content_stems(" ".join(before)))


def _is_itself(spoken: list[str], place: int) -> bool:
    """Return whether a pointing word points at the document, or joins a clause ("the tests that failed")."""
    after = spoken[place + 1 : place + 3]
    return any(word in _DEPICTED for word in after) or (spoken[place] in ("that", "those") and place > 1)


def _refers_back_ar(folded: str, sentence: str) -> bool:
    spoken = words(folded)[:_NEAR_BEGINNING]
    if (
        not spoken
        or spoken[0] in _JOINING_AR
        or not _ALSO.isdisjoint(spoken[:4])
        or spoken[0] in _PRONOUNS_AR
        or folded.startswith(_JOINING_PHRASES_AR)
    ):
        return True
    if _WITHOUT_SUBJECT.match(folded) or (_joins(spoken[0]) and not _names_a_subject(spoken)):
        return True
    for place, word in enumerate(spoken):
        bare = word[1:] if word[:1] in "وفبلك" else word
        if place < _BEFORE_ANY_NOUN and (word in _PRONOUNS_AR or bare in _PRONOUNS_AR):
            return True
        if word in _POINTING_AR or bare in _POINTING_AR:
            pointed = "".join(spoken[place + 1 : place + 2]).removeprefix("ال")
            if pointed not in _DEPICTED_AR:
                return True
    if len(words(folded)) <= _SHORT and not _OF_THEM.isdisjoint(words(folded)):
        return True
    return any(_points(word) for word in sentence.split()[:2])


def _joins(word: str) -> bool:
    """Return whether a sentence that begins with an Arabic word may lack its subject: after «و», and after some verbs."""
    return word in _VERBS or (word[0] == "و" and len(word) > 3 and word not in BEGIN_WITH_AND)


def _names_a_subject(spoken: list[str]) -> bool:
    """Return whether a noun with the article, one that such a noun belongs to, or a Latin name follows the first word."""
    following = spoken[1:3]
    if not following or following[0].isdigit() or following[0] in _PARTICLES or following[0][0] in "لب":
        return False
    return any(word.startswith("ال") or word.isascii() for word in following)


def _points(word: str) -> bool:
    """Return whether an Arabic word carries the pronoun of what was named before: «مساحتها», «عمره». Ta marbuta is no pronoun."""
    bare = re.sub("[\u064b-\u0652\u0640]", "", word).strip("«»\"'()،,.:")
    folded = fold(bare)
    return bare[-1:] != "ة" and folded not in _NOT_OF_IT and len(folded) >= 4 and _OF_IT.fullmatch(folded) is not None


def _is_whole(text: str) -> bool:
    """Return whether a text begins and ends as a sentence does, with its brackets and quotes closed."""
    if text[0].islower() or text[0] in ",،;؛:)]}»”.•-–[" or text[-1] in ":,،?؟;؛-–(" or text.endswith(" No.") or not _ENDS.search(text):
        return False
    if any(text.count(opened) != text.count(closed) for opened, closed in _CLOSING.items()) or text.count('"') % 2:
        return False
    return sum(character.isalpha() for character in text) >= 0.55 * len(text)


def _is_remnant(text: str) -> bool:
    """Return whether a text is a remnant of a page's layout, or points elsewhere in it."""
    folded = fold(text)
    if any(mark in text for mark in _ROWS) or _POINTS_ELSEWHERE.search(folded) or _NOTE.match(folded):
        return True
    latin = [word for word in text.split() if word.isascii() and word.isalpha() and len(word) > 2]
    return len(latin) >= 4 and sum(word.isupper() or word.istitle() for word in latin) > 0.7 * len(latin)
