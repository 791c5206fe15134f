"""The choice among the generators of this computer, and fetching one that is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag.errors import ModelMissing
from rag.library.generators import Generators, ModelsBusy, Task, chosen_generator, fetch_command, trial_command
from rag.library.generators import main as fetching
from rag.service.service import Service
from rag.testing import ScriptedGenerator
from tests.waiting import run_async, wait_until

WRITER = "qwen2.5-coder-1.5b-instruct-q4_k_m"


class Models:
    """Generators over a service whose fetch and trial are scripts: what they print, and then whether they wait until they are ended."""

    def __init__(self, folder: Path, script: str = "", index: Any = None, trial: str = "") -> None:
        self.service = Service.of(SimpleNamespace(generator=None, index=index, warm=lambda: None))  # type: ignore[arg-type]
        self.service.start()
        run_async(self.service.ready())
        self.opened: list[str] = []
        self.generators = Generators(
            self.service,
            self._open,
            wanted=WRITER,
            remembered=folder / "home" / "generator",
            command=lambda name, accepted: [sys.executable, "-c", script, name, str(accepted)],
            trial=lambda name: [sys.executable, "-c", trial, name],
        )

    def _open(self, base: Any, name: str) -> Any:
        self.opened.append(name)
        if name == "none":
            return SimpleNamespace(generator=None, index=base.index, warm=lambda: None)
        return SimpleNamespace(generator=ScriptedGenerator(name=name), index=base.index, warm=lambda: None)

    def end(self) -> Task:
        task = self.generators.task
        assert task is not None
        wait_until(lambda: task.state != "running")
        return task


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHAWAHID_MODELS", str(tmp_path / "models"))
    return tmp_path


def test_a_missing_generator_is_offered_fetched_used_and_remembered(no_models: Path) -> None:
    said = {"done": 5, "total": 9, "step": {"en": "downloading", "ar": "تنزيل"}}
    models = Models(no_models, f"print({json.dumps(said)!r})")
    offer = models.generators.offer()
    assert offer is not None
    assert (offer["name"], offer["status"], offer["bytes"], offer["used"]) == (WRITER, "missing", 1117320768, False)
    models.generators.fetch(WRITER, False)
    assert models.end().state == "done"
    assert models.opened == [WRITER]
    assert models.generators.offer() is None
    assert next(row["name"] for row in models.generators.rows() if row["used"]) == WRITER
    assert (no_models / "home" / "generator").read_text() == WRITER
    assert chosen_generator(no_models / "home" / "generator") == ""  # the double put nothing on the disk


def test_no_generator_is_a_choice_that_is_remembered(no_models: Path) -> None:
    models = Models(no_models)
    models.generators.use("none")
    assert models.end().state == "done"
    assert chosen_generator(no_models / "home" / "generator") == "none"
    with pytest.raises(ModelMissing):
        models.generators.use(WRITER)
    with pytest.raises(ModelMissing):
        models.generators.fetch("../../etc/passwd", True)


def test_a_fetch_that_fails_says_why_in_both_languages(no_models: Path) -> None:
    models = Models(no_models, 'print(\'{"error": {"key": "x", "en": "no", "ar": "لا"}}\'); raise SystemExit(1)')
    models.generators.fetch(WRITER, False)
    task = models.end()
    assert (task.state, task.error, models.opened) == ("error", {"key": "x", "en": "no", "ar": "لا"}, [])
    broken = Models(no_models, "raise OSError('the disk is on fire')")
    broken.generators.fetch(WRITER, False)
    error = broken.end().error
    assert error is not None
    assert "the disk is on fire" in error["ar"]


def test_a_fetch_is_ended_with_what_it_started(no_models: Path) -> None:
    # The process that is to be ended must be one that would not end by itself.
    sleeper = "import time; print(chr(123) + chr(125), flush=True); time.sleep(600)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeper!r}])"
    models = Models(no_models, script)
    assert models.generators.cancel() is False
    models.generators.fetch(WRITER, False)
    with pytest.raises(ModelsBusy) as caught:
        models.generators.use("none")
    assert WRITER in caught.value.text("ar")
    assert models.generators.cancel() is True
    task = models.end()
    assert (task.state, task.error, models.opened) == ("cancelled", None, [])
    assert task.process is not None
    assert task.process.poll() is not None


def test_the_process_that_fetches_tells_what_is_wrong(no_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetching(["gemma-3-4b-it-q4_k_m"]) == 1  # its terms were not accepted
    said = json.loads(capsys.readouterr().out)
    assert said["error"]["key"] == "models.consent"
    assert "Gemma" in said["error"]["ar"]
    assert fetch_command("m", True)[1:] == ["-m", "rag.library.generators", "m", "accepted"]


def a_trial(same: tuple[int, int] = (12, 12), into_ar: tuple[int, int] = (6, 2), into_en: tuple[int, int] = (3, 3)) -> dict[str, Any]:
    """What the process of a trial prints at its end: (tried, right) of each kind."""
    figures = {"same": same, "across": (12, 11), "into_ar": into_ar, "into_en": into_en}
    return {kind: {"tried": tried, "right": right} for kind, (tried, right) in figures.items()} | {"seconds": 2.5, "date": "2026-11-30"}


@pytest.fixture
def silma(no_models: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A generator that is on this computer and was not measured: its size is not pinned, so any file stands for it."""
    name = "silma-9b-instruct-q4_k_m"
    folder = no_models / "models" / name
    folder.mkdir(parents=True)
    (folder / "SILMA-9B-Instruct-v1.0.i1-Q4_K_M.gguf").write_bytes(b"GGUF")
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(no_models / "settings" / "calibration.toml"))
    return name


