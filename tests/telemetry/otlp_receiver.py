"""An OTLP receiver: takes traces over HTTP and reads them with OpenTelemetry's own protobuf messages."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


@dataclass
class Received:
    """What came in."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    status: int = 200

    @property
    def spans(self) -> list[Span]:
        """All spans, in the order in which they came."""
        found = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in found
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def one(self, name: str) -> Span:
        """The only span of this name."""
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def children(self, parent: Span) -> list[Span]:
        """The spans below one."""
        return [span for span in self.spans if span.parent_span_id == parent.span_id]


def has_failed(span: Span) -> bool:
    return span.status.code == Status.STATUS_CODE_ERROR


def attributes(span: Span) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in span.attributes}


@contextmanager
def otlp_receiver() -> Iterator[Received]:
    """A receiver on a port of its own."""
    received = Received(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.paths.add(self.path)
            received.bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(received.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()
