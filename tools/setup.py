"""Set up everything `make run` and `make test` need, from a fresh clone, and nothing twice. Standard library only.

    python tools/setup.py run      the virtual environment, locked packages, models, the index over seeds/
    python tools/setup.py test     the same with what the tests and checks need, and Chromium where it can be had
    python tools/setup.py eval     as run, with what measuring needs
    python tools/setup.py dev      the environment with what lint, types and layers need: no engine, no models

Every step can be interrupted at any moment and continues when run again: what was downloaded, compiled or fetched stays.
Environment: SHAWAHID_PROFILE (default, light), TORCH_INDEX (a package index with the CPU build of torch), SHAWAHID_MODELS.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
ENGINE = "llama-cpp-python"
WORK = VENV / "engine"
START = time.monotonic()


class Failed(Exception):
    """A step failed; the message says what to do."""


def tell(text: str) -> None:
    print(f"[{time.monotonic() - START:4.0f} s] {text}", flush=True)


def run(*command: object, quiet: bool = False) -> None:
    """Run a command. Raises Failed if it fails, with its last lines if its output was captured."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False, **_output(quiet))
    if done.returncode:
        tail = "\n".join((done.stdout or "").splitlines()[-15:]) if quiet else ""
        raise Failed(f"{' '.join(str(part) for part in command)} ended with {done.returncode}\n{tail}")


def _output(quiet: bool) -> dict[str, object]:
    return {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} if quiet else {}


def pip(*arguments: object, quiet: bool = True) -> None:
    run(PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments, quiet=quiet)


# --- the environment -----------------------------------------------------------------------------------------------------


def make_venv() -> None:
    """Create the virtual environment; an unfinished one is deleted. A file with the interpreter's version marks a finished one."""
    mark = VENV / "shawahid-python"
    if mark.exists() and PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True).returncode == 0:
        return
    if VENV.exists():
        tell("the virtual environment is incomplete: making it again")
        shutil.rmtree(VENV)
    else:
        tell("making a virtual environment in .venv")
    run(sys.executable, "-m", "venv", VENV)
    mark.write_text(sys.version + "\n", encoding="utf-8")


def digest(*paths: Path) -> str:
    """Return a hash of what the installed packages depend on."""
    found = hashlib.sha256(os.environ.get("TORCH_INDEX", "").encode())
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def stamped(name: str, value: str) -> bool:
    stamp = VENV / name
    return stamp.exists() and stamp.read_text(encoding="utf-8").strip() == value


def stamp(name: str, value: str) -> None:
    (VENV / name).write_text(value + "\n", encoding="utf-8")


def locked(path: Path) -> list[str]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def wanted_packages() -> str:
    hashes = ROOT / "requirements.hashes.lock"
    return digest(
        ROOT / "requirements.lock", *([hashes] if hashes.exists() else ()), ROOT / "tools" / "build.lock", ROOT / "pyproject.toml"
    )


def install(with_models: list[str]) -> None:
    """Install the locked packages; fetch the models while the engine is compiling."""
    wanted = wanted_packages()
    if stamped("shawahid-installed", wanted):
        fetch_models(with_models)
        return
    tell("installing the build tools")
    pip("install", "-r", ROOT / "tools" / "build.lock")
    engine = next(line for line in locked(ROOT / "requirements.lock") if line.startswith(ENGINE + "=="))
    wheel = cached_engine(engine)
    compiling = None if wheel else Compile(engine)
    try:
        install_wheels(engine)
        fetch_models(with_models)
        if compiling:
            wheel = compiling.finish()
    finally:
        if compiling:
            compiling.stop()
    pip("install", "--no-deps", "--force-reinstall", wheel)
    pip("install", "--no-deps", "--no-build-isolation", "-e", ROOT)
    shutil.rmtree(WORK, ignore_errors=True)
    stamp("shawahid-installed", wanted)
    tell("the environment is complete")


