"""Sites as a whole: when the downloads of one fail row after row, its rows wait until a known link works again.

A row is worth more than an attempt: while a site is broken for everybody, each further row would only spend a run to
end with the same sentence, and hundreds would fail for good before yt-dlp is updated.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.entries import Entry
from svp_dagster.store.platforms import Platform
from svp_dagster.store.store import Store

logger = logging.getLogger(__name__)

BLAMED = frozenset({Code.SITE_CHANGED, Code.BLOCKED_OR_REGION})
"""Failures that may lie with the site as a whole rather than with the post."""
MAX_LINKS_PER_PROBE = 3

_NAMES = {"tiktok": "TikTok", "instagram": "Instagram"}


def name_of(platform: str) -> str:
    """The platform's name for people."""
    return _NAMES.get(platform, platform)


def platform_of(url: str, *, extra_hosts: Collection[str]) -> str:
    """The platform of a link; empty for a link that can't be used."""
    try:
        return parse_link(url, extra_hosts=extra_hosts).platform
    except SvpError:
        return ""


def platform_paused_error(platform: Platform, *, now: datetime) -> SvpError:
    """The failure of a row whose platform is paused, until its next probe."""
    wait_s = (platform.probe_at - now).total_seconds() if platform.probe_at else 0.0
    detail = f"paused since {platform.paused_since}: {platform.failure_code}"
    return failure(Code.PLATFORM_PAUSED, platform=name_of(platform.name), retry_after_s=max(wait_s, 0.0), detail=detail)


@contextmanager
def watched(store: Store, page_id: str, url: str, *, rules: SiteRules) -> Iterator[None]:
    """Around the download of a row: keeps how it went. Raises `platform_paused`, `unsupported_link`."""
    link = parse_link(url, extra_hosts=rules.extra_hosts)
    known = store.platforms.get(link.platform)
    if known is not None and known.is_paused:
        raise platform_paused_error(known, now=_now())
    try:
        yield
    except SvpError as error:
        if error.code in BLAMED:
            _blame(store, link.platform, page_id, error, rules=rules)
        raise
    _worked(store, link.platform, link.url, by_probe=False)


def _blame(store: Store, platform: str, page_id: str, error: SvpError, *, rules: SiteRules) -> None:
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


def _worked(store: Store, platform: str, url: str, *, by_probe: bool) -> Platform:
    now = _now()
    left = store.platforms.worked(platform, url=url, by_probe=by_probe, downloader=downloader_versions(), now=now)
    if left.resumed_at == now:
        logger.warning("downloads from %s work again (%s)", platform, left.downloader)
    return left


def probe_links(platform: Platform, *, waiting: Iterable[Entry], rules: SiteRules) -> list[str]:
    """What to try a paused platform with: the operator's link, the last that worked, and those that wait."""
    urls = (entry.link.url for entry in waiting)
    of_rows = (url for url in urls if platform_of(url, extra_hosts=rules.extra_hosts) == platform.name)
    candidates = [link for link in (rules.canaries.get(platform.name), platform.good_url, *of_rows) if link]
    return list(dict.fromkeys(candidates))[:MAX_LINKS_PER_PROBE]


def probe(store: Store, platform: str, links: Iterable[str], *, fetch: Callable[[str], object]) -> Platform:
    """Try the links one after the other; the first that can be downloaded resumes the platform.

    Without any link rows are let through: the first of them is the probe. A post may be gone by itself, so one
    failure says little; `Platform.probe_problem` is the sentence of the last.
    """
    problem = ""
    for link in links:
        try:
            fetch(link)
        except SvpError as error:
            problem = error.sentence
            logger.warning("probe of %s: %s: %s", platform, error.code, error.detail)
        else:
            return _worked(store, platform, link, by_probe=True)
    if not problem:
        logger.warning("downloads from %s are let through: no link is known to probe them with", platform)
        return store.platforms.resume(platform, now=_now())
    return store.platforms.probe_failed(platform, problem=problem, now=_now())


def downloader_versions() -> str:
    """The versions of what downloads; both go stale, and they go stale together."""
    return ", ".join(f"{package} {_version(package)}" for package in ("yt-dlp", "curl_cffi"))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "is missing"


def _now() -> datetime:
    return datetime.now(UTC)
