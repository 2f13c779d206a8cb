"""One video through the stages, without Dagster and without Notion: hearing and reading go on side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from svp_dagster.download.stage import download, open_file
from svp_dagster.models import Link, ProcessingType, ScreenText, Summary, Transcript, Value, Video
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.ports import Contents, Downloader, Meter, ScreenReader, SpeechEngine, Summarizer
from svp_dagster.screen.stage import read_screen, with_subtitles_marked
from svp_dagster.speech.stage import transcribe
from svp_dagster.summary.stage import summarize

Watch = Callable[[str], AbstractContextManager[Callable[[float], None]]]
"""Is entered for the length of a stage, by the stage's name; gives what is told the share done, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Engines:
    """Who does the work."""

    downloader: Downloader
    speech: SpeechEngine
    screen_reader: ScreenReader
    summarizer: Summarizer


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is wanted of a video."""

    columns: DataSourceSchema
    prompt: str = ""
    language: str | None = None
    processing_type: ProcessingType = ProcessingType.FULL


class Outcome(Value):
    """What came out of a video."""

    video: Video
    transcript: Transcript
    screen_text: ScreenText
    summary: Summary


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The stages with all that they need. `contents` and `meter` are used by two threads at a time."""

    engines: Engines
    contents: Contents
    meter: Meter
    folder: Path
    watch: Watch

    def run(self, source: Link | Path, wish: Wish) -> Outcome:
        """Take a link, or a file of this machine, through the stages. Raises the failures of each."""
        with ThreadPoolExecutor(1, "prepare") as beside:
            if wish.processing_type.hears:
                beside.submit(self.engines.speech.prepare)  # where that fails, the stage loads again and says so
            video = self.fetch(source)
            transcript, screen_text = self.perceive(video, wish.processing_type)
        summary = self.sum_up(video, transcript, screen_text, wish)
        return Outcome(video=video, transcript=transcript, screen_text=screen_text, summary=summary)

    def fetch(self, source: Link | Path) -> Video:
        """The first stage."""
        downloader = self.engines.downloader
        with self.watch("download") as progress:
            if isinstance(source, Path):
                return open_file(source, max_duration_s=downloader.max_duration_s)
            return download(source, downloader=downloader, folder=self.folder, progress=progress)

    def perceive(self, video: Video, processing_type: ProcessingType) -> tuple[Transcript, ScreenText]:
        """What is said and what is shown. A failed transcript is raised once the reading has ended too."""
        with ThreadPoolExecutor(1, "read") as beside:
            reading = beside.submit(self.read, video, processing_type)
            beside.submit(self.engines.summarizer.prepare)
            transcript = self.hear(video, processing_type)
            screen_text = reading.result()
        return transcript, with_subtitles_marked(screen_text, transcript)

    def hear(self, video: Video, processing_type: ProcessingType) -> Transcript:
        """The stage `transcribe`."""
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
        """The stage `read_screen`, its lines not yet compared with what is said."""
        with self.watch("read screen"):
            return read_screen(
                video,
                processing_type=processing_type,
                reader=self.engines.screen_reader,
                contents=self.contents,
                meter=self.meter,
                folder=self.folder,
            )

    def sum_up(self, video: Video, transcript: Transcript, screen_text: ScreenText, wish: Wish) -> Summary:
        """The stage `summarize`."""
        with self.watch("summarize"):
            return summarize(
                video,
                transcript,
                screen_text,
                schema=wish.columns,
                prompt=wish.prompt,
                language=wish.language,
                engine=self.engines.summarizer,
                contents=self.contents,
                meter=self.meter,
            )
