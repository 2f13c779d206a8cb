from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from svp_dagster.errors import Code, PermanentError, PostponedError, TransientError
from svp_dagster.models import ContentPage, JsonObject, LinkEntry, Status
from svp_dagster.notion.blocks import paragraph, toggles
from svp_dagster.notion.properties import to_properties
from svp_dagster.notion.rich_text import text_item
from svp_dagster.notion.rows import InvalidRow, check_columns, new_row, status_type, status_update
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.notion.templates import COOKING, PLACES, link_database
from svp_dagster.resources.notion import NotionResource, Workspace
from tests.resources.notion_sandbox import (
    KnownTokens,
    NotionSandbox,
    RunningNotion,
    notion_sandbox,
    running_notion,
)

NOBODY = "00000000-0000-4000-8000-000000000000"
LINK = "https://www.tiktok.com/@cook/video/1"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningNotion]:
    with running_notion() as made:
        yield made


@pytest.fixture
def notion(running: RunningNotion) -> Iterator[NotionSandbox]:
    with running.fresh_workspace() as made:
        yield made


@pytest.fixture
def workspace(notion: NotionSandbox) -> Workspace:
    return notion.workspace()


def make_link_database(workspace: Workspace, notion: NotionSandbox) -> DataSourceSchema:
    made = workspace.create_database(link_database(["cooking"]), parent_page_id=notion.page_id)
    return workspace.schema(made.data_sources[0].data_source_id)


def add_row(notion: NotionSandbox, schema: DataSourceSchema, *, url: str = LINK, tag: str = "cooking") -> str:
    properties = new_row(schema, url=url, tag=tag, processing_type=None, at=datetime.now(UTC))
    return notion.page(schema.data_source_id, properties)


def make_recipes(notion: NotionSandbox, workspace: Workspace) -> DataSourceSchema:
    return workspace.schema(notion.data_source({"link": {"url": {}}, "steps": {"rich_text": {}}}, title="Recipes"))


def column(schema: DataSourceSchema, name: str) -> Column:
    found = schema.column(name)
    assert found is not None
    return found


def recipe(schema: DataSourceSchema) -> JsonObject:
    return to_properties(schema, {"Name": "Soup", "link": LINK}).properties


def create(workspace: Workspace, schema: DataSourceSchema, **options: Any) -> ContentPage:
    return workspace.create_page(
        schema.data_source_id,
        recipe(schema),
        find=lambda: workspace.find_page(schema.data_source_id, column(schema, "link"), LINK),
        **options,
    )


def said(*texts: str) -> list[JsonObject]:
    return [paragraph([text_item(text)]) for text in texts]


def notion_error(code: str, message: str = "Try again.", status: int = 500) -> JsonObject:
    return {"object": "error", "status": status, "code": code, "message": message, "request_id": "r1"}


# What each kind of silence or nonsense looks like; all but the first lose the answer after the work was done.
LOST_ANSWERS: dict[str, dict[str, Any]] = {
    "cut before": {"cut": "before_answer"},
    "cut after": {"cut": "before_answer", "when": "after"},
    "cut within": {"cut": "mid_answer", "when": "after"},
    "html": {"garbage": "html", "when": "after"},
    "broken json": {"garbage": "broken_json", "when": "after"},
    "502 html": {"status": 502, "body": "<html>Bad gateway</html>", "when": "after"},
    "500": {
        "status": 500,
        "body": {"object": "error", "code": "internal_server_error", "message": "x"},
        "when": "after",
    },
    "504": {"status": 504, "body": {"object": "error", "code": "gateway_timeout", "message": "x"}, "when": "after"},
    "409": {"status": 409, "body": {"object": "error", "code": "conflict_error", "message": "x"}},
}
lost_answer = pytest.mark.parametrize("fault", LOST_ANSWERS.values(), ids=LOST_ANSWERS)


def test_a_link_database_that_is_made_is_one(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)

    assert check_columns(schema) == []
    assert [source.name for source in workspace.data_sources(schema.database_id)] == ["Video links"]


def test_pending_rows_are_read_through_all_pages_the_oldest_first(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)
    ids = [add_row(notion, schema, url=f"{LINK}{number}") for number in range(101)]
    done = add_row(notion, schema)
    workspace.set_row(done, status_update(schema, Status.COMPLETED, datetime.now(UTC)))

    rows = workspace.pending_rows(schema.data_source_id, status_type(schema))

    assert [row.page_id for row in rows] == ids
    assert all(isinstance(row, LinkEntry) and row.connection_id == notion.bot_id for row in rows)


