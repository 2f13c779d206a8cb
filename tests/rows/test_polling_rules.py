"""How often a Link Database is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.store.databases import LinkDatabase
from tests.store.examples import schema

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def database(**changes: Any) -> LinkDatabase:
    fields: dict[str, Any] = dict.fromkeys(LinkDatabase.model_fields)
    fields |= {"connection_id": "c", "database_id": "d", "data_source_id": "s", "url": "", "data_schema": schema()}
    fields |= {"due_at": NOW, "active_at": NOW, "changed_at": NOW, "backlog": 0, "poll_failures": 0, "poll_problem": ""}
    return LinkDatabase(**{**fields, **changes})


def wait(seen: LinkDatabase, *, has_rows: bool = False, rules: PollingRules | None = None) -> timedelta:
    return (rules or PollingRules()).next_read(seen, has_rows=has_rows, now=NOW) - NOW


@pytest.mark.parametrize(
    ("days", "minutes"), [(0, 1), (6.9, 1), (7, 2), (14, 4), (28, 8), (49, 14), (56, 15), (1000, 15)]
)
def test_who_is_away_for_weeks_is_looked_at_less_and_less_often(days: float, minutes: int) -> None:
    assert wait(database(active_at=NOW - days * DAY)) == minutes * MINUTE


def test_a_working_webhook_makes_a_look_every_quarter_of_an_hour_enough() -> None:
    assert wait(database(webhook_at=NOW)) == 15 * MINUTE


def test_a_webhook_that_missed_a_change_is_not_relied_on() -> None:
    assert wait(database(webhook_at=NOW - MINUTE)) == MINUTE


def test_pending_rows_are_looked_at_each_minute_whoever_announces_changes() -> None:
    assert wait(database(webhook_at=NOW, active_at=NOW - 99 * DAY), has_rows=True) == MINUTE


def test_an_interval_above_a_quarter_of_an_hour_is_kept() -> None:
    rules = PollingRules(interval_s=3600)
    assert wait(database(webhook_at=NOW), rules=rules) == 60 * MINUTE
    assert wait(database(active_at=NOW - 99 * DAY), rules=rules) == 60 * MINUTE


def test_several_sensors_start_as_many_runs_as_one() -> None:
    assert [PollingRules(sensors=total).starts * total for total in (1, 2, 4)] == [100, 100, 100]
