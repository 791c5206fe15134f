"""Confidence that the documents answer a question: values fitted on data, shipped with the models they belong to."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from rag.answering.checking.judge import Thresholds
from rag.answering.fitted_here import user_file
from rag.answering.generator_trials import tried
from rag.documents.tree import CELL_SEPARATOR
from rag.errors import BadSetting
from rag.retrieval.query import Query
from rag.schema import Evidence
from rag.text.folding import fold
from rag.text.names import unmatched_names
from rag.text.numbers import names_month, stated_values, values_claimed
from rag.text.words import content_stems

UNKNOWN = "unknown"
_OWN = "own"
"""The entry of generators that a program brings itself: they write, as their author wants."""
_LATER = frozenset(("read_same", "read_across", "sure", "ranking", "commoner"))
"""Values that a file of `shawahid calibrate` may lack. In one of an earlier version nothing was fitted for the reader, and any answer that
is not declined is sure; how sentences are ranked, and `commoner`, are those that come with Shawahid."""
_READ = 12
"""Features when a reader has read the evidence."""
Manner = Literal["quote", "write"]
"""How an answer uses evidence: quoted, or written by the generator in its own words and checked."""
_QUOTES: Mapping[str, Any] = {"same": "quote", "across": "quote", "prompted": 0}


@dataclass(frozen=True, slots=True)
class RankingWeights:
    """The weights of the reader's two judgements of a sentence, as log-odds; of search's score, from 0 to 1 for the best; and of the
    likeness of the sentence and the match of its passage, as they are. Fitted for each embedder by `training.ranking`."""

    reader: float = 0.3
    search: float = 3.0
    likeness: float = 4.0


USUAL_RANKING = RankingWeights()
"""Those of the default embedder."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The values fitted for an embedder and a generator.

    `same` and `across` weigh the features of `features`, in that order, if question and evidence are in one language or in two;
    `read_same` and `read_across` weigh these and `reading_features` after them, once a reader has read the evidence, and are empty where
    they were not fitted. `least` is the confidence below which a question is declined, `sure` the one below which the evidence is only
    quoted, and the answer says that it may not answer, once a reader has read it. `ranking` are the weights by which sentences that were
    read are ranked; `commoner` are the log-odds by which texts that answer are commoner among those that search finds than among those
    that the reader was trained on. `thresholds` are the citation check's. `manner_same` and `manner_across` say whether the generator's
    own words are used: a small model's sentence is right half as often as the sentence it was made from. `prompted` is how many sentences
    of evidence it is given.
    """

    embedder: str
    least: float
    same: tuple[float, ...]
    across: tuple[float, ...]
    thresholds: Thresholds
    manner_same: Manner
    manner_across: Manner
    prompted: int
    read_same: tuple[float, ...] = ()
    read_across: tuple[float, ...] = ()
    sure: float = 0.0
    ranking: RankingWeights = USUAL_RANKING
    commoner: float = 0.42
    checked: frozenset[str] = frozenset()
    """Directions, as question's and source's language ("en-ar"), in which what the check accepts was measured to be true: at least 0.98 of
    it, and 0.95 at the lower end of the interval. Elsewhere the generator's sentences are shown as unverified."""

    @classmethod
    def of(cls, embedder: str, generator: str | None = None, *, own: bool = False) -> Calibration:
        """Return the values for two models: those fitted on this machine (`shawahid calibrate`), else those shipped, else conservative
        ones.

        Without a generator, quotes. One that was not measured by us writes what it passed in a trial on this machine
        (`shawahid models try`), and nothing without one; an `own` one, which a program brings itself, writes. Raises
        BadSetting when the file of values fitted here can't be used.
        """
        generators = _table()["generators"]
        values = _fitted_here(embedder) or _shipped(embedder)
        manners = _QUOTES
        if generator is not None:
            manners = generators.get(generator) or _tried(generator) or generators[_OWN if own else UNKNOWN]
        return cls(
            embedder=embedder,
            least=values["least"],
            sure=values["sure"],
            same=tuple(values["same"]),
            across=tuple(values["across"]),
            thresholds=Thresholds(values["claim_same"], values["claim_across"]),
            manner_same=manners["same"],
            manner_across=manners["across"],
            prompted=manners["prompted"],
            read_same=tuple(values["read_same"]),
            read_across=tuple(values["read_across"]),
            ranking=RankingWeights(*values["ranking"]),
            commoner=values["commoner"],
            checked=frozenset(manners.get("checked", ())),
        )

    def confidence_read(self, query: Query, evidence: Sequence[Evidence], read: Sequence[Evidence], answers: float) -> float:
        """Return the probability, 0..1, that the evidence answers the question when a reader has read it.

        `evidence` is in the order of search, `read` in the reader's; `answers` is the probability that one of the texts read answers.
        Where no weights were fitted for this, it is the mean of both judgements as log-odds, shifted by a constant.
        """
        if not evidence or not read:
            return 0.0
        weights = self.read_same if query.shares_language(read[0]) else self.read_across
        if not weights:
            return logistic((0.5, 0.5, 1.0), (log_odds(self.confidence(query, evidence)), log_odds(answers), self.commoner))
        return logistic(weights, (*features(query, evidence), *reading_features(query, read, answers)))

    def confidence(self, query: Query, evidence: Sequence[Evidence]) -> float:
        """Return the probability, 0..1, that the evidence answers the question."""
        if not evidence:
            return 0.0
        weights = self.same if query.shares_language(evidence[0]) else self.across
        return logistic(weights, features(query, evidence))


