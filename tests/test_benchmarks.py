"""A benchmark that lacks what it measures says so, and one whose figures are bad fails."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import imageio_ffmpeg
import pytest

from benchmarks.clips import clips, make
from benchmarks.truth.__main__ import LIMITS, Limit, main
from benchmarks.truth.parts import NotMeasured
from svp_dagster.screen.scripts import tesseract


def test_a_clip_that_is_to_be_spoken_needs_a_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="install Debian's package espeak-ng"):
        make(clips(quick=True)[0], tmp_path, ffmpeg, spoken=True)


def truth(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_scripts_are_not_measured_without_what_reads_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tesseract, "installed_languages", frozenset)
    assert truth("--only", "scripts") == 1
    assert (
        "scripts was not measured: install Debian's packages tesseract-ocr tesseract-ocr-rus" in capsys.readouterr().out
    )


def a_part(monkeypatch: pytest.MonkeyPatch, name: str, figures: dict[str, float] | NotMeasured) -> None:
    """A module in the place of a part of the truth benchmark."""

    def measure() -> dict[str, float]:
        if isinstance(figures, NotMeasured):
            raise figures
        return figures

    module = ModuleType(f"benchmarks.truth.{name}")
    module.measure = measure  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_the_answers_and_the_engine_without_a_key_stay_within_their_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert truth("--only", "answers", "--only", "extractive") == 0
    printed = capsys.readouterr().out
    figures = dict(pair.split("=") for pair in printed.splitlines()[-1].split())
    assert set(figures) == {"bad_written", "good_blanked", "extractive_wrong"}
    assert "bad written, held out" in printed
    assert "columns, held out" in printed


def test_a_part_that_is_not_there_fails_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.truth.__main__.PARTS", ("tasting",))
    assert truth() == 1
    assert "tasting was not measured: there is no module benchmarks.truth.tasting" in capsys.readouterr().out


def test_a_part_that_can_not_measure_here_fails_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_part(monkeypatch, "scripts", NotMeasured("install Debian's package tesseract-ocr"))
    a_part(monkeypatch, "speech", {"speech_kept": 0.9})
    assert truth("--only", "scripts", "--only", "speech") == 1
    printed = capsys.readouterr().out
    assert "scripts was not measured: install Debian's package tesseract-ocr" in printed
    assert printed.splitlines()[-1] == "speech_kept=0.90"


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_a_figure_beyond_its_limit_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, limit: Limit
) -> None:
    good = limit.at_least if limit.at_least is not None else limit.at_most
    assert good is not None
    worse = good - 0.01 if limit.at_least is not None else good + 0.01
    for value, code in ((good, 0), (worse, 1)):
        a_part(monkeypatch, "captions", {name: value})
        assert truth("--only", "captions") == code
    assert f"{name} is " in capsys.readouterr().out


def test_the_live_check_needs_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    assert truth("--only", "answers", "--live") == 1
    assert "set GEMINI_API_KEY" in capsys.readouterr().out
