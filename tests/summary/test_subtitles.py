from __future__ import annotations

import pytest

from svp_dagster.models import ScreenLine, Segment, Transcript
from svp_dagster.summary.subtitles import Subtitles

SAID = Transcript(
    text="Hello everybody. Now we chop two red onions, and fry them.",
    segments=(
        Segment(start_s=0, end_s=4, text="Hello everybody."),
        Segment(start_s=20, end_s=26, text="Now we chop two red onions, and fry them."),
    ),
    source="whisper-1",
)


@pytest.mark.parametrize(
    ("text", "at_s", "subtitle"),
    [
        ("now we chop two red onions", 21, True),
        ("Now we chop two red onlons", 21, True),
        ("now we chop two red onions", 60, False),
        ("2 red onions", 21, False),
        ("Onion soup for four people", 21, False),
        ("we", 21, False),
        ("🧅🧅🧅🧅", 21, False),
    ],
)
def test_subtitles_are_the_lines_that_repeat_what_is_said_then(text: str, at_s: float, subtitle: bool) -> None:
    assert Subtitles(SAID).includes(ScreenLine(text=text, first_s=at_s, last_s=at_s)) is subtitle


def test_without_times_the_whole_speech_is_compared() -> None:
    said = SAID.model_copy(update={"segments": ()})
    assert Subtitles(said).includes(ScreenLine(text="chop two red onions", first_s=60, last_s=62))


def test_without_speech_nothing_is_a_subtitle() -> None:
    assert not Subtitles(Transcript()).includes(ScreenLine(text="chop two red onions", first_s=1, last_s=2))


def test_a_line_that_goes_on_over_two_segments_is_a_subtitle() -> None:
    assert Subtitles(SAID).includes(ScreenLine(text="everybody. Now we chop", first_s=4, last_s=20))


def test_syllables_of_hangul_count_as_characters() -> None:
    said = Transcript(text="파를 썰어요")
    assert not Subtitles(said).includes(ScreenLine(text="파를"))
    assert Subtitles(said).includes(ScreenLine(text="파를 썰어요"))


def test_a_line_made_to_take_for_ever_does_not() -> None:
    endless = "boil the pasta " * 10_000
    assert not Subtitles(Transcript(text=endless[:-20])).includes(ScreenLine(text=endless))
