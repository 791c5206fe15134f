"""Try a generator on this machine: a few dozen sentences about made-up facts, judged by rule, within a time limit.

This is a sieve, not a measure of quality: it holds back a generator that gets facts wrong that stand before its eyes. One that passes is
trusted to write, and every sentence it writes is still compared with the documents and marked as unverified.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from rag.answering.confidence import is_measured
from rag.answering.generator_trials import Trial, TrialFigure, remember, trials_file
from rag.answering.prompts import template, translation_prompt
from rag.answering.translation import is_shown
from rag.config import Settings
from rag.errors import DiskFailed, ModelMissing, ShawahidError
from rag.factory import open_generator
from rag.models.generator import Generator
from rag.schema import Message
from rag.text.folding import fold
from rag.text.language import script
from rag.text.names import unmatched_names
from rag.text.numbers import contradicts_values

TrialKind = Literal["same", "across", "into_ar", "into_en"]
SECONDS = 120.0
"""How long a generator writes, if nothing else is said."""
_LONGEST = 120
"""The token limit of a sentence: one that is longer says more than it was asked."""


@dataclass(frozen=True, slots=True)
class TrialTask:
    """One sentence to write in a language: `messages` is the prompt, `right` judges what is written."""

    kind: TrialKind
    language: str
    messages: tuple[Message, ...]
    right: Callable[[str], bool]


@cache
def tasks() -> tuple[TrialTask, ...]:
    """Return the sentences to write, those of each kind spread evenly, so that a trial that ends early has tried all kinds."""
    path = resources.files("rag.evaluation").joinpath("generator_trial.toml")
    cases = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    arabic = [case for case in cases if script(case["sources"][0]) == "ar"]
    english = [case for case in cases if script(case["sources"][0]) == "en"]
    found: list[TrialTask] = []
    for pair in zip(english, arabic, strict=True):
        for case in pair:
            own = script(case["sources"][0])
            other = "en" if own == "ar" else "ar"
            found += [_answer(case, own, "same"), _answer(case, other, "across"), _translation(case, other)]
    return tuple(found)


def _answer(case: dict[str, object], language: str, kind: TrialKind) -> TrialTask:
    sources, accepted, question = case["sources"], case["answer"], case["question"]
    assert isinstance(sources, list)
    assert isinstance(accepted, dict)
    assert isinstance(question, dict)
    listed = "\n".join(f"[{number}] {source}" for number, source in enumerate(sources, start=1))
    messages = template("answer", language).fill(evidence=listed, question=question[language])
    around = f"{' '.join(sources)} {question[language]}"
    return TrialTask(kind, language, messages, lambda text: states(text, accepted[language], around, language))


def _translation(case: dict[str, object], language: str) -> TrialTask:
    sources, terms = case["sources"], case["terms"]
    assert isinstance(sources, list)
    assert isinstance(terms, list)
    kind: TrialKind = "into_ar" if language == "ar" else "into_en"
    messages = translation_prompt(sources[0], language)
    return TrialTask(kind, language, messages, lambda text: is_shown(sources[0], text, language) and has_terms(text, terms))


def states(text: str, accepted: Sequence[str], evidence: str, language: str) -> bool:
    """Return whether a sentence in a language states one of the accepted answers, and no number or name that the evidence lacks."""
    folded = fold(text)
    return (
        script(text) == language
        and any(fold(answer) in folded for answer in accepted)
        and not contradicts_values(text, evidence)
        and not unmatched_names(text, evidence)
    )


def has_terms(text: str, terms: Sequence[Sequence[str]]) -> bool:
    """Return whether a text has a word of each group."""
    folded = fold(text)
    return all(any(fold(term) in folded for term in group) for group in terms)


def try_generator(
    generator: Generator,
    *,
    seconds: float = SECONDS,
    wanted: Sequence[TrialTask] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Trial:
    """Return how many sentences of each kind a generator writes right within the time. Raises what the generator raises.

    A sentence that is not complete when the time is over is not counted. The model is loaded before the time begins.
    """
    wanted = tasks() if wanted is None else wanted
    halt = stop or threading.Event()
    if wanted:
        _write(generator, wanted[0], halt, most=1)  # loads the model and reads what the prompts have in common
    timer = threading.Timer(seconds, halt.set)
    timer.daemon = True
    timer.start()
    counts: dict[TrialKind, list[int]] = {"same": [0, 0], "across": [0, 0], "into_ar": [0, 0], "into_en": [0, 0]}
    took: list[float] = []
    try:
        for done, (task, text, spent) in enumerate(_written(generator, wanted, halt), start=1):
            counts[task.kind][0] += 1
            counts[task.kind][1] += task.right(text)
            took.append(spent)
            progress(done, len(wanted))
    finally:
        timer.cancel()
    figures = {kind: TrialFigure(*count) for kind, count in counts.items()}
    median = round(statistics.median(took), 1) if took else 0.0
    return Trial(generator.name, **figures, seconds=median, date=time.strftime("%Y-%m-%d"))


def _written(generator: Generator, wanted: Sequence[TrialTask], halt: threading.Event) -> Iterator[tuple[TrialTask, str, float]]:
    for task in wanted:
        started = time.perf_counter()
        text = _write(generator, task, halt)
        if halt.is_set():
            return
        yield task, text, time.perf_counter() - started


def _write(generator: Generator, task: TrialTask, halt: threading.Event, most: int = _LONGEST) -> str:
    generation = generator.stream(task.messages, max_tokens=most, language=task.language, stop=halt)
    try:
        return " ".join("".join(generation).split())
    finally:
        generation.close()


def keep(trial: Trial) -> Path | None:
    """Keep a trial, and return the file; None for a generator that was measured, which counts more. Raises DiskFailed."""
    if is_measured(trial.name):
        return None
    try:
        return remember(trial)
    except OSError as error:
        raise DiskFailed("error.trial_not_kept", path=trials_file(), reason=error) from error


def main(arguments: Sequence[str]) -> int:
    """Try the generator NAME as a process of its own that lets others go first; progress, result and errors are printed as JSON lines."""

    def tell(**said: object) -> None:
        print(json.dumps(said, ensure_ascii=True), flush=True)

    _give_way()
    try:
        generator, missing = open_generator(replace(Settings.load(), generator=arguments[0]))
        if generator is None:
            raise missing or ModelMissing("models.none_to_try", name=arguments[0])
        trial = try_generator(generator, progress=lambda done, total: tell(done=done, total=total))
        keep(trial)
    except ShawahidError as error:
        tell(failed={"key": error.key, "fields": {name: str(value) for name, value in error.fields.items()}})
        return 1
    tell(trial=asdict(trial))
    return 0


def _give_way() -> None:
    """Let every other process of this computer go first."""
    if hasattr(os, "nice"):
        os.nice(10)
    # Linux shares its time among sessions before it looks at their processes, and this one may be a session of its own.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("10", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