def install_wheels(engine: str) -> None:
    """Install every locked package that the index has as a wheel."""
    others = [line for line in locked(ROOT / "requirements.lock") if line != engine]
    torch = next(line for line in others if line.startswith("torch=="))
    tell(f"installing {len(others)} locked packages (about 2 GB on disk)")
    if os.environ.get("TORCH_INDEX"):
        pip("install", "--no-compile", torch, "--index-url", os.environ["TORCH_INDEX"], quiet=False)
    hashes = ROOT / "requirements.hashes.lock"
    known = set(re.findall(r"^([\w.-]+==\S+) \\$", hashes.read_text(encoding="utf-8"), re.M)) if hashes.exists() else set()
    rest = [line for line in others if line not in known]
    # Python compiles the tenth that is imported when it is.
    pip("install", "--no-compile", "--constraint", ROOT / "requirements.lock", *rest)
    if known:
        pip("install", "--no-compile", "--no-deps", "--require-hashes", "-r", hashes)


def install_for_checks() -> None:
    """Install what the lint, type and layer checks need: everything but the engine and the models."""
    wanted = wanted_packages()
    if stamped("shawahid-installed", wanted) or stamped("shawahid-checks", wanted):
        return
    pip("install", "-r", ROOT / "tools" / "build.lock")
    install_wheels(next(line for line in locked(ROOT / "requirements.lock") if line.startswith(ENGINE + "==")))
    pip("install", "--no-deps", "--no-build-isolation", "-e", ROOT)
    stamp("shawahid-checks", wanted)


