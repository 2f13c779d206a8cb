from __future__ import annotations

import resource
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.media import ffmpeg
from tests.media.making import plain_video


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "ffmpeg" in child.name()]


@pytest.fixture
def endless(tmp_path: Path) -> ffmpeg.Stream:
    """Reads one short file for ever."""
    video = plain_video(tmp_path / "a.mp4", duration_s=1, sound=False)
    again = ffmpeg.source(video, stream_loop=-1, readrate=1)
    return ffmpeg.sink(again, format="rawvideo")


def test_a_process_that_takes_too_long_is_killed_and_is_the_failure_asked_for(endless: ffmpeg.Stream) -> None:
    started = time.monotonic()
    with pytest.raises(SvpError, match="longer than") as caught:
        ffmpeg.run(endless, limit_s=0.3, on_error=Code.AUDIO_UNREADABLE)
    assert caught.value.code is Code.AUDIO_UNREADABLE
    assert time.monotonic() - started < 5
    assert not children()


def test_a_caller_who_stops_reading_leaves_no_process_behind(endless: ffmpeg.Stream) -> None:
    def stop_reading() -> None:
        with ffmpeg.running(endless, limit_s=60, on_error=Code.MEDIA_UNREADABLE):
            assert children()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_reading()
    assert not children()


def test_a_process_gets_limits_and_none_of_our_environment(
    endless: ffmpeg.Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    limits, environment = [], {"OPENAI_API_KEY": "not looked at"}
    with suppress(KeyboardInterrupt), ffmpeg.running(endless, limit_s=60, on_error=Code.MEDIA_UNREADABLE):
        (child,) = children()
        limits = [resource.prlimit(child.pid, kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE)]
        environment = child.environ()
        raise KeyboardInterrupt
    assert limits == [ffmpeg.MEMORY_BYTES, ffmpeg.OUTPUT_BYTES]
    assert environment == {}


def test_one_allocation_is_bounded_where_the_system_bounds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plain_video(tmp_path / "a.mp4", duration_s=1, sound=False)
    monkeypatch.setattr(ffmpeg, "MAX_BLOCK_BYTES", 100_000)
    with pytest.raises(SvpError):
        ffmpeg.run(ffmpeg.sink(ffmpeg.source(path), format="rawvideo"), limit_s=10, on_error=Code.MEDIA_UNREADABLE)


def test_a_failed_process_tells_its_last_words_in_the_detail_alone(tmp_path: Path) -> None:
    path = tmp_path / "junk.mp4"
    path.write_bytes(b"junk")
    with pytest.raises(SvpError) as caught:
        ffmpeg.run(ffmpeg.sink(ffmpeg.source(path)), limit_s=10, on_error=Code.MEDIA_UNREADABLE)
    assert "ffmpeg" in caught.value.detail
    assert "ffmpeg" not in caught.value.sentence
