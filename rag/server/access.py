"""Access control: the host names the server accepts, the password, the tokens, and the limits of a request."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from rag.errors import BadSetting
from rag.server.grants import LEAST_TOKEN, NamedToken, is_token

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LEAST_PASSWORD = 8
API = ("/v1/", "/mcp", "/mcp/", "/metrics", "/openapi.json")
"""The paths for programs, opened by a token; all others are the page, opened by the password."""

_SOURCE = re.compile(r"'self'|'none'|\*|https?://[A-Za-z0-9.*\[\]:-]+")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in. Neither secret ever appears in a repr, a log or an error."""

    password: str = field(default="", repr=False)
    """Opens the page. If empty, the page is open, unless there are tokens: then it is closed."""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """Each one opens all of the API and the tools."""
    named: tuple[NamedToken, ...] = ()
    """Tokens with a name, each for some scopes and collections."""
    hosts: frozenset[str] | None = LOOPBACK
    """The host names that the server accepts; None accepts any."""
    origins: tuple[str, ...] = ()
    """Other sites whose pages may call the API (CORS): "https://example.org"."""
    frame_ancestors: tuple[str, ...] = ("'self'",)
    """Sites that may show the page in a frame, in Content-Security-Policy syntax."""
    changes: bool = False
    """Whether the API may add and remove documents. The page always may, for anyone who is logged in."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of the proxies that are believed when they say (X-Forwarded-For, X-Forwarded-Proto) where a request comes
    from. Nobody else is: such a header can be invented."""

    new_readers: int = 0
    """Browsers that may log in from one network for the first time in a day; 0 sets no limit."""

    def __post_init__(self) -> None:
        if self.password and len(self.password) < LEAST_PASSWORD:
            raise BadSetting("server.short_password", least=LEAST_PASSWORD)
        if not all(is_token(token) for token in self.tokens):
            raise BadSetting("server.short_token", least=LEAST_TOKEN)
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise BadSetting("error.setting", name="SHAWAHID_ORIGINS", value=origin, allowed="https://example.org …")
        for proxy in self.proxies:
            if not _is_network(proxy):
                raise BadSetting("error.setting", name="SHAWAHID_PROXIES", value=proxy, allowed="127.0.0.1 10.0.0.0/8 …")
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
        named: tuple[NamedToken, ...] = (),
        origins: tuple[str, ...] = (),
        frame_ancestors: tuple[str, ...] = ("'self'",),
        changes: bool = False,
        proxies: tuple[str, ...] = (),
        new_readers: int = 0,
    ) -> Access:
        """Return the access rules of a server that listens on `host`. Raises BadSetting if it could be reached from elsewhere without a
        secret."""
        if host not in LOOPBACK and not (password or tokens or named):
            raise BadSetting("server.password", host=host, least=LEAST_PASSWORD)
        # Behind a secret the server may be reached through a proxy, by whatever name that has.
        hosts = None if password or tokens or named else LOOPBACK
        return cls(password, tokens, named, hosts, origins, frame_ancestors, changes, proxies, new_readers)

    @property
    def open(self) -> bool:
        """Whether no secret is required."""
        return not (self.password or self.tokens or self.named)


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The limits of one request."""

    body: int = 2**20
    """Bytes of a request; an added document has its own limit."""
    document: int = 64 * 2**20
    """Bytes of an added document of any kind; the library has a limit for each kind."""
    patience: float = 30.0
    """Seconds that a started request may pause, and that its head may take."""
    arrival: float = 120.0
    """Seconds in which a request must have arrived; an added document may take longer."""
    seconds: float = 120.0
    """Seconds that one answer may take, not counting the time in the queue."""
    waiting: int = 40
    """Questions that may wait or run at once."""


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def is_api(path: str) -> bool:
    """Return whether a path belongs to the API."""
    return is_one_of(path, API)


def is_one_of(path: str, places: tuple[str, ...]) -> bool:
    """Return whether a path is one of the places, or lies in one that ends with a slash."""
    return path in places or path.startswith(tuple(place for place in places if place.endswith("/")))
