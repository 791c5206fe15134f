"""Write the cases that the weights for claims are trained on.

    python -m training.claim_cases --data data/reader --squad held/*.json --out mix

They are made of the claims written for this project, of the written pairs of questions, as claims that consist of a question and the words
that answer it, both against the sentence alone or in a window; and of FEVER, NTREX, Tatoeba and Wikipedia. What is held aside is left out.
Cases of every tenth other document go to `claims.aside.jsonl`, to choose by; the rest to `claims.train.jsonl`, shuffled.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections import Counter
from pathlib import Path

from training.mix import claims
from training.mix.__main__ import alternating, is_held
from training.mix.case import Case, Grams, write
from training.mix.written import ALONE, QUESTIONS, answers_as_claims
from training.mix.written import claims as written_claims

ONE_IN = 10
"""One document in so many is left out to choose by."""


def is_left_out(case: Case) -> bool:
    """Return whether the document of a case is among those to choose by."""
    return int(hashlib.sha256((case.document or case.text).encode()).hexdigest(), 16) % ONE_IN == 0


def of_public_sets(data: Path, held: Grams, rng: random.Random) -> list[Case]:
    """Return the claims made of public sets, in turns of source, label and direction, without those that are held aside."""
    found = [
        *claims.of_fever(data, held, rng),
        *claims.of_parallel(claims.ntrex(data), "ntrex", held, rng),
        *claims.of_parallel(claims.tatoeba(data, rng), "tatoeba", held, rng),
        *claims.of_wikipedia(data / "wikipedia-ar", held, rng, 1500),
    ]
    rng.shuffle(found)
    return alternating([case for case in found if not is_held(case)])


def main() -> None:
    """Read the command line and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--squad", type=Path, nargs="*", default=[], help="what is not to be trained on")
    parser.add_argument("--pairs", type=int, default=750, help="at most so many cases of pairs of questions")
    parser.add_argument("--public", type=int, default=420, help="at most so many cases of public sets")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, held = random.Random(options.seed), Grams()
    for path in options.squad:
        held.add_squad(path)
    own = written_claims(QUESTIONS / "claims.jsonl", options.data / "written", rng, ALONE)
    pairs = [case for case in answers_as_claims(QUESTIONS / "questions.jsonl", options.data / "written", rng) if not is_held(case)]
    rng.shuffle(pairs)
    public = of_public_sets(options.data, held, rng)
    found = [*(case for case in own if not is_held(case)), *pairs[: options.pairs], *public[: options.public]]
    rng.shuffle(found)
    options.out.mkdir(parents=True, exist_ok=True)
    training, left = [case for case in found if not is_left_out(case)], [case for case in found if is_left_out(case)]
    print(write(options.out / "claims.train.jsonl", training), "to train on,", write(options.out / "claims.aside.jsonl", left), "left out")
    for (source, label), count in sorted(Counter((case.source, case.claim) for case in training).items()):
        print(f"{count:7d}  {source} {label}")


if __name__ == "__main__":
    main()
