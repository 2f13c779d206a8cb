from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import (
    ContactSheet,
    Evidence,
    JsonObject,
    PropertyFill,
    ScreenLine,
    ScreenText,
    Summary,
    Tile,
    Transcript,
    Usage,
    Video,
)
from svp_dagster.ports import Summarizer, SummaryRequest
from svp_dagster.summary.engines import ExtractiveSummarizer
from svp_dagster.summary.stage import summarize
from tests.fakes import ContentsInMemory, CountingMeter
from tests.notion.schemas import column, schema
from tests.summary.hostile import TEXTS
from tests.summary.recipe import (
    NO_SCREEN_TEXT,
    NO_TRANSCRIPT,
    RECIPES,
    TRANSCRIPT,
    VIDEO,
    wanted,
)


class PaidEngine:
    """An engine that answers what it is told to, and charges for it."""

    sees = False

    def __init__(self, *, recipe: str = "paid 1", **properties: Any) -> None:
        self.recipe = recipe
        self._properties = {"Name": "Lemon pasta", **properties}

    def summarize(self, request: SummaryRequest, *, meter: CountingMeter) -> Summary:
        meter.require_budget()
        meter.record(Usage(service="summary", model="m", units=100, unit="tokens"))
        fills = {
            name: PropertyFill(value=value, evidence=(Evidence(source="speech", quote="lemon pasta", checked=True),))
            for name, value in self._properties.items()
        }
        return Summary(overview="A recipe.", properties=fills, engine="paid", model="m")


def run(engine: Any, *, contents: ContentsInMemory, meter: CountingMeter | None = None, **changes: Any) -> Summary:
    used: Summarizer = engine
    return summarize(wanted(**changes), engine=used, contents=contents, meter=meter or CountingMeter())


def test_the_same_video_is_paid_for_once() -> None:
    contents, meter = ContentsInMemory(), CountingMeter()
    first = run(PaidEngine(), contents=contents, meter=meter)
    assert run(PaidEngine(), contents=contents, meter=meter) == first
    assert len(meter.calls) == 1
    assert {(media_key, kind) for media_key, kind, _ in contents.kept} == {("tiktok:7301", "summary")}


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "For four."},
        {"language": "de"},
        {"data_schema": schema(column("Steps", "rich_text"))},
        {
            "data_schema": schema(
                *(one for one in RECIPES.columns[1:] if one.name != "Cuisine"), column("Cuisine", "select")
            )
        },
        {"transcript": NO_TRANSCRIPT},
        {"screen_text": NO_SCREEN_TEXT},
        {"video": VIDEO.model_copy(update={"description": "Another caption"})},
        {"engine": PaidEngine(recipe="paid 2")},
    ],
    ids=["prompt", "language", "columns", "options", "transcript", "screen text", "caption", "engine"],
)
def test_whatever_the_summary_depends_on_is_paid_again(changes: JsonObject) -> None:
    contents, meter = ContentsInMemory(), CountingMeter()
    run(PaidEngine(), contents=contents, meter=meter)
    engine = changes.pop("engine", PaidEngine())
    run(engine, contents=contents, meter=meter, **changes)
    assert len(meter.calls) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"video": VIDEO.model_copy(update={"url": "https://vm.tiktok.com/x", "cover_path": Path("cover.jpg")})},
        {"data_schema": schema(*RECIPES.columns[1:], column("Formula", "formula"), column("Files", "files"))},
        {"transcript": TRANSCRIPT.model_copy(update={"source": "captions"})},
    ],
    ids=["another link", "columns that nobody fills", "who heard it"],
)
def test_what_the_summary_does_not_depend_on_is_not_paid_again(changes: JsonObject) -> None:
    contents, meter = ContentsInMemory(), CountingMeter()
    run(PaidEngine(), contents=contents, meter=meter)
    run(PaidEngine(), contents=contents, meter=meter, **changes)
    assert len(meter.calls) == 1


