"""The figures of a run by group, requirements on them, and a table for the terminal."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import BadSetting, ShawahidError
from rag.evaluation.bootstrap import Figure, rounded
from rag.evaluation.records import AnyRecord, Record
from rag.evaluation.scoring import MEASURES, Shares, figures, groups, kinds, shares_of
from rag.files import make_private
from rag.messages import say

if TYPE_CHECKING:
    pass


BY_KIND = ("right", "block@1", "span_f1", "wrongly_declined", "declined", "auroc", "reader_auroc")
"""The measures that are also reported by kind of question and of block."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run, by group and measure. `counts` are questions, unanswerable ones, failed ones, claims.

    `by_kind` has those of `BY_KIND` for the kinds of questions and of the blocks that answer them.
    """

    identity: Mapping[str, str]
    counts: Mapping[str, int]
    figures: Mapping[str, Mapping[str, Figure]]
    by_kind: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a file or a script."""
        return dataclasses.asdict(self)


def summarise(records: Sequence[AnyRecord], identity: Mapping[str, str], of: Sequence[Shares] | None = None) -> Summary:
    """Return all figures of a run. `of` are the records' shares, if known."""
    parts = shares_of(records) if of is None else of
    questions = [record for record in records if isinstance(record, Record)]
    counts = {
        "questions": len(questions),
        "unanswerable": sum(not record.answerable for record in questions),
        "failed": sum(bool(record.error) for record in questions),
        "claims": len(records) - len(questions),
    }

    def of_groups(found: Mapping[str, list[int]]) -> dict[str, dict[str, Figure]]:
        return {group: figures([records[row] for row in rows], [parts[row] for row in rows]) for group, rows in found.items()}

    by_kind = {group: {name: own[name] for name in BY_KIND if name in own} for group, own in of_groups(kinds(records)).items()}
    return Summary(dict(identity), counts, of_groups(groups(records)), {group: own for group, own in by_kind.items() if own})


# --- requirements ---------------------------------------------------------------------------------------------------------


class RequirementMissed(ShawahidError):
    """A figure does not meet a requirement."""

    exit_code = 9


@dataclass(frozen=True, slots=True)
class Requirement:
    """A bound on one figure of one group."""

    group: str
    measure: str
    bound: float
    at_most: bool

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Parse `right=0.8`, `ar-en:right>=0.6` or `wrongly_declined<=0.1`. Raises BadSetting.

        A bare `=` means "at least", or "at most" if lower is better.
        """
        match = re.fullmatch(r"(?:([\w.+-]+):)?([\w@.]+?)(<=|>=|=)(\d+(?:\.\d+)?)", text.replace(" ", ""))
        if match is None or match.group(2) not in MEASURES:
            raise BadSetting("error.requirement_form", text=text, names=", ".join(MEASURES))
        group, name, sign, bound = match.groups()
        at_most = sign == "<=" or (sign == "=" and MEASURES[name].lower)
        return cls(group or "all", name, float(bound), at_most)

    def figure(self, summary: Summary) -> Figure | None:
        """Return the figure it is about, None if there is none."""
        return {**summary.by_kind, **summary.figures}.get(self.group, {}).get(self.measure)

    def met(self, summary: Summary) -> bool:
        """Return whether the figure meets the bound; a missing figure does not."""
        figure = self.figure(summary)
        if figure is None or figure.value is None:
            return False
        return figure.value <= self.bound if self.at_most else figure.value >= self.bound

    def told(self, summary: Summary) -> str:
        """Return the bound and the figure in one line."""
        figure = self.figure(summary)
        value = rounded(figure.value if figure else None)
        return f"{self.group}:{self.measure} {'≤' if self.at_most else '≥'} {self.bound:g}: {value}"


def require(summary: Summary, requirements: Sequence[Requirement]) -> None:
    """Raise RequirementMissed, naming every requirement that is not met."""
    missed = [requirement.told(summary) for requirement in requirements if not requirement.met(summary)]
    if missed:
        raise RequirementMissed("error.requirement", missed="; ".join(missed))


# --- words for people -----------------------------------------------------------------------------------------------------


def cell(figure: Figure | None) -> str:
    """Return a figure as one cell: value and n, with the interval below."""
    if figure is None or figure.n == 0:
        return ""
    between = f"\n{rounded(figure.low, 2)}–{rounded(figure.high, 2)}" if figure.low is not None else ""
    return f"{rounded(figure.value)} ({figure.n}){between}"


def label(measure: str, language: str) -> str:
    """Return a measure's display name, with its unit and an arrow if lower is better."""
    unit = MEASURES[measure].unit
    return say(f"measure.{measure}", language) + (f" ({unit})" if unit else "") + (" ↓" if MEASURES[measure].lower else "")


def distinct(by_group: Mapping[str, Mapping[str, Figure]]) -> list[str]:
    """Return the groups worth a column: those that are not the same questions as an earlier one, as "ar" and "ar-ar" often are."""
    found: list[str] = []
    for group, own in by_group.items():
        if all(own != by_group[other] for other in found):
            found.append(group)
    return found


def by_section(summary: Summary, groups: Sequence[str]) -> dict[str, list[str]]:
    """Return the measures that any of the groups has a figure of, by their sections, in the order of `MEASURES`."""
    found: dict[str, list[str]] = {}
    for name, measure in MEASURES.items():
        if any(name in summary.figures[group] for group in groups):
            found.setdefault(measure.section, []).append(name)
    return found


def group_label(group: str, language: str) -> str:
    """Return a group's display name: "all" and kinds of blocks in words, the others by their code (ar, en-ar, the name of a set)."""
    if group == "all" or group.startswith("block."):
        return say(f"eval.{group}", language)
    return group.removeprefix("kind.")


def write_json(path: Path, summary: Summary) -> None:
    """Write all figures as JSON."""
    make_private(path.parent)
    path.write_text(json.dumps(summary.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
