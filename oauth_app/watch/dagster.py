"""What Dagster's web server says: unlike Dagster's storage it answers from another container, and needs no import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx

from svp_dagster.models import Value
from svp_dagster.settings import Settings

LIMIT_S: Final = 1.5

_POOLS: Final = "{ instance { concurrencyLimits { concurrencyKey slotCount activeSlotCount pendingStepCount } } }"


class Pool(Value):
    """A concurrency pool: its slots, how many of them are taken, and how many steps wait for one."""

    name: str
    slots: int
    used: int
    waiting: int


def ask(settings: Settings, query: str) -> Any:
    """Return what a GraphQL query finds. Raises `httpx.HTTPError`, and `ValueError` for an answer that is no JSON."""
    key = settings.operator_key
    answer = httpx.post(
        f"{settings.dagster_address}/graphql",
        json={"query": query},
        headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
        timeout=LIMIT_S,
    )
    answer.raise_for_status()
    return answer.json()


def pools(settings: Settings) -> list[Pool]:
    """Return the pools; none while the web server can't be asked, which the check of the daemon says."""
    try:
        return list(_pools(ask(settings, _POOLS)))
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []


def _pools(answer: Any) -> Iterator[Pool]:
    for found in answer["data"]["instance"]["concurrencyLimits"]:
        yield Pool(
            name=found["concurrencyKey"],
            slots=found["slotCount"],
            used=found["activeSlotCount"],
            waiting=found["pendingStepCount"],
        )
