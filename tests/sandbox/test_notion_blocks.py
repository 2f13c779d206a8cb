"""Pages and their blocks, comments, the trash."""

from typing import Any

import pytest

from tests.sandbox.notion_service import NotionWorkspace, paragraph, plain, refusal, text, titled


def bullet(content: str, *below: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = {"rich_text": text(content)} | ({"children": list(below)} if below else {})
    return {"type": "bulleted_list_item", "bulleted_list_item": inner}


def children(workspace: NotionWorkspace, block_id: str, **paging: Any) -> list[dict[str, Any]]:
    found: Any = workspace.client.blocks.children.list(block_id, **paging)
    return list(found["results"])


def words(workspace: NotionWorkspace, block_id: str) -> list[str]:
    return [plain(block[block["type"]]["rich_text"]) for block in children(workspace, block_id)]


EVERY_KIND: list[dict[str, Any]] = [
    paragraph("p"),
    {"heading_1": {"rich_text": text("h"), "is_toggleable": True, "children": [paragraph("in")]}},
    {"heading_2": {"rich_text": text("h"), "color": "blue_background"}},
    {"heading_3": {"rich_text": text("h")}},
    bullet("b", bullet("c", bullet("d"))),
    {"numbered_list_item": {"rich_text": text("1")}},
    {"to_do": {"rich_text": text("t"), "checked": True}},
    {"toggle": {"rich_text": text("more"), "children": [paragraph("inside")]}},
    {"quote": {"rich_text": text("q")}},
    {"callout": {"rich_text": text("c"), "icon": {"type": "emoji", "emoji": "💡"}}},
    {"code": {"rich_text": text("x = 1"), "language": "python", "caption": text("c")}},
    {"equation": {"expression": "e=mc^2"}},
    {"divider": {}},
    {"breadcrumb": {}},
    {"table_of_contents": {}},
    {"bookmark": {"url": "https://a.example", "caption": text("c")}},
    {"embed": {"url": "https://a.example"}},
    {"image": {"type": "external", "external": {"url": "https://a.example/i.png"}, "caption": text("c")}},
    {"video": {"external": {"url": "https://a.example/v.mp4"}}},
    {"audio": {"external": {"url": "https://a.example/a.mp3"}}},
    {"pdf": {"external": {"url": "https://a.example/p.pdf"}}},
    {"file": {"external": {"url": "https://a.example/f.txt"}, "name": "f.txt"}},
    {"table": {"table_width": 2, "children": [{"table_row": {"cells": [text("a"), text("b")]}}]}},
    {"column_list": {"children": [{"column": {"children": [paragraph(side)]}} for side in ("left", "right")]}},
]  # fmt: skip


@pytest.mark.parametrize("block", EVERY_KIND, ids=lambda block: next(key for key in block if key != "type"))
def test_every_kind_of_block_comes_back(workspace: NotionWorkspace, block: dict[str, Any]) -> None:
    kind = next(key for key in block if key != "type")
    answer: Any = workspace.client.blocks.children.append(workspace.page_id, children=[block])
    (made,) = answer["results"]
    assert (made["object"], made["type"]) == ("block", kind)
    assert made["parent"] == {"type": "page_id", "page_id": workspace.page_id}
    assert made["has_children"] == ("children" in block[kind])
    assert "children" not in made[kind]
    assert workspace.client.blocks.retrieve(made["id"]) == made
    for key, value in block[kind].items():
        if key not in ("children", "rich_text", "caption"):
            assert made[kind][key] == value


def test_a_page_is_made_with_its_contents(workspace: NotionWorkspace) -> None:
    page: Any = workspace.client.pages.create(
        parent={"page_id": workspace.page_id},
        properties={"title": titled("Summary")},
        icon={"type": "emoji", "emoji": "🍝"},
        cover={"type": "external", "external": {"url": "https://a.example/c.png"}},
        children=[bullet("one", bullet("two", bullet("three")))],
    )
    assert plain(page["properties"]["title"]["title"]) == "Summary"
    assert page["url"].startswith(f"{workspace.url}/p/Summary-")
    (one,) = children(workspace, page["id"])
    (two,) = children(workspace, one["id"])
    (three,) = children(workspace, two["id"])
    assert plain(three["bulleted_list_item"]["rich_text"]) == "three"
    assert (two["has_children"], three["has_children"]) == (True, False)
    (listed,) = [block for block in children(workspace, workspace.page_id) if block["id"] == page["id"]]
    assert (listed["type"], listed["child_page"]) == ("child_page", {"title": "Summary"})


def test_a_page_can_be_made_of_markdown(workspace: NotionWorkspace) -> None:
    lines = ("# Title", "", "Some **bold** and [a link](https://a.example).", "- one", "1. two", "> said", "---")
    markdown = "\n".join((*lines, "- [x] done", "```python", "x = 1", "```"))
    page: Any = workspace.client.pages.create(
        parent={"page_id": workspace.page_id}, properties={"title": titled("m")}, markdown=markdown
    )
    blocks = children(workspace, page["id"])
    assert [block["type"] for block in blocks] == [
        "heading_1", "paragraph", "bulleted_list_item", "numbered_list_item", "quote", "divider", "to_do", "code",
    ]  # fmt: skip
    spans = blocks[1]["paragraph"]["rich_text"]
    assert plain(spans) == "Some bold and a link."
    assert [span["plain_text"] for span in spans if span["annotations"]["bold"]] == ["bold"]
    assert [span["href"] for span in spans if span["href"]] == ["https://a.example"]


def test_markdown_and_children_together_are_refused(workspace: NotionWorkspace) -> None:
    parent = {"page_id": workspace.page_id}
    error = refusal(lambda: workspace.client.pages.create(parent=parent, markdown="a", children=[paragraph("a")]))
    assert "body.markdown should be not present" in str(error)


def test_blocks_go_to_the_end_the_start_or_behind_another(workspace: NotionWorkspace) -> None:
    append = workspace.client.blocks.children.append
    made: Any = append(workspace.page_id, children=[paragraph("b"), paragraph("e")])
    after = {"type": "after_block", "after_block": {"id": made["results"][0]["id"]}}
    append(workspace.page_id, children=[paragraph("c"), paragraph("d")], position=after)
    append(workspace.page_id, children=[paragraph("a")], position={"type": "start"})
    append(workspace.page_id, children=[paragraph("f")], position={"type": "end"})
    assert "".join(words(workspace, workspace.page_id)) == "abcdef"


def test_an_append_with_a_position_answers_with_the_new_blocks_then_all_that_follow(
    workspace: NotionWorkspace,
) -> None:
    append = workspace.client.blocks.children.append
    first: Any = append(workspace.page_id, children=[paragraph("b"), paragraph("gone"), paragraph("e")])
    workspace.client.blocks.delete(first["results"][1]["id"])
    after = {"type": "after_block", "after_block": {"id": first["results"][0]["id"]}}
    behind: Any = append(workspace.page_id, children=[paragraph("c"), paragraph("d")], position=after)
    at_start: Any = append(workspace.page_id, children=[paragraph("a")], position={"type": "start"})
    at_end: Any = append(workspace.page_id, children=[paragraph("f")], position={"type": "end"})
    answered = [[plain(b["paragraph"]["rich_text"]) for b in made["results"]] for made in (behind, at_start, at_end)]
    assert answered == [["c", "d", "e"], ["a", "b", "c", "d", "e"], ["f"]]


def test_a_position_behind_somebody_elses_block_is_refused(workspace: NotionWorkspace) -> None:
    after = {"type": "after_block", "after_block": {"id": workspace.page_id}}
    call = workspace.client.blocks.children.append
    assert "is not a child" in str(refusal(lambda: call(workspace.page_id, children=[paragraph("a")], position=after)))
    error = refusal(lambda: call(workspace.page_id, children=[paragraph("a")], after=workspace.page_id))
    assert "body.after should be not present" in str(error)


def test_children_are_listed_page_by_page(workspace: NotionWorkspace) -> None:
    workspace.client.blocks.children.append(workspace.page_id, children=[paragraph(str(n)) for n in range(5)])
    first: Any = workspace.client.blocks.children.list(workspace.page_id, page_size=3)
    assert first["has_more"] is True
    rest: Any = workspace.client.blocks.children.list(workspace.page_id, start_cursor=first["next_cursor"])
    seen = [plain(block["paragraph"]["rich_text"]) for block in first["results"] + rest["results"]]
    assert seen == ["0", "1", "2", "3", "4"]


def nested(levels: int) -> dict[str, Any]:
    block = paragraph("deepest")
    for _ in range(levels):
        block = paragraph("above", block)
    return block


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([paragraph("a")] * 101, "body.children.length should be ≤ `100`, instead was `101`."),
        ([paragraph("a", *[paragraph("b")] * 101)], "≤ `100`, instead was `101`."),
        (
            [paragraph("a", *[paragraph("b")] * 100)] * 10,
            "body.children.length should be ≤ `1000`, instead was `1010`.",
        ),
        (
            [nested(3)],
            "children[0].paragraph.children[0].paragraph.children[0].paragraph.children should be not present",
        ),
        ([paragraph("x" * 2_001)], "body.children[0].paragraph.rich_text[0].text.content.length should be ≤ `2000`"),
        ([{"paragraph": {"rich_text": text("a") * 101}}], "rich_text.length should be ≤ `100`"),
        ([{"paragraph": {}}], "body.children[0].paragraph.rich_text should be defined, instead was `undefined`."),
        ([{"sparkle": {}}], "body.children[0].embed should be defined"),
        ([{"paragraph": {"rich_text": []}, "archived": False}], "archived should be not present"),
        ([{"paragraph": {"rich_text": [], "color": "mauve"}}], "paragraph.color should be"),
        ([{"type": "quote", "paragraph": {"rich_text": []}}], 'type should be `"paragraph"`, instead was `"quote"`.'),
        ([{"code": {"rich_text": [], "language": "klingon"}}], "code.language should be"),
        ([{"image": {"external": {"url": ""}}}], "image.external.url should be populated"),
        ([{"image": {"external": {"url": "https://" + "x" * 2_000}}}], "≤ `2000`"),
        ([{"equation": {"expression": "x" * 1_001}}], "≤ `1000`"),
        ([{"divider": {"x": 1}}], "divider.x should be not present"),
        ([{"callout": {"rich_text": [], "icon": {"emoji": "no"}}}], "an emoji"),
        ([{"table": {"table_width": 2, "children": [{"table_row": {"cells": [[]]}}]}}], "the table's width"),
        ([{"column_list": {"children": [{"column": {"children": []}}]}}], "length should be ≥ `2`"),
        ("text", 'body.children should be an array, instead was `"text"`.'),
    ],
)
def test_blocks_that_notion_would_refuse_are_refused_whole(workspace: NotionWorkspace, blocks: Any, said: str) -> None:
    good_and_bad = blocks if isinstance(blocks, str) or len(blocks) > 1 else [paragraph("good"), *blocks]
    said = said.replace("children[0]", "children[1]", 1) if len(blocks) == 1 else said
    error = refusal(lambda: workspace.client.blocks.children.append(workspace.page_id, children=good_and_bad))
    assert error.code == "validation_error"
    assert said in str(error)
    assert children(workspace, workspace.page_id) == []


