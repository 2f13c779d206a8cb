"""Gemini's answers about sound: what is believed of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from svp_dagster.speech.gemini_transcript import ANSWER_SCHEMA, UnusableAnswer, max_output_tokens, parse
from svp_dagster.speech.parts import PartTranscript

PART_S = 60.0


def said(*lines: tuple[Any, Any, str], sung: bool = False) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "text": text, "sung": sung} for start, end, text in lines]


def answer(segments: Any, *, speech: Any = True, language: Any = "en") -> str:
    return json.dumps({"speech": speech, "language": language, "segments": segments})


def times(transcript: PartTranscript) -> list[tuple[float, float]]:
    return [(segment.start_s, segment.end_s) for segment in transcript.segments]


def test_minutes_and_seconds_become_seconds() -> None:
    heard = parse(answer(said(("00:01", "00:04", "Mix the flour."), ("00:58", "01:00", "Then rest."))), length_s=60.4)
    assert [segment.text for segment in heard.segments] == ["Mix the flour.", "Then rest."]
    assert times(heard) == [(1.0, 4.0), (58.0, 60.0)]
    assert (heard.language, heard.note) == ("en", "")


@pytest.mark.parametrize(
    ("given", "start_s"),
    [("00:07", 7.0), ("00:07.5", 7.5), ("0:07", 7.0), ("00:00:07", 7.0), ("7", 7.0), (7, 7.0), (7.25, 7.25)],
)
def test_a_time_may_be_written_in_several_ways(given: Any, start_s: float) -> None:
    assert times(parse(answer(said((given, "00:09", "Hello."))), length_s=PART_S)) == [(start_s, 9.0)]


def test_a_segment_within_one_second_lasts_a_second() -> None:
    assert times(parse(answer(said(("00:07", "00:07", "Yes."))), length_s=PART_S)) == [(7.0, 8.0)]
    assert times(parse(answer(said(("00:07", "00:07", "Yes."))), length_s=7.2)) == [(7.0, 7.2)]


@pytest.mark.parametrize(
    "lines",
    [
        said(("00:30", "00:40", "Mix."), ("00:05", "00:09", "Rest.")),
        said(("00:05", "00:09", "Mix."), ("01:30", "01:40", "Rest.")),
        said(("00:05", "00:02", "Mix."), ("00:12", "00:14", "Rest.")),
        said(("soon", "00:09", "Mix."), ("00:12", "00:14", "Rest.")),
        said((None, None, "Mix."), (True, [], "Rest.")),
        said(("00:99", "01:40", "Mix."), ("nan", "inf", "Rest.")),
        said(("-00:05", "00:02", "Mix."), ("00:12", "00:14", "Rest.")),
    ],
    ids=["backwards", "behind the end", "end before start", "a word", "other types", "no clock", "negative"],
)
def test_wrong_times_are_replaced_by_those_of_the_part(lines: list[dict[str, Any]]) -> None:
    heard = parse(answer(lines), length_s=PART_S)
    assert times(heard) == [(0.0, PART_S)]
    assert heard.segments[0].text == "Mix. Rest."


def test_times_too_short_for_so_many_words_are_replaced() -> None:
    many = "and then we put all of this into the oven for a while until it is golden brown " * 3
    assert times(parse(answer(said(("00:00", "00:01", many))), length_s=PART_S)) == [(0.0, PART_S)]


def test_lyrics_are_marked_also_where_their_times_are_wrong() -> None:
    lines = said(("00:50", "00:55", "Mix.")) + said(("00:01", "00:04", "All night long"), sung=True)
    heard = parse(answer(lines), length_s=PART_S)
    assert [(segment.text, segment.sung) for segment in heard.segments] == [("Mix.", False), ("All night long", True)]
    assert times(heard) == [(0.0, PART_S), (0.0, PART_S)]


def test_where_nobody_speaks_what_was_written_all_the_same_is_not_believed() -> None:
    heard = parse(answer(said(("00:01", "00:04", "Thanks for watching!")), speech=False), length_s=PART_S)
    assert (heard.segments, heard.language, heard.note) == ((), None, "")
    assert parse(answer([]), length_s=PART_S).segments == ()


def test_loops_are_cut() -> None:
    lines = [
        ("00:01", "00:03", "la la la la la la la"),
        *[(f"00:{s:02}", f"00:{s + 1:02}", "Oh no.") for s in range(4, 9)],
    ]
    heard = parse(answer(said(*lines)), length_s=PART_S)
    assert [segment.text for segment in heard.segments] == ["la", "Oh no."]


@pytest.mark.parametrize(
    ("given", "language"),
    [
        ("de", "de"),
        ("PT-br", "pt"),
        ("yue", "yue"),
        ("German", None),
        ("und", None),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_a_language_is_a_code_or_nothing(given: Any, language: str | None) -> None:
    lines = said(("00:01", "00:04", "Mix."))
    assert parse(answer(lines, language=given), length_s=PART_S).language == language


def test_segments_of_another_shape_are_left_out() -> None:
    lines = [
        "Mix.",
        None,
        {"text": 3},
        {"start": "00:01"},
        {"text": "  \n "},
        *said(("00:01", "00:04", " Mix \n it. ")),
    ]
    heard = parse(answer(lines), length_s=PART_S)
    assert [(segment.text, segment.sung) for segment in heard.segments] == [("Mix it.", False)]


@pytest.mark.parametrize(
    "text", ["", "Mix the flour.", "[]", "3", '{"speech": true}', '{"segments": "Mix."}', "[" * 5000]
)
def test_what_is_no_transcript_is_unusable(text: str) -> None:
    with pytest.raises(UnusableAnswer):
        parse(text, length_s=PART_S)


def test_of_an_answer_that_was_cut_off_the_whole_segments_are_kept() -> None:
    whole = answer(said(("00:01", "00:04", "Mix {it}."), ("00:05", "00:09", "Rest.")))
    for end in (len(whole), len(whole) - 1, len(whole) - 2, whole.index("Rest") + 2):
        heard = parse(whole[:end], length_s=PART_S, is_cut_off=True)
        assert heard.segments[0].text == "Mix {it}."
        assert "cut off" in heard.note
    with pytest.raises(UnusableAnswer):
        parse(whole[: whole.index("Mix")], length_s=PART_S, is_cut_off=True)


def test_an_answer_can_be_no_longer_than_the_part_has_words() -> None:
    assert max_output_tokens(60) < max_output_tokens(300) < 10_000


def test_the_schema_asks_first_whether_anybody_speaks() -> None:
    assert next(iter(ANSWER_SCHEMA["properties"])) == "speech"
