from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.library.chapters import MAX_CHAPTERS, SHORTEST_S, TITLE_CHARS, chapters
from svp_dagster.models import Segment


def sentences(starts: Iterable[float], *, pause_before: float | None = None) -> tuple[Segment, ...]:
    """A sentence of nine seconds at each time; the one before `pause_before` ends earlier."""
    return tuple(
        Segment(start_s=at, end_s=at + 9 - 4 * (at + 10 == pause_before), text=f"Sentence at {at:.0f}.")
        for at in starts
    )


def test_a_chapter_begins_where_the_pause_is_longest() -> None:
    found = chapters(sentences(range(0, 400, 10), pause_before=190), duration_s=400)

    assert [(one.start_s, one.title) for one in found] == [(0, "Sentence at 0."), (190, "Sentence at 190.")]


def test_a_chapter_rather_begins_with_a_sentence_than_after_a_pause_within_one() -> None:
    said = [
        Segment(start_s=at, end_s=at + (2 if at == 170 else 9), text="and so on" if at != 140 else "That was it.")
        for at in range(0, 400, 10)
    ]

    assert [one.start_s for one in chapters(said, duration_s=400)][1] == 150


def test_a_title_is_the_first_sentence_or_its_beginning() -> None:
    said = [Segment(start_s=at, end_s=at + 10, text="many words without any end to them") for at in range(0, 600, 10)]
    said[0] = Segment(start_s=0, end_s=10, text="Hello there! I am Anna.")

    first, *others = chapters(said, duration_s=600)

    assert first.title == "Hello there!"
    assert all(one.title.endswith("…") and len(one.title) <= TITLE_CHARS for one in others)


@pytest.mark.parametrize(
    ("segments", "duration_s"),
    [
        ((), 3600.0),
        (sentences(range(0, 290, 10)), 290.0),
        (sentences([0, 10]), 3600.0),
        ((Segment(start_s=float("nan"), end_s=0, text="x"), Segment(start_s=500, end_s=501, text=" ")), None),
    ],
    ids=["no segments", "a short video", "all is said at once", "no times"],
)
def test_some_videos_have_none(segments: tuple[Segment, ...], duration_s: float | None) -> None:
    assert chapters(segments, duration_s=duration_s) == ()


@given(
    st.lists(st.builds(Segment, start_s=st.floats(-10, 20_000), end_s=st.floats(), text=st.text(max_size=300))),
    st.none() | st.floats(1, 20_000),
)
def test_chapters_are_few_long_and_in_order(segments: list[Segment], duration_s: float | None) -> None:
    found = chapters(segments, duration_s=duration_s)

    assert len(found) <= MAX_CHAPTERS
    assert len(found) != 1
    starts = [one.start_s for one in found]
    assert all(later - before >= SHORTEST_S - 10 for before, later in pairwise(starts))
    assert all(0 < len(one.title) <= TITLE_CHARS for one in found)
