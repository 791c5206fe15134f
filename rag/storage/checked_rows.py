"""Rows of the database, compared with their check values whenever they are read for an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rag.errors import IndexCorrupt
from rag.storage.codec import crc
from rag.storage.connections import Connections


class CheckedRows(Connections):
    """The database of an index, whose rows are what was written, or raise IndexCorrupt."""

    @contextmanager
    def unchecked(self) -> Iterator[None]:
        """Rows are read by this thread as they are: without their check values, and text that is no UTF-8 any more as well. For
        finding damage and mending it."""
        connection = self.connection()
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        self._local.unchecked = True
        try:
            yield
        finally:
            self._local.unchecked = False
            connection.text_factory = str

    @property
    def is_checked(self) -> bool:
        """Whether this thread compares rows with their check values."""
        return not getattr(self._local, "unchecked", False)

    def check(self, what: str, id: object, values: Sequence[object], expected: object) -> None:
        """Raise IndexCorrupt when values that were read are not those that `expected` is the check value of."""
        if self.is_checked and crc(*values) != expected:
            raise self.damaged(f"{what} {id}: its check value differs")

    def damaged(self, reason: object) -> IndexCorrupt:
        """Return the error for something in the database that is not what was written."""
        return IndexCorrupt("error.index_damaged", path=self.path, reason=reason)


def chunks(items: Sequence[Any], size: int = 900) -> Iterator[list[Any]]:
    """Slices short enough for SQLite's limit on parameters."""
    for start in range(0, len(items), size):
        yield [item.item() if isinstance(item, np.generic) else item for item in items[start : start + size]]


def marks(values: Sequence[object]) -> str:
    """As many question marks as there are values, for SQL."""
    return ",".join("?" * len(values))
