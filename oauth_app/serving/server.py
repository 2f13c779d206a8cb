"""The web server: what it logs, and how it starts and stops."""

from __future__ import annotations

import resource
import sys
from functools import partial
from typing import Any, cast

import uvicorn

from oauth_app.app import create_app
from oauth_app.serving.buffered import BufferedApp
from oauth_app.serving.deadlines import Deadlines
from oauth_app.serving.protocol import DeadlineProtocol
from svp_dagster.errors import SvpError
from svp_dagster.settings import Settings
from svp_dagster.telemetry.logs import set_up

STOP_LIMIT_S = 10
"""How long open requests may take to end after SIGTERM."""
KEEP_ALIVE_S = 75
"""Longer than a proxy keeps its idle connections (nginx: 60 s), so that it never sends into one that we close."""
MANY_FILES = 65_536


def server(app: Any, *, host: str, port: int, threads: int, deadlines: Deadlines) -> uvicorn.Server:
    """Return the web server of a Flask app. Proxies' headers are the app's own matter."""
    buffered = BufferedApp(
        app,
        threads=threads,
        longest_body=app.config["MAX_CONTENT_LENGTH"],
        deadlines=deadlines,
        streamed_paths=app.config.get("STREAMED_PATHS", ()),
        streaming_threads=app.config.get("STREAMING_THREADS", 1),
    )
    return uvicorn.Server(
        uvicorn.Config(
            buffered,
            host=host,
            port=port,
            http=cast(type[DeadlineProtocol], partial(DeadlineProtocol, deadlines=deadlines)),
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_LIMIT_S,
        )
    )


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    settings = Settings()
    set_up(settings)
    _allow_many_connections()
    try:
        app = create_app()
    except SvpError as error:
        sys.exit(error.sentence)
    server(
        app, host=settings.app_host, port=settings.app_port, threads=settings.app_threads, deadlines=Deadlines()
    ).run()


def _allow_many_connections() -> None:
    # Each connection is an open file, of which a process may often have 1,024 only unless it asks for more.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(MANY_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
