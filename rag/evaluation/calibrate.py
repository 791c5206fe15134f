"""Fit the values of `rag.answering.confidence` to an embedder: when to decline, and how similar a claim must be to its evidence.

Everything is fitted on one half of the questions and reported on the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rag.answering.chatbot import EVIDENCE, Chatbot
from rag.answering.confidence import Calibration, features, logistic, reading_features
from rag.errors import BadSetting
from rag.evaluation.bootstrap import Figure, Floats, ratio
from rag.evaluation.bootstrap import rounded as _rounded
from rag.evaluation.gold_spans import Corpus
from rag.evaluation.metrics import auroc
from rag.evaluation.questions import Claim, Question, QuestionSet, drop_gold
from rag.evaluation.run import Bot, QuestionProgress
from rag.files import write_atomically
from rag.retrieval.query import Query
from rag.schema import Evidence, Found
from rag.text.language import script

if TYPE_CHECKING:
    from rag.models.embedder import Embedder

FITTED, REPORTED = "calibrate", "report"
LEAST_OF_EACH = 10
"""The smallest number of answerable and of unanswerable questions that weights are fitted to."""
FOLDS = 5
_SURE = 0.9  # of questions whose evidence is given as the answer, the share that the documents answer
_TRUE_LOST = 0.02  # of true claims, the share that the least similarity may reject


@dataclass(frozen=True, slots=True)
class Case:
    """The features of one question, and whether the documents answer it.

    `same`: question and best evidence are in one language. `values` are `rag.answering.confidence.features`.
    """

    set: str
    id: str
    language: str
    same: bool
    values: tuple[float, ...]
    answerable: bool
    split: str
    read: tuple[float, ...] = ()
    """`rag.answering.confidence.reading_features`; empty without a reader."""
    same_read: bool = False
    """Whether question and the reader's best evidence are in one language."""


@dataclass(frozen=True, slots=True)
class ClaimLikeness:
    """The cosine between a claim and its evidence. `same`: they are in one language."""

    same: bool
    value: float
    supported: bool
    split: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """The values for one embedder, as `calibration.toml` holds them.

    A value that could not be fitted is absent from `n` and keeps its previous value. `n` counts the questions or claims behind each.
    """

    embedder: str
    least: float
    same: tuple[float, ...]
    across: tuple[float, ...]
    claim_same: float
    claim_across: float
    n: Mapping[str, int]
    read_same: tuple[float, ...] = ()
    read_across: tuple[float, ...] = ()
    sure: float = 0.0

    def values(self) -> dict[str, Any]:
        """Return the entry of `calibration.toml`."""
        return {
            "least": self.least,
            "sure": self.sure,
            "same": list(self.same),
            "across": list(self.across),
            "claim_same": self.claim_same,
            "claim_across": self.claim_across,
            "read_same": list(self.read_same),
            "read_across": list(self.read_across),
        }

    def confidence(self, case: Case) -> float:
        """Return the confidence that these values give to a case."""
        weights = self.read_same if case.same_read else self.read_across
        if case.read and weights:
            return logistic(weights, (*case.values, *case.read))
        return logistic(self.same if case.same else self.across, case.values)


# --- what is fitted on ----------------------------------------------------------------------------------------------------


def cases(bot: Bot, questions: QuestionSet, progress: QuestionProgress | None = None) -> list[Case]:
    """Return one case for each question of a set, from the product's own search; no answer is written.

    A set without unanswerable questions gets a twin of each question, without the passages that answer it. Questions without a split are
    assigned to the two halves in turn.
    """
    asked: Sequence[Question] = questions.questions
    if all(question.answerable for question in asked):
        asked = drop_gold(asked)
    corpus = Corpus(bot.index)
    found: list[Case] = []
    halves: dict[tuple[str, bool], int] = {}
    for number, question in enumerate(asked):
        if progress:
            progress(number, len(asked), question.id)
        exclude = corpus.overlapping(question.without)
        found_for = _asked(bot, question.question, exclude)
        if found_for is None:
            continue  # nothing to be confident of: declined whatever the values are
        split = question.split
        if not split:
            turn = halves[question.language, question.answerable] = halves.get((question.language, question.answerable), -1) + 1
            split = REPORTED if turn % 2 else FITTED
        query, evidence, read, answers = found_for
        found.append(
            Case(
                questions.name,
                question.id,
                question.language,
                query.shares_language(evidence[0]),
                tuple(features(query, evidence)),
                question.answerable,
                split,
                reading_features(query, read, answers) if answers is not None else (),
                query.shares_language(read[0]),
            )
        )
    return found


