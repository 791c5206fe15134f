"""Who sends a request: the person who owns collections, and the caller who takes turns in the queue.

Without a password there is one person, the operator, who owns everything. With a password every browser is a different person: at its first
login it receives an unguessable key, which owns what the browser creates. Only a digest of the key is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

OPERATOR = ""
"""The person who started Shawahid: everyone if there is no password, and programs with a token."""
PERSON = "shawahid.person"
"""The key in a request's scope that holds its person: `OPERATOR`, or the digest of a browser's key."""
CALLER = "shawahid.caller"
"""The key in a request's scope that holds who takes turns in the queue: a token, a login, or an address."""

_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


def new_key() -> str:
    """Return a key of 256 random bits."""
    return secrets.token_urlsafe(32)


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key, so that a guessable one is refused."""
    return _KEY.fullmatch(text) is not None


def digest(key: str) -> str:
    """Return the person that a key stands for: 64 hexadecimal digits, from which the key cannot be recovered."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Return whether two person names are equal, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def person_of(scope: Mapping[str, Any]) -> str:
    """Return the person who sent a request; without a gate there is only the operator."""
    return str(scope.get(PERSON, OPERATOR))


def caller_of(scope: Mapping[str, Any], otherwise: str = "") -> str:
    """Return whose turns in the queue a request takes; `otherwise` without a gate."""
    return str(scope.get(CALLER, otherwise))
