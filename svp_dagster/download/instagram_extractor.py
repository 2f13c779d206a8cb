"""yt-dlp's extractor of Instagram posts, with fewer requests and with failures of the table.

Importing this module imports yt-dlp. Its own extractor sends three requests for a post: for the front page, which has a
token and a cookie, for a ruling on whether the post may be shown, and for the post. This one asks for the front page
once for many posts (`Visit`), and for the ruling only where a post comes empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from yt_dlp.extractor.instagram import InstagramIE as InstagramPostIE
from yt_dlp.utils import ExtractorError

from svp_dagster.download.instagram import answer_failure, message_failure, page_failure
from svp_dagster.download.turns import Turn
from svp_dagster.models import JsonObject, Visit

_RULING = "/web/get_ruling_for_content/"
_POST = "/api/graphql"
_COOKIE_DOMAIN = ".instagram.com"
_CSRF = "csrftoken"


class _StaleVisit(Exception):
    """The token of an earlier visit isn't accepted any more."""


class InstagramIE(InstagramPostIE):  # type: ignore[misc]  # yt-dlp has no types
    """Instagram's extractor for one turn. The name is part of the contract: yt-dlp makes the extractor's key of it."""

    _lsd_token: str | None

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn
        self._is_visit_reused = self._has_stale_visit = False
        self._ruling: JsonObject = {}
        self._ruling_query: JsonObject = {}

    def _real_initialize(self) -> None:
        visit = None if self._is_logged_in or self._has_stale_visit else self._turn.find_visit()
        self._is_visit_reused = visit is not None
        if visit is not None:
            self._lsd_token = visit.token
            for name, value in visit.cookies.items():
                self._set_cookie(_COOKIE_DOMAIN, name, value)
        with _table_failures():
            super()._real_initialize()
        if self._lsd_token and not self._is_visit_reused:
            self._turn.keep_visit(Visit(token=self._lsd_token, cookies=self._cookies()))

    def _real_extract(self, url: str) -> JsonObject:
        try:
            return self._extract_post(url)
        except _StaleVisit:
            self._has_stale_visit, self._lsd_token = True, None
            self._real_initialize()
            return self._extract_post(url)

    def _extract_post(self, url: str) -> JsonObject:
        with _table_failures():
            info: JsonObject = super()._real_extract(url)
            return info

    def _cookies(self) -> dict[str, str]:
        return {name: cookie.value for name, cookie in self._get_cookies(self._BASE_URL).items()}

    def _download_json(self, url: str, video_id: str, *args: Any, **request: Any) -> Any:
        # Without the cookie the ruling is asked for as yt-dlp does: it may be what sets it.
        if url.endswith(_RULING) and _CSRF in self._cookies():
            self._ruling, self._ruling_query = {"status": "ok"}, request["query"]
            return self._ruling
        if url.endswith(_POST):
            return self._ask_for_post(url, video_id, **request)
        return super()._download_json(url, video_id, *args, **request)

    def _ask_for_post(self, url: str, video_id: str, *, data: bytes, headers: JsonObject, **_: Any) -> Any:
        answer = self._ask(url, video_id, data=data, headers=headers)
        media = (answer.get("data") or {}).get("xig_polaris_media") or {}
        if not media.get("if_not_gated_logged_out") and self._ruling_query:
            # yt-dlp reads the ruling after the post: what was returned for it above is filled in now.
            url = f"{self._API_BASE_URL}{_RULING}"
            self._ruling.update(self._ask(url, video_id, query=self._ruling_query, headers=self._api_headers))
        return answer

    def _ask(self, url: str, video_id: str, **request: Any) -> JsonObject:
        """Return the API's answer. Raises the failures of the table, `_StaleVisit`, and ExtractorError."""
        body, answered = self._download_webpage_handle(
            url, video_id, expected_status=lambda _: True, impersonate=self._can_impersonate, **request
        )
        if answered.status == 403 and self._is_visit_reused:
            raise _StaleVisit
        if failed := answer_failure(answered.status, body, retry_after=answered.headers.get("Retry-After")):
            raise failed
        parsed: JsonObject = self._parse_json(body, video_id)
        return parsed

    def _download_webpage_handle(self, url: str, *args: Any, **request: Any) -> Any:
        answer = super()._download_webpage_handle(url, *args, **request)
        if answer and "/p/" in url and (failed := page_failure(answer[0])):
            raise failed
        return answer


@contextmanager
def _table_failures() -> Iterator[None]:
    """Turn messages of yt-dlp into failures of the table where its exception says too little."""
    try:
        yield
    except ExtractorError as error:
        if known := message_failure(str(error)):
            raise known from error
        raise
