"""How downloads from each site go: what works, what is paused, and when the next canary is downloaded.

A site is paused for everybody, so one person must not be able to do it. Different posts of several connections have
to fail: of more than half of those that asked the site within `ASKED_WITHIN`, and at most of `rows_to_pause`. Where one
connection alone asks, its posts suffice, and nobody else is kept waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import Engine, and_, func, or_, select
from sqlalchemy.orm import Session

from svp_dagster.errors import Code
from svp_dagster.models import Value
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import ConnectionRow, LinkEntryRow, PlatformRow

FIRST_CANARY = timedelta(minutes=15)
LONGEST_CANARY = timedelta(hours=2)
"""The time between two canaries doubles up to this, so as not to provoke a site that blocks us."""
ASKED_WITHIN = timedelta(hours=6)
"""A connection with no link of a site for so long is no witness to how the site does. A row that fails because of its
site fails for good about twice this time after its first try."""

_Change = Callable[[PlatformRow], None]


class FailedPost(Value):
    """A post that couldn't be downloaded, for a reason that lies with its site, and the connection that wanted it."""

    connection_id: str
    post: str


class Platform(Value):
    """A site. `failing` are the posts that failed since one worked, for a reason that lies with the site.

    While it is paused, `failure_code` says why, and `canary_problem` is the sentence of the last canary. `on_trial`:
    it was resumed, and no row has worked since, so a single post of each connection suffices to pause it again.
    `downloader` names the versions that last downloaded from it.
    """

    name: str
    failing: tuple[FailedPost, ...]
    failure_code: Code | None
    on_trial: bool
    paused_since: datetime | None
    resumed_at: datetime | None
    canary_at: datetime | None
    canaries: int
    canary_problem: str
    good_at: datetime | None
    downloader: str
    updated_at: datetime

    @property
    def is_paused(self) -> bool:
        """Whether its rows wait."""
        return self.paused_since is not None

    @property
    def failing_posts(self) -> int:
        """How many different posts are failing."""
        return _posts(self.failing)


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

    def worked(self, name: str, *, by_canary: bool, downloader: str, now: datetime) -> Platform:
        """Record a download that succeeded. A paused platform is resumed, on trial until a row works too."""

        def change(row: PlatformRow) -> None:
            resumes = row.paused_since is not None
            row.on_trial = by_canary and (resumes or row.on_trial)
            _resume(row, now=now)
            row.good_at, row.downloader = now, downloader

        return self._change(name, change, now=now)

    def resume(self, name: str, *, now: datetime) -> Platform:
        """Let rows through again, on trial."""

        def change(row: PlatformRow) -> None:
            row.on_trial = True
            _resume(row, now=now)

        return self._change(name, change, now=now)

    def failed(
        self, name: str, *, failed: FailedPost, code: Code, rows_to_pause: int, downloader: str, now: datetime
    ) -> Platform:
        """Record a download that failed because of the site. Enough of them pause the platform.

        Enough are `rows_to_pause` different posts, or one on trial, of enough different connections (see above).
        """
        connections_to_pause = min(rows_to_pause, self._connections_asking(name, now=now) // 2 + 1)

        def change(row: PlatformRow) -> None:
            failing = _with([FailedPost.model_validate(each) for each in row.failing], failed, most=rows_to_pause)
            row.failing = [each.model_dump() for each in failing]
            row.failure_code, row.downloader = code, downloader
            posts_to_pause = 1 if row.on_trial else rows_to_pause
            is_enough = _posts(failing) >= posts_to_pause and _connections(failing) >= connections_to_pause
            if row.paused_since is None and is_enough:
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

    def _connections_asking(self, name: str, *, now: datetime) -> int:
        """Return how many active connections have a link of the platform that had a run lately, or is due soon."""
        row, since = LinkEntryRow, now - ASKED_WITHIN
        had_run = and_(row.run_id.is_not(None), row.updated_at >= since)
        is_due = row.retry_at.between(since, now + ASKED_WITHIN)
        query = (
            select(func.count(row.connection_id.distinct()))
            .join(ConnectionRow, ConnectionRow.id == row.connection_id)
            .where(ConnectionRow.active, row.platform == name, or_(had_run, is_due))
        )
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

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


def _with(failing: Collection[FailedPost], failed: FailedPost, *, most: int) -> list[FailedPost]:
    """Return the failing posts with this one. No connection has more than `most` of them, which are enough to count."""
    has = sum(each.connection_id == failed.connection_id for each in failing)
    return [*failing] if failed in failing or has >= most else [*failing, failed]


def _posts(failing: Collection[FailedPost]) -> int:
    return len({each.post for each in failing})


def _connections(failing: Collection[FailedPost]) -> int:
    return len({each.connection_id for each in failing})


def _platform(row: PlatformRow) -> Platform:
    return Platform(**{name: getattr(row, name) for name in Platform.model_fields})
