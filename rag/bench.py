"""How fast Isnad is on this machine: `isnad bench`. Medians over repeated runs, ratios to a reference of the same run."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from rag.build import build_index
from rag.chatbot import Chatbot
from rag.config import Settings, open_embedder, open_generator
from rag.embed import Embedder
from rag.generate import LlamaCpp
from rag.index import Index
from rag.models import profile
from rag.prompt import answer_prompt
from rag.schema import Delta, Found

PATIENCE = 180.0  # seconds to wait for a page


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table: the median of `n` runs, with the fastest and the slowest; `aim` is what it should reach."""

    name: str
    unit: str
    median: float
    least: float
    most: float
    n: int
    aim: str = ""


def measured(name: str, unit: str, values: Sequence[float], aim: str = "") -> Measurement:
    """Summarise repeated runs. `values` must not be empty."""
    return Measurement(name, unit, statistics.median(values), min(values), max(values), len(values), aim)


def run(settings: Settings, questions: Sequence[str], runs: int = 3) -> Iterator[Measurement]:
    """Measure every part in turn. `questions` are asked of the settings' documents, each once per run."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, aim in (("default", "≤ 80 ms"), ("light", "≤ 30 ms")):
            chosen = replace(settings, embedder=profile(name).embedder)
            embedder, _ = open_embedder(chosen)
            folder = Path(scratch) / name
            started = time.perf_counter()
            build_index(settings.documents, folder, embedder)
            yield measured(f"index the documents ({embedder.name}, with loading)", "s", [time.perf_counter() - started])
            yield from _search(folder, embedder, questions, runs, aim)
        generator, notice = open_generator(settings)
        if generator is None:
            if notice:
                raise notice
            return
        embedder, _ = open_embedder(settings)
        with Index.open(Path(scratch) / "default", embedder) as index:
            bot = Chatbot(index, generator)
            bot.warm()
            yield from _answers(bot, questions)
            yield from _generation(generator, runs)
        generator.close()
        yield from _page(settings, Path(scratch) / "default", runs)


def _search(folder: Path, embedder: Embedder, questions: Sequence[str], runs: int, aim: str) -> Iterator[Measurement]:
    times, own = [], []
    with Index.open(folder, embedder) as index:
        index.evidence(questions[0], index.search(questions[0]))
        for turn in range(runs):
            for question in questions:
                asked = f"{question} {' ' * turn}{turn}"  # a question that was not asked before: its vector is not remembered
                started = time.perf_counter()
                index.evidence(asked, index.search(asked))
                times.append((time.perf_counter() - started) * 1000)
                started = time.perf_counter()
                index.evidence(asked, index.search(asked))
                own.append((time.perf_counter() - started) * 1000)
    yield measured(f"search, new question ({embedder.name})", "ms", times, aim)
    yield measured("  of it beside embedding the question", "ms", own)


def _answers(bot: Chatbot, questions: Sequence[str]) -> Iterator[Measurement]:
    first_source, first_token, total = [], [], []
    for question in questions:
        started = time.perf_counter()
        token = None
        for event in bot.stream(question):
            if isinstance(event, Found):
                first_source.append((time.perf_counter() - started) * 1000)
            elif isinstance(event, Delta) and token is None:
                token = time.perf_counter() - started
        if token is not None:
            first_token.append(token)
        total.append(time.perf_counter() - started)
    yield measured("answer: sources shown", "ms", first_source)
    if first_token:
        yield measured("answer: first token", "s", first_token, "≤ 1.5 s")
    yield measured("answer: checked and whole", "s", total)


def _generation(generator: LlamaCpp, runs: int, tokens: int = 64) -> Iterator[Measurement]:
    """Tokens per second through `stream`, and by the bare C calls, in turns so that both see the same machine."""
    messages = answer_prompt("Describe in detail how bread is baked, step by step.", "en", ()).messages
    engine = generator.load()
    prompt = engine.prompt(messages)
    barred = np.array([], dtype=np.int32)
    bare, ours = [], []
    for _ in range(max(runs, 3)):
        engine.read(prompt, None)
        token = engine.greedy(barred)
        started = time.perf_counter()
        for _ in range(tokens):
            engine.extend(token)
            token = engine.greedy(barred)
        bare.append(tokens / (time.perf_counter() - started))
        generation = generator.stream(messages, max_tokens=tokens + 1, language="en")
        pieces = iter(generation)
        next(pieces)
        started = time.perf_counter()
        for _ in pieces:
            pass
        ours.append((generation.usage.generated_tokens - 1) / (time.perf_counter() - started))
    yield measured("generation", "tokens/s", ours)
    yield measured("  the bare engine", "tokens/s", bare)
    yield measured("  ratio", "", [a / b for a, b in zip(ours, bare, strict=True)], "≥ 0.90")


def _page(settings: Settings, index: Path, runs: int) -> Iterator[Measurement]:
    """Start the chat window as a user does; time until the page is served and until search answers; then its memory."""
    app = Path("app.py").resolve()
    if not app.is_file():
        return
    usable, memory = [], []
    for _ in range(runs):
        with _application(app, settings, index) as (process, address, started):
            _wait(lambda at=address: _responds(at), process)  # type: ignore[misc]
            usable.append(time.perf_counter() - started)
            memory.append(_settled(process) / 2**30)
    yield measured("cold start: page served", "s", usable, "≤ 15 s")
    yield measured("memory of the app, models loaded", "GiB", memory, "≤ 4.5 GiB")


@contextmanager
def _application(app: Path, settings: Settings, index: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"ISNAD_PORT": str(port), "ISNAD_INDEX": str(index), "ISNAD_PROFILE": settings.profile}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(app)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process, f"http://127.0.0.1:{port}", started
    finally:
        process.terminate()
        process.wait(30)


def _wait(done: Callable[[], bool], process: subprocess.Popen[bytes], enough: float = PATIENCE) -> None:
    deadline = time.perf_counter() + enough
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
    """The process's memory once it has not grown by a hundredth for some seconds: the models are loaded in the background."""
    largest, since, deadline = 0, time.perf_counter(), time.perf_counter() + PATIENCE
    while time.perf_counter() - since < quiet and time.perf_counter() < deadline and process.poll() is None:
        now = resident(process.pid)
        if now > largest * 1.01:
            largest, since = now, time.perf_counter()
        time.sleep(0.25)
    return largest


def resident(pid: int) -> int:
    """The bytes of memory that a process occupies, read-only mapped model weights included (Linux; 0 elsewhere)."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def as_json(measurements: Sequence[Measurement]) -> str:
    """The run as one JSON object."""
    return json.dumps({"machine": machine(), "measurements": [asdict(item) for item in measurements]}, ensure_ascii=False)
