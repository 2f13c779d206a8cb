"""How long a service asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.retry_after import MAX_RETRY_AFTER_S, parse_retry_after


@pytest.mark.parametrize(
    ("header", "seconds"), [("0", 0.0), ("7", 7.0), (" 120 ", 120.0), ("0.5", 0.5), ("1.750", 1.75)]
)
def test_seconds_are_whole_or_fractional(header: str, seconds: float) -> None:
    assert parse_retry_after(header) == seconds


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
def test_each_of_https_date_formats_is_understood(form: str) -> None:
    at = datetime.now(UTC) + timedelta(minutes=10)
    assert parse_retry_after(at.strftime(form)) == pytest.approx(600, abs=5)


def test_a_date_of_another_zone_is_understood() -> None:
    at = datetime.now(UTC) + timedelta(minutes=10)
    assert parse_retry_after(format_datetime(at)) == pytest.approx(600, abs=5)


def test_a_date_in_the_past_asks_for_no_wait() -> None:
    assert parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT") == 0


@pytest.mark.parametrize("header", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_wait_is_longer_than_a_day(header: str) -> None:
    assert parse_retry_after(header) == MAX_RETRY_AFTER_S


@pytest.mark.parametrize(
    "header",
    [None, "", "soon", "-5", "-0.5", "+5", "1e3", "inf", "nan", ".5", "5.", "1,5", "5 s", "٣", "²", "9" * 400, "0x10"],
)
def test_what_is_no_wait_is_none(header: str | None) -> None:
    assert parse_retry_after(header) is None


@given(header=st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]\d+", fullmatch=True))
def test_nothing_that_a_service_sends_breaks_it(header: str) -> None:
    seconds = parse_retry_after(header)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_S
