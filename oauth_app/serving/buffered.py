"""The WSGI app on an asynchronous server. A thread works on a request that is complete, and never waits for a client.

A client that sends or reads slowly holds a connection and some memory. The bodies of requests, and the answers that
clients have yet to read, are in memory, larger ones in temporary files.

There are two exceptions, for what is too large to be copied. Paths that the app names (`streamed_paths`) get their
bodies while they arrive, in threads of their own (`streamed.py`). A file that the app answers with is sent from where
it lies (`answers.FileAnswer`).
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send

from oauth_app.serving.answers import CLOSE, Answer, FileAnswer, buffer, refusal, send_answer
from oauth_app.serving.deadlines import Deadlines
from oauth_app.serving.streamed import StreamedBody
from svp_dagster.telemetry.context import facts

logger = logging.getLogger(__name__)


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class BufferedApp:
    """An ASGI app that hands each complete request to a thread with the WSGI app."""

    def __init__(
        self,
        app: Any,
        *,
        threads: int,
        longest_body: int,
        deadlines: Deadlines,
        streamed_paths: Collection[str] = (),
        streaming_threads: int = 1,
    ) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(threads, "request")
        self._streaming_pool = ThreadPoolExecutor(streaming_threads, "streaming")
        self._longest_body = longest_body
        self._deadlines = deadlines
        self._streamed_paths = frozenset(streamed_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        began = time.monotonic()
        environ = environ_of(scope)
        try:
            answer = await self._answer(environ, receive)
        except ClientLeft:
            return
        logger.info(
            "%s %s %s %s %s bytes %.0f ms",
            environ["REMOTE_ADDR"],
            scope["method"],
            # Without the query: a sign-in's code and state must not be logged.
            scope["raw_path"].decode("ascii"),
            answer.status[:3],
            answer.size,
            (time.monotonic() - began) * 1000,
            extra=facts(
                request=dict(answer.headers).get("X-Request-ID"),
                status=int(answer.status[:3]),
                duration_s=round(time.monotonic() - began, 3),
            ),
        )
        try:
            await send_answer(answer, receive, send, pool=self._pool, linger_s=self._deadlines.linger_s)
        finally:
            answer.close()

    async def _answer(self, environ: dict[str, Any], receive: Receive) -> Answer:
        if "HTTP_TRANSFER_ENCODING" in environ and "CONTENT_LENGTH" in environ:
            # A proxy in front may have believed the other one, and take the rest of the body for the next request:
            # https://www.rfc-editor.org/rfc/rfc9112#section-6.1-15
            return refusal("400 Bad Request", "A request has a length or comes in chunks, not both.")
        if environ["PATH_INFO"] in self._streamed_paths:
            return await self._answer_while_it_arrives(environ, receive)
        return await self._answer_when_complete(environ, receive)

    async def _answer_while_it_arrives(self, environ: dict[str, Any], receive: Receive) -> Answer:
        body = StreamedBody(receive, progress_s=self._deadlines.progress_s)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ |= {"wsgi.input": body, "wsgi.input_terminated": True}
        answer = await asyncio.get_running_loop().run_in_executor(self._streaming_pool, self._work, environ)
        if body.client_left:
            answer.close()
            raise ClientLeft
        if not body.is_complete:
            answer.is_early = True
            answer.headers.append(CLOSE)
        return answer

    async def _answer_when_complete(self, environ: dict[str, Any], receive: Receive) -> Answer:
        with buffer() as body:
            try:
                async with asyncio.timeout(self._deadlines.body_s):
                    length, is_complete = await self._read(environ, receive, body)
            except TimeoutError:
                return refusal("408 Request Timeout", "The request took too long to arrive.")
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            if length:
                environ["CONTENT_LENGTH"] = str(length)
            body.seek(0)
            environ["wsgi.input"] = body
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._work, environ)
        if not is_complete:
            answer.headers.append(CLOSE)
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
        if isinstance(pieces, FileAnswer):
            answer.file = pieces
            return answer
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
        "wsgi.file_wrapper": FileAnswer,
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
