"""The doctor: what it finds, in both languages, and the command it gives for what is missing."""

from __future__ import annotations

import io
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from rag.answering.generator_trials import Trial, TrialFigure, remember
from rag.cli import doctor
from rag.cli.doctor import Report, Standing
from rag.models import installed
from rag.models.catalogue import catalogue


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHAWAHID_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def light(empty: Path) -> Path:
    """The light embedder and the generator, as files of the right sizes."""
    for name in (installed.profile("light").embedder, installed.profile("light").generator):
        for file in installed.catalogue()[name].files:
            path = empty / name / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as out:
                out.truncate(file.bytes or 0)
    return empty


def shown(report: Report, language: str) -> str:
    text = io.StringIO()
    doctor.render(report, language, Console(file=text, width=200))
    return text.getvalue()


def line(report: Report, label: str) -> doctor.Check:
    return next(check for check in report.checks if check.label == label)


def test_missing_models_are_told_with_the_command_that_gets_them(empty: Path) -> None:
    report = doctor.examine()
    assert (report.ok, report.exit_code) == (False, 4)
    embedder = line(report, "doctor.embedder")
    assert (embedder.mark, embedder.command) == (Standing.MISSING, "python -m rag models get embeddinggemma-300m")
    assert "(1.3 GB)" in embedder.what_to_do("en")
    for language, title in (("en", "What to do"), ("ar", "ما الذي ينبغي فعله")):
        text = shown(report, language)
        assert title in text
        assert "python -m rag models get qwen2.5-coder-1.5b-instruct-q4_k_m" in text


def test_a_whole_light_profile_is_well(light: Path) -> None:
    report = doctor.examine(profile_name="light")
    assert (report.ok, report.exit_code) == (True, 0)
    assert "Everything needed is installed." in shown(report, "en")
    assert "كل ما يلزم مثبّت." in shown(report, "ar")
    assert line(report, "doctor.embedder").value == "multilingual-e5-small (0.5 GB)"


def test_a_truncated_and_a_half_fetched_model_are_told_apart(light: Path) -> None:
    (light / "multilingual-e5-small" / "tokenizer.json").write_bytes(b"{}")
    work = light / ".partial" / "embeddinggemma-300m" / "pieces"
    work.mkdir(parents=True)
    (work / "joined").write_bytes(bytes(1000))
    states = {each.entry.name: (each.status, each.bytes) for each in doctor.model_lines()}
    assert states["multilingual-e5-small"][0] == "corrupt"
    assert states["embeddinggemma-300m"] == ("partial", 1000)
    assert states["qwen3-embedding-0.6b"] == ("missing", 0)
    assert "is damaged" in line(doctor.examine(profile_name="light"), "doctor.embedder").what_to_do("en")
    assert "منزّل جزئيًا" in line(doctor.examine(), "doctor.embedder").what_to_do("ar")


