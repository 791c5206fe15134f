"""Who may do what: the names the server is called by, the password, the tokens, and how much anybody may ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rag.errors import BadSetting

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LEAST_PASSWORD = 8
LEAST_TOKEN = 16
"""Characters. Guessing a password is slowed down, guessing a token is not: it has to be long."""
API = ("/v1/", "/mcp", "/metrics", "/openapi.json")
"""Where programs go, with a token; everything else is the page, with the password."""

_SOURCE = re.compile(r"'self'|'none'|\*|https?://[A-Za-z0-9.*\[\]:-]+")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in. Neither secret is ever shown: not in a repr, not in a log, not in an error."""

    password: str = field(default="", repr=False)
    """Opens the page; "" leaves it open, or, where there are tokens, closed."""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """Each opens the API and the tools of programs."""
    hosts: frozenset[str] | None = LOOPBACK
    """The names the server may be called by; None: any."""
    origins: tuple[str, ...] = ()
    """Pages of other sites that may call the API (CORS): "https://example.org"."""
    frame_ancestors: tuple[str, ...] = ("'self'",)
    """Sites that may show the page in a frame, as Content-Security-Policy writes them."""
    changes: bool = False
    """Whether the API may add and remove documents. The page may, for whoever is let in to it."""

    def __post_init__(self) -> None:
        if self.password and len(self.password) < LEAST_PASSWORD:
            raise BadSetting("server.short_password", least=LEAST_PASSWORD)
        # A header holds ASCII without spaces; and what is written must be what is meant.
        if any(len(token) < LEAST_TOKEN or not re.fullmatch(r"[!-~]+", token) for token in self.tokens):
            raise BadSetting("server.short_token", least=LEAST_TOKEN)
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise BadSetting("error.setting", name="SHAWAHID_ORIGINS", value=origin, allowed="https://example.org …")
        for source in self.frame_ancestors:
            if not _SOURCE.fullmatch(source):
                raise BadSetting(
                    "error.setting", name="SHAWAHID_FRAME_ANCESTORS", value=source, allowed="'self' 'none' https://example.org …"
                )

    @classmethod
    def listening(
        cls,
        host: str,
        *,
        password: str = "",
        tokens: tuple[str, ...] = (),
        origins: tuple[str, ...] = (),
        frame_ancestors: tuple[str, ...] = ("'self'",),
        changes: bool = False,
    ) -> Access:
        """The access of a server that listens on `host`. Raises BadSetting when others could come in without a secret."""
        if host not in LOOPBACK and not password and not tokens:
            raise BadSetting("server.password", host=host, least=LEAST_PASSWORD)
        # Behind a secret the server may be reached through a proxy, by whatever name that has.
        hosts = None if password or tokens else LOOPBACK
        return cls(password, tokens, hosts, origins, frame_ancestors, changes)

    @property
    def open(self) -> bool:
        """Whether nobody is asked for anything."""
        return not self.password and not self.tokens


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for."""

    body: int = 2**20
    """Bytes of a request; a document that is added has its own limit."""
    document: int = 64 * 2**20
    """Bytes of a document that is added, of whatever kind; each kind has its own limit in the library."""
    patience: float = 30.0
    """Seconds for which a request that has begun may send nothing."""
    seconds: float = 120.0
    """Seconds for which one answer may be worked on, waiting in line not counted."""
    waiting: int = 40
    """Questions that may wait or run at once."""


def is_api(path: str) -> bool:
    """Whether a path belongs to programs."""
    return path.startswith(API)
