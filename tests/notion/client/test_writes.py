"""What is written to Notion is there once, whatever happens to the answer."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from svp_dagster.errors import SvpError
from svp_dagster.notion.blocks import toggles
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.properties import to_properties
from svp_dagster.notion.templates import COOKING, PLACES
from tests.notion.client.notion_examples import (
    LINK,
    NOBODY,
    add_row,
    column,
    create,
    lost_answer,
    make_link_database,
    make_recipes,
    said,
)
from tests.notion.client.notion_sandbox import (
    NotionSandbox,
    notion_sandbox,
)


@lost_answer
def test_one_page_is_made_whatever_happens_to_the_answer(
    notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]
) -> None:
    schema = make_recipes(notion, workspace)
    notion.fail("/v1/pages$", method="POST", **fault)

    page = create(workspace, schema)

    ledger = notion.ledger(schema.data_source_id)
    assert [made["id"] for made in ledger["pages"]] == [page.page_id]
    assert page.created
    assert page.url == ledger["pages"][0]["url"]


def test_one_page_is_made_where_the_answer_comes_too_late() -> None:
    with notion_sandbox(timeout_s=0.3) as notion:
        workspace = notion.workspace()
        schema = make_recipes(notion, workspace)
        notion.fail("/v1/pages$", method="POST", delay_s=0.6, status=200, when="after")

        create(workspace, schema)

        assert notion.ledger(schema.data_source_id)["created"] == 1


def test_no_page_is_made_again_where_the_look_fails_too(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_recipes(notion, workspace)
    notion.fail("/v1/pages$", method="POST", cut="before_answer", when="after")
    notion.fail("/query", times=None, status=503)

    with pytest.raises(SvpError, match="notion_unreachable"):
        create(workspace, schema)

    assert notion.ledger(schema.data_source_id)["created"] == 1


def test_the_page_of_an_attempt_that_died_is_found(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_recipes(notion, workspace)
    made, source_id, link = create(workspace, schema), schema.data_source_id, column(schema, "link")

    found = workspace.find_page(source_id, link, LINK, created_since=datetime.now(UTC) - timedelta(seconds=30))

    assert found == made.model_copy(update={"created": False, "has_whole_body": False})
    assert workspace.find_page(source_id, link, LINK, ignoring=[made.page_id]) is None
    assert workspace.find_page(source_id, link, LINK, created_since=datetime.now(UTC) + timedelta(hours=1)) is None
    assert workspace.find_page(source_id, link, "https://example.com") is None
    assert workspace.find_page(source_id, schema.title_column, "Soup") == found


def test_a_page_is_updated_and_looked_at(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_recipes(notion, workspace)
    page = create(workspace, schema)

    workspace.update_page(page.page_id, to_properties(schema, {"steps": "Stir."}).properties)

    assert notion.ledger(schema.data_source_id)["pages"][0]["properties"]["steps"] == "Stir."
    assert workspace.content_page(page.page_id) == page.model_copy(update={"created": False, "has_whole_body": False})
    notion.trash(page.page_id)
    assert workspace.content_page(page.page_id) is None
    assert workspace.content_page(NOBODY) is None


@lost_answer
def test_one_comment_is_made_whatever_happens_to_the_answer(
    notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]
) -> None:
    page_id = add_row(notion, make_link_database(workspace, notion))
    notion.fail("/comments", method="POST", **fault)

    workspace.comment(page_id, "This post is private.")

    comments = notion.raw.get("/v1/comments", params={"block_id": page_id}).json()["results"]
    assert [comment["rich_text"][0]["plain_text"] for comment in comments] == ["This post is private."]


def test_a_comment_of_before_does_not_stand_for_one_that_was_lost(notion: NotionSandbox, workspace: Workspace) -> None:
    page_id = add_row(notion, make_link_database(workspace, notion))
    notion.control("clock", advance_s=-300)
    workspace.comment(page_id, "This post is private.")
    notion.control("clock", advance_s=300)
    workspace.comment(page_id, "Something else.")
    notion.fail("/comments", method="POST", cut="before_answer")

    workspace.comment(page_id, "This post is private.")

    assert len(notion.raw.get("/v1/comments", params={"block_id": page_id}).json()["results"]) == 3


@lost_answer
def test_one_database_is_made_whatever_happens_to_the_answer(
    notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]
) -> None:
    notion.fail("/v1/databases$", method="POST", **fault)

    made = workspace.create_database(COOKING, parent_page_id=notion.page_id)

    assert notion.block_ids(notion.page_id) == [made.database_id]
    assert [one.name for one in workspace.schema(made.data_sources[0].data_source_id).columns] == list(COOKING.columns)


def test_a_database_of_before_does_not_stand_for_one_that_was_lost(notion: NotionSandbox, workspace: Workspace) -> None:
    notion.control("clock", advance_s=-300)
    before = workspace.create_database(COOKING, parent_page_id=notion.page_id)
    notion.control("clock", advance_s=300)
    workspace.create_database(PLACES, parent_page_id=notion.page_id)
    notion.fail("/v1/databases$", method="POST", cut="before_answer")

    made = workspace.create_database(COOKING, parent_page_id=notion.page_id)

    assert made.title == "Cooking"
    assert made.database_id != before.database_id


def test_pages_and_data_sources_that_are_shared_are_listed(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_recipes(notion, workspace)
    create(workspace, schema)

    assert [page.title for page in workspace.search_pages()] == ["Getting started"]
    assert [source.data_source_id for source in workspace.search_data_sources()] == [schema.data_source_id]
    assert workspace.search_data_sources(limit=0) == []


def test_data_sources_in_the_trash_are_not_listed_and_take_nobodys_place(
    notion: NotionSandbox, workspace: Workspace
) -> None:
    schema = make_recipes(notion, workspace)
    for number in range(3):
        trashed = notion.data_source({}, title=f"Thrown away {number}")
        notion.raw.patch(f"/v1/data_sources/{trashed}", json={"in_trash": True}).raise_for_status()

    found = workspace.search_data_sources(limit=2)

    assert [source.data_source_id for source in found] == [schema.data_source_id]


@lost_answer
def test_a_body_is_written_once_whatever_happens_to_the_answer(
    notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]
) -> None:
    page = create(workspace, make_recipes(notion, workspace))
    notion.fail("/children", method="PATCH", **fault)

    workspace.replace_body(page.page_id, said("One", "Two"))

    assert notion.body(page.page_id) == [("paragraph", "One", []), ("paragraph", "Two", [])]


def test_blocks_of_before_do_not_stand_for_those_that_were_lost(notion: NotionSandbox, workspace: Workspace) -> None:
    page = create(workspace, make_recipes(notion, workspace), blocks=said("One", "Two"))
    notion.fail("/children", method="PATCH", cut="before_answer")

    workspace.replace_body(page.page_id, said("One", "Two", "Three"))

    assert [words for _, words, _ in notion.body(page.page_id)] == ["One", "Two", "Three"]


def test_a_block_that_comes_first_is_put_first(notion: NotionSandbox, workspace: Workspace) -> None:
    toggle = toggles("Transcript", said("a"))
    page = create(workspace, make_recipes(notion, workspace), blocks=toggle)

    workspace.replace_body(page.page_id, [*said("Overview"), *toggle])

    assert [words for _, words, _ in notion.body(page.page_id)] == ["Overview", "Transcript"]


def test_a_body_that_says_the_same_is_left_alone(notion: NotionSandbox, workspace: Workspace) -> None:
    blocks = [*said("One"), *toggles("Transcript", said("a", "b"))]
    page = create(workspace, make_recipes(notion, workspace), blocks=blocks)
    notion.forget()

    workspace.replace_body(page.page_id, blocks)

    assert {record.method for record in notion.requests()} == {"GET"}


def test_a_body_is_brought_up_to_date_in_place(notion: NotionSandbox, workspace: Workspace) -> None:
    before = [*said("Old overview"), *toggles("Transcript", said("a", "b", "c")), *toggles("Caption", said("d"))]
    page = create(workspace, make_recipes(notion, workspace), blocks=before)
    overview, transcript, _ = notion.block_ids(page.page_id)
    after = [
        *said("New overview"),
        *toggles("Where it was found", said("e")),
        *toggles("Transcript", said("a", "B")),
        *said("Notes"),
    ]

    workspace.replace_body(page.page_id, after)

    assert notion.body(page.page_id) == [
        ("paragraph", "New overview", []),
        ("toggle", "Where it was found", [("paragraph", "e", [])]),
        ("toggle", "Transcript", [("paragraph", "a", []), ("paragraph", "B", [])]),
        ("paragraph", "Notes", []),
    ]
    ids = notion.block_ids(page.page_id)
    assert (ids[0], ids[2]) == (overview, transcript)


def own_note(notion: NotionSandbox, page_id: str) -> None:
    """A paragraph that somebody else wrote behind ours."""
    theirs = {"Authorization": f"Bearer {notion.connect()['access_token']}"}
    notion.raw.patch(
        f"/v1/blocks/{page_id}/children", json={"children": said("My own note")}, headers=theirs
    ).raise_for_status()


def test_what_others_wrote_on_a_page_stays(notion: NotionSandbox, workspace: Workspace) -> None:
    page = create(workspace, make_recipes(notion, workspace), blocks=said("Ours"))
    own_note(notion, page.page_id)

    workspace.replace_body(page.page_id, said("Ours, newer", "And more"))
    assert [words for _, words, _ in notion.body(page.page_id)] == ["Ours, newer", "And more", "My own note"]
    workspace.replace_body(page.page_id, [])
    assert [words for _, words, _ in notion.body(page.page_id)] == ["My own note"]
    workspace.replace_body(page.page_id, said("Ours again"))
    assert [words for _, words, _ in notion.body(page.page_id)] == ["My own note", "Ours again"]


@pytest.mark.parametrize(
    "fault",
    [{}, {"cut": "before_answer"}, {"cut": "before_answer", "when": "after"}, {"status": 502, "when": "after"}],
    ids=["answered", "lost before its effect", "lost after its effect", "an outage after its effect"],
)
@pytest.mark.parametrize("before", [["Old"], ["0", "100"]], ids=["all are new", "two are kept"])
def test_many_paragraphs_before_a_note_of_ones_own_are_in_order_and_none_is_lost(
    notion: NotionSandbox, workspace: Workspace, before: list[str], fault: dict[str, Any]
) -> None:
    texts = [str(number) for number in range(230)]
    page = create(workspace, make_recipes(notion, workspace), blocks=said(*before))
    own_note(notion, page.page_id)
    notion.fail("/children", method="PATCH", after=1, **fault)

    workspace.replace_body(page.page_id, said(*texts))

    assert [words for _, words, _ in notion.body(page.page_id)] == [*texts, "My own note"]


def test_a_body_of_many_blocks_is_written_in_order(notion: NotionSandbox, workspace: Workspace) -> None:
    texts = [str(number) for number in range(230)]
    page = create(workspace, make_recipes(notion, workspace), blocks=said(*texts))

    workspace.replace_body(page.page_id, said(*texts))
    notion.forget()
    workspace.replace_body(page.page_id, said(*texts))

    assert {record.method for record in notion.requests()} == {"GET"}


@lost_answer
def test_a_cover_is_uploaded_and_shown(
    notion: NotionSandbox, workspace: Workspace, tmp_path: Path, fault: dict[str, Any]
) -> None:
    picture = tmp_path / "thumbnail.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    notion.fail("/send", **fault)

    page = create(workspace, make_recipes(notion, workspace), cover=picture)

    cover = notion.raw.get(f"/v1/pages/{page.page_id}").json()["cover"]
    assert cover["type"] == "file"


def test_a_file_that_the_workspace_does_not_take_is_not_sent(
    notion: NotionSandbox, workspace: Workspace, tmp_path: Path
) -> None:
    notion.control("workspaces/limits", workspace_id=notion.workspace_id, largest_upload_bytes=10)
    large, empty, odd = tmp_path / "large.jpg", tmp_path / "empty.jpg", tmp_path / "thumbnail.image"
    large.write_bytes(b"x" * 11)
    empty.touch()
    odd.write_bytes(b"x")

    schema = make_recipes(notion, workspace)
    pages = [create(workspace, schema, cover=path) for path in (large, empty, odd)]

    assert [notion.raw.get(f"/v1/pages/{page.page_id}").json()["cover"] for page in pages] == [None, None, None]
    assert notion.requests(path="file_uploads") == []


def test_no_token_is_logged_or_told(notion: NotionSandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore", "hpack"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    notion.fail("/users/me", times=None, status=503)
    workspace = notion.workspace()

    with pytest.raises(SvpError, match="notion_unreachable") as caught:
        workspace.me()

    told = " ".join([caplog.text, repr(caught.value), caught.value.detail, repr(notion.resource), repr(workspace)])
    assert notion.token not in told
