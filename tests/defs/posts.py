"""A downloader without a network, for tests that are about rows and runs rather than about posts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from svp_dagster.errors import SvpError
from svp_dagster.models import Link, Video
from svp_dagster.ports import BrowserMemory, Pace

SOUP = "https://www.tiktok.com/@cook/video/7300000000000000001"
STEW = "https://www.tiktok.com/@cook/video/7300000000000000002"


class WrittenPosts:
    """Every post is a caption without pictures or sound. `error` is raised instead, after `meanwhile` happened."""

    max_duration_s = 1800.0

    def __init__(self, *, error: SvpError | None = None, meanwhile: Callable[[], object] | None = None) -> None:
        self.error = error
        self.meanwhile = meanwhile
        self.asked: list[str] = []

    def resolve(self, link: Link, *, pace: Pace | None = None) -> Link:
        return link

    def fetch(
        self,
        link: Link,
        *,
        folder: Path,
        progress: Callable[[float], None] | None = None,
        browsers: BrowserMemory | None = None,
        pace: Pace | None = None,
    ) -> Video:
        self.asked.append(link.url)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.error is not None:
            raise self.error
        written = "Carrots, leeks, salt."
        return Video(media_key=f"Written:{link.url}", url=link.url, title="Soup of the day", description=written)
