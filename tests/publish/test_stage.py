"""Pages in the stand-in for Notion; every request is held against Notion's own description."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from svp_dagster.models import (
    BlockBudget,
    ContentPage,
    Evidence,
    JsonObject,
    PageOptions,
    PropertyFill,
    ScreenLine,
    ScreenText,
    Segment,
    Summary,
    Transcript,
    Video,
)
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rich_text import plain_text
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.ports import SummaryRequest
from svp_dagster.publish.stage import Place, publish
from svp_dagster.summary.engines import ExtractiveSummarizer
from svp_dagster.summary.stage import summarize
from tests.fakes import ContentsInMemory, CountingMeter
from tests.media import making
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.summary.hostile import ORDERED, TEXTS

COLUMNS: JsonObject = {
    "link": {"url": {}},
    "summary": {"rich_text": {}},
    "ingredients": {"multi_select": {}},
    "servings": {"number": {}},
    "vegan": {"checkbox": {}},
    "cuisine": {"select": {}},
}
VIDEO = Video(media_key="TikTok:1", url="https://www.tiktok.com/@cook/video/1", title="Soup", duration_s=600)
TRANSCRIPT = Transcript(
    text="Take two eggs. Stir.",
    source="whisper-1",
    segments=(Segment(start_s=0, end_s=3, text="Take two eggs."), Segment(start_s=302, end_s=304, text="Stir.")),
)
SCREEN = ScreenText(lines=(ScreenLine(text="2 EGGS", first_s=3.7),), source="RapidOCR")
SUMMARY = Summary(
    overview="A soup.",
    properties={"Name": PropertyFill(value="Soup", evidence=(Evidence(source="speech", quote="two eggs"),))},
    engine="extractive",
    model="extractive",
)


@pytest.fixture
def columns(notion: NotionSandbox, workspace: Workspace) -> DataSourceSchema:
    return workspace.schema(notion.data_source(COLUMNS))


def published(
    workspace: Workspace, columns: DataSourceSchema, folder: Path, *, page_id: str | None = None, **changes: Any
) -> ContentPage:
    """Publish; the given values take the place of those above."""
    options = changes.pop("options", PageOptions())
    place = Place(
        columns=columns, known_page_id=page_id, pages_of_others=frozenset(), asked_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    record_page = changes.pop("record_page", lambda _: True)
    given = {"video": VIDEO, "transcript": TRANSCRIPT, "screen_text": SCREEN, "summary": SUMMARY} | changes
    return publish(**given, place=place, pages=workspace, record_page=record_page, options=options, folder=folder)


def blocks(notion: NotionSandbox, block_id: str) -> list[JsonObject]:
    """All blocks below a page or block."""
    found = notion.raw.get(f"/v1/blocks/{block_id}/children").raise_for_status().json()["results"]
    return [one for block in found for one in (block, *(blocks(notion, block["id"]) if block["has_children"] else ()))]


def test_a_new_page_is_made_in_few_calls(
    notion: NotionSandbox, workspace: Workspace, columns: DataSourceSchema, tmp_path: Path
) -> None:
    notion.forget()

    page = published(workspace, columns, tmp_path)

    assert [(record.method, record.path.removeprefix("/v1/").split("/")[0]) for record in notion.requests()] == [
        ("POST", "data_sources"),  # is there a page of an attempt that died?
        ("GET", "users"),  # the largest file
        *[("POST", "file_uploads")] * 4,
        ("POST", "pages"),
    ]
    assert len(blocks(notion, page.page_id)) <= 10


def test_a_page_that_another_entry_took_at_the_same_moment_is_left_to_it(
    workspace: Workspace, notion: NotionSandbox, columns: DataSourceSchema, tmp_path: Path
) -> None:
    others = published(workspace, columns, tmp_path)
    before = notion.raw.get(f"/v1/pages/{others.page_id}").json()

    own = published(workspace, columns, tmp_path, record_page=lambda page: page.page_id != others.page_id)

    assert own.page_id != others.page_id
    assert notion.raw.get(f"/v1/pages/{others.page_id}").json() == before


def test_the_transcript_is_attached_as_subtitles_once(
    notion: NotionSandbox, workspace: Workspace, columns: DataSourceSchema, tmp_path: Path
) -> None:
    page = published(workspace, columns, tmp_path)
    published(workspace, columns, tmp_path, page_id=page.page_id)

    files = {block["file"]["name"]: block["file"] for block in blocks(notion, page.page_id) if block["type"] == "file"}
    assert list(files) == ["transcript.vtt.txt", "transcript.srt.txt"]
    texts = [notion.raw.get(file["file"]["url"]).text for file in files.values()]
    assert texts[0].startswith("WEBVTT\n\n00:00:00.000 --> 00:00:03.000\nTake two eggs.\n")
    assert texts[1].startswith("1\n00:00:00,000 --> 00:00:03,000\nTake two eggs.\n")
    assert len(notion.requests("POST", "/send")) == 2


def test_the_transcript_and_its_files_are_spelled_as_the_captions_on_the_screen(
    notion: NotionSandbox, workspace: Workspace, columns: DataSourceSchema, tmp_path: Path
) -> None:
    said = ("boil the noodles first", "chop two onions", "serve it very hot", "add two spoons of go to jang")
    shown = (*said[:3], "add two spoons of gochujang")
    segments = tuple(Segment(start_s=4.0 * n, end_s=4.0 * n + 4, text=text) for n, text in enumerate(said))
    lines = tuple(ScreenLine(text=text, first_s=4.0 * n, last_s=4.0 * n + 2) for n, text in enumerate(shown))
    transcript = Transcript(text=" ".join(said), source="whisper-1", segments=segments)

    page = published(workspace, columns, tmp_path, transcript=transcript, screen_text=ScreenText(lines=lines))

    made = blocks(notion, page.page_id)
    texts = [notion.raw.get(block["file"]["file"]["url"]).text for block in made if block["type"] == "file"]
    for text in (json.dumps([block for block in made if block["type"] == "paragraph"]), *texts):
        assert "spoons of gochujang" in text
        assert "go to jang" not in text


def test_a_better_transcript_takes_the_place_of_the_older_one(
    notion: NotionSandbox, workspace: Workspace, columns: DataSourceSchema, tmp_path: Path
) -> None:
    page = published(workspace, columns, tmp_path)
    better = TRANSCRIPT.model_copy(update={"segments": (Segment(start_s=0, end_s=3, text="Take three eggs."),)})

    published(workspace, columns, tmp_path, page_id=page.page_id, transcript=better)

    files = [block["file"] for block in blocks(notion, page.page_id) if block["type"] == "file"]
    assert ["three" in notion.raw.get(file["file"]["url"]).text for file in files] == [True, True]


def test_files_columns_get_the_picture_and_the_transcript_by_their_names(
    notion: NotionSandbox, workspace: Workspace, tmp_path: Path
) -> None:
    columns = workspace.schema(
        notion.data_source(COLUMNS | {name: {"files": {}} for name in ("Thumbnail", "Subtitles", "Receipts")})
    )
    picture = tmp_path / "cover.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")

    page = published(workspace, columns, tmp_path, video=VIDEO.model_copy(update={"cover_path": picture}))

    cells = notion.raw.get(f"/v1/pages/{page.page_id}").json()["properties"]
    held = {name: [file["name"] for file in cells[name]["files"]] for name in ("Thumbnail", "Subtitles", "Receipts")}
    assert held == {
        "Thumbnail": ["cover.jpg"],
        "Subtitles": ["transcript.vtt.txt", "transcript.srt.txt"],
        "Receipts": [],
    }


@pytest.mark.parametrize(
    ("options", "transcript"),
    [
        (PageOptions(page_subtitle_files=False), TRANSCRIPT),
        (PageOptions(), Transcript(text="Stir.", source="gpt-transcribe")),
        (PageOptions(block_budget=BlockBudget.PROPERTIES_ONLY), TRANSCRIPT),
    ],
    ids=["not wanted", "no times", "no body"],
)
def test_nothing_is_attached_where_nothing_should_be(
    notion: NotionSandbox,
    workspace: Workspace,
    columns: DataSourceSchema,
    tmp_path: Path,
    options: PageOptions,
    transcript: Transcript,
) -> None:
    published(workspace, columns, tmp_path, options=options, transcript=transcript)

    assert notion.requests(path="file_uploads") == []


@pytest.mark.parametrize("wanted", [True, False])
def test_the_video_s_cover_is_the_page_s_where_it_is_wanted(
    notion: NotionSandbox, workspace: Workspace, columns: DataSourceSchema, tmp_path: Path, wanted: bool
) -> None:
    page = published(
        workspace,
        columns,
        tmp_path,
        video=VIDEO.model_copy(update={"cover_path": making.CLIPS / "cafe.jpg"}),
        options=PageOptions(page_cover=wanted),
    )

    cover = notion.raw.get(f"/v1/pages/{page.page_id}").json()["cover"]
    assert (cover is not None) is wanted
    assert not wanted or notion.raw.get(cover["file"]["url"]).content.startswith(b"\xff\xd8")


def test_a_body_beyond_one_request_is_completed(
    notion: NotionSandbox, workspace: Workspace, columns: DataSourceSchema, tmp_path: Path
) -> None:
    long = Transcript(text="漢字 " * 130_000, source="whisper-1")

    page = published(workspace, columns, tmp_path, transcript=long, options=PageOptions(block_budget=BlockBudget.FULL))

    shown = "".join(
        plain_text(block["paragraph"]["rich_text"]) for block in blocks(notion, page.page_id) if "paragraph" in block
    )
    assert shown.count("漢字") == 130_000


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_hostile_video_makes_a_valid_page_and_is_not_obeyed(
    notion: NotionSandbox, workspace: Workspace, columns: DataSourceSchema, tmp_path: Path, text: str
) -> None:
    video = VIDEO.model_copy(update={"title": text[:500], "description": text, "uploader": text})
    halves = Segment(start_s=0, end_s=5, text=text[: len(text) // 2]), Segment(start_s=5, end_s=9, text=text)
    transcript = Transcript(text=text, segments=halves, source="captions", language=text[:20])
    screen_text = ScreenText(lines=(ScreenLine(text=text, first_s=1.0), ScreenLine(text="2 eggs")), source="RapidOCR")
    request = SummaryRequest(
        video=video, transcript=transcript, screen_text=screen_text, data_schema=columns, prompt="", language=None
    )
    contents, meter = ContentsInMemory(), CountingMeter()
    summary = summarize(request, engine=ExtractiveSummarizer(), contents=contents, meter=meter)

    page = published(
        workspace, columns, tmp_path, video=video, transcript=transcript, screen_text=screen_text, summary=summary
    )

    assert len(blocks(notion, page.page_id)) <= 10
    properties = notion.raw.get(f"/v1/pages/{page.page_id}").json()["properties"]
    assert set(properties) == {"Name", *COLUMNS}
    assert properties["link"]["url"] == VIDEO.url
    assert properties["vegan"]["checkbox"] is False
    assert plain_text(properties["Name"]["title"]).strip() not in ("", ORDERED)
    assert plain_text(properties["summary"]["rich_text"]).strip() != ORDERED
    assert ORDERED not in [option["name"] for option in properties["ingredients"]["multi_select"]]
    assert (properties["cuisine"]["select"] or {}).get("name") != ORDERED
