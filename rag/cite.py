"""Whether a sentence is proved by evidence. What the model wrote is evidence of nothing; this check decides what is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rag.embed import Embedder, Vectors
from rag.names import unmatched_names
from rag.schema import Span, Verdict
from rag.text import content_stems, script, sentences, stated_values, values_claimed, words

_NEGATIONS = frozenset(
    words(
        """not no never none neither nor cannot without didn't doesn't isn't wasn't weren't won't haven't hasn't hadn't don't aren't
        unclear denied refused لا لم لن ليس ليست ليسوا غير دون بدون عدم ولا ولم ولن وليس وليست نفى نفت رفض رفضت"""
    )
)
_INSTRUCTIONS = re.compile(
    r"ignore (?:all |the |any )?(?:previous|above|prior)|system prompt|as an ai|you answer questions"
    r"|تجاهل (?:كل |جميع )?(?:التعليمات|ما سبق)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Least cosine similarity between claim and evidence, in one language and across two. They belong to one embedder."""

    same: float = 0.65
    across: float = 0.65


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the check found: `support` in 0..1, the index of the best evidence, and why it failed (`None`: it holds)."""

    support: float
    best: int
    verdict: Verdict | None

    @property
    def supported(self) -> bool:
        return self.verdict is None


class Checker:
    """Compares claims with evidence by numbers, names, negation and meaning.

    A verbatim copy is always supported. Otherwise every number in the claim must be stated by the evidence, every Latin-script
    name in it must occur there in either script, a negation must not appear or vanish in one language, and the claim's vector
    must be near the evidence's.
    """

    def __init__(self, embedder: Embedder, thresholds: Thresholds | None = None) -> None:
        self._embedder = embedder
        self._thresholds = thresholds or Thresholds()
        self._vector = lru_cache(maxsize=512)(self._embed)

    def _embed(self, text: str) -> Vectors:
        return np.asarray(self._embedder.embed_passages([text])[0], dtype=np.float32)

    def check(self, claim: str, evidence: Sequence[str], context: str = "") -> Judgement:
        """Judge one claim. `context` is text around the evidence that may supply a name or number (its passage, its title)."""
        if not evidence or not claim.strip():
            return Judgement(0.0, 0, Verdict.MEANING)
        plain = _bare(claim)
        for number, text in enumerate(evidence):
            if plain and plain in _bare(text):
                return Judgement(1.0, number, None)
        if _INSTRUCTIONS.search(claim):
            return Judgement(0.0, 0, Verdict.INSTRUCTION)
        vector = self._vector(claim)
        similarity = [float(self._vector(text) @ vector) for text in evidence]
        best = int(np.argmax(similarity))
        whole = " ".join((evidence[best], context))
        same = script(claim) == script(evidence[best])
        if values_claimed(claim) - stated_values(whole):
            return Judgement(0.0, best, Verdict.NUMBER)
        if unmatched_names(claim, whole):
            return Judgement(0.0, best, Verdict.NAME)
        least = self._thresholds.same if same else self._thresholds.across
        if similarity[best] < least or (same and _negated(claim) and not _negated(whole)):
            return Judgement(max(similarity[best], 0.0), best, Verdict.MEANING)
        if same and not _shares_words(claim, whole):
            return Judgement(max(similarity[best], 0.0), best, Verdict.MEANING)
        return Judgement(min(similarity[best], 1.0), best, None)


def _bare(text: str) -> str:
    return " ".join(words(text))


def _negated(text: str) -> bool:
    return not _NEGATIONS.isdisjoint(words(text))


def _shares_words(claim: str, evidence: str) -> bool:
    """Whether at least half of what the claim says in one language is said in the evidence's own words."""
    said = content_stems(claim)
    known = set(content_stems(evidence))
    return not said or sum(word in known for word in said) * 2 >= len(said)


def claims(draft: str) -> list[Span]:
    """The sentences of a draft, each of which has to be proved."""
    return [span for span in sentences(draft, longest=10**9) if any(character.isalnum() for character in span.of(draft))]


def echoes(claim: str, question: str) -> bool:
    """Whether a sentence says nothing that the question did not: an answer that only repeats it."""
    said = set(content_stems(claim))
    return bool(said) and said <= set(content_stems(question)) and not values_claimed(claim) - stated_values(question)
