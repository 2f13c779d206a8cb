"""Pauses platforms whose downloads fail row after row, and resumes them once a canary works again.

While a site is broken for everybody, each further row would only spend a run to end with the same sentence, and
hundreds would fail for good before yt-dlp is updated. So the rows of a paused platform wait.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Link
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.entries import Entry
from svp_dagster.store.platforms import Platform
from svp_dagster.store.store import Store

logger = logging.getLogger(__name__)

SITE_FAULTS = frozenset({Code.SITE_CHANGED, Code.ADDRESS_BLOCKED, Code.ROBOT_SUSPECTED, Code.RATE_LIMITED})
"""Failures that lie with the site as a whole. A post that is gone, hidden or limited to a region fails alone."""
MAX_LINKS_PER_CANARY = 3

_NAMES = {"tiktok": "TikTok", "instagram": "Instagram"}


def name_of(platform: str) -> str:
    """Return the platform's name for people."""
    return _NAMES.get(platform, platform)


def platform_paused_error(platform: Platform, *, now: datetime) -> SvpError:
    """Return the error for a row whose platform is paused. It waits until the platform's next canary."""
    wait_s = (platform.canary_at - now).total_seconds() if platform.canary_at else 0.0
    detail = f"paused since {platform.paused_since}: {platform.failure_code}"
    return failure(Code.PLATFORM_PAUSED, platform=name_of(platform.name), retry_after_s=max(wait_s, 0.0), detail=detail)


@dataclass
class Attempt:
    """The download of a row. One whose media were kept says nothing about the site."""

    was_kept: bool = False


@contextmanager
def watched(store: Store, page_id: str, link: Link, *, rules: SiteRules) -> Iterator[Attempt]:
    """Record how the download of a row goes, for its platform. Raises `platform_paused`."""
    known = store.platforms.get(link.platform)
    if known is not None and known.is_paused:
        raise platform_paused_error(known, now=_now())
    attempt = Attempt()
    try:
        yield attempt
    except SvpError as error:
        if error.code in SITE_FAULTS:
            _record_failure(store, link.platform, page_id, error, rules=rules)
        raise
    if not attempt.was_kept:
        _record_success(store, link, by_canary=False)


def _record_failure(store: Store, platform: str, page_id: str, error: SvpError, *, rules: SiteRules) -> None:
    now = _now()
    left = store.platforms.failed(
        platform,
        page_id=page_id,
        code=error.code,
        rows_to_pause=rules.rows_to_pause,
        downloader=downloader_versions(),
        now=now,
    )
    if left.paused_since == now:
        logger.error("downloads from %s are paused: %s (%s)", platform, error.code, left.downloader)


def _record_success(store: Store, link: Link, *, by_canary: bool) -> Platform:
    now = _now()
    left = store.platforms.worked(link, by_canary=by_canary, downloader=downloader_versions(), now=now)
    if left.resumed_at == now:
        logger.warning("downloads from %s work again (%s)", link.platform, left.downloader)
    return left


def canary_links(platform: Platform, *, waiting: Iterable[Entry], rules: SiteRules) -> list[Link]:
    """Return the links to try a platform with: the operator's, the last that worked, and those of waiting rows."""
    links = (entry.link.link for entry in waiting)
    of_rows = (link for link in links if link is not None and link.platform == platform.name)
    candidates = [link for link in (_configured(platform, rules), platform.good_link, *of_rows) if link]
    return list(dict.fromkeys(candidates))[:MAX_LINKS_PER_CANARY]


def _configured(platform: Platform, rules: SiteRules) -> Link | None:
    """Return the operator's canary for a platform. One that can't be used is logged, and the others stand in."""
    text = rules.canaries.get(platform.name)
    if not text:
        return None
    try:
        link = parse_link(text, extra_hosts=rules.extra_hosts)
    except SvpError as error:
        logger.warning("the canary link configured for %s can't be used: %s", platform.name, error.detail)
        return None
    if link.platform != platform.name:
        logger.warning("the canary link configured for %s leads to %s", platform.name, link.platform)
        return None
    return link


def try_canaries(store: Store, platform: str, links: Iterable[Link], *, fetch: Callable[[Link], object]) -> Platform:
    """Try the links one after the other. The first that can be downloaded resumes the platform.

    Without any link the platform is resumed, and its first row is the canary. One failure says little, since a post
    may be gone by itself. `Platform.canary_problem` is the sentence of the last.
    """
    problem = ""
    for link in links:
        try:
            fetch(link)
        except SvpError as error:
            problem = error.sentence
            logger.warning("canary of %s: %s: %s", platform, error.code, error.detail)
        else:
            return _record_success(store, link, by_canary=True)
    if not problem:
        logger.warning("downloads from %s are let through: no link is known to try them with", platform)
        return store.platforms.resume(platform, now=_now())
    return store.platforms.canary_failed(platform, problem=problem, now=_now())


def downloader_versions() -> str:
    """Return the versions of the packages that download. They go stale together."""
    return ", ".join(f"{package} {_version(package)}" for package in ("yt-dlp", "curl_cffi"))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "is missing"


def _now() -> datetime:
    return datetime.now(UTC)
