"""Databases that only a person can make: linked views, wikis, several data sources, none."""

from typing import Any

import pytest

from tests.sandbox.notion_service import NotionWorkspace, plain, refusal, titled


def make(workspace: NotionWorkspace, kind: str, **more: Any) -> dict[str, Any]:
    asked = {"parent_page_id": workspace.page_id, "title": "Videos", "kind": kind} | more
    return dict(workspace.control("databases", **asked))


@pytest.mark.parametrize(
    ("refusal_kind", "said"),
    [
        ("linked", "is a linked database. Database retrievals do not support linked databases."),
        ("no_sources", "does not contain any data sources accessible by this API bot."),
    ],
)
def test_a_linked_view_is_refused_in_either_of_two_wordings(
    workspace: NotionWorkspace, refusal_kind: str, said: str
) -> None:
    made = make(workspace, "linked", refusal=refusal_kind)
    error = refusal(lambda: workspace.client.databases.retrieve(made["database_id"]))
    assert (error.status, error.code) == (400, "validation_error")
    assert str(error) == f"Database with ID {made['database_id']} {said}"


def test_a_linked_view_stands_on_its_page_and_search_does_not_find_it(workspace: NotionWorkspace) -> None:
    made = make(workspace, "linked")
    listed: Any = workspace.client.blocks.children.list(workspace.page_id)
    assert [(block["id"], block["type"]) for block in listed["results"]] == [(made["database_id"], "child_database")]
    found: Any = workspace.client.search(query="Videos")
    assert found["results"] == []


def test_a_linked_view_may_also_come_without_data_sources(workspace: NotionWorkspace) -> None:
    made = make(workspace, "linked", refusal="empty")
    database: Any = workspace.client.databases.retrieve(made["database_id"])
    assert database["data_sources"] == []


def test_a_database_has_as_many_data_sources_as_a_person_gave_it(workspace: NotionWorkspace) -> None:
    several, none = (make(workspace, "sources", data_sources=names) for names in (["Ours", "Theirs"], []))
    database: Any = workspace.client.databases.retrieve(several["database_id"])
    assert [source["name"] for source in database["data_sources"]] == ["Ours", "Theirs"]
    assert [source["id"] for source in database["data_sources"]] == several["data_source_ids"]
    assert workspace.client.databases.retrieve(none["database_id"])["data_sources"] == []  # type: ignore[index]
    for made in (several, none):
        parent = {"database_id": made["database_id"]}
        call = workspace.client.pages.create
        assert refusal(lambda call=call, parent=parent: call(parent=parent)).code == "validation_error"  # type: ignore[misc]


def test_a_wiki_gives_data_sources_beside_pages_unless_pages_are_asked_for(workspace: NotionWorkspace) -> None:
    made = make(workspace, "wiki", data_sources=["Inside"])
    (wiki,) = made["data_source_ids"]
    workspace.row(wiki, Name=titled("page"))

    def seen(**asked: Any) -> list[tuple[str, str]]:
        found: Any = workspace.client.data_sources.query(wiki, **asked)
        return [
            (entry["object"], plain(entry["title"] if "title" in entry else entry["properties"]["Name"]["title"]))
            for entry in found["results"]
        ]

    assert seen() == [("page", "page"), ("data_source", "Inside")]
    assert seen(result_type="page") == [("page", "page")]
    assert seen(result_type="data_source") == [("data_source", "Inside")]
    none_of_them = {"property": "Name", "title": {"equals": "nothing"}}
    assert seen(filter=none_of_them) == [("data_source", "Inside")]
    database: Any = workspace.client.databases.retrieve(made["database_id"])
    found: Any = workspace.client.search(query="Inside")
    (inside,) = found["results"]
    assert inside["database_parent"] == {"type": "database_id", "database_id": database["id"]}
