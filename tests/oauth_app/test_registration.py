"""Link Database and Content Databases: found, checked, made, changed; by API and on the pages."""

from __future__ import annotations

from typing import Any

import pytest

from svp_dagster.models import JsonObject
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person

LINK_COLUMNS: JsonObject = {
    "url": {"url": {}},
    "tag": {"select": {"options": []}},
    "status": {"select": {"options": [{"name": "pending"}]}},
    "updated_time": {"date": {}},
}
RECIPE: JsonObject = {
    "ingredients": {"rich_text": {}},
    "score": {"formula": {"expression": "1"}},
    "who": {"people": {}},
}


@pytest.fixture
def bea(person: Person) -> Person:
    """Signed in, with nothing registered."""
    return person.sign_in()


def call(person: Person, method: str, path: str, status: int, json: Any = None) -> JsonObject:
    answer = person.ask(method, path, json)
    assert answer.status_code == status, answer.text
    return dict(answer.json or {})


def test_a_fit_database_becomes_the_link_database(bea: Person, notion: NotionSandbox, store: Store) -> None:
    source = notion.data_source(LINK_COLUMNS, title="My links")
    made = call(bea, "POST", "/api/link-database/register", 200, {"database": source})
    assert (made["title"], made["data_source_id"], made["problem"]) == ("My links", source, "")
    kept = store.databases.link_database(bea.connection_id)
    assert kept is not None
    assert kept.data_source_id == source
    assert call(bea, "GET", "/api/link-database", 200) == made


def test_each_column_that_is_missing_or_of_a_wrong_type_is_named(bea: Person, notion: NotionSandbox) -> None:
    unfit = {**LINK_COLUMNS, "url": {"rich_text": {}}, "status": {"select": {"options": []}}}
    del unfit["updated_time"]
    refused = call(bea, "POST", "/api/link-database/register", 422, {"database": notion.data_source(unfit)})
    assert refused["error"] == "columns_unfit"
    assert refused["details"] == [
        'The column "url" is of type rich_text; it must be of type url.',
        'The column "updated_time" (type date) is missing.',
        'The column "status" lacks the option pending.',
    ]


def test_a_database_is_found_by_its_link_its_id_and_its_data_sources_id(bea: Person, notion: NotionSandbox) -> None:
    source = notion.data_source(LINK_COLUMNS)
    database = notion.raw.get(f"/v1/data_sources/{source}").json()["parent"]["database_id"]
    url = notion.raw.get(f"/v1/databases/{database}").json()["url"]
    for reference in (url, f"{url}?v=abc", database, database.replace("-", ""), source):
        made = call(bea, "POST", "/api/link-database/register", 200, {"database": reference})
        assert (made["data_source_id"], made["url"]) == (source, url)


@pytest.mark.parametrize(
    "reference", ["cats", "https://example.com/", "https://www.notion.so/Page", "\x00", "٣" * 32, "../../users/me"]
)
def test_what_is_no_link_of_a_database_is_refused(bea: Person, reference: str) -> None:
    refused = call(bea, "POST", "/api/link-database/register", 422, {"database": reference})
    assert refused["error"] == "no_database_link"


def test_a_database_that_is_not_shared_is_told(bea: Person) -> None:
    refused = call(bea, "POST", "/api/link-database/register", 404, {"database": "0" * 32})
    assert refused["error"] == "database_not_shared"
    assert "Connections" in refused["message"]


def test_a_database_with_several_data_sources_asks_which_one(bea: Person, notion: NotionSandbox) -> None:
    first = notion.data_source(RECIPE, title="Recipes")
    database = notion.raw.get(f"/v1/data_sources/{first}").json()["parent"]["database_id"]
    second = add_data_source(notion, database, "Drinks")
    asked = {"tag": "cooking", "database": database}
    refused = call(bea, "POST", "/api/databases/register", 409, asked)
    assert refused["error"] == "several_data_sources"
    assert [choice["data_source_id"] for choice in refused["choices"]] == [first, second]
    made = call(bea, "POST", "/api/databases/register", 201, asked | {"database": second})
    assert made["data_source_id"] == second


