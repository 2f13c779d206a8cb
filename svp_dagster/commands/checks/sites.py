"""What `svp check` asks TikTok and Instagram: the public posts that the operator names."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from svp_dagster.commands.checks.line import Answer, CheckLine, Questions, skipped
from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Link, Video

Fetch = Callable[[Link, Path], Video]
"""Downloads a post into a folder."""

SHORT_LINK, VIDEO, PHOTO_POST = "short link", "video", "photo post"
_EXPECTED = {SHORT_LINK: "leads to a post that opens", VIDEO: "a video that plays", PHOTO_POST: "pictures that open"}
_EXAMPLES = {
    ("tiktok", SHORT_LINK): "https://vm.tiktok.com/…",
    ("tiktok", VIDEO): "https://www.tiktok.com/@…/video/…",
    ("tiktok", PHOTO_POST): "https://www.tiktok.com/@…/photo/…",
    ("instagram", SHORT_LINK): "https://www.instagram.com/share/…",
    ("instagram", VIDEO): "https://www.instagram.com/reel/…",
    ("instagram", PHOTO_POST): "https://www.instagram.com/p/…",
}
_ABOUT_US = frozenset({Code.WAITS_TURN, Code.RATE_LIMITED, Code.ADDRESS_BLOCKED, Code.ROBOT_SUSPECTED})
"""Failures after which the next request fails too."""


def check_site(platform: str, urls: Sequence[str], questions: Questions, *, fetch: Fetch) -> Iterator[CheckLine]:
    """Yield a line for each post, and one for each kind of link that is not given.

    After a refusal that isn't about the post, the site is asked no more.
    """
    kinds: set[str] = set()
    refused: list[SvpError] = []
    for url in urls:
        kind = _kind(url)
        kinds.add(kind)
        if not refused:
            how = partial(_download, platform, url, kind, fetch=fetch, refused=refused)
            line = questions.ask(platform, kind, expected=_EXPECTED[kind], how=how)
            yield skipped(platform, kind, _why_not(refused[0])) if _waits(refused) else line
        else:
            yield skipped(platform, kind, _why_not(refused[0]))
    for (site, kind), example in _EXAMPLES.items():
        if site == platform and kind not in kinds:
            yield skipped(platform, kind, f"Give a public post: --{platform} {example}")


def _download(platform: str, url: str, kind: str, *, fetch: Fetch, refused: list[SvpError]) -> Answer:
    link = parse_link(url)
    if link.platform != platform:
        return Answer(got=f"a link of {link.platform}", advice=f"Give it with --{link.platform}.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            video = fetch(link, Path(folder))
    except SvpError as error:
        if error.code in _ABOUT_US:
            refused.append(error)
        raise
    return Answer(got=_described(video), advice=_advice(kind, video))


def _waits(refused: Sequence[SvpError]) -> bool:
    """Return whether the pace of this installation, and not the site, refused."""
    return bool(refused) and refused[0].code is Code.WAITS_TURN


def _why_not(refusal: SvpError) -> str:
    if refusal.code is not Code.WAITS_TURN:
        return "The site refused the request before. Wait, or set SVP_EGRESS_PROXY."
    minutes = math.ceil((refusal.retry_after_s or 0) / 60)
    return f"This installation asks Instagram only so often. Check it again in {minutes} minutes."


def _kind(url: str) -> str:
    """Return what a link says it leads to. A link that can't be used counts as a video's."""
    try:
        link = parse_link(url)
    except SvpError:
        return VIDEO
    if link.is_short:
        return SHORT_LINK
    parts = urlsplit(link.url).path.split("/")
    return PHOTO_POST if "photo" in parts or "p" in parts else VIDEO


def _advice(kind: str, video: Video) -> str:
    if kind == VIDEO and video.video_path is None:
        return "There is no video in it. Give another post, or report it with this table."
    if kind == PHOTO_POST and not video.slides:
        return "There are no pictures in it. Give another post, or report it with this table."
    return ""


def _described(video: Video) -> str:
    shown = video.file(video.video_path)
    parts = [
        _counted(video),
        f"{video.duration_s:.0f} s" if video.duration_s else "",
        f"{shown.width_px} × {shown.height_px} {shown.codec}" if shown is not None else "",
        f"captions in {', '.join(track.language for track in video.captions)}" if video.captions else "",
        "no caption text" if not video.caption else "",
        f"at {video.url}",
    ]
    return ", ".join(filter(None, parts))


def _counted(video: Video) -> str:
    if not video.slides:
        return ""
    return f"{len(video.slides)} slides" if len(video.slides) > 1 else "a picture"
