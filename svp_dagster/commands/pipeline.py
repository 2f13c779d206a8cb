"""Run one video through the stages without Dagster and Notion. Speech and screen are processed in parallel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from svp_dagster.download.stage import download, open_file
from svp_dagster.engines import Engines
from svp_dagster.models import Link, Outcome, ProcessingType, ScreenText, Summary, Transcript, Video
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.ports import Contents, Meter, SummaryRequest
from svp_dagster.screen.stage import read_screen
from svp_dagster.speech.stage import transcribe
from svp_dagster.summary.stage import summarize

Watch = Callable[[str], AbstractContextManager[Callable[[float], None]]]
"""Makes a context manager for a stage of that name, which yields a callback for the share done, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to make of a video."""

    data_schema: DataSourceSchema
    prompt: str = ""
    language: str | None = None
    processing_type: ProcessingType = ProcessingType.FULL


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The stages with their dependencies. `contents` and `meter` are used by two threads at a time."""

    engines: Engines
    contents: Contents
    meter: Meter
    folder: Path
    watch: Watch

    def run(self, source: Link | Path, options: Options) -> Outcome:
        """Run a link, or a file of this machine, through the stages. Raises their failures."""
        with ThreadPoolExecutor(1, "prepare") as beside:
            if options.processing_type.hears:
                beside.submit(self.engines.speech.prepare)  # if that fails, the stage loads again and raises
            video = self.fetch(source)
            transcript, screen_text = self.perceive(video, options.processing_type)
        summary = self.sum_up(video, transcript, screen_text, options)
        return Outcome(video=video, transcript=transcript, screen_text=screen_text, summary=summary)

    def fetch(self, source: Link | Path) -> Video:
        """Run the stage `download`."""
        downloader = self.engines.downloader
        with self.watch("download") as progress:
            if isinstance(source, Path):
                return open_file(source, max_duration_s=downloader.max_duration_s)
            return download(source, downloader=downloader, folder=self.folder, progress=progress)

    def perceive(self, video: Video, processing_type: ProcessingType) -> tuple[Transcript, ScreenText]:
        """Run `transcribe` and `read_screen` in parallel. Raises the failure of `transcribe` after both have ended."""
        with ThreadPoolExecutor(1, "read") as beside:
            reading = beside.submit(self.read, video, processing_type)
            beside.submit(self.engines.summarizer.prepare)
            transcript = self.hear(video, processing_type)
            return transcript, reading.result()

    def hear(self, video: Video, processing_type: ProcessingType) -> Transcript:
        """Run the stage `transcribe`."""
        with self.watch("transcribe"):
            return transcribe(
                video,
                processing_type=processing_type,
                engine=self.engines.speech,
                contents=self.contents,
                meter=self.meter,
                folder=self.folder,
            )

    def read(self, video: Video, processing_type: ProcessingType) -> ScreenText:
        """Run the stage `read_screen`."""
        with self.watch("read screen"):
            return read_screen(
                video,
                processing_type=processing_type,
                reader=self.engines.screen_reader,
                contents=self.contents,
                meter=self.meter,
                folder=self.folder,
                with_sheet=self.engines.summarizer.sees,
            )

    def sum_up(self, video: Video, transcript: Transcript, screen_text: ScreenText, options: Options) -> Summary:
        """Run the stage `summarize`."""
        request = SummaryRequest(
            video=video,
            transcript=transcript,
            screen_text=screen_text,
            data_schema=options.data_schema,
            prompt=options.prompt,
            language=options.language,
        )
        with self.watch("summarize"):
            return summarize(request, engine=self.engines.summarizer, contents=self.contents, meter=self.meter)