@pytest.mark.parametrize("refusal", ["linked", "no_sources", "empty"])
def test_a_linked_view_is_refused_with_the_way_to_the_original(
    bea: Person, notion: NotionSandbox, refusal: str
) -> None:
    made = notion.odd_database("linked", refusal=refusal)
    asked = {"tag": "cooking", "database": made["database_id"]}
    refused = call(bea, "POST", "/api/databases/register", 422, asked)
    assert (refused["error"], refused["choices"]) == ("linked_view", [])
    assert "original database" in refused["message"]
    page = bea.submit("/databases/link/register", database_link=made["database_id"])
    assert page.status_code == 422
    assert "original database" in page.text


def test_a_database_without_data_sources_is_refused_and_nothing_is_offered(bea: Person, notion: NotionSandbox) -> None:
    made = notion.odd_database("sources", data_sources=[])
    refused = call(bea, "POST", "/api/link-database/register", 422, {"database": made["database_id"]})
    assert (refused["error"], refused["choices"]) == ("linked_view", [])


def test_a_wiki_is_registered_as_any_other_database(bea: Person, notion: NotionSandbox) -> None:
    made = notion.odd_database("wiki", data_sources=["Inside"])
    asked = {"tag": "cooking", "database": made["database_id"]}
    registered = call(bea, "POST", "/api/databases/register", 201, asked)
    assert registered["data_source_id"] == made["data_source_ids"][0]
    assert call(bea, "POST", f"/api/databases/{registered['id']}/check", 200)["ready"]


def test_an_id_that_notion_takes_for_none_is_a_database_that_is_not_there(bea: Person) -> None:
    asked = {"database": "12345678-1234-0234-0234-123456789abc"}
    refused = call(bea, "POST", "/api/link-database/register", 404, asked)
    assert refused["error"] == "database_not_shared"


def test_the_page_offers_the_data_sources_to_choose_from(bea: Person, notion: NotionSandbox) -> None:
    first = notion.data_source(RECIPE, title="Recipes")
    database = notion.raw.get(f"/v1/data_sources/{first}").json()["parent"]["database_id"]
    second = add_data_source(notion, database, "Drinks")
    page = bea.submit("/databases/register", tag="drinks", database_link=database, prompt="Only cold ones.")
    assert page.status_code == 409
    assert f'<option value="{second}">Drinks</option>' in page.text
    assert 'value="drinks"' in page.text
    assert "Only cold ones." in page.text
    assert bea.submit("/databases/register", tag="drinks", database=second).status_code == 302


def test_the_link_database_is_made_with_every_column_and_option(bea: Person, notion: NotionSandbox) -> None:
    made = call(bea, "POST", "/api/link-database/make", 201, {"parent_page": notion.page_id})
    assert call(bea, "POST", "/api/link-database/check", 200) == {"ready": True, "problems": []}
    assert {"url", "tag", "processing_type", "status", "updated_time", "error", "result"} <= {
        column["name"] for column in made["columns"]
    }


def test_a_relation_is_told_to_be_filled_by_title(bea: Person, notion: NotionSandbox) -> None:
    relation = {"relation": {"data_source_id": notion.data_source({}, title="Pantry"), "single_property": {}}}
    asked = {"tag": "cooking", "database": notion.data_source(RECIPE | {"pantry": relation}), "prompt": ""}
    made = call(bea, "POST", "/api/databases/register", 201, asked)
    assert {"name": "pantry", "type": "relation", "filled": True, "note": ""} in made["columns"]
    assert "By title:" in bea.see(f"/databases/{made['id']}")


def test_a_content_database_tells_which_columns_are_filled_and_why_others_are_not(
    bea: Person, notion: NotionSandbox
) -> None:
    asked = {"tag": "cooking", "database": notion.data_source(RECIPE), "prompt": "  Grams, please.\x00 "}
    made = call(bea, "POST", "/api/databases/register", 201, asked)
    columns = {column["name"]: column for column in made["columns"]}
    assert made["prompt"] == "Grams, please."
    assert columns["ingredients"] == {"name": "ingredients", "type": "rich_text", "filled": True, "note": ""}
    assert not columns["score"]["filled"]
    assert columns["score"]["note"]
    assert not columns["who"]["filled"]
    page = bea.see(f"/databases/{made['id']}")
    assert columns["score"]["note"] in page


def test_a_tag_has_one_content_database(bea: Person, notion: NotionSandbox) -> None:
    first, second = ({"tag": "cooking", "database": notion.data_source(RECIPE)} for _ in range(2))
    call(bea, "POST", "/api/databases/register", 201, first)
    refused = call(bea, "POST", "/api/databases/register", 409, second)
    assert refused["error"] == "tag_taken"
    made = call(bea, "POST", "/api/databases/register", 201, second | {"tag": "Cooking"})
    assert call(bea, "PATCH", f"/api/databases/{made['id']}", 409, {"tag": "cooking"})["error"] == "tag_taken"


