"""The chat in a page of another site, in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rag.server import Access
from tests.browser.conftest import PATIENCE
from tests.serving import FERRY, FERRY_AR, LIBRARY, SECRET, Running, served
from tests.waiting import wait_for

PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>Another site</title>
<h1>Another site</h1><div id="here"></div>
<script src="{server}/shawahid/embed.js" data-token="{token}" data-target="#here"></script></html>"""


class Site:
    """A site of its own: one page, with a policy as strict as it can be."""

    def __init__(self) -> None:
        self.page = self.policy = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-security-policy", site.policy)
                self.end_headers()
                self.wfile.write(site.page.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def show(self, server: str, language: str = "en", token: str = SECRET) -> None:
        self.page = PAGE.format(server=server, language=language, token=token)
        self.policy = f"default-src 'none'; script-src {server}; connect-src {server}; base-uri 'none'; form-action 'none'"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@contextmanager
def answering(folder: Path, *origins: str) -> Iterator[Running]:
    with served(folder, access=Access(tokens=(SECRET,), hosts=None, origins=origins)) as running:
        yield running


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[[str], Any]]:
    """Opens an address in a browser window of its own; what that page's policy forbade fails the test."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    complaints: list[str] = []

    def visit(address: str) -> Any:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto(address)
        return page

    yield visit
    context.close()
    assert complaints == []


def ask(page: Any, question: str) -> Any:
    """Ask, and return the answer when it stands there checked."""
    answers = page.locator("shawahid-chat .answer:not(.draft)")
    before = answers.count()
    page.locator("shawahid-chat input").fill(question)
    page.keyboard.press("Enter")
    answers.nth(before).wait_for()
    return answers.nth(before)


@pytest.mark.parametrize(
    ("language", "question", "answer", "quote", "name", "direction"),
    [
        ("en", FERRY, "The ferry Albatros carried 212 passengers on Monday.", "Albatros carried 212", "ferry", "ltr"),
        ("ar", FERRY_AR, "نقلت العبّارة ألباتروس 212 راكبًا يوم الاثنين.", "ألباتروس 212 راكبًا", "ميناء الواحة", "rtl"),
    ],
)
def test_a_page_of_another_site_asks_and_shows_the_proof(
    tmp_path: Path,
    site: Site,
    opened: Callable[[str], Any],
    language: str,
    question: str,
    answer: str,
    quote: str,
    name: str,
    direction: str,
) -> None:
    with answering(tmp_path, site.origin) as running:
        site.show(running.address, language)
        page = opened(site.origin)
        shown = ask(page, question)
        assert shown.inner_text().startswith(answer)
        assert "999" not in page.locator("shawahid-chat").inner_text()  # the invention of the draft
        assert page.locator("shawahid-chat .chat").evaluate("e => getComputedStyle(e).direction") == direction
        page.locator("#here shawahid-chat .answer button").first.click()
        page.locator("shawahid-chat mark").wait_for()
        assert quote in page.locator("shawahid-chat mark").inner_text()
        source = page.locator("shawahid-chat .source").inner_text()
        assert source.startswith(name)
        assert len(source) > len(name) + len(page.locator("shawahid-chat mark").inner_text()) + 20  # what stands around it too
        shown.locator("button").first.click()
        assert page.locator("shawahid-chat .source").count() == 0
        ask(page, question)
        assert page.locator("shawahid-chat .asked").count() == 2


def test_what_is_written_in_documents_is_never_markup(tmp_path: Path, site: Site, opened: Callable[[str], Any]) -> None:
    with answering(tmp_path, site.origin) as running:
        site.show(running.address)
        page = opened(site.origin)
        hostile = '<img src=x onerror="document.title=1">'
        ask(page, f"{hostile} {LIBRARY}")
        assert hostile in page.locator("shawahid-chat .asked").inner_text()
        assert page.locator("shawahid-chat :is(img, script, iframe)").count() == 0
        assert page.title() == "Another site"


@pytest.mark.parametrize(
    ("language", "named", "token", "told"),
    [
        ("en", False, SECRET, "SHAWAHID_ORIGINS"),
        ("ar", False, SECRET, "SHAWAHID_ORIGINS"),
        ("en", True, "wrong", "token"),
        ("ar", True, "wrong", "رمز"),
    ],
)
def test_a_site_that_is_not_named_or_has_no_token_gets_nothing(
    tmp_path: Path, site: Site, opened: Callable[[str], Any], language: str, named: bool, token: str, told: str
) -> None:
    with answering(tmp_path, site.origin if named else "https://friend.example") as running:
        site.show(running.address, language, token)
        page = opened(site.origin)
        page.locator("shawahid-chat input").fill(FERRY)
        page.keyboard.press("Enter")
        problem = page.locator("shawahid-chat .failed")
        problem.wait_for()
        assert told in problem.inner_text()
        assert not running.gate.reached.acquire(blocking=False)


def test_leaving_or_stopping_frees_the_model(tmp_path: Path, site: Site, opened: Callable[[str], Any]) -> None:
    with answering(tmp_path, site.origin) as running:
        site.show(running.address)
        page = opened(site.origin)
        running.gate.open.clear()
        page.locator("shawahid-chat input").fill(FERRY)
        page.keyboard.press("Enter")
        wait_for(running.gate.reached)
        page.locator("shawahid-chat form button").click()
        page.locator("shawahid-chat .state", has_text="Stopped").wait_for()
        running.gate.open.set()
        assert "4 million dirhams" in ask(page, LIBRARY).inner_text()
