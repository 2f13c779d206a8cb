"""The ticks of sensors: how long they take, and that what their process counted is stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from svp_dagster.settings import Settings
from svp_dagster.store.engine import process_engine
from svp_dagster.store.installation.tallies import KeptTallies
from svp_dagster.store.store import Store
from svp_dagster.telemetry.tallies import TICK_SECONDS, tallies

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=Callable[..., Any])

STORED_EVERY_S = 15.0
"""How long ticks keep their tallies: an idle installation shouldn't write with each."""

_stored_at_s = 0.0


def timed(tick: T) -> T:
    """Measure each call of a sensor's function. Goes below Dagster's decorator."""

    @wraps(tick)
    def with_time(*args: Any, **resources: Any) -> Any:
        with measured(tick.__name__):
            return tick(*args, **resources)

    return with_time  # type: ignore[return-value]


@contextmanager
def measured(sensor: str) -> Iterator[None]:
    """Measure the work of a tick."""
    began_s = time.monotonic()
    try:
        yield
    finally:
        tallies.observe(TICK_SECONDS, time.monotonic() - began_s, sensor=sensor)
        _store_now_and_then()


def store_tallies(store: Store) -> None:
    """Add what this process counted to the store. It is kept for the next time while the store is unreachable."""
    _add_to(store.tallies)


def _store_now_and_then() -> None:
    global _stored_at_s  # noqa: PLW0603 (one clock per process)
    if time.monotonic() - _stored_at_s >= STORED_EVERY_S:
        _stored_at_s = time.monotonic()
        _add_to(KeptTallies(process_engine(Settings().resolved_database_url)))


def _add_to(kept: KeptTallies) -> None:
    counted = tallies.take()
    try:
        kept.add(counted)
    except SQLAlchemyError as error:
        tallies.put_back(counted)
        logger.warning("%d tallies were not stored: %s", len(counted), type(error).__name__)
