from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svp_dagster.notion.properties import Filled, link_column, to_properties, unfit_values, web_address
from svp_dagster.notion.relations import MAX_TITLES, LinkedPages
from svp_dagster.notion.rich_text import plain_text, units
from svp_dagster.notion.schema import DataSourceSchema
from tests.notion.schemas import RELATED_IDS, column, create_page, schema, schemas, values
from tests.openapi import assert_valid_request, require_description

PAGE_ID = "5e000000-0000-4000-8000-000000000001"
choices = st.builds(
    LinkedPages,
    page_ids=st.lists(st.uuids().map(str), max_size=MAX_TITLES, unique=True).map(tuple),
    left_out=st.sampled_from(["", "Some."]),
)


def filled(kind: str, value: Any, **details: Any) -> Filled:
    return to_properties(schema(column("C", kind, **details)), {"C": value})


def content(kind: str, value: Any, **details: Any) -> Any:
    made = filled(kind, value, **details)
    assert not made.left_out
    return made.properties["C"][kind]


def reason(kind: str, value: Any, **details: Any) -> str:
    made = filled(kind, value, **details)
    assert not made.properties
    return made.left_out["C"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_answer_for_any_schema_makes_a_request_that_notion_accepts(data: st.DataObject) -> None:
    require_description()
    made_for = data.draw(schemas)
    named = st.sampled_from([one.name for one in made_for.columns]) | st.text(max_size=3)
    answer = data.draw(st.dictionaries(named, values | choices, max_size=6))

    made = to_properties(made_for, answer)

    assert_valid_request("POST", "/v1/pages", create_page(made.properties))
    assert len(json.dumps(made.properties, ensure_ascii=False, allow_nan=False).encode()) <= 500_000
    assert set(made.properties) | set(made.left_out) == set(answer)
    assert not set(made.properties) & set(made.left_out)
    assert set(made.shortened) <= set(made.properties)
    for name, cell in made.properties.items():
        assert_within_what_the_description_does_not_say(made_for, name, cell)


def assert_within_what_the_description_does_not_say(made_for: DataSourceSchema, name: str, cell: Any) -> None:
    found = made_for.column(name)
    assert found is not None
    assert list(cell) == [found.type]
    match cell:
        case {"select": {"name": option}}:
            chosen = [option]
        case {"multi_select": options}:
            chosen = [option["name"] for option in options]
        case {"status": {"name": option}}:
            assert option in found.options
            return
        case _:
            return
    assert all(option in found.options or ("," not in option and units(option) <= 100) for option in chosen)
    assert len(chosen) == len({option.casefold() for option in chosen})


def test_a_long_text_is_split_into_items_and_none_of_it_is_lost() -> None:
    text = "word " * 3000

    items = content("rich_text", text)

    assert plain_text(items) == text.strip()
    assert all(units(item["text"]["content"]) <= 2000 for item in items)


def test_a_text_beyond_the_array_ends_with_a_mark_and_is_reported() -> None:
    made = filled("rich_text", "x" * 200_001)

    items = made.properties["C"]["rich_text"]
    assert len(items) == 100
    assert plain_text(items).endswith("x…")
    assert made.shortened == {"C": "The text was too long and is cut."}


def test_long_texts_in_many_columns_share_one_request() -> None:
    names = [f"Text {number}" for number in range(10)]
    made_for = schema(*(column(name, "rich_text") for name in names))

    made = to_properties(made_for, dict.fromkeys(names, "漢" * 60_000) | {"Name": "Title"})

    assert len(json.dumps(made.properties, ensure_ascii=False).encode()) <= 500_000
    assert list(made.shortened) == names
    assert {len(plain_text(made.properties[name]["rich_text"])) for name in names} == {10_000}


def test_what_does_not_fit_into_one_request_at_all_is_left_out() -> None:
    names = [f"Link {number}" for number in range(300)]
    made_for = schema(*(column(name, "url") for name in names))

    made = to_properties(made_for, dict.fromkeys(names, "https://example.com/" + "x" * 1900))

    assert len(json.dumps(made.properties).encode()) <= 500_000
    assert set(made.left_out.values()) == {"It doesn't fit into one request together with the others."}
    assert len(made.properties) > 200


def test_an_emoji_at_the_border_of_an_item_stays_whole() -> None:
    text = "x" * 1999 + "😀" + "y"

    items = content("rich_text", text)

    assert [item["text"]["content"] for item in items] == ["x" * 1999, "😀y"]


def test_a_title_is_one_line() -> None:
    made = to_properties(schema(), {"Name": "  Two\n lines "})

    assert plain_text(made.properties["Name"]["title"]) == "Two lines"


def test_a_list_becomes_lines_of_text() -> None:
    assert plain_text(content("rich_text", ["2 eggs", 1.5, True])) == "2 eggs\n1.5\nyes"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (2.5, 2.5),
        ("1,200", 1200),
        ("1.200,50 €", 1200.5),
        ("1,200.50", 1200.5),
        ("$ 12", 12),
        ("-$4.50", -4.5),
        ("−4", -4),
        ("45 minutes", 45),
        ("3,5", 3.5),
        ("1’000’000", 1_000_000),
        (".5", 0.5),
        (10**20, 1e20),
    ],
)
def test_a_number_is_read_as_people_write_it(value: Any, number: float) -> None:
    assert content("number", value) == number