def _asked(
    bot: Bot, question: str, exclude: frozenset[int] | set[int]
) -> tuple[Query, Sequence[Evidence], Sequence[Evidence], float | None] | None:
    """Return a question, its evidence by search and by the reader, and the probability that the reader gives; None without evidence."""
    if isinstance(bot, Chatbot):
        inquiry = bot.inquire(question, exclude=exclude)
        evidence = inquiry.candidates[:EVIDENCE] if inquiry.answers is not None else inquiry.evidence
        return (inquiry.query, evidence, inquiry.evidence, inquiry.answers) if inquiry.evidence else None
    stream = bot.stream(question, exclude=exclude) if exclude else bot.stream(question)
    event = next(iter(stream))
    close = getattr(stream, "close", None)
    if close:
        close()
    if not isinstance(event, Found) or not event.evidence:
        return None
    return bot.index.query(event.question), event.evidence, event.evidence, None


def likenesses(embedder: Embedder, claims: Sequence[Claim]) -> list[ClaimLikeness]:
    """Return the similarity of each claim to its nearest piece of evidence, as `rag.answering.checking.judge` compares them.

    Verbatim claims, which the judge accepts without comparing, are left out.
    """
    kept = [claim for claim in claims if claim.kind != "verbatim"]
    texts = list(dict.fromkeys(text for claim in kept for text in (claim.claim, *(piece.quote for piece in claim.evidence))))
    if not texts:
        return []
    vectors = dict(zip(texts, np.asarray(embedder.embed_passages(texts), dtype=np.float64), strict=True))
    found: list[ClaimLikeness] = []
    for number, claim in enumerate(kept):
        quotes = [piece.quote for piece in claim.evidence]
        similarity = [float(vectors[quote] @ vectors[claim.claim]) for quote in quotes]
        best = int(np.argmax(similarity))
        split = claim.split or (REPORTED if number % 2 else FITTED)
        found.append(ClaimLikeness(script(claim.claim) == script(quotes[best]), similarity[best], claim.supported, split))
    return found


# --- fitting --------------------------------------------------------------------------------------------------------------


def fit(embedder: str, found: Sequence[Case], near: Sequence[ClaimLikeness] = (), most_declined: float = 0.08) -> Fitted:
    """Fit what the cases and claims of the half `calibrate` allow; the other values stay in force.

    `same` and `across` are the weights of two logistic models of "the documents answer this". Every set and both of its kinds have equal
    weight, so a confidence of 0.5 means "as likely as not, were half of all questions answerable". `least` is the confidence that separates
    the two kinds best (Youden, "Index for rating diagnostic tests", Cancer 1950) among those that decline at most `most_declined` of the
    answerable, by the confidences of models that have not seen the question (5-fold cross-validation); `sure` is the lowest by which 0.9 of
    those above it are answerable, once a reader has read. It is the one of `same`, and the
    constant of `across` is shifted so that it holds there too. The claims' thresholds are the highest that reject 2 % of the true ones.
    Raises BadSetting if there are too few questions of either kind.
    """
    before = Calibration.of(embedder)
    own = [case for case in found if case.split == FITTED]
    n: dict[str, int] = {}
    weights = {True: before.same, False: before.across}
    leasts: dict[bool, float] = {}
    for same, name in ((True, "same"), (False, "across")):
        group = [case for case in own if case.same is same]
        if min(sum(case.answerable for case in group), sum(not case.answerable for case in group)) < LEAST_OF_EACH:
            continue
        weights[same] = rounded(fit_logistic(group))
        n[name] = len(group)
        leasts[same] = least_confidence(held_out(group), [case.answerable for case in group], most_declined)
    if not n:
        counts = (sum(case.answerable for case in own), sum(not case.answerable for case in own))
        raise BadSetting("error.calibrate_few", answerable=counts[0], unanswerable=counts[1], least=LEAST_OF_EACH)
    judged: list[tuple[float, bool]] = []
    read = {True: before.read_same, False: before.read_across}
    for same, name in ((True, "read_same"), (False, "read_across")):
        group = [replace(case, values=(*case.values, *case.read)) for case in own if case.read and case.same_read is same]
        if min(sum(case.answerable for case in group), sum(not case.answerable for case in group)) < LEAST_OF_EACH:
            continue
        fitted, unseen = fit_logistic(group), held_out(group)
        least = least_confidence(unseen, [case.answerable for case in group], most_declined)
        # Shifted, so that the common threshold is the best one for these too.
        shift = _logit(leasts.get(True, leasts.get(False, before.least))) - _logit(least)
        read[same] = rounded([fitted[0] + shift, *fitted[1:]])
        judged += [(logistic((1.0,), (_logit(one) + shift,)), case.answerable) for one, case in zip(unseen, group, strict=True)]
        n[name] = len(group)
    n["least"] = sum(n[name] for name in ("same", "across") if name in n)
    least = leasts.get(True, leasts.get(False, before.least))
    if len(leasts) == 2:
        constant, *slopes = weights[False]
        weights[False] = rounded([constant + _logit(least) - _logit(leasts[False]), *slopes])
    thresholds = {True: before.thresholds.same, False: before.thresholds.across}
    for same, name in ((True, "claim_same"), (False, "claim_across")):
        true = [item.value for item in near if item.same is same and item.supported and item.split == FITTED]
        if len(true) >= LEAST_OF_EACH:
            thresholds[same] = math.floor(100 * float(np.quantile(true, _TRUE_LOST))) / 100
            n[name] = len(true)
    sure = sure_confidence([one for one, _ in judged], [truth for _, truth in judged], least) if judged else max(before.sure, least)
    return Fitted(embedder, least, weights[True], weights[False], thresholds[True], thresholds[False], n, read[True], read[False], sure)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def rounded(weights: Iterable[float]) -> tuple[float, ...]:
    """Return weights rounded for the file."""
    return tuple(round(float(weight), 2) + 0.0 for weight in weights)


