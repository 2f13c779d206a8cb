"""What a run finds out once is carried from op to op: the link, the files' facts, the cover, the destination."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from svp_dagster.download import links
from svp_dagster.errors import Code
from svp_dagster.media import cover, probe
from svp_dagster.models import ProcessingType
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

CAFE = "https://www.tiktok.com/@porto.finds/video/7512345678901234502"
PORTO = "https://www.instagram.com/p/DOportoday1/"


@pytest.fixture
def posts(installation: Installation) -> WrittenPosts:
    installation.downloader = posts = WrittenPosts()
    return posts


SETTING_UP = 1
"""The fixture reads each database when it registers it."""


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[tuple[Any, ...]]:
    """The arguments of each call of a function, which works as before."""
    work: Callable[..., Any] = getattr(module, name)
    calls: list[tuple[Any, ...]] = []

    def count(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return work(*arguments, **options)

    monkeypatch.setattr(module, name, count)
    return calls


def test_a_row_s_link_is_parsed_once(
    installation: Installation, posts: WrittenPosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = counted(monkeypatch, links, "_parse_address")

    row = installation.process(f"{SOUP}?is_from_webapp=1", "cooking")

    assert row["status"] == "completed"
    assert posts.asked == [SOUP]
    assert len(parsed) == 1
    assert installation.entry(row["id"]).link.link == links.parse_link(SOUP)


def test_a_queued_row_that_is_edited_is_downloaded_from_its_new_link(
    installation: Installation, posts: WrittenPosts
) -> None:
    page_id = installation.add_row(SOUP, "cooking", processing_type=ProcessingType.CAPTION)
    installation.tick()
    installation.notion.client.pages.update(page_id, properties={"url": {"url": STEW}})

    installation.run_requested()

    assert posts.asked == [STEW]
    assert installation.entry(page_id).link.link == links.parse_link(STEW)


def test_a_row_that_is_edited_to_hold_no_link_forgets_the_one_before(
    installation: Installation, posts: WrittenPosts
) -> None:
    row = installation.process(SOUP, "cooking")
    installation.notion.client.pages.update(
        row["id"],
        properties={"url": {"url": "https://www.tiktok.com/@cook"}, "status": {"select": {"name": "pending"}}},
    )
    installation.let_time_pass("updated_at")
    installation.tick()
    assert installation.entry(row["id"]).link.link is None

    installation.run(row["id"])  # an operator starts it again by hand

    assert posts.asked == [SOUP]
    assert installation.entry(row["id"]).failure_code == Code.UNSUPPORTED_LINK


@pytest.mark.parametrize(("url", "files"), [(CAFE, 1), (PORTO, 1)], ids=["a video", "a carousel with a clip"])
def test_each_file_is_probed_once_and_one_cover_is_made(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, url: str, files: int
) -> None:
    probed, framed = counted(monkeypatch, probe, "parse"), counted(monkeypatch, cover, "_frame")

    row = installation.process(url, "places")

    assert row["status"] == "completed"
    assert len(probed) == files
    assert len(framed) <= 1
    assert "data:image/jpeg" in installation.materialized("video", row["id"])["thumbnail"]


def test_the_content_database_is_read_once(installation: Installation, posts: WrittenPosts) -> None:
    source_id = installation.content_source_ids["cooking"]
    row = installation.process(SOUP, "cooking")

    assert row["status"] == "completed"
    asked = installation.notion.raw.get("/_sandbox/requests").json()["requests"]
    reads = [each["path"] for each in asked if each["method"] == "GET" and source_id in each["path"]]
    assert reads.count(f"/v1/data_sources/{source_id}") == 1 + SETTING_UP


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ("link renamed", Code.SCHEMA_CHANGED, "The columns of the Content Database changed: Could not find property"),
        ("title renamed", Code.SCHEMA_CHANGED, "The columns of the Content Database changed: name is not a property"),
        ("another type", Code.SCHEMA_CHANGED, "The columns of the Content Database changed: database property number"),
        ("database in the trash", Code.DATABASE_NOT_SHARED, "The Content Database can't be found"),
        ("no longer shared", Code.DATABASE_NOT_SHARED, "The Content Database can't be found"),
    ],
)
def test_what_changes_after_the_preflight_is_refused_by_notion_with_the_same_sentence(
    installation: Installation, posts: WrittenPosts, change: str, code: Code, says: str
) -> None:
    notion, source_id = installation.notion, installation.content_source_ids["cooking"]
    source: Any = notion.client.data_sources.retrieve(source_id)
    link, database_id = source["properties"]["video_link"]["id"], source["parent"]["database_id"]

    def alter(**properties: Any) -> Callable[[], object]:
        return lambda: notion.client.data_sources.update(source_id, properties=properties)

    def unshare() -> None:
        """The Link Database stays shared by itself."""
        notion.control("share", bot_id=notion.bot_id, object_id=installation.links_source_id, shared=True)
        notion.control("share", bot_id=notion.bot_id, object_id=notion.page_id, shared=False)

    changes: dict[str, Callable[[], object]] = {
        "link renamed": alter(**{link: {"name": "Clip"}}),
        "title renamed": alter(title={"name": "Dish"}),
        "another type": alter(**{link: {"number": {}}}),
        "database in the trash": lambda: notion.client.databases.update(database_id, in_trash=True),
        "no longer shared": unshare,
    }
    posts.meanwhile = changes[change]

    row = installation.process(SOUP, "cooking")

    assert row["status"] == "failed"
    assert row["error"].startswith(says)
    assert installation.entry(row["id"]).failure_code == code