@pytest.mark.parametrize("tag", ["", "   ", "a,b", "x" * 101, "\x00", "\ud800"])
def test_a_tag_that_no_select_takes_is_refused(bea: Person, notion: NotionSandbox, tag: str) -> None:
    refused = call(bea, "POST", "/api/databases/register", 422, {"tag": tag, "database": "0" * 32})
    assert refused["error"] == "invalid_request"
    assert any("tag" in line for line in refused["details"])


@pytest.mark.parametrize(("template", "columns"), [("cooking", 4), ("places", 8)])
def test_ready_made_content_databases_come_with_columns_and_a_prompt(
    bea: Person, notion: NotionSandbox, template: str, columns: int
) -> None:
    asked = {"template": template, "parent_page": notion.page_id}
    made = call(bea, "POST", "/api/databases/make", 201, asked)
    assert made["tag"] == template
    assert len(made["columns"]) == columns
    assert all(column["filled"] for column in made["columns"])
    assert made["prompt"]
    assert call(bea, "POST", "/api/databases/make", 409, asked)["error"] == "tag_taken"
    assert call(bea, "POST", "/api/databases/make", 201, asked | {"tag": "other"})["tag"] == "other"


def test_the_link_database_is_no_content_database(bea: Person, notion: NotionSandbox) -> None:
    source = notion.data_source(LINK_COLUMNS)
    call(bea, "POST", "/api/link-database/register", 200, {"database": source})
    refused = call(bea, "POST", "/api/databases/register", 422, {"tag": "x", "database": source})
    assert refused["error"] == "is_link_database"


def test_tag_and_prompt_are_changed_one_by_one(bea: Person, notion: NotionSandbox) -> None:
    made = call(bea, "POST", "/api/databases/register", 201, {"tag": "a", "database": notion.data_source(RECIPE)})
    path = f"/api/databases/{made['id']}"
    assert call(bea, "PATCH", path, 200, {"prompt": "Metric."})["tag"] == "a"
    changed = call(bea, "PATCH", path, 200, {"tag": "b"})
    assert (changed["tag"], changed["prompt"]) == ("b", "Metric.")
    assert call(bea, "PATCH", path, 200, {"prompt": ""})["prompt"] == ""
    assert call(bea, "GET", "/api/databases", 200)["databases"] == [call(bea, "GET", path, 200)]


def test_what_changed_in_notion_is_told_and_taken_over(ada: Person, notion: NotionSandbox) -> None:
    (cooking,) = call(ada, "GET", "/api/databases", 200)["databases"]
    path = f"/api/databases/{cooking['id']}"
    assert call(ada, "POST", f"{path}/check", 200) == {"ready": True, "problems": []}
    notion.change_columns(cooking["data_source_id"], {"steps": {"name": "method"}, "ingredients": None})
    checked = call(ada, "POST", f"{path}/check", 200)
    assert checked == {
        "ready": False,
        "problems": ['The column "ingredients" was removed.', 'The column "steps" is now called "method".'],
    }
    refreshed = call(ada, "POST", f"{path}/refresh", 200)
    assert {column["name"] for column in refreshed["columns"]} == {"name", "video_link", "method"}
    assert call(ada, "POST", f"{path}/check", 200)["ready"]


def offered_tags(person: Person, notion: NotionSandbox) -> list[str]:
    source = call(person, "GET", "/api/link-database", 200)["data_source_id"]
    column = notion.raw.get(f"/v1/data_sources/{source}").json()["properties"]["tag"]
    return [option["name"] for option in column["select"]["options"]]


def test_a_new_tag_can_be_chosen_in_the_link_database_beside_those_there(ada: Person, notion: NotionSandbox) -> None:
    before = offered_tags(ada, notion)
    asked = {"tag": "travel", "database": notion.data_source(RECIPE)}
    made = call(ada, "POST", "/api/databases/register", 201, asked)
    assert offered_tags(ada, notion) == [*before, "travel"]
    call(ada, "PATCH", f"/api/databases/{made['id']}", 200, {"tag": "trips"})
    assert offered_tags(ada, notion) == [*before, "travel", "trips"]
    assert call(ada, "POST", f"/api/databases/{made['id']}/check", 200) == {"ready": True, "problems": []}