def reading_features(query: Query, read: Sequence[Evidence], answers: float) -> tuple[float, ...]:
    """Return what is added to the features once a reader has read the evidence.

    In order: as log-odds, whether any text read answers and whether its best sentence does; and how many numbers and years, and how many
    names of the question are missing around that sentence (at most 2 each): in its passage, or for a row of a table in that row alone,
    with the headings above and the document's name.
    """
    best = read[0]
    around = best.text if CELL_SEPARATOR in best.text else best.passage.text
    whole = f"{best.passage.document_id} {best.passage.context} {best.lead} {around}"
    values = values_claimed(query.text) - stated_values(whole)
    missing = unmatched_names(query.text, whole)
    return log_odds(answers), log_odds(best.answers or 0.0), float(min(len(values), 2)), float(min(len(missing), 2))


def log_odds(probability: float) -> float:
    """Return a probability as log-odds, between -7 and 7: nothing here is surer than one in a thousand."""
    bounded = min(max(probability, 0.001), 0.999)
    return math.log(bounded / (1 - bounded))


def logistic(weights: Sequence[float], values: Sequence[float]) -> float:
    """Return the probability, 0..1, that a logistic model with these weights gives to these values."""
    logit = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def features(query: Query, evidence: Sequence[Evidence]) -> tuple[float, ...]:
    """Return the features that confidence is computed from.

    In order: a constant; the best sentence's similarity; its margin in worth over the fifth; the share of the question's content words in
    its passage; how many of the question's names that passage lacks (at most 2); whether the question asks for a number or a time and the
    best sentences state none; how well the passage matches the question's tokens; and the match of the quarter of them that it matches
    least (0 if the index has none).
    """
    best = evidence[0]
    others = evidence[min(4, len(evidence) - 1)]
    known = set(content_stems(best.passage.text))
    covered = sum(word in known for word in query.stems) / len(query.stems) if query.stems else 0.0
    missing = unmatched_names(query.text, f"{best.passage.title} {best.passage.text}")
    near = " ".join(item.text for item in evidence[:2])
    lacking = (asks_for_value(query.text) and not states_value(near)) or (asks_for_time(query.text) and not states_time(near))
    matched, weakest = (best.match.passage, best.match.weakest) if best.match else (0.0, 0.0)
    return (1.0, best.score, best.worth - others.worth, covered, float(min(len(missing), 2)), float(lacking), matched, weakest)


