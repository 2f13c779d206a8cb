"""Outgoing addresses, and the requests that a site got from each. All processes of an installation share them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from svp_dagster.models import Value, Visit
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import AddressRow


class SiteRequest(Value):
    """A request that was sent at `at`, or is reserved for a row since then."""

    at: datetime
    connection_id: str
    page_id: str
    sent: bool


class Address(Value):
    """A way out, by a name that tells nothing about it, and how a site treats it.

    A throttled address rests until `rests_until`, for the reason `problem`. `throttles` counts those since it was last
    answered. `visit` began at `visit_at`. `visit_sought_at` is when a run last set out to begin one.
    """

    name: str
    requests: tuple[SiteRequest, ...] = ()
    rests_until: datetime | None = None
    throttles: int = 0
    problem: str = ""
    visit: Visit | None = None
    visit_at: datetime | None = None
    visit_sought_at: datetime | None = None


Change = Callable[[Sequence[Address]], Address | None]
"""Returns one of the addresses, changed, or None to change nothing."""


class Addresses:
    """Queries over addresses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, names: Collection[str]) -> list[Address]:
        """Return these addresses in their order. One that was never used is empty."""
        query = select(AddressRow).where(AddressRow.name.in_(names))
        with Session(self._engine) as session:
            found = {row.name: Address.model_validate(row.state) for row in session.scalars(query)}
        return [found.get(name) or Address(name=name) for name in names]

    def all(self) -> list[Address]:
        """Return every address that was used, by name."""
        with Session(self._engine) as session:
            rows = session.scalars(select(AddressRow).order_by(AddressRow.name))
            return [Address.model_validate(row.state) for row in rows]

    def change(self, names: Collection[str], change: Change, *, now: datetime) -> Address | None:
        """Change one of these addresses, no other process changing any of them meanwhile.

        Return the address as `change` made it.
        """
        return retry_conflict(lambda: self._change(names, change, now=now))

    def _change(self, names: Collection[str], change: Change, *, now: datetime) -> Address | None:
        query = select(AddressRow).where(AddressRow.name.in_(names)).order_by(AddressRow.name).with_for_update()
        with Session(self._engine) as session, session.begin():
            rows = {row.name: row for row in session.scalars(query)}
            for name in sorted(set(names) - rows.keys()):
                rows[name] = AddressRow(name=name, state=Address(name=name).model_dump(mode="json"), updated_at=now)
                session.add(rows[name])
            # Two processes may see an address for the first time: one of them fails here, and reads it again.
            session.flush()
            changed = change([Address.model_validate(rows[name].state) for name in names])
            if changed is not None:
                rows[changed.name].state = changed.model_dump(mode="json")
                rows[changed.name].updated_at = now
        return changed
