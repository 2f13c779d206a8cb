"""Dagster's backfills, which have no public Python API: launched as its GraphQL mutation `launchPartitionBackfill` does
(`create_and_launch_partition_backfill` in dagster_graphql 1.13), so that the UI shows and cancels them as its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import dagster as dg
from dagster._core.execution.backfill import (
    BULK_ACTION_TERMINAL_STATUSES,
    BulkActionsFilter,
    BulkActionStatus,
    PartitionBackfill,
)
from dagster._core.remote_origin import CodeLocationOrigin, RemoteRepositoryOrigin

BACKFILL_TAG: Final = "dagster/backfill"
_TITLE_CHARACTERS: Final = 100
_NOT_IN_TITLES: Final = re.compile(r'[%*"]')


class State(StrEnum):
    """Where a backfill stands. One that isn't known is over."""

    GOING_ON = "going on"
    CANCELLED = "cancelled"
    OVER = "over"


def launch(
    context: dg.SensorEvaluationContext,
    *,
    backfill_id: str,
    job: str,
    keys: Sequence[str],
    title: str,
    tags: Mapping[str, str],
    at: datetime,
) -> None:
    """Launch a backfill of a job, once: a second one with this id is not launched."""
    if context.instance.get_backfill(backfill_id) is not None:
        return
    location, repository = context.code_location_origin, context.repository_name
    if not isinstance(location, CodeLocationOrigin) or repository is None:
        msg = "a sensor that no code location evaluates launches no backfill"
        raise RuntimeError(msg)
    origin = RemoteRepositoryOrigin(location, repository).get_partition_set_origin(f"{job}_partition_set")
    context.instance.add_backfill(
        PartitionBackfill(
            backfill_id=backfill_id,
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags=tags,
            backfill_timestamp=at.timestamp(),
            title=_NOT_IN_TITLES.sub("'", title)[:_TITLE_CHARACTERS],
            partition_set_origin=origin,
            partition_names=list(keys),
        )
    )


def state(instance: dg.DagsterInstance, backfill_id: str) -> State:
    """Return where a backfill stands. One that is over stays so, though a run of it may be started again."""
    found = instance.get_backfill(backfill_id)
    if found is None:
        return State.OVER
    if found.status in (BulkActionStatus.CANCELING, BulkActionStatus.CANCELED):
        return State.CANCELLED
    return State.OVER if found.status in BULK_ACTION_TERMINAL_STATUSES else State.GOING_ON


def forget(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> int:
    """Cancel the backfills with these tags, and remove their titles and keys. Return how many are not over yet.

    Dagster 1.13 deletes no backfill: what is left of it is its id, its times and its tags.
    """
    found = instance.get_backfills(filters=BulkActionsFilter(tags=tags))
    going_on = [each for each in found if each.status not in BULK_ACTION_TERMINAL_STATUSES]
    for each in going_on:
        if each.status is BulkActionStatus.REQUESTED:
            instance.update_backfill(each._replace(status=BulkActionStatus.CANCELING))
    for each in found:
        if each not in going_on and each.partition_names:
            instance.update_backfill(each._replace(title=None, partition_names=[], last_submitted_partition_name=None))
    return len(going_on)