@pytest.mark.parametrize("value", ["2-3", "1/2", "about", "1.2.3", "", True, float("nan"), float("inf"), 10**400, []])
def test_what_is_not_one_number_is_left_out(value: Any) -> None:
    assert "is not one number" in reason("number", value)


def test_a_percentage_is_stored_as_a_fraction_where_the_column_shows_per_cent() -> None:
    assert content("number", "25 %", number_format="percent") == 0.25
    assert content("number", 0.25, number_format="percent") == 0.25
    assert content("number", "25 %") == 25


def test_an_option_keeps_the_spelling_that_the_database_has() -> None:
    assert content("select", "italian", options=("Italian",)) == {"name": "Italian"}


def test_a_comma_in_a_new_option_is_taken_out() -> None:
    assert content("select", "Berlin, Germany") == {"name": "Berlin Germany"}


def test_of_several_values_a_select_takes_the_first_and_says_so() -> None:
    made = filled("select", ["a", "b"])

    assert made.properties["C"]["select"] == {"name": "a"}
    assert made.shortened == {"C": "Only the first of 2 options fits into this column."}


def test_a_multi_select_takes_a_list_or_words_between_commas_each_once() -> None:
    expected = [{"name": "vegan"}, {"name": "quick"}]

    assert content("multi_select", ["vegan", "quick", "Quick"]) == expected
    assert content("multi_select", "vegan, quick") == expected


def test_a_multi_select_takes_a_hundred_options_and_says_how_many_there_were() -> None:
    made = filled("multi_select", [str(number) for number in range(130)])

    assert len(made.properties["C"]["multi_select"]) == 100
    assert made.shortened == {"C": "Only the first 100 of 130 options fit."}


def test_a_status_takes_its_existing_options_only() -> None:
    assert content("status", "DONE", options=("Done",)) == {"name": "Done"}
    assert "is not an option" in reason("status", "Finished", options=("Done",))
    assert reason("status", "Done") == "This status has no options yet."


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2026-05-01", {"start": "2026-05-01"}),
        ("2026-05-01T18:30:00Z", {"start": "2026-05-01T18:30:00+00:00"}),
        ("2026-05-01 18:30", {"start": "2026-05-01T18:30:00"}),
        ("2026-05-01/2026-05-03", {"start": "2026-05-01", "end": "2026-05-03"}),
        ("2026-05-01 to 2026-05-03", {"start": "2026-05-01", "end": "2026-05-03"}),
        (["2026-05-01", "2026-05-03"], {"start": "2026-05-01", "end": "2026-05-03"}),
        ({"start": "2026-05-03", "end": "2026-05-01"}, {"start": "2026-05-03"}),
        ({"start": "2026-05-01", "end": "2026-05-03T10:00"}, {"start": "2026-05-01", "end": "2026-05-03"}),
        (
            {"start": "2026-05-01T10:00", "end": "2026-05-01T12:00", "time_zone": "Europe/Berlin"},
            {"start": "2026-05-01T10:00:00", "end": "2026-05-01T12:00:00", "time_zone": "Europe/Berlin"},
        ),
        (
            {"start": "2026-05-01T10:00+02:00", "time_zone": "Europe/Berlin"},
            {"start": "2026-05-01T10:00:00+02:00"},
        ),
        ({"start": "2026-05-01T10:00", "time_zone": "../../etc/passwd"}, {"start": "2026-05-01T10:00:00"}),
        ({"start": "2026-05-01T10:00", "time_zone": "Europe"}, {"start": "2026-05-01T10:00:00"}),
        ({"start": "2026-05-01", "time_zone": "Europe/Berlin"}, {"start": "2026-05-01"}),
    ],
)
def test_a_date_may_be_a_day_a_time_or_a_range(value: Any, date: Any) -> None:
    assert content("date", value) == date


