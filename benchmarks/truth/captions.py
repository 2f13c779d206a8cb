"""Part `captions`: which burned-in captions the local reader finds, by how long they stand.

    caption_recall          captions found ÷ captions that stand for a second or longer
    caption_recall_half_s   the same of those that stand for half a second or longer
    false_lines             lines read that no picture shows ÷ lines read

A caption is found if a line that was on while it stood reads like it and has its numbers. A fraction that is left out
is not found, one that is read as another number is a false line. Printed beside it: pictures that a paid service would
be sent per 60 s, and the CPU time against a frame every two seconds in the same run.
"""

from __future__ import annotations

import math
import re
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import imageio_ffmpeg
from rapidfuzz import fuzz

from benchmarks.truth.caption_clips import Clip, Shown, clips, make
from benchmarks.truth.parts import NotMeasured, print_table
from svp_dagster.commands.process import Tally, Unkept
from svp_dagster.errors import SvpError
from svp_dagster.media.probe import probe
from svp_dagster.models import MediaFile, ProcessingType, ScreenLine, Video
from svp_dagster.prices import load_prices
from svp_dagster.screen import frames
from svp_dagster.screen.engines import PAID_TILES, LocalReader
from svp_dagster.screen.lines import essence, join_words
from svp_dagster.screen.pages import Layout
from svp_dagster.screen.sheets import write_sheets
from svp_dagster.screen.stage import read_screen

EVERY_S = 2.0
"""Interval of the sampling that the CPU time is compared with."""

FOUND = 85
"""Similarity (0 to 100) from which a line reads like a caption."""

NEAR_S = 0.6
"""A line may be seen so long before or after its caption stood."""

T = TypeVar("T")
"""What a piece of work gives."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was read of a clip, and at what price."""

    clip: Clip
    lines: Sequence[ScreenLine]
    cpu_s: float
    coarse_cpu_s: float
    tiles: int

    @property
    def pictures_per_60_s(self) -> float:
        """Paid pictures that a minute of such captions takes."""
        return self.tiles / PAID_TILES * 60 / self.clip.duration_s

    def found(self, at_least_s: float) -> tuple[int, int]:
        """Return how many captions were found of those that stand so long, and how many there are."""
        standing = [shown for shown in self.clip.shown if shown.stands_s >= at_least_s - 0.01]
        return sum(any(_is_like(line, shown) for line in self.lines) for shown in standing), len(standing)

    @property
    def false_lines(self) -> list[str]:
        """Lines that are no caption or piece of one."""
        return [line.text for line in self.lines if not any(_is_part(line, shown) for shown in self.clip.shown)]


def measure() -> dict[str, float]:
    """Read all clips, print a table, and return the figures."""
    try:
        LocalReader().read([], meter=Tally(load_prices(None)), limit_s=60)
        results = list(_results())
    except SvpError as error:
        raise NotMeasured(error.sentence) from error
    _print_results(results)
    long, any_length = _summed(results, 1.0), _summed(results, 0.5)
    read = sum(len(result.lines) for result in results)
    return {
        "caption_recall": long[0] / long[1],
        "caption_recall_half_s": any_length[0] / any_length[1],
        "false_lines": sum(len(result.false_lines) for result in results) / read if read else 0.0,
    }


def _results() -> Iterator[Result]:
    _load_models()
    with tempfile.TemporaryDirectory() as scratch:
        for clip in clips():
            file = probe(make(clip, Path(scratch), imageio_ffmpeg.get_ffmpeg_exe()))
            lines, cpu_s = _measured(lambda file=file: _read(file))  # type: ignore[misc]
            _, coarse_cpu_s = _measured(lambda file=file: _read_coarsely(file))  # type: ignore[misc]
            yield Result(clip=clip, lines=lines, cpu_s=cpu_s, coarse_cpu_s=coarse_cpu_s, tiles=_tiles(file))


