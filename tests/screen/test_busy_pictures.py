from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from svp_dagster.screen.bands import Part
from svp_dagster.screen.duplicates import distinct
from svp_dagster.screen.frames import Frame
from tests.media.making import Picture

WIDTH, HEIGHT = SIZE = 540, 960
EVERY_S = 0.2
STEP_PX = 17
TOP = 600
ROWS = TOP + 10, TOP + 40


def leaves() -> Image.Image:
    """Bright and dark strokes of a letter's size, more than a text has, on a picture larger than a frame."""
    chance = random.Random(1)
    drawn = Image.new("RGB", (2 * WIDTH, 2 * HEIGHT), (60, 90, 60))
    pen = ImageDraw.Draw(drawn)
    for _ in range(12_000):
        x, y = chance.randrange(drawn.width), chance.randrange(drawn.height)
        colour = chance.choice([(20, 40, 20), (110, 160, 90), (190, 220, 170), (90, 120, 60)])
        ends = (x, y, x + chance.randrange(-22, 22), y + chance.randrange(-22, 22))
        pen.line(ends, fill=colour, width=chance.randrange(2, 7))
    return drawn


def filmed(*captions: str, each: int) -> list[Frame]:
    """Frames of moving leaves with one caption after another, as many samples long. The last frames have none."""
    ground, font = leaves(), ImageFont.load_default(size=38)
    frames = []
    for number, text in enumerate([text for text in captions for _ in range(each)] + [""] * each):
        left, top = (number * STEP_PX) % WIDTH, (number * STEP_PX * 7 // 5) % HEIGHT
        picture = ground.crop((left, top, left + WIDTH, top + HEIGHT))
        pen = ImageDraw.Draw(picture)
        pen.text((90, TOP), text, font=font, fill="white", stroke_width=4, stroke_fill="black")
        pixels = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
        frames.append(Frame(picture=pixels, at_s=round(0.1 + EVERY_S * number, 1)))
    return frames


def captions_shown(parts: list[Part], *, of: int, each: int) -> int:
    """Count the captions that a part shows while they stand."""
    ends = [round(each * EVERY_S * number, 1) for number in range(of + 1)]
    seen = [part.at_s for part in parts if part.at_s is not None and part.top <= ROWS[0] and ROWS[1] <= part.bottom]
    return sum(any(start <= at_s < end for at_s in seen) for start, end in pairwise(ends))


CAPTIONS = ("Chop two onions", "Fry until golden", "Boil the pasta", "Add olive oil", "Serve it warm", "Taste it")


def test_captions_over_moving_leaves_are_all_taken_and_little_else_is() -> None:
    parts = list(distinct(filmed(*CAPTIONS, each=5)))
    assert captions_shown(parts, of=len(CAPTIONS), each=5) == len(CAPTIONS)
    assert sum(part.bottom - part.top for part in parts) <= 4 * HEIGHT


def test_captions_of_two_samples_over_moving_leaves_are_taken() -> None:
    parts = list(distinct(filmed(*CAPTIONS, each=2)))
    assert captions_shown(parts, of=len(CAPTIONS), each=2) >= len(CAPTIONS) - 1


def test_moving_leaves_without_text_take_whole_frames_alone() -> None:
    parts = list(distinct(filmed(each=40)))
    assert sum(part.bottom - part.top for part in parts) <= 3 * HEIGHT


def test_what_moves_behind_a_caption_is_blurred() -> None:
    frames = filmed("Fry until golden", each=5)
    part = next(part for part in distinct(frames) if part.new and part.top <= ROWS[0])
    assert contrast(part.picture[:, :80]) < 0.7 * contrast(frames[2].picture[part.top : part.bottom, :80])


def contrast(picture: Picture) -> float:
    return float(picture.std())
