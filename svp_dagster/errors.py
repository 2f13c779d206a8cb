"""The failure table: everything that can go wrong, what it means and what the owner of the row can do.

    SvpError
    ├── TransientError    repeating it now may help (an op's own attempts)
    ├── PostponedError    repeating it later may help (the row waits)
    └── PermanentError    repeating it changes nothing: a person has to act
    ClaimLost             another run works on this row: end quietly, write nothing

Failures are made by `failure(Code.…)` alone, which looks the rest up in `TABLE`:

    raise failure(Code.GONE, detail=str(error)) from error

`sentence` is for the person who owns the row; it holds no secret and no stack trace. `detail` is for the log.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """Short names of failures, stable: they are stored, shown and counted."""

    UNSUPPORTED_LINK = "unsupported_link"
    UNKNOWN_TAG = "unknown_tag"
    LOGIN_REQUIRED = "login_required"
    GONE = "gone"
    PRIVATE = "private"
    BLOCKED_OR_REGION = "blocked_or_region"
    RATE_LIMITED = "rate_limited"
    SITE_CHANGED = "site_changed"
    SITE_UNREACHABLE = "site_unreachable"
    PLATFORM_PAUSED = "platform_paused"
    LIVE_STREAM = "live_stream"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    NO_MEDIA = "no_media"
    SOUND_ONLY = "sound_only"
    MEDIA_EMPTY = "media_empty"
    MEDIA_WRONG_KIND = "media_wrong_kind"
    MEDIA_TRUNCATED = "media_truncated"
    MEDIA_UNREADABLE = "media_unreadable"
    NOTHING_TO_READ = "nothing_to_read"
    AUDIO_UNREADABLE = "audio_unreadable"
    SPEECH_FAILED = "speech_failed"
    SCREEN_FAILED = "screen_failed"
    SERVICE_UNREACHABLE = "service_unreachable"
    KEY_REJECTED = "key_rejected"
    QUOTA_EXHAUSTED = "quota_exhausted"
    MODEL_RETIRED = "model_retired"
    SUMMARY_BLOCKED = "summary_blocked"
    SUMMARY_INVALID = "summary_invalid"
    NOT_CONNECTED = "not_connected"
    DATABASE_NOT_SHARED = "database_not_shared"
    SCHEMA_CHANGED = "schema_changed"
    ROW_GONE = "row_gone"
    ROW_CHANGED = "row_changed"
    NOTION_BUSY = "notion_busy"
    NOTION_LIMITS = "notion_limits"
    NOTION_UNREACHABLE = "notion_unreachable"
    NOTION_REFUSED = "notion_refused"
    BUDGET_REACHED = "budget_reached"
    STORAGE_FULL = "storage_full"
    STORE_UNREACHABLE = "store_unreachable"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    MISCONFIGURED = "misconfigured"
    INTERNAL = "internal"


class Retry(StrEnum):
    """When repeating can help."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class FailureKind:
    """A row of the table. `later_s` is how long a postponed row waits where the service named no time."""

    retry: Retry
    sentence: str
    later_s: int = 0


MINUTE_S, HOUR_S = 60, 3600
_SQLITE_ERROR, _SQLITE_FULL, _POSTGRES_DISK_FULL = 1, 13, "53100"  # a wrong statement; no space left
_JOINERS = "\u200c\u200d"  # parts of words in Persian and Hindi, and of emoji
MAX_FACT_CHARS = 300
"""Facts in a sentence come from services and pages: they are cut, so that no sentence outgrows a column."""


def _never(sentence: str) -> FailureKind:
    return FailureKind(retry=Retry.NEVER, sentence=sentence)


def _now(sentence: str) -> FailureKind:
    return FailureKind(retry=Retry.NOW, sentence=sentence)


def _later(seconds: int, sentence: str) -> FailureKind:
    return FailureKind(retry=Retry.LATER, sentence=sentence, later_s=seconds)


