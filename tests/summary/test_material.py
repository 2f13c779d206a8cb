from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import LineKind, ScreenLine, ScreenText, Segment, Transcript, Video
from svp_dagster.summary.material import PIECE_CHARS, gather, holds_text
from tests.summary.hostile import TEXTS
from tests.summary.recipe import NO_SCREEN_TEXT, NO_TRANSCRIPT, VIDEO, material, whole


def test_everything_is_given_with_its_seconds_when_it_fits() -> None:
    given_parts = json.loads(whole().as_json())
    assert given_parts["speech"][1] == [3.0, "creamy lemon pasta. First, boil the spaghetti in salted water."]
    assert given_parts["screen"][0] == [0.0, "WEEKNIGHT DISH"]
    assert given_parts["caption"][0] == "Creamy lemon pasta 🍋 in 15 minutes! #pasta #vegan"
    assert given_parts["facts"] == [
        "Platform: TikTok", "Uploader: chef_anna", "Published: 2026-03-01", "Duration: 61 seconds",
    ]  # fmt: skip
    assert whole().left_out == ""


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_no_text_gets_out_of_its_string(text: str) -> None:
    made = material(caption=text, speech=text, screen=(text,), uploader=text)
    as_json = made.as_json()
    assert set(json.loads(as_json)) <= {"caption", "facts", "speech", "screen"}
    assert "<" not in as_json
    assert "\n" not in as_json
    assert len(as_json) < 250_000
    as_json.encode()


def test_a_long_transcript_keeps_its_beginning_its_end_and_an_even_part_of_its_middle() -> None:
    made = material(
        speech="|".join(f"Sentence number {number} of the talk." for number in range(3000)), budget_chars=10_000
    )
    numbers = [int(passage.text.split()[2]) for passage in made.speech]
    gaps = {after - before for before, after in pairwise(numbers)}
    assert numbers[:50] == list(range(50))
    assert numbers[-20:] == list(range(2980, 3000))
    assert any(1400 < number < 1600 for number in numbers)
    assert len(gaps) <= 6
    assert made.left_out.startswith("Only 9,")
    assert "of the transcript" in made.left_out


def test_what_is_left_out_is_told_for_each_part() -> None:
    made = material(caption="Word. " * 2000, speech="Word. " * 2000, budget_chars=2000)
    assert "characters of the caption" in made.left_out
    assert "characters of the transcript" in made.left_out
    assert "screen text" not in made.left_out


@given(
    caption=st.text(max_size=3000),
    speech=st.lists(st.text(max_size=500), max_size=20),
    screen=st.lists(st.text(max_size=200), max_size=20),
    budget_chars=st.integers(1000, 4000),
)
def test_the_budget_holds_and_every_passage_is_one_short_line(
    caption: str, speech: list[str], screen: list[str], budget_chars: int
) -> None:
    made = material(
        caption=caption * 3, speech="|".join(speech * 5), screen=tuple(screen * 5), budget_chars=budget_chars
    )
    passages = made.caption + made.speech + made.screen
    assert sum(len(passage.text) for passage in passages) <= budget_chars
    assert all(0 < len(passage.text) <= PIECE_CHARS and "\n" not in passage.text for passage in passages)


def test_speech_may_take_what_caption_and_screen_leave() -> None:
    made = material(caption="Hi", speech="|".join(["word " * 20] * 95), budget_chars=10_000)
    assert made.left_out == ""


def test_slides_are_named_instead_of_seconds() -> None:
    made = gather(
        video=VIDEO,
        transcript=NO_TRANSCRIPT,
        screen_text=ScreenText(lines=(ScreenLine(text="Step one", slide=2),)),
        budget_chars=5000,
    )
    assert json.loads(made.as_json())["screen"] == [["slide 2", "Step one"]]


SUBTITLES = ("boil the pasta", "add some salt", "stir it well")


def heard(*texts: str) -> Transcript:
    spoken = tuple(Segment(start_s=0, end_s=1, text=text) for text in texts)
    return Transcript(text=" ".join(texts), segments=spoken)


def shown(*texts: str) -> ScreenText:
    return ScreenText(lines=tuple(ScreenLine(text=text, first_s=1.0, last_s=3.0) for text in texts))


def test_burned_in_subtitles_are_read_only_where_nothing_was_heard() -> None:
    lines = (*SUBTITLES, "Lemon Pasta")
    for transcript, texts in ((heard(*SUBTITLES), lines[3:]), (NO_TRANSCRIPT, lines)):
        made = gather(video=VIDEO, transcript=transcript, screen_text=shown(*lines), budget_chars=5000)
        assert tuple(passage.text for passage in made.screen) == texts


def test_a_heading_that_is_also_said_is_no_subtitle() -> None:
    lines = ("HONEY TRAYBAKE", "800 g potatoes")
    made = gather(
        video=VIDEO, transcript=heard("This is a honey traybake."), screen_text=shown(*lines), budget_chars=5000
    )
    assert tuple(passage.text for passage in made.screen) == lines


@pytest.mark.parametrize("title", ["Video by chef_anna", "Post by anna.b", "TikTok video #7301"])
def test_a_title_that_yt_dlp_made_up_is_no_caption(title: str) -> None:
    video = Video(media_key="instagram:1", url="https://www.instagram.com/p/1/", title=title)
    assert not holds_text(video=video, transcript=NO_TRANSCRIPT, screen_text=NO_SCREEN_TEXT)


@pytest.mark.parametrize("text", ["", " \n", "🔥🔥🔥", "…!?", "\u200b\u202e"])
def test_signs_without_letters_are_nothing_to_read(text: str) -> None:
    video = Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1", description=text, uploader="anna")
    screen_text = ScreenText(lines=(ScreenLine(text=text),))
    assert not holds_text(video=video, transcript=Transcript(text=text), screen_text=screen_text)


def test_watermarks_are_left_out_and_text_in_the_filmed_scene_is_named_and_not_for_rules() -> None:
    screen_text = ScreenText(
        lines=(
            ScreenLine(text="Tomato soup", first_s=1.0),
            ScreenLine(text="@kitchen.notes", first_s=0.0, kind=LineKind.WATERMARK),
            ScreenLine(text="EXIT", first_s=2.0, kind=LineKind.SCENE),
        )
    )
    video = Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1")
    material = gather(video=video, transcript=Transcript(), screen_text=screen_text, budget_chars=1000)
    assert [passage.text for passage in material.screen] == ["Tomato soup", "EXIT"]
    assert '"in the filmed scene": [[2.0, "EXIT"]]' in material.as_json()
    assert [passage.text for passage in material.quotable.screen] == ["Tomato soup"]
