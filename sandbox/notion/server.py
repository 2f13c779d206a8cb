"""Puts the stand-in for Notion together: `create_app` for tests, `run` for a process of its own."""

from pathlib import Path
from typing import Any, Literal

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox import faults as fault_injection
from sandbox.faults import FaultPlan
from sandbox.notion import web
from sandbox.notion.endpoints import (
    blocks,
    comments,
    control,
    data_sources,
    databases,
    edge,
    file_uploads,
    oauth,
    odd_databases,
    pages,
    search,
    users,
)
from sandbox.notion.errors import NotionError, invalid_url
from sandbox.notion.state.app_state import AppState, register, state
from sandbox.notion.state.session import new_id
from sandbox.notion.state.store import Store
from sandbox.notion.state.webhooks import Webhooks
from sandbox.recorder import Recorder
from sandbox.serving import Served, serve

LARGEST_REQUEST_BYTES = 64 * 1024 * 1024


class NotionApp(Flask):
    """A Flask app in which every request is one transaction, and its changes are told once it is through."""

    def dispatch_request(self) -> Any:
        """Runs the route; a refusal leaves nothing behind."""
        request.environ["sandbox.request_id"] = new_id()
        parts = state()
        with parts.store.transaction():
            answer = super().dispatch_request()
        if "session" in g:
            parts.webhooks.publish(g.session.events)
        return answer

    def close(self) -> None:
        """Ends the webhooks' thread and closes the database."""
        with self.app_context():
            parts = state()
        parts.webhooks.stop()
        parts.store.close()


def create_app(
    *,
    database: Path | None = None,
    client: tuple[str, str] | None = None,
    exact_times: bool = False,
    # Source: developers.notion.com/reference/query-a-data-source: 10,000 results a query.
    query_limit: int = 10_000,
    oauth_errors: Literal["api", "rfc6749"] = "api",
    faults: FaultPlan | None = None,
    recorder: Recorder | None = None,
) -> NotionApp:
    """The stand-in as a Flask app; `close()` it when done.

    `database`: an SQLite file, None for one in memory. `client`: the only OAuth client id and secret accepted, None
    for any. `exact_times`: times in answers are not cut to the minute. `query_limit`: the most rows that one query
    reaches before it answers `incomplete`. `oauth_errors`: the shape of the token endpoints' refusals: `api` as in
    Notion's description of itself, or `rfc6749` as it has also been seen to answer.
    """
    app = NotionApp(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    parts = AppState(
        store=Store(database),
        webhooks=Webhooks(),
        client=client,
        exact_times=exact_times,
        query_limit=query_limit,
        oauth_errors=oauth_errors,
        faults=faults or FaultPlan(),
    )
    register(app, parts)
    fault_injection.install(app, faults=parts.faults, recorder=recorder or Recorder())
    app.after_request(_name_request)
    for module in (
        oauth,
        users,
        search,
        databases,
        data_sources,
        pages,
        blocks,
        comments,
        file_uploads,
        control,
        odd_databases,
        web,
    ):
        app.register_blueprint(module.routes)
    app.register_error_handler(NotionError, _refused)
    app.register_error_handler(HTTPException, _no_route)
    return app


def run(port: int, data_dir: Path) -> "Running":
    """Serves on loopback, with everything kept in `data_dir`; port 0 takes a free one."""
    app = create_app(database=data_dir / "notion.sqlite3", recorder=Recorder(record_path=data_dir / "requests.jsonl"))
    return Running(app, serve(app, port=port))


class Running:
    """The stand-in while it runs."""

    def __init__(self, app: NotionApp, served: Served) -> None:
        self.url = served.url
        self._app = app
        self._served = served

    def stop(self) -> None:
        """Ends the server and closes what it holds."""
        self._served.stop()
        self._app.close()


def _refused(error: NotionError) -> Response:
    request_id = request.environ.get("sandbox.request_id", new_id())
    answer = jsonify(error.body(request_id))
    answer.status_code = error.status
    if error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _name_request(answer: Response) -> Response:
    """Put the headers that Notion and the edge before it give every answer of the API."""
    if request.path.startswith("/v1/"):
        # Source: makenotion/notion-sdk-js PR 751: answers of Notion have x-notion-request-id, those of the edge have
        # cf-ray only.
        answer.headers["x-notion-request-id"] = request.environ.get("sandbox.request_id", new_id())
        answer.headers["cf-ray"] = edge.ray_id()
    return answer


def _no_route(error: HTTPException) -> Response | HTTPException:
    """Notion answers what it has no endpoint for as a 400; people's pages keep their own answers."""
    # Source: developers.notion.com/reference/status-codes: 400 invalid_request_url.
    if request.path.startswith("/v1/") and error.code in (404, 405):
        return _refused(invalid_url())
    return error