def _load_models() -> None:
    import cv2
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warm.png"
        picture = np.full((200, 400, 3), 255, dtype=np.uint8)
        cv2.imwrite(str(path), cv2.putText(picture, "warm", (40, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4))
        LocalReader().read([path], meter=Tally(load_prices(None)), limit_s=60)


def _read(file: MediaFile) -> Sequence[ScreenLine]:
    return read_screen(
        Video(media_key="benchmark:1", url="", video_path=file.path, files=(file,)),
        processing_type=ProcessingType.SCREEN,
        reader=LocalReader(),
        contents=Unkept(),
        meter=Tally(load_prices(None)),
        folder=file.path.parent,
        with_sheet=False,
    ).lines


def _read_coarsely(file: MediaFile) -> int:
    """Read a whole frame every two seconds, and count the lines."""
    reader = LocalReader()
    most = max(round(file.readable_s / EVERY_S), 1)
    with tempfile.TemporaryDirectory() as folder:
        pictures = (frame.picture for frame in frames.sample(file, limit_s=120, most=most))
        written = write_sheets(pictures, Path(folder), tiles=reader.tiles)
        read = reader.read([sheet.path for sheet in written], meter=Tally(load_prices(None)), limit_s=120)
    return sum(len(join_words(words or ())) for words in read)


def _tiles(file: MediaFile) -> int:
    """Return how many tiles of a frame's size a reader gets."""
    return sum(1 for _ in Layout().pictures(frames.sample(file, limit_s=120), duration_s=file.readable_s))


def _measured(work: Callable[[], T]) -> tuple[T, float]:
    before_s = _cpu_s()
    result = work()
    return result, _cpu_s() - before_s


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _is_like(line: ScreenLine, shown: Shown) -> bool:
    """Return whether a line reads like the whole caption."""
    one, other = essence(line.text), essence(shown.text)
    return _is_beside(line, shown) and _figures(line.text) == _figures(shown.text) and fuzz.ratio(one, other) >= FOUND


def _is_part(line: ScreenLine, shown: Shown) -> bool:
    """Return whether a line reads like a piece of the caption, with no figure that the caption hasn't."""
    one, other = essence(line.text), essence(shown.text)
    known = set(_figures(line.text)) <= set(_figures(shown.text))
    return _is_beside(line, shown) and known and fuzz.partial_ratio(one, other) >= FOUND and len(one) < len(other) * 1.2


def _is_beside(line: ScreenLine, shown: Shown) -> bool:
    first_s, last_s = line.first_s or 0.0, line.last_s or 0.0
    return first_s <= shown.end_s + NEAR_S and shown.start_s - NEAR_S <= last_s


def _figures(text: str) -> list[str]:
    """Return the numbers of a text, with fractions in one form."""
    for sign, plain in (("½", "1/2"), ("⅓", "1/3"), ("⅔", "2/3"), ("¼", "1/4"), ("¾", "3/4")):
        text = text.replace(sign, f" {plain} ")
    return re.findall(r"\d+(?:/\d+)?", text)


def _summed(results: Sequence[Result], at_least_s: float) -> tuple[int, int]:
    found = [result.found(at_least_s) for result in results]
    return sum(each[0] for each in found), sum(each[1] for each in found)


def _print_results(results: Sequence[Result]) -> None:
    head = ["style", "half", "1 s or longer", "0.5 s or longer", "false", "pictures per 60 s", "CPU"]
    print_table(
        head,
        (
            [
                result.clip.style,
                "tuned" if result.clip.is_tuned else "held out",
                "{} of {}".format(*result.found(1.0)),
                "{} of {}".format(*result.found(0.5)),
                len(result.false_lines),
                f"{result.pictures_per_60_s:.2f}",
                f"{result.cpu_s / result.coarse_cpu_s:.2f}",
            ]
            for result in results
        ),
    )
    ours, coarse = sum(result.cpu_s for result in results), sum(result.coarse_cpu_s for result in results)
    worst = max(math.ceil(result.tiles / PAID_TILES) * 60 / max(result.clip.duration_s, 60) for result in results)
    print(
        f"paid pictures of a clip, at most: {worst:.0f}; CPU against a frame every {EVERY_S:g} s: {ours / coarse:.2f}"
    )
