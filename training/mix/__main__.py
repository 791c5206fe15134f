"""Build the mix of training cases, and the cases held aside to measure on.

    python -m training.mix --data DIR --out DIR [--shares later] [--squad XQUAD.json …] [--seed 1]

Writes `train.jsonl`, shuffled, and `held.jsonl`: cases of documents (pages, countries, articles of NTREX and Wikipedia, FEVER's
evidence) that no training case comes from. `--squad` names files whose passages are for measuring: what shares eight words in a row
with them is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from training.mix import claims, contrast, facts, pages, public, written
from training.mix.case import Case, Grams, write
from training.product import InputBuilder, builder, models

HELD = {"pages": 8, "factbook": 6, "ntrex": 6, "wikipedia-ar": 12, "fever": 20, "tatoeba": 20}
"""One document in so many is held aside, for the sets that have no test half of their own."""
TIMES = {"tydiqa:ar-ar": 3, "mlqa:ar-ar": 3, "arcd:ar-ar": 3, "mlqa:en-ar": 3, "mlqa:ar-en": 3, "squadshifts:en-en": 1}
SHARES = {
    "first": {
        "written": 0.40,
        "public:en-en": 0.09,
        "public:ar-ar": 0.08,
        "public:en-ar": 0.05,
        "public:ar-en": 0.05,
        "changed:en-en": 0.04,
        "changed:ar-ar": 0.03,
        "changed:en-ar": 0.01,
        "changed:ar-en": 0.01,
        "pages:en-en": 0.02,
        "pages:ar-ar": 0.02,
        "pages:en-ar": 0.02,
        "pages:ar-en": 0.02,
        "factbook": 0.06,
        "claims": 0.09,
        "strange": 0.01,
    },
    "later": {
        "written": 0.69,
        "public:en-en": 0.034,
        "public:ar-ar": 0.032,
        "public:en-ar": 0.022,
        "public:ar-en": 0.022,
        "changed:en-en": 0.04,
        "changed:ar-ar": 0.028,
        "changed:en-ar": 0.007,
        "changed:ar-en": 0.009,
        "pages:en-en": 0.01,
        "pages:ar-ar": 0.01,
        "pages:en-ar": 0.01,
        "pages:ar-en": 0.01,
        "factbook": 0.06,
        "claims": 0.036,
        "strange": 0.01,
    },
}
"""What part of the mix each group is, for the first run of a reader and for one that goes on from learned weights; a group with fewer cases
than that gives all it has."""


def is_held(case: Case) -> bool:
    """Whether a case's document is held aside: by the hash of its name, the same for both languages of a page."""
    if case.source == "written":
        return case.document.removeprefix("written/") in written.aside()
    one_in = HELD.get(case.source)
    name = case.document.replace("/translations/ar/", "/").replace("/ar/", "/")
    return one_in is not None and int(hashlib.sha256(name.encode()).hexdigest(), 16) % one_in == 0


def group(case: Case) -> str:
    """The group of `SHARES` that a case is in."""
    if case.source == "written":
        return "written"
    if case.claim is not None:
        return "claims"
    if case.source in {"factbook", "strange"}:
        return case.source
    kind = "changed" if case.kind.startswith("changed:") else "pages" if case.source == "pages" else "public"
    return f"{kind}:{case.direction}"


def everything(data: Path, held: Grams, inputs: InputBuilder, rng: random.Random) -> Iterable[Case]:
    """All cases that can be made."""
    yield from public.cases(data, held, inputs.count, rng, TIMES)
    yield from public.sentences(data, held, inputs.count, rng)
    yield from contrast.cases(data, held, inputs.count, rng)
    yield from public.strange(data, [q.question for q in public.asked(data)], rng, 1000)
    yield from pages.cases(pages.pages(data), held, inputs.count, rng)
    table = facts.table()
    yield from facts.Facts(facts.countries(data / "factbook", table), table, rng).cases(9000)
    yield from claims.of_fever(data, held, rng)
    yield from claims.of_questions(list(public.asked(data)), held, inputs.count, rng)
    yield from claims.of_parallel(claims.ntrex(data), "ntrex", held, rng)
    yield from claims.of_parallel(claims.tatoeba(data, rng), "tatoeba", held, rng)
    yield from written.cases(data / "written", rng)
    yield from claims.of_wikipedia(data / "wikipedia-ar", held, rng, 4000)


def mixed(cases: list[Case], shares: Mapping[str, float], total: int, rng: random.Random) -> list[Case]:
    """`total` cases or fewer in the given shares of the groups, shuffled; within claims every source and label has its part."""
    by_group: dict[str, list[Case]] = {}
    for case in cases:
        by_group.setdefault(group(case), []).append(case)
    chosen: list[Case] = []
    for name, share in shares.items():
        found = by_group.get(name, [])
        rng.shuffle(found)
        if name == "claims":
            found = alternating(found)
        chosen += found[: round(share * total)]
    rng.shuffle(chosen)
    return chosen


def alternating(cases: list[Case]) -> list[Case]:
    """The cases in turns of source and label, so that any part of them is balanced."""
    waiting: dict[tuple[str, int | None, str], list[Case]] = {}
    for case in cases:
        waiting.setdefault((case.source, case.claim, case.direction), []).append(case)
    found: list[Case] = []
    while waiting:
        for key in sorted(waiting, key=str):
            found.append(waiting[key].pop())
        waiting = {key: left for key, left in waiting.items() if left}
    return found


def main() -> None:
    """Read the command line and build the mix."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shares", choices=sorted(SHARES), default="later")
    parser.add_argument("--squad", type=Path, nargs="*", default=[])
    parser.add_argument("--total", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    measured = Grams()
    for path in options.squad:
        measured.add_squad(path)
    inputs = builder(models() / "embeddinggemma-300m")
    cases = list(everything(options.data, measured, inputs, rng))
    aside = [case for case in cases if is_held(case)]
    training = mixed([case for case in cases if not is_held(case)], SHARES[options.shares], options.total, rng)
    options.out.mkdir(parents=True, exist_ok=True)
    rng.shuffle(aside)
    print(write(options.out / "train.jsonl", training), "cases to train on,", write(options.out / "held.jsonl", aside), "held aside")
    for name, count in sorted(
        Counter(f"{group(case)} {case.direction if group(case) in ('claims', 'factbook') else ''}" for case in training).items()
    ):
        print(f"{count:7d}  {name}")


if __name__ == "__main__":
    main()