def test_what_an_engine_that_does_not_see_makes_does_not_depend_on_a_contact_sheet() -> None:
    contents, meter, engine = ContentsInMemory(), CountingMeter(), PaidEngine()
    sheet = ContactSheet(path=Path("sheet.jpg"), width=9, height=9, columns=1, tiles=(Tile(at_s=0),), recipe="sheet")
    for made in (sheet, None):
        run(engine, contents=contents, meter=meter, screen_text=NO_SCREEN_TEXT.model_copy(update={"sheet": made}))
    assert len(meter.calls) == 1


@pytest.mark.parametrize(
    "video",
    [
        Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1", uploader="anna", duration_s=9.0),
        Video(media_key="instagram:1", url="https://www.instagram.com/p/1/", title="Video by anna"),
        Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1", description=" 🔥🔥 \u200b"),
    ],
)
def test_with_nothing_to_read_nothing_is_paid(video: Video) -> None:
    meter, contents = CountingMeter(), ContentsInMemory()
    silent = Transcript(text=" ", no_speech=True, note="No speech was heard.")
    with pytest.raises(SvpError) as caught:
        run(PaidEngine(), contents=contents, meter=meter, video=video, transcript=silent, screen_text=NO_SCREEN_TEXT)
    assert caught.value.code is Code.NOTHING_TO_READ
    assert meter.checks == 0
    assert contents.kept == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"transcript": Transcript(text="boil")},
        {"screen_text": ScreenText(lines=(ScreenLine(text="煮る"),))},
        {"video": VIDEO.model_copy(update={"title": "", "description": "#pasta"})},
    ],
    ids=["one spoken word", "one line on the screen", "one hashtag"],
)
def test_any_word_is_enough(changes: JsonObject) -> None:
    video = Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1", uploader="anna")
    silent: JsonObject = {"video": video, "transcript": NO_TRANSCRIPT, "screen_text": NO_SCREEN_TEXT}
    made = run(ExtractiveSummarizer(), contents=ContentsInMemory(), **(silent | changes))
    assert made.properties["Name"].value
    assert made.overview


@pytest.mark.parametrize(
    "properties",
    [{"Link": "https://x.example"}, {"Unknown": 1}, {"Made by": "Anna"}, {"Servings": "four"}, {"Event": "soon"}],
)
def test_a_value_that_its_column_can_not_hold_costs_that_column(properties: JsonObject) -> None:
    contents = ContentsInMemory()
    made = run(PaidEngine(**properties, Steps="Boil."), contents=contents)
    assert set(made.properties) == {"Name", "Steps"}
    assert set(made.left_blank) == set(properties)
    assert list(contents.kept.values()) == [made]


def test_a_summary_without_a_title_is_invalid_and_not_kept() -> None:
    contents = ContentsInMemory()
    with pytest.raises(SvpError) as caught:
        run(PaidEngine(Name=[]), contents=contents)
    assert caught.value.code is Code.SUMMARY_INVALID
    assert contents.kept == {}


def test_a_failure_of_the_engine_is_passed_on_and_nothing_is_kept() -> None:
    contents = ContentsInMemory()
    with pytest.raises(SvpError) as caught:
        run(PaidEngine(), contents=contents, meter=CountingMeter(calls_allowed=0))
    assert caught.value.code is Code.BUDGET_REACHED
    assert contents.kept == {}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_hostile_video_has_a_summary_that_can_be_kept(text: str) -> None:
    video = VIDEO.model_copy(update={"title": text[:200], "description": text, "uploader": text})
    hostile: JsonObject = {"video": video, "transcript": Transcript(text=text), "prompt": text}
    contents = ContentsInMemory()
    made = run(ExtractiveSummarizer(), contents=contents, **hostile)
    assert run(ExtractiveSummarizer(), contents=contents, **hostile) == made
    assert "Rating" not in made.properties
    assert len(made.model_dump_json()) < 100_000
