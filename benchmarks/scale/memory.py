"""What an installation takes of the memory: `python -m benchmarks.scale.memory`.

- `rss_mb`: a whole installation (daemon, code server, app, Dagster UI) while five runs go on at once, with paid
  engines. What processes share counts once (PSS). The goal is 1,500 MB.
- `video_mb`: `svp process` with a file of 30 minutes, with its ffmpeg. The goal is 700 MB.

The stand-ins aren't counted. Memory is looked at every half second, so a peak that is shorter may be missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import imageio_ffmpeg
import psutil

import sandbox.media
from benchmarks.installation import set_up
from benchmarks.rig import Rig, rig
from benchmarks.stand_ins import stand_ins
from svp_dagster.commands.processes import answers, free_port

ROWS, LOOKS = 24, 20
"""Rows that are worked on, and how often five runs are seen to go on before enough was seen."""
RUNS = 5
LIMIT_S = 150.0
MINUTES = 30
GOAL_MB, VIDEO_GOAL_MB = 1500, 700
_LOOK_S = 0.5
_MB = 1_000_000
_CLIP = Path(sandbox.media.__file__).parent / "clips" / "pasta.mp4"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The figures of this benchmark. `runs` are how many went on when the most memory was taken."""

    rss_mb: float
    runs: int
    video_mb: float

    @property
    def line(self) -> str:
        """All in one line."""
        return f"rss_mb={self.rss_mb:.0f} video_mb={self.video_mb:.0f}"


def measure() -> Memory:
    """Measure both."""
    with tempfile.TemporaryDirectory(prefix="svp-memory-") as folder, rig(Path(folder)) as made:
        rss_mb, runs = _of_runs(made)
    return Memory(rss_mb=rss_mb, runs=runs, video_mb=_of_a_long_video())


def _of_runs(made: Rig) -> tuple[float, int]:
    """Let rows of three people be worked on, and return the most that the installation took, with how many runs."""
    _ = made.api  # starts the app
    port = free_port()
    command = [str(Path(sys.executable).with_name("svp")), "webserver", "-w", str(made.workspace)]
    environment = made.environment | {"SVP_DAGSTER_PORT": str(port)}
    web = made.processes.start("dagster-webserver", command, env=environment)
    made.processes.wait_for(web, lambda: answers(port), limit_s=LIMIT_S)
    people = [made.installation, *(set_up(made.outside.notion, made.instance) for _ in range(2))]
    links = made.outside.media.steer("copies", post="pasta", count=ROWS)["links"]
    for number, link in enumerate(links):
        people[number % len(people)].write_row(link)
    for each in people:
        each.poll_now()
    looks, most, ended_at = 0, (0.0, 0), time.monotonic() + LIMIT_S
    while time.monotonic() < ended_at:
        going_on = made.instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        most = max(most, (_pss_mb(_own_processes()), going_on))
        looks += going_on >= RUNS
        if looks == LOOKS:
            break
        time.sleep(_LOOK_S)
    return most


def _own_processes() -> list[psutil.Process]:
    """Return the processes of the installation: all that this one started but the stand-ins."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if not any(part == "sandbox" for part in process.cmdline()):
                found.append(process)
    return found


def _pss_mb(processes: Iterable[psutil.Process]) -> float:
    held = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            held += process.memory_full_info().pss
    return held / _MB


def _of_a_long_video() -> float:
    """Return the most that a process takes for a video of half an hour, with its children."""
    with tempfile.TemporaryDirectory(prefix="svp-memory-") as folder, stand_ins(Path(folder)):
        path = Path(folder) / "long.mp4"
        repeated = ["-stream_loop", "-1", "-i", str(_CLIP), "-t", str(MINUTES * 60 - 5), "-c", "copy", str(path)]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *repeated], check=True, timeout=LIMIT_S)
        command = [str(Path(sys.executable).with_name("svp")), "process", str(path)]
        with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL) as child:
            process, most_mb = psutil.Process(child.pid), 0.0
            while child.poll() is None:
                with suppress(psutil.NoSuchProcess):
                    most_mb = max(most_mb, _pss_mb([process, *process.children(recursive=True)]))
                time.sleep(_LOOK_S / 5)
        if child.returncode:
            raise RuntimeError(f"svp process ended with {child.returncode}")
    return most_mb


def main() -> int:
    """Print the figures; 0 where both goals are met."""
    found = measure()
    print(f"{found.runs} runs went on when the most memory was taken")
    print(found.line)
    return 0 if found.rss_mb <= GOAL_MB and found.video_mb <= VIDEO_GOAL_MB else 1


if __name__ == "__main__":
    sys.exit(main())