def install_dev() -> None:
    wanted = digest(ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
    if stamped("shawahid-dev", wanted):
        return
    tell("installing what the tests and checks need")
    pip("install", "-r", ROOT / "requirements-dev.lock")
    stamp("shawahid-dev", wanted)


# --- the engine, which the package index has only as source --------------------------------------------------------------


def wheel_cache(engine: str) -> Path:
    """Return where the compiled engine is kept for the next clone: it fits one version, one set of CPU features, one way to compile."""
    base = os.environ.get("XDG_CACHE_HOME") or (Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache"))
    built = cpu() + Path(__file__).with_name("engine-only.cmake").read_text(encoding="utf-8")
    key = f"{engine.replace('==', '-')}-{sys.platform}-{platform.machine()}-{hashlib.sha256(built.encode()).hexdigest()[:12]}"
    return Path(base) / "shawahid" / "wheels" / key


def cpu() -> str:
    """Return the features the compiler is allowed to use on this machine."""
    try:
        found = re.search(r"^(flags|Features)\s*:.*$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
        return found.group(0) if found else platform.processor()
    except OSError:
        return platform.processor()


def cached_engine(engine: str) -> Path | None:
    wheels = sorted(wheel_cache(engine).glob("*.whl"))
    if wheels:
        tell(f"found {engine} compiled earlier on this machine")
    return wheels[0] if wheels else None


class Compile:
    """Compiles the engine in the background; its object files are kept, so an interrupted compilation continues."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        if not any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "c++", "g++", "clang++")):
            raise Failed(
                f"There is no C++ compiler, and {engine} has to be compiled. Install one and run make again:\n"
                "  Debian, Ubuntu: sudo apt-get install g++      Fedora: sudo dnf install gcc-c++\n"
                "  macOS: xcode-select --install"
            )
        source = self._source()
        self.log = WORK / "compile.log"
        only = ROOT / "tools" / "engine-only.cmake"
        flags = f"-DLLAVA_BUILD=OFF -DCMAKE_PROJECT_llama.cpp_INCLUDE={only}"
        environment = os.environ | {
            "CMAKE_ARGS": f"{flags} {os.environ.get('CMAKE_ARGS', '')}".strip(),
            "CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count() or 2),
            "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        tell(f"compiling {engine} in the background (two to three minutes; log: {self.log.relative_to(ROOT)})")
        command = [
            PYTHON,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "--verbose",
        ]
        command += ["--config-settings", f"build-dir={WORK / 'build'}", "--wheel-dir", WORK / "wheel", source]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def _source(self) -> Path:
        """Return the engine's unpacked source, always at the same path, so that its object files stay valid."""
        place = WORK / "source"
        if not (place / "pyproject.toml").exists():
            tell(f"downloading the source of {self.engine} (70 MB)")
            shutil.rmtree(WORK, ignore_errors=True)
            WORK.mkdir(parents=True)
            pip("download", "--no-deps", "--no-build-isolation", "--no-binary", ENGINE, "--dest", WORK, self.engine)
            with tarfile.open(next(WORK.glob("*.tar.gz"))) as archive:
                archive.extractall(WORK / "unpacked", filter="data")
            next((WORK / "unpacked").iterdir()).replace(place)
        return place

    def finish(self) -> Path:
        """Wait for the wheel and keep a copy for the next clone."""
        if self.process.poll() is None:
            tell(f"waiting for {self.engine} to compile")
        while self.process.poll() is None:
            time.sleep(1)
            if int(time.monotonic() - START) % 30 == 0:
                tell(self._last_step())
        wheels = sorted((WORK / "wheel").glob("*.whl"))
        if self.process.returncode or not wheels:
            tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
            raise Failed(f"{self.engine} did not compile; the whole log is {self.log}. Its last lines:\n{tail}")
        try:
            place = wheel_cache(self.engine)
            place.mkdir(parents=True, exist_ok=True)
            copy = place / (wheels[0].name + ".new")
            shutil.copyfile(wheels[0], copy)
            copy.replace(place / wheels[0].name)
        except OSError as error:
            tell(f"the compiled engine could not be kept for next time ({error}); that does no harm")
        return wheels[0]

    def _last_step(self) -> str:
        steps = re.findall(r"\[(\d+)/(\d+)\]", self.log.read_text(encoding="utf-8", errors="replace"))
        return f"compiled {steps[-1][0]} of {steps[-1][1]} files" if steps else "preparing to compile"

    def stop(self) -> None:
        """Stop the compiler and its children after another failure or an interruption."""
        if self.process.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGTERM)
            else:
                self.process.terminate()
            self.process.wait()


# --- models, index, browser ----------------------------------------------------------------------------------------------


def fetch_models(also: list[str]) -> None:
    tell("models: checking, and fetching what is missing")
    run(PYTHON, ROOT / "tools" / "fetch_models.py", "--also", *also)


def build_index() -> None:
    """Build the index over seeds/, unless the same files were indexed with the same embedder."""
    seeds = {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((ROOT / "seeds").rglob("*"))
        if path.is_file()
    }
    embedder = (VENV / "shawahid-embedder").read_text(encoding="utf-8").strip()
    wanted = json.dumps({"embedder": embedder, "seeds": seeds}, sort_keys=True)
    mark = ROOT / "index" / ".built-from"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted and (ROOT / "index" / "corpus.sqlite").exists():
        tell("the index over seeds/ is up to date")
        return
    tell("building the index over seeds/")
    run(PYTHON, "-m", "rag", "build", "seeds")
    mark.write_text(wanted, encoding="utf-8")


def find_browser() -> None:
    """Find or install Chromium for the browser tests; without one those tests are skipped."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        tell("installing Chromium for the browser tests")
        try:
            run("apt-get", "-qq", "update", quiet=True)
            run("apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium", quiet=True)
            return
        except Failed as error:
            tell(f"Chromium could not be installed; the browser tests will be skipped ({str(error).splitlines()[-1]})")
            return
    tell("no Chromium here: the browser tests will be skipped. To run them, install chromium with your package manager")


def stop_cleanly(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, stop_cleanly)  # a stopped set-up takes its compiler with it
    if sys.version_info < (3, 11):  # noqa: UP036  run by whatever Python the system has, before there is an environment
        print(
            f"Shawahid needs Python 3.11 or newer; this is {platform.python_version()}. Try: make PYTHON=python3.12",
            file=sys.stderr,
        )
        return 1
    what = sys.argv[1] if len(sys.argv) > 1 else "run"
    if what not in {"run", "test", "eval", "dev"}:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        make_venv()
        if what == "dev":
            install_for_checks()
            install_dev()
        elif what == "test":
            install(["multilingual-e5-small"])
            install_dev()
            find_browser()
        else:
            install([])
            if what == "eval":
                install_dev()
            build_index()
    except Failed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again: it goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
