"""Document collections: who owns them, their files, and the jobs that index them."""

from __future__ import annotations

from rag.library.generators import Generators
from rag.library.library import Library

__all__ = ["Generators", "Library"]
