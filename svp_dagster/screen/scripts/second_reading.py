"""Read again, with Tesseract, the lines that RapidOCR finds and can't read.

In a script that its models don't know it reads nothing, a few signs or uncertain letters. A Latin video has few such
lines, and so takes no longer.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz

from svp_dagster.errors import SvpError
from svp_dagster.media.pictures import Picture
from svp_dagster.models import Word
from svp_dagster.screen.scripts import tesseract
from svp_dagster.screen.scripts.letters import HEIGHT_PX, draw_letters
from svp_dagster.screen.scripts.likeness import has_names, is_marked
from svp_dagster.screen.scripts.table import GREEK, LATIN, OTHER_SCRIPTS, VIETNAMESE, Script
from svp_dagster.screen.scripts.tesseract import LineImage, Reading

logger = logging.getLogger(__name__)

CERTAINTY_FLOOR = 0.8
"""Measured: 258 of 258 true lines lie above, 26 of 35 invented ones below. So do most lines of unknown scripts."""

MAX_LINES = 150
"""Most lines of a video that are read again."""

LEAST_RATIO = 1.2
"""Least width of a line, in heights. A higher box is a thing that looks like text."""

SPARSE = 0.4
"""A reading with fewer letters for each height of its line's width is incomplete. Latin text has two, Chinese one, and
letters set far apart a half."""

GREEK_LETTERS = 3
"""From so many Greek letters on a line is a Greek one, and no formula."""

SAMPLE = 4
"""Lines that are read with each script's languages to find the script."""

ENOUGH = 0.9
"""From this certainty on no other script is tried, and no English between the words. The wrong script stays below 0.85
(measured)."""

SCRIPT_FLOOR = 0.75
"""Least certainty of the better half of a sample. The wrong script stays below 0.65 there (measured)."""

CLEARLY = 0.1
"""A script is there if one line's certainty is higher than that of English by this much."""

MARGIN = 0.1
"""What is added around a line's box, in heights: marks above Thai letters reach beyond it."""

FAITHFUL = 0.12
"""Readings of one line that are less certain than its best by more than this don't count."""

ALIKE, ALIKE_READINGS, ALIKE_LEAST = 90, 3, 0.5
"""So many readings that are that similar (0 to 100), the best of at least this certainty, make a line certain. A long
line that is read well is often less certain than the floor."""

MAX_SCRIPTS = 2
"""Scripts of one video, beside Latin, Chinese and Japanese."""

_VIETNAMESE_ALONE = re.compile("[\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")
"""Letters that no other language has. RapidOCR knows the first four, ơ and ư, and leaves the others out."""


def read_again(
    pictures: Sequence[Path], words: Sequence[list[Word] | None], *, limit_s: float
) -> list[list[Word] | None]:
    """Return RapidOCR's lines, with Tesseract's readings of those that it can't read.

    Lines that neither can read come without text.
    """
    ends = time.monotonic() + limit_s
    read = [None if found is None else list(found) for found in words]
    lines = {(page, n): word for page, found in enumerate(read) for n, word in enumerate(found or ())}
    accented = _vietnamese(lines)[:MAX_LINES]
    unclear = [place for place, word in lines.items() if is_unclear(word) and place not in accented][:MAX_LINES]
    found = _read_places(pictures, lines, unclear, accented, ends=ends)
    for (page, n), word in lines.items():
        reading = found.get((page, n))
        ours = read[page]
        if ours is not None and reading is not None:
            ours[n] = word.model_copy(update={"text": reading.text, "certainty": reading.certainty})
        elif ours is not None and not _is_read(word):
            ours[n] = word.model_copy(update={"text": ""})
    return read


def is_unclear(word: Word) -> bool:
    """Return whether a line may be of a script that RapidOCR doesn't know."""
    if word.right - word.left < LEAST_RATIO * (word.bottom - word.top):
        return False
    # It reads a letter that it doesn't know as a blank.
    return not _is_read(word) or word.text != " ".join(word.text.split())


def _is_read(word: Word) -> bool:
    """Return whether RapidOCR is certain, has most of the letters, and read no Greek, whose accents it doesn't know."""
    width = (word.right - word.left) / max(word.bottom - word.top, 1.0)
    is_sparse = len("".join(word.text.split())) < SPARSE * width
    is_greek = len(GREEK.letters.findall(word.text)) >= GREEK_LETTERS
    return word.certainty is not None and word.certainty >= CERTAINTY_FLOOR and not is_sparse and not is_greek


