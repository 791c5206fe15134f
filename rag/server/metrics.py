"""Prometheus metrics: questions by route and outcome, their duration, and the length of the queue."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rag.errors import ShawahidError
from rag.schema import Answer
from rag.service.service import Service, State

_SECONDS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)


class Metrics:
    """The metrics of one service, in their own registry."""

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        PlatformCollector(registry=self.registry)
        ProcessCollector(registry=self.registry)
        ways, own = ("way",), self.registry
        self._questions = Counter("shawahid_questions", "Questions that ended, by how", ("way", "status"), registry=own)
        self._seconds = Histogram("shawahid_answer_seconds", "From the question's turn to its answer", ways, buckets=_SECONDS, registry=own)
        self._found = Histogram("shawahid_found_seconds", "Until the sources were found", ways, buckets=_SECONDS, registry=own)
        self._first = Histogram("shawahid_first_token_seconds", "Until the model's first word", ways, buckets=_SECONDS, registry=own)
        self._tokens = Counter("shawahid_tokens", "Tokens of the language model", ("kind",), registry=own)
        own.register(_Now(service))
        service.watchers.append(self._ended)

    def _ended(self, way: str, ended: Answer | ShawahidError, seconds: float) -> None:
        if isinstance(ended, ShawahidError):
            self._questions.labels(way, "error").inc()
            return
        self._questions.labels(way, ended.status.value).inc()
        self._seconds.labels(way).observe(seconds)
        timing = ended.timing
        if timing.found is not None:
            self._found.labels(way).observe(timing.found)
        if timing.first_token is not None:
            self._first.labels(way).observe(timing.first_token)
        for kind, count in (("prompt", timing.prompt_tokens), ("cached", timing.cached_tokens), ("generated", timing.generated_tokens)):
            self._tokens.labels(kind).inc(count)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Now(Collector):
    """Values read at the moment of scraping."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[GaugeMetricFamily]:
        service = self._service
        yield GaugeMetricFamily("shawahid_waiting", "Questions that wait or run", len(service.answers))
        yield GaugeMetricFamily("shawahid_ready", "1 when the models are there", int(service.state is State.READY))
        if service.chatbot is None:
            return
        try:
            manifest = service.chatbot.index.manifest()
        except ShawahidError:
            return  # /healthz and every question report an unreadable index
        yield GaugeMetricFamily("shawahid_documents", "Documents in the index", manifest.documents)
        yield GaugeMetricFamily("shawahid_passages", "Passages in the index", manifest.passages)
        yield GaugeMetricFamily("shawahid_generation", "The published generation of the index", manifest.generation)
