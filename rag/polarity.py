"""Whether two texts say the contrary of each other: negation, and words that mean the opposite (allowed, forbidden), in both languages.

A text is compared clause by clause, for «no fuel leaked» beside «the hull was dented» denies nothing of the dent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, lru_cache

from rag.schema import Span
from rag.text import content_stems, fold, script, stem, words

Likeness = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""From two lists of texts to the cosine of each of the first with each of the second."""

_NEGATORS = frozenset(
    words(
        """not no never none nobody nothing neither nor cannot without unable fails failed lack lacks hardly didn't doesn't isn't wasn't
        weren't won't haven't hasn't hadn't don't aren't couldn't wouldn't shouldn't can't mustn't unclear
        لا لم لن ليس ليست ليسوا ليسا غير دون بدون عدم ولا ولم ولن وليس وليست وغير ودون بلا فلا فلم فلن الا ينفي نفي نفت"""
    )
)
# What takes the place of a negation: (positive, negative) words of one idea, English and Arabic. Stems are compared.
_OPPOSITES = (
    (
        "allow allowed permit permitted admit admitted welcome يسمح يجوز مسموح يحق سمح سمحت أجاز",
        "forbid forbidden ban banned prohibit prohibited يمنع ممنوع منع يحظر محظور حظر",
    ),
    (
        "open opened opens يفتح مفتوح مفتوحة فتح يستقبل",
        "close closed closes shut shuts يغلق مغلق مغلقة أغلق أغلقت مقفل",
    ),
    (
        "approve approved accept accepted agree agreed uphold upheld allow allowed وافق وافقت قبل أقر أقرت اعتمد",
        "reject rejected dismiss dismissed refuse refused oppose opposed رفض رفضت يرفض رفضوا ردت",
    ),
    (
        "works working on operating functioning يعمل تعمل شغال مشغل",
        "off broken disabled faulty معطل معطلا معطلة مطفأ أطفأ أطفأت عطل متوقف",
    ),
    (
        "admit admitted confess confessed اعترف اعترفت أقر",
        "deny denied denies أنكر أنكرت نفى نفت ينفي",
    ),
    (
        "win won wins beat فاز فازت ربح",
        "lose lost loses خسر خسرت هزم",
    ),
    (
        "rise rose rises increase increased grew ارتفع ارتفعت زاد زادت ازداد",
        "fall fell falls decrease decreased drop dropped انخفض انخفضت هبط هبطت تراجع تراجعت",
    ),
    (
        "include included includes cover covers يشمل تشمل شمل يغطي تغطي",
        "exclude excluded excludes يستثني تستثني استثنى",
    ),
    (
        "satisfied happy content pleased راض راضية راضي",
        "dissatisfied unhappy ساخط مستاء",
    ),
    (
        "attend attended present حضر حضرت حاضر",
        "absent missed تغيب تغيبت غاب غائب",
    ),
    (
        "hire hired appoint appointed join joined remain وظف عين تولى تولت انضم يرأس ترأس",
        "fire fired resign resigned left quit طرد طردت طردوا استقال استقالت فصل أقيل غادر ترك",
    ),
    (
        "build built erect erected construct founded بنى بناء شيد أسس أسست أنشأ",
        "demolish demolished destroy destroyed burn burned burnt هدم هدمت دمر دمرت أحرق أحرقت احترق احترقت",
    ),
    (
        "pay pays paid fee charge charged يدفع تدفع رسم رسوم أجرة",
        "free exempt مجاني مجانية مجانا إعفاء يعفى معفى حر",
    ),
    (
        "possible able can ممكن يستطيع يمكن",
        "impossible unable مستحيل يعجز تعجز",
    ),
    (
        "guilty liable مذنب مسؤول",
        "innocent بريء",
    ),
    (
        "intact whole سليم سليمة",
        "damaged cracked تالف متضرر متصدع",
    ),
    (
        "safe unhurt سالم آمن",
        "hurt injured wounded أصيب مصاب جريح إصابة",
    ),
)  # fmt: skip
_REACH = 5  # words: how far a negation reaches
_NO_NEGATION = re.compile(
    r"\b(?:no|not) (?:less|fewer|more|later|earlier|longer) than\b|\bnot only\b|\bno doubt\b"
    r"|(?<![^\W_])و?(?:لا (?:يقل|تقل|يزيد|تزيد|يتجاوز|تتجاوز|شك|سيما|بد)|ليس فقط)(?![^\W_])"
)
_CLAUSE = re.compile(
    r"[,;:،؛.!?؟\n|()«»]+(?=\s|$)|\s[-–—]\s"
    r"|\s(?=(?:and|but|while|although|whereas|because|so that|that|which|who|لكن|بل|إلا|لأن|حتى|ولكن|وإن|إن|أن|أما|الذي|التي|الذين)\s)"
    r"|\s(?=(?:ولا|ولم|ولن|وليس|وليست)\s)"
)


