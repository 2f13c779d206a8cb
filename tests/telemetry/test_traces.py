"""Spans whose ids all processes derive, and a collector that is away."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time

import pytest

from svp_dagster.telemetry import otlp, traces
from svp_dagster.telemetry.traces import record, row_trace
from tests.telemetry.otlp_receiver import otlp_receiver


def test_every_process_derives_the_same_ids() -> None:
    code = "from svp_dagster.telemetry.traces import row_trace as t; print(t('row-1', 2).child('run r').span_id)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert int(said) == row_trace("row-1", 2).child("run r").span_id


def test_another_request_or_row_is_another_trace() -> None:
    ids = {row_trace(entry, requests).trace_id for entry in ("row-1", "row-2") for requests in (1, 2)}
    assert len(ids) == 4


def test_a_try_after_a_wait_is_another_root_of_the_same_trace() -> None:
    first, second = (row_trace("row-1", 1, waits=waits) for waits in (0, 1))
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id
    assert row_trace("row-1", 1, redo_id="redo-1").trace_id != first.trace_id


def test_nothing_is_imported_until_there_is_where_to_send_it() -> None:
    code = (
        "import sys; from svp_dagster.telemetry import calls, traces;"
        "calls.OpenCall('notion', 'GET').end(200); traces.flush();"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_a_span_has_the_id_that_others_refer_to(monkeypatch: pytest.MonkeyPatch) -> None:
    row = row_trace("row-1", 1)
    with otlp_receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        record("row", parent=None, span=row, started_ns=1, ended_ns=2, attributes={})
        record("run", parent=row, started_ns=1, ended_ns=2, attributes={})
        otlp.stop()
    assert int.from_bytes(received.one("row").trace_id) == row.trace_id
    assert received.one("run").parent_span_id == received.one("row").span_id


def test_a_collector_that_is_away_holds_a_run_up_for_seconds_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL + 1, "opentelemetry")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        record("row", parent=None, span=row_trace("row-1", 1), started_ns=1, attributes={})
        began = time.monotonic()
        traces.flush()
        assert time.monotonic() - began < 2 * otlp.EXPORT_TIMEOUT_S + 2
        otlp.stop()
