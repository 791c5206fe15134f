"""A web page by its address, fetched only when a person asks for it.

A server that fetches what people name must not be led to its own network: each address that a name resolves to has to be public, at every
redirect, and the connection is made to the address that was checked. Size, time, redirects, ports and kinds of content are limited, no
proxy is used, nothing is sent but the request itself, and nothing that a page refers to is fetched.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
import ssl
import threading
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from rag.documents.formats.readers import SUFFIXES
from rag.documents.load import MAX_BYTES, largest
from rag.errors import DocumentError

Resolver = Callable[[str, int], Sequence[str]]
"""Takes a host and a port; returns the IP addresses of the host. Raises OSError."""
Connector = Callable[[tuple[str, int], float], socket.socket]
"""Takes an IP address with a port, and seconds to wait; returns a connection. Raises OSError."""

SECONDS = 30.0
REDIRECTS = 5
_PORTS = frozenset((80, 443, 8080, 8443))
_LONGEST_ADDRESS, _LONGEST_NAME = 2000, 100
_PIECE = 64 * 2**10
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_MICROSOFT, _OPEN = "application/vnd.openxmlformats-officedocument", "application/vnd.oasis.opendocument"
_SUFFIX_OF = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
    f"{_MICROSOFT}.wordprocessingml.document": ".docx",
    f"{_MICROSOFT}.spreadsheetml.sheet": ".xlsx",
    f"{_MICROSOFT}.presentationml.presentation": ".pptx",
    f"{_OPEN}.text": ".odt",
    f"{_OPEN}.spreadsheet": ".ods",
}
_SAYS_NOTHING = frozenset(("", "application/octet-stream", "binary/octet-stream"))
_AGENT = "Shawahid (one page, at the request of a person)"


@dataclass(frozen=True, slots=True)
class WebPage:
    """A page as fetched. `address` is the one after redirects, `name` a file name made of it, `retrieved` the ISO 8601 day (UTC)."""

    address: str
    name: str
    data: bytes
    retrieved: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of a document made from it."""
        return {"source": self.address, "retrieved": self.retrieved}


def is_web_address(text: str) -> bool:
    """Return whether a text names a web page rather than a file."""
    return text.strip().lower().startswith(("http://", "https://"))


def resolve_host(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, as the system resolves it. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet, and so does the IPv4 address that it may carry inside."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # with a scope: link-local
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
        if parsed.teredo or parsed.sixtofour or parsed.ipv4_mapped:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def fetch_page(
    address: str,
    max_bytes: int = MAX_BYTES,
    *,
    seconds: float = SECONDS,
    resolve: Resolver = resolve_host,
    connect: Connector = socket.create_connection,
) -> WebPage:
    """Return the page at a web address. Raises DocumentError, naming the address, if it is malformed, leads to a private network or through
    too many redirects, takes too long, is too large, is of a kind that is not read, or if the server refuses it.
    """
    deadline = _Deadline(seconds)
    try:
        return _fetch(_address(address, address.strip()), address.strip(), max_bytes, deadline, resolve, connect)
    except (OSError, HTTPException, zlib.error) as error:
        if deadline.passed:
            raise DocumentError("error.web_slow", name=_shown(address), seconds=f"{seconds:g}") from error
        raise DocumentError("error.web_failed", name=_shown(address), reason=_reason(error)) from error
    finally:
        deadline.cancel()


def _fetch(url: SplitResult, asked: str, max_bytes: int, deadline: _Deadline, resolve: Resolver, connect: Connector) -> WebPage:
    for _ in range(REDIRECTS + 1):
        connection = _Connection(url, asked, deadline, resolve, connect)
        try:
            connection.request("GET", _target(url), headers=_headers(url))
            response = connection.getresponse()
            if 300 <= response.status < 400 and (place := response.headers.get("Location")):
                url = _address(asked, urljoin(url.geturl(), place))
                continue
            if response.status != 200:
                raise DocumentError("error.web_failed", name=_shown(asked), reason=f"HTTP {response.status}")
            suffix = _suffix(response, url, asked)
            data = _body(response, largest(suffix, max_bytes), asked)
            deadline.check()
            return WebPage(url.geturl(), _name(url, suffix), data, datetime.now(UTC).date().isoformat())
        finally:
            connection.close()
    raise DocumentError("error.web_redirects", name=_shown(asked), limit=REDIRECTS)


class _Deadline:
    """Closes the open connection at the deadline, however slowly the other side sends."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connection: socket.socket) -> None:
        """Watch this connection instead of the previous one."""
        with self._lock:
            self._forget()
            self._handle = connection.dup()  # TLS takes the socket itself away
        self.check()

    def check(self) -> None:
        """Raise TimeoutError past the deadline."""
        if self.passed:
            raise TimeoutError

    def cancel(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            if self._handle is not None:
                with suppress(OSError):  # it may have ended by itself
                    self._handle.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    """A connection to a checked address of a host; over TLS the certificate must be the host's."""

    def __init__(self, url: SplitResult, asked: str, deadline: _Deadline, resolve: Resolver, connect: Connector) -> None:
        self._host, self._port = str(url.hostname), url.port or _port(url)
        super().__init__(self._host, self._port)
        self._secure = url.scheme == "https"
        self._asked = asked
        self._deadline = deadline
        self._resolve = resolve
        self._connector = connect

    def connect(self) -> None:
        self._deadline.check()
        found = list(dict.fromkeys(self._resolve(self._host, self._port)))
        # All of them: a name that resolves to both is an attack, or belongs to this server's own network.
        if not all(is_public(each) for each in found):
            raise DocumentError("error.web_private", name=_shown(self._asked))
        self._deadline.check()
        connection = _first(found, self._port, self._deadline, self._connector)
        self._deadline.watch(connection)
        if self._secure:
            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=self._host)
        self.sock = connection


