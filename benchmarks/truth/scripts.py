"""Part `scripts`: captions in ten scripts, read by the local reader from clips with a moving background.

    scripts    scripts of which nine words in ten are read

Each caption stands for two seconds. A Latin line stands below some; the table says how many of those are read too. It
also shows what looking for other scripts costs a Latin video.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.truth.parts import NotMeasured, load, print_table
from svp_dagster.commands.process import Tally, Unkept
from svp_dagster.media.pictures import Picture
from svp_dagster.media.probe import probe
from svp_dagster.models import JsonObject, ProcessingType, ScreenText, Video
from svp_dagster.prices import load_prices
from svp_dagster.screen.engines import LOCAL_TILES, LocalReader
from svp_dagster.screen.lines import essence
from svp_dagster.screen.scripts import second_reading, table
from svp_dagster.screen.sheets import write_sheets
from svp_dagster.screen.stage import read_screen

FONTS = Path("/usr/share/fonts/truetype")
FONT_PACKAGES = "fonts-noto-core fonts-nanum fonts-droid-fallback"
LATIN_FONT = "NotoSans-Bold.ttf"
SIZE = (540, 960)
LETTERS_PX = (40, 34, 44)
"""In a frame of 540 px; lines that are too long are drawn smaller."""

STYLES = ("outline", "box", "colour")
SHOWN_S = 2
FRAMES_PER_S = 4
WORDS_READ = 0.9
ROUNDS = 3
_LIMIT_S = 300.0


def measure() -> dict[str, float]:
    """Read a clip in each script, print a table, and return how many scripts are read."""
    material = load("scripts.yaml")
    _require_packages(material)
    print_table(["script", "read by", "words read", "not read", "Latin lines beside it", "s"], [])
    good = sum(_is_read(script) for script in material)
    print(f"\nlatin_seconds_ratio={latin_seconds_ratio(material):.3f}")
    return {"scripts": good}


def _is_read(script: JsonObject) -> bool:
    """Read a clip in a script, print its row, and return whether enough was read."""
    name = script["script"]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        text = _read(_clip(script, Path(folder)), Path(folder))
    found, missing = _words(script, text)
    count = found + len(missing)
    latin = [line for line in _lines(script, latin=True) if name != "Latin"]
    beside = sum(line in {shown.text for shown in text.lines} for line in latin)
    seconds = time.monotonic() - started
    cells = (
        name,
        _engine(name),
        f"{found} of {count}",
        " ".join(missing[:5]),
        f"{beside} of {len(latin)}",
        f"{seconds:.0f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)
    return found >= WORDS_READ * count


def latin_seconds_ratio(material: Sequence[JsonObject]) -> float:
    """Return the seconds that Latin pictures take, divided by those without looking for other scripts."""
    latin = next(script for script in material if script["script"] == "Latin")
    reader = LocalReader()
    with tempfile.TemporaryDirectory() as folder:
        drawn = (draw(script, number) for script in (latin,) for number in range(len(script["frames"])))
        paths = [sheet.path for sheet in write_sheets(drawn, Path(folder), tiles=LOCAL_TILES)]
        all_s, again_s = [], []
        for _ in range(ROUNDS):
            started = time.monotonic()
            words = reader.read(paths, meter=Tally(load_prices(None)), limit_s=_LIMIT_S)
            all_s.append(time.monotonic() - started)
            started = time.monotonic()
            second_reading.read_again(paths, words, limit_s=_LIMIT_S)
            again_s.append(time.monotonic() - started)
    return min(all_s) / (min(all_s) - min(again_s))


def draw(script: JsonObject, number: int, *, at_s: float = 0.0) -> Picture:
    """Return a frame of a script's captions over a background that moves with time."""
    frame = Image.fromarray(_background(number, at_s))
    captions = _captions(tuple(script["frames"][number]), tuple(script["fonts"]), number)
    frame.paste(captions, mask=captions)
    return np.ascontiguousarray(np.asarray(frame)[:, :, ::-1])


@lru_cache(maxsize=1)
def _captions(lines: Sequence[str], fonts: Sequence[str], number: int) -> Image.Image:
    """Return a transparent picture of a frame's lines."""
    layer = Image.new("RGBA", SIZE)
    top = SIZE[1] * (0.3 + 0.1 * (number % 3))
    for line in lines:
        text = line.replace("|", "")
        name = LATIN_FONT if text.isascii() else fonts[number % len(fonts)]
        height_px = LETTERS_PX[number % len(LETTERS_PX)]
        top += 1.9 * _write(layer, text, top, name, height_px, STYLES[number % len(STYLES)])
    return layer


