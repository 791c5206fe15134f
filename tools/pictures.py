"""Take the pictures of the window for the documentation, of the seed article with the default models.

    python tools/pictures.py [--out docs/images]

Needs the packages of the extra `browser` and a Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PORT = 7861
SIZE = {"width": 1280, "height": 760}
PATIENCE = 300_000  # milliseconds
QUESTIONS = {"ar": "كم استثمرت مايكروسوفت في منشئ ChatGPT؟", "en": "What did Musk want to call his own AI chatbot?"}
PICTURES = (
    ("welcome-ar", "ar", "light", False),
    ("welcome-en-dark", "en", "dark", False),
    ("chat-ar", "ar", "light", True),
    ("chat-ar-dark", "ar", "dark", True),
    ("chat-en", "en", "light", True),
    ("chat-en-dark", "en", "dark", True),
)
"""Name, language, colours, and whether a question is asked."""


def take(browser: Any, address: str, out: Path, name: str, language: str, scheme: str, asked: bool) -> None:
    """Take one picture; with a question, of the first source that its answer cites."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, locale="ar" if language == "ar" else "en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_selector("#question")
    page.wait_for_selector(".examples button")  # questions that the documents answer, made in the first minute
    if asked:
        page.fill("#question", QUESTIONS[language])
        page.press("#question", "Enter")
        page.wait_for_selector(".turn a.cite")
        page.wait_for_function("() => !document.querySelector('.turn.busy, .turn.running')")
        page.locator(".turn a.cite").first.click()
        page.wait_for_selector(".source.active mark")
    page.wait_for_timeout(1500)  # fonts and transitions
    page.screenshot(path=str(out / f"{name}.png"))
    context.close()


@contextmanager
def window(folder: Path) -> Iterator[str]:
    """Run `app.py` over the seed article with folders of its own, and yield the address of the page."""
    own = {
        "SHAWAHID_INDEX": folder / "index",
        "SHAWAHID_DATA": folder / "data",
        "SHAWAHID_DOCUMENTS": ROOT / "seeds",
        "SHAWAHID_PORT": PORT,
    }
    environment = {**os.environ, **{name: str(value) for name, value in own.items()}}
    subprocess.run([sys.executable, "-m", "rag", "build"], cwd=ROOT, env=environment, check=True)
    with subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None
            app.stdout.readline()  # it says where it serves once it does
            yield f"http://127.0.0.1:{PORT}/"
        finally:
            app.terminate()


def main() -> None:
    """Open the window over the seed article and take every picture."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, window(Path(folder)) as address, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, language, scheme, asked in PICTURES:
            take(browser, address, options.out, name, language, scheme, asked)
            print(options.out / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
