"""Which generator of the catalogue a computer should take, by its memory."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from rag.errors import BadSetting
from rag.models.catalogue import ModelEntry, catalogue

RECOMMENDED = "recommended"
"""The name that stands for the generator advised to this computer."""
_SHARE = 0.85
"""The share of the memory it was sold with that a computer reports at least."""


def advised(total: int | None = None) -> ModelEntry | None:
    """Return the generator for a computer with `total` bytes of memory, by default this one; None if it has too little for any, or if
    the system does not report it."""
    size = total_memory() if total is None else total
    fitting = [entry for entry in catalogue().values() if entry.memory and size >= _SHARE * entry.memory * 2**30]
    return max(fitting, key=lambda entry: entry.memory, default=None)


def recommended(name: str) -> str:
    """Return the advised generator for the name "recommended", any other name as it is. Raises BadSetting if there is none."""
    if name != RECOMMENDED:
        return name
    found = advised()
    if found is None:
        raise BadSetting("models.none_advised", least=min(entry.memory for entry in catalogue().values() if entry.memory))
    return found.name


def total_memory() -> int:
    """Return the bytes of memory of this computer; 0 if the system does not report them."""
    if (found := memory()) is not None:
        return found[1]
    try:  # macOS reports the total, and not what is free
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _windows_memory()


def _windows_memory() -> int:
    """Return what Windows reports as physically installed, in bytes; 0 elsewhere."""
    kernel = getattr(getattr(ctypes, "windll", None), "kernel32", None)
    if kernel is None:
        return 0
    kilobytes = ctypes.c_ulonglong(0)
    return 1024 * kilobytes.value if kernel.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)) else 0


def memory() -> tuple[int, int] | None:
    """Return the bytes of free and total memory; None if the system does not report them."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = {name: 1024 * int(rest.split()[0]) for name, rest in (line.split(":", 1) for line in lines)}
        return found["MemAvailable"], found["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError):
        pass
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return page * os.sysconf("SC_AVPHYS_PAGES"), page * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
