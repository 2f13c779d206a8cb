"""What is refused, and how each failure is told."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.media import files
from sandbox.media.posts import HOSTILE_URLS, SHORT_LINKS
from sandbox.media.server import MediaSandbox
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, Retry
from svp_dagster.models import Link, Video
from tests.download.downloads import A_SHORT_LINK, link, refusal

pytest_plugins = ("tests.media_site",)


@pytest.fixture
def downloader(site: MediaSandbox) -> YtDlpDownloader:
    return YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=5)


def test_a_short_link_never_makes_this_server_ask_a_hostile_address(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    hostile = [short for short, target in SHORT_LINKS.items() if target in HOSTILE_URLS]
    assert len(hostile) == len(HOSTILE_URLS)

    codes = {refusal(downloader, parse_link(short), tmp_path).code for short in hostile}

    assert codes == {Code.UNSUPPORTED_LINK}
    assert site.requests == hostile


@pytest.mark.parametrize(
    ("name", "code", "retry"),
    [
        ("private_post", Code.PRIVATE, Retry.NEVER),
        ("private_account", Code.PRIVATE, Retry.NEVER),
        ("instagram_private", Code.PRIVATE, Retry.NEVER),
        ("login", Code.LOGIN_REQUIRED, Retry.NEVER),
        ("age_gate", Code.LOGIN_REQUIRED, Retry.NEVER),
        ("instagram_login", Code.LOGIN_REQUIRED, Retry.NEVER),
        ("instagram_restricted", Code.LOGIN_REQUIRED, Retry.NEVER),
        ("removed", Code.GONE, Retry.NEVER),
        ("removed_and_private", Code.GONE, Retry.NEVER),
        ("never_there", Code.GONE, Retry.NEVER),
        ("self_see", Code.PRIVATE, Retry.NEVER),
        ("reviewing", Code.POST_UNAVAILABLE, Retry.LATER),
        ("audit", Code.POST_UNAVAILABLE, Retry.LATER),
        ("unknown_status", Code.POST_UNAVAILABLE, Retry.LATER),
        ("not_found", Code.GONE, Retry.NEVER),
        ("instagram_gone", Code.GONE, Retry.NEVER),
        ("region", Code.BLOCKED_OR_REGION, Retry.LATER),
        ("cross_border", Code.BLOCKED_OR_REGION, Retry.LATER),
        ("cross_border_ur", Code.BLOCKED_OR_REGION, Retry.LATER),
        ("throttled", Code.RATE_LIMITED, Retry.LATER),
        ("instagram_rate_limit", Code.RATE_LIMITED, Retry.LATER),
        ("broken_site", Code.SITE_UNREACHABLE, Retry.NOW),
        ("three_hours", Code.TOO_LONG, Retry.NEVER),
        ("nothing_in_it", Code.NO_MEDIA, Retry.NEVER),
        ("empty_file", Code.MEDIA_EMPTY, Retry.NEVER),
    ],
)
def test_a_post_that_can_not_be_had_fails_as_the_table_says(
    downloader: YtDlpDownloader, tmp_path: Path, name: str, code: Code, retry: Retry
) -> None:
    failed = refusal(downloader, link(name), tmp_path)

    assert (failed.code, failed.retry) == (code, retry)
    assert "Traceback" not in failed.detail


def test_the_wait_that_a_site_asks_for_is_kept(downloader: YtDlpDownloader, tmp_path: Path) -> None:
    assert refusal(downloader, link("throttled"), tmp_path).retry_after_s == 120


def test_a_video_that_is_too_long_is_not_downloaded(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    failed = refusal(downloader, link("three_hours"), tmp_path)

    assert failed.sentence.startswith("This video is 3.0 hours long; at most 30 minutes are allowed.")
    assert site.requests == [link("three_hours").url]


@pytest.mark.parametrize("name", ["sunset", "no_length", "endless"])
def test_a_file_that_is_too_large_is_stopped_whether_its_size_is_announced_or_not(
    site: MediaSandbox, tmp_path: Path, name: str
) -> None:
    downloader = YtDlpDownloader(proxy=site.proxy_url, max_size_bytes=100_000)

    assert refusal(downloader, link(name), tmp_path).code is Code.TOO_LARGE
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 1_000_000


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(path="/www.tiktok.com/", status=403), Code.ADDRESS_BLOCKED),
        (Fault(path="/www.tiktok.com/", status=500), Code.SITE_UNREACHABLE),
        (Fault(path="/www.tiktok.com/", cut="before_answer"), Code.SITE_UNREACHABLE),
        (Fault(path="/www.tiktok.com/", cut="mid_answer", when="after"), Code.SITE_UNREACHABLE),
        (Fault(path="/www.tiktok.com/", garbage="html", times=None), Code.ROBOT_SUSPECTED),
        (Fault(path="/www.tiktok.com/", garbage="broken_json", times=None), Code.ROBOT_SUSPECTED),
        (Fault(path="sunset.mp4", status=404), Code.GONE),
        (Fault(path="sunset.mp4", status=503, times=None), Code.SITE_UNREACHABLE),
        (Fault(path="sunset.mp4", cut="mid_answer", when="after", times=None), Code.SITE_UNREACHABLE),
        (Fault(path="sunset.mp4", cut="before_answer", times=None), Code.SITE_UNREACHABLE),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else str(value),
)
def test_a_site_in_trouble_is_told_apart_from_a_post_that_is_gone(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, fault: Fault, code: Code
) -> None:
    site.faults.add(fault)

    assert refusal(downloader, link("sunset"), tmp_path).code is code


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(path="api/graphql", status=429), Code.RATE_LIMITED),
        (Fault(path="api/graphql", status=403), Code.RATE_LIMITED),
        (Fault(path="api/graphql", status=502), Code.SITE_UNREACHABLE),
        (Fault(path="api/graphql", cut="before_answer"), Code.SITE_UNREACHABLE),
        (Fault(path="api/graphql", cut="mid_answer", when="after"), Code.SITE_UNREACHABLE),
        (Fault(path="api/graphql", garbage="html"), Code.SITE_CHANGED),
    ],
    ids=lambda value: f"{value.path} {value.status or value.cut or value.garbage}" if isinstance(value, Fault) else "",
)
def test_a_failed_request_is_not_taken_for_a_post_that_needs_a_login(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, fault: Fault, code: Code
) -> None:
    site.faults.add(fault)

    assert refusal(downloader, link("pancakes"), tmp_path).code is code


@pytest.mark.parametrize(
    "fault",
    [Fault(path="pasta.mp4", status=503), Fault(path="pasta.mp4", cut="mid_answer", when="after")],
    ids=["503", "cut"],
)
def test_one_broken_answer_of_the_media_host_is_repeated(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, fault: Fault
) -> None:
    site.faults.add(fault)

    video = downloader.fetch(link("pasta"), folder=tmp_path)

    assert video.video_path is not None
    assert video.video_path.read_bytes() == files.read("pasta.mp4")


def test_captions_and_cover_that_fail_cost_nothing_but_themselves(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    site.faults.add(Fault(path=r"\.(jpg|vtt)$", status=500, times=None))

    video = downloader.fetch(link("pasta"), folder=tmp_path)

    assert video.video_path is not None
    assert (video.cover_path, video.captions) == (None, ())


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(path=r"\.(jpe?g|heic)$", status=503, times=None), Code.SITE_UNREACHABLE),
        (Fault(path=r"\.(jpe?g|heic)$", status=429, times=None), Code.RATE_LIMITED),
        (Fault(path=r"\.(jpe?g|heic)$", cut="before_answer", times=None), Code.SITE_UNREACHABLE),
        (Fault(path=r"\.(jpe?g|heic)$", cut="mid_answer", when="after", times=None), Code.SITE_UNREACHABLE),
    ],
    ids=["503", "429", "cut", "cut in the middle"],
)
@pytest.mark.parametrize("name", ["stretches", "books"])
def test_a_picture_that_can_not_be_had_now_is_not_left_out(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, name: str, fault: Fault, code: Code
) -> None:
    site.faults.add(fault)

    assert refusal(downloader, link(name), tmp_path).code is code


def test_a_picture_that_is_gone_is_left_out_and_a_post_of_it_alone_has_nothing(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path
) -> None:
    site.faults.add(Fault(path=r"(stretch_2|reading_list)\.", status=404, times=None))

    slides = downloader.fetch(link("stretches"), folder=tmp_path / "stretches").slides

    assert [path.name for path in slides] == ["slide_01.jpg", "slide_03.jpg"]
    assert refusal(downloader, link("books"), tmp_path / "books").code is Code.NO_MEDIA


@pytest.mark.parametrize("number", range(len(HOSTILE_URLS)))
def test_a_post_whose_media_is_at_a_hostile_address_is_refused_unasked(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, number: int
) -> None:
    failed = refusal(downloader, link(f"hostile_media_{number}"), tmp_path)

    assert failed.code is Code.NO_MEDIA
    assert site.unknown_hosts == []


@pytest.mark.parametrize("number", range(len(HOSTILE_URLS)))
def test_a_hostile_cover_or_caption_is_left_out_unasked(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, number: int
) -> None:
    video = downloader.fetch(link(f"hostile_extras_{number}"), folder=tmp_path)

    assert video.video_path is not None
    assert (video.cover_path, video.captions) == (None, ())
    assert site.unknown_hosts == []


@pytest.mark.parametrize("name", ["hostile_slides", "hostile_instagram"])
def test_hostile_slides_and_reels_are_refused_unasked(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, name: str
) -> None:
    assert refusal(downloader, link(name), tmp_path).code is Code.NO_MEDIA
    assert site.unknown_hosts == []


@pytest.mark.parametrize("name", ["pasta", "pancakes"])
def test_no_proxy_in_the_environment_leads_around_the_guard(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")

    assert downloader.fetch(link(name), folder=tmp_path).video_path is not None


def test_a_login_of_the_operator_opens_a_post_and_his_cookie_file_stays_as_it_is(
    site: MediaSandbox, tmp_path: Path
) -> None:
    cookies = tmp_path / "cookies.txt"
    lines = [
        f".{host}\tTRUE\t/\tTRUE\t{int(time.time()) + 3600}\tsessionid\tsecret"
        for host in ("tiktok.com", "instagram.com")
    ]
    cookies.write_text("# Netscape HTTP Cookie File\n" + "\n".join(lines) + "\n")
    before = cookies.read_bytes()
    downloader = YtDlpDownloader(proxy=site.proxy_url, cookies_file=str(cookies))

    for name in ("login", "instagram_login"):
        video = downloader.fetch(link(name), folder=tmp_path / name)
        assert video.video_path is not None
        assert b"secret" not in video.model_dump_json().encode()

    assert cookies.read_bytes() == before
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != cookies]
    assert kept
    assert all(b"secret" not in path.read_bytes() for path in kept)


@pytest.mark.parametrize("content", [None, "this is no cookie file"])
def test_a_cookie_file_that_can_not_be_read_is_a_mistake_in_the_settings(
    site: MediaSandbox, tmp_path: Path, content: str | None
) -> None:
    cookies = tmp_path / "cookies.txt"
    if content is not None:
        cookies.write_text(content)
    downloader = YtDlpDownloader(proxy=site.proxy_url, cookies_file=str(cookies))

    failed = refusal(downloader, link("pasta"), tmp_path)

    assert failed.code is Code.MISCONFIGURED
    assert "the cookies file can't be read" in failed.sentence


def test_a_certificate_that_is_not_trusted_is_a_mistake_in_the_settings(
    site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name)

    failed = refusal(downloader, A_SHORT_LINK, tmp_path)

    assert failed.code is Code.MISCONFIGURED
    assert "certificate" in failed.sentence


def test_a_proxy_that_is_down_is_worth_another_try(site: MediaSandbox, tmp_path: Path) -> None:
    downloader = YtDlpDownloader(proxy="http://127.0.0.1:9", socket_timeout_s=2)

    for asked in (link("pasta"), link("pancakes"), A_SHORT_LINK):
        assert refusal(downloader, asked, tmp_path).code is Code.SITE_UNREACHABLE


def test_a_site_that_stays_silent_is_given_up_on(site: MediaSandbox, tmp_path: Path) -> None:
    site.faults.add(Fault(path="/www.tiktok.com/", delay_s=1.5, times=None))
    downloader = YtDlpDownloader(proxy=site.proxy_url, socket_timeout_s=0.3)

    assert refusal(downloader, link("pasta"), tmp_path).code is Code.SITE_UNREACHABLE


@pytest.mark.parametrize("asked", [link("pasta"), link("pancakes"), A_SHORT_LINK], ids=["tiktok", "instagram", "short"])
def test_a_dns_that_hides_the_site_is_a_mistake_in_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Link
) -> None:
    resolve = socket.getaddrinfo

    def sinkhole(host: str, *args: Any, **kwargs: Any) -> Any:
        return resolve("127.0.0.1" if host == "127.0.0.1" else "0.0.0.0", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", sinkhole)

    failed = refusal(YtDlpDownloader(socket_timeout_s=5), asked, tmp_path)

    assert failed.code is Code.MISCONFIGURED
    assert "the address 0.0.0.0" in failed.sentence


def test_the_proxy_s_password_is_in_no_repr() -> None:
    assert "hunter2" not in repr(YtDlpDownloader(proxy="http://me:hunter2@proxy.example:8080"))


def test_only_the_sites_own_hosts_are_asked(site: MediaSandbox, downloader: YtDlpDownloader, tmp_path: Path) -> None:
    videos: list[Video] = [downloader.fetch(link(name), folder=tmp_path / name) for name in ("pasta", "porto_day")]

    assert len(videos) == 2
    assert site.unknown_hosts == []
