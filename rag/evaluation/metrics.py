"""Measures of a ranking and of a confidence, as pure functions of plain values: recall, MRR, nDCG, AUROC,
calibration error, risk and coverage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag.evaluation.bootstrap import NOTHING, Difference, Figure, Floats, interval, paired, resample

# --- retrieval ------------------------------------------------------------------------------------------------------------


def retrieval(
    rankings: Mapping[str, Sequence[str]], relevant: Mapping[str, Collection[str]], cuts: Sequence[int] = (1, 3, 5, 10)
) -> dict[str, dict[str, float]]:
    """Return per question "recall@k" for each cut, "mrr@10" and "ndcg@10"; a question with a missing or empty ranking has 0 in all.

    Computed by ir_measures over trec_eval (MacAvaney, Macdonald and Ounis, "Streamlining Evaluation with ir-measures", ECIR 2022): recall
    is the share of relevant ids among the first k, MRR the reciprocal of the first relevant one's rank (Voorhees, TREC-8, 1999), nDCG with
    gain 1 and discount log2(rank + 1) (Järvelin and Kekäläinen, TOIS 2002). Every question must have a relevant id; an id that a ranking
    repeats counts at its first rank.
    """
    import ir_measures

    names = {ir_measures.R @ k: f"recall@{k}" for k in cuts}
    names |= {ir_measures.RR @ 10: "mrr@10", ir_measures.nDCG @ 10: "ndcg@10"}
    found = {id: dict.fromkeys(names.values(), 0.0) for id in relevant}
    qrels = [ir_measures.Qrel(id, item, 1) for id, items in relevant.items() for item in sorted(set(items))]
    run = [
        ir_measures.ScoredDoc(id, item, -float(rank)) for id in relevant for rank, item in enumerate(dict.fromkeys(rankings.get(id, ())))
    ]
    if qrels and run:
        for metric in ir_measures.iter_calc(list(names), qrels, run):
            found[metric.query_id][names[metric.measure]] = float(metric.value)
    return found


# --- abstention -----------------------------------------------------------------------------------------------------------


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> Figure:
    """Return the probability that a positive's score is above a negative's, ties counting half (Hanley and McNeil, Radiology 1982).

    There is no value if one of the two kinds is missing. The bootstrap draws positives and negatives together.
    """
    data, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=bool)
    n = len(data)
    if n == 0 or truth.all() or not truth.any():
        return Figure(None, None, None, n)
    value = float(_auroc(data, truth, np.ones((1, n)))[0])
    return Figure(value, *interval(_auroc(data, truth, resample(n))), n)


def auroc_difference(a: Sequence[float], b: Sequence[float], labels: Sequence[bool]) -> Difference:
    """Return the AUROC of `b` less that of `a` on the same questions; paired bootstrap as for `difference`."""
    first, second, truth = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), np.asarray(labels, dtype=bool)
    n = len(truth)
    if n == 0 or truth.all() or not truth.any():
        return Difference(None, None, None, None, n)
    one = np.ones((1, n))
    value = float(_auroc(second, truth, one)[0] - _auroc(first, truth, one)[0])
    return paired(value, _auroc(second, truth, resample(n)) - _auroc(first, truth, resample(n)), n)


def _auroc(scores: Floats, truth: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    drawn = weights[:, order]
    positives = np.add.reduceat(np.where(truth[order], drawn, 0.0), starts, axis=1)
    negatives = np.add.reduceat(np.where(truth[order], 0.0, drawn), starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    with np.errstate(divide="ignore", invalid="ignore"):
        wins = (positives * (below + negatives / 2)).sum(axis=1)
        result: Floats = wins / (positives.sum(axis=1) * negatives.sum(axis=1))
    return result


def calibration_error(probabilities: Sequence[float], right: Sequence[bool], bins: int = 10) -> Figure:
    """Return the expected calibration error: the mean distance of a probability from the share that is right, over `bins` bins of equal
    width, weighted by their sizes (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). 0 at best.
    """
    data, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(right, dtype=np.float64)
    n = len(data)
    if n == 0:
        return NOTHING
    member = np.minimum((data * bins).astype(int), bins - 1)[:, None] == np.arange(bins)
    distances = (data - truth)[:, None] * member
    value = float(np.abs(distances.sum(axis=0)).sum() / n)
    if n == 1:
        return Figure(value, None, None, 1)
    return Figure(value, *interval(np.abs(resample(n) @ distances).sum(axis=1) / n), n)


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """Return (coverage, risk) if only the questions with the highest confidence are answered.

    Coverage is their share of all, risk the share of wrong answers among them; equal confidences enter together (Geifman and El-Yaniv,
    "Selective Classification for Deep Neural Networks", NeurIPS 2017).
    """
    pairs = sorted(zip(confidences, right, strict=True), key=lambda pair: -pair[0])
    points: list[tuple[float, float]] = []
    wrong = 0
    for count, (confidence, is_right) in enumerate(pairs, start=1):
        wrong += not is_right
        if count == len(pairs) or pairs[count][0] != confidence:
            points.append((count / len(pairs), wrong / count))
    return points


def risk_area(confidences: Sequence[float], right: Sequence[bool]) -> Figure:
    """Return the area under the risk-coverage curve: the mean risk over all coverages, 0 at best.

    An uninformative confidence gives the share of wrong answers. Source as for `risk_coverage`.
    """
    data, wrong = np.asarray(confidences, dtype=np.float64), 1.0 - np.asarray(right, dtype=np.float64)
    n = len(data)
    if n == 0:
        return NOTHING
    value = float(_risk_area(data, wrong, np.ones((1, n)))[0])
    if n == 1:
        return Figure(value, None, None, 1)
    return Figure(value, *interval(_risk_area(data, wrong, resample(n))), n)


def _risk_area(confidences: Floats, wrong: Floats, weights: Floats) -> Floats:
    order = np.argsort(-confidences, kind="stable")
    ordered = confidences[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    entering = np.add.reduceat(weights[:, order], starts, axis=1)
    failing = np.add.reduceat(weights[:, order] * wrong[order], starts, axis=1)
    answered = np.cumsum(entering, axis=1)
    risk = np.cumsum(failing, axis=1) / np.maximum(answered, 1.0)
    result: Floats = (entering * risk).sum(axis=1) / answered[:, -1]
    return result
