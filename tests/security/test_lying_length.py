"""A file may claim to play for ten seconds and play for hours: the limit holds, and nobody pays for what it hides."""

from __future__ import annotations

from pathlib import Path

import pytest

from svp_dagster.download.stage import download, open_file
from svp_dagster.errors import Code, SvpError
from svp_dagster.models import ProcessingType, Video
from svp_dagster.speech.engines import OpenAISpeech
from svp_dagster.speech.stage import transcribe
from tests.download.downloads import link
from tests.download.test_stage import DeliveringDownloader
from tests.fakes import ContentsInMemory, CountingMeter
from tests.media.lying import FACTOR, PLAYS_S, SEEN_SOUNDS, SEEN_VIDEOS, UNSEEN_SOUNDS, UNSEEN_VIDEOS
from tests.media.making import CLIPS
from tests.sandbox.ai_service import AiService

SAID_S = PLAYS_S / FACTOR
LIMIT_S = 30.0


def slideshow(sound: Path) -> Video:
    """Return a post of a picture and a sound, as the downloader delivers it and the stage checks it."""
    delivered = DeliveringDownloader(slides=(CLIPS / "porto_1.jpg",), audio_path=sound, max_duration_s=LIMIT_S)
    return download(link("porto_day"), downloader=delivered, folder=sound.parent)


def paid_s(video: Video, service: AiService) -> float:
    """Return for how many seconds OpenAI is paid."""
    meter = CountingMeter()
    engine = OpenAISpeech(api_key="sk-secret", base_url=f"{service.url}/v1", attempts=1)
    transcribe(
        video,
        processing_type=ProcessingType.FULL,
        engine=engine,
        contents=ContentsInMemory(),
        meter=meter,
        folder=video.files[0].path.parent,
    )
    return sum(call.units for call in meter.calls)


@pytest.mark.parametrize("name", SEEN_VIDEOS)
def test_a_video_whose_header_lies_is_too_long(tmp_path: Path, name: str) -> None:
    SEEN_VIDEOS[name](tmp_path / name)
    with pytest.raises(SvpError) as caught:
        open_file(tmp_path / name, max_duration_s=LIMIT_S)
    assert caught.value.code is Code.TOO_LONG


@pytest.mark.parametrize("name", SEEN_SOUNDS)
def test_a_sound_whose_header_lies_is_too_long(tmp_path: Path, name: str) -> None:
    SEEN_SOUNDS[name](tmp_path / name)
    with pytest.raises(SvpError) as caught:
        slideshow(tmp_path / name)
    assert caught.value.code is Code.TOO_LONG


@pytest.mark.parametrize("name", UNSEEN_VIDEOS)
def test_of_a_video_whose_clock_lies_no_more_is_heard_than_it_says(
    tmp_path: Path, gemini: AiService, name: str
) -> None:
    UNSEEN_VIDEOS[name](tmp_path / name)
    video = open_file(tmp_path / name, max_duration_s=LIMIT_S)
    assert video.duration_s == pytest.approx(SAID_S, abs=1)
    assert SAID_S / 2 < paid_s(video, gemini) <= SAID_S + 2


@pytest.mark.parametrize("name", UNSEEN_SOUNDS)
def test_of_a_sound_whose_clock_lies_no_more_is_heard_than_it_says(
    tmp_path: Path, gemini: AiService, name: str
) -> None:
    UNSEEN_SOUNDS[name](tmp_path / name)
    assert SAID_S / 2 < paid_s(slideshow(tmp_path / name), gemini) <= SAID_S + 2
