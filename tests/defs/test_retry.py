"""All that failed, asked for again at once: Notion is told by the sweep, and each row runs once more."""

from __future__ import annotations

from datetime import UTC, datetime

from svp_dagster.errors import Code, failure
from svp_dagster.models import ProcessingType, Status
from svp_dagster.rows.retry import retry_rows
from svp_dagster.store.databases import LinkDatabase
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts

pytest_plugins = ("tests.media_site",)


def link_database(installation: Installation) -> LinkDatabase:
    found = installation.store.databases.link_database(installation.connection_id)
    assert found is not None
    return found


def test_rows_that_failed_run_once_more_after_notion_was_told(installation: Installation) -> None:
    installation.downloader = posts = WrittenPosts(error=failure(Code.GONE))
    rows = [installation.add_row(url, "cooking", processing_type=ProcessingType.CAPTION) for url in (SOUP, STEW)]
    installation.run_requested()
    assert [installation.row(page_id)["status"] for page_id in rows] == ["failed"] * 2
    posts.error = None

    retry_rows(installation.store, rows, now=datetime.now(UTC))

    assert installation.run_requested() == []  # Notion still shows them as failed
    assert [installation.row(page_id)["status"] for page_id in rows] == ["failed"] * 2

    installation.let_time_pass("updated_at")
    installation.evaluate("unsynced_statuses")
    told = installation.row(rows[0])
    assert (told["status"], told["error"]) == ("pending", "")
    assert link_database(installation).due_at <= datetime.now(UTC)
    assert [run.success for run in installation.run_requested()] == [True, True]
    assert installation.run_requested() == []
    assert [installation.row(page_id)["status"] for page_id in rows] == ["completed"] * 2
    assert [(installation.entry(page_id).status, installation.entry(page_id).requests) for page_id in rows] == [
        (Status.COMPLETED, 2)
    ] * 2
    assert len(installation.content_pages("cooking")) == 2
