"""The shipped clips hold what their descriptions say."""

from typing import Any

import cv2
import numpy as np
import pytest

from sandbox.media import files
from sandbox.media.make_clips import ALL_CLIPS, ALL_SLIDES, PASTA_SPEECH, Clip
from svp_dagster.download.captions import parse
from svp_dagster.media.probe import probe


@pytest.mark.parametrize("clip", ALL_CLIPS, ids=lambda clip: clip.name)
def test_a_clip_has_the_size_length_and_sound_that_it_should(clip: Clip) -> None:
    facts = probe(files.CLIPS / f"{clip.name}.mp4")

    assert (facts.width_px, facts.height_px) == clip.size_px
    assert facts.duration_s == pytest.approx(clip.duration_s, abs=0.1)
    assert facts.has_audio is not clip.silent
    assert not facts.is_truncated


def test_the_captions_say_what_is_said_while_it_is_said() -> None:
    english = parse((files.CLIPS / "pasta.en.vtt").read_text())
    spanish = parse((files.CLIPS / "pasta.es.vtt").read_text())

    assert tuple(segment.text for segment in english) == PASTA_SPEECH
    assert [segment.start_s for segment in spanish] == [segment.start_s for segment in english]
    assert english[-1].end_s < probe(files.CLIPS / "pasta.mp4").duration_s


@pytest.mark.parametrize(
    ("clip", "at_s", "line"),
    [("pasta", 8, "400 g canned tomatoes"), ("cafe", 10, "closed on Monday"), ("ramen", 12, "水曜日定休")],
)
def test_the_text_on_the_screen_can_be_read(clip: str, at_s: int, line: str, reader: Any) -> None:
    film = cv2.VideoCapture(str(files.CLIPS / f"{clip}.mp4"))
    film.set(cv2.CAP_PROP_POS_MSEC, at_s * 1000)
    _, frame = film.read()
    film.release()

    assert line in reader(frame).txts


def test_the_slides_are_pictures_of_a_usual_size() -> None:
    for slide in ALL_SLIDES:
        picture = cv2.imdecode(np.frombuffer(files.read(f"{slide.name}.jpg"), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (900, 720, 3)


@pytest.fixture(scope="module")
def reader() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR()
