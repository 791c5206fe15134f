"""Whose a collection is.

Where nobody is asked for a password there is one person, the operator, whose everything is. Behind a password every browser is
somebody else: it holds a key that was given to it at the first login and that nobody can guess, and what it makes belongs to that
key. Only a digest of the key is ever kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

OPERATOR = ""
"""Whoever started Shawahid: everybody where there is no password, and programs that have a token."""
PERSON = "shawahid.person"
"""Where a request says whose it is: `OPERATOR`, or the digest of a browser's key."""

_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


def new_key() -> str:
    """A key of 256 random bits."""
    return secrets.token_urlsafe(32)


def is_key(text: str) -> bool:
    """Whether a text has the form of a key: nobody gets by with one that could be guessed."""
    return _KEY.fullmatch(text) is not None


def digest(key: str) -> str:
    """The person that a key stands for: 64 hexadecimal digits, from which the key can't be found."""
    return hashlib.sha256(key.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two names of a person are one, compared in a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def person_of(scope: Mapping[str, Any]) -> str:
    """Whose a request is; where there is no door before the page there is only the operator."""
    return str(scope.get(PERSON, OPERATOR))
