"""The tallies of all processes together, which never go back. They start at 0 with a new store."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Engine, insert, select, update

from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import TallyRow
from svp_dagster.telemetry.tallies import Series


class KeptTallies:
    """Queries over tallies."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, counted: Mapping[Series, float]) -> None:
        """Add what a process counted, all or nothing."""
        retry_conflict(lambda: self._add(counted))

    def all(self) -> dict[Series, float]:
        """Return the sums, in the order of their names and labels."""
        query = select(TallyRow.name, TallyRow.labels, TallyRow.value).order_by(TallyRow.name, TallyRow.labels)
        with self._engine.connect() as connection:
            found = connection.execute(query)
            return {Series(name, tuple(json.loads(labels).items())): value for name, labels, value in found}

    def _add(self, counted: Mapping[Series, float]) -> None:
        row = TallyRow
        with self._engine.begin() as connection:
            for series, value in sorted(
                counted.items()
            ):  # in one order, so that two processes never wait for each other
                labels = json.dumps(dict(series.labels), sort_keys=True)
                change = update(row).where(row.name == series.name, row.labels == labels)
                if not connection.execute(change.values(value=row.value + value)).rowcount:
                    connection.execute(insert(row).values(name=series.name, labels=labels, value=value))
