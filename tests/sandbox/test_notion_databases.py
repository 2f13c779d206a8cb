"""Databases and their schemas."""

from typing import Any

import pytest

from tests.sandbox.notion_service import NotionWorkspace, plain, refusal, text, titled

SIMPLE = (
    "rich_text", "url", "people", "files", "email", "phone_number", "date", "checkbox", "created_by", "created_time",
    "last_edited_by", "last_edited_time", "number", "select", "multi_select", "status", "unique_id", "formula",
)  # fmt: skip


def schema(workspace: NotionWorkspace, data_source_id: str) -> dict[str, Any]:
    found: Any = workspace.client.data_sources.retrieve(data_source_id)
    return dict(found["properties"])


def test_a_database_is_made_with_the_columns_of_its_first_data_source(workspace: NotionWorkspace) -> None:
    wanted: dict[str, Any] = {"Name": {"title": {}}} | {f"a {kind}": {kind: {}} for kind in SIMPLE}
    database: Any = workspace.client.databases.create(
        parent={"type": "page_id", "page_id": workspace.page_id},
        title=text("Links"),
        description=text("What to watch"),
        icon={"type": "emoji", "emoji": "🔗"},
        initial_data_source={"properties": wanted},
    )
    assert plain(database["title"]) == "Links"
    assert database["icon"] == {"type": "emoji", "emoji": "🔗"}
    assert database["parent"] == {"type": "page_id", "page_id": workspace.page_id}
    (source,) = database["data_sources"]
    assert source["name"] == "Links"
    found: Any = workspace.client.data_sources.retrieve(source["id"])
    assert found["object"] == "data_source"
    assert found["parent"] == {"type": "database_id", "database_id": database["id"]}
    assert found["database_parent"] == database["parent"]
    assert {name: column["type"] for name, column in found["properties"].items()} == {
        name: next(iter(column)) for name, column in wanted.items()
    }
    assert found["properties"]["Name"]["id"] == "title"
    assert workspace.client.databases.retrieve(database["id"]) == database


def test_the_sdk_drops_properties_given_outside_the_initial_data_source(workspace: NotionWorkspace) -> None:
    database: Any = workspace.client.databases.create(
        parent={"type": "page_id", "page_id": workspace.page_id}, properties={"Lost": {"url": {}}}
    )
    assert list(schema(workspace, database["data_sources"][0]["id"])) == ["Name"]


def test_options_of_a_select_keep_their_names_colours_and_descriptions(workspace: NotionWorkspace) -> None:
    options = [{"name": "Cooking", "color": "red", "description": "Food"}, {"name": "Places"}]
    source = workspace.data_source({"tag": {"select": {"options": options}}, "more": {"multi_select": {}}})
    found = schema(workspace, source)
    made = found["tag"]["select"]["options"]
    assert [(o["name"], o["description"]) for o in made] == [("Cooking", "Food"), ("Places", None)]
    assert made[0]["color"] == "red"
    assert found["more"]["multi_select"]["options"] == []


def test_a_status_column_starts_with_three_options_and_takes_no_others_over_the_api(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"status": {"status": {}}})
    found = schema(workspace, source)["status"]["status"]
    assert [option["name"] for option in found["options"]] == ["Not started", "In progress", "Done"]
    assert [group["name"] for group in found["groups"]] == ["To-do", "In progress", "Complete"]
    error = refusal(lambda: workspace.data_source({"status": {"status": {"options": [{"name": "pending"}]}}}))
    assert "status.options should be not present" in str(error)


def test_a_person_can_give_a_status_column_other_options(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"status": {"status": {}}})
    names = ["pending", "running", "saving", "completed", "failed"]
    workspace.control("status_options", data_source_id=source, property="status", options=names)
    assert [o["name"] for o in schema(workspace, source)["status"]["status"]["options"]] == names
    row = workspace.row(source, status={"status": {"name": "failed"}})
    assert row["properties"]["status"]["status"]["name"] == "failed"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"link": {"url": {}}}, "Title is not provided"),
        ({"a": {"title": {}}, "b": {"title": {}}}, "Only one title"),
        ({"Name": {"title": {}}, "x": {"nonsense": {}}}, "body.initial_data_source.properties.x.url should be defined"),
        ({"Name": {"title": {}}, "x": {"url": {"a": 1}}}, "x.url.a should be not present"),
        ({"Name": {"title": {}}, "x": {"number": {"format": "zorkmid"}}}, "number.format should be"),
        ({"Name": {"title": {}}, "x": {"select": {"options": [{"name": "a,b"}]}}}, "commas not allowed: a,b"),
        ({"Name": {"title": {}}, "x": {"select": {"options": [{"name": "n" * 101}]}}}, "≤ `100`, instead was `101`"),
        ({"Name": {"title": {}}, "x": {"select": {"options": [{"name": "a"}] * 2}}}, "unique"),
        ({"Name": {"title": {}}, "x": {"url": {}, "description": "d" * 281}}, "≤ `280`, instead was `281`"),
        (
            {"Name": {"title": {}}, "x": {"select": {"options": [{"name": f"{n}"} for n in range(101)]}}},
            "options.length should be ≤ `100`, instead was `101`",
        ),
    ],
)
def test_a_schema_that_notion_would_refuse_is_refused(
    workspace: NotionWorkspace, properties: dict[str, Any], said: str
) -> None:
    error = refusal(
        lambda: workspace.client.databases.create(
            parent={"type": "page_id", "page_id": workspace.page_id}, initial_data_source={"properties": properties}
        )
    )
    assert (error.code, error.status) == ("validation_error", 400)
    assert said in str(error)


