"""A row that the real job works on is one trace: its wait, its run, the stages, and their calls."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from sandbox.media.server import MediaSandbox
from svp_dagster.telemetry import otlp, traces
from svp_dagster.telemetry.logs import JsonLine
from tests.defs.installation import Installation
from tests.sandbox.ai_service import AiService
from tests.telemetry.otlp_receiver import Received, attributes, has_failed, otlp_receiver

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site", "tests.paid_engines")

STAGES = ("download", "transcribe", "read_screen", "summarize", "publish")
SECRETS = ("canary-speech", "canary-vision", "canary-summary")


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """The receiver to which this process sends its traces."""
    with otlp_receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        yield receiver
        otlp.stop()


def test_a_row_is_one_trace_with_its_stages_and_their_calls(
    installation: Installation, ai: AiService, site: MediaSandbox, received: Received, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "svp_dagster")
    shown = installation.process("https://www.instagram.com/reel/DOpancakes1/", "cooking")
    assert shown["status"] == "completed"
    otlp.flush()
    assert received.paths == {"/v1/traces"}
    row, run = received.one("row"), received.one("run")
    assert {span.trace_id for span in received.spans} == {row.trace_id}
    assert not row.parent_span_id
    assert {span.name for span in received.children(row)} == {"poll", "wait", "run"}
    assert {span.name for span in received.children(run)} == set(STAGES)
    services = {
        stage: {attributes(call).get("svp.service") for call in received.children(received.one(stage))}
        for stage in STAGES
    }
    assert {"site", "notion"} <= services["download"]
    assert "vision" in services["read_screen"]
    assert "gemini" in services["summarize"]
    assert "notion" in services["publish"]
    assert row.start_time_unix_nano <= run.start_time_unix_nano <= run.end_time_unix_nano <= row.end_time_unix_nano
    assert not [span.name for span in received.spans if has_failed(span) and span.name in ("row", "run", *STAGES)]

    sent = b"".join(received.bodies)
    lines = [JsonLine().format(record) for record in caplog.records]
    for secret in (*SECRETS, installation.notion.token):
        assert secret.encode() not in sent
        assert not [line for line in lines if secret in line]

    kept = installation.store.tallies.all()
    rows = {series.labels: value for series, value in kept.items() if series.name == "svp_rows_total"}
    assert rows == {(("code", ""), ("outcome", "completed"), ("platform", "instagram")): 1.0}
    staged = {dict(series.labels)["stage"] for series in kept if series.name == "svp_stage_seconds_sum"}
    assert staged == set(STAGES)
    called = {dict(series.labels)["service"] for series in kept if series.name == "svp_call_seconds_sum"}
    assert {"notion", "site", "vision", "gemini"} <= called


def test_a_row_that_fails_is_a_failed_trace_with_its_code(
    installation: Installation, site: MediaSandbox, received: Received
) -> None:
    page_id = installation.add_row("https://www.tiktok.com/@sandbox.cook/video/7999999999999999999", "cooking")
    installation.run_requested()
    otlp.flush()
    assert has_failed(received.one("row"))
    assert has_failed(received.one("download"))
    assert attributes(received.one("row"))["svp.code"] == installation.entry(page_id).failure_code


def test_nothing_is_imported_and_sent_without_an_endpoint(
    installation: Installation, site: MediaSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in traces.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    sent: list[str] = []
    monkeypatch.setattr(otlp, "send", lambda name, **_: sent.append(name))
    installation.process("https://www.tiktok.com/@sandbox.cook/video/7999999999999999999", "cooking")
    assert sent == []


def test_lines_of_a_run_say_what_they_concern(
    installation: Installation, site: MediaSandbox, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page_id = installation.add_row("https://www.tiktok.com/@sandbox.cook/video/7999999999999999999", "cooking")
    lines: list[dict[str, object]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonLine().format(record)))

    logger, handler = logging.getLogger("svp_dagster"), Kept()
    logger.addHandler(handler)
    try:
        (run,) = installation.run_requested()
    finally:
        logger.removeHandler(handler)
    (ended,) = [line for line in lines if line["logger"] == "svp_dagster.defs.watch.stages"]
    trace = traces.row_trace(page_id, 1)
    assert ended["entry"] == page_id
    assert ended["connection"] == installation.connection_id
    assert (ended["run"], ended["stage"], ended["trace"]) == (run.run_id, "download", trace.hex_id)
    assert ended["code"] == installation.entry(page_id).failure_code
    assert isinstance(ended["duration_s"], float)
    calls = [line for line in lines if line.get("stage") == "download" and "service" in line]
    assert {"site", "notion"} <= {line["service"] for line in calls}
    assert all({"status", "latency_s", "entry", "run", "trace"} <= set(line) for line in calls)
    asked = next(line for line in lines if line["logger"] == "svp_dagster.defs.watch.starts")
    assert asked["trace"] == trace.hex_id
