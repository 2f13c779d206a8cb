"""The failure table: everything that can go wrong, when repeating can help, and what the owner of the row can do.

    SvpError     a failure of the table; `retry` says when repeating it can help: now, later or never
    ClaimLost    another run works on this row: end quietly, write nothing
    EntryGone    the store has no such row (any more): end quietly, write nothing

`failure` makes the failures and looks everything but the facts up in `TABLE`:

    raise failure(Code.GONE, detail=str(error)) from error

`sentence` is for the person who owns the row and holds no secret and no stack trace. `detail` is for the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypedDict, Unpack, get_args, overload


class Code(StrEnum):
    """Names of failures. They are stored, shown and counted, so they don't change."""

    UNSUPPORTED_LINK = "unsupported_link"
    UNKNOWN_TAG = "unknown_tag"
    LOGIN_REQUIRED = "login_required"
    GONE = "gone"
    PRIVATE = "private"
    BLOCKED_OR_REGION = "blocked_or_region"
    POST_UNAVAILABLE = "post_unavailable"
    ADDRESS_BLOCKED = "address_blocked"
    ROBOT_SUSPECTED = "robot_suspected"
    RATE_LIMITED = "rate_limited"
    SITE_CHANGED = "site_changed"
    SITE_UNREACHABLE = "site_unreachable"
    PLATFORM_PAUSED = "platform_paused"
    WAITS_TURN = "waits_turn"
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
    LINKED_VIEW = "linked_view"
    SCHEMA_CHANGED = "schema_changed"
    ROW_GONE = "row_gone"
    PAGE_GONE = "page_gone"
    ROW_CHANGED = "row_changed"
    NOTION_BUSY = "notion_busy"
    NOTION_LIMITS = "notion_limits"
    NOTION_UNREACHABLE = "notion_unreachable"
    NOTION_BLOCKED = "notion_blocked"
    NOTION_REFUSED = "notion_refused"
    BUDGET_REACHED = "budget_reached"
    CONNECTION_BUDGET_REACHED = "connection_budget_reached"
    NEW_CONNECTION_BUDGET_REACHED = "new_connection_budget_reached"
    INSTALLATION_BUDGET_REACHED = "installation_budget_reached"
    STORAGE_FULL = "storage_full"
    STORAGE_FAILED = "storage_failed"
    STORE_UNREACHABLE = "store_unreachable"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    RESULTS_GONE = "results_gone"
    MISCONFIGURED = "misconfigured"
    INTERNAL = "internal"