@cache
def _poles() -> dict[str, list[tuple[int, int]]]:
    """From a stem to the ideas it belongs to, each with its sign."""
    found: dict[str, list[tuple[int, int]]] = {}
    for idea, pair in enumerate(_OPPOSITES):
        for sign, pole in zip((1, -1), pair, strict=True):
            for key in {stem(word) for word in words(pole)} | set(words(pole)):
                entry = (idea, sign)
                if entry not in found.setdefault(key, []):
                    found[key].append(entry)
    return found


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause: whether it holds a negation that turns none of the words with an opposite, and for each idea that it touches the
    signs it gives it, the negations before it counted in."""

    text: str
    stems: frozenset[str]
    negated: bool
    ideas: Mapping[int, frozenset[int]]

    @property
    def negative(self) -> bool | None:
        """Whether it denies something; `None` where it says both of one idea («nine accepted, four refused»)."""
        if self.negated:
            return True
        if any(len(signs) > 1 for signs in self.ideas.values()):
            return None
        return any(-1 in signs for signs in self.ideas.values())


@lru_cache(maxsize=1024)
def _clauses(text: str) -> tuple[_Clause, ...]:
    return tuple(_read(span.of(text)) for span in spans(text))


def spans(text: str) -> list[Span]:
    """The clauses of a text that say something."""
    cuts = [match.end() for match in _CLAUSE.finditer(text)]
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        if any(letter.isalnum() for letter in text[start:end]):
            found.append(Span(start, end))
    return found


def _read(text: str) -> _Clause:
    spoken = words(_NO_NEGATION.sub(" ", fold(text)))
    free = {place for place, word in enumerate(spoken) if word in _NEGATORS}
    negators = sorted(free)
    ideas: dict[int, set[int]] = {}
    for place, word in enumerate(spoken):
        if word in _NEGATORS:
            continue
        bare = word[1:] if word[0] in "وف" and len(word) > 4 else word
        entries = {entry for key in (word, stem(word), stem(bare)) for entry in _poles().get(key, [])}
        turning = [other for other in negators if 0 < place - other <= _REACH]
        for idea, sign in entries:
            ideas.setdefault(idea, set()).add(-sign if turning else sign)
        if entries:
            free.difference_update(turning)
    stems = frozenset(content_stems(text)) - _negator_stems()
    return _Clause(text, stems, bool(free), {idea: frozenset(signs) for idea, signs in ideas.items()})


@cache
def _negator_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in _NEGATORS)


def contrary(claim: str, evidence: str, likeness: Likeness) -> bool:
    """Whether the claim denies what the evidence affirms, or affirms what it denies.

    Each clause of the claim is held against the clause of the evidence that it says most of: by common words in one language,
    by `likeness` across two. Called only where one of the two is negative at all.
    """
    said, known = _clauses(claim), _clauses(evidence)
    if not said or not known:
        return False
    if not any(clause.negated or clause.ideas for clause in (*said, *known)):
        return False
    unclear = _ambiguous(said) - _ambiguous(known)
    matches = list(_matches(said, known, script(claim) == script(evidence), likeness))
    return any(_opposed(clause, others, unclear) for clause, others in matches if others)


def _ambiguous(clauses: Sequence[_Clause]) -> set[int]:
    """The ideas that a text gives both signs («nine accepted, four refused»)."""
    signs: dict[int, set[int]] = {}
    for clause in clauses:
        for idea, own in clause.ideas.items():
            signs.setdefault(idea, set()).update(own)
    return {idea for idea, own in signs.items() if len(own) > 1}


def _matches(said: Sequence[_Clause], known: Sequence[_Clause], same: bool, likeness: Likeness) -> Iterator[tuple[_Clause, list[_Clause]]]:
    """For each clause of the claim, the clauses of the evidence that it may be about."""
    if len(known) == 1:
        yield from ((clause, list(known)) for clause in said)
        return
    if same:
        shares = [[len(clause.stems & other.stems) / max(len(clause.stems), 1) for other in known] for clause in said]
        near, least = 0.75, 0.34
    else:
        shares = [list(row) for row in likeness([clause.text for clause in said], [other.text for other in known])]
        near, least = 0.97, 0.0
    for clause, row in zip(said, shares, strict=True):
        best = max(row)
        chosen = [other for other, share in zip(known, row, strict=True) if share >= near * best] if best > least else []
        yield clause, chosen


def _opposed(clause: _Clause, others: Sequence[_Clause], unclear: Set[int]) -> bool:
    """Whether a clause is the contrary of all that it may be about. Nothing is concluded from the ideas in `unclear`."""
    return all(_against(clause, other, unclear) for other in others)


def _against(one: _Clause, other: _Clause, unclear: Set[int]) -> bool:
    if not unclear.isdisjoint(one.ideas):
        return False
    common = one.ideas.keys() & other.ideas.keys()
    if common:
        return any(one.ideas[idea].isdisjoint(other.ideas[idea]) for idea in common)
    return None not in (one.negative, other.negative) and one.negative != other.negative
