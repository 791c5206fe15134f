"""Figures with their 95 % bootstrap intervals, and the differences of two runs.

With no question there is no value, with one question no interval; neither is ever shown as 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Share = tuple[float, float]
"""One question's contribution to the numerator and the denominator of a figure; (x, 0) if the figure does not apply to it."""

RESAMPLES = 1000
_SEED = 20240229
_LEVEL = 95.0  # per cent


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval and the number of questions behind it. `None` means that there is no value."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """B less A on the same questions, with its 95 % interval; `p` is the two-sided bootstrap probability of no difference."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int


NOTHING = Figure(None, None, None, 0)


@lru_cache(maxsize=16)
def resample(n: int) -> Floats:
    """Return how often each of n questions is drawn in each resample, shape (RESAMPLES, n). Seeded, so that a figure has one interval."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)


def interval(samples: Floats) -> tuple[float, float]:
    """Return the ends of the 95 % percentile interval of resampled values; NaN does not count."""
    tail = (100.0 - _LEVEL) / 2
    low, high = np.percentile(samples[~np.isnan(samples)], [tail, 100.0 - tail])
    return float(low), float(high)


def ratio(shares: Sequence[Share]) -> Figure:
    """Return the sum of numerators over the sum of denominators; with denominators of 1, the mean. A denominator of 0 does not count.

    Interval: percentile bootstrap over questions (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13).
    """
    kept = np.array([share for share in shares if share[1] > 0], dtype=np.float64).reshape(-1, 2)
    n = len(kept)
    if n == 0:
        return NOTHING
    value = float(kept[:, 0].sum() / kept[:, 1].sum())
    if n == 1:
        return Figure(value, None, None, 1)
    totals = resample(n) @ kept
    return Figure(value, *interval(totals[:, 0] / totals[:, 1]), n)


def quantile(values: Sequence[float], q: float = 0.5) -> Figure:
    """Return the q-quantile of the values (0.5: the median), with its percentile bootstrap interval."""
    n = len(values)
    if n == 0:
        return NOTHING
    data = np.asarray(values, dtype=np.float64)
    value = float(np.quantile(data, q))
    if n == 1:
        return Figure(value, None, None, 1)
    drawn = data[np.random.default_rng(_SEED).integers(0, n, size=(RESAMPLES, n))]
    return Figure(value, *interval(np.quantile(drawn, q, axis=1)), n)


def difference(a: Sequence[Share], b: Sequence[Share]) -> Difference:
    """Return the ratio of `b` less that of `a`; both are the shares of the same questions in the same order.

    Paired bootstrap (Berg-Kirkpatrick, Burkett and Klein, "An Empirical Investigation of Statistical Significance in NLP", EMNLP 2012):
    questions are drawn, and both systems' shares of the drawn ones are compared.
    """
    rows = [(*x, *y) for x, y in zip(a, b, strict=True) if x[1] > 0 or y[1] > 0]
    n = len(rows)
    data = np.array(rows, dtype=np.float64).reshape(-1, 4)
    sums = data.sum(axis=0)
    if n == 0 or sums[1] == 0 or sums[3] == 0:
        return Difference(None, None, None, None, n)
    value = float(sums[2] / sums[3] - sums[0] / sums[1])
    if n == 1:
        return Difference(value, None, None, None, 1)
    totals = resample(n) @ data
    with np.errstate(divide="ignore", invalid="ignore"):
        samples = totals[:, 2] / totals[:, 3] - totals[:, 0] / totals[:, 1]
    return paired(value, samples, n)


def paired(value: float, samples: Floats, n: int) -> Difference:
    """Return a difference with the interval and p of its resampled values, shape (RESAMPLES,)."""
    samples = samples[np.isfinite(samples)]
    p = 2 * min(float((samples <= 0).mean()), float((samples >= 0).mean()))
    return Difference(value, *interval(samples), min(p, 1.0), n)


def rounded(value: float | None, digits: int = 3) -> str:
    """Return a value as tables show it: "0.947", "18.4", "2981"; "–" if there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.{0 if abs(value) >= 100 else min(digits, 1) if abs(value) >= 10 else digits}f}"
