"""Import torch without the tables of its tracing compiler, which nothing here uses and which take a fifth of the import."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_TABLES = "torch._meta_registrations"
"""Registers the meta function of each operator. torch imports it for nothing else."""


def lean_torch() -> None:
    """Make this process import torch without those tables. Only for our own programs: another program may need the compiler.

    Does nothing if torch is already imported.
    """
    if "torch" not in sys.modules:
        sys.modules.setdefault(_TABLES, ModuleType(_TABLES))


def whole_torch() -> None:
    """Restore what `lean_torch` left out, for a library that may need it."""
    left_out = sys.modules.get(_TABLES)
    if left_out is not None and left_out.__spec__ is None:
        del sys.modules[_TABLES]
        if "torch" in sys.modules:
            importlib.import_module(_TABLES)
