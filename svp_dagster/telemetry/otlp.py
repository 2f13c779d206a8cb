"""The OpenTelemetry SDK. Importing this module imports it, which takes time: only `traces` does, when it is needed."""

from __future__ import annotations

import os
from functools import lru_cache
from threading import local

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from svp_dagster.telemetry.traces import Attributes, Parent

EXPORT_TIMEOUT_S = 3
FLUSH_TIMEOUT_MS = 5_000
"""What a run waits for its spans at most: a collector that is away must not keep rows waiting."""

SERVICE_NAME = "social-video-processor"


class _Ids(IdGenerator):
    """Random ids, unless the span that is being made has its own."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.own = local()

    def generate_span_id(self) -> int:
        span: Parent | None = getattr(self.own, "span", None)
        return span.span_id if span else self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        span: Parent | None = getattr(self.own, "span", None)
        return span.trace_id if span else self._random.generate_trace_id()


_ids = _Ids()


def send(
    name: str,
    *,
    parent: Parent | None,
    span: Parent | None,
    started_ns: int,
    ended_ns: int | None,
    attributes: Attributes,
    failed: bool,
    is_call: bool,
) -> None:
    """Hand a span that ended to the exporter, which sends it in the background."""
    _ids.own.span = span
    try:
        made = (
            _provider(os.getpid())
            .get_tracer("svp")
            .start_span(
                name,
                context=_context(parent),
                kind=SpanKind.CLIENT if is_call else SpanKind.INTERNAL,
                attributes=attributes,
                start_time=started_ns,
            )
        )
    finally:
        _ids.own.span = None
    if failed:
        made.set_status(Status(StatusCode.ERROR))
    made.end(ended_ns)


def flush() -> None:
    """Send what waits, and give up after `FLUSH_TIMEOUT_MS`."""
    _provider(os.getpid()).force_flush(FLUSH_TIMEOUT_MS)


def stop() -> None:
    """Send what waits, and let the next span begin anew with the environment of then."""
    _provider(os.getpid()).shutdown()
    _provider.cache_clear()


@lru_cache(maxsize=1)
def _provider(_process_id: int) -> TracerProvider:
    """Return the provider of this process. It sends the rest at exit; a fork starts another."""
    named = os.environ.get("OTEL_SERVICE_NAME", SERVICE_NAME)
    provider = TracerProvider(resource=Resource.create({"service.name": named}), id_generator=_ids)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_TIMEOUT_S)))
    return provider


def _context(parent: Parent | None) -> Context:
    if parent is None:
        return Context()
    context = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return api.set_span_in_context(NonRecordingSpan(context), Context())
