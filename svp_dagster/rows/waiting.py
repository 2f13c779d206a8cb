"""Whether a row that failed is tried again, when, and what its owner reads meanwhile. Pure.

A failure that may pass by itself puts its row back to wait. Each wait is as long as the service asked for, or as the
failure table says, and at least `FIRST_WAIT_S`, doubled with every wait. After `MAX_WAITS` waits, or when a day has
gone by since the first, the row has failed for good, with the reason of its last failure.

A row that waits for a paused platform costs nobody anything: it may wait for a week, however often it waited before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from svp_dagster.errors import TABLE, Code, Retry, SvpError, failure

FIRST_WAIT_S = 5 * 60.0
MAX_WAIT_S = 24 * 3600.0
MAX_WAITS = 6
MAX_CRASHES = 3
WAITING_LIMIT = timedelta(hours=24)
PAUSE_LIMIT = timedelta(days=7)

_SAY_THEMSELVES_WHEN = frozenset({Code.PLATFORM_PAUSED, Code.ROW_CHANGED})


def next_try(error: SvpError, *, waits: int, waiting_since: datetime | None, now: datetime) -> datetime | None:
    """When a row that failed with `error` is tried again; None where it has failed for good.

    `waits` counts those that it had already, the first of which began at `waiting_since`.
    """
    if error.retry is Retry.NEVER:
        return None
    waited = now - waiting_since if waiting_since else timedelta()
    asked_s = min(error.retry_after_s or 0.0, MAX_WAIT_S)
    if error.code is Code.PLATFORM_PAUSED:
        return now + timedelta(seconds=asked_s) if waited < PAUSE_LIMIT else None
    if waits >= MAX_WAITS or waited >= WAITING_LIMIT:
        return None
    if error.code is Code.ROW_CHANGED:  # nothing is out of order that would need time
        return now + timedelta(seconds=asked_s)
    return now + timedelta(seconds=max(asked_s, FIRST_WAIT_S * 2**waits))


def sentence_of_a_wait(error: SvpError, *, until: datetime) -> str:
    """What the owner of a row that waits reads."""
    if error.code in _SAY_THEMSELVES_WHEN:
        return error.sentence
    return f"{error.sentence} It is tried again at {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC."


def sentence_of_the_end(error: SvpError, *, waits: int) -> str:
    """What the owner of a row that has failed for good reads."""
    if TABLE[error.code].retry is Retry.NEVER:
        return error.sentence
    tried = f" It was tried {waits + 1} times." if waits else ""
    return f"{error.sentence}{tried} Set the status to pending to try it again."


def interruption(*, attempts: int, detail: str) -> SvpError:
    """The failure of a row whose run vanished. One whose runs vanish again and again may be why they do."""
    is_suspect = attempts >= MAX_CRASHES
    return failure(Code.INTERRUPTED, retry=Retry.NEVER if is_suspect else None, detail=detail)
