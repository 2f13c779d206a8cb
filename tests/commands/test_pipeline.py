"""The stages of one video as `svp process` runs them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from svp_dagster.commands.pipeline import Options, Pipeline
from svp_dagster.commands.process import Result, read_schema
from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.engines import Engines, choose_engines
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.library.renderings import as_json
from svp_dagster.models import ProcessingType, Segment, Span, Transcript, Video, Word
from svp_dagster.ports import Meter
from svp_dagster.settings import Settings
from svp_dagster.summary.engines import ExtractiveSummarizer
from tests.fakes import ContentsInMemory, CountingMeter
from tests.media import making
from tests.sandbox.ai_service import AiService

pytest_plugins = ("tests.paid_engines",)

MEET_LIMIT_S = 20.0
SPOKEN = Transcript(
    text="Take two eggs.", segments=(Segment(start_s=0, end_s=26, text="Take two eggs."),), source="whisper-1"
)


@dataclass
class Meeting:
    """Speech engine and screen reader that each wait for the other to be at work."""

    barrier: threading.Barrier = field(default_factory=lambda: threading.Barrier(2, timeout=MEET_LIMIT_S))
    problem: SvpError | None = None
    prepared: int = 0
    recipe: str = "meeting"
    source: str = "meeting"
    tiles: int = 30

    def prepare(self) -> None:
        self.prepared += 1

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        self.barrier.wait()
        if self.problem is not None:
            raise self.problem
        return SPOKEN

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:
        self.barrier.wait()
        return [[Word(text="Take two eggs.", left=0, top=0, right=90, bottom=9)] for _ in pictures]


def pipeline(meeting: Meeting, folder: Path, *, stages: list[str] | None = None) -> Pipeline:
    @contextmanager
    def watch(stage: str) -> Iterator[Callable[[float], None]]:
        yield lambda _: None
        if stages is not None:
            stages.append(stage)

    chosen = Engines(
        downloader=YtDlpDownloader(), speech=meeting, screen_reader=meeting, summarizer=ExtractiveSummarizer()
    )
    return Pipeline(engines=chosen, contents=ContentsInMemory(), meter=CountingMeter(), folder=folder, watch=watch)


def test_a_video_is_heard_and_read_side_by_side(tmp_path: Path) -> None:
    stages: list[str] = []

    outcome = pipeline(Meeting(), tmp_path, stages=stages).run(
        making.CLIPS / "pasta.mp4", Options(data_schema=read_schema(None)[0])
    )

    assert outcome.transcript == SPOKEN
    assert outcome.summary.overview
    assert (stages[0], set(stages[1:3]), stages[3]) == ("download", {"transcribe", "read screen"}, "summarize")


def test_a_failure_of_the_speech_engine_is_raised_once_the_reading_has_ended(tmp_path: Path) -> None:
    stages: list[str] = []
    one = pipeline(Meeting(problem=failure(Code.SPEECH_FAILED, detail="x")), tmp_path, stages=stages)

    with pytest.raises(SvpError) as caught:
        one.perceive(one.fetch(making.CLIPS / "pasta.mp4"), ProcessingType.FULL)

    assert caught.value.code is Code.SPEECH_FAILED
    assert stages == ["download", "read screen"]


@pytest.mark.parametrize(("processing_type", "times"), [(ProcessingType.FULL, 1), (ProcessingType.CAPTION, 0)])
def test_a_speech_engine_is_loaded_beside_the_download_where_it_is_needed(
    tmp_path: Path, processing_type: ProcessingType, times: int
) -> None:
    meeting = Meeting()
    options = Options(data_schema=read_schema(None)[0], processing_type=processing_type)

    with pytest.raises(FileNotFoundError):
        pipeline(meeting, tmp_path).run(tmp_path / "none.mp4", options)

    assert meeting.prepared == times


def paid(folder: Path) -> Pipeline:
    """The pipeline with the configured engines."""
    return Pipeline(
        engines=choose_engines(Settings()),
        contents=ContentsInMemory(),
        meter=CountingMeter(),
        folder=folder,
        watch=pipeline(Meeting(), folder).watch,
    )


def test_music_costs_no_transcription_and_invents_no_words(ai: AiService, tmp_path: Path) -> None:
    post = Video(
        media_key="Instagram:1",
        url="https://www.instagram.com/reel/DOramen0001/",
        description="Ramen in Shinjuku",
        video_path=making.CLIPS / "ramen.mp4",
    )
    sign = {"text": "Hoshi Ramen", "left": 40, "top": 90, "width": 200, "height": 30}
    ai.steer("vision", lines=[sign])

    one = paid(tmp_path)
    transcript, screen_text = one.perceive(making.probed(post), ProcessingType.FULL)
    summary = one.sum_up(post, transcript, screen_text, Options(data_schema=read_schema(None)[0]))

    assert (transcript.text, transcript.no_speech) == ("", True)
    assert [line.text for line in screen_text.lines] == ["Hoshi Ramen"]
    assert summary.properties
    assert {service: counts["calls"] for service, counts in ai.ledger.items()} == {
        "vision": 1,
        "gemini": 2,
    }  # the second call checks


def silent(path: Path) -> Video:
    """A post in which nothing is said, shown as text or written."""
    clip = making.video(path, lambda _: making.picture(), duration_s=2)
    post = Video(media_key="TikTok:1", url="https://www.tiktok.com/@a/video/1", uploader="anna", video_path=clip)
    return making.probed(post)


def test_a_video_without_words_gets_a_page_of_its_pictures_and_the_next_save_is_free(
    ai: AiService, tmp_path: Path
) -> None:
    ai.steer("vision", lines=[])
    columns = tmp_path / "columns.json"
    columns.write_text('{"columns": {"name": "title", "mood": "rich_text", "pieces": "number"}}')
    options, post, one = Options(data_schema=read_schema(columns)[0]), silent(tmp_path / "v.mp4"), paid(tmp_path)

    first, second = (one.sum_up(post, *one.perceive(post, ProcessingType.FULL), options) for _ in range(2))

    assert (first.is_seen, first.properties["mood"].evidence[0].source) == (True, "picture")
    assert set(first.properties) == {"name", "mood"}
    assert second == first
    transcript, screen_text = one.perceive(post, ProcessingType.FULL)
    result = Result(video=post, transcript=transcript, screen_text=screen_text, summary=first, paid_calls=())
    assert screen_text.sheet is not None
    assert str(tmp_path) not in as_json(result)
    assert {service: counts["calls"] for service, counts in ai.ledger.items()} == {"vision": 1, "gemini": 1}
    assert ai.ledger["gemini"]["prompt_tokens"] > 1_120


def test_a_video_without_words_that_is_not_looked_at_fails_before_the_summary_is_paid(
    ai: AiService, tmp_path: Path
) -> None:
    post, one = silent(tmp_path / "v.mp4"), paid(tmp_path)
    transcript, screen_text = one.perceive(post, ProcessingType.SPEECH)

    with pytest.raises(SvpError) as caught:
        one.sum_up(post, transcript, screen_text, Options(data_schema=read_schema(None)[0]))

    assert caught.value.code is Code.NOTHING_TO_READ
    assert ai.ledger == {}
