"""The one table of Notion's errors: `classify` names the kind of a failed call, and the rest make our failures of it.

A call through notion-client fails with an error response, a timeout, a connection error, or a body that is no JSON or
nested too deeply (`call_errors`). The token endpoints word their errors like the API or like RFC 6749, section 5.2.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import JsonObject
from svp_dagster.notion.ids import object_id
from svp_dagster.retry_after import parse_retry_after
from svp_dagster.unknown_answers import report

if TYPE_CHECKING:
    from notion_client.errors import HTTPResponseError

CREDENTIAL_VARIABLES = "NOTION_CLIENT_ID, NOTION_CLIENT_SECRET"

MIN_RETRY_AFTER_S = 1.0
_THROTTLED = frozenset({429, 529})
_CONFLICT = 409
_WRONG_CREDENTIALS = frozenset({"invalid_client", "unauthorized"})
_LIMIT_MESSAGE = re.compile(
    r"\b(?:block|file|upload|plan|workspace|storage)\b.*\b(?:limits?|exceeds?)\b", re.IGNORECASE
)
_SCHEMA_MESSAGE = re.compile(
    r"is not a property that exists|property with name or id|is expected to be|does not match filter"
    r"|option .* (?:not found|does not exist)",
    re.IGNORECASE,
)
# Source: error texts quoted in outline/outline, NotionAPIImportTask.skippableErrorMessages (PR 9429, PR 10018).
_LINKED_VIEW_MESSAGE = re.compile(r"is a linked database|does not contain any data sources", re.IGNORECASE)
# Source: recorded requests of November 2026: an id that is no UUID of the RFC is a 400 validation_error.
_NO_ID_MESSAGE = re.compile(r"^path failed validation:.*\bvalid uuid\b", re.IGNORECASE | re.DOTALL)
_TRASH_MESSAGE = re.compile(r"\barchived\b|\bin the trash\b", re.IGNORECASE)


class ErrorKind(Enum):
    """What a failed call means for the next one."""

    THROTTLED = auto()
    """Notion asks to slow down: nothing was done, wait and repeat."""
    UNAUTHORIZED = auto()
    """Notion doesn't accept the token, or the client's credentials."""
    REFUSED = auto()
    """Notion refused the request for good: repeating it changes nothing."""
    BLOCKED = auto()
    """The edge in front of Notion refused the request, which Notion never saw."""
    UNKNOWN_OUTCOME = auto()
    """An outage or a lost response: the request may have had its effect, and repeating it may help."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a call is about: its name in sentences, and the code of the failure if Notion doesn't find it."""

    name: str
    not_found_code: Literal[Code.DATABASE_NOT_SHARED, Code.ROW_GONE]

    def not_found(self, detail: str) -> SvpError:
        """Return the failure for a subject that is gone or not shared with the connection."""
        if self.not_found_code is Code.ROW_GONE:
            return failure(Code.ROW_GONE, detail=detail)
        return failure(Code.DATABASE_NOT_SHARED, database=self.name, detail=detail)

    def require_id(self, text: str) -> str:
        """Return the id in `text`, normalised, so that nothing else becomes part of a path. Raises `not_found`."""
        found = object_id(text)
        if found is None:
            raise self.not_found("not an id of Notion's")
        return found


WORKSPACE = Subject(name="workspace", not_found_code=Code.DATABASE_NOT_SHARED)
LINK_DATABASE = Subject(name="Link Database", not_found_code=Code.DATABASE_NOT_SHARED)
CONTENT_DATABASE = Subject(name="Content Database", not_found_code=Code.DATABASE_NOT_SHARED)
RELATED_DATABASE = Subject(name="related database", not_found_code=Code.DATABASE_NOT_SHARED)
CONTENT_PAGE = Subject(name="page in the Content Database", not_found_code=Code.DATABASE_NOT_SHARED)
PARENT_PAGE = Subject(name="page for the new database", not_found_code=Code.DATABASE_NOT_SHARED)
DIGEST_HOME = Subject(name="page for the weekly digest", not_found_code=Code.DATABASE_NOT_SHARED)
ROW = Subject(name="Link Database", not_found_code=Code.ROW_GONE)


def call_errors() -> tuple[type[Exception], ...]:
    """Return every type of exception that a call through notion-client raises."""
    import httpx
    from notion_client.errors import HTTPResponseError, RequestTimeoutError

    return HTTPResponseError, RequestTimeoutError, httpx.HTTPError, ValueError, RecursionError


def classify(error: Exception) -> ErrorKind:
    """Return the kind of one of `call_errors`. Only an error that Notion itself worded counts as a refusal."""
    response = _response(error)
    if response is None:
        return ErrorKind.UNKNOWN_OUTCOME
    if response.status in _THROTTLED:
        return ErrorKind.THROTTLED
    if _is_edge_block(error):
        return ErrorKind.BLOCKED
    if not _error_body(error) or response.status >= 500 or response.status == _CONFLICT:
        return ErrorKind.UNKNOWN_OUTCOME
    return ErrorKind.UNAUTHORIZED if response.status == 401 else ErrorKind.REFUSED


