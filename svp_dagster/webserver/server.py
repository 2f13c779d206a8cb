"""`svp webserver`: the Dagster UI on its address, behind the guard.

Dagster has no public way to serve its web server within another app, so this does what `dagster-webserver` does
(dagster_webserver/cli.py of 1.13.27), telemetry aside. Names that move with a new version fail at the start; nothing is
ever served without the guard.
"""

from __future__ import annotations

import signal

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    DEFAULT_POOL_RECYCLE,
)
from dagster_webserver.version import __version__
from starlette.types import ASGIApp

from svp_dagster.settings import Settings
from svp_dagster.store.store import operator_key
from svp_dagster.telemetry.logs import set_up
from svp_dagster.webserver.guard import guarded

LIVE_DATA_POLL_MS = 2000
STOP_LIMIT_S = 5
"""How long open requests may take to end after SIGTERM."""


def serve(settings: Settings, *, workspace_file: str) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises `misconfigured` in production without the operator's key."""
    if settings.production:
        operator_key(settings)  # before the seconds that loading takes
    # uvicorn raises the signal again once it has stopped; as an interrupt it lets the code servers be ended too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    set_up(settings)
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
        workspace = WorkspaceFileTarget([workspace_file])
        with WorkspaceProcessContext(instance, workspace, version=__version__) as context:
            dagster = create_app_from_workspace_process_context(context, live_data_poll_rate=LIVE_DATA_POLL_MS)
            _run(guarded(dagster, settings), settings)


def _run(app: ASGIApp, settings: Settings) -> None:
    uvicorn.run(
        app,
        host=settings.dagster_host,
        port=settings.dagster_port,
        log_level="warning",
        timeout_graceful_shutdown=STOP_LIMIT_S,
    )