def test_a_missing_package_is_told(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "llama-cpp-python":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    report = doctor.examine(profile_name="light")
    told = [check.what_to_do("en") for check in report.checks if check.mark is Standing.MISSING]
    assert len(told) == 2
    assert told[0] == "The package llama-cpp-python is not installed: make run"
    assert "no C++ compiler" in told[1]


def test_no_compiler_is_no_harm_once_the_engine_is_installed(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(metadata, "version", lambda name: "1.0")
    report = doctor.examine(profile_name="light")
    assert report.ok
    assert line(report, "doctor.compiler").mark is Standing.NOTE


def test_too_little_room_for_what_is_missing(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000_000))
    disk = line(doctor.examine(), "doctor.disk")  # 1.1 GB, 1.3 GB and 0.3 GB are missing
    assert disk.mark is Standing.MISSING
    assert "need 2.4 GB, and 2.0 GB are free" in disk.what_to_do("en")
    assert line(doctor.examine(profile_name="light"), "doctor.disk").mark is Standing.FINE


def test_little_memory_is_a_note_for_the_default_profile_only(light: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "memory", lambda: (1_000_000_000, 4_000_000_000))
    memory = line(doctor.examine(), "doctor.memory")
    assert (memory.mark, memory.value) == (Standing.NOTE, "1.0 GB / 4.0 GB")
    assert "make run SHAWAHID_PROFILE=light" in memory.what_to_do("ar")
    assert line(doctor.examine(profile_name="light"), "doctor.memory").mark is Standing.FINE


def test_an_index_that_is_not_there_or_is_damaged(light: Path, tmp_path: Path) -> None:
    absent = line(doctor.examine(profile_name="light", index=tmp_path / "فهرس"), "doctor.index")
    assert (absent.mark, absent.command) == (Standing.MISSING, "python -m rag build seeds")
    assert "فهرس" in absent.what_to_do("ar")
    (tmp_path / "corpus.sqlite").write_bytes(b"this is no database" * 100)
    damaged = line(doctor.examine(profile_name="light", index=tmp_path), "doctor.index")
    assert (damaged.mark, damaged.advice) == (Standing.MISSING, "doctor.bad_index")


def test_a_model_at_a_path_of_the_users_own(light: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF....")
    report = doctor.examine(profile_name="light", generator=str(own))
    assert report.ok
    assert line(report, "doctor.generator").value == str(own)
    assert not doctor.examine(profile_name="light", generator=str(tmp_path / "none.gguf")).ok


def test_the_reader_of_the_embedder_is_named_and_a_damaged_one_too(light: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert line(doctor.examine(profile_name="light"), "doctor.reader").value.startswith("reader.light.safetensors (")
    assert line(doctor.examine(), "doctor.reader").value.startswith("reader.default.safetensors (")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "modules.json").write_text("[]")
    own = line(doctor.examine(profile_name="light", embedder=str(tmp_path / "own")), "doctor.reader")
    assert own.mark is Standing.FINE
    assert "by search alone" in own.found("en")
    assert "بالبحث وحده" in own.found("ar")
    path = tmp_path / "reader.safetensors"
    monkeypatch.setattr(doctor, "shipped", lambda embedder: path)
    for state, told in (("missing", "is missing"), ("damaged", "is damaged")):
        if state == "damaged":
            path.write_bytes(b"cut")
            path.with_suffix(".toml").write_text('sha256 = "0"\n')
        report = doctor.examine(profile_name="light")
        check = line(report, "doctor.reader")
        assert (report.ok, check.mark) == (False, Standing.MISSING)
        assert told in check.what_to_do("en")
        for language in ("en", "ar"):
            assert "pip install --force-reinstall ." in check.what_to_do(language)


def test_a_generator_on_another_machine_is_named_and_not_asked(light: Path) -> None:
    report = doctor.examine(profile_name="light", generator="http://user:hush@10.0.0.9:8000/v1#m")
    generator = line(report, "doctor.generator")
    assert (generator.mark, generator.value) == (Standing.FINE, "10.0.0.9:8000/v1#m")
    assert report.ok


def test_the_list_of_models_names_all_with_state_size_and_licence(light: Path) -> None:
    for language, state in (("en", "present"), ("ar", "موجود")):
        text = io.StringIO()
        doctor.render_models(doctor.model_lines(installed.profile("light")), language, Console(file=text, width=220))
        rows = [row for row in text.getvalue().splitlines() if "multilingual-e5-small *" in row]
        assert len(rows) == 1
        assert all(part in rows[0] for part in (state, "0.5 GB", "MIT"))
        assert all(name in text.getvalue() for name in installed.catalogue())


@pytest.mark.parametrize(("count", "text"), [(0, "0 MB"), (4_400_000, "4 MB"), (100_000_000, "0.1 GB"), (1_117_320_768, "1.1 GB")])
def test_sizes_are_readable(count: int, text: str) -> None:
    assert doctor.gigabytes(count) == text


def test_what_the_generator_may_do_and_which_one_memory_is_enough_for(light: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(tmp_path / "calibration.toml"))
    monkeypatch.setattr(doctor, "total_memory", lambda: 16 * 2**30)
    monkeypatch.setattr(doctor, "advised", lambda: catalogue()["gemma-4-e4b-it-q4_k_m"])
    report = doctor.examine(profile_name="light", generator="qwen3-4b-q4_k_m")
    assert "shawahid models try qwen3-4b-q4_k_m" in shown(report, "en")
    assert "فلا يكتب شيئًا" in shown(report, "ar")
    assert "gemma-4-e4b-it-q4_k_m (5.0 GB, Apache-2.0): the strongest of the catalogue for 17.2 GB of memory" in shown(report, "en")
    remember(Trial("qwen3-4b-q4_k_m", same=TrialFigure(12, 12), date="2026-11-29"))
    assert "write answers (tried here on 2026-11-29)" in shown(doctor.examine(profile_name="light", generator="qwen3-4b-q4_k_m"), "en")
