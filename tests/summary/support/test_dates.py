"""A day is written if its quote states it, as far as it does."""

from __future__ import annotations

import pytest

from tests.notion.schemas import column
from tests.summary.support.judging import is_written

EVENT = column("Event", "date")


@pytest.mark.parametrize(
    ("right", "wrong", "quote", "language"),
    [
        ("2026-03-14", "2026-03-15", "on March 14th", "en"),
        ("2026-03-14", "2026-04-14", "on the 14th of March", "en"),
        ("2026-07-04", "2026-07-05", "on the fourth of July", "en"),
        ("2026-03-14T19:30", "2026-03-14T07:30", "March 14 at 7.30 pm", "en"),
        ("2026-03-14", "2029-03-14", "on March 14th", "en"),
        ("2026-03-13", "2026-03-20", "Friday 13 March", "en"),
        ("2026-07-04T18:00", "2026-07-04T19:00", "am Samstag, 4. Juli, ab 18 Uhr", "de"),
        ("2026-07-04T19:30", "2026-07-04T20:30", "am vierten Juli um halb acht", "de"),
        ("2026-05-12T20:00", "2026-05-12T08:00", "el martes 12 de mayo a las 8 de la tarde", "es"),
        ("2026-05-20T18:30", "2026-05-21T18:30", "le mercredi 20 mai à 18h30", "fr"),
        ("2026-05-05", "2026-05-06", "martedì 5 maggio", "it"),
        ("2026-09-07", "2026-07-09", "dia 7 de setembro", "pt"),
        ("2026-04-10T15:00", "2026-04-10T03:00", "4月10日(金) 午後3時から", "ja"),
        ("2026-05-01T20:00", "2026-05-02T20:00", "5月1日晚上8点", "zh"),
        ("2026-05-01", "2026-05-02", "5월 1일에 만나요", "ko"),
        ("2026-03-14", "2026-03-13", "14.03.2026", "de"),
    ],
)
def test_day_weekday_and_time_have_to_agree(right: str, wrong: str, quote: str, language: str) -> None:
    assert is_written(EVENT, right, quote, language=language)
    assert not is_written(EVENT, wrong, quote, language=language)


def test_a_day_that_nothing_states_stays_blank() -> None:
    assert not is_written(EVENT, "2026-03-14", "come and see us at the market")


def test_a_time_that_nothing_states_stays_blank() -> None:
    assert not is_written(EVENT, "2026-03-14T19:00", "on March 14th")
    assert is_written(EVENT, "2026-03-14T19:00", "on March 14th", said="on March 14th", caption="Doors: 7 pm")


def test_a_day_named_by_its_distance_is_likely() -> None:
    assert is_written(EVENT, "2026-03-06", "see you next Friday")
    assert not is_written(EVENT, "2026-03-05", "see you next Friday")
    assert is_written(EVENT, "2026-03-02", "doors open tomorrow")


@pytest.mark.parametrize("quote", ["12 ①②③ steps", "10 ²²² times"])
def test_signs_that_are_digits_in_part_are_no_month(quote: str) -> None:
    assert not is_written(EVENT, "2026-03-14", quote)
