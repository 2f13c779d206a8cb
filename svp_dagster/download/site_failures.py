"""What went wrong at TikTok or Instagram, put into the words of the failure table.

The signals are those of yt-dlp 2026.10.26 (its messages are the only place where many of them are said), so this
file and the pinned version go together.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Any, Final

from svp_dagster.download.egress import EgressGuard
from svp_dagster.errors import Code, PlainCode, SvpError, failure
from svp_dagster.retry_after import parse_retry_after
from svp_dagster.unknown_answers import report

UNTRUSTED: Final = "the site's certificate is not trusted here"
_MAX_DETAIL_CHARACTERS: Final = 300
_WORD_WITH_DIGITS: Final = re.compile(r"\w*\d\w*")
"""An id or a number, which differs from post to post."""

# Source: curl, lib/curl_easy/strerror.c and lib/cw-out.c: CURLE_FILESIZE_EXCEEDED.
_FILE_SIZE: Final = re.compile(r"max(imum)? file size", re.IGNORECASE)

_SIGNALS: Final[tuple[tuple[str, PlainCode], ...]] = (
    (r"do not have permission to view this post|registered users who follow this account", Code.PRIVATE),
    (r"IP address is blocked", Code.ADDRESS_BLOCKED),
    (r"not available (in|from) your (location|country|region)", Code.BLOCKED_OR_REGION),
    (r"Restricted Video|Log in for access|requiring login|login required", Code.LOGIN_REQUIRED),
    (r"private (account|post|video|profile)|(account|post|video|profile) is private", Code.PRIVATE),
    (r"Video not available, status code|isn't available|may have been removed|has been removed", Code.GONE),
    (r"There is no video in this post|No video formats found|Requested format is not available", Code.NO_MEDIA),
    (r"Did not get any data blocks|downloaded file is empty", Code.MEDIA_EMPTY),
    (r"Giving up after|Got error:|timed out|A network error has occurred", Code.SITE_UNREACHABLE),
)
"""Parts of yt-dlp's messages and what they mean, the first that is found."""

# Source: statusMsg in recorded pages of 2026; davidteather/TikTok-Api issues 952 and 1007; yt-dlp issue 16605.
_TIKTOK_WORDS: Final[tuple[tuple[str, PlainCode], ...]] = (
    (r"delete|doesn't exist", Code.GONE),
    (r"self_see|privacy", Code.PRIVATE),
    (r"geo_fencing|cross_border", Code.BLOCKED_OR_REGION),
)
"""Parts of `statusMsg` and what they mean, the first that is found: a message may join several with `&`."""
_TIKTOK_REVIEW: Final = re.compile("review|audit")
# Source: yt-dlp, extractor/tiktok.py (10216 private post, 10222 private account); gallery-dl, extractor/tiktok.py.
_TIKTOK_CODES: Final[dict[int, PlainCode]] = {
    10216: Code.PRIVATE,
    10222: Code.PRIVATE,
    10231: Code.BLOCKED_OR_REGION,
}
"""Values of `statusCode` that say enough by themselves. 10204 stands for most of the messages."""


def tiktok_failure(status: int, message: str) -> SvpError:
    """Return the failure for the `statusCode` and `statusMsg` with which TikTok doesn't show a post.

    A pair that isn't known may pass by itself, and says nothing about the site. Status 0 without a post does: it is
    somewhere else in the page now.
    """
    detail = f"statusCode {status}: {message[:_MAX_DETAIL_CHARACTERS]!r}"
    for pattern, code in _TIKTOK_WORDS:
        if re.search(pattern, message, re.IGNORECASE):
            return failure(code, detail=detail)
    if _TIKTOK_REVIEW.search(message):
        return failure(Code.POST_UNAVAILABLE, reason="it is still being reviewed", detail=detail)
    if status in _TIKTOK_CODES:
        return failure(_TIKTOK_CODES[status], detail=detail)
    if status == 0:
        return failure(Code.SITE_CHANGED, detail=detail)
    return failure(Code.POST_UNAVAILABLE, reason="it gave no reason that we know of", detail=detail)


