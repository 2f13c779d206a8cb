"""The network of yt-dlp: which clients it may use, where they lead, and how much of an answer it may read.

Importing this module imports yt-dlp, and raises ImportError where curl_cffi is missing or doesn't fit.
"""

from __future__ import annotations

from typing import Any, Final

from yt_dlp import YoutubeDL
from yt_dlp.downloader import get_suitable_downloader
from yt_dlp.downloader.dash import DashSegmentsFD
from yt_dlp.downloader.http import HttpFD
from yt_dlp.networking import Request, Response
from yt_dlp.networking._curlcffi import CurlCFFIRH, CurlOpt
from yt_dlp.networking._requests import RequestsRH
from yt_dlp.networking.exceptions import HTTPError, RequestError

from svp_dagster.download.turns import Turn
from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject
from svp_dagster.telemetry.calls import OpenCall

MAX_PAGE_BYTES: Final = 10_000_000
"""Cap of an answer that is read whole, unpacked: a page, or an API's JSON. A page of TikTok's has about 0.5 MB."""

BLOCK_BYTES: Final = 65_536


class _OneProxyRH:
    """A client that has one proxy: the guard. Else an extractor may name another for a request."""

    proxies: dict[str, str]

    def _get_proxies(self, _request: Request) -> dict[str, str]:
        return self.proxies.copy()


class _GuardedRequestsRH(_OneProxyRH, RequestsRH):  # type: ignore[misc]  # yt-dlp has no types
    """requests, which yt-dlp lets read no environment."""


class _GuardedCurlRH(_OneProxyRH, CurlCFFIRH):  # type: ignore[misc]
    """curl that ignores NO_PROXY in the environment, which would lead around the guard, and stops at a size.

    It reads ahead of whoever reads it, without bound but this one. It counts what it has unpacked (libcurl 8.23).
    """

    max_size_bytes = 0

    def _send(self, request: Request) -> Any:
        cookies = self._get_cookiejar(request) if "cookie" not in request.headers else None
        curl = self._get_instance(cookiejar=cookies).curl
        curl.setopt(CurlOpt.NOPROXY, "")
        curl.setopt(CurlOpt.MAXFILESIZE_LARGE, self.max_size_bytes)
        return super()._send(request)


class GuardedYoutubeDL(YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
    """yt-dlp that sends every request through its one proxy, the guard, and whose answers are bounded.

    `close` also closes answers that an error left open.
    """

    def __init__(self, options: JsonObject, turn: Turn | None, *, max_size_bytes: int) -> None:
        self._answers: list[Response] = []
        self._turn = turn
        self._max_size_bytes = max_size_bytes
        super().__init__(options, auto_init=False)

    def build_request_director(self, _handlers: Any, preferences: Any = None) -> Any:
        """Return yt-dlp's choice between our two clients.

        Of its others, urllib obeys NO_PROXY, speaks FTP and unpacks an answer whole before anybody can count, and a
        WebSocket is no file.
        """
        curl = type("_GuardedCurlRH", (_GuardedCurlRH,), {"max_size_bytes": self._max_size_bytes})
        return super().build_request_director([_GuardedRequestsRH, curl], preferences)

    def dl(self, name: str, info: JsonObject, subtitle: bool = False, test: bool = False) -> Any:
        """Download a format, unless that is left to ffmpeg or rtmpdump, which send requests of their own."""
        if get_suitable_downloader(info, self.params) not in (HttpFD, DashSegmentsFD):
            raise failure(Code.NO_MEDIA, detail=f"no plain file: {info.get('protocol')}")
        return super().dl(name, info, subtitle, test)

    def urlopen(self, req: Any) -> Response:
        """Return a bounded answer. Raises what yt-dlp's own does, and what the turn raises."""
        if self._turn is not None:
            self._turn.spend(req if isinstance(req, str) else req.url)
        call = OpenCall("site", "GET")
        try:
            answer = super().urlopen(req)
        except HTTPError as error:
            call.end(error.status)
            self._answers.append(_bounded(error.response))
            raise
        except RequestError:
            call.end(None)
            raise
        call.end(answer.status)
        self._answers.append(_bounded(answer))
        return answer

    def close(self) -> None:
        """Close all answers, then yt-dlp."""
        for answer in self._answers:
            answer.close()
        super().close()


def _bounded(answer: Response) -> Response:
    """Bound what is read of an answer in one go. Who reads by the block counts for himself."""
    read = answer.read

    def read_bounded(amount: int | None = None) -> bytes:
        if amount is not None:
            block: bytes = read(amount)
            return block
        content = bytearray()
        while block := read(BLOCK_BYTES):
            content += block
            if len(content) > MAX_PAGE_BYTES:
                raise failure(Code.SITE_UNREACHABLE, detail=f"an answer of more than {MAX_PAGE_BYTES} bytes")
        return bytes(content)

    answer.read = read_bounded
    return answer
