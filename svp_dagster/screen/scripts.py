"""Find lines in scripts that RapidOCR's models don't know, and read them with Tesseract where its languages are there.

RapidOCR reads Latin, Chinese and Japanese. Of other scripts it finds the boxes, and reads nothing, a few signs or
uncertain letters there. Such lines are few in a Latin video, which therefore takes no longer.
"""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high

from rapidfuzz import fuzz

from svp_dagster.errors import SvpError
from svp_dagster.media.pictures import Picture
from svp_dagster.models import Word
from svp_dagster.screen import tesseract
from svp_dagster.screen.certainty import FLOOR, is_certain
from svp_dagster.screen.letters import draw_letters
from svp_dagster.screen.tesseract import Reading

logger = logging.getLogger(__name__)

MAX_LINES = 150
"""Most lines of a video that are read again."""

LEAST_RATIO = 1.2
"""Least width of a line, in heights. A higher box is a thing that looks like text."""

SPARSE = 0.4
"""A reading with fewer letters for each height of its line's width is incomplete. Latin text has two, Chinese one, and
letters set far apart a half."""

SAMPLE = 4
"""Lines that are read with each script's languages to find the script."""

ENOUGH = 0.9
"""From this certainty on nothing better is looked for. The wrong script stays below 0.85 (measured)."""

MAX_SCRIPTS = 2
"""Scripts of one video, beside Latin, Chinese and Japanese."""

LEAST_SHARE = 1 / 3
"""Share of a line's letters that are of its script: the rest may be names in Latin letters."""

SAME_LETTERS = 70
"""Least similarity (0 to 100) of two readings of a Vietnamese line without their marks."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script, the codes of Tesseract's languages that read it, and its letters."""

    name: str
    languages: tuple[str, ...]
    letters: re.Pattern[str]

    @property
    def installed(self) -> list[str]:
        """Those of its languages that are installed."""
        return [language for language in self.languages if language in tesseract.installed_languages()]

    def fits(self, text: str) -> bool:
        """Return whether enough of the text's letters are of this script."""
        letters = sum(unicodedata.category(char)[0] in "LM" for char in text)
        return letters > 0 and len(self.letters.findall(text)) >= LEAST_SHARE * letters


