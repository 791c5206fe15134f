"""The set-up: what is promised in pyproject.toml, the locks, the Makefile and tools/setup.py."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

EXTRAS = PROJECT["optional-dependencies"]
INSTALLED = ("models", "generator", "window", "eval")
RUNTIME = [*PROJECT["dependencies"], *(line for name in INSTALLED for line in EXTRAS[name])]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(name: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def names(requirements: list[str]) -> set[str]:
    return {re.sub(r"[-_.]+", "-", re.split(r"[<>=!~\[ ]", each)[0]).lower() for each in requirements}


# --- what is declared ----------------------------------------------------------------------------------------------------


def test_every_dependency_says_in_one_line_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in [*RUNTIME, *PROJECT["optional-dependencies"]["dev"]]:
        assert re.search(rf'"{re.escape(requirement)}", +# \w+', text), requirement


def test_the_locks_hold_every_dependency_at_one_exact_version() -> None:
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert names(RUNTIME) <= set(run)
    others = [line for name, lines in EXTRAS.items() if name not in ("all", "app", *INSTALLED) for line in lines]
    assert names(others) <= set(dev)
    assert not set(run) & set(dev)
    assert (run["torch"], run["llama-cpp-python"]) == ("2.13.0", "0.3.36")
    assert not [name for name in run if name.startswith("nvidia")]
    build = pins("tools/build.lock")
    assert {"cmake", "ninja", "scikit-build-core", "hatchling"} <= set(build)
    assert all({**run, **dev}.get(name, version) == version for name, version in build.items())


def test_the_lock_with_hashes_holds_what_everybody_gets_from_the_same_place() -> None:
    text = (ROOT / "requirements.hashes.lock").read_text(encoding="utf-8")
    hashed = dict(re.findall(r"^([\w.-]+)==(\S+) \\$", text, re.M))
    assert hashed == {name: version for name, version in pins("requirements.lock").items() if name not in ("torch", "llama-cpp-python")}
    entries = re.split(r"\n(?=[\w.-]+==)", text)[1:]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert len(entries) == len(hashed)


def test_the_lock_agrees_with_what_is_declared() -> None:
    from packaging.requirements import Requirement

    run = pins("requirements.lock")
    for requirement in map(Requirement, RUNTIME):
        assert requirement.specifier.contains(run[re.sub(r"[-_.]+", "-", requirement.name).lower()]), requirement


@pytest.mark.parametrize(
    ("name", "version", "line"),
    [("torch", "2.13.0+cpu", "torch==2.13.0"), ("Huggingface_Hub", "2.4.0", "huggingface-hub==2.4.0")],
)
def test_a_lock_line_leaves_out_an_indexs_own_build_name(name: str, version: str, line: str) -> None:
    assert tool("lock").pin(name, version) == line


def test_the_integration_command_is_the_documented_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")
    subprocess.run(["sh", "-n", str(script)], check=True)


@pytest.mark.parametrize("target", ["run", "test", "check", "eval", "bench", "clean"])
def test_make_knows_its_targets(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_installed_wheel_has_the_prompts_and_all_data_files(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed; make test installs it")
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for name in ("rag", "prompts"):
        for path in (p for p in (ROOT / name).rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (tmp_path / "prompts").mkdir(exist_ok=True)
    (tmp_path / "prompts" / "اختبار.txt").write_text("نص", encoding="utf-8")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    held = set(zipfile.ZipFile(next((tmp_path / "out").glob("*.whl"))).namelist())
    data = {p.relative_to(ROOT).as_posix() for p in (ROOT / "rag").rglob("*") if p.suffix in {".py", ".toml", ".css", ".js", ".woff2"}}
    assert data | {"rag/prompts/اختبار.txt", "rag/py.typed"} <= held
    assert not [name for name in held if name.startswith(("prompts/", "tests/"))]


def test_the_source_archive_holds_what_the_documentation_and_the_tests_need(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed; make test installs it")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames()}
    folders = ["docs", "seeds", "prompts", "rag", "bench", "tools", "tests"]
    kept = {
        p.relative_to(ROOT).as_posix() for name in folders for p in (ROOT / name).rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    assert kept <= held
    assert {"README.md", "CHANGELOG.md", "LICENSE", "index/README.md", "app.py", "Makefile", "requirements.lock", ".ci/run"} <= held
    assert not [name for name in held if name.startswith("index/") and name != "index/README.md"]


def test_the_project_names_addresses_without_inventing_any() -> None:
    assert PROJECT["urls"]
    assert all(address.startswith("https://") for address in PROJECT["urls"].values())


# --- tools/setup.py ------------------------------------------------------------------------------------------------------


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The set-up in an empty clone: nothing is installed, commands are only noted."""
    module = tool("setup")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "WORK", tmp_path / ".venv" / "engine")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml", "tools/build.lock"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    module.commands = []
    monkeypatch.setattr(module, "run", lambda *command, quiet=False: module.commands.append([str(part) for part in command]))
    return module