TABLE: dict[Code, FailureKind] = {
    Code.UNSUPPORTED_LINK: _never(
        "This link can't be used: {reason}. Put the link of one TikTok or Instagram post into the url column "
        "and set the status to pending."
    ),
    Code.UNKNOWN_TAG: _never(
        "{reason}. Choose a tag that has a Content Database, or register one for this tag, "
        "and set the status to pending."
    ),
    Code.LOGIN_REQUIRED: _never(
        "The site shows this post only to people who are logged in. Choose a public post, or ask the operator of "
        "this installation to add cookies of an account that may see it."
    ),
    Code.GONE: _never("This post no longer exists, or its link is mistyped. Check the link in a browser."),
    Code.PRIVATE: _never(
        "This post is private: only people its owner allows can see it. Choose a public post, or ask its owner."
    ),
    Code.BLOCKED_OR_REGION: _later(
        6 * HOUR_S,
        "The site doesn't show this post to our server: it is limited to other regions, or the server's address "
        "is blocked. An operator can set a proxy in another region.",
    ),
    Code.RATE_LIMITED: _later(15 * MINUTE_S, "The site asks us to slow down."),
    Code.SITE_CHANGED: _later(
        2 * HOUR_S,
        "The site changed and this post can't be read at the moment. The operator of this installation should update "
        "yt-dlp.",
    ),
    Code.SITE_UNREACHABLE: _now("The site didn't answer properly."),
    Code.PLATFORM_PAUSED: _later(
        15 * MINUTE_S,
        "Downloads from {platform} fail at the moment. This link waits, and starts by itself once they work again.",
    ),
    Code.LIVE_STREAM: _never("This is a live stream. Save the link of its recording once it has ended."),
    Code.TOO_LONG: _never("This video is {reason}. Choose a shorter one, or ask the operator to raise the limit."),
    Code.TOO_LARGE: _never("This video is {reason}. Choose a smaller one, or ask the operator to raise the limit."),
    Code.NO_MEDIA: _never("This post has no video, picture or sound that can be read. Check the link in a browser."),
    Code.SOUND_ONLY: _never(
        "This file holds sound alone, no picture. Save a link to a video, a photo post or a carousel."
    ),
    Code.MEDIA_EMPTY: _never("The video's file is empty. Check that the post plays in a browser."),
    Code.MEDIA_WRONG_KIND: _never(
        "The site delivered a text instead of a video. Check that the post plays in a browser."
    ),
    Code.MEDIA_TRUNCATED: _never(
        "The video's file breaks off: {read_to} can be read. Check that the post plays in a browser to its end."
    ),
    Code.MEDIA_UNREADABLE: _never(
        "The downloaded file is not a video that can be read: it is empty, damaged or of another kind. "
        "Check that it plays in a browser."
    ),
    Code.NOTHING_TO_READ: _never(
        "There is nothing to make a page of: no speech was heard, no text was read on the screen, and the post has "
        "no caption."
    ),
    Code.AUDIO_UNREADABLE: _never("The video's sound can't be decoded. Check that it plays in a browser."),
    Code.SPEECH_FAILED: _now("The speech service didn't give an answer that can be used."),
    Code.SCREEN_FAILED: _now("The text on the screen couldn't be read."),
    Code.SERVICE_UNREACHABLE: _now("{service} didn't answer in time or reported an outage."),
    Code.KEY_REJECTED: _never(
        "{service} doesn't accept this installation's key. The operator has to set a valid one ({setting})."
    ),
    Code.QUOTA_EXHAUSTED: _later(
        HOUR_S,
        "This installation's quota at {service} is used up. The operator has to add credit or wait for the next "
        "period.",
    ),
    Code.MODEL_RETIRED: _never(
        "The model {model} is not available at {service} (any more). The operator has to name another in {setting}."
    ),
    Code.SUMMARY_BLOCKED: _never(
        "The summary service refused this video's content ({reason}). Another video, or another engine, is needed."
    ),
    Code.SUMMARY_INVALID: _never(
        "The summary service gave an answer that doesn't fit the Content Database, twice. Set the status to pending "
        "to try again, or make the schema prompt simpler."
    ),
    Code.NOT_CONNECTED: _never(
        "The connection to Notion has ended. Connect Notion again on the app's start page, then set the status to "
        "pending."
    ),
    Code.DATABASE_NOT_SHARED: _never(
        "The {database} can't be found: it was deleted, or is no longer shared with this connection. Restore or "
        "share it in Notion (••• → Connections), or register another, then set the status to pending."
    ),
    Code.SCHEMA_CHANGED: _never(
        "The columns of the {database} changed: {reason}. Refresh its schema on the app's page, or undo the change, "
        "then set the status to pending."
    ),
    Code.ROW_GONE: _never("The row was deleted in Notion while it was worked on."),
    Code.ROW_CHANGED: _later(
        MINUTE_S, "The {column} was changed while this link was worked on. It starts again with what the row says now."
    ),
    Code.NOTION_BUSY: _later(5 * MINUTE_S, "Notion asks this connection to slow down."),
    Code.NOTION_LIMITS: _never("Notion refused the page because of a limit of this workspace: {reason}."),
    Code.NOTION_UNREACHABLE: _now("Notion didn't answer properly."),
    Code.NOTION_REFUSED: _never("Notion refused what was written: {reason}."),
    Code.BUDGET_REACHED: _never(
        "This month's budget of {budget} is used up. Raise it, or wait for the next month, then set the status to "
        "pending."
    ),
    Code.STORAGE_FULL: _later(
        HOUR_S, "This installation has no space left on its disk. The operator has to make room."
    ),
    Code.STORE_UNREACHABLE: _now("This installation's database didn't answer."),
    Code.CANCELLED: _never("The run was stopped by an operator. Set the status to pending to start it again."),
    Code.INTERRUPTED: _later(5 * MINUTE_S, "The machine stopped while this link was worked on."),
    Code.MISCONFIGURED: _never("This installation is not set up properly: {reason}. Tell the operator."),
    Code.INTERNAL: _never(
        "Something unexpected went wrong; it is in the operator's log under this row's id. Set the status to pending "
        "to try again."
    ),
}


