"""yt-dlp that sends every request through its one proxy, the egress guard, and has no other program download.

Importing this module imports yt-dlp.
"""

from __future__ import annotations

from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.downloader import get_suitable_downloader
from yt_dlp.downloader.dash import DashSegmentsFD
from yt_dlp.downloader.http import HttpFD
from yt_dlp.networking import Request, Response
from yt_dlp.networking._curlcffi import CurlCFFIRH, CurlOpt
from yt_dlp.networking._requests import RequestsRH
from yt_dlp.networking.exceptions import HTTPError

from svp_dagster.download.turns import Turn
from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject


class _OneProxyRH:
    """A way to send requests that has one proxy: the guard. Else an extractor may name another for a request."""

    proxies: dict[str, str]

    def _get_proxies(self, _request: Request) -> dict[str, str]:
        return self.proxies.copy()


class _GuardedRequestsRH(_OneProxyRH, RequestsRH):  # type: ignore[misc]  # yt-dlp has no types
    """requests, which yt-dlp lets read no environment."""


class _GuardedCurlRH(_OneProxyRH, CurlCFFIRH):  # type: ignore[misc]
    """curl that ignores NO_PROXY in the environment, which would lead around the guard."""

    def _send(self, request: Request) -> Any:
        cookies = self._get_cookiejar(request) if "cookie" not in request.headers else None
        self._get_instance(cookiejar=cookies).curl.setopt(CurlOpt.NOPROXY, "")
        return super()._send(request)


class GuardedYoutubeDL(YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
    """yt-dlp that sends every request through the guard. `close` also closes answers that an error left open."""

    def __init__(self, options: JsonObject, turn: Turn | None) -> None:
        self._answers: list[Response] = []
        self._turn = turn
        super().__init__(options, auto_init=False)

    def build_request_director(self, _handlers: Any, preferences: Any = None) -> Any:
        """Take no other ways to send: urllib obeys NO_PROXY and speaks FTP, and a WebSocket is no file."""
        return super().build_request_director([_GuardedRequestsRH, _GuardedCurlRH], preferences)

    def dl(self, name: str, info: JsonObject, subtitle: bool = False, test: bool = False) -> Any:
        """Download a format, unless that is left to ffmpeg or rtmpdump, which send requests of their own."""
        if get_suitable_downloader(info, self.params) not in (HttpFD, DashSegmentsFD):
            raise failure(Code.NO_MEDIA, detail=f"no plain file: {info.get('protocol')}")
        return super().dl(name, info, subtitle, test)

    def urlopen(self, req: Any) -> Response:
        """Send a request. Where there is a turn, it counts."""
        if self._turn is not None:
            self._turn.spend(req if isinstance(req, str) else req.url)
        try:
            answer = super().urlopen(req)
        except HTTPError as error:
            self._answers.append(error.response)
            raise
        self._answers.append(answer)
        return answer

    def close(self) -> None:
        """Close the answers and the handlers."""
        for answer in self._answers:
            answer.close()
        super().close()
