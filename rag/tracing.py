"""OpenTelemetry spans of search, reading, generation and checks, off until `SHAWAHID_TRACES` or a program switches them on.

While they are off, a span costs one comparison, and nothing of OpenTelemetry is imported. A span holds times, counts and names of models,
never a word of a question, a document or an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, TypeVar

from rag.errors import ExtraMissing

T = TypeVar("T")
Attributes = Mapping[str, str | int | float | bool | None]
"""What a span records; None is left out."""

_NAME = "shawahid"
_tracer: Any = None
_exports = False


def trace_with(provider: Any = None) -> None:
    """Record spans with an OpenTelemetry tracer provider, by default with the one that the process has set. Raises ExtraMissing."""
    global _tracer
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise ExtraMissing("error.traces_extra", command="pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http") from error
    _tracer = (provider or trace.get_tracer_provider()).get_tracer(_NAME)


def stop_tracing() -> None:
    """Record no more spans."""
    global _tracer
    _tracer = None


def export_traces() -> None:
    """Send spans over OTLP to where the `OTEL_EXPORTER_OTLP_…` variables say, as the service `OTEL_SERVICE_NAME` or "shawahid".

    A second call changes nothing. What has not been sent is sent when the process ends. Raises ExtraMissing.
    """
    global _exports
    if _exports:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ExtraMissing("error.traces_extra", command="pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http") from error
    named = Resource.create({"service.name": _NAME}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_with(provider)
    _exports = True


class TracedStep:
    """A step that may be recorded: a context manager, or begun with `span` and ended with `end`. This one is not recorded."""

    def set(self, **attributes: str | int | float | bool | None) -> None:
        """Add what is known only after the step."""

    def end(self) -> None:
        """End a step that is not a context manager's block."""

    def __enter__(self) -> TracedStep:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the step."""


_OFF = TracedStep()


class _Recorded(TracedStep):
    def __init__(self, name: str, attributes: Attributes) -> None:
        self._span = _tracer.start_span(f"{_NAME}.{name}", attributes=_named(attributes))
        self._token: Any = None

    def set(self, **attributes: str | int | float | bool | None) -> None:
        self._span.set_attributes(_named(attributes))

    def end(self) -> None:
        self._span.end()

    def __enter__(self) -> TracedStep:
        from opentelemetry import context, trace

        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        from opentelemetry import context

        context.detach(self._token)
        if kind is not None:
            self.fail(kind)
        self.end()

    def fail(self, kind: type[BaseException]) -> None:
        """Record what kind of error ended the step; its sentence may hold words of the question."""
        from opentelemetry.trace import StatusCode

        self._span.set_status(StatusCode.ERROR, kind.__name__)


def span(name: str, **attributes: str | int | float | bool | None) -> TracedStep:
    """Return a step of the given name, recorded if tracing is on. Its parent is the step that encloses it in this thread."""
    return _OFF if _tracer is None else _Recorded(name, attributes)


def traced(name: str, events: Iterator[T], attributes_of: Callable[[T], Attributes]) -> Iterator[T]:
    """Yield the same events within a step; `attributes_of` returns what an event adds to it. Closing it closes the events."""
    return events if _tracer is None else _traced(name, events, attributes_of)


def _traced(name: str, events: Iterator[T], attributes_of: Callable[[T], Attributes]) -> Generator[T, None, None]:
    from opentelemetry import context, trace

    step = _Recorded(name, {})
    try:
        while True:
            # Between two events other code runs in this thread, which must not become part of the step.
            token = context.attach(trace.set_span_in_context(step._span))
            try:
                event = next(events)
            except StopIteration:
                return
            finally:
                context.detach(token)
            step.set(**attributes_of(event))
            yield event
    except Exception as error:
        step.fail(type(error))
        raise
    finally:
        if isinstance(events, Generator):
            events.close()
        step.end()


def _named(attributes: Attributes) -> dict[str, str | int | float | bool]:
    """Return attributes under this product's name, or under the one that OpenTelemetry's conventions give them."""
    return {_CONVENTIONS.get(name, f"{_NAME}.{name}"): value for name, value in attributes.items() if value is not None}


_CONVENTIONS = {
    "model": "gen_ai.request.model",
    "operation": "gen_ai.operation.name",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}