def test_a_row_without_a_link_is_told_apart(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)
    notion.page(schema.data_source_id, {"status": {"select": {"name": "pending"}}})

    (row,) = workspace.pending_rows(schema.data_source_id, "select")

    assert isinstance(row, InvalidRow)
    assert row.code is Code.UNSUPPORTED_LINK


def test_pending_rows_of_a_status_column_are_found(notion: NotionSandbox, workspace: Workspace) -> None:
    source_id = notion.data_source(
        {"url": {"url": {}}, "tag": {"select": {}}, "status": {"status": {}}, "updated_time": {"date": {}}}
    )
    notion.control("status_options", data_source_id=source_id, property="status", options=list(Status))
    schema = workspace.schema(source_id)
    assert (check_columns(schema), status_type(schema)) == ([], "status")
    page_id = add_row(notion, schema)

    (row,) = workspace.pending_rows(source_id, status_type(schema))

    assert row.page_id == page_id
    workspace.set_row(page_id, status_update(schema, Status.FAILED, datetime.now(UTC), sentence="Gone."))
    assert workspace.pending_rows(source_id, "status") == []


def test_rows_beyond_the_ceiling_of_one_query_are_found() -> None:
    with notion_sandbox(query_limit=30, exact_times=True) as notion:
        schema = make_link_database(notion.workspace(), notion)
        ids = [add_row(notion, schema) for _ in range(70)]

        rows = notion.workspace().pending_rows(schema.data_source_id, "select")

        assert [row.page_id for row in rows] == ids


def test_a_query_that_ends_early_within_one_minute_gives_what_there_is() -> None:
    with notion_sandbox(query_limit=30) as notion:
        schema = make_link_database(notion.workspace(), notion)
        ids = [add_row(notion, schema) for _ in range(40)]

        rows = notion.workspace().pending_rows(schema.data_source_id, "select")

        assert [row.page_id for row in rows] == ids[:30]


@lost_answer
def test_a_read_is_repeated(notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]) -> None:
    schema = make_link_database(workspace, notion)
    page_id = add_row(notion, schema)
    notion.fail("/query", times=2, **fault)

    rows = workspace.pending_rows(schema.data_source_id, "select")

    assert [row.page_id for row in rows] == [page_id]


@lost_answer
def test_a_read_that_fails_for_long_is_a_failure_and_no_empty_list(
    notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]
) -> None:
    schema = make_link_database(workspace, notion)
    notion.fail("/query", times=None, **fault)

    with pytest.raises(TransientError) as caught:
        workspace.pending_rows(schema.data_source_id, "select")

    assert caught.value.code is Code.NOTION_UNREACHABLE
    assert caught.value.sentence == "Notion didn't answer properly."


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list"},
        {"results": "none"},
        {"results": [1]},
        {"results": [{}]},
        {"results": [], "has_more": True},
        {"results": [], "request_status": {"type": "incomplete"}},
        [],
    ],
)
def test_an_answer_that_is_no_list_is_a_failure(notion: NotionSandbox, workspace: Workspace, body: Any) -> None:
    schema = make_link_database(workspace, notion)
    notion.fail("/query", times=None, status=200, body=body)

    with pytest.raises(TransientError) as caught:
        workspace.pending_rows(schema.data_source_id, "select")

    assert caught.value.code is Code.NOTION_UNREACHABLE


def test_nobody_listening_is_a_failure_of_the_table() -> None:
    resource = NotionResource(base_url="http://127.0.0.1:9", attempts=2, backoff_s=0)

    with pytest.raises(TransientError) as caught:
        resource.workspace("c1", KnownTokens({"c1": "t"})).me()

    resource.close()
    assert caught.value.code is Code.NOTION_UNREACHABLE


def test_a_timeout_is_a_failure_of_the_table() -> None:
    with notion_sandbox(timeout_s=0.2) as notion:
        notion.fail("/users/me", times=None, delay_s=0.5, when="after")
        workspace = notion.resource.model_copy(update={"attempts": 2}).workspace(notion.bot_id, notion.tokens)

        with pytest.raises(TransientError) as caught:
            workspace.me()

    assert caught.value.detail == "RequestTimeoutError"


