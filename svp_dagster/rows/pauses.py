"""Pauses platforms whose downloads fail row after row, and resumes them once a canary works again.

While a site is broken for everybody, each further row would only spend a run to end with the same sentence, and
hundreds would fail for good before yt-dlp is updated. So the rows of a paused platform wait.

A pause is everybody's. So no connection's links decide alone, neither what pauses a platform (`store.platforms`) nor
what resumes it: the canaries are links of several connections, drawn anew each time.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Link
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.installation.platforms import FailedPost, Platform
from svp_dagster.store.store import Store
from svp_dagster.store.sweep import OwnedLink

logger = logging.getLogger(__name__)

SITE_FAULTS = frozenset({Code.SITE_CHANGED, Code.ADDRESS_BLOCKED, Code.ROBOT_SUSPECTED, Code.RATE_LIMITED})
"""Failures that lie with the site as a whole. A post that is gone, hidden or limited to a region fails alone."""
MAX_CANARIES = 3
"""How many links are tried at a time: an odd number, so that one of them is outvoted by the others."""

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
    """The download of a row. `post` is what its link leads to, once that is known: a post has many short links.

    One whose media were kept says nothing about the site.
    """

    post: Link
    was_kept: bool = False


@contextmanager
def watched(store: Store, link: Link, *, connection_id: str, rules: SiteRules) -> Iterator[Attempt]:
    """Record how the download of a connection's row goes, for its platform. Raises `platform_paused`."""
    known = store.platforms.get(link.platform)
    if known is not None and known.is_paused:
        raise platform_paused_error(known, now=_now())
    attempt = Attempt(post=link)
    try:
        yield attempt
    except SvpError as error:
        if error.code in SITE_FAULTS:
            failed = FailedPost(connection_id=connection_id, post=attempt.post.post_id or attempt.post.url)
            _record_failure(store, link.platform, failed, error, rules=rules)
        raise
    if not attempt.was_kept:
        _record_success(store, link.platform, by_canary=False)


def _record_failure(store: Store, platform: str, failed: FailedPost, error: SvpError, *, rules: SiteRules) -> None:
    now = _now()
    left = store.platforms.failed(
        platform,
        failed=failed,
        code=error.code,
        rows_to_pause=rules.rows_to_pause,
        downloader=downloader_versions(),
        now=now,
    )
    if left.paused_since == now:
        logger.error("downloads from %s are paused: %s (%s)", platform, error.code, left.downloader)


def _record_success(store: Store, platform: str, *, by_canary: bool) -> Platform:
    now = _now()
    left = store.platforms.worked(platform, by_canary=by_canary, downloader=downloader_versions(), now=now)
    if left.resumed_at == now:
        logger.warning("downloads from %s work again (%s)", platform, left.downloader)
    return left


@dataclass(frozen=True, kw_only=True)
class Canary:
    """A link to try a platform with, and how much its outcome counts."""

    link: Link
    votes: int = 1


def choose_canaries(platform: Platform, *, known: Iterable[OwnedLink], rules: SiteRules) -> list[Canary]:
    """Return the operator's canary, which outvotes all others, and a link of each of a few connections.

    The connections are drawn anew each time, and each is asked for another of its links. All are taken from one
    connection where no other is known.
    """
    operators = _configured(platform, rules)
    chosen = dict.fromkeys(([operators] if operators else []) + _drawn_links(platform, known))
    return [Canary(link=link, votes=MAX_CANARIES if link == operators else 1) for link in list(chosen)[:MAX_CANARIES]]


def _drawn_links(platform: Platform, known: Iterable[OwnedLink]) -> list[Link]:
    links_of: dict[str, deque[Link]] = {}
    for each in known:
        links_of.setdefault(each.connection_id, deque()).append(each.link)
    for links in links_of.values():
        links.rotate(1 - platform.canaries)
    if len(links_of) == 1:
        return [link for links in links_of.values() for link in links]
    draw = f"{platform.paused_since} {platform.canaries}"
    drawn = sorted(links_of, key=lambda connection_id: hashlib.sha256(f"{draw} {connection_id}".encode()).digest())
    return [links_of[connection_id][0] for connection_id in drawn]


def _configured(platform: Platform, rules: SiteRules) -> Link | None:
    """Return the operator's link for a platform. One that can't be used is logged, and the others stand in."""
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


def try_canaries(
    store: Store, platform: str, canaries: Sequence[Canary], *, fetch: Callable[[Link], object]
) -> Platform:
    """Try the canaries one after the other. Resume the platform if as many work as fail because of their site.

    A post that fails by itself, such as one that is gone, doesn't count. Where two disagree, going on does less harm
    than waiting. Without any canary the platform is resumed, and its first rows stand in. `Platform.canary_problem` is
    the sentence of the last that failed.
    """
    if not canaries:
        logger.warning("downloads from %s are let through: no link is known to try them with", platform)
        return store.platforms.resume(platform, now=_now())
    count = _Count(left=sum(canary.votes for canary in canaries))
    for canary in canaries:
        if count.is_decided:
            break
        count.left -= canary.votes
        try:
            fetch(canary.link)
        except SvpError as error:
            logger.warning("canary of %s: %s: %s", platform, error.code, error.detail)
            count.problem = error.sentence
            count.failed += canary.votes if error.code in SITE_FAULTS else 0
        else:
            count.worked += canary.votes
    if count.resumes:
        return _record_success(store, platform, by_canary=True)
    return store.platforms.canary_failed(platform, problem=count.problem, now=_now())


@dataclass
class _Count:
    """The votes of canaries: of those that worked, of those that failed because of their site, and of those to come."""

    left: int
    worked: int = 0
    failed: int = 0
    problem: str = ""

    @property
    def resumes(self) -> bool:
        """Whether the platform works again, as far as it is known."""
        return self.worked > 0 and self.worked >= self.failed

    @property
    def is_decided(self) -> bool:
        """Whether the votes to come can't change that."""
        return self.worked >= self.failed + self.left or self.failed > self.worked + self.left


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