def fit_logistic(group: Sequence[Case]) -> tuple[float, ...]:
    """Return the weights of a ridge logistic regression on standardised features, in the units of the features.

    A feature whose weight contradicts its own correlation with the truth is left out (weight 0): it would only be useful for questions like
    these. The first feature is the constant 1.
    """
    from sklearn.linear_model import LogisticRegression

    data = np.array([case.values for case in group], dtype=np.float64)
    truth = np.array([case.answerable for case in group])
    scale = data.std(axis=0)
    centre = data.mean(axis=0)
    kept = [column for column in range(1, data.shape[1]) if scale[column] > 1e-9]
    while kept:
        standard = (data[:, kept] - centre[kept]) / scale[kept]
        model = LogisticRegression(max_iter=1000).fit(standard, truth, sample_weight=_balance(group))
        slopes = model.coef_[0]
        against = [-slope * _direction(data[:, column], truth) for slope, column in zip(slopes, kept, strict=True)]
        worst = int(np.argmax(against))
        if against[worst] <= 0:
            weights = np.zeros(data.shape[1])
            weights[kept] = slopes / scale[kept]
            weights[0] = float(model.intercept_[0]) - float((weights[kept] * centre[kept]).sum())
            return tuple(weights.tolist())
        del kept[worst]
    return tuple([0.0] * data.shape[1])


def _direction(column: Floats, truth: npt.NDArray[np.bool_]) -> float:
    return float(np.sign(column[truth].mean() - column[~truth].mean()))


def _balance(group: Sequence[Case]) -> Floats:
    """Return weights by which each set counts the same, and in it the answerable as much as the others; their mean is 1."""
    kinds = [(case.set, case.answerable) for case in group]
    sizes = {kind: kinds.count(kind) for kind in set(kinds)}
    weights = np.array([1.0 / sizes[kind] for kind in kinds])
    truth = np.array([case.answerable for case in group])
    for answerable in (True, False):  # a set may hold one kind alone
        weights[truth == answerable] /= weights[truth == answerable].sum()
    balanced: Floats = weights * len(group) / weights.sum()
    return balanced


def held_out(group: Sequence[Case]) -> list[float]:
    """Return each case's confidence by a model of the other four fifths; a question and its twin stay together."""
    folds: dict[str, int] = {}
    fold = [folds.setdefault(case.id.removesuffix(".dropped"), len(folds)) % FOLDS for case in group]
    confidences = [0.0] * len(group)
    for held in range(FOLDS):
        others = [case for case, number in zip(group, fold, strict=True) if number != held]
        weights = fit_logistic(others) if len({case.answerable for case in others}) == 2 else fit_logistic(group)
        for position, number in enumerate(fold):
            if number == held:
                confidences[position] = logistic(weights, group[position].values)
    return confidences


