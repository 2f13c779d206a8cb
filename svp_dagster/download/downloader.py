"""Fetch posts from TikTok and Instagram with yt-dlp.

A short link is followed one redirect at a time. Then the post's page is read, and a post that is too long, live or
empty is refused before its one file is downloaded, with pictures and captions. Every request goes through an
`EgressGuard`, and on through the operator's proxy where one is set, so that no address in a post reaches a private
network. The site gets cookies only where the operator configures some.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from svp_dagster.component import Component
from svp_dagster.download import captions
from svp_dagster.download.browsers import BROWSER
from svp_dagster.download.egress import EgressGuard, Limits, direct, through
from svp_dagster.download.posts import Post, choose_formats, read_post
from svp_dagster.download.short_links import follow
from svp_dagster.download.site_failures import guard_failure, yt_dlp_failure
from svp_dagster.download.turns import PACED_PLATFORM, Turn, split_proxies
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.media.joining import join
from svp_dagster.media.kinds import is_text, picture_suffix
from svp_dagster.media.length import require_length
from svp_dagster.models import CaptionTrack, JsonObject, Link, Video
from svp_dagster.ports import BrowserMemory, Pace

if TYPE_CHECKING:
    from svp_dagster.download.yt_dlp_session import YtDlpSession

Progress = Callable[[float], None]

_UNEXPECTED = (AttributeError, LookupError, TypeError, ValueError, SyntaxError, RecursionError)
"""What an extractor may raise where a site's answer has an unexpected shape. Broken XML is a SyntaxError, JSON that is
nested too deeply a RecursionError."""

_EXTRAS_BYTES = 64_000_000
"""Limit of the pages, pictures and captions of one post, beside the video."""


class YtDlpDownloader(Component):
    """Download one post: video or pictures, sound, captions, cover and texts."""

    max_duration_s: float = Field(default=1800, gt=0, description="Longest video, in seconds.")
    max_size_bytes: int = Field(default=200_000_000, gt=0, description="Largest file.")
    min_short_side_px: int = Field(default=540, gt=0, description="The smallest format that is at least so wide wins.")
    socket_timeout_s: float = Field(default=20, gt=0, description="How long the site may stay silent.")
    time_limit_s: float = Field(default=600, gt=0, description="How long one post may take in all.")
    proxy: SecretStr = Field(
        default=SecretStr(""), description="The ways out, comma-separated: http://[user:password@]host:port."
    )
    cookies_file: Path | None = Field(default=None, description="Netscape cookie file; each run works on a copy of it.")

    def resolve(self, link: Link, *, pace: Pace | None = None) -> Link:
        """Return the post behind a short link, any other link as it is. Raises a failure of the table."""
        if not link.is_short:
            return link
        turn = self._turn(link, pace)
        with self._guard(turn) as guard, turn.watched() if turn else nullcontext():
            try:
                return follow(
                    link,
                    proxy_url=guard.url,
                    timeout_s=self.socket_timeout_s,
                    before_request=turn.spend if turn else _at_once,
                )
            except SvpError as error:
                if error.code is Code.SITE_UNREACHABLE and (known := guard_failure(guard)):
                    raise known from error
                raise

    def fetch(
        self,
        link: Link,
        *,
        folder: Path,
        progress: Progress | None = None,
        browsers: BrowserMemory | None = None,
        pace: Pace | None = None,
    ) -> Video:
        """Download a post into `folder`; `progress` gets the share of the video done, 0 to 1.

        A photo post has `slides` and, if it has a sound, `audio_path`; a carousel has slides of which some or all
        are clips. A post with sound alone has `audio_path`. The files are not probed. Raises a failure of the table.
        """
        link = self.resolve(link, pace=pace)
        folder.mkdir(parents=True, exist_ok=True)
        turn = self._turn(link, pace)
        with self._guard(turn) as guard, self._session(link, folder=folder, guard=guard, turn=turn) as session:
            with turn.watched() if turn else nullcontext():
                info = _look_up(session, link, browsers)
            post = read_post(info, link=link)
            self._require_acceptable(post)
            return self._download(session, info, post, progress=progress, folder=folder)

    def _turn(self, link: Link, pace: Pace | None) -> Turn | None:
        return Turn(self._proxies, pace) if link.platform == PACED_PLATFORM else None

    @property
    def _proxies(self) -> tuple[str, ...]:
        return split_proxies(self.proxy.get_secret_value())

    def _guard(self, turn: Turn | None) -> EgressGuard:
        proxy = turn.proxy if turn else self._proxies[0]
        limits = Limits(size_bytes=self.max_size_bytes + _EXTRAS_BYTES, time_s=self.time_limit_s)
        return EgressGuard(dial=through(proxy) if proxy else direct, limits=limits)

    @contextmanager
    def _session(self, link: Link, *, folder: Path, guard: EgressGuard, turn: Turn | None) -> Iterator[YtDlpSession]:
        """Open a session of yt-dlp whose exceptions are failures of the table.

        An extractor may raise anything where a site's answer has an unexpected shape: then the site changed.
        """
        try:
            from yt_dlp.networking.exceptions import RequestError
            from yt_dlp.utils import YoutubeDLError

            from svp_dagster.download.yt_dlp_session import YtDlpSession
        except ImportError as error:
            reason = "yt-dlp or a curl_cffi that fits it is not installed"
            raise failure(Code.MISCONFIGURED, reason=reason, detail=str(error)) from error

        with tempfile.TemporaryDirectory() as private:  # cookies don't lie beside what the run keeps
            session = YtDlpSession(
                proxy_url=guard.url,
                folder=folder,
                socket_timeout_s=self.socket_timeout_s,
                cookies=self._cookies(Path(private)),
                max_size_bytes=self.max_size_bytes,
                turn=turn,
            )
            try:
                with session:
                    yield session
            except (*_UNEXPECTED, YoutubeDLError, RequestError) as error:
                raise yt_dlp_failure(error, platform=link.platform, guard=guard) from error

    def _cookies(self, private: Path) -> Path | None:
        if not self.cookies_file:
            return None
        try:
            return Path(shutil.copy(self.cookies_file, private / "cookies.txt"))
        except OSError as error:
            raise failure(
                Code.MISCONFIGURED, reason="the cookies file can't be read", detail=type(error).__name__
            ) from error

    def _require_acceptable(self, post: Post) -> None:
        if post.is_live:
            raise failure(Code.LIVE_STREAM, detail=post.media_key)
        require_length(post.duration_s, limit_s=self.max_duration_s)

    def _download(
        self, session: YtDlpSession, info: JsonObject, post: Post, *, progress: Progress | None, folder: Path
    ) -> Video:
        is_video = len(post.items) == 1 and bool(post.items[0].formats)
        formats = self._chosen(post.items[0].formats if is_video else post.sound)
        slides = () if is_video else self._slides(session, info, post, progress=progress, folder=folder)
        if not formats and not slides:
            raise failure(Code.NO_MEDIA, detail=f"{post.media_key} has neither formats nor pictures")
        watch = self._watch(progress if not slides else None)
        file = _fetch_file(session, info, formats, stem=folder / "media", on_progress=watch) if formats else None

        return Video(
            media_key=post.media_key,
            url=post.url,
            title=post.title,
            description=post.description,
            uploader=post.uploader,
            published_at=post.published_at,
            duration_s=post.duration_s,
            video_path=file if is_video else None,
            audio_path=None if is_video else file,
            slides=slides,
            cover_path=_save_picture(session.read_small(post.covers, accept=_is_picture), folder / "cover"),
            captions=tuple(_tracks(session, post)),
        )

    def _watch(self, progress: Progress | None) -> Callable[[JsonObject], None]:
        """Return a hook that reports progress, and stops a download that is too large whatever the site announced."""

        def watch(report: JsonObject) -> None:
            done = report.get("downloaded_bytes") or 0
            total = report.get("total_bytes") or report.get("total_bytes_estimate") or 0
            if max(done, total) > self.max_size_bytes:
                raise _too_large(total, self.max_size_bytes)
            if progress is not None and (total or report.get("status") == "finished"):
                progress(min(done / total, 1.0) if total else 1.0)

        return watch

    def _slides(
        self, session: YtDlpSession, info: JsonObject, post: Post, *, progress: Progress | None, folder: Path
    ) -> tuple[Path, ...]:
        """Download the slides. One that can't be read now is a failure, one that is gone is left out."""
        slides: list[Path] = []
        for number, item in enumerate(post.items, start=1):
            name = f"slide_{number:02}"
            if formats := self._chosen(item.formats):
                slides.append(_fetch_file(session, info, formats, stem=folder / name, on_progress=self._watch(None)))
            elif saved := _save_picture(session.read_wanted(item.pictures, accept=_is_picture), folder / name):
                slides.append(saved)
            if progress is not None:
                progress(number / len(post.items))
        return tuple(slides)

    def _chosen(self, formats: Sequence[JsonObject]) -> list[JsonObject]:
        return choose_formats(formats, min_short_side_px=self.min_short_side_px)


