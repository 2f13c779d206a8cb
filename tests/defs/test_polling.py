"""The sensors that poll Link Databases, through Dagster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

import dagster as dg
import pytest

from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.store.polling.parts import DIGITS
from tests.defs.installation import Installation, set_up
from tests.sandbox.notion_service import NotionService

pytest_plugins = ("tests.media_site",)


@pytest.fixture
def people(installation: Installation, notion_server: NotionService) -> Iterator[list[Installation]]:
    """Two people of one installation."""
    with ExitStack() as stack:
        other = stack.enter_context(notion_server.workspace("Bakery"))
        yield [installation, set_up(other, installation.instance)]


def started(result: dg.SensorResult | dg.SkipReason) -> int:
    return len(result.run_requests or []) if isinstance(result, dg.SensorResult) else 0


def add_row(person: Installation, number: int) -> None:
    person.add_row(f"https://www.tiktok.com/@cook/video/73000000000000000{number:02}", "cooking")


def polled_at(person: Installation) -> datetime | None:
    database = person.store.databases.link_database(person.connection_id)
    assert database is not None
    return database.polled_at


def test_two_sensors_read_all_connections_between_them(
    people: list[Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVP_POLL_SENSORS", "2")
    for number, person in enumerate(people):
        add_row(person, number)
    first, second = (people[0].evaluate(name) for name in ("pending_links", "pending_links_2"))
    expected = [sum(DIGITS.index(each.connection_id[0]) % 2 == number for each in people) for number in (0, 1)]
    assert [started(first), started(second)] == expected
    assert all(polled_at(each) for each in people)


def test_one_sensor_is_enough_unless_the_operator_says_more(installation: Installation) -> None:
    names = {sensor.name for sensor in installation.definitions.get_repository_def().sensor_defs}
    assert "pending_links" in names
    assert "pending_links_2" not in names


def test_an_announced_row_makes_its_connection_wait_for_the_webhook(installation: Installation) -> None:
    databases, connection_id = installation.store.databases, installation.connection_id
    installation.tick()
    databases.announced(installation.links_source_id, now=datetime.now(UTC))
    add_row(installation, 1)
    assert started(installation.evaluate("pending_links")) == 1
    found = databases.link_database(connection_id)
    assert found is not None
    assert found.has_webhook


def test_a_tick_whose_time_is_over_leaves_the_rest_due(
    people: list[Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    over = PollingRules(decide_by_s=-1)
    monkeypatch.setattr("svp_dagster.defs.resources.polling_rules", lambda _settings: over)
    for number, person in enumerate(people):
        add_row(person, number)
    assert started(people[0].evaluate("pending_links")) == 0
    now = datetime.now(UTC)
    assert len(people[0].store.databases.due(now=now, limit=9)) == len(people)


def test_a_tick_without_work_starts_what_is_asked_for_meanwhile(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("svp_dagster.rows.polling_rules.WAIT_S", 30.0)
    installation.store.databases.poll_now(installation.connection_id, now=datetime.now(UTC))

    def press_the_button() -> None:
        add_row(installation, 1)
        installation.store.databases.poll_now(installation.connection_id, now=datetime.now(UTC))

    with ThreadPoolExecutor(1) as pool:
        tick = pool.submit(installation.evaluate, "pending_links")
        while polled_at(installation) is None:
            time.sleep(0.05)
        press_the_button()
        assert started(tick.result(timeout=20)) == 1


def test_a_tick_ends_where_nothing_comes(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("svp_dagster.rows.polling_rules.WAIT_S", 0.5)
    result = installation.tick()
    assert isinstance(result, dg.SkipReason)
    assert result.skip_message == "1 Link Databases asked, no row to start."
