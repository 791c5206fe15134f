"""Write requirements.lock, requirements-dev.lock and tools/build.lock: the exact version of everything that is installed.

    python tools/lock.py            # in any environment with pip; resolves afresh from pyproject.toml, installs nothing

Also writes requirements.hashes.lock, which has the hashes of all files of the packages that everybody gets from the same place: not of
torch, whose CPU build has another file on every index, nor of llama-cpp-python, which is compiled. Needs the package uv in this Python.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_TOOLS = ["hatchling>=1.27", "scikit-build-core>=0.11", "cmake>=3.26", "ninja>=1.11"]
UNHASHED = ("torch", "llama-cpp-python")
HASHES_HEAD = """\
# The packages of requirements.lock with the hashes of all their files, for `pip install --require-hashes --no-deps -r`.
# Written by tools/lock.py; do not edit. Without torch, whose CPU build has another file on every index, and llama-cpp-python, which is
# compiled.
"""
RUNTIME = ("models", "generator", "window", "eval")
"""The extras that `make run` sets up."""
HEAD = """\
# {what}
# Written by tools/lock.py from pyproject.toml; do not edit. Exact versions of the whole tree, without hashes: the CPU build of
# torch has another file, and so another hash, on every index that serves one.
"""


def resolve(requirements: list[str], constraints: Path | None = None) -> list[str]:
    """Return the exact versions pip would install for these requirements, as sorted `name==version` lines."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed", "--report", str(report)]
        command += ["--constraint", str(constraints)] if constraints else []
        subprocess.run([*command, *requirements], check=True)
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return sorted({pin(item["metadata"]["name"], item["metadata"]["version"]) for item in found}, key=str.lower)


def pin(name: str, version: str) -> str:
    """Return one line. A local version such as 2.13.0+cpu is one index's own name for its build, so it is left out."""
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version.split('+')[0]}"


def write(path: Path, what: str, lines: list[str]) -> None:
    path.write_text(HEAD.format(what=what) + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(lines)} packages")


def write_hashes(lines: list[str]) -> None:
    """Write the lock with hashes. Raises CalledProcessError where uv is missing or an index can't be reached."""
    own = [line for line in lines if line.split("==")[0] not in UNHASHED]
    options = ["--no-deps", "--generate-hashes", "--universal", "--no-header", "--no-annotate", "--python-version", "3.11", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", *options, "-"], input="\n".join(own), check=True, capture_output=True, text=True
    )
    path = ROOT / "requirements.hashes.lock"
    path.write_text(HASHES_HEAD + done.stdout, encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(own)} packages")


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {
        name: [line for line in lines if not line.startswith("shawahid[")] for name, lines in project["optional-dependencies"].items()
    }
    runtime = [*project["dependencies"], *(line for name in RUNTIME for line in extras.pop(name))]
    lock = ROOT / "requirements.lock"
    base = resolve(runtime)
    write(lock, "What Shawahid needs to run.", base)
    write_hashes(base)
    more = resolve([*runtime, *(line for extra in extras.values() for line in extra)], lock)
    dev = [line for line in more if line not in base]
    write(ROOT / "requirements-dev.lock", "What the tests and checks need beyond requirements.lock.", dev)
    build = resolve(BUILD_TOOLS)
    pinned = {line.split("==")[0]: line for line in [*base, *dev]}
    agreed = [pinned.get(line.split("==")[0], line) for line in build]
    write(ROOT / "tools" / "build.lock", "What compiles llama-cpp-python and installs this checkout.", agreed)


if __name__ == "__main__":
    main()
