"""`/ready` is open to anybody: many requests for it are no attack on Notion, or on the app."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from flask import Flask

from oauth_app import health
from tests.security.app_web import TIMEOUT_S, app_web

pytestmark = pytest.mark.slow

MANY = 60


@contextmanager
def mute_service() -> Iterator[tuple[str, list[socket.socket]]]:
    """Yield the address of something that never answers, and the connections to it so far."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            while True:
                try:
                    connections.append(listening.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", connections
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT_S)
            for connection in connections:
                connection.close()


def test_many_requests_ask_notion_once_and_leave_the_app_free(tmp_path: Path) -> None:
    with mute_service() as (url, asked), app_web(tmp_path, NOTION_BASE_URL=url, SVP_DAGSTER_PORT="9") as web:
        assert httpx.get(f"{web.url}/ready", timeout=TIMEOUT_S).status_code == 503
        time.sleep(health.READY_KEPT_S)  # the next one renews the answer
        with ThreadPoolExecutor(MANY) as pool:
            answers = [pool.submit(httpx.get, f"{web.url}/ready", timeout=TIMEOUT_S) for _ in range(MANY)]
            time.sleep(0.3)
            assert web.health_s() < 1
            assert {answer.result().status_code for answer in answers} == {503}
        assert len(asked) == 2


def test_what_was_found_is_looked_at_again_after_some_seconds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_KEPT_S", 0.2)
    client = app.test_client()
    first, second = (client.get("/ready").get_json()["checked_at"] for _ in range(2))
    time.sleep(0.3)
    third = client.get("/ready").get_json()["checked_at"]
    assert first == second < third
