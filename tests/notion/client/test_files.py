"""Files of this machine on content pages: uploaded once, attached once, left out where they aren't taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from svp_dagster.models import ContentPage, JsonObject
from svp_dagster.notion.blocks import file, paragraph, toggles
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.properties import to_properties
from svp_dagster.notion.rich_text import rich_text, text_item
from tests.notion.client.notion_sandbox import NotionSandbox


@pytest.fixture
def subtitles(tmp_path: Path) -> Path:
    path = tmp_path / "transcript.vtt.txt"
    path.write_text("WEBVTT\n")
    return path


def create(notion: NotionSandbox, workspace: Workspace, blocks: list[JsonObject], **options: Any) -> ContentPage:
    title = {"Name": {"title": [text_item("Soup")]}}
    return workspace.create_page(notion.data_source({}), title, blocks=blocks, find=lambda: None, **options)


def with_file(path: Path, *, mark: str = "Version 1") -> list[JsonObject]:
    return toggles("Transcript", [paragraph([text_item("Stir.")]), file(path, mark=mark)])


def attached(notion: NotionSandbox, page: ContentPage) -> list[JsonObject]:
    """The file blocks inside the page's toggle."""
    (toggle_id,) = notion.block_ids(page.page_id)
    inside = notion.raw.get(f"/v1/blocks/{toggle_id}/children").json()["results"]
    return [block["file"] for block in inside if block["type"] == "file"]


def test_a_new_page_gets_its_files_and_its_cover_in_the_request_that_makes_it(
    notion: NotionSandbox, workspace: Workspace, subtitles: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "cover.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")

    page = create(notion, workspace, with_file(subtitles), cover=picture)

    (shown,) = attached(notion, page)
    assert notion.raw.get(shown["file"]["url"]).text == "WEBVTT\n"
    assert notion.raw.get(f"/v1/pages/{page.page_id}").json()["cover"]["type"] == "file"
    assert page.has_whole_body


def test_a_files_column_holds_what_was_uploaded_for_it_also_after_an_update(
    notion: NotionSandbox, workspace: Workspace, subtitles: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "cover.odd"
    odd.write_bytes(b"of no known kind")
    columns = notion.data_source({"Transcript": {"files": {}}, "Cover": {"files": {}}})
    cells = {"Name": {"title": [text_item("Soup")]}} | to_properties(
        workspace.schema(columns), {"Transcript": [subtitles], "Cover": [odd]}
    ).properties

    page = workspace.create_page(columns, cells, cover=None, find=lambda: None)
    subtitles.write_text("WEBVTT\n\nchanged")
    workspace.update_page(page.page_id, cells)

    shown = notion.raw.get(f"/v1/pages/{page.page_id}").json()["properties"]
    (held,) = shown["Transcript"]["files"]
    assert held["name"] == "transcript.vtt.txt"
    assert notion.raw.get(held["file"]["url"]).text.endswith("changed")
    assert shown["Cover"]["files"] == []


def test_a_second_run_attaches_and_uploads_nothing(
    notion: NotionSandbox, workspace: Workspace, subtitles: Path
) -> None:
    page = create(notion, workspace, with_file(subtitles))
    notion.forget()

    workspace.replace_body(page.page_id, with_file(subtitles))

    assert {record.method for record in notion.requests()} == {"GET"}
    assert len(attached(notion, page)) == 1


def test_a_changed_file_takes_the_place_of_the_older_one(
    notion: NotionSandbox, workspace: Workspace, subtitles: Path
) -> None:
    page = create(notion, workspace, with_file(subtitles))
    subtitles.write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nStir.\n")

    workspace.replace_body(page.page_id, with_file(subtitles, mark="Version 2"))

    (shown,) = attached(notion, page)
    assert "Stir." in notion.raw.get(shown["file"]["url"]).text


def test_a_file_is_added_to_a_page_that_had_none(notion: NotionSandbox, workspace: Workspace, subtitles: Path) -> None:
    page = create(notion, workspace, toggles("Transcript", [paragraph([text_item("Stir.")])]))

    workspace.replace_body(page.page_id, with_file(subtitles))

    assert [shown["name"] for shown in attached(notion, page)] == ["transcript.vtt.txt"]


@pytest.mark.parametrize("refusal", ["too large", "refused"])
def test_a_page_does_without_a_file_that_is_not_taken(
    notion: NotionSandbox, workspace: Workspace, subtitles: Path, refusal: str
) -> None:
    if refusal == "too large":
        notion.control("workspaces/limits", workspace_id=notion.workspace_id, largest_upload_bytes=3)
    else:
        error = {"object": "error", "status": 400, "code": "validation_error", "message": "No.", "request_id": "r1"}
        notion.fail("/file_uploads", times=None, status=400, body=error)

    page = create(notion, workspace, with_file(subtitles), cover=subtitles)
    workspace.replace_body(page.page_id, with_file(subtitles))

    assert attached(notion, page) == []
    assert page.has_whole_body


def test_a_body_beyond_one_request_is_told_to_be_incomplete(notion: NotionSandbox, workspace: Workspace) -> None:
    large = paragraph(rich_text("漢" * 100_000))

    assert not create(notion, workspace, [large, large]).has_whole_body
    assert create(notion, workspace, [large]).has_whole_body
    assert create(notion, workspace, []).has_whole_body
