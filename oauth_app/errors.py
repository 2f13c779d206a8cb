"""Error answers: one JSON shape for scripts, a page for people."""

from __future__ import annotations

import logging
from datetime import datetime

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from oauth_app.services import services
from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.models import Value
from svp_dagster.store.connections import Connection
from svp_dagster.store.entries import Entry

logger = logging.getLogger(__name__)

SCRIPT_PATHS = ("/api/", "/webhooks/", "/health", "/ready", "/metrics", "/openapi.json")
"""Where errors are JSON."""

_STATUS_OF = {
    Code.NOT_CONNECTED: 409,
    Code.DATABASE_NOT_SHARED: 404,
    Code.ROW_GONE: 404,
    Code.SCHEMA_CHANGED: 409,
    Code.NOTION_BUSY: 429,
    Code.NOTION_UNREACHABLE: 503,
    Code.KEY_REJECTED: 503,
    Code.MISCONFIGURED: 503,
    Code.STORAGE_FULL: 503,
    Code.STORAGE_FAILED: 503,
    Code.INTERNAL: 500,
}

_PLAIN_WORDS = {
    400: ("That request can't be understood", "Go back, reload the page and try again."),
    401: ("Connect Notion first", "You are not signed in, or not any more."),
    403: ("Not allowed", "This can't be done from here."),
    404: ("Nothing here", "This page doesn't exist, or it belongs to another workspace."),
    405: ("That can't be done here", "Go back and use the buttons of the page."),
    413: ("Too much at once", "What was sent is larger than this app takes."),
    429: ("A little slower, please", "Too many requests came from you just now. Wait a minute and try again."),
}
RETRY_AFTER_S = 60
"""When a service that doesn't answer is worth another try."""
_UNEXPECTED = ("Something went wrong here", "It is in the operator's log. Try again in a moment.")


class Choice(Value):
    """One of several data sources to choose from."""

    data_source_id: str
    title: str


class Problem(Value):
    """What every error looks like in JSON.

    `entry_id` and `retry_count` (how often its run was tried again) are null where no link entry is concerned.
    """

    error: str = Field(description="A short name that stays the same.", examples=["unknown_tag"])
    message: str = Field(description="A sentence for people: what happened, what to do.")
    entry_id: str | None = None
    timestamp: datetime
    retry_count: int | None = None
    details: tuple[str, ...] = Field(default=(), description="One line per thing that is wrong.")
    choices: tuple[Choice, ...] = Field(default=(), description="What to choose from, where a choice is missing.")


class Refusal(Exception):
    """The request can't be fulfilled as it is; becomes a `Problem` or a page."""

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        *,
        entry: Entry | None = None,
        entry_id: str | None = None,
        details: tuple[str, ...] = (),
        choices: tuple[Choice, ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message
        self.entry_id = entry.link.page_id if entry else entry_id
        self.retry_count = retry_count(entry) if entry else 0 if entry_id else None
        self.details, self.choices = details, choices
        self.retry_after_s = retry_after_s

    def problem(self, *, now: datetime) -> Problem:
        """Return the JSON form."""
        return Problem(
            error=self.error,
            message=self.message,
            entry_id=self.entry_id,
            timestamp=now,
            retry_count=self.retry_count,
            details=self.details,
            choices=self.choices,
        )


def require_notion(connection: Connection, purpose: str) -> None:
    """Refuse an account without Notion. `purpose` is what it would be connected for."""
    if not connection.has_notion:
        raise Refusal(409, Code.NOT_CONNECTED, f"Connect Notion to {purpose}.")


def retry_count(entry: Entry) -> int:
    """Return how often the run of an entry was repeated since a person last requested it."""
    return max(entry.attempts - 1, 0)


def refusal(error: SvpError, *, entry: Entry | None = None) -> Refusal:
    """Return a failure of the table as an answer."""
    status = _STATUS_OF.get(error.code, 503 if error.retry is Retry.LATER else 422)
    after_s = RETRY_AFTER_S if status == 503 else None
    return Refusal(status, error.code, error.sentence, entry=entry, retry_after_s=after_s)


def init_app(app: Flask) -> None:
    """Register a handler for every kind of error."""
    app.register_error_handler(Refusal, _answer)
    app.register_error_handler(SvpError, _on_failure)
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(SQLAlchemyError, _on_database)


def is_script() -> bool:
    """Return whether the request wants JSON rather than a page."""
    return request.path.startswith(SCRIPT_PATHS)


def _answer(refused: Refusal, title: str | None = None) -> Response:
    if is_script():
        answer = jsonify(refused.problem(now=services().now()).model_dump(mode="json"))
    else:
        heading = title or _PLAIN_WORDS.get(refused.status, _UNEXPECTED)[0]
        answer = make_response(render_template("error.html", heading=heading, refused=refused))
    answer.status_code = refused.status
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    if refused.status == 401 and request.path.startswith("/api/"):
        # RFC 6750, section 3: the error is named where a token was sent, and why it isn't valid is nobody's business.
        is_token = request.headers.get("Authorization", "").lower().startswith("bearer ")
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if is_token else "Bearer"
    return answer


def _on_failure(error: SvpError) -> Response:
    logger.warning("%s %s: %s", request.method, request.path, error.code)
    return _answer(refusal(error), title="That didn't work")


def _on_csrf(_: CSRFError) -> Response:
    words = "This page was open for too long, or came from elsewhere. Go back, reload it and try again."
    return _answer(Refusal(400, "csrf_token_missing", words))


def _on_http(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    heading, words = _PLAIN_WORDS.get(status, _UNEXPECTED)
    answer = _answer(Refusal(status, error.name.lower().replace(" ", "_").replace("'", ""), words), title=heading)
    answer.headers.extend([pair for pair in error.get_headers() if pair[0] in ("Allow", "Content-Range")])
    return answer


def _on_database(error: SQLAlchemyError) -> Response:
    # The exception's text holds statement and parameters: its type is enough.
    logger.error("%s %s: the database failed: %s", request.method, request.path, type(error).__name__)
    g.caller = None  # else the page asks the database again who is signed in
    return _answer(Refusal(503, "database_unavailable", "The app's database doesn't answer. Try again in a moment."))
