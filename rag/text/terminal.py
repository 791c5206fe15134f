"""Arabic in a terminal, whether or not the terminal orders right-to-left text itself."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping

from rag.text.language import script

_ISOLATE_RIGHT, _POP = "\u2067", "\u2069"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARGIN = 8  # columns: what callers put before a text


def orders_itself(environment: Mapping[str, str] | None = None) -> bool:
    """Return whether the terminal lays out right-to-left text on its own.

    GNOME's and KDE's terminals, mlterm and Apple's do. SHAWAHID_BIDI=terminal or SHAWAHID_BIDI=shawahid overrides the guess.
    """
    environment = os.environ if environment is None else environment
    chosen = environment.get("SHAWAHID_BIDI", "")
    if chosen in ("terminal", "shawahid"):
        return chosen == "terminal"
    vte = environment.get("VTE_VERSION", "0")
    return (
        (vte.isdigit() and int(vte) >= 5800)
        or "KONSOLE_VERSION" in environment
        or environment.get("TERM_PROGRAM") == "Apple_Terminal"
        or environment.get("TERM", "").startswith("mlterm")
    )


def for_terminal(text: str, *, itself: bool | None = None, is_terminal: bool | None = None, width: int | None = None) -> str:
    """Return text in the form a terminal needs.

    Text for a file or pipe is unchanged. A terminal that orders text itself gets each line isolated as right-to-left. Any other gets it in
    visual order with joined letters, in lines of at most `width` columns (default: the terminal's), because the terminal would put the end
    of a longer line above its beginning. Control characters, which could move the cursor or recolour the screen, are left out.
    """
    if is_terminal is None:
        is_terminal = sys.stdout.isatty()
    if not is_terminal:
        return text
    text = _CONTROL.sub("", text)
    if script(text) != "ar":
        return text
    if orders_itself() if itself is None else itself:
        return "\n".join(f"{_ISOLATE_RIGHT}{line}{_POP}" if line else "" for line in text.split("\n"))
    width = max(width or shutil.get_terminal_size().columns - _MARGIN, 20)
    return "\n".join(_visual(part) for line in text.split("\n") for part in _wrapped(line, width))


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]


def _visual(line: str) -> str:
    """Return one line in visual order, from left to right, with joined letters."""
    from arabic_reshaper import reshape  # type: ignore[import-untyped]
    from bidi import get_display  # type: ignore[import-untyped]

    return str(get_display(reshape(line), base_dir="R"))
