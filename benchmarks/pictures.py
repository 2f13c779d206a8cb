"""How much memory hostile pictures take: `python -m benchmarks.pictures`.

Thirty pictures (`hostile_pictures.py`) are each given to the stage `read_screen` with RapidOCR, made a thumbnail of,
and offered as a cover, each in a process of its own. Its memory is what it and its children hold at the same time,
looked at every few milliseconds. For comparison an ordinary slide is read first. The last line sums up:

    read_screen_mb, thumbnail_mb, cover_mb     the most that any picture took
    refused                                    pictures that gave no thumbnail
    verdict                                    ok if everything stayed below 700 MB and each ended in time
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.hostile_pictures import PICTURES
from svp_dagster.commands.process import Tally, Unkept
from svp_dagster.media.cover import cover
from svp_dagster.media.thumbnail import small_jpeg
from svp_dagster.models import ProcessingType, Video
from svp_dagster.prices import load_prices
from svp_dagster.screen.engines import LocalReader
from svp_dagster.screen.stage import read_screen

MOST_MB = 700
LIMIT_S = 120
"""For one picture and one task, the start of its process included."""

ORDINARY = Path(__file__).parents[1] / "sandbox/media/clips/reading_list.jpg"
_LOOK_S = 0.02
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Took:
    """What a task took for a picture. Without an `outcome` its process died or was too slow."""

    memory_mb: float
    wall_s: float
    outcome: str | None


def main() -> int:
    """Try all pictures, print a row for each and the sum. Return 1 where one took too much."""
    print(f"{'picture':26}" + "".join(f"{name:>16}" for name in TASKS))
    base = measure("read_screen", ORDINARY)
    print(f"{'(an ordinary slide)':26}{_cell(base):>16}   {base.outcome}")
    rows: dict[str, dict[str, Took]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in PICTURES.items():
            path = Path(folder) / name
            path.write_bytes(make())
            rows[name] = {task: measure(task, path) for task in TASKS}
            cells = "".join(f"{_cell(took):>16}" for took in rows[name].values())
            print(f"{name:26}{cells}   {rows[name]['read_screen'].outcome}", flush=True)
    return _print_sum(rows)


def measure(task: str, picture: Path, *, limit_s: float = LIMIT_S) -> Took:
    """Do a task in a process of its own."""
    started = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.pictures", task, str(picture)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        memory_mb = 0.0
        while child.poll() is None:
            memory_mb = max(memory_mb, _held_mb(child.pid))
            if time.monotonic() - started > limit_s or memory_mb > 3 * MOST_MB:
                child.kill()
            time.sleep(_LOOK_S)
        assert child.stdout is not None
        said = child.stdout.read()
    outcome = json.loads(said) if child.returncode == 0 else None
    return Took(memory_mb=memory_mb, wall_s=time.monotonic() - started, outcome=outcome)


def _held_mb(pid: int) -> float:
    """Return what a process and its children hold now."""
    try:
        process = psutil.Process(pid)
        return sum(each.memory_info().rss for each in (process, *process.children())) / _MB
    except psutil.NoSuchProcess:
        return 0.0


def _read_screen(picture: Path, folder: Path) -> str:
    found = read_screen(
        _post(picture),
        processing_type=ProcessingType.FULL,
        reader=LocalReader(),
        contents=Unkept(),
        meter=Tally(load_prices(None)),
        folder=folder,
        with_sheet=False,
    )
    return found.note or f"{len(found.lines)} lines"


def _thumbnail(picture: Path, _folder: Path) -> str:
    return "made" if small_jpeg(picture) else "refused"


def _cover(picture: Path, folder: Path) -> str:
    return "taken" if cover(_post(picture), folder) else "refused"


def _post(picture: Path) -> Video:
    return Video(media_key="sha256:0", url="https://www.tiktok.com/@a/video/1", slides=(picture,))


TASKS: dict[str, Callable[[Path, Path], str]] = {
    "read_screen": _read_screen,
    "thumbnail": _thumbnail,
    "cover": _cover,
}


def _do(task: str, picture: Path) -> None:
    """Do a task in this process and print its outcome."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(TASKS[task](picture, Path(folder))))


def _cell(took: Took) -> str:
    return f"{took.memory_mb:.0f} MB {took.wall_s:4.1f} s"


def _print_sum(rows: dict[str, dict[str, Took]]) -> int:
    most_mb = {task: max(row[task].memory_mb for row in rows.values()) for task in TASKS}
    refused = sum(row["thumbnail"].outcome == "refused" for row in rows.values())
    ended = all(took.outcome is not None for row in rows.values() for took in row.values())
    passed = ended and max(most_mb.values()) < MOST_MB
    figures = " ".join(f"{task}_mb={most:.0f}" for task, most in most_mb.items())
    verdict = "ok" if passed else "too much"
    print(f"pictures={len(rows)} {figures} refused={refused} verdict={verdict}")
    return 0 if passed else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _do(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(main())