class Retry(StrEnum):
    """When repeating can help."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class FailureKind:
    """An entry of the table. `later_s` is how long a row waits where the service named no time."""

    retry: Retry
    sentence: str
    later_s: int = 0


MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
_JOINERS = "\u200c\u200d"  # parts of words in Persian and Hindi, and of emoji
MAX_FACT_CHARS = 300
"""Facts in a sentence come from services and pages. They are cut, so that no sentence outgrows a column."""


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
        "The site doesn't show this post in the region of our server. An operator can set a proxy in another region.",
    ),
    Code.POST_UNAVAILABLE: _later(
        2 * HOUR_S,
        "The site doesn't show this post at the moment: {reason}. Check in a browser whether it can be seen there.",
    ),
    Code.ADDRESS_BLOCKED: _later(
        6 * HOUR_S, "The site refuses to answer our server's address. An operator can set a proxy."
    ),
    Code.ROBOT_SUSPECTED: _later(
        2 * HOUR_S,
        "The site takes our server for a robot, whichever browser it asks as. An operator can set a proxy, or cookies "
        "of an account; a newer curl_cffi may help too.",
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
    Code.WAITS_TURN: _later(
        5 * MINUTE_S,
        "Instagram shows our server only a few posts at a time. This link waits its turn, and starts by itself at "
        "about {when}.",
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
    Code.LINKED_VIEW: _never(
        "This is a linked view, or a database without data of its own. Open the original database in Notion, share it "
        "with this connection (••• → Connections), and register its link."
    ),
    Code.SCHEMA_CHANGED: _never(
        "The columns of the {database} changed: {reason}. Refresh its schema on the app's page, or undo the change, "
        "then set the status to pending."
    ),
    Code.ROW_GONE: _never("The row was deleted in Notion while it was worked on."),
    Code.PAGE_GONE: _never(
        "Its page was deleted in Notion, or is not in the tag's database, so it was not updated. To get a new page, "
        "set the status to pending."
    ),
    Code.ROW_CHANGED: _later(
        MINUTE_S, "The {column} was changed while this link was worked on. It starts again with what the row says now."
    ),
    Code.NOTION_BUSY: _later(5 * MINUTE_S, "Notion asks this connection to slow down."),
    Code.NOTION_LIMITS: _never("Notion refused the page because of a limit of this workspace: {reason}."),
    Code.NOTION_UNREACHABLE: _now("Notion didn't answer properly."),
    Code.NOTION_BLOCKED: _later(
        HOUR_S,
        "The network in front of Notion turned this installation away before Notion saw the request. The operator "
        "finds the Ray ID for Notion's support in the log.",
    ),
    Code.NOTION_REFUSED: _never("Notion refused what was written: {reason}."),
    Code.BUDGET_REACHED: _later(
        DAY_S,
        "Your budget of {budget} for this month is used up. To go on before the next month, raise it on the app's "
        "settings page.",
    ),
    Code.CONNECTION_BUDGET_REACHED: _later(
        DAY_S,
        "Each connection of this installation may spend {budget} a month, and yours has. To go on before the next "
        "month, ask the operator to raise that limit (SVP_MONTHLY_BUDGET_USD).",
    ),
    Code.NEW_CONNECTION_BUDGET_REACHED: _later(
        DAY_S,
        "Your connection is new here, and what new connections may spend this month is used up. To go on before the "
        "next month, ask the operator of this installation to trust your connection.",
    ),
    Code.INSTALLATION_BUDGET_REACHED: _later(
        DAY_S,
        "This installation's budget for this month is used up. To go on before the next month, its operator has to "
        "raise it (SVP_INSTALLATION_BUDGET_USD).",
    ),
    Code.STORAGE_FULL: _later(
        HOUR_S, "This installation has no space left on its disk. The operator has to make room."
    ),
    Code.STORAGE_FAILED: _now("This installation's storage of files didn't answer properly."),
    Code.STORE_UNREACHABLE: _now("This installation's database didn't answer."),
    Code.CANCELLED: _never("The run was stopped by an operator. Set the status to pending to start it again."),
    Code.INTERRUPTED: _later(5 * MINUTE_S, "The machine stopped while this link was worked on."),
    Code.RESULTS_GONE: _later(
        MINUTE_S, "What was found out about this link before is no longer kept. It starts again from the beginning."
    ),
    Code.MISCONFIGURED: _never("This installation is not set up properly: {reason}. Tell the operator."),
    Code.INTERNAL: _never(
        "Something unexpected went wrong; it is in the operator's log under this row's id. Set the status to pending "
        "to try again."
    ),
}


_WORDS_WITHOUT_ROW = {
    "Choose a tag that has a Content Database, or register one": "Register one",
    "Put the link of one TikTok or Instagram post into the url column and set the status to pending.": (
        "Add the link of one TikTok or Instagram post."
    ),
    "Set the status to pending to try it again": "Press Try again in the app to try it again",
    "Set the status to pending to try again": "Press Try again in the app",
    "Set the status to pending": "Press Try again in the app",
    "set the status to pending": "press Try again in the app",
    "under this row's id": "under this entry's id",
}
_WORDS_FOR_UPLOADS = {
    "This post no longer exists, or its link is mistyped. Check the link in a browser.": (
        "The uploaded file is no longer kept. Upload it again."
    ),
    "This post has no video": "This file has no video",
    "This video is": "This file is",
    "The video's file": "The file",
    "The video's sound": "The file's sound",
    "this video's content": "this file's content",
    "Another video, or another engine": "Another file, or another engine",
    "Check the link in a browser.": "Check that it plays, and upload it again.",
    "Check that the post plays in a browser to its end.": "Check that it plays to its end, and upload it again.",
    "Check that the post plays in a browser.": "Check that it plays, and upload it again.",
    "The site delivered a text instead of a video.": "This file holds a text instead of a video.",
    "The downloaded file is not a video that can be read: it is empty, damaged or of another kind. "
    "Check that it plays in a browser.": (
        "This file can't be read: it is empty, damaged or of another kind. Check that it opens, and upload it again."
    ),
    "There is nothing to make a page of: no speech was heard, no text was read on the screen, and the post has "
    "no caption.": "Nothing was found in this file: no speech was heard, and no text was read in its pictures.",
    "Check that it plays in a browser.": "Check that it plays, and upload it again.",
    "this link": "this file",
}


def worded(sentence: str, *, has_row: bool, is_upload: bool) -> str:
    """Return a sentence of the table in the words for its entry: one without a row in Notion, or an uploaded file."""
    words = ({} if has_row else _WORDS_WITHOUT_ROW) | (_WORDS_FOR_UPLOADS if is_upload else {})
    for usual, fitting in words.items():
        sentence = sentence.replace(usual, fitting)
    return sentence


BudgetCode = Literal[
    Code.BUDGET_REACHED,
    Code.CONNECTION_BUDGET_REACHED,
    Code.NEW_CONNECTION_BUDGET_REACHED,
    Code.INSTALLATION_BUDGET_REACHED,
]
BUDGET_CODES: frozenset[Code] = frozenset(get_args(BudgetCode))
"""Failures of rows that wait for money: they go on with the next month, or as soon as a cap is raised."""


OPERATOR_CODES: frozenset[Code] = frozenset(
    {
        Code.ADDRESS_BLOCKED,
        Code.ROBOT_SUSPECTED,
        Code.SITE_CHANGED,
        Code.KEY_REJECTED,
        Code.QUOTA_EXHAUSTED,
        Code.MODEL_RETIRED,
        Code.NOTION_BLOCKED,
        Code.INSTALLATION_BUDGET_REACHED,
        Code.STORAGE_FULL,
        Code.STORAGE_FAILED,
        Code.STORE_UNREACHABLE,
        Code.INTERRUPTED,
        Code.MISCONFIGURED,
        Code.INTERNAL,
    }
)
"""Failures of the installation, which its operator is alerted of: no link and no setting of a row's owner causes them,
and nothing of a row is in their sentences. What passes by itself, such as an outage of a service, isn't among them."""