def _write(frame: Image.Image, text: str, top: float, name: str, height_px: int, style: str) -> int:
    """Write a line in the middle of the frame. Returns the height of its letters, which fit the width."""
    pen = ImageDraw.Draw(frame)
    font = _font(name, height_px)
    while pen.textlength(text, font=font) > frame.width - 40:
        height_px -= 1
        font = _font(name, height_px)
    place = ((frame.width - pen.textlength(text, font=font)) / 2, top)
    if style == "box":
        left, upper, right, lower = pen.textbbox(place, text, font=font)
        pen.rounded_rectangle((left - 12, upper - 8, right + 12, lower + 8), radius=8, fill="white")
        pen.text(place, text, font=font, fill="black")
    else:
        fill = "white" if style == "outline" else "yellow"
        pen.text(place, text, font=font, fill=fill, stroke_width=2, stroke_fill="black")
    return height_px


def _font(name: str, height_px: int) -> ImageFont.FreeTypeFont:
    # Arabic and Devanagari are shaped by raqm, which Pillow's wheels bring.
    return ImageFont.truetype(str(_fonts()[name]), height_px, layout_engine=ImageFont.Layout.RAQM)


def _fonts() -> dict[str, Path]:
    return {path.name: path for path in FONTS.glob("*/*.ttf")}


def _background(seed: int, at_s: float) -> Picture:
    """Return a view by a camera that moves."""
    left, top = round(100 + 80 * np.sin(at_s)), round(100 + 80 * np.cos(at_s))
    return _blobs(seed)[top : top + SIZE[1], left : left + SIZE[0]]


@lru_cache(maxsize=1)
def _blobs(seed: int) -> Picture:
    """Return soft blobs in all colours, larger than a frame."""
    blobs = Image.fromarray(np.random.default_rng(seed).integers(20, 230, (20, 12, 3), dtype=np.uint8))
    return np.asarray(blobs.resize((SIZE[0] + 200, SIZE[1] + 200), Image.Resampling.BICUBIC))


def _clip(script: JsonObject, folder: Path) -> Path:
    """Write the captions, one after another, to an H.264 file."""
    path = folder / "clip.mp4"
    size = f"{SIZE[0]}x{SIZE[1]}"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error",
        "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", size, "-r", str(FRAMES_PER_S), "-i", "pipe:0",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-pix_fmt", "yuv420p", str(path),
    ]  # fmt: skip
    subprocess.run(command, input=b"".join(map(bytes, _frames(script))), check=True, timeout=_LIMIT_S)
    return path


def _frames(script: JsonObject) -> Iterator[Picture]:
    for number in range(len(script["frames"])):
        for frame in range(SHOWN_S * FRAMES_PER_S):
            yield draw(script, number, at_s=number * SHOWN_S + frame / FRAMES_PER_S)


def _read(path: Path, folder: Path) -> ScreenText:
    return read_screen(
        Video(media_key="tiktok:1", url="https://www.tiktok.com/", video_path=path, files=(probe(path),)),
        processing_type=ProcessingType.FULL,
        reader=LocalReader(),
        contents=Unkept(),
        meter=Tally(load_prices(None)),
        folder=folder,
        with_sheet=False,
        limit_s=_LIMIT_S,
    )


def _words(script: JsonObject, text: ScreenText) -> tuple[int, list[str]]:
    """Return how many of the script's words were read, and those that were not."""
    read = {essence(word) for line in text.lines for word in line.text.split()}
    joined = " ".join(essence(line.text) for line in text.lines)
    missing = []
    count = 0
    for line in _lines(script, latin=script["script"] == "Latin"):
        for word in line.split("|" if "|" in line else None):
            count += 1
            if not (essence(word) in joined if "|" in line else essence(word) in read):
                missing.append(word)
    return count - len(missing), missing


def _lines(script: JsonObject, *, latin: bool) -> list[str]:
    """Return the lines in the script, or those in Latin letters, which are all lines of the Latin material."""
    lines = [line for frame in script["frames"] for line in frame]
    return [line for line in lines if script["script"] == "Latin" or line.isascii() is latin]


def _engine(name: str) -> str:
    known = {script.name: script for script in table.SCRIPTS}
    return f"Tesseract {'+'.join(known[name].installed)}" if name in known else "RapidOCR"


def _require_packages(material: Sequence[JsonObject]) -> None:
    missing = [package for packages in table.missing_packages().values() for package in packages]
    if missing:
        raise NotMeasured(f"install Debian's packages tesseract-ocr {' '.join(missing)}")
    names = {LATIN_FONT} | {name for script in material for name in script["fonts"]}
    if not names <= _fonts().keys():
        raise NotMeasured(f"install Debian's packages {FONT_PACKAGES}")
