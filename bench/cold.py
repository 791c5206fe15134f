"""Cold start: from no running process, with all models on disk, to the first answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.corpus import ROOT
from bench.measure import Measurement, Options, measured, resident
from rag.config import Settings
from rag.factory import open_embedder
from rag.storage.build import build_index

TITLE = "Cold start and memory"
ABOUT = """
Seconds from starting a process, everything present, files in the system's cache as after an earlier use. Search: `shawahid search`
to its end. First words: a process that opens a chatbot and asks a question as `shawahid ask` does, until the first word that the generator
writes, or, where it writes none, as it does by default, until the whole answer. The window: `python app.py`
until its page and its script are served, and the memory it holds when its models are loaded,
mapped weights included.
"""

PATIENCE = 300.0  # seconds: the deadline of every wait
_SEARCHED = "من كتب الرسالة؟"
_ASKED = "Who wrote the letter to Microsoft?"
_FIRST_TOKEN = """
import json, sys, threading, time
from rag import Settings, open_chatbot
from rag.models.torch_import import lean_torch
from rag.schema import Delta
lean_torch()
bot, _ = open_chatbot(Settings.load(), for_one=True)
threading.Thread(target=bot.warm).start()
for event in bot.stream(sys.argv[1]):
    if isinstance(event, Delta):
        break
print(json.dumps(time.time()), flush=True)
"""


def run(options: Options) -> Iterator[Measurement]:
    """Measure the import, the commands, and the window with each profile."""
    environment = dict(os.environ) | {"SHAWAHID_PORT": "0"}
    imports = [
        _python("import time; t = time.perf_counter(); import rag; print(time.perf_counter() - t)") for _ in range(max(options.runs, 3))
    ]
    yield measured("import rag", "ms", [float(text) * 1000 for text in imports])
    yield measured("python -m rag --help", "s", [_timed("-m", "rag", "--help") for _ in range(options.runs)])
    for profile in ("default", "light"):
        settings = replace(options.settings, profile=profile)
        embedder, _ = open_embedder(settings)
        index = options.scratch / f"seeds-{embedder.name}"
        build_index(ROOT / "seeds", index, embedder)
        here = environment | {"SHAWAHID_PROFILE": profile, "SHAWAHID_INDEX": str(index)}
        searches = [_timed("-m", "rag", "search", _SEARCHED, environment=here) for _ in range(options.runs)]
        yield measured(f"search answered ({profile})", "s", searches, "≤ 2", plot=True)
        tokens = []
        for _ in range(options.runs):
            started = time.time()
            tokens.append(json.loads(_python(_FIRST_TOKEN, _ASKED, environment=here)) - started)
        yield measured(f"first words ({profile})", "s", tokens, "≤ 3", plot=True)
        yield from _window(settings, index, options.runs)


def _python(script: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    return done.stdout


def _timed(*arguments: str, environment: dict[str, str] | None = None) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, check=True, timeout=PATIENCE)
    return time.perf_counter() - started


def _window(settings: Settings, index: Path, runs: int) -> Iterator[Measurement]:
    served, memory = [], []
    for _ in range(runs):
        with application(settings, index) as (process, address, started):
            _wait(lambda at=address: _responds(at) and _responds(f"{at}/shawahid/window.js"), process)  # type: ignore[misc]
            served.append(time.perf_counter() - started)
            memory.append(_settled(process) / 1e9)
    yield measured(f"page served ({settings.profile})", "s", served, "≤ 15", plot=True)
    yield measured(f"memory of the window ({settings.profile})", "GB", memory, "≤ 4.5" if settings.profile == "default" else "≤ 3")


@contextmanager
def application(settings: Settings, index: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    """Start the chat window; return the process, its address, and its start time."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"SHAWAHID_PORT": str(port), "SHAWAHID_INDEX": str(index), "SHAWAHID_PROFILE": settings.profile}
    started = time.perf_counter()
    command = [sys.executable, str(ROOT / "app.py")]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process, f"http://127.0.0.1:{port}", started
    finally:
        process.terminate()
        process.wait(30)


def _wait(done: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.perf_counter() + PATIENCE
    while not done():
        if process.poll() is not None:
            raise RuntimeError(f"app.py ended with {process.returncode}")
        if time.perf_counter() > deadline:
            raise TimeoutError("the chat window did not answer")
        time.sleep(0.05)


def _responds(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _settled(process: subprocess.Popen[bytes], quiet: float = 6.0) -> int:
    """Return the process's memory once it is stable (growth under 1 % for some seconds), since models load in the background."""
    largest, since, deadline = 0, time.perf_counter(), time.perf_counter() + PATIENCE
    while time.perf_counter() - since < quiet and time.perf_counter() < deadline and process.poll() is None:
        now = resident(process.pid)
        if now > largest * 1.01:
            largest, since = now, time.perf_counter()
        time.sleep(0.25)
    return largest
