"""The `Retry-After` header, by which a service says how long to wait before the next call (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_S = 24 * 3600.0
"""No wait is longer, whatever a service asks for."""

_SECONDS = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)  # the RFC knows whole ones alone, some services send fractions


def parse_retry_after(header: str | None) -> float | None:
    """Return the seconds to wait, given as a number or as a date. None without a header that can be understood.

    A date in the past gives 0.
    """
    given = (header or "").strip()
    if _SECONDS.fullmatch(given):
        return min(float(given), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:  # HTTP's dates are in UTC, and one of its three formats doesn't say so
        at = at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER_S)
