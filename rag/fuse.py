"""Several rankings into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ids, best first, and how much this ranking counts."""

    ids: Sequence[int]
    weight: float = 1.0


def reciprocal_rank_fusion(rankings: Sequence[Ranking], k: float = 60.0) -> list[tuple[int, float]]:
    """Ids with the sum of `weight / (k + rank)` over the rankings that hold them, best first; ties by id.

    Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009; the weights are ours.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, id in enumerate(ranking.ids, start=1):
            scores[id] = scores.get(id, 0.0) + ranking.weight / (k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
