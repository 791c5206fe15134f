"""The page of the API for people: complete, in both languages, and with nothing from another host."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lxml import html

from rag.messages import say
from rag.server import Access
from rag.server.api_page import EXAMPLES, PATH, api_page, curl, operation_name
from tests.helpers import ROOT
from tests.serving import FERRY_AR, SECRET, Running, served


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("page"), access=Access(tokens=(SECRET,), hosts=None, changes=True)) as server:
        yield server


@pytest.fixture(scope="module")
def program(running: Running) -> Iterator[httpx.Client]:
    with running.client(headers={"authorization": f"Bearer {SECRET}"}) as client:
        yield client


@pytest.fixture(scope="module")
def described(program: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = program.get("/openapi.json").json()
    return found


def operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method.upper(), path, found) for path, methods in described["paths"].items() for method, found in methods.items()]


@pytest.mark.parametrize("number", [0, 1])
def test_the_clients_of_the_documentation_work(running: Running, capsys: pytest.CaptureFixture[str], number: int) -> None:
    pytest.importorskip("openai", reason="openai is not installed; make test installs it")
    blocks = re.findall(r"^```py\n(.*?)^```", (ROOT / "docs/embedding.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    blocks = [block for block in blocks if "localhost" in block]
    assert len(blocks) == 2
    code = blocks[number].replace("http://localhost:7860", running.address).replace("TOKEN", SECRET).replace("من كتب الرسالة؟", FERRY_AR)
    exec(compile(code, "docs/embedding.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "212 راكبًا" in printed
    assert number or "answered" in printed


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_page_has_every_operation_in_both_languages_and_nothing_from_elsewhere(
    running: Running, described: dict[str, Any], language: str
) -> None:
    with running.client() as anybody:
        response = anybody.get(PATH, headers={"accept-language": language})
        assert response.status_code == 200
        assert anybody.get(f"{PATH}?language={language}").text == response.text
        page = html.fromstring(response.text)
        for address in [*page.xpath("//link/@href"), *page.xpath("//script/@src")]:
            assert address.startswith("/shawahid/")
            if not address.endswith("icon.svg"):  # the window's
                assert anybody.get(address).status_code == 200
        assert anybody.get("/openapi.json").status_code == 401
    assert (page.get("lang"), page.get("dir")) == (language, "rtl" if language == "ar" else "ltr")
    assert set(re.findall(r"https?://[^/:\s]+", response.text)) == {"http://localhost"}
    named = {section.get("id"): section for section in page.xpath("//section")}
    assert set(named) == {operation_name(method, path) for method, path, _ in operations(described)}
    for method, path, operation in operations(described):
        section = named[operation_name(method, path)]
        assert section.xpath("string(h2)") == say(f"reference.{operation_name(method, path)}", language)
        assert say(f"reference.{operation_name(method, path)}", "en") == operation["summary"]
        assert section.xpath("string(p[@class='address']/code)") == f"{method} {path}"
        names = {each["name"] for each in operation.get("parameters", ())}
        assert names <= set(section.xpath(".//td/code/text()"))
        assert set(section.xpath(".//form//input/@name")) == names
    shown = set(named["post_v1_ask"].xpath(".//td/code/text()"))
    assert {"question", "history[].answer", "metadata", "citations[].claim.start"} <= shown
    assert named["post_v1_ask"].xpath("p/code/text()")[:2] == ["POST /v1/ask", "ask"]


def test_the_examples_are_taken(program: httpx.Client, described: dict[str, Any]) -> None:
    model = program.get("/v1/models").json()["data"][-1]["id"]
    taking = [f"{m} {p}" for m, p, found in operations(described) if "application/json" in found.get("requestBody", {}).get("content", {})]
    assert sorted(taking) == sorted(EXAMPLES)
    for name, body in EXAMPLES.items():
        method, path = name.split(" ")
        sent = json.loads(json.dumps(body).replace('"MODEL"', json.dumps(model)))
        assert program.request(method, path, json=sent).status_code in (200, 202), name


def test_the_command_of_each_operation_can_be_pasted(described: dict[str, Any]) -> None:
    for method, path, operation in operations(described):
        content = operation.get("requestBody", {}).get("content", {})
        text = curl(method, path, operation.get("parameters", []), content, token=True)
        words = shlex.split(text.replace("\\\n", " "))
        assert words[0] == "curl"
        assert ("-d" in words) == ("application/json" in content)
        assert ("authorization: Bearer TOKEN" in words) == (path != "/healthz")
        assert (method in words) == (method not in ("GET", "POST"))
        (address,) = [word for word in words if word.startswith("http://localhost:7860/")]
        assert "{" not in address
        for each in operation.get("parameters", ()):
            assert (f"{each['name']}=" in address) == (each["in"] == "query" and each.get("required", False))


def test_text_of_a_description_is_no_markup_and_an_open_server_needs_no_token() -> None:
    field = {"type": "string", "description": "<script>alert(1)</script> `<b>`"}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}
    operation = {"summary": "x", "requestBody": body, "responses": {"200": {"description": "<i>"}}}
    described = {"paths": {"/v1/ask": {"post": operation}}, "components": {"schemas": {"A": {"properties": {"<q>": field}}}}}
    for language in ("ar", "en"):
        page = api_page(described, language)
        assert "<script>alert" not in page
        assert "<q>" not in page
        assert "<i>" not in page
        assert "<code>&lt;b&gt;</code>" in page
        assert say("reference.access_open", language) in page
        assert 'id="token"' not in page


def test_the_window_links_to_it() -> None:
    assert "api?language=" in (ROOT / "rag/ui/static/menu.js").read_text(encoding="utf-8")
