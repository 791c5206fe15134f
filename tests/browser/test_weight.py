"""What a first visit sends over the wire, counted by the browser."""

from __future__ import annotations

from typing import Any

from tests.browser.scene import Scene

MOST = 700_000
"""Bytes."""


def test_a_first_visit_stays_light(chromium: Any, window: Scene) -> None:
    context = chromium.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.send("Network.enable")
    page.goto(window.address)
    page.wait_for_selector("#shawahid[data-ready]", timeout=60_000)
    page.wait_for_timeout(500)
    context.close()
    print(f"{len(received)} files, {sum(received):,.0f} bytes")
    assert 100_000 < sum(received) <= MOST
