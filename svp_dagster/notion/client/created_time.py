"""Comparing the times at which Notion says that something was created. Notion truncates them to the minute."""

from __future__ import annotations

from datetime import UTC, datetime

from svp_dagster.models import JsonObject
from svp_dagster.notion.client.responses import read


def to_minute(moment: datetime) -> datetime:
    """Truncate a time as Notion does."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def is_created_since(response: JsonObject, moment: datetime) -> bool:
    """Whether an object of Notion's was created in the minute of `moment` or later."""
    return read(_created_time, response) >= to_minute(moment)


def _created_time(response: JsonObject) -> datetime:
    return datetime.fromisoformat(response["created_time"])
