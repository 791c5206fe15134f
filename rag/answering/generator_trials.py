"""What generators were found able to do on this machine (`shawahid models try`), kept next to the values fitted here.

A generator that was neither measured by us nor tried here only helps with quotations: it writes and translates nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.answering.fitted_here import user_file
from rag.files import make_private, write_atomically

KINDS = ("same", "across", "into_ar", "into_en")
"""What is tried: answers in the language of the source and in the other, translations into Arabic and into English."""
LEAST_RIGHT = 0.9
"""The share of the sentences of a kind that must be right for a generator to be trusted with that kind."""
LEAST_TRIED = 5
"""The number of sentences of a kind below which nothing is decided."""


@dataclass(frozen=True, slots=True)
class TrialFigure:
    """How many sentences of one kind were written in time, and how many of them were right."""

    tried: int = 0
    right: int = 0

    @property
    def decided(self) -> bool:
        """Whether there were enough of them."""
        return self.tried >= LEAST_TRIED

    @property
    def passed(self) -> bool:
        """Whether the generator is trusted with this kind."""
        return self.decided and self.right >= LEAST_RIGHT * self.tried


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a trial: `same` and `across` are answers to questions in the language of the source and in the other, `into_ar` and
    `into_en` translations; `seconds` is the median time of a sentence."""

    name: str
    same: TrialFigure = TrialFigure()
    across: TrialFigure = TrialFigure()
    into_ar: TrialFigure = TrialFigure()
    into_en: TrialFigure = TrialFigure()
    seconds: float = 0.0
    date: str = ""

    @property
    def translates(self) -> frozenset[str]:
        """The languages that the generator may translate into."""
        return frozenset(language for language, figure in (("ar", self.into_ar), ("en", self.into_en)) if figure.passed)


def trials_file() -> Path:
    """Return the file of all trials: next to that of the values fitted on this machine."""
    return user_file().with_name("generators.json")


def tried(name: str) -> Trial | None:
    """Return the trial of a generator on this machine; None if it was not tried, or the file is damaged."""
    return trial_of(name, _read().get(name))


def trial_of(name: str, record: Mapping[str, Any] | None) -> Trial | None:
    """Return the trial that `dataclasses.asdict` made a record of; None without one, or if it is damaged."""
    try:
        figures = {kind: TrialFigure(**record[kind]) for kind in KINDS} if record else None
        return Trial(name, **figures, seconds=float(record["seconds"]), date=str(record["date"])) if record and figures else None
    except (TypeError, KeyError, ValueError):
        return None


def remember(trial: Trial) -> Path:
    """Keep a trial in place of an earlier one of the same generator; return the file. Raises OSError."""
    path = trials_file()
    make_private(path.parent)
    record = asdict(trial)
    kept = {**_read(), record.pop("name"): record}
    with write_atomically(path) as partial:
        partial.write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _read() -> Mapping[str, dict[str, Any]]:
    try:
        found = json.loads(trials_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
