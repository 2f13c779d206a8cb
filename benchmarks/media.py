"""What reading the screen costs and finds, beside the obvious way: `python -m benchmarks.media [--quick]`.

The obvious way seeks to every second second with OpenCV and asks RapidOCR, as it comes, about each whole frame. The
coarse way reads whole frames at the same interval with our sampling, sheets and settings of the engine. The stage
`read_screen` compares five frames a second and reads the parts that have new text. All read the same clips, made here,
one after the other; models are loaded before the clock starts. The last line sums up:

    seconds_ratio, cpu_ratio     coarse ÷ obvious, over all clips
    stage_seconds, stage_cpu     the stage ÷ coarse: what comparing more frames adds, or saves by reading parts
    paid_images_per_60s          contact sheets that Google Vision would be paid for, per started minute, worst clip
    recall                       words that the stage found ÷ words that the obvious way found, of those burned in
    lost                         texts that the obvious way read whole and the stage didn't

What a paid service would be sent (30 frames a picture) is made and read once more, outside the clock: recall and lost
are the worse of both readings.
"""

from __future__ import annotations

import argparse
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import imageio_ffmpeg
from rapidfuzz import fuzz
from rapidocr import RapidOCR

from benchmarks.clips import Clip, Item, clips, make
from svp_dagster.commands.process import Tally, Unkept
from svp_dagster.media.probe import probe
from svp_dagster.models import ProcessingType, ScreenLine, Video, Word
from svp_dagster.ports import Meter
from svp_dagster.prices import load_prices
from svp_dagster.screen import frames
from svp_dagster.screen.engines import PAID_TILES, LocalReader
from svp_dagster.screen.lines import essence, join_words
from svp_dagster.screen.sheets import words_by_tile, write_sheets
from svp_dagster.screen.stage import read_screen

EVERY_S = 2
LIMIT_S = 600
READ_WHOLE = 90
"""Similarity (0 to 100) from which a text counts as read."""

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """What a piece of work took, child processes included."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one way read of one clip. Texts come with the first and the last second of them."""

    texts: Sequence[tuple[str, float, float]]
    cost: Cost
    images: int


@dataclass
class SheetReader:
    """Stands for the paid service: reads its pictures with RapidOCR at a size that holds for many tiles."""

    engine: Any
    tiles: int = PAID_TILES
    source: str = "benchmark"
    recipe: str = "benchmark"
    images: int = field(default=0, init=False)

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:  # noqa: ARG002
        """The lines of each picture."""
        self.images += len(pictures)
        return [_lines(self.engine(str(picture))) for picture in pictures]


