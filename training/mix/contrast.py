"""Questions changed in one point, so that the passage that answered them no longer does.

A year, number, name or the direction of a comparison is exchanged, or the detail asked for is one that the passage lacks. Such contrast
pairs (Gardner et al., 2020) are what SQuAD 2.0 asked its annotators for; these are made by rule from the public sets.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from training.mix.case import Case, Cut, Grams, cut_out, language, window
from training.mix.facts import changed
from training.mix.public import Asked, asked, is_stated
from training.product import folded

Length = Callable[[str], int]

_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]{2,}(?: (?:of |the |de )?[A-Z][a-z]+)*")
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d.,]*\d|(?<![\w.,-])\d(?![\w.,])")
_OPPOSITES = {
    "en": [
        ("largest", "smallest"), ("biggest", "smallest"), ("highest", "lowest"), ("first", "last"), ("oldest", "youngest"),
        ("most", "least"),
        ("longest", "shortest"), ("more", "less"), ("before", "after"), ("born", "buried"), ("north", "south"), ("east", "west"),
        ("northern", "southern"), ("eastern", "western"), ("won", "lost"), ("begin", "end"), ("start", "end"), ("founded", "dissolved"),
        ("increase", "decrease"), ("minimum", "maximum"), ("built", "demolished"), ("mother", "father"), ("brother", "sister"),
        ("wife", "daughter"), ("opened", "closed"), ("allowed", "forbidden"),
    ],
    "ar": [
        ("أكبر", "أصغر"), ("أعلى", "أدنى"), ("أول", "آخر"), ("أقدم", "أحدث"), ("أكثر", "أقل"), ("أطول", "أقصر"), ("قبل", "بعد"),
        ("ولد", "دُفن"), ("ولدت", "دُفنت"), ("شمال", "جنوب"), ("شرق", "غرب"), ("فاز", "خسر"), ("بدأ", "انتهى"), ("بدأت", "انتهت"),
        ("تأسس", "حُلّ"), ("تأسست", "حُلّت"), ("بُني", "هُدم"), ("والد", "والدة"), ("شقيق", "شقيقة"), ("افتتح", "أغلق"), ("الشمالي", "الجنوبي"),
        ("الشرقي", "الغربي"), ("الحد الأدنى", "الحد الأقصى"),
    ],
}  # fmt: skip
_OTHER_DETAIL = {
    "en": [
        (r"^(?:when|what year|in what year|on what date|in which year) (did|was|were|is|are|does|do) ", r"Why \1 ", "why"),
        (r"^where (did|was|were|is|are|does|do) ", r"When \1 ", "when"),
        (r"^where (did|was|were|is|are|does|do) ", r"Why \1 ", "why"),
        (r"^who (?:was|is) ", "How old is ", "number"),
        (r"^(?:when|where) (was|were) ", r"How much money was spent when \1 ", "number"),
        (r"^how (?:many|much) ", "In which years were ", "number-left"),
    ],
    "ar": [
        (r"^متى ", "لماذا ", "why"),
        (r"^(?:في أي عام|في أي سنة|في أي تاريخ) ", "لماذا ", "why"),
        (r"^أين ", "متى ", "when"),
        (r"^أين ", "لماذا ", "why"),
        (r"^من هو ", "كم عمر ", "number"),
        (r"^من هي ", "كم عمر ", "number"),
    ],
}
_REASON = re.compile(
    r"because|due to|in order to|reason|so that|since|as a result|to avoid|therefore|caus|\bto \w+|for (?:the|a)"
    r"|لأن|بسبب|نتيجة|من أجل|لكي|حتى|نظر|إثر|عقب|بهدف|سبب|وذلك|مما|لل|(?<!\w)ل\w+",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d|[٠-٩]")
_WORD_NUMBERS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|century|age|aged|old)\b|عمر|قرن|سن ", re.IGNORECASE
)


class Names:
    """The names in questions, by the word before each: what can stand in a name's place.

    English names are runs of capitalised words. Arabic has no capitals: there a name is a word that few questions have, in its second or a
    later place.
    """

    RARE = 3
    """Questions that an Arabic name occurs in, at most."""

    def __init__(self, questions: Sequence[str]) -> None:
        arabic = [q for q in questions if language(q) == "ar"]
        self._count = Counter(word for q in arabic for word in set(_words(q)))
        self._after: dict[str, list[str]] = {}
        for q in questions:
            for before, start, end in self.places(q):
                self._after.setdefault(before, []).append(q[start:end])

    def places(self, question: str) -> list[tuple[str, int, int]]:
        """Return the names of a question: the word before each, and where it stands."""
        if language(question) == "en":
            found = [(match.start(), match.end()) for match in _NAME.finditer(question)]
        else:
            found = [
                (match.start(), match.end())
                for match in re.finditer(r"[^\W\d_]{4,}", question)
                if match.start() and self._count[match[0]] <= self.RARE
            ]
        return [(question[:start].split()[-1].lower() if question[:start].split() else "", start, end) for start, end in found]

    def other(self, question: str, place: tuple[str, int, int], text: str, rng: random.Random) -> str | None:
        """Return a name that stands after the same word elsewhere, and neither in the question nor in `text`."""
        known = self._after.get(place[0], [])
        for name in rng.sample(known, min(len(known), 12)):
            if name not in question and not is_stated(name, text):
                return name
        return None


def _words(question: str) -> list[str]:
    return re.findall(r"[^\W\d_]{4,}", question)


def altered(q: Asked, text: str, names: Names, rng: random.Random) -> tuple[str, str] | None:
    """Return a question changed in one point so that `text`, which answers it, does not answer what it asks then, and what was changed.

    None where no change applies.
    """
    question = q.question
    asked_in = language(question)
    ways = ["number", "name", "opposite", "detail"]
    rng.shuffle(ways)
    for way in ways:
        if way == "number" and (found := list(_NUMBER.finditer(question))):
            match = rng.choice(found)
            other = changed(match[0], rng)
            if other != match[0] and not is_stated(other, text):
                return question[: match.start()] + other + question[match.end() :], way
        elif way == "name" and (places := names.places(question)):
            place = rng.choice(places)
            if name := names.other(question, place, text, rng):
                return question[: place[1]] + name + question[place[2] :], way
        elif way == "opposite":
            pairs = [pair for one in _OPPOSITES[asked_in] for pair in (one, one[::-1])]
            rng.shuffle(pairs)
            for old, new in pairs:
                other, count = re.subn(rf"(?<!\w){old}(?!\w)", new, question, count=1)
                if count and not is_stated(new, text):
                    return other, way
        elif way == "detail":
            for pattern, new, kind in rng.sample(_OTHER_DETAIL[asked_in], len(_OTHER_DETAIL[asked_in])):
                other, count = re.subn(pattern, new, question, count=1, flags=re.IGNORECASE)
                if count and not _may_state(kind, text):
                    return other, f"detail:{kind}"
    return None


def _may_state(kind: str, text: str) -> bool:
    """Return whether a text may state a reason, a time or a number: then nothing is known of a question for one."""
    if kind == "why":
        return _REASON.search(text) is not None
    return _DIGIT.search(text) is not None or _WORD_NUMBERS.search(text) is not None


def cases(data: Path, held: Grams, length: Length, rng: random.Random) -> Iterator[Case]:
    """Yield for each question of the public sets that can be changed the window that answered it, which does not answer it then."""
    questions = [q for q in asked(data) if q.passage not in held and q.question not in held]
    names = Names([q.question for q in questions])
    for q in questions:
        cut = Cut.of(q.passage)
        gold = cut.holding(q.start, q.start + len(q.answer))
        if not gold or len(folded(q.answer)) > 25:
            continue
        run = window(cut, gold, rng.choice((40, 64, 90, 104)), length, rng) or window(cut, gold, 104, length, rng)
        if run is None:
            continue
        text, blocks, _ = cut_out(cut, run)
        found = altered(q, f"{q.title} {text}", names, rng)
        if found:
            question, way = found
            title = q.title if rng.random() < 0.7 else ""
            yield Case(q.source, f"changed:{way}", question, text, title, f"{q.source}/{q.article}", blocks, [], [], 0)
