"""Notion's error answers: one exception type and a maker for each refusal.

NotionError
  validation(message)                 400 validation_error, in the service's own words
  failed(path, expectation, value)    400 validation_error, "body failed validation: …"
  not_found(kind, id)                 404 object_not_found (also: not shared with the connection)
  unauthorized()                      401 unauthorized
  rate_limited(seconds)               429 rate_limited with an integer Retry-After
"""

import json
from typing import Any, Final

MISSING: Final = object()
"""What stands for a value that was not sent; Notion's messages call it `undefined`."""


class NotionError(Exception):
    """A refusal as the API words it; `status` is the HTTP status, `code` Notion's error code."""

    def __init__(self, status: int, code: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON object that the API answers with."""
        return {
            "object": "error",
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "request_id": request_id,
        }


def validation(message: str) -> NotionError:
    """400 `validation_error`, with the whole message given."""
    # Source: developers.notion.com/reference/status-codes: 400 validation_error.
    return NotionError(400, "validation_error", message)


def failed(path: str, expectation: str, value: object = MISSING) -> NotionError:
    """400 `validation_error` for one place of the request: `path` should be `expectation`, instead was `value`."""
    # Source: malinkang/weread2notion issue 70: "path failed validation: … should be …, instead was `…`.".
    where = path.split(".", 1)[0].split("[", 1)[0]
    return validation(f"{where} failed validation: {mismatch(path, expectation, value)}")


def mismatch(path: str, expectation: str, value: object = MISSING) -> str:
    """One sentence of a validation message."""
    return f"{path} should be {expectation}, instead was `{_quoted(value)}`."


def not_found(kind: str, object_id: str) -> NotionError:
    """404: no such object, or one that is not shared with the connection; Notion does not tell which."""
    # Source: developers.notion.com/reference/status-codes: 404 object_not_found, "also not shared"; its words in 1,860
    # recorded exchanges compared in November 2026.
    sharing = "Make sure the relevant pages and databases are shared with your integration."
    return NotionError(
        404, "object_not_found", f"Could not find {kind.replace('_', ' ')} with ID: {object_id}. {sharing}"
    )


def unauthorized() -> NotionError:
    """401: the token is unknown, expired or revoked."""
    # Source: developers.notion.com/reference/status-codes: 401 unauthorized; its words in 1,860 recorded exchanges
    # compared in November 2026.
    return NotionError(401, "unauthorized", "API token is invalid.")


def invalid_url() -> NotionError:
    """400: no endpoint has this path and method."""
    # Source: developers.notion.com/reference/status-codes: 400 invalid_request_url.
    return NotionError(400, "invalid_request_url", "Invalid request URL.")


def rate_limited(retry_after_s: int) -> NotionError:
    """429 with the whole seconds to wait."""
    return NotionError(
        429, "rate_limited", "You have been rate limited. Please try again later.", retry_after_s=retry_after_s
    )


def archived() -> NotionError:
    """400: the object itself is in the trash."""
    # Source: 1,860 recorded exchanges compared in November 2026: an object in the trash is refused with 400
    # validation_error.
    return validation("Can't edit block that is archived. You must unarchive the block before editing.")


def archived_ancestor() -> NotionError:
    """400: something above the object is in the trash."""
    return validation(
        "Can't edit page on block with an archived ancestor. You must unarchive the ancestor before editing page."
    )


def _quoted(value: object) -> str:
    # Assumed: a value is cut after 55 characters. If wrong: nothing that people see. Check: none.
    if value is MISSING:
        return "undefined"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= 55 else text[:55] + "..."
