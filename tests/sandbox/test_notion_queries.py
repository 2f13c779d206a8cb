"""Queries: filters, sorts, paging; search; users."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notion_client.helpers import iterate_paginated_api

from tests.sandbox.notion_service import NotionService, NotionWorkspace, notion_service, plain, refusal, text, titled

Filter = dict[str, Any]


def make_videos(workspace: NotionWorkspace) -> str:
    """Four rows, a to d, which differ in every column."""
    source = workspace.data_source(
        {
            "words": {"rich_text": {}},
            "n": {"number": {}},
            "link": {"url": {}},
            "tag": {"select": {"options": [{"name": "Places"}, {"name": "Cooking"}]}},
            "tags": {"multi_select": {"options": [{"name": "x"}, {"name": "y"}]}},
            "status": {"status": {}},
            "when": {"date": {}},
            "done": {"checkbox": {}},
            "who": {"people": {}},
            "media": {"files": {}},
            "id": {"unique_id": {}},
            "double": {"formula": {"expression": 'prop("n")'}},
        }
    )
    for name, n, tag, when in (
        ("a", 3, "Cooking", "2026-01-10"),
        ("b", 1, "Places", "2026-02-10"),
        ("c", 2, None, None),
    ):
        cells: dict[str, Any] = {"Name": titled(name), "n": {"number": n}, "link": {"url": f"https://E.example/{name}"}}
        cells |= {"tag": {"select": tag and {"name": tag}}, "when": {"date": when and {"start": when}}}
        cells |= {"words": {"rich_text": text(f"Hello {name}")}, "done": {"checkbox": name == "a"}}
        workspace.row(source, **cells)
    file = {"external": {"url": "https://a.example/f"}, "name": "f"}
    workspace.row(
        source,
        Name=titled("d"),
        tags={"multi_select": [{"name": "x"}]},
        status={"status": {"name": "Done"}},
        who={"people": [{"id": workspace.owner_id}]},
        media={"files": [file]},
    )
    return source


@pytest.fixture
def videos(workspace: NotionWorkspace) -> str:
    """Such rows in a workspace that the test may change."""
    return make_videos(workspace)


@pytest.fixture(scope="module")
def library(notion: NotionService) -> Iterator[tuple[NotionWorkspace, str]]:
    """Such rows that no test changes, in their workspace."""
    with notion.workspace() as workspace:
        yield workspace, make_videos(workspace)


Library = tuple[NotionWorkspace, str]


def of(name: str, kind: str, **condition: Any) -> Filter:
    return {"property": name, kind: condition}


EMPTY_TAG = of("tag", "select", is_empty=True)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (of("Name", "title", equals="a"), "a"),
        (of("Name", "rich_text", equals="A"), "a"),
        (of("words", "rich_text", contains="hello"), "abc"),
        (of("words", "rich_text", does_not_contain="b"), "acd"),
        (of("words", "rich_text", starts_with="Hell"), "abc"),
        (of("words", "rich_text", ends_with=" c"), "c"),
        (of("words", "rich_text", is_empty=True), "d"),
        (of("link", "url", equals="https://e.example/B"), "b"),
        (of("link", "url", does_not_equal="https://e.example/b"), "acd"),
        (of("link", "url", is_not_empty=True), "abc"),
        (of("n", "number", equals=2), "c"),
        (of("n", "number", does_not_equal=2), "abd"),
        (of("n", "number", greater_than=2), "a"),
        (of("n", "number", less_than=2), "b"),
        (of("n", "number", greater_than_or_equal_to=2), "ac"),
        (of("n", "number", less_than_or_equal_to=2), "bc"),
        (of("n", "number", is_empty=True), "d"),
        (of("tag", "select", equals="Cooking"), "a"),
        (of("tag", "select", does_not_equal="Cooking"), "bcd"),
        (of("tag", "select", is_empty=True), "cd"),
        (of("tags", "multi_select", contains="x"), "d"),
        (of("tags", "multi_select", does_not_contain="x"), "abc"),
        (of("tags", "multi_select", is_not_empty=True), "d"),
        (of("status", "status", equals="Not started"), "abc"),
        (of("status", "status", does_not_equal="Done"), "abc"),
        (of("when", "date", equals="2026-01-10"), "a"),
        (of("when", "date", before="2026-02-10"), "a"),
        (of("when", "date", after="2026-01-10T00:00:00Z"), "b"),
        (of("when", "date", on_or_before="2026-02-10"), "ab"),
        (of("when", "date", on_or_after="2026-02-10"), "b"),
        (of("when", "date", is_empty=True), "cd"),
        (of("done", "checkbox", equals=True), "a"),
        (of("done", "checkbox", does_not_equal=True), "bcd"),
        (of("media", "files", is_not_empty=True), "d"),
        (of("id", "unique_id", greater_than=2), "cd"),
        (of("double", "formula", number={"greater_than": 1}), "ac"),
        ({"and": [of("n", "number", less_than=3), of("tag", "select", is_not_empty=True)]}, "b"),
        ({"or": [of("Name", "title", equals="a"), of("Name", "title", equals="d")]}, "ad"),
        ({"and": [{"or": [of("n", "number", equals=1), of("n", "number", equals=2)]}, EMPTY_TAG]}, "c"),
        ({"timestamp": "created_time", "created_time": {"past_week": {}}}, "abcd"),
        ({"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": "2026-01-01T00:00:00Z"}}, "abcd"),
        ({"timestamp": "created_time", "created_time": {"before": "2020-01-01"}}, ""),
    ],
)  # fmt: skip
def test_a_filter_chooses_the_rows_it_names(library: Library, condition: Filter, expected: str) -> None:
    workspace, videos = library
    assert sorted(workspace.names(videos, filter=condition)) == list(expected)


def test_people_are_found_by_their_id_with_or_without_dashes(library: Library) -> None:
    workspace, videos = library
    for person in (workspace.owner_id, workspace.owner_id.replace("-", "")):
        assert workspace.names(videos, filter=of("who", "people", contains=person)) == ["d"]
    by_bot = {"property": "who", "people": {"does_not_contain": workspace.owner_id}}
    assert len(workspace.names(videos, filter=by_bot)) == 3


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (of("missing", "url", equals="a"), "Could not find property with name or id: missing"),
        (of("n", "select", equals="a"), "database property number does not match filter select"),
        (
            of("tag", "select", equals="pending"),
            'select option "pending" not found for property "tag". Available options: "Places", "Cooking".',
        ),
        (of("status", "status", equals="pending"), 'status option "pending" not found for property "status".'),
        (of("n", "number", equals="1"), "body.filter.number.equals should be a number"),
        (of("n", "number", contains=1), "body.filter.number.equals should be defined"),
        (of("when", "date", before="soon"), "valid ISO 8601 date"),
        ({"property": "n"}, "body.filter.title should be defined"),
        ({"number": {"equals": 1}}, "body.filter.property should be defined"),
        ({"and": [{"or": [{"and": [of("n", "number", equals=1)]}]}]}, "body.filter.and[0].or[0].title should be"),
        ({"and": [of("n", "number", equals=1)] * 101}, "≤ `100`"),
    ],
)
def test_a_filter_that_notion_would_refuse_is_refused(library: Library, condition: Filter, said: str) -> None:
    workspace, videos = library
    error = refusal(lambda: workspace.client.data_sources.query(videos, filter=condition))
    assert error.code == "validation_error"
    assert said in str(error)


@pytest.mark.parametrize(
    ("sorts", "expected"),
    [
        ([], "dcba"),
        ([{"property": "n", "direction": "ascending"}], "bcad"),
        ([{"property": "n", "direction": "descending"}], "acbd"),
        ([{"property": "Name", "direction": "ascending"}], "abcd"),
        ([{"property": "tag", "direction": "ascending"}, {"property": "Name", "direction": "descending"}], "badc"),
        ([{"property": "when", "direction": "descending"}, {"property": "Name", "direction": "ascending"}], "bacd"),
        ([{"timestamp": "created_time", "direction": "ascending"}], "abcd"),
        ([{"timestamp": "last_edited_time", "direction": "descending"}], "dcba"),
    ],
)
def test_rows_are_sorted_as_asked_with_empty_cells_last(
    library: Library, sorts: list[dict[str, Any]], expected: str
) -> None:
    workspace, videos = library
    assert "".join(workspace.names(videos, sorts=sorts)) == expected


def test_a_sort_by_an_unknown_column_is_refused(library: Library) -> None:
    workspace, videos = library
    sorts = [{"property": "zzz", "direction": "ascending"}]
    error = refusal(lambda: workspace.client.data_sources.query(videos, sorts=sorts))
    assert "Could not find sort property with name or id: zzz" in str(error)


@settings(max_examples=30)
@given(amounts=st.lists(st.integers(-5, 5), max_size=6), limit=st.integers(-5, 5))
def test_a_condition_and_its_opposite_split_the_rows(
    workspace: NotionWorkspace, amounts: list[int], limit: int
) -> None:
    source = workspace.data_source({"n": {"number": {}}})
    for amount in amounts:
        workspace.row(source, Name=titled(str(amount)), n={"number": amount})
    below = workspace.names(source, filter=of("n", "number", less_than=limit))
    others = workspace.names(source, filter=of("n", "number", greater_than_or_equal_to=limit))
    assert sorted(map(int, below)) == sorted(n for n in amounts if n < limit)
    assert sorted(map(int, below + others)) == sorted(amounts)


def test_a_long_result_is_read_page_by_page(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    made = [workspace.row(source, Name=titled(str(n)))["id"] for n in range(7)]
    first: Any = workspace.client.data_sources.query(source, page_size=3)
    assert (len(first["results"]), first["has_more"]) == (3, True)
    assert first["request_status"] == {"type": "complete"}
    rows: list[Any] = list(
        iterate_paginated_api(lambda **more: workspace.client.data_sources.query(source, page_size=3, **more))
    )
    assert [row["id"] for row in rows] == made[::-1]


def test_rows_that_leave_the_filter_while_it_is_read_hide_no_others(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"done": {"checkbox": {}}})
    made = [workspace.row(source, Name=titled(str(n)))["id"] for n in range(6)]
    wanted = of("done", "checkbox", equals=False)
    seen: list[str] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        more = {"start_cursor": cursor} if cursor else {}
        answer: Any = workspace.client.data_sources.query(source, filter=wanted, page_size=2, **more)
        for row in answer["results"]:
            workspace.client.pages.update(row["id"], properties={"done": {"checkbox": True}})
        seen += [row["id"] for row in answer["results"]]
        cursor = answer["next_cursor"]
    assert sorted(seen) == sorted(made)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"page_size": 101}, "body.page_size should be ≤ `100`, instead was `101`."),
        ({"page_size": 0}, "body.page_size should be ≥ `1`"),
        ({"page_size": "5"}, "body.page_size should be a number"),
        ({"start_cursor": "abc"}, "valid uuid"),
        ({"start_cursor": "8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa"}, "valid cursor"),
        ({"result_type": "block"}, "body.result_type should be"),
        ({"archived": True}, "body.archived should be not present, instead was `true`."),
    ],
)
def test_paging_that_notion_would_refuse_is_refused(library: Library, query: dict[str, Any], said: str) -> None:
    workspace, videos = library
    assert said in str(refusal(lambda: workspace.client.data_sources.query(videos, **query)))


def test_a_query_says_so_when_it_reaches_its_ceiling() -> None:
    with notion_service(query_limit=4) as service, service.workspace() as workspace:
        source = workspace.data_source({})
        for n in range(5):
            workspace.row(source, Name=titled(str(n)))
        first: Any = workspace.client.data_sources.query(source, page_size=3)
        assert (first["has_more"], first["request_status"]["type"]) == (True, "complete")
        last: Any = workspace.client.data_sources.query(source, page_size=3, start_cursor=first["next_cursor"])
        assert (len(last["results"]), last["has_more"], last["next_cursor"]) == (1, False, None)
        assert last["request_status"] == {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}


def test_rows_in_the_trash_are_only_given_when_asked_for(workspace: NotionWorkspace, videos: str) -> None:
    found: Any = workspace.client.data_sources.query(videos, filter=of("Name", "title", equals="a"))
    workspace.client.pages.update(found["results"][0]["id"], in_trash=True)
    assert sorted(workspace.names(videos)) == ["b", "c", "d"]
    assert workspace.names(videos, in_trash=True) == ["a"]


def test_only_the_properties_asked_for_are_given(workspace: NotionWorkspace, videos: str) -> None:
    found: Any = workspace.client.data_sources.query(videos, filter_properties=["n", "title"])
    assert set(found["results"][0]["properties"]) == {"n", "Name"}
    page_id = found["results"][0]["id"]
    column_id = workspace.client.pages.retrieve(page_id)["properties"]["link"]["id"]  # type: ignore[index]
    page: Any = workspace.client.pages.retrieve(page_id, filter_properties=[column_id])
    assert set(page["properties"]) == {"link"}


def test_search_finds_pages_and_data_sources_by_title(workspace: NotionWorkspace, videos: str) -> None:
    workspace.data_source({}, title="Cooking videos")
    found: Any = workspace.client.search(query="cOOking", filter={"property": "object", "value": "data_source"})
    assert [entry["object"] for entry in found["results"]] == ["data_source"]
    pages: Any = workspace.client.search(filter={"property": "object", "value": "page"}, page_size=3)
    assert {entry["object"] for entry in pages["results"]} == {"page"}
    assert pages["has_more"] is True
    everything = list(iterate_paginated_api(lambda **more: workspace.client.search(page_size=2, **more)))
    assert len(everything) == 7  # four rows, the starting page, two data sources
    oldest: Any = workspace.client.search(sort={"timestamp": "last_edited_time", "direction": "ascending"})
    assert oldest["results"][0]["id"] == workspace.page_id


def test_search_finds_data_sources_in_the_trash_too_but_no_pages(workspace: NotionWorkspace, videos: str) -> None:
    found: Any = workspace.client.data_sources.retrieve(videos)
    workspace.client.databases.update(found["parent"]["database_id"], in_trash=True)
    seen: Any = workspace.client.search()
    assert {(entry["id"], entry["in_trash"]) for entry in seen["results"]} == {
        (videos, True),
        (workspace.page_id, False),
    }


def test_search_does_not_find_what_is_not_shared(workspace: NotionWorkspace, videos: str) -> None:
    assert videos in {entry["id"] for entry in workspace.client.search()["results"]}  # type: ignore[index]
    workspace.control("share", bot_id=workspace.bot_id, object_id=workspace.page_id, shared=False)
    assert workspace.client.search()["results"] == []  # type: ignore[index]


def test_search_matches_by_any_word(workspace: NotionWorkspace) -> None:
    for title in ("Link Database", "Travel links", "Recipes"):
        workspace.data_source({}, title=title)
    kind = {"property": "object", "value": "data_source"}
    found: Any = workspace.client.search(query="link database", filter=kind)
    assert {plain(entry["title"]) for entry in found["results"]} == {"Link Database", "Travel links"}


def test_a_search_for_databases_is_refused_as_it_is_since_data_sources(workspace: NotionWorkspace) -> None:
    error = refusal(lambda: workspace.client.search(filter={"property": "object", "value": "database"}))
    assert 'body.filter.value should be `"page"` or `"data_source"`, instead was `"database"`.' in str(error)


def test_the_bot_knows_itself_its_owner_and_how_large_an_upload_may_be(workspace: NotionWorkspace) -> None:
    me: Any = workspace.client.users.me()
    assert (me["id"], me["type"]) == (workspace.bot_id, "bot")
    assert me["bot"]["workspace_id"] == workspace.workspace_id
    assert me["bot"]["workspace_limits"] == {"max_file_upload_size_in_bytes": 5 * 1024 * 1024}
    assert me["bot"]["owner"]["user"]["id"] == workspace.owner_id


def test_users_are_listed_and_fetched(workspace: NotionWorkspace) -> None:
    listed: Any = workspace.client.users.list(page_size=1)
    assert (listed["results"][0]["id"], listed["has_more"]) == (workspace.owner_id, True)
    rest: Any = workspace.client.users.list(start_cursor=listed["next_cursor"])
    assert [user["id"] for user in rest["results"]] == [workspace.bot_id]
    person: Any = workspace.client.users.retrieve(workspace.owner_id)
    assert (person["type"], person["person"]) == ("person", {"email": "sam@sandbox.example"})
    missing: Callable[[], Any] = lambda: workspace.client.users.retrieve("8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa")  # noqa: E731
    assert refusal(missing).code == "object_not_found"


def test_the_answer_has_the_bots_own_time_in_minutes_unless_times_are_exact(workspace: NotionWorkspace) -> None:
    page: Any = workspace.client.pages.retrieve(workspace.page_id)
    assert page["last_edited_time"].endswith(":00.000Z")
    with notion_service(exact_times=True) as service, service.workspace() as exact:
        times = {exact.row(exact.data_source({}))["last_edited_time"] for _ in range(3)}
        assert len(times) == 3
