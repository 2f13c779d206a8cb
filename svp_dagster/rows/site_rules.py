"""Which sites are downloaded from, and when one of them is paused."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from svp_dagster.component import Component
from svp_dagster.download.instagram import has_session
from svp_dagster.download.turns import address_name, split_proxies
from svp_dagster.rows.pacing.turns import Limit
from svp_dagster.settings import Settings


class SiteRules(Component):
    """The operator's decisions about sites as a whole."""

    rows_to_pause: int = Field(default=5, ge=1, description="How many posts that fail in a row pause their platform.")
    canaries: dict[str, str] = Field(default={}, description="Canary link of a platform, by its name.")
    extra_hosts: list[str] = Field(default=[], description="More sites of yt-dlp that are allowed, e.g. youtube.com.")
    addresses: list[str] = Field(default=["instagram direct"], description="Names of the ways out to Instagram.")
    instagram_requests: int = Field(default=12, ge=1, description="Requests to Instagram per address and window.")
    instagram_window_s: float = Field(default=600, gt=0, description="The window, in seconds.")

    @property
    def limit(self) -> Limit:
        """The pace of requests to Instagram."""
        return Limit(requests=self.instagram_requests, window=timedelta(seconds=self.instagram_window_s))


def site_rules(settings: Settings) -> SiteRules:
    """Return the rules of this installation."""
    return SiteRules(
        rows_to_pause=settings.rows_to_pause,
        canaries={"tiktok": settings.canary_tiktok, "instagram": settings.canary_instagram},
        extra_hosts=settings.extra_hosts,
        addresses=[address_name(proxy) for proxy in split_proxies(settings.egress_proxy)],
        instagram_requests=_instagram_requests(settings),
        instagram_window_s=settings.instagram_window_s,
    )


def _instagram_requests(settings: Settings) -> int:
    """Return the pace of requests to Instagram: an account may ask more often than somebody unknown."""
    has_account = settings.cookies_file is not None and has_session(settings.cookies_file)
    return settings.instagram_requests_with_cookies if has_account else settings.instagram_requests
