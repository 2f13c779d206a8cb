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
from typing import TypeVar

import dagster as dg

from sandbox.media.posts import post
from sandbox.media.server import serve_media
from svp_dagster.commands.process import Tally, Unkept, read_schema
from svp_dagster.engines import choose_engines
from svp_dagster.models import ProcessingType
from svp_dagster.settings import Settings
from svp_dagster.stages.download import download
from svp_dagster.stages.read_screen import read_screen
from svp_dagster.stages.summarize import summarize
from svp_dagster.stages.transcribe import transcribe

T = TypeVar("T")


def main(name: str) -> None:
    """Print the table."""
    schema, prompt = read_schema(None)
    unkept, tally = Unkept(), Tally()
    with tempfile.TemporaryDirectory() as scratch, _site(Path(scratch)):
        settings = Settings()
        with dg.build_resources(choose_engines(settings)) as engines:
            kept = {"contents": unkept, "meter": tally, "processing_type": ProcessingType.FULL, "folder": Path(scratch)}
            print(f"{'stage':<14}{'seconds':>9}{'CPU-seconds':>13}  engine")
            video = _timed(
                "download",
                lambda: download(post(name).link, downloader=engines.downloader, folder=Path(scratch)),
                lambda v: v.codec,
            )
            transcript = _timed(
                "transcribe", lambda: transcribe(video, engine=engines.speech, **kept), lambda t: t.source
            )
            text = _timed(
                "read screen",
                lambda: read_screen(video, transcript, reader=engines.screen_reader, **kept),
                lambda s: s.source,
            )
            _timed(
                "summarize",
                lambda: summarize(
                    video,
                    transcript,
                    text,
                    schema=schema,
                    prompt=prompt,
                    language=None,
                    engine=engines.summarizer,
                    contents=unkept,
                    meter=tally,
                ),
                lambda s: s.engine,
            )
    print(f"{name}: {video.duration_s:.0f} s, {video.width_px}×{video.height_px}, {len(tally.calls)} paid calls")


@contextmanager
def _site(folder: Path) -> Iterator[None]:
    """The sites, trusted by this process. Set before the first import of an HTTP client."""
    with serve_media(folder) as site:
        for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            os.environ[name] = str(site.ca_path)
        os.environ["SVP_EGRESS_PROXY"] = site.proxy_url
        os.environ.setdefault("SVP_LOCAL_SPEECH_MODEL", "off")
        yield


def _timed(stage: str, work: Callable[[], T], engine: Callable[[T], str]) -> T:
    wall_s, cpu_s = time.perf_counter(), _cpu_s()
    value = work()
    wall_s, cpu_s = time.perf_counter() - wall_s, _cpu_s() - cpu_s
    print(f"{stage:<14}{wall_s:>9.2f}{cpu_s:>13.2f}  {engine(value)}", flush=True)
    return value


def _cpu_s() -> float:
    """Of this process and its finished children (ffmpeg)."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "pasta")
