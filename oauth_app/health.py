"""`/health` (the process answers) and `/ready` (everything it needs is there), for machines and operators.

Every check runs beside the others within a time limit, so that the whole answer takes less than two seconds however
much is broken. The daemon's heartbeat is read through Dagster's own web server (`watch.dagster`).

Anybody may ask `/ready`. So its answer is kept for some seconds, and one request at a time renews it: many at once
neither pass on to Notion nor hold the app's threads.

A paused platform stands beside the checks and is none of them: the rest goes on, and to take the installation away
from its users would help nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import datetime
from threading import Lock
from typing import Literal

import httpx
from flask import Blueprint, Flask, current_app
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from oauth_app.description import answers, spec
from oauth_app.security import limiter
from oauth_app.services import Services, services
from oauth_app.site_health import PlatformHealth
from oauth_app.watch import dagster
from oauth_app.watch.last_known import LastKnown, State
from svp_dagster import bounded_http
from svp_dagster.errors import SvpError
from svp_dagster.models import Value
from svp_dagster.rows.pauses import downloader_versions
from svp_dagster.settings import Settings
from svp_dagster.store.engine import is_migrated

blueprint = Blueprint("health", __name__)

WHOLE_LIMIT_S = 1.7
HTTP_LIMIT_S = 1.5
READY_KEPT_S = 5.0
LIMIT = "120 per minute"

_HEARTBEAT = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
_pool = ThreadPoolExecutor(8, "health")
"""Bounded: checks that hang make later ones late, never more threads."""


class Alive(Value):
    """The process answers. `database` and `notion_api` are as they were when they were last asked."""

    status: Literal["ok"] = "ok"
    database: State
    notion_api: State
    timestamp: datetime


class Check(Value):
    """One check. `took_s` is how long it ran, or how long it was waited for."""

    state: Literal["ok", "failed", "too_slow"]
    took_s: float = Field(ge=0)
    note: str = ""


class Readiness(Value):
    """All checks. `ready` is true when each is ok, whatever the platforms are.

    `platforms` are the sites that were downloaded from, null where the database doesn't tell.
    """

    ready: bool
    checked_at: datetime
    checks: dict[str, Check]
    platforms: dict[str, PlatformHealth] | None
    downloader: str = Field(description="The versions of what downloads that are installed here.")


@blueprint.get("/health")
@limiter.limit(LIMIT)
@spec.validate(resp=answers(200, Alive), tags=["Health"], security={})
def health() -> Alive:
    """Whether the process answers, and how its database and Notion last did. Notion isn't asked for this."""
    last_known: LastKnown = current_app.extensions["svp_last_known"]
    now = services().now()
    return Alive(database=last_known.database(), notion_api=last_known.notion(now=now), timestamp=now)


@blueprint.get("/ready")
@limiter.limit(LIMIT)
@spec.validate(resp=answers(200, Readiness, extra={503: Readiness}), tags=["Health"], security={})
def ready() -> tuple[Readiness, int]:
    """Whether everything is there that the product needs: 200, else 503. The answer is up to 5 seconds old."""
    found = latest_readiness(current_app)
    return found, 200 if found.ready else 503


class LatestReadiness:
    """The last result of all checks."""

    def __init__(self) -> None:
        self._renewing = Lock()
        self._found: Readiness | None = None
        self._renew_at = 0.0

    def get(self) -> Readiness:
        """Return a result that is at most `READY_KEPT_S` old. While a caller renews it, others get the last one."""
        if self._found is not None and (time.monotonic() < self._renew_at or self._renewing.locked()):
            return self._found
        with self._renewing:
            if self._found is None or time.monotonic() >= self._renew_at:
                self._found, self._renew_at = readiness(), time.monotonic() + READY_KEPT_S
            return self._found


def init_app(app: Flask) -> None:
    """Serve both."""
    app.extensions["svp_readiness"] = LatestReadiness()
    app.extensions["svp_last_known"] = LastKnown(app.extensions["svp"])
    app.register_blueprint(blueprint)


