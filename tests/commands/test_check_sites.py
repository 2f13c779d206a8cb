"""`svp check` and the sites: posts that the operator names, and a site that refuses."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import httpx
import pytest

from sandbox.media.posts import post
from sandbox.media.server import MediaSandbox
from svp_dagster.commands.checks.line import CheckLine, Questions
from svp_dagster.commands.checks.sites import Fetch, check_site
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.stage import download
from svp_dagster.download.turns import address_name
from svp_dagster.errors import TABLE, Code
from svp_dagster.models import Link, Video
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.store import Store
from tests.commands.checking import line, verdicts

pytest_plugins = ("tests.media_site",)

TIKTOK = ("https://vm.tiktok.com/ZMpasta01/", post("cafe").link, post("stretches").link)
INSTAGRAM = ("https://www.instagram.com/share/reel/BApancake1", post("pancakes").link, post("books").link)


@pytest.fixture
def fetch(site: MediaSandbox) -> Fetch:
    """The product's own download, by way of the stand-in."""
    return partial(_fetch, YtDlpDownloader(proxy=site.proxy_url))


def _fetch(downloader: YtDlpDownloader, link: Link, folder: Path) -> Video:
    return download(link, downloader=downloader, folder=folder)


def check(platform: str, urls: Iterable[str], questions: Questions, fetch: Fetch) -> list[CheckLine]:
    return list(check_site(platform, tuple(urls), questions, fetch=fetch))


def test_each_way_to_a_post_of_tiktok_works(questions: Questions, fetch: Fetch) -> None:
    lines = check("tiktok", TIKTOK, questions, fetch)
    assert verdicts(lines) == {"tiktok: short link": "ok", "tiktok: video": "ok", "tiktok: photo post": "ok"}
    assert line(lines, "tiktok: short link").got.endswith("/video/7512345678901234501")
    assert "16 s, 576 × 1024 h264" in line(lines, "tiktok: video").got
    assert line(lines, "tiktok: photo post").got.startswith("3 slides")


def test_each_way_to_a_post_of_instagram_works(questions: Questions, fetch: Fetch) -> None:
    lines = check("instagram", INSTAGRAM, questions, fetch)
    assert set(verdicts(lines).values()) == {"ok"}
    assert line(lines, "instagram: photo post").got.startswith("a picture")


def test_what_is_not_given_is_skipped_with_a_line_that_says_how(questions: Questions, fetch: Fetch) -> None:
    lines = check("tiktok", [], questions, fetch)
    assert set(verdicts(lines).values()) == {"skipped"}
    assert line(lines, "tiktok: short link").advice == "Give a public post: --tiktok https://vm.tiktok.com/…"


def test_a_throttled_site_is_asked_no_more(questions: Questions, fetch: Fetch, site: MediaSandbox) -> None:
    lines = check("tiktok", [post("throttled").link, *TIKTOK[1:]], questions, fetch)
    first, *others = lines
    assert (first.verdict, first.got) == ("failed", "rate_limited: HTTP 429")
    assert first.advice == "The site asks us to slow down."
    assert [each.verdict for each in others] == ["skipped"] * 3
    assert "SVP_EGRESS_PROXY" in others[0].advice
    assert not any("7512345678901234502" in url for url in site.requests)


def test_a_post_that_is_gone_stops_no_other(questions: Questions, fetch: Fetch) -> None:
    gone, video, *_ = check("tiktok", [post("removed").link, post("cafe").link], questions, fetch)
    assert (gone.verdict, gone.advice) == ("failed", TABLE[Code.GONE].sentence)
    assert video.verdict == "ok"


def test_instagrams_login_wall_is_told_from_its_throttle(
    questions: Questions, fetch: Fetch, site: MediaSandbox
) -> None:
    walled, opened, *_ = check("instagram", [post("instagram_login").link, post("pancakes").link], questions, fetch)
    assert walled.got.startswith("login_required")
    assert "logged in" in walled.advice
    assert opened.verdict == "ok"

    throttle = f"{site.proxy_url}/_sandbox/throttle"
    httpx.post(throttle, json={"requests": 1, "answer": "require_login"}).raise_for_status()
    try:
        throttled, kept_back, *_ = check("instagram", INSTAGRAM[1:], questions, fetch)
    finally:
        httpx.delete(throttle).raise_for_status()
    assert throttled.got.startswith("rate_limited")
    assert kept_back.verdict == "skipped"


def test_instagram_is_asked_at_the_pace_of_the_installation(
    questions: Questions, site: MediaSandbox, store: Store
) -> None:
    downloader = YtDlpDownloader(proxy=site.proxy_url)
    rules = SiteRules(addresses=[address_name(site.proxy_url)], instagram_requests=5)
    pace = SitePace(store, rules).of_row("", "check")

    def fetch(link: Link, folder: Path) -> Video:
        return download(link, downloader=downloader, folder=folder, pace=pace)

    lines = check("instagram", INSTAGRAM[1:] * 3, questions, fetch)
    asked = [each.verdict for each in lines if each.asked != "short link"]
    assert asked[0] == "ok"
    assert asked[-1] == "skipped"
    assert set(asked) == {"ok", "skipped"}
    assert "asks Instagram only so often" in lines[-2].advice
    assert sum(url.startswith("https://www.instagram.com/") for url in site.requests) <= 5


def test_a_site_that_takes_us_for_a_robot_says_what_helps(
    questions: Questions, fetch: Fetch, site: MediaSandbox
) -> None:
    browsers = f"{site.proxy_url}/_sandbox/browsers"
    httpx.post(browsers, json={"refused": ".*"}).raise_for_status()
    try:
        video, *_ = check("tiktok", [post("cafe").link], questions, fetch)
    finally:
        httpx.delete(browsers).raise_for_status()
    assert video.got.startswith("robot_suspected")
    assert "proxy, or cookies" in video.advice


def test_a_post_of_another_site_or_kind_says_so(questions: Questions, fetch: Fetch) -> None:
    foreign, *_ = check("tiktok", [post("pancakes").link], questions, fetch)
    assert (foreign.verdict, foreign.advice) == ("differs", "Give it with --instagram.")
    wrong, *_ = check("tiktok", ["https://example.com/x"], questions, fetch)
    assert wrong.got.startswith("unsupported_link")
    single, *_ = check("instagram", ["https://www.instagram.com/reel/DObooklist1/"], questions, fetch)
    assert "There is no video in it" in single.advice