@pytest.mark.parametrize("status", [429, 529])
def test_a_call_waits_as_long_as_notion_asks(notion: NotionSandbox, workspace: Workspace, status: int) -> None:
    notion.fail("/users/me", status=status, headers={"Retry-After": "1"}, body="<html>Slow down</html>")
    begun = time.monotonic()

    assert workspace.me().bot_id == notion.bot_id
    assert time.monotonic() - begun >= 1


def test_a_long_wait_is_postponed_for_as_long_as_notion_asks(notion: NotionSandbox, workspace: Workspace) -> None:
    notion.fail("/users/me", status=429, headers={"Retry-After": "120"})

    with pytest.raises(PostponedError) as caught:
        workspace.me()

    assert caught.value.code is Code.NOTION_BUSY
    assert caught.value.retry_after_s == pytest.approx(120, abs=5)
    assert len(notion.requests(path="/users/me")) == 1


def test_all_work_of_a_connection_waits_when_one_is_asked_to(notion: NotionSandbox, workspace: Workspace) -> None:
    notion.fail("/users/me", status=429, headers={"Retry-After": "120"})
    with pytest.raises(PostponedError):
        workspace.me()

    with pytest.raises(PostponedError):
        notion.workspace(patience_s=0).search_pages()

    assert notion.requests(path="/search") == []
    other = notion.resource.workspace("another", KnownTokens({"another": notion.token}))
    assert other.me().bot_id == notion.bot_id


def test_many_threads_get_through_a_rate_limit() -> None:
    with notion_sandbox() as notion:
        notion.control("rate", per_second=50, burst=10)
        workspace = notion.workspace()

        with ThreadPoolExecutor(10) as pool:
            found = list(pool.map(lambda _: workspace.search_pages(), range(20)))

        answered = [record.status for record in notion.requests("POST", "/search")]

    assert all(len(pages) == 1 for pages in found)
    assert answered.count(200) == 20
    assert 429 in answered


def test_a_stale_token_is_refreshed_once(notion: NotionSandbox) -> None:
    tokens = KnownTokens({"c1": "stale"}, fresh={"c1": notion.token})
    workspace = notion.resource.workspace("c1", tokens)

    assert workspace.me().bot_id == notion.bot_id
    assert workspace.search_pages() != []
    assert tokens.refreshed == 1


def test_a_refreshed_token_that_is_refused_too_ends_the_connection(notion: NotionSandbox) -> None:
    tokens = KnownTokens({"c1": "stale"}, fresh={"c1": "stale too"})

    with pytest.raises(PermanentError) as caught:
        notion.resource.workspace("c1", tokens).me()

    assert caught.value.code is Code.NOT_CONNECTED
    assert len(notion.requests(path="/users/me")) == 2


def test_what_is_not_shared_is_told_as_such(notion: NotionSandbox, workspace: Workspace) -> None:
    calls = {
        Code.DATABASE_NOT_SHARED: (
            lambda: workspace.schema(NOBODY),
            lambda: workspace.schema("../users/me"),
            lambda: workspace.data_sources(NOBODY),
            lambda: workspace.pending_rows(NOBODY, "select"),
            lambda: workspace.update_page(NOBODY, {}),
            lambda: workspace.create_database(COOKING, parent_page_id=NOBODY),
        ),
        Code.ROW_GONE: (
            lambda: workspace.row(NOBODY),
            lambda: workspace.row("no id"),
            lambda: workspace.set_row(NOBODY, {}),
            lambda: workspace.comment(NOBODY, "Hello"),
        ),
    }
    for code, called in calls.items():
        for call in called:
            with pytest.raises(PermanentError) as caught:
                call()
            assert caught.value.code is code
    assert not any("users/me" in record.path for record in notion.requests())


def test_a_row_in_the_trash_is_gone(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)
    page_id = add_row(notion, schema)
    assert isinstance(workspace.row(page_id), LinkEntry)
    notion.trash(page_id)

    for call in (
        lambda: workspace.row(page_id),
        lambda: workspace.set_row(page_id, status_update(schema, Status.SAVING, datetime.now(UTC))),
        lambda: workspace.comment(page_id, "Hello"),
    ):
        with pytest.raises(PermanentError) as caught:
            call()
        assert caught.value.code is Code.ROW_GONE


