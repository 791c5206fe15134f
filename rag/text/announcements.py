"""Whether a line announces what stands below it: it ends with a colon, asks a short question, or says that something follows."""

from __future__ import annotations

import re

LONGEST_QUESTION = 160
"""Characters of a question that is read with what answers it below."""
_COLONS = (":", "：", ":-", ":–")
_QUESTION_MARKS = ("?", "؟")
_AFTER = " \n\t*_\u200e\u200f"
"""What may follow the last sign of a line without being seen."""
_FOLLOWS = re.compile(
    r"\b(?:as follows|the following|following (?:\w+ ){0,3}\w+|(?:shown|given|listed|described|example) below|below)[.]?\s*$"
    r"|(?:ما يلي|كما يلي|على النحو (?:التالي|الآتي)|(?:التالي|الآتي)ة?|أدناه)[.]?\s*$",
    re.IGNORECASE,
)


def ends_with_colon(text: str) -> bool:
    """Return whether a text ends with a colon, also one with a dash after it (":-").

    >>> ends_with_colon("You need:"), ends_with_colon("المطلوب:-"), ends_with_colon("At 9:30")
    (True, True, False)
    """
    return text.rstrip(_AFTER).endswith(_COLONS)


def is_short_question(text: str) -> bool:
    """Return whether a text ends with a question mark and is no longer than a question that stands above its answer."""
    return text.rstrip(_AFTER).endswith(_QUESTION_MARKS) and len(text) <= LONGEST_QUESTION


def announces(text: str) -> bool:
    """Return whether a text ends with a colon or is a short question."""
    return ends_with_colon(text) or is_short_question(text)


def says_that_more_follows(text: str) -> bool:
    """Return whether the last words of a text say that something stands below it ("as follows", «على النحو التالي»)."""
    return _FOLLOWS.search(text[-LONGEST_QUESTION:].rstrip(f"{_AFTER}:：-–")) is not None
