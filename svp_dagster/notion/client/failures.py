"""What Notion's answers and silences mean: a verdict for each way in which a call can fail."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import JsonObject
from svp_dagster.retry_after import parse_retry_after

if TYPE_CHECKING:
    from notion_client.errors import HTTPResponseError

DEFAULT_RETRY_AFTER_S, MIN_RETRY_AFTER_S = 2.0, 1.0
_SLOW_DOWN = frozenset({429, 529})
_CONFLICT = 409
_LIMIT_WORDS = re.compile(r"\b(?:block|file|upload|plan|workspace|storage)\b.*\b(?:limits?|exceeds?)\b", re.IGNORECASE)
_SCHEMA_WORDS = re.compile(
    r"is not a property that exists|property with name or id|is expected to be|does not match filter"
    r"|option .* (?:not found|does not exist)",
    re.IGNORECASE,
)
_TRASH_WORDS = re.compile(r"\barchived\b|\bin the trash\b", re.IGNORECASE)


class Verdict(Enum):
    """What a failed call says about the next one."""

    SLOW_DOWN = "wait as long as Notion asks"
    UNAUTHORIZED = "the token is no longer taken"
    REFUSED = "repeating changes nothing"
    UNSURE = "it may have worked, and repeating may help"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a call is about: how it is called in sentences, and the code for when it isn't there."""

    name: str
    gone: Literal[Code.DATABASE_NOT_SHARED, Code.ROW_GONE]

    def missing(self, detail: str) -> SvpError:
        """Return the failure for when it isn't there, or isn't shared with the connection."""
        if self.gone is Code.ROW_GONE:
            return failure(Code.ROW_GONE, detail=detail)
        return failure(Code.DATABASE_NOT_SHARED, database=self.name, detail=detail)


WORKSPACE = Subject(name="workspace", gone=Code.DATABASE_NOT_SHARED)
LINK_DATABASE = Subject(name="Link Database", gone=Code.DATABASE_NOT_SHARED)
CONTENT_DATABASE = Subject(name="Content Database", gone=Code.DATABASE_NOT_SHARED)
RELATED_DATABASE = Subject(name="related database", gone=Code.DATABASE_NOT_SHARED)
CONTENT_PAGE = Subject(name="page in the Content Database", gone=Code.DATABASE_NOT_SHARED)
PARENT_PAGE = Subject(name="page for the new database", gone=Code.DATABASE_NOT_SHARED)
ROW = Subject(name="Link Database", gone=Code.ROW_GONE)


def call_errors() -> tuple[type[Exception], ...]:
    """All that a call through notion-client raises: an error answer, silence, no connection, a body that is no JSON."""
    import httpx
    from notion_client.errors import HTTPResponseError, RequestTimeoutError

    return HTTPResponseError, RequestTimeoutError, httpx.HTTPError, ValueError


def verdict(error: Exception) -> Verdict:
    """The verdict on one of `call_errors`. Only an error that Notion itself worded counts as a refusal."""
    answer = _answer(error)
    if answer is None:
        return Verdict.UNSURE
    if answer.status in _SLOW_DOWN:
        return Verdict.SLOW_DOWN
    if not _notions_words(error) or answer.status >= 500 or answer.status == _CONFLICT:
        return Verdict.UNSURE
    return Verdict.UNAUTHORIZED if answer.status == 401 else Verdict.REFUSED


def retry_after_s(error: Exception) -> float:
    """Return the seconds that Notion asks to wait, at least one."""
    answer = _answer(error)
    asked_s = parse_retry_after(answer.headers.get("retry-after")) if answer is not None else None
    return DEFAULT_RETRY_AFTER_S if asked_s is None else max(MIN_RETRY_AFTER_S, asked_s)


def refusal(error: Exception, subject: Subject) -> SvpError:
    """The failure for an error of verdict `REFUSED`."""
    words, detail = _notions_words(error), describe(error)
    message, code = str(words.get("message", "")), words.get("code")
    if code == "object_not_found" or _TRASH_WORDS.search(message):
        return subject.missing(detail)
    if code == "restricted_resource":
        reason = f"the connection is not allowed to do this ({message})"
        return failure(Code.NOTION_REFUSED, reason=reason, detail=detail)
    if _LIMIT_WORDS.search(message):
        return failure(Code.NOTION_LIMITS, reason=message, detail=detail)
    if _SCHEMA_WORDS.search(message):
        return failure(Code.SCHEMA_CHANGED, database=subject.name, reason=message, detail=detail)
    return failure(Code.NOTION_REFUSED, reason=message, detail=detail)


def describe(error: Exception) -> str:
    """The failed call in a few words for the log: kind, status and Notion's request id, never a payload."""
    answer = _answer(error)
    if answer is None:
        return type(error).__name__
    words = _notions_words(error)
    told = (str(words[name]) for name in ("code", "request_id") if words.get(name))
    return " ".join([f"HTTP {answer.status}", *told])[:200]


def _answer(error: Exception) -> HTTPResponseError | None:
    from notion_client.errors import HTTPResponseError

    return error if isinstance(error, HTTPResponseError) else None


def _notions_words(error: Exception) -> JsonObject:
    """The body of an error that Notion worded; empty for a proxy's page and the like."""
    answer = _answer(error)
    try:
        body = json.loads(answer.body) if answer is not None else None
    except ValueError:
        return {}
    return body if isinstance(body, dict) and body.get("object") == "error" else {}