def _look_up(session: YtDlpSession, link: Link, browsers: BrowserMemory | None) -> JsonObject:
    """Look the post up as the browser that is remembered, and remember the one that was answered instead."""
    info = session.look_up(link, browser=browsers.browser(link.platform) if browsers else None)
    if browsers is not None and BROWSER in info:
        browsers.remember_browser(link.platform, info[BROWSER], now=datetime.now(UTC))
    return info


def _fetch_file(
    session: YtDlpSession,
    info: JsonObject,
    formats: Sequence[JsonObject],
    *,
    stem: Path,
    on_progress: Callable[[JsonObject], None],
) -> Path:
    """Download one format, or a picture and a sound that are joined to one file."""
    if len(formats) == 1:
        return session.download(info, formats[0], name=stem.name, on_progress=on_progress)
    picture, sound = (
        session.download(info, each, name=f"{stem.name}_{part}", on_progress=on_progress)
        for part, each in zip(("picture", "sound"), formats, strict=True)
    )
    return join(picture, sound, stem.with_suffix(".mkv"))


def _too_large(size_bytes: int, limit_bytes: int) -> SvpError:
    size = f"{size_bytes / 1e6:.0f} MB large" if size_bytes else "too large"
    reason = f"{size}; at most {limit_bytes / 1e6:.0f} MB are allowed"
    return failure(Code.TOO_LARGE, reason=reason, detail=f"{size_bytes or 'unknown size'} > {limit_bytes} bytes")


def _at_once(_url: str) -> None:
    """Send a request without reserving it: only Instagram is paced."""


def _is_picture(content: bytes) -> bool:
    """Return whether it can be opened as a picture: a site offers the same one in kinds that can't, such as HEIC."""
    return picture_suffix(content) is not None


def _save_picture(content: bytes | None, stem: Path) -> Path | None:
    """Write a picture to a file with the suffix of its kind. Return None where there is none."""
    if content is None:
        return None
    path = stem.with_suffix(picture_suffix(content) or "")
    path.write_bytes(content)
    return path


def _tracks(session: YtDlpSession, post: Post) -> Iterator[CaptionTrack]:
    """Yield the captions that can be fetched and parsed, in the post's order."""
    for track in post.captions:
        content = track.data or (session.read_small([track.url], accept=is_text) or b"").decode("utf-8-sig", "replace")
        if segments := captions.parse(content):
            yield CaptionTrack(language=track.language, translated=track.translated, segments=segments)