def least_confidence(confidences: Sequence[float], truths: Sequence[bool], most_declined: float) -> float:
    """Return the threshold, to two digits, with the largest difference of declined shares, unanswerable less answerable.

    Only thresholds that decline at most `most_declined` of the answerable are considered; of equals, the lower one is returned.
    """
    data, truth = np.asarray(confidences), np.asarray(truths, dtype=bool)
    best, most = 0.01, -1.0
    for step in range(1, 100):
        least = step / 100
        wrongly = float((data[truth] < least).mean())
        rightly = float((data[~truth] < least).mean())
        if wrongly <= most_declined and rightly - wrongly > most + 1e-9:
            best, most = least, rightly - wrongly
    return best


def sure_confidence(confidences: Sequence[float], truths: Sequence[bool], least: float) -> float:
    """Return the lowest threshold, to two digits and not below `least`, above which `_SURE` of the questions are answerable; 1 for none."""
    data, truth = np.asarray(confidences), np.asarray(truths, dtype=bool)
    for step in range(max(round(100 * least), 1), 100):
        above = data >= step / 100
        if above.any() and float(truth[above].mean()) >= _SURE:
            return step / 100
    return 1.0


# --- reporting ------------------------------------------------------------------------------------------------------------

GroupFigures = Mapping[str, Mapping[str, Figure]]
"""By group ("all", "same", "across", each language and each set), by measure: auroc, declined, wrongly_declined."""


def report(found: Sequence[Case], fitted: Fitted, split: str = REPORTED) -> GroupFigures:
    """Return the figures of the values on one half: AUROC, unanswerable declined, answerable wrongly declined."""
    own = [case for case in found if case.split == split]
    groups: dict[str, list[Case]] = {"all": own}
    for case in own:
        for name in ("same" if case.same else "across", case.language, case.set):
            groups.setdefault(name, []).append(case)
    return {name: _figures(group, fitted) for name, group in groups.items()}


def _figures(group: Sequence[Case], fitted: Fitted) -> dict[str, Figure]:
    sure = [fitted.confidence(case) for case in group]
    declined = [float(value < fitted.least) for value in sure]
    return {
        "auroc": auroc(sure, [case.answerable for case in group]),
        "declined": ratio([(value, float(not case.answerable)) for value, case in zip(declined, group, strict=True)]),
        "wrongly_declined": ratio([(value, float(case.answerable)) for value, case in zip(declined, group, strict=True)]),
    }


def in_force(embedder: str) -> Fitted:
    """Return the values that hold for an embedder now."""
    now = Calibration.of(embedder)
    claims = now.thresholds
    return Fitted(embedder, now.least, now.same, now.across, claims.same, claims.across, {}, now.read_same, now.read_across, now.sure)


# --- writing --------------------------------------------------------------------------------------------------------------


def write(path: Path, fitted: Fitted, remark: str) -> None:
    """Write the values to a calibration file, replacing earlier ones for the same embedder; the rest of the file stays.

    Raises BadSetting if the file is not TOML or cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.is_file() else tomlkit.document()
        embedders = document.setdefault("embedders", tomlkit.table(is_super_table=True))
        entry = tomlkit.table()
        entry.comment(remark)
        for name, value in fitted.values().items():
            entry.add(name, value)
        embedders[fitted.embedder] = entry
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as part:
            part.write_text(tomlkit.dumps(document), encoding="utf-8", newline="\n")
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise BadSetting("error.calibration_file", path=path, reason=error) from error


def describe(fitted: Fitted, pairs: Sequence[tuple[QuestionSet, object]], measured: GroupFigures) -> str:
    """Return one line that states where the values come from and how they performed."""
    sets = ", ".join(dict.fromkeys(questions.name for questions, _ in pairs))
    counts = ", ".join(f"{name} {count}" for name, count in fitted.n.items())
    worth = ", ".join(f"{name} {shown(figure)}" for name, figure in measured["all"].items()) if "all" in measured else ""
    return f"shawahid calibrate on {sets}; n: {counts}; on the other half: {worth}"


def shown(figure: Figure) -> str:
    """Return a figure with its n."""
    return f"{_rounded(figure.value)} (n {figure.n})"
