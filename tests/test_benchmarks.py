"""A benchmark that lacks what it measures says so."""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import pytest

from benchmarks.clips import clips, make


def test_a_clip_that_is_to_be_spoken_needs_a_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="install Debian's package espeak-ng"):
        make(clips(quick=True)[0], tmp_path, ffmpeg, spoken=True)
