"""What the work at hand concerns: a request, a connection, an entry, a stage, a run. Log lines and spans carry it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final

FACTS: Final = "facts"
"""The attribute of a log record that holds them."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_bound: ContextVar[Mapping[str, str]] = ContextVar("svp_telemetry")
_of_process: Mapping[str, str] = _NOTHING


def facts(**values: str | float | None) -> dict[str, Any]:
    """Return the `extra` of a log call: values that become fields of the line in JSON."""
    return {FACTS: {name: value for name, value in values.items() if value is not None}}


def current() -> Mapping[str, str]:
    """Return the facts that are bound here, else those of the process."""
    return _bound.get(_of_process)


@contextmanager
def bind(**facts: str | None) -> Iterator[None]:
    """Add facts within a block. Those that are None are left out."""
    token = _bound.set(_with(facts))
    try:
        yield
    finally:
        _bound.reset(token)


@contextmanager
def bind_process(**facts: str | None) -> Iterator[None]:
    """Add facts within a block, in this thread and in those that bind nothing themselves.

    Fits a run, whose process works on one row. Engines call services from threads of pools, which inherit no context.
    """
    global _of_process  # noqa: PLW0603 (one fact of the process, as the name says)
    before, _of_process = _of_process, _with(facts)
    try:
        with bind(**facts):
            yield
    finally:
        _of_process = before


def _with(facts: Mapping[str, str | None]) -> Mapping[str, str]:
    return MappingProxyType({**current(), **{name: value for name, value in facts.items() if value is not None}})
