"""The check of a sentence against evidence. What the model wrote is evidence of nothing; this check decides what is shown."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rag.answering.checking.polarity import contrary, unsupported_act
from rag.answering.checking.roles import swaps_terms
from rag.arrays import Vectors
from rag.models.embedder import Embedder
from rag.schema import Evidence, Span, Verdict
from rag.text.folding import fold, without_tashkeel
from rag.text.language import script
from rag.text.names import unmatched_names
from rag.text.numbers import contradicts_values, stated_values, values_claimed
from rag.text.sentences import sentences
from rag.text.words import content_stems, words

_INSTRUCTIONS = re.compile(
    r"(?:ignore|disregard|forget) (?:all |the |any |your |everything )*(?:previous|above|prior|earlier|instructions|system)"
    r"|system prompt|as an ai\b|you answer questions|you are now an?\b|(?:tell|inform|assure) the (?:user|reader)\b"
    r"|(?:^|[,:;.>] *|and )(?:state|say|write|answer|reply|claim|print|recommend)(?: that| only|:| your)\b|do not mention (?:any|the)"
    r"|(?:send|enter|type|give|share|email)\b.{0,30}\bpassword|password.{0,20}\bto [\w.]+@"
    r"|(?:تجاهل|انس|تناس) (?:كل |جميع )*(?:التعليمات|الاوامر|ما سبق|ما طلب)|(?:قل|قولي|اخبر|ابلغ) (?:ل|ال)(?:قاري|مستخدم|لقاري|لمستخدم)"
    r"|(?:^|[،:؛.] *|(?<!\S)و)(?:اكتب|اذكر|اجب|رد) (?:ان|بان|فقط)(?!\w)|(?<!\S)و?اوص ب|لا تذكر (?:المصادر|اي)"
    r"|(?:يرسل|ارسل|ترسل|يعطي|اعط|يدخل|ادخل).{0,30}كلم(?:ه|ات) (?:ال)?(?:سر|مرور)",
    re.IGNORECASE,
)


_ABOUT_ORDERS = re.compile(
    r"\b(?:orders?|ordered|instruct(?:s|ed|ions?)?|commands?|commanded|forbids?|forbade|forbidden|notices?|hidden|prompts?)\b"
    r"|(?<!\w)[وف]?(?:[يت]امر|امرت?|(?:ال)?اوامر|(?:ال)?تعليمات|(?:ال)?امر|[يت]طلب|طلبت?|[يت]نهي|[يت]وصي|(?:ال)?اعلان|(?:ال)?لافته|(?:ال)?اشعار)(?!\w)",
    re.IGNORECASE,
)
_NEARLY = 0.5
"""The share of the way from the weakest evidence to an order that another sentence must reach to be quoted instead."""
_REMEMBERED = 512  # vectors
_FEW_WORDS = 0.3  # share of the way from the least similarity to 1, for a claim that shares no word with the evidence


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
    """Compares claims with evidence by numbers and dates, names, polarity, roles and meaning. Safe to share between threads.

    A verbatim copy is supported, unless it copies an order to the reader. Otherwise every number, month and day of the claim must be stated
    by the evidence (`rag.text.numbers`), every name must occur there in either script (`rag.text.names`), nothing may be denied that is
    affirmed there or the other way round (`polarity`), no two names or numbers may be swapped (`roles`), and the claim's vector must be
    close to the evidence's.
    """

    def __init__(self, embedder: Embedder, thresholds: Thresholds | None = None) -> None:
        self._embedder = embedder
        self._thresholds = thresholds or Thresholds()
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, claim: str, evidence: Sequence[str], context: str = "") -> Judgement:
        """Judge one claim. `context` is text around the evidence that may supply a name or number (its passage, its title)."""
        if not evidence or not claim.strip():
            return Judgement(0.0, 0, Verdict.MEANING)
        plain = _bare(claim)
        for number, text in enumerate(evidence):
            if plain and plain in _bare(text):
                return Judgement(0.0, number, Verdict.INSTRUCTION) if orders(text) else Judgement(1.0, number, None)
        if orders(claim):
            return Judgement(0.0, 0, Verdict.INSTRUCTION)
        similarity = self._likeness([claim], evidence)[0]
        best = int(np.argmax(similarity))
        verdict = self._verdict(claim, evidence[best], context, similarity[best])
        certain = verdict in (Verdict.NUMBER, Verdict.NAME, Verdict.INSTRUCTION)
        return Judgement(0.0 if certain else min(max(similarity[best], 0.0), 1.0), best, verdict)

    def check_in_passage(self, claim: str, evidence: Sequence[str], around: Callable[[int], str]) -> Judgement:
        """Judge one claim by its evidence, and if a number or name is missing there, by the text `around` the piece that fits best.

        A name or number may stand elsewhere in the same passage («the company» … «Microsoft»). `around` is called with the piece's
        position.
        """
        judgement = self.check(claim, evidence)
        if judgement.verdict in (Verdict.NUMBER, Verdict.NAME):
            return self.check(claim, evidence, context=around(judgement.best))
        return judgement

    def _verdict(self, claim: str, source: str, context: str, similarity: float) -> Verdict | None:
        whole = f"{source} {context}" if context else source
        same = script(claim) == script(source)
        if orders(source):
            return Verdict.INSTRUCTION
        if contradicts_values(claim, whole):
            return Verdict.NUMBER
        if unmatched_names(claim, whole):
            return Verdict.NAME
        least = self._thresholds.same if same else self._thresholds.across
        if same:
            # The fewer of its words are in the evidence, the closer it has to be.
            least += _FEW_WORDS * (1 - least) * max(0.0, 1 - 2 * _shared(claim, whole))
        if similarity < least:
            return Verdict.MEANING
        if unsupported_act(claim, whole) or swaps_terms(claim, source) or contrary(claim, source, self._likeness):
            return Verdict.MEANING
        return None

    def _likeness(self, texts: Sequence[str], evidence: Sequence[str]) -> list[list[float]]:
        """Return the cosine of each claim with each text of evidence."""
        vectors = self._vectors([*texts, *evidence])
        table = np.stack(vectors[: len(texts)]) @ np.stack(vectors[len(texts) :]).T
        return [[float(value) for value in row] for row in table]

    def _vectors(self, texts: Sequence[str]) -> list[Vectors]:
        """Return the vectors of texts; new ones are embedded in one batch, and the last 512 are cached."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            plain = [without_tashkeel(text) for text in missing]
            found.update(zip(missing, np.asarray(self._embedder.embed_passages(plain), dtype=np.float32), strict=True))
        with self._lock:
            for text in dict.fromkeys(texts):
                self._known[text] = found[text]
                self._known.move_to_end(text)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return [found[text] for text in texts]


