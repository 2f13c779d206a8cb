"""The WSGI app on an asynchronous server. A thread works on a request that is complete, and never waits for a client.

A client that sends or reads slowly holds a connection and some memory. The bodies of requests, and the answers that
clients have yet to read, are in memory, larger ones in temporary files.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send

from oauth_app.serving.deadlines import Deadlines
from svp_dagster.telemetry.context import facts

logger = logging.getLogger(__name__)

PIECE_BYTES = 65_536
IN_MEMORY_BYTES = 65_536
"""Bodies and answers that are longer go to a temporary file: thousands of connections may wait at the same time."""
_CLOSE = ("Connection", "close")


def _buffer() -> IO[bytes]:
    return cast(IO[bytes], SpooledTemporaryFile(IN_MEMORY_BYTES))


@dataclass
class Answer:
    """What the app answers."""

    status: str = "500 Internal Server Error"
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: IO[bytes] = field(default_factory=_buffer)


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class BufferedApp:
    """An ASGI app that hands each complete request to a thread with the WSGI app."""

    def __init__(self, app: Any, *, threads: int, longest_body: int, deadlines: Deadlines) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(threads, "request")
        self._longest_body = longest_body
        self._body_s = deadlines.body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        began = time.monotonic()
        environ = environ_of(scope)
        try:
            answer = await self._answer(environ, receive)
        except ClientLeft:
            return
        logger.info(
            "%s %s %s %s %d bytes %.0f ms",
            environ["REMOTE_ADDR"],
            scope["method"],
            # Without the query: a sign-in's code and state must not be logged.
            scope["raw_path"].decode("ascii"),
            answer.status[:3],
            answer.content.tell(),
            (time.monotonic() - began) * 1000,
            extra=facts(
                request=dict(answer.headers).get("X-Request-ID"),
                status=int(answer.status[:3]),
                duration_s=round(time.monotonic() - began, 3),
            ),
        )
        with answer.content:
            await _send(answer, send)

    async def _answer(self, environ: dict[str, Any], receive: Receive) -> Answer:
        if "HTTP_TRANSFER_ENCODING" in environ and "CONTENT_LENGTH" in environ:
            # A proxy in front may have believed the other one, and take the rest of the body for the next request:
            # https://www.rfc-editor.org/rfc/rfc9112#section-6.1-15
            return _refusal("400 Bad Request", "A request has a length or comes in chunks, not both.")
        with _buffer() as body:
            try:
                async with asyncio.timeout(self._body_s):
                    length, is_complete = await self._read(environ, receive, body)
            except TimeoutError:
                return _refusal("408 Request Timeout", "The request took too long to arrive.")
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            if length:
                environ["CONTENT_LENGTH"] = str(length)
            body.seek(0)
            environ["wsgi.input"] = body
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._work, environ)
        if not is_complete:
            answer.headers.append(_CLOSE)
        return answer

    async def _read(self, environ: dict[str, Any], receive: Receive, body: IO[bytes]) -> tuple[int, bool]:
        """Read the body. Return its length, and whether it is complete: one that is too long is not read to its end."""
        announced = int(environ.get("CONTENT_LENGTH", 0))
        if announced > self._longest_body:
            return announced, False
        more = True
        while more and body.tell() <= self._longest_body:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            body.write(message.get("body", b""))
            more = message.get("more_body", False)
        return body.tell(), not more

    def _work(self, environ: dict[str, Any]) -> Answer:
        """Call the app, in a thread."""
        answer = Answer()

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
            answer.status, answer.headers = status, list(headers)
            return answer.content.write

        pieces: Iterable[bytes] = self._app(environ, start_response)
        try:
            for piece in pieces:
                answer.content.write(piece)
        finally:
            close = getattr(pieces, "close", None)
            if close:
                close()
        return answer


def environ_of(scope: Scope) -> dict[str, Any]:
    """Return the WSGI environment of a request without its body.

    A header with an underscore is left out: in the environment it would pass for the one with a hyphen, which a proxy
    sets and vouches for.
    """
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin1") or "/",
        "QUERY_STRING": scope["query_string"].decode("latin1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin1").upper(), raw_value.decode("latin1")
        if "_" in name:
            continue
        key = name.replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        separator = "; " if name == "COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ


def _refusal(status: str, sentence: str) -> Answer:
    answer = Answer(status=status, headers=[("Content-Type", "text/plain"), _CLOSE])
    answer.content.write(sentence.encode())
    return answer


async def _send(answer: Answer, send: Send) -> None:
    headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": int(answer.status[:3]), "headers": headers})
    answer.content.seek(0)
    while piece := answer.content.read(PIECE_BYTES):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
