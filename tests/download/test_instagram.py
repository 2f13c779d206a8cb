"""How often Instagram is asked for a post, and what it means when it doesn't show one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from sandbox.faults import Fault
from sandbox.media.posts import SHORT_LINKS
from sandbox.media.server import MediaSandbox
from sandbox.media.throttle import ANSWERS, Answer
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.instagram import CHALLENGED
from svp_dagster.download.links import parse_link
from svp_dagster.download.turns import address_name
from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.models import Visit
from tests.download.downloads import link, refusal

pytest_plugins = ("tests.media_site",)

YT_DLP_ASKS = 3
"""What yt-dlp's own extractor sends for a post that is shown: front page, ruling, GraphQL."""


class CountingPace:
    """Lets everything through, and remembers it."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.answers = 0
        self.visits: dict[str, Visit] = {}
        self.throttles: list[SvpError] = []

    def take(self, addresses: Sequence[str]) -> str:
        self.taken.append(addresses[0])
        return addresses[0]

    def visit(self, address: str) -> Visit | None:
        return self.visits.get(address)

    def keep_visit(self, address: str, visit: Visit) -> None:
        self.visits[address] = visit

    def answered(self, address: str) -> None:
        self.answers += 1

    def throttled(self, address: str, error: SvpError) -> None:
        self.throttles.append(error)


@pytest.fixture
def downloader(site: MediaSandbox) -> YtDlpDownloader:
    return YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5)


@pytest.fixture
def pace() -> CountingPace:
    return CountingPace()


def asked(site: MediaSandbox) -> list[str]:
    """The paths of the requests to Instagram itself, the media hosts aside."""
    found = [record.path for record in site.recorder.requests if record.path.startswith("/www.instagram.com/")]
    return [path.removeprefix("/www.instagram.com") for path in found]


def throttle(site: MediaSandbox, *, answer: Answer, requests: int = 0) -> None:
    limit = {"requests": requests, "window_s": 600, "answer": answer}
    httpx.post(f"{site.proxy_url}/_sandbox/throttle", json=limit).raise_for_status()


def test_a_post_costs_one_request_and_the_front_page_is_asked_once_for_many(
    site: MediaSandbox, downloader: YtDlpDownloader, pace: CountingPace, tmp_path: Path
) -> None:
    made = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": "pancakes", "count": 5}).json()

    for number, each in enumerate(made["links"]):
        downloader.fetch(parse_link(each), folder=tmp_path / str(number), pace=pace)

    print(f"requests per post: {YT_DLP_ASKS} as yt-dlp asks, {len(asked(site)) / 5:.1f} as we do")
    assert asked(site) == ["/", *["/api/graphql"] * 5]
    assert len(pace.taken) == len(asked(site))
    assert pace.answers == 5


def test_a_token_that_is_not_taken_any_more_is_replaced(
    site: MediaSandbox, downloader: YtDlpDownloader, pace: CountingPace, tmp_path: Path
) -> None:
    address = address_name(site.proxy_url)
    pace.visits[address] = Visit(token="old", cookies={"csrftoken": "old"})

    assert downloader.fetch(link("pancakes"), folder=tmp_path, pace=pace).video_path is not None

    assert asked(site) == ["/api/graphql", "/", "/api/graphql"]
    assert pace.visits[address].token != "old"
    assert len(pace.taken) == len(asked(site))


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_throttle_is_later_whatever_it_looks_like_and_no_post_s_fault(
    site: MediaSandbox, downloader: YtDlpDownloader, pace: CountingPace, tmp_path: Path, answer: Answer
) -> None:
    throttle(site, answer=answer)
    try:
        with pytest.raises(SvpError) as caught:
            downloader.fetch(link("pancakes"), folder=tmp_path, pace=pace)
    finally:
        httpx.delete(f"{site.proxy_url}/_sandbox/throttle")

    assert (caught.value.code, caught.value.retry) == (Code.RATE_LIMITED, Retry.LATER)
    assert (caught.value.detail == CHALLENGED) == (answer == "challenge_required")
    assert (pace.throttles, pace.answers) == ([caught.value], 0)


def test_a_post_without_a_ruling_may_be_shown_later(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    assert refusal(downloader, link("instagram_shell"), tmp_path).code is Code.RATE_LIMITED


def test_a_post_with_a_ruling_is_asked_for_once(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    assert refusal(downloader, link("instagram_login"), tmp_path).code is Code.LOGIN_REQUIRED
    assert asked(site) == ["/", "/api/graphql"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(path="get_ruling", status=429), Code.RATE_LIMITED),
        (Fault(path="get_ruling", status=503), Code.SITE_UNREACHABLE),
        (Fault(path="get_ruling", cut="before_answer"), Code.SITE_UNREACHABLE),
        (Fault(path="get_ruling", cut="mid_answer", when="after"), Code.SITE_UNREACHABLE),
        (Fault(path="get_ruling", garbage="html"), Code.SITE_CHANGED),
    ],
    ids=["429", "503", "cut", "cut in the middle", "html"],
)
def test_a_ruling_that_does_not_come_says_nothing_about_the_post(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, fault: Fault, code: Code
) -> None:
    site.faults.add(fault)

    assert refusal(downloader, link("instagram_gone"), tmp_path).code is code


def test_a_share_link_counts_too(
    site: MediaSandbox, downloader: YtDlpDownloader, pace: CountingPace, tmp_path: Path
) -> None:
    share = next(each for each in SHORT_LINKS if "instagram.com/share" in each)

    with suppress(SvpError):  # whether it leads to the post at the first attempt is the short links' matter
        downloader.resolve(parse_link(share), pace=pace)

    assert len(asked(site)) >= 1
    assert len(pace.taken) == 1
