from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from svp_dagster.errors import Code
from svp_dagster.models import JsonObject, LinkEntry, ProcessingType, Status
from svp_dagster.notion.rows import (
    InvalidRow,
    check_columns,
    is_request,
    new_row,
    parse_row,
    pending_filter,
    shows_errors,
    status_type,
    status_update,
)
from svp_dagster.notion.schema import DataSourceSchema
from tests.notion.schemas import column, create_page, schema
from tests.openapi import assert_valid_request

AT = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def link_database(*, status_kind: str = "select", without: str = "") -> DataSourceSchema:
    columns = [
        column("url", "url"),
        column("tag", "select"),
        column("processing_type", "select"),
        column("status", status_kind, options=tuple(Status)),
        column("updated_time", "date"),
        column("error", "rich_text"),
        column("result", "url"),
    ]
    return schema(*(one for one in columns if one.name != without))


def page(**cells: Any) -> JsonObject:
    given = {
        "url": {"type": "url", "url": "https://www.tiktok.com/@a/video/1"},
        "tag": {"type": "select", "select": {"name": "cooking"}},
        "status": {"type": "select", "select": {"name": "pending"}},
    }
    return {"id": "p1", "last_edited_time": "2026-05-01T12:30:00.000Z", "properties": given | cells}


@pytest.mark.parametrize("status_kind", ["select", "status"])
def test_a_link_database_has_no_problems(status_kind: str) -> None:
    assert check_columns(link_database(status_kind=status_kind)) == []
    assert status_type(link_database(status_kind=status_kind)) == status_kind


@pytest.mark.parametrize("name", ["processing_type", "error", "result"])
def test_three_columns_may_be_missing(name: str) -> None:
    assert check_columns(link_database(without=name)) == []


def test_each_missing_or_wrong_column_is_named() -> None:
    found = schema(
        column("URL", "url"),
        column("tag", "multi_select"),
        column("status", "status", options=("Done",)),
        column("result", "number"),
    )

    assert check_columns(found) == [
        'The column "URL" must be called "url".',
        'The column "tag" is of type multi_select; it must be of type select.',
        'The column "updated_time" (type date) is missing.',
        'The column "result" is of type number; it must be of type url.',
        'The column "status" lacks the options pending, downloading, transcribing, processing, saving, completed, '
        "failed.",
    ]


def test_a_select_needs_the_option_that_is_filtered_by() -> None:
    columns = [one for one in link_database().columns if one.name not in ("status", "Name")]

    assert check_columns(schema(*columns, column("status", "select"))) == [
        'The column "status" lacks the option pending.'
    ]


def test_a_row_asks_for_a_link_with_a_tag() -> None:
    row = parse_row(page(processing_type={"type": "select", "select": {"name": "Speech"}}), "c1")

    assert row == LinkEntry(
        page_id="p1",
        connection_id="c1",
        url="https://www.tiktok.com/@a/video/1",
        tag="cooking",
        processing_type=ProcessingType.SPEECH,
        last_edited_time=AT,
    )


@pytest.mark.parametrize("chosen", [None, {"name": "something else"}])
def test_without_a_known_processing_type_everything_is_looked_at(chosen: Any) -> None:
    row = parse_row(page(processing_type={"type": "select", "select": chosen}), "c1")

    assert isinstance(row, LinkEntry)
    assert row.processing_type is ProcessingType.FULL


def test_a_row_without_a_link_says_so() -> None:
    row = parse_row(page(url={"type": "url", "url": None}), "c1")

    assert isinstance(row, InvalidRow)
    assert row.failure.code is Code.UNSUPPORTED_LINK
    assert "the url column is empty" in row.failure.sentence


def title(*items: JsonObject) -> JsonObject:
    return {"type": "title", "title": list(items)}


def text(content: str, href: str | None = None) -> JsonObject:
    return {"plain_text": content, "href": href}


@pytest.mark.parametrize(
    ("cell", "url"),
    [
        (title(text("https://www.tiktok.com/@a/video/2")), "https://www.tiktok.com/@a/video/2"),
        (title(text("Look: "), text("https://vm.tiktok.com/ZM1/ !")), "Look: https://vm.tiktok.com/ZM1/ !"),
        (title(text("A soup", "https://www.tiktok.com/@a/video/3")), "https://www.tiktok.com/@a/video/3"),
        (title(text("www.instagram.com/reel/DO1/")), "www.instagram.com/reel/DO1/"),
    ],
)
def test_a_link_may_stand_in_the_title(cell: JsonObject, url: str) -> None:
    row = parse_row(page(url={"type": "url", "url": None}, Name=cell), "c1")

    assert isinstance(row, LinkEntry)
    assert row.url == url


def test_the_url_column_comes_before_the_title() -> None:
    row = parse_row(page(Name=title(text("https://www.tiktok.com/@a/video/2"))), "c1")

    assert isinstance(row, LinkEntry)
    assert row.url == "https://www.tiktok.com/@a/video/1"


