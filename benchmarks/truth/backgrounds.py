"""Draw what lies behind the captions: a soft or hard photograph, a flow of colours, and five busy pictures.

The busy ones have as many strokes of a letter's size as a text has. All are drawn here, and they move.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.clips import FLOW_COLOURS, FRAMES_PER_S, photo

SIZE: Final = (720, 1280)
BUSY: Final = {"fractal": True, "leaves": True, "gravel": True, "water": False, "confetti": False}
"""The busy backgrounds, and whether the product was tuned with them."""

_MARGIN: Final = 1.4
_SPEEDS: Final = {"pan": 0.45, "hard": 1.1, "leaves": 0.6, "gravel": 0.8}
_WAVES_S: Final = 4

Colour = tuple[int, int, int]


def inputs(name: str, folder: Path) -> list[str]:
    """Return ffmpeg's options for a background. Draws it in `folder` where ffmpeg has no source of it."""
    size = f"{SIZE[0]}x{SIZE[1]}"
    if name == "flow":
        return ["-f", "lavfi", "-i", f"gradients=size={size}:rate={FRAMES_PER_S}:speed=0.02:seed=7:{FLOW_COLOURS}"]
    if name == "fractal":
        return ["-f", "lavfi", "-i", f"mandelbrot=size={size}:rate={FRAMES_PER_S}:end_pts=400"]
    if name == "water":
        return ["-framerate", str(FRAMES_PER_S), "-i", str(_frames(folder / name) / "%03d.png")]
    width, height = (int(side * _MARGIN) for side in SIZE)
    path = folder / f"background_{name}.png"
    if name in _DRAWN:
        _draw(path, width, 3 * height if name == "confetti" else height, _DRAWN[name])
        return ["-i", str(path)]
    return ["-i", str(photo(path, width, height, seed=5, lines=name == "hard"))]


def motion(name: str) -> str:
    """Return the filters that move a background."""
    if name in ("flow", "fractal"):
        return ""
    if name == "water":
        return f"loop=loop=-1:size={_WAVES_S * FRAMES_PER_S},"
    still = f"loop=loop=-1:size=1,fps={FRAMES_PER_S},"
    if name == "confetti":
        return f"{still}crop={SIZE[0]}:{SIZE[1]}:x='(iw-ow)/2*(1+sin(t))':y='mod(ih-oh-t*300,ih-oh)',"
    speed = _SPEEDS[name]
    across, down = f"(iw-ow)/2*(1+sin(t*{speed}))", f"(ih-oh)/2*(1+cos(t*{speed * 0.7:.2f}))"
    return f"{still}crop={SIZE[0]}:{SIZE[1]}:x='{across}':y='{down}',"


def _draw(
    path: Path, width: int, height: int, shape: Callable[[ImageDraw.ImageDraw, random.Random, int, int], None]
) -> None:
    """Cover a picture with shapes, from the back to the front."""
    picture = Image.new("RGB", (width, height), (30, 40, 25))
    pen, chance = ImageDraw.Draw(picture), random.Random(3)
    for _ in range(width * height // 350):
        shape(pen, chance, chance.randrange(width), chance.randrange(height))
    picture.save(path, compress_level=1)


def _leaf(pen: ImageDraw.ImageDraw, chance: random.Random, x: int, y: int) -> None:
    """Draw a pointed leaf with a bright vein."""
    length, angle, bright = chance.uniform(12, 45), chance.uniform(0, math.tau), chance.uniform(0.3, 1.6)
    along, across = (math.cos(angle) * length, math.sin(angle) * length), chance.uniform(0.2, 0.4)
    side = (-along[1] * across, along[0] * across)
    outline = [
        (x - along[0], y - along[1]),
        (x + side[0], y + side[1]),
        (x + along[0], y + along[1]),
        (x - side[0], y - side[1]),
    ]
    pen.polygon(outline, fill=_lit((60, 120, 45), bright))
    pen.line((outline[0], outline[2]), fill=_lit((130, 160, 90), bright), width=2)


def _stone(pen: ImageDraw.ImageDraw, chance: random.Random, x: int, y: int) -> None:
    """Draw a round stone with its shadow and a light."""
    wide, high, bright = chance.uniform(5, 18), chance.uniform(5, 14), chance.uniform(0.4, 1.5)
    pen.ellipse((x - wide, y - high + 3, x + wide, y + high + 3), fill=(20, 18, 16))
    pen.ellipse((x - wide, y - high, x + wide, y + high), fill=_lit((130, 122, 112), bright))
    pen.ellipse((x - wide / 2, y - high / 1.5, x, y - high / 4), fill=_lit((165, 158, 150), bright))


def _paper(pen: ImageDraw.ImageDraw, chance: random.Random, x: int, y: int) -> None:
    """Draw a strip of coloured paper on one of ten places, so that the ground is seen between them."""
    if chance.random() > 0.3:
        return
    length, thick, angle = chance.uniform(6, 16), chance.uniform(2, 6), chance.uniform(0, math.tau)
    ends = [(x + side * math.cos(angle) * length, y + side * math.sin(angle) * length) for side in (-1, 1)]
    pen.line(
        ends,
        fill=tuple(chance.choice(((250, 250, 250), (240, 60, 80), (250, 210, 60), (60, 180, 250)))),
        width=int(thick),
    )


_DRAWN: Final = {"leaves": _leaf, "gravel": _stone, "confetti": _paper}


def _lit(colour: Colour, bright: float) -> Colour:
    red, green, blue = (min(int(part * bright), 255) for part in colour)
    return red, green, blue


def _frames(folder: Path) -> Path:
    """Draw light on moving water: a net of bright lines whose meshes open and close."""
    folder.mkdir(exist_ok=True)
    for number, frame in enumerate(_waves()):
        Image.fromarray(frame).save(folder / f"{number:03d}.png", compress_level=1)
    return folder


def _waves() -> Iterator[NDArray[np.uint8]]:
    chance = np.random.default_rng(3)
    down, across = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    waves = [(chance.uniform(0, math.tau), chance.uniform(0.03, 0.12), int(chance.integers(1, 6))) for _ in range(8)]
    for number in range(_WAVES_S * FRAMES_PER_S):
        turn = math.tau * number / (_WAVES_S * FRAMES_PER_S)
        height = sum(
            np.sin((across * math.cos(angle) + down * math.sin(angle)) * pitch + turns * turn)
            for angle, pitch, turns in waves
        )
        light = np.exp(-np.abs(height) * 1.8)[:, :, None]
        yield np.clip(np.array([20, 90, 120]) + light * np.array([230, 165, 135]), 0, 255).astype(np.uint8)