def main(*, quick: bool) -> None:
    """Make the clips, read each in both ways, print a row for each and the sum."""
    obvious_engine = RapidOCR(params={"Global.log_level": "error"})
    sheet_engine = RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Global.max_side_len": 6000,
            "Det.limit_type": "max",
            "Det.limit_side_len": 4256,
        }
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _warm_up(obvious_engine, folder)
        print(f"{'clip':28}{'way':>9}{'s':>8}{'CPU s':>8}{'images':>8}{'words':>12}{'lost':>6}")
        rows = [_compare(clip, folder, obvious_engine, sheet_engine) for clip in clips(quick=quick)]
    _print_sum(rows)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One clip: all ways, and what a paid service would be sent."""

    clip: Clip
    obvious: Reading
    coarse: Reading
    stage: Reading
    paid: Reading


WAYS = ("obvious", "coarse", "stage", "paid")


def _compare(clip: Clip, folder: Path, obvious_engine: Any, sheet_engine: Any) -> Row:
    path = make(clip, folder, imageio_ffmpeg.get_ffmpeg_exe(), spoken=False)
    row = Row(
        clip=clip,
        obvious=_obvious(path, clip, obvious_engine),
        coarse=_coarse(path, LocalReader()),
        stage=_stage(path, LocalReader()),
        paid=_stage(path, SheetReader(sheet_engine)),
    )
    path.unlink()
    words = sum(len(item.text.split()) for item in clip.items)
    for way in WAYS:
        reading: Reading = getattr(row, way)
        print(
            f"{f'{clip.name}, {clip.duration_s} s, {clip.width_px}p':28}{way:>9}"
            f"{reading.cost.wall_s:8.1f}{reading.cost.cpu_s:8.1f}{reading.images:8}"
            f"{f'{_words_found(clip, reading)}/{words}':>12}{len(_lost(row, reading)):6}",
            flush=True,
        )
    return row


def _print_sum(rows: Sequence[Row]) -> None:
    def total(way: str, unit: str) -> float:
        return sum(float(getattr(getattr(row, way).cost, unit)) for row in rows)

    found = {way: sum(_words_found(row.clip, getattr(row, way)) for row in rows) for way in WAYS}
    lost = max(sum(len(_lost(row, getattr(row, way))) for row in rows) for way in ("stage", "paid"))
    images = max(row.paid.images / math.ceil(row.clip.duration_s / 60) for row in rows)
    print(
        f"seconds_ratio={total('coarse', 'wall_s') / total('obvious', 'wall_s'):.2f}"
        f" cpu_ratio={total('coarse', 'cpu_s') / total('obvious', 'cpu_s'):.2f}"
        f" stage_seconds={total('stage', 'wall_s') / total('coarse', 'wall_s'):.2f}"
        f" stage_cpu={total('stage', 'cpu_s') / total('coarse', 'cpu_s'):.2f}"
        f" paid_images_per_60s={images:.2f}"
        f" recall={min(found['stage'], found['paid']) / found['obvious']:.3f}"
        f" lost={lost}"
    )


def _obvious(path: Path, clip: Clip, engine: Any) -> Reading:
    def read() -> list[tuple[str, float, float]]:
        video = cv2.VideoCapture(str(path))
        texts = []
        for at_s in range(0, clip.duration_s, EVERY_S):
            video.set(cv2.CAP_PROP_POS_MSEC, at_s * 1000)
            came, frame = video.read()
            if came:
                texts += [(word.text, float(at_s), float(at_s)) for word in _lines(engine(frame))]
        video.release()
        return texts

    texts, cost = _measured(read)
    return Reading(texts=texts, cost=cost, images=len(range(0, clip.duration_s, EVERY_S)))


def _coarse(path: Path, reader: LocalReader) -> Reading:
    def read() -> list[tuple[str, float, float]]:
        file = probe(path)
        shown = list(frames.sample(file, limit_s=LIMIT_S, most=math.ceil(file.readable_s / EVERY_S)))
        with tempfile.TemporaryDirectory() as folder:
            written = write_sheets((frame.picture for frame in shown), Path(folder), tiles=reader.tiles)
            words = reader.read([sheet.path for sheet in written], meter=Tally(load_prices(None)), limit_s=LIMIT_S)
        tiles = (
            on_tile
            for sheet, found in zip(written, words, strict=True)
            for on_tile in words_by_tile(sheet, found or [])
        )
        return [
            (line.text, frame.at_s or 0.0, frame.at_s or 0.0)
            for frame, on_tile in zip(shown, tiles, strict=True)
            for line in join_words(on_tile)
        ]

    texts, cost = _measured(read)
    return Reading(texts=texts, cost=cost, images=0)


def _stage(path: Path, reader: LocalReader | SheetReader) -> Reading:
    def read() -> Sequence[ScreenLine]:
        return read_screen(
            Video(media_key="benchmark:1", url="", video_path=path, files=(probe(path),)),
            processing_type=ProcessingType.SCREEN,
            reader=reader,
            contents=Unkept(),
            meter=Tally(load_prices(None)),
            folder=path.parent,
            with_sheet=False,
        ).lines

    lines, cost = _measured(read)
    texts = [(line.text, line.first_s or 0.0, line.last_s or 0.0) for line in lines]
    return Reading(texts=texts, cost=cost, images=getattr(reader, "images", 0))


def _measured(work: Callable[[], T]) -> tuple[T, Cost]:
    started_s, used_s = time.perf_counter(), _cpu_s()
    result = work()
    return result, Cost(wall_s=time.perf_counter() - started_s, cpu_s=_cpu_s() - used_s)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _words_found(clip: Clip, reading: Reading) -> int:
    """How many of the burned-in words are in what was read while they were on."""
    return sum(
        essence(word) in essence(_read_during(item, reading)) for item in clip.items for word in item.text.split()
    )


def _lost(row: Row, reading: Reading) -> list[str]:
    """The texts that the obvious way read whole and this one didn't."""
    return [
        item.text
        for item in row.clip.items
        if _similarity(item, row.obvious) >= READ_WHOLE > _similarity(item, reading)
    ]


def _similarity(item: Item, reading: Reading) -> float:
    return float(fuzz.partial_ratio(essence(item.text), essence(_read_during(item, reading))))


def _read_during(item: Item, reading: Reading) -> str:
    """All that was read while the item was on."""
    return " ".join(text for text, first_s, last_s in reading.texts if first_s < item.end_s and item.start_s <= last_s)


def _lines(result: Any) -> list[Word]:
    found = [] if result.txts is None else zip(result.txts, result.boxes, strict=True)
    return [
        Word(
            text=text,
            left=float(box[:, 0].min()),
            top=float(box[:, 1].min()),
            right=float(box[:, 0].max()),
            bottom=float(box[:, 1].max()),
        )
        for text, box in found
    ]


def _warm_up(engine: Any, folder: Path) -> None:
    """Load every model once."""
    import numpy as np

    path = folder / "warm.png"
    picture = np.full((200, 400, 3), 255, dtype=np.uint8)
    cv2.putText(picture, "warm", (40, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    cv2.imwrite(str(path), picture)
    engine(str(path))
    LocalReader().read([path], meter=Tally(load_prices(None)), limit_s=60)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    arguments.add_argument("--quick", action="store_true", help="leave the two long clips out")
    main(quick=arguments.parse_args(sys.argv[1:]).quick)