_Place = tuple[int, int]
"""Number of the picture, and of the line in it."""


@dataclass(frozen=True, eq=False)
class _Line:
    """A line as RapidOCR read it, and its part of the picture."""

    word: Word
    picture: Picture


class _Drawing(NamedTuple):
    """How a line's letters are drawn: they are light, of this height, and blurred by this many pixels."""

    light: bool
    height_px: int = HEIGHT_PX
    blur_px: float = 0.0


OTHER_DRAWINGS = ((60, 0.0), (110, 0.0), (HEIGHT_PX, 1.5), (96, 1.0))
"""Heights and blurs. Tesseract's mistakes in small marks differ from one to the other."""

_NOTHING = Reading(0.0, "")

_Pair = tuple[Reading, Reading]
"""The readings of a line's light and dark letters."""


def _vietnamese(lines: Mapping[_Place, Word]) -> list[_Place]:
    """Return the places of lines in Latin letters if one of them has a letter that Vietnamese alone has."""
    if not VIETNAMESE.installed or not any(_VIETNAMESE_ALONE.search(word.text) for word in lines.values()):
        return []
    return [place for place, word in lines.items() if VIETNAMESE.fits(word.text)]


def _read_places(
    pictures: Sequence[Path],
    lines: Mapping[_Place, Word],
    unclear: Sequence[_Place],
    accented: Sequence[_Place],
    *,
    ends: float,
) -> dict[_Place, Reading]:
    """Return the certain readings by place: those that were made until a failure, or the end of the time."""
    best: dict[_Place, Reading] = {}
    scripts = [script for script in OTHER_SCRIPTS if script.installed] if unclear else []
    if not scripts and not accented:
        return best
    cut = _cut(pictures, {place: lines[place] for place in (*unclear, *accented)})
    try:
        if accented:
            some = {place: cut[place] for place in accented}
            read = _read(VIETNAMESE, some, _first_readings(VIETNAMESE, some, ends=ends), ends=ends)
            best |= {place: reading for place, reading in read.items() if is_marked(reading, lines[place])}
        _read_unclear(best, scripts, {place: cut[place] for place in unclear}, ends=ends)
    except SvpError as error:
        logger.warning("lines in other scripts were not read: %s", error.detail)
    return {place: reading for place, reading in best.items() if reading.certainty >= CERTAINTY_FLOOR}


def _cut(pictures: Sequence[Path], lines: Mapping[_Place, Word]) -> dict[_Place, _Line]:
    """Return the part of its picture that each line takes."""
    import cv2

    cut: dict[_Place, _Line] = {}
    for page in sorted({page for page, _ in lines}):
        picture = np.asarray(cv2.imread(str(pictures[page])), dtype=np.uint8)
        for place, word in lines.items():
            if place[0] == page:
                margin = MARGIN * (word.bottom - word.top)
                top, left = max(int(word.top - margin), 0), max(int(word.left - margin), 0)
                bottom, right = int(word.bottom + margin) + 1, int(word.right + margin) + 1
                cut[place] = _Line(word, picture[top:bottom, left:right].copy())
    return cut


def _read_unclear(
    best: dict[_Place, Reading], scripts: Sequence[Script], cut: Mapping[_Place, _Line], *, ends: float
) -> None:
    """Find the scripts of the lines and read them."""
    left = dict(cut)
    for _ in range(MAX_SCRIPTS):
        script = _script_of(left, scripts, ends=ends)
        if script is None:
            return
        first = _first_readings(script, left, ends=ends)
        best |= _read(script, _not_latin(left, first, ends=ends), first, ends=ends)
        left = {place: line for place, line in left.items() if best.get(place, _NOTHING).certainty < CERTAINTY_FLOOR}
        scripts = [other for other in scripts if other is not script]


