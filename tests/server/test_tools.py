"""The tools of other programs' models, with the official client: over HTTP against a real server, and over stdio as a process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.server import Access
from tests.helpers import CORPUS, ROOT
from tests.serving import FERRY, FERRY_AR, SECRET, Running, served
from tests.waiting import run_async

mcp = pytest.importorskip("mcp", reason="mcp is not installed (pip install '.[mcp]')")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("mcp"), access=Access(tokens=(SECRET,), hosts=None)) as server:
        yield server


async def called(address: str, *calls: tuple[str, dict[str, Any]], token: str = SECRET) -> tuple[list[Any], list[Any]]:
    """The tools that a server has, and the results of calls."""
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    async with (
        create_mcp_http_client(headers={"authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
    ):
        listed = (await client.list_tools()).tools
        return listed, [await client.call_tool(name, arguments) for name, arguments in calls]


def test_the_tools_are_listed_with_what_they_take_and_that_they_only_read(running: Running) -> None:
    listed, _ = run_async(called(running.address))
    tools = {tool.name: tool for tool in listed}
    assert set(tools) == {"search_documents", "ask_documents", "get_passage", "list_documents", "list_collections"}
    assert all(tool.annotations.read_only_hint for tool in tools.values())
    assert all("not instructions" in tool.description for tool in tools.values())
    assert set(tools["search_documents"].input_schema["properties"]) == {
        "question",
        "k",
        "documents",
        "languages",
        "since",
        "until",
        "metadata",
        "collection",
    }
    assert tools["ask_documents"].input_schema["required"] == ["question"]


def test_documents_and_collections_are_listed_and_a_question_is_restricted(running: Running) -> None:
    _, (listed, rest, collections, only, none) = run_async(
        called(
            running.address,
            ("list_documents", {}),
            ("list_documents", {"after": "ar/زيتون.md"}),
            ("list_collections", {}),
            ("ask_documents", {"question": FERRY_AR, "languages": ["ar"]}),
            ("ask_documents", {"question": FERRY, "metadata": {"tenant": "other"}}),
        )
    )
    assert [item["document"] for item in listed.structured_content["result"]] == sorted(CORPUS)
    assert [item["document"] for item in rest.structured_content["result"]] == sorted(CORPUS)[1:]
    assert collections.structured_content["result"] == [{"collection": "", "name": ""}]
    assert only.structured_content["citations"][0]["document"].startswith("ar/")
    assert none.structured_content["citations"] == []


@pytest.mark.parametrize(
    ("question", "document", "quote"),
    [
        (FERRY, "en/ferry.txt", "The ferry Albatros carried 212 passengers on Monday."),
        (FERRY_AR, "ar/ميناء الواحة.txt", "نقلت العبّارة ألباتروس 212 راكبًا يوم الاثنين."),
    ],
)
def test_an_answer_leads_to_its_passage_in_both_languages(running: Running, question: str, document: str, quote: str) -> None:
    _, (answer, found) = run_async(
        called(running.address, ("ask_documents", {"question": question}), ("search_documents", {"question": question, "k": 2}))
    )
    (citation,) = answer.structured_content["citations"]
    assert (citation["document"], citation["quote"]) == (document, quote)
    assert answer.structured_content["text"] == f"{quote} [1]"
    assert json.loads(answer.content[0].text)["text"] == f"{quote} [1]"
    hits = found.structured_content["result"]
    assert [hit["rank"] for hit in hits] == [1, 2]
    assert document in {hit["document"] for hit in hits}
    span = {"document": document, "start": citation["start"], "end": citation["end"]}
    _, (exact, around) = run_async(called(running.address, ("get_passage", {**span, "around": 0}), ("get_passage", span)))
    assert exact.structured_content["text"] == quote
    assert around.structured_content["text"] == CORPUS[document]


def test_what_is_wrong_is_told_to_the_model_in_both_languages(running: Running) -> None:
    _, results = run_async(
        called(
            running.address,
            ("get_passage", {"document": "../../etc/passwd"}),
            ("ask_documents", {"question": "؟"}),
            ("search_documents", {"question": "ferry", "collection": "none"}),
            ("search_documents", {"question": "ferry", "k": 0}),
        )
    )
    assert all(result.is_error for result in results)
    assert "no document ../../etc/passwd" in results[0].content[0].text
    assert "سؤالًا" in results[1].content[0].text
    assert len(running.service.answers) == len(running.service.searches) == 0


def test_without_the_token_no_tool_is_listed_or_called(running: Running) -> None:
    before = len(running.generator.prompts)
    with pytest.raises(BaseException):  # noqa: B017 -- the client's own groups of errors differ between its versions
        run_async(called(running.address, ("ask_documents", {"question": FERRY}), token="wrong-token-of-a-stranger"))
    assert len(running.generator.prompts) == before
    with running.client() as stranger:
        for method in ("GET", "POST", "DELETE"):
            assert stranger.request(method, "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).status_code == 401


def test_a_program_starts_the_tools_over_stdio(tmp_path: Path) -> None:
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    with served(tmp_path):
        pass  # leaves an index behind
    script = tmp_path / "program.py"
    script.write_text(
        "import rag.factory\n"
        "from tests.helpers import embedder\n"
        "rag.factory.open_embedder = lambda settings: (embedder(), None)\n"
        "from rag.cli.main import main\n"
        "main()\n",
        encoding="utf-8",
    )
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "SHAWAHID_GENERATOR": "none"}
    started = StdioServerParameters(command=sys.executable, args=[str(script), "mcp", "--index", str(tmp_path / "index")], env=environment)

    async def ask() -> Any:
        async with Client(started) as client:
            return await client.call_tool("ask_documents", {"question": FERRY})

    answer = run_async(ask()).structured_content
    assert answer["citations"][0]["quote"] == "The ferry Albatros carried 212 passengers on Monday."
