"""The database connections of a process that evaluates sensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests.defs.installation import Installation

pytest_plugins = ("tests.media_site",)


@contextmanager
def opened_connections() -> Iterator[list[Any]]:
    """Collect the connections that any engine of this process opens."""
    opened: list[Any] = []

    def note(connection: Any, _record: object) -> None:
        opened.append(connection)

    event.listen(Pool, "connect", note)
    try:
        yield opened
    finally:
        event.remove(Pool, "connect", note)


def test_ticks_share_the_database_connections_of_their_process(installation: Installation) -> None:
    installation.tick()
    with opened_connections() as opened:
        for _ in range(3):
            installation.tick()
            installation.evaluate("orphaned_rows")
    assert opened == []
