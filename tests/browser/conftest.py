"""A browser, a running window, and a page that is watched: whatever test uses it, a foreign request or an error fails it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.scene import GATE, Scene, scene

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = "4.14.1"
PATIENCE = 60_000
"""Milliseconds until something that does not come counts as missing: far more than any of it takes, on a computer busy with more."""
QUIET = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser, for the tests of this folder only: while it runs, this thread has an event loop that others would trip over."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[browser]')")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (apt install chromium)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One window for all tests that do not change what stands behind it."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path_factory.mktemp("window")) as running:
        yield running


@pytest.fixture(autouse=True)
def _open_gate() -> Iterator[None]:
    yield
    GATE.set()


# Gradio's client drops its streams when a page is left ("beforeunload"), and complains that they were dropped. The page says itself
# when it is left and when the next one begins; these come through the same channel as its complaints, so their order is known.
LEAVING, BEGUN = "watch: the page is left", "watch: a page begins"
MARKS = f"""if (window === top) {{
  console.debug({BEGUN!r});
  addEventListener("beforeunload", () => console.debug({LEAVING!r}), {{capture: true}});
}}"""


class Watch:
    """Everything a page asked for, and what it complained of while it was there: not of being left."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.allowed: list[str] = []
        self._listening = True

    def on(self, page: Any) -> None:
        page.add_init_script(MARKS)
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._complain(str(error)))

    def closing(self) -> None:
        """The page is closed now: what it says from here on is said of that."""
        self._listening = False

    def left(self) -> list[str]:
        """The complaints that no test has asked for."""
        return [text for text in self.complaints if not any(part in text for part in self.allowed)]

    def _console(self, message: Any) -> None:
        if message.text in (LEAVING, BEGUN):
            self._listening = message.text == BEGUN
        elif message.type in ("error", "warning"):
            self._complain(f"{message.type}: {message.text}")

    def _complain(self, text: str) -> None:
        if self._listening:
            self.complaints.append(text)

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.foreign.append(request.url)


Opener = Callable[..., Any]


@pytest.fixture(scope="package")
def contexts(chromium: Any) -> Callable[..., Any]:
    """Browser windows by language, size and colours; used again, so that Gradio's own files are read and compiled once."""
    known: dict[tuple[object, ...], Any] = {}

    def context(language: str, width: int, height: int, dark: bool, own: bool, scale: float) -> Any:
        key = (language, width, height, dark, object() if own else None, scale)
        if key not in known:
            known[key] = chromium.new_context(
                viewport={"width": width, "height": height},
                device_scale_factor=scale,
                locale="ar-EG" if language == "ar" else "en-GB",
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
                permissions=["clipboard-read", "clipboard-write"],
            )
        return known[key]

    return context


@pytest.fixture
def visit(contexts: Callable[..., Any]) -> Iterator[Opener]:
    """Open a window: `visit(scene, language="ar", width=390, dark=True)`; nothing is remembered from the test before.

    `own` gives it a browser of its own, that shares nothing with another one open in the same test.
    """
    pages: list[Any] = []
    watches: list[Watch] = []

    def open_page(
        shown: Scene,
        *,
        language: str = "en",
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        own: bool = False,
        scale: float = 1,
        ready: str = "#shawahid[data-ready]",
    ) -> Any:
        page = contexts(language, width, height, dark, own, scale).new_page()
        pages.append(page)
        page.set_default_timeout(PATIENCE)
        page.add_init_script("if (!sessionStorage.begun) { localStorage.clear(); sessionStorage.begun = 'yes'; }")
        watch = Watch(shown.address)
        watches.append(watch)
        watch.on(page)
        page.allowed_complaints = watch.allowed  # what a test asks for itself: the browser tells of a refused upload as of an error
        close = page.close

        def closing() -> None:
            watch.closing()
            close()

        page.close = closing
        page.goto(shown.address)
        page.wait_for_selector(ready)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert [watch.foreign for watch in watches if watch.foreign] == []
    assert [text for watch in watches for text in watch.left()] == []


@pytest.fixture
def page(visit: Opener, window: Scene) -> Any:
    """The window in English at 1280 pixels."""
    return visit(window)


@pytest.fixture(scope="package")
def script(chromium: Any, window: Scene) -> Any:
    """A page that only runs functions of the window's script."""
    page = chromium.new_page()
    page.goto(f"{window.address}shawahid/text.js")
    return page


@pytest.fixture(scope="package")
def axe() -> str:
    """The source of axe-core, fetched once by npm into the cache of this checkout."""
    path = ROOT / ".cache" / f"axe-core-{AXE}" / "axe.min.js"
    if not path.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is not here and there is no npm to fetch it")
        path.parent.mkdir(parents=True, exist_ok=True)
        fetched = subprocess.run(
            [npm, "pack", "--silent", f"axe-core@{AXE}"], cwd=path.parent, capture_output=True, timeout=90, check=False
        )
        archives = list(path.parent.glob("*.tgz"))
        if fetched.returncode or not archives:
            pytest.skip("axe-core could not be fetched with npm")
        with tarfile.open(archives[0]) as archive:
            member = archive.extractfile("package/axe.min.js")
            assert member is not None
            path.write_bytes(member.read())
        archives[0].unlink()
    return path.read_text(encoding="utf-8")
