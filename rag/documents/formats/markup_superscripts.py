"""Superscripts in DOCX and HTML: a note mark is set apart from the number before it, a power stays with its unit."""

from __future__ import annotations

import re

_SUPERSCRIPTS = str.maketrans("0123456789+-−()n٠١٢٣٤٥٦٧٨٩", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")
_POWER = re.compile(r"[+\-−]?[\d٠-٩n]{1,3}")
_UNIT = re.compile(r"(?:\b(?:[kcdmµμ]?m|ft|in|km|mi|s|[a-z])|(?<![^\W_])(?:[كمس]?م|كلم|سم|ملم|متر|كيلومتر|قدم)|[)\]×])$", re.IGNORECASE)
_TEN = re.compile(r"(?:^|[^\d.,٠-٩])(?:10|١٠|2|٢)$")


def raise_text(before: str, text: str) -> str:
    """Return a raised text as it is written after `before`: as superscript characters where it is a power of ten or of a unit, as a
    mark in brackets where it is the number of a note, unchanged where it is neither ("1st", "م.").

    >>> raise_text("4800", "3"), raise_text("12 km", "2"), raise_text("10", "6"), raise_text("1", "st")
    (' [3]', '²', '⁶', 'st')
    """
    stripped = text.strip()
    if not stripped:
        return text
    if stripped[0] in "[(" and stripped[-1] in ")]" and stripped[1:-1].strip().isalnum():
        stripped = stripped[1:-1].strip()
        return f" [{stripped}]"
    if _POWER.fullmatch(stripped):
        if (_UNIT.search(before) and len(stripped.lstrip("+-−")) == 1) or _TEN.search(before):
            return stripped.translate(_SUPERSCRIPTS)
        if stripped[0] in "+-−":
            return stripped.translate(_SUPERSCRIPTS)
        return f" [{stripped}]"
    if len(stripped) <= 3 and not any(character.isalpha() for character in stripped):  # "*", "†", "1,2"
        return f" [{stripped}]" if any(character.isdigit() for character in stripped) else text
    if len(stripped) == 1 and before[-1:].isdigit() and stripped.isalpha():
        return f" [{stripped}]"
    return text


def lower_text(text: str) -> str:
    """Return a lowered text in subscript characters where these exist: CO₂."""
    return text.translate(_SUBSCRIPTS) if text.strip().isdigit() else text
