"""The record of a benchmark figure: its summary, its aim, and the machine it was taken on."""

from __future__ import annotations

import os
import platform
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rag.config import Settings

LIBRARIES = ("shawahid", "torch", "sentence-transformers", "faiss-cpu", "llama-cpp-python", "gradio")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a section. `scratch` is a folder that is kept between runs, for whatever is expensive to make."""

    settings: Settings
    runs: int
    scratch: Path


@dataclass(frozen=True, slots=True)
class Measurement:
    """The median of `n` runs, their quartiles and extremes. `aim`, as "≤ 3" or "≥ 0.95", is the target of the median. `plot` includes it in
    its section's chart. With `mean`, `median` is the mean of `n` cases, and `low` and `high` are the ends of its 95 % interval.
    """

    name: str
    unit: str
    median: float
    low: float
    high: float
    least: float
    most: float
    n: int
    aim: str = ""
    plot: bool = False
    mean: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the median meets the aim; None without one."""
        found = re.fullmatch(r"([≤≥])\s*([\d.]+)", self.aim)
        if not found:
            return None
        limit = float(found[2])
        return self.median <= limit if found[1] == "≤" else self.median >= limit


def measured(name: str, unit: str, values: Sequence[float], aim: str = "", plot: bool = False) -> Measurement:
    """Summarise repeated runs. `values` must not be empty."""
    low, high = (values[0],) * 2 if len(values) == 1 else statistics.quantiles(values, n=4, method="inclusive")[::2]
    return Measurement(name, unit, statistics.median(values), low, high, min(values), max(values), len(values), aim, plot)


def ratio(name: str, values: Sequence[float], references: Sequence[float], aim: str = "") -> Measurement:
    """Return the ratios of runs to the reference runs taken alongside."""
    return measured(name, "×", [value / reference for value, reference in zip(values, references, strict=True)], aim)


def resident(pid: int) -> int:
    """Return the bytes of memory that a process occupies, read-only mapped model weights included (Linux; 0 elsewhere)."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def machine() -> dict[str, str]:
    """Return the machine and versions that the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        **{name: _version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    name = re.search(r"model name\s*:\s*(.+)", text)
    extras = [extra for extra in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile") if re.search(rf"\b{extra}\b", text)]
    return f"{name[1] if name else platform.machine()} ({', '.join(extras)})" if extras else platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    except (ValueError, OSError, AttributeError):
        return ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def from_record(record: dict[str, Any]) -> Measurement:
    """Return a measurement from its `dataclasses.asdict` form."""
    return Measurement(**record)
