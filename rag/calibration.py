"""How sure to be that the documents answer a question: values fitted on data, shipped with the models they belong to."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from rag.cite import Thresholds
from rag.names import unmatched_names
from rag.schema import Evidence, Hit
from rag.text import content_stems, script

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic model over what search found, for one embedder.

    `same` and `across` weigh the features of `features`, in that order, where question and evidence are in one language and
    where they are in two; `least` is the confidence below which a question is declined.
    """

    embedder: str
    least: float
    same: tuple[float, ...]
    across: tuple[float, ...]
    thresholds: Thresholds

    @classmethod
    def of(cls, embedder: str, generator: str | None = None) -> Calibration:
        """The values for an embedder; conservative ones for a model that none were fitted for."""
        values = _table().get(embedder) or _table()[UNKNOWN]
        return cls(
            embedder=embedder,
            least=values["least"],
            same=tuple(values["same"]),
            across=tuple(values["across"]),
            thresholds=Thresholds(same=values["claim_same"], across=values["claim_across"]),
        )

    def confidence(self, question: str, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> float:
        """The probability, 0..1, that the evidence answers the question."""
        if not evidence:
            return 0.0
        weights = self.same if script(question) == script(evidence[0].text) else self.across
        logit = sum(weight * value for weight, value in zip(weights, features(question, hits, evidence), strict=True))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def features(question: str, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> tuple[float, ...]:
    """What confidence is judged by: a constant, the best sentence's similarity, how far it stands above the fifth, the share of
    the question's content words in its passage, and how many of the question's names that passage lacks (at most 2)."""
    best = evidence[0]
    others = evidence[min(4, len(evidence) - 1)]
    words = content_stems(question)
    known = set(content_stems(best.passage.text))
    covered = sum(word in known for word in words) / len(words) if words else 0.0
    missing = unmatched_names(question, f"{best.passage.title} {best.passage.text}")
    return (1.0, best.score, best.score - others.score, covered, float(min(len(missing), 2)))


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(resources.files("rag").joinpath("calibration.toml").read_text(encoding="utf-8"))
