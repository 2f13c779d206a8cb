"""Tesseract as a process: what it is given, and what happens when it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Word
from svp_dagster.screen.scripts import second_reading, tesseract
from svp_dagster.screen.scripts.letters import draw_letters
from tests.screen.lettering import frame, need_tesseract

LISTED = 'if [ "$1" = --list-langs ]; then printf "List of languages (2):\\neng\\ntha\\n"; exit; fi\n'
BLANK_LINE = np.full((110, 400), 255, dtype=np.uint8)


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    tesseract.installed_languages.cache_clear()
    yield
    tesseract.installed_languages.cache_clear()


def a_binary(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a script in the place of Tesseract's binary."""
    binary = folder / "tesseract"
    binary.write_text(f"#!/bin/sh\n{script}")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def failed(limit_s: float = 20.0) -> SvpError:
    with pytest.raises(SvpError) as caught:
        tesseract.read_lines([BLANK_LINE], "tha", limit_s=limit_s)
    return caught.value


def test_lines_come_back_in_order_and_one_without_text_is_uncertain() -> None:
    need_tesseract()
    line = draw_letters(frame("Сварите макароны")[110:190, 20:660], light=True)
    readings = tesseract.read_lines([BLANK_LINE, line, BLANK_LINE], "rus", limit_s=60)
    assert readings[1].text == "Сварите макароны"
    assert [reading.certainty > 0.8 for reading in readings] == [False, True, False]


def test_without_the_binary_or_with_a_broken_one_there_are_no_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert tesseract.installed_languages() == frozenset()
    tesseract.installed_languages.cache_clear()
    monkeypatch.setenv("PATH", os.defpath)
    a_binary(tmp_path, monkeypatch, "exit 127")
    assert tesseract.installed_languages() == frozenset()


def test_a_process_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_binary(tmp_path, monkeypatch, f"{LISTED}echo $$ > {tmp_path}/pid\nexec /bin/sleep 60")
    error = failed(limit_s=1.0)
    assert error.code is Code.SCREEN_FAILED
    assert "longer than 1 s" in error.detail
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("script", ["exit 1", "kill -SEGV $$", ': > "$2.txt"; printf "level\\n" > "$2.tsv"; exit 3'])
def test_a_process_that_fails_is_a_failure_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    a_binary(tmp_path, monkeypatch, LISTED + script)
    assert failed().code is Code.SCREEN_FAILED


def test_it_gets_no_secret_and_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "a-secret-of-ours")
    a_binary(tmp_path, monkeypatch, f"/usr/bin/env > {tmp_path}/env; exit 1")
    failed()
    given = (tmp_path / "env").read_text()
    assert "OMP_THREAD_LIMIT=1" in given
    assert "secret" not in given


def test_its_failure_leaves_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_binary(tmp_path, monkeypatch, f"{LISTED}exit 1")
    path = tmp_path / "sheet.png"
    cv2.imwrite(str(path), np.zeros((200, 600, 3), dtype=np.uint8))
    known = Word(text="Dinner", left=10, top=100, right=200, bottom=140, certainty=0.99)
    unknown = Word(text="n7n Dy", left=10, top=10, right=400, bottom=50, certainty=0.5)
    read = second_reading.read_again([path, path], [[unknown, known], None], limit_s=20)
    assert read == [[unknown.model_copy(update={"text": ""}), known], None]


@pytest.mark.parametrize(("light", "letters", "paper"), [(True, 255, 60), (False, 0, 235)], ids=["light", "dark"])
def test_letters_are_drawn_black_on_white(light: bool, letters: int, paper: int) -> None:
    line = np.full((60, 200, 3), 120, dtype=np.uint8)
    line[4:56, 4:196] = paper
    line[20:40, 50:60] = line[20:40, 100:110] = letters
    drawn = draw_letters(line, light=light)
    assert (drawn < 128).mean() == pytest.approx(2 * 20 * 10 / (60 * 200), abs=0.01)
    assert {int(drawn[0, 0]), int(drawn[-1, -1])} == {255}


def test_a_line_without_letters_is_an_empty_picture() -> None:
    assert (draw_letters(np.full((40, 300, 3), 90, dtype=np.uint8), light=True) == 255).all()