class SvpError(Exception):
    """A failure of the table. `retry_after_s` is the wait that a service asked for, or the table's for `later`."""

    retry: ClassVar[Retry]

    def __init__(self, code: Code, *, sentence: str, detail: str, retry_after_s: float | None) -> None:
        super().__init__(f"{code}: {detail or sentence}")
        self.code = code
        self.sentence = sentence
        self.detail = detail
        self.retry_after_s = retry_after_s


class TransientError(SvpError):
    """Repeating it now may help."""

    retry = Retry.NOW


class PostponedError(SvpError):
    """Repeating it later may help."""

    retry = Retry.LATER


class PermanentError(SvpError):
    """Repeating it changes nothing."""

    retry = Retry.NEVER


class ClaimLost(Exception):
    """Another run holds this row now: stop and write nothing."""


_TYPES: dict[Retry, type[SvpError]] = {
    Retry.NOW: TransientError,
    Retry.LATER: PostponedError,
    Retry.NEVER: PermanentError,
}


def failure(
    code: Code,
    *,
    detail: str = "",
    retry: Retry | None = None,
    retry_after_s: float | None = None,
    **facts: str,
) -> SvpError:
    """The exception for `code`, to be raised `from` its cause.

    `facts` fill the sentence's placeholders (`reason`, `service`, …); a missing one is a `KeyError`: a defect.
    `retry` overrides the table's class where the cause says more than the code.
    """
    kind = TABLE[code]
    chosen = retry or kind.retry
    if retry_after_s is None and chosen is Retry.LATER:
        retry_after_s = float(kind.later_s or HOUR_S)
    sentence = kind.sentence.format(**{name: _in_one_line(fact) for name, fact in facts.items()})
    return _TYPES[chosen](code, sentence=sentence, detail=detail, retry_after_s=retry_after_s)


def _in_one_line(fact: str) -> str:
    """Without line breaks, control and direction characters, and not endless."""
    visible = "".join(sign if sign.isprintable() or sign in _JOINERS else " " for sign in fact[: 10 * MAX_FACT_CHARS])
    line = " ".join(visible.split())
    return line if len(line) <= MAX_FACT_CHARS else line[: MAX_FACT_CHARS - 1].rstrip() + "…"


def as_failure(error: BaseException) -> SvpError:
    """The failure behind an exception: itself, one in its chain of causes, or `internal`."""
    for cause in _causes(error):
        if isinstance(cause, SvpError):
            return cause
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return failure(Code.STORAGE_FULL, detail="no space left on device")
        if told := _of_the_store(cause):
            return told
    return failure(Code.INTERNAL, detail=type(error).__name__)


def recalled(*, code: str, sentence: str, retry: str, retry_after_s: float | None) -> SvpError:
    """A failure that was written down earlier, as it was. Raises ValueError for what never was one."""
    return _TYPES[Retry(retry)](Code(code), sentence=sentence, detail="recalled", retry_after_s=retry_after_s)


def _of_the_store(cause: BaseException) -> SvpError | None:
    """The failure behind a database that doesn't answer; None for anything else, a wrong statement for example.

    The exception's own text is left out: it can hold the address, the statement and its values.
    """
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

    if isinstance(cause, TimeoutError):  # no connection became free
        return failure(Code.STORE_UNREACHABLE, detail="TimeoutError")
    if not isinstance(cause, InterfaceError | OperationalError) and not (
        isinstance(cause, DBAPIError) and cause.connection_invalidated
    ):
        return None
    sqlite_code = getattr(cause.orig, "sqlite_errorcode", 0) & 0xFF
    if sqlite_code == _SQLITE_ERROR:
        return None
    if sqlite_code == _SQLITE_FULL or getattr(cause.orig, "pgcode", None) == _POSTGRES_DISK_FULL:
        return failure(Code.STORAGE_FULL, detail="no space left for the database")
    return failure(Code.STORE_UNREACHABLE, detail=type(cause.orig).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it, nearest first. `from None` ends the chain, and a circle is walked once."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