def status_failure(status: int, *, retry_after: str | None, platform: str) -> SvpError | None:
    """Return the failure behind an HTTP status of a site, None where the status alone says too little.

    Instagram answers 401 and 403 to those who ask too often, TikTok 403 to addresses that it doesn't like.
    """
    detail = f"HTTP {status}"
    if status == 429 or (status in (401, 403) and platform == "instagram"):
        return failure(Code.RATE_LIMITED, detail=detail, retry_after_s=parse_retry_after(retry_after))
    if status in (401, 403):
        return failure(Code.ADDRESS_BLOCKED, detail=detail)
    if status == 451:
        return failure(Code.BLOCKED_OR_REGION, detail=detail)
    if status in (404, 410):
        return failure(Code.GONE, detail=detail)
    if status == 408 or status >= 500:
        return failure(Code.SITE_UNREACHABLE, detail=detail, retry_after_s=parse_retry_after(retry_after))
    return None


def guard_failure(guard: EgressGuard) -> SvpError | None:
    """Return the failure that the egress guard knows of, whatever a client made of it."""
    if guard.proxy_denied:
        return failure(
            Code.MISCONFIGURED,
            reason="the egress proxy doesn't accept its user name or password",
            detail="the proxy answered 407",
        )
    if guard.exceeded:
        return failure(Code.TOO_LARGE, reason="larger than the limit", detail="more bytes than one fetch may take")
    if guard.is_over:
        return failure(Code.SITE_UNREACHABLE, detail="the download took too long")
    if guard.hidden:
        host, address = next(iter(guard.hidden.items()))
        reason = (
            f"DNS gives {host} the address {address}, which isn't on the internet; a VPN, a proxy or an ad blocker in "
            "the server's network may do that"
        )
        return failure(Code.MISCONFIGURED, reason=reason, detail=f"{host} resolves to {address}")
    if guard.refused:
        return failure(Code.NO_MEDIA, detail=f"refused to ask {guard.refused[-1]!r}")
    return None


def yt_dlp_failure(error: Exception, *, platform: str, guard: EgressGuard) -> SvpError:
    """Return the failure behind an exception of yt-dlp, to be raised `from` it."""
    from yt_dlp.cookies import CookieLoadError
    from yt_dlp.networking.exceptions import CertificateVerifyError, HTTPError, TransportError
    from yt_dlp.utils import UnsupportedError

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, SvpError):
            return cause
    if known := guard_failure(guard):
        return known

    message = str(error)
    detail = f"{type(error).__name__}: {message}"[:_MAX_DETAIL_CHARACTERS]
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return failure(Code.STORAGE_FULL, detail="no space left on device")
        if isinstance(cause, CookieLoadError):
            return failure(Code.MISCONFIGURED, reason="the cookies file can't be read", detail=detail)
        if isinstance(cause, CertificateVerifyError):
            return failure(Code.MISCONFIGURED, reason=UNTRUSTED, detail=detail)
        if isinstance(cause, HTTPError):
            retry_after = cause.response.headers.get("Retry-After")
            if known := status_failure(cause.status, retry_after=retry_after, platform=platform):
                return known
    if any(isinstance(cause, UnsupportedError) for cause in causes) or "No suitable extractor" in message:
        return failure(Code.UNSUPPORTED_LINK, reason="it doesn't name a post of this site", detail=detail)
    if _FILE_SIZE.search(message):
        return failure(Code.TOO_LARGE, reason="larger than the limit", detail=detail)
    for pattern, code in _SIGNALS:
        if re.search(pattern, message, re.IGNORECASE):
            return failure(code, detail=detail)
    if any(isinstance(cause, TransportError) for cause in causes):
        return failure(Code.SITE_UNREACHABLE, detail=detail)
    report(platform, status=None, kind=_WORD_WITH_DIGITS.sub("…", message), body=message)
    return failure(Code.SITE_CHANGED, detail=detail)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that is behind it: yt-dlp hides causes in attributes of its own."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        exc_info = getattr(cause, "exc_info", None) or (None, None)
        waiting += [exc_info[1], getattr(cause, "cause", None), cause.__cause__, cause.__context__]