def test_a_half_made_environment_is_made_anew_and_a_whole_one_is_kept(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(*command: object, quiet: bool = False) -> None:
        setup.commands.append(command)
        setup.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        setup.PYTHON.write_text("#!/bin/sh\nexit 0\n")
        setup.PYTHON.chmod(0o755)

    monkeypatch.setattr(setup, "run", make)
    (setup.VENV / "lib").mkdir(parents=True)  # what an interrupted `python -m venv` leaves
    setup.make_venv()
    assert len(setup.commands) == 1
    assert not (setup.VENV / "lib").exists()
    setup.make_venv()
    assert len(setup.commands) == 1
    setup.PYTHON.write_text("#!/bin/sh\nexit 1\n")  # its pip is broken
    setup.make_venv()
    assert len(setup.commands) == 2


def test_packages_are_installed_once_per_lock_and_the_engine_comes_from_the_cache(setup: ModuleType) -> None:
    engine = "llama-cpp-python==0.3.36"
    wheel = setup.wheel_cache(engine) / "llama_cpp_python-0.3.36-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"")
    setup.VENV.mkdir()
    setup.install([])
    installed = [" ".join(command) for command in setup.commands]
    assert sum("torch==2.13.0" in command for command in installed) == 1
    assert not any(engine in command for command in installed)
    assert any(str(wheel) in command for command in installed)
    assert sum("fetch_models.py" in command for command in installed) == 1
    setup.commands.clear()
    setup.install([])
    assert [command[1].rsplit("/", 1)[1] for command in setup.commands] == ["fetch_models.py"]
    setup.commands.clear()
    with (setup.ROOT / "requirements.lock").open("a") as lock:
        lock.write("another==1.0\n")
    setup.install([])
    assert any("another==1.0" in command for command in setup.commands)


def test_the_checks_need_no_engine_and_no_models(setup: ModuleType) -> None:
    setup.VENV.mkdir()
    setup.install_for_checks()
    words = [word for command in setup.commands for word in command]
    assert "torch==2.13.0" in words
    assert not [word for word in words if "llama-cpp-python" in word or "fetch_models" in word]
    setup.commands.clear()
    setup.install_for_checks()
    assert setup.commands == []
    assert not (setup.VENV / "shawahid-installed").exists()  # make run still has the engine to install


def test_an_interrupted_install_is_not_taken_for_a_whole_one(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = setup.wheel_cache("llama-cpp-python==0.3.36") / "llama_cpp_python-0.3.36-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"")
    setup.VENV.mkdir()
    monkeypatch.setattr(setup, "fetch_models", lambda also: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        setup.install([])
    assert not (setup.VENV / "shawahid-installed").exists()


def test_hashes_are_required_of_the_packages_that_have_them(setup: ModuleType) -> None:
    (setup.ROOT / "requirements.hashes.lock").write_bytes((ROOT / "requirements.hashes.lock").read_bytes())
    setup.VENV.mkdir()
    setup.install_for_checks()
    *_, first, second, _ = [command for command in setup.commands if "install" in command]
    assert [word for word in first if "==" in word] == ["torch==2.13.0"]
    assert second[-2:] == ["-r", str(setup.ROOT / "requirements.hashes.lock")]
    assert "--require-hashes" in second


def test_the_torch_index_is_asked_for_torch_alone(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = setup.wheel_cache("llama-cpp-python==0.3.36") / "llama_cpp_python-0.3.36-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    wheel.write_bytes(b"")
    setup.VENV.mkdir()
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/cpu")
    setup.install([])
    (asked,) = [command for command in setup.commands if "--index-url" in command]
    assert asked[-3:] == ["torch==2.13.0", "--index-url", "https://example.org/cpu"]


def test_no_compiler_is_said_before_anything_is_downloaded(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(setup.Failed, match=r"apt-get install g\+\+"):
        setup.Compile("llama-cpp-python==0.3.36")
    assert setup.commands == []


def test_the_compiled_engine_is_kept_per_version_and_processor(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {setup.wheel_cache("llama-cpp-python==0.3.36"), setup.wheel_cache("llama-cpp-python==0.3.37")}
    monkeypatch.setattr(setup, "cpu", lambda: "flags : another processor")
    places.add(setup.wheel_cache("llama-cpp-python==0.3.36"))
    assert len(places) == 3
    assert setup.cached_engine("llama-cpp-python==0.3.36") is None


def test_the_engine_is_compiled_without_the_kernels_that_die_of_an_illegal_instruction(setup: ModuleType) -> None:
    """A virtual machine may report AMX and still refuse its instructions; the macros by which a compiler offers it are taken away."""
    options = Path(setup.__file__).with_name("engine-only.cmake").read_text(encoding="utf-8")
    assert "add_compile_options(-U__AMX_TILE__ -U__AMX_INT8__ -U__AMX_BF16__)" in options


def test_the_index_is_built_when_the_seeds_or_the_embedder_change(setup: ModuleType) -> None:
    seeds, index = setup.ROOT / "seeds", setup.ROOT / "index"
    seeds.mkdir()
    index.mkdir()
    setup.VENV.mkdir()
    (seeds / "مقال.txt").write_text("نص", encoding="utf-8")
    (setup.VENV / "shawahid-embedder").write_text("embeddinggemma-300m\n")

    def built() -> int:
        setup.commands.clear()
        setup.build_index()
        (index / "corpus.sqlite").touch()
        return len(setup.commands)

    assert built() == 1
    assert setup.commands[0][1:] == ["-m", "rag", "build", "seeds"]
    assert built() == 0
    (seeds / "مقال.txt").write_text("نص آخر", encoding="utf-8")
    assert built() == 1
    (setup.VENV / "shawahid-embedder").write_text("multilingual-e5-small\n")
    assert built() == 1
    (index / "corpus.sqlite").unlink()
    assert built() == 1


def test_no_browser_and_no_right_to_install_one_only_skips(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    setup.find_browser()
    assert setup.commands == []
    assert "will be skipped" in capsys.readouterr().out


def test_terms_are_shown_with_the_way_to_avoid_them(capsys: pytest.CaptureFixture[str]) -> None:
    fetch_models = tool("fetch_models")
    entry = fetch_models.installed.catalogue()["embeddinggemma-300m"]
    assert fetch_models.show_terms(entry)
    shown = capsys.readouterr().out
    assert "https://ai.google.dev/gemma/terms" in shown
    assert "SHAWAHID_PROFILE=light" in shown


def test_the_meter_prints_a_line_for_every_tenth_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fetch_models = tool("fetch_models")
    meter = fetch_models.Meter(fetch_models.installed.catalogue()["multilingual-e5-small"])
    for done in range(1001):
        meter(done * 1_000_000, 1_000_000_000, "models.step_fetch")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[5].strip() == "multilingual-e5-small: downloading 500 of 1,000 MB"


def test_the_set_up_says_which_generator_this_computer_could_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_models = tool("fetch_models")
    monkeypatch.setattr(fetch_models.advice, "memory", lambda: (9 * 2**30, 16 * 2**30))
    monkeypatch.setattr(fetch_models, "hub_reachable", lambda: True)
    fetch_models.advise("qwen2.5-coder-1.5b-instruct-q4_k_m")
    said = capsys.readouterr().out
    assert "17 GB of memory" in said
    assert "gemma-4-e4b-it-q4_k_m" in said
    assert "SHAWAHID_GENERATOR=recommended make run" in said
    fetch_models.advise("gemma-4-e4b-it-q4_k_m")  # it has it already
    monkeypatch.setattr(fetch_models, "hub_reachable", lambda: False)
    fetch_models.advise("qwen2.5-coder-1.5b-instruct-q4_k_m")
    assert capsys.readouterr().out == ""