def test_a_renamed_column_is_told_as_a_change_of_the_schema(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)
    page_id = add_row(notion, schema)
    notion.change_columns(schema.data_source_id, {"updated_time": {"name": "changed"}, "tag": {"rich_text": {}}})

    for properties in (status_update(schema, Status.SAVING, datetime.now(UTC)), {"tag": {"select": {"name": "x"}}}):
        with pytest.raises(PermanentError) as caught:
            workspace.set_row(page_id, properties)
        assert caught.value.code is Code.SCHEMA_CHANGED
        assert "Link Database" in caught.value.sentence


def test_a_retyped_status_column_is_told_by_the_next_look(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)

    with pytest.raises(PermanentError) as caught:
        workspace.pending_rows(schema.data_source_id, "status")

    assert caught.value.code is Code.SCHEMA_CHANGED


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, "validation_error", "This workspace has reached its block limit.", Code.NOTION_LIMITS),
        (400, "validation_error", "body failed validation: something", Code.NOTION_REFUSED),
        (400, "a_code_of_tomorrow", "Something new", Code.NOTION_REFUSED),
        (403, "restricted_resource", "Insufficient permissions", Code.NOTION_REFUSED),
    ],
)
def test_a_refusal_is_told_in_notions_words_and_not_repeated(
    notion: NotionSandbox, workspace: Workspace, status: int, code: str, message: str, expected: Code
) -> None:
    notion.fail("/pages/", times=None, status=status, body=notion_error(code, message, status))

    with pytest.raises(PermanentError) as caught:
        workspace.update_page(NOBODY, {})

    assert caught.value.code is expected
    assert message.rstrip(".") in caught.value.sentence
    assert "r1" in caught.value.detail
    assert len(notion.requests(path="/pages/")) == 1


def test_a_400_that_notion_did_not_word_is_an_outage(notion: NotionSandbox, workspace: Workspace) -> None:
    notion.fail("/users/me", status=400, body="<html>Proxy error</html>")

    assert workspace.me().bot_id == notion.bot_id


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

    with pytest.raises(TransientError):
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


def test_pages_and_data_sources_are_found_by_words(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_recipes(notion, workspace)
    create(workspace, schema)

    assert [page.title for page in workspace.search_pages()] == ["Getting started"]
    assert [source.data_source_id for source in workspace.search_data_sources("Recipes")] == [schema.data_source_id]
    assert workspace.search_data_sources("Recipes", limit=0) == []


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


def test_what_others_wrote_on_a_page_stays(notion: NotionSandbox, workspace: Workspace) -> None:
    page = create(workspace, make_recipes(notion, workspace), blocks=said("Ours"))
    theirs = {"Authorization": f"Bearer {notion.connect()['access_token']}"}
    notion.raw.patch(
        f"/v1/blocks/{page.page_id}/children", json={"children": said("My own note")}, headers=theirs
    ).raise_for_status()

    workspace.replace_body(page.page_id, said("Ours, newer", "And more"))
    assert [words for _, words, _ in notion.body(page.page_id)] == ["Ours, newer", "And more", "My own note"]
    workspace.replace_body(page.page_id, [])
    assert [words for _, words, _ in notion.body(page.page_id)] == ["My own note"]
    workspace.replace_body(page.page_id, said("Ours again"))
    assert [words for _, words, _ in notion.body(page.page_id)] == ["My own note", "Ours again"]


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

    assert [workspace.upload_file(path) for path in (large, empty, odd)] == [None, None, None]
    assert notion.requests(path="file_uploads") == []


def test_no_token_is_logged_or_told(notion: NotionSandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore", "hpack"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    notion.fail("/users/me", times=None, status=503)
    workspace = notion.workspace()

    with pytest.raises(TransientError) as caught:
        workspace.me()

    told = " ".join([caplog.text, repr(caught.value), caught.value.detail, repr(notion.resource), repr(workspace)])
    assert notion.token not in told


def test_it_serves_as_a_resource_of_dagster(notion: NotionSandbox) -> None:
    with dg.build_resources({"notion": notion.resource}) as resources:
        workspace = resources.notion.workspace(notion.bot_id, notion.tokens)
        assert workspace.me().workspace_name == "Test"
