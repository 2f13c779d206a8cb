"""One video through the stages: seconds and CPU-seconds per stage.

`make bench`, or `python -m benchmarks.stages [NAME]` with the name of a post in `sandbox/media/posts.py`. The post
comes from the stand-in for the sites; with no keys in the environment the local engines serve.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.media.posts import post
from sandbox.media.server import serve_media
from svp_dagster.commands.process import Tally, Unkept, read_schema
from svp_dagster.download.links import parse_link
from svp_dagster.download.stage import download
from svp_dagster.engines import choose_engines
from svp_dagster.models import ProcessingType, Video
from svp_dagster.ports import SummaryRequest
from svp_dagster.prices import load_prices
from svp_dagster.screen.stage import read_screen
from svp_dagster.settings import Settings
from svp_dagster.speech.stage import transcribe
from svp_dagster.summary.stage import summarize


def main(name: str) -> None:
    """Print the table."""
    schema, prompt = read_schema(None)
    tally = Tally(load_prices(None))
    with tempfile.TemporaryDirectory() as scratch, _site(Path(scratch)):
        folder = Path(scratch)
        engines = choose_engines(Settings())
        print(f"{'stage':<14}{'seconds':>9}{'CPU-seconds':>13}  engine")
        with _timed("download") as done:
            video = download(parse_link(post(name).link), downloader=engines.downloader, folder=folder)
            done(video.files[0].codec if video.files else "")
        with _timed("transcribe") as done:
            transcript = transcribe(
                video,
                processing_type=ProcessingType.FULL,
                engine=engines.speech,
                contents=Unkept(),
                meter=tally,
                folder=folder,
            )
            done(transcript.source)
        with _timed("read screen") as done:
            screen_text = read_screen(
                video,
                processing_type=ProcessingType.FULL,
                reader=engines.screen_reader,
                contents=Unkept(),
                meter=tally,
                folder=folder,
                with_sheet=engines.summarizer.sees,
            )
            done(screen_text.source)
        with _timed("summarize") as done:
            request = SummaryRequest(
                video=video,
                transcript=transcript,
                screen_text=screen_text,
                data_schema=schema,
                prompt=prompt,
                language=None,
            )
            summary = summarize(request, engine=engines.summarizer, contents=Unkept(), meter=tally)
            done(summary.engine)
    print(f"{name}: {video.duration_s:.0f} s, {_size(video)}, {len(tally.calls)} paid calls")


def _size(video: Video) -> str:
    return ", ".join(f"{file.width_px}×{file.height_px}" for file in video.files if file.has_video)


@contextmanager
def _site(folder: Path) -> Iterator[None]:
    """The sites, trusted by this process. Set before the first import of an HTTP client."""
    with serve_media(folder) as site:
        for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            os.environ[name] = str(site.ca_path)
        os.environ["SVP_EGRESS_PROXY"] = site.proxy_url
        os.environ.setdefault("SVP_LOCAL_SPEECH_MODEL", str(folder / "no model"))
        yield


@contextmanager
def _timed(stage: str) -> Iterator[Callable[[str], None]]:
    """Times a stage until it tells which engine served, and prints its row."""
    wall_s, cpu_s = time.perf_counter(), _cpu_s()

    def done(engine: str) -> None:
        row = f"{stage:<14}{time.perf_counter() - wall_s:>9.2f}{_cpu_s() - cpu_s:>13.2f}  {engine}"
        print(row, flush=True)

    yield done


def _cpu_s() -> float:
    """Of this process and its finished children (ffmpeg)."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "pasta")
