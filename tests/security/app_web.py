"""The app on a socket, started as `svp up` starts it, and raw connections to it."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from oauth_app.serving.deadlines import Deadlines
from oauth_app.serving.server import server
from svp_dagster.commands.processes import Child, answers, free_port, running

START_LIMIT_S = 60.0
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class AppWeb:
    """Where it answers, and what it writes to its log."""

    port: int
    child: Child

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def health_s(self) -> float:
        """Return how long `/health` takes to answer."""
        answer = httpx.get(f"{self.url}/health", timeout=TIMEOUT_S)
        assert answer.json()["status"] == "ok"
        return answer.elapsed.total_seconds()


@contextlib.contextmanager
def app_web(folder: Path, **settings: str) -> Iterator[AppWeb]:
    """Run the app in `folder` with these settings until the end of the block."""
    port = free_port()
    environment = {
        **os.environ,
        "SVP_HOME": str(folder),
        "SVP_APP_PORT": str(port),
        "NOTION_BASE_URL": "http://127.0.0.1:9",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    with running(folder / "logs") as processes:
        child = processes.start("app", [sys.executable, "-m", "oauth_app.serving"], env=environment)
        processes.wait_for(child, lambda: answers(port), limit_s=START_LIMIT_S)
        yield AppWeb(port, child)


@contextlib.contextmanager
def served(app: Any, *, deadlines: Deadlines, threads: int = 2) -> Iterator[int]:
    """Serve an app from this process until the end of the block. Yield its port."""
    port = free_port()
    made = server(app, host="127.0.0.1", port=port, threads=threads, deadlines=deadlines)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        while not made.started:
            thread.join(0.02)
        yield port
    finally:
        made.should_exit = True
        thread.join(TIMEOUT_S)


def connect(port: int) -> socket.socket:
    """Return a connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes, or breaks off."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return bytes(received)


def exchange(port: int, sent: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    with connect(port) as connection:
        connection.sendall(sent)
        return read_all(connection)


@contextlib.contextmanager
def dripping(port: int, *, beginning: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Hold connections that have sent a beginning, and send a byte more now and then."""
    stopped = threading.Event()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(port)) for _ in range(count)]
        for connection in connections:
            connection.sendall(beginning)
        thread = threading.Thread(target=_drip, args=(connections, stopped))
        thread.start()
        try:
            yield connections
        finally:
            stopped.set()
            thread.join(TIMEOUT_S)


def _drip(connections: list[socket.socket], stopped: threading.Event) -> None:
    while not stopped.wait(0.2):
        for connection in connections:
            with contextlib.suppress(OSError):  # the server has closed it, as it should
                connection.send(b"x")
