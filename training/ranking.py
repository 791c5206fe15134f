"""Fit how the product weighs a reader against search, for the embedder that the reader's weights belong to.

    python -m training.ranking --weights rag/models/reader.light.safetensors --documents data/reader/written --out ranking.json

Asks the written questions about the documents held aside, of an index of these alone, as the product does, and prints the entries of
`rag/answering/calibration.toml`: `ranking`, chosen for how often the right sentence comes first; and `commoner` and `sure`, chosen so that
at most `--declined` of the answerable questions are declined at the embedder's own threshold, and nine in ten of those above `sure` are
answerable. Weights are tried on other documents than those they were chosen on, in six folds.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.mix.written import QUESTIONS, Pair, aside, matching, pairs
from training.product import Asked, RankingWeights, asked_of, auroc, threshold_of

FOLDS = 6
READER = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)
SEARCH = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
LIKENESS = (0.0, 2.0, 4.0, 8.0, 16.0, 24.0)
SURE = 0.9


@dataclass(frozen=True, slots=True)
class Trial:
    """A question, what the product knows of it, whether its document answers it, and which of the sentences read do."""

    document: str
    asked: Asked
    answerable: bool
    right: frozenset[int]

    def is_first(self, weights: RankingWeights) -> bool:
        """Whether a right sentence comes first."""
        strengths = [one.strength(weights) for one in self.asked.judged]
        return bool(strengths) and int(np.argmax(strengths)) in self.right


def trials(pairs: Sequence[Pair], ask: Callable[[str], Asked]) -> Iterator[Trial]:
    """Ask the questions of both kinds."""
    for pair in pairs:
        for question, answerable in ((pair.question, True), (pair.unanswerable, False)):
            if question:
                asked = ask(question)
                own = [n for n, one in enumerate(asked.judged) if one.evidence.passage.document_id == pair.file]
                texts = [asked.judged[n].evidence.text for n in own]
                found = {own[n] for words in (pair.evidence, *pair.items) for n in matching(words, texts)} if answerable else set()
                yield Trial(pair.file, asked, answerable, frozenset(found))


def best(found: Sequence[Trial]) -> RankingWeights:
    """The weights with which the right sentence comes first most often; of equals the middle one."""
    grid = [RankingWeights(*values) for values in itertools.product(READER, SEARCH, LIKENESS)]
    firsts = [sum(one.is_first(weights) for one in found) for weights in grid]
    equal = [weights for weights, first in zip(grid, firsts, strict=True) if first == max(firsts)]
    return equal[len(equal) // 2]


def crossed(found: Sequence[Trial]) -> float:
    """How often the right sentence comes first with weights chosen on other documents."""
    fold = {one.document: int(hashlib.sha256(one.document.encode()).hexdigest(), 16) % FOLDS for one in found}
    right = 0
    for held in range(FOLDS):
        own = [one for one in found if fold[one.document] == held]
        others = [one for one in found if fold[one.document] != held]
        if own and others:
            weights = best(others)
            right += sum(one.is_first(weights) for one in own)
    return right / len(found) if found else float("nan")


def commoner(found: Sequence[Trial], least: float, declined: float) -> float:
    """The constant with which at most a share of the answerable is declined below `least`, to two digits; the lowest that does."""
    means = sorted((one.asked.search + one.asked.reader) / 2 for one in found if one.answerable)
    place = int(declined * len(means))
    return float(np.ceil(100 * (np.log(least / (1 - least)) - means[place])) / 100)


def main() -> None:
    """Read the command line, ask, fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--declined", type=float, default=0.11)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chosen = [pair for pair in pairs(QUESTIONS / "questions.jsonl") if pair.file in aside()]
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "documents"
        folder.mkdir()
        for name in sorted(aside()):
            shutil.copy(options.documents / name, folder / name)
        found = list(trials(chosen, asked_of(options.weights, folder, Path(work) / "index")))
    least = threshold_of(options.weights)
    rankable = [one for one in found if one.right]
    weights = best(rankable)
    constant = commoner(found, least, options.declined)
    sureness = [(1 / (1 + np.exp(-(one.asked.search + one.asked.reader) / 2 - constant)), one.answerable) for one in found]
    sure = next((n / 100 for n in range(int(100 * least), 100) if _share(sureness, n / 100) >= SURE), 1.0)
    report = {
        "ranking": [weights.reader, weights.search, weights.likeness],
        "commoner": constant,
        "sure": sure,
        "n": len(found),
        "n_ranked": len(rankable),
        "right_first": float(np.mean([one.is_first(weights) for one in rankable])),
        "right_first_crossed": crossed(rankable),
        "right_first_usual": float(np.mean([one.is_first(RankingWeights()) for one in rankable])),
        "right_first_search": float(np.mean([one.is_first(RankingWeights(0.0, 1.0, 0.0)) for one in rankable])),
        **{
            f"auroc_{name}": auroc([score(one) for one in found if one.answerable], [score(one) for one in found if not one.answerable])
            for name, score in (
                ("search", lambda one: one.asked.search),
                ("reader", lambda one: one.asked.reader),
                ("both", lambda one: one.asked.search + one.asked.reader),
            )
        },
        "wrongly_declined": float(np.mean([value < least for value, answerable in sureness if answerable])),
        "declined": float(np.mean([value < least for value, answerable in sureness if not answerable])),
        "sure_answerable": float(np.mean([value >= sure for value, answerable in sureness if answerable])),
        "sure_unanswerable": float(np.mean([value >= sure for value, answerable in sureness if not answerable])),
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


def _share(sureness: Sequence[tuple[float, bool]], least: float) -> float:
    above = [answerable for value, answerable in sureness if value >= least]
    return float(np.mean(above)) if above else 0.0


if __name__ == "__main__":
    main()
