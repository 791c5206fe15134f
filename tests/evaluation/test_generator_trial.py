"""The trial of a generator: what counts as right, what follows from it, and who asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from rag.answering.confidence import Calibration
from rag.answering.generator_trials import Trial, TrialFigure, remember, trial_of, trials_file, tried
from rag.config import Settings
from rag.errors import ModelMissing
from rag.evaluation.generator_trial import TrialTask, has_terms, states, tasks, try_generator
from rag.factory import open_generator, open_translator
from rag.models.generator import Generation, Generator
from rag.testing import ScriptedGenerator
from tests.tiny import write_tiny_model

SOURCE = "The bridge was opened in 1987 by Clara Voss. It cost 32 million crowns. When was it opened?"
MUSEUM = "أغلق المتحف أبوابه يوم الأحد. وثمن التذكرة 15 درهمًا. ما ثمن التذكرة؟"


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(tmp_path / "settings" / "calibration.toml"))


@pytest.mark.parametrize(
    ("text", "accepted", "evidence", "language", "right"),
    [
        ("The bridge was opened in 1987.", ["1987"], SOURCE, "en", True),
        ("The bridge was opened in 1978.", ["1987"], SOURCE, "en", False),  # another value
        ("It was opened in 1987, at a cost of 35 million crowns.", ["1987"], SOURCE, "en", False),  # a second one is wrong
        ("Peter Falk opened the bridge in 1987.", ["1987"], SOURCE, "en", False),  # a name that the source lacks
        ("افتُتح الجسر عام 1987.", ["1987"], SOURCE, "ar", True),
        ("The bridge was opened in 1987.", ["1987"], SOURCE, "ar", False),  # the wrong language
        ("ثمن التذكرة 15 درهمًا.", ["15 درهم"], MUSEUM, "ar", True),
        ("ثمن التذكرة 50 درهمًا.", ["15 درهم"], MUSEUM, "ar", False),
        ("A ticket costs 15 dirhams.", ["15 dirham"], MUSEUM, "en", True),
        ("", ["1987"], SOURCE, "en", False),
    ],
)
def test_a_right_answer(text: str, accepted: list[str], evidence: str, language: str, right: bool) -> None:
    assert states(text, accepted, evidence, language) is right


def test_the_terms_of_a_translation() -> None:
    assert has_terms("The museum was closed on Sunday.", [["museum"], ["close", "shut"]])
    assert not has_terms("The museum was open.", [["museum"], ["close", "shut"]])
    assert has_terms("أُغلق المَتحَف", [["متحف"], ["اغلق"]])  # vowels do not matter


def test_the_tasks_are_spread_over_kinds_and_languages() -> None:
    kinds = [task.kind for task in tasks()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"same": 12, "across": 12, "into_ar": 6, "into_en": 6}
    assert set(kinds[:6]) == {"same", "across", "into_ar", "into_en"}
    assert all(task.language in ("ar", "en") for task in tasks())
    assert not any(task.right("") for task in tasks())


def made(*kinds: str) -> list[TrialTask]:
    """Sentences of which "yes" is right."""
    return [
        TrialTask(kind, "en", ({"role": "user", "content": f"{kind} {number}"},), lambda text: text == "yes")  # type: ignore[arg-type]
        for number, kind in enumerate(kinds)
    ]


def test_what_is_right_is_counted_and_decides() -> None:
    wanted = made(*["same"] * 10, *["across"] * 10, *["into_ar"] * 4)
    generator = ScriptedGenerator(lambda messages: "no" if messages[-1]["content"] in ("same 0", "across 10", "across 11") else "yes")
    done: list[tuple[int, int]] = []
    trial = try_generator(generator, wanted=wanted, progress=lambda *step: done.append(step))
    assert (trial.same, trial.across, trial.into_ar, trial.into_en) == (
        TrialFigure(10, 9),
        TrialFigure(10, 8),
        TrialFigure(4, 4),
        TrialFigure(0, 0),
    )
    assert (trial.same.passed, trial.across.passed) == (True, False)
    assert not trial.into_ar.decided  # four are too few, however right
    assert trial.translates == frozenset()
    assert done[-1] == (24, 24)


def test_the_time_limit_is_kept() -> None:
    slow = ScriptedGenerator("yes yes", delay=0.15)
    trial = try_generator(slow, wanted=made(*["same"] * 50), seconds=0.7)
    assert 0 < trial.same.tried < 5
    assert trial.seconds > 0


def passed(name: str = "a model", **figures: TrialFigure) -> Trial:
    return replace(Trial(name, date="2026-11-29"), **figures)  # type: ignore[arg-type]


def test_an_untried_generator_writes_nothing_and_a_tried_one_what_it_passed() -> None:
    untried = Calibration.of("unknown", "a model")
    assert (untried.manner_same, untried.manner_across) == ("quote", "quote")
    remember(passed(same=TrialFigure(12, 12), across=TrialFigure(12, 7)))
    known = Calibration.of("unknown", "a model")
    assert (known.manner_same, known.manner_across, known.prompted) == ("write", "quote", 3)
    remember(passed("another"))
    assert tried("a model") == passed(same=TrialFigure(12, 12), across=TrialFigure(12, 7))
    own = Calibration.of("unknown", "a third", own=True)
    assert (own.manner_same, own.manner_across) == ("write", "write")  # one that a program brings itself


def test_what_was_measured_on_more_questions_counts() -> None:
    name = "qwen2.5-coder-1.5b-instruct-q4_k_m"
    remember(passed(name, same=TrialFigure(12, 12), across=TrialFigure(12, 12)))
    assert Calibration.of("unknown", name).manner_same == "quote"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a model": {"same": 1}}', '{"a model": {}}', '{"a model": 3}'])
def test_a_damaged_file_is_no_trial(damage: str) -> None:
    trials_file().parent.mkdir(parents=True)
    trials_file().write_text(damage)
    assert tried("a model") is None
    remember(passed(same=TrialFigure(5, 5)))
    assert Calibration.of("unknown", "a model").manner_same == "write"


class _Named:
    """A generator of that name."""

    name, context = "a model", 4096
    prepare: Callable[..., None]

    def stream(self, *arguments: object, **options: object) -> Generation:
        return ScriptedGenerator("نعم").stream(({"role": "user", "content": "?"},))


def test_a_generator_translates_into_the_languages_it_passed() -> None:
    generator: Generator = _Named()  # type: ignore[assignment]
    assert open_translator(Settings(), generator) == (None, None)
    remember(passed(into_ar=TrialFigure(6, 6), into_en=TrialFigure(6, 2)))
    translator, notice = open_translator(Settings(), generator)
    assert translator is not None
    assert notice is None
    assert translator.translate(["Yes."], "en", "ar") == ["نعم"]
    assert translator.translate(["لا."], "ar", "en") == [""]
    assert open_translator(Settings(translator="none"), generator) == (None, None)


def test_one_that_was_asked_for_although_it_failed_is_used_with_a_notice() -> None:
    generator: Generator = _Named()  # type: ignore[assignment]
    remember(passed(into_ar=TrialFigure(6, 1), into_en=TrialFigure(6, 2)))
    translator, notice = open_translator(Settings(translator="generator"), generator)
    assert translator is not None
    assert notice is not None
    assert "a model" in notice.text("ar")


def test_a_model_file_is_tried_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from rag.cli.models import models_try
    from rag.evaluation import generator_trial

    monkeypatch.setenv("SHAWAHID_THREADS", "1")
    monkeypatch.setattr("rag.cli.models.out", Console(width=250, soft_wrap=True))
    monkeypatch.setattr(generator_trial, "_LONGEST", 5)
    monkeypatch.setattr(generator_trial, "tasks", lambda: tuple(made(*["same"] * 5)))
    path = write_tiny_model(tmp_path / "tiny.gguf")
    models_try(str(path), 1.0, True)
    told = json.loads(capsys.readouterr().out)
    assert told["same"] == {"tried": 5, "right": 0}
    assert (told["writes"], told["translates"]) == ([], [])
    generator, _ = open_generator(Settings(generator=str(path)))
    assert generator is not None
    assert tried(generator.name) is not None
    for language, word in (("en", "does not do this: fewer than 0.90 are right"), ("ar", "لا يؤدي هذا: الصحيح أقل من 0.90")):
        monkeypatch.setenv("SHAWAHID_LANGUAGE", language)
        models_try(str(path), 1.0, False)
        assert word in capsys.readouterr().out.replace("\n", " ")


def test_the_process_of_a_trial_tells_its_progress_and_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from rag.evaluation import generator_trial

    monkeypatch.setenv("SHAWAHID_THREADS", "1")
    monkeypatch.setattr(generator_trial, "_LONGEST", 5)
    monkeypatch.setattr(generator_trial, "_give_way", lambda: None)  # these tests have a process to themselves
    monkeypatch.setattr(generator_trial, "tasks", lambda: tuple(made(*["same"] * 2)))
    path = str(write_tiny_model(tmp_path / "tiny.gguf"))
    assert generator_trial.main([path]) == 0
    *progress, result = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert progress == [{"done": 1, "total": 2}, {"done": 2, "total": 2}]
    assert result["trial"]["same"] == {"tried": 2, "right": 0}
    generator, _ = open_generator(Settings(generator=path))
    assert generator is not None
    assert tried(generator.name) == trial_of(generator.name, result["trial"])
    assert generator_trial.main(["no such model"]) == 1
    failed = json.loads(capsys.readouterr().out)["failed"]
    assert ModelMissing(failed["key"], **failed["fields"]).text("ar")


def test_the_process_of_a_trial_lets_others_go_first() -> None:
    import subprocess
    import sys

    script = "import os; from rag.evaluation.generator_trial import _give_way; _give_way(); print(os.nice(0))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, start_new_session=True)
    assert int(run.stdout) >= 10


def test_an_untried_generator_is_opened_with_a_notice(tmp_path: Path) -> None:
    from rag.factory import _untried

    generator, _ = open_generator(Settings(generator=str(write_tiny_model(tmp_path / "tiny.gguf"))))
    assert generator is not None
    notice = _untried(generator)
    assert notice is not None
    assert "shawahid models try" in notice.text("en")
    assert "فالأجوبة اقتباسات" in notice.text("ar")
    remember(passed(generator.name))
    assert _untried(generator) is None
    assert _untried(None) is None