def row_of(models: Models, name: str) -> dict[str, Any]:
    return next(row for row in models.generators.rows() if row["name"] == name)


def test_a_trial_says_what_a_model_can_do_and_is_not_the_choice_of_it(no_models: Path, silma: str) -> None:
    said = [{"done": 1, "total": 36}, {"done": 33, "total": 36}, {"trial": a_trial()}]
    models = Models(no_models, trial=f"for line in {[json.dumps(each) for each in said]!r}: print(line)")
    before = row_of(models, silma)
    assert (before["trial"], before["minutes"], before["measured"]) == (None, 5, False)  # 5.8 GB: two minutes, and three to load it
    models.generators.try_out(silma)
    task = models.end()
    assert (task.state, task.doing, task.done, task.total, models.opened) == ("done", "try", 33, 36, [])
    # 12 + 11 + 2 + 3 right of 12 + 12 + 6 + 3; nine in ten of a kind are enough, and fewer than five tried say nothing
    assert row_of(models, silma)["trial"] == task.view()["trial"]
    assert task.view()["trial"] == {
        "right": 28,
        "tried": 33,
        "seconds": 2.5,
        "date": "2026-11-30",
        "can": ["same", "across"],
        "cannot": ["into_ar"],
        "unknown": ["into_en"],
    }


def test_the_model_in_use_does_what_its_trial_allows_from_then_on(no_models: Path, silma: str) -> None:
    models = Models(no_models, trial=f"print({json.dumps({'trial': a_trial()})!r})")
    models.generators.use(silma)
    assert models.end().state == "done"
    models.service.notices = (ModelMissing("models.untried", name=silma, command="…"),)
    models.generators.try_out(silma)
    assert models.end().state == "done"
    assert models.opened == [silma, silma]
    assert models.service.notices == ()


def test_a_trial_is_stopped_and_leaves_everything_as_it_was(no_models: Path, silma: str) -> None:
    models = Models(no_models, trial='import time; print(\'{"done": 1, "total": 36}\', flush=True); time.sleep(600)')
    models.generators.try_out(silma)
    with pytest.raises(ModelsBusy):
        models.generators.try_out(silma)
    task = models.generators.task
    assert task is not None
    wait_until(lambda: task.done == 1)
    assert models.generators.cancel() is True
    assert (models.end().state, task.error, models.opened) == ("cancelled", None, [])
    assert task.process is not None
    assert task.process.poll() is not None
    assert row_of(models, silma)["trial"] is None


def test_a_trial_that_fails_says_why_without_settings_and_paths(no_models: Path, silma: str) -> None:
    failed = {"key": "error.trial_not_kept", "fields": {"path": "/root/x.json", "reason": "disk full"}}
    models = Models(no_models, trial=f"print({json.dumps({'failed': failed})!r}); raise SystemExit(1)")
    models.generators.try_out(silma)
    task = models.end()
    assert task.state == "error"
    assert task.error == {
        "key": "error.trial_not_kept",
        "en": "The result of the trial could not be kept (disk full). Free some disk space, then try again.",
        "ar": "تعذّر حفظ نتيجة التجربة (disk full). أخلِ مساحة على القرص ثم أعد المحاولة.",
    }
    silent = Models(no_models, trial="raise SystemExit(3)")
    silent.generators.try_out(silma)
    error = silent.end().error
    assert error is not None
    assert "exit 3" in error["ar"]


def test_only_a_model_that_is_here_is_tried(no_models: Path) -> None:
    models = Models(no_models)
    for name in ("none", WRITER, "../../etc/passwd"):
        with pytest.raises(ModelMissing):
            models.generators.try_out(name)
    assert row_of(models, WRITER)["measured"] is True
    assert trial_command("m")[1:] == ["-m", "rag.evaluation.generator_trial", "m"]
