"""A site that breaks for everybody: its rows wait, a canary is tried, and they go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import dagster as dg
import httpx
import pytest

from sandbox.faults import Fault
from sandbox.media.server import MediaSandbox
from svp_dagster.errors import Code, failure
from svp_dagster.models import Link, ProcessingType, Status
from svp_dagster.rows.pauses import MAX_CANARIES, SITE_FAULTS, choose_canaries, downloader_versions
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.installation.platforms import Platform
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts

pytest_plugins = ("tests.media_site",)

BROKEN = failure(Code.SITE_CHANGED)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def posts(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> WrittenPosts:
    """A site that changed; two rows that fail so pause it."""
    monkeypatch.setenv("SVP_ROWS_TO_PAUSE", "2")
    installation.downloader = posts = WrittenPosts(error=BROKEN)
    return posts


@pytest.fixture
def broken(installation: Installation, posts: WrittenPosts) -> list[str]:
    """Two rows that paused TikTok."""
    rows = [add(installation, SOUP), add(installation, STEW)]
    installation.run_requested()
    return rows


def add(installation: Installation, url: str) -> str:
    return installation.add_row(url, "cooking", processing_type=ProcessingType.CAPTION)


def of_tiktok(user: str, post_id: str) -> Link:
    return Link(url=f"https://www.tiktok.com/@{user}/video/{post_id}", platform="tiktok", post_id=post_id)


def tiktok(installation: Installation) -> Platform:
    found = installation.store.platforms.get("tiktok")
    assert found is not None
    return found


def let_the_canary_be_due(installation: Installation) -> None:
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE platforms SET canary_at = '2026-01-01 00:00:00'")


def run_canary(installation: Installation) -> dg.ExecuteInProcessResult:
    """The canary that the sensor asks for."""
    result = installation.evaluate("paused_platforms")
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or []
    definitions = installation.definitions
    return definitions.resolve_job_def("canary").execute_in_process(
        instance=installation.instance,
        run_config=request.run_config,
        resources={**(definitions.resources or {}), "downloader": installation.downloader},
    )


def test_rows_of_a_broken_site_wait_without_spending_a_run(
    installation: Installation, broken: list[str], posts: WrittenPosts
) -> None:
    paused = tiktok(installation)
    assert (paused.is_paused, paused.failure_code, len(paused.failing)) == (True, "site_changed", 2)
    assert paused.downloader == downloader_versions()
    fresh = add(installation, SOUP)

    result = installation.tick()

    assert isinstance(result, dg.SkipReason)
    assert "1 wait for their platform or their turn." in (result.skip_message or "")
    entry = installation.entry(fresh)
    assert (entry.status, entry.failure_code, entry.waits) == (Status.PENDING, "platform_paused", 0)
    installation.let_time_pass("updated_at")
    installation.evaluate("unsynced_statuses")
    assert installation.row(fresh)["error"].startswith("Downloads from TikTok fail at the moment.")
    assert isinstance(installation.tick(), dg.SkipReason)
    assert len(posts.asked) == 2


def test_a_run_that_began_before_its_platform_was_paused_asks_the_site_nothing(
    installation: Installation, broken: list[str], posts: WrittenPosts
) -> None:
    installation.let_time_pass("retry_at")
    installation.run(broken[0])
    entry = installation.entry(broken[0])
    assert (entry.status, entry.failure_code) == (Status.PENDING, "platform_paused")
    assert len(posts.asked) == 2


def test_a_canary_that_works_lets_all_its_rows_run_at_once(
    installation: Installation, broken: list[str], posts: WrittenPosts
) -> None:
    fresh = add(installation, SOUP + "3")
    installation.tick()
    assert isinstance(installation.evaluate("paused_platforms"), dg.SkipReason)
    posts.error = None
    let_the_canary_be_due(installation)

    assert run_canary(installation).success

    assert not tiktok(installation).is_paused
    assert [run.success for run in installation.run_requested()] == [True] * 3
    assert installation.row(fresh)["status"] == "completed"
    assert not tiktok(installation).on_trial


def test_a_canary_that_fails_says_why_and_the_next_comes_later(
    installation: Installation, broken: list[str], posts: WrittenPosts
) -> None:
    let_the_canary_be_due(installation)

    run_canary(installation)

    paused = tiktok(installation)
    assert paused.is_paused
    assert paused.canary_problem == BROKEN.sentence
    assert paused.canary_at is not None
    assert paused.canary_at > datetime.now(UTC) + timedelta(minutes=20)
    assert isinstance(installation.evaluate("paused_platforms"), dg.SkipReason)


def test_a_post_that_is_gone_breaks_no_platform(installation: Installation, posts: WrittenPosts) -> None:
    posts.error = failure(Code.GONE)
    for _ in range(3):
        add(installation, SOUP)
    installation.run_requested()
    assert installation.store.platforms.get("tiktok") is None


@pytest.mark.parametrize("refused", ["removed", "self_see", "cross_border"])
def test_five_posts_in_a_row_that_their_site_does_not_show_pause_nothing(
    installation: Installation, site: MediaSandbox, refused: str
) -> None:
    asked = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": refused, "count": SiteRules().rows_to_pause})
    rows = [add(installation, url) for url in asked.json()["links"]]

    runs = installation.run_requested()

    assert [run.success for run in runs] == [False] * len(rows)
    assert {installation.entry(row).failure_code for row in rows}.isdisjoint({None, "platform_paused"})
    assert installation.store.platforms.get("tiktok") is None


def test_five_refusals_of_this_address_pause_their_site(installation: Installation, site: MediaSandbox) -> None:
    asked = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": "sunset", "count": SiteRules().rows_to_pause})
    site.faults.add(Fault(path="/www.tiktok.com/@", status=403, times=None))
    rows = [add(installation, url) for url in asked.json()["links"]]

    installation.run_requested()

    assert {installation.entry(row).failure_code for row in rows} == {"address_blocked"}
    assert tiktok(installation).is_paused


def test_a_run_begins_with_the_browser_that_worked_in_another(
    installation: Installation, site: MediaSandbox, set_browsers: Callable[..., None]
) -> None:
    set_browsers(refused=r"Chrome/1(5\d|49)\.")
    asked = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": "sunset", "count": 2}).json()["links"]

    for url in asked:
        add(installation, url)
        installation.run_requested()

    paths = [record.path for record in site.recorder.requests]
    assert [paths.count(f"/www.tiktok.com{urlsplit(url).path}") for url in asked] == [4, 1]
    assert installation.store.platforms.browser("tiktok") == "chrome-146:macos-26"


def test_a_canary_is_the_operators_link_which_decides_then_those_of_rows(
    installation: Installation, broken: list[str]
) -> None:
    known = installation.store.sweep.links_of_each("tiktok", SITE_FAULTS, since=LONG_AGO, limit=9)
    platform, operators = tiktok(installation), of_tiktok("operator", "7300000000000000009")
    named = SiteRules(canaries={"tiktok": operators.url})

    found = choose_canaries(platform, known=known, rules=SiteRules())
    assert sorted(canary.link.url for canary in found) == [SOUP, STEW]
    found = choose_canaries(platform, known=known, rules=named)
    assert (found[0].link, [canary.votes for canary in found]) == (operators, [MAX_CANARIES, 1, 1])
    instagram = platform.model_copy(update={"name": "instagram"})
    assert choose_canaries(instagram, known=[], rules=named) == []
    assert installation.store.sweep.links_of_each("instagram", SITE_FAULTS, since=LONG_AGO, limit=9) == []


def test_without_any_known_link_rows_are_the_canary(
    installation: Installation, broken: list[str], posts: WrittenPosts
) -> None:
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE link_entries SET status = 'failed'")
    let_the_canary_be_due(installation)

    run_canary(installation)

    assert (tiktok(installation).is_paused, tiktok(installation).on_trial) == (False, True)
