"""The README is true: its commands exist, its links lead somewhere, its Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.cli.main import app
from rag.testing import HashEmbedder, ScriptedGenerator
from tests.helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
EMBEDDING = (ROOT / "docs/embedding.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(program + " ")]


def test_there_is_one_command_to_run_and_one_to_test() -> None:
    assert ["run"] in commands("make")
    assert ["test"] in commands("make")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)", README))))
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("arguments", commands("shawahid"), ids=" ".join)
def test_every_command_and_option_exists(arguments: list[str]) -> None:
    options = {word for word in arguments if word.startswith("-")}
    name = arguments[0]
    shown = CliRunner().invoke(app, [name, *(["run"] if name == "eval" else []), "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0, shown.output
    assert all(option in shown.output for option in options)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`shawahid ([a-z]+)`", README))))
def test_every_command_that_is_named_exists(command: str) -> None:
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_every_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).is_file()


@pytest.mark.parametrize("block", [*blocks("python"), *blocks("python", EMBEDDING)])
def test_the_snippets_run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "a.txt").write_text("كتب المحامي سبيرو الرسالة. The price is 50 dollars.", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (HashEmbedder(), None))
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (ScriptedGenerator("كتب المحامي سبيرو الرسالة."), None))
    monkeypatch.setenv("SHAWAHID_TRANSLATOR", "none")
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "كتب المحامي سبيرو الرسالة" in printed
    assert "[1]" in printed
    assert "a.txt" in printed
