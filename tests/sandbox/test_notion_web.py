"""The pages for people: what they show, what they escape, what their forms do."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.notion import server
from tests.sandbox.notion_service import NotionWorkspace, paragraph, plain, text, titled

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'"
COLUMNS: dict[str, Any] = {
    "url": {"url": {}},
    "words": {"rich_text": {}},
    "n": {"number": {}},
    "tag": {"select": {"options": [{"name": "Cooking"}, {"name": HOSTILE}]}},
    "tags": {"multi_select": {"options": [{"name": "a"}, {"name": "b"}]}},
    "status": {"status": {}},
    "when": {"date": {}},
    "done": {"checkbox": {}},
    "mail": {"email": {}},
}


@pytest.fixture
def links(workspace: NotionWorkspace) -> str:
    """A data source with a column of each kind that the form has."""
    return workspace.data_source(COLUMNS, title="Links " + HOSTILE)


class Markup(HTMLParser):
    """The start tags of a page with their attributes, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))


def column(workspace: NotionWorkspace, source: str, name: str) -> str:
    found: Any = workspace.client.data_sources.retrieve(source)
    return str(found["properties"][name]["id"])


def rows(workspace: NotionWorkspace, source: str) -> list[Any]:
    found: Any = workspace.client.data_sources.query(source)
    return list(found["results"])


def page_text(workspace: NotionWorkspace, path: str) -> str:
    answer = workspace.raw.get(path)
    assert answer.status_code == 200
    assert "Sandbox — a local stand-in for Notion" in answer.text
    return answer.text


def test_the_first_page_leads_to_every_database(workspace: NotionWorkspace, links: str) -> None:
    shown = page_text(workspace, "/")
    found: Any = workspace.client.data_sources.retrieve(links)
    address = f"/d/{found['parent']['database_id'].replace('-', '')}"
    assert f'href="{address}"' in shown
    assert "New row" in page_text(workspace, address)


def test_nothing_that_is_written_becomes_markup(workspace: NotionWorkspace, links: str) -> None:
    row = workspace.row(
        links,
        Name=titled(HOSTILE),
        words={"rich_text": text(HOSTILE)},
        tag={"select": {"name": HOSTILE}},
        url={"url": "javascript:alert(1)"},
        mail={"email": HOSTILE},
    )
    script = {"text": {"content": HOSTILE, "link": {"url": "https://a.example/\"onclick='x'"}}}
    kinds = ("paragraph", "toggle", "quote", "heading_1", "callout", "bulleted_list_item", "to_do")
    blocks: list[dict[str, Any]] = [{kind: {"rich_text": [script]}} for kind in kinds]
    blocks.append({"code": {"rich_text": text(HOSTILE), "language": "html"}})
    blocks.append({"image": {"external": {"url": "javascript:alert(1)"}, "caption": text(HOSTILE)}})
    blocks.append({"bookmark": {"url": "javascript:alert(1)"}})
    blocks.append({"table": {"table_width": 1, "children": [{"table_row": {"cells": [text(HOSTILE)]}}]}})
    workspace.client.blocks.children.append(row["id"], children=blocks)
    workspace.client.comments.create(parent={"page_id": row["id"]}, rich_text=text(HOSTILE))
    for path in (f"/d/{links}", f"/p/{row['id']}", "/"):
        seen = Markup(page_text(workspace, path))
        scripts = [attributes for tag, attributes in seen.tags if tag == "script"]
        assert scripts == [[("src", "/static/live.js"), ("defer", None)]]
        attributes = [attribute for _, found in seen.tags for attribute in found]
        assert not [name for name, _ in attributes if name.startswith("on") or name == "style"]
        assert not [value for name, value in attributes if name in ("href", "src") and "javascript:" in str(value)]
    assert HOSTILE in html.unescape(page_text(workspace, f"/p/{row['id']}"))


def test_a_page_shows_properties_blocks_and_comments(workspace: NotionWorkspace, links: str) -> None:
    row = workspace.row(links, Name=titled("Pasta"), url={"url": "https://a.example/v"}, n={"number": 35})
    toggle = {"toggle": {"rich_text": text("Transcript"), "children": [paragraph("Today we cook.")]}}
    workspace.client.blocks.children.append(row["id"], children=[toggle, {"divider": {}}])
    workspace.client.comments.create(parent={"page_id": row["id"]}, rich_text=text("Well done"))
    shown = workspace.raw.get(row["url"]).text
    assert '<a href="https://a.example/v"' in shown
    assert re.search(r"<details[^>]*><summary>.*Transcript.*</summary>.*Today we cook\..*</details>", shown, re.DOTALL)
    assert "<hr>" in shown
    assert "Well done" in shown
    assert re.search(r"<dt>n</dt>\s*<dd[^>]*>35</dd>", shown)


