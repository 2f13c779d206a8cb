"""A stand-in for Dagster's web server, as far as it tells heartbeats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, jsonify

from sandbox.serving import serve


@contextmanager
def dagster(*, silent: tuple[str, ...] = (), answer: Any = None) -> Iterator[str]:
    """Its address. `silent` daemons have no heartbeat; `answer` is given instead of the truth."""
    app = Flask("dagster")

    @app.post("/graphql")
    def graphql() -> Any:
        kinds = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR")
        statuses = [{"daemonType": kind, "required": True, "healthy": kind not in silent} for kind in kinds]
        statuses.append({"daemonType": "BACKFILL", "required": False, "healthy": False})
        told = {"data": {"instance": {"daemonHealth": {"allDaemonStatuses": statuses}}}}
        return jsonify(told if answer is None else answer)

    with serve(app) as served:
        yield served.url