OTHER_SCRIPTS = (
    Script(name="Cyrillic", languages=("rus", "ukr"), letters=re.compile("[\u0400-\u052f]")),
    Script(name="Arabic", languages=("ara",), letters=re.compile("[\u0600-\u06ff\u0750-\u077f]")),
    Script(name="Devanagari", languages=("hin",), letters=re.compile("[\u0900-\u097f]")),
    Script(name="Korean", languages=("kor",), letters=re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")),
    Script(name="Hebrew", languages=("heb",), letters=re.compile("[\u0590-\u05ff]")),
    Script(name="Greek", languages=("ell",), letters=re.compile("[\u0370-\u03ff\u1f00-\u1fff]")),
    Script(name="Thai", languages=("tha",), letters=re.compile("[\u0e00-\u0e7f]")),
)
VIETNAMESE = Script(name="Vietnamese", languages=("vie",), letters=re.compile("[A-Za-z\u00c0-\u024f\u1ea0-\u1ef9]"))
SCRIPTS = (*OTHER_SCRIPTS, VIETNAMESE)

_VIETNAMESE_ALONE = re.compile("[\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")
"""Letters that no other language has. RapidOCR knows the first four, ơ and ư, and leaves the others out."""


def installed_languages() -> list[str]:
    """Return the languages that serve here, in a stable order."""
    return [language for script in SCRIPTS for language in script.installed]


def missing_packages() -> dict[str, list[str]]:
    """Return Debian's packages that are missing here, by script."""
    missing = {
        script.name: [f"tesseract-ocr-{language}" for language in script.languages if language not in script.installed]
        for script in SCRIPTS
    }
    return {name: packages for name, packages in missing.items() if packages}


def read_again(
    pictures: Sequence[Path], words: Sequence[list[Word] | None], *, limit_s: float
) -> list[list[Word] | None]:
    """Return RapidOCR's lines, with Tesseract's readings of those that it can't read.

    Lines that neither can read have a certainty below the floor.
    """
    ends = time.monotonic() + limit_s
    read = [None if found is None else list(found) for found in words]
    lines = {(page, n): word for page, found in enumerate(read) for n, word in enumerate(found or ())}
    unclear = [place for place, word in lines.items() if is_unclear(word)][:MAX_LINES]
    accented = _vietnamese(lines)[:MAX_LINES]
    found = _read_places(pictures, lines, unclear, accented, ends=ends)
    for (page, n), word in lines.items():
        reading = found.get((page, n))
        ours = read[page]
        if ours is not None and reading is not None:
            ours[n] = word.model_copy(update={"text": reading.text, "certainty": reading.certainty})
        elif ours is not None and _is_sparse(word):
            ours[n] = word.model_copy(update={"certainty": 0.0})
    return read


def is_unclear(word: Word) -> bool:
    """Return whether a line may be of a script that RapidOCR doesn't know."""
    if word.right - word.left < LEAST_RATIO * (word.bottom - word.top):
        return False
    # It reads a letter that it doesn't know as a blank.
    return not is_certain(word) or _is_sparse(word) or word.text != " ".join(word.text.split())


def _is_sparse(word: Word) -> bool:
    width = (word.right - word.left) / max(word.bottom - word.top, 1.0)
    return len("".join(word.text.split())) < SPARSE * width


_Place = tuple[int, int]
"""Number of the picture, and of the line in it."""


def _vietnamese(lines: Mapping[_Place, Word]) -> list[_Place]:
    """Return the places of lines in Latin letters if one of them has a letter that Vietnamese alone has."""
    if not VIETNAMESE.installed or not any(_VIETNAMESE_ALONE.search(word.text) for word in lines.values()):
        return []
    return [place for place, word in lines.items() if VIETNAMESE.fits(word.text) and not is_unclear(word)]


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
            _improve(best, VIETNAMESE, {place: cut[place] for place in accented}, ends=ends)
            best = {place: reading for place, reading in best.items() if _is_marked(reading, lines[place])}
        _read_unclear(best, scripts, {place: cut[place] for place in unclear}, ends=ends)
    except SvpError as error:
        logger.warning("lines in other scripts were not read: %s", error.detail)
    return {place: reading for place, reading in best.items() if reading.certainty >= FLOOR}


def _is_marked(reading: Reading, word: Word) -> bool:
    """Return whether a reading only adds what RapidOCR leaves out of a Vietnamese line."""
    alike = fuzz.ratio(_without_marks(reading.text), _without_marks(word.text)) >= SAME_LETTERS
    return alike and not reading.text.isascii()


def _without_marks(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(char for char in parts if unicodedata.category(char) != "Mn")


def _cut(pictures: Sequence[Path], lines: Mapping[_Place, Word]) -> dict[_Place, Picture]:
    """Return the part of its picture that each line takes."""
    import cv2

    cut: dict[_Place, Picture] = {}
    for page in sorted({page for page, _ in lines}):
        picture = cv2.imread(str(pictures[page]))
        assert picture is not None
        for place, word in lines.items():
            if place[0] == page:
                top, left = max(int(word.top), 0), max(int(word.left), 0)
                cut[place] = picture[top : int(word.bottom) + 1, left : int(word.right) + 1].copy()
    return cut


def _read_unclear(
    best: dict[_Place, Reading], scripts: Sequence[Script], cut: Mapping[_Place, Picture], *, ends: float
) -> None:
    """Find the scripts of the lines and read them."""
    left = dict(cut)
    for _ in range(MAX_SCRIPTS):
        script = _script_of(left, scripts, ends=ends)
        if script is None:
            return
        _improve(best, script, left, ends=ends)
        left = {place: line for place, line in left.items() if best.get(place, _NOTHING).certainty < FLOOR}
        scripts = [other for other in scripts if other is not script]


_NOTHING = Reading("", 0.0)


def _script_of(lines: Mapping[_Place, Picture], scripts: Iterable[Script], *, ends: float) -> Script | None:
    """Return the script whose languages read the longest lines with certainty."""
    longest = sorted(lines, key=lambda place: lines[place].shape[1] / lines[place].shape[0], reverse=True)[:SAMPLE]
    sample = {place: lines[place] for place in longest}
    found: Script | None = None
    most = FLOOR
    for script in scripts if sample else ():
        readings: dict[_Place, Reading] = {}
        _improve(readings, script, sample, ends=ends, with_english=False)
        certainty = median_high(readings.get(place, _NOTHING).certainty for place in sample)
        if certainty >= most:
            found, most = script, certainty
        if certainty >= ENOUGH:
            break
    return found


def _improve(
    best: dict[_Place, Reading],
    script: Script,
    lines: Mapping[_Place, Picture],
    *,
    ends: float,
    with_english: bool = True,
) -> None:
    """Read lines with a script's languages: light letters, dark ones, and with names in English between them."""
    for english in (False, True) if with_english else (False,):
        for light in (True, False):
            open_places = [place for place in lines if best.get(place, _NOTHING).certainty < ENOUGH]
            drawn = [draw_letters(lines[place], light=light) for place in open_places]
            for language in script.installed:
                codes = f"{language}+eng" if english else language
                readings = tesseract.read_lines(drawn, codes, limit_s=ends - time.monotonic())
                for place, reading in zip(open_places, readings, strict=True):
                    if script.fits(reading.text) and reading.certainty > best.get(place, _NOTHING).certainty:
                        best[place] = reading
