"""Answers of the WSGI app on their way to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Final, cast

from starlette.types import Receive, Send

PIECE_BYTES: Final = 65_536
IN_MEMORY_BYTES: Final = 65_536
"""Bodies and answers that are longer go to a temporary file: thousands of connections may wait at the same time."""
CLOSE: Final = ("Connection", "close")


def buffer() -> IO[bytes]:
    """Return where a body or an answer is kept."""
    return cast(IO[bytes], SpooledTemporaryFile(IN_MEMORY_BYTES))


class FileAnswer:
    """The server's `wsgi.file_wrapper` (PEP 3333): a file that is sent from where it lies, and never copied.

    Each piece is read in a thread once the client has taken the one before, so no thread waits for a client.
    """

    def __init__(self, file: IO[bytes], _block_size: int = PIECE_BYTES) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(PIECE_BYTES), b"")

    def read(self) -> bytes:
        """Return the next piece, nothing at the end."""
        return self._file.read(PIECE_BYTES)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass
class Answer:
    """What the app answers. `is_early`: the client still sends, since the app has not read its request to the end."""

    status: str = "500 Internal Server Error"
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: IO[bytes] = field(default_factory=buffer)
    file: FileAnswer | None = None
    is_early: bool = False

    @property
    def size(self) -> str:
        """Return how long it is, for the log."""
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        return lengths[0] if self.file and lengths else str(self.content.tell())

    def close(self) -> None:
        """Close what it is read from."""
        self.content.close()
        if self.file:
            self.file.close()


def refusal(status: str, sentence: str) -> Answer:
    """Return an answer of the server's own, after which the connection ends."""
    answer = Answer(status=status, headers=[("Content-Type", "text/plain"), CLOSE])
    answer.content.write(sentence.encode())
    return answer


async def send_answer(answer: Answer, receive: Receive, send: Send, *, pool: Executor, linger_s: float) -> None:
    """Send all of an answer, or as much of it as the client stays for."""
    headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": int(answer.status[:3]), "headers": headers})
    if answer.file:
        await _send_file(answer.file, receive, send, pool)
    else:
        await _send_content(answer.content, send)
    if answer.is_early:
        await _linger(receive, linger_s)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_content(content: IO[bytes], send: Send) -> None:
    content.seek(0)
    while piece := content.read(PIECE_BYTES):
        await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _send_file(file: FileAnswer, receive: Receive, send: Send, pool: Executor) -> None:
    loop = asyncio.get_running_loop()
    # The request was read to its end, so the next thing to receive is that the client has left.
    gone = asyncio.ensure_future(receive())
    try:
        while not gone.done() and (piece := await loop.run_in_executor(pool, file.read)):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    finally:
        gone.cancel()


async def _linger(receive: Receive, limit_s: float) -> None:
    """Read on for a moment: a connection that is closed on a client which still sends takes the answer with it.

    https://www.rfc-editor.org/rfc/rfc9112#section-9.6-9
    """
    try:
        async with asyncio.timeout(limit_s):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        pass
