"""Web pages by their address: what is fetched, and what a server must not be led to."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from rag.documents.load import Loader
from rag.documents.source_notes import note_path, read_source_note, write_source_note
from rag.documents.web import WebPage, fetch_page, is_public, is_web_address
from rag.errors import DocumentError

ENGLISH = "<html><head><title>Bridge</title></head><body><p>The bridge opens in May.</p></body></html>"
ARABIC = "<html><head><title>الجسر</title></head><body><p>يُفتح الجسر في أيار.</p></body></html>"
HTML = "text/html; charset=utf-8"
PUBLIC = {"example.org": ["93.184.215.14"], "xn--mgbh0fb.example": ["93.184.215.15"], "inside.example": ["10.0.0.8"]}


class Site(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        Site.seen.append((self.headers["Host"], self.path))
        path = self.path.partition("?")[0]
        if path.startswith("/to/"):
            return self.reply(302, b"", Location={"/to/page": "/page", "/to/inside": "http://inside.example/", "/to/loop": "/to/loop",
                                                  "/to/file": "file:///etc/passwd"}[path])  # fmt: skip
        pages: dict[str, tuple[bytes, dict[str, str]]] = {
            "/page": (ENGLISH.encode(), {"Content-Type": HTML}),
            "/%D8%AC%D8%B3%D8%B1": (ARABIC.encode(), {"Content-Type": HTML}),
            "/packed": (gzip.compress(ARABIC.encode()), {"Content-Type": HTML, "Content-Encoding": "gzip"}),
            "/bomb": (gzip.compress(b"0" * 3 * 2**20), {"Content-Type": "text/plain", "Content-Encoding": "gzip"}),
            "/large": (b"0" * 2**21, {"Content-Type": "text/plain"}),
            "/video": (b"x", {"Content-Type": "video/mp4"}),
            "/prices.csv": ("المادة,السعر\nرمل,95\n".encode(), {"Content-Type": "application/octet-stream"}),
            "/short": (b"half", {"Content-Type": "text/plain", "Content-Length": "100"}),
        }
        if path in pages:
            return self.reply(200, pages[path][0], **pages[path][1])
        if path == "/drip":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            while True:
                self.wfile.write(b".")
                time.sleep(0.05)
        return self.reply(404, b"")

    def reply(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


Fetch = Callable[..., WebPage]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def reached() -> list[tuple[str, int]]:
    """The addresses that connections were made to."""
    return []


@pytest.fixture
def fetch(port: int, reached: list[tuple[str, int]]) -> Fetch:
    """Fetch pages of names that resolve to public addresses, which are all this server."""

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address)
        return socket.create_connection(("127.0.0.1", port), timeout)

    def call(address: str, max_bytes: int = 2**20, seconds: float = 10.0) -> WebPage:
        return fetch_page(address, max_bytes, seconds=seconds, resolve=lambda host, _: PUBLIC[host], connect=connect)

    return call


def refused(fetch: Fetch, address: str, **limits: float) -> DocumentError:
    with pytest.raises(DocumentError) as raised:
        fetch(address, **limits)
    for language in ("en", "ar"):
        assert address.strip()[:150] in raised.value.text(language)
    return raised.value


def test_a_page_comes_with_its_address_and_the_day(fetch: Fetch, reached: list[tuple[str, int]]) -> None:
    page = fetch(" http://example.org/to/page#part ")
    assert page == WebPage("http://example.org/page", "example.org_page.html", ENGLISH.encode(), datetime.now(UTC).date().isoformat())
    assert reached == [("93.184.215.14", 80)] * 2
    assert Site.seen[-2:] == [("example.org", "/to/page"), ("example.org", "/page")]


def test_an_arabic_address_and_a_packed_page(fetch: Fetch, reached: list[tuple[str, int]]) -> None:
    page = fetch("http://مثال.example/جسر")
    assert (page.name, page.data.decode()) == ("xn--mgbh0fb.example_جسر.html", ARABIC)
    assert reached == [("93.184.215.15", 80)]
    assert fetch("http://example.org/packed").data.decode() == ARABIC


def test_pages_that_differ_in_their_query_have_names_that_differ(fetch: Fetch) -> None:
    names = {fetch(f"http://example.org/page?n={n}").name for n in (1, 2)}
    assert len(names) == 2
    assert fetch("http://example.org/prices.csv").name == "example.org_prices.csv"


@pytest.mark.parametrize("address", ["http://inside.example/", "http://example.org/to/inside"])
def test_private_addresses_are_not_reached_by_name_or_redirect(fetch: Fetch, reached: list[tuple[str, int]], address: str) -> None:
    assert refused(fetch, address).key == "error.web_private"
    assert {host for host, _ in reached} <= {"93.184.215.14"}


def test_a_name_with_one_private_address_is_not_reached_at_all(port: int) -> None:
    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        raise AssertionError(address)

    with pytest.raises(DocumentError) as raised:
        fetch_page("http://example.org/", resolve=lambda host, _: ["93.184.215.14", "127.0.0.1"], connect=connect)
    assert raised.value.key == "error.web_private"


def test_the_own_machine_is_not_reached_by_the_default_way(port: int) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "[::1]"):
        with pytest.raises(DocumentError) as raised:
            fetch_page(f"http://{host}:8080/")
        assert raised.value.key in ("error.web_private", "error.web_failed")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("fe80::1", False), ("fe80::1%eth0", False), ("fc00::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:93.184.215.14", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("ftp://example.org/", "error.web_address"),
        ("http://", "error.web_address"),
        ("http://name@example.org/", "error.web_address"),
        ("http://example.org/\u202etxt", "error.web_address"),
        ("http://example.org:22/", "error.web_private"),
        ("http://example.org/to/file", "error.web_address"),
        ("http://example.org/to/loop", "error.web_redirects"),
        ("http://example.org/nothing", "error.web_failed"),
        ("http://example.org/video", "error.web_kind"),
        ("http://example.org/large", "error.too_large"),
        ("http://example.org/bomb", "error.too_large"),
        ("http://example.org/short", "error.web_failed"),
    ],
)
def test_what_is_refused_in_one_sentence(fetch: Fetch, address: str, key: str) -> None:
    with pytest.raises(DocumentError) as raised:
        fetch(address)
    assert raised.value.key == key
    assert all("example.org" in raised.value.text(language) or address in ("ftp://example.org/", "http://") for language in ("en", "ar"))


def test_a_page_that_never_ends_is_given_up(fetch: Fetch) -> None:
    started = time.monotonic()
    assert refused(fetch, "http://example.org/drip", seconds=0.5).key == "error.web_slow"
    assert time.monotonic() - started < 5


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(DocumentError) as raised:
        fetch_page("http://sami:secret@example.org/")
    assert "secret" not in str(raised.value)


def test_what_is_a_web_address() -> None:
    assert is_web_address("HTTPS://example.org")
    assert not is_web_address("example.org/page.html")


# --- the page as a document -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("html", "title"), [(ENGLISH, "Bridge"), (ARABIC, "الجسر")])
def test_a_page_becomes_a_document_that_says_where_it_is_from(html: str, title: str) -> None:
    page = WebPage("https://example.org/page", "example.org_page.html", html.encode(), "2026-01-02")
    with Loader() as loader:
        (document,), notes = loader.read_bytes(page.data, page.name, page.metadata)
    assert (document.id, document.title, notes) == ("example.org_page.html", title, ())
    assert document.metadata == {"source": "https://example.org/page", "retrieved": "2026-01-02"}


def test_a_note_counts_for_the_content_it_was_made_for(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    page = WebPage("https://example.org/page", "page.html", ARABIC.encode(), "2026-01-02")
    path.write_bytes(page.data)
    write_source_note(path, page.sha256, page.metadata)
    with Loader() as loader:
        assert loader.read(path, "page.html")[0][0].metadata == page.metadata
        path.write_bytes(ENGLISH.encode())
        assert loader.read(path, "page.html")[0][0].metadata == {}
    note_path(path).write_text("not JSON")
    assert read_source_note(path, page.sha256) == {}
