"""A site that answers some browsers as it answers robots."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from yt_dlp.networking._curlcffi import CurlCFFIRH
from yt_dlp.networking.impersonate import ImpersonateTarget

from sandbox.faults import Fault
from sandbox.media.server import MediaSandbox
from svp_dagster.download.browsers import in_order
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.errors import Code, Retry
from tests.download.downloads import link, refusal

pytest_plugins = ("tests.media_site",)

NEW_CHROMES = r"Chrome/1(5\d|49)\."
SUPPORTED = [
    ImpersonateTarget(*fields)
    for fields in (
        ("chrome", "152", "windows", "10"),
        ("chrome", "152", "macos", "26"),
        ("chrome", "151", "windows", "10"),
        ("chrome", "150", "macos", "26"),
        ("chrome", "146", "macos", "26"),
        ("chrome", "145", "macos", "26"),
        ("safari", "27.0", "macos", "27"),
        ("safari", "26.0", "macos", "26"),
        ("firefox", "155", "windows", "10"),
        ("edge", "101", "windows", "10"),
        ("edge", "99", "windows", "10"),
        ("safari", "27.0", "ios", "27.0"),
    )
]


class OneBrowser:
    """Fulfils `BrowserMemory` for one site, without a store."""

    def __init__(self) -> None:
        self.remembered: str | None = None

    def browser(self, platform: str) -> str | None:
        return self.remembered

    def remember_browser(self, platform: str, browser: str, *, now: datetime) -> None:
        self.remembered = browser


@pytest.fixture
def downloader(site: MediaSandbox) -> YtDlpDownloader:
    return YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5)


def asked_as(site: MediaSandbox) -> list[str]:
    """The browsers that asked for a post's page, by what their user agents name last."""
    agents = [each.headers["user-agent"] for each in site.recorder.requests if "www.tiktok.com/@" in each.path]
    return [re.findall(r"(?:Chrome|Version|Edg)/\d+", agent)[-1] for agent in agents]


def test_chromes_newest_versions_come_first_then_other_browsers_and_each_once() -> None:
    names = ["chrome-152:windows-10", "chrome-151:windows-10", "chrome-150:macos-26", "chrome-146:macos-26"]

    assert [str(each) for each in in_order(SUPPORTED, first=None)] == [
        *names,
        "safari-27.0:macos-27",
        "edge-101:windows-10",
    ]


@pytest.mark.parametrize("first", ["edge-101:windows-10", "chrome-145:macos-26"])
def test_the_remembered_browser_comes_before_all_others(first: str) -> None:
    found = [str(each) for each in in_order(SUPPORTED, first=first)]

    assert found[:2] == [first, "chrome-152:windows-10"]
    assert len(set(found)) == len(found)


def test_a_remembered_browser_that_there_is_no_more_is_left_out() -> None:
    assert in_order(SUPPORTED, first="chrome-12:macos-9") == in_order(SUPPORTED, first=None)


def test_what_is_installed_has_several_browsers_to_try() -> None:
    found = in_order(CurlCFFIRH.supported_targets, first=None)

    assert [each.client for each in found] == ["chrome"] * 4 + ["safari", "edge"]
    assert found[0] == CurlCFFIRH.supported_targets[0]


def test_a_post_is_asked_for_as_older_browsers_while_the_newest_are_refused(
    site: MediaSandbox, downloader: YtDlpDownloader, set_browsers: Callable[..., None], tmp_path: Path
) -> None:
    set_browsers(refused=NEW_CHROMES)

    video = downloader.fetch(link("pasta"), folder=tmp_path)

    assert video.video_path is not None
    assert asked_as(site) == ["Chrome/152", "Chrome/151", "Chrome/150", "Chrome/146"]


def test_a_browser_of_another_kind_is_tried_where_every_chrome_is_refused(
    site: MediaSandbox, downloader: YtDlpDownloader, set_browsers: Callable[..., None], tmp_path: Path
) -> None:
    set_browsers(refused="Chrome/")

    assert downloader.fetch(link("pasta"), folder=tmp_path).video_path is not None
    assert asked_as(site)[-1].startswith("Version/")


def test_the_browser_that_got_the_post_is_remembered_and_asked_as_first(
    site: MediaSandbox, downloader: YtDlpDownloader, set_browsers: Callable[..., None], tmp_path: Path
) -> None:
    set_browsers(refused=NEW_CHROMES)
    browsers = OneBrowser()

    downloader.fetch(link("pasta"), folder=tmp_path / "first", browsers=browsers)
    assert browsers.remembered == "chrome-146:macos-26"
    site.recorder.clear()
    downloader.fetch(link("cafe"), folder=tmp_path / "second", browsers=browsers)

    assert asked_as(site) == ["Chrome/146"]


def test_nothing_is_remembered_while_the_newest_browser_is_answered(
    downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    browsers = OneBrowser()

    downloader.fetch(link("pasta"), folder=tmp_path, browsers=browsers)

    assert browsers.remembered is None


def test_the_sentence_about_a_site_that_refuses_every_browser_names_what_helps(
    site: MediaSandbox, downloader: YtDlpDownloader, set_browsers: Callable[..., None], tmp_path: Path
) -> None:
    set_browsers(refused=".")

    failed = refusal(downloader, link("pasta"), tmp_path)

    assert (failed.code, failed.retry) == (Code.ROBOT_SUSPECTED, Retry.LATER)
    assert "proxy" in failed.sentence
    assert "yt-dlp" not in failed.sentence
    assert "chrome-146" in failed.detail
    assert len(asked_as(site)) == 6


def test_another_failure_is_not_asked_for_again_as_another_browser(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    site.faults.add(Fault(path="/www.tiktok.com/", status=403))

    assert refusal(downloader, link("pasta"), tmp_path).code is Code.ADDRESS_BLOCKED
    assert len(asked_as(site)) == 1


def test_the_reason_of_a_refusal_comes_from_whichever_browser_is_answered(
    downloader: YtDlpDownloader, set_browsers: Callable[..., None], tmp_path: Path
) -> None:
    set_browsers(refused=NEW_CHROMES)

    assert refusal(downloader, link("removed"), tmp_path).code is Code.GONE
