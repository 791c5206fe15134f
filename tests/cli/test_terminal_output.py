"""Only the command line writes to a terminal; its version is the package's."""

from __future__ import annotations

import ast
import tomllib

import pytest
from typer.testing import CliRunner

import rag
from rag.cli.main import app
from tests.helpers import ROOT

ELSEWHERE = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "rag").rglob("*.py") if "cli" not in path.parts)
SPEAKING = {"rag/library/generators.py", "rag/evaluation/generator_trial.py"}
"""Started as a process of their own, these report their progress on standard output."""


def writes_to_a_terminal(source: str) -> bool:
    """Return whether a module calls `print` or imports rich."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rich":
            return True
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "rich" for alias in node.names):
            return True
    return False


@pytest.mark.parametrize("module", ELSEWHERE)
def test_nothing_but_the_command_line_prints(module: str) -> None:
    assert writes_to_a_terminal((ROOT / module).read_text(encoding="utf-8")) is (module in SPEAKING)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("", False),
        ("print('مرحبا')", True),
        ("def f():\n    from rich.table import Table", True),
        ("import rich.console", True),
        ("printer = 1\nself.print(2)\nimport richer", False),
    ],
)
def test_what_prints_is_found(source: str, found: bool) -> None:
    assert writes_to_a_terminal(source) is found


def test_the_version_is_said_once() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"shawahid {rag.__version__}\n")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "rag/__init__.py"
