"""Compare two runs of the same questions: what improved, what got worse, and whether chance explains it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import BadSetting, ShawahidError
from rag.evaluation.bootstrap import Difference, difference, ratio, rounded
from rag.evaluation.metrics import auroc_difference
from rag.evaluation.records import AnyRecord, ClaimRecord, Record, read_records
from rag.evaluation.scoring import MEASURES, NOT_ABOUT, Shares, faults, groups, shares_of

SURE = 0.05  # below this p a difference is called one

# Means of these are compared, for a mean can be taken of differences question by question.
_TIMES = ("found_s", "first_token_s", "total_s")


@dataclass(frozen=True, slots=True)
class Change:
    """One measure of one group in both runs; `difference` is B less A."""

    group: str
    measure: str
    a: float | None
    b: float | None
    difference: Difference

    @property
    def sure(self) -> bool:
        return self.difference.p is not None and self.difference.p < SURE

    @property
    def better(self) -> bool:
        return (self.difference.value or 0.0) * (-1 if MEASURES[self.measure].lower else 1) > 0


@dataclass(frozen=True, slots=True)
class Moved:
    """A question whose faults differ between the runs: keys of the strings under `fault`."""

    id: str
    question: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differing:
    """A part of what the runs depend on (embedder, generator, index, …) that is not the same; "" where a run did not record it."""

    name: str
    a: str
    b: str


class WorseRun(ShawahidError):
    """A measure that must not get worse did."""

    exit_code = 9


@dataclass(frozen=True, slots=True)
class Comparison:
    """The common questions of two runs, and their differences. `only_a` and `only_b` count the questions of one run alone; `differing` is
    what else differed between the runs, None if a run does not say."""

    n: int
    only_a: int
    only_b: int
    changes: tuple[Change, ...]
    better: tuple[Moved, ...]
    worse: tuple[Moved, ...]
    differing: tuple[Differing, ...] | None = None


def read_run(path: Path) -> list[AnyRecord]:
    """Return the records of a run, from its folder or its file of records. Raises BadSetting if there are none."""
    records = read_records(path / "records.jsonl" if path.is_dir() else path)
    if not records:
        raise BadSetting("error.no_records", path=path)
    return records


def read_identity(path: Path) -> dict[str, str]:
    """Return what a run depends on, from the summary in its folder; {} if it has none."""
    folder = path if path.is_dir() else path.parent
    try:
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["identity"]
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def differing(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[Differing, ...] | None:
    """Return what differs between the identities of two runs; None if one of them is not known."""
    if not a or not b:
        return None
    return tuple(Differing(name, a.get(name, ""), b.get(name, "")) for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name))


def require_no_worse(found: Comparison, wanted: Sequence[str]) -> None:
    """Raise WorseRun, naming them, if measures surely got worse: those wanted, as `right` or `ar-en:right`.

    "any" are the measures of all questions but the costs; because they are many, their p are corrected (Holm, Scandinavian Journal of
    Statistics, 1979). A measure that the runs have no figures of counts as worse. Raises BadSetting for a measure that does not exist.
    """
    by_name = {(change.group, change.measure): change for change in found.changes}
    missed: list[str] = []
    for text in wanted:
        if text == "any":
            missed += map(_told, _surely_worse([change for change in found.changes if change.group == "all"]))
            continue
        match = re.fullmatch(r"(?:([\w.+-]+):)?([\w@.]+)", text)
        if match is None or match.group(2) not in MEASURES:
            raise BadSetting("error.measure", text=text, names=", ".join(MEASURES))
        name = match.group(1) or "all", match.group(2)
        change = by_name.get(name)
        if change is None:
            missed.append(f"{':'.join(name)}: –")
        elif change.sure and not change.better:
            missed.append(_told(change))
    if missed:
        raise WorseRun("error.worse", missed="; ".join(dict.fromkeys(missed)))


def _surely_worse(changes: Sequence[Change]) -> list[Change]:
    """Return the changes for the worse that stay sure among all of the tests."""
    tested = sorted(
        (c for c in changes if not MEASURES[c.measure].unit and c.difference.p is not None), key=lambda c: c.difference.p or 0.0
    )
    kept: list[Change] = []
    for number, change in enumerate(tested):
        if (change.difference.p or 0.0) * (len(tested) - number) >= SURE:
            break
        kept.append(change)
    return [change for change in kept if not change.better]


def _told(change: Change) -> str:
    return f"{change.group}:{change.measure} {rounded(change.a)} → {rounded(change.b)} (p {rounded(change.difference.p)})"


def compare(
    a: Sequence[AnyRecord], b: Sequence[AnyRecord], identities: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
) -> Comparison:
    """Compare two runs on their common questions, matched by set and id. `identities` are what each of the runs depends on."""
    first = {(record.set, record.id): record for record in a}
    second = {(record.set, record.id): record for record in b}
    common = [name for name in first if name in second]
    left, right = [first[name] for name in common], [second[name] for name in common]
    left_shares, right_shares = _with_times(left), _with_times(right)
    changes: list[Change] = []
    for group, rows in groups(left).items():
        changes += _changes(group, [left_shares[row] for row in rows], [right_shares[row] for row in rows])
        changes += _auroc(group, [left[row] for row in rows], [right[row] for row in rows])
    moved = [
        Moved(before.id, _asked(before), tuple(faults(before, x)), tuple(faults(after, y)))
        for before, after, x, y in zip(left, right, left_shares, right_shares, strict=True)
    ]
    return Comparison(
        n=len(common),
        only_a=len(first) - len(common),
        only_b=len(second) - len(common),
        changes=tuple(changes),
        better=tuple(item for item in moved if len(item.after) < len(item.before)),
        worse=tuple(item for item in moved if len(item.after) > len(item.before)),
        differing=differing(*identities),
    )


def _asked(record: AnyRecord) -> str:
    return record.claim if isinstance(record, ClaimRecord) else record.question


def _with_times(records: Sequence[AnyRecord]) -> list[Shares]:
    found = shares_of(records)
    for record, part in zip(records, found, strict=True):
        if isinstance(record, Record):
            part |= {name: (value, 1.0) for name in _TIMES if (value := getattr(record, name)) is not None}
    return found


def _changes(group: str, a: Sequence[Shares], b: Sequence[Shares]) -> list[Change]:
    found = []
    for name in MEASURES:
        x, y = [part.get(name, NOT_ABOUT) for part in a], [part.get(name, NOT_ABOUT) for part in b]
        change = difference(x, y)
        if change.value is not None:
            found.append(Change(group, name, ratio(x).value, ratio(y).value, change))
    return found


def _auroc(group: str, a: Sequence[AnyRecord], b: Sequence[AnyRecord]) -> list[Change]:
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if isinstance(x, Record) and isinstance(y, Record) and x.asked and y.asked]
    change = auroc_difference([x.confidence for x, _ in pairs], [y.confidence for _, y in pairs], [x.answerable for x, _ in pairs])
    if change.value is None:
        return []
    from rag.evaluation.metrics import auroc

    truth = [x.answerable for x, _ in pairs]
    before, after = auroc([x.confidence for x, _ in pairs], truth), auroc([y.confidence for _, y in pairs], truth)
    return [Change(group, "auroc", before.value, after.value, change)]


def as_json(found: Comparison) -> Mapping[str, object]:
    """Return the comparison for a script."""
    import dataclasses

    return dataclasses.asdict(found)
