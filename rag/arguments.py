"""What a caller passes: a wrong argument is an error with a sentence, not one from further inside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from numbers import Integral
from pathlib import Path

from rag.errors import BadSetting

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_SHOWN = 60
"""Characters of a value that are shown."""


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    text = repr(value).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}…"


def refuse(name: str, value: object, expected: str) -> BadSetting:
    """Return the error for an argument that is not what is expected, named as Python names it."""
    return BadSetting("error.argument", name=name, value=shown(value), expected=expected)


def require_type(name: str, value: object, *kinds: type) -> None:
    """Raise BadSetting unless a value is of one of the types; True and False are no numbers."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise refuse(name, value, " | ".join("None" if kind is type(None) else kind.__name__ for kind in kinds))


def require_members(name: str, value: object, *members: str) -> None:
    """Raise BadSetting unless a value has the members that make it usable here."""
    if isinstance(value, (str, type)) or any(not hasattr(value, member) for member in members):
        raise refuse(name, value, ", ".join(f".{member}" for member in members))


def as_path(name: str, value: object) -> Path:
    """Return a path that was given as one or as a string. Raises BadSetting."""
    if not isinstance(value, (str, os.PathLike)) or not str(value):
        raise refuse(name, value, "str | Path")
    return Path(value)


def require_collection(name: str, value: object, expected: str) -> None:
    """Raise BadSetting unless a value can be iterated; a lone string would be taken for its letters."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise refuse(name, value, expected)


def require_callable(name: str, value: object, expected: str) -> None:
    """Raise BadSetting unless a value is None or can be called."""
    if value is not None and not callable(value):
        raise refuse(name, value, expected)


def require_one_of(name: str, value: object, allowed: Sequence[str]) -> None:
    """Raise BadSetting unless a value is one of some words."""
    if value not in allowed:
        raise BadSetting("error.setting", name=name, value=shown(value), allowed=", ".join(allowed))


def require_seconds(name: str, value: object) -> None:
    """Raise BadSetting unless a value is a number of seconds, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise refuse(name, value, "float ≥ 0")


def require_whole(name: str, value: object, least: int) -> None:
    """Raise BadSetting unless a value is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise refuse(name, value, f"int ≥ {least}")


def require_language(name: str, value: object) -> None:
    """Raise BadSetting unless a value is a code of a language, such as "ar" or "en"."""
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise refuse(name, value, '"ar", "en", …')
