"""Measures as pure functions of plain values, and confidence intervals.

Every figure is a `Figure`: a value, a 95 % bootstrap interval and the number of questions behind it. With no question there is no value,
with one question no interval; neither is ever shown as 0 or 1.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from rag.text.clitics import PREFIX_PATTERN, without_article
from rag.text.folding import fold
from rag.text.language import script

Floats = npt.NDArray[np.float64]
Share = tuple[float, float]
"""One question's contribution to the numerator and the denominator of a figure; (x, 0) if the figure does not apply to it."""

RESAMPLES = 1000
_SEED = 20240229
_LEVEL = 95.0  # per cent


# --- figures and their intervals ------------------------------------------------------------------------------------------


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
def _weights(n: int) -> Floats:
    """Return how often each of n questions is drawn in each resample, shape (RESAMPLES, n). Seeded, so that a figure has one interval."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)


def _interval(samples: Floats) -> tuple[float, float]:
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
    totals = _weights(n) @ kept
    return Figure(value, *_interval(totals[:, 0] / totals[:, 1]), n)


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
    return Figure(value, *_interval(np.quantile(drawn, q, axis=1)), n)


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
    totals = _weights(n) @ data
    with np.errstate(divide="ignore", invalid="ignore"):
        samples = totals[:, 2] / totals[:, 3] - totals[:, 0] / totals[:, 1]
    return _told(value, samples, n)


def _told(value: float, samples: Floats, n: int) -> Difference:
    samples = samples[np.isfinite(samples)]
    p = 2 * min(float((samples <= 0).mean()), float((samples >= 0).mean()))
    return Difference(value, *_interval(samples), min(p, 1.0), n)


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


# --- answers --------------------------------------------------------------------------------------------------------------

NormalisationRule = Callable[[str, str], list[str]]
"""Maps a text and its language to the tokens that are compared."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")


@cache
def _punctuation() -> str:
    """Return a character class of all Unicode punctuation and ASCII symbols."""
    marks = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)).startswith("P")}
    return "[" + re.escape("".join(sorted(marks | set(string.punctuation)))) + "]"


def squad_tokens(text: str, language: str = "") -> list[str]:
    """Tokenize by the rule of SQuAD's evaluate-v1.1.py, which also scores XQuAD.

    Lower case, ASCII punctuation removed, the words a, an, the removed, split at white space. Source: Rajpurkar et al., EMNLP 2016;
    Artetxe, Ruder and Yogatama, ACL 2020. In Arabic it removes nothing but ASCII signs: «،» and «؟» stay attached to the word before them,
    ٥ is not 5, and a vowel sign, a tatweel or the article ال makes another word.
    """
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return _ARTICLES.sub(" ", text).split()


def mlqa_tokens(text: str, language: str = "") -> list[str]:
    """Tokenize by the rule of mlqa_evaluation_v1.py: lower case, all Unicode punctuation removed, articles removed, split at white space.

    Source: Lewis et al., "MLQA: Evaluating Cross-lingual Extractive Question Answering", ACL 2020. Its Arabic article rule replaces the
    letters ال anywhere, also inside a word: «سؤال» becomes «سؤ», «مالك» the two words «م» and «ك», and «الله» the one word «له». Digits,
    tashkeel and hamza are not unified.
    """
    text = re.sub(_punctuation(), "", text.lower())
    if language == "ar":
        return text.replace("ال", " ").split()
    return (_ARTICLES.sub(" ", text) if language == "en" else text).split()


_THOUSANDS = re.compile("(?<=[0-9])[,\u066c](?=[0-9]{3}(?![0-9]))")
_TOKEN = re.compile(r"\d+(?:[.:]\d+)+(?!\w)|[^\W_]+(?:'[^\W_]+)*")
_LEAST_STEM = 3  # letters left after ال: «الله» and «الفن» stay whole


def plain_tokens(text: str) -> list[str]:
    """Return folded words and numbers: thousands separators removed, decimals and times kept whole.

    Folding is `rag.text.folding.fold`: case, compatibility forms, tashkeel, tatweel, hamza carriers, final ya, ta marbuta, digits of any
    script.
    """
    folded = _THOUSANDS.sub("", fold(text).replace("\u2019", "'")).replace("\u066b", ".")
    return _TOKEN.findall(folded)


def _without_article(token: str) -> str:
    return without_article(token, _LEAST_STEM)


def strict_tokens(text: str, language: str = "") -> list[str]:
    """Tokenize by the Arabic-aware rule: `plain_tokens`, without English articles and without the article ال at the beginning of a word if
    three letters remain.

    Stricter than MLQA's, since it never splits a word and 4.5 is not 45; fairer than SQuAD's, since spelling variants of Arabic are one
    word.
    """
    return [_without_article(token) for token in plain_tokens(text) if token not in ("a", "an", "the")]


RULES: Mapping[str, NormalisationRule] = {"squad": squad_tokens, "mlqa": mlqa_tokens, "strict": strict_tokens}


def exact_match(answer: str, accepted: Sequence[str], rule: NormalisationRule) -> float:
    """Return 1.0 if the answer equals an accepted one after the rule was applied to both, else 0.0. SQuAD's EM."""
    return float(any(rule(answer, _language(other)) == rule(other, _language(other)) for other in accepted))


def token_f1(answer: str, accepted: Sequence[str], rule: NormalisationRule) -> float:
    """Return the best F1 of common tokens over the accepted answers. SQuAD's F1."""
    return max((_f1(rule(answer, _language(other)), rule(other, _language(other))) for other in accepted), default=0.0)