def latest_readiness(app: Flask) -> Readiness:
    """Return the last result of all checks of an app."""
    found: LatestReadiness = app.extensions["svp_readiness"]
    return found.get()


def readiness() -> Readiness:
    """The result of all checks, in less than two seconds."""
    found, ends_at = services(), time.monotonic() + WHOLE_LIMIT_S
    platforms = _pool.submit(_platforms, found)
    checks = run_checks(
        {
            "database": lambda: _database(found),
            "migrations": lambda: _migrations(found),
            "notion": lambda: _notion(found.settings),
            "daemon": lambda: _daemon(found.settings),
        }
    )
    good = all(check.state == "ok" for check in checks.values())
    return Readiness(
        ready=good,
        checked_at=found.now(),
        checks=checks,
        platforms=_by(ends_at, platforms),
        downloader=downloader_versions(),
    )


def run_checks(checks: dict[str, Callable[[], str]], *, limit_s: float = WHOLE_LIMIT_S) -> dict[str, Check]:
    """The result of every check within `limit_s`. A check returns '' or what is wrong."""
    began = time.monotonic()
    running: dict[str, Future[tuple[str, float]]] = {
        name: _pool.submit(_timed, check) for name, check in checks.items()
    }
    wait_for(running.values(), timeout=limit_s)
    waited_s = time.monotonic() - began
    return {name: _outcome(future, waited_s) for name, future in running.items()}


def _outcome(future: Future[tuple[str, float]], waited_s: float) -> Check:
    if not future.done():
        future.cancel()
        return Check(state="too_slow", took_s=round(waited_s, 3), note="no answer in time")
    note, took_s = future.result()
    return Check(state="failed" if note else "ok", took_s=round(took_s, 3), note=note)


def _timed(check: Callable[[], str]) -> tuple[str, float]:
    began = time.monotonic()
    return check(), time.monotonic() - began


def _database(found: Services) -> str:
    try:
        with found.store.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, SvpError) as error:
        return f"can't be used ({type(error).__name__})"
    return ""


def _migrations(found: Services) -> str:
    try:
        return "" if is_migrated(found.store.engine) else "the tables are not of this version: run `svp migrate`"
    except (SQLAlchemyError, SvpError) as error:
        return f"can't be read ({type(error).__name__})"


def _by(ends_at: float, platforms: Future[dict[str, PlatformHealth] | None]) -> dict[str, PlatformHealth] | None:
    try:
        return platforms.result(timeout=max(ends_at - time.monotonic(), 0))
    except TimeoutError:
        platforms.cancel()
        return None


def _platforms(found: Services) -> dict[str, PlatformHealth] | None:
    try:
        addresses, platforms = found.store.addresses.all(), found.store.platforms.all()
        return {name: PlatformHealth.of(each, addresses, now=found.now()) for name, each in platforms.items()}
    except (SQLAlchemyError, SvpError):
        return None  # the check of the database says why


def _notion(settings: Settings) -> str:
    # Without a token Notion answers 401 quickly: reached is all that is asked here.
    try:
        answer = bounded_http.get(f"{settings.notion_base_url}/v1/users/me", service="probe", timeout_s=HTTP_LIMIT_S)
    except httpx.HTTPError as error:
        return f"can't be reached ({type(error).__name__})"
    return f"answers with HTTP {answer.status_code}" if answer.status_code >= 500 else ""


def _daemon(settings: Settings) -> str:
    try:
        statuses = dagster.ask(settings, _HEARTBEAT)["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
        silent = sorted(status["daemonType"] for status in statuses if status["required"] and not status["healthy"])
    except httpx.HTTPError as error:
        return f"Dagster's web server can't be asked ({type(error).__name__})"
    except (ValueError, KeyError, TypeError):
        return "Dagster's web server gave an answer that isn't understood"
    return f"no heartbeat of {', '.join(silent)}" if silent else ""
