"""What is read from Notion, and what becomes of its failures."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import LinkEntry, Status
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rows import InvalidRow, check_columns, status_type, status_update
from svp_dagster.notion.schema import ColumnType
from svp_dagster.notion.templates import COOKING
from tests.notion.client.notion_examples import (
    LINK,
    NOBODY,
    add_row,
    lost_answer,
    make_link_database,
    notion_error,
)
from tests.notion.client.notion_sandbox import (
    KnownTokens,
    NotionSandbox,
    notion_sandbox,
    titled,
)


def test_a_link_database_that_is_made_is_one(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)

    assert check_columns(schema) == []
    assert [source.name for source in workspace.database(schema.database_id).data_sources] == ["Video links"]


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

    (row,) = workspace.pending_rows(schema.data_source_id, ColumnType.SELECT)

    assert isinstance(row, InvalidRow)
    assert row.code is Code.UNSUPPORTED_LINK


def test_rows_without_a_status_start_and_unfinished_ones_are_left_to_the_person(
    notion: NotionSandbox, workspace: Workspace
) -> None:
    schema = make_link_database(workspace, notion)
    source_id, name = schema.data_source_id, schema.title_column.name
    tagged = {"tag": {"select": {"name": "cooking"}}}
    with_url = notion.page(source_id, tagged | {"url": {"url": LINK}})
    with_title = notion.page(source_id, tagged | titled(f"{LINK}2", column=name))
    for unfinished in ({}, tagged, {"url": {"url": LINK}}, tagged | titled("Soup", column=name)):
        notion.page(source_id, unfinished)

    rows = workspace.pending_rows(source_id, ColumnType.SELECT)

    found = {row.page_id: row.url for row in rows if isinstance(row, LinkEntry)}
    assert found == {with_url: LINK, with_title: f"{LINK}2"}
    assert len(rows) == 2


def test_rows_without_a_status_are_found_beyond_the_ceiling_of_one_query() -> None:
    with notion_sandbox(query_limit=5, exact_times=True) as notion:
        schema = make_link_database(notion.workspace(), notion)
        cells = {"tag": {"select": {"name": "cooking"}}, "url": {"url": LINK}}
        ids = [notion.page(schema.data_source_id, cells) for _ in range(12)]

        rows = notion.workspace().pending_rows(schema.data_source_id, ColumnType.SELECT)

        assert [row.page_id for row in rows] == ids


def test_pending_rows_of_a_status_column_are_found(notion: NotionSandbox, workspace: Workspace) -> None:
    source_id = notion.data_source(
        {"url": {"url": {}}, "tag": {"select": {}}, "status": {"status": {}}, "updated_time": {"date": {}}}
    )
    notion.control("status_options", data_source_id=source_id, property="status", options=list(Status))
    schema = workspace.schema(source_id)
    assert (check_columns(schema), status_type(schema)) == ([], ColumnType.STATUS)
    page_id = add_row(notion, schema)

    (row,) = workspace.pending_rows(source_id, status_type(schema))

    assert row.page_id == page_id
    workspace.set_row(page_id, status_update(schema, Status.FAILED, datetime.now(UTC), sentence="Gone."))
    assert workspace.pending_rows(source_id, ColumnType.STATUS) == []


def test_rows_beyond_the_ceiling_of_one_query_are_found() -> None:
    with notion_sandbox(query_limit=30, exact_times=True) as notion:
        schema = make_link_database(notion.workspace(), notion)
        ids = [add_row(notion, schema) for _ in range(70)]

        rows = notion.workspace().pending_rows(schema.data_source_id, ColumnType.SELECT)

        assert [row.page_id for row in rows] == ids


def test_a_query_that_ends_early_within_one_minute_gives_what_there_is() -> None:
    with notion_sandbox(query_limit=30) as notion:
        schema = make_link_database(notion.workspace(), notion)
        ids = [add_row(notion, schema) for _ in range(40)]

        rows = notion.workspace().pending_rows(schema.data_source_id, ColumnType.SELECT)

        assert [row.page_id for row in rows] == ids[:30]


@lost_answer
def test_a_read_is_repeated(notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]) -> None:
    schema = make_link_database(workspace, notion)
    page_id = add_row(notion, schema)
    notion.fail("/query", times=2, **fault)

    rows = workspace.pending_rows(schema.data_source_id, ColumnType.SELECT)

    assert [row.page_id for row in rows] == [page_id]


@lost_answer
def test_a_read_that_fails_for_long_is_a_failure_and_no_empty_list(
    notion: NotionSandbox, workspace: Workspace, fault: dict[str, Any]
) -> None:
    schema = make_link_database(workspace, notion)
    notion.fail("/query", times=None, **fault)

    with pytest.raises(SvpError) as caught:
        workspace.pending_rows(schema.data_source_id, ColumnType.SELECT)

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

    with pytest.raises(SvpError) as caught:
        workspace.pending_rows(schema.data_source_id, ColumnType.SELECT)

    assert caught.value.code is Code.NOTION_UNREACHABLE


def test_nobody_listening_is_a_failure_of_the_table() -> None:
    resource = NotionResource(base_url="http://127.0.0.1:9", attempts=2, backoff_s=0)

    with pytest.raises(SvpError) as caught:
        resource.workspace("c1", KnownTokens({"c1": "t"})).me()

    resource.close()
    assert caught.value.code is Code.NOTION_UNREACHABLE


def test_a_timeout_is_a_failure_of_the_table() -> None:
    with notion_sandbox(timeout_s=0.2) as notion:
        notion.fail("/users/me", times=None, delay_s=0.5, when="after")
        workspace = notion.resource.model_copy(update={"attempts": 2}).workspace(notion.bot_id, notion.tokens)

        with pytest.raises(SvpError) as caught:
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

    with pytest.raises(SvpError) as caught:
        workspace.me()

    assert caught.value.code is Code.NOTION_BUSY
    assert caught.value.retry_after_s == pytest.approx(120, abs=5)
    assert len(notion.requests(path="/users/me")) == 1


def test_all_work_of_a_connection_waits_when_one_is_asked_to(notion: NotionSandbox, workspace: Workspace) -> None:
    notion.fail("/users/me", status=429, headers={"Retry-After": "120"})
    with pytest.raises(SvpError, match="notion_busy"):
        workspace.me()

    with pytest.raises(SvpError, match="notion_busy"):
        notion.workspace(max_throttle_wait_s=0).search_pages()

    assert notion.requests(path="/search") == []
    other = notion.resource.workspace("another", KnownTokens({"another": notion.token}))
    assert other.me().bot_id == notion.bot_id


def test_many_threads_get_through_a_rate_limit() -> None:
    with notion_sandbox() as notion:
        # So slow that no machine, however busy, stays below it.
        notion.control("rate", per_second=1, burst=14)
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

    with pytest.raises(SvpError) as caught:
        notion.resource.workspace("c1", tokens).me()

    assert caught.value.code is Code.NOT_CONNECTED
    assert len(notion.requests(path="/users/me")) == 2


def test_what_is_not_shared_is_told_as_such(notion: NotionSandbox, workspace: Workspace) -> None:
    calls = {
        Code.DATABASE_NOT_SHARED: (
            lambda: workspace.schema(NOBODY),
            lambda: workspace.schema("../users/me"),
            lambda: workspace.database(NOBODY),
            lambda: workspace.pending_rows(NOBODY, ColumnType.SELECT),
            lambda: workspace.pages_titled(NOBODY, ["Salt"]),
            lambda: workspace.pages_titled("no id", ["Salt"]),
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
            with pytest.raises(SvpError) as caught:
                call()
            assert caught.value.code is code
    assert not any("users/me" in record.path for record in notion.requests())


def test_pages_are_found_by_title_a_query_for_each_25_titles(notion: NotionSandbox, workspace: Workspace) -> None:
    pantry = notion.data_source({})
    ids = {title: notion.page(pantry, titled(title, column="Name")) for title in ("Salt", "Oil", "Sea salt")}
    notion.page(pantry, titled("OIL", column="Name"))
    notion.trash(notion.page(pantry, titled("Salt", column="Name")))
    notion.forget()

    found = workspace.pages_titled(pantry, [*(f"Spice {number}" for number in range(25)), "salt", "oil"])

    assert found == {"salt": ids["Salt"], "oil": None}
    assert len(notion.requests("POST", f"{pantry}/query")) == 2


def test_no_page_is_the_only_one_of_its_title_where_not_all_were_looked_at(
    notion: NotionSandbox, workspace: Workspace
) -> None:
    pantry = notion.data_source({})
    for title in ("Salt", "Oil", "Salt"):
        notion.page(pantry, titled(title, column="Name"))

    assert workspace.pages_titled(pantry, ["Salt", "Oil"], limit=2) == {"salt": None, "oil": None}


def test_a_related_database_in_the_trash_is_told_as_such(notion: NotionSandbox, workspace: Workspace) -> None:
    pantry = notion.data_source({})
    notion.raw.patch(f"/v1/data_sources/{pantry}", json={"in_trash": True}).raise_for_status()

    with pytest.raises(SvpError, match="database_not_shared") as caught:
        workspace.pages_titled(pantry, ["Salt"])

    assert "The related database can't be found" in caught.value.sentence


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
        with pytest.raises(SvpError) as caught:
            call()
        assert caught.value.code is Code.ROW_GONE


def test_a_renamed_column_is_told_as_a_change_of_the_schema(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)
    page_id = add_row(notion, schema)
    notion.change_columns(schema.data_source_id, {"updated_time": {"name": "changed"}, "tag": {"rich_text": {}}})

    for properties in (status_update(schema, Status.SAVING, datetime.now(UTC)), {"tag": {"select": {"name": "x"}}}):
        with pytest.raises(SvpError) as caught:
            workspace.set_row(page_id, properties)
        assert caught.value.code is Code.SCHEMA_CHANGED
        assert "Link Database" in caught.value.sentence


def test_a_retyped_status_column_is_told_by_the_next_look(notion: NotionSandbox, workspace: Workspace) -> None:
    schema = make_link_database(workspace, notion)

    with pytest.raises(SvpError) as caught:
        workspace.pending_rows(schema.data_source_id, ColumnType.STATUS)

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

    with pytest.raises(SvpError) as caught:
        workspace.update_page(NOBODY, {})

    assert caught.value.code is expected
    assert message.rstrip(".") in caught.value.sentence
    assert "r1" in caught.value.detail
    assert len(notion.requests(path="/pages/")) == 1


def test_a_400_that_notion_did_not_word_is_an_outage(notion: NotionSandbox, workspace: Workspace) -> None:
    notion.fail("/users/me", status=400, body="<html>Proxy error</html>")

    assert workspace.me().bot_id == notion.bot_id
