"""The bill of materials, the licences and the advisories."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT
from tests.project.test_setup import pins, tool

SUPPLY = tool("supply")


def test_the_page_of_licences_lists_what_is_locked_and_every_model() -> None:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    packages = {row[0]: row[1] for row in rows if row[0] in pins("requirements.lock")}
    assert packages == pins("requirements.lock")
    assert {model["name"] for model in SUPPLY.models()} <= {row[0] for row in rows}
    # What would oblige those who pass Shawahid on to more than naming it.
    wrong = [row for row in rows if "GPL" in row[2].replace("LGPL", "") or row[2] in ("", "not declared")]
    assert wrong == []


@pytest.mark.parametrize(
    ("expression", "classifiers", "field", "licence"),
    [
        ("MIT", ["License :: OSI Approved :: BSD License"], "BSD", "MIT"),
        (None, ["Topic :: Text", "License :: OSI Approved", "License :: OSI Approved :: BSD License"], "x", "BSD License"),
        (None, [], "Apache 2.0\n\nPermission is hereby granted …", "Apache 2.0"),
        (None, [], "UNKNOWN", ""),
        (None, [], None, ""),
        (None, [], " \n", ""),
    ],
)
def test_a_licence_is_read_from_what_a_package_declares(
    expression: str | None, classifiers: list[str], field: str | None, licence: str
) -> None:
    assert SUPPLY.licence_of(expression, classifiers, field) == licence


def test_components_get_their_licences() -> None:
    sbom = {"bomFormat": "CycloneDX", "components": [{"name": "A.b"}, {"name": "c"}, {"name": "d"}]}
    found = SUPPLY.with_licences(sbom, {"a-b": "MIT OR (Apache-2.0 AND BSD-3-Clause)", "c": "BSD License"})
    assert [component.get("licenses") for component in found["components"]] == [
        [{"expression": "MIT OR (Apache-2.0 AND BSD-3-Clause)"}],
        [{"license": {"name": "BSD License"}}],
        None,
    ]
    assert found["bomFormat"] == "CycloneDX"


def test_the_licences_of_this_environment_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(SUPPLY, "VENV_PYTHON", Path(sys.executable))
    found = SUPPLY.declared(["numpy", "no-such-package"])
    assert set(found) == {"numpy"}
    assert "BSD" in found["numpy"]


REPORT: dict[str, Any] = {
    "dependencies": [
        {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2", "3"]}, {"id": "CVE-2", "fix_versions": []}]},
        {"name": "b", "version": "2", "vulns": []},
        {"name": "c", "skip_reason": "not on the index"},
    ]
}


def test_an_advisory_fails_the_check_and_an_unreachable_source_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SUPPLY, "tools", lambda: None)

    def ran(report: dict[str, Any] | None) -> Any:
        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            if report is not None:
                Path(command[command.index("-o") + 1]).write_text(json.dumps(report), encoding="utf-8")
            return subprocess.CompletedProcess(command, 1, "", "ConnectionError: no route")

        return run

    monkeypatch.setattr(SUPPLY.subprocess, "run", ran(REPORT))
    assert SUPPLY.audit() == 1
    assert "a 1: CVE-1, fixed in 2, 3\na 1: CVE-2, fixed in no version" in capsys.readouterr().out
    monkeypatch.setattr(SUPPLY.subprocess, "run", ran({"dependencies": REPORT["dependencies"][1:]}))
    assert SUPPLY.audit() == 0
    assert "No advisory" in capsys.readouterr().out
    monkeypatch.setattr(SUPPLY.subprocess, "run", ran(None))
    assert SUPPLY.audit() == 0
    assert "no route" in capsys.readouterr().out


def test_the_tools_are_pinned_and_are_none_of_ours() -> None:
    locked = pins("tools/supply.lock")
    assert {"cyclonedx-bom", "pip-audit"} <= set(locked)
    assert not {"cyclonedx-bom", "pip-audit"} & (set(pins("requirements.lock")) | set(pins("requirements-dev.lock")))
