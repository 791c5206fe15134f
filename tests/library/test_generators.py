"""The choice among the generators of this computer, and fetching one that is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag.errors import ModelMissing
from rag.library.generators import Generators, ModelsBusy, Task, chosen_generator, fetch_command
from rag.library.generators import main as fetching
from rag.service.service import Service
from rag.testing import ScriptedGenerator
from tests.waiting import run_async, wait_until

WRITER = "qwen2.5-coder-1.5b-instruct-q4_k_m"


class Models:
    """Generators over an service whose fetch is a script: what it prints, and then whether it waits until it is ended."""

    def __init__(self, folder: Path, script: str = "", index: Any = None) -> None:
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