def _script_of(lines: Mapping[_Place, _Line], scripts: Iterable[Script], *, ends: float) -> Script | None:
    """Return the script whose languages read the largest lines with certainty."""
    largest = sorted(lines, key=lambda place: lines[place].picture.size, reverse=True)[:SAMPLE]
    sample = {place: lines[place] for place in largest}
    found: Script | None = None
    most = SCRIPT_FLOOR
    for script in scripts if sample else ():
        readings = _first_readings(script, sample, ends=ends)
        certainty = median_high(max(light, dark).certainty for light, dark in readings.values())
        if certainty >= most:
            found, most = script, certainty
        if certainty >= ENOUGH:
            break
    return found


def _not_latin(lines: Mapping[_Place, _Line], first: Mapping[_Place, _Pair], *, ends: float) -> dict[_Place, _Line]:
    """Return the lines that English doesn't read with as much certainty, none where no reading is clearly better."""
    english = _first_readings(LATIN, lines, ends=ends)
    gains = {place: max(first[place]).certainty - max(english[place]).certainty for place in lines}
    if max(gains.values()) < CLEARLY:
        return {}
    return {place: line for place, line in lines.items() if gains[place] > 0}


def _first_readings(script: Script, lines: Mapping[_Place, _Line], *, ends: float) -> dict[_Place, _Pair]:
    """Return the readings of each line's light and dark letters."""
    light = _readings(script, lines, _Drawing(True), ends=ends)
    dark = _readings(script, lines, _Drawing(False), ends=ends)
    return {place: (light[place], dark[place]) for place in lines}


def _read(
    script: Script, lines: Mapping[_Place, _Line], first: Mapping[_Place, _Pair], *, ends: float
) -> dict[_Place, Reading]:
    """Return the reading of each line on which several drawings agree."""
    certain: dict[_Place, Reading] = {}
    for is_light in (True, False):
        some = {place: line for place, line in lines.items() if (first[place][0] >= first[place][1]) is is_light}
        found = {place: list(first[place]) for place in some}
        for height_px, blur_px in OTHER_DRAWINGS:
            for place, reading in _readings(script, some, _Drawing(is_light, height_px, blur_px), ends=ends).items():
                found[place].append(reading)
        certain |= {place: agreed(readings) for place, readings in found.items()}
        unsure = {place: line for place, line in some.items() if certain[place].certainty < ENOUGH}
        with_english = _readings(script, unsure, _Drawing(is_light), ends=ends, english=True)
        certain |= {place: max(certain[place], reading) for place, reading in with_english.items()}
    return certain


def _readings(
    script: Script, lines: Mapping[_Place, _Line], drawing: _Drawing, *, ends: float, english: bool = False
) -> dict[_Place, Reading]:
    """Return the best reading of each line by the script's languages, nothing for those that can't be true."""
    drawn = [_drawn(line.picture, drawing) for line in lines.values()]
    best = dict.fromkeys(lines, _NOTHING)
    for language in script.installed:
        codes = f"{language}+{tesseract.ENGLISH}" if english else language
        readings = tesseract.read_lines(drawn, codes, limit_s=ends - time.monotonic())
        for (place, line), reading in zip(lines.items(), readings, strict=True):
            if script.fits(reading.text) and (not english or has_names(reading, line.word)):
                best[place] = max(best[place], reading)
    return best


def _drawn(picture: Picture, drawing: _Drawing) -> LineImage:
    import cv2

    drawn = draw_letters(picture, light=drawing.light, height_px=drawing.height_px)
    if not drawing.blur_px:
        return drawn
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), drawing.blur_px), dtype=np.uint8)


def agreed(readings: Sequence[Reading]) -> Reading:
    """Return the reading that is most like the others. Where several are alike, it is certain."""
    most = max(readings).certainty
    faithful = [reading for reading in readings if reading.certainty >= most - FAITHFUL]
    likeness = [[fuzz.ratio(one.text, other.text) for other in faithful] for one in faithful]
    weights = [sum(r.certainty * like for r, like in zip(faithful, likes, strict=True)) for likes in likeness]
    chosen = max(range(len(faithful)), key=lambda number: (weights[number], faithful[number].certainty))
    reading = faithful[chosen]
    alike = sum(fuzz.ratio(reading.text, other.text) >= ALIKE for other in readings)
    if alike >= ALIKE_READINGS and most >= ALIKE_LEAST:
        return reading._replace(certainty=max(reading.certainty, CERTAINTY_FLOOR))
    return reading
