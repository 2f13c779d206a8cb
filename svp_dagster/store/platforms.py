"""How downloads from each site go: what works, what is paused, and when the next canary is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from svp_dagster.errors import Code
from svp_dagster.models import Link, Value
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import PlatformRow

FIRST_CANARY = timedelta(minutes=15)
LONGEST_CANARY = timedelta(hours=2)
"""The time between two canaries doubles up to this, so as not to provoke a site that blocks us."""

_Change = Callable[[PlatformRow], None]


class Platform(Value):
    """A site. `failing` are the rows that failed since one worked, for a reason that lies with the site.

    While it is paused, `failure_code` says why, and `canary_problem` is the sentence of the last canary. `on_trial`:
    it was resumed, and no row has worked since, so the next such failure pauses it again. `good_link` is the last that
    worked, and `downloader` names the versions that last downloaded from it.
    """

    name: str
    failing: tuple[str, ...]
    failure_code: Code | None
    on_trial: bool
    paused_since: datetime | None
    resumed_at: datetime | None
    canary_at: datetime | None
    canaries: int
    canary_problem: str
    good_link: Link | None
    good_at: datetime | None
    downloader: str
    updated_at: datetime

    @property
    def is_paused(self) -> bool:
        """Whether its rows wait."""
        return self.paused_since is not None


class Platforms:
    """Queries over platforms."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> Platform | None:
        """Return a platform; None where nothing was ever downloaded from it."""
        with Session(self._engine) as session:
            row = session.get(PlatformRow, name)
            return _platform(row) if row else None

    def all(self) -> dict[str, Platform]:
        """Return every platform that was downloaded from, by name."""
        with Session(self._engine) as session:
            rows = session.scalars(select(PlatformRow).order_by(PlatformRow.name))
            return {row.name: _platform(row) for row in rows}

    def worked(self, link: Link, *, by_canary: bool, downloader: str, now: datetime) -> Platform:
        """Record a download that succeeded. A paused platform is resumed, on trial until a row works too."""

        def change(row: PlatformRow) -> None:
            resumes = row.paused_since is not None
            row.on_trial = by_canary and (resumes or row.on_trial)
            _resume(row, now=now)
            row.good_url, row.good_post_id = link.url, link.post_id
            row.good_at, row.downloader = now, downloader

        return self._change(link.platform, change, now=now)

    def resume(self, name: str, *, now: datetime) -> Platform:
        """Let rows through again, on trial."""

        def change(row: PlatformRow) -> None:
            row.on_trial = True
            _resume(row, now=now)

        return self._change(name, change, now=now)

    def failed(
        self, name: str, *, page_id: str, code: Code, rows_to_pause: int, downloader: str, now: datetime
    ) -> Platform:
        """Record a row's download that failed because of the site. The last of several rows pauses the platform."""

        def change(row: PlatformRow) -> None:
            row.failing = sorted({*row.failing, page_id})
            row.failure_code, row.downloader = code, downloader
            if row.paused_since is None and (row.on_trial or len(row.failing) >= rows_to_pause):
                row.paused_since, row.on_trial = now, False
                row.canary_at, row.canaries, row.canary_problem = now + FIRST_CANARY, 0, ""

        return self._change(name, change, now=now)

    def browser(self, platform: str) -> str | None:
        """Return the browser that this platform answered after it had refused others; None where it refused none."""
        with Session(self._engine) as session:
            return session.scalar(select(PlatformRow.browser).where(PlatformRow.name == platform))

    def remember_browser(self, platform: str, browser: str, *, now: datetime) -> None:
        """Remember as which browser a platform is asked first from now on."""

        def change(row: PlatformRow) -> None:
            row.browser = browser

        self._change(platform, change, now=now)

    def begin_canaries(self, *, now: datetime) -> list[Platform]:
        """Return the paused platforms whose canary is due, and plan the next: each is the caller's to try, once."""
        query = select(PlatformRow).where(PlatformRow.paused_since.is_not(None), PlatformRow.canary_at <= now)
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            rows = session.scalars(query.order_by(PlatformRow.name).with_for_update()).all()
            for row in rows:
                row.canaries += 1
                row.canary_at = now + min(FIRST_CANARY * 2 ** min(row.canaries, 10), LONGEST_CANARY)
        return [_platform(row) for row in rows]

    def canary_failed(self, name: str, *, problem: str, now: datetime) -> Platform:
        """Record a canary that failed. The next one is planned already."""

        def change(row: PlatformRow) -> None:
            row.canary_problem = problem

        return self._change(name, change, now=now)

    def _change(self, name: str, change: _Change, *, now: datetime) -> Platform:
        def write() -> Platform:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                row = session.get(PlatformRow, name, with_for_update=True)
                if row is None:
                    row = PlatformRow(
                        name=name, failing=[], on_trial=False, canaries=0, canary_problem="", downloader=""
                    )
                    session.add(row)
                change(row)
                row.updated_at = now
            return _platform(row)

        return retry_conflict(write)


def _resume(row: PlatformRow, *, now: datetime) -> None:
    row.failing, row.failure_code = [], None
    if row.paused_since is not None:
        row.paused_since, row.canary_at, row.resumed_at, row.canary_problem = None, None, now, ""


def _platform(row: PlatformRow) -> Platform:
    good = Link(url=row.good_url, platform=row.name, post_id=row.good_post_id) if row.good_url else None
    return Platform(
        good_link=good, **{name: getattr(row, name) for name in Platform.model_fields.keys() - {"good_link"}}
    )
