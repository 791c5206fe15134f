"""What translates phrases and sentences between Arabic and English."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol


class Translator(Protocol):
    """Translates short texts. `fingerprint` changes whenever translations may."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...

    def translate(self, texts: Sequence[str], source: str, target: str, stop: threading.Event | None = None) -> list[str]:
        """Return one translation per text, in order, from one language to another ("ar", "en"), each on one line.

        "" stands for a text that is empty or too long, whose translation came to no end, or that was not reached before `stop` was set.
        """
        ...
