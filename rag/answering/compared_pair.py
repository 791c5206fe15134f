"""The two things that a question compares: "Which is older, the library or the museum?", «هل الإيجار أغلى في حلب أم دمشق؟».

A question is read around its adjective: what stands before it and after it says which things are compared, in what, and under which
condition. For each of them the question for its value is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rag.answering.table_wording import Adjective, Operation, adjective_place, asks_for_computation
from rag.text.folding import ARABIC_LETTER
from rag.text.words import content_stems

TIME = frozenset("year date founded built opened published birth".split())
_ASKED: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset("price cost fee rent fare".split()), "How much does {name} cost{tail}?", "كم سعر {name}{tail}؟"),
    (TIME, "When was {name} founded, built or opened{tail}?", "متى تأسس أو بني أو افتتح {name}{tail}؟"),
    (frozenset(("length",)), "How long is {name}{tail}?", "كم يبلغ طول {name}{tail}؟"),
    (frozenset(("duration",)), "How long does {name} last{tail}?", "كم مدة {name}{tail}؟"),
    (frozenset(("height",)), "How high is {name}{tail}?", "كم يبلغ ارتفاع {name}{tail}؟"),
    (frozenset(("weight",)), "How much does {name} weigh{tail}?", "كم يبلغ وزن {name}{tail}؟"),
    (frozenset(("speed",)), "How fast is {name}{tail}?", "كم تبلغ سرعة {name}{tail}؟"),
    (frozenset(("depth",)), "How deep is {name}{tail}?", "كم يبلغ عمق {name}{tail}؟"),
    (frozenset(("width",)), "How wide is {name}{tail}?", "كم يبلغ عرض {name}{tail}؟"),
    (frozenset(("population",)), "What is the population of {name}{tail}?", "كم عدد سكان {name}{tail}؟"),
    (frozenset(("area",)), "What is the area of {name}{tail}?", "كم تبلغ مساحة {name}{tail}؟"),
)  # fmt: skip
"""Questions for a value, by the groups of `table_words.toml` that it belongs to."""
_MOST_WORDS = 8
_OR = re.compile(r"(?P<one>\S.*?)[,،]? (?:or|أم|ام|أو|او|ولا) (?P<other>\S.*)", re.IGNORECASE)
_BY = r"(?P<by>in|for|at|with|on|by|under|from)"
_VERB = r"(?:is|are|was|were|has|had|have|does|did|do|costs?|takes?|took|lasts?|lasted|weighs?)"
_WHICH = re.compile(
    rf"(?:which|who|what)(?: one)?(?: of (?P<pair>.+?))?(?P<kind>(?: (?!{_VERB}\b)[^\s,:]+)*?)(?: {_VERB})?(?: the| a)?,?", re.IGNORECASE
)
_WHICH_AR = re.compile(
    r"(?:أيهما|ايهما|أيهم|ايهم|من|مين|ما|أي منهما|انو|أنو|شو)(?: هو| هي| منهما)?(?: (?:له|لها|لديه|لديها|عنده|عندها)(?P<kind> .+)?)?"
)
_DOES = re.compile(r"(?:do|does|did) (?P<pair>.+?) (?:have|has|cost|weigh|take|last|receive|get)", re.IGNORECASE)
_IS = re.compile(r"(?:is|are|was|were|هل) (?P<what>\S.*)", re.IGNORECASE)
_THAN = re.compile(r"(?P<tail>.*?)\s*(?:\bthan|(?<!\S)من) (?P<other>\S.*)", re.IGNORECASE)
_BY_EACH = re.compile(rf"{_BY} (?P<one>\S.*?) or (?:(?P=by) )?(?P<other>\S.*)", re.IGNORECASE)
_BY_EACH_AR = re.compile(r"(?P<by>في |لدى |عند |على |لل|ل|بال|ب)(?P<one>\S.*?) (?:أم|ام|أو|او|ولا) (?:(?P=by))?(?P<other>\S.*)")
_CONDITION = re.compile(r"(?:in|for|at|with|on|by|under|from|between|during)\b|(?:في|لدى|عند|على|خلال|بين|من)(?=\s)", re.IGNORECASE)


class AskedThing(NamedTuple):
    """One of two things that are compared: as the question names it, and with what is compared of it, for questions of its own."""

    name: str
    full: str


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Two things that a question compares, the adjective, and whether it asks for yes or no. `measure` is what is compared where the
    question names it, "" where the adjective says it, `tail` a condition that holds for both."""

    one: AskedThing
    other: AskedThing
    adjective: Adjective
    whether: bool
    measure: str = ""
    tail: str = ""

    def questions(self, arabic: bool) -> Iterator[tuple[frozenset[str], str, str]]:
        """Yield questions for the two values, with the groups of columns that they ask for; empty for what the question names itself."""
        counts = self.adjective.general and not self.adjective.facets
        if self.measure:
            asked = [
                "كم {measure} {name}{tail}؟",
                "How many {measure} does {name} have{tail}?" if counts else "What is the {measure} of {name}{tail}?",
            ]
            yield frozenset(), *self._filled(asked[not arabic])
            return
        if self.adjective.general and self.one.full != self.one.name:
            yield frozenset(), *self._filled("كم {name}{tail}؟" if arabic else "What is {name}{tail}?")
        for facets, english, in_arabic in _ASKED:
            if facets & self.adjective.facets:
                yield facets & self.adjective.facets, *self._filled(in_arabic if arabic else english)
        if counts:
            yield frozenset(), *self._filled("كم عدد {name}{tail}؟" if arabic else "How many {name} are there{tail}?")
        elif "size" in self.adjective.facets:
            yield frozenset(), *self._filled("كم {name}{tail}؟" if arabic else "What is {name}{tail}?")

    def _filled(self, asked: str) -> tuple[str, str]:
        tail = f" {self.tail}" if self.tail else ""
        one, other = (asked.format(measure=self.measure, name=each.full, tail=tail) for each in (self.one, self.other))
        return one, other


