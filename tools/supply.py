"""What Shawahid is made of: a bill of materials, the licences, and known vulnerabilities. Standard library only.

    python tools/supply.py sbom     dist/shawahid.cdx.json (CycloneDX, from requirements.lock) and docs/licences.md
    python tools/supply.py audit    compare the locks with published advisories; says so where no source of them can be reached

cyclonedx-bom and pip-audit get an environment of their own under .cache/supply, at the versions of tools/supply.lock. Licences are those
that the packages in .venv declare.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".cache" / "supply" / "venv"
BIN = WORK / ("Scripts" if os.name == "nt" else "bin")
VENV_PYTHON = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCKS = ("requirements.lock", "requirements-dev.lock")
SBOM, LICENCES = ROOT / "dist" / "shawahid.cdx.json", ROOT / "docs" / "licences.md"
ASKED = """
import json, sys
from importlib.metadata import PackageNotFoundError, metadata
found = {}
for name in json.load(sys.stdin):
    try:
        about = metadata(name)
    except PackageNotFoundError:
        continue
    found[name] = [about.get("License-Expression"), about.get_all("Classifier") or [], about.get("License"), about.get("Home-page") or ""]
json.dump(found, sys.stdout)
"""
HEAD = """# Licences

What Shawahid installs (`requirements.lock`), with the licence that each package declares. Written by `make sbom`, which also writes the
bill of materials `dist/shawahid.cdx.json` (CycloneDX); do not edit. Shawahid itself is under Apache-2.0, its font under OFL-1.1.

"""


class Unreachable(Exception):
    """A package index or a source of advisories can't be reached."""


def locked(path: Path) -> dict[str, str]:
    """Return the versions in a lock, by name."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def tools() -> None:
    """Make the environment of the tools, once for each version of their lock. Raises Unreachable."""
    lock = ROOT / "tools" / "supply.lock"
    stamp = WORK / "supply.lock"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(WORK)], check=True)
    done = subprocess.run([str(BIN / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(lock)], check=False)
    if done.returncode:
        raise Unreachable("the tools could not be installed")
    stamp.write_bytes(lock.read_bytes())


# --- licences -------------------------------------------------------------------------------------------------------------


def licence_of(expression: str | None, classifiers: Iterable[str], field: str | None) -> str:
    """Return the licence that a package declares, as briefly as it does: the SPDX expression, its classifiers, or the first line of the
    field, which may hold a whole text."""
    if expression:
        return expression
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::") and not line.endswith("OSI Approved")]
    if named:
        return ", ".join(dict.fromkeys(named))
    line = (field or "").strip().splitlines()[0].strip() if (field or "").strip() else ""
    return line if line and line.casefold() != "unknown" else ""


def declared(names: Iterable[str]) -> dict[str, str]:
    """Return the licences of installed packages, by name; "" where none is declared. A package that is not installed is left out."""
    done = subprocess.run(
        [str(VENV_PYTHON), "-c", ASKED], input=json.dumps(list(names)), capture_output=True, text=True, encoding="utf-8", check=True
    )
    return {name: licence_of(*about[:3]) for name, about in json.loads(done.stdout).items()}


def licence_table(versions: dict[str, str], licences: dict[str, str], models: Iterable[dict[str, Any]]) -> str:
    """Return the page of licences."""
    lines = ["| package | version | licence |", "|---|---|---|"]
    for name, version in sorted(versions.items()):
        licence = licences.get(name, "not installed on this system") or "not declared"
        lines.append(f"| {name} | {version} | {licence.replace('|', '/')} |")
    lines += ["", "Models, which are downloaded on request:", "", "| model | licence | terms |", "|---|---|---|"]
    lines += [f"| {model['name']} | {model['licence']} | {model['terms']} |" for model in models]
    return HEAD + "\n".join(lines) + "\n"


def models() -> list[dict[str, Any]]:
    """Return the models of the catalogue with licence and terms."""
    table = tomllib.loads((ROOT / "rag" / "models" / "catalogue.toml").read_text(encoding="utf-8"))["models"]
    return [{"name": name, "licence": entry["licence"], "terms": entry.get("terms", "")} for name, entry in table.items()]


def with_licences(sbom: dict[str, Any], licences: dict[str, str]) -> dict[str, Any]:
    """Return a bill of materials whose components have their licences."""
    components = []
    for component in sbom.get("components", []):
        licence = licences.get(re.sub(r"[-_.]+", "-", component["name"]).lower(), "")
        kind = (
            {"expression": licence} if re.fullmatch(r"[A-Za-z0-9.+() -]+", licence) and is_spdx(licence) else {"license": {"name": licence}}
        )
        components.append({**component, "licenses": [kind]} if licence else component)
    return {**sbom, "components": components}


def is_spdx(licence: str) -> bool:
    """Return whether a licence looks like an SPDX expression: identifiers without spaces, joined by AND, OR and WITH."""
    return all(re.fullmatch(r"\(*[A-Za-z0-9.+-]+\)*", part) for part in re.split(r" (?:AND|OR|WITH) ", licence))


def write_sbom() -> None:
    """Write the bill of materials and the page of licences."""
    tools()
    lock = ROOT / LOCKS[0]
    versions = locked(lock)
    licences = declared(versions)
    command = [str(BIN / "cyclonedx-py"), "requirements", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
    done = subprocess.run([*command, "-o", "-", str(lock)], capture_output=True, text=True, encoding="utf-8", check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr)
    sbom = with_licences(json.loads(done.stdout), licences)
    # The address of the index that this machine happens to use is no property of a package.
    text = json.dumps(sbom, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    SBOM.parent.mkdir(exist_ok=True)
    SBOM.write_text(text, encoding="utf-8", newline="\n")
    LICENCES.write_text(licence_table(versions, licences, models()), encoding="utf-8", newline="\n")
    print(f"{SBOM.relative_to(ROOT)}: {len(sbom['components'])} components\n{LICENCES.relative_to(ROOT)}")


# --- advisories -----------------------------------------------------------------------------------------------------------


def vulnerabilities(report: dict[str, Any]) -> list[str]:
    """Return a line for each advisory in a report of pip-audit."""
    return [
        f"{package['name']} {package['version']}: {advisory['id']}, fixed in {', '.join(advisory.get('fix_versions') or ['no version'])}"
        for package in report["dependencies"]
        for advisory in package.get("vulns", ())
    ]


def audit() -> int:
    """Print the advisories that concern the locks; return 1 if there are any. Without a source of advisories, say so and return 0."""
    try:
        tools()
        found = [line for name in LOCKS for line in vulnerabilities(audited(ROOT / name))]
    except Unreachable as error:
        print(f"Advisories were not compared: {error}. Run `make audit` where one can be reached.")
        return 0
    print("\n".join(found) if found else "No advisory concerns the locked versions.")
    return 1 if found else 0


def audited(lock: Path) -> dict[str, Any]:
    """Return pip-audit's report on a lock. Raises Unreachable if it made none."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        command = [str(BIN / "pip-audit"), "-r", str(lock), "--no-deps", "--disable-pip", "-f", "json", "-o", str(out)]
        done = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True, encoding="utf-8", check=False)
        if not out.is_file() or not out.stat().st_size:
            last = (done.stderr.strip().splitlines() or ["pip-audit made no report"])[-1]
            raise Unreachable(last[:200])
        report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return report


def main() -> int:
    what = sys.argv[1:]
    if what == ["sbom"]:
        write_sbom()
        return 0
    if what == ["audit"]:
        return audit()
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
