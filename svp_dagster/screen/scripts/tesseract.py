"""Read single lines of text with Tesseract, the system's binary, in languages whose packages are installed.

It gets pictures that this process drew, never a stranger's file, and each process has limits of time, memory and
output.
"""

from __future__ import annotations

import csv
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from svp_dagster.errors import Code, failure
from svp_dagster.media import ffmpeg

logger = logging.getLogger(__name__)

ENGLISH = "eng"
"""Names in Latin letters stand in lines of every script. Debian's package tesseract-ocr depends on it."""

LineImage = NDArray[np.uint8]
"""A line of text, grey."""

LINES_PER_PROCESS = 40
LIMIT_S = 30.0
"""Time limit of one process. Forty lines take three seconds."""

MEMORY_BYTES = 1024**3
"""Address space of one process. Two languages and the longest lines take 0.3 GB."""

_LISTING_LIMIT_S = 10.0
_SINGLE_LINE = "7"  # Source: `tesseract --help-psm`
_LSTM_ONLY = "1"  # Source: `tesseract --help-oem`; the Debian packages hold no other model
_WORD = "5"  # Source: tesseract 5, src/api/renderer: levels are page, block, paragraph, line and word
_PAGE_END = "\f"  # Source: tesseract 5, src/api/renderer.cpp: between pages; before 5.0 also after the last
_DIRECTION_MARKS = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


class Reading(NamedTuple):
    """How certain a line is, from 0 to 1, and its text. The greater of two is the more certain."""

    certainty: float
    text: str


@cache
def installed_languages() -> frozenset[str]:
    """Return the codes of the languages that can be read here. Asks once per process.

    Without the binary, one that works, or its English, there are none.
    """
    binary = shutil.which("tesseract")
    if binary is None:
        return frozenset()
    try:
        listed = subprocess.run(
            [binary, "--list-langs"],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LISTING_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("Tesseract doesn't run: %s", type(error).__name__)
        return frozenset()
    languages = frozenset(listed.stdout.splitlines()[1:])
    return languages if ENGLISH in languages else frozenset()


def read_lines(lines: Sequence[LineImage], languages: str, *, limit_s: float) -> list[Reading]:
    """Return a reading of each line, empty where nothing is recognized. `languages` are codes joined by “+”.

    Raises `screen_failed` if Tesseract fails or takes longer than `limit_s`.
    """
    ends = time.monotonic() + limit_s
    readings: list[Reading] = []
    for first in range(0, len(lines), LINES_PER_PROCESS):
        batch = lines[first : first + LINES_PER_PROCESS]
        readings += _read_batch(batch, languages, limit_s=min(ends - time.monotonic(), LIMIT_S))
    return readings


def _read_batch(lines: Sequence[LineImage], languages: str, *, limit_s: float) -> list[Reading]:
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "lines.txt"
        listing.write_text("".join(f"{path}\n" for path in _write(lines, Path(folder))))
        output = Path(folder) / "read"
        _run(str(listing), str(output), languages, limit_s=limit_s)
        texts = output.with_suffix(".txt").read_text(encoding="utf-8").split(_PAGE_END)[: len(lines)]
        certainties = _certainties(output.with_suffix(".tsv"))
    if len(texts) != len(lines):
        raise failure(Code.SCREEN_FAILED, detail=f"Tesseract read {len(texts)} of {len(lines)} lines")
    return [Reading(certainties.get(page, 0.0), _cleaned(text)) for page, text in enumerate(texts, start=1)]


def _write(lines: Sequence[LineImage], folder: Path) -> Iterator[Path]:
    import cv2

    for number, line in enumerate(lines):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), line)
        yield path


def _run(listing: str, output: str, languages: str, *, limit_s: float) -> None:
    binary = shutil.which("tesseract")
    if binary is None:
        raise failure(Code.SCREEN_FAILED, detail="Tesseract is gone")
    command = [binary, listing, output, "-l", languages, "--psm", _SINGLE_LINE, "--oem", _LSTM_ONLY, "txt", "tsv"]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    ) as child:
        ffmpeg.set_limits(child.pid, MEMORY_BYTES)
        try:
            code = child.wait(timeout=max(limit_s, 0.0))
        except subprocess.TimeoutExpired as error:
            raise failure(Code.SCREEN_FAILED, detail=f"Tesseract took longer than {limit_s:.0f} s") from error
        finally:
            child.kill()
    if code != 0:
        raise failure(Code.SCREEN_FAILED, detail=f"Tesseract ended with {code}")


def _environment() -> dict[str, str]:
    """Return what Tesseract gets of our environment: no secret, and one thread."""
    # Source: tesseract's FAQ on speed: more threads make single lines slower.
    kept = {name: os.environ[name] for name in ("TESSDATA_PREFIX",) if name in os.environ}
    return {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C", **kept}


def _certainties(table: Path) -> dict[int, float]:
    """Return the mean certainty of each page by its letters."""
    letters: dict[int, int] = {}
    total: dict[int, float] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["level"] == _WORD and row["text"].strip():
                page, weight = int(row["page_num"]), len(row["text"])
                letters[page] = letters.get(page, 0) + weight
                total[page] = total.get(page, 0.0) + weight * float(row["conf"]) / 100
    return {page: total[page] / letters[page] for page in total}


def _cleaned(text: str) -> str:
    """Return the text in one line, without marks of direction and with the usual code for each letter."""
    usual = text.translate(_DIRECTION_MARKS).replace("\u00b5", "\u03bc").replace("\u0e4d\u0e32", "\u0e33")
    return " ".join(usual.split())
