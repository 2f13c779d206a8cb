from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import ProcessingType, ScreenText, Video, Word
from svp_dagster.ports import ScreenReader
from svp_dagster.screen.engines import LocalReader
from svp_dagster.screen.stage import read_screen
from tests.fakes import ContentsInMemory, CountingMeter, ShowingReader
from tests.media.hostile import junk
from tests.media.making import CLIPS, Picture, picture, plain_video, probed, sound
from tests.media.making import video as make_video

SIZE = (540, 960)
FIRST_TILE = Word(text="Pasta", left=40, top=50, right=140, bottom=80)


def video(path: Path | None, **fields: object) -> Video:
    return probed(Video.model_validate({"media_key": "TikTok:1", "url": "https://x", "video_path": path} | fields))


def read(
    given_video: Video,
    folder: Path,
    *,
    reader: ScreenReader | None = None,
    contents: ContentsInMemory | None = None,
    processing_type: ProcessingType = ProcessingType.FULL,
    limit_s: float = 120.0,
) -> ScreenText:
    return read_screen(
        given_video,
        processing_type=processing_type,
        reader=reader or ShowingReader(words=[FIRST_TILE]),
        contents=contents or ContentsInMemory(),
        meter=CountingMeter(),
        folder=folder,
        with_sheet=False,
        limit_s=limit_s,
    )