class SvpError(Exception):
    """A failure of the table.

    `retry_after_s` is the wait that a service asked for, or the table's where repeating helps later.
    """

    def __init__(
        self, code: Code, *, retry: Retry, sentence: str, detail: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{code}: {detail or sentence}")
        self.code = code
        self.retry = retry
        self.sentence = sentence
        self.detail = detail
        self.retry_after_s = retry_after_s


class ClaimLost(Exception):
    """Another run holds this row now: stop and write nothing."""


class EntryGone(ClaimLost):
    """The store doesn't have this row: its owner's data were deleted, or it was never seen. Stop and write nothing."""


PlainCode = Literal[
    Code.LOGIN_REQUIRED,
    Code.GONE,
    Code.PRIVATE,
    Code.BLOCKED_OR_REGION,
    Code.ADDRESS_BLOCKED,
    Code.ROBOT_SUSPECTED,
    Code.RATE_LIMITED,
    Code.SITE_CHANGED,
    Code.SITE_UNREACHABLE,
    Code.LIVE_STREAM,
    Code.NO_MEDIA,
    Code.SOUND_ONLY,
    Code.MEDIA_EMPTY,
    Code.MEDIA_WRONG_KIND,
    Code.MEDIA_UNREADABLE,
    Code.NOTHING_TO_READ,
    Code.AUDIO_UNREADABLE,
    Code.SPEECH_FAILED,
    Code.SCREEN_FAILED,
    Code.SUMMARY_INVALID,
    Code.NOT_CONNECTED,
    Code.LINKED_VIEW,
    Code.ROW_GONE,
    Code.PAGE_GONE,
    Code.NOTION_BUSY,
    Code.NOTION_UNREACHABLE,
    Code.NOTION_BLOCKED,
    Code.NEW_CONNECTION_BUDGET_REACHED,
    Code.INSTALLATION_BUDGET_REACHED,
    Code.STORAGE_FULL,
    Code.STORAGE_FAILED,
    Code.STORE_UNREACHABLE,
    Code.CANCELLED,
    Code.INTERRUPTED,
    Code.RESULTS_GONE,
    Code.INTERNAL,
]
"""Codes whose sentence needs no facts."""

ReasonCode = Literal[
    Code.UNSUPPORTED_LINK,
    Code.UNKNOWN_TAG,
    Code.POST_UNAVAILABLE,
    Code.TOO_LONG,
    Code.TOO_LARGE,
    Code.SUMMARY_BLOCKED,
    Code.NOTION_LIMITS,
    Code.NOTION_REFUSED,
    Code.MISCONFIGURED,
]
"""Codes whose sentence needs the reason alone."""


class Options(TypedDict, total=False):
    """What any failure can be given beside its facts. `retry` overrides the table where the cause says more."""

    detail: str
    retry: Retry | None
    retry_after_s: float | None


# One overload for each set of placeholders, so that the type checker refuses a missing or misspelled fact.
@overload
def failure(code: PlainCode, **options: Unpack[Options]) -> SvpError: ...
@overload
def failure(code: ReasonCode, *, reason: str, **options: Unpack[Options]) -> SvpError: ...
@overload
def failure(code: Literal[Code.PLATFORM_PAUSED], *, platform: str, **options: Unpack[Options]) -> SvpError: ...
@overload
def failure(code: Literal[Code.WAITS_TURN], *, when: str, **options: Unpack[Options]) -> SvpError: ...
@overload
def failure(code: Literal[Code.MEDIA_TRUNCATED], *, read_to: str, **options: Unpack[Options]) -> SvpError: ...
@overload
def failure(
    code: Literal[Code.SERVICE_UNREACHABLE, Code.QUOTA_EXHAUSTED], *, service: str, **options: Unpack[Options]
) -> SvpError: ...
@overload
def failure(
    code: Literal[Code.KEY_REJECTED], *, service: str, setting: str, **options: Unpack[Options]
) -> SvpError: ...
@overload
def failure(
    code: Literal[Code.MODEL_RETIRED], *, model: str, service: str, setting: str, **options: Unpack[Options]
) -> SvpError: ...
@overload
def failure(code: Literal[Code.DATABASE_NOT_SHARED], *, database: str, **options: Unpack[Options]) -> SvpError: ...
@overload
def failure(
    code: Literal[Code.SCHEMA_CHANGED], *, database: str, reason: str, **options: Unpack[Options]
) -> SvpError: ...
@overload
def failure(code: Literal[Code.ROW_CHANGED], *, column: str, **options: Unpack[Options]) -> SvpError: ...
@overload
def failure(
    code: Literal[Code.BUDGET_REACHED, Code.CONNECTION_BUDGET_REACHED], *, budget: str, **options: Unpack[Options]
) -> SvpError: ...
def failure(
    code: Code, *, detail: str = "", retry: Retry | None = None, retry_after_s: float | None = None, **facts: str
) -> SvpError:
    """Return the failure for `code`, to be raised `from` its cause. Facts fill the placeholders of its sentence."""
    return failure_of(code, facts, detail=detail, retry=retry, retry_after_s=retry_after_s)


def failure_of(code: Code, facts: Mapping[str, str], **options: Unpack[Options]) -> SvpError:
    """Return the failure for a code that is known only at run time. Raises `KeyError` for a missing fact."""
    kind = TABLE[code]
    retry, retry_after_s = options.get("retry") or kind.retry, options.get("retry_after_s")
    if retry_after_s is None and retry is Retry.LATER:
        retry_after_s = float(kind.later_s or HOUR_S)
    sentence = kind.sentence.format(**{name: _in_one_line(fact) for name, fact in facts.items()})
    detail = options.get("detail", "")
    return SvpError(code, retry=retry, sentence=sentence, detail=detail, retry_after_s=retry_after_s)


def _in_one_line(fact: str) -> str:
    """Return the fact cut to `MAX_FACT_CHARS`, without line breaks, control and direction characters."""
    visible = "".join(sign if sign.isprintable() or sign in _JOINERS else " " for sign in fact[: 10 * MAX_FACT_CHARS])
    line = " ".join(visible.split())
    return line if len(line) <= MAX_FACT_CHARS else line[: MAX_FACT_CHARS - 1].rstrip() + "…"
