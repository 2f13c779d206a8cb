"""Calls are counted and logged however they end, and only by service, method, status and time."""

from __future__ import annotations

import logging
import socket

import httpx
import pytest

from svp_dagster.bounded_http import bounded, bounded_adapter
from svp_dagster.telemetry.tallies import CALL_SECONDS, SUM, tallies
from tests.notion.client.notion_sandbox import NotionSandbox

SECRET = "canary-in-the-path"


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    tallies.take()


def counted() -> list[tuple[str, str]]:
    names = [dict(series.labels) for series in tallies.take() if series.name == CALL_SECONDS + SUM]
    return [(labels["service"], labels["status"]) for labels in names]


def test_an_answer_is_counted_by_its_status(notion: NotionSandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "svp_dagster.telemetry.calls")
    with httpx.Client(**bounded("notion")) as client:
        assert client.get(f"{notion.url}/v1/users/me", params={"key": SECRET}).status_code == 401
    assert counted() == [("notion", "401")]
    (line,) = [each for each in caplog.records if each.name == "svp_dagster.telemetry.calls"]
    assert line.getMessage().startswith("notion GET: 401 in ")
    assert SECRET not in line.getMessage()


@pytest.mark.parametrize("library", ["httpx", "httpx2", "requests"])
@pytest.mark.parametrize("fault", ["refused", "silent"])
def test_a_call_without_an_answer_is_counted_too(library: str, fault: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if fault == "refused":
            server.close()
        call(library, f"http://127.0.0.1:{port}/{SECRET}")
    assert counted() == [("ai", "none")]


def call(library: str, url: str) -> None:
    """Call an address that doesn't answer."""
    if library == "requests":
        import requests

        with requests.Session() as session:
            session.mount("http://", bounded_adapter("ai"))
            with pytest.raises(requests.RequestException):
                session.get(url, timeout=0.2)
        return
    module = pytest.importorskip(library)
    with module.Client(timeout=0.2, **bounded("ai")) as client, pytest.raises(module.TransportError):
        client.get(url)
