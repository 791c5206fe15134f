"""Tokens with scopes and collections: how their file is read, and what each of them may do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag.config import ServerSettings
from rag.errors import BadSetting
from rag.library import Library
from rag.library.identity import OPERATOR
from rag.server import Access
from rag.server.grants import FULL, Grant, NamedToken, read_tokens, scopes_of, token_digest
from rag.storage.build import build_index
from tests.helpers import embedder, write
from tests.serving import FERRY, FERRY_AR, SECRET, Running, served
from tests.waiting import run_async, wait_until

LAWS, HERON = "قوانين", "heron"
"""Two collections of the operator, beside the one that the server was started with."""
WANTED = {
    "searcher": (("search",), None),
    "asker": (("ask",), None),
    "changer": (("change",), None),
    "prometheus": (("metrics",), None),
    "lawyer": (("search", "ask", "change"), (LAWS,)),
}


def secret(name: str) -> str:
    return f"{name}-secret-of-that-token"


def named(name: str) -> NamedToken:
    scopes, collections = WANTED[name]
    return NamedToken(name, token_digest(secret(name)), Grant(frozenset(scopes), None if collections is None else frozenset(collections)))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    access = Access(tokens=(SECRET,), named=tuple(map(named, WANTED)), hosts=None, changes=True)
    folder = tmp_path_factory.mktemp("grants")
    with served(folder, access=access) as server:
        shelf = Library(folder / "home", folder / "documents", folder / "index").of(OPERATOR)
        for collection, text in ((LAWS, "تحدد المادة الأولى الرسوم بمئة درهم."), (HERON, "The heron of the marsh eats frogs.")):
            shelf.create(collection)
            home = folder / "home" / "collections" / collection
            build_index(write(home / "documents", {"one.txt": text}), home / "index", embedder())
        yield server


def client(running: Running, token: str) -> httpx.Client:
    return running.client(headers={"authorization": f"Bearer {token}"})


def ask(running: Running, name: str, method: str, path: str, **given: Any) -> httpx.Response:
    with client(running, secret(name)) as program:
        return program.request(method, path, **given)


# --- scopes ---------------------------------------------------------------------------------------------------------------

REQUESTS: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("POST", "/v1/search", {"json": {"question": FERRY}}, {"searcher"}),
    ("GET", "/v1/documents", {}, {"searcher"}),
    ("GET", "/v1/document", {"params": {"id": "en/ferry.txt"}}, {"searcher", "asker"}),
    ("GET", "/v1/overview", {"params": {"id": "ar/زيتون.md"}}, {"searcher", "asker"}),
    ("GET", "/v1/contradictions", {}, {"searcher", "asker"}),
    ("GET", "/v1/suggestions", {"params": {"language": "ar"}}, {"searcher", "asker"}),
    ("POST", "/v1/embeddings", {"json": {"model": "hash", "input": "العبّارة"}}, {"searcher"}),
    ("POST", "/v1/ask", {"json": {"question": FERRY_AR}}, {"asker"}),
    ("POST", "/v1/table", {"json": {"questions": [FERRY], "documents": ["en/ferry.txt"]}}, {"asker"}),
    ("POST", "/v1/chat/completions", {"json": {"messages": [{"role": "user", "content": FERRY}]}}, {"asker"}),
    ("POST", "/v1/responses", {"json": {"input": FERRY}}, {"asker"}),
    ("PUT", "/v1/documents/new.txt", {"content": "A rook. غراب."}, {"changer"}),
    ("POST", "/v1/documents", {"json": {"id": "نص", "text": "A crow. زاغ."}}, {"changer"}),
    ("DELETE", "/v1/documents", {"params": {"id": "new.txt"}}, {"changer"}),
    ("GET", "/v1/indexing", {}, {"searcher", "changer"}),
    ("GET", "/v1/models", {}, {"searcher", "asker", "changer"}),
    ("GET", "/openapi.json", {}, {"searcher", "asker", "changer", "prometheus"}),
    ("GET", "/metrics", {}, {"prometheus"}),
]


@pytest.mark.parametrize(("method", "path", "given", "allowed"), REQUESTS, ids=[f"{method} {path}" for method, path, _, _ in REQUESTS])
def test_a_token_does_what_its_scopes_say_and_is_told_which_one_it_lacks(
    running: Running, method: str, path: str, given: dict[str, Any], allowed: set[str]
) -> None:
    for name in ("searcher", "asker", "changer", "prometheus"):
        response = ask(running, name, method, path, **given)
        if name in allowed:
            assert response.status_code < 400, (name, response.text)
            continue
        error = response.json()["error"]
        assert (response.status_code, error["type"], error["code"]) == (403, "permission_error", "missing_scope"), name
        needed = scopes_of(method, path) or ()
        assert " | ".join(needed) in error["message"]
        assert response.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{" ".join(needed)}"'


def test_every_operation_has_its_scopes_and_an_address_without_any_needs_them_all(running: Running) -> None:
    with client(running, SECRET) as everything:
        described = everything.get("/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if path == "/healthz":
                continue
            scopes = scopes_of(method.upper(), path)
            assert scopes is not None, path
            assert operation["security"] == [{"token": [scope]} for scope in scopes]
    assert Grant(frozenset({"search", "ask"})).lacking("POST", "/v1/later") == ("change", "metrics")
    assert FULL.lacking("POST", "/v1/later") == ()
    assert Grant(frozenset({"search"})).lacking("HEAD", "/v1/documents") == ()
    assert Grant(frozenset({"search"})).lacking("POST", "/v1/documents") == ("change",)


def test_a_missing_scope_is_told_in_arabic(running: Running) -> None:
    response = ask(running, "searcher", "DELETE", "/v1/documents", params={"id": "en/ferry.txt"}, headers={"accept-language": "ar"})
    assert "تنقصه الصلاحية change" in response.json()["error"]["message"]
    with client(running, SECRET) as everything:
        assert everything.get("/v1/document", params={"id": "en/ferry.txt"}).status_code == 200  # it is still there


# --- collections ----------------------------------------------------------------------------------------------------------


def test_a_token_of_one_collection_sees_no_other(running: Running) -> None:
    mine = ask(running, "lawyer", "POST", "/v1/search", json={"question": "الرسوم", "collection": LAWS}).json()
    assert [hit["document"] for hit in mine["hits"]] == ["one.txt"]
    assert "درهم" in ask(running, "lawyer", "POST", "/v1/ask", json={"question": "ما الرسوم؟", "collection": LAWS}).text
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/search", {"json": {"question": "heron", "collection": HERON}}),
        ("POST", "/v1/ask", {"json": {"question": "heron?", "collection": HERON}}),
        ("POST", "/v1/ask", {"json": {"question": "heron?", "collection": HERON, "stream": True}}),
        ("POST", "/v1/table", {"json": {"questions": ["heron?"], "collection": HERON}}),
        ("POST", "/v1/chat/completions", {"json": {"model": f"shawahid/{HERON}", "messages": [{"role": "user", "content": "heron?"}]}}),
        ("POST", "/v1/responses", {"json": {"model": f"shawahid/{HERON}", "input": "heron?"}}),
        ("GET", "/v1/documents", {"params": {"collection": HERON}}),
        ("GET", "/v1/document", {"params": {"collection": HERON, "id": "one.txt"}}),
        ("GET", "/v1/overview", {"params": {"collection": HERON}}),
        ("GET", "/v1/contradictions", {"params": {"collection": HERON}}),
        ("GET", "/v1/suggestions", {"params": {"collection": HERON}}),
        ("PUT", "/v1/documents/x.txt", {"params": {"collection": HERON}, "content": "x"}),
        ("POST", "/v1/documents", {"params": {"collection": HERON}, "json": {"id": "x", "text": "x"}}),
        ("DELETE", "/v1/documents", {"params": {"collection": HERON, "id": "one.txt"}}),
    ]
    for method, path, given in requests:
        response = ask(running, "lawyer", method, path, **given)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "no_collection"), path
        missing = ask(running, "lawyer", method, path, **renamed(given, "none"))
        assert missing.json()["error"]["message"] == response.json()["error"]["message"].replace(HERON, "none"), path
        first = ask(running, "lawyer", method, path, **renamed(given, ""))
        assert (first.status_code, first.json()["error"]["code"]) == (403, "other_collections"), path
        assert LAWS in first.json()["error"]["message"]
    names = [model["id"] for model in ask(running, "lawyer", "GET", "/v1/models").json()["data"]]
    assert names == [f"shawahid/{LAWS}", "hash"]
    assert ask(running, "lawyer", "GET", f"/v1/models/shawahid/{HERON}").status_code == 404


def renamed(given: dict[str, Any], collection: str) -> dict[str, Any]:
    """The same request for another collection."""
    changed = {}
    for place, values in given.items():
        changed[place] = values
        if isinstance(values, dict):
            model = {"model": f"shawahid/{collection}" if collection else "shawahid"} if "model" in values else {}
            named = {"collection": collection} if "collection" in values else {}
            changed[place] = {**values, **model, **named}
    return changed


def test_jobs_and_indexing_of_other_collections_are_not_seen(running: Running) -> None:
    with client(running, SECRET) as everything:
        job = everything.post("/v1/documents", params={"collection": HERON}, json={"id": "two", "text": "A stork. لقلق."}).json()["job"]
        wait_until(lambda: everything.get(f"/v1/jobs/{job}").json()["state"] == "done")
        assert everything.get("/v1/indexing").json()["collection"] == HERON
    assert ask(running, "lawyer", "GET", f"/v1/jobs/{job}").status_code == 404
    assert ask(running, "lawyer", "GET", "/v1/indexing").json()["state"] == "none"


def test_the_tools_keep_to_scopes_and_collections(running: Running) -> None:
    pytest.importorskip("mcp", reason="mcp is not installed (pip install '.[mcp]')")
    from tests.server.test_tools import called

    search = ("search_documents", {"question": "heron"})
    _, (found, asked) = run_async(called(running.address, search, ("ask_documents", {"question": FERRY}), token=secret("searcher")))
    assert not found.is_error
    assert asked.is_error
    assert "ask" in asked.content[0].text
    _, (asked, listed, read) = run_async(
        called(
            running.address,
            ("ask_documents", {"question": FERRY}),
            ("list_documents", {}),
            ("get_passage", {"document": "en/ferry.txt"}),
            token=secret("asker"),
        )
    )
    assert (asked.is_error, listed.is_error, read.is_error) == (False, True, False)
    _, (collections, other, first) = run_async(
        called(
            running.address,
            ("list_collections", {}),
            ("search_documents", {"question": "heron", "collection": HERON}),
            search,
            token=secret("lawyer"),
        )
    )
    assert collections.structured_content["result"] == [{"collection": LAWS, "name": LAWS}]
    assert (other.is_error, first.is_error) == (True, True)
    assert ask(running, "prometheus", "POST", "/mcp", json={}).status_code == 403


# --- the file -------------------------------------------------------------------------------------------------------------

GOOD = f"""
[intranet]
token = "{secret("intranet")}"
scopes = ["search", "ask"]
collections = ["", "{LAWS}"]