def test_an_own_link_database_offers_the_tags_that_there_are(bea: Person, notion: NotionSandbox) -> None:
    call(bea, "POST", "/api/databases/register", 201, {"tag": "travel", "database": notion.data_source(RECIPE)})
    call(bea, "POST", "/api/link-database/register", 200, {"database": notion.data_source(LINK_COLUMNS)})
    assert offered_tags(bea, notion) == ["travel"]


def test_a_tag_that_nobody_can_choose_is_told(ada: Person, notion: NotionSandbox) -> None:
    refusal = {"object": "error", "status": 400, "code": "validation_error", "message": "body failed validation"}
    notion.fail("/v1/data_sources/", method="PATCH", status=400, body=refusal)
    asked = {"tag": "travel", "database": notion.data_source(RECIPE)}
    made = call(ada, "POST", "/api/databases/register", 201, asked)
    checked = call(ada, "POST", f"/api/databases/{made['id']}/check", 200)
    assert checked["problems"] == ["The Link Database's tag column doesn't offer “travel” yet."]


def test_a_deleted_database_is_told(ada: Person, notion: NotionSandbox) -> None:
    (cooking,) = call(ada, "GET", "/api/databases", 200)["databases"]
    notion.raw.patch(f"/v1/databases/{cooking['database_id']}", json={"in_trash": True}).raise_for_status()
    refused = call(ada, "POST", f"/api/databases/{cooking['id']}/check", 404)
    assert refused["error"] == "database_not_shared"
    page = ada.submit(f"/databases/{cooking['id']}/check")
    assert "can&#39;t be found" in ada.see(page.location)


def test_removing_a_content_database_leaves_notion_alone(ada: Person, notion: NotionSandbox) -> None:
    (cooking,) = call(ada, "GET", "/api/databases", 200)["databases"]
    assert ada.ask("DELETE", f"/api/databases/{cooking['id']}").status_code == 204
    assert call(ada, "GET", "/api/databases", 200) == {"databases": []}
    assert notion.raw.get(f"/v1/databases/{cooking['database_id']}").json()["in_trash"] is False


def test_the_set_up_page_leads_on_step_by_step(bea: Person, notion: NotionSandbox) -> None:
    page = {"parent_page": notion.page_id}
    assert bea.client.get("/entries").location == "/databases"
    assert bea.submit("/databases/link/make", **page).location == "/databases"
    assert "Choose where pages go" in bea.see("/databases")
    assert bea.submit("/databases/make", **page, template="places").location == "/entries"
    assert "No links yet" in bea.see("/entries")


def test_forms_that_are_not_filled_in_say_what_is_missing(bea: Person) -> None:
    page = bea.submit("/databases/register", tag="a,b")
    assert page.status_code == 422
    assert "Database is missing." in page.text
    assert "Tag must hold a word and no comma." in page.text


def test_without_a_shared_page_the_way_to_share_one_is_shown(bea: Person, notion: NotionSandbox, store: Store) -> None:
    (connection,) = store.connections.all()
    notion.control("share", bot_id=connection.bot_id, object_id=notion.page_id, shared=False)
    page = bea.see("/databases")
    assert "can&#39;t see any page of yours yet" in page
    assert "Choose pages at Notion again" in page


def test_an_outage_of_notion_is_told_on_the_page(bea: Person, notion: NotionSandbox) -> None:
    notion.fail("/v1/search", status=503, body={}, times=None)
    assert "Notion didn&#39;t answer properly." in bea.see("/databases")
    notion.fail("/v1/databases", status=503, body={}, times=None)
    notion.fail("/v1/blocks", status=503, body={}, times=None)
    refused = call(bea, "POST", "/api/link-database/make", 503, {"parent_page": notion.page_id})
    assert refused["error"] == "notion_unreachable"


def add_data_source(notion: NotionSandbox, database_id: str, title: str) -> str:
    """A second data source in a database, as a person can add one."""
    made = notion.raw.post(
        "/v1/data_sources",
        json={
            "parent": {"type": "database_id", "database_id": database_id},
            "title": [{"type": "text", "text": {"content": title}}],
            "properties": {"Name": {"title": {}}},
        },
    )
    assert made.is_success, made.text
    return str(made.json()["id"])
