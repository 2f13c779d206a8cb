"""Draws lines in scripts that the font of the other tests doesn't have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from svp_dagster.media.pictures import Picture
from svp_dagster.screen.scripts import table

FONTS = Path("/usr/share/fonts/truetype/noto")


def need_tesseract() -> None:
    """Skip the test where Tesseract's packages are missing."""
    if missing := table.missing_packages():
        pytest.skip(f"Tesseract doesn't read {', '.join(missing)}: install what `svp doctor` names")


def frame(*lines: str, font: str = "NotoSans-Bold", height_px: int = 40) -> Picture:
    """White letters with an outline in the middle of a soft picture. Skips the test without Debian's fonts."""
    path = FONTS / f"{font}.ttf"
    if not path.exists():
        pytest.skip("there are no fonts of many scripts: install Debian's package fonts-noto-core")
    blobs = np.random.default_rng(1).integers(40, 200, (9, 6, 3), dtype=np.uint8)
    drawn = Image.fromarray(blobs).resize((720, 720), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(drawn)
    for number, line in enumerate(lines):
        shown = ImageFont.truetype(str(FONTS / "NotoSans-Bold.ttf" if line.isascii() else path), height_px)
        place = (40, 120 + number * 2.5 * height_px)
        pen.text(place, line, font=shown, fill="white", stroke_width=3, stroke_fill="black")
    return np.ascontiguousarray(np.asarray(drawn)[:, :, ::-1])