["باحث"]
sha256 = "{hashlib.sha256(secret("researcher").encode()).hexdigest()}"
scopes = ["search"]
"""


def test_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_tokens(path) == (
        NamedToken("intranet", token_digest(secret("intranet")), Grant(frozenset({"search", "ask"}), frozenset({"", LAWS}))),
        NamedToken("باحث", token_digest(secret("researcher")), Grant(frozenset({"search"}), None)),
    )
    assert "secret" not in repr(read_tokens(path))
    path.write_text("", encoding="utf-8")
    assert read_tokens(path) == ()
    assert ServerSettings.load({"SHAWAHID_TOKENS_FILE": str(path)}).tokens_file == str(path)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('[a]\ntoken = "short-secret"\nscopes = ["ask"]', "token"),
        ('[a]\ntoken = "spaced secret of a program"\nscopes = ["ask"]', "token"),
        ('[a]\nscopes = ["ask"]', "token"),
        (f'[a]\ntoken = "{secret("a")}"\nsha256 = "{"0" * 64}"\nscopes = ["ask"]', "token"),
        ('[a]\nsha256 = "secret"\nscopes = ["ask"]', "sha256"),
        (f'[a]\ntoken = "{secret("a")}"', "scopes"),
        (f'[a]\ntoken = "{secret("a")}"\nscopes = []', "scopes"),
        (f'[a]\ntoken = "{secret("a")}"\nscopes = ["read"]', "scopes"),
        (f'[a]\ntoken = "{secret("a")}"\nscopes = "ask"', "scopes"),
        (f'[a]\ntoken = "{secret("a")}"\nscopes = ["ask"]\ncollections = []', "collections"),
        (f'[a]\ntoken = "{secret("a")}"\nscopes = ["ask"]\ncollection = "x"', "collection"),
        (f'["1"]\ntoken = "{secret("a")}"\nscopes = ["ask"]', "name"),
        ('a = "secret-secret-secret"', "name"),
        (f'[a]\ntoken = "{secret("a")}"\nscopes = ["ask"]\n[b]\ntoken = "{secret("a")}"\nscopes = ["ask"]', "token"),
    ],
)
def test_an_entry_that_is_wrong_is_named_without_its_secret(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSetting) as caught:
        read_tokens(path)
    for language in ("en", "ar"):
        assert f" {field} " in caught.value.text(language)
        assert "secret" not in caught.value.text(language)


@pytest.mark.parametrize("content", [None, b"[a", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tokens.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSetting) as caught:
        read_tokens(path)
    assert str(path) in caught.value.text("ar")


def test_named_tokens_are_a_secret_that_lets_others_connect() -> None:
    assert Access.listening("0.0.0.0", named=(named("asker"),)).hosts is None
    assert not Access(named=(named("asker"),)).open