def mention(kind: str, href: str) -> JsonObject:
    return {"type": "mention", "mention": {"type": kind}, "plain_text": "A soup", "href": href}


def test_a_link_that_notion_made_a_mention_of_counts_and_a_page_that_is_mentioned_does_not() -> None:
    pasted = mention("link_mention", "https://www.tiktok.com/@a/video/2")
    no_url = {"type": "url", "url": None}

    row = parse_row(page(url=no_url, Name=title(mention("page", "https://www.notion.so/1"), pasted)), "c1")

    assert isinstance(row, LinkEntry)
    assert row.url == "https://www.tiktok.com/@a/video/2"
    mentioned = title(mention("page", "https://www.notion.so/1"))
    assert isinstance(parse_row(page(url=no_url, Name=mentioned), "c1"), InvalidRow)


@pytest.mark.parametrize("cell", [title(), title(text("Soup")), title(text("1/2 cup")), title(text("Soup", "/p1"))])
def test_a_title_without_a_link_is_none(cell: JsonObject) -> None:
    assert isinstance(parse_row(page(url={"type": "url", "url": None}, Name=cell), "c1"), InvalidRow)


@pytest.mark.parametrize("kind", ["select", "status"])
def test_a_row_without_a_status_asks_for_a_run_once_it_has_link_and_tag(kind: str) -> None:
    unset = {"type": kind, kind: None}
    no_url, no_tag = {"type": "url", "url": None}, {"type": "select", "select": None}

    assert is_request(page(status=unset))
    assert is_request(page(status=unset, url=no_url, Name=title(text("https://vm.tiktok.com/ZM1/"))))
    assert not is_request(page(status=unset, url=no_url))
    assert not is_request(page(status=unset, tag=no_tag))
    assert not is_request(page(status=unset, url=no_url, tag=no_tag))


def test_a_row_that_is_pending_asks_for_a_run_whatever_it_lacks() -> None:
    assert is_request(page(url={"type": "url", "url": None}))


def test_a_row_without_a_tag_says_so() -> None:
    row = parse_row(page(tag={"type": "select", "select": None}), "c1")

    assert isinstance(row, InvalidRow)
    assert row.failure.code is Code.UNKNOWN_TAG
    assert row.failure.sentence.startswith("The tag column is empty.")


@pytest.mark.parametrize("kind", ["select", "status"])
def test_the_filter_for_pending_rows_is_one_that_notion_takes(kind: Any) -> None:
    body = {"filter": pending_filter(kind)}

    assert body["filter"] == {
        "or": [
            {"property": "status", kind: {"equals": "pending"}},
            {
                "and": [
                    {"property": "status", kind: {"is_empty": True}},
                    {"property": "tag", "select": {"is_not_empty": True}},
                ]
            },
        ]
    }
    assert_valid_request("POST", "/v1/data_sources/d5/query", body)


@pytest.mark.parametrize("status_kind", ["select", "status"])
@pytest.mark.parametrize("status", Status)
def test_every_status_can_be_shown(status: Status, status_kind: str) -> None:
    properties = status_update(link_database(status_kind=status_kind), status, AT)

    assert properties == {
        "status": {status_kind: {"name": status.value}},
        "updated_time": {"date": {"start": "2026-05-01T12:30:00+00:00"}},
        "error": {"rich_text": []},
    }
    assert_valid_request("PATCH", "/v1/pages/p1", {"properties": properties})


def test_a_failure_shows_its_sentence_and_a_page_its_link() -> None:
    failed = status_update(link_database(), Status.FAILED, AT, sentence="Gone.")
    completed = status_update(link_database(), Status.COMPLETED, AT, result_url="https://notion.example/p")

    assert failed["error"]["rich_text"][0]["text"]["content"] == "Gone."
    assert completed["result"] == {"url": "https://notion.example/p"}
    assert_valid_request("PATCH", "/v1/pages/p1", {"properties": failed | completed})


def test_columns_that_are_not_there_are_not_written() -> None:
    bare = schema(*(one for one in link_database().columns if one.name not in ("Name", "error", "result")))

    properties = status_update(bare, Status.FAILED, AT, sentence="Gone.", result_url="https://notion.example/p")

    assert set(properties) == {"status", "updated_time"}
    assert not shows_errors(bare)


def test_a_new_row_is_pending() -> None:
    properties = new_row(
        link_database(), url="https://www.tiktok.com/@a/video/1", tag="cooking", processing_type=None, at=AT
    )

    assert properties["status"] == {"select": {"name": "pending"}}
    assert properties["url"] == {"url": "https://www.tiktok.com/@a/video/1"}
    assert "processing_type" not in properties
    assert_valid_request("POST", "/v1/pages", create_page(properties))
