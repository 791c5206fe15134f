"""Spans of a question: off by default, and without a word of what was asked or answered."""

from __future__ import annotations

import asyncio
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag import tracing
from rag.answering.chatbot import Chatbot
from rag.errors import BadQuestion, ExtraMissing
from rag.retrieval.index import Index
from rag.schema import Answer, Document
from rag.service.aio import AsyncChatbot
from rag.storage.build import add_documents
from rag.testing import HashEmbedder, ScriptedGenerator
from tests.helpers import run
from tests.waiting import wait_until

FERRY, HERON = "The ferry carried 212 passengers.", "يأكل مالك الحزين الضفادع."


@pytest.fixture
def recorded() -> Iterator[Any]:
    """The exporter that receives every span, while tracing is on."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.trace_with(provider)
    yield exporter
    tracing.stop_tracing()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    vectors = HashEmbedder(64)
    add_documents(tmp_path, [Document.of_text("ferry", FERRY), Document.of_text("طائر", HERON)], vectors)
    with Index.open(tmp_path, vectors) as opened:
        yield opened


def bot(index: Index, draft: str) -> Chatbot:
    """A chatbot whose generator writes."""
    from dataclasses import replace

    plain = Chatbot(index, ScriptedGenerator(draft))
    return Chatbot(index, ScriptedGenerator(draft), calibration=replace(plain.calibration, manner_same="write", manner_across="write"))


@pytest.mark.parametrize(
    ("question", "draft"),
    [
        ("How many passengers did the ferry carry?", "The ferry carried 212 passengers. It carried 300 passengers."),
        ("ماذا يأكل مالك الحزين؟", "يأكل مالك الحزين الضفادع. ويأكل 300 سمكة."),
    ],
)
def test_an_answer_is_one_trace_of_its_steps(index: Index, recorded: Any, question: str, draft: str) -> None:
    answer = bot(index, draft).ask(question)
    spans = {span.name: span for span in recorded.get_finished_spans()}
    assert {"shawahid.answer", "shawahid.search", "shawahid.generate", "shawahid.check"} <= set(spans)
    root = spans["shawahid.answer"]
    assert root.parent is None
    assert all(span.parent.span_id == root.context.span_id for name, span in spans.items() if name != "shawahid.answer")
    assert root.attributes["shawahid.status"] == answer.status.value == "answered"
    assert root.attributes["shawahid.citations"] == len(answer.citations) == 1
    assert spans["shawahid.search"].attributes["shawahid.hits"] == 2
    assert spans["shawahid.check"].attributes["shawahid.claims"] == 2
    assert spans["shawahid.check"].attributes["shawahid.rejected"] == 1
    assert spans["shawahid.generate"].attributes["gen_ai.request.model"] == "scripted"
    assert spans["shawahid.generate"].attributes["gen_ai.usage.output_tokens"] == len(draft.split(" "))
    said = " ".join(str(dict(span.attributes)) + str(span.events) + str(span.status.description) for span in spans.values())
    assert not any(word in said for word in ("ferry", "passengers", "212", "الحزين", "الضفادع"))


def test_an_error_is_recorded_by_its_kind_alone(index: Index, recorded: Any) -> None:
    with pytest.raises(BadQuestion):
        Chatbot(index).ask("   ")
    (root,) = recorded.get_finished_spans()
    assert (root.status.is_ok, root.status.description, root.events) == (False, "BadQuestion", ())


def test_an_answer_that_is_left_ends_its_spans(index: Index, recorded: Any) -> None:
    chatbot = bot(index, "The ferry carried 212 passengers.")
    events = chatbot.stream("How many passengers did the ferry carry?")
    next(events), next(events)
    from opentelemetry import trace

    assert trace.get_current_span() is trace.INVALID_SPAN  # nothing else of this thread becomes part of the answer
    events.close()  # type: ignore[attr-defined]
    assert {"shawahid.answer", "shawahid.generate"} <= {span.name for span in recorded.get_finished_spans()}


def test_the_spans_of_a_task_have_its_span_as_parent(index: Index, recorded: Any) -> None:
    async def ask() -> Answer:
        with tracing.span("request"):
            return await AsyncChatbot(Chatbot(index)).ask("How many passengers did the ferry carry?")

    asyncio.run(ask())
    wait_until(lambda: "shawahid.answer" in {span.name for span in recorded.get_finished_spans()})  # its thread ends after the answer
    spans = {span.name: span for span in recorded.get_finished_spans()}
    assert spans["shawahid.answer"].parent.span_id == spans["shawahid.request"].context.span_id


def test_without_tracing_a_step_is_one_shared_object_and_events_are_the_callers_own() -> None:
    assert tracing.span("search", k=1) is tracing.span("read")
    events = iter([1])
    assert tracing.traced("answer", events, lambda _: {}) is events
    with tracing.span("search") as step:
        step.set(hits=1)
    code, out, err = run("-c", "import sys, rag.answering.chatbot, rag.retrieval.index; print('opentelemetry' in sys.modules)")
    assert (code, out.strip()) == (0, "False"), err


def test_without_the_package_the_setting_is_an_error_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    for call in (tracing.trace_with, tracing.export_traces):
        monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
        with pytest.raises(ExtraMissing) as caught:
            call()
        assert "opentelemetry-sdk" in caught.value.text("ar")


SENDING = """
from rag import tracing
tracing.export_traces()
tracing.export_traces()  # a second call changes nothing
with tracing.span("search", hits=2):
    pass
"""


def test_spans_are_sent_to_where_the_variables_say() -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    received: list[tuple[str, bytes]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        code, _, err = run("-c", SENDING, environment=environment)
        server.shutdown()
    assert code == 0, err
    ((path, body),) = received
    assert path == "/v1/traces"
    assert b"shawahid.search" in body
    assert b"service.name" in body