def recipe_at(at_s: float) -> Picture:
    """A title that stays, and captions of four seconds."""
    caption = ["Boil 200 g of pasta", "Fry two onions", "Serve with basil"][min(int(at_s // 4), 2)]
    return picture("Tomato Pasta", caption, size=SIZE, height_px=44)


def test_what_is_shown_is_read_with_the_times_at_which_it_was_on(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", recipe_at, duration_s=12, frames_per_s=2)
    found = read(video(path), tmp_path, reader=LocalReader())
    lines = {"".join(line.text.split()): (line.first_s, line.last_s) for line in found.lines}
    assert lines == {
        "TomatoPasta": pytest.approx((0, 12), abs=0.5),
        "Boil200gofpasta": pytest.approx((0, 4), abs=0.5),
        "Frytwoonions": pytest.approx((4, 8), abs=0.5),
        "Servewithbasil": pytest.approx((8, 12), abs=0.5),
    }
    assert found.frames_read <= 6
    assert (found.source, found.note) == ("RapidOCR", "")
    assert [left.name for left in tmp_path.iterdir()] == ["a.mp4"]


def test_many_frames_are_one_picture(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        lambda at_s: picture(f"Step {int(at_s // 2)}", size=(360, 640)),
        duration_s=20,
        frames_per_s=1,
    )
    reader = ShowingReader(words=[FIRST_TILE])
    assert read(video(path), tmp_path, reader=reader).frames_read >= 10
    assert len(reader.pictures) == 1


def test_slides_are_told_by_their_number(tmp_path: Path) -> None:
    slides = (CLIPS / "stretch_1.jpg", CLIPS / "stretch_2.jpg", CLIPS / "stretch_3.jpg")
    found = read(video(None, slides=slides), tmp_path, reader=LocalReader())
    assert {line.slide for line in found.lines} == {1, 2, 3}
    assert all(line.first_s is None for line in found.lines)


def test_a_clip_between_pictures_is_read_frame_by_frame_under_its_number(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "clip.mp4", recipe_at, duration_s=12, frames_per_s=2)
    slides = (CLIPS / "stretch_1.jpg", clip, CLIPS / "stretch_3.jpg")
    found = read(video(None, slides=slides), tmp_path, reader=LocalReader())
    in_clip = {"".join(line.text.split()) for line in found.lines if line.slide == 2}
    assert in_clip == {"TomatoPasta", "Boil200gofpasta", "Frytwoonions", "Servewithbasil"}
    assert {line.slide for line in found.lines} == {1, 2, 3}
    assert all(line.first_s is None for line in found.lines)


def test_a_slide_that_can_not_be_opened_is_said_and_leaves_the_others(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    junk(broken)
    contents = ContentsInMemory()
    found = read(video(None, slides=(CLIPS / "stretch_1.jpg", broken)), tmp_path, contents=contents)
    assert found.lines
    assert "Slide 2 can't be read" in found.note


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = plain_video(tmp_path / "whole.mp4", "-movflags", "+faststart", duration_s=20).read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole[: len(whole) // 2])
    found = read(video(broken), tmp_path)
    assert found.lines
    assert "breaks off" in found.note


def test_the_second_time_nothing_is_read(tmp_path: Path) -> None:
    path, contents, reader = plain_video(tmp_path / "a.mp4"), ContentsInMemory(), ShowingReader(words=[FIRST_TILE])
    first = read(video(path), tmp_path, reader=reader, contents=contents)
    pictures = len(reader.pictures)
    second = read(video(path), tmp_path, reader=reader, contents=contents)
    assert len(reader.pictures) == pictures
    assert second == first


@pytest.mark.parametrize(
    "problem", [failure(Code.SERVICE_UNREACHABLE, service="Vision"), failure(Code.BUDGET_REACHED, budget="$5")]
)
def test_a_reader_that_fails_stops_nothing_and_is_said_and_not_kept(tmp_path: Path, problem: SvpError) -> None:
    contents, reader = ContentsInMemory(), ShowingReader(problem=problem)
    found = read(video(plain_video(tmp_path / "a.mp4")), tmp_path, reader=reader, contents=contents)
    assert found.lines == ()
    assert "was not read" in found.note
    assert contents.kept == {}


def test_what_was_read_beside_an_unreadable_picture_is_told_but_not_kept(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        lambda at_s: picture(f"Step {int(at_s // 2)}", size=(360, 640)),
        duration_s=8,
        frames_per_s=1,
    )
    contents, reader = ContentsInMemory(), ShowingReader(words=[FIRST_TILE], unreadable=[1], tiles=1)
    found = read(video(path), tmp_path, reader=reader, contents=contents)
    assert re.fullmatch(r"Only \d of \d pictures could be read\.", found.note)
    assert found.lines
    assert contents.kept == {}


@pytest.mark.parametrize("limit_s", [0.02, 1e-6])
def test_a_time_limit_ends_the_stage_and_not_the_run(tmp_path: Path, limit_s: float) -> None:
    found = read(video(plain_video(tmp_path / "a.mp4", duration_s=10)), tmp_path, limit_s=limit_s)
    assert found.note


def test_a_file_that_is_no_video_stops_nothing(tmp_path: Path) -> None:
    path = plain_video(tmp_path / "a.mp4")
    found = video(path)
    junk(path)
    assert "was not read" in read(found, tmp_path).note


def test_a_sound_alone_has_nothing_to_read(tmp_path: Path) -> None:
    alone = video(None, audio_path=sound(tmp_path / "a.mp3", "sine=duration=1"))
    assert read(alone, tmp_path).note == "There are no pictures to read."


def test_pictures_without_text_say_so(tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (540, 960), "navy").save(blank)
    found = read(video(None, slides=(blank,)), tmp_path, reader=ShowingReader())
    assert (found.lines, found.note) == ((), "No text was seen on the screen.")


@pytest.mark.parametrize("kind", [ProcessingType.SPEECH, ProcessingType.CAPTION])
def test_a_processing_type_that_does_not_read_says_so(kind: ProcessingType, tmp_path: Path) -> None:
    assert str(kind) in read(video(CLIPS / "cafe.mp4"), tmp_path, processing_type=kind).note


def test_a_defect_is_not_hidden(tmp_path: Path) -> None:
    class Broken(ShowingReader):
        def read(self, *_: object, **__: object) -> list[list[Word] | None]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read(video(plain_video(tmp_path / "a.mp4")), tmp_path, reader=Broken())
    assert not isinstance(ZeroDivisionError(), SvpError)
