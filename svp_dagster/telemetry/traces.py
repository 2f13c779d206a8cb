"""One trace per row, by OpenTelemetry: the row, its wait, its run, the stages, and the calls that they make.

Off unless an endpoint is set (`OTEL_EXPORTER_OTLP_ENDPOINT`). The SDK reads its variables itself, so this module reads
them too; nothing of it is imported before the first span.

All processes derive the ids of a row's trace from the entry and the number of the request, so nothing has to be handed
from the app to the sensor and from there to the run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

Attributes = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The span that others belong to. Two processes that name the same one make the same."""

    trace_id: int
    span_id: int

    @property
    def hex_id(self) -> str:
        """The id of the trace, as the tools write it."""
        return f"{self.trace_id:032x}"

    def child(self, name: str) -> Parent:
        """Return the one child of this name."""
        return Parent(trace_id=self.trace_id, span_id=_number(f"{self.trace_id:x} {self.span_id:x} {name}", 8))


def row_trace(entry_id: str, requests: int, *, waits: int = 0, redo_id: str = "") -> Parent:
    """Return the root of a try of a row.

    The trace begins anew with each request of a person and each redo. Where the row waited in between, its trace has a
    root for each try, since nobody knows at the end of one whether there will be another.
    """
    seed = f"{entry_id} {requests} {redo_id}"
    return Parent(trace_id=_number(f"trace {seed}", 16), span_id=_number(f"row {seed} {waits}", 8))


class TracedLink(Protocol):
    """The link of an entry."""

    @property
    def page_id(self) -> str:
        """The id of the entry."""


class TracedEntry(Protocol):
    """What a trace has to know of an entry (`store.entries.Entry`)."""

    @property
    def link(self) -> TracedLink:
        """Its link."""

    @property
    def requests(self) -> int:
        """How often a person requested it."""

    @property
    def waits(self) -> int:
        """How often it waited since."""

    @property
    def redo_id(self) -> str | None:
        """Its last redo."""

    @property
    def is_in_redo(self) -> bool:
        """Whether that is open."""


def trace_of(entry: TracedEntry) -> Parent:
    """Return the root of the present try of an entry."""
    redo_id = (entry.redo_id or "") if entry.is_in_redo else ""
    return row_trace(entry.link.page_id, entry.requests, waits=entry.waits, redo_id=redo_id)


_parent: ContextVar[Parent | None] = ContextVar("svp_span")
_parent_of_process: Parent | None = None


def is_on() -> bool:
    """Return whether spans are sent anywhere."""
    return any(os.environ.get(name) for name in ENDPOINTS)


@contextmanager
def within(parent: Parent, *, process_wide: bool = False) -> Iterator[None]:
    """Make the calls of a block children of a span. `process_wide`: those of threads without a span as well."""
    global _parent_of_process  # noqa: PLW0603 (see `context.bind_process`)
    token, before = _parent.set(parent), _parent_of_process
    if process_wide:
        _parent_of_process = parent
    try:
        yield
    finally:
        _parent.reset(token)
        _parent_of_process = before


def record_call(name: str, *, started_ns: int, attributes: Attributes, failed: bool) -> None:
    """Send the span of a call that just ended, if it belongs to a trace."""
    parent = _parent.get(None) or _parent_of_process
    if parent is not None:
        record(name, parent=parent, started_ns=started_ns, attributes=attributes, failed=failed, is_call=True)


def record(
    name: str,
    *,
    parent: Parent | None,
    span: Parent | None = None,
    started_ns: int,
    ended_ns: int | None = None,
    attributes: Attributes,
    failed: bool = False,
    is_call: bool = False,
) -> None:
    """Send a span that ended. `span` is its own id where others refer to it. Without a parent it is a root."""
    if not is_on():
        return
    from svp_dagster.telemetry import otlp

    otlp.send(
        name,
        parent=parent,
        span=span,
        started_ns=started_ns,
        ended_ns=ended_ns,
        attributes=attributes,
        failed=failed,
        is_call=is_call,
    )


def flush() -> None:
    """Send what waits to be sent, within seconds."""
    if is_on():
        from svp_dagster.telemetry import otlp

        otlp.flush()


def _number(seed: str, size: int) -> int:
    """Return a number of `size` bytes, which is never 0: that would be no id."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:size], "big") or 1


def shown(attributes: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Return attributes without those that are empty."""
    return {name: value for name, value in attributes.items() if value not in (None, "")}
