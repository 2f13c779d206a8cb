import errno
import sys
from collections.abc import Iterator

import pytest
from yt_dlp.utils import DownloadError, ExtractorError, UnsupportedError

from svp_dagster import unknown_answers
from svp_dagster.download.egress import EgressGuard, Limits, direct
from svp_dagster.download.site_failures import guard_failure, status_failure, yt_dlp_failure
from svp_dagster.errors import Code, Retry, SvpError, failure
from tests.fakes import RecordingAnswers


@pytest.fixture
def guard() -> Iterator[EgressGuard]:
    with EgressGuard(dial=direct, limits=Limits(size_bytes=100, time_s=60)) as guard:
        yield guard


def meaning(error: Exception, guard: EgressGuard) -> SvpError:
    return yt_dlp_failure(error, platform="tiktok", guard=guard)


def reported(cause: Exception) -> DownloadError:
    """What yt-dlp raises when an extractor raised `cause`."""
    try:
        raise cause
    except type(cause):
        return DownloadError(f"ERROR: {cause}", sys.exc_info())


@pytest.mark.parametrize(
    ("status", "platform", "code"),
    [
        (401, "instagram", Code.RATE_LIMITED),
        (403, "instagram", Code.RATE_LIMITED),
        (403, "tiktok", Code.ADDRESS_BLOCKED),
        (404, "tiktok", Code.GONE),
        (408, "tiktok", Code.SITE_UNREACHABLE),
        (410, "instagram", Code.GONE),
        (429, "tiktok", Code.RATE_LIMITED),
        (451, "tiktok", Code.BLOCKED_OR_REGION),
        (500, "tiktok", Code.SITE_UNREACHABLE),
        (503, "instagram", Code.SITE_UNREACHABLE),
    ],
)
def test_a_status_means_what_the_site_means_by_it(status: int, platform: str, code: Code) -> None:
    failed = status_failure(status, retry_after=None, platform=platform)

    assert failed is not None
    assert failed.code is code


def test_a_status_that_says_nothing_is_left_to_the_message() -> None:
    assert status_failure(418, retry_after=None, platform="tiktok") is None


def test_the_wait_that_a_site_asks_for_is_kept() -> None:
    for status in (429, 503):
        failed = status_failure(status, retry_after="7", platform="tiktok")
        assert failed is not None
        assert failed.retry_after_s == 7


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("No video formats found!", Code.NO_MEDIA),
        ("This account is private", Code.PRIVATE),
        ("The video is not available from your location", Code.BLOCKED_OR_REGION),
        ("Your IP address is blocked", Code.ADDRESS_BLOCKED),
        ("Unable to solve JS challenge", Code.SITE_CHANGED),
        ("Unable to extract universal data for rehydration", Code.SITE_CHANGED),
        ("A network error has occurred.", Code.SITE_UNREACHABLE),
    ],
)
def test_what_an_extractor_says_is_looked_up(guard: EgressGuard, message: str, code: Code) -> None:
    assert meaning(reported(ExtractorError(message)), guard).code is code


def test_an_answer_of_another_shape_means_that_the_site_changed(guard: EgressGuard) -> None:
    failed = meaning(TypeError("'NoneType' object is not subscriptable"), guard)

    assert (failed.code, failed.retry) == (Code.SITE_CHANGED, Retry.LATER)
    assert failed.detail.startswith("TypeError")


def test_a_link_that_no_extractor_takes_is_unsupported(guard: EgressGuard) -> None:
    for error in (reported(UnsupportedError("https://x")), DownloadError("ERROR: No suitable extractor found for URL")):
        assert meaning(error, guard).code is Code.UNSUPPORTED_LINK


def test_a_full_disk_is_found_behind_what_yt_dlp_makes_of_it(guard: EgressGuard) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")

    assert meaning(reported(full), guard).code is Code.STORAGE_FULL
    assert meaning(reported(ExtractorError("failed", cause=full)), guard).code is Code.STORAGE_FULL


def test_a_failure_that_was_raised_inside_comes_out_as_it_is(guard: EgressGuard) -> None:
    inside = failure(Code.TOO_LARGE, reason="900 MB large")

    assert meaning(reported(ExtractorError("failed", cause=inside)), guard) is inside


def test_causes_that_go_round_in_a_circle_are_walked_once(guard: EgressGuard) -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one

    assert meaning(one, guard).code is Code.SITE_CHANGED


def test_what_the_guard_knows_goes_before_what_a_client_made_of_it(guard: EgressGuard) -> None:
    error = reported(ExtractorError("timed out"))

    guard.refuse("127.0.0.1:443")
    assert meaning(error, guard).code is Code.NO_MEDIA
    guard.take(101)
    assert meaning(error, guard).code is Code.TOO_LARGE
    guard.proxy_denied = True
    assert meaning(error, guard).code is Code.MISCONFIGURED


def test_a_guard_to_which_nothing_happened_knows_nothing(guard: EgressGuard) -> None:
    assert guard_failure(guard) is None


def test_a_fetch_that_took_too_long_is_worth_another_try() -> None:
    with EgressGuard(dial=direct, limits=Limits(size_bytes=100, time_s=-1)) as late:
        failed = guard_failure(late)

    assert failed is not None
    assert failed.retry is Retry.NOW


def test_a_message_that_no_rule_knows_is_reported_without_its_ids(guard: EgressGuard) -> None:
    recorder = RecordingAnswers()
    unknown_answers.keep_in(recorder)
    for post in ("7301", "7302"):
        unknown = reported(ExtractorError(f"[TikTok] {post}: Unexpected widget"))
        assert meaning(unknown, guard).code is Code.SITE_CHANGED
    meaning(reported(ExtractorError("This post is private: private account")), guard)
    unknown_answers.keep_in(None)
    first, second = recorder.answers
    assert (first.service, first.kind) == ("tiktok", second.kind)
    assert "Unexpected widget" in first.kind
    assert "7301" in first.body
