"""Answers of Instagram in their recorded shapes: what each means, when it is tried again, what the owner reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from svp_dagster.download.instagram import CHALLENGED, answer_failure, has_session, message_failure, page_failure
from svp_dagster.errors import Code, Retry

RECORDED = Path(__file__).parent / "instagram"
SLOW_DOWN = "The site asks us to slow down."
LOG_IN = "The site shows this post only to people who are logged in."

MEANINGS = {
    "200_execution_error.json": (Code.RATE_LIMITED, Retry.LATER, SLOW_DOWN),
    "200_guard_prefix.txt": (Code.RATE_LIMITED, Retry.LATER, SLOW_DOWN),
    "400_challenge_required.json": (Code.RATE_LIMITED, Retry.LATER, SLOW_DOWN),
    "400_checkpoint_required.json": (Code.RATE_LIMITED, Retry.LATER, SLOW_DOWN),
    "401_require_login.json": (Code.RATE_LIMITED, Retry.LATER, SLOW_DOWN),
    "403_empty.txt": (Code.RATE_LIMITED, Retry.LATER, SLOW_DOWN),
    "429_page.html": (Code.RATE_LIMITED, Retry.LATER, SLOW_DOWN),
    "200_gated.json": (Code.LOGIN_REQUIRED, Retry.NEVER, LOG_IN),
    "404_page.html": (Code.GONE, Retry.NEVER, "This post no longer exists"),
    "502_page.html": (Code.SITE_UNREACHABLE, Retry.NOW, "The site didn't answer properly."),
    "400_other.json": (Code.SITE_CHANGED, Retry.LATER, "The site changed"),
    "200_nothing.json": None,
    "200_shown.json": None,
}
"""By file. Its name begins with the status. None: the answer by itself says nothing against the post."""


def test_every_recorded_answer_has_a_meaning() -> None:
    assert sorted(path.name for path in RECORDED.iterdir()) == sorted(MEANINGS)


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_an_answer_means_what_the_table_says(name: str) -> None:
    found = answer_failure(int(name[:3]), (RECORDED / name).read_text())

    meaning = MEANINGS[name]
    if meaning is None:
        assert found is None
        return
    assert found is not None
    code, retry, words = meaning
    assert (found.code, found.retry) == (code, retry)
    assert found.sentence.startswith(words)
    assert (found.detail == CHALLENGED) == ("challenge" in name or "checkpoint" in name)


def test_a_flagged_address_rests_longer_than_a_throttled_one() -> None:
    flagged, throttled = (
        answer_failure(int(name[:3]), (RECORDED / name).read_text())
        for name in ("400_challenge_required.json", "401_require_login.json")
    )
    assert flagged is not None
    assert throttled is not None
    assert (flagged.retry_after_s or 0) > (throttled.retry_after_s or 0) > 0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Instagram sent an empty media response. Check if this post is accessible", Code.RATE_LIMITED),
        ("You have exceeded the rate-limit for accessing posts anonymously", Code.RATE_LIMITED),
        ("None: Unable to extract LSD token; please report this issue", Code.RATE_LIMITED),
        ("Restricted Video: You must be 18 years old or over.", None),
        ("There is no video in this post", None),
    ],
)
def test_a_page_without_what_belongs_on_it_is_a_throttle(message: str, code: Code | None) -> None:
    found = message_failure(message)
    assert (found.code if found else None) is code


def test_of_a_page_only_a_ruling_is_believed() -> None:
    gated = page_failure((RECORDED / "200_gated.json").read_text())
    assert gated is not None
    assert gated.code is Code.LOGIN_REQUIRED
    for name in ("200_shown.json", "401_require_login.json", "429_page.html"):
        assert page_failure((RECORDED / name).read_text()) is None


@pytest.mark.parametrize(
    ("line", "is_login"),
    [
        (".instagram.com\tTRUE\t/\tTRUE\t1900000000\tsessionid\tx", True),
        ("#HttpOnly_.instagram.com\tTRUE\t/\tTRUE\t1900000000\tsessionid\tx", True),
        (".tiktok.com\tTRUE\t/\tTRUE\t1900000000\tsessionid\tx", False),
        (".instagram.com\tTRUE\t/\tTRUE\t1900000000\tcsrftoken\tx", False),
        ("# Netscape HTTP Cookie File", False),
    ],
)
def test_cookies_are_an_account_s_where_they_hold_its_session(tmp_path: Path, line: str, is_login: bool) -> None:
    (tmp_path / "cookies.txt").write_text(line + "\n")
    assert has_session(tmp_path / "cookies.txt") is is_login
    assert not has_session(tmp_path / "missing.txt")
