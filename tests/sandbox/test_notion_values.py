"""What stands in cells: writing, reading, limits."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.openapi import assert_valid_request
from tests.sandbox.notion_service import NotionWorkspace, plain, refusal, text, titled

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "words": {"rich_text": {}},
    "n": {"number": {}},
    "link": {"url": {}},
    "mail": {"email": {}},
    "phone": {"phone_number": {}},
    "tag": {"select": {"options": [{"name": "Cooking"}]}},
    "tags": {"multi_select": {}},
    "status": {"status": {}},
    "when": {"date": {}},
    "done": {"checkbox": {}},
    "who": {"people": {}},
    "media": {"files": {}},
    "spot": {"place": {}},
}
LONG = "x" * 2_001


def test_every_writable_type_comes_back_as_it_was_written(workspace: NotionWorkspace) -> None:
    source = workspace.data_source(COLUMNS)
    row = workspace.row(
        source,
        Name=titled("Pasta"),
        words={"rich_text": [*text("bold", bold=True), {"equation": {"expression": "e=mc^2"}}]},
        n={"number": 12.5},
        link={"url": "https://example.com/a"},
        mail={"email": "a@example.com"},
        phone={"phone_number": "+49 30 1"},
        tag={"select": {"name": "Cooking"}},
        tags={"multi_select": [{"name": "a"}, {"name": "b"}, {"name": "a"}]},
        status={"status": {"name": "Done"}},
        when={"date": {"start": "2026-11-20", "end": "2026-11-22"}},
        done={"checkbox": True},
        who={"people": [{"id": workspace.owner_id}]},
        media={"files": [{"type": "external", "name": "clip", "external": {"url": "https://example.com/c.mp4"}}]},
        spot={"place": {"lat": 52.5, "lon": 13.4, "name": "Berlin"}},
    )
    fetched: Any = workspace.client.pages.retrieve(row["id"])
    assert fetched == row
    cells = row["properties"]
    assert set(cells) == set(COLUMNS)
    assert all({"id", "type", cell["type"]} <= set(cell) for cell in cells.values())
    assert plain(cells["words"]["rich_text"]) == "bolde=mc^2"
    assert cells["words"]["rich_text"][0]["annotations"] == {
        "bold": True, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default",
    }  # fmt: skip
    assert cells["n"]["number"] == 12.5
    assert cells["link"]["url"] == "https://example.com/a"
    assert cells["tag"]["select"]["name"] == "Cooking"
    assert [chip["name"] for chip in cells["tags"]["multi_select"]] == ["a", "b"]
    assert cells["status"]["status"]["name"] == "Done"
    assert cells["when"]["date"] == {"start": "2026-11-20", "end": "2026-11-22", "time_zone": None}
    assert cells["done"]["checkbox"] is True
    assert cells["who"]["people"] == [{"object": "user", "id": workspace.owner_id}]
    assert cells["media"]["files"][0]["external"] == {"url": "https://example.com/c.mp4"}
    assert cells["spot"]["place"]["name"] == "Berlin"


def test_untouched_cells_are_empty_and_a_status_has_its_first_option(workspace: NotionWorkspace) -> None:
    cells = workspace.row(workspace.data_source(COLUMNS))["properties"]
    assert cells["status"]["status"]["name"] == "Not started"
    assert [cells[name][kind] for name, kind in (("n", "number"), ("tag", "select"), ("when", "date"))] == [None] * 3
    assert [cells[name][kind] for name, kind in (("words", "rich_text"), ("who", "people"))] == [[], []]
    assert cells["done"]["checkbox"] is False


def test_null_and_empty_lists_clear_a_cell(workspace: NotionWorkspace) -> None:
    source = workspace.data_source(COLUMNS)
    row = workspace.row(
        source, link={"url": "https://a.example"}, tag={"select": {"name": "x"}}, words={"rich_text": text("w")}
    )
    cleared: Any = workspace.client.pages.update(
        row["id"], properties={"link": {"url": None}, "tag": {"select": None}, "words": {"rich_text": []}}
    )
    assert cleared["properties"]["link"]["url"] is None
    assert cleared["properties"]["tag"]["select"] is None
    assert cleared["properties"]["words"]["rich_text"] == []


def test_a_select_option_that_is_new_is_made_and_kept(workspace: NotionWorkspace) -> None:
    source = workspace.data_source(COLUMNS)
    first = workspace.row(source, tag={"select": {"name": "Travel"}}, tags={"multi_select": [{"name": "new"}]})
    second = workspace.row(source, tag={"select": {"name": "Travel"}})
    assert first["properties"]["tag"] == second["properties"]["tag"]
    found: Any = workspace.client.data_sources.retrieve(source)
    assert [o["name"] for o in found["properties"]["tag"]["select"]["options"]] == ["Cooking", "Travel"]
    assert [o["name"] for o in found["properties"]["tags"]["multi_select"]["options"]] == ["new"]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Name": {"title": text(LONG)}}, "Name.title[0].text.content.length should be ≤ `2000`, instead was `2001`."),
        ({"words": {"rich_text": text("ok") * 101}}, "body.properties.words.rich_text.length should be ≤ `100`"),
        ({"words": {"rich_text": text("😀" * 1_001)}}, "length should be ≤ `2000`, instead was `2002`."),
        ({"words": {"rich_text": [{"equation": {"expression": "x" * 1_001}}]}}, "≤ `1000`, instead was `1001`."),
        ({"words": {"rich_text": [{"text": {"content": "a", "link": {"url": "nowhere"}}}]}}, "Invalid URL for link."),
        ({"words": {"rich_text": [{"text": {"content": "a", "link": {"url": "https://" + LONG}}}]}}, "≤ `2000`"),
        ({"words": {"rich_text": text("a", color="mauve")}}, "annotations.color should be"),
        ({"words": {"rich_text": "text"}}, 'rich_text should be an array, instead was `"text"`.'),
        ({"link": {"url": ""}}, 'body.properties.link.url should be populated, instead was `""`.'),
        ({"link": {"url": "https://" + LONG}}, "≤ `2000`, instead was `2009`."),
        ({"mail": {"email": "m" * 201}}, "≤ `200`, instead was `201`."),
        ({"phone": {"phone_number": "1" * 201}}, "≤ `200`, instead was `201`."),
        ({"tag": {"select": {"name": "n" * 101}}}, "≤ `100`, instead was `101`."),
        ({"tag": {"select": {"name": "a, b"}}}, "Invalid select option, commas not allowed: a, b"),
        ({"tag": {"select": {"name": ""}}}, "populated"),
        ({"tag": {"select": {"id": "unknown"}}}, "invalid select option"),
        ({"tag": {"select": {"name": "Cooking", "color": "pink"}}}, "color doesn't match existing"),
        ({"tags": {"multi_select": [{"name": f"{n}"} for n in range(101)]}}, "≤ `100`, instead was `101`."),
        ({"tags": {"multi_select": [{"name": "a,b"}]}}, "commas not allowed"),
        ({"status": {"status": {"name": "Nope"}}}, 'Status option "Nope" does not exist'),
        ({"n": {"number": "5"}}, 'body.properties.n.number should be a number, instead was `"5"`.'),
        ({"n": {"number": True}}, "body.properties.n.number should be a number, instead was `true`."),
        ({"done": {"checkbox": "yes"}}, "checkbox should be a boolean"),
        ({"when": {"date": {"start": "yesterday"}}}, "valid ISO 8601 date"),
        ({"when": {"date": {"start": "2026-13-01"}}}, "valid ISO 8601 date"),
        ({"when": {"date": {"end": "2026-11-20"}}}, "body.properties.when.date.start should be defined"),
        ({"when": {"date": {"start": "2026-11-20", "end": "2026-11-19"}}}, "on or after"),
        ({"when": {"date": {"start": "2026-11-20", "end": "2026-11-21T10:00:00Z"}}}, "both"),
        ({"when": {"date": {"start": "2026-11-20T10:00:00", "time_zone": "Mars/Olympus"}}}, "time zone"),
        ({"who": {"people": [{"id": "no uuid"}]}}, "valid uuid"),
        ({"media": {"files": [{"external": {"url": "https://a.example"}, "name": "n" * 101}]}}, "≤ `100`"),
        ({"link": {"rich_text": text("a")}}, "link is expected to be url."),
        ({"Foo": {"url": "a"}, "n": {"url": "b"}}, "Foo is not a property that exists. n is expected to be number."),
        ({"link": {"url": "https://a.example", "number": 4}}, "body.properties.link.number should be not present"),
        ({"link": {"url": "https://a.example", "surprise": 4}}, "body.properties.link.surprise should be not present"),
        ({"link": {"nonsense": 1}}, "body failed validation. Fix one:\nbody.properties.link.title should be defined"),
    ],
)  # fmt: skip
def test_a_value_that_notion_would_refuse_is_refused_and_leaves_nothing_behind(
    workspace: NotionWorkspace, properties: dict[str, Any], said: str
) -> None:
    source = workspace.data_source(COLUMNS)
    before: Any = workspace.client.data_sources.retrieve(source)
    with_new_option = {"tags": {"multi_select": [{"name": "made on the way"}]}} | properties
    error = refusal(lambda: workspace.row(source, **with_new_option))
    assert (error.code, error.status) == ("validation_error", 400)
    assert said in str(error)
    assert workspace.ledger(source)["created"] == 0
    assert workspace.client.data_sources.retrieve(source) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Name", {"title": text("x" * 2_000)}),
        ("words", {"rich_text": text("😀" * 1_000)}),
        ("words", {"rich_text": text("ok") * 100}),
        ("link", {"url": "https://e.example/" + "x" * 1_982}),
        ("tag", {"select": {"name": "n" * 100}}),
        ("tags", {"multi_select": [{"name": f"{n}"} for n in range(100)]}),
        ("when", {"date": {"start": "2026-11-20T10:00:00", "time_zone": "Europe/Berlin"}}),
    ],
)
def test_a_value_just_at_the_limit_is_taken(workspace: NotionWorkspace, name: str, value: dict[str, Any]) -> None:
    workspace.row(workspace.data_source(COLUMNS), **{name: value})


@pytest.mark.parametrize(("kind", "name"), [("email", "mail"), ("phone_number", "phone")])
def test_emails_and_phone_numbers_reach_to_two_hundred_characters(
    workspace: NotionWorkspace, kind: str, name: str
) -> None:
    source = workspace.data_source(COLUMNS)
    body = {"parent": {"data_source_id": source}, "properties": {name: {kind: "1" * 200}}}
    assert workspace.raw.post("/v1/pages", json=body).status_code == 200


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T10:15:42.123Z", "2026-11-20T10:15:00.000+00:00"),
        ("2026-11-20T10:15:00+02:00", "2026-11-20T10:15:00.000+02:00"),
        ("2026-11-20T10:15:00", "2026-11-20T10:15:00.000+00:00"),
    ],
)
def test_times_come_back_to_the_minute_with_an_offset(workspace: NotionWorkspace, written: str, shown: str) -> None:
    row = workspace.row(workspace.data_source(COLUMNS), when={"date": {"start": written}})
    assert row["properties"]["when"]["date"]["start"] == shown


def test_a_time_zone_gives_its_times_their_offset(workspace: NotionWorkspace) -> None:
    when = {"date": {"start": "2026-07-01T10:00:00", "time_zone": "Europe/Berlin"}}
    row = workspace.row(workspace.data_source(COLUMNS), when=when)
    assert row["properties"]["when"]["date"] == {
        "start": "2026-07-01T10:00:00.000+02:00",
        "end": None,
        "time_zone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("formula", {"formula": {"string": "x"}}),
        ("created_time", {"created_time": "2026-11-20T10:00:00Z"}),
        ("last_edited_by", {"last_edited_by": {"id": "8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa"}}),
        ("unique_id", {"unique_id": {"number": 7}}),
        ("unique_id", {"number": 7}),
        ("created_by", {"people": []}),
    ],
)
def test_what_notion_computes_cannot_be_written(workspace: NotionWorkspace, kind: str, value: dict[str, Any]) -> None:
    source = workspace.data_source({"it": {kind: {}}})
    assert refusal(lambda: workspace.row(source, it=value)).code == "validation_error"


def test_computed_cells_have_sensible_values(workspace: NotionWorkspace) -> None:
    others = workspace.data_source({"cost": {"number": {}}}, title="Others")
    source = workspace.data_source(
        {
            "n": {"number": {}},
            "id": {"unique_id": {"prefix": "V"}},
            "copy": {"formula": {"expression": 'prop("n")'}},
            "made": {"created_time": {}},
            "by": {"created_by": {}},
            "edited": {"last_edited_time": {}},
            "rel": {"relation": {"data_source_id": others, "type": "single_property", "single_property": {}}},
        }
    )
    rollups = {
        "how many": {"rollup": {"function": "count", "relation_property_name": "rel", "rollup_property_name": "cost"}},
        "total": {"rollup": {"function": "sum", "relation_property_name": "rel", "rollup_property_name": "cost"}},
        "all": {
            "rollup": {"function": "show_original", "relation_property_name": "rel", "rollup_property_name": "cost"}
        },
    }
    workspace.client.data_sources.update(source, properties=rollups)
    related = [{"id": workspace.row(others, cost={"number": n})["id"]} for n in (2, 3)]
    workspace.row(source)
    cells = workspace.row(source, n={"number": 4}, rel={"relation": related})["properties"]
    assert cells["id"]["unique_id"] == {"prefix": "V", "number": 2}
    assert cells["copy"]["formula"] == {"type": "number", "number": 4}
    assert cells["made"]["created_time"].endswith(":00.000Z")
    assert cells["by"]["created_by"]["id"] == workspace.bot_id
    assert cells["how many"]["rollup"] == {"type": "number", "number": 2, "function": "count"}
    assert cells["total"]["rollup"]["number"] == 5
    assert [item["number"] for item in cells["all"]["rollup"]["array"]] == [2, 3]


def test_a_column_of_numbers_by_notion_counts_the_rows_that_were_there(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    first = workspace.row(source)
    workspace.client.data_sources.update(source, properties={"id": {"unique_id": {}}})
    found: Any = workspace.client.pages.retrieve(first["id"])
    assert found["properties"]["id"]["unique_id"] == {"prefix": None, "number": 1}
    assert workspace.row(source)["properties"]["id"]["unique_id"]["number"] == 2


def test_people_and_related_pages_must_exist_and_belong(workspace: NotionWorkspace) -> None:
    others = workspace.data_source({}, title="Others")
    relation = {"relation": {"data_source_id": others, "type": "single_property", "single_property": {}}}
    source = workspace.data_source({"rel": relation, "who": {"people": {}}})
    missing = "8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa"
    assert refusal(lambda: workspace.row(source, who={"people": [{"id": missing}]})).code == "object_not_found"
    assert refusal(lambda: workspace.row(source, rel={"relation": [{"id": missing}]})).code == "object_not_found"
    own = workspace.row(source)["id"]
    assert refusal(lambda: workspace.row(source, rel={"relation": [{"id": own}]})).code == "validation_error"


def test_a_relation_is_not_shown_while_its_database_is_not_shared(workspace: NotionWorkspace) -> None:
    top: Any = workspace.client.pages.create(parent={"type": "workspace", "workspace": True}, properties={})
    others: Any = workspace.client.databases.create(
        parent={"type": "page_id", "page_id": top["id"]}, initial_data_source={"properties": {"Name": {"title": {}}}}
    )
    target = others["data_sources"][0]["id"]
    relation = {"relation": {"data_source_id": target, "type": "single_property", "single_property": {}}}
    source = workspace.data_source({"rel": relation})

    def shown() -> list[str]:
        answer: Any = workspace.client.data_sources.retrieve(source)
        return sorted(answer["properties"])

    assert shown() == ["Name", "rel"]
    workspace.control("share", bot_id=workspace.bot_id, object_id=top["id"], shared=False)
    assert shown() == ["Name"]


def test_a_long_relation_is_shown_in_part_and_read_whole_as_a_property_item(workspace: NotionWorkspace) -> None:
    others = workspace.data_source({}, title="Others")
    source = workspace.data_source(
        {"rel": {"relation": {"data_source_id": others, "type": "single_property", "single_property": {}}}}
    )
    ids = [workspace.row(others)["id"] for _ in range(27)]
    row = workspace.row(source, rel={"relation": [{"id": page_id} for page_id in ids]})
    cell = row["properties"]["rel"]
    assert (len(cell["relation"]), cell["has_more"]) == (25, True)
    seen: list[str] = []
    cursor = None
    while cursor is not None or not seen:
        more: dict[str, Any] = {"start_cursor": cursor} if cursor else {}
        answer: Any = workspace.client.pages.properties.retrieve(row["id"], cell["id"], page_size=10, **more)
        seen += [item["relation"]["id"] for item in answer["results"]]
        cursor = answer["next_cursor"]
    assert seen == ids


def test_a_single_property_item_is_itself(workspace: NotionWorkspace) -> None:
    row = workspace.row(workspace.data_source(COLUMNS), n={"number": 3})
    cell = row["properties"]["n"]
    item: Any = workspace.client.pages.properties.retrieve(row["id"], cell["id"])
    assert item == {"object": "property_item", "id": cell["id"], "type": "number", "number": 3}
    error = refusal(lambda: workspace.client.pages.properties.retrieve(row["id"], "zzzz"))
    assert error.code == "object_not_found"


_words = st.text(st.characters(codec="utf-8"), max_size=30)
_wild = st.fixed_dictionaries(
    {},
    optional={
        "Name": st.fixed_dictionaries({"title": st.lists(_words.map(lambda w: text(w)[0]), max_size=3)}),
        "n": st.fixed_dictionaries(
            {"number": st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)}
        ),
        "link": st.fixed_dictionaries({"url": st.none() | _words}),
        "tag": st.fixed_dictionaries({"select": st.none() | st.fixed_dictionaries({"name": _words})}),
        "tags": st.fixed_dictionaries({"multi_select": st.lists(st.fixed_dictionaries({"name": _words}), max_size=3)}),
        "when": st.fixed_dictionaries({"date": st.none() | st.dates().map(lambda day: {"start": day.isoformat()})}),
        "done": st.fixed_dictionaries({"checkbox": st.booleans() | st.none()}),
        "mail": st.fixed_dictionaries({"email": st.none() | _words}),
    },
)


@settings(max_examples=40)
@given(properties=_wild)
def test_whatever_is_accepted_is_valid_by_notions_own_description(
    workspace: NotionWorkspace, properties: dict[str, Any]
) -> None:
    found: Any = workspace.client.search(filter={"property": "object", "value": "data_source"})
    source = found["results"][0]["id"] if found["results"] else workspace.data_source(COLUMNS)
    body = {"parent": {"data_source_id": source}, "properties": properties}
    answer = workspace.raw.post("/v1/pages", json=body)
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert_valid_request("POST", "/v1/pages", body)
        title = answer.json()["properties"]["Name"]["title"]
        assert plain(title) == "".join(item["text"]["content"] for item in properties.get("Name", {}).get("title", []))
