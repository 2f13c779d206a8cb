"""A stand-in for Dagster's web server: heartbeats, or what Dagster's own schema says of an instance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import dagster as dg
from dagster_graphql.schema import create_schema
from flask import Flask, jsonify, request

from sandbox.serving import serve


@contextmanager
def dagster(
    *, silent: tuple[str, ...] = (), answer: Any = None, instance: dg.DagsterInstance | None = None
) -> Iterator[str]:
    """Its address. `silent` daemons have no heartbeat; `answer` is given instead of the truth.

    With an `instance` Dagster's schema answers.
    """
    app = Flask("dagster")

    @app.post("/graphql")
    def graphql() -> Any:
        if instance is not None:
            result = create_schema().execute(request.json["query"], context_value=SimpleNamespace(instance=instance))
            return jsonify(data=result.data, errors=[str(error) for error in result.errors or ()])
        kinds = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR")
        statuses = [{"daemonType": kind, "required": True, "healthy": kind not in silent} for kind in kinds]
        statuses.append({"daemonType": "BACKFILL", "required": False, "healthy": False})
        told = {"data": {"instance": {"daemonHealth": {"allDaemonStatuses": statuses}}}}
        return jsonify(told if answer is None else answer)

    with serve(app) as served:
        yield served.url
