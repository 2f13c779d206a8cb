"""Drive yt-dlp: two extractors, one proxy, no file but those asked for.

Importing this module imports yt-dlp, so do it late. It raises ImportError where curl_cffi is missing or isn't one that
this yt-dlp can use: without its browser impersonation neither site answers.

Looking a post up and downloading its files are separate steps, so that a post can be refused before its video is
fetched.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.extractor.tiktok import TikTokIE as TikTokVideoIE
from yt_dlp.networking import Request
from yt_dlp.networking._curlcffi import CurlCFFIRH
from yt_dlp.networking.exceptions import HTTPError, RequestError
from yt_dlp.networking.impersonate import ImpersonateTarget
from yt_dlp.utils import ExtractorError

from svp_dagster.download.browsers import BROWSER, in_order
from svp_dagster.download.instagram_extractor import InstagramIE
from svp_dagster.download.posts import SLIDES
from svp_dagster.download.site_failures import tiktok_failure
from svp_dagster.download.turns import Turn
from svp_dagster.download.yt_dlp_network import BLOCK_BYTES, GuardedYoutubeDL
from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject, Link

logger = logging.getLogger(__name__)

MAX_SMALL_FILE_BYTES: Final = 20_000_000
"""Cap of a picture or a caption file: a slide of 1080 × 1920 px has about 0.3 MB."""

_RETRIES: Final = 2
_NOT_THERE: Final = (404, 410)
_HEADERS: Final = "http_headers"
_NAME: Final = "file_name"
"""Our own key in the metadata that yt-dlp gets: the name of the file to be written."""

# Source: yt-dlp, extractor/tiktok.py, _solve_challenge_and_set_cookies; issues 17403 and 17604.
_PAGE_FOR_ROBOTS: Final = "Unexpected response from webpage request"


class TikTokIE(TikTokVideoIE):  # type: ignore[misc]  # yt-dlp has no types
    """TikTok's extractor, with what it drops: pictures of a photo post, the origin of captions, reasons of a refusal.

    The class name matters: yt-dlp makes the extractor's key of it.
    """

    browsers: Sequence[ImpersonateTarget] = (ImpersonateTarget(),)
    """The browsers to ask as, one after the other, while the site answers with a page for robots."""

    _browser = ImpersonateTarget()
    _message = ""

    def _download_webpage_handle(self, *args: Any, impersonate: Any = None, **kwargs: Any) -> Any:
        return super()._download_webpage_handle(*args, impersonate=impersonate and self._browser, **kwargs)

    def _get_universal_data(self, webpage: str, display_id: str) -> JsonObject:
        data: JsonObject = super()._get_universal_data(webpage, display_id)
        self._message = str((data.get("webapp.video-detail") or {}).get("statusMsg") or "")
        return data

    def _extract_web_data_and_status(self, *args: Any, **kwargs: Any) -> tuple[JsonObject, int]:
        data, status = self._ask_as_each_browser(*args, **kwargs)
        if status != 0 or not data:
            raise tiktok_failure(status, self._message)
        return data, status

    def _ask_as_each_browser(self, *args: Any, **kwargs: Any) -> tuple[JsonObject, int]:
        for browser in self.browsers:
            self._browser = browser
            try:
                found: tuple[JsonObject, int] = super()._extract_web_data_and_status(*args, **kwargs)
            except ExtractorError as error:
                if _PAGE_FOR_ROBOTS not in str(error):
                    raise
                logger.info("asked as %s, the site gave a page without data", browser)
            else:
                return found
        raise failure(Code.ROBOT_SUSPECTED, detail=f"refused as {', '.join(map(str, self.browsers))}")

    def _parse_aweme_video_web(self, aweme_detail: JsonObject, *args: Any, **kwargs: Any) -> JsonObject:
        info: JsonObject = super()._parse_aweme_video_web(aweme_detail, *args, **kwargs)
        if self._browser != self.browsers[0]:
            info[BROWSER] = str(self._browser)
        images = (aweme_detail.get("imagePost") or {}).get("images") or ()
        info[SLIDES] = [(image.get("imageURL") or {}).get("urlList") or [] for image in images]
        return info

    def _get_subtitles(self, aweme_detail: JsonObject, *args: Any) -> dict[str, list[JsonObject]]:
        subtitles: dict[str, list[JsonObject]] = super()._get_subtitles(aweme_detail, *args)
        offered = (aweme_detail.get("video") or {}).get("subtitleInfos") or ()
        translated = {each.get("Url") for each in offered if each.get("Source") == "MT"}
        for offers in subtitles.values():
            for offer in offers:
                offer["translated"] = offer.get("url") in translated
        return subtitles


class YtDlpSession:
    """A session for one post, as a context manager. Its methods raise yt-dlp's own exceptions."""

    def __init__(
        self,
        *,
        proxy_url: str,
        folder: Path,
        socket_timeout_s: float,
        cookies: Path | None,
        max_size_bytes: int,
        turn: Turn | None = None,
    ) -> None:
        """Files go into `folder`. `cookies` is rewritten: give a copy. Posts of Instagram need a turn.

        No answer may be larger than `max_size_bytes`, the limit of the largest file.
        """
        self._log = _Log()
        self._folder = folder
        self._turn = turn
        self._hooks: list[Callable[[JsonObject], None]] = []
        options = {
            "proxy": proxy_url,
            "socket_timeout": socket_timeout_s,
            "cookiefile": str(cookies) if cookies else None,
            # yt-dlp trusts certifi's authorities and no others, unless it is told to ask OpenSSL, which reads this
            "compat_opts": {"no-certifi"} if os.environ.get("SSL_CERT_FILE") else set(),
            "cachedir": False,
            "noplaylist": True,
            "paths": {"home": str(folder)},
            "outtmpl": {"default": f"%({_NAME})s.%(ext)s"},
            "format": "b*",
            "fixup": "never",
            "updatetime": False,
            "retries": _RETRIES,
            "fragment_retries": _RETRIES,
            "ignore_no_formats_error": True,
            "writesubtitles": True,  # else the extractors don't look for them
            "progress_hooks": [self._on_progress],
            "noprogress": True,
            "color": "never",
            "logger": self._log,
        }
        self._yt_dlp = GuardedYoutubeDL(options, turn, max_size_bytes=max_size_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._yt_dlp.close()

    def look_up(self, link: Link, *, browser: str | None) -> JsonObject:
        """Return the post's metadata, unprocessed. Nothing is downloaded yet.

        TikTok is asked as `browser` first, where that is the name of one, and then as others.
        """
        extractor = InstagramIE(self._turn) if self._turn else _extractor(link)()
        if isinstance(extractor, TikTokIE):
            extractor.browsers = in_order(CurlCFFIRH.supported_targets, first=browser)
        self._yt_dlp.add_info_extractor(extractor)
        url = link.url.replace("/photo/", "/video/") if link.platform == "tiktok" else link.url
        info: JsonObject | None = self._yt_dlp.extract_info(url, download=False, process=False)
        if not info or info.get("_type") in ("url", "url_transparent"):
            raise failure(Code.UNSUPPORTED_LINK, reason="it doesn't name a post of this site", detail="no post")
        return info

    def download(
        self, info: JsonObject, offer: JsonObject, *, name: str, on_progress: Callable[[JsonObject], None]
    ) -> Path:
        """Download one format into the folder, e.g. as `name`.mp4.

        `on_progress` gets yt-dlp's reports (`downloaded_bytes`, `total_bytes` …) and may raise to stop.
        """
        # yt-dlp goes through every list that it gets, for each file anew, and nothing of them is needed any more.
        wanted = {key: value for key, value in info.items() if key == _HEADERS or not isinstance(value, list | dict)}
        self._hooks = [on_progress]
        wanted |= {"formats": [offer], "_type": "video", _NAME: name}
        done = self._yt_dlp.process_ie_result(wanted, download=True)
        files = [each.get("filepath") for each in done.get("requested_downloads") or () if each.get("filepath")]
        if not files:
            raise failure(Code.NO_MEDIA, detail="yt-dlp downloaded nothing")
        return Path(files[0])

    def read_small(self, urls: Sequence[str], *, accept: Callable[[bytes], bool]) -> bytes | None:
        """Return the first of `urls` with a content to `accept`, None if there is none: for pictures and captions."""
        with suppress(RequestError):
            return self.read_wanted(urls, accept=accept)
        logger.info("none of %d addresses of a small file could be read", len(urls))
        return None

    def read_wanted(self, urls: Sequence[str], *, accept: Callable[[bytes], bool]) -> bytes | None:
        """Return the same of what a post can't do without. Raises where it may be there, but can't be read now."""
        problem: RequestError | None = None
        for url in urls:
            try:
                content = self._read(url)
            except (ValueError, OSError):  # the address itself is malformed, for example
                continue
            except RequestError as error:
                if not (isinstance(error, HTTPError) and error.status in _NOT_THERE):
                    problem = error
            else:
                if content is not None and accept(content):
                    return content
        if problem is not None:
            raise problem
        return None

    def _read(self, url: str) -> bytes | None:
        """Read a small file; None for one that is too large."""
        with self._yt_dlp.urlopen(Request(url)) as answer:
            content = bytearray()
            while block := answer.read(BLOCK_BYTES):
                content += block
                if len(content) > MAX_SMALL_FILE_BYTES:
                    return None
            return bytes(content)

    def _on_progress(self, report: JsonObject) -> None:
        for hook in self._hooks:
            hook(report)


def _extractor(link: Link) -> type[Any]:
    """Return the one extractor for this link. For a site of the allow-list it is yt-dlp's own for the URL."""
    if link.platform == "tiktok":
        return TikTokIE
    for extractor in gen_extractor_classes():
        if extractor.IE_NAME != "generic" and extractor.suitable(link.url):
            return extractor  # type: ignore[no-any-return]
    raise failure(Code.UNSUPPORTED_LINK, reason="it doesn't name a video of this site", detail="no extractor")


class _Log:
    """A logger for yt-dlp. Its messages hold signed addresses, so they are logged for debugging only."""

    def debug(self, message: str) -> None:
        logger.debug("%s", message)

    def warning(self, message: str) -> None:
        logger.debug("%s", message)

    def error(self, message: str) -> None:
        logger.debug("%s", message)
