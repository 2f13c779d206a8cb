"""The codes and words with which TikTok's page says that it doesn't show a post."""

from typing import NamedTuple


class Status(NamedTuple):
    """`statusCode` and `statusMsg` of `webapp.video-detail`."""

    code: int
    message: str = ""


SHOWN = Status(0)
# Source: recorded pages of 2026 in public repositories (find "item doesn't exist"); davidteather/TikTok-Api issue 952.
NEVER_THERE = Status(10204, "item doesn't exist")

REFUSALS = {
    # Source: yt-dlp, extractor/tiktok.py, TikTokIE._real_extract: 10216 private post, 10222 private account.
    # Assumed: 10216 and 10222 come without a statusMsg. If wrong: nothing, the code alone decides. Check: none.
    "private_post": Status(10216),
    "private_account": Status(10222),
    # Source: statusMsg counted over sampled posts and recorded pages of 2026; davidteather/TikTok-Api issue 1007.
    "region": Status(10204, "person_geo_fencing"),
    "removed": Status(10204, "status_deleted"),
    "removed_and_private": Status(10204, "item_privacy_authorization&status_deleted"),
    "never_there": NEVER_THERE,
    "self_see": Status(10204, "status_self_see"),
    "reviewing": Status(10204, "status_reviewing"),
    "audit": Status(10204, "status_audit_not_pass"),
    "cross_border_ur": Status(10204, "cross_border_violation_ur"),
    # Source: gallery-dl, extractor/tiktok.py: 10231 is a region lock; recorded pages name it cross_border_violation.
    "cross_border": Status(10231, "cross_border_violation"),
    # Source: davidteather/TikTok-Api issue 1007: a code that no client knows.
    # Assumed: 100004 comes without a statusMsg and passes. If wrong: a post that is gone is tried again for as long as
    # a row may wait. Check: none.
    "unknown_status": Status(100004),
}
"""Name of a post → why the site doesn't show it."""