def compared_pair(question: str) -> ComparedPair | None:
    """Return what a question compares, None for any other question."""
    computation = asks_for_computation(question)
    if computation is None or computation.operation is not Operation.EXTREME or computation.adjective is None or computation.turns:
        return None
    if not computation.adjective.is_comparative:
        return None
    tokens = " ".join(question.split()).strip(" ؟?.!").split(" ")
    place = adjective_place(tokens)
    if place is None:
        return None
    before, after = " ".join(tokens[: place.start]), " ".join(tokens[place.stop :])
    read = _read_arabic if ARABIC_LETTER.search(before) else _read
    pair = read(before, after, computation.adjective)
    if pair is None or not all(content_stems(one.name) and len(one.name.split()) <= _MOST_WORDS for one in (pair.one, pair.other)):
        return None
    return pair


def _read(before: str, after: str, adjective: Adjective) -> ComparedPair | None:
    """Return the pair that an English question compares, from what stands before and after its adjective."""
    if (does := _DOES.fullmatch(before)) and (names := _OR.fullmatch(does["pair"])):
        return _pair(names, adjective, after)
    if which := _WHICH.fullmatch(before):
        names = _OR.fullmatch(which["pair"].replace(" and ", " or ", 1)) if which["pair"] else None
        rest = after
        if names is None:
            rest, names = _names_after(after)
        return _pair(names, adjective, rest, kind=which["kind"].strip()) if names else None
    if asked := _IS.fullmatch(before):
        if than := _THAN.fullmatch(after):
            return _whether(asked["what"], than, adjective)
        if each := _BY_EACH.fullmatch(after):
            return _under_each(asked["what"], each, adjective, " ")
    return None


def _read_arabic(before: str, after: str, adjective: Adjective) -> ComparedPair | None:
    """Return the pair that an Arabic question compares, from what stands before and after its adjective."""
    if which := _WHICH_AR.fullmatch(before):
        rest, names = _names_after(after)
        measure = (which["kind"] or "").strip()
        return _pair(names, adjective, f"{measure} {rest}".strip()) if names else None
    if asked := _IS.fullmatch(before):
        if than := _THAN.fullmatch(after):
            return _whether(asked["what"], than, adjective)
        if each := _BY_EACH_AR.fullmatch(after):
            return _under_each(asked["what"], each, adjective, "")
    return None


def _names_after(after: str) -> tuple[str, re.Match[str] | None]:
    """Return what stands before two names, and the names, which follow the last comma or colon, if there is one."""
    at = max(after.rfind(mark) for mark in (", ", ": ", "، "))
    if at >= 0 and (names := _OR.fullmatch(after[at + 2 :])):
        return after[:at].strip(" ,:،"), names
    return "", _OR.fullmatch(after)


def _pair(names: re.Match[str], adjective: Adjective, rest: str, kind: str = "") -> ComparedPair:
    """Return a pair of names; the `rest` of the question names what is compared, or is a condition."""
    condition = _CONDITION.match(rest) is not None
    one, other = (_strip(names[part]) for part in ("one", "other"))
    measure, tail = ("", rest) if condition else (rest, "")
    if condition and adjective.general and not adjective.facets and (words := rest.split(" ", 1))[0] == "في" and len(words) > 1:
        measure, tail = words[1], ""  # «أكثر في wine servings»: in what
    things = [AskedThing(name, f"{name} {kind}" if kind and not adjective.general else name) for name in (one, other)]
    return ComparedPair(things[0], things[1], adjective, False, measure, tail)


def _whether(what: str, than: re.Match[str], adjective: Adjective) -> ComparedPair:
    """Return a pair of which the question asks whether the first has more."""
    one, other = _strip(what), _strip(than["other"])
    return ComparedPair(AskedThing(one, one), AskedThing(other, other), adjective, True, than["tail"].strip())


def _under_each(what: str, each: re.Match[str], adjective: Adjective, between: str) -> ComparedPair:
    """Return one thing under two conditions as a pair: "Was the tax higher in 2009 or in 2018?"."""
    one, other = (AskedThing(_strip(each[part]), f"{what} {each['by']}{between}{_strip(each[part])}") for part in ("one", "other"))
    return ComparedPair(one, other, adjective, False)


def _strip(name: str) -> str:
    return name.strip(" ,،:")