@pytest.mark.parametrize("blocks", [[paragraph("a")] * 100, [nested(2)], [paragraph("a", *[paragraph("b")] * 99)] * 10])
def test_blocks_just_at_the_limit_are_taken(workspace: NotionWorkspace, blocks: list[dict[str, Any]]) -> None:
    made: Any = workspace.client.blocks.children.append(workspace.page_id, children=blocks)
    assert len(made["results"]) == len(blocks)


def test_a_block_is_changed_in_place(workspace: NotionWorkspace) -> None:
    made: Any = workspace.client.blocks.children.append(
        workspace.page_id, children=[{"to_do": {"rich_text": text("a"), "checked": False}}]
    )
    block_id = made["results"][0]["id"]
    changed: Any = workspace.client.blocks.update(block_id, to_do={"rich_text": text("b"), "checked": True})
    assert (changed["id"], changed["to_do"]["checked"]) == (block_id, True)
    assert words(workspace, workspace.page_id) == ["b"]
    error = refusal(lambda: workspace.client.blocks.update(block_id, paragraph={"rich_text": text("c")}))
    assert "body.paragraph should be not present" in str(error)


def test_a_deleted_block_is_in_the_trash_and_can_be_taken_back(workspace: NotionWorkspace) -> None:
    made: Any = workspace.client.blocks.children.append(workspace.page_id, children=[paragraph("a"), paragraph("b")])
    block_id = made["results"][0]["id"]
    gone: Any = workspace.client.blocks.delete(block_id)
    assert gone["in_trash"] is True
    assert words(workspace, workspace.page_id) == ["b"]
    for call in (
        lambda: workspace.client.blocks.delete(block_id),
        lambda: workspace.client.blocks.update(block_id, paragraph={"rich_text": text("c")}),
        lambda: workspace.client.blocks.children.append(block_id, children=[paragraph("c")]),
    ):
        assert "Can't edit block that is archived. You must unarchive" in str(refusal(call))
    workspace.client.blocks.update(block_id, in_trash=False)
    assert words(workspace, workspace.page_id) == ["a", "b"]


