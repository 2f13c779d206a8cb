from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.summary.extractive import patterns
from svp_dagster.summary.extractive.patterns import amounts, days, emails, hashtags, phones, urls, without_marks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://anna.example.com/a?b=1#c, ok", ["https://anna.example.com/a?b=1#c"]),
        ("(www.anna.com)", ["www.anna.com"]),
        ("anna.kitchen/menu.", ["anna.kitchen/menu"]),
        ("mail me@anna.com", []),
        ("It was good.So we went", []),
        ("file.txt e.g. 1.5 com", []),
        ("https://", []),
    ],
)
def test_web_addresses(text: str, found: list[str]) -> None:
    assert urls(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hello@anna.example.com!", ["hello@anna.example.com"]),
        ("a.b+c@d.co, x@y.org", ["a.b+c@d.co", "x@y.org"]),
        ("follow @anna.cooks", []),
        ("a@b", []),
    ],
)
def test_email_addresses(text: str, found: list[str]) -> None:
    assert emails(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+49 30 1234567", ["+49 30 1234567"]),
        ("(212) 555-0187 is it", ["(212) 555-0187"]),
        ("call 030 123 45 67 now", ["030 123 45 67"]),
        ("☎ 030/1234567", ["030/1234567"]),
        ("on 2026-03-14 or 14.03.2026", []),
        ("1234567 views", []),
        ("order 4915112345678901234", []),
    ],
)
def test_telephone_numbers(text: str, found: list[str]) -> None:
    assert phones(text) == found


def test_hashtags_of_every_script() -> None:
    assert hashtags("#pasta #vegan_food #ラーメン a#b C#. #") == ["pasta", "vegan_food", "ラーメン"]


def test_a_text_without_its_marks() -> None:
    assert without_marks("Best pasta #food @anna https://a.example.com/x today") == "Best pasta today"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on 2026-03-14", ["2026-03-14"]),
        ("March 14, 2026 at 7 pm", ["2026-03-14T19:00"]),
        ("Mar 14th 2026, 19:30", ["2026-03-14T19:30"]),
        ("the 14th of March 2026", ["2026-03-14"]),
        ("14.03.2026 um 18:00 Uhr", ["2026-03-14T18:00"]),
        ("2026-03-14T08:15", ["2026-03-14T08:15"]),
        ("25/12/2026 and 12/25/2026", ["2026-12-25"]),
        ("04/04/2026", ["2026-04-04"]),
        ("03/04/2026", []),
        ("30 February 2026", []),
        ("March 14", []),
        ("next Friday", []),
        ("version 1.2.2026.5", []),
        ("March 14, 2026 for 4 people", ["2026-03-14"]),
        ("2026-03-14 at 25:99", ["2026-03-14"]),
    ],
)
def test_days_that_are_clear(text: str, found: list[str]) -> None:
    assert days(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("450 kcal", [(450, "kcal")]),
        ("1,200 g", [(1200, "g")]),
        ("3,50 €", [(3.5, "")]),
        ("2.5 cups", [(2.5, "cups")]),
        ("25% off", [(25, "%")]),
        ("2-3 minutes", []),
        ("2 to 3 minutes", []),
        ("1/2 cup", []),
        ("at 7:30", []),
        ("2026-03-14", []),
        ("route66 #1 v2", []),
    ],
)
def test_single_numbers_with_their_units(text: str, found: list[tuple[float, str]]) -> None:
    assert [(amount.value, amount.unit) for amount in amounts(text)] == found


@given(st.text(st.characters(), max_size=300) | st.text("0123456789.,:/-+()@#% amp€\n", max_size=300))
def test_every_finder_takes_any_text_and_finds_what_is_in_it(text: str) -> None:
    for find in (urls, emails, phones, hashtags):
        assert all(found in text for found in find(text))
    days(text)
    assert all(text[amount.start : amount.end] for amount in amounts(text))


@pytest.mark.parametrize("unit", ["a.", "1.", "1,", "a@", "+1 ", "#", "http://", "(1", "jan 1 ", "x-", "1 to "])
def test_no_text_makes_a_pattern_run_away(unit: str) -> None:
    text = (unit * 300)[:300]
    started = time.process_time()
    for find in (urls, emails, phones, hashtags, days, without_marks):
        find(text)
    list(patterns.amounts(text))
    assert time.process_time() - started < 0.5
