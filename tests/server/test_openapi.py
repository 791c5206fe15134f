"""The OpenAPI description against the server: requests that nobody thought of, made from the description by schemathesis.

Its plugin for pytest is not used: it does not run in this version of pytest. SHAWAHID_TEST_EXAMPLES sets how many requests each
operation gets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from rag.server import Access
from tests.serving import SECRET, Running, served

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = int(os.environ.get("SHAWAHID_TEST_EXAMPLES", "15"))
OPERATIONS = [
    "POST /v1/ask",
    "POST /v1/search",
    "POST /v1/table",
    "GET /v1/documents",
    "DELETE /v1/documents",
    "GET /v1/document",
    "GET /v1/overview",
    "GET /v1/contradictions",
    "GET /v1/suggestions",
    "PUT /v1/documents/{id}",
    "POST /v1/documents",
    "GET /v1/jobs/{job}",
    "GET /v1/indexing",
    "POST /v1/chat/completions",
    "POST /v1/responses",
    "POST /v1/embeddings",
    "GET /v1/models",
    "GET /v1/models/{name}",
    "GET /healthz",
    "GET /metrics",
]
BEYOND_A_SCHEMA = {"last_message", "filter_date", "bad_name", "suffix", "question_empty", "question_language", "table_documents"}
"""Refusals of requests that fit the description, because JSON Schema can't say it: the last of a list, the 30th of February."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with served(tmp_path_factory.mktemp("schema"), access=Access(tokens=(SECRET,), hosts=None)) as server:
        yield server


@pytest.fixture(scope="module")
def described(running: Running) -> dict[str, Any]:
    with running.client(headers={"authorization": f"Bearer {SECRET}"}) as client:
        found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_every_operation_is_tested_and_needs_a_token(running: Running, described: dict[str, Any]) -> None:
    labels = [f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods]
    assert sorted(labels) == sorted(OPERATIONS)
    with running.client() as nobody:
        for label in labels:
            method, path = label.split(" ")
            status = nobody.request(method, path.replace("{name}", "a.txt").replace("{id}", "a.txt")).status_code
            assert status == (200 if path == "/healthz" else 401), label


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_server_is_as_described(running: Running, described: dict[str, Any], label: str) -> None:
    """For requests that fit the description and for those that do not: no defect, no status, header or body that it does not name,
    nothing accepted that it forbids, and nothing refused that it allows."""
    from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

    schema = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=running.address)
    operation = next(found.ok() for found in schema.get_all_operations() if found.ok().label == label)
    token = {"authorization": f"Bearer {SECRET}"}

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        response = case.call(headers=token, timeout=60)
        skipped = [ignored_auth]  # the token is given here, in every request; that it is needed is tested above
        if response.status_code == 400 and httpx.Response(400, content=response.content).json()["error"]["code"] in BEYOND_A_SCHEMA:
            skipped.append(positive_data_acceptance)
        case.validate_response(response, excluded_checks=skipped)

    check()