def _first(addresses: Sequence[str], port: int, deadline: _Deadline, connect: Connector) -> socket.socket:
    """Return a connection to the first address that accepts one. Raises OSError."""
    failure = OSError("the name has no address")
    for address in addresses:
        try:
            return connect((address, port), deadline.seconds / 3)
        except OSError as error:
            failure = error
            deadline.check()
    raise failure


def _address(asked: str, text: str) -> SplitResult:
    """Return a web address in its parts, with its host in ASCII and without its fragment. Raises DocumentError."""
    problem = DocumentError("error.web_address", name=_shown(asked))
    if len(text) > _LONGEST_ADDRESS or any(unicodedata.category(c) in ("Cc", "Cf") for c in text):
        raise problem
    try:
        url = urlsplit(text)
        host = (url.hostname or "").rstrip(".").encode("idna").decode("ascii")
        port = url.port
    except ValueError as error:
        raise problem from error
    if url.scheme not in ("http", "https") or not host or url.username is not None or url.password is not None:
        raise problem
    if port is not None and port not in _PORTS:
        raise DocumentError("error.web_private", name=_shown(asked))
    shown = f"[{host}]" if ":" in host else host
    return url._replace(netloc=shown if port in (None, _port(url)) else f"{shown}:{port}", fragment="")


def _port(url: SplitResult) -> int:
    return 443 if url.scheme == "https" else 80


def _target(url: SplitResult) -> str:
    path = quote(url.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return path + (f"?{quote(url.query, safe='/%:@!$&()*+,;=~-._?')}" if url.query else "")


def _headers(url: SplitResult) -> dict[str, str]:
    return {
        "Host": url.netloc,
        "User-Agent": _AGENT,
        "Accept": "text/html, */*;q=0.5",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _suffix(response: HTTPResponse, url: SplitResult, asked: str) -> str:
    """Return the suffix of the file type that the server declares, else the one in the address. Raises DocumentError."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in _SAYS_NOTHING:
        suffix = "." + url.path.rpartition(".")[2].lower()
        if suffix in SUFFIXES and suffix in _SUFFIX_OF.values():
            return suffix
    elif kind in _SUFFIX_OF:
        return _SUFFIX_OF[kind]
    raise DocumentError("error.web_kind", name=_shown(asked), kind=kind[:80] or "?")


def _body(response: HTTPResponse, most: int, asked: str) -> bytes:
    """Return a response's content, decompressed if the server compressed it unasked. Raises DocumentError beyond `most` bytes."""
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise DocumentError("error.web_kind", name=_shown(asked), kind=packing[:80])
    unpacker = None if packing in ("identity", "") else zlib.decompressobj(zlib.MAX_WBITS | 32)
    data = bytearray()
    while piece := response.read(_PIECE):
        data += piece if unpacker is None else unpacker.decompress(piece, most + 1 - len(data))
        if len(data) > most:
            limit = f"{most / 2**20:.0f}"
            raise DocumentError("error.too_large", name=_shown(asked), size=f"> {limit}", limit=limit)
    if response.length or (unpacker is not None and not unpacker.eof):  # the connection ended early
        raise HTTPException("incomplete")
    return bytes(data)


def _name(url: SplitResult, suffix: str) -> str:
    """Return a file name derived from an address: `example.org_news_bridge.html`. A hash stands for a query, and for what is cut off."""
    path = unicodedata.normalize("NFC", unquote(url.path)).strip("/")
    stem = path.removesuffix(suffix) if path.lower().endswith(suffix) else path
    words = [re.sub(r"[^\w.-]+", "_", part).strip("._") for part in (str(url.hostname), *stem.split("/"))]
    name = "_".join(word for word in words if word)
    if url.query or len(name.encode()) > _LONGEST_NAME:
        name = name.encode()[:_LONGEST_NAME].decode("utf-8", "ignore") + "_" + hashlib.sha256(url.geturl().encode()).hexdigest()[:8]
    return name + suffix


def _shown(address: str) -> str:
    """Return an address for a message, on one line and without any password in it."""
    plain = "".join(c for c in address if unicodedata.category(c) not in ("Cc", "Cf")).strip()
    return re.sub(r"//[^/?#@]*@", "//", plain)[:200]


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
