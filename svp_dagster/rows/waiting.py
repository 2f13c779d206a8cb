"""The rules of trying again: between the attempts of an op, and between the runs of a row. Pure.

An op tries again within its run where that may help now. It waits as long as the service asked for, up to
`MAX_OP_WAIT_S`, since it keeps its process and its place in a pool meanwhile.

A failure that may pass by itself, and that the op's attempts didn't get past, puts its row back to wait. Each wait is
as long as the service asked for, or as the failure table says, and at least `FIRST_WAIT_S`, doubled with every wait.
After `MAX_WAITS` waits, or a day after the first, the row has failed for good, with the reason of its last failure.

A row that waits for a paused platform or for its turn spends no run, and one that met a throttle didn't fail by itself:
none of these waits uses up a try. A row may wait for a week for its platform. A throttled one waits ever longer.
Nor is a row to blame for a budget that is used up. It waits for the next month, or until a cap is raised.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from svp_dagster.errors import BUDGET_CODES, TABLE, Code, Retry, SvpError, failure
from svp_dagster.rows.pauses import SITE_FAULTS
from svp_dagster.store.entries import Entry
from svp_dagster.store.installation.platforms import Platform
from svp_dagster.store.transitions import FailureOutcome, FailureRule

ATTEMPTS = 3
FIRST_OP_WAIT_S, MAX_OP_WAIT_S = 2.0, 30.0

FIRST_WAIT_S = 5 * 60.0
MAX_WAIT_S = 24 * 3600.0
MAX_WAITS = 6
MAX_CRASHES = 3
WAITING_LIMIT = timedelta(hours=24)
PAUSE_LIMIT = timedelta(days=7)

_SENTENCE_SAYS_WHEN = frozenset({Code.PLATFORM_PAUSED, Code.WAITS_TURN, Code.ROW_CHANGED, Code.RESULTS_GONE})
_STARTS_AT_ONCE = frozenset({Code.ROW_CHANGED, Code.RESULTS_GONE})
"""Nothing is out of order that would need time."""
_USES_NO_TRY = frozenset({Code.PLATFORM_PAUSED, Code.WAITS_TURN, Code.RATE_LIMITED}) | BUDGET_CODES


def next_attempt_s(error: SvpError, *, attempt: int) -> float | None:
    """Return how long an op waits after the attempt of this number, from 1. None where its run ends.

    A run also ends where the service asks for more time than an op may take: the row waits then.
    """
    if error.retry is not Retry.NOW or attempt >= ATTEMPTS:
        return None
    wait_s = FIRST_OP_WAIT_S * 2 ** (attempt - 1) if error.retry_after_s is None else error.retry_after_s
    return wait_s if wait_s <= MAX_OP_WAIT_S else None


def next_try(error: SvpError, *, waits: int, waiting_since: datetime | None, now: datetime) -> datetime | None:
    """Return when a row that failed with `error` is tried again. None where it has failed for good.

    `waits` counts those that it had already and that used up a try. The first wait began at `waiting_since`.
    """
    if error.retry is Retry.NEVER:
        return None
    waited = now - waiting_since if waiting_since else timedelta()
    if error.code in BUDGET_CODES:
        return now + timedelta(seconds=error.retry_after_s or 0.0)
    asked_s = min(error.retry_after_s or 0.0, MAX_WAIT_S)
    if error.code is Code.WAITS_TURN:
        return now + timedelta(seconds=asked_s)
    if error.code in _USES_NO_TRY:
        grown_s = max(FIRST_WAIT_S, waited.total_seconds() / 4) if error.code is Code.RATE_LIMITED else 0.0
        wait = timedelta(seconds=min(max(asked_s, grown_s), MAX_WAIT_S))
        return now + wait if waited < PAUSE_LIMIT else None
    if waits >= MAX_WAITS or (waits and waited >= WAITING_LIMIT):
        return None
    if error.code in _STARTS_AT_ONCE:
        return now + timedelta(seconds=asked_s)
    return now + timedelta(seconds=max(asked_s, FIRST_WAIT_S * 2**waits))


def reason_to_wait(entry: Entry, platform: Platform | None, *, now: datetime) -> str | None:
    """Return why a row that waits is not tried yet. None where it is time."""
    if entry.failure_code is Code.PLATFORM_PAUSED:
        is_within_limit = entry.waiting_since is None or now - entry.waiting_since < PAUSE_LIMIT
        still = platform is not None and platform.is_paused and is_within_limit
        return "it waits until downloads from its platform work again" if still else None
    resumed_at = platform.resumed_at if platform is not None else None
    if entry.failure_code in SITE_FAULTS and resumed_at is not None and entry.updated_at < resumed_at:
        return None
    if entry.retry_at is not None and entry.retry_at > now:
        return f"it waits until {entry.retry_at.isoformat(timespec='minutes')}"
    return None


def failure_rule(error: SvpError) -> FailureRule:
    """Return the rule by which the store decides what becomes of a row that failed with `error`."""
    return partial(_outcome, error)


def _outcome(error: SvpError, *, waits: int, waiting_since: datetime | None, now: datetime) -> FailureOutcome:
    retry_at = next_try(error, waits=waits, waiting_since=waiting_since, now=now)
    return final_outcome(error, waits=waits) if retry_at is None else waiting_outcome(error, until=retry_at)


def waiting_outcome(error: SvpError, *, until: datetime) -> FailureOutcome:
    """Return the outcome for a row that waits."""
    return FailureOutcome(
        code=error.code,
        sentence=sentence_of_a_wait(error, until=until),
        retry_at=until,
        uses_try=error.code not in _USES_NO_TRY,
    )


def final_outcome(error: SvpError, *, waits: int) -> FailureOutcome:
    """Return the outcome for a row that has failed for good, after so many waits."""
    return FailureOutcome(code=error.code, sentence=sentence_of_the_end(error, waits=waits), retry_at=None)


def sentence_of_a_wait(error: SvpError, *, until: datetime) -> str:
    """Return what the owner of a row that waits reads."""
    if error.code in _SENTENCE_SAYS_WHEN:
        return error.sentence
    return f"{error.sentence} It is tried again at {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC."


def sentence_of_the_end(error: SvpError, *, waits: int) -> str:
    """Return what the owner of a row that has failed for good reads."""
    if TABLE[error.code].retry is Retry.NEVER:
        return error.sentence
    tried = f" It was tried {waits + 1} times." if waits else ""
    return f"{error.sentence}{tried} Set the status to pending to try it again."


def interruption(*, attempts: int, detail: str) -> SvpError:
    """Return the failure of a row whose run died. After `MAX_CRASHES` the row itself is the suspect, and fails."""
    is_suspect = attempts >= MAX_CRASHES
    return failure(Code.INTERRUPTED, retry=Retry.NEVER if is_suspect else None, detail=detail)
