"""Arabic in a terminal: readable where the terminal orders right-to-left text itself, and where it does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from rag.text import script

_ISOLATE_RIGHT, _POP = "\u2067", "\u2069"


def orders_itself(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the terminal lays out right-to-left text on its own.

    GNOME's and KDE's terminals, mlterm and Apple's do. ISNAD_BIDI=terminal or ISNAD_BIDI=isnad overrides the guess.
    """
    environment = os.environ if environment is None else environment
    chosen = environment.get("ISNAD_BIDI", "")
    if chosen in ("terminal", "isnad"):
        return chosen == "terminal"
    vte = environment.get("VTE_VERSION", "0")
    return (
        (vte.isdigit() and int(vte) >= 5800)
        or "KONSOLE_VERSION" in environment
        or environment.get("TERM_PROGRAM") == "Apple_Terminal"
        or environment.get("TERM", "").startswith("mlterm")
    )


def for_terminal(text: str, *, itself: bool | None = None, is_terminal: bool | None = None) -> str:
    """A line of text as a terminal should be given it.

    Into a file or pipe, text goes unchanged. A terminal that orders text itself gets the line isolated as right-to-left; any
    other gets it in visual order, letters joined.
    """
    if is_terminal is None:
        is_terminal = sys.stdout.isatty()
    if not is_terminal or script(text) != "ar":
        return text
    if orders_itself() if itself is None else itself:
        return f"{_ISOLATE_RIGHT}{text}{_POP}"
    from arabic_reshaper import reshape  # type: ignore[import-untyped]
    from bidi import get_display  # type: ignore[import-untyped]

    return str(get_display(reshape(text), base_dir="R"))
