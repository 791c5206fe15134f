"""torch without the tables of its tracing compiler, which nothing here compiles with: they take a fifth of its import."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_TABLES = "torch._meta_registrations"
"""Registers what each operator gives for tensors without numbers. torch imports it for nothing but that."""


def lean_torch() -> None:
    """Let this process import torch without those tables. For programs of our own: in another's, torch may be there to compile.

    Does nothing where torch is imported already.
    """
    if "torch" not in sys.modules:
        sys.modules.setdefault(_TABLES, ModuleType(_TABLES))


def whole_torch() -> None:
    """Bring back what `lean_torch` left out, for a library that may ask for it."""
    left_out = sys.modules.get(_TABLES)
    if left_out is not None and left_out.__spec__ is None:
        del sys.modules[_TABLES]
        if "torch" in sys.modules:
            importlib.import_module(_TABLES)
