"""The weekly digest, from the links of a week to a page in Notion."""

from __future__ import annotations

import errno
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from svp_dagster.defs import digests as digests_job
from svp_dagster.errors import Code, failure
from svp_dagster.models import ContentPage
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.rows.digests import weekly
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.connections import Tokens
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts

pytest_plugins = ("tests.media_site",)

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


@pytest.fixture
def kitchen(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A connection that wants digests, with one link that became a page and one that failed."""
    monkeypatch.setattr(weekly, "SPACING_S", 0.0)
    installation.downloader = WrittenPosts()
    installation.process(SOUP, "cooking")
    Thumbnails(storage=storage(Settings())).put(f"Written:{SOUP}", JPEG)
    installation.downloader = WrittenPosts(error=failure(Code.GONE))
    installation.process(STEW, "cooking")
    last_week(installation)
    want(installation, installation.notion.page_id)
    return installation


def last_week(installation: Installation) -> None:
    """Let all links have been saved in the week that ended: Dagster knows no partition for one that goes on."""
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE link_entries SET created_at = '{week_that_ended()} 12:00:00'")


def want(installation: Installation, home_id: str | None) -> None:
    installation.store.digests.choose_home(
        installation.connection_id, page_id=home_id, title="Home", now=datetime.now(UTC)
    )


def week_that_ended() -> str:
    today = datetime.now(UTC).date()
    return (today - timedelta(days=today.weekday() + 7)).isoformat()


def make(installation: Installation, *, week: str | None = None) -> dg.ExecuteInProcessResult:
    job = installation.definitions.resolve_job_def("weekly_digests")
    return job.execute_in_process(
        instance=installation.instance, partition_key=week or week_that_ended(), raise_on_error=False
    )


def digests(installation: Installation) -> list[dict[str, Any]]:
    """The pages below the chosen one."""
    below = installation.notion.raw.get(f"/v1/blocks/{installation.notion.page_id}/children").json()["results"]
    return [block for block in below if block["type"] == "child_page"]


def blocks(installation: Installation, page_id: str) -> list[dict[str, Any]]:
    return list(installation.notion.raw.get(f"/v1/blocks/{page_id}/children").json()["results"])


def uploads(installation: Installation) -> int:
    """How many files were sent."""
    sent = installation.notion.raw.get("/_sandbox/requests").json()["requests"]
    return sum(request["path"].endswith("/send") for request in sent)


def test_a_week_becomes_one_page_with_pictures_links_failures_and_the_cost(kitchen: Installation) -> None:
    assert make(kitchen).success

    (page,) = digests(kitchen)
    monday = date.fromisoformat(week_that_ended())
    assert page["child_page"]["title"].startswith(f"Saved from {monday.day} {monday:%B} to ")
    text = kitchen.body(page["id"])
    assert "1 saved, 1 failed, 0 not ready yet. Cost: $" in text
    assert "cooking (1)\nSoup of the day" in text
    assert "Failed (1)" in text
    assert "This post no longer exists" in text
    bullets = [block for block in blocks(kitchen, page["id"]) if block["type"] == "bulleted_list_item"]
    (saved,) = kitchen.content_pages("cooking")
    (linked,) = bullets[0]["bulleted_list_item"]["rich_text"]
    assert saved["id"].replace("-", "") in linked["text"]["link"]["url"].replace("-", "")
    assert [block["type"] for block in blocks(kitchen, bullets[0]["id"])] == ["image"]


def test_a_digest_that_is_made_again_is_updated_in_place(kitchen: Installation) -> None:
    make(kitchen)
    kitchen.downloader = WrittenPosts()
    kitchen.process(SOUP.replace("0001", "0003"), "places")
    last_week(kitchen)
    pictures = uploads(kitchen)

    assert make(kitchen).success

    (page,) = digests(kitchen)
    assert "2 saved, 1 failed" in kitchen.body(page["id"])
    assert uploads(kitchen) == pictures == 1


def test_a_page_that_was_made_but_not_recorded_is_found_again(kitchen: Installation) -> None:
    make(kitchen)
    with kitchen.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM digests")

    make(kitchen)

    assert len(digests(kitchen)) == 1


def test_a_week_without_links_makes_no_page(kitchen: Installation) -> None:
    assert make(kitchen, week="2026-11-02").success

    assert digests(kitchen) == []


def test_nobody_gets_a_digest_who_did_not_ask_for_one(kitchen: Installation) -> None:
    want(kitchen, None)

    assert make(kitchen).success

    assert digests(kitchen) == []


def facts(made: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What the op's metadata say."""
    (output,) = made.filter_events(lambda event: event.event_type is dg.DagsterEventType.STEP_OUTPUT)
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def test_what_an_owner_has_to_mend_is_said_and_fails_no_run(kitchen: Installation) -> None:
    want(kitchen, "00000000-0000-4000-8000-000000000000")

    made = make(kitchen)

    assert made.success
    assert facts(made)["refused"] == 1
    assert "weekly digest" in str(facts(made)["reasons"])


def test_a_digest_that_failed_for_another_reason_fails_the_run_and_names_it(
    kitchen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(weekly, "_pictures", full)

    made = make(kitchen)

    assert not made.success
    (event,) = [event for event in made.all_events if event.is_step_failure]
    assert "1 digests were not made" in str(event.step_failure_data.user_failure_data)
    assert failure(Code.STORAGE_FULL).sentence in str(event.step_failure_data.user_failure_data)


def share(installation: Installation) -> str:
    """Let a second connection have one of the rows, and want digests too. Returns its id."""
    store, notion, now = installation.store, installation.notion, datetime.now(UTC)
    second = store.connections.save(
        bot_id="second",
        workspace_id=notion.workspace_id,
        workspace_name="Second",
        workspace_icon="",
        owner_id="",
        owner_name="",
        tokens=Tokens(access=notion.token, refresh=None),
        now=now,
    )
    with store.engine.begin() as connection:
        statement = "UPDATE link_entries SET connection_id = ? WHERE status = 'failed'"
        connection.exec_driver_sql(statement, (second.id,))
    below: Any = notion.client.pages.create(parent={"page_id": notion.page_id}, properties={"title": {"title": []}})
    store.digests.choose_home(second.id, page_id=below["id"], title="Home", now=now)
    return second.id


@pytest.mark.parametrize("is_first", [True, False])
def test_a_connection_that_is_deleted_meanwhile_stops_no_digest_of_others(
    kitchen: Installation, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    ids = sorted([kitchen.connection_id, share(kitchen)])
    deleted = ids[0] if is_first else ids[1]
    page_below = Workspace.page_below

    def page_and_deletion(workspace: Workspace, parent_page_id: str, title: str) -> ContentPage:
        page = page_below(workspace, parent_page_id, title)
        if workspace.connection_id == deleted:
            kitchen.store.deletions.delete(deleted, now=datetime.now(UTC))
        return page

    monkeypatch.setattr(Workspace, "page_below", page_and_deletion)

    made = make(kitchen)

    assert made.success
    assert {name: facts(made)[name] for name in ("created", "refused", "failed")} == {
        "created": 1,
        "refused": 1,
        "failed": 0,
    }


def test_a_digest_leaves_publishing_half_of_what_notion_allows(
    kitchen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(weekly, "SPACING_S", 0.66)
    monkeypatch.setattr("svp_dagster.notion.client.http.time.sleep", pauses.append)
    before = len(kitchen.notion.raw.get("/_sandbox/requests").json()["requests"])

    assert make(kitchen).success

    sent = kitchen.notion.raw.get("/_sandbox/requests").json()["requests"][before:]
    calls = [request for request in sent if request["path"].startswith("/v1/")]
    assert len(calls) > 5
    assert pauses.count(0.66) >= len(calls)


def test_digests_that_no_time_was_left_for_are_made_first_by_the_next_run(
    kitchen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = share(kitchen)
    first = kitchen.connection_id
    page = ContentPage(page_id="p", url="https://www.notion.so/p", created=True)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr(digests_job, "BUDGET_S", 0.0)

    made = make(kitchen)

    assert not made.success
    (event,) = [event for event in made.all_events if event.is_step_failure]
    assert "2 are left" in str(event.step_failure_data.user_failure_data)
    for done, left in ((first, second), (second, first)):
        with kitchen.store.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM digests")
        kitchen.store.digests.record(done, week_that_ended(), page, now=earlier)
        assert [found for found, _ in kitchen.store.digests.subscribers(week_that_ended())] == [left, done]


def test_a_run_that_died_is_started_again_and_has_time_for_thousands(installation: Installation) -> None:
    tags = installation.definitions.resolve_job_def("weekly_digests").tags
    assert int(tags["dagster/max_retries"]) > 0
    assert int(tags["dagster/max_runtime"]) > digests_job.BUDGET_S
    assert tags["svp/kind"] == "housekeeping"


def test_the_schedule_makes_the_week_that_ended(installation: Installation) -> None:
    schedule = installation.definitions.resolve_schedule_def("weekly_digests_schedule")
    on_monday = dg.build_schedule_context(
        instance=installation.instance, scheduled_execution_time=datetime(2026, 11, 16, 6, tzinfo=UTC)
    )

    request = schedule(on_monday)

    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-11-09"
