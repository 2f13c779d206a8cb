from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.notion.relations import MAX_TITLES, named_titles, pages_by_title, title_filter, title_key
from svp_dagster.publish.relations import link_titles
from tests.notion.schemas import values
from tests.openapi import assert_valid_request


def test_a_title_is_linked_whatever_its_case_and_spaces() -> None:
    pages = pages_by_title(["olive oil", "Salt"], [(" Olive\u00a0 OIL", "p1"), ("Salt", "p2"), ("Sea salt", "p3")])

    chosen = link_titles(["olive oil", "Salt"], pages)

    assert (chosen.page_ids, chosen.left_out) == (("p1", "p2"), "")


def test_titles_of_no_page_and_of_several_are_left_out_and_named() -> None:
    pages = pages_by_title(["Basil", "Salt", "Ghee"], [("Basil", "p1"), ("basil", "p2"), ("Salt", "p3")])

    chosen = link_titles(["Basil", "Salt", "Ghee"], pages)

    assert chosen.page_ids == ("p3",)
    assert chosen.left_out == (
        'No page of the related database is called "Ghee". Several pages of the related database are called "Basil".'
    )


def test_of_many_titles_the_first_are_looked_up_and_few_are_named() -> None:
    titles = [f"Title {number}" for number in range(30)]

    chosen = link_titles(titles, {title_key(title): f"id {title}" for title in titles[8:]})

    assert len(chosen.page_ids) == MAX_TITLES - 8
    assert chosen.left_out.endswith('"Title 4" or 3 more. Only the first 25 of 30 titles were looked up.')


def test_titles_are_named_once_and_nothing_else_is_one() -> None:
    assert named_titles(["Basil ", "", "basil", 3, None, ["Salt"], "x" * 2001]) == ("Basil",)
    assert named_titles("Basil, Salt") == ("Basil, Salt",)
    assert named_titles({"id": "Basil"}) == ()


def test_each_title_is_asked_for_in_its_usual_spellings() -> None:
    conditions = title_filter(["olive Oil"])["or"]

    assert {condition["property"] for condition in conditions} == {"title"}
    assert [condition["title"]["equals"] for condition in conditions] == [
        "olive Oil",
        "olive oil",
        "Olive oil",
        "Olive Oil",
    ]


@given(st.lists(st.text(), max_size=200) | values)
def test_any_titles_make_a_query_that_notion_accepts(value: object) -> None:
    titles = named_titles(value)[:MAX_TITLES]
    if titles:
        assert_valid_request("POST", "/v1/data_sources/d5/query", {"filter": title_filter(titles)})


@given(st.lists(st.text()), st.lists(st.tuples(st.text(max_size=2), st.uuids().map(str))))
def test_every_title_is_linked_to_its_only_page_or_left_out(texts: list[str], pages: list[tuple[str, str]]) -> None:
    titles = named_titles(texts)

    chosen = link_titles(titles, pages_by_title(titles, pages))

    bearers = [[page_id for title, page_id in pages if title_key(title) == title_key(one)] for one in titles]
    assert chosen.page_ids == tuple(ids[0] for ids in bearers[:MAX_TITLES] if len(ids) == 1)
    assert bool(chosen.left_out) == (len(chosen.page_ids) < len(titles))