def retry_after_s(error: Exception) -> float | None:
    """Return the seconds that Notion asks to wait, at least one; None if it names no time."""
    response = _response(error)
    asked_s = parse_retry_after(response.headers.get("retry-after")) if response is not None else None
    return None if asked_s is None else max(MIN_RETRY_AFTER_S, asked_s)


def refusal(error: Exception, subject: Subject) -> SvpError:
    """Return the failure for an API error of kind `REFUSED`."""
    body, detail = _error_body(error), describe(error)
    message, code = str(body.get("message", "")), body.get("code")
    if code == "object_not_found" or _TRASH_MESSAGE.search(message) or _NO_ID_MESSAGE.search(message):
        return subject.not_found(detail)
    if _LINKED_VIEW_MESSAGE.search(message):
        return failure(Code.LINKED_VIEW, detail=detail)
    if code == "restricted_resource":
        reason = f"the connection is not allowed to do this ({message})"
        return failure(Code.NOTION_REFUSED, reason=reason, detail=detail)
    if _LIMIT_MESSAGE.search(message):
        return failure(Code.NOTION_LIMITS, reason=message, detail=detail)
    if _SCHEMA_MESSAGE.search(message):
        return failure(Code.SCHEMA_CHANGED, database=subject.name, reason=message, detail=detail)
    report_unknown(error)
    return failure(Code.NOTION_REFUSED, reason=message, detail=detail)


def oauth_failure(error: Exception) -> SvpError:
    """Return the failure for an error of the token endpoints, of any kind.

    A code or refresh token that Notion doesn't accept (`invalid_grant`) is `not_connected`.
    """
    detail, code = f"oauth: {describe(error)}", str(_error_body(error).get("code"))
    match classify(error):
        case ErrorKind.THROTTLED:
            return failure(Code.NOTION_BUSY, detail=detail, retry_after_s=retry_after_s(error))
        case ErrorKind.UNKNOWN_OUTCOME:
            return failure(Code.NOTION_UNREACHABLE, detail=detail)
        case ErrorKind.BLOCKED:
            return failure(Code.NOTION_BLOCKED, detail=detail)
        case ErrorKind.REFUSED | ErrorKind.UNAUTHORIZED if code == "invalid_grant":
            return failure(Code.NOT_CONNECTED, detail=detail)
        case ErrorKind.REFUSED if code not in _WRONG_CREDENTIALS:
            report_unknown(error)
            return failure(Code.NOTION_REFUSED, reason=f"the sign-in ({code})", detail=detail)
        case ErrorKind.REFUSED | ErrorKind.UNAUTHORIZED:
            return failure(Code.KEY_REJECTED, service="Notion", setting=CREDENTIAL_VARIABLES, detail=detail)


def report_unknown(error: Exception) -> None:
    """Report an error response that no rule here knows."""
    if response := _response(error):
        kind = str(_error_body(error).get("code", "not worded by Notion"))
        report("Notion", status=response.status, kind=kind, headers=response.headers, body=response.body)


def is_worded(error: Exception) -> bool:
    """Return whether Notion itself worded an error response, or it is an outage that a proxy may word."""
    response = _response(error)
    return response is None or response.status >= 500 or bool(_error_body(error))


def describe(error: Exception) -> str:
    """Return status, code, request id and Ray ID of a failed call for the log, never a payload."""
    response = _response(error)
    if response is None:
        return type(error).__name__
    body = _error_body(error)
    parts = (str(body[name]) for name in ("code", "request_id") if body.get(name))
    ray = [f"cf-ray {response.headers['cf-ray']}"] if _is_edge_block(error) else []
    return " ".join([f"HTTP {response.status}", *parts, *ray])[:200]


def _response(error: Exception) -> HTTPResponseError | None:
    from notion_client.errors import HTTPResponseError

    return error if isinstance(error, HTTPResponseError) else None


def _is_edge_block(error: Exception) -> bool:
    # Source: makenotion/notion-sdk-js PR 751: HTML 403 with `cf-ray`; whatever Notion answers has a request id.
    response = _response(error)
    if response is None or response.status != 403 or _error_body(error):
        return False
    return "cf-ray" in response.headers and "x-notion-request-id" not in response.headers


def _error_body(error: Exception) -> JsonObject:
    """Return the body of an error that Notion worded, with its `code`; empty for a proxy's page and the like."""
    response = _response(error)
    try:
        body = json.loads(response.body) if response is not None else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    if isinstance(body.get("error"), str):  # RFC 6749
        return {"code": body["error"]} | body
    return body if body.get("object") == "error" else {}
