"""Fifty links of Instagram at once: the site is asked at its pace, none fails, and a later one doesn't wait for all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import httpx
import pytest

from sandbox.media.server import MediaSandbox
from svp_dagster.defs.runs import ROW_TAG
from svp_dagster.errors import Code
from svp_dagster.models import ProcessingType, Status
from tests.defs.installation import Installation, set_up
from tests.sandbox.notion_service import NotionService

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

FACTOR = 40
"""How much faster time goes here than at Instagram."""
WINDOW_S = 600 / FACTOR
ROWS = 50
TAKEN = 17
"""What Instagram takes from an address within the window."""


@pytest.fixture
def throttling(site: MediaSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaSandbox]:
    """An Instagram that throttles, in faster time."""
    monkeypatch.setenv("SVP_INSTAGRAM_WINDOW_S", str(WINDOW_S))
    limit = {"requests": TAKEN, "window_s": WINDOW_S, "answer": "require_login"}
    httpx.post(f"{site.proxy_url}/_sandbox/throttle", json=limit).raise_for_status()
    yield site
    httpx.delete(f"{site.proxy_url}/_sandbox/throttle").raise_for_status()


@pytest.fixture
def bob(installation: Installation, notion_server: NotionService) -> Iterator[Installation]:
    """Another person of the same installation."""
    with notion_server.workspace("Bakery") as workspace:
        yield set_up(workspace, installation.instance)


def reels(site: MediaSandbox, count: int) -> list[str]:
    made = httpx.post(f"{site.proxy_url}/_sandbox/copies", json={"post": "pancakes", "count": count})
    return list(made.raise_for_status().json()["links"])


def add(installation: Installation, link: str) -> str:
    return installation.add_row(link, "cooking", processing_type=ProcessingType.CAPTION)


def usage(site: MediaSandbox) -> tuple[dict[str, int], int, int]:
    """Requests per post, and how many were taken and refused in all."""
    found = httpx.get(f"{site.proxy_url}/_sandbox/usage").json()
    counts = found["addresses"].values()
    return found["posts"], sum(each["taken"] for each in counts), sum(each["refused"] for each in counts)


@pytest.mark.timeout(600)
def test_fifty_links_at_once_are_all_read_and_a_later_one_of_somebody_else_does_not_wait_for_them(
    installation: Installation, bob: Installation, throttling: MediaSandbox
) -> None:
    *links, late = reels(throttling, ROWS + 1)
    rows = [add(installation, link) for link in links]
    order: list[str] = []
    bobs = ""
    began = time.monotonic()
    while len(order) <= ROWS and time.monotonic() - began < 20 * WINDOW_S:
        bob.store.databases.poll_now(bob.connection_id, now=_now())
        for run in installation.run_requested():
            assert run.success
            order.append(run.dagster_run.tags[ROW_TAG])
        bobs = bobs or add(bob, late)
        time.sleep(0.2)

    posts, taken, refused = usage(throttling)
    print(
        f"\ntime goes {FACTOR} times faster: {ROWS + 1} posts in {time.monotonic() - began:.0f} s; "
        f"{taken} requests, {taken / len(order):.2f} per post, {refused} refused; "
        f"the late link was number {order.index(bobs) + 1}"
    )
    assert sorted(order) == sorted([*rows, bobs])
    assert refused == 0
    assert max(count for post, count in posts.items() if post != "other") == 1
    assert order.index(bobs) < ROWS // 2
    assert {installation.entry(page_id).status for page_id in order} == {Status.COMPLETED}
    assert {installation.entry(page_id).tries for page_id in order} == {0}


def test_a_throttle_lets_the_other_rows_wait_without_asking_again(
    installation: Installation, throttling: MediaSandbox
) -> None:
    httpx.post(f"{throttling.proxy_url}/_sandbox/throttle", json={"requests": 0}).raise_for_status()
    first, second = (add(installation, link) for link in reels(throttling, 2))
    installation.run(_requested(installation)[0])
    met = [installation.entry(page_id) for page_id in (first, second)]

    assert sorted(str(entry.failure_code) for entry in met if entry.failure_code) == [Code.RATE_LIMITED]
    asked = usage(throttling)[2]
    installation.run_requested()

    assert usage(throttling)[2] == asked
    (waiting,) = [each for each in map(installation.entry, (first, second)) if each.failure_code is Code.WAITS_TURN]
    assert (waiting.status, waiting.tries) == (Status.PENDING, 0)
    assert "waits its turn" in (waiting.sentence or "")


def test_a_second_save_of_a_post_asks_the_site_for_nothing(installation: Installation, site: MediaSandbox) -> None:
    (link,) = reels(site, 1)
    assert installation.process(link, "cooking")["status"] == "completed"
    site.recorder.clear()

    assert installation.process(link, "places")["status"] == "completed"

    assert [url for url in site.requests if "instagram" in url] == []


def _requested(installation: Installation) -> list[str]:
    result = installation.tick()
    assert isinstance(result, dg.SensorResult)
    keys = [request.partition_key or "" for request in result.run_requests or []]
    rows = installation.store.entries.of_partitions(keys)
    page_ids = [rows[key].link.page_id for key in keys]
    for page_id in page_ids:
        installation.add_partition(page_id)
    return page_ids


def _now() -> datetime:
    return datetime.now(UTC)