@pytest.mark.parametrize("value", ["2026", "May 2026", "2026-02-30", "tomorrow", 20260501, "2026-05-01x10:00", []])
def test_what_is_not_a_full_date_is_left_out(value: Any) -> None:
    assert "is not a full date" in reason("date", value)


@pytest.mark.parametrize(("value", "ticked"), [(True, True), (False, False), ("Yes", True), ("no", False), (1, True)])
def test_a_checkbox_takes_yes_and_no(value: Any, ticked: bool) -> None:
    assert content("checkbox", value) is ticked


def test_a_checkbox_takes_nothing_else() -> None:
    assert reason("checkbox", "perhaps") == '"perhaps" is neither yes nor no.'


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("example.com", "https://example.com"),
        ("www.example.co.uk/menu", "https://www.example.co.uk/menu"),
        ("javascript:alert(1)", None),
        ("https://two words.example", None),
        ("", None),
        ("https://", None),
        ("not an address", None),
        ("https://example.com/" + "x" * 1981, None),
        ("https://example.com/" + "x" * 1980, "https://example.com/" + "x" * 1980),
    ],
)
def test_a_web_address_is_one_that_notion_takes(text: str, address: str | None) -> None:
    assert web_address(text) == address


def test_email_addresses_and_telephone_numbers_are_recognised() -> None:
    assert content("email", "mailto:a@b.example") == "a@b.example"
    assert content("phone_number", "+49 (30) 123-456") == "+49 (30) 123-456"
    assert reason("email", "a@b") == '"a@b" is not an email address.'
    assert reason("phone_number", "call us") == '"call us" is not a phone number.'


@pytest.mark.parametrize("told", ["/etc/passwd", ["/etc/passwd"], {"path": "/etc/passwd"}, [], [3]])
def test_a_files_column_takes_files_of_ours_and_nothing_that_an_engine_says(told: Any) -> None:
    cover = column("Cover", "files")

    ours = to_properties(schema(cover), {"Cover": [Path("/run/cover.jpg")]})
    theirs = to_properties(schema(cover), {"Cover": told})

    assert ours.properties == {"Cover": {"files": [{"path": "/run/cover.jpg", "name": "cover.jpg"}]}}
    assert (theirs.properties, theirs.left_out) == ({}, {"Cover": "There is no file to put here."})


def test_a_relation_takes_pages_that_were_looked_up() -> None:
    related: dict[str, Any] = {"relation_data_source_id": RELATED_IDS[0]}
    some = LinkedPages(page_ids=(PAGE_ID,), left_out="No page is called so.")
    assert content("relation", some, **related) == [{"id": PAGE_ID}]
    assert filled("relation", some, **related).shortened == {"C": "No page is called so."}
    assert reason("relation", some.model_copy(update={"page_ids": ()}), **related) == "No page is called so."
    assert "does not name pages" in reason("relation", [PAGE_ID], **related)
    assert reason("relation", some) == "Nothing tells which database this relates to."


def test_titles_fit_a_relation_before_they_are_looked_up() -> None:
    made = schema(
        column("Dishes", "relation", relation_data_source_id=RELATED_IDS[0]),
        column("Lost", "relation"),
        column("Price", "number"),
    )

    assert unfit_values(made, {"Dishes": ["Pasta"], "Price": 3}) == {}
    assert unfit_values(made, {"Dishes": [" ", 3], "Price": "much", "Lost": ["Pasta"]}) == {
        "Dishes": "No page is named.",
        "Price": '"much" is not one number.',
        "Lost": "Nothing tells which database this relates to.",
    }


def test_columns_that_notion_fills_are_left_alone_with_a_reason() -> None:
    assert reason("formula", "1") == "Notion computes this column."
    assert reason("unknown", "1") == "This product doesn't know columns of type unknown."


def test_a_value_for_a_column_that_does_not_exist_is_left_out() -> None:
    assert to_properties(schema(), {"Nowhere": 1}).left_out == {"Nowhere": "There is no such column."}


def test_the_link_goes_into_the_column_that_is_called_so() -> None:
    both = schema(column("website", "url"), column("Video Link", "url"), column("link", "rich_text"))

    chosen = link_column(both)

    assert chosen is not None
    assert chosen.name == "Video Link"


def test_the_link_goes_into_the_first_url_column_where_none_is_called_so() -> None:
    chosen = link_column(schema(column("web", "url"), column("web 2", "url")))

    assert chosen is not None
    assert chosen.name == "web"
    assert link_column(schema(column("link", "rich_text"))) is None
