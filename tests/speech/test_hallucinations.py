from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import Segment
from svp_dagster.speech.hallucinations import RawSegment, believable, is_doubtful, mean_confidence, without_loops


def heard(
    text: str, *, no_speech: float = 0.05, confidence: float = -0.3, start_s: float = 0, length_s: float = 2
) -> RawSegment:
    segment = Segment(start_s=start_s, end_s=start_s + length_s, text=text)
    return RawSegment(segment=segment, no_speech=no_speech, confidence=confidence)


def texts(*segments: RawSegment) -> list[str]:
    return [segment.text for segment in believable(segments)]


def test_what_was_said_is_kept() -> None:
    assert texts(heard("Boil the pasta."), heard("Salt it.")) == ["Boil the pasta.", "Salt it."]


@pytest.mark.parametrize(("no_speech", "confidence"), [(0.7, -1.2), (0.95, -0.2)])
def test_words_over_music_are_dropped(no_speech: float, confidence: float) -> None:
    assert texts(heard("Thanks for watching!", no_speech=no_speech, confidence=confidence)) == []


@pytest.mark.parametrize(("no_speech", "confidence"), [(0.7, -0.3), (0.1, -1.5)])
def test_one_doubt_alone_is_not_enough(no_speech: float, confidence: float) -> None:
    assert texts(heard("Boil the pasta.", no_speech=no_speech, confidence=confidence)) == ["Boil the pasta."]


def test_a_segment_that_comes_again_and_again_is_said_once_and_twice_is_twice() -> None:
    assert texts(*[heard("Oh yeah.", start_s=2.0 * n) for n in range(9)], heard("Stir.")) == ["Oh yeah.", "Stir."]
    assert texts(heard("Stir."), heard("Stir.")) == ["Stir.", "Stir."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no no no no no stop", "no stop"),
        ("very very good", "very very good"),
        ("I love you. I love you. I love you. I love you. Bye.", "I love you. Bye."),
        ("la la la la and la la la la", "la and la"),
        ("再见。再见。再见。再见。", "再见。"),
        ("one two three four", "one two three four"),
        ("", ""),
    ],
)
def test_loops_are_said_once(text: str, expected: str) -> None:
    assert without_loops(text) == expected


@given(st.lists(st.sampled_from(["a", "b", "c.", "d"]), max_size=60).map(" ".join))
def test_no_word_is_added_and_none_disappears_altogether(text: str) -> None:
    after = without_loops(text).split()
    assert set(after) == set(text.split())
    assert len(after) <= len(text.split())
    assert without_loops(" ".join(after)).split() == after or len(after) > 0


@pytest.mark.parametrize(
    ("confidence", "language_certainty", "doubtful"),
    [
        (-1.1, 0.37, True),  # Russian that became English
        (-1.1, None, True),
        (-0.3, 0.37, True),
        (-0.9, 0.5, False),
        (-0.3, None, False),
        (None, 0.9, False),
        (None, None, False),
    ],
)
def test_a_transcript_of_which_its_engine_is_unsure_is_doubtful(
    confidence: float | None, language_certainty: float | None, doubtful: bool
) -> None:
    assert is_doubtful(confidence=confidence, language_certainty=language_certainty) is doubtful


def test_a_long_segment_weighs_more_than_a_short_one_and_a_dropped_one_nothing() -> None:
    sure, unsure = heard("Boil the pasta.", length_s=9, confidence=-0.2), heard("Hm.", length_s=1, confidence=-2.0)
    dropped = heard("Thanks for watching!", length_s=9, no_speech=0.95, confidence=-3.0)
    assert mean_confidence([sure, unsure, dropped]) == pytest.approx(-0.38)
    assert mean_confidence([dropped]) is None
