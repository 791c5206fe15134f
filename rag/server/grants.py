"""What a token may do: its scopes and its collections, how they are read from a file, and which scope an address needs."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import BadSetting
from rag.server.error_responses import Forbidden

SCOPES = ("search", "ask", "change", "metrics")
"""search: find and read passages and documents; ask: have questions answered; change: add and remove documents; metrics: read figures."""
LEAST_TOKEN = 16
"""In characters. Password attempts are slowed down, token attempts are not, so a token has to be long."""
GRANT = "shawahid.grant"
"""The key in a request's scope that holds what it may do."""

_NEEDED = (
    ("POST", "/v1/search", ("search",)),
    ("GET", "/v1/documents", ("search",)),
    ("GET", "/v1/document", ("search", "ask")),
    ("GET", "/v1/overview", ("search", "ask")),
    ("GET", "/v1/contradictions", ("search", "ask")),
    ("GET", "/v1/suggestions", ("search", "ask")),
    ("POST", "/v1/embeddings", ("search",)),
    ("POST", "/v1/ask", ("ask",)),
    ("POST", "/v1/table", ("ask",)),
    ("POST", "/v1/chat/completions", ("ask",)),
    ("POST", "/v1/responses", ("ask",)),
    ("PUT", "/v1/documents/", ("change",)),
    ("POST", "/v1/documents", ("change",)),
    ("DELETE", "/v1/documents", ("change",)),
    ("GET", "/v1/jobs/", ("change",)),
    ("GET", "/v1/indexing", ("change", "search")),
    ("GET", "/v1/models", ("search", "ask", "change")),
    ("GET", "/v1/models/", ("search", "ask", "change")),
    ("GET", "/openapi.json", SCOPES),
    ("GET", "/metrics", ("metrics",)),
    ("*", "/mcp", ("search", "ask")),
    ("*", "/mcp/", ("search", "ask")),
)
"""Methods and paths (those under it too if it ends with a slash), and the scopes of which one is enough. The tools under /mcp check their
own."""
_NAME = re.compile(r"[^\W\d_][\w.-]{0,59}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEYS = frozenset({"token", "sha256", "scopes", "collections"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request may do: its scopes, and the ids of the collections that it may name (None: all that its person sees)."""

    scopes: frozenset[str] = frozenset(SCOPES)
    collections: frozenset[str] | None = None

    def sees(self, collection: str) -> bool:
        """Return whether it may name a collection; "" is the one that the server was started with."""
        return self.collections is None or collection in self.collections

    def require(self, *scopes: str) -> None:
        """Raise Forbidden, which names them, unless it has one of the scopes."""
        if self.scopes.isdisjoint(scopes):
            raise Forbidden("server.missing_scope", scope=" | ".join(scopes))

    def lacking(self, method: str, path: str) -> tuple[str, ...]:
        """Return the scopes of which a request needs one and has none; () if it may pass. An address that is not listed needs them all."""
        needed = scopes_of(method, path)
        if needed is None:
            return tuple(scope for scope in SCOPES if scope not in self.scopes)
        return needed if self.scopes.isdisjoint(needed) else ()


FULL = Grant()


@dataclass(frozen=True, slots=True)
class NamedToken:
    """A token of the file: its name, the SHA-256 of its secret, and what it may do."""

    name: str
    digest: bytes = field(repr=False)
    grant: Grant


def scopes_of(method: str, path: str) -> tuple[str, ...] | None:
    """Return the scopes of which one is enough for a request; None if the address is not listed."""
    method = "GET" if method == "HEAD" else method
    for allowed, place, scopes in _NEEDED:
        if allowed in ("*", method) and (path == place or (place.endswith("/") and path.startswith(place))):
            return scopes
    return None


def grant_of(scope: Mapping[str, Any]) -> Grant:
    """Return what a request may do, as the gate recorded it; without a gate everything."""
    found = scope.get(GRANT, FULL)
    return found if isinstance(found, Grant) else FULL


def is_token(text: str) -> bool:
    """Return whether a text can be a token: long enough, and ASCII without spaces, as a header is."""
    return len(text) >= LEAST_TOKEN and re.fullmatch(r"[!-~]+", text) is not None


def token_digest(secret: str) -> bytes:
    """Return a digest of constant length, so that comparing reveals nothing about the secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def read_tokens(path: Path) -> tuple[NamedToken, ...]:
    """Read a TOML file of tokens, a table for each under its name: `token`, or `sha256` of it in hexadecimal; `scopes`; and `collections`,
    ids of which "" is the collection that the server was started with (without the field: all). Raises BadSetting, which never holds a
    secret."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting("server.tokens_file", path=path, reason=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise BadSetting("server.tokens_file", path=path, reason="UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        # The reason names a place, and may repeat a character of the file, never a value.
        raise BadSetting("server.tokens_file", path=path, reason=error) from error
    tokens = tuple(_token(path, name, table) for name, table in tables.items())
    for number, token in enumerate(tokens):
        if token.digest in {other.digest for other in tokens[:number]}:
            raise _wrong(path, token.name, "token")
    return tokens


def _token(path: Path, name: str, table: object) -> NamedToken:
    if not _NAME.fullmatch(name) or not isinstance(table, dict):
        raise _wrong(path, name, "name")
    if unknown := sorted(table.keys() - _KEYS):
        raise _wrong(path, name, unknown[0])
    secret, sha256 = table.get("token"), table.get("sha256")
    if (secret is None) == (sha256 is None):
        raise _wrong(path, name, "token")
    if secret is not None:
        if not isinstance(secret, str) or not is_token(secret):
            raise _wrong(path, name, "token")
        digest = token_digest(secret)
    else:
        if not isinstance(sha256, str) or not _DIGEST.fullmatch(sha256.lower()):
            raise _wrong(path, name, "sha256")
        digest = bytes.fromhex(sha256)
    scopes, collections = table.get("scopes"), table.get("collections")
    if not isinstance(scopes, list) or not scopes or not all(scope in SCOPES for scope in scopes):
        raise _wrong(path, name, "scopes")
    if collections is not None and not (isinstance(collections, list) and collections and all(isinstance(id, str) for id in collections)):
        raise _wrong(path, name, "collections")
    return NamedToken(name, digest, Grant(frozenset(scopes), None if collections is None else frozenset(collections)))


def _wrong(path: Path, name: str, field: str) -> BadSetting:
    return BadSetting("server.tokens_entry", path=path, name=name[:60], field=field[:60], least=LEAST_TOKEN, scopes=", ".join(SCOPES))
