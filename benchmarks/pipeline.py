"""How much longer a run takes than it has to: `python -m benchmarks.pipeline`.

The paid services are stand-ins that take their time: 4 s for speech, 1 s for Vision, 4 s for Gemini, 0.3 s for each
call of Notion. One video, a file of this machine, goes through the function behind `svp process`, in a new process that
has imported none of the services' packages yet: what it loads on the way counts. The better of two processes is taken:
the first may have to fetch the packages from the disk. Then each stage runs alone, with everything loaded, and their
times make the critical path:

    download + the longer of (transcribe, read screen) + summarize

`wall_over_critical_path` is the first ÷ the second. The same video is then a row of a Link Database, downloaded from
the stand-in for the site: once by the Dagster job in this process, once by calling the job's ops one after the other
without it. `dagster_share_s` is the difference. Both runs are warm, and claim their row, tell its status to Notion and
publish its page.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import dagster as dg

from benchmarks.installation import Installation, set_up
from benchmarks.stand_ins import StandIns, stand_ins
from svp_dagster.commands.pipeline import Options, Pipeline
from svp_dagster.commands.process import Tally, Unkept, process, read_schema
from svp_dagster.engines import choose_engines
from svp_dagster.models import ProcessingType
from svp_dagster.prices import load_prices
from svp_dagster.settings import Settings

CLIPS = Path(__file__).parents[1] / "sandbox" / "media" / "clips"
CLIP = CLIPS / "pancakes.mp4"
LINK = "https://www.instagram.com/reel/DOpancakes1/"
"""The same clip as a post: spoken, without captions."""

LATENCY_S = {"openai": 4.0, "vision": 1.0, "gemini": 4.0}
NOTION_S = 0.3
SHOWN = ["Banana Oat Pancakes", "You need", "2 ripe bananas", "2 eggs", "80 g oats", "1 tsp cinnamon"]


def main() -> None:
    """Measure and print."""
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    with tempfile.TemporaryDirectory() as scratch, stand_ins(Path(scratch)) as outside:
        _slow_down(outside)
        wall_s, stages_s = min(_in_a_new_process(_wall_s) for _ in range(2)), _stages_s(Path(scratch))
        critical_s = stages_s["download"] + max(stages_s["transcribe"], stages_s["read screen"]) + stages_s["summarize"]
        for stage, seconds in stages_s.items():
            print(f"{stage:<30}{seconds:8.2f} s")
        print(f"{'critical path':<30}{critical_s:8.2f} s")
        print(f"{'svp process, nothing loaded':<30}{wall_s:8.2f} s")
        outside.notion.steer("faults", path="^/v1/", times=None, delay_s=NOTION_S, name="latency")
        with dg.DagsterInstance.local_temp(scratch) as instance:
            job_s, by_hand_s = _with_dagster(set_up(outside.notion, instance))
        print(f"{'the job':<30}{job_s:8.2f} s")
        print(f"{'its ops without Dagster':<30}{by_hand_s:8.2f} s")
    print(f"wall_over_critical_path={wall_s / critical_s:.2f} dagster_share_s={job_s - by_hand_s:.2f}")


def _slow_down(outside: StandIns) -> None:
    """Let the services take their time, and Vision no more than that: what it reads is laid down."""
    outside.ai.steer("latency", **LATENCY_S)
    outside.ai.steer("vision", lines=SHOWN)


def _in_a_new_process(work: Callable[[], float]) -> float:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work).result()


def _wall_s() -> float:
    """Seconds of `svp process`."""
    columns, prompt = read_schema(None)
    begun_s = time.perf_counter()
    process(str(CLIP), settings=Settings(), schema=columns, prompt=prompt, processing_type=ProcessingType.FULL)
    return time.perf_counter() - begun_s


def _stages_s(folder: Path) -> dict[str, float]:
    """Seconds of each stage alone, the second time: the first one loads."""
    columns, prompt = read_schema(None)
    seconds: dict[str, float] = {}

    @contextmanager
    def watch(stage: str) -> Iterator[Callable[[float], None]]:
        stage_begun_s = time.perf_counter()
        yield lambda _: None
        seconds[stage] = time.perf_counter() - stage_begun_s

    tally = Tally(load_prices(None))
    pipeline = Pipeline(engines=choose_engines(Settings()), contents=Unkept(), meter=tally, folder=folder, watch=watch)
    for _ in range(2):
        video = pipeline.fetch(CLIP)
        transcript = pipeline.hear(video, ProcessingType.FULL)
        screen_text = pipeline.read(video, ProcessingType.FULL)
        pipeline.sum_up(video, transcript, screen_text, Options(data_schema=columns, prompt=prompt))
    return seconds


def _with_dagster(installation: Installation) -> tuple[float, float]:
    """Seconds of the job, and of its ops without it: the better of two each. A first row loads what is loaded once."""

    def seconds(work: Callable[[str], None]) -> float:
        page_id = installation.add_row(LINK)
        installation.forget_results()
        begun_s = time.perf_counter()
        work(page_id)
        return time.perf_counter() - begun_s

    seconds(installation.run_job)
    rounds = [(seconds(installation.run_job), seconds(installation.run_by_hand)) for _ in range(2)]
    return min(job_s for job_s, _ in rounds), min(by_hand_s for _, by_hand_s in rounds)


if __name__ == "__main__":
    main()
