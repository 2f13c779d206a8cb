"""Where alerts of tests arrive: a webhook and a mail server on loopback sockets."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "token-of-the-operator-9f2c"


class Inbox:
    """A webhook. It takes what it gets, unless it is to answer otherwise, or not at all."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.is_silent = False
        self.closing = threading.Event()
        self.port = 0

    @property
    def address(self) -> str:
        """The address as Apprise takes it, with a token in its path."""
        return f"json://127.0.0.1:{self.port}/{TOKEN}"

    @property
    def titles(self) -> list[str]:
        return [alert["title"] for alert in self.alerts]


@contextmanager
def inbox() -> Iterator[Inbox]:
    """A running webhook."""
    made = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.asked.append(self.path)
            if made.is_silent:
                made.closing.wait(30)
                return
            if made.status == 200:
                made.alerts.append(json.loads(body))
            self.send_response(made.status)
            for name, value in {"Content-Length": "0", **made.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            made.asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        made.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Mailbox(socketserver.ThreadingTCPServer):
    """The smallest mail server that smtplib talks to. It keeps each message as it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.messages: list[str] = []

    @property
    def address(self) -> str:
        """The address as Apprise takes it."""
        port = self.server_address[1]
        return f"mailto://127.0.0.1:{port}/?from=svp@example.org&to=operator@example.org"


class _Mail(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            match line.split(maxsplit=1)[0].upper():
                case "QUIT":
                    self._say("221 bye")
                    return
                case "DATA":
                    self._say("354 go on")
                    self.server.messages.append(self._message())
                    self._say("250 taken")
                case _:
                    self._say("250 fine")

    def _message(self) -> str:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.decode())
        return "".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A running mail server."""
    with Mailbox() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
