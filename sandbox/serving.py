"""A Flask app on a real socket, in a thread of this process."""

import socket
import threading
from types import TracebackType
from typing import Any, Self

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

_STOP_CHECK_S = 0.1
_STOP_LIMIT_S = 5.0


class Served:
    """A running server. As a context manager it stops at the end of the block."""

    def __init__(self, server: "_Server", *, host: str) -> None:
        self._server = server
        self.host = host
        self.port = server.port
        self.url = f"http://{host}:{server.port}"
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_STOP_CHECK_S,), name=f"sandbox:{self.port}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stops listening and closes the connections that are still open. A second call does nothing."""
        self._server.shutdown()
        self._thread.join(_STOP_LIMIT_S)
        self._server.close_connections()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class QuietHandler(WSGIRequestHandler):
    """Prints no line per request; errors inside the app are printed all the same."""

    def log_request(self, *_: object) -> None:
        """Nothing."""


def serve(
    app: Flask, *, host: str = "127.0.0.1", port: int = 0, handler: type[WSGIRequestHandler] = QuietHandler
) -> Served:
    """Starts `app` with a thread per request; connections are accepted when this returns.

    Port 0 takes a free one. Raises OSError where the port is taken.
    """
    with socket.create_server((host, port)) as listener:
        server = _Server(host, port, app, handler, fd=listener.fileno())
    return Served(server, host=host)


def hang_up(environ: dict[str, Any]) -> None:
    """Ends the connection of the request that `environ` belongs to, whatever was sent of the answer."""
    connection: socket.socket = environ["werkzeug.socket"]
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was quicker


class _Server(ThreadedWSGIServer):
    """Keeps the open connections, so that stopping leaves no client waiting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._lock:
            still_open, self._open = self._open, set()
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by its own thread meanwhile