def _language(text: str) -> str:
    """Return the language of an accepted answer by its script; MLQA's script takes it as an argument."""
    return "ar" if script(text) == "ar" else "en"


def _f1(answer: Sequence[str], accepted: Sequence[str]) -> float:
    common = sum((Counter(answer) & Counter(accepted)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(answer), common / len(accepted)
    return 2 * precision * recall / (precision + recall)


_SHORT = 4  # letters: below it an accepted answer must be a whole word


def contains(answer: str, accepted: Sequence[str]) -> bool:
    """Return whether the answer contains one of the accepted answers, both as `strict_tokens`, in order and without gaps.

    A short accepted answer (under four letters) and one that ends with a digit must be whole words: «13 مليار» is not in «113 مليار», «no»
    not in «north». A longer one may continue (allerg in allergies), and an Arabic one may have a conjunction, preposition or article before
    it («سبيرو» in «لسبيرو», «لا» in «ولا»). This is the usual measure of generated answers ("accuracy" in Mallen et al., ACL 2023) without
    its false hits on short strings.
    """
    text = " ".join(strict_tokens(answer))
    return any(pattern is not None and pattern.search(text) is not None for pattern in map(_finder, accepted))


@lru_cache(maxsize=4096)
def _finder(accepted: str) -> re.Pattern[str] | None:
    wanted = " ".join(strict_tokens(accepted))
    if not wanted:
        return None
    letters = sum(character.isalpha() for character in wanted)
    before = ""
    if script(wanted[0]) == "ar":
        before = PREFIX_PATTERN if letters >= 3 else "[وف]?"
    whole = letters < _SHORT or wanted[-1].isdigit()
    return re.compile(f"(?<!\\S){before}{re.escape(wanted)}" + ("(?!\\S)" if whole else ""))


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
    return Figure(value, *_interval(_auroc(data, truth, _weights(n))), n)


def auroc_difference(a: Sequence[float], b: Sequence[float], labels: Sequence[bool]) -> Difference:
    """Return the AUROC of `b` less that of `a` on the same questions; paired bootstrap as for `difference`."""
    first, second, truth = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), np.asarray(labels, dtype=bool)
    n = len(truth)
    if n == 0 or truth.all() or not truth.any():
        return Difference(None, None, None, None, n)
    one = np.ones((1, n))
    value = float(_auroc(second, truth, one)[0] - _auroc(first, truth, one)[0])
    return _told(value, _auroc(second, truth, _weights(n)) - _auroc(first, truth, _weights(n)), n)


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
    return Figure(value, *_interval(_risk_area(data, wrong, _weights(n))), n)


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


# --- language -------------------------------------------------------------------------------------------------------------

_MARKER = re.compile(r"\s*\[\d+\]")
_LATIN_WORD = r"[A-Za-z\u00c0-\u024f][\w'\u2019.&/-]*"
_LATIN_RUN = re.compile(rf"{_LATIN_WORD}(?:[ \u00a0][\d]*(?:{_LATIN_WORD})?)*")
_PARTICLES = frozenset("of the and for de del der den van von di da la le al el bin ibn".split())
_LONGEST_NAME = 6  # words: a longer run of Latin words is a sentence that was copied


def _is_name(run: str) -> bool:
    """Return whether a run of Latin words can be a name: few words, each with a capital or digit except for particles (Bank of X)."""
    parts = run.split()
    own = [part for part in parts if part not in _PARTICLES]
    return 0 < len(parts) <= _LONGEST_NAME and bool(own) and all(re.search(r"[^\W_a-z\u00df-\u00ff]", part) for part in own)


def without_markers(text: str) -> str:
    """Return the text without its citation markers `[1]`, `[١]`."""
    return _MARKER.sub("", text)


def is_written_in(text: str, language: str) -> bool:
    """Return whether a text is written in a language, by its script; Latin names in an Arabic text count for neither.

    A text of names and digits alone is in every language, an empty one in none.
    """
    text = without_markers(text)
    rest = _LATIN_RUN.sub(lambda run: "" if _is_name(run.group()) else run.group(), text) if language == "ar" else text
    written = script(rest)
    return written == language or (written == "und" and any(character.isalnum() for character in text))


def strays(text: str, language: str, question: str = "") -> list[str]:
    """Return the parts of a text that its language does not use; empty if there are none.

    These are letters of scripts other than Arabic and Latin, Arabic letters in an English text, and, in an Arabic text, a run of Latin
    words that is neither in the question nor a name.
    """
    text = without_markers(text)
    found: dict[str, None] = {}
    for character in text:
        if character.isalpha():
            name = unicodedata.name(character, "")
            foreign = not name.startswith(("ARABIC", "LATIN")) and character not in "ªºµ"
            if foreign or (language == "en" and name.startswith("ARABIC")):
                found[character] = None
    if language == "ar":
        asked = fold(question)
        runs = (run.strip() for run in _LATIN_RUN.findall(text))
        found |= {run: None for run in runs if not _is_name(run) and fold(run) not in asked}
    return list(found)


def rounded(value: float | None, digits: int = 3) -> str:
    """Return a value as tables show it: "0.947", "18.4", "2981"; "–" if there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.{0 if abs(value) >= 100 else min(digits, 1) if abs(value) >= 10 else digits}f}"