def orders(text: str) -> bool:
    """Return whether a text gives orders to its reader, like those hidden in documents for a model to obey."""
    return _INSTRUCTIONS.search(fold(text)) is not None


def without_orders(evidence: Sequence[Evidence], question: str) -> tuple[Evidence, ...]:
    """Return the evidence without sentences that give orders to their reader, such as those hidden in a document for a model to obey.

    They stay if the question is about orders or a notice, or if nothing else comes near the best of them: then they are what was asked for,
    such as a rule of the house.
    """
    plain = tuple(item for item in evidence if not orders(item.text))
    if len(plain) == len(evidence) or not plain or _ABOUT_ORDERS.search(fold(question)):
        return tuple(evidence)
    best, least = max(item.worth for item in evidence), min(item.worth for item in evidence)
    return plain if plain[0].worth - least >= _NEARLY * (best - least) else tuple(evidence)


def _bare(text: str) -> str:
    return " ".join(words(text))


def _shared(claim: str, evidence: str) -> float:
    """Return the share of the claim's content words that the evidence has."""
    said = content_stems(claim)
    known = set(content_stems(evidence))
    return sum(word in known for word in said) / len(said) if said else 1.0


def claims(draft: str) -> list[Span]:
    """Return the sentences of a draft, each of which has to be checked."""
    return [span for span in sentences(draft, longest=10**9) if any(character.isalnum() for character in span.of(draft))]


def echoes(claim: str, question: str) -> bool:
    """Return whether a sentence says nothing that the question did not: an answer that only repeats it."""
    said = set(content_stems(claim))
    return bool(said) and said <= set(content_stems(question)) and not values_claimed(claim) - stated_values(question)
