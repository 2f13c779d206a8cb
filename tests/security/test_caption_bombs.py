"""Captions, and lines on the screen, of which there are far too many or that are far too long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from svp_dagster.download.captions import MAX_CUE_CHARACTERS, MAX_CUES, MAX_WORDS_CHARACTERS, parse
from svp_dagster.models import CaptionTrack, ScreenLine, ScreenText, Segment, Transcript, Video
from svp_dagster.screen.lines import Line
from svp_dagster.screen.tracks import Page, follow
from svp_dagster.speech.stage import from_captions
from svp_dagster.summary.material import Material, gather

pytestmark = pytest.mark.slow

VIDEO = Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1")
LINES = 150


@contextmanager
def little_time(seconds: float = 5.0) -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def caption_file(*cues: tuple[float, float, str]) -> str:
    def stamp(second: float) -> str:
        return f"{int(second // 3600):02}:{int(second // 60 % 60):02}:{second % 60:06.3f}"

    return "WEBVTT\n\n" + "\n\n".join(f"{stamp(start)} --> {stamp(end)}\n{words}" for start, end, words in cues)


def material(transcript: Transcript, *, lines: int = LINES) -> Material:
    """The material of a video with lines on the screen all the time, some of which are said."""
    words = ["red", "white", "small", "large", "sweet"]
    shown = [
        ScreenLine(text=f"now chop {number} {words[number % 5]} onions please", first_s=0, last_s=60)
        for number in range(lines)
    ]
    return gather(video=VIDEO, transcript=transcript, screen_text=ScreenText(lines=tuple(shown)), budget_chars=60_000)


def of_captions(text: str) -> Transcript:
    heard = from_captions([CaptionTrack(language="en", translated=False, segments=parse(text))])
    assert heard is not None
    return heard


def test_one_cue_of_two_megabytes_is_cut() -> None:
    (cue,) = parse(caption_file((0, 60, "word " * 400_000)))

    assert len(cue.text) <= MAX_CUE_CHARACTERS


def test_a_cue_of_two_megabytes_is_not_prepared_for_each_line_on_the_screen_anew() -> None:
    """What an engine returns isn't cut like captions."""
    said = f"{' '.join(map(str, range(LINES)))} now chop red onions " + "we fry them slowly, please " * 70_000
    with little_time(3.0):
        made = material(Transcript(text=said, segments=(Segment(start_s=0, end_s=60, text=said),)))

    assert len(made.screen) == LINES


def test_more_cues_than_a_video_can_have_are_cut() -> None:
    with little_time():
        track = parse(caption_file(*((number / 50, number / 50 + 1, f"{number} a") for number in range(60_000))))

    assert len(track) <= MAX_CUES


def test_captions_have_no_more_words_than_can_be_said() -> None:
    track = parse(caption_file(*((number, number + 1, "x" * 4_000) for number in range(400))))

    assert 0 < sum(len(cue.text) for cue in track) <= MAX_WORDS_CHARACTERS


@pytest.mark.parametrize("words", ["aaaaab" * 40, "chop 7 red onion " * 10], ids=["nearly the same", "the same"])
def test_cues_that_all_stand_at_once_are_compared_in_little_time(words: str) -> None:
    with little_time(10.0):
        material(of_captions(caption_file(*((0, 60, f"{words}{number}") for number in range(5_000)))))


def test_subtitles_are_still_found_in_captions_of_the_usual_length() -> None:
    words = caption_file(*((number, number + 1, f"now chop {number} red onions please") for number in range(60)))

    made = material(of_captions(words), lines=60)

    assert [passage.text.split()[3] for passage in made.screen].count("red") == 0


@pytest.mark.parametrize("is_brief", [False, True])
def test_a_screen_full_of_new_lines_in_every_picture_is_followed_in_little_time(is_brief: bool) -> None:
    pages = [
        Page(
            lines=[
                Line(
                    text=f"{number} of" if is_brief else f"line {number} of picture {at}",
                    left=0,
                    top=30 * number,
                    right=500,
                    bottom=30 * number + 20,
                    first_s=at,
                    last_s=at,
                )
                for number in range(100)
            ]
        )
        for at in range(60)
    ]
    with little_time():
        found = follow(pages)

    assert len(found) == (100 if is_brief else 6000)
