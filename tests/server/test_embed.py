"""The script for pages of other sites, as it is served."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rag.server import Access
from tests.serving import FERRY, SECRET, served

FRIEND = "https://friend.example"


def test_the_script_is_open_and_speaks_both_languages(tmp_path: Path) -> None:
    with served(tmp_path, access=Access(tokens=(SECRET,), hosts=None, origins=(FRIEND,))) as running, running.client() as anybody:
        response = anybody.get("/shawahid/embed.js")
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["cross-origin-resource-policy"] == "cross-origin"
        assert SECRET not in response.text
        words = json.loads(re.search(r"^const WORDS = (.*);$", response.text, re.MULTILINE)[1])
        assert words["ar"].keys() == words["en"].keys()
        assert all(f"words.{name}" in response.text for name in words["en"])
        assert set(re.findall(r"words\.(\w+)", response.text)) == words["en"].keys()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", response.text)


@pytest.mark.parametrize(("origin", "let_in"), [(FRIEND, True), ("https://stranger.example", False), ("null", False)])
def test_only_sites_that_are_named_may_ask(tmp_path: Path, origin: str, let_in: bool) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    with served(tmp_path, access=Access(tokens=(SECRET,), hosts=None, origins=(FRIEND,))) as running, running.client() as browser:
        before = browser.options("/v1/ask", headers={"origin": origin, **asked})
        assert (before.headers.get("access-control-allow-origin") == origin) is let_in
        headers = {"origin": origin, "authorization": f"Bearer {SECRET}"}
        after = browser.post("/v1/ask", json={"question": FERRY}, headers=headers)
        assert (after.status_code, after.headers.get("access-control-allow-origin")) == ((200, origin) if let_in else (403, None))
        assert "access-control-allow-credentials" not in after.headers
