from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.library.subtitles import as_srt, as_vtt
from svp_dagster.models import Segment

TIMING = re.compile(r"\d\d:\d\d:\d\d[.,]\d{3} --> \d\d:\d\d:\d\d[.,]\d{3}")
SEGMENTS = (
    Segment(start_s=0.5, end_s=3.25, text="Take two eggs & stir."),
    Segment(start_s=3725.04, end_s=3726, text="Is 1 < 2?\nYes."),
)


def test_webvtt_has_a_header_dots_and_escaped_words() -> None:
    assert as_vtt(SEGMENTS) == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:03.250\nTake two eggs &amp; stir.\n\n"
        "01:02:05.040 --> 01:02:06.000\nIs 1 &lt; 2? Yes.\n"
    )


def test_subrip_has_numbers_and_commas() -> None:
    assert as_srt(SEGMENTS) == (
        "1\n00:00:00,500 --> 00:00:03,250\nTake two eggs & stir.\n\n2\n01:02:05,040 --> 01:02:06,000\nIs 1 < 2? Yes.\n"
    )


def test_cues_are_in_order_and_last_a_moment() -> None:
    made = as_srt((Segment(start_s=5, end_s=1, text="second"), Segment(start_s=-2, end_s=1, text="first")))

    assert made == "1\n00:00:00,000 --> 00:00:01,000\nfirst\n\n2\n00:00:05,000 --> 00:00:05,100\nsecond\n"


def test_what_has_no_time_or_no_word_is_left_out() -> None:
    segments = (
        Segment(start_s=float("nan"), end_s=1, text="never"),
        Segment(start_s=0, end_s=float("inf"), text="for ever"),
        Segment(start_s=0, end_s=1, text=" \n"),
    )

    assert as_srt(segments) == ""
    assert as_vtt(segments) == "WEBVTT\n"


@given(st.lists(st.builds(Segment, start_s=st.floats(), end_s=st.floats(), text=st.text() | st.just("a --> b\n\n7"))))
def test_no_text_can_forge_a_cue(segments: list[Segment]) -> None:
    for made in (as_vtt(segments), as_srt(segments)):
        lines = made.split("\n")
        cues = [number for number, line in enumerate(lines) if TIMING.fullmatch(line)]
        assert made.count("-->") == len(cues) <= len(segments)
        assert all(lines[number + 1] and not lines[number + 2] for number in cues)


def test_lyrics_stand_between_notes() -> None:
    sung = Segment(start_s=0, end_s=2, text="Carry me home", sung=True)
    assert "♪ Carry me home ♪" in as_vtt([sung])