def test_columns_are_added_renamed_and_removed(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"link": {"url": {}}, "old": {"checkbox": {}}})
    row = workspace.row(source, link={"url": "https://example.com"})
    workspace.client.data_sources.update(
        source,
        title=text("Videos"),
        properties={"link": {"name": "video_link"}, "old": None, "minutes": {"number": {"format": "number"}}},
    )
    found: Any = workspace.client.data_sources.retrieve(source)
    assert plain(found["title"]) == "Videos"
    assert set(found["properties"]) == {"Name", "video_link", "minutes"}
    cells: Any = workspace.client.pages.retrieve(row["id"])
    assert cells["properties"]["video_link"]["url"] == "https://example.com"


def test_a_column_that_changes_its_type_keeps_what_its_text_allows(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"n": {"rich_text": {}}, "s": {"rich_text": {}}})
    row = workspace.row(source, n={"rich_text": text("12.5")}, s={"rich_text": text("https://a.example")})
    workspace.client.data_sources.update(source, properties={"n": {"number": {}}, "s": {"url": {}}})
    cells: Any = workspace.client.pages.retrieve(row["id"])
    assert cells["properties"]["n"]["number"] == 12.5
    assert cells["properties"]["s"]["url"] == "https://a.example"
    assert schema(workspace, source)["n"]["type"] == "number"


def test_options_that_an_update_leaves_out_are_gone_and_the_others_keep_their_ids(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"tag": {"select": {"options": [{"name": "a"}, {"name": "b"}]}}})
    before = {option["name"]: option["id"] for option in schema(workspace, source)["tag"]["select"]["options"]}
    row = workspace.row(source, tag={"select": {"name": "b"}})
    # Notion's description takes an id or a name, not both; this is how its guide renames an option.
    changed = {"properties": {"tag": {"select": {"options": [{"id": before["a"], "name": "A"}, {"name": "c"}]}}}}
    workspace.raw.patch(f"/v1/data_sources/{source}", json=changed).raise_for_status()
    after = {option["name"]: option["id"] for option in schema(workspace, source)["tag"]["select"]["options"]}
    assert set(after) == {"A", "c"}
    assert after["A"] == before["a"]
    cells: Any = workspace.client.pages.retrieve(row["id"])
    assert cells["properties"]["tag"]["select"] is None


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Name": None}, "Cannot delete title"),
        ({"missing": None}, "Could not find property with name or id: missing"),
        ({"missing": {"name": "x"}}, "Could not find property with name or id: missing"),
        ({"link": {"name": "Name"}}, "Property Name already exists."),
        ({"link": {"title": {}}}, "Cannot change the type of the title"),
        ({"Name": {"url": {}}}, "Cannot change the type of the title"),
        ({"tag": {"select": {"options": [{"name": "a", "color": "blue"}]}}}, "Cannot update color of select"),
        ({"tag": {"select": {"options": [{"id": "nobody"}]}}}, "Could not find select option"),
    ],
)
def test_an_update_that_notion_would_refuse_is_refused_whole(
    workspace: NotionWorkspace, properties: dict[str, Any], said: str
) -> None:
    tag = {"select": {"options": [{"name": "a", "color": "red"}]}}
    source = workspace.data_source({"link": {"url": {}}, "tag": tag})
    before = schema(workspace, source)
    both = {"new": {"url": {}}} | properties
    assert said in str(refusal(lambda: workspace.client.data_sources.update(source, properties=both)))
    assert schema(workspace, source) == before


def test_a_database_with_two_data_sources_takes_no_page_by_its_own_id(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    database_id = workspace.client.data_sources.retrieve(source)["parent"]["database_id"]  # type: ignore[index]
    page: Any = workspace.client.pages.create(parent={"database_id": database_id}, properties={"Name": titled("one")})
    assert page["parent"] == {"type": "data_source_id", "data_source_id": source, "database_id": database_id}
    second: Any = workspace.client.data_sources.create(
        parent={"database_id": database_id}, properties={"Title": {"title": {}}}, title=text("Second")
    )
    database: Any = workspace.client.databases.retrieve(database_id)
    assert [entry["id"] for entry in database["data_sources"]] == [source, second["id"]]
    error = refusal(lambda: workspace.client.pages.create(parent={"database_id": database_id}, properties={}))
    assert "multiple data sources" in str(error)


def test_a_database_in_the_trash_can_be_looked_at_but_not_queried_or_written_to(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    row = workspace.row(source, Name=titled("one"))
    database_id = row["parent"]["database_id"]
    trashed: Any = workspace.client.databases.update(database_id, in_trash=True)
    assert trashed["in_trash"] is True
    assert refusal(lambda: workspace.client.data_sources.query(source)).code == "object_not_found"
    for call in (
        lambda: workspace.row(source, Name=titled("two")),
        lambda: workspace.client.pages.update(row["id"], properties={"Name": titled("new")}),
        lambda: workspace.client.data_sources.update(source, title=text("x")),
    ):
        error = refusal(call)
        assert error.code == "validation_error"
        assert "archived ancestor" in str(error)
    workspace.client.databases.update(database_id, in_trash=False)
    assert workspace.names(source) == ["one"]


def test_a_database_can_be_described_again_and_moved(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    database_id = workspace.client.data_sources.retrieve(source)["parent"]["database_id"]  # type: ignore[index]
    changed: Any = workspace.client.databases.update(
        database_id, title=text("New"), description=text("d"), is_inline=True, icon={"type": "emoji", "emoji": "🎬"}
    )
    assert (plain(changed["title"]), plain(changed["description"]), changed["is_inline"]) == ("New", "d", True)
    moved: Any = workspace.client.databases.update(database_id, parent={"type": "workspace", "workspace": True})
    assert moved["parent"] == {"type": "workspace", "workspace": True}
