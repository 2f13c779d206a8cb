"""Bound what the answer of a service may take: its bytes and its time, whatever the client's library does with it.

A compressed body may unpack to a thousand times its size within one read of a library. So clients ask for bodies as
they are, and one that is compressed all the same is refused before it is unpacked. What a stranger's site answers is
bounded in `download/`.

    httpx.Client(**bounded("notion"))                      also `openai` and `google-genai`, which use httpx2
    session.mount("https://", bounded_adapter("vision"))   requests, which `google-cloud-vision` uses

Both report each call under the name of its service (`telemetry.calls`).
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from svp_dagster.telemetry import calls

if TYPE_CHECKING:
    import httpx
    from requests.adapters import HTTPAdapter

MAX_ANSWER_BYTES: Final = 32_000_000
"""A page of 100 rows of Notion's, each as large as Notion lets it be, stays below."""

MAX_ANSWER_S: Final = 300.0
"""From the head of an answer to its end: timeouts count the silence between two blocks only."""

# Source: RFC 9110, section 12.5.3: "identity" means no encoding, and is always acceptable.
_AS_IT_IS: Final = {"Accept-Encoding": "identity"}
_BLOCK_BYTES: Final = 65_536


def bounded(service: str, *, max_bytes: int | None = None, max_s: float | None = None) -> dict[str, Any]:
    """Return the arguments for a client of httpx or httpx2 that bound its answers.

    What is refused raises the library's `DecodingError`, what takes too long its `ReadTimeout`. The bounds above
    hold where none are given.
    """
    read = partial(_read_within_bounds, max_bytes=max_bytes, max_s=max_s)
    hooks = {"request": [calls.began(service)], "response": [read, calls.ended]}
    return {"headers": dict(_AS_IT_IS), "event_hooks": hooks}


def get(
    url: str,
    *,
    service: str,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    max_bytes: int | None = None,
    max_s: float | None = None,
) -> httpx.Response:
    """Return the bounded answer to one request. Raises `httpx.HTTPError` and `httpx.InvalidURL`."""
    import httpx

    with httpx.Client(timeout=timeout_s, **bounded(service, max_bytes=max_bytes, max_s=max_s)) as client:
        return client.get(url, headers=headers)


def bounded_adapter(service: str) -> HTTPAdapter:
    """Return the adapter for a session of requests that bounds its answers.

    What is refused raises `ContentDecodingError` of requests, what takes too long its `ReadTimeout`.
    """
    from requests import PreparedRequest, Response
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ConnectionError, ContentDecodingError, ReadTimeout
    from urllib3.exceptions import HTTPError

    class BoundedAdapter(HTTPAdapter):
        def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
            request.headers.update(_AS_IT_IS)
            call = calls.OpenCall(service, request.method or "")
            try:
                answer = self._answer(request, *args, **options)
            except Exception:  # of any kind: it is counted, and raised
                call.end(None)
                raise
            call.end(answer.status_code)
            return answer

        def _answer(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
            answer = super().send(request, *args, **options)
            # `read` would wait until it has a whole block
            blocks = iter(lambda: answer.raw.read1(_BLOCK_BYTES, decode_content=False), b"")
            try:
                encoding = answer.headers.get("Content-Encoding")
                body = _body(blocks, encoding, refused=ContentDecodingError, late=ReadTimeout)
            except HTTPError as error:  # requests turns these into its own where it reads by itself
                raise ConnectionError(error, request=request) from error
            finally:
                answer.raw.close()
            answer.raw = io.BytesIO(body)
            return answer

    return BoundedAdapter()


def _read_within_bounds(answer: Any, *, max_bytes: int | None, max_s: float | None) -> None:
    """Read an answer of httpx or httpx2 before the library does: this runs between its head and its body."""
    library = sys.modules[type(answer).__module__.partition(".")[0]]
    stream = answer.stream
    body = _body(
        stream,
        answer.headers.get("content-encoding"),
        refused=library.DecodingError,
        late=library.ReadTimeout,
        max_bytes=max_bytes,
        max_s=max_s,
    )
    stream.close()
    answer.stream = library.ByteStream(body)


def _body(
    blocks: Iterable[bytes],
    encoding: str | None,
    *,
    refused: Callable[[str], Exception],
    late: Callable[[str], Exception],
    max_bytes: int | None = None,
    max_s: float | None = None,
) -> bytes:
    """Return the whole body. Raises `refused` for one that is encoded or too long, and `late`."""
    if (encoding or "identity").strip().lower() != "identity":
        raise refused("the answer is compressed, which nobody asked for")
    max_bytes, max_s = max_bytes or MAX_ANSWER_BYTES, max_s or MAX_ANSWER_S
    body, ends = bytearray(), time.monotonic() + max_s
    for block in blocks:
        body += block
        if len(body) > max_bytes:
            body.clear()  # the exception keeps this frame
            raise refused(f"the answer has more than {max_bytes} bytes")
        if time.monotonic() > ends:
            raise late(f"the answer took more than {max_s:.0f} s")
    return bytes(body)
