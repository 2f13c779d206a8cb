"""Pauses platforms whose downloads fail row after row, and resumes them once a known link works again.

While a site is broken for everybody, each further row would only spend a run to end with the same sentence, and
hundreds would fail for good before yt-dlp is updated. So the rows of a paused platform wait.
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

SITE_FAULTS = frozenset({Code.SITE_CHANGED, Code.BLOCKED_OR_REGION})
"""Failures that may lie with the site as a whole rather than with the post."""
MAX_LINKS_PER_PROBE = 3

_NAMES = {"tiktok": "TikTok", "instagram": "Instagram"}


def name_of(platform: str) -> str:
    """Return the platform's name for people."""
    return _NAMES.get(platform, platform)


def platform_of(url: str, *, extra_hosts: Collection[str]) -> str:
    """Return the platform of a link. Empty for a link that can't be used."""
    try:
        return parse_link(url, extra_hosts=extra_hosts).platform
    except SvpError:
        return ""


def platform_paused_error(platform: Platform, *, now: datetime) -> SvpError:
    """Return the error for a row whose platform is paused. It waits until the platform's next probe."""
    wait_s = (platform.probe_at - now).total_seconds() if platform.probe_at else 0.0
    detail = f"paused since {platform.paused_since}: {platform.failure_code}"
    return failure(Code.PLATFORM_PAUSED, platform=name_of(platform.name), retry_after_s=max(wait_s, 0.0), detail=detail)


@contextmanager
def watched(store: Store, page_id: str, url: str, *, rules: SiteRules) -> Iterator[None]:
    """Record how the download of a row goes, for its platform. Raises `platform_paused`, `unsupported_link`."""
    link = parse_link(url, extra_hosts=rules.extra_hosts)
    known = store.platforms.get(link.platform)
    if known is not None and known.is_paused:
        raise platform_paused_error(known, now=_now())
    try:
        yield
    except SvpError as error:
        if error.code in SITE_FAULTS:
            _record_failure(store, link.platform, page_id, error, rules=rules)
        raise
    _record_success(store, link.platform, link.url, by_probe=False)


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


def _record_success(store: Store, platform: str, url: str, *, by_probe: bool) -> Platform:
    now = _now()
    left = store.platforms.worked(platform, url=url, by_probe=by_probe, downloader=downloader_versions(), now=now)
    if left.resumed_at == now:
        logger.warning("downloads from %s work again (%s)", platform, left.downloader)
    return left


def probe_links(platform: Platform, *, waiting: Iterable[Entry], rules: SiteRules) -> list[str]:
    """Return the links to probe a platform with: the operator's, the last that worked, and those of waiting rows."""
    urls = (entry.link.url for entry in waiting)
    of_rows = (url for url in urls if platform_of(url, extra_hosts=rules.extra_hosts) == platform.name)
    candidates = [link for link in (rules.canaries.get(platform.name), platform.good_url, *of_rows) if link]
    return list(dict.fromkeys(candidates))[:MAX_LINKS_PER_PROBE]


def probe(store: Store, platform: str, links: Iterable[str], *, fetch: Callable[[str], object]) -> Platform:
    """Try the links one after the other. The first that can be downloaded resumes the platform.

    Without any link the platform is resumed, and its first row is the probe. One failure says little, since a post may
    be gone by itself. `Platform.probe_problem` is the sentence of the last.
    """
    problem = ""
    for link in links:
        try:
            fetch(link)
        except SvpError as error:
            problem = error.sentence
            logger.warning("probe of %s: %s: %s", platform, error.code, error.detail)
        else:
            return _record_success(store, platform, link, by_probe=True)
    if not problem:
        logger.warning("downloads from %s are let through: no link is known to probe them with", platform)
        return store.platforms.resume(platform, now=_now())
    return store.platforms.probe_failed(platform, problem=problem, now=_now())


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
