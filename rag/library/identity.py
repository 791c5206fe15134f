"""Who sends a request: the person who owns collections, and the caller who takes turns in the queue.

Without a password there is one person, the operator, who owns everything. With a password every browser is a different person: at its first
login it receives an unguessable key, which owns what the browser creates. Only a digest of the key is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rag.files import make_private

OPERATOR = ""
"""The person who started Shawahid: everyone if there is no password, and programs with a token."""
PERSON = "shawahid.person"
"""The key in a request's scope that holds its person: `OPERATOR`, or the digest of a browser's key."""
CALLER = "shawahid.caller"
"""The key in a request's scope that holds who takes turns in the queue: a token, a login, or an address."""

_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_SECRET_BYTES, _HALF = 32, 16


class Keys:
    """Issues the keys of browsers, and recognises those that it issued, so that nobody can invent one or give a browser one in advance.

    Half of a key is random, 128 bits, and the other half is its authentication code; so none has to be stored.
    """

    def __init__(self, secret: bytes | None = None, owns: Callable[[str], bool] = lambda person: False) -> None:
        """`secret` (None: one of this process) has to stay the same for keys to stay known. A key issued with another is known by the
        collections that its person `owns`."""
        self._secret = secret or secrets.token_bytes(_SECRET_BYTES)
        self._owns = owns

    def new(self) -> str:
        """Return a new key."""
        half = secrets.token_bytes(_HALF)
        return base64.urlsafe_b64encode(half + self._code(half)).rstrip(b"=").decode()

    def knows(self, key: str) -> bool:
        """Return whether a key was issued here, or owns a collection."""
        if not is_key(key):
            return False
        given = base64.urlsafe_b64decode(f"{key}=")
        return hmac.compare_digest(given[_HALF:], self._code(given[:_HALF])) or self._owns(digest(key))

    def _code(self, half: bytes) -> bytes:
        return hmac.digest(self._secret, half, "sha256")[:_HALF]


def read_secret(path: Path) -> bytes:
    """Return the secret in a file, which is created if it is missing, readable by this user only. Raises OSError."""
    make_private(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        secret = secrets.token_bytes(_SECRET_BYTES)
        file.write(secret)
    return secret


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
