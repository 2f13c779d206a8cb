"""What `svp check` asks Google Vision: contact sheets of 30 and of 15 frames whose words are known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from svp_dagster.commands.checks.line import Answer, CheckLine, Questions, skipped
from svp_dagster.media.pictures import Picture
from svp_dagster.models import Word
from svp_dagster.ports import ScreenReader
from svp_dagster.screen import lines, sheets
from svp_dagster.screen.engines import VisionReader

SERVICE = "vision"
SHEETS = (30, 15)
WORDS = (
    "apple", "bread", "candle", "dragon", "eagle", "forest", "garden", "hammer", "island", "jacket",
    "kettle", "lemon", "mirror", "needle", "orange", "pencil", "quartz", "river", "silver", "table",
    "umbrella", "violin", "window", "yellow", "zebra", "basket", "copper", "desert", "engine", "falcon",
)  # fmt: skip
MARKS = "#pasta (972) 243-2932"
"""A line of the first frame, whose marks Vision gives as words of their own."""

FRAME_PX = (540, 960)
_LEFT_PX, _LARGE_PX, _SMALL_PX, _MARKS_PX = 40, 300, 600, 800
_LARGE, _SMALL = (2.0, 4), (0.8, 2)
"""Scale and thickness of OpenCV's letters: 44 and 18 pixels high."""
_LIMIT_S = 60.0
_SMALLER = "Small print is missed at this size: use SVP_TILES_PER_SHEET=15 if the sheet of 15 reads more."
_REPORT = "Please report it with this table: text on the screen is lost."


def check_screen(engine: ScreenReader, questions: Questions) -> Iterator[CheckLine]:
    """Yield a line for each size of sheet, and one for punctuation."""
    if not isinstance(engine, VisionReader):
        names = [*(f"sheet of {count}" for count in SHEETS), "punctuation"]
        yield from (skipped(SERVICE, asked, "Set GOOGLE_VISION_API_KEY.") for asked in names)
        return
    first_frame: list[Word] = []
    for count in SHEETS:
        expected = f"{count} of {count} large and {count} of {count} small words"
        how = partial(_read_sheet, engine, questions, count, first_frame)
        yield questions.ask(SERVICE, f"sheet of {count}", expected=expected, how=how)
    if first_frame:
        yield questions.ask(SERVICE, "punctuation", expected=MARKS, how=lambda: _punctuation(first_frame))
    else:
        yield skipped(SERVICE, "punctuation", "Needs a sheet of which something was read.")


def small_word(frame: int) -> str:
    """Return the small print of a frame, which is the large word of another."""
    return WORDS[(frame + 7) % len(WORDS)]


def _read_sheet(engine: VisionReader, questions: Questions, count: int, first_frame: list[Word]) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        (sheet,) = sheets.write_sheets(map(_frame, range(count)), Path(folder), tiles=count)
        (words,) = engine.read([sheet.path], meter=questions.tally, limit_s=_LIMIT_S)
    tiles = sheets.words_by_tile(sheet, words or [])
    first_frame[:] = tiles[0]
    texts = [{word.text.lower() for word in tile} for tile in tiles]
    large = sum(WORDS[frame] in text for frame, text in enumerate(texts))
    small = sum(small_word(frame) in text for frame, text in enumerate(texts))
    got = f"{large} of {count} large and {small} of {count} small words"
    if large < count:
        return Answer(got=got, advice=_REPORT)
    return Answer(got=got, advice=_SMALLER if small < count else "")


def _punctuation(first_frame: Sequence[Word]) -> Answer:
    read = [line.text for line in lines.join_words(first_frame)]
    if MARKS in read:
        return Answer(got=MARKS)
    return Answer(got=" | ".join(read), advice=_REPORT)


def _frame(number: int) -> Picture:
    import cv2

    width, height = FRAME_PX
    picture: Picture = np.full((height, width, 3), (60, 50, 40), dtype=np.uint8)
    texts = [(WORDS[number], _LARGE_PX, _LARGE), (small_word(number), _SMALL_PX, _SMALL)]
    if number == 0:
        texts.append((MARKS, _MARKS_PX, _SMALL))
    for text, y, (scale, thickness) in texts:
        white = (255, 255, 255)
        cv2.putText(picture, text, (_LEFT_PX, y), cv2.FONT_HERSHEY_SIMPLEX, scale, white, thickness, cv2.LINE_AA)
    return picture