_VALUE = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|high|big|large|often|wide|deep|heavy)\b|\bwhat (?:percentage|number|amount|share|price)\b"
    r"|(?:^|\s)و?(?:كم|قديش|اديش)(?:\s|$)|(?:^|\s)ما (?:عدد|نسبه|مقدار|مبلغ|سعر|ثمن|طول|ارتفاع|وزن|كميه)"
)
_TIME = re.compile(
    r"\bwhen\b|\b(?:what|which|on what|in what) (?:year|date|day|month|time|century)\b"
    r"|(?:^|\s)و?(?:متي|امتي|ايمتي)(?:\s|$)|(?:اي|ما) (?:سنه|عام|يوم|شهر|تاريخ|ساعه|وقت|قرن)"
)
_TIME_WORDS = re.compile(
    r"day\b|month|year|week|century|season|decade|morning|noon|evening|night|today|before|after|during|until|since|while|when"
    r"|يوم|شهر|عام|سنه|اسبوع|قرن|موسم|عقد|صباح|ظهر|مساء|ليل|قبل|بعد|خلال|اثناء|حتي|منذ|عندما|حين|السبت|احد|اثنين|ثلاثاء|اربعاء|خميس|جمعه"
)


def asks_for_value(question: str) -> bool:
    """Return whether only a number can answer the question."""
    return _VALUE.search(fold(question)) is not None


def asks_for_time(question: str) -> bool:
    """Return whether only a time can answer the question."""
    return _TIME.search(fold(question)) is not None


def states_value(text: str) -> bool:
    """Return whether a text states any number, in digits or words."""
    return bool(stated_values(text))


def states_time(text: str) -> bool:
    """Return whether a text states anything that can be a time."""
    return bool(stated_values(text)) or names_month(text) or _TIME_WORDS.search(fold(text)) is not None


def _shipped(embedder: str) -> Mapping[str, Any]:
    embedders = _table()["embedders"]
    values: Mapping[str, Any] = embedders.get(embedder) or embedders[UNKNOWN]
    return values


def _fitted_here(embedder: str) -> Mapping[str, Any] | None:
    """Return the values of the user's own file, which have to be of the form of those shipped. Raises BadSetting."""
    path = user_file()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8")).get("embedders", {}).get(embedder)
        if values is None:
            return None
        shipped = _shipped(UNKNOWN)
        ours = _shipped(embedder)
        later: dict[str, Any] = {"read_same": [], "read_across": [], "sure": values["least"]}
        later |= {name: ours[name] for name in ("ranking", "commoner")}
        own: dict[str, Any] = {name: later[name] if name in _LATER and name not in values else values[name] for name in shipped}
        for name, like in shipped.items():
            numbers = own[name] if isinstance(like, list) else [own[name]]
            lengths = {0, _READ} if name in ("read_same", "read_across") else {len(like) if isinstance(like, list) else 1}
            if len(numbers) not in lengths or not all(math.isfinite(number) for number in numbers):
                raise ValueError(name)
        return own
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadSetting("error.calibration_use", path=path, embedder=embedder, reason=error) from error


def is_measured(generator: str) -> bool:
    """Return whether we measured what a generator can do."""
    return generator in _table()["generators"]


def _tried(generator: str) -> Mapping[str, Any] | None:
    """Return what a trial on this machine lets a generator do; None if there was none."""
    trial = tried(generator)
    if trial is None:
        return None
    manners = {kind: "write" if figure.passed else "quote" for kind, figure in (("same", trial.same), ("across", trial.across))}
    return {**manners, "prompted": _table()["generators"][_OWN]["prompted"]}


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(resources.files("rag.answering").joinpath("calibration.toml").read_text(encoding="utf-8"))