def test_a_page_in_the_trash_takes_no_changes_until_it_is_out(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({})
    page_id = workspace.row(source, Name=titled("a"))["id"]
    trashed: Any = workspace.client.pages.update(page_id, in_trash=True)
    assert trashed["in_trash"] is True
    assert workspace.client.pages.retrieve(page_id)["in_trash"] is True  # type: ignore[index]
    for call in (
        lambda: workspace.client.pages.update(page_id, properties={"Name": titled("b")}),
        lambda: workspace.client.blocks.children.append(page_id, children=[paragraph("b")]),
        lambda: workspace.client.comments.create(parent={"page_id": page_id}, rich_text=text("b")),
    ):
        error = refusal(call)
        assert (error.code, error.status) == ("validation_error", 400)
        assert "archived" in str(error)
    restored: Any = workspace.client.pages.update(page_id, in_trash=False, properties={"Name": titled("b")})
    assert plain(restored["properties"]["Name"]["title"]) == "b"


def test_a_page_can_be_emptied_and_dressed_anew(workspace: NotionWorkspace) -> None:
    page_id = workspace.row(workspace.data_source({}))["id"]
    workspace.client.blocks.children.append(page_id, children=[paragraph("a")])
    cover = {"type": "external", "external": {"url": "https://a.example/c.png"}}
    page: Any = workspace.client.pages.update(page_id, erase_content=True, cover=cover, icon={"emoji": "🎬"})
    assert children(workspace, page_id) == []
    assert (page["cover"], page["icon"]) == (cover, {"type": "emoji", "emoji": "🎬"})
    bare: Any = workspace.client.pages.update(page_id, cover=None, icon=None, is_locked=True)
    assert (bare["cover"], bare["icon"], bare["is_locked"]) == (None, None, True)


def test_what_stands_under_a_page_cannot_hold_blocks_of_its_own_if_it_is_a_divider(workspace: NotionWorkspace) -> None:
    made: Any = workspace.client.blocks.children.append(workspace.page_id, children=[{"divider": {}}])
    call = workspace.client.blocks.children.append
    error = refusal(lambda: call(made["results"][0]["id"], children=[paragraph("a")]))
    assert "does not support children" in str(error)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "body.parent should be defined, instead was `undefined`."),
        ({"parent": {}}, "body.parent.page_id should be defined"),
        ({"parent": {"page_id": "x"}}, 'body.parent.page_id should be a valid uuid, instead was `"x"`.'),
        ({"parent": {"workspace": True}, "properties": {"Name": titled("a")}}, "body.properties.Name should be not"),
        ({"parent": {"workspace": True}, "archived": True}, "body.archived should be not present"),
        ({"parent": {"workspace": True}, "template": {"type": "default"}}, "body.template.type should be"),
    ],
)
def test_a_page_that_notion_would_refuse_is_refused(
    workspace: NotionWorkspace, body: dict[str, Any], said: str
) -> None:
    answer = workspace.raw.post("/v1/pages", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_a_page_at_the_top_of_the_workspace_belongs_to_the_bot_that_made_it(workspace: NotionWorkspace) -> None:
    page: Any = workspace.client.pages.create(parent={"workspace": True}, properties={"title": titled("Top")})
    assert page["parent"] == {"type": "workspace", "workspace": True}
    assert workspace.client.pages.retrieve(page["id"]) == page


def test_comments_stand_on_pages_and_blocks_and_in_discussions(workspace: NotionWorkspace) -> None:
    page_id = workspace.row(workspace.data_source({}))["id"]
    first: Any = workspace.client.comments.create(parent={"page_id": page_id}, rich_text=text("Private video."))
    assert first["parent"] == {"type": "page_id", "page_id": page_id}
    assert first["created_by"] == {"object": "user", "id": workspace.bot_id}
    answer: Any = workspace.client.comments.create(discussion_id=first["discussion_id"], rich_text=text("Thanks."))
    assert answer["discussion_id"] == first["discussion_id"]
    listed: Any = workspace.client.comments.list(block_id=page_id)
    assert [plain(comment["rich_text"]) for comment in listed["results"]] == ["Private video.", "Thanks."]
    assert workspace.client.comments.retrieve(first["id"]) == first
    block: Any = workspace.client.blocks.children.append(page_id, children=[paragraph("a")])
    block_id = block["results"][0]["id"]
    on_block: Any = workspace.client.comments.create(parent={"block_id": block_id}, rich_text=text("here"))
    assert on_block["parent"] == {"type": "block_id", "block_id": block_id}
    page_of_one: Any = workspace.client.comments.list(block_id=page_id, page_size=1)
    assert (len(page_of_one["results"]), page_of_one["has_more"]) == (1, True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rich_text": text("a")}, "body.parent should be defined"),
        ({"parent": {"page_id": "x"}, "rich_text": text("a")}, "valid uuid"),
        ({"rich_text": text("x" * 2_001)}, "≤ `2000`"),
        (
            {"rich_text": text("x"), "discussion_id": "8b4f0a52-52c5-4b6c-9c2b-0d9ac3f0a1aa"},
            "Could not find discussion",
        ),
    ],
)
def test_a_comment_that_notion_would_refuse_is_refused(
    workspace: NotionWorkspace, fields: dict[str, Any], said: str
) -> None:
    assert said in str(refusal(lambda: workspace.client.comments.create(**fields)))


def test_the_ledger_counts_every_page_ever_made(workspace: NotionWorkspace) -> None:
    source = workspace.data_source({"link": {"url": {}}})
    kept = workspace.row(source, Name=titled("kept"), link={"url": "https://a.example"})
    workspace.client.blocks.children.append(kept["id"], children=[nested(2)])
    workspace.client.pages.update(kept["id"], properties={"link": {"url": "https://b.example"}})
    gone = workspace.row(source, Name=titled("gone"))
    workspace.client.pages.update(gone["id"], in_trash=True)
    ledger = workspace.ledger(source)
    assert (ledger["created"], ledger["live"]) == (2, 1)
    first = ledger["pages"][0]
    assert (first["id"], first["title"], first["updates"], first["blocks"]) == (kept["id"], "kept", 1, 3)
    assert first["properties"] == {"Name": "kept", "link": "https://b.example"}
    assert first["url"].endswith(kept["id"].replace("-", ""))