def test_the_form_adds_a_row_of_typed_values(workspace: NotionWorkspace, links: str) -> None:
    written: dict[str, Any] = {
        "Name": "Pasta", "url": "https://a.example/v", "words": "Hello", "n": "2.5", "tag": "Cooking",
        "tags": ["a", "b"], "status": "In progress", "when": "2026-11-20", "done": "yes", "mail": "a@a.example",
    }  # fmt: skip
    form = {column(workspace, links, name): value for name, value in written.items()}
    answer = workspace.raw.post(f"/d/{links}/rows", data=form)
    assert answer.status_code == 303
    (row,) = rows(workspace, links)
    cells = row["properties"]
    assert plain(cells["Name"]["title"]) == "Pasta"
    assert (cells["url"]["url"], cells["n"]["number"], cells["mail"]["email"]) == (
        "https://a.example/v", 2.5, "a@a.example",
    )  # fmt: skip
    assert [chip["name"] for chip in cells["tags"]["multi_select"]] == ["a", "b"]
    assert (cells["tag"]["select"]["name"], cells["status"]["status"]["name"]) == ("Cooking", "In progress")
    assert (cells["when"]["date"]["start"], cells["done"]["checkbox"]) == ("2026-11-20", True)
    assert row["created_by"]["id"] == workspace.owner_id


def test_fields_left_empty_stay_empty(workspace: NotionWorkspace, links: str) -> None:
    form = {column(workspace, links, name): "" for name in ("Name", "url", "n", "tag", "when")}
    assert workspace.raw.post(f"/d/{links}/rows", data=form).status_code == 303
    (row,) = rows(workspace, links)
    assert (row["properties"]["url"]["url"], row["properties"]["tag"]["select"]) == (None, None)


def test_a_row_that_cannot_be_added_is_told_with_what_was_typed(workspace: NotionWorkspace, links: str) -> None:
    form = {column(workspace, links, "n"): "many", "title": "Typed title"}
    answer = workspace.raw.post(f"/d/{links}/rows", data=form)
    assert answer.status_code == 400
    assert "should be a number" in answer.text
    assert 'value="Typed title"' in answer.text
    assert rows(workspace, links) == []


def test_a_status_and_a_select_can_be_set_by_hand(workspace: NotionWorkspace, links: str) -> None:
    page_id = workspace.row(links, status={"status": {"name": "Done"}}, tag={"select": {"name": "Cooking"}})["id"]
    shown = page_text(workspace, f"/d/{links}")
    option = re.search(r'<option value="([^"]+)"\s*>Not started</option>', shown)
    assert option is not None
    address = f"/p/{page_id}/cell"
    for name, value in (("status", option[1]), ("tag", ""), ("done", "yes")):
        answer = workspace.raw.post(address, data={"column": column(workspace, links, name), "value": value})
        assert answer.status_code == 303
    (row,) = rows(workspace, links)
    assert row["properties"]["status"]["status"]["name"] == "Not started"
    assert row["properties"]["tag"]["select"] is None
    assert row["properties"]["done"]["checkbox"] is True
    assert row["last_edited_by"]["id"] == workspace.owner_id


def test_other_cells_cannot_be_set_by_hand(workspace: NotionWorkspace, links: str) -> None:
    page_id = workspace.row(links)["id"]
    for name in ("url", "Name"):
        data = {"column": column(workspace, links, name), "value": "x"}
        assert workspace.raw.post(f"/p/{page_id}/cell", data=data).status_code == 404


def test_a_row_can_be_moved_to_the_trash(workspace: NotionWorkspace, links: str) -> None:
    page_id = workspace.row(links, Name=titled("Gone"))["id"]
    answer = workspace.raw.post(f"/p/{page_id}/trash", data={"back": f"/d/{links}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/d/{links}")
    assert rows(workspace, links) == []
    assert "in the trash" in page_text(workspace, f"/p/{page_id}")


def test_a_form_of_another_site_is_refused(workspace: NotionWorkspace, links: str) -> None:
    page_id = workspace.row(links)["id"]
    for path in (f"/d/{links}/rows", f"/p/{page_id}/trash", f"/p/{page_id}/cell"):
        answer = workspace.raw.post(path, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    away = workspace.raw.post(f"/p/{page_id}/trash", data={"back": "https://evil.example/"})
    assert away.headers["location"] == f"/d/{links}"


def test_the_live_rows_answer_304_until_something_changes(workspace: NotionWorkspace, links: str) -> None:
    row = workspace.row(links, Name=titled("Pasta"))
    address = f"/d/{links}/rows"
    first = workspace.raw.get(address)
    assert "Pasta" in first.text
    seen = {"If-None-Match": first.headers["etag"]}
    assert workspace.raw.get(address, headers=seen).status_code == 304
    workspace.client.pages.update(row["id"], properties={"status": {"status": {"name": "Done"}}})
    assert workspace.raw.get(address, headers=seen).status_code == 200


def test_a_page_runs_no_script_but_the_sandboxs_own(workspace: NotionWorkspace) -> None:
    policy = workspace.raw.get("/").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy


def test_what_is_not_there_is_a_404(workspace: NotionWorkspace) -> None:
    for path in ("/d/nothing", f"/d/{workspace.page_id}", "/p/nothing", "/files/nothing/a.png"):
        assert workspace.raw.get(path).status_code == 404


def test_everything_is_kept_in_the_data_folder(tmp_path: Path) -> None:
    running = server.run(0, tmp_path)
    made = httpx.post(f"{running.url}/_sandbox/workspaces", json={"name": "Kept"}).json()
    running.stop()
    again = server.run(0, tmp_path)
    headers = {"Authorization": f"Bearer {made['access_token']}", "Notion-Version": "2026-03-11"}
    answer = httpx.get(f"{again.url}/v1/pages/{made['page_id']}", headers=headers)
    again.stop()
    assert answer.json()["id"] == made["page_id"]
    assert (tmp_path / "requests.jsonl").exists()
