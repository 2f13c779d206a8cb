"""What Instagram answers instead of a post.

It refuses softly those who ask too often: a short answer of another form, or a page without the post. A post that needs
a login says so by a ruling, and only that is `login_required`. All else may pass, so it is `rate_limited`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from svp_dagster.download.site_failures import status_failure
from svp_dagster.errors import HOUR_S, Code, PlainCode, SvpError, failure

CHALLENGED: Final = "challenge_required"
"""The detail of a failure that means a flagged address. It doesn't pass without the operator."""

_CHALLENGE_REST_S: Final = 2.0 * HOUR_S

# Sources: 401 `require_login`, luojiahai/archiver issues 27 and 33; 400 `challenge_required`, the error classes of
# instagrapi; `execution error` with `data: null`, instaloader issue 2307; `for (;;);`, the guard before JSON of
# Facebook's platform; `gating_ruling`, recorded GraphQL answers of 2026.
_ANSWERS: Final[tuple[tuple[str, str, PlainCode], ...]] = (
    (CHALLENGED, r'"(challenge|checkpoint)_required"', Code.RATE_LIMITED),
    ("require_login", r'"require_login"\s*:\s*true', Code.RATE_LIMITED),
    ("for (;;);", r"\A\s*for\s*\(;;\);", Code.RATE_LIMITED),
    ("execution error", r'(?s)\A(?=.*"execution error")(?=.*"data"\s*:\s*null)', Code.RATE_LIMITED),
    ("gating_ruling", r'"gating_ruling"\s*:\s*\{', Code.LOGIN_REQUIRED),
)
"""What an answer of the API is called, its pattern and its meaning, the first that is found."""

# Source: the messages of yt-dlp 2026.10.26, extractor/instagram.py.
_MESSAGES: Final = r"exceeded the rate-limit|empty media response|Unable to extract LSD token"
"""The messages of an extractor that was shown pages without what belongs on them."""


def answer_failure(status: int, body: str, *, retry_after: str | None = None) -> SvpError | None:
    """Return the failure behind an answer of Instagram's API. None where it may be a post, or hold none."""
    for name, pattern, code in _ANSWERS:
        if re.search(pattern, body):
            return failure(code, detail=name, retry_after_s=_CHALLENGE_REST_S if name == CHALLENGED else None)
    if status < 400:
        return None
    known = status_failure(status, retry_after=retry_after, platform="instagram")
    return known or failure(Code.SITE_CHANGED, detail=f"HTTP {status}")


def page_failure(body: str) -> SvpError | None:
    """Return the failure behind a page of a post: a page may hold anything, so only a ruling is looked for."""
    name, pattern, code = _ANSWERS[-1]
    return failure(code, detail=name) if re.search(pattern, body) else None


def message_failure(message: str) -> SvpError | None:
    """Return the failure behind a message of yt-dlp's extractor. None for one that says it itself."""
    found = re.search(_MESSAGES, message)
    return failure(Code.RATE_LIMITED, detail=found[0]) if found else None


def has_session(cookies_file: Path) -> bool:
    """Return whether a Netscape cookie file holds a login of Instagram's. One that can't be read holds none."""
    try:
        lines = cookies_file.read_text(errors="replace").splitlines()
    except OSError:
        return False
    cookies = (line.removeprefix("#HttpOnly_").split("\t") for line in lines)
    return any(
        len(fields) == 7 and fields[0].lstrip(".").endswith("instagram.com") and fields[5] == "sessionid"
        for fields in cookies
    )
